"""What is to be thought of a deployment: it is where it was to come to, it is on its way, or it will never be there.

A pure function of what is known. Each verdict is about this very deployment: that the service is stable on something
else is no success of it, and neither is that nothing was found.
"""

from __future__ import annotations

import math
import re
from typing import Any, Literal, TypeAlias

import attrs

from ecskit._deployments.after_success import StabilityAim
from ecskit._deployments.errors import (
    DeploymentFailed,
    DeploymentPaused,
    DeploymentRollbackFailed,
    DeploymentRolledBack,
    DeploymentStalled,
    DeploymentSuperseded,
)
from ecskit._deployments.evidence import is_watched, placement_failure, threshold
from ecskit._deployments.pauses import deadline as deadline_of
from ecskit._deployments.progress import DOOMED, READS, STAGES, DeploymentProgress
from ecskit._deployments.reference import WAIT
from ecskit._deployments.staying_up import stays_up
from ecskit._deployments.verdict_values import LATE, SOON, USUAL, Ends, Said, Waits, with_reason
from ecskit._polling.errors import NotVisible, WaitError, WaitFailed
from ecskit._polling.loop import Continue, Done, Failed, Verdict
from ecskit._polling.observations import ResourceState, WaitState
from ecskit._waits.errors import ServiceGone
from ecskit.models.literals import ServiceDeploymentLifecycleStage

__all__ = ["Aim", "DeploymentGoal", "Ends", "Until", "verdict"]

Until: TypeAlias = (
    Literal["deployed", "stable", "paused", "PRE_PRODUCTION_TRAFFIC_SHIFT"] | ServiceDeploymentLifecycleStage
)
"""How far a deployment is followed."""
Aim: TypeAlias = Until | Literal["rolled_back", "stopped"]
"""The same, and what is waited for behind somebody who had enough of a deployment."""

EXPECT_FOR = 60.0
"""Seconds for which a deployment is expected that the answer did not show."""
_REPLACED = re.compile(r"\b(replaced|superseded)\b", re.IGNORECASE)
_DELETED = re.compile(r"\bservice (was|is|has been) (being )?deleted\b", re.IGNORECASE)


@attrs.frozen(kw_only=True)
class DeploymentGoal:
    """A deployment is where it was to come to."""

    until: Aim
    pause_is_an_end: bool
    stalled_after: float | None = None
    max_failed_tasks: int | None = None
    stable_for: float | None = None
    pause_timeout: float | None = None
    grace: float = 60.0
    name: str = WAIT

    @property
    def stability(self) -> StabilityAim | None:
        """What is to be observed after the deployment has succeeded; None if that is the end."""
        return StabilityAim.of(self.stable_for, until_stable=self.until == "stable")

    def decide(self, wait_state: WaitState[DeploymentProgress], /) -> Verdict:
        """Decide about the one deployment that the book is about."""
        [(id_, known)] = wait_state.resources.items()
        if known.last is None:
            return Continue({id_: "has not been looked at yet"}, no_later_than=0)
        elapsed = min(wait_state.elapsed, wait_state.now - known.last.signs.began)
        said = verdict(known.last, self, elapsed=elapsed, now=wait_state.now)
        if isinstance(said, Waits):
            soon = said.until - wait_state.now
            return Continue({id_: said.why}, said.pace.interval(known.repeats), soon if soon > 0 else math.inf)
        return Done() if isinstance(said, Done) else Failed(said.error, {id_: said.why})

    def due(self, wait_state: WaitState[DeploymentProgress], deadline: float) -> float:
        """Return when time is up: neither pauses nor what comes after the success count."""
        [known] = wait_state.resources.values()
        if known.last is None:
            return deadline
        due = deadline_of(known.last, deadline, self.pause_timeout)
        observed = known.last.after_success
        return max(due, observed.began + observed.within) if observed and self.stable_for else due

    def at_timeout(self, wait_state: WaitState[Any], /) -> None:
        """There is no better reason than time being up: how it stands is told with it."""

    def is_final(self, known: ResourceState[Any], /) -> bool:  # noqa: ARG002  # it is one thing, and looked at until the end
        """Whether it needs no further look."""
        return False


def verdict(progress: DeploymentProgress, goal: DeploymentGoal, *, elapsed: float, now: float) -> Said:
    """Return what is to be thought of a deployment.

    Args:
        progress: What is known of it.
        goal: What it is to come to.
        elapsed: Seconds since it is waited for.
        now: The monotonic time.
    """
    started = progress.started
    if _is_reached(progress, goal):
        return Done()
    another = not (progress.is_gone or _runs(progress, started.task_definition))
    if started.expected == "either" and (elapsed < EXPECT_FOR or another):
        return _awaited(elapsed >= max(goal.grace, EXPECT_FOR))  # that what was there is stable is no success
    if started.expected != "deployment":
        return _deployed(progress, goal) if goal.stable_for and progress.succeeded else _by_counts(progress)
    if started.deployment_id is None and elapsed >= goal.grace:
        return _awaited(late=True)
    if progress.service_deployment is not None:
        return _by_status(progress, goal, now)
    return _by_service(progress, goal, elapsed, now)


def _runs(progress: DeploymentProgress, task_definition: str | None) -> bool:
    """Whether what is to stay is of a task definition, as far as that is known."""
    primary = progress.primary
    return primary is not None and task_definition is not None and primary.task_definition == task_definition


def _is_reached(progress: DeploymentProgress, goal: DeploymentGoal) -> bool:
    """Whether it came as far as was asked for on its way."""
    if goal.until == "paused":
        return bool(progress.paused)
    if goal.until not in STAGES or progress.stage_reached is None:
        return False
    return STAGES.index(progress.stage_reached) >= STAGES.index(goal.until)


def _by_status(progress: DeploymentProgress, goal: DeploymentGoal, now: float) -> Said:
    """Judge by the status of the service deployment."""
    why = progress.reason or "ECS gave no reason"
    match progress.status:
        case "SUCCESSFUL":
            return _deployed(progress, goal)
        case "STOPPED":
            return _stopped(progress, goal, why)
        case "ROLLBACK_SUCCESSFUL" if goal.until == "rolled_back":
            return Done()
        case "ROLLBACK_SUCCESSFUL":
            return Ends(DeploymentRolledBack, why)
        case "ROLLBACK_FAILED":
            return Ends(DeploymentRollbackFailed, why)
        case _:
            return _under_way(progress, goal, now)


def _deployed(progress: DeploymentProgress, goal: DeploymentGoal) -> Said:
    if goal.until in ("rolled_back", "stopped"):
        return Ends(WaitFailed, "was deployed before it could be stopped")
    if goal.stability is None:
        return Done()
    if progress.is_gone:
        return Ends(ServiceGone, f"was deployed, but its service is {_state(progress)} now")
    primary = progress.primary
    if primary is not None and progress.is_newer(primary):
        return Ends(DeploymentSuperseded, "it was deployed, but not stable yet")
    if progress.after_success is None:
        return Waits(f"is deployed, and its tasks are to be observed: {progress.counts}", SOON)
    whole = goal.until == "stable" or progress.started.expected != "deployment"
    return stays_up(progress, progress.after_success, whole=whole)


def _stopped(progress: DeploymentProgress, goal: DeploymentGoal, why: str) -> Said:
    if goal.until == "stopped":
        return Done()
    error = _stopped_as(progress)
    if error is ServiceGone:
        why = f"its service is {_state(progress)}" if progress.is_gone else why
    if error is None and progress.signs.reads("stopped") < READS:
        return Waits(f"is STOPPED: {why}", SOON)  # what took its place may not be visible yet
    return Ends(error or DeploymentFailed, why)


def _stopped_as(progress: DeploymentProgress) -> type[WaitError] | None:
    """Return as what a deployment was stopped; None if nothing tells."""
    deployment = progress.service_deployment
    assert deployment is not None  # it has a status
    if progress.is_gone or _DELETED.search(deployment.status_reason or ""):
        return ServiceGone
    if _REPLACED.search(deployment.status_reason or ""):
        return DeploymentSuperseded
    monitors = (deployment.deployment_circuit_breaker, deployment.alarms)
    if progress.signs.failed or any(each is not None and each.status == "TRIGGERED" for each in monitors):
        return DeploymentFailed
    ended = deployment.stopped_at or deployment.finished_at
    later = [each.created_at for each in progress.newer]
    if progress.primary is not None and progress.is_newer(progress.primary):
        later.append(progress.primary.created_at)
    newer = any(ended is None or began is None or began <= ended for began in later)
    # That it FAILED before something newer came is told by its service, which has to be read once more.
    return DeploymentSuperseded if newer and progress.signs.reads("stopped") else None


def _under_way(progress: DeploymentProgress, goal: DeploymentGoal, now: float) -> Said:
    if progress.is_gone and progress.service_deployment is not None and not progress.signs.read_since_gone:
        return Waits(
            f"is {progress.status}, and its service is {_state(progress)}", SOON
        )  # it may have succeeded before
    if progress.is_gone:
        return Ends(ServiceGone, f"its service is {_state(progress)}")
    if progress.status in DOOMED or goal.until in ("rolled_back", "stopped"):
        return Waits(": ".join(filter(None, (f"is {progress.status}", progress.reason))), SOON)
    if progress.paused and goal.pause_is_an_end:
        return Ends(DeploymentPaused, f"{progress.paused_by}: continue it, or roll it back")
    stalled = _stalled(progress, goal, now)
    if stalled:
        return Ends(DeploymentStalled, stalled)
    told = progress.paused_by or " ".join(filter(None, (progress.status, progress.stage)))
    why = with_reason(f"is {told}, {progress.counts}", progress)
    return Waits(why, LATE if progress.stage == "BAKE_TIME" or progress.paused else USUAL)


def _stalled(progress: DeploymentProgress, goal: DeploymentGoal, now: float) -> str | None:
    """Return why a deployment will not succeed; None if it may, or if ECS sees to it.

    That nothing happens is no evidence: tasks may take long to start. Only where the caller says how long is too long,
    it is.
    """
    if progress.deployment is None or progress.signs.failed or progress.paused:
        return None  # not there yet, ECS has ended it, or it waits for an answer
    why = progress.reason or (progress.events[-1].message if progress.events else None) or "ECS gave no reason"
    if not is_watched(progress):
        if progress.failures >= (goal.max_failed_tasks or threshold(progress)):
            tasks = "1 task" if progress.failures == 1 else f"{progress.failures} tasks"
            return f"{tasks} failed, and no circuit breaker ends it: {why}"
        unplaced = placement_failure(progress)
        if unplaced:
            return f"tasks cannot be placed, and no circuit breaker ends it: {unplaced}"
    lacking = (progress.deployment.running_count or 0) < progress.desired
    if goal.stalled_after is None or not lacking:
        return None
    quiet = now - progress.signs.moved_at
    return f"nothing has moved for {quiet:.0f} s, {progress.counts}: {why}" if quiet >= goal.stalled_after else None


def _by_service(progress: DeploymentProgress, goal: DeploymentGoal, elapsed: float, now: float) -> Said:
    """Judge by what the service shows, because the service deployment cannot be read, or is not found yet."""
    if progress.succeeded:
        return _deployed(progress, goal)
    if progress.is_gone:
        return Ends(ServiceGone, f"its service is {_state(progress)}")
    if not progress.refused:
        told = progress.counts if progress.was_seen else "is not visible yet"
        return Waits(f"has no service deployment yet; {told}", SOON)
    if not progress.was_seen:
        return _unseen(progress, elapsed >= goal.grace)
    if progress.signs.reads("away") >= READS:
        return _displaced(progress, goal)
    return _failed(progress, goal) if progress.signs.reads("failed") else _under_way(progress, goal, now)


def _unseen(progress: DeploymentProgress, late: bool) -> Said:  # noqa: FBT001  # a moment, not a mode
    if progress.primary is not None and progress.is_newer(progress.primary):
        # It was over before anybody looked, and what its service said of it is all there is.
        return Ends(DeploymentFailed, progress.signs.failed) if progress.signs.failed else _overtaken()
    return _awaited(late)


def _awaited(late: bool) -> Said:  # noqa: FBT001  # the same
    return Ends(NotVisible, "was not visible within the grace") if late else Waits("is not visible yet", SOON)


def _failed(progress: DeploymentProgress, goal: DeploymentGoal) -> Said:
    why = progress.reason or "ECS gave no reason"
    if goal.until == "stopped":
        return Done()
    if progress.signs.reads("failed") >= READS and not _rolls_back(progress):
        return Ends(DeploymentFailed, why)
    return Waits(f"FAILED: {why}", SOON)


def _displaced(progress: DeploymentProgress, goal: DeploymentGoal) -> Said:
    """Judge a deployment in whose place the service shows another one as PRIMARY."""
    primary, why = progress.primary, progress.reason or "ECS gave no reason"
    assert primary is not None  # or nothing would be in its place
    if progress.is_newer(primary):
        return Ends(DeploymentFailed, why) if progress.signs.failed else _overtaken()
    if primary.rollout_state == "FAILED":
        return Ends(DeploymentRollbackFailed, primary.rollout_state_reason or why)
    if primary.rollout_state == "IN_PROGRESS":
        return Waits(f"is being rolled back: {why}")
    return Done() if goal.until == "rolled_back" else Ends(DeploymentRolledBack, why)


def _overtaken() -> Ends:
    return Ends(DeploymentSuperseded, "something newer is deployed")


def _rolls_back(progress: DeploymentProgress) -> bool:
    configuration = progress.service.deployment_configuration if progress.service else None
    breaker = configuration.deployment_circuit_breaker if configuration else None
    alarms = configuration.alarms if configuration else None
    targets = bool(breaker and breaker.enable and breaker.rollback) or bool(
        alarms and alarms.enable and alarms.rollback
    )
    return targets and progress.started.previous_id is not None and progress.signs.reads("failed") < _ROLLBACK_READS


_ROLLBACK_READS = 20
"""How many reads show a failed deployment that is to be rolled back until nobody believes in the rollback any more."""


def _by_counts(progress: DeploymentProgress) -> Said:
    """Judge a change that led to no deployment: it is done when there are as many tasks as were asked for."""
    primary = progress.primary
    if progress.is_gone:
        return Ends(ServiceGone, f"its service is {_state(progress)}")
    if progress.signs.reads("settled") >= READS:
        return Done()
    if progress.signs.reads("failed") >= READS:
        return Ends(DeploymentFailed, progress.reason or "ECS gave no reason")
    if primary is not None and progress.signs.reads("away") >= READS:
        if progress.is_newer(primary):
            return _overtaken()
        return Ends(DeploymentRolledBack, progress.reason or "ECS gave no reason")
    targets, told = progress.started.desired_count, progress.counts
    if targets not in (None, progress.desired):
        told += f", and it wants {progress.desired} tasks, not {targets}"
    return Waits(with_reason(f"is not settled: {told}", progress), SOON if progress.signs.reads("settled") else USUAL)


def _state(progress: DeploymentProgress) -> str:
    if progress.is_replaced:
        return "another one of the same name"
    if progress.service is None or progress.service.status == "ACTIVE":
        return "unknown to ECS"
    return str(progress.service.status)
