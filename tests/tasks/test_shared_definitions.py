"""Many jobs of one client read the contents of a revision once; no job gets the error of another one's read."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from random import Random
from typing import Any

import attrs
import pytest
from support.simulated_ecs import AsyncSends, Sends, nothing

from ecskit._core.effects import Flow, Reply, Share, Sleep, Waker
from ecskit._core.sharing import LONGEST_WAIT, SharedReads, shared_read
from ecskit._drive.aio import AsyncRuntime
from ecskit._drive.sync import Runtime
from ecskit._facades.aio_tasks import AsyncTaskVerbs
from ecskit._facades.sync_tasks import TaskVerbs
from ecskit.errors import ThrottledError
from ecskit.testing import Fault, Simulator, TaskScript

from .support import FARGATE, furnished

JOBS = 50
FEW = 8
COMMAND: dict[str, Any] = {"command": ["true"]}


@attrs.define
class Arrivals:
    """A clock that counts the flows that wait for a read of another one, and lets the first read end after them."""

    clock: Any
    expected: int
    arrived: set[int] = attrs.field(factory=set[int])
    all_here: threading.Event = attrs.field(factory=threading.Event)

    speed = 1.0

    def now(self) -> float:
        return float(self.clock.now())

    def sleep(self, seconds: float, cancel: threading.Event | None, waker: Waker | None = None) -> None:
        self.arrived.add(threading.get_ident())
        if len(self.arrived) >= self.expected:
            self.all_here.set()
        self.clock.sleep(seconds, cancel, waker)

    async def asleep(self, seconds: float, waker: Waker | None = None) -> None:
        await self.clock.asleep(seconds, waker)

    def flow(self) -> AbstractContextManager[None]:
        found: AbstractContextManager[None] = self.clock.flow()
        return found

    def epoch(self) -> float:
        return float(self.clock.epoch())

    def elsewhere(self) -> AbstractContextManager[None]:
        found: AbstractContextManager[None] = self.clock.elsewhere()
        return found


def jobs(prepare: Callable[[Simulator], object] = nothing) -> Simulator:
    """Return a simulator whose tasks run for a minute."""
    sim = furnished()
    sim.script("job", TaskScript.runs_for(60))
    prepare(sim)
    return sim


def reads(sim: Simulator) -> int:
    return sum(call.operation == "DescribeTaskDefinition" for call in sim.calls)


def in_threads(sim: Simulator, count: int = JOBS, **options: Any) -> list[Any]:
    """Run the jobs in a thread each. The first read ends when the others wait for it."""
    clock = Arrivals(sim.clock, count - 1)
    first = threading.Lock()

    def before(_: int, operation: str) -> None:
        if operation == "DescribeTaskDefinition" and first.acquire(blocking=False):
            assert clock.all_here.wait(30)

    tasks = TaskVerbs(Runtime(Sends(sim, before=before), clock, Random(0)))
    # All flows count from the beginning, so that none is late because another one has moved the clock.
    start = threading.Barrier(count)

    def job(_: int) -> Any:
        with sim.clock.flow():
            start.wait(30)
        return tasks.run_to_completion("job", **FARGATE, **options)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(job, range(count)))


def in_tasks(sim: Simulator, count: int = JOBS, **options: Any) -> list[Any]:
    """Run the jobs in an asyncio task each."""

    async def main() -> list[Any]:
        tasks = AsyncTaskVerbs(AsyncRuntime(AsyncSends(Sends(sim)), sim.clock, Random(0)))
        return await asyncio.gather(*(tasks.run_to_completion("job", **FARGATE, **options) for _ in range(count)))

    return asyncio.run(main())


@pytest.mark.parametrize("run", [in_threads, in_tasks])
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        # The outcomes need the revision that runs: one read.
        ({}, 1),
        # The command needs the latest revision of the family: a read that begins after each call. The first one reads,
        # and one more read is for all others. Both also show the revision that the outcomes need.
        (COMMAND, 2),
    ],
    ids=["plain", "command"],
)
def test_one_read(run: Callable[..., list[Any]], options: dict[str, Any], expected: int) -> None:
    """However many jobs need it at once."""
    sim = jobs()
    outcomes = run(sim, **options)
    assert [True] * JOBS == [outcome.succeeded for outcome in outcomes]
    assert {"task definition"} == {outcome.essential_source for outcome in outcomes}
    assert expected == reads(sim)


@pytest.mark.parametrize("run", [in_threads, in_tasks])
@pytest.mark.parametrize("fault", [Fault.throttled(), Fault.access_denied(), Fault.reset()])
def test_a_read_that_fails(run: Callable[..., list[Any]], fault: Fault) -> None:
    """The job whose read fails is the only one without the definition, and only if repeating the read cannot help."""
    sim = jobs(lambda sim: sim.fail("DescribeTaskDefinition", fault))
    outcomes = run(sim, FEW)
    sources = sorted(str(outcome.essential_source) for outcome in outcomes)
    lost = 1 if fault == Fault.access_denied() else 0
    assert ["all containers"] * lost + ["task definition"] * (FEW - lost) == sources


def test_a_cancelled_read() -> None:
    """One of the waiting jobs reads in its place."""
    sim = jobs()

    async def main() -> list[Any]:
        tasks = AsyncTaskVerbs(AsyncRuntime(AsyncSends(Sends(sim, before=before)), sim.clock, Random(0)))
        running[:] = [asyncio.ensure_future(tasks.run_to_completion("job", **FARGATE)) for _ in range(FEW)]
        return await asyncio.gather(*running, return_exceptions=True)

    def before(_: int, operation: str) -> None:
        if operation == "DescribeTaskDefinition" and reads(sim) == 0 and not cancelled:
            task = asyncio.current_task()
            assert task is not None
            cancelled.append(task)
            task.cancel()

    running: list[asyncio.Future[Any]] = []
    cancelled: list[object] = []
    results = asyncio.run(main())
    ended = [result for result in results if not isinstance(result, asyncio.CancelledError)]
    assert (FEW - 1, 1) == (len(ended), reads(sim))
    assert {"task definition"} == {outcome.essential_source for outcome in ended}


def test_the_latest_revision_is_read_each_time() -> None:
    """A family may have a new revision since the last call. A revision is read once, by either of its names."""
    sim = jobs()
    tasks = TaskVerbs(Runtime(Sends(sim), sim.clock, Random(0)))
    tasks.run("job", **FARGATE, **COMMAND)
    definition = {"family": "job", "containerDefinitions": [{"name": "other", "image": "image:2"}]}
    members = {"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512"}
    sim.handle("RegisterTaskDefinition", {**definition, **members})
    [task] = tasks.run("job", **FARGATE, **COMMAND).tasks
    assert task.overrides is not None
    assert ["other"] == [each.name for each in task.overrides.container_overrides]
    assert 2 == reads(sim)
    for name in ("job:2", "job:2", str(task.task_definition_arn), "job:1", "job:1"):
        tasks.run(name, **FARGATE, **COMMAND)
    assert 4 == reads(sim)  # the names job:1 and job:2 had not been used before


# The single flow, step by step.


class Numbers(SharedReads[int]):
    """Reads of numbers."""

    limit = 3


class Steps:
    """Flows of one client that are performed step by step."""

    def __init__(self) -> None:
        self.shared = Numbers()
        self.slept = 0.0

    def start(self, read: Callable[[], Flow[int]], *, key: str = "key", changes: bool = False) -> Flow[int]:
        """Start a flow, up to its first read or sleep."""
        flow = shared_read(Numbers, key, read, changes=changes)
        effect = next(flow)
        assert isinstance(effect, Share)
        self.step(flow, self.shared)
        return flow

    def step(self, flow: Flow[int], value: object = None) -> int | None:
        """Perform one step of a flow. Return its result if it ends."""
        try:
            effect = flow.send(Reply(0.0, value))
        except StopIteration as stop:
            result: int = stop.value
            return result
        self.slept += effect.seconds if isinstance(effect, Sleep) else 0.0
        return None


def slow(value: int) -> Callable[[], Flow[int]]:
    """Return a read that takes one step."""

    def read() -> Flow[int]:
        yield Sleep(0)
        return value

    return read


def test_a_read_that_hangs() -> None:
    """After some seconds others read for themselves, and later ones do not wait for it."""
    steps = Steps()
    hanging = steps.start(slow(1))
    second = steps.start(slow(2))
    result = None
    while result is None:
        result = steps.step(second)
    assert 2 == result
    assert LONGEST_WAIT <= steps.slept < LONGEST_WAIT + 0.2
    third = steps.start(slow(3))
    assert 3 == steps.step(third)
    hanging.close()


@pytest.mark.parametrize("changes", [False, True])
def test_which_read_counts(*, changes: bool) -> None:
    """For what may change, only a read that began after the call."""
    steps = Steps()
    first, second, third = steps.start(slow(1)), *(steps.start(slow(n), changes=changes) for n in (2, 3))
    assert 1 == steps.step(first)
    if changes:
        assert (None, None) == (steps.step(second), steps.step(third))  # the second one reads, the third one waits
    assert (2, 2) if changes else (1, 1) == (steps.step(second), steps.step(third))


def test_a_failed_read_is_not_passed_on() -> None:
    """Those that wait read for themselves, at the same time."""

    def fails() -> Flow[int]:
        yield Sleep(0)
        raise ThrottledError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "Describe")

    steps = Steps()
    first, second, third = steps.start(fails), steps.start(slow(2)), steps.start(slow(3))
    with pytest.raises(ThrottledError):
        steps.step(first)
    assert (None, None) == (steps.step(second), steps.step(third))
    assert (2, 3) == (steps.step(second), steps.step(third))


def test_a_closed_read_is_taken_over() -> None:
    """By one of those that wait."""
    steps = Steps()
    first, second, third = (steps.start(slow(n)) for n in (1, 2, 3))
    first.close()
    assert (None, None) == (steps.step(second), steps.step(third))
    assert (2, 2) == (steps.step(second), steps.step(third))


def test_what_is_kept_is_bounded() -> None:
    """The oldest results are dropped."""
    numbers = Numbers()
    for number in range(10):
        numbers.keep(str(number), number)
    assert {"7": 7, "8": 8, "9": 9} == {key: read.result for key, read in numbers.done.items()}
