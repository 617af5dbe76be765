"""Going back: a deployment is stopped or rolled back, and what waits for that.

Decides whether ECS is to roll back, which it does as long as the deployment is under way, or whether the service is to
be given its earlier task definition again.
"""

from __future__ import annotations

import logging
from typing import Literal, TypeAlias, get_args

import attrs

from ecskit._core.effects import Emit, Emits, Flow, Sleep
from ecskit._core.errors import EcsError, RequestError, ServiceError
from ecskit._core.retrying import CLEANUP_LIMITS, DEFAULT_LIMITS, Retrying, RetryLimits, back_off
from ecskit._deployments.change import read_service
from ecskit._deployments.errors import DeploymentFailed, DeploymentRollbackFailed, DeploymentRolledBack
from ecskit._deployments.events import DeploymentEvent, RollbackStarted
from ecskit._deployments.following import Tracker
from ecskit._deployments.observing import Watch
from ecskit._deployments.progress import DOOMED, ROLLING_BACK, DeploymentProgress
from ecskit._deployments.reference import primary_of
from ecskit._deployments.updating import Update
from ecskit._polling.errors import NotVisible, WaitError, WaitFailed, WaitStory, WaitTimeout
from ecskit._polling.guarding import guarded
from ecskit.models.literals import StopServiceDeploymentStopType
from ecskit.models.services import StopServiceDeploymentRequest, UpdateServiceRequest

__all__ = ["Fallback", "RollbackOptions", "found", "give_up", "look", "stop", "to_the_end", "undo"]

log = logging.getLogger("ecskit")

Fallback: TypeAlias = Literal["leave", "rollback"]
"""What to do with a service whose deployment did not succeed."""

_ENDED_WELL = frozenset({"SUCCESSFUL", "ROLLBACK_SUCCESSFUL"})
_ENDED = _ENDED_WELL | {"ROLLBACK_FAILED"}
"""Statuses of a deployment that nobody needs to end; one that was STOPPED may have left its tasks behind."""
UNDO_FOR = 1800.0
"""Seconds to wait at the most for a rollback."""


@attrs.frozen(kw_only=True)
class RollbackOptions:
    """What to do when a deployment does not end well.

    The generated methods take these fields as parameters of their own, with these texts as their documentation.
    """

    on_failure: Fallback = "leave"
    """What to do when the deployment fails, stalls or is unstable, and ECS does not roll it back: "leave" the service,
    or "rollback" to what it ran before, wait for that for at most 1800 s more, and raise DeploymentRolledBack."""
    on_timeout: Fallback = "leave"
    """The same for when time, or the number of polls, is up, or no read ever showed the deployment."""
    on_cancel: Fallback = "leave"
    """The same for when this is cancelled or interrupted, or a callback raises; then the rollback is begun, but not
    waited for."""

    def check(self, verb: str) -> None:
        """Raise RequestError if something is not what it must be."""
        problems = [
            (field.name, f"expected leave or rollback, got {getattr(self, field.name)!r}")
            for field in attrs.fields(RollbackOptions)
            if getattr(self, field.name) not in get_args(Fallback)
        ]
        if problems:
            raise RequestError(verb, problems)


def to_the_end(tracker: Tracker, rollback_options: RollbackOptions, *, stream: bool = False) -> Emits[DeploymentEvent]:
    """Follow a deployment to where it is to come to, and do what is to be done when it does not get there.

    The last progress is in `tracker.progress`.

    Args:
        tracker: The deployment, and how it is followed.
        rollback_options: What to do.
        stream: Whether to emit what happens.
    """
    follow_options = _or_back(tracker, rollback_options, stream=stream)
    yield from guarded(follow_options, on_cancel=lambda: give_up(tracker.progress, rollback_options.on_cancel))


def _or_back(tracker: Tracker, rollback_options: RollbackOptions, *, stream: bool) -> Emits[DeploymentEvent]:
    try:
        yield from tracker.follow(stream=stream)
    except (DeploymentRolledBack, DeploymentRollbackFailed):
        raise
    except DeploymentFailed as failed:
        if rollback_options.on_failure == "leave":
            raise
        yield from _undone(tracker, failed, stream=stream)
    except (WaitTimeout, NotVisible) as late:
        # What has succeeded, and is only not stable yet, is not rolled back.
        if rollback_options.on_timeout == "leave" or tracker.progress.succeeded:
            raise
        yield from _undone(tracker, late, stream=stream)


def _undone(tracker: Tracker, cause: WaitError, *, stream: bool) -> Emits[DeploymentEvent]:
    if stream:
        yield Emit(RollbackStarted(progress=tracker.progress, reason=_why(cause)))
    yield from undo(tracker, cause, stream=stream)
    # It was deployed before it could be stopped.
    if tracker.aim == "stable":
        raise cause
    if tracker.follow_options.stable_for is not None:
        later = tracker.then(tracker.progress.started, UNDO_FOR, follow_options=tracker.follow_options)
        tracker.watch = later.watch
        yield from later.follow(stream=stream)


def give_up(progress: DeploymentProgress, how: Fallback) -> Flow[None]:
    """Begin to roll a deployment back that nobody waits for any more, if that is wanted and can be."""
    if how == "leave" or progress.succeeded or progress.status in _ENDED | ROLLING_BACK:
        return
    log.info("rolling back %s, because nobody waits for it any more", progress.name)
    try:
        update = None
        if not (yield from _is_stopped_by_ecs(progress, CLEANUP_LIMITS)):
            update = yield from _restoring(progress)
        if update is not None:
            yield from update.make()
    except (EcsError, GeneratorExit) as error:
        log.warning("%s may go on, although it should be rolled back: %s", progress.name, error)
        raise


def undo(tracker: Tracker, cause: WaitError, *, stream: bool = False) -> Emits[DeploymentEvent]:
    """Roll a deployment back, wait for that, and raise what came of it; return if the deployment succeeded after all.

    Args:
        tracker: The deployment, and how it was followed.
        cause: Why it is rolled back.
        stream: Whether to emit what happens.

    Raises:
        DeploymentRolledBack: The service is back at what it ran before.
        DeploymentRollbackFailed: It is not.
        WaitError: The cause, if there is nothing to go back to.
    """
    log.warning("rolling back %s: %s", tracker.progress.name, cause)
    why = _why(cause)
    try:
        back = yield from _brought_back(tracker, stream=stream)
    except WaitFailed:
        return  # it was deployed before it could be stopped
    except (DeploymentRolledBack, DeploymentRollbackFailed) as error:
        if error.progress.started.key == tracker.progress.started.key:
            raise error from cause
        raise DeploymentRollbackFailed(_told(cause, tracker.progress, f"{why}; then {error}")) from cause
    except DeploymentFailed as error:
        raise DeploymentRollbackFailed(_told(cause, tracker.progress, f"{why}; then {error}")) from cause
    except WaitError as error:
        if error.story.arguments.get("deployment_id") in (None, tracker.progress.started.deployment_id):
            raise error from cause
        # It is of the deployment that was to bring the earlier one back, of which nobody has asked.
        raise type(cause)(_told(cause, tracker.progress, f"{why}; then {error}")) from error
    except EcsError as error:
        error.story = error.story or tracker.progress.story()
        raise error from cause
    if back is None:
        raise cause
    raise DeploymentRolledBack(_told(cause, back, why)) from cause


def _why(cause: WaitError) -> str:
    why = "; ".join(cause.story.reasons.values())
    return f"time was up: {why}" if isinstance(cause, WaitTimeout) else why


def _told(cause: WaitError, progress: DeploymentProgress, why: str) -> WaitStory:
    """Return the story of a wait with what became of the deployment behind it."""
    key = progress.started.key
    return attrs.evolve(cause.story, last={key: progress}, reasons={key: why})


def _brought_back(tracker: Tracker, *, stream: bool) -> Flow[DeploymentProgress | None]:
    """Bring the service back to what it ran before; None if there is nothing of the kind."""
    progress, began = tracker.progress, (yield Sleep(0)).now
    if progress.status in DOOMED or (yield from _is_stopped_by_ecs(progress)):
        behind = tracker.then(progress.started, UNDO_FOR, aim="rolled_back")
        tracker.watch = behind.watch
        try:
            return (yield from behind.follow(stream=stream))
        except DeploymentFailed as failed:
            if isinstance(failed, (DeploymentRolledBack, DeploymentRollbackFailed)):
                raise
            progress = behind.progress  # it was stopped, and nothing was rolled back
        finally:
            tracker.catch_up(behind)
    update = yield from _restoring(progress)
    if update is None:
        return None
    restored = yield from update.make()
    left = max(0.0, began + UNDO_FOR - (yield Sleep(0)).now)
    seen = yield from tracker.then(restored, left).follow(stream=stream)
    return attrs.evolve(progress, went_back_to=restored.task_definition, service=seen.service)


def _is_stopped_by_ecs(progress: DeploymentProgress, persistence: RetryLimits = DEFAULT_LIMITS) -> Flow[bool]:
    """Let ECS roll a deployment back; return whether it does, or has ended it in another way that needs no undoing."""
    if progress.refused or progress.is_over or progress.succeeded or progress.started.expected != "deployment":
        return False
    try:
        yield from stop(progress, "ROLLBACK", persistence)
    except (ServiceError, NotVisible) as error:
        if error.retryable:
            raise
        log.info("ECS does not roll %s back: %s", progress.name, error)
        seen = yield from look(progress, persistence)
        return seen.status in _ENDED_WELL
    return True


def stop(
    progress: DeploymentProgress, how: StopServiceDeploymentStopType, persistence: RetryLimits = DEFAULT_LIMITS
) -> Flow[DeploymentProgress]:
    """Tell ECS to end a deployment, and return what was known of it just before.

    Raises:
        ServiceError: ECS refuses: it is over, or there is nothing to roll back to.
        NotVisible: No service deployment was found.
    """
    progress = yield from found(progress, persistence)
    arn = progress.started.service_deployment_arn or ""
    try:
        yield from Retrying(StopServiceDeploymentRequest(service_deployment_arn=arn, stop_type=how)).send(persistence)
    except EcsError as refused:
        refused.story = refused.story or progress.story()
        progress = yield from look(progress, persistence)
        if progress.status not in (ROLLING_BACK if how == "ROLLBACK" else DOOMED):
            raise
        # An answer was lost, or ECS was first.
    return progress


def found(progress: DeploymentProgress, persistence: RetryLimits = DEFAULT_LIMITS) -> Flow[DeploymentProgress]:
    """Return the same with the ARN of the service deployment.

    Raises:
        NotVisible: There is none to be found, or finding it is refused.
    """
    attempt = 1
    while progress.started.service_deployment_arn is None:
        progress = yield from look(progress, persistence)
        if progress.started.service_deployment_arn is None:
            if attempt >= persistence.attempts or progress.refused:
                raise NotVisible(progress.story("has no service deployment that can be found"))
            yield from back_off(attempt, persistence)
            attempt += 1
    return progress


def look(progress: DeploymentProgress, persistence: RetryLimits = DEFAULT_LIMITS) -> Flow[DeploymentProgress]:
    """Look at a deployment, once unless looks bring errors that pass.

    Raises:
        EcsError: ECS does not let us look. It holds the handle.
    """
    watch = Watch(progress=progress)
    attempt = 1
    while True:
        try:
            yield from watch.poll([watch.id])
            if watch.missed is None:
                return watch.progress
            if attempt >= persistence.attempts:
                raise watch.missed  # half an answer would say that there is no deployment where there is one
        except EcsError as error:
            error.story = error.story or watch.progress.story()
            raise
        yield from back_off(attempt, persistence)
        attempt += 1


def _restoring(progress: DeploymentProgress) -> Flow[Update | None]:
    """Return the update that gives a service its earlier task definition again; None if there is none to give."""
    started = progress.started
    earlier = started.previous_task_definition
    if earlier is None or earlier == (
        started.task_definition or (progress.service and progress.service.task_definition)
    ):
        return None
    before = yield from read_service("services.rollback", started.service, started.cluster)
    primary = primary_of(before)
    if before.task_definition == earlier or (primary is not None and progress.is_newer(primary)):
        return None  # somebody has done so already, or has deployed something else
    request = UpdateServiceRequest(service=before.service_arn, cluster=before.cluster_arn, task_definition=earlier)
    return Update(before=before, request=request)
