"""Send StopTask for any number of tasks, and clean up tasks after a launch or a wait ended early."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import attrs

from ecskit._core.effects import Flow
from ecskit._core.errors import EcsError, InvalidRequestError
from ecskit._core.reasons import find
from ecskit._core.retrying import CLEANUP_LIMITS, Retrying, is_retryable
from ecskit._core.wording import listed
from ecskit._polling.batches import Target, Targets
from ecskit._polling.bulk import AsyncOnProgress, Call, perform
from ecskit._polling.conditions import wait_for
from ecskit._polling.options import WaitOptions
from ecskit._tasks.errors import TasksNotStopped
from ecskit._tasks.launch import OnCancel
from ecskit._waits.tasks import is_stopped, stopped_goal
from ecskit.models.tasks import StopTaskRequest, Task

__all__ = ["clean_up", "request_stop"]

log = logging.getLogger("ecskit")

PARALLEL_CALLS = 8
"""How many StopTask calls run at the same time."""
UNKNOWN_TASK_ATTEMPTS = 3
"""Attempts to stop a task that ECS does not find: a new task may not be visible yet."""
CLEANUP_TIMEOUT = 120.0
"""Seconds to wait for tasks to stop after a timeout. After a cancellation, the driver ends the wait after 10 s."""


def request_stop(
    by_name: Mapping[str, Target], reason: str | None, on_progress: AsyncOnProgress | None = None
) -> Flow[dict[str, Task]]:
    """Send StopTask for each task, and return the tasks as the responses show them.

    Raises:
        TasksNotStopped: StopTask failed for some tasks; the others stop.
    """
    calls = [Call([name], _request_stop(name, target, reason)) for name, target in by_name.items()]
    names = list(by_name)
    tasks = yield from perform("tasks.stop", calls, names, TasksNotStopped, on_progress, limit=PARALLEL_CALLS)
    return dict(zip(names, tasks, strict=True))


def _request_stop(name: str, target: Target, reason: str | None) -> Flow[dict[str, Task | EcsError]]:
    request = StopTaskRequest(cluster=target.scope, task=target.id, reason=reason)
    task = (yield from Retrying(request).send(CLEANUP_LIMITS, may_pass=_is_temporary)).task
    # The response may hold nothing but the ARN of the task.
    return {name: task if task.cluster_arn else attrs.evolve(task, cluster_arn=target.scope)}


def _is_temporary(error: EcsError, attempt: int) -> bool:
    unknown = isinstance(error, InvalidRequestError) and find(error.message, "missing")
    return attempt < UNKNOWN_TASK_ATTEMPTS if unknown else is_retryable(error)


def clean_up(targets: Targets[Task], how: OnCancel) -> Flow[Sequence[Task]]:
    """Stop tasks after a launch or a wait ended early, as the caller chose. Tasks that have stopped are skipped.

    Returns:
        The tasks whose end was awaited.
    """
    live = {name: target for name, target in targets.by_name.items() if not is_stopped(targets.observed[name])}
    if how == "leave" or not live:
        return ()
    log.info("stopping tasks after a timeout or a cancellation: %s", listed(live))
    try:
        requested = yield from request_stop(live, "the call that ran the task timed out or was cancelled")
    except GeneratorExit:
        log.warning("the clean-up was cut short; some of these tasks may still run: %s", ", ".join(live))
        raise
    if how != "stop_and_wait":
        return ()
    goal = stopped_goal(WaitOptions(timeout=CLEANUP_TIMEOUT))
    return (yield from wait_for(goal, Targets(by_name=live, observed=requested)))
