"""What must hold between a wait and the truth, whoever drives it and whatever else goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import attrs

from ecskit.errors import TaskNotVisible, TaskPurged, TaskStoppedEarly, WaitError, WaitTimeout
from ecskit.models import Task
from ecskit.tasks import TaskOutcome
from ecskit.testing import Lag

from .drivers import Ending
from .world import CLOSE, RANKS, RUNNING, SHORTEST_NAP, STOPPED, Observations, Truth

PURGED_AFTER, PURGED_READS = 30.0, 3
"""How long, and in how many looks, a task has to be missing that was seen before it counts as forgotten."""


LONGEST_BACK_OFF = 15.0
"""Seconds for which a definition that cannot be read holds up those who want to judge a task, at most and each time."""


@attrs.frozen(kw_only=True)
class View:
    """What one wait was asked for, and the truth about it."""

    truths: dict[str, Truth]
    lag: Lag
    given: set[str]
    """Ids of the tasks that came with what had been seen of them."""
    grace: float
    timeout: float | None
    latency: float = 0.0
    known: list[dict[str, Task | None]] = attrs.field(factory=list[dict[str, "Task | None"]])
    """What `on_poll` got after each poll."""

    def looks(self, ending: Ending) -> list[Observations]:
        """Return the looks of this wait, which may have been for others, too."""
        return [look for look in ending.looks if set(look.ids) & set(self.truths)]

    def deadline(self, began: float) -> float:
        return float("inf") if self.timeout is None else began + self.timeout

    def surely_visible(self, truth: Truth, at: float) -> bool:
        """Whether every replica shows a task."""
        return not truth.gone(at) and truth.task.created_at + self.lag.visible_after + self.lag.stale_by < at - CLOSE

    def not_before(self, id_: str, ending: Ending) -> float:
        """Return the earliest moment that a state can be of which is taken for the present one."""
        if id_ in self.given and not any(id_ in (look.shown or {}) for look in self.looks(ending)):
            return self.truths[id_].task.created_at  # the caller's word counts, however old it is
        return ending.ended - self.lag.stale_by

    def recent_health(self, truth: Truth, now: float) -> set[str]:
        since = now - self.lag.stale_by
        before = [health for at, health in truth.health if at <= since]
        return {*before[-1:], *(health for at, health in truth.health if since <= at <= now)}


def check_looks(view: View, ending: Ending, *, began: float | None = None) -> None:
    """No call above the limits, no overrun, no hurry, and no look at what has ended."""
    began = ending.began if began is None else began
    looks = view.looks(ending)
    deadline = view.deadline(began)
    late = _held_up(ending) + view.latency
    assert ending.ended <= deadline + late + CLOSE, "overrun"
    times = sorted({look.time for look in looks})
    for before, after in pairwise(times):
        capped = after >= deadline - CLOSE or abs(after - began - view.grace) <= CLOSE
        assert capped or after - before >= SHORTEST_NAP - CLOSE, f"a nap of {after - before} s"
        assert after - before <= 33.0 + CLOSE, f"a nap of {after - before} s"
    for look in looks:
        assert 0 < len(look.ids) == len(set(look.ids)) <= 100
    for id_ in view.truths:
        of_it = [look for look in looks if id_ in look.ids]
        ended = [i for i, look in enumerate(of_it) if look.shows_the_end(id_)]
        assert not ended or ended[0] == len(of_it) - 1, f"{id_} had ended and was looked at again"
        answered = [look for look in of_it if look.shown is not None]
        stopped = [i for i, look in enumerate(answered) if _status(look, id_) == "STOPPED"]
        assert not stopped or len(answered) - 1 - stopped[0] <= 2, f"{id_} had stopped and was looked at too often"


def check_known(view: View, ending: Ending, known: Mapping[str, Task | None]) -> None:
    """What is known in the end is the newest of what was shown: nothing steps back, and nothing is erased."""
    for name, task in known.items():
        id_ = name.rsplit("/", 1)[-1]
        shown = [look.shown[id_] for look in view.looks(ending) if look.shown is not None and id_ in look.shown]
        if not shown:
            continue
        assert task is not None, f"{id_} was forgotten"
        assert RANKS.index(task.last_status) >= max(RANKS.index(seen["lastStatus"]) for seen in shown), "a step back"
        assert (task.version or 0) >= max(seen.get("version", 0) for seen in shown), "a step back"


def check_no_step_back(view: View) -> None:
    """What is known after a look is no older than what was known before it."""
    for before, after in pairwise(view.known):
        for name, task in before.items():
            if task is not None:
                newer = after[name]
                assert newer is not None, "it was forgotten"
                assert RANKS.index(newer.last_status) >= RANKS.index(task.last_status), "a step back"
                assert (newer.version or 0) >= (task.version or 0), "a step back"


def check_wait_error(wait: str, view: View, ending: Ending, error: WaitError, *, began: float | None = None) -> None:
    """What a wait complains of is true, or at least could not be known better."""
    now, began = ending.ended, ending.began if began is None else began
    deadline = view.deadline(began)
    looks = view.looks(ending)
    blamed = {name.rsplit("/", 1)[-1]: view.truths[name.rsplit("/", 1)[-1]] for name in error.story.reasons}
    assert blamed
    check_known(view, ending, error.story.last)
    late = _held_up(ending) + view.latency
    assert error.story.elapsed <= deadline - began + late + CLOSE
    match error:
        case TaskNotVisible():
            assert now >= min(began + view.grace, deadline) - CLOSE, "false failure within the grace"
            for id_, truth in blamed.items():
                assert not any(id_ in (look.shown or {}) for look in looks), f"{id_} was seen"
                answered = [look.time for look in looks if look.shown is not None and id_ in look.ids]
                assert answered, f"{id_} was not polled"
                assert not view.surely_visible(truth, answered[-1]), f"{id_} was visible"
        case TaskPurged():
            for id_, truth in blamed.items():
                assert truth.gone(now), f"{id_} is not forgotten"
                _check_missing(id_, looks)
        case TaskStoppedEarly():
            for id_, truth in blamed.items():
                if wait == "tasks_started":
                    assert truth.rank(now) == STOPPED, f"{id_} has not stopped"
                    assert not truth.ran(now) or view.lag.stale_by, f"{id_} has run"
                else:
                    assert truth.rank(now) > RUNNING, f"{id_} has not stopped"
        case WaitTimeout():
            assert -CLOSE <= now - deadline <= late + CLOSE, "time was not up"
            last = [look for look in looks if look.time == looks[-1].time]
            assert -CLOSE <= last[0].time - deadline <= late + CLOSE, "no look when time was up"
            if all(look.shown is not None for look in last):
                assert not _came_true(wait, view, deadline), "it had come true"
        case _:
            raise AssertionError(error)


def check_outcome(view: View, outcome: TaskOutcome, now: float) -> None:
    """An outcome is what exit codes and stop code say, where its details did not come late."""
    truth = view.truths[outcome.task.task_arn.rsplit("/", 1)[-1]]
    assert truth.rank(now) == STOPPED, f"false success: {truth.status(now)}"
    if outcome.task.stop_code is None or outcome.task.stopped_at is None:
        assert truth.task.plan.script.stop_details_after > 0
        return
    assert outcome.exit_codes["app"] == truth.exit_code
    if outcome.essential_source == "all containers" and outcome.exit_codes["side"] != 143:
        return  # the definition could not be read: who does not count did
    assert outcome.kind == truth.kind, f"{outcome.kind} instead of {truth.kind}"


def _held_up(ending: Ending) -> float:
    return LONGEST_BACK_OFF * sum(call.operation == "DescribeTaskDefinition" for call in ending.calls)


def _check_missing(id_: str, looks: Sequence[Observations]) -> None:
    shown = [i for i, look in enumerate(looks) if id_ in (look.shown or {})]
    missing = [look.time for look in looks[shown[-1] + 1 if shown else 0 :] if look.shown is not None]
    assert len(missing) >= PURGED_READS, "too few reads"
    assert missing[-1] - missing[0] >= PURGED_AFTER - CLOSE, "too soon"


def _came_true(wait: str, view: View, now: float) -> bool:
    """Whether every replica shows that it has come true."""
    since = now - view.lag.stale_by
    for truth in view.truths.values():
        if not view.surely_visible(truth, now):
            return False
        match wait:
            case "tasks_running":
                true = truth.statuses(since, now) == {"RUNNING"}
            case "tasks_started":
                true = truth.ran(since)
            case "tasks_healthy":
                true = truth.statuses(since, now) == {"RUNNING"} and view.recent_health(truth, now) == {"HEALTHY"}
            case _:
                true = truth.details_at <= since - CLOSE  # not a task whose stop is requested at this moment
        if not true:
            return False
    return True


def _status(look: Observations, id_: str) -> str | None:
    seen = (look.shown or {}).get(id_)
    return None if seen is None else seen["lastStatus"]
