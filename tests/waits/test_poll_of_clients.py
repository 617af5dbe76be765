"""`poll` of a client: the intervals of all waits and verbs that are called without `poll`."""

from __future__ import annotations

import asyncio
import copy
import inspect
import itertools
import pickle
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import boto3
import pytest
from support.definitions import NETWORK, register
from tenacity.wait import wait_fixed

import ecskit
from ecskit import aio, client
from ecskit.errors import ConfigurationError
from ecskit.testing import Simulator, TaskScript

Act = Callable[[Any, Simulator], Any]
ARGUMENTS: dict[str, Any] = {"launch_type": "FARGATE", "network": ecskit.models.AwsVpcConfiguration(subnets=["s"])}
OWN, OTHER = wait_fixed(30), wait_fixed(50)


def simulated() -> Simulator:
    sim = Simulator()
    register(sim, "job", {"name": "app", "image": "image:1"})
    sim.script("job", TaskScript.runs_for(800))
    sim.handle("RunTask", {"taskDefinition": "job", "launchType": "FARGATE", "networkConfiguration": NETWORK})
    return sim


def intervals(sim: Simulator) -> set[int]:
    """Return the seconds between polls, without their random part."""
    times = [call.time for call in sim.calls if call.operation == "DescribeTasks"]
    naps = [later - earlier for earlier, later in itertools.pairwise(times)]
    return {round(nap / 10) * 10 for nap in naps[:-1]}


def run(colour: str, sim: Simulator, options: dict[str, Any], act: Act) -> Any:
    """Perform an act with a client of the simulator that has other options."""
    if colour == "sync":
        with sim.client() as ecs, ecs.with_options(**options) as variant:
            return act(variant, sim)

    async def perform() -> Any:
        async with sim.async_client() as ecs, ecs.with_options(**options) as variant:
            return await act(variant, sim)

    return asyncio.run(perform())


def to_completion(**options: Any) -> Act:
    return lambda ecs, _: ecs.tasks.run_to_completion("job", timeout=2000, **ARGUMENTS, **options)


def wait_for_stopped(**options: Any) -> Act:
    return lambda ecs, sim: ecs.wait.tasks_stopped(sim.tasks()[0].arn, timeout=2000, **options)


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize(
    ("options", "act", "expected"),
    [
        ({"poll": OWN}, to_completion(), {30}),
        ({"poll": OWN}, wait_for_stopped(), {30}),
        ({"poll": OWN}, wait_for_stopped(poll=OTHER), {50}),
        ({}, to_completion(poll=OTHER), {50}),
    ],
    ids=["client, verb", "client, wait", "both", "call"],
)
def test_intervals(colour: str, options: dict[str, Any], act: Act, expected: set[int]) -> None:
    """Those of the call, else those of the client."""
    sim = simulated()
    run(colour, sim, options, act)
    assert expected == intervals(sim)


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_with_options_keeps_or_replaces_it(colour: str) -> None:
    """As all other options."""
    for second, expected in (({"region_name": "eu-west-1"}, OWN), ({"poll": OTHER}, OTHER)):
        made = make(colour, poll=OWN).with_options(**second)
        assert expected is poll_of(made)


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_copies_have_it(colour: str) -> None:
    """Also in another process."""
    made = make(colour, poll=OWN)
    assert OWN is poll_of(copy.copy(made))
    assert 30 == poll_of(pickle.loads(pickle.dumps(made))).wait_fixed


def test_wrapped_clients() -> None:
    """They take it, and their copies have it."""
    wrapped = ecskit.Client.wrap(boto3.client("ecs", region_name="eu-west-1"), poll=OWN)
    assert OWN is poll_of(wrapped)
    assert OWN is poll_of(copy.copy(wrapped))


def test_what_is_no_strategy() -> None:
    """The error names the parameter and an example."""
    wrapped = boto3.client("ecs", region_name="eu-west-1")
    made = {colour: make(colour) for colour in ("sync", "async")}
    for wrong in (3, "3", wait_fixed):
        acts: list[Callable[..., object]] = [partial(ecskit.Client.wrap, wrapped)]
        for colour, ecs in made.items():
            acts += [partial(make, colour), ecs.with_options]
        for act in acts:
            with pytest.raises(ConfigurationError) as caught:
                act(poll=wrong)
            expected = f"poll must be a tenacity wait strategy, such as wait_fixed(3), not {type(wrong).__name__}"
            assert expected == str(caught.value)


def make(colour: str, **options: Any) -> Any:
    kind: Any = ecskit.Client if colour == "sync" else ecskit.AsyncClient
    return kind(region_name="us-east-1", **options)


def poll_of(ecs: Any) -> Any:
    return ecs._runtime.poll


def methods() -> Iterator[Any]:
    """Yield the methods of both clients that take `poll`."""
    for module in (client, aio):
        for name in module.__all__:
            for _, method in inspect.getmembers(getattr(module, name), inspect.isfunction):
                if "poll" in inspect.signature(method).parameters and "Client" not in method.__qualname__:
                    yield method


def test_every_method() -> None:
    """No wait and no verb is left out."""
    found = list(methods())
    assert len(found) > 100
    assert [] == [
        method.__qualname__
        for method in found
        if "poll=self._runtime.poll if poll is None else poll" not in inspect.getsource(method)
    ]
