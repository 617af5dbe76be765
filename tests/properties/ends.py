"""What is true of the tasks of a deployment: which of them ended by a fault of their own, and when hooks paused it.

Judged by the simulator's own record, with none of the code under test.
"""

from __future__ import annotations

from ecskit._simulator.records.services import Rollout, Service
from ecskit._simulator.task_lifecycle import snapshot

from .fleet import Fleet, Kept

__all__ = ["bad_ends", "cannot_place", "paused_for", "pauses"]


def bad_ends(fleet: Fleet, rollout: Rollout, *, since: float = 0.0, until: float) -> list[float]:
    """Return when tasks of a deployment began to end by a fault of their own, between two moments."""
    found: list[float] = []
    for task in fleet.every_task.values():
        if task.body.get("startedBy") != rollout.deployment.id:
            continue
        end = snapshot(task.steps, float("inf")).task
        code, reason = end.get("stopCode"), str(end.get("stoppedReason"))
        own = code in ("EssentialContainerExited", "TaskFailedToStart")
        if own or (code == "ServiceSchedulerInitiated" and "health" in reason.lower()):
            found.append(next(step.at for step in task.steps if step.task.get("desiredStatus") == "STOPPED"))
    return [at for at in found if since < at <= until]


def cannot_place(service: Service) -> bool:
    """Whether a service had an event about a failed placement."""
    return any("unable to place" in event["message"] for event in service.events)


def pauses(rollout: Rollout, until: float) -> list[tuple[float, float]]:
    """Return from when to when hooks paused a deployment."""
    assert isinstance(rollout.shown, Kept)
    shown = [
        (at, any(hook["status"] == "AWAITING_ACTION" for hook in body.get("lifecycleHookDetails", [])))
        for at, body in rollout.shown.between(0.0, until)
    ]
    ends = [*(at for at, _ in shown), until][1:]
    return [(at, end) for (at, paused), end in zip(shown, ends, strict=True) if paused]


def paused_for(rollout: Rollout, since: float, until: float, *, slack: float) -> float:
    """Return the seconds of the pauses between two moments; of each, some may not have been observed."""
    return sum(max(0.0, end - max(at, since) - slack) for at, end in pauses(rollout, until))
