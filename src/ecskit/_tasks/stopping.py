"""Stopping tasks, each told once, and waiting until they have stopped."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import attrs

from ecskit._core.effects import Flow
from ecskit._core.errors import RequestError
from ecskit._polling.batches import Targets
from ecskit._polling.conditions import wait_for
from ecskit._polling.options import WaitOptions
from ecskit._tasks.ending import tell_to_stop
from ecskit._waits.task_identifiers import Tasks, targets_of
from ecskit._waits.tasks import is_stopped, stopped_goal
from ecskit.models.tasks import Task

__all__ = ["UntilStopped", "stop"]

UntilStopped: TypeAlias = Literal["stopped", "requested"]
"""How far stopping is waited for."""


def stop(
    tasks: Tasks,
    *,
    cluster: str | None = None,
    reason: str | None = None,
    until: UntilStopped = "stopped",
    wait_options: WaitOptions,
) -> Flow[list[Task]]:
    """Stop tasks, and wait until they have stopped.

    Every task is told once; one that is known to have stopped is not told at all.

    Args:
        tasks: What `tasks.run`, `run_task` or `start_task` returned, or one or more tasks, ids or ARNs.
        cluster: Name or ARN of their cluster; needed only where neither ARNs nor tasks tell it.
        reason: What to tell those who look at the tasks later, at most 255 characters: it becomes part of their
            `stopped_reason`.
        until: "stopped" waits until they have; "requested" returns when ECS knows that they are to stop.
        wait_options: How long to wait and how often to look.

    Returns:
        The tasks as they were last seen, in the order given.

    Raises:
        TasksNotStopped: Some tasks could not be told to stop; the others were.
        TaskPurged: A task was told to stop, and then forgotten by ECS before it was seen to have stopped.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopTask.html
    """
    targets = targets_of("tasks.stop", tasks, cluster)
    wait_options.check("tasks.stop")
    if until not in get_args(UntilStopped):
        raise RequestError(
            "tasks.stop", [("until", f"expected one of {', '.join(get_args(UntilStopped))}, got {until!r}")]
        )
    if reason is not None and not isinstance(reason, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        raise RequestError("tasks.stop", [("reason", f"expected a str, got {type(reason).__name__}")])
    return _stop(targets, reason, until, wait_options)


def _stop(
    targets: Targets[Task], reason: str | None, until: UntilStopped, wait_options: WaitOptions
) -> Flow[list[Task]]:
    live = {
        name: p
        for name, p in targets.by_name.items()
        if name not in targets.observed or not is_stopped(targets.observed[name])
    }
    told = yield from tell_to_stop(live, reason)
    targets = attrs.evolve(targets, observed={**targets.observed, **told})
    if until == "requested":
        return [targets.observed[name] for name in targets.by_name]
    return (yield from wait_for(stopped_goal(wait_options), targets))
