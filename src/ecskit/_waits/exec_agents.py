"""The wait for the agents of ECS Exec. `execute_command` works on a container only if its agent is running.

Source of the statuses: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ManagedAgent.html
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from ecskit._core.effects import Flow
from ecskit._core.errors import RequestError
from ecskit._polling.conditions import Condition, Evaluation, Met, NotYet, Unreachable, wait_for
from ecskit._polling.errors import WaitFailed
from ecskit._polling.loop import Failed, Verdict
from ecskit._polling.observations import ResourceState, WaitState
from ecskit._polling.options import WaitOptions
from ecskit._waits.errors import TaskStoppedEarly
from ecskit._waits.task_identifiers import Tasks, targets_of
from ecskit._waits.tasks import PACE, TaskGoal, running
from ecskit.models.tasks import Container, Task

__all__ = ["exec_agents_running", "status_of_agent"]

AGENT = "ExecuteCommandAgent"


def exec_agents_running(
    tasks: Tasks,
    *,
    containers: str | Sequence[str] | None = None,
    cluster: str | None = None,
    allow_partial: bool = False,
    wait_options: WaitOptions,
) -> Flow[list[Task]]:
    """Wait until all tasks are RUNNING, and so are the agents of ECS Exec in their containers.

    `execute_command` works on a container only after that.

    Args:
        tasks: The result of `tasks.run`, the response of `run_task` or `start_task`, or one or more tasks: models, ids
            or ARNs.
        containers: Names of the containers whose agents are required, in each of the tasks; by default all containers
            that have not stopped.
        cluster: Name or ARN of their cluster; required if neither an ARN nor a model contains it.
        allow_partial: Wait for the tasks that were started, even if the response contains failures.
        wait_options: How long to wait and how often to poll.

    Returns:
        The tasks as last observed, in the order given.

    Raises:
        TaskStoppedEarly: A task is stopping or has stopped.
        WaitFailed: A task was started without ECS Exec, has no container of that name, or an agent has stopped.
        TaskNotVisible: A task was not visible within `visibility_grace` seconds, or by the deadline.
        TaskPurged: A task was visible, and then not found any more. ECS deletes stopped tasks after about an hour.
        FailuresError: The response contains failures. Nothing was sent.

    Polling:
        Succeeds when all are: RUNNING, with the agents in their containers RUNNING
        Fails when one is: past RUNNING, or purged; without ECS Exec or such a container; with an agent that is STOPPED
        Continues while one is: before RUNNING; RUNNING with an agent that is PENDING
        Requests: DescribeTasks

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
    """
    names = _names(containers)
    targets = targets_of("exec_agents_running", tasks, cluster, allow_partial=allow_partial)
    if names is not None:
        targets = attrs.evolve(targets, arguments={**targets.arguments, "containers": names})
    return wait_for(
        _ExecGoal(name="exec_agents_running", condition=_reachable(names), wait_options=wait_options), targets
    )


@attrs.frozen(kw_only=True)
class _ExecGoal(TaskGoal):
    def decide(self, wait_state: WaitState[Task], /) -> Verdict:
        """Decide as for any task; if only the agent of a task has stopped, the error is WaitFailed."""
        verdict = super().decide(wait_state)
        if isinstance(verdict, Failed) and verdict.error is TaskStoppedEarly:
            failed = (wait_state.resources[name] for name in verdict.reasons)
            if not any(isinstance(running(resource), Unreachable) for resource in failed):
                return Failed(WaitFailed, verdict.reasons)
        return verdict


def _names(containers: str | Sequence[str] | None) -> list[str] | None:
    if containers is None:
        return None
    names: list[object] = [*([containers] if isinstance(containers, str) else containers)]
    if not names or not all(isinstance(name, str) and name for name in names):
        raise RequestError("exec_agents_running", [("containers", "expected one or more names of containers")])
    return [str(name) for name in names]


def _reachable(names: list[str] | None) -> Condition[Task]:
    def condition(resource: ResourceState[Task]) -> Evaluation:
        evaluation, task = running(resource), resource.last
        if isinstance(evaluation, Unreachable) or task is None:
            return evaluation
        reason = _never_reachable(task, names or [])
        if reason:
            return Unreachable(reason)
        return _agents_of(task, names) if isinstance(evaluation, Met) else evaluation

    return condition


def _never_reachable(task: Task, names: list[str]) -> str | None:
    """Return why a task cannot have the required agents; None if it can."""
    if task.enable_execute_command is False:
        return "was started without `enable_execute_command`"
    unknown = {*names} - {container.name for container in task.containers}
    return f"has no container {', '.join(sorted(unknown))}" if unknown and task.containers else None


def _agents_of(task: Task, names: list[str] | None) -> Evaluation:
    agents = {
        container.name: status_of_agent(container)
        for container in task.containers
        if (container.last_status != "STOPPED" if names is None else container.name in names)
    }
    others = {name: status for name, status in agents.items() if not status.startswith("RUNNING")}
    states = ", ".join(f"the agent in container {name} is {status}" for name, status in others.items())
    if any(status.startswith("STOPPED") for status in others.values()):
        return Unreachable(f"is RUNNING, but {states}")
    if agents and not others:
        return Met()
    return NotYet(f"is RUNNING, but {states or 'its containers are not visible yet'}", PACE)


def status_of_agent(container: Container) -> str:
    """Return the status of the agent in a container, with its reason."""
    agents = [agent for agent in container.managed_agents if agent.name == AGENT]
    if not agents:
        return "not visible yet"
    status = agents[0].last_status or "UNKNOWN"
    return f"{status} ({agents[0].reason})" if agents[0].reason else status
