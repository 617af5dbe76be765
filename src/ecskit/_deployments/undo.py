"""Undo a deployment that does not succeed: stop it or roll it back, and wait for that.

ECS rolls a deployment back while it is in progress. After that, an UpdateService restores the earlier task definition.
"""

from __future__ import annotations

import logging

import attrs

from ecskit._core.effects import Emit, Emits, Flow, Sleep
from ecskit._core.errors import EcsError, ServiceError, described
from ecskit._core.retrying import CLEANUP_LIMITS, DEFAULT_LIMITS, Retrying, RetryLimits, retry
from ecskit._deployments.arguments import Fallback
from ecskit._deployments.errors import (
    DeploymentFailed,
    DeploymentRollbackFailed,
    DeploymentRolledBack,
    NothingToRollBack,
)
from ecskit._deployments.events import DeploymentEvent, RevisionRegistered
from ecskit._deployments.follow import Tracker
from ecskit._deployments.observe import observe_once
from ecskit._deployments.progress import ENDING, ROLLING_BACK, DeploymentProgress
from ecskit._deployments.read import read_service
from ecskit._deployments.reference import primary_of
from ecskit._deployments.restoring import restore
from ecskit._deployments.update import Update
from ecskit._polling.errors import NotVisible, WaitError, WaitFailed, WaitStory, WaitTimeout
from ecskit.models.literals import StopServiceDeploymentStopType
from ecskit.models.services import StopServiceDeploymentRequest, UpdateServiceRequest

__all__ = ["abandon", "stop", "undo", "why_undone", "with_arn"]

log = logging.getLogger("ecskit")

_ENDED_WELL = frozenset({"SUCCESSFUL", "ROLLBACK_SUCCESSFUL"})
_ENDED = _ENDED_WELL | {"ROLLBACK_FAILED"}
"""Final statuses that need no rollback. A STOPPED deployment may have left its tasks behind."""
UNDO_FOR = 1800.0
"""Seconds to wait at most for a rollback."""


def abandon(progress: DeploymentProgress, how: Fallback) -> Flow[None]:
    """Start to roll back a deployment whose wait was cancelled, if `how` is "rollback" and it has not ended."""
    if how == "leave" or progress.succeeded or progress.status in _ENDED | ROLLING_BACK:
        return
    log.info("rolling back %s, because the wait for it was cancelled", progress.name)
    try:
        update = None
        if not (yield from _ecs_rolls_back(progress, CLEANUP_LIMITS)):
            update = yield from _restoring_update(progress)
        if update is not None:
            yield from restore(update)
    except (EcsError, GeneratorExit) as error:
        log.warning("%s may continue, because its rollback could not be started: %s", progress.name, described(error))
        raise


def undo(tracker: Tracker, cause: WaitError, *, stream: bool) -> Emits[DeploymentEvent]:
    """Roll a deployment back, wait for that, and raise the outcome. Return if the deployment succeeded first.

    Args:
        tracker: The deployment, and how it was followed.
        cause: Why it is rolled back.
        stream: Whether to emit events.

    Raises:
        DeploymentRolledBack: The service runs again what it ran before.
        DeploymentRollbackFailed: The rollback failed.
        WaitError: The cause, if there is no earlier task definition.
    """
    log.warning("rolling back %s: %s", tracker.progress.name, cause)
    why = why_undone(cause)
    try:
        back = yield from _roll_back(tracker, stream=stream)
    except WaitFailed:
        return  # it was deployed before it could be stopped
    except (DeploymentRolledBack, DeploymentRollbackFailed) as error:
        if error.progress.started.key == tracker.progress.started.key and not _is_of_restoring(error, tracker):
            raise error from cause
        raise DeploymentRollbackFailed(_story(cause, tracker.progress, f"{why}; then {error}")) from cause
    except DeploymentFailed as error:
        raise DeploymentRollbackFailed(_story(cause, tracker.progress, f"{why}; then {error}")) from cause
    except WaitError as error:
        same = error.story.arguments.get("deployment_id") in (None, tracker.progress.started.deployment_id)
        if same and not _is_of_restoring(error, tracker):
            raise error from cause
        # The error is about the restoring deployment. The caller asked for the other one.
        raise type(cause)(_story(cause, tracker.progress, f"{why}; then {error}")) from error
    except NothingToRollBack as error:
        raise DeploymentRollbackFailed(_story(cause, tracker.progress, f"{why}; then {error}")) from cause
    except EcsError as error:
        error.story = error.story or tracker.progress.story()
        raise error from cause
    if back is None:
        raise cause
    raise DeploymentRolledBack(_story(cause, back, why)) from cause


def _is_of_restoring(error: WaitError, tracker: Tracker) -> bool:
    """Whether an error is about the deployment that restores, while reads do not show its own id yet."""
    undone = tracker.progress.started.deployment_id
    return undone is not None and error.story.arguments.get("previous_id") == undone


def why_undone(cause: WaitError) -> str:
    """Return the reason for a rollback, in words."""
    why = "; ".join(cause.story.reasons.values())
    return f"timed out: {why}" if isinstance(cause, WaitTimeout) else why


def _story(cause: WaitError, progress: DeploymentProgress, why: str) -> WaitStory:
    """Return the story of a wait with the final progress of the deployment."""
    key = progress.started.key
    return attrs.evolve(cause.story, last={key: progress}, reasons={key: why})


def _roll_back(tracker: Tracker, *, stream: bool) -> Flow[DeploymentProgress | None]:
    """Roll the service back, and return the progress; None if there is no earlier task definition."""
    progress, began = tracker.progress, (yield Sleep(0)).now
    if progress.status in ENDING or (yield from _ecs_rolls_back(progress)):
        try:
            return (yield from tracker.then(UNDO_FOR, until="rolled_back").follow(stream=stream))
        except DeploymentFailed as failed:
            if isinstance(failed, (DeploymentRolledBack, DeploymentRollbackFailed)):
                raise
            progress = tracker.progress  # it was stopped, and nothing was rolled back
    update = yield from _restoring_update(progress)
    if update is None:
        return None
    restored = yield from restore(update)
    if stream and restored.copy_of is not None:
        yield Emit(RevisionRegistered(progress=progress, elapsed=tracker.latest.elapsed, started=restored))
    left = max(0.0, began + UNDO_FOR - (yield Sleep(0)).now)
    seen = yield from tracker.then(left, started=restored).follow(stream=stream)
    return attrs.evolve(
        progress,
        restored_task_definition=restored.task_definition,
        restored_copy_of=restored.copy_of,
        service=seen.service,
    )


def _ecs_rolls_back(progress: DeploymentProgress, limits: RetryLimits = DEFAULT_LIMITS) -> Flow[bool]:
    """Request a rollback by ECS; return whether ECS rolls back, or the deployment has ended and needs no rollback."""
    if progress.refused or progress.is_over or progress.succeeded or progress.started.expected != "deployment":
        return False
    try:
        yield from stop(progress, "ROLLBACK", limits)
    except (ServiceError, NotVisible) as error:
        if error.retryable:
            raise
        log.info("ECS does not roll %s back: %s", progress.name, described(error))
        seen = yield from observe_once(progress, limits)
        return seen.status in _ENDED_WELL
    return True


def stop(
    progress: DeploymentProgress, how: StopServiceDeploymentStopType, limits: RetryLimits = DEFAULT_LIMITS
) -> Flow[DeploymentProgress]:
    """Request that ECS stop a deployment or roll it back, and return the progress before that.

    Raises:
        ServiceError: ECS refuses: the deployment has ended, or there is no earlier revision.
        NotVisible: No service deployment was found.
    """
    progress = yield from with_arn(progress, limits)
    arn = progress.started.service_deployment_arn or ""
    try:
        yield from Retrying(StopServiceDeploymentRequest(service_deployment_arn=arn, stop_type=how)).send(limits)
    except EcsError as refused:
        refused.story = refused.story or progress.story()
        progress = yield from observe_once(progress, limits)
        if progress.status not in (ROLLING_BACK if how == "ROLLBACK" else ENDING):
            raise
        # A response was lost, or ECS has ended the deployment itself.
    return progress


def with_arn(progress: DeploymentProgress, limits: RetryLimits = DEFAULT_LIMITS) -> Flow[DeploymentProgress]:
    """Return the progress with the ARN of the service deployment.

    Raises:
        NotVisible: No service deployment was found, or reading them is refused.
    """
    if progress.started.service_deployment_arn is not None:
        return progress
    latest = progress

    def find() -> Flow[DeploymentProgress]:
        nonlocal latest
        latest = yield from observe_once(latest, limits)
        if latest.started.service_deployment_arn is None:
            raise NotVisible(latest.story("has no service deployment that can be found"))
        return latest

    def may_pass(error: EcsError, _: int) -> bool:
        return isinstance(error, NotVisible) and not latest.refused

    return (yield from retry(find, limits, may_pass=may_pass))


def _restoring_update(progress: DeploymentProgress) -> Flow[Update | None]:
    """Return the update that restores the earlier task definition of a service; None if there is none to restore."""
    started = progress.started
    earlier = started.previous_task_definition
    if earlier is None or earlier == (
        started.task_definition or (progress.service and progress.service.task_definition)
    ):
        return None
    before = yield from read_service("services.rollback", started.service, started.cluster)
    primary = primary_of(before)
    if before.task_definition == earlier or (primary is not None and progress.is_newer(primary)):
        return None  # another process has restored it, or deployed something else
    request = UpdateServiceRequest(service=before.service_arn, cluster=before.cluster_arn, task_definition=earlier)
    return Update(before=before, request=request)
