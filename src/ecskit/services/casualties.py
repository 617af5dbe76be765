"""What tasks of a deployment stopped for, in words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from ecskit.models.tasks import Task

__all__ = ["died_of", "told_of", "was_told_to"]

_TOLD_TO = re.compile(r"scaling activity|task set", re.IGNORECASE)


def was_told_to(task: Task) -> bool:
    """Whether a task stopped because the service needs it no more, not because something was wrong with it."""
    if task.stop_code == "UserInitiated":
        return True
    return task.stop_code == "ServiceSchedulerInitiated" and bool(_TOLD_TO.search(task.stopped_reason or ""))


def died_of(task: Task) -> str:
    """Return why a task stopped, or did not start, in as few words as ECS has for it."""
    told = task.stopped_reason or "ECS gave no reason"
    for container in task.containers:
        if container.reason:
            never = task.started_at is None
            return container.reason if never or container.reason in told else f"{told}: {container.reason}"
        if container.exit_code:
            return f"container {container.name} exited with {container.exit_code}"
    return told


def told_of(tasks: Iterable[Task]) -> Sequence[str]:
    """Return what tasks died of, each reason once: "3 tasks failed to start: CannotPullContainerError"."""
    told: Counter[tuple[bool, str]] = Counter()
    for task in tasks:
        told[task.stop_code == "TaskFailedToStart" or task.started_at is None, died_of(task)] += 1
    return [
        f"{count} task{'' if count == 1 else 's'} {'failed to start' if never else 'stopped'}: {why}"
        for (never, why), count in told.most_common()
    ]
