"""A scripted ECS for waits: what DescribeTasks answers is a table or a function, time is virtual, all is recorded.

What one look brings is written as a word: a letter for the state of each task (`-` is MISSING), `R5` with a version,
`R/-` for two tasks, `!throttle` for an error in place of an answer.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import attrs

from ecskit._core.effects import Flow, RawResponse, Send
from ecskit._core.errors import (
    ConnectionFailedError,
    CredentialsError,
    EcsError,
    MalformedResponseError,
    ServerError,
    ServiceError,
    ThrottledError,
    TimedOutError,
)
from ecskit._drive.aio import AsyncRuntime
from ecskit._drive.sync import Runtime
from ecskit._polling.errors import WaitError, WaitStory
from ecskit._polling.options import WaitOptions
from ecskit._simulator.virtual_clock import VirtualClock
from ecskit._waits import tasks as flows
from ecskit._waits.task_identifiers import Tasks
from ecskit.errors import AccessDeniedException, ClusterNotFoundException
from ecskit.models import Task

CLUSTER = "prod"


def _as_users_say(flow: Callable[..., Flow[list[Task]]]) -> Callable[..., Flow[list[Task]]]:
    def wait(
        tasks: Tasks, *, cluster: Any = None, allow_partial: bool = False, **wait_options: Any
    ) -> Flow[list[Task]]:
        return flow(tasks, cluster=cluster, allow_partial=allow_partial, wait_options=WaitOptions(**wait_options))

    wait.__name__ = flow.__name__
    return wait


tasks_running = _as_users_say(flows.tasks_running)
tasks_started = _as_users_say(flows.tasks_started)
tasks_healthy = _as_users_say(flows.tasks_healthy)
tasks_stopped = _as_users_say(flows.tasks_stopped)

STATES = {
    "V": "PROVISIONING",
    "P": "PENDING",
    "A": "ACTIVATING",
    "R": "RUNNING",
    "D": "DEACTIVATING",
    "G": "STOPPING",
    "E": "DEPROVISIONING",
    "S": "STOPPED",
    "X": "DELETED",
    "H": "HIBERNATING",
}


def arn(id_: str, cluster: str = CLUSTER) -> str:
    """Return the ARN of a task."""
    return f"arn:aws:ecs:eu-west-1:123456789012:task/{cluster}/{id_}"


def task(status: str, version: int | None = None, id_: str = "a", **members: Any) -> dict[str, Any]:
    """Return a task as it travels; one that has stopped has its stop details."""
    told = {"taskArn": arn(id_), "lastStatus": status, "desiredStatus": "RUNNING", **members}
    if version is not None:
        told["version"] = version
    if status in {"STOPPED", "DELETED"}:
        told = {"stopCode": "EssentialContainerExited", "stoppedAt": 1.0, **told}
    return {key: value for key, value in told.items() if value is not None}


def _service_error(kind: type[ServiceError], code: str) -> ServiceError:
    return kind({"Error": {"Code": code, "Message": "slow down"}}, "DescribeTasks")


ERRORS: dict[str, Callable[[], EcsError]] = {
    "!throttle": lambda: _service_error(ThrottledError, "ThrottlingException"),
    "!500": lambda: _service_error(ServerError, "ServerException"),
    "!reset": lambda: ConnectionFailedError("DescribeTasks", "reset"),
    "!timeout": lambda: TimedOutError("DescribeTasks", "read timeout"),
    "!garbage": lambda: MalformedResponseError("DescribeTasks", "not JSON"),
    "!denied": lambda: _service_error(AccessDeniedException, "AccessDeniedException"),
    "!expired": lambda: _service_error(AccessDeniedException, "ExpiredTokenException"),
    "!cluster": lambda: _service_error(ClusterNotFoundException, "ClusterNotFoundException"),
    "!credentials": lambda: CredentialsError("DescribeTasks", "no credentials"),
}


def look(word: str) -> Answer:
    """Return what a word of a timeline stands for; its tasks are called a, b, c ..."""
    if word in ERRORS:
        return ERRORS[word]()
    seen: list[dict[str, Any]] = []
    for id_, state in zip("abcdefgh", word.split("/"), strict=False):
        if state != "-":
            late = state.endswith("~")  # stop details are not there yet
            letter, version = state[0], state[1:].rstrip("~")
            details = {"stopCode": None, "stoppedAt": None} if late else {}
            seen.append(task(STATES[letter], int(version) if version else None, id_, **details))
    return seen


def timeline(words: str) -> list[Answer]:
    """Return what the looks bring, one after the other."""
    return [look(word) for word in words.split()]


Answer = Sequence[dict[str, Any]] | EcsError
"""The tasks that one DescribeTasks shows, or the error it brings."""


@attrs.frozen
class Ask:
    """One DescribeTasks."""

    now: float
    cluster: str
    ids: tuple[str, ...]


Script = Sequence[Answer] | Callable[[Ask], Answer]
"""What the n-th call brings, the last for ever after; or what a call brings, told by the call alone."""


@attrs.define
class Scripted:
    """A transport that answers by a script."""

    clock: VirtualClock
    script: Script
    calls: list[Ask] = attrs.field(factory=list[Ask])
    latency: float = 0.0

    def send(self, send: Send, begin: Callable[[], object]) -> RawResponse:
        """Answer a DescribeTasks."""
        if self.latency:
            self.clock.sleep(self.latency)
        begin()
        return self.answer(send)

    def answer(self, send: Send) -> RawResponse:
        """Answer without taking time."""
        assert send.operation == "DescribeTasks"
        assert send.single_attempt
        assert set(send.params) == {"cluster", "tasks"}
        ask = Ask(self.clock.now(), send.params["cluster"], tuple(send.params["tasks"]))
        assert 0 < len(ask.ids) <= 100
        assert len(set(ask.ids)) == len(ask.ids)
        script = self.script
        answer = script(ask) if callable(script) else script[min(len(self.calls), len(script) - 1)]
        self.calls.append(ask)
        if isinstance(answer, EcsError):
            raise answer
        shown = [t for t in answer if t["taskArn"].rsplit("/", 1)[-1] in ask.ids]
        return RawResponse(json.dumps({"tasks": shown, "failures": []}).encode(), {})


@attrs.define
class ScriptedAsync:
    """The same, awaited."""

    scripted: Scripted

    async def send(self, send: Send, begin: Callable[[], object]) -> RawResponse:
        """Answer a DescribeTasks."""
        await asyncio.sleep(0)
        if self.scripted.latency:
            await self.scripted.clock.asleep(self.scripted.latency)
        begin()
        return self.scripted.answer(send)


@attrs.frozen
class Run:
    """How a wait went."""

    result: list[Task] | None
    error: EcsError | None
    calls: list[Ask]
    elapsed: float

    @property
    def times(self) -> list[float]:
        """When it looked."""
        return sorted({ask.now for ask in self.calls})

    @property
    def naps(self) -> list[float]:
        """The seconds between its looks."""
        return [later - earlier for earlier, later in zip(self.times, self.times[1:], strict=False)]

    @property
    def story(self) -> WaitStory:
        """What its error tells."""
        assert isinstance(self.error, WaitError), self.error
        return self.error.story

    @property
    def verdict(self) -> str:
        """The states it ended with, or the name of its error."""
        if self.error is not None:
            return type(self.error).__name__
        assert self.result is not None
        return "/".join(task.last_status for task in self.result)


def run_both(script: Script, flow: Callable[[], Flow[Any]], *, seed: int = 0, latency: float = 0.0) -> Run:
    """Run a flow under both drivers, check that they did the same, and return how it went."""
    sync, async_ = _run(script, flow, seed, latency), asyncio.run(_arun(script, flow, seed, latency))
    assert sync.calls == async_.calls
    assert sync.elapsed == async_.elapsed
    assert sync.result == async_.result
    assert (type(sync.error), str(sync.error)) == (type(async_.error), str(async_.error))
    return sync


def _run(script: Script, flow: Callable[[], Flow[Any]], seed: int, latency: float) -> Run:
    clock = VirtualClock()
    transport = Scripted(clock, script, latency=latency)
    result, error = None, None
    try:
        result = Runtime(transport, clock, Random(seed)).run(flow())
    except EcsError as raised:
        error = raised
    return _ran(result, error, transport)


async def _arun(script: Script, flow: Callable[[], Flow[Any]], seed: int, latency: float) -> Run:
    clock = VirtualClock()
    transport = Scripted(clock, script, latency=latency)
    result, error = None, None
    try:
        result = await AsyncRuntime(ScriptedAsync(transport), clock, Random(seed)).run(flow())
    except EcsError as raised:
        error = raised
    return _ran(result, error, transport)


def _ran(result: Any, error: EcsError | None, transport: Scripted) -> Run:
    # Calls of one look come from several threads: in any order.
    return Run(result, error, sorted(transport.calls, key=attrs.astuple), transport.clock.now())
