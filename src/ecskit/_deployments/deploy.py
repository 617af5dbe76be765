"""Methods of `client.services` that change a service and follow the deployment."""

from __future__ import annotations

from ecskit._autoscaling.pausing import check_pause, paused
from ecskit._core.effects import Emit, Emits, Flow
from ecskit._core.errors import EcsError
from ecskit._deployments.arguments import Change, FollowOptions, RollbackOptions
from ecskit._deployments.errors import DeploymentFailed, DeploymentRollbackFailed, DeploymentRolledBack
from ecskit._deployments.events import DeploymentEvent, RollbackStarted
from ecskit._deployments.follow import Tracker
from ecskit._deployments.progress import DeploymentProgress
from ecskit._deployments.read import check_service, read_service
from ecskit._deployments.reference import FOLLOW_OPTIONS, DeploymentLike, StartedDeployment, started_from
from ecskit._deployments.undo import UNDO_FOR, abandon, undo, why_undone
from ecskit._deployments.update import Update
from ecskit._polling.errors import NotVisible, WaitError, WaitTimeout
from ecskit._polling.guarding import guarded
from ecskit._polling.options import WaitOptions
from ecskit.models.services import Service

__all__ = ["deploy", "deployment", "start_deployment"]


def deploy(
    service: str | Service,
    *,
    change: Change,
    follow_options: FollowOptions,
    rollback_options: RollbackOptions,
    wait_options: WaitOptions,
    pause_autoscaling: bool = False,
) -> Flow[DeploymentProgress]:
    """Deploy a service, and wait until exactly this deployment has succeeded.

    Registers a task definition if it differs from the latest revision, sends one UpdateService, and follows the
    deployment that this starts. A service that is stable on another revision does not count as a success.

    Args:
        service: Name, ARN or model of the service.
        change: What to change.
        follow_options: How far, and how, to follow the deployment.
        rollback_options: What to do when it does not succeed.
        wait_options: How long to wait, from the change of the service, and how often to poll.
        pause_autoscaling: Whether to suspend scaling out by Application Auto Scaling during the deployment, and resume
            it on every way out. ECS itself stops scaling in. A program that is killed leaves it suspended; the next
            deployment with this argument, or `services.resume_autoscaling`, resumes it.

    Returns:
        The last progress of the deployment: service, service deployment, counts, events.

    Raises:
        AutoscalingNotResumed: The deployment succeeded, but scaling out could not be resumed.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
    """
    verb = "services.deploy"
    check_service(verb, service, change.cluster)
    change.check(verb)
    rollback_options.check(verb)
    follow_options.check(verb)
    wait_options.check(verb)
    if pause_autoscaling is not False:
        check_pause(verb, pause_autoscaling)

    def flow() -> Flow[DeploymentProgress]:
        before = yield from read_service(verb, service, change.cluster)
        update = yield from Update.of(change, before, verb)
        deployed = make_and_follow(update, follow_options, rollback_options, wait_options, verb)
        return (yield from paused(before, deployed) if pause_autoscaling else deployed)

    return flow()


def make_and_follow(
    update: Update,
    follow_options: FollowOptions,
    rollback_options: RollbackOptions,
    wait_options: WaitOptions,
    verb: str,
) -> Flow[DeploymentProgress]:
    """Make the change of a service, follow the deployment that it starts, and return the last progress."""
    made = guarded(update.make(), on_cancel=lambda: _abandon(update, rollback_options))
    try:
        started = yield from made
    except EcsError as error:
        if error.story is not None:  # the change may have taken effect, and its handle follows it as requested
            arguments = {**error.story.arguments, FOLLOW_OPTIONS: follow_options.arguments}
            error.story = error.story.with_arguments(arguments)
        raise
    tracker = Tracker.of(started, follow_options, wait_options, verb=verb)
    yield from follow_to_end(tracker, rollback_options)
    return tracker.progress


def _abandon(update: Update, rollback_options: RollbackOptions) -> Flow[None]:
    """Start to roll back a change whose effect is unknown, if `on_cancel` is "rollback"."""
    if update.pending and rollback_options.on_cancel != "leave":
        found = yield from update.find_effect(within=5.0)
        yield from abandon(DeploymentProgress(started=found or update.unconfirmed), rollback_options.on_cancel)


def follow_to_end(
    tracker: Tracker, rollback_options: RollbackOptions, *, stream: bool = False
) -> Emits[DeploymentEvent]:
    """Follow a deployment to its goal, and apply the rollback options if it does not reach it.

    The last progress is in `tracker.progress`.

    Args:
        tracker: The deployment, and how it is followed.
        rollback_options: What to do when it does not succeed.
        stream: Whether to emit events.
    """
    flow = _follow_or_undo(tracker, rollback_options, stream=stream)
    yield from guarded(flow, on_cancel=lambda: abandon(tracker.progress, rollback_options.on_cancel))


def _follow_or_undo(tracker: Tracker, rollback_options: RollbackOptions, *, stream: bool) -> Emits[DeploymentEvent]:
    try:
        yield from tracker.follow(stream=stream)
    except (DeploymentRolledBack, DeploymentRollbackFailed):
        raise
    except DeploymentFailed as failed:
        if rollback_options.on_failure == "leave":
            raise
        yield from _undo_or_continue(tracker, failed, stream=stream)
    except (WaitTimeout, NotVisible) as late:
        # A deployment that has succeeded, and is only not stable yet, is not rolled back.
        if rollback_options.on_timeout == "leave" or tracker.progress.succeeded:
            raise
        yield from _undo_or_continue(tracker, late, stream=stream)


def _undo_or_continue(tracker: Tracker, cause: WaitError, *, stream: bool) -> Emits[DeploymentEvent]:
    if stream:
        yield Emit(RollbackStarted(progress=tracker.progress, elapsed=tracker.latest.elapsed, reason=why_undone(cause)))
    yield from undo(tracker, cause, stream=stream)
    # It was deployed before it could be stopped.
    if tracker.goal.until == "stable":
        raise cause
    if tracker.follow_options.stable_for is not None:
        later = tracker.then(UNDO_FOR, follow_options=tracker.follow_options)
        yield from later.follow(stream=stream)


def start_deployment(service: str | Service, *, change: Change) -> Flow[StartedDeployment]:
    """Change a service, and return a handle of the deployment without waiting for it.

    Args:
        service: Name, ARN or model of the service.
        change: What to change.

    Returns:
        The handle, with methods to wait for the deployment, show its events, stop it or roll it back. Its `to_json`
        takes it to another process.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
    """
    verb = "services.start_deployment"
    check_service(verb, service, change.cluster)
    change.check(verb)

    def flow() -> Flow[StartedDeployment]:
        before = yield from read_service(verb, service, change.cluster)
        update = yield from Update.of(change, before, verb)
        return (yield from update.make())

    return flow()


def deployment(deployment: DeploymentLike) -> Flow[StartedDeployment]:
    """Return the handle of a deployment that was started elsewhere. Sends no request.

    Args:
        deployment: What `update_service` or `create_service` returned; a `Service`, for its PRIMARY deployment; a
            service deployment or its ARN; the `story.handle` of an error; or the text that `to_json` of a handle
            returned.

    Returns:
        The handle, with methods to wait for the deployment, show its events, stop it or roll it back.

    Raises:
        RequestError: The value does not name a deployment.
        UnsupportedController: ECS does not control the deployments of the service.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html
    """
    started = started_from("services.deployment", deployment)

    def flow() -> Flow[StartedDeployment]:
        yield from ()
        return started

    return flow()
