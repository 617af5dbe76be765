"""The verdict on a deployment that has succeeded: its tasks stay up, do not, or are to be observed further."""

from __future__ import annotations

from ecskit._deployments.after_success import AfterSuccess, seconds_to_last, stopped_later
from ecskit._deployments.errors import DeploymentUnstable
from ecskit._deployments.progress import READS, DeploymentProgress
from ecskit._deployments.stopped_tasks import reasons_of
from ecskit._deployments.verdict_values import LATE, SOON, Ends, Said, Waits, with_reason
from ecskit._polling.conditions import LONGEST_INTERVAL, Pace
from ecskit._polling.loop import Done

__all__ = ["stays_up"]


def stays_up(progress: DeploymentProgress, observed: AfterSuccess, *, whole: bool) -> Said:
    """Judge what was observed after the success.

    Args:
        progress: What was observed of the deployment.
        observed: What was observed of it after its success.
        whole: Whether it has to run alone, with all its tasks.
    """
    unsettled = _unsettled(progress) if whole else None
    if observed.stability == "unstable":
        return _unstable(progress, observed)
    if unsettled is None and (observed.is_quiet or (observed.is_overdue and observed.blind)):
        return Done()
    # Tasks may be lacking for no fault of it: after early success, or where hosts were lost. Then time decides.
    why = f"is deployed, but not stable yet: {unsettled or progress.counts}{_since(observed)}"
    # A long stretch is not read any better by many polls.
    pace = LATE if progress.others else Pace(most=min(LONGEST_INTERVAL, max(SOON.most, observed.aim.stable_for / 8)))
    return Waits(with_reason(why, progress), pace, observed.next_at)


def _unsettled(progress: DeploymentProgress) -> str | None:
    """Return what else runs, or is lacking; None if two reads in a row show the deployment alone and complete."""
    if progress.signs.reads("settled") >= READS:
        return None
    others = len(progress.others)
    draining = f"; tasks of {others} older deployment{'' if others == 1 else 's'} are still there" if others > 0 else ""
    return f"{progress.counts}{draining}"


def _since(observed: AfterSuccess) -> str:
    """Return how much of a quiet stretch there is yet, in words."""
    if observed.blind:
        return "; reading stopped tasks is refused"
    unhealthy = f", {observed.unhealthy} unhealthy" if observed.unhealthy else ""
    stopped = f", {observed.stops} stopped since it succeeded" if observed.stops else ""
    return f"{unhealthy}{stopped}, quiet for {observed.quiet_for:.0f} of {observed.aim.stable_for:g} s"


def _unstable(progress: DeploymentProgress, observed: AfterSuccess) -> Ends:
    """Judge a deployment that succeeded, and whose tasks do not stay up."""
    stopped = stopped_later(progress)
    if observed.stops:
        within = f"within {seconds_to_last(progress, stopped) or observed.elapsed:.0f} s"
        tasks = "1 task" if observed.stops == 1 else f"{observed.stops} tasks"
        why = f": {reasons_of(stopped)}" if stopped else ""
        return Ends(DeploymentUnstable, f"SUCCESSFUL, but {tasks} stopped {within}{why}")
    return Ends(
        DeploymentUnstable,
        f"SUCCESSFUL, but tasks were unhealthy within {observed.elapsed:.0f} s: {progress.counts}",
    )
