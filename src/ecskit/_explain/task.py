"""Explain a task: a pure function of the task, its task definition and its log lines."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import timezone

import attrs

from ecskit._explain.finding import Evidence, EvidencePlace, Finding, FindingWeight, by_weight, merged
from ecskit._explain.table import row_of
from ecskit.models.task_definitions import TaskDefinition
from ecskit.models.tasks import Container, Task

__all__ = ["findings_of_task", "optional_containers", "short"]

_SAYS_NOTHING = re.compile(r"Essential container in task exited|Task stopped\.?$|\s*$", re.IGNORECASE)
"""Reasons that only repeat the stop code."""
_STOP_SIGNALS = {137, 143}
"""Exit codes after SIGKILL and SIGTERM. Containers receive these signals when another container has exited."""
_LOG_CODES = {1, 126, 127, 132, 255}
"""Exit codes for which a log line may name the cause."""


def findings_of_task(task: Task, *, optional: Collection[str] = (), log_lines: Iterable[str] = ()) -> Sequence[Finding]:
    """Return why a task stopped, does not run yet, or is unhealthy, by weight.

    Texts of the task and of its containers come first. Exit codes count if ECS did not stop the task itself, and those
    of SIGTERM and SIGKILL only if no other container has ended the task.

    Args:
        task: The task.
        optional: Names of the containers that are not essential.
        log_lines: The last log lines of its containers.
    """
    findings = list(_by_texts(task))
    stopped_by_ecs = any(finding.weight == "no fault" or _is_health(finding) for finding in findings)
    if not stopped_by_ecs:
        outside = _by_stop_code(task)
        findings += outside
        if not outside:
            findings += _by_exit_codes(task, optional, findings)
    findings += _by_log_lines(task, log_lines)
    if task.last_status not in ("STOPPED", "DELETED"):
        findings += [*_by_health(task), *_by_agents(task), *_by_status(task)]
    return by_weight(merged(findings))


def _by_texts(task: Task) -> Iterator[Finding]:
    """Yield a finding for each text of the task and of its containers."""
    places: Sequence[tuple[EvidencePlace, str | None, Container | None]] = [
        *(("container", container.reason, container) for container in task.containers),
        ("task", task.stopped_reason, None),
    ]
    shown: set[str] = set()
    for place, text, container in places:
        if not text or _SAYS_NOTHING.match(text) or text in shown:
            continue
        shown.add(text)
        row = row_of(place, text)
        about = container or _named_in(text, task.containers)
        evidence = Evidence(place, text, about.name if about else None)
        if row:
            yield row.finding(evidence, image=about.image if about else None)
        elif not (place == "task" and task.stop_code == "UserInitiated"):  # any caller of StopTask can write the text
            yield unknown(evidence, image=about.image if about else None)


def unknown(evidence: Evidence, *, image: str | None = None) -> Finding:
    """Return the finding for a text that is not in the table."""
    return Finding(
        name="unknown", weight="unknown", what="", evidence=(evidence,), container=evidence.container, image=image
    )


def _named_in(text: str, containers: Sequence[Container]) -> Container | None:
    """Return the container whose image a text names, or the only one of a task that could not pull its image."""
    for container in containers:
        if container.image and container.image in text:
            return container
    return containers[0] if len(containers) == 1 and "CannotPull" in text else None


def _is_health(finding: Finding) -> bool:
    return finding.name.endswith("-health")


def _by_stop_code(task: Task) -> list[Finding]:
    """Return the finding for a task that was stopped from outside, if no text names it."""
    row = row_of("stop code", task.stop_code or "")
    if row is None:
        return []
    text = task.stopped_reason or str(task.stop_code)
    return [row.finding(Evidence("stop code", text))]


def _by_exit_codes(task: Task, optional: Collection[str], by_text: Sequence[Finding]) -> list[Finding]:
    """Return a finding for each container that ended the task by its exit code."""
    explained = {finding.container for finding in by_text if finding.container}
    exited = [container for container in task.containers if container.exit_code is not None]
    own = [container for container in exited if container.exit_code not in {0, *_STOP_SIGNALS}]
    ended_by_other = bool(by_text) or any(
        container.exit_code not in _STOP_SIGNALS and container.name not in optional for container in exited
    )
    failed = own or ([] if ended_by_other else [c for c in exited if c.exit_code in _STOP_SIGNALS])
    if not failed and not by_text and (task.group or "").startswith("service:"):
        failed = [container for container in exited if container.exit_code == 0 and container.name not in optional]
    findings: list[Finding] = []
    for container in failed:
        row = row_of("exit code", str(container.exit_code))
        if row is None or container.name in explained:
            continue
        text = f"exit code {container.exit_code}"
        finding = row.finding(Evidence("exit code", text, container.name), image=container.image)
        weight: FindingWeight = "consequence" if container.name in optional else finding.weight
        findings.append(attrs.evolve(finding, weight=weight))
    return findings


def _by_health(task: Task) -> Iterator[Finding]:
    """Yield a finding for each container that is unhealthy."""
    row = row_of("health", "UNHEALTHY")
    for container in task.containers:
        if row and container.health_status == "UNHEALTHY":
            yield row.finding(Evidence("health", "UNHEALTHY", container.name), image=container.image)


def _by_agents(task: Task) -> Iterator[Finding]:
    """Yield a finding for each container whose agent, such as that of ECS Exec, has stopped while it runs."""
    for container in task.containers:
        for agent in container.managed_agents if container.last_status == "RUNNING" else ():
            text = f"{agent.name} {agent.last_status}{f': {agent.reason}' if agent.reason else ''}"
            row = row_of("agent", text)
            if row:
                yield row.finding(Evidence("agent", text, container.name))


def _by_status(task: Task) -> Iterator[Finding]:
    """Yield a finding for a task that starts: what it waits for, by the status and times that ECS shows."""
    since = f" since {task.created_at.astimezone(timezone.utc):%H:%M:%S} UTC" if task.created_at else ""
    pulled = ", images pulled" if task.pull_stopped_at else ""
    text = f"{task.last_status}{since}{pulled}"
    row = row_of("status", text)
    if row:
        yield row.finding(Evidence("status", text))


def _by_log_lines(task: Task, lines: Iterable[str]) -> list[Finding]:
    """Return a finding for the first log line that names a cause.

    Log lines may hold secrets, so the evidence is the part that the table describes.
    """
    if not any(container.exit_code in _LOG_CODES for container in task.containers):
        return []
    for line in lines:
        row = row_of("log", line)
        if row:
            return [row.finding(Evidence("log", row.part_of(line)))]
    return []


def optional_containers(definition: TaskDefinition | None) -> frozenset[str]:
    """Return the names of the containers that are not essential. Containers are essential by default."""
    defined = definition.container_definitions if definition else ()
    return frozenset(container.name for container in defined if container.name and container.essential is False)


def short(arn: str | None) -> str:
    """Return the last part of an ARN: the id of a task, or family and revision of a task definition."""
    return (arn or "").rsplit("/", 1)[-1]
