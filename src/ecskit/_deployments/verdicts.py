"""Decide whether a deployment succeeded, failed or is in progress.

Pure functions of its progress. Each verdict is about one deployment. A service that is stable on another revision does
not count as a success, and a read without a result does not either.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import attrs

from ecskit._core.reasons import find
from ecskit._core.wording import plural
from ecskit._deployments.arguments import DeploymentGoal
from ecskit._deployments.errors import (
    DeploymentFailed,
    DeploymentPaused,
    DeploymentRollbackFailed,
    DeploymentRolledBack,
    DeploymentStalled,
    DeploymentSuperseded,
    DeploymentUnstable,
)
from ecskit._deployments.evidence import (
    breaker_can_end,
    placement_failure,
    seconds_to_last_stop,
    share_by_reason,
    threshold,
)
from ecskit._deployments.progress import ENDING, READS, STAGES, DeploymentProgress
from ecskit._deployments.stability import ObservedStability
from ecskit._polling.conditions import LONGEST_INTERVAL, Pace
from ecskit._polling.errors import NotVisible, WaitError, WaitFailed
from ecskit._polling.loop import Done
from ecskit._waits.errors import ServiceGone

__all__ = ["SOON", "DeploymentVerdict", "Ends", "InProgress", "deadline_of", "verdict"]

SOON, USUAL, LATE = Pace(most=4.0, growth=1.2), Pace(growth=1.3), Pace(most=2 * LONGEST_INTERVAL, growth=1.4)
"""How often to poll: before a change that is due, by default, and during a long stage."""

EXPECT_FOR = 60.0
"""Seconds to wait for a deployment that the response to the change did not show."""


@attrs.frozen
class InProgress:
    """The goal is not reached yet."""

    why: str
    pace: Pace = USUAL
    decided_at: float = math.inf
    """The latest time at which the verdict changes, in monotonic seconds."""


@attrs.frozen
class Ends:
    """The goal will not be reached."""

    error: type[WaitError]
    why: str


DeploymentVerdict: TypeAlias = Done | InProgress | Ends


def verdict(progress: DeploymentProgress, goal: DeploymentGoal, *, elapsed: float, now: float) -> DeploymentVerdict:
    """Return the verdict on a deployment.

    Args:
        progress: What polls have shown of it.
        goal: What it is followed for.
        elapsed: Seconds since the wait for this deployment began.
        now: The monotonic time.
    """
    started = progress.started
    if _is_reached(progress, goal):
        return Done()
    another = not (progress.is_gone or _runs(progress, started.task_definition))
    if started.expected == "either" and (elapsed < EXPECT_FOR or another):
        # A stable earlier deployment does not count as a success.
        return _awaited(elapsed >= max(goal.visibility_grace, EXPECT_FOR))
    if started.expected != "deployment":
        return _deployed(progress, goal) if goal.stable_for and progress.succeeded else _by_counts(progress)
    if started.deployment_id is None and elapsed >= goal.visibility_grace:
        return _awaited(late=True)
    if progress.service_deployment is not None:
        return _by_status(progress, goal, now)
    return _by_service(progress, goal, elapsed, now)


def _runs(progress: DeploymentProgress, task_definition: str | None) -> bool:
    """Whether the PRIMARY deployment has a task definition, if both are known."""
    primary = progress.primary
    return primary is not None and task_definition is not None and primary.task_definition == task_definition


def _is_reached(progress: DeploymentProgress, goal: DeploymentGoal) -> bool:
    """Whether the pause or the stage that the wait is for was reached."""
    if goal.until == "paused":
        return bool(progress.paused)
    if goal.until not in STAGES or progress.stage_reached is None:
        return False
    return STAGES.index(progress.stage_reached) >= STAGES.index(goal.until)


def _by_status(progress: DeploymentProgress, goal: DeploymentGoal, now: float) -> DeploymentVerdict:
    """Decide by the status of the service deployment."""
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


def _deployed(progress: DeploymentProgress, goal: DeploymentGoal) -> DeploymentVerdict:
    if goal.until in ("rolled_back", "stopped"):
        return Ends(WaitFailed, "was deployed before it could be stopped")
    if goal.stability is None:
        return Done()
    if progress.is_gone:
        return Ends(ServiceGone, f"was deployed, but its service is {_state(progress)} now")
    primary = progress.primary
    if primary is not None and progress.is_newer(primary):
        return Ends(DeploymentSuperseded, "it was deployed, but not stable yet")
    if progress.observed_stability is None:
        return InProgress(f"is deployed, and its tasks are not observed yet: {progress.counts}", SOON)
    whole = goal.until == "stable" or progress.started.expected != "deployment"
    return _stays_up(progress, progress.observed_stability, whole=whole)


def _stopped(progress: DeploymentProgress, goal: DeploymentGoal, why: str) -> DeploymentVerdict:
    if goal.until == "stopped":
        return Done()
    error = _stopped_as(progress)
    if error is ServiceGone:
        why = f"its service is {_state(progress)}" if progress.is_gone else why
    if error is None and progress.facts.reads("stopped") < READS:
        return InProgress(f"is STOPPED: {why}", SOON)  # what took its place may not be visible yet
    return Ends(error or DeploymentFailed, why)


def _stopped_as(progress: DeploymentProgress) -> type[WaitError] | None:
    """Return the error for a stopped deployment; None while reads do not show why it was stopped."""
    deployment = progress.service_deployment
    assert deployment is not None  # it has a status
    if progress.is_gone or find(deployment.status_reason, "deleted"):
        return ServiceGone
    if find(deployment.status_reason, "superseded"):
        return DeploymentSuperseded
    monitors = (deployment.deployment_circuit_breaker, deployment.alarms)
    if progress.facts.failed or any(each is not None and each.status == "TRIGGERED" for each in monitors):
        return DeploymentFailed
    ended = deployment.stopped_at or deployment.finished_at
    later = [each.created_at for each in progress.newer]
    if progress.primary is not None and progress.is_newer(progress.primary):
        later.append(progress.primary.created_at)
    newer = any(ended is None or began is None or began <= ended for began in later)
    # Only one more read of the service shows whether it FAILED before the newer one began.
    return DeploymentSuperseded if newer and progress.facts.reads("stopped") else None


def _under_way(progress: DeploymentProgress, goal: DeploymentGoal, now: float) -> DeploymentVerdict:
    if progress.is_gone and progress.service_deployment is not None and not progress.facts.read_since_gone:
        # It may have succeeded before the service was deleted.
        return InProgress(f"is {progress.status}, and its service is {_state(progress)}", SOON)
    if progress.is_gone:
        return Ends(ServiceGone, f"its service is {_state(progress)}")
    if progress.status in ENDING or goal.until in ("rolled_back", "stopped"):
        return InProgress(": ".join(filter(None, (f"is {progress.status}", progress.reason))), SOON)
    if progress.paused and goal.raise_on_pause:
        return Ends(DeploymentPaused, f"{progress.paused_by}: continue it, or roll it back")
    stalled = _stalled(progress, goal, now)
    if stalled:
        return Ends(DeploymentStalled, stalled)
    state = progress.paused_by or " ".join(filter(None, (progress.status, progress.stage)))
    why = _with_reason(f"is {state}, {progress.counts}", progress)
    return InProgress(why, LATE if progress.stage == "BAKE_TIME" or progress.paused else USUAL)


def _stalled(progress: DeploymentProgress, goal: DeploymentGoal, now: float) -> str | None:
    """Return why a deployment will not succeed; None if it may succeed, or if ECS can end it.

    A long time without changes counts only if `stalled_after` is given, because tasks may take long to start.
    """
    if progress.deployment is None or progress.facts.failed or progress.paused:
        return None  # not visible yet, ended by ECS, or paused
    why = progress.reason or (progress.events[-1].message if progress.events else None) or "ECS gave no reason"
    configuration = progress.configuration
    is_first = progress.started.previous_id is None and not progress.others
    if not breaker_can_end(configuration, progress.service_deployment, is_first=is_first):
        breaker = configuration.deployment_circuit_breaker if configuration else None
        if progress.failures >= (goal.max_failed_tasks or threshold(breaker, progress.desired)):
            tasks = "1 task" if progress.failures == 1 else f"{progress.failures} tasks"
            return f"{tasks} failed, and no circuit breaker ends it: {why}"
        unplaced = placement_failure(progress.deployment, progress.events, progress.desired)
        if unplaced:
            return f"tasks cannot be placed, and no circuit breaker ends it: {unplaced}"
    lacking = (progress.deployment.running_count or 0) < progress.desired
    if goal.stalled_after is None or not lacking:
        return None
    quiet = now - progress.facts.moved_at
    return f"nothing has changed for {quiet:.0f} s, {progress.counts}: {why}" if quiet >= goal.stalled_after else None


def _by_service(progress: DeploymentProgress, goal: DeploymentGoal, elapsed: float, now: float) -> DeploymentVerdict:
    """Decide by what the service shows, while the service deployment cannot be read or is not found."""
    if progress.succeeded:
        return _deployed(progress, goal)
    if progress.is_gone:
        return Ends(ServiceGone, f"its service is {_state(progress)}")
    if not progress.refused:
        state = progress.counts if progress.was_seen else "is not visible yet"
        return InProgress(f"has no service deployment yet; {state}", SOON)
    if not progress.was_seen:
        return _unseen(progress, elapsed >= goal.visibility_grace)
    if progress.facts.reads("away") >= READS:
        return _displaced(progress, goal)
    return _failed(progress, goal) if progress.facts.reads("failed") else _under_way(progress, goal, now)


def _unseen(progress: DeploymentProgress, late: bool) -> DeploymentVerdict:  # noqa: FBT001  # a moment, not a mode
    if progress.primary is not None and progress.is_newer(progress.primary):
        # It ended before the first poll, and only events of its service show how.
        return Ends(DeploymentFailed, progress.facts.failed) if progress.facts.failed else _superseded()
    return _awaited(late)


def _awaited(late: bool) -> DeploymentVerdict:  # noqa: FBT001  # the same
    return Ends(NotVisible, "was not visible within the grace") if late else InProgress("is not visible yet", SOON)


def _failed(progress: DeploymentProgress, goal: DeploymentGoal) -> DeploymentVerdict:
    why = progress.reason or "ECS gave no reason"
    if goal.until == "stopped":
        return Done()
    if progress.facts.reads("failed") >= READS and not _rolls_back(progress):
        return Ends(DeploymentFailed, why)
    return InProgress(f"FAILED: {why}", SOON)


def _displaced(progress: DeploymentProgress, goal: DeploymentGoal) -> DeploymentVerdict:
    """Decide about a deployment while the service shows another one as PRIMARY."""
    primary, why = progress.primary, progress.reason or "ECS gave no reason"
    assert primary is not None  # reads have shown another PRIMARY deployment
    if progress.is_newer(primary):
        return Ends(DeploymentFailed, why) if progress.facts.failed else _superseded()
    if primary.rollout_state == "FAILED":
        return Ends(DeploymentRollbackFailed, primary.rollout_state_reason or why)
    if primary.rollout_state == "IN_PROGRESS":
        return InProgress(f"is being rolled back: {why}")
    return Done() if goal.until == "rolled_back" else Ends(DeploymentRolledBack, why)


def _superseded() -> Ends:
    return Ends(DeploymentSuperseded, "something newer is deployed")


def _rolls_back(progress: DeploymentProgress) -> bool:
    configuration = progress.service.deployment_configuration if progress.service else None
    breaker = configuration.deployment_circuit_breaker if configuration else None
    alarms = configuration.alarms if configuration else None
    configured = bool(breaker and breaker.enable and breaker.rollback) or bool(
        alarms and alarms.enable and alarms.rollback
    )
    return configured and progress.started.previous_id is not None and progress.facts.reads("failed") < _ROLLBACK_READS


_ROLLBACK_READS = 20
"""Reads in a row that show a failed deployment. After these, no rollback by ECS is expected."""


def _by_counts(progress: DeploymentProgress) -> DeploymentVerdict:
    """Decide about a change that began no deployment: it is done when the desired count runs."""
    primary = progress.primary
    if progress.is_gone:
        return Ends(ServiceGone, f"its service is {_state(progress)}")
    if progress.facts.reads("settled") >= READS:
        return Done()
    if progress.facts.reads("failed") >= READS:
        return Ends(DeploymentFailed, progress.reason or "ECS gave no reason")
    if primary is not None and progress.facts.reads("away") >= READS:
        if progress.is_newer(primary):
            return _superseded()
        return Ends(DeploymentRolledBack, progress.reason or "ECS gave no reason")
    requested, counts = progress.started.desired_count, progress.counts
    if requested not in (None, progress.desired):
        counts += f", and its desired count is {progress.desired}, not {requested}"
    return InProgress(
        _with_reason(f"is not settled: {counts}", progress), SOON if progress.facts.reads("settled") else USUAL
    )


def _state(progress: DeploymentProgress) -> str:
    if progress.is_replaced:
        return "another one of the same name"
    if progress.service is None or progress.service.status == "ACTIVE":
        return "not found"
    return str(progress.service.status)


def _stays_up(progress: DeploymentProgress, observed: ObservedStability, *, whole: bool) -> DeploymentVerdict:
    """Decide whether the tasks of a successful deployment stay up.

    Args:
        progress: What polls have shown of the deployment.
        observed: What polls have shown of it after its success.
        whole: Whether it must run alone, with the desired count.
    """
    unsettled = _unsettled(progress) if whole else None
    if observed.stability == "unstable":
        return _unstable(progress, observed)
    if unsettled is None and (observed.is_quiet or (observed.is_overdue and observed.tasks_refused)):
        return Done()
    # After an early success or the loss of a host, tasks are missing by no fault of the deployment: time decides.
    why = f"is deployed, but not stable yet: {unsettled or progress.counts}{_since_success(observed)}"
    # More polls do not make a long quiet period more certain.
    pace = LATE if progress.others else Pace(most=min(LONGEST_INTERVAL, max(SOON.most, observed.goal.stable_for / 8)))
    return InProgress(_with_reason(why, progress), pace, observed.decided_at)


def _unsettled(progress: DeploymentProgress) -> str | None:
    """Return what else runs or is missing; None if two reads in a row show the deployment alone and complete."""
    if progress.facts.reads("settled") >= READS:
        return None
    others = len(progress.others)
    draining = f"; {plural(others, 'older deployment')} not drained yet" if others > 0 else ""
    return f"{progress.counts}{draining}"


def _since_success(observed: ObservedStability) -> str:
    """Return what was observed since the success, in words."""
    if observed.tasks_refused:
        return "; reading stopped tasks is refused"
    unhealthy = f", {observed.unhealthy} unhealthy" if observed.unhealthy else ""
    stopped = f", {observed.stops} stopped since it succeeded" if observed.stops else ""
    return f"{unhealthy}{stopped}, quiet for {observed.quiet_for:.0f} of {observed.goal.stable_for:g} s"


def _unstable(progress: DeploymentProgress, observed: ObservedStability) -> Ends:
    stopped = progress.stopped_after_success
    if observed.stops:
        within = f"within {seconds_to_last_stop(progress.succeeded_at, stopped) or observed.elapsed:.0f} s"
        tasks = "1 task" if observed.stops == 1 else f"{observed.stops} tasks"
        why = f": {share_by_reason(stopped)}" if stopped else ""
        return Ends(DeploymentUnstable, f"SUCCESSFUL, but {tasks} stopped {within}{why}")
    return Ends(
        DeploymentUnstable,
        f"SUCCESSFUL, but tasks were unhealthy within {observed.elapsed:.0f} s: {progress.counts}",
    )


def deadline_of(progress: DeploymentProgress, goal: DeploymentGoal, usual: float) -> float:
    """Return the deadline, in monotonic seconds. Pauses and `stable_for` do not count against the timeout.

    Args:
        progress: What polls have shown of the deployment.
        goal: What it is followed for.
        usual: The deadline by the timeout alone.
    """
    paused_since, observed = progress.facts.paused_since, progress.observed_stability
    if paused_since is None:
        deadline = usual + progress.facts.paused_for
    else:
        deadline = math.inf if goal.pause_timeout is None else paused_since + goal.pause_timeout
    return max(deadline, observed.began + observed.within) if observed and goal.stable_for else deadline


def _with_reason(why: str, progress: DeploymentProgress) -> str:
    return ": ".join(filter(None, (why, progress.reason)))
