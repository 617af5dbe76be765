"""Random lives of tasks, seen through lagging replicas and random faults, and a model that knows the truth.

A failing schedule is printed as the one call that makes it again: `check(Schedule(...))`.
"""

from __future__ import annotations

import functools
from random import Random
from typing import Any

import attrs
from hypothesis import HealthCheck, given, note, settings, strategies as st
from support.poll_words import ERRORS, TASK_STATES

from ecskit._polling.errors import WaitError, WaitTimeout
from ecskit._waits.errors import TaskNotVisible, TaskPurged, TaskStoppedEarly
from ecskit._waits.tasks import RANKS

from .support import Answer, Ask, Run, arn, run_both, task, tasks_running, tasks_stopped

WAITS = {"running": tasks_running, "stopped": tasks_stopped}
FAULTS = ["throttle", "500", "reset"]
RUNNING, STOPPED = RANKS["RUNNING"], RANKS["STOPPED"]
GRACE = 60.0
LONGEST_LAG = 25.0
"""The most seconds that a replica lags; less than a task has to be missing to count as purged."""


@attrs.frozen
class Life:
    """The real life of one task: when it was in which state. It may never exist, and it may be purged."""

    states: tuple[tuple[float, str], ...]
    """When each state began, by the letter of the state."""
    forgotten: float = float("inf")
    versioned: bool = True

    def at(self, now: float) -> tuple[int, str] | None:
        """Return version and state at a time; None if the task does not exist."""
        if now >= self.forgotten:
            return None
        past = [(version, state) for version, (began, state) in enumerate(self.states, 1) if began <= now]
        return past[-1] if past else None

    def rank(self, now: float) -> int:
        """Return the highest rank that it has reached, purged or not; -1 if it never existed."""
        past = [RANKS.get(TASK_STATES[state], -1) for began, state in self.states if began <= now]
        return max(past, default=-1)


@attrs.frozen
class Schedule:
    """One wait and the behaviour of ECS during it."""

    wait: str
    lives: tuple[Life, ...]
    lags: tuple[float, ...]
    """Seconds that each replica lags; any replica answers a read."""
    fault_rate: float
    seed: int
    timeout: float
    late_details: bool = False

    @functools.cached_property
    def script(self) -> Any:
        """How ECS answers. It depends on time and task only, because threads send requests in any order.

        Both drivers and the checks ask for the same answers, so each is found once.
        """

        @functools.cache
        def shown_or_fault(ask: Ask) -> list[dict[str, Any]] | str:
            chance = Random(f"{self.seed} {ask.now} {ask.cluster}")
            if chance.random() < self.fault_rate:
                return chance.choice(FAULTS)
            shown: list[dict[str, Any]] = []
            for id_ in ask.ids:
                life = self.lives[ord(id_) - ord("a")]
                seen = life.at(ask.now - chance.choice(self.lags))
                if seen is not None:
                    version, state = seen
                    late = self.late_details and chance.random() < 0.5
                    details = {"stopCode": None, "stoppedAt": None} if late else {}
                    shown.append(task(TASK_STATES[state], version if life.versioned else None, id_, **details))
            return shown

        def answer(ask: Ask) -> Answer:
            found = shown_or_fault(ask)
            return ERRORS[found]("DescribeTasks") if isinstance(found, str) else found

        return answer

    def run(self) -> Run:
        """Run the wait, under both drivers."""
        ids = [arn(chr(ord("a") + i)) for i in range(len(self.lives))]
        return run_both(self.script, lambda: WAITS[self.wait](ids, timeout=self.timeout), seed=self.seed)


Seen = list[tuple[float, dict[str, Any] | None]]
"""The observations of one task, with their times; None if a poll did not show it."""


def check(schedule: Schedule) -> None:
    """Compare the result of a wait with the real lives of its tasks."""
    run = schedule.run()
    now = run.elapsed
    assert now <= schedule.timeout, "the deadline was overrun"
    assert run.times[-1] == now, "it ended without having looked"
    assert len(run.times) <= 3 + now / 0.9, "too many looks"
    _check_naps(schedule, run)
    shown = _shown(schedule, run)
    if run.error is None:
        assert run.result is not None
        _check_success(schedule, run)
        last: list[Any] = list(run.result)
    else:
        assert isinstance(run.error, WaitError), run.error
        _check_failure(schedule, run, run.error, shown)
        last = list(run.error.story.last.values())
    for life, seen, known in zip(schedule.lives, shown.values(), last, strict=True):
        _check_merged(life, seen, known)


def _shown(schedule: Schedule, run: Run) -> dict[str, Seen]:
    script = schedule.script
    shown: dict[str, Seen] = {chr(ord("a") + i): [] for i in range(len(schedule.lives))}
    for ask in run.calls:
        answer = script(ask)
        if isinstance(answer, list):
            found = {one["taskArn"][-1]: one for one in answer}
            for id_ in ask.ids:
                shown[id_].append((ask.now, found.get(id_)))
    return shown


def _check_merged(life: Life, seen: Seen, known: Any) -> None:
    """The last observation is the one with the maximum version and rank of all that were shown."""
    observed = [one for _, one in seen if one is not None]
    if not observed:
        assert known is None
    elif life.versioned:
        assert known.version == max(one["version"] for one in observed)
    else:
        ranks = [RANKS.get(one["lastStatus"], -1) for one in observed]
        assert RANKS.get(known.last_status, -1) == max(ranks)
    ends = [i for i, (_, one) in enumerate(seen) if one is not None and one["lastStatus"] == "STOPPED"]
    assert not ends or len(seen) - 1 - ends[0] <= 2, "too many looks at a task that has stopped"


def _check_naps(schedule: Schedule, run: Run) -> None:
    answered = _answered(schedule, run)
    for before, nap in zip(run.times, run.naps, strict=False):
        assert nap <= (16.5 if before in answered else 33.0), "it slept for too long"


def _check_success(schedule: Schedule, run: Run) -> None:
    assert run.result is not None
    for life, seen in zip(schedule.lives, run.result, strict=True):
        if schedule.wait == "running":
            assert seen.last_status == "RUNNING", "false success"
            assert life.rank(run.elapsed) >= RUNNING, "false success"
        else:
            assert RANKS[seen.last_status] >= STOPPED, "false success"
            assert life.rank(run.elapsed) >= STOPPED, "false success"


def _check_failure(schedule: Schedule, run: Run, error: WaitError, shown: dict[str, Seen]) -> None:
    now, lives = run.elapsed, schedule.lives
    blamed = [lives[ord(name[-1]) - ord("a")] for name in error.story.reasons]
    seen = [shown[name[-1]] for name in error.story.reasons]
    assert blamed
    match error:
        case TaskNotVisible():
            assert now == schedule.timeout or now >= GRACE, "false failure within the grace"
            assert not any(one for task in seen for _, one in task), "it was seen"
        case TaskPurged():
            assert all(life.forgotten <= now for life in blamed), "it was not purged"
            for task in seen:
                *_, last_shown = (i for i, (_, one) in enumerate(task) if one is not None)
                missing = [time for time, _ in task[last_shown + 1 :]]
                assert len(missing) >= 3, "too few reads"
                assert missing[-1] - missing[0] >= 30, "too soon"
        case TaskStoppedEarly():
            assert all(life.rank(now) > RUNNING for life in blamed), "it has not stopped"
        case WaitTimeout():
            assert now == schedule.timeout
            answered = _answered(schedule, run)
            for life in blamed if now in answered and schedule.wait == "stopped" else ():
                stopped = min((began for began, state in life.states if state in "SX"), default=float("inf"))
                # Details may take two more looks; without them the end had to be seen if all replicas showed it.
                if not schedule.late_details and now < life.forgotten:
                    assert stopped > now - max(schedule.lags), "it had stopped"
        case _:
            raise AssertionError(error)


def _answered(schedule: Schedule, run: Run) -> list[float]:
    """Return the times of polls that were answered."""
    script = schedule.script
    return [ask.now for ask in run.calls if isinstance(script(ask), list)]


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """Generate lives in which states may be skipped, may be short or long, and may never end."""
    letters = [letter for letter in "VPAHRDGES" if draw(st.integers(0, 9)) < 7]
    began = draw(st.sampled_from([0.0, 0.0, 1.0, 20.0]))
    states: list[tuple[float, str]] = []
    for letter in letters:
        states.append((began, letter))
        began += draw(st.sampled_from([0.0, 0.5, 3.0, 10.0, 45.0, 200.0]))
    forgotten = float("inf")
    if letters[-1:] == ["S"] and draw(st.integers(0, 3)) == 0:
        forgotten = began + draw(st.sampled_from([0.0, 5.0, 40.0]))
    return Life(tuple(states), forgotten, draw(st.booleans()))


schedules = st.builds(
    Schedule,
    wait=st.sampled_from(sorted(WAITS)),
    lives=st.lists(lives(), min_size=1, max_size=3).map(tuple),
    lags=st.lists(st.sampled_from([0.0, 0.0, 0.3, 2.0, 10.0, LONGEST_LAG]), min_size=1, max_size=4).map(tuple),
    fault_rate=st.sampled_from([0.0, 0.0, 0.1, 0.5, 0.9]),
    seed=st.integers(0, 2**32),
    timeout=st.sampled_from([0.0, 7.0, 59.0, 61.0, 300.0, 900.0]),
    late_details=st.booleans(),
)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(schedule=schedules)
def test_no_wait_ends_with_a_false_result(schedule: Schedule) -> None:
    """There is no false success, no false failure within the grace, no overrun and few polls, under both drivers."""
    note(f"reproduce with: check({schedule!r})")
    check(schedule)


def random_schedule(seed: int) -> Schedule:
    """Return the schedule of a seed, without hypothesis and its database."""
    random = Random(seed)

    def life() -> Life:
        letters = [letter for letter in "VPAHRDGES" if random.random() < 0.7]
        began, states = random.choice([0.0, 0.0, 1.0, 20.0]), list[tuple[float, str]]()
        for letter in letters:
            states.append((began, letter))
            began += random.choice([0.0, random.random() * 5, random.random() * 200])
        gone = began + random.random() * 60 if letters[-1:] == ["S"] and random.random() < 0.25 else float("inf")
        return Life(tuple(states), gone, random.random() < 0.5)

    return Schedule(
        wait=random.choice(sorted(WAITS)),
        lives=tuple(life() for _ in range(random.choice([1, 1, 1, 2, 4]))),
        lags=tuple(random.choice([0.0, random.random() * LONGEST_LAG]) for _ in range(random.randrange(1, 5))),
        fault_rate=random.choice([0.0, 0.05, 0.3, 0.8]),
        seed=seed,
        timeout=random.choice([0.0, random.random() * 60, 61.0, 600.0]),
        late_details=random.random() < 0.3,
    )


def test_a_thousand_lives() -> None:
    """The same holds for fixed seeds, whose times are not round numbers."""
    for seed in range(1000):
        try:
            check(random_schedule(seed))
        except AssertionError as error:
            raise AssertionError(f"reproduce with: check(random_schedule({seed}))") from error
