"""Methods of the handle of a deployment."""

from __future__ import annotations

from collections.abc import Sequence

from ecskit._core.effects import Emits, Flow
from ecskit._deployments.arguments import FollowOptions, RollbackOptions
from ecskit._deployments.deploy import follow_to_end
from ecskit._deployments.events import DeploymentEvent
from ecskit._deployments.explaining import definitions_of, diagnosis_of, running_tasks
from ecskit._deployments.follow import Tracker
from ecskit._deployments.observe import observe_once
from ecskit._deployments.pauses import answer_hook, check_answer
from ecskit._deployments.progress import DeploymentProgress
from ecskit._deployments.reference import ServiceRef, StartedDeployment
from ecskit._deployments.revisions import roll_back
from ecskit._deployments.undo import stop as request_stop, with_arn
from ecskit._explain.diagnosis import Diagnosis
from ecskit._polling.options import WaitOptions
from ecskit.models.literals import DeploymentLifecycleHookAction
from ecskit.models.services import DeploymentLifecycleHookDetail
from ecskit.models.tasks import Task

__all__ = ["continue_deployment", "events", "explain", "rollback", "status", "stop", "wait"]


def wait(
    started: StartedDeployment,
    *,
    follow_options: FollowOptions,
    rollback_options: RollbackOptions,
    wait_options: WaitOptions,
) -> Flow[DeploymentProgress]:
    """Wait until exactly this deployment has succeeded.

    Args:
        started: The deployment.
        follow_options: How far, and how, to follow it.
        rollback_options: What to do when it does not succeed.
        wait_options: How long to wait and how often to poll.

    Returns:
        The last progress of the deployment: service, service deployment, counts, events.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceDeployments.html
    """
    tracker = Tracker.of(started, follow_options, wait_options, verb="deployment.wait")
    rollback_options.check("deployment.wait")

    def flow() -> Flow[DeploymentProgress]:
        yield from follow_to_end(tracker, rollback_options)
        return tracker.progress

    return flow()


def events(
    started: StartedDeployment,
    *,
    follow_options: FollowOptions,
    rollback_options: RollbackOptions,
    wait_options: WaitOptions,
) -> Emits[DeploymentEvent]:
    """Yield the events of the deployment until it has succeeded. Raises what `wait` raises if it does not.

    Closing the stream before its end counts as a cancellation.

    Args:
        started: The deployment.
        follow_options: How far, and how, to follow it.
        rollback_options: What to do when it does not succeed.
        wait_options: How long to wait and how often to poll.

    Yields:
        Changes of status, lifecycle stage and counts, pauses, events of the service, and stopped tasks with their
        reasons. `str()` of an event is one line of text.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceDeployments.html
    """
    tracker = Tracker.of(started, follow_options, wait_options, verb="deployment.events")
    rollback_options.check("deployment.events")
    return follow_to_end(tracker, rollback_options, stream=True)


def status(started: StartedDeployment) -> Flow[DeploymentProgress]:
    """Return the current progress of the deployment, after one poll.

    Args:
        started: The deployment.

    Returns:
        The progress: service, service deployment, counts, stopped tasks, events.

    Raises:
        ServiceError: ECS refuses a read: no permission, no such cluster.
        TransportError: ECS could not be reached.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceDeployments.html
    """
    return observe_once(DeploymentProgress(started=started))


def explain(started: StartedDeployment) -> Flow[Diagnosis]:
    """Explain why the deployment failed or is not done, by its tasks, its events and the reason that ECS gives.

    Stopped tasks are counted by finding; tasks that are unhealthy or do not run yet follow. A text that is not in the
    table of findings is shown as it is. Nothing outside ECS is read. `DeploymentProgress.diagnosis` needs no request.

    Args:
        started: The deployment.

    Returns:
        The diagnosis: the findings, that of most tasks first, with evidence, causes and what to do. `print` shows it as
        text. If tasks or task definitions cannot be read, a note says why.

    Raises:
        ServiceError: ECS refuses a read: no permission, no such cluster.
        TransportError: ECS could not be reached.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceDeployments.html
    """
    progress = yield from observe_once(DeploymentProgress(started=started))
    notes: list[str] = []
    running: Sequence[Task] = ()
    if progress.service is not None:
        running = yield from running_tasks(ServiceRef.of(progress.service), notes)
    own = [task for task in running if task.started_by == progress.started.deployment_id]
    definitions = yield from definitions_of(progress.stopped_tasks, notes)
    return diagnosis_of(progress, own, definitions, notes)


def stop(started: StartedDeployment, *, wait_options: WaitOptions) -> Flow[DeploymentProgress]:
    """Stop the deployment without a rollback, and wait until it has stopped. Running tasks keep running.

    Args:
        started: The deployment.
        wait_options: How long to wait and how often to poll.

    Returns:
        The last progress of the deployment.

    Raises:
        WaitFailed: It succeeded before it could be stopped.
        DeploymentRolledBack: It was rolled back instead; DeploymentRollbackFailed if that failed.
        ServiceGone: The service was deleted.
        NotVisible: No service deployment was found, or ECS refuses to show it.
        ServiceError: ECS refuses: no permission, or the deployment has already ended.
        TransportError: ECS could not be reached.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopServiceDeployment.html
    """
    tracker = Tracker.of(started, FollowOptions(), wait_options, until="stopped", verb="deployment.stop")

    def flow() -> Flow[DeploymentProgress]:
        yield from request_stop(tracker.progress, "ABORT")
        return (yield from tracker.wait())

    return flow()


def rollback(started: StartedDeployment, *, wait_options: WaitOptions) -> Flow[DeploymentProgress]:
    """Roll the service back to what it ran before this deployment, and wait until the rollback is done.

    ECS rolls the deployment back while it is in progress. After its end, UpdateService restores the earlier revision. A
    newer deployment is left as it is.

    Args:
        started: The deployment.
        wait_options: How long to wait and how often to poll.

    Returns:
        The last progress of the deployment, or of the one that restored the earlier revision.

    Raises:
        NothingToRollBack: There is no earlier revision, or something newer was deployed.
        DeploymentRollbackFailed: The rollback failed.
        DeploymentFailed: The deployment of the earlier revision failed. Its subclasses are listed at `services.deploy`.
        WaitFailed: The deployment succeeded before it could be rolled back.
        ServiceGone: The service was deleted.
        ServiceError: ECS refuses a request, for example without permission. Reading the history needs permission too.
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
    """Answer a hook that pauses the deployment: continue it, or roll it back.

    Args:
        started: The deployment.
        hook: The hook, or its id; `status().paused` lists the hooks that wait.
        action: "CONTINUE" or "ROLLBACK".

    Returns:
        The progress of the deployment before the answer.

    Raises:
        RequestError: An argument is wrong; nothing was sent.
        NotVisible: No service deployment was found.
        ServiceError: ECS refuses: no such hook, or it no longer waits.
        TransportError: ECS could not be reached.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContinueServiceDeployment.html
    """
    hook_id = check_answer("deployment.continue_deployment", hook, action)

    def flow() -> Flow[DeploymentProgress]:
        progress = yield from with_arn(DeploymentProgress(started=started))
        yield from answer_hook(progress.started.service_deployment_arn, hook_id, action)
        return progress

    return flow()
