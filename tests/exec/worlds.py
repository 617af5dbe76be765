"""Act on a task of a simulator by ECS Exec, with both clients.

An act is a coroutine function. With the sync client, its coroutine never suspends: its awaitables are done at once.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import attrs
from support.simulated_ecs import AsyncSends, Sends

from ecskit._drive.aio import AsyncRuntime
from ecskit._drive.sync import Runtime
from ecskit._facades.aio_tasks import AsyncTaskVerbs
from ecskit._facades.sync_tasks import TaskVerbs
from ecskit.testing import SimulatedError, Simulator, TaskScript

COLOURS = ("sync", "async")
REFUSED = SimulatedError("AccessDeniedException", "User: me is not authorized to perform this action.")


async def _done(value: Any) -> Any:
    """Return a value; await it if it is awaitable."""
    return await value if inspect.isawaitable(value) else value


@attrs.frozen
class Awaited:
    """A session of either client, whose methods are awaited."""

    handle: Any

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.handle, name)
        if not callable(found):
            return found

        async def method(*arguments: Any, **options: Any) -> Any:
            return await _done(found(*arguments, **options))

        return method

    async def read_until(self, text: bytes, timeout: float = 60.0) -> bytes:
        """Read until a text was read."""
        output = b""
        while text not in output:
            piece = await self.read(timeout=timeout)
            assert piece, output
            output += piece
        return output

    async def read_all(self) -> bytes:
        """Read to the end, as iterating does."""
        if hasattr(self.handle, "__aiter__"):
            return b"".join([piece async for piece in self.handle])
        return b"".join(self.handle)


@attrs.define
class World:
    """A simulator with one task, and a client."""

    colour: str
    sim: Simulator
    task: str = ""
    """ARN of the task."""
    connects: int = 0
    """How many connections were opened."""
    runtime: Any = attrs.field(init=False)
    tasks: Any = attrs.field(init=False)
    refuse: Exception | None = None
    """What connecting raises."""
    missing: Exception | None = None
    """What the check of the extra raises."""

    def __attrs_post_init__(self) -> None:
        sends = Sends(self.sim)
        if self.colour == "sync":
            self.runtime = Runtime(sends, self.sim.clock, Random(0), connect=self._connect)
            self.tasks = TaskVerbs(self.runtime)
        else:
            self.runtime = AsyncRuntime(AsyncSends(sends), self.sim.clock, Random(0), connect=self._aconnect)
            self.tasks = AsyncTaskVerbs(self.runtime)

    def _connect(self, url: str | None) -> Any:
        failure = self.missing if url is None else self.refuse
        if failure is not None:
            raise failure
        self.connects += url is not None
        return self.sim._connect(url) if url is not None else None

    async def _aconnect(self, url: str | None) -> Any:
        failure = self.missing if url is None else self.refuse
        if failure is not None:
            raise failure
        self.connects += url is not None
        return await self.sim._connect_async(url) if url is not None else None

    async def execute(self, command: str | Sequence[str], /, **options: Any) -> Any:
        """Run a command in the task."""
        return await _done(self.tasks.execute(options.pop("task", self.task), command, **options))

    @asynccontextmanager
    async def session(self, command: str | Sequence[str] = "sh", /, **options: Any) -> AsyncGenerator[Awaited, None]:
        """Open a session in the task, and close it."""
        opened = self.tasks.open_session(self.task, command, **options)
        if self.colour == "sync":
            with opened as handle:
                yield Awaited(handle)
        else:
            async with opened as handle:
                yield Awaited(handle)

    def stop_task(self) -> None:
        """Stop the task."""
        self.sim.handle("StopTask", {"cluster": "default", "task": self.task, "reason": "deployed"})

    def requests(self, operation: str) -> list[Any]:
        """Return the requests of an operation, in order."""
        return [call.request for call in self.sim.calls if call.operation == operation]

    def count(self, operation: str) -> int:
        """Return the number of requests of an operation."""
        return len(self.requests(operation))

    def open_sessions(self) -> list[str]:
        """Return the ids of sessions that the service has open."""
        return [each.id for each in self.sim._account.exec.live(self.sim._account.now)]


def simulator(
    *, containers: Sequence[str] = ("app",), script: TaskScript | None = None, enabled: bool = True, **members: Any
) -> tuple[Simulator, str]:
    """Return a simulator, and the ARN of a task in it."""
    sim = Simulator()
    definition = {
        "family": "web",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [{"name": name, "image": "image"} for name in containers],
    }
    sim.handle("RegisterTaskDefinition", {**definition, **members})
    if script is not None:
        sim.script("web", script)
    network = {"awsvpcConfiguration": {"subnets": ["subnet"]}}
    launch = {"taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": network}
    [task] = sim.handle("RunTask", {**launch, "enableExecuteCommand": enabled})["tasks"]
    sim.clock.advance(60)
    return sim, task["taskArn"]


Act = Callable[[World], Awaitable[Any]]


def perform(colour: str, act: Act, *, leaves: bool = False, **task: Any) -> tuple[World, Any]:
    """Perform an act in a new world. Return the world, and the result or the error.

    Whatever the act did, no thread and no task is left, and unless it `leaves` some, the service has no open session.
    """
    world = World(colour, *simulator(**task))
    result: Any = None
    try:
        result = _sync(act(world)) if colour == "sync" else asyncio.run(_async(world, act))
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # the result
        result = error
    assert leaves or [] == world.open_sessions()
    assert [] == [thread.name for thread in threading.enumerate() if thread.name.startswith("ecskit")]
    return world, result


def _sync(act: Any) -> Any:
    try:
        act.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("the act was suspended")


async def _async(world: World, act: Act) -> Any:
    before = asyncio.all_tasks()
    try:
        return await act(world)
    finally:
        assert before == asyncio.all_tasks()
