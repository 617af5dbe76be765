"""Waits for tasks: how they are polled, and when they meet a condition.

Source of the statuses:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from ecskit._core.call import call
from ecskit._core.effects import Flow
from ecskit._core.unchanged import polled
from ecskit._polling.batches import DescribedType
from ecskit._polling.conditions import AllMet, Condition, Evaluation, Met, NotYet, Pace, Unreachable, wait_for
from ecskit._polling.errors import WaitError
from ecskit._polling.observations import ResourceState
from ecskit._polling.options import WaitOptions
from ecskit._waits.errors import TaskNotVisible, TaskPurged, TaskStoppedEarly
from ecskit._waits.revisions import Revisions
from ecskit._waits.task_identifiers import Tasks, targets_of
from ecskit.models.task_definitions import ContainerDefinition, DescribeTaskDefinitionRequest
from ecskit.models.tasks import DescribeTasksRequest, Task

__all__ = [
    "TASKS",
    "TaskGoal",
    "has_run",
    "is_final",
    "is_stopped",
    "running",
    "stopped_goal",
    "tasks_healthy",
    "tasks_running",
    "tasks_started",
    "tasks_stopped",
]

BATCH_SIZE = 100
"""The maximum number of tasks in one DescribeTasks request."""

RANKS = {
    "PROVISIONING": 0,
    "PENDING": 1,
    "ACTIVATING": 2,
    "RUNNING": 3,
    "DEACTIVATING": 4,
    "STOPPING": 5,
    "DEPROVISIONING": 6,
    "STOPPED": 7,
    "DELETED": 8,
}
RUNNING, STOPPED = RANKS["RUNNING"], RANKS["STOPPED"]

ENDING = Pace(2, most=2)
"""Stopping takes 1 to 3 s on instances and 10 s on Fargate."""
PACES = {
    # Hardly any task starts sooner, and no poll in this status can end the wait.
    "PROVISIONING": Pace(7.5, most=7.5),
    # Pulling the image takes 1 s or minutes. The statuses after it may be too short to be observed.
    "PENDING": Pace(6, most=6),
    # The task runs soon.
    "ACTIVATING": Pace(3, most=3),
    # The remaining time is unknown; it is likely to be longer, the longer the task has run. Intervals not much longer
    # than stopping takes observe a task while it stops, so that the end is observed soon after.
    "RUNNING": Pace(6, most=8, growth=1.01),
    "DEACTIVATING": ENDING,
    "STOPPING": ENDING,
    "DEPROVISIONING": ENDING,
}
"""How often to poll a task, by its status. docs/wait-cost.md has the requests and delays that result."""
RUNNING_ON_FARGATE = Pace(8, most=12, growth=1.02)
"""Stopping takes longer on Fargate, so that longer intervals are enough."""
PACE = Pace(most=5.0)
"""How often to poll a running task that does not meet the condition yet, and a task with an unknown status."""
SHORTLY = Pace(1, most=1, exact=True)
"""How often to poll a stopped task without stop code or time."""
DETAIL_POLLS = 2
"""The maximum number of polls for them."""


def tasks_running(
    tasks: Tasks,
    *,
    cluster: str | None = None,
    allow_partial: bool = False,
    wait_options: WaitOptions,
) -> Flow[list[Task]]:
    """Wait until all tasks are RUNNING.

    A task that has stopped ends the wait at once, with any exit code.

    Args:
        tasks: The result of `tasks.run`, the response of `run_task` or `start_task`, or one or more tasks: models, ids
            or ARNs.
        cluster: Name or ARN of their cluster; required if neither an ARN nor a model contains it.
        allow_partial: Wait for the tasks that were started, even if the response contains failures.
        wait_options: How long to wait and how often to poll.

    Returns:
        The tasks as last observed, in the order given.

    Raises:
        TaskStoppedEarly: A task is stopping or has stopped.
        TaskNotVisible: A task was not visible within `visibility_grace` seconds, or by the deadline.
        TaskPurged: A task was visible, and then not found any more. ECS deletes stopped tasks after about an hour.
        FailuresError: The response contains failures. Nothing was sent.

    Polling:
        Succeeds when all are: RUNNING
        Fails when one is: past RUNNING, or purged
        Continues while one is: PROVISIONING, PENDING, ACTIVATING
        Requests: DescribeTasks

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html
    """
    targets = targets_of("tasks_running", tasks, cluster, allow_partial=allow_partial)
    return wait_for(TaskGoal(name="tasks_running", condition=running, wait_options=wait_options), targets)


def tasks_started(
    tasks: Tasks,
    *,
    cluster: str | None = None,
    allow_partial: bool = False,
    wait_options: WaitOptions,
) -> Flow[list[Task]]:
    """Wait until all tasks have started. Tasks that have stopped since count, for tasks that run only briefly.

    Args:
        tasks: The result of `tasks.run`, the response of `run_task` or `start_task`, or one or more tasks: models, ids
            or ARNs.
        cluster: Name or ARN of their cluster; required if neither an ARN nor a model contains it.
        allow_partial: Wait for the tasks that were started, even if the response contains failures.
        wait_options: How long to wait and how often to poll.

    Returns:
        The tasks as last observed, in the order given.

    Raises:
        TaskStoppedEarly: A task has stopped without having run.
        TaskNotVisible: A task was not visible within `visibility_grace` seconds, or by the deadline.
        TaskPurged: A task was visible, and then not found any more. ECS deletes stopped tasks after about an hour.
        FailuresError: The response contains failures. Nothing was sent.

    Polling:
        Succeeds when all are: RUNNING, or were RUNNING
        Fails when one is: STOPPED without having run, or purged
        Continues while one is: PROVISIONING, PENDING, ACTIVATING, or stopping
        Requests: DescribeTasks

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html
    """
    targets = targets_of("tasks_started", tasks, cluster, allow_partial=allow_partial)
    return wait_for(TaskGoal(name="tasks_started", condition=_started, wait_options=wait_options), targets)


def tasks_healthy(
    tasks: Tasks,
    *,
    cluster: str | None = None,
    allow_partial: bool = False,
    wait_options: WaitOptions,
) -> Flow[list[Task]]:
    """Wait until all tasks are RUNNING, and all their containers that have a health check are HEALTHY.

    The task definition, which is read once, shows which containers have a health check. A container that is UNHEALTHY
    can become HEALTHY, so that the wait continues until the timeout.

    Args:
        tasks: The result of `tasks.run`, the response of `run_task` or `start_task`, or one or more tasks: models, ids
            or ARNs.
        cluster: Name or ARN of their cluster; required if neither an ARN nor a model contains it.
        allow_partial: Wait for the tasks that were started, even if the response contains failures.
        wait_options: How long to wait and how often to poll.

    Returns:
        The tasks as last observed, in the order given.

    Raises:
        TaskStoppedEarly: A task is stopping or has stopped.
        TaskNotVisible: A task was not visible within `visibility_grace` seconds, or by the deadline.
        TaskPurged: A task was visible, and then not found any more. ECS deletes stopped tasks after about an hour.
        FailuresError: The response contains failures. Nothing was sent.

    Polling:
        Succeeds when all are: RUNNING, each container with a health check HEALTHY
        Fails when one is: past RUNNING, or purged
        Continues while one is: before RUNNING; RUNNING with a container UNKNOWN or UNHEALTHY
        Requests: DescribeTasks, DescribeTaskDefinition

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html
    """
    targets = targets_of("tasks_healthy", tasks, cluster, allow_partial=allow_partial)
    checked: dict[str, frozenset[str]] = {}

    def read_definitions(found: Sequence[Task]) -> Flow[None]:
        for arn in dict.fromkeys(task.task_definition_arn for task in found if task.last_status == "RUNNING"):
            if arn is not None and arn not in checked:
                checked[arn] = yield from _with_health_check(arn)

    goal = TaskGoal(name="tasks_healthy", condition=_healthy(checked), wait_options=wait_options)
    return wait_for(attrs.evolve(goal, resource_type=_with_health(read_definitions)), targets)


def tasks_stopped(
    tasks: Tasks,
    *,
    cluster: str | None = None,
    allow_partial: bool = False,
    wait_options: WaitOptions,
) -> Flow[list[Task]]:
    """Wait until all tasks have STOPPED.

    Tasks that failed count. `TaskOutcome.of(task)` returns how a task ended.

    Args:
        tasks: The result of `tasks.run`, the response of `run_task` or `start_task`, or one or more tasks: models, ids
            or ARNs.
        cluster: Name or ARN of their cluster; required if neither an ARN nor a model contains it.
        allow_partial: Wait for the tasks that were started, even if the response contains failures.
        wait_options: How long to wait and how often to poll.

    Returns:
        The tasks as last observed, in the order given.

    Raises:
        TaskNotVisible: A task was not visible within `visibility_grace` seconds, or by the deadline.
        TaskPurged: A task was visible, and then not found any more, before it was observed as STOPPED.
        FailuresError: The response contains failures. Nothing was sent.

    Polling:
        Succeeds when all are: STOPPED, with stop code and time
        Fails when one is: purged before it was observed as STOPPED
        Continues while one is: in any other status
        Requests: DescribeTasks

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html
    """
    targets = targets_of("tasks_stopped", tasks, cluster, allow_partial=allow_partial)
    return wait_for(stopped_goal(wait_options), targets)


def stopped_goal(wait_options: WaitOptions) -> TaskGoal:
    """Return the goal that all tasks have stopped."""
    return TaskGoal(name="tasks_stopped", condition=_stopped, wait_options=wait_options)


def _describe(cluster: str, ids: list[str]) -> Flow[Sequence[Task]]:
    request = DescribeTasksRequest(cluster=cluster, tasks=ids)
    return (yield from polled(request)).tasks


def _with_health(check: Callable[[Sequence[Task]], Flow[None]]) -> DescribedType[Task]:
    return attrs.evolve(TASKS, check=check, by_events=False)  # events lack the health


def _with_health_check(definition: str) -> Flow[frozenset[str]]:
    request = DescribeTaskDefinitionRequest(task_definition=definition)
    found = yield from Revisions.contents_of(definition, lambda: call(request, single_attempt=True))
    containers: Sequence[ContainerDefinition] = found.container_definitions
    return frozenset(container.name for container in containers if container.name and container.health_check)


def _complete(shown: Task, before: Task | None) -> Task:
    """Return a task of an event with what events lack from the observation before: health and tags."""
    if before is None:
        return shown
    health = {container.name: container.health_status for container in before.containers}
    return attrs.evolve(
        shown,
        health_status=shown.health_status or before.health_status,
        tags=shown.tags or before.tags,
        containers=[
            container
            if container.health_status not in (None, "UNKNOWN") or health.get(container.name) is None
            else attrs.evolve(container, health_status=health[container.name])
            for container in shown.containers
        ],
    )


def _rank(task: Task) -> tuple[int | None, int]:
    """Return version and rank; unknown statuses have the lowest rank."""
    return task.version, RANKS.get(task.last_status, -1)


TASKS: DescribedType[Task] = DescribedType(
    noun="task",
    operation="DescribeTasks",
    batch_size=BATCH_SIZE,
    describe=_describe,
    by_events=True,
    complete=_complete,
    id_of=lambda task: task.task_arn.rsplit("/", 1)[-1],
    state=lambda task: task.last_status,
    is_known_state=lambda status: status in RANKS,
    rank=_rank,
    final_rank=STOPPED,
)


@attrs.frozen(kw_only=True)
class TaskGoal(AllMet[Task]):
    """The goal that all tasks meet a condition."""

    resource_type: DescribedType[Task] = TASKS
    not_visible_error: type[WaitError] = TaskNotVisible
    vanished_error: type[WaitError] = TaskPurged
    failed_error: type[WaitError] = TaskStoppedEarly

    def is_final(self, resource: ResourceState[Task], /) -> bool:
        """Whether a task has stopped."""
        return is_final(resource)

    def proves_visible(self, last: Task, /) -> bool:
        """Whether the status can only come from a read: the response of RunTask shows earlier ones."""
        return RANKS.get(last.last_status, -1) >= RUNNING


def is_stopped(task: Task) -> bool:
    """Whether a task was observed as stopped."""
    return RANKS.get(task.last_status, -1) >= STOPPED


def is_final(resource: ResourceState[Task]) -> bool:
    """Whether a task has stopped and needs no more polls: its stop code and time are set, or do not come."""
    if resource.last is None or not is_stopped(resource.last):
        return False
    complete = resource.last.stop_code is not None and resource.last.stopped_at is not None
    return complete or resource.repeats >= DETAIL_POLLS or resource.missing_polls > 0


def has_run(task: Task) -> bool:
    """Whether an observation shows that a task runs or has run, also if only one of its containers has."""
    if task.last_status == "RUNNING" or task.started_at or task.stop_code == "EssentialContainerExited":
        return True
    return any(container.exit_code is not None for container in task.containers)


def running(resource: ResourceState[Task]) -> Evaluation:
    """Evaluate the condition that a task is RUNNING."""
    task, rank = _task_and_rank(resource)
    if rank > RUNNING:
        return Unreachable(_ended(task))
    return Met() if rank == RUNNING else _not_yet(task)


def _started(resource: ResourceState[Task]) -> Evaluation:
    task, _ = _task_and_rank(resource)
    if has_run(task):
        return Met()
    # A task that is stopping may not have run. That is certain once it has stopped.
    return Unreachable(_ended(task)) if is_final(resource) else _not_yet(task)


def _healthy(checked: dict[str, frozenset[str]]) -> Condition[Task]:
    def condition(resource: ResourceState[Task]) -> Evaluation:
        task, _ = _task_and_rank(resource)
        evaluation = running(resource)
        names = checked.get(task.task_definition_arn or "")
        if not isinstance(evaluation, Met):
            return evaluation
        if names is None:
            return NotYet("is RUNNING, its task definition was not read yet", PACE)
        unhealthy = [c for c in task.containers if c.name in names and c.health_status != "HEALTHY"]
        states = ", ".join(f"container {c.name} is {c.health_status or 'UNKNOWN'}" for c in unhealthy)
        return NotYet(f"is RUNNING, but {states}", PACE) if unhealthy else Met()

    return condition


def _stopped(resource: ResourceState[Task]) -> Evaluation:
    task, rank = _task_and_rank(resource)
    if is_final(resource):
        return Met()
    return NotYet(f"is {task.last_status}", SHORTLY) if rank >= STOPPED else _not_yet(task)


def _task_and_rank(resource: ResourceState[Task]) -> tuple[Task, int]:
    assert resource.last is not None  # conditions are evaluated for observed targets
    return resource.last, RANKS.get(resource.last.last_status, -1)


def _not_yet(task: Task) -> NotYet:
    on_fargate = task.last_status == "RUNNING" and task.launch_type == "FARGATE"
    return NotYet(f"is {task.last_status}", RUNNING_ON_FARGATE if on_fargate else PACES.get(task.last_status, PACE))


def _ended(task: Task) -> str:
    why = ": ".join(filter(None, [task.stop_code, task.stopped_reason]))
    exits = [f"container {c.name} exited with {c.exit_code}" for c in task.containers if c.exit_code is not None]
    failed = [f"container {c.name}: {c.reason}" for c in task.containers if c.reason]
    return ", ".join([f"is {task.last_status}{f' ({why})' if why else ''}", *exits, *failed])
