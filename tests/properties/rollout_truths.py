"""What must hold between what is said of a deployment and what is true of it, whoever asks and whatever else goes on.

The truth is the simulator's own record of the one service deployment that is meant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import attrs

from ecskit._deployments.events import (
    DeploymentEvent,
    DeploymentFollowed,
    PauseStarted,
    RollbackStarted,
    ServiceEventLogged,
    StageReached,
    StatusChanged,
    TaskStopped,
)
from ecskit._deployments.progress import STAGES
from ecskit._polling.errors import WaitStory
from ecskit._simulator.records.services import Rollout, Service
from ecskit.errors import (
    DeploymentFailed,
    DeploymentPaused,
    DeploymentRollbackFailed,
    DeploymentRolledBack,
    DeploymentStalled,
    DeploymentSuperseded,
    DeploymentUnstable,
    EcsError,
    NotVisible,
    ServiceGone,
    WaitError,
    WaitTimeout,
)
from ecskit.services import DeploymentProgress

from .deploying import Ask, Heard
from .drivers import Ending
from .ends import bad_ends, cannot_place, paused_for, pauses
from .fleet import Fleet, Kept, Made, statuses
from .world import CLOSE

UNDER_WAY = frozenset({"PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})
UNDONE_WITHIN = 1800.0
STALE_AT_MOST = 60.0
LOOK_FOR = 60.0
STEADY_FOR = 15.0 + 15.0
"""Seconds of a quiet stretch, with what lies between two polls."""


@attrs.frozen(kw_only=True)
class Case:
    """What was asked for, in which world, and how that ended."""

    fleet: Fleet
    ask: Ask
    ending: Ending
    heard: Heard
    made: Sequence[Made]
    """The UpdateService calls of whoever asked."""
    refused: bool
    """Whether service deployments cannot be read."""
    faulty: bool
    raw: bool
    """Whether what is waited for is known from the answer to UpdateService alone."""

    @property
    def options(self) -> Mapping[str, Any]:
        return self.ask.options

    @property
    def until(self) -> str:
        return str(self.options.get("until", "deployed"))

    @property
    def observes_stability(self) -> bool:
        """Whether the wait goes on after the deployment has succeeded."""
        return self.until == "stable" or "stable_for" in self.options

    @property
    def looks(self) -> list[float]:
        return sorted({call.time for call in self.ending.calls if call.time >= (self.heard.began or 0.0)})

    @property
    def since(self) -> float:
        """The earliest moment that may count for the present: two looks ago, as far as a replica may be behind."""
        began = self.heard.began or self.ending.began
        polls = [began + story.elapsed for story in self.heard.stories]
        look = polls[-3] if len(polls) > 3 else began
        more = STALE_AT_MOST if self.fleet.lag.stale_by else 0.0
        # Who comes too late to be found by its number is looked for until 60 s have passed.
        more += LOOK_FOR if self.refused else 0.0
        return look - self.fleet.lag.stale_by - self.fleet.lag.visible_after - more


def progress_of(ending: Ending, heard: Heard) -> DeploymentProgress | None:
    """Return what was known of the deployment in the end."""
    if isinstance(ending.result, DeploymentProgress):
        return ending.result
    story = ending.error.story if isinstance(ending.error, EcsError) else None
    if isinstance(story, WaitStory):
        [last] = story.last.values()
        return last if isinstance(last, DeploymentProgress) else None
    return heard.events[-1].progress if heard.events else None


def check_update(case: Case) -> None:
    """One effective UpdateService, a second one only to go back; and no desired count that was not asked for."""
    if not case.made:
        return
    wanted = case.ask.change.get("desired_count")
    first = case.made[0].request
    own = [made for made in case.made if made.request == first]
    remedies = [made for made in case.made if made.request != first]
    # A deployment that was over before a read could show it is unknown if the history cannot be read.
    blind = case.refused and not own[0].answered and case.fleet.lag.visible_after + case.fleet.lag.stale_by > 0
    # Where what came after it fails, that is rolled back to it.
    back = case.options.get("on_superseded") == "follow" and "rollback" in case.options.values()
    assert blind or back or len([made for made in own if made.effective]) <= 1, "it was deployed twice"
    assert len([made for made in remedies if made.effective]) <= 1, "it was brought back twice"
    targets = "rollback" in (case.options.get("on_failure"), case.options.get("on_timeout"))
    assert targets or not remedies, "no rollback was requested"
    for made in case.made:
        assert made.request.get("desiredCount") in (None, wanted), "a desired count that was not requested"
        if "desiredCount" not in made.request and not made.service.is_daemon:
            assert made.desired[0] == made.desired[1]


def target_of(case: Case) -> Rollout | None:
    """Return the service deployment that the update began; None if it began none."""
    first = case.made[0].request if case.made else {}
    begun = [made.rollout for made in case.made if made.request == first and made.rollout is not None]
    return begun[0] if begun else None


def fate(rollout: Rollout) -> type[WaitError] | str | None:
    """Return what has become of a deployment; None while it is under way."""
    reason = rollout.reason or ""
    match rollout.status:
        case "SUCCESSFUL":
            return "ok"
        case "ROLLBACK_SUCCESSFUL":
            return DeploymentRolledBack
        case "ROLLBACK_FAILED":
            return DeploymentRollbackFailed
        case "STOPPED" | "STOP_REQUESTED" if reason.startswith("Replaced by"):
            return DeploymentSuperseded
        case "STOPPED" | "STOP_REQUESTED" if "was deleted" in reason:
            return ServiceGone
        case "STOPPED" | "STOP_REQUESTED":
            return DeploymentFailed
        case _:
            return None


def check_verdict(case: Case) -> None:
    """What is said of the deployment is what is true of it."""
    fleet, ending = case.fleet, case.ending
    fleet.settle()
    said = None if ending.error is None else type(ending.error)
    if case.heard.began is None:
        assert said is not None, "it was claimed without a look"
        if any(made.effective for made in case.made) or any(made.open for made in case.made):
            assert isinstance(ending.error, EcsError)
            if case.ask.how != "update":
                assert ending.error.story is not None, "an error after UpdateService without a handle"
        return
    _check_time(case)
    own = target_of(case)
    if own is not None and case.raw and statuses(own, own.created_at, own.created_at) == {"SUCCESSFUL"}:
        own = None  # a response that shows it COMPLETED may show an older one: only the counts are left
    if said is not None and not issubclass(said, WaitError):
        assert isinstance(ending.error, EcsError)
        assert ending.error.story is not None, "an error after UpdateService without a handle"
        return
    progress = progress_of(ending, case.heard)
    if own is None:
        _check_counts(case, said, progress)
        return
    meant = _meant(case, own, progress)
    if meant is None:
        return
    _check(case, meant, said)


def _meant(case: Case, own: Rollout, progress: DeploymentProgress | None) -> Rollout | None:
    """Return the deployment that the verdict is about: the own one, or one that took its place."""
    if progress is None:
        return own
    started = progress.started
    ids = {each.deployment.id: each for each in case.fleet.every_rollout.values()}
    meant = ids.get(started.deployment_id or "") or case.fleet.every_rollout.get(started.service_deployment_arn or "")
    if meant is None:
        assert started.deployment_id is None, f"there never was {started.deployment_id}"
        return own
    if meant is own:
        return own
    same = meant.deployment.revision.config == own.deployment.revision.config
    blind = "taskDefinition" not in case.made[0].request and case.fleet.lag.stale_by > 0
    if any(made.open for made in case.made) and (same or blind):
        return None  # another process has deployed the same: the two look alike
    assert case.options.get("on_superseded") == "follow", f"the verdict is about {meant.deployment.id}"
    service = case.fleet.service_of(own)
    assert meant in service.rollouts, "another service is followed"
    rollouts = service.rollouts[service.rollouts.index(own) : service.rollouts.index(meant)]
    for each in rollouts[:1] if case.refused else rollouts:
        if _is_blurred(case, service, each):
            continue
        after = service.rollouts[service.rollouts.index(each) + 1]
        if each.status == "STOPPED" and after.created_at <= (each.finished_at or 0.0):
            continue  # stopped by hand with a newer one there already: ECS does not show which ended it
        assert fate(each) is DeploymentSuperseded or (case.observes_stability and fate(each) == "ok"), (
            f"{each.deployment.id} is left behind, but {each.status}: {each.reason}"
        )
    return meant


def _check(case: Case, rollout: Rollout, said: type[BaseException] | None) -> None:
    fleet, ending = case.fleet, case.ending
    true, now = fate(rollout), ending.ended
    service = fleet.service_of(rollout)
    message = f"said {said and said.__name__}: {ending.error}\ntrue is {rollout.status}: {rollout.reason}"
    deleted = service.status != "ACTIVE"
    went_back = said in (DeploymentRolledBack, DeploymentRollbackFailed)
    if went_back and true is DeploymentSuperseded and _is_blurred(case, service, rollout):
        return
    match said:
        case None:
            assert _is_reached(case, service, rollout), f"false success: {message}"
        case _ if said is DeploymentRolledBack and true is not DeploymentRolledBack:
            _check_remedy(case, rollout, message)
        case _ if said is DeploymentRollbackFailed and true is not DeploymentRollbackFailed:
            assert _has_remedied(case), message
        case _ if said in (DeploymentRolledBack, DeploymentRollbackFailed):
            pass
        case _ if said is DeploymentUnstable:
            assert true == "ok", message
            ill = rollout.deployment.revision.config["taskDefinition"].endswith("/ill:1")
            assert ill or bad_ends(fleet, rollout, since=rollout.finished_at or 0.0, until=now), message
        case _ if said is DeploymentFailed:
            replaced = case.refused and true is DeploymentRollbackFailed
            assert true is DeploymentFailed or replaced, message
        case _ if said is DeploymentSuperseded:
            stable = case.observes_stability and true == "ok" and service.rollout is not rollout
            assert true is DeploymentSuperseded or stable or _is_blurred(case, service, rollout), message
        case _ if said is ServiceGone:
            assert deleted, message
            assert true != "ok" or case.observes_stability, message
        case _ if said is DeploymentPaused:
            assert case.options.get("on_pause") == "raise", message
            assert _awaits(rollout, case.since, now), message
        case _ if said is DeploymentStalled:
            # What brought the earlier one back has ended it since.
            assert _has_remedied(case) or statuses(rollout, case.since, now) & UNDER_WAY, message
            assert _stalls(case, service, rollout), message
        case _ if said is WaitTimeout:
            _check_timeout(case, service, rollout, message)
        case _ if said is NotVisible:
            # It was over before a read could show it, and the history cannot be read, or no answer has named it.
            assert case.refused or any(made.open for made in case.made), message
            assert true is not None or rollout.status.startswith("ROLLBACK"), message
        case _:
            raise AssertionError(message)


def _is_blurred(case: Case, service: Service, rollout: Rollout) -> bool:
    """Whether only the history shows that a rollback and a newer deployment came one after the other."""
    later = service.rollouts[service.rollouts.index(rollout) :]
    return case.refused and len(later) > 1 and any(each.status.startswith("ROLLBACK") for each in later)


def _check_timeout(case: Case, service: Service, rollout: Rollout, message: str) -> None:
    assert _time_is_up(case), f"time was not up: {message}"
    if _last_look_failed(case):
        return
    lag = case.fleet.lag
    if rollout.created_at + lag.visible_after + lag.stale_by > case.ending.ended:
        return  # no read has to show it yet
    if "stable_for" in case.options and fate(rollout) == "ok":
        progress = progress_of(case.ending, case.heard)
        assert progress is not None, message
        assert progress.stability in ("watching", "unknown"), message
        return
    if case.until == "stable" and fate(rollout) == "ok":
        assert not _was_stable_throughout(case, service, rollout), message
        return
    if _has_remedied(case):
        return  # what was true when time was up is not true any more
    assert statuses(rollout, case.since, case.ending.ended) & UNDER_WAY, message


def _time_is_up(case: Case) -> bool:
    timeout, polls = case.options.get("timeout", 600.0), case.options.get("max_polls")
    own = target_of(case)
    if own is not None and fate(own) == "ok" and "stable_for" in case.options:
        return True  # three stretches are over
    rollouts = case.fleet.every_rollout.values()
    if "pause_timeout" in case.options and any(pauses(each, case.ending.ended) for each in rollouts):
        return True
    began = case.heard.began or 0.0
    if polls is not None and len(case.heard.stories) >= polls:
        return True
    return timeout is not None and max(case.ending.ended, began) >= began + timeout - CLOSE


def _last_look_failed(case: Case) -> bool:
    began = case.heard.began or 0.0
    ends = [began + story.elapsed for story in case.heard.stories][-3:]
    return any(call.status != 200 for call in case.ending.calls if call.time >= ends[0] - CLOSE)


def _check_time(case: Case) -> None:
    began, timeout = case.heard.began or 0.0, case.options.get("timeout", 600.0)
    if timeout is None:
        return
    remedied = "rollback" in (case.options.get("on_failure"), case.options.get("on_timeout"))
    # Going back has its own bound, and so has what is sent for it, which is looked for in vain for a minute each time.
    late = UNDONE_WITHIN + 6 * 75.0 if remedied else 0.0
    rollouts = case.fleet.every_rollout.values()
    late += sum(end - at + _SLACK for each in rollouts for at, end in pauses(each, case.ending.ended))
    late += 3 * case.options.get("stable_for", 0.0) + 60.0
    answers = sum(call.operation == "ContinueServiceDeployment" for call in case.ending.calls)
    late += 15.0 * answers
    assert case.ending.ended <= began + timeout + late + CLOSE, f"overrun: {case.ending.ended - began - timeout}"


def _is_reached(case: Case, service: Service, rollout: Rollout) -> bool:
    assert isinstance(rollout.shown, Kept)
    now = case.ending.ended
    true = fate(rollout) == "ok"
    if case.until == "deployed":
        return true
    if case.until == "stable":
        return true and any(_is_stable(shown, rollout) for shown in _shown(service, case.heard.began or 0.0, case))
    if case.until == "paused":
        return true or _awaits(rollout, rollout.created_at, now)
    reached = [
        STAGES.index(shown["lifecycleStage"])
        for _, shown in rollout.shown.between(rollout.created_at, now)
        if "lifecycleStage" in shown and shown["status"] in ("PENDING", "IN_PROGRESS", "SUCCESSFUL")
    ]
    return true or max(reached, default=-1) >= STAGES.index(case.until)


def _shown(service: Service, since: float, case: Case) -> list[dict[str, Any]]:
    assert isinstance(service.shown, Kept)
    return [shown for _, shown in service.shown.between(since - case.fleet.lag.stale_by, case.ending.ended)]


def _is_stable(shown: Mapping[str, Any], rollout: Rollout | None, desired: int | None = None) -> bool:
    deployments = shown.get("deployments", [])
    return (
        shown["status"] == "ACTIVE"
        and len(deployments) == 1
        and (rollout is None or deployments[0]["id"] == rollout.deployment.id)
        and deployments[0]["rolloutState"] == "COMPLETED"
        and shown["runningCount"] == shown["desiredCount"]
        and shown["pendingCount"] == 0
        and desired in (None, shown["desiredCount"])
    )


def _was_stable_throughout(case: Case, service: Service, rollout: Rollout) -> bool:
    assert isinstance(service.shown, Kept)
    since = case.since - STEADY_FOR  # a stretch of that length counts, from one poll to another
    shown = service.shown.between(since, case.ending.ended)
    return bool(shown) and (rollout.finished_at or 0.0) <= since and all(_is_stable(each, rollout) for _, each in shown)


def _awaits(rollout: Rollout, since: float, until: float) -> bool:
    assert isinstance(rollout.shown, Kept)
    return any(
        hook["status"] == "AWAITING_ACTION"
        for _, shown in rollout.shown.between(since, until)
        for hook in shown.get("lifecycleHookDetails", [])
    )


def _stalls(case: Case, service: Service, rollout: Rollout) -> bool:
    """Whether a deployment gets nowhere: tasks failed, or nothing has happened for long."""
    assert isinstance(service.shown, Kept)
    shown = [each for _, each in service.shown.between(case.since, case.ending.ended)]
    failed = bool(bad_ends(case.fleet, rollout, until=case.ending.ended))
    quiet = case.options.get("stalled_after")
    lacking = any(_running(each, rollout) < each["desiredCount"] for each in shown)
    waited = quiet is not None and case.ending.ended - (case.heard.began or 0.0) >= quiet - CLOSE
    return failed or cannot_place(service) or (lacking and waited)


def _running(shown: Mapping[str, Any], rollout: Rollout) -> int:
    """Return how many tasks of a deployment run, whatever desired count is shown."""
    own = [each["runningCount"] for each in shown.get("deployments", []) if each["id"] == rollout.deployment.id]
    return sum(own)


def _has_remedied(case: Case) -> bool:
    first = case.made[0].request if case.made else {}
    updates = [made for made in case.made if made.request != first] + [made for made in case.made if made.effective][1:]
    stops = [call for call in case.ending.calls if call.operation == "StopServiceDeployment"]
    return bool(updates or stops)


def check_rollback(case: Case) -> None:
    """What is rolled back did not succeed in time, or its tasks failed: pauses and slow starts are no reason."""
    error, progress = case.ending.error, progress_of(case.ending, case.heard)
    followed = progress.started.deployment_id if progress else None
    rollouts = {each.deployment.id: each for each in case.fleet.every_rollout.values()}
    own = rollouts.get(followed or "") or target_of(case)
    if own is None or error is None or not _has_remedied(case) or case.heard.began is None:
        return
    causes: list[BaseException] = [error]
    while causes[-1].__cause__ is not None:
        causes.append(causes[-1].__cause__)
    if any(type(each) in (DeploymentStalled, DeploymentUnstable) for each in causes):
        quiet = case.options.get("stalled_after") is not None
        placed = not cannot_place(case.fleet.service_of(own))
        bad = bad_ends(case.fleet, own, until=case.ending.ended)
        assert bad or quiet or not placed, f"a good deployment is rolled back: {error}"
    late = next(
        (each for each in causes if isinstance(each, WaitTimeout) and own.deployment.id in each.story.last), None
    )
    timeout = case.options.get("timeout", 600.0)
    limited = case.refused or {"pause_timeout", "max_polls"} & case.options.keys()
    if late is not None and timeout is not None and not limited:
        elapsed = late.story.elapsed
        paused = paused_for(own, case.heard.began, case.heard.began + elapsed, slack=_SLACK + case.fleet.lag.stale_by)
        assert elapsed - paused >= timeout - CLOSE, f"rolled back before time was up: {error}"


_SLACK = 40.0
"""Seconds of a pause that a wait may not have observed: a poll of the slowest pace at its begin."""


def check_stays_up(case: Case) -> None:
    """What is called stable had no task that ended by its own fault in the stretch that was asked for."""
    progress, own = progress_of(case.ending, case.heard), target_of(case)
    stable_for = case.options.get("stable_for")
    if case.ending.error is not None or progress is None or own is None or not stable_for:
        return
    if case.until not in ("deployed", "stable") or progress.started.deployment_id != own.deployment.id:
        return
    assert progress.stability in ("stable", "unknown") or not progress.succeeded, progress.stability
    if progress.stability == "stable":
        lag, ended = case.fleet.lag, case.ending.ended
        ends = bad_ends(case.fleet, own, since=ended - stable_for, until=ended - lag.stale_by - lag.visible_after)
        assert not ends, f"false stability: {ends} before {ended}"


def _check_remedy(case: Case, rollout: Rollout, message: str) -> None:
    """What was brought back by an update is what runs."""
    first = case.made[0].request
    updates = [made for made in case.made if made.request != first] or [made for made in case.made if made.effective][
        1:
    ]
    assert updates, message
    if any(made.open for made in updates):
        return  # what another process deployed meanwhile looks the same
    back = updates[-1].current
    assert back is not None
    assert fate(back) == "ok" or fate(rollout) is DeploymentRolledBack, message
    assert back.deployment.revision.config["taskDefinition"] == updates[-1].request["taskDefinition"], message


def _check_counts(case: Case, said: type[BaseException] | None, progress: DeploymentProgress | None) -> None:
    """Judge what was said of an update that began no deployment: what it changed are counts, or nothing."""
    unknown = any(each.open for each in case.made) and not any(each.answered for each in case.made)
    if unknown or not case.made:
        return
    made = [each for each in case.made if each.answered] or list(case.made)
    service = made[0].service
    # The response alone does not show what was requested.
    wanted = made[0].desired[1] if case.raw else made[0].request.get("desiredCount")
    current = made[0].current
    message = f"said {said and said.__name__}: {case.ending.error}\n{case.ending.result}"
    if said is None and case.until in ("deployed", "stable"):
        meant = progress.started.deployment_id if progress else None
        shown = _shown(service, made[0].time, case)
        stable = [each for each in shown if _is_stable(each, None, wanted)]
        settled = any(meant in (None, each["deployments"][0]["id"]) for each in stable)
        own = [each for each in service.rollouts if meant in (None, each.deployment.id)]
        done = any(each.status == "SUCCESSFUL" and (each.finished_at or 0.0) >= made[0].time for each in own)
        others = any(each.created_at > made[0].time for each in service.rollouts)
        assert settled or done or (others and case.options.get("on_superseded") == "follow"), (
            f"false success: {message}"
        )
    newer = service.rollouts[service.rollouts.index(current) + 1 :] if current else service.rollouts
    if said is DeploymentSuperseded:
        assert newer, message
    if said is ServiceGone:
        assert service.status != "ACTIVE", message
    if said is WaitTimeout:
        assert _time_is_up(case), message
        enough = len(case.heard.stories) > 3
        if enough and not _last_look_failed(case) and case.until in ("deployed", "stable") and not newer:
            asserted = service.shown
            assert isinstance(asserted, Kept)
            since = case.since - STEADY_FOR
            shown = [each for _, each in asserted.between(since, case.ending.ended)]
            recent = "stable_for" in case.options or any((each.finished_at or 0.0) > since for each in service.rollouts)
            assert recent or not all(_is_stable(each, None, wanted) for each in shown), message
    if said in (DeploymentFailed, DeploymentRolledBack, DeploymentRollbackFailed) and not _has_remedied(case):
        assert current is not None
        bad = {"STOP_REQUESTED", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"}
        assert {each.status for each in service.rollouts} & bad, message


def check_events(events: Sequence[DeploymentEvent]) -> None:
    """Each event is emitted once."""
    said = [event.event.id for event in events if isinstance(event, ServiceEventLogged)]
    assert len(said) == len(set(said)), "the service is quoted twice"
    stopped = [event.task.task_arn for event in events if isinstance(event, TaskStopped)]
    assert len(stopped) == len(set(stopped)), "a task is emitted twice"
    hooks = [event.hook.hook_id for event in events if isinstance(event, PauseStarted)]
    assert len(hooks) == len(set(hooks)), "a pause is emitted twice"
    about = [event.progress.started.deployment_id for event in events]
    states = [
        (event.progress.started.key, event.status, event.reason) for event in events if isinstance(event, StatusChanged)
    ]
    assert all(before[:2] != after[:2] for before, after in pairwise(states)), "a status is emitted twice"
    stages = [(event.stage, event.traffic, event.progress) for event in events if isinstance(event, StageReached)]
    for (stage, traffic, before), (then, share, after) in pairwise(stages):
        assert (stage, traffic) != (then, share) or before.started.key != after.started.key, "a stage is emitted twice"
    followed = sum(isinstance(event, (DeploymentFollowed, RollbackStarted)) for event in events)
    assert len(set(filter(None, about))) <= 1 + followed
