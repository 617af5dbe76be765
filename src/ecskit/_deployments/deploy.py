"""Deploying services: the verbs that change a service, and follow what comes of it."""

from __future__ import annotations

from ecskit._core.effects import Flow
from ecskit._core.errors import EcsError
from ecskit._deployments.change import Change, check_service, read_service
from ecskit._deployments.follow import FollowOptions, Tracker
from ecskit._deployments.progress import DeploymentProgress
from ecskit._deployments.reference import DeploymentLike, StartedDeployment, started_from
from ecskit._deployments.undo import RollbackOptions, give_up, to_the_end
from ecskit._deployments.update import Update
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
) -> Flow[DeploymentProgress]:
    """Deploy a service, and wait until this very deployment has succeeded.

    Registers a task definition if one is needed that differs from the latest revision, sends one UpdateService, and
    follows what comes of it. That the service is stable on something else, before or after, is no success.

    Args:
        service: Name, ARN or model of the service.
        change: What is to become of it.
        follow_options: How far, and how, to follow the deployment.
        rollback_options: What to do when it does not succeed.
        wait_options: How long to wait, once the service is changed, and how often to look.

    Returns:
        What is known of the deployment in the end: service, service deployment, counts.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
    """
    verb = "services.deploy"
    check_service(verb, service, change.cluster)
    change.check(verb)
    rollback_options.check(verb)
    follow_options.check(verb)
    wait_options.check(verb)

    def flow() -> Flow[DeploymentProgress]:
        before = yield from read_service(verb, service, change.cluster)
        update = yield from Update.of(change, before, verb)
        made = guarded(update.make(), on_cancel=lambda: _give_up(update, rollback_options))
        try:
            started = yield from made
        except EcsError as error:
            if error.story is not None:  # it may have been done, and can be followed as was requested
                arguments = {**error.story.arguments, "following": follow_options.arguments}
                error.story = error.story.with_arguments(arguments)
            raise
        tracker = Tracker.of(started, follow_options, wait_options, verb=verb)
        yield from to_the_end(tracker, rollback_options)
        return tracker.progress

    return flow()


def _give_up(update: Update, rollback_options: RollbackOptions) -> Flow[None]:
    """Begin to roll back what an update led to whose answer was not awaited, if that is wanted."""
    if update.pending and rollback_options.on_cancel != "leave":
        found = yield from update.found(within=5.0)
        yield from give_up(DeploymentProgress(started=found or update.unanswered), rollback_options.on_cancel)


def start_deployment(service: str | Service, *, change: Change) -> Flow[StartedDeployment]:
    """Deploy a service without waiting: change it, and return a handle of the deployment.

    Args:
        service: Name, ARN or model of the service.
        change: What is to become of it.

    Returns:
        The deployment, to be waited for, watched, stopped or rolled back, here or in another process.

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
    """Return the handle of a deployment that was started elsewhere. Nothing is sent.

    Args:
        deployment: What `update_service` or `create_service` returned; a service, whose PRIMARY deployment is meant
            then; a service deployment or its ARN; the `story.handle` of an error; or the text of a handle, as
            `to_json` wrote it.

    Returns:
        The deployment, to be waited for, watched, stopped or rolled back.

    Raises:
        RequestError: It does not name a deployment.
        UnsupportedController: It is not ECS that controls the deployments of the service.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html
    """
    started = started_from("services.deployment", deployment)

    def flow() -> Flow[StartedDeployment]:
        yield from ()
        return started

    return flow()
