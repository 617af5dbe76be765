"""The budget of polls: it holds in every window, is halved by throttles, and shared where two clients have it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest
from support.both_clients import Ecs
from support.simulated_ecs import answer
from tenacity.wait import wait_fixed

from ecskit._core.effects import RawResponse, Send
from ecskit._polling.budget import PollBudget
from ecskit.testing import Fault, Quota, Simulator, TaskScript

from . import support
from .support import COLOURS, Start

RATES = (0.5, 5.0, 50.0)
READS = Quota(100, 20, ("DescribeTasks", "DescribeContainerInstances"))


def burst(rate: float) -> float:
    """Return how many calls a budget allows at once."""
    return max(1.0, 5 * rate)


@pytest.mark.parametrize("rate", RATES)
def test_every_window_of_the_bucket(rate: float) -> None:
    """Calls are taken, given back and throttled at random times; what is sent is within the budget."""
    for seed in range(100):
        random, budget, now = Random(f"{rate} {seed}"), PollBudget(rate), 0.0
        waiting: list[float] = []
        sent: list[float] = []
        for _ in range(300):
            now += random.choice([0.0, 0.0, random.expovariate(rate), random.expovariate(rate / 10)])
            sent += [at for at in waiting if at <= now]
            waiting = [at for at in waiting if at > now]
            match random.choice(["take", "take", "take", "give back", "throttle"]):
                case "take":
                    waiting.append(now + budget.take("DescribeTasks", now))
                case "give back" if waiting:
                    at = waiting.pop(random.randrange(len(waiting)))
                    budget.give_back("DescribeTasks", at)
                case "throttle" if sent and random.random() < 0.1:
                    budget.throttled("DescribeTasks", sent[-1], now)
                case _:
                    pass
        support.assert_within_budget([*sent, *waiting], rate, burst(rate))


def test_throttles() -> None:
    """Each round trip halves the rate once; a twentieth remains; within a minute all is back."""
    budget = PollBudget(6)
    for _ in range(30):
        budget.take("ListTasks", 0)  # the group of DescribeTasks
    assert 1 / 6 == pytest.approx(budget.take("DescribeTasks", 0))
    budget.throttled("DescribeTasks", 0, 0.1)
    budget.throttled("DescribeTasks", 0.05, 0.1)  # it was under way at the same time
    seconds = [budget.take("DescribeTasks", 0.1)]
    budget.throttled("DescribeTasks", 0.1, 0.1)
    seconds.append(budget.take("DescribeTasks", 0.1))
    for _ in range(10):
        budget.throttled("DescribeTasks", 0.1, 0.1)
    seconds.append(budget.take("DescribeTasks", 0.1))
    assert [0.4, 0.4 + 1 / 1.5, 0.4 + 1 / 1.5 + 1 / 0.3] == pytest.approx(seconds, rel=0.02)
    assert 0 == budget.take("DescribeServices", 0.1)  # another group
    for _ in range(30):
        budget.take("DescribeTasks", 1000)
    assert 1 / 6 == pytest.approx(budget.take("DescribeTasks", 1000))


def hasty(ecs: Ecs, arn: str) -> Any:
    """Wait for a task with more polls than any budget allows."""
    return ecs.wait.tasks_stopped([arn], timeout=900, poll=wait_fixed(0.1))


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("rate", [0.5, 5.0])
def test_hasty_waits_of_two_clients(colour: str, rate: float) -> None:
    """Together they stay within a budget that both have, also while ECS throttles, and all end well."""
    budget = PollBudget(rate)
    sim = support.world(quotas=[Quota(8, 2, ("DescribeTasks",))])
    arns = support.launch(sim, "job", 20, TaskScript.runs_for(30))
    clients = [support.client(colour, sim, budget, seed) for seed in range(2)]
    starts = [Start(n / 7, lambda ecs, arn=arn: hasty(ecs, arn)) for n, arn in enumerate(arns)]  # type: ignore[misc]
    ended = support.perform(sim, clients, starts)
    assert {"STOPPED"} == {each.verdict for each in ended}
    support.assert_within_budget(support.times(sim), rate, burst(rate))
    throttled = [call for call in sim.calls if call.code == "ThrottlingException"]
    assert bool(throttled) == (rate > 2)
    assert len(throttled) < 20


def test_two_clients_without_a_common_budget() -> None:
    """Each has its own."""
    sim = support.world()
    arns = support.launch(sim, "job", 20, TaskScript.runs_for(30))
    clients = [support.client("async", sim, PollBudget(0.5), seed) for seed in range(2)]
    starts = [Start(0, lambda ecs, arn=arn: hasty(ecs, arn)) for arn in arns]  # type: ignore[misc]
    support.perform(sim, clients, starts)
    support.assert_within_budget(support.times(sim), 1, 5)
    with pytest.raises(AssertionError):
        support.assert_within_budget(support.times(sim), 0.5, 2.5)


def repeating(sim: Simulator, send: Send) -> RawResponse:
    """Answer like a client of botocore that has repeated a throttled request by itself."""
    return RawResponse(answer(sim, send).body, {"RetryAttempts": 1 if support.watch(sim).now() < 20 else 0})


@pytest.mark.parametrize("colour", COLOURS)
def test_repeated_requests_of_a_wrapped_client_count_as_throttles(colour: str) -> None:
    """Only the number of attempts shows them: the client polls less."""
    counts: list[int] = []
    cases: list[dict[str, Any]] = [{}, {"answer": repeating}]
    for hooks in cases:
        sim = support.world()
        arns = support.launch(sim, "job", 10, TaskScript.runs_for(10))
        starts = [Start(0, lambda ecs, arn=arn: hasty(ecs, arn)) for arn in arns]  # type: ignore[misc]
        support.perform(sim, support.client(colour, sim, **hooks), starts)
        counts.append(len(support.times(sim)))
        assert len([at for at in support.times(sim) if at < 20]) <= 25 + 5 * 20
    assert counts[1] < 0.7 * counts[0]


@pytest.mark.parametrize("colour", COLOURS)
def test_how_often_each_task_is_polled(colour: str) -> None:
    """At least as often as asked, or every 30 s, or as the budget allows for all, whatever is due more often."""
    rate, sim = 0.5, support.world()
    arns = support.launch(sim, "job", 420, TaskScript.runs_for(250))
    starts = [Start(n / 100, lambda ecs, arn=arn: stopped(ecs, [arn])) for n, arn in enumerate(arns[:20])]  # type: ignore[misc]
    starts += [Start(0, lambda ecs, part=arns[n : n + 50]: stopped(ecs, part)) for n in range(20, 420, 50)]  # type: ignore[misc]
    starts += [Start(1, lambda ecs, arn=arn: hasty(ecs, arn)) for arn in arns[:3]]  # type: ignore[misc]
    ended = support.perform(sim, support.client(colour, sim, PollBudget(rate)), starts)
    assert {"STOPPED"} == {state for each in ended for state in each.verdict.split("/")}
    bound = max(30.0, math.ceil(420 / 100) / rate) + 5 / rate
    polled: dict[str, list[float]] = {}
    for call, at in zip(
        [each for each in sim.calls if each.operation == "DescribeTasks"], support.times(sim), strict=True
    ):
        for task in call.request["tasks"]:
            polled.setdefault(task.rsplit("/", 1)[-1], []).append(at)
    assert 420 == len(polled)
    for moments in polled.values():
        assert max(later - at for at, later in itertools.pairwise(moments)) <= bound
    support.assert_within_budget(support.times(sim), rate, burst(rate))


def stopped(ecs: Ecs, arns: Sequence[str], **options: Any) -> Any:
    """Wait for tasks."""
    return ecs.wait.tasks_stopped(arns, **{"timeout": 2000, **options})


@pytest.mark.parametrize("colour", COLOURS)
def test_a_tiny_budget_shows_in_the_stories(colour: str) -> None:
    """Late polls are counted. A last poll that gets no token within a second is left out, and is not counted."""
    sim = support.world()
    arns = support.launch(sim, "job", 6, TaskScript(time_to_start=1000.0))
    stories: list[Any] = []
    acts: list[Callable[[Ecs], Any]] = [
        lambda ecs, arn=arn, n=n: stopped(
            ecs, [arn], timeout=60.5 + n / 100, poll=wait_fixed(2), on_poll=stories.append
        )  # type: ignore[misc]
        for n, arn in enumerate(arns)
    ]
    budget = PollBudget(0.05)
    ended = support.perform(
        sim, support.client(colour, sim, budget), [Start(n / 10, act) for n, act in enumerate(acts)]
    )
    assert {"WaitTimeout"} == {each.verdict for each in ended}
    texts = [str(each.error) for each in ended]
    assert any("late)" in text for text in texts)
    left_out = "last error: poll: the deadline passed before polls_per_second allowed the request"
    assert len([text for text in texts if left_out in text]) >= 5
    requests = [call.request["tasks"] for call in sim.calls if call.operation == "DescribeTasks"]
    for arn, each in zip(arns, ended, strict=True):
        assert each.at <= each.began + 60.56 + 1.001
        polled = len([ids for ids in requests if arn.rpartition("/")[2] in ids])
        assert polled == each.error.story.polls  # type: ignore[union-attr]
    assert any(story.late for story in stories)
    assert 1 < len({id(each.error.story) for each in ended if each.error is not None})  # type: ignore[attr-defined]
    support.assert_within_budget(support.times(sim), 0.05, 1)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_wait_for_many_tasks_does_not_hold_up_others(colour: str) -> None:
    """A poll of five calls takes its time at this rate; the deadline of a small wait stands."""
    sim = support.world()
    arns = support.launch(sim, "job", 450, TaskScript.runs_for(100))
    starts = [Start(0, lambda ecs: stopped(ecs, arns)), Start(16, lambda ecs: stopped(ecs, arns[:1], timeout=9))]
    many, small = support.perform(sim, support.client(colour, sim, PollBudget(0.25)), starts)
    assert 450 == many.verdict.count("STOPPED")
    assert "WaitTimeout" == small.verdict
    assert small.at <= small.began + 10.001
    support.assert_within_budget(support.times(sim), 0.25, 1.25)


@pytest.mark.parametrize("colour", COLOURS)
def test_an_error_is_a_copy_for_each_wait(colour: str) -> None:
    """With its own story, whose handle resumes that wait."""
    sim = support.world()
    arns = support.launch(sim, "job", 5, TaskScript.runs_for(100))
    sim.fail("DescribeTasks", Fault.expired_credentials(), times=None, after=5)
    starts = [Start(0, lambda ecs, arn=arn: stopped(ecs, [arn])) for arn in arns]  # type: ignore[misc]
    ended = support.perform(sim, support.client(colour, sim), starts)
    errors: list[Any] = [each.error for each in ended]
    assert 1 == len({(type(error), error.code) for error in errors})
    assert [[arn] for arn in arns] == [[*error.story.handle.ids] for error in errors]
    assert 5 == len({id(error) for error in errors})
