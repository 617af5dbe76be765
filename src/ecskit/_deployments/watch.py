"""The method `services.watch`: follow several deployments in one stream.

Each deployment has a flow, as if it were followed alone. The flows take turns: the one whose next poll is due first
continues until it sleeps again. So this is one flow without threads, for sync and async alike.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import Any

import attrs

from ecskit._core.effects import (
    INTERRUPTS,
    CallbackRaised,
    Cancelled,
    Effect,
    Emit,
    Emits,
    Flow,
    Observe,
    Parallel,
    Reply,
    Share,
    Sleep,
    Waker,
)
from ecskit._core.errors import EcsError, RequestError
from ecskit._core.typing import SequenceNotStr
from ecskit._deployments.arguments import FollowOptions, RollbackOptions
from ecskit._deployments.deploy import follow_to_end
from ecskit._deployments.errors import DeploymentsFailed
from ecskit._deployments.events import DeploymentEnded, DeploymentEvent
from ecskit._deployments.follow import Tracker
from ecskit._deployments.reference import DeploymentLike, StartedDeployment, started_from
from ecskit._polling.options import WaitOptions
from ecskit._polling.poll_requests import PollRequest
from ecskit._polling.shared_polls import SharedPolls, poll_next, reply_of

__all__ = ["watch"]

_VERB = "services.watch"


def watch(
    deployments: SequenceNotStr[DeploymentLike],
    *,
    follow_options: FollowOptions,
    rollback_options: RollbackOptions,
    wait_options: WaitOptions,
) -> Emits[DeploymentEvent]:
    """Yield the events of several deployments until all have ended, as `events` of a handle does for one.

    Each deployment is followed with the same options and ends by itself: its last event is DeploymentEnded, and the
    others go on. Closing the stream before its end counts as a cancellation of those that have not ended.

    Args:
        deployments: Handles, or what `services.deployment` takes. No deployment may be given twice.
        follow_options: How far, and how, to follow each.
        rollback_options: What to do with each that does not succeed.
        wait_options: How long to wait for each and how often to poll.

    Yields:
        The events of each deployment. `label` names the deployment: by its service, if these names differ.

    Raises:
        DeploymentsFailed: All have ended, and some did not succeed. `errors` holds by label what `wait` of a handle
            would raise: DeploymentFailed (or DeploymentRolledBack, DeploymentRollbackFailed, DeploymentStalled,
            DeploymentUnstable), DeploymentSuperseded, DeploymentPaused, ServiceGone, NotVisible, WaitTimeout,
            ServiceError, CredentialsError. None of these is raised by itself.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceDeployments.html
    """
    given: Any = deployments  # users without a type checker pass anything
    if isinstance(given, (str, bytes)) or not isinstance(given, Sequence):
        problem = f"expected a sequence of deployments, got {type(given).__name__}"
        raise RequestError(_VERB, [("deployments", problem)])
    started = [started_from(_VERB, each) for each in deployments]
    for options in (follow_options, rollback_options, wait_options):
        options.check(_VERB)
    return _take_turns(
        [
            _Member(label, tracker, follow_to_end(tracker, rollback_options, stream=True))
            for label, each in zip(_labels(started), started, strict=True)
            for tracker in [Tracker.of(each, follow_options, wait_options, verb=_VERB)]
        ]
    )


def _labels(started: Sequence[StartedDeployment]) -> Sequence[str]:
    """Return the shortest names that differ; for a single deployment an empty one."""
    if len(started) == 1:
        return [""]
    short = [each.service_ref.short_name for each in started]
    clusters = [(each.cluster or "default").rsplit("/", 1)[-1] for each in started]
    within = [f"{cluster}/{name}" for cluster, name in zip(clusters, short, strict=True)]
    for names in (short, within, [each.name for each in started]):
        if len(set(names)) == len(names):
            return names
    twice = next(name for name in within if within.count(name) > 1)
    raise RequestError(_VERB, [("deployments", f"a deployment of {twice} is given twice")])


@attrs.define(eq=False)
class _Member:
    """A deployment among the others."""

    label: str
    tracker: Tracker
    flow: Emits[DeploymentEvent]
    effect: Effect = attrs.field(init=False, default=attrs.Factory(lambda self: next(self.flow), takes_self=True))
    """What its flow does next: a poll or a sleep, once it has begun."""
    due: float = float("-inf")
    """When that is due, in monotonic seconds. A poll has a request instead."""
    request: PollRequest | None = None

    def is_ready(self, now: float) -> bool:
        """Whether its flow can go on."""
        return self.due <= now if self.request is None else self.request.reply is not None


def _take_turns(members: Sequence[_Member]) -> Emits[DeploymentEvent]:
    live, errors = list(members), dict[str, EcsError]()
    labels = tuple(each.label for each in members if each.label)
    reply: Reply[SharedPolls] = yield Share(SharedPolls)
    shared, now = reply.get(), reply.now
    began, waker = now, Waker()
    try:
        while live:
            ready = [each for each in live if each.is_ready(now)]
            if not ready:
                now = yield from _rest(live, shared, now)
                continue
            member = min(ready, key=lambda each: each.due)
            error = None
            try:
                ended = yield from _turn(member, labels, shared, waker)
            except EcsError as raised:
                ended, error = True, raised
                errors[member.label] = raised
            now = (yield Sleep(0)).now
            if ended:
                live.remove(member)
                event = DeploymentEnded(
                    progress=getattr(error, "progress", member.tracker.progress),
                    elapsed=now - began,
                    label=member.label,
                    labels=labels,
                    error=error,
                )
                now = (yield Emit(event)).now
    except (Exception, Cancelled, CallbackRaised, *INTERRUPTS):
        if live:  # in parallel, because the time for a clean-up is limited
            yield Parallel([_cancelled(each.flow) for each in live], len(live))
        raise
    finally:
        for each in members:
            if each.request is not None:
                shared.remove(each.request)
            each.flow.close()
    if errors:
        raise DeploymentsFailed(errors, len(members)) from next(iter(errors.values()))


def _rest(members: Sequence[_Member], shared: SharedPolls, now: float) -> Flow[float]:
    """Poll, or sleep, until the flow of one member may be able to go on. Return the time."""
    until = min((each.due for each in members if each.request is None), default=math.inf)
    requests = [each.request for each in members if each.request is not None]
    if requests:
        return (yield from poll_next(shared, requests, now, until))
    return (yield Sleep(until - now)).now


def _turn(member: _Member, labels: tuple[str, ...], shared: SharedPolls, waker: Waker) -> Flow[bool]:
    """Continue the flow of a member until it sleeps, or waits for its next poll. Return whether it has ended.

    Raises:
        EcsError: The deployment did not succeed, or could not be followed.
    """
    effect = Sleep(0) if isinstance(member.effect, Sleep) else member.effect
    polled, member.request = member.request, None
    if polled is not None:
        shared.remove(polled)
    while True:
        try:
            reply = reply_of(polled) if polled is not None else (yield effect)
        except (Exception, Cancelled, CallbackRaised, *INTERRUPTS) as error:  # the flow may clean up
            yield from _perform(member.flow, error)
            raise
        polled = None
        try:
            effect = member.flow.send(reply)
        except StopIteration:
            return True
        match effect:
            case Observe():
                member.effect, member.request = effect, shared.add(effect, waker, reply.now)
                return False
            case Sleep(seconds) if seconds > 0:
                member.effect, member.due = effect, reply.now + seconds
                return False
            case Emit(item):
                effect = Emit(attrs.evolve(item, label=member.label, labels=labels))
            case _:
                pass


def _cancelled(flow: Flow[None]) -> Flow[None]:
    with contextlib.suppress(Cancelled, EcsError):
        yield from _perform(flow, Cancelled(sent=False))


def _perform(flow: Flow[None], error: BaseException) -> Flow[None]:
    """Throw an error into a flow, and perform all that it does until its end: its clean-up."""
    proceed: Any = flow.throw
    argument: Any = error
    while True:
        try:
            effect = proceed(argument)
        except StopIteration:
            return
        try:
            proceed, argument = flow.send, (yield effect)
        except (Exception, Cancelled, CallbackRaised, *INTERRUPTS) as raised:  # noqa: BLE001  # thrown into the flow
            proceed, argument = flow.throw, raised
