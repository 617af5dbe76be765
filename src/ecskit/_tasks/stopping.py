"""Stop tasks: one StopTask for each, then wait until they have stopped."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import attrs

from ecskit._core.effects import Flow
from ecskit._core.errors import RequestError
from ecskit._polling.batches import Targets
from ecskit._polling.bulk import AsyncOnProgress, check_on_progress
from ecskit._polling.conditions import wait_for
from ecskit._polling.options import WaitOptions
from ecskit._tasks.stop_requests import request_stop
from ecskit._waits.task_identifiers import Tasks, targets_of
from ecskit._waits.tasks import is_stopped, stopped_goal
from ecskit.models.tasks import Task

__all__ = ["UntilStopped", "stop"]

LONGEST_REASON = 255
"""The most characters of a reason."""
UntilStopped: TypeAlias = Literal["stopped", "requested"]
"""When to return: after the tasks have stopped, or when ECS has accepted the requests to stop them."""


def stop(
    tasks: Tasks,
    *,
    cluster: str | None = None,
    reason: str | None = None,
    until: UntilStopped = "stopped",
    on_progress: AsyncOnProgress | None = None,
    wait_options: WaitOptions,
) -> Flow[list[Task]]:
    """Stop tasks, and wait until they have stopped.

    StopTask is sent once for each task: to 100 at once, then 40 per second, as ECS takes them. It is not sent for tasks
    that are passed in as stopped.

    Args:
        tasks: What `tasks.run`, `run_task` or `start_task` returned, or one or more tasks, ids or ARNs.
        cluster: Name or ARN of their cluster; optional if ARNs or tasks include it.
        reason: Why the tasks are stopped, at most 255 characters. ECS adds it to their `stopped_reason`.
        until: "stopped" waits until the tasks have stopped; "requested" returns when ECS has accepted the requests.
        on_progress: Called after the request for each task with the `BulkProgress` so far. With an async client it may
            be a coroutine function. An exception that it raises ends the call; its cause is TasksNotStopped, whose
            `results` has the tasks that stop.
        wait_options: How long to wait and how often to poll.

    Returns:
        The last observation of each task, in the order given.

    Raises:
        TasksNotStopped: StopTask failed for some tasks; `requested` has the others, which stop.
        TaskPurged: ECS stopped showing a task before a poll showed that it had stopped.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopTask.html
    """
    targets = targets_of("tasks.stop", tasks, cluster, allow_none=True)
    wait_options.check("tasks.stop")
    check_on_progress("tasks.stop", on_progress)
    if until not in get_args(UntilStopped):
        raise RequestError(
            "tasks.stop", [("until", f"expected one of {', '.join(get_args(UntilStopped))}, got {until!r}")]
        )
    if reason is not None and not isinstance(reason, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        raise RequestError("tasks.stop", [("reason", f"expected a str, got {type(reason).__name__}")])
    if reason is not None and len(reason) > LONGEST_REASON:
        problem = f"expected at most {LONGEST_REASON} characters, got {len(reason)}"
        raise RequestError("tasks.stop", [("reason", problem)])
    return _stop(targets, reason, until, on_progress, wait_options)


def _stop(
    targets: Targets[Task],
    reason: str | None,
    until: UntilStopped,
    on_progress: AsyncOnProgress | None,
    wait_options: WaitOptions,
) -> Flow[list[Task]]:
    live = {
        name: p
        for name, p in targets.by_name.items()
        if name not in targets.observed or not is_stopped(targets.observed[name])
    }
    requested = yield from request_stop(live, reason, on_progress)
    targets = attrs.evolve(targets, observed={**targets.observed, **requested})
    if until == "requested":
        return [targets.observed[name] for name in targets.by_name]
    return (yield from wait_for(stopped_goal(wait_options), targets))
