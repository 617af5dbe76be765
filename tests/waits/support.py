"""A scripted ECS for waits: what DescribeTasks answers is a table, time is virtual, everything is recorded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import attrs

from ecskit._core.effects import Flow, RawResponse, Send
from ecskit._core.errors import EcsError
from ecskit._drive import AsyncRuntime, Runtime
from ecskit.testing.virtual_clock import VirtualClock

CLUSTER = "prod"


def arn(id_: str, cluster: str = CLUSTER) -> str:
    """Return the ARN of a task."""
    return f"arn:aws:ecs:eu-west-1:123456789012:task/{cluster}/{id_}"


def task(status: str, version: int | None = None, id_: str = "a", **members: Any) -> dict[str, Any]:
    """Return a task as it travels."""
    told = {"taskArn": arn(id_), "lastStatus": status, "desiredStatus": "RUNNING", **members}
    if version is not None:
        told["version"] = version
    if status == "STOPPED":
        told = {"stopCode": "EssentialContainerExited", "stoppedAt": 1.0, **told}
    return told


Answer = Sequence[dict[str, Any]] | EcsError
"""The tasks that one DescribeTasks shows, or the error it brings."""


@attrs.define
class Scripted:
    """A transport that answers the n-th call from a table, its last row for ever after."""

    clock: VirtualClock
    answers: Sequence[Answer]
    calls: list[tuple[float, dict[str, Any]]] = attrs.field(factory=list)

    def send(self, send: Send) -> RawResponse:
        """Answer a DescribeTasks."""
        assert send.operation == "DescribeTasks"
        assert send.poll
        answer = self.answers[min(len(self.calls), len(self.answers) - 1)]
        self.calls.append((self.clock.now(), dict(send.params)))
        if isinstance(answer, EcsError):
            raise answer
        asked = {name.rsplit("/", 1)[-1] for name in send.params["tasks"]}
        shown = [t for t in answer if t["taskArn"].rsplit("/", 1)[-1] in asked]
        return RawResponse(json.dumps({"tasks": shown, "failures": []}).encode(), {})


@attrs.define
class ScriptedAsync:
    """The same, awaited."""

    scripted: Scripted

    async def send(self, send: Send) -> RawResponse:
        """Answer a DescribeTasks."""
        await asyncio.sleep(0)
        return self.scripted.send(send)


@attrs.frozen
class Run:
    """How a wait went."""

    result: Any
    error: BaseException | None
    calls: list[tuple[float, dict[str, Any]]]
    elapsed: float


def run_both(answers: Sequence[Answer], flow: Callable[[], Flow[Any]]) -> Run:
    """Run a flow under both drivers, check that they did the same, and return how it went."""
    runs = [_run(answers, flow), asyncio.run(_arun(answers, flow))]
    sync, async_ = runs
    assert sync.calls == async_.calls
    assert sync.elapsed == async_.elapsed
    assert sync.result == async_.result
    assert (type(sync.error), str(sync.error)) == (type(async_.error), str(async_.error))
    return sync


def _run(answers: Sequence[Answer], flow: Callable[[], Flow[Any]]) -> Run:
    clock = VirtualClock()
    transport = Scripted(clock, answers)
    result, error = None, None
    try:
        result = Runtime(transport, clock, Random(0)).run(flow())
    except EcsError as raised:
        error = raised
    return Run(result, error, transport.calls, clock.now())


async def _arun(answers: Sequence[Answer], flow: Callable[[], Flow[Any]]) -> Run:
    clock = VirtualClock()
    transport = Scripted(clock, answers)
    result, error = None, None
    try:
        result = await AsyncRuntime(ScriptedAsync(transport), clock, Random(0)).run(flow())
    except EcsError as raised:
        error = raised
    return Run(result, error, transport.calls, clock.now())
