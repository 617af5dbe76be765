"""What ends waits that rest: closed clients, forks, other event loops, the garbage collector."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tenacity.wait import wait_fixed

from ecskit import _forks
from ecskit._core.effects import Share, Waker
from ecskit._drive.shared import SharedValues
from ecskit._polling import poll_requests, shared_polls
from ecskit._polling.budget import PollBudget
from ecskit.errors import ClientClosedError, WrongEventLoopError
from ecskit.testing import Simulator, SimulatorServer, TaskScript

from . import support
from .support import COLOURS

COUNT = 200


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    end = time.monotonic() + 10
    while not set(threading.enumerate()) <= before and time.monotonic() < end:
        time.sleep(0.01)  # those of the server end after its connections
    assert set(threading.enumerate()) <= before


def resting(sim: Simulator) -> list[str]:
    """Launch tasks that run until they are stopped."""
    return support.launch(sim, "job", COUNT, TaskScript(time_to_start=1.0))


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    """A server whose time passes ten times as fast."""
    with SimulatorServer(speed=10) as served:
        yield served


def requests(ecs: Any) -> list[Any]:
    """Return the requests of all waits of a client."""
    shared = ecs._runtime.shared._values.get(shared_polls.SharedPolls)
    return [each for queue in shared._queues.values() for each in queue.requests] if shared else []


def test_closing_a_client_with_threads_that_rest(server: SimulatorServer) -> None:
    """All of them end at once."""
    arns = resting(server.simulator)
    ecs = server.client()
    with ThreadPoolExecutor(COUNT) as threads:
        waits = [threads.submit(ecs.wait.tasks_stopped, [arn], timeout=900, poll=wait_fixed(60)) for arn in arns]
        while len([each for each in requests(ecs) if each.observe.due > each.observe.born]) < COUNT:
            time.sleep(0.01)
        began = time.monotonic()
        ecs.close()
        errors = [each.exception(10) for each in waits]
        assert time.monotonic() - began < 2
    assert {ClientClosedError} == {type(error) for error in errors}
    assert COUNT == len({id(error) for error in errors})
    assert [] == requests(ecs)


async def test_closing_a_client_with_tasks_that_rest(server: SimulatorServer) -> None:
    """The same."""
    arns = resting(server.simulator)
    ecs = server.async_client()
    waits = [asyncio.ensure_future(ecs.wait.tasks_stopped([arn], timeout=900, poll=wait_fixed(60))) for arn in arns]
    while len([each for each in requests(ecs) if each.observe.due > each.observe.born]) < COUNT:
        await asyncio.sleep(0.01)
    began = time.monotonic()
    await ecs.aclose()
    errors = await asyncio.gather(*waits, return_exceptions=True)
    assert time.monotonic() - began < 2
    assert {ClientClosedError} == {type(error) for error in errors}
    assert {asyncio.current_task()} == asyncio.all_tasks()
    assert [] == requests(ecs)


def test_threads_over_http() -> None:
    """Many waits in threads of one client need few calls."""
    with SimulatorServer(speed=50) as server, ThreadPoolExecutor(60) as threads:
        arns = support.launch(server.simulator, "job", 60, TaskScript(time_to_start=5, run_time=60, time_to_stop=5))
        with server.client() as ecs:
            waits = [threads.submit(ecs.wait.tasks_stopped, [arn], timeout=900) for arn in arns]
            assert {"STOPPED"} == {each.result(60)[0].last_status for each in waits}
        assert len(support.times(server.simulator)) < 60 * 4  # each alone: 16


async def test_tasks_over_http() -> None:
    """The same with tasks of an event loop."""
    with SimulatorServer(speed=50) as server:
        arns = support.launch(server.simulator, "job", 200, TaskScript(time_to_start=5, run_time=60, time_to_stop=5))
        async with server.async_client() as ecs:
            waits = [ecs.wait.tasks_stopped([arn], timeout=900) for arn in arns]
            assert {"STOPPED"} == {task.last_status for [task] in await asyncio.gather(*waits)}
        assert len(support.times(server.simulator)) < 200 * 2


# Forks.


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_starts_its_own_polls() -> None:
    """It shares nothing with the threads of its parent, whatever they held; its budget can be used."""
    budget = PollBudget(50)
    with SimulatorServer(speed=50) as server, ThreadPoolExecutor(8) as threads:
        arns = support.launch(server.simulator, "job", 8, TaskScript(time_to_start=5, run_time=100, time_to_stop=5))
        with server.client().with_options(budget=budget) as ecs:
            waits = [threads.submit(ecs.wait.tasks_stopped, [arn], timeout=900) for arn in arns]
            while len(requests(ecs)) < 8:
                time.sleep(0.001)
            shared: Any = ecs._runtime.shared._values[shared_polls.SharedPolls]
            context = multiprocessing.get_context("fork")
            own, theirs = context.Pipe()

            def child() -> None:
                ends = ecs.wait.tasks_stopped(arns[:2], timeout=900)
                theirs.send([each.last_status for each in ends])

            with warnings.catch_warnings(), shared.lock, budget._lock:
                warnings.simplefilter("ignore", DeprecationWarning)
                process = context.Process(target=child)
                process.start()
            try:
                assert own.poll(60), "the child does not respond"
                assert ["STOPPED"] * 2 == own.recv()
                assert {"STOPPED"} == {each.result(60)[0].last_status for each in waits}
            finally:
                process.kill()
                process.join(10)
                own.close()
                theirs.close()


def test_what_a_child_closes_wakes_no_thread_of_its_parent() -> None:
    """The locks of the parent's threads may be held for ever in the child."""
    values = SharedValues()
    shared = values.perform(Share(shared_polls.SharedPolls))
    before = shared.lock
    _forks._registry._replace()
    assert before is not shared.lock


# Other event loops.


async def test_a_wait_in_another_event_loop(server: SimulatorServer) -> None:
    """It fails alone, if it is to send a request; the others go on."""
    async with server.async_client() as ecs:
        await ecs.describe_clusters()  # the first call takes the time of many
        arns = support.launch(server.simulator, "job", 3, TaskScript(time_to_start=5, run_time=5, time_to_stop=2))
        own = [asyncio.ensure_future(ecs.wait.tasks_stopped([arn], timeout=60)) for arn in arns[:2]]
        await asyncio.sleep(0.2)
        assert not any(each.done() for each in own)

        async def elsewhere() -> Any:
            return await ecs.wait.tasks_stopped([arns[2]], timeout=60, poll=wait_fixed(0.1))

        with pytest.raises(WrongEventLoopError):
            await asyncio.to_thread(asyncio.run, elsewhere())
        assert ["STOPPED"] * 2 == [task.last_status for [task] in await asyncio.gather(*own)]


# The garbage collector.


@pytest.mark.parametrize("colour", COLOURS)
def test_an_iterator_that_is_collected_while_polls_are_taken(colour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its requests are removed by the thread that holds the lock."""
    sim = support.world()
    arns = support.launch(sim, "job", 3, TaskScript.runs_for(30))
    ecs = support.client(colour, sim)
    shared = shared_polls.SharedPolls
    take = poll_requests.PollQueue.take
    left: list[Any] = []

    class Left:
        """Removes a request when it is collected, as an iterator does that was left."""

        def __init__(self, polls: Any, request: Any) -> None:
            self.polls, self.request, self.cycle = polls, request, self

        def __del__(self) -> None:
            self.polls.remove(self.request)
            left.append(self.request)

    def take_after_collection(queue: Any, now: float) -> Any:
        polls = next(iter(value for make, value in runtime.shared._values.items() if make is shared))
        [request, *_] = queue.requests
        Left(polls, polls.add(request.observe, Waker(), now))
        gc.collect(1)  # it is young; all objects of the tests before would take long
        return take(queue, now)

    runtime = ecs.wait._runtime
    monkeypatch.setattr(poll_requests.PollQueue, "take", take_after_collection)
    starts = [support.Start(0, lambda ecs, arn=arn: ecs.wait.tasks_stopped([arn], timeout=400)) for arn in arns]  # type: ignore[misc]
    ended = support.perform(sim, ecs, starts)
    assert {"STOPPED"} == {each.verdict for each in ended}
    assert len(left) > 3


def test_a_value_is_shared_while_another_one_is_used() -> None:
    """The garbage collector may close an iterator, whose clean-up takes turns, in the thread that takes one."""
    values = SharedValues()
    inner = Share(list[int], lambda numbers: numbers.append(1))
    outer = Share(dict[str, int], lambda _: values.perform(inner))
    thread = threading.Thread(target=values.perform, args=(outer,), daemon=True)
    thread.start()
    thread.join(5)
    assert [1] == values.perform(Share(list[int])), "it waits for itself"
