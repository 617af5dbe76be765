"""Overrides above 8,192 characters, and task definitions above 64 KiB or ten containers: refused before sending."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from support.definitions import register

from ecskit._core.sizes import BYTES, CHARACTERS, characters, definition_bytes
from ecskit._core.wire import encode
from ecskit.errors import RequestError
from ecskit.models import (
    AwsVpcConfiguration,
    ContainerDefinition,
    ContainerOverride,
    KeyValuePair,
    RegisterTaskDefinitionRequest,
    RunTaskRequest,
    Tag,
    TaskOverride,
)
from ecskit.task_definitions import derive
from ecskit.testing import Simulator

Act = Callable[[Any], Any]


def refusals(act: Act, sim: Simulator) -> list[str]:
    """Perform an act with a sync and an async client, and return the two messages; nothing is sent."""

    async def with_async() -> None:
        async with sim.async_client() as ecs:
            await act(ecs)

    before = len(sim.calls)
    with sim.client() as ecs, pytest.raises(RequestError) as refused:
        act(ecs)
    with pytest.raises(RequestError) as also_refused:
        asyncio.run(with_async())
    assert len(sim.calls) == before
    return [str(refused.value), str(also_refused.value)]


def overrides(length: int, filler: str = "x") -> TaskOverride:
    """Return overrides whose JSON has this many characters."""
    bare = {"containerOverrides": [{"name": "app", "environment": [{"name": "A", "value": ""}]}]}
    value = filler * (length - characters(bare))
    return TaskOverride(
        container_overrides=[ContainerOverride(name="app", environment=[KeyValuePair(name="A", value=value)])]
    )


def definition(containers: int = 1, bytes_: int = 0, **members: Any) -> RegisterTaskDefinitionRequest:
    """Return a task definition with this many containers, whose JSON has this many bytes."""
    made = [ContainerDefinition(name=f"c{i}", image="nginx:1", memory=8) for i in range(containers)]
    bare = attrs.evolve(made[0], environment=[KeyValuePair(name="A", value="")])
    small = RegisterTaskDefinitionRequest(family="web", container_definitions=[bare, *made[1:]], **members)
    value = "x" * (bytes_ - definition_bytes(encode(small)))
    full = attrs.evolve(bare, environment=[KeyValuePair(name="A", value=value)])
    return attrs.evolve(small, container_definitions=[full, *made[1:]])


OVERRIDES = "the overrides have 8193 characters as JSON, and ECS takes at most 8192; put large values into the task"


@pytest.mark.parametrize(
    ("act", "subject"),
    [
        (lambda ecs: ecs.run_task(task_definition="job", overrides=overrides(8193)), "RunTaskRequest: overrides"),
        (
            lambda ecs: ecs.start_task(task_definition="job", container_instances=["i"], overrides=overrides(8193)),
            "StartTaskRequest: overrides",
        ),
        (
            lambda ecs: ecs.send(RunTaskRequest(task_definition="job", overrides=overrides(8193))),
            "RunTaskRequest: overrides",
        ),
        (lambda ecs: ecs.tasks.run("job", count=25, overrides=overrides(8193)), "tasks.run: overrides"),
        (
            lambda ecs: ecs.tasks.run_to_completion(
                "job", container="app", environment={"A": "x" * (8193 - characters(encode(overrides(80))) + 1)}
            ),
            "tasks.run: environment",
        ),
    ],
    ids=["run_task", "start_task", "send", "tasks.run", "run_to_completion"],
)
def test_overrides_that_are_too_large(act: Act, subject: str) -> None:
    """The error names the arguments, the size, the limit, and where to put the values."""
    for message in refusals(act, Simulator()):
        assert message.startswith(f"{subject}: {OVERRIDES}")


@pytest.mark.parametrize("filler", ["x", "ä", "😀"])
def test_the_largest_overrides_are_sent(filler: str) -> None:
    """A character counts as one, also if its JSON can be written with an escape of six."""
    sim = Simulator()
    register(sim, "job", {"name": "app", "image": "nginx:1"})
    with sim.client() as ecs:
        network = AwsVpcConfiguration(subnets=["subnet-1"])
        ecs.tasks.run("job", launch_type="FARGATE", network=network, overrides=overrides(CHARACTERS, filler))
    [sent] = [call.request["overrides"] for call in sim.calls if call.operation == "RunTask"]
    assert len(json.dumps(sent, separators=(",", ":"), ensure_ascii=False)) == CHARACTERS


@pytest.mark.parametrize("verb", ["register_task_definition", "register_if_changed", "derive"])
def test_definitions_that_are_too_large(verb: str) -> None:
    """Both problems are named at once, and the container that has the most bytes."""
    large = definition(11, 70_000)
    acts: dict[str, Act] = {
        "register_task_definition": lambda ecs: ecs.send(large),
        "register_if_changed": lambda ecs: ecs.task_definitions.register_if_changed(large),
        "derive": lambda _: derive(large, images={"c0": "nginx:2"}),
    }
    for message in refusals(acts[verb], Simulator()):
        assert "container_definitions: 11 containers, and ECS takes at most 10; split the task definition" in message
        assert "the task definition has 70000 bytes as JSON, and ECS takes at most 65536" in message
        assert "the container c0 has 69" in message


def test_the_largest_definition_is_sent() -> None:
    """Ten containers, and 64 KiB without the tags."""
    large = definition(10, BYTES, tags=[Tag(key="team", value="x" * 256)])
    with Simulator().client() as ecs:
        assert ecs.task_definitions.register_if_changed(large).changed
