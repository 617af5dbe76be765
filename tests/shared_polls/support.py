"""Many waits at random times on one client of a simulator, in threads or tasks, with and without shared polls."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from typing import Any

import attrs
import pytest
from support.both_clients import Ecs
from support.definitions import NETWORK, register
from support.simulated_ecs import AsyncSends, Sends

from ecskit._core.effects import Flow, Observe, Reply, Sleep
from ecskit._core.errors import EcsError
from ecskit._drive.aio import AsyncRuntime
from ecskit._drive.shared import SharedValues
from ecskit._drive.sync import Runtime
from ecskit._polling.budget import PollBudget
from ecskit._polling.observations import Observations
from ecskit._simulator.virtual_clock import EPOCH, VirtualClock
from ecskit.testing import Simulator, TaskScript

COLOURS = ("sync", "async")
Act = Callable[[Ecs], Any]


class Clock(VirtualClock):
    """A virtual clock on which a thread or task stays counted from its start to the end of what it calls."""

    def __init__(self) -> None:
        super().__init__()
        self._counted: set[object] = set()

    @contextmanager
    def actor(self) -> Generator[None, None, None]:
        """Count the caller as a running flow; the next flow that it performs is not counted again."""
        me = _actor()
        with super().flow():
            self._counted.add(me)
            try:
                yield
            finally:
                self._counted.discard(me)

    @contextmanager
    def flow(self) -> Generator[None, None, None]:
        me = _actor()
        if me not in self._counted:
            with super().flow():
                yield
            return
        self._counted.discard(me)
        try:
            yield
        finally:
            self._counted.add(me)


def _actor() -> object:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return threading.get_ident()


@attrs.frozen
class Start:
    """An act, and when it starts."""

    at: float
    act: Act


@attrs.frozen
class Ended:
    """How an act ended, and when, in seconds of the virtual clock."""

    result: Any
    error: BaseException | None
    began: float
    at: float

    @property
    def verdict(self) -> str:
        """The last states of its resources, or the name of the error."""
        if self.error is not None:
            return type(self.error).__name__
        if not isinstance(self.result, list):
            return str(self.result.service_deployment.status)
        return "/".join(getattr(each, "last_status", None) or each.status for each in self.result)


def world(seed: int = 0, **options: Any) -> Simulator:
    """Return a simulator on a clock for actors."""
    clock = Clock()
    sim = Simulator(now=clock.epoch, seed=seed, **options)
    sim.__dict__["watch"] = clock
    return sim


def watch(sim: Simulator) -> Any:
    """Return the clock of a simulator."""
    clock: Clock = sim.__dict__["watch"]
    return clock


def launch(sim: Simulator, family: str, count: int, script: TaskScript) -> list[str]:
    """Launch tasks now, and return their ARNs."""
    register(sim, family)
    sim.script(family, script)
    before = len(sim.tasks())
    for begin in range(0, count, 10):
        request = {"taskDefinition": family, "launchType": "FARGATE", "networkConfiguration": NETWORK}
        sim.handle("RunTask", {**request, "count": min(10, count - begin)})
    return [task.arn for task in sim.tasks()[before:]]


def client(colour: str, sim: Simulator, budget: PollBudget | None = None, seed: int = 0, **hooks: Any) -> Ecs:
    """Return a client of a simulator without botocore in between."""
    shared = SharedValues([] if budget is None else [budget])
    sends = Sends(sim, **hooks)
    if colour == "sync":
        return Ecs.driven(Runtime(sends, watch(sim), Random(seed), shared=shared), sim)
    return Ecs.driven(AsyncRuntime(AsyncSends(sends), watch(sim), Random(seed), shared=shared), sim)


def stopped(*arns: str, **options: Any) -> Act:
    """Return the act that waits until tasks have stopped."""
    return lambda ecs: ecs.wait.tasks_stopped(arns, **{"timeout": 400, **options})


def perform(sim: Simulator, ecs: Ecs | Sequence[Ecs], starts: Sequence[Start]) -> list[Ended]:
    """Perform acts side by side, each in a thread or task, and return how each ended."""
    clients = itertools.cycle([ecs] if isinstance(ecs, Ecs) else ecs)
    pairs = list(zip(clients, starts, strict=False))
    if pairs[0][0].colour == "sync":
        return _in_threads(sim, pairs)
    return asyncio.run(_in_tasks(sim, pairs))


def _in_threads(sim: Simulator, pairs: Sequence[tuple[Ecs, Start]]) -> list[Ended]:
    clock, started = watch(sim), threading.Barrier(len(pairs) + 1)

    def one(pair: tuple[Ecs, Start]) -> Ended:
        ecs, start = pair
        with clock.actor():
            started.wait(60)
            clock.sleep(start.at)
            began = clock.now()
            try:
                result = start.act(ecs)
            except BaseException as error:  # noqa: BLE001  # KeyboardInterrupt is an end like others
                return Ended(None, error, began, clock.now())
            return Ended(result, None, began, clock.now())

    with ThreadPoolExecutor(len(pairs)) as threads:
        with clock.actor():
            ended = threads.map(one, pairs)
            started.wait(60)
        return list(ended)


async def _in_tasks(sim: Simulator, pairs: Sequence[tuple[Ecs, Start]]) -> list[Ended]:
    clock = watch(sim)

    async def one(ecs: Ecs, start: Start) -> Ended:
        with clock.actor():
            await clock.asleep(start.at)
            began = clock.now()
            try:
                result = await start.act(ecs)
            except (Exception, asyncio.CancelledError, KeyboardInterrupt) as error:  # noqa: BLE001
                return Ended(None, error, began, clock.now())
            return Ended(result, None, began, clock.now())

    return await asyncio.gather(*(one(*pair) for pair in pairs))


def unshared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each wait poll for itself, without a budget: the reference."""
    monkeypatch.setattr("ecskit._polling.loop.poll", _poll_alone)


def _poll_alone(observe: Observe) -> Flow[Reply[Observations[Any]]]:
    now = (yield Sleep(0)).now
    yield Sleep(max(0.0, observe.due - now))
    observations: Observations[Any] | None = None
    error: EcsError | None = None
    try:
        observations = yield from observe.query.poll(observe.ids, observe.deadline)
    except EcsError as raised:
        error = raised
    return Reply((yield Sleep(0)).now, observations, error)


def times(sim: Simulator, *operations: str) -> list[float]:
    """Return when polls came, in seconds of the virtual clock; by default all that count with DescribeTasks."""
    wanted = operations or ("DescribeTasks", "DescribeContainerInstances")
    return [call.time - EPOCH for call in sim.calls if call.operation in wanted]


def assert_within_budget(moments: Sequence[float], rate: float, burst: float) -> None:
    """Check every window that begins and ends with a call."""
    moments = sorted(moments)
    for first, begin in enumerate(moments):
        for last in range(first, len(moments)):
            count, seconds = last - first + 1, moments[last] - begin
            assert count <= burst + rate * seconds + 1e-6, (count, begin, seconds)
