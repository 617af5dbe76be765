"""What happens to tasks, and what has to come of it: a table to be read beside the rules, for both colours."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest
from support.both_clients import Went
from tenacity.wait import wait_fixed

from ecskit._core.errors import EcsError
from ecskit._polling.observations import Observations, WaitState
from ecskit._waits.tasks import TASKS
from ecskit.errors import TasksNotStarted
from ecskit.models import Task
from ecskit.tasks import RunTaskResult, TaskOutcome
from ecskit.testing import Fault, Simulator, TaskScript

from .ended import ARN, app, ended
from .support import FARGATE, both, stops, through_botocore
from .timelines import Timeline

Prepare = Callable[[Simulator], object]


@attrs.frozen(kw_only=True)
class Row:
    """One scenario."""

    verdict: str
    """The kinds of the outcomes, how much was started as `7/10`, or the name of the error."""
    verb: str = "run_to_completion"
    family: str = "job"
    polls: str | None = None
    """What the polls show; None to poll the simulator."""
    prepare: Prepare = lambda _: None
    options: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    says: str = ""
    """Parts of the error's or outcome's text, separated by ` | `."""
    launched: int = 1
    """How many tasks there really are."""
    targets: int = 1
    """How often RunTask was sent."""
    tokens: int = 1
    """Under how many tokens."""
    stopped: int = 0
    """How many StopTask requests were sent."""
    states: str = ""
    """Words of the last story: `MISSING x3`."""
    stale: int = 0
    errors: int = 0
    """How many polls failed."""


def fails(*faults: Fault, operation: str = "RunTask") -> Prepare:
    def prepare(sim: Simulator) -> None:
        for fault in faults:
            sim.fail(operation, fault)

    return prepare


def plays(script: TaskScript, family: str = "job") -> Prepare:
    return lambda sim: sim.script(family, script)


def used_before(sim: Simulator) -> None:
    """Let the first token of the key `k` be used for something else: three tasks of `two`."""
    network = {"awsvpcConfiguration": {"subnets": ["s"]}}
    request = {"taskDefinition": "two", "launchType": "FARGATE", "networkConfiguration": network, "count": 3}
    sim.handle("RunTask", {**request, "clientToken": "k-0-0"})


TEN: dict[str, Any] = {"count": 10}
SOME = fails(Fault.no_capacity("RESOURCE:MEMORY", last=3))
NONE = {
    reason: fails(*[Fault.no_capacity(reason)] * 3)
    for reason in ("AGENT", "RESOURCE:MEMORY", "RESOURCE:CPU", "RESOURCE:PORTS", "RESOURCE:ENI", "RESOURCE:GPU")
}
WAITS: dict[str, Any] = {"capacity_timeout": 60}

ROWS: dict[str, Row] = {
    "S1 missing three times, then a life": Row(
        polls="- - - P R S0", verdict="SUCCEEDED", states="MISSING x3, PENDING x1, RUNNING x1, STOPPED x1"
    ),
    "S3 a stale replica steps back": Row(polls="R5 P3 S0", verdict="SUCCEEDED", stale=1),
    "S4 seven of ten: raise": Row(
        options=TEN,
        prepare=SOME,
        verdict="TasksNotStarted",
        verb="run",
        launched=7,
        says="7 of 10 tasks started: RESOURCE:M",
    ),
    "S4 seven of ten: keep": Row(
        options={**TEN, "on_partial": "keep"}, prepare=SOME, verdict="7/10", verb="run", launched=7
    ),
    "S4 seven of ten: stop_started": Row(
        options={**TEN, "on_partial": "stop_started"},
        prepare=SOME,
        verdict="TasksNotStarted",
        verb="run",
        launched=7,
        stopped=7,
        says="7 of 10 tasks started, and stopped again",
    ),
    "S4 seven of ten: top_up": Row(
        options={**TEN, "on_partial": "top_up"},
        prepare=SOME,
        verdict="10/10",
        verb="run",
        launched=10,
        targets=2,
        tokens=2,
    ),
    "S5 none, ATTRIBUTE": Row(
        options=WAITS,
        prepare=fails(Fault.no_capacity("ATTRIBUTE")),
        verdict="TasksNotStarted",
        launched=0,
        says="0 of 1 tasks started: ATTRIBUTE",
    ),
    **{
        f"S5 none, {reason}": Row(options=WAITS, prepare=prepare, verdict="1/1", verb="run", targets=4, tokens=4)
        for reason, prepare in NONE.items()
    },
    "S6 reset before it was accepted": Row(prepare=fails(Fault.reset()), verdict="1/1", verb="run", targets=2),
    "S6 reset after it was accepted": Row(
        prepare=fails(Fault.reset(after_effect=True)), verdict="1/1", verb="run", targets=2
    ),
    "S7 the token was used": Row(
        options={"client_token": "k"},
        prepare=used_before,
        verdict="ConflictException",
        verb="run",
        launched=3,
    ),
    "S8 five throttles in the middle": Row(
        polls="R !throttle !throttle !throttle !throttle !throttle R S0", verdict="SUCCEEDED", errors=5
    ),
    "S9 a throttle in disguise": Row(prepare=fails(Fault.disguised_throttle()), verdict="1/1", verb="run", targets=2),
    "S10 500 in the middle": Row(polls="R !500 S0", verdict="SUCCEEDED", errors=1),
    "S10 a timeout in the middle": Row(polls="R !timeout R !reset S0", verdict="SUCCEEDED", errors=2),
    "S10 garbage in the middle": Row(polls="R !garbled S0", verdict="SUCCEEDED", errors=1),
    "S12 ran, then forgotten": Row(polls="R -", verdict="TaskPurged", says="was RUNNING, then not found"),
    "S13 a pull that times out": Row(
        prepare=plays(TaskScript.fails_to_pull("i/o timeout")),
        verdict="TaskFailedError",
        says="FAILED_TO_START | i/o timeout",
    ),
    "S13 an image that is not there": Row(
        prepare=plays(TaskScript.fails_to_pull("manifest unknown")), verdict="TaskFailedError", says="FAILED_TO_START"
    ),
    "S14 app 1, sidecar 0": Row(
        family="pair",
        prepare=plays(TaskScript(run_time=5, exit_codes={"app": 1}, sigterm_exit_codes=0), "pair"),
        verdict="TaskFailedError",
        says="EXITED with code 1 (container app",
    ),
    "S14 app 0, sidecar 137": Row(
        family="pair",
        prepare=plays(TaskScript(run_time=5, exit_codes={"app": 0}, sigterm_exit_codes=137), "pair"),
        verdict="SUCCEEDED",
    ),
    "two essential ones, one 0, one 137": Row(
        family="two",
        prepare=plays(TaskScript(run_time=5, exit_codes={"helper": 0}, sigterm_exit_codes=137), "two"),
        verdict="SUCCEEDED",
    ),
    "S15 spot with exit 0": Row(
        prepare=plays(attrs.evolve(TaskScript.spot_interrupted(after=5), sigterm_exit_codes=0)),
        verdict="TaskFailedError",
        says="INTERRUPTED | Your Spot Task was interrupted",
    ),
    "S17 a state of tomorrow": Row(
        polls="R H H S0", verdict="SUCCEEDED", states="RUNNING x1, HIBERNATING x2, STOPPED x1", stale=2
    ),
}


def act(row: Row, stories: list[Any]) -> Callable[[Any], Any]:
    def perform(ecs: Any) -> Any:
        stories.clear()  # of the other colour
        if row.verb == "run":
            return ecs.tasks.run(row.family, **FARGATE, **row.options)
        return ecs.tasks.run_to_completion(
            row.family, **FARGATE, poll=wait_fixed(2), on_poll=stories.append, **row.options
        )

    return perform


def verdict(went: Went) -> str:
    if went.error is not None:
        return type(went.error).__name__
    if isinstance(went.result, RunTaskResult):
        return f"{len(went.result.tasks)}/{went.result.requested}"
    assert isinstance(went.result, TaskOutcome)
    return went.result.kind


@pytest.mark.parametrize("name", ROWS)
def test_scenario(name: str) -> None:
    """Each has its verdict, and the expected numbers of tasks, requests and StopTask requests."""
    row, stories = ROWS[name], list[Any]()
    hooks: Callable[[], Mapping[str, Any]] = lambda: {"answer": Timeline(row.polls)} if row.polls else {}  # noqa: E731
    check(row, both(act(row, stories), prepare=row.prepare, hooks=hooks), stories)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.polls is None])
def test_scenario_through_the_clients(name: str) -> None:
    """The same through botocore and aiobotocore."""
    row, stories = ROWS[name], list[Any]()
    check(row, through_botocore(act(row, stories), prepare=row.prepare), stories)


def check(row: Row, went: Went, stories: list[Any]) -> None:
    assert row.verdict == verdict(went), repr(went.error)
    for part in row.says.split(" | "):
        assert part in str(went.error)
    assert row.launched == len(went.sim.tasks())
    requests = went.requests("RunTask")[-row.targets :]  # the earlier ones are the simulator's past
    assert row.targets == len([each for each in went.requests("RunTask") if each["taskDefinition"] == row.family])
    assert row.tokens == len({each["clientToken"] for each in requests})
    assert ({} if not row.stopped else dict.fromkeys(stops(went), 1)) == stops(went)
    assert row.stopped == len(stops(went))
    if stories:
        assert row.states in stories[-1].poll_summary
        assert (row.stale, row.errors) == (stories[-1].stale, len(stories[-1].errors))


# What a row cannot say.


def completed(polls: str) -> Went:
    return both(
        lambda ecs: ecs.tasks.run_to_completion("job", **FARGATE, poll=wait_fixed(2)),
        hooks=lambda: {"answer": Timeline(polls)},
    )


def test_s2_a_task_of_which_only_the_arn_is_known_is_never_visible() -> None:
    """TaskNotVisible exactly at the grace; nothing is launched again."""

    def act(ecs: Any) -> Any:
        return ecs.wait.tasks_stopped(ecs.arns)

    def launch(sim: Simulator) -> None:
        used_before(sim)

    went = both(act, prepare=launch, hooks=lambda: {"answer": Timeline("-")})
    assert "TaskNotVisible" == verdict(went)
    assert (60, []) == (went.elapsed, went.requests("RunTask"))


def test_s2_a_task_that_was_just_launched_is_never_visible() -> None:
    """TaskNotVisible at the grace, too: no read has ever shown it. It is not launched again, and not stopped."""
    went = completed("-")
    assert ("TaskNotVisible", 60) == (verdict(went), went.elapsed)
    assert (1, 1, 0) == (len(went.requests("RunTask")), len(went.sim.tasks()), len(went.requests("StopTask")))


def test_s1_a_task_that_reads_show_late() -> None:
    """Anywhere within the grace it is not visible yet, and nothing worse."""
    went = completed(f"{'- ' * 25} P R S0")
    assert "SUCCEEDED" == verdict(went)
    assert 45 < went.elapsed < 65


def test_s4_the_error_has_what_was_started() -> None:
    """ARNs of exactly those that run."""
    went = both(lambda ecs: ecs.tasks.run("job", **FARGATE, **TEN), prepare=SOME)
    error: TasksNotStarted = went.raised(TasksNotStarted)
    assert sorted(went.running) == sorted(error.result.task_arns)
    assert ["RESOURCE:MEMORY"] * 3 == [failure.reason for failure in error.result.failures]


def test_s4_topping_up_asks_for_the_rest() -> None:
    """Three more, under another token."""
    went = both(lambda ecs: ecs.tasks.run("job", **FARGATE, **TEN, on_partial="top_up", client_token="k"), prepare=SOME)
    assert [(10, "k-0-0"), (3, "k-0-1")] == [(each["count"], each["clientToken"]) for each in went.requests("RunTask")]


def test_s5_naps_grow_between_asks() -> None:
    """Backoff: each nap may be twice as long as the one before."""
    went = both(
        lambda ecs: ecs.tasks.run("job", **FARGATE, capacity_timeout=100),
        prepare=fails(*[Fault.no_capacity("AGENT")] * 4),
    )
    naps = went.naps("RunTask")
    assert 4 == len(naps)
    assert sorted(naps) == naps
    assert naps[-1] > 2 * naps[0] > 0


def test_s7_the_error_names_the_tasks() -> None:
    """In `resource_ids`."""
    went = both(lambda ecs: ecs.tasks.run("job", **FARGATE, client_token="k"), prepare=used_before)
    assert isinstance(went.error, EcsError)
    assert sorted(went.running) == sorted(went.error.resource_ids)  # type: ignore[attr-defined]  # ConflictException


def test_s8_intervals_grow_while_throttled_and_then_shrink() -> None:
    """Longer with each error, at once short again after an answer."""
    naps = completed("R !throttle !throttle !throttle !throttle !throttle R S0").naps("DescribeTasks")
    throttled, after = naps[1:6], naps[6]
    assert throttled[0] < throttled[1] < throttled[2]
    assert throttled[-1] > 10
    assert after < 2.3


@pytest.mark.parametrize(("problem", "retryable"), [("i/o timeout", True), ("manifest unknown", False)])
def test_s13_whether_to_try_again(problem: str, *, retryable: bool) -> None:
    """The error says so."""
    went = both(
        lambda ecs: ecs.tasks.run_to_completion("job", **FARGATE), prepare=plays(TaskScript.fails_to_pull(problem))
    )
    assert isinstance(went.error, EcsError)
    assert retryable == went.error.retryable


def observed(status: str, version: int) -> Task:
    return ended(app(0), last_status=status, version=version)


EVENTS = [
    ("S16 an event twice, and late reads", "S9 R6 S9 R8", "S9", 1, 2),
    ("a life in disorder", "R5 P3 S7 R6", "S7", 2, 2),
    ("the same again", "P1 P1 P1", "P1", 1, 0),
    ("a step at the same version", "R5 S5 R5", "S5", 2, 1),
    ("no end is taken back", "S7 R9", "S7", 1, 1),
]
LETTERS = {"P": "PENDING", "R": "RUNNING", "S": "STOPPED"}


@pytest.mark.parametrize(
    ("what", "history", "last", "transitions", "stale"), EVENTS, ids=[event[0] for event in EVENTS]
)
def test_observations_in_any_order(what: str, history: str, last: str, transitions: int, stale: int) -> None:  # noqa: ARG001
    """S16: events and reads alike; the newest counts, and what is older is counted."""
    wait_state: WaitState[Task] = WaitState.start([ARN], 0, {}, TASKS)
    seen: list[Task | None] = []
    for now, word in enumerate(history.split()):
        task = observed(LETTERS[word[0]], int(word[1:]))
        wait_state = wait_state.merge(Observations({ARN: task}, {}), [ARN], now, TASKS)
        seen.append(wait_state.resources[ARN].last)
    states = [(task.last_status, task.version) for task in seen if task is not None]
    assert (LETTERS[last[0]], int(last[1:])) == states[-1]
    assert transitions == len(list(dict.fromkeys(states)))
    assert stale == wait_state.stale


def test_s17_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    """For each of the two waits, sync and async, however often the state of tomorrow is seen."""
    with caplog.at_level(logging.WARNING, "ecskit"):
        completed("R H H H S0")
    assert 2 == len([record for record in caplog.records if "HIBERNATING" in record.getMessage()])
