"""Explain a service: a pure function of the service, its stopped tasks and its events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone

import attrs

from ecskit._core.reasons import LASTING, PASSING, find, without_names
from ecskit._core.wording import listed, plural
from ecskit._explain.finding import Evidence, Finding, FindingWeight
from ecskit._explain.table import REFINED, row_of
from ecskit._explain.task import findings_of_task, short
from ecskit.models.services import Service, ServiceEvent
from ecskit.models.tasks import Task

__all__ = ["findings_of_service", "state_of_service"]

_STEADY = "has reached a steady state"
_LATER: Mapping[FindingWeight, int] = {"event": 1, "minor": 2, "consequence": 2, "no fault": 3}
"""Weights of findings that come after those of stopped tasks."""


def findings_of_service(
    events: Sequence[ServiceEvent],
    stopped: Sequence[Task],
    optional: Mapping[str, frozenset[str]],
    running: Sequence[Task] = (),
) -> Sequence[Finding]:
    """Return why the tasks of a service stopped, are unhealthy or are not placed: the finding of most tasks first.

    Each stopped task counts for the finding that explains most about it. Events count from the latest steady state on.
    What other tasks and events repeat of the stopped tasks is added to their finding.

    Args:
        events: The events of the service, the newest one first.
        stopped: Its stopped tasks.
        optional: The containers that are not essential, by the ARN of the task definition.
        running: The tasks that run or start.
    """
    findings = _with(_counted(stopped, optional, most=1), _counted(running, optional))
    findings = _with(findings, _of_events(events))
    if any(finding.weight not in ("minor", "no fault") for finding in findings):
        # Tasks that start replace those that fail.
        findings = [finding for finding in findings if finding.evidence[0].place != "status"]
    return sorted(findings, key=_position)


def _with(findings: Sequence[Finding], others: Sequence[Finding]) -> list[Finding]:
    """Return findings with others. Those of the same, or of what they explain better, become one."""
    found, more = list(findings), list[Finding]()
    for other in others:
        same = [place for place, each in enumerate(found) if each.name in (other.name, REFINED.get(other.name))]
        for place in same:
            first = found[place]
            found[place] = attrs.evolve(
                first if first.name == other.name else other,
                evidence=(*first.evidence, *other.evidence),
                container=first.container,
                image=first.image,
                count=first.count,
                total=first.total,
            )
        if not same:
            more.append(other)
    return found + more


def _position(finding: Finding) -> tuple[int, int]:
    """Return the position in the order: findings of tasks by their number, then events, then what is no fault."""
    from_tasks = finding.evidence[0].place != "event"
    return _LATER.get(finding.weight, 0 if from_tasks else 1), -finding.count


def _counted(tasks: Sequence[Task], optional: Mapping[str, frozenset[str]], most: int | None = None) -> list[Finding]:
    """Return the findings of tasks, each with the number of its tasks. Only the first ones of each task count."""
    found: dict[tuple[str, str | None, str], list[Finding]] = {}
    for task in tasks:
        of_task = findings_of_task(task, optional=optional.get(task.task_definition_arn or "", frozenset()))
        for finding in of_task[:most]:
            text = without_names(finding.evidence[0].text) if finding.name == "unknown" else ""
            found.setdefault((finding.name, finding.container, text), []).append(finding)
    return [_one(findings, len(tasks)) for findings in found.values()]


def _one(findings: Sequence[Finding], total: int) -> Finding:
    """Return equal findings as one, with the evidence of the first. The image is left out if there are several."""
    images = {finding.image for finding in findings}
    image = findings[0].image if len(images) == 1 else None
    return attrs.evolve(findings[0], count=len(findings), total=total, image=image)


def _of_events(events: Sequence[ServiceEvent]) -> list[Finding]:
    """Return the findings of the events since the latest steady state, each with the number of its events."""
    found: dict[tuple[str, str], list[Finding]] = {}
    for event in events:
        message = event.message or ""
        if _STEADY in message:
            break
        evidence = Evidence("event", message)
        row = row_of("event", message)
        if row:
            found.setdefault((row.name, ""), []).append(row.finding(evidence))
        elif find(message, "unplaced", "failure", *PASSING, *LASTING):
            unknown = Finding(name="unknown", weight="event", what="", evidence=(evidence,))
            found.setdefault(("unknown", without_names(message)), []).append(unknown)
    return [attrs.evolve(findings[0], count=len(findings)) for findings in found.values()]


def state_of_service(service: Service, stopped: Sequence[Task]) -> str:
    """Return the state of a service and its stopped tasks in one line."""
    name, status = service.service_name, service.status
    if status not in (None, "ACTIVE"):
        return f"{name} is {status}. {_stopped(stopped)}"
    pending = f", {service.pending_count} pending" if service.pending_count else ""
    desired = service.desired_count or 0
    runs = "runs" if desired == 1 else "run"
    counts = f"{name}: {service.running_count or 0} of {plural(desired, 'task')} {runs}{pending}."
    return " ".join([counts, _stopped(stopped), *_rollouts(service)])


def _stopped(tasks: Sequence[Task]) -> str:
    visible = "(ECS shows stopped tasks for about an hour)"
    if not tasks:
        return f"No stopped tasks {visible}."
    definitions = Counter(short(task.task_definition_arn) or "unknown" for task in tasks).most_common()
    first, count = definitions[0]
    others = [f"{number} of {name}" for name, number in definitions[1:]]
    named = " and ".join([f"{plural(count, 'task')} of {first}", *([listed(others, 3)] if others else [])])
    return f"{named} stopped{_when(tasks)} {visible}."


def _when(tasks: Iterable[Task]) -> str:
    """Return when tasks stopped, by the clock of ECS."""
    times = sorted(filter(None, (task.stopped_at or task.stopping_at for task in tasks)))
    if not times:
        return ""
    first, last = (_minute(time) for time in (times[0], times[-1]))
    return f" at {first} UTC" if first == last else f" between {first} and {last} UTC"


def _minute(time: datetime) -> str:
    return f"{time.astimezone(timezone.utc):%H:%M}"


def _rollouts(service: Service) -> Iterator[str]:
    """Yield a sentence for each deployment that is not completed."""
    for deployment in service.deployments:
        if deployment.rollout_state not in (None, "COMPLETED"):
            failed = deployment.rollout_state == "FAILED" and deployment.rollout_state_reason
            reason = f": {deployment.rollout_state_reason}" if failed else "."
            yield f"The deployment of {short(deployment.task_definition)} is {deployment.rollout_state}{reason}"
