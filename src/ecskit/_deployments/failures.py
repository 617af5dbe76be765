"""What tasks of a deployment stopped for, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ecskit.models.tasks import Task

__all__ = ["died_of", "reasons_of", "told_of"]


def died_of(task: Task) -> str:
    """Return why a task stopped, or did not start, in as few words as ECS has for it."""
    told = task.stopped_reason or "ECS gave no reason"
    for container in task.containers:
        if container.reason:
            never = task.started_at is None
            return container.reason if never or container.reason in told else f"{told}: {container.reason}"
    # What ECS stops exits by a signal: then the reason is that of the task.
    if task.stop_code in (None, "EssentialContainerExited"):
        exits = [container for container in task.containers if container.exit_code is not None]
        for container in sorted(exits, key=lambda each: each.exit_code == 0):
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


def reasons_of(tasks: Sequence[Task]) -> str:
    """Return why tasks stopped, each reason with its share: "container app exited with 1 (4 of 4)"."""
    reasons = Counter(died_of(task) for task in tasks).most_common()
    return ", ".join(f"{why} ({count} of {len(tasks)})" for why, count in reasons)
