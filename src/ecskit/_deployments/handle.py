"""What can be done with a deployment that was started: the verbs of its handle."""

from __future__ import annotations

from ecskit._core.effects import Emits, Flow
from ecskit._deployments.events import DeploymentEvent
from ecskit._deployments.follow import FollowOptions, Tracker, check_action, continue_
from ecskit._deployments.history import roll_back
from ecskit._deployments.progress import DeploymentProgress
from ecskit._deployments.reference import StartedDeployment
from ecskit._deployments.undo import RollbackOptions, found, look, stop as stop_it, to_the_end
from ecskit._polling.options import WaitOptions
from ecskit.models.literals import DeploymentLifecycleHookAction
from ecskit.models.services import DeploymentLifecycleHookDetail

__all__ = ["continue_deployment", "events", "rollback", "status", "stop", "wait"]


def wait(
    started: StartedDeployment,
    *,
    follow_options: FollowOptions,
    rollback_options: RollbackOptions,
    wait_options: WaitOptions,
) -> Flow[DeploymentProgress]:
    """Wait until this very deployment has succeeded.

    Args:
        started: The deployment.
        follow_options: How far, and how, to follow it.
        rollback_options: What to do when it does not succeed.
        wait_options: How long to wait and how often to look.

    Returns:
        What is known of the deployment in the end: service, service deployment, counts.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceDeployments.html
    """
    tracker = Tracker.of(started, follow_options, wait_options, verb="deployment.wait")
    rollback_options.check("deployment.wait")

    def flow() -> Flow[DeploymentProgress]:
        yield from to_the_end(tracker, rollback_options)
        return tracker.progress

    return flow()


def events(
    started: StartedDeployment,
    *,
    follow_options: FollowOptions,
    rollback_options: RollbackOptions,
    wait_options: WaitOptions,
) -> Emits[DeploymentEvent]:
    """Yield what happens to the deployment, until it has succeeded; end by raising what `wait` would raise.

    Leaving the stream before its end counts as cancelling.

    Args:
        started: The deployment.
        follow_options: How far, and how, to follow it.
        rollback_options: What to do when it does not succeed.
        wait_options: How long to wait and how often to look.

    Yields:
        Statuses, stages, counts, pauses, what the service says, and tasks that stopped, each with its reason. `str()`
        of each is a line for people.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceDeployments.html
    """
    tracker = Tracker.of(started, follow_options, wait_options, verb="deployment.events")
    rollback_options.check("deployment.events")
    return to_the_end(tracker, rollback_options, stream=True)


def status(started: StartedDeployment) -> Flow[DeploymentProgress]:
    """Look at the deployment once.

    Args:
        started: The deployment.

    Returns:
        What is known of it now.

    Raises:
        ServiceError: ECS does not let us look: no permission, no such cluster.
        TransportError: ECS could not be reached.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceDeployments.html
    """
    return look(DeploymentProgress(started=started))


def stop(started: StartedDeployment, *, wait_options: WaitOptions) -> Flow[DeploymentProgress]:
    """Stop the deployment where it is, and wait until it has stopped: what runs by then goes on to run.

    Args:
        started: The deployment.
        wait_options: How long to wait and how often to look.

    Returns:
        What is known of the deployment in the end.

    Raises:
        WaitFailed: It was deployed before it could be stopped.
        DeploymentRolledBack: It was rolled back instead, and DeploymentRollbackFailed if that failed.
        ServiceGone: The service was deleted.
        NotVisible: No service deployment was found, or reading them is refused.
        ServiceError: ECS refuses: no permission, or it is over already.
        TransportError: ECS could not be reached.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopServiceDeployment.html
    """
    tracker = Tracker.of(started, FollowOptions(), wait_options, aim="stopped", verb="deployment.stop")

    def flow() -> Flow[DeploymentProgress]:
        yield from stop_it(tracker.progress, "ABORT")
        return (yield from tracker.flow())

    return flow()


def rollback(started: StartedDeployment, *, wait_options: WaitOptions) -> Flow[DeploymentProgress]:
    """Bring the service back to what it ran before this deployment, and wait until it is.

    While the deployment is under way, ECS rolls it back. When it is over, the service gets the revision that it ran
    before; somebody else's newer deployment is left alone.

    Args:
        started: The deployment.
        wait_options: How long to wait and how often to look.

    Returns:
        What is known in the end of the deployment, or of the one that brought the earlier revision back.

    Raises:
        NothingToRollBack: There is nothing to go back to, or something newer was deployed.
        DeploymentRollbackFailed: The rollback failed.
        DeploymentFailed: The deployment of the earlier revision failed; see `services.deploy` for its kin.
        WaitFailed: The deployment was successful before it could be rolled back.
        ServiceGone: The service was deleted.
        ServiceError: ECS refuses: no permission, for example. Reading the history is part of this.
        TransportError: ECS could not be reached.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopServiceDeployment.html
    """
    wait_options.check("deployment.rollback")
    return roll_back(started, wait_options)


def continue_deployment(
    started: StartedDeployment,
    hook: str | DeploymentLifecycleHookDetail,
    *,
    action: DeploymentLifecycleHookAction = "CONTINUE",
) -> Flow[DeploymentProgress]:
    """Answer a hook that pauses the deployment.

    Args:
        started: The deployment.
        hook: The hook, or its id; `status().paused` has those that wait.
        action: "CONTINUE", or "ROLLBACK" to have the deployment rolled back.

    Returns:
        What was known of the deployment just before.

    Raises:
        RequestError: An argument is wrong; nothing was sent.
        NotVisible: No service deployment was found.
        ServiceError: ECS refuses: no such hook, or it waits no more.
        TransportError: ECS could not be reached.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContinueServiceDeployment.html
    """
    hook_id = check_action("deployment.continue_deployment", hook, action)

    def flow() -> Flow[DeploymentProgress]:
        progress = yield from found(DeploymentProgress(started=started))
        yield from continue_(progress.started, hook_id, action)
        return progress

    return flow()
