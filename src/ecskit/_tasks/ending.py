"""How tasks are told to stop: each once, and again only while nobody knows whether it was told."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import attrs

from ecskit._core.effects import Flow, Parallel, Reply
from ecskit._core.errors import EcsError
from ecskit._core.retrying import CLEANUP_LIMITS, Retrying, is_transient
from ecskit._polling.batches import Target, Targets
from ecskit._polling.conditions import wait_for
from ecskit._polling.options import WaitOptions
from ecskit._tasks.errors import TasksNotStopped
from ecskit._tasks.launch import OnCancel
from ecskit._tasks.reasons import is_unknown_task
from ecskit._waits.tasks import is_stopped, stopped_goal
from ecskit.models.tasks import StopTaskRequest, Task

__all__ = ["end", "tell_to_stop"]

log = logging.getLogger("ecskit")

AT_ONCE = 8
"""How many StopTask are under way at the same time."""
UNKNOWN_TASK_ATTEMPTS = 3
"""Attempts to stop a task that ECS does not find: a new task may not be visible yet."""
STOP_PATIENCE = 120.0
"""Seconds to wait at the most for tasks to stop that were given up."""


def tell_to_stop(by_name: Mapping[str, Target], reason: str | None) -> Flow[dict[str, Task]]:
    """Tell each task to stop, and return what ECS shows of them.

    Raises:
        TasksNotStopped: Some could not be told; all others were.
    """
    flows = [_tell(target, reason) for target in by_name.values()]
    replies: Reply[list[Reply[Task]]] = yield Parallel(flows, AT_ONCE)
    answers = dict(zip(by_name, replies.get(), strict=True))
    errors = {name: reply.error for name, reply in answers.items() if reply.error is not None}
    told = {name: reply.get() for name, reply in answers.items() if reply.error is None}
    if errors:
        raise TasksNotStopped(errors, list(told))
    return told


def _tell(target: Target, reason: str | None) -> Flow[Task]:
    request = StopTaskRequest(cluster=target.scope, task=target.id, reason=reason)
    task = (yield from Retrying(request).send(CLEANUP_LIMITS, may_pass=_may_pass)).task
    # The response may hold nothing but the ARN of the task.
    return task if task.cluster_arn else attrs.evolve(task, cluster_arn=target.scope)


def _may_pass(error: EcsError, attempt: int) -> bool:
    return attempt < UNKNOWN_TASK_ATTEMPTS if is_unknown_task(error) else is_transient(error)


def end(targets: Targets[Task], how: OnCancel) -> Flow[None]:
    """Stop tasks that nobody waits for any more, as the caller said; those that were seen to have stopped are left."""
    live = {name: target for name, target in targets.by_name.items() if not is_stopped(targets.observed[name])}
    if how == "leave" or not live:
        return
    log.info("stopping tasks that nobody waits for any more: %s", ", ".join(live))
    try:
        told = yield from tell_to_stop(live, "nobody waits for it any more")
    except GeneratorExit:
        log.warning("not all of these tasks may have been told to stop: %s", ", ".join(live))
        raise
    if how == "stop_and_wait":
        yield from wait_for(stopped_goal(WaitOptions(timeout=STOP_PATIENCE)), Targets(by_name=live, observed=told))
