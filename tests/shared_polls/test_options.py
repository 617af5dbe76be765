"""`polls_per_second` and `budget` of clients: defaults, copies, and what they must not be."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import boto3
import pytest
from tenacity import wait_fixed

import ecskit
from ecskit._core.effects import Share
from ecskit.errors import ConfigurationError
from ecskit.testing import Simulator, SimulatorServer, TaskScript
from ecskit.waits import PollBudget

from . import support
from .support import COLOURS


def make(colour: str, **options: Any) -> Any:
    """Return a client."""
    kind: Any = ecskit.Client if colour == "sync" else ecskit.AsyncClient
    return kind(region_name="us-east-1", **options)


def budget_of(ecs: Any) -> PollBudget:
    """Return the budget that the waits of a client use."""
    budget: PollBudget = ecs._runtime.shared.perform(Share(PollBudget))
    return budget


def wrapped(**options: Any) -> ecskit.Client:
    """Return a wrapped client."""
    return ecskit.Client.wrap(boto3.client("ecs", region_name="us-east-1"), **options)


@pytest.mark.parametrize("colour", COLOURS)
def test_defaults_and_copies(colour: str) -> None:
    """5 per second for each client; what is given is kept or replaced as a whole."""
    one = make(colour)
    assert 5 == budget_of(one).polls_per_second
    assert budget_of(one) is budget_of(one)
    assert budget_of(one) is not budget_of(one.with_options(region_name="eu-west-1"))
    faster = make(colour, polls_per_second=7)
    for each in (faster, copy.copy(faster), pickle.loads(pickle.dumps(faster)), faster.with_options(region_name="x")):
        assert 7 == budget_of(each).polls_per_second
    common = PollBudget(3)
    both = make(colour, budget=common)
    for each in (both, copy.copy(both), both.with_options(region_name="eu-west-1"), one.with_options(budget=common)):
        assert common is budget_of(each)
    assert 3 == budget_of(pickle.loads(pickle.dumps(both))).polls_per_second
    assert 2 == budget_of(both.with_options(polls_per_second=2)).polls_per_second
    assert common is budget_of(faster.with_options(budget=common))


def test_wrapped_clients() -> None:
    """They take both, and copies of them have the same."""
    common = PollBudget(3)
    assert 5 == budget_of(wrapped()).polls_per_second
    assert 9 == budget_of(copy.copy(wrapped(polls_per_second=9))).polls_per_second
    assert common is budget_of(copy.copy(wrapped(budget=common)))


def test_copies_of_a_budget() -> None:
    """They have its rate, and are full."""
    budget = PollBudget(0.4)
    while not budget.take("DescribeTasks", 0):
        pass
    for made in (copy.copy(budget), copy.deepcopy(budget), pickle.loads(pickle.dumps(budget))):
        assert made is not budget
        assert (0.4, 0.0) == (made.polls_per_second, made.take("DescribeTasks", 0))
        assert "PollBudget(0.4)" == repr(made)


WRONG: list[tuple[dict[str, Any], str]] = [
    *(
        ({"polls_per_second": wrong}, f"polls_per_second must be a number above 0, not {wrong!r}")
        for wrong in (0, -1, True, "5", float("nan"), float("inf"), [5])
    ),
    ({"budget": 5}, "budget must be an ecskit.waits.PollBudget, not int"),
    ({"budget": PollBudget}, "budget must be an ecskit.waits.PollBudget, not type"),
    (
        {"budget": PollBudget(), "polls_per_second": 5},
        "pass polls_per_second= or budget=, not both: a budget has a rate already",
    ),
]


def test_what_they_must_not_be() -> None:
    """The error names the parameter."""
    acts: list[Callable[..., object]] = [wrapped]
    for colour in COLOURS:
        acts += [partial(make, colour), make(colour).with_options]
    for options, message in WRONG:
        for act in acts:
            with pytest.raises(ConfigurationError) as caught:
                act(**options)
            assert message == str(caught.value)
    with pytest.raises(ConfigurationError, match="polls_per_second must be a number above 0, not None"):
        PollBudget(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("colour", COLOURS)
def test_whole_clients_hold_it(colour: str) -> None:
    """Of the simulator, with one budget for two clients."""
    sim = Simulator()
    arns = support.launch(sim, "job", 4, TaskScript.runs_for(20))
    options: dict[str, Any] = {"budget": PollBudget(0.5)}
    if colour == "sync":
        with sim.client().with_options(**options) as one, sim.client().with_options(**options) as other:
            for ecs in (one, other):
                ecs.wait.tasks_stopped(arns, timeout=900)
    else:

        async def act() -> None:
            async with (
                sim.async_client().with_options(**options) as one,
                sim.async_client().with_options(**options) as two,
            ):
                waits = [ecs.wait.tasks_stopped([arn], timeout=900) for ecs in (one, two) for arn in arns]
                await asyncio.gather(*waits)

        asyncio.run(act())
    support.assert_within_budget(support.times(sim), 0.5, 2.5)


@pytest.mark.parametrize("colour", COLOURS)
def test_clients_of_a_simulator_take_the_same(colour: str) -> None:
    """In the same process and over HTTP; what is wrong is refused by name."""
    name = "client" if colour == "sync" else "async_client"
    with SimulatorServer() as server:
        for made_by in (Simulator(), server):
            make, budget, poll = getattr(made_by, name), PollBudget(2), wait_fixed(7)
            client = make(budget=budget, poll=poll)
            assert budget is budget_of(client)
            assert poll is client._runtime.poll
            assert 3 == budget_of(make(polls_per_second=3)).polls_per_second
            with pytest.raises(ConfigurationError, match="polls_per_second must be a number above 0, not 0"):
                make(polls_per_second=0)
