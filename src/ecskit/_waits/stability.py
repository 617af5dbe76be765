"""Decides whether a service is stable, from the latest poll and from what earlier polls showed.

Reads lag, and reads show the same after a rollback as after a deployment. So a `History` keeps the newest
deployment that was observed, and the service is compared with it. Only timestamps of ECS are compared with each other.

Source of the members of deployments: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal, TypeAlias

import attrs

from ecskit._core.reasons import Kind, find
from ecskit._polling.conditions import NOT_VISIBLE_PACE, Evaluation, Met, NotYet, Unreachable
from ecskit._polling.observations import ResourceState
from ecskit._waits.errors import ServiceGone
from ecskit.models.services import Deployment, Service, TaskSet

__all__ = [
    "History",
    "controller_of",
    "has_task_sets",
    "is_predecessor",
    "remember",
    "stability",
    "state_of",
    "unsteady_task_sets",
]

Phase: TypeAlias = Literal["predecessor", "deleted", "in progress", "rolled back", "failed", "stable"]
"""What a poll shows of a service. "predecessor" is an earlier service of the same name."""

REQUIRED_POLLS = 2
"""Polls in a row that have to show the same."""
_FAILURE: Sequence[Kind] = ("failure", "rollback")
_MOST_EVENTS = 2
"""The maximum number of events that a reason quotes."""


@attrs.frozen(kw_only=True)
class History:
    """What polls, and the response that the caller passed, have shown of a service so far."""

    given: Service | None = None
    """The service as the caller passed it."""
    created_at: datetime | None = None
    """When the newest service of this name was created."""
    newest: Deployment | None = None
    """The newest deployment as last observed. If it was FAILED, as it was then."""
    replaced: str | None = None
    """The id of the deployment that was the newest one before."""
    older: frozenset[str] = frozenset()
    """The ids of the older deployments."""
    newest_shown: bool = False
    """Whether a poll has shown the newest one: reads may lag behind the response that the caller passed."""
    newest_was_primary: bool = False
    """Whether the newest one was PRIMARY."""
    phase: tuple[Phase | None, str] = (None, "")
    """The phase that the latest poll shows, and the id of the PRIMARY deployment or task set."""
    polls_in_phase: int = 0
    """How many polls in a row have shown that."""


def remember(resource: ResourceState[Service], service: Service) -> History:
    """Return the history after an observation."""
    was: History = resource.memory or History()
    given = was.given if resource.shown else resource.last
    newest = _newest(was, service)
    shown = {each.id for each in _current(service)}
    replaced = was.newest.id if was.newest and newest and was.newest.id != newest.id else was.replaced
    now = History(
        given=given,
        created_at=max(filter(None, [was.created_at, service.created_at]), default=None),
        newest=newest,
        replaced=replaced,
        older=(was.older | shown) - {newest.id if newest else ""},
        newest_shown=newest is not None and (newest.id in shown or (was.newest_shown and resource.shown)),
        newest_was_primary=(
            newest is not None
            and (newest.id == _primary_id(service) or (was.newest_was_primary and replaced == was.replaced))
        ),
    )
    phase = (_phase(service, now), _primary_id(service))
    again = resource.shown and not resource.missing_polls and phase == was.phase
    return attrs.evolve(now, phase=phase, polls_in_phase=was.polls_in_phase + 1 if again else 1)


def stability(resource: ResourceState[Service]) -> Evaluation:
    """Evaluate the condition that a service is stable."""
    assert resource.last is not None  # conditions are evaluated for observed targets
    service, history = resource.last, resource.memory
    phase, _ = history.phase
    if phase == "stable":
        certain = history.polls_in_phase >= REQUIRED_POLLS or not resource.shown
        return Met() if certain else NotYet("was stable in one poll only", NOT_VISIBLE_PACE)
    if phase == "in progress":
        return NotYet("; ".join(_unmet(service, history)))
    problem, certain = _problem(phase, service, history)
    if certain and resource.shown:
        return Unreachable(problem, ServiceGone if phase == "deleted" else None)
    return NotYet(f"{problem}, possibly in an outdated read", NOT_VISIBLE_PACE)


def state_of(service: Service) -> str:
    """Return the status and the rollout state of a service; stories count these."""
    task_set, deployment = _primary_task_set(service) if has_task_sets(service) else None, _primary(service)
    rollout = task_set.stability_status if task_set else deployment.rollout_state if deployment else None
    return " ".join(filter(None, [service.status, rollout]))


def controller_of(service: Service) -> str:
    """Return the type of the deployment controller of a service."""
    return service.deployment_controller.type if service.deployment_controller else "ECS"


def has_task_sets(service: Service) -> bool:
    """Whether the tasks of a service belong to task sets instead of deployments."""
    return controller_of(service) in ("EXTERNAL", "CODE_DEPLOY")


def is_predecessor(service: Service, history: History) -> bool:
    """Whether a read shows an earlier service of the same name than one that was observed before."""
    return history.created_at is not None and service.created_at is not None and service.created_at < history.created_at


def _phase(service: Service, history: History) -> Phase:
    """Return the phase that a poll shows."""
    if is_predecessor(service, history):
        return "predecessor"
    if service.status in ("DRAINING", "INACTIVE"):
        return "deleted"
    primary = _primary(service)
    if controller_of(service) == "ECS" and service.status == "ACTIVE" and primary and history.newest:
        if primary.id != history.newest.id and _may_become_primary(service, history.newest, history):
            return "in progress"
        if primary.id != history.newest.id or _is_rollback(primary, history):
            return "rolled back"
        if primary.rollout_state == "FAILED":
            return "failed"
    return "in progress" if any(_unmet(service, history)) else "stable"


def _problem(phase: Phase | None, service: Service, history: History) -> tuple[str, bool]:
    """Return what is wrong with a service, and whether that is certain once a poll has shown it."""
    confirmed = history.polls_in_phase >= REQUIRED_POLLS
    if phase == "deleted":
        return f"is {service.status}", confirmed or (history.given is not None and _is_same(history.given, service))
    if phase == "rolled back":
        return _rolled_back(service, history), _is_certainly_back(service, history)
    if phase == "failed":
        return f"failed to deploy {_failed_deployment(service, history.newest)}", confirmed
    return "is an older service of the same name", False


def _unmet(service: Service, history: History) -> Iterator[str]:
    """Yield why a service is not stable."""
    if service.status != "ACTIVE":
        yield f"is {service.status}"
    if history.given is not None and _is_outdated(service, history.given):
        yield f"has the desired count {service.desired_count}, not {history.given.desired_count} yet"
    yield from unsteady_task_sets(service) if has_task_sets(service) else _unmet_tasks(service)


def _unmet_tasks(service: Service) -> Iterator[str]:
    primary = _primary(service)
    if primary is None:
        yield "has no PRIMARY deployment yet"
        return
    running, pending, desired = service.running_count or 0, service.pending_count or 0, service.desired_count or 0
    if primary.rollout_state not in (None, "COMPLETED"):
        failed = f", {primary.failed_tasks} tasks failed" if primary.failed_tasks else ""
        why = "; ".join(_failure_events(service, primary.created_at))
        yield f"deployment {primary.id} is {primary.rollout_state}{failed}{f' ({why})' if why else ''}"
    if running != desired or pending:
        yield f"{running} of {desired} tasks running, {pending} pending"
    others = len(_current(service)) - 1
    if others:
        yield f"has {others} other deployment{'s' if others > 1 else ''}"


def unsteady_task_sets(service: Service) -> Iterator[str]:
    """Yield why a service with task sets is not stable."""
    if _primary_task_set(service) is None and (service.desired_count or service.task_sets):
        yield "has no PRIMARY task set"
    for each in service.task_sets:
        if each.status == "DRAINING":
            continue
        running, pending, desired = each.running_count or 0, each.pending_count or 0, _desired(service, each)
        if each.stability_status != "STEADY_STATE" or running != desired or pending:
            state = each.stability_status or each.status
            yield f"task set {each.id} is {state}, {running} of {desired} tasks running, {pending} pending"


def _desired(service: Service, task_set: TaskSet) -> int:
    """Return the share of a task set in the count of its service, rounded up, as ECS computes it.

    After a change of the count, ECS may show the new count before it has computed the share.
    """
    scale = task_set.scale.value if task_set.scale else None
    if scale is None or service.desired_count is None:
        return task_set.computed_desired_count or 0
    return math.ceil(round(service.desired_count * scale / 100, 6))


def _newest(was: History, service: Service) -> Deployment | None:
    """Return the newest deployment that was observed; the PRIMARY one if timestamps do not decide."""
    current = _current(service)
    shown = {each.id for each in current}
    newest = was.newest
    for each in sorted(current, key=lambda one: one.status == "PRIMARY"):
        if newest is None:
            newest = each
        elif each.id == newest.id:
            newest = newest if newest.rollout_state == "FAILED" else each
        elif each.created_at is not None and newest.created_at is not None and each.created_at != newest.created_at:
            newest = each if each.created_at > newest.created_at else newest
        elif each.status == "PRIMARY" and each.id not in was.older and newest.id in shown:
            newest = each
    return newest


def _may_become_primary(service: Service, newest: Deployment, history: History) -> bool:
    """Whether the newest deployment may still become PRIMARY: it exists, never was PRIMARY, and has not failed."""
    exists = newest.id in {each.id for each in _current(service)}
    return exists and newest.rollout_state != "FAILED" and not history.newest_was_primary


def _is_rollback(primary: Deployment, history: History) -> bool:
    """Whether the PRIMARY deployment is a rollback, and not the deployment that the caller waits for."""
    if not find(primary.rollout_state_reason, "rollback"):
        return False
    # A service that was rolled back long ago is stable.
    return primary.rollout_state != "COMPLETED" or history.replaced is not None


def _is_certainly_back(service: Service, history: History) -> bool:
    """Whether a service was rolled back for certain, and the poll is not an outdated read."""
    newest = history.newest
    if newest is None or newest.id in {each.id for each in _current(service)}:
        return True
    if history.polls_in_phase < REQUIRED_POLLS:
        return False
    latest = _latest(service)
    if newest.created_at is not None and latest is not None and latest > newest.created_at:
        return True
    primary = _primary(service)
    has_times = newest.created_at is not None and primary is not None and (primary.updated_at or service.events)
    return history.newest_shown and not has_times


def _is_outdated(service: Service, given: Service) -> bool:
    """Whether a read shows another desired count than the caller passed, and nothing newer."""
    if given.desired_count is None or service.desired_count == given.desired_count:
        return False
    latest, before = _latest(service), _latest(given)
    return latest is None or before is None or latest <= before


def _is_same(given: Service, service: Service) -> bool:
    return given.created_at is not None and given.created_at == service.created_at


def _latest(service: Service) -> datetime | None:
    """Return the latest timestamp in a read."""
    units: list[Deployment | TaskSet] = [*service.deployments, *service.task_sets]
    times = [time for each in units for time in (each.created_at, each.updated_at)]
    times += [event.created_at for event in service.events]
    return max((time for time in times if time is not None), default=None)


def _rolled_back(service: Service, history: History) -> str:
    primary, newest = _primary(service), history.newest
    assert primary is not None  # the phase requires one
    assert newest is not None
    before = newest.id if newest.id != primary.id else history.replaced
    text = f"went back from deployment {before}" if before else "is rolled back"
    return f"{text} to {primary.id}{_reason(service, newest)}"


def _failed_deployment(service: Service, deployment: Deployment | None) -> str:
    return f"{deployment.id}{_reason(service, deployment)}" if deployment else ""


def _reason(service: Service, newest: Deployment) -> str:
    """Return the reason that ECS gives for the failure of the newest deployment, in parentheses; empty without one."""
    reason = newest.rollout_state_reason
    reasons = [reason] if reason and (newest.rollout_state == "FAILED" or find(reason, *_FAILURE)) else []
    reasons = reasons or [*_failure_events(service, newest.created_at)]
    return f" ({'; '.join(reasons)})" if reasons else ""


def _failure_events(service: Service, since: datetime | None) -> Sequence[str]:
    """Return the latest events that report a failure."""
    messages = [
        event.message
        for event in service.events
        if event.message
        and find(event.message, *_FAILURE)
        and (since is None or event.created_at is None or event.created_at >= since)
    ]
    return list(dict.fromkeys(messages))[:_MOST_EVENTS]


def _current(service: Service) -> list[Deployment]:
    return [each for each in service.deployments if each.status != "INACTIVE"]


def _primary(service: Service) -> Deployment | None:
    return next((each for each in service.deployments if each.status == "PRIMARY"), None)


def _primary_task_set(service: Service) -> TaskSet | None:
    return next((each for each in service.task_sets if each.status == "PRIMARY"), None)


def _primary_id(service: Service) -> str:
    primary = _primary(service) or _primary_task_set(service)
    return primary.id if primary else ""
