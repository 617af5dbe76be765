"""Whether a service is stable: what a look shows, and what has to be known from earlier ones to judge it.

Reads lag, and a service that was rolled back looks as calm as one that was deployed. So a `History` keeps the newest
deployment that anybody has shown; a service is judged by it. Only times of ECS are compared, with each other. Asks ECS
nothing.

Source of what deployments show: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

import attrs

from ecskit._polling.conditions import NOT_VISIBLE_PACE, Evaluation, Met, NotYet, Unreachable
from ecskit._polling.observations import ResourceState
from ecskit._waits.errors import ServiceGone
from ecskit.models.services import Deployment, Service, TaskSet

__all__ = ["History", "controller_of", "is_predecessor", "remember", "stability", "state_of", "unsteady_task_sets"]

REQUIRED_POLLS = 2
"""Looks in a row that have to show what counts."""
_COMPLAINT = re.compile(r"\bfail(ed|ure|ures)?\b|\bunable to\b|\broll(ed|ing) back\b|\bunhealthy\b", re.IGNORECASE)
_GOING_BACK = re.compile(r"\broll(ed|ing) back\b", re.IGNORECASE)
_COMPLAINTS = 2
"""How many events a reason quotes at the most."""


@attrs.frozen(kw_only=True)
class History:
    """What has been shown of a service so far, by looks and by what the caller has seen before them."""

    given: Service | None = None
    """What the caller has seen."""
    born: datetime | None = None
    """When the newest service that had the name was created."""
    newest: Deployment | None = None
    """The newest deployment, as it was last seen; if it was seen to have failed, as it was then."""
    replaced: str | None = None
    """The id of the deployment that was the newest before."""
    others: frozenset[str] = frozenset()
    """The ids of the deployments that are older."""
    showed: bool = False
    """Whether a look has shown the newest one: reads may not have caught up with what the caller has seen."""
    led: bool = False
    """Whether the newest one was PRIMARY."""
    sight: tuple[str, str] = ("", "")
    """What the latest look shows in a word, and the deployment or task set that is PRIMARY."""
    times: int = 0
    """How many looks in a row have shown that."""


def remember(resource: ResourceState[Service], seen: Service) -> History:
    """Return the history after an observation."""
    was: History = resource.memory or History()
    given = was.given if resource.shown else resource.last
    newest = _newest(was, seen)
    shown = {each.id for each in _current(seen)}
    replaced = was.newest.id if was.newest and newest and was.newest.id != newest.id else was.replaced
    now = History(
        given=given,
        born=max(filter(None, [was.born, seen.created_at]), default=None),
        newest=newest,
        replaced=replaced,
        others=(was.others | shown) - {newest.id if newest else ""},
        showed=newest is not None and (newest.id in shown or (was.showed and resource.shown)),
        led=newest is not None and (newest.id == _primary_id(seen) or (was.led and replaced == was.replaced)),
    )
    sight = (_word(seen, now), _primary_id(seen))
    again = resource.shown and not resource.missing_polls and sight == was.sight
    return attrs.evolve(now, sight=sight, times=was.times + 1 if again else 1)


def stability(resource: ResourceState[Service]) -> Evaluation:
    """Say whether a service is stable, will be, or will never be."""
    assert resource.last is not None  # aims are asked about what was seen
    service, history = resource.last, resource.memory
    word, _ = history.sight
    if word == "stable":
        sure = history.times >= REQUIRED_POLLS or not resource.shown
        return Met() if sure else NotYet("was stable only once", NOT_VISIBLE_PACE)
    if word == "on its way":
        return NotYet("; ".join(_lacking(service, history)))
    told, sure = _trouble(word, service, history)
    if sure and resource.shown:
        return Unreachable(told, ServiceGone if word == "gone" else None)
    return NotYet(f"{told}, unless that is a read of before", NOT_VISIBLE_PACE)


def state_of(service: Service) -> str:
    """Return status and rollout state of a service, for the story."""
    external = controller_of(service) == "EXTERNAL"
    task_set, deployment = _primary_task_set(service), _primary(service)
    told = task_set.stability_status if external and task_set else deployment.rollout_state if deployment else None
    return " ".join(filter(None, [service.status, told]))


def controller_of(service: Service) -> str:
    """Return who carries out the deployments of a service."""
    return service.deployment_controller.type if service.deployment_controller else "ECS"


def is_predecessor(service: Service, history: History) -> bool:
    """Whether what a read shows is a service that had the name before one that was seen already."""
    return history.born is not None and service.created_at is not None and service.created_at < history.born


def _word(service: Service, history: History) -> str:
    """Return in a word what a look shows."""
    if is_predecessor(service, history):
        return "predecessor"
    if service.status in ("DRAINING", "INACTIVE"):
        return "gone"
    primary = _primary(service)
    if controller_of(service) == "ECS" and service.status == "ACTIVE" and primary and history.newest:
        if primary.id != history.newest.id and _is_yet_to_lead(service, history.newest, history):
            return "on its way"
        if primary.id != history.newest.id or _is_rollback(primary, history):
            return "back"
        if primary.rollout_state == "FAILED":
            return "failed"
    return "on its way" if any(_lacking(service, history)) else "stable"


def _trouble(word: str, service: Service, history: History) -> tuple[str, bool]:
    """Return what is wrong with a service, and whether that is certain, once a look has shown it."""
    confirmed = history.times >= REQUIRED_POLLS
    if word == "gone":
        return f"is {service.status}", confirmed or (history.given is not None and _is_same(history.given, service))
    if word == "back":
        return _went_back(service, history), _is_certain(service, history)
    if word == "failed":
        return f"failed to deploy {_told(service, history.newest)}", confirmed
    return "is an older service of the same name", False


def _lacking(service: Service, history: History) -> Iterator[str]:
    """Yield what keeps a service from being stable."""
    if service.status != "ACTIVE":
        yield f"is {service.status}"
    if history.given is not None and _is_outdated(service, history.given):
        yield f"wants {service.desired_count} tasks, not {history.given.desired_count} yet"
    yield from unsteady_task_sets(service) if controller_of(service) == "EXTERNAL" else _lacking_tasks(service)


def _lacking_tasks(service: Service) -> Iterator[str]:
    primary = _primary(service)
    if primary is None:
        yield "has no PRIMARY deployment yet"
        return
    running, pending, desired = service.running_count or 0, service.pending_count or 0, service.desired_count or 0
    if primary.rollout_state not in (None, "COMPLETED"):
        failed = f", {primary.failed_tasks} tasks failed" if primary.failed_tasks else ""
        why = "; ".join(_complaints(service, primary.created_at))
        yield f"deployment {primary.id} is {primary.rollout_state}{failed}{f' ({why})' if why else ''}"
    if running != desired or pending:
        yield f"{running} of {desired} tasks running, {pending} pending"
    others = len(_current(service)) - 1
    if others:
        yield f"{others} other deployment{'s are' if others > 1 else ' is'} there still"


def unsteady_task_sets(service: Service) -> Iterator[str]:
    """Yield what keeps a service of task sets from being stable."""
    if _primary_task_set(service) is None:
        yield "has no PRIMARY task set"
    for each in service.task_sets:
        if each.status == "DRAINING":
            continue
        running, pending, wanted = each.running_count or 0, each.pending_count or 0, each.computed_desired_count or 0
        if each.stability_status != "STEADY_STATE" or running != wanted or pending:
            state = each.stability_status or each.status
            yield f"task set {each.id} is {state}, {running} of {wanted} tasks running, {pending} pending"


def _newest(was: History, seen: Service) -> Deployment | None:
    """Return the newest deployment of all that were seen, the PRIMARY one if times do not tell."""
    current = _current(seen)
    shown = {each.id for each in current}
    newest = was.newest
    for each in sorted(current, key=lambda one: one.status == "PRIMARY"):
        if newest is None:
            newest = each
        elif each.id == newest.id:
            newest = newest if newest.rollout_state == "FAILED" else each
        elif each.created_at is not None and newest.created_at is not None and each.created_at != newest.created_at:
            newest = each if each.created_at > newest.created_at else newest
        elif each.status == "PRIMARY" and each.id not in was.others and newest.id in shown:
            newest = each
    return newest


def _is_yet_to_lead(service: Service, newest: Deployment, history: History) -> bool:
    """Whether the newest deployment is there and may become PRIMARY: it never was, and has not failed."""
    there = newest.id in {each.id for each in _current(service)}
    return there and newest.rollout_state != "FAILED" and not history.led


def _is_rollback(primary: Deployment, history: History) -> bool:
    """Whether the newest deployment is a rollback itself, of which nobody must think that it is what was deployed."""
    if not _GOING_BACK.search(primary.rollout_state_reason or ""):
        return False
    # A rollback of long ago is what the service runs now.
    return primary.rollout_state != "COMPLETED" or history.replaced is not None


def _is_certain(service: Service, history: History) -> bool:
    """Whether a service went back, and it is not merely a read of before that says so."""
    newest = history.newest
    if newest is None or newest.id in {each.id for each in _current(service)}:
        return True
    if history.times < REQUIRED_POLLS:
        return False
    latest = _latest(service)
    if newest.created_at is not None and latest is not None and latest > newest.created_at:
        return True
    primary = _primary(service)
    told = newest.created_at is not None and primary is not None and (primary.updated_at or service.events)
    return history.showed and not told


def _is_outdated(service: Service, given: Service) -> bool:
    """Whether a read is not newer than what the caller has seen, and asks for another number of tasks."""
    if given.desired_count is None or service.desired_count == given.desired_count:
        return False
    latest, before = _latest(service), _latest(given)
    return latest is None or before is None or latest <= before


def _is_same(given: Service, service: Service) -> bool:
    return given.created_at is not None and given.created_at == service.created_at


def _latest(service: Service) -> datetime | None:
    """Return the latest time that a read tells."""
    units: list[Deployment | TaskSet] = [*service.deployments, *service.task_sets]
    times = [time for each in units for time in (each.created_at, each.updated_at)]
    times += [event.created_at for event in service.events]
    return max((time for time in times if time is not None), default=None)


def _went_back(service: Service, history: History) -> str:
    primary, newest = _primary(service), history.newest
    assert primary is not None  # else there is nothing that it went back to
    assert newest is not None
    before = newest.id if newest.id != primary.id else history.replaced
    told = f"went back from deployment {before}" if before else "is rolled back"
    return f"{told} to {primary.id}{_reason(service, newest)}"


def _told(service: Service, deployment: Deployment | None) -> str:
    return f"{deployment.id}{_reason(service, deployment)}" if deployment else ""


def _reason(service: Service, newest: Deployment) -> str:
    """Return why the newest deployment failed, in parentheses, as far as ECS says so."""
    said = newest.rollout_state_reason
    why = [said] if said and (newest.rollout_state == "FAILED" or _COMPLAINT.search(said)) else []
    why = why or [*_complaints(service, newest.created_at)]
    return f" ({'; '.join(why)})" if why else ""


def _complaints(service: Service, since: datetime | None) -> Sequence[str]:
    """Return the latest events that tell of something bad."""
    told = [
        event.message
        for event in service.events
        if event.message
        and _COMPLAINT.search(event.message)
        and (since is None or event.created_at is None or event.created_at >= since)
    ]
    return list(dict.fromkeys(told))[:_COMPLAINTS]


def _current(service: Service) -> list[Deployment]:
    return [each for each in service.deployments if each.status != "INACTIVE"]


def _primary(service: Service) -> Deployment | None:
    return next((each for each in service.deployments if each.status == "PRIMARY"), None)


def _primary_task_set(service: Service) -> TaskSet | None:
    return next((each for each in service.task_sets if each.status == "PRIMARY"), None)


def _primary_id(service: Service) -> str:
    primary = _primary(service) or _primary_task_set(service)
    return primary.id if primary else ""
