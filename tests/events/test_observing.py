"""`observing`: waits end on events, on the virtual clock of the simulator, sync and async."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import attrs
import pytest
from typing_extensions import Self

from ecskit import AsyncClient, Client
from ecskit._core.effects import Flow, Sleep
from ecskit._waits.tasks import TASKS
from ecskit.errors import ClientClosedError, EcsError, EventSourceError, RequestError, WaitTimeout
from ecskit.events import EventBatch, SqsSource, TaskStateChange, decode_event
from ecskit.models import Tag
from ecskit.testing import Fault, Simulator, TaskScript
from ecskit.waits import WaitStory

NETWORK: dict[str, Any] = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
LAUNCH: dict[str, Any] = {"taskDefinition": "job", "launchType": "FARGATE", "networkConfiguration": NETWORK}


def launched(count: int, *, seed: int = 0, least: float = 30, most: float = 600) -> tuple[Simulator, list[str]]:
    """Return a simulator with tasks that run for `least` to `most` seconds, and their ARNs."""
    simulator, random = Simulator(), Random(seed)
    containers = [{"name": "app", "image": "app", "essential": True}]
    definition = {"family": "job", "containerDefinitions": containers, "networkMode": "awsvpc", "cpu": "256"}
    simulator.handle("RegisterTaskDefinition", {**definition, "memory": "512", "requiresCompatibilities": ["FARGATE"]})
    exits = [TaskScript.exits(random.choice([0, 1]), after=random.uniform(least, most)) for _ in range(count)]
    simulator.script("job", exits)
    arns: list[str] = []
    while len(arns) < count:
        ran = simulator.handle("RunTask", {**LAUNCH, "count": min(10, count - len(arns))})
        arns += [task["taskArn"] for task in ran["tasks"]]
    return simulator, arns


def polls(simulator: Simulator) -> int:
    return sum(call.operation == "DescribeTasks" for call in simulator.calls)


def pumps() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("ecskit-events")]


@attrs.define
class Scripted:
    """A source whose receivers return batches or raise errors as the test puts them."""

    opening: Sequence[Exception | None] = ()
    opened: int = 0
    closed: int = 0
    acknowledged: int = 0
    batches: Any = attrs.field(factory=list)

    def open(self) -> Scripted:
        return self

    def open_async(self) -> AsyncScripted:
        return AsyncScripted(self)

    def __enter__(self) -> Self:
        self.opened += 1
        error = self.opening[self.opened - 1] if self.opened <= len(self.opening) else None
        if error is not None:
            raise error
        return self

    def __exit__(self, *_: object) -> None:
        self.closed += 1

    def receive(self) -> EventBatch:
        if not self.batches:
            threading.Event().wait(0.005)
            return EventBatch()
        batch: EventBatch | Exception = self.batches.pop(0)
        if isinstance(batch, Exception):
            raise batch
        return batch

    def acknowledge(self, batch: EventBatch, /) -> None:
        self.acknowledged += len(batch.receipts)


@attrs.define
class AsyncScripted:
    source: Scripted

    async def __aenter__(self) -> Self:
        self.source.__enter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.source.__exit__()

    async def receive(self) -> EventBatch:
        await asyncio.sleep(0.001)
        return self.source.receive() if self.source.batches else EventBatch()

    async def acknowledge(self, batch: EventBatch, /) -> None:
        self.source.acknowledge(batch)


def test_hundreds_of_waits_end_on_events() -> None:
    """Few calls, and no task is left behind."""
    simulator, arns = launched(200)
    source, delays = simulator.event_source(late=(0.5, 2.5)), list[float]()

    async def run() -> None:
        async with simulator.async_client() as ecs, ecs.observing(source) as observed:

            async def one(arn: str) -> None:
                [task] = await ecs.wait.tasks_stopped(arn, timeout=1000)
                assert task.stopped_at is not None
                delays.append(simulator.time() - task.stopped_at.timestamp())

            await asyncio.gather(*map(one, arns))
            assert observed.counts.events == observed.counts.acknowledged > 800
            assert observed.error is None
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())
    assert len(delays) == 200
    assert max(delays) <= 2.5 + 1
    assert polls(simulator) <= 25


def test_threads_end_on_events() -> None:
    """The same with threads on a sync client. The thread of the block ends with it."""
    simulator, arns = launched(20)
    source = simulator.event_source(late=(0.5, 2.5))
    before = polls(simulator)
    with simulator.client() as ecs, ecs.observing(source) as observed, ThreadPoolExecutor(20) as pool:
        assert pumps() == ["ecskit-events"]
        with simulator.clock.flow():  # the clock stands until all threads have begun
            waits = [pool.submit(ecs.wait.tasks_stopped, arn, timeout=1000) for arn in arns]
            while len(ecs._runtime.flows._runs) < 21:
                threading.Event().wait(0.001)
        assert {wait.result()[0].last_status for wait in waits} == {"STOPPED"}
        assert observed.counts.events > 80
    assert not pumps()
    assert polls(simulator) - before <= 25


async def verdict(wait: Awaitable[Any]) -> object:
    try:
        return [(each.task_arn, each.last_status, each.stop_code, each.containers[0].exit_code) for each in await wait]
    except EcsError as error:
        return type(error).__name__, getattr(getattr(error, "story", None), "reasons", None)


@pytest.mark.parametrize("seed", range(6))
def test_verdicts_are_those_of_polling(seed: int) -> None:
    """Events that are late, twice, in another order or lost end waits as polling does.

    Tasks run for longer than the time between two polls: polls alone might miss that a shorter one was RUNNING, too.
    """
    random = Random(seed)
    late, lost, twice = (0.0, random.choice([1.0, 20.0, 90.0])), random.choice([0.0, 0.2, 0.9]), random.random()

    def verdicts(*, events: bool) -> list[object]:
        simulator, arns = launched(12, seed=seed, least=70, most=300)
        source = simulator.event_source(late=late, lost=lost, twice=twice, seed=seed)

        async def run() -> list[object]:
            async with simulator.async_client() as ecs, contextlib.AsyncExitStack() as stack:
                if events:
                    await stack.enter_async_context(ecs.observing(source))
                wait = ecs.wait
                some: list[Callable[..., Awaitable[Any]]] = [wait.tasks_stopped, wait.tasks_started, wait.tasks_running]
                ends = (verdict(some[turn % 3](arn, timeout=500)) for turn, arn in enumerate(arns))
                stopped = verdict(wait.tasks_stopped(arns, timeout=500))
                return [*(await asyncio.gather(*ends)), await stopped]

        return asyncio.run(run())

    expected, actual = verdicts(events=False), verdicts(events=True)
    assert [_settled(each) for each in expected] == [_settled(each) for each in actual]


def _settled(ended: object) -> object:
    """Leave out how far a task was that has started: that depends on when it was looked at."""
    if isinstance(ended, list) and any(status != "STOPPED" for _, status, _, _ in ended):
        return [arn for arn, *_ in ended]
    return ended


def test_polls_take_over_when_the_source_fails(caplog: pytest.LogCaptureFixture) -> None:
    """One warning until it works again, its error in the stories, and events again after a pause."""
    simulator, [arn] = launched(1, most=31)
    broken = EventSourceError("https://queue", "it was deleted")
    source = Scripted(opening=[None, broken, broken], batches=[broken])
    stories: list[WaitStory] = []

    async def run() -> None:
        async with simulator.async_client() as ecs, ecs.observing(source) as observed:
            while observed.error is None:
                await asyncio.sleep(0.001)
            [task] = await ecs.wait.tasks_stopped(arn, on_poll=stories.append)
            assert task.last_status == "STOPPED"
            assert observed.error is broken
            with pytest.raises(WaitTimeout, match="no events were received: queue https://queue: it was deleted"):
                source.batches.append(broken)
                source.opening = [broken] * 100
                running = simulator.handle("RunTask", LAUNCH)["tasks"][0]["taskArn"]
                await ecs.wait.tasks_stopped(running, timeout=30)

    asyncio.run(run())
    assert stories[0].events_error is broken
    assert source.closed == 1 + (source.opened > 4)
    text = "events: queue https://queue: it was deleted; polls go on without them, the source is opened again in 1 s"
    warnings = {record.getMessage() for record in caplog.records if record.levelname == "WARNING"}
    assert {text} == warnings


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_source_that_cannot_be_opened_is_one_error_at_the_start(is_async: bool) -> None:  # noqa: FBT001  # a case
    """Nothing is left of it."""
    simulator = Simulator()
    source = Scripted(opening=[EventSourceError("https://queue", "it does not exist")])

    async def run() -> None:
        async with simulator.async_client() as ecs, ecs.observing(source):
            raise AssertionError

    with pytest.raises(EventSourceError, match="queue https://queue: it does not exist"):
        if is_async:
            asyncio.run(run())
        else:
            with simulator.client() as ecs, ecs.observing(source):
                raise AssertionError
    assert (source.opened, source.closed, pumps()) == (1, 0, [])


def test_what_is_no_source_is_refused() -> None:
    """The message names the argument, and what to pass."""
    simulator, wrong = Simulator(), pytest.raises(RequestError, match="source: expected a source of events such as")
    with simulator.client() as ecs, wrong:
        ecs.observing("https://sqs.eu-west-1.amazonaws.com/123456789012/events")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with simulator.client() as ecs, pytest.raises(RequestError, match="its wait_seconds is 0"):
        ecs.observing(simulator.event_source(wait_seconds=0))
    with simulator.client() as ecs, pytest.raises(RequestError, match="got the class SqsSource"):
        ecs.observing(SqsSource)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with wrong:
        simulator.async_client().observing(None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with simulator.client() as ecs:
        block = ecs.observing(Scripted())
        assert repr(block).startswith("<Observing of Scripted(")
        assert "EventCounts(events=0," in repr(block)
        with block:
            pass
        with pytest.raises(RequestError, match="was entered before"), block:
            pass


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_closing_the_client_ends_the_block(is_async: bool) -> None:  # noqa: FBT001  # a case
    """Waits end as without events, and no thread or task is left."""
    simulator, [arn] = launched(1)
    source = simulator.event_source()

    async def run() -> None:
        ecs: AsyncClient = simulator.async_client()
        async with ecs.observing(source):
            await ecs.aclose()
            with pytest.raises(ClientClosedError):
                await ecs.wait.tasks_stopped(arn)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    if is_async:
        asyncio.run(run())
        return
    client: Client = simulator.client()
    with client.observing(source):
        client.close()
        assert not pumps()
        with pytest.raises(ClientClosedError):
            client.wait.tasks_stopped(arn)


def test_a_block_that_is_cancelled_ends() -> None:
    """The task that passes events on ends with it."""
    simulator, _ = launched(1)

    async def observe(ecs: AsyncClient) -> None:
        async with ecs.observing(simulator.event_source()):
            await asyncio.Event().wait()

    async def run() -> None:
        async with simulator.async_client() as ecs:
            observing = asyncio.ensure_future(observe(ecs))
            await asyncio.sleep(0.01)
            observing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await observing
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


def events_of(simulator: Simulator, seconds: float) -> list[TaskStateChange]:
    """Return the events of the next seconds."""
    source = simulator.event_source()
    with source.open() as receiver:
        simulator.clock.advance(seconds)
        events: list[Any] = []
        while batch := receiver.receive().events:
            events += batch
    return events


def test_an_event_that_comes_before_the_wait_ends_it() -> None:
    """It is kept for a while: RunTask may return after it. STOPPED needs no poll."""
    simulator, [arn] = launched(1, most=30)
    events = events_of(simulator, 200)
    assert events[-1].task.last_status == "STOPPED"
    source = Scripted(batches=[EventBatch(events=events, receipts=["1"])])
    with simulator.client() as ecs, ecs.observing(source):
        while not source.acknowledged:
            threading.Event().wait(0.001)
        [task] = ecs.wait.tasks_stopped(arn)
        assert task.last_status == "STOPPED"
    assert polls(simulator) == 0


def test_older_events_and_those_of_other_regions_change_nothing() -> None:
    """A wait that knows a later version goes on. Events of other regions are counted."""
    simulator, [arn] = launched(1, most=300)
    events = events_of(simulator, 100)
    foreign = [attrs.evolve(event, region="eu-north-1") for event in events]
    stories: list[WaitStory] = []
    with simulator.client() as ecs:
        [task] = ecs.wait.tasks_running(arn)
        source = Scripted(batches=[EventBatch(events=events, receipts=["1"]), EventBatch(events=foreign)])
        with ecs.observing(source) as observed:
            while observed.counts.foreign < len(events):
                threading.Event().wait(0.001)
            ecs.wait.tasks_stopped(task, on_poll=stories.append)
        assert (observed.counts.events, observed.counts.acknowledged) == (2 * len(events), 1)
    assert "PENDING" not in stories[-1].states
    assert all(story.stale == 0 for story in stories)


def of_another_account(events: Sequence[TaskStateChange]) -> list[Any]:
    """Return the same events, of a task with another id in a cluster of the same name."""
    text = json.dumps([event.to_dict() for event in events])
    own, id_ = events[0].account, events[0].task.task_arn.rpartition("/")[2]
    return [decode_event(event) for event in json.loads(text.replace(own, "9" * 12).replace(id_, "f" * 32))]


def test_events_of_another_account_change_nothing() -> None:
    """No stream shows their tasks, and polls go on at their own pace. They are counted when the account is known."""
    simulator, [arn] = launched(1, least=400)
    foreign = of_another_account(events_of(simulator, 20))
    early, late = (EventBatch(events=foreign, receipts=[receipt]) for receipt in "12")
    source, shown = Scripted(batches=[early]), list[str]()
    with simulator.client() as ecs, ecs.observing(source) as observed:
        while not source.acknowledged:
            threading.Event().wait(0.001)
        with ecs.tasks.watch() as changes:
            for change in changes:
                shown.append(change.task.task_arn)
                if len(shown) == 1:
                    assert 0 == observed.counts.foreign
                    source.batches.append(late)
                    while source.acknowledged < 2:
                        threading.Event().wait(0.001)
                if change.task.last_status == "STOPPED":
                    break
        assert (len(foreign), 2 * len(foreign)) == (observed.counts.foreign, observed.counts.events)
    assert {arn} == {*shown}
    listed = [call.time for call in simulator.calls if call.operation == "ListTasks"]
    assert max(after - before for before, after in itertools.pairwise(listed)) < 20


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_wrapped_client_needs_a_source_with_a_session(is_async: bool) -> None:  # noqa: FBT001  # a case
    """Its own session is unknown: the message names what to pass."""
    source = SqsSource("https://sqs.us-east-1.amazonaws.com/123456789012/events")

    async def observe() -> None:
        async with Simulator().async_client() as made, AsyncClient.wrap(made.botocore_client) as wrapping:
            wrapping.observing(source)

    with pytest.raises(RequestError) as error:
        if is_async:
            asyncio.run(observe())
        else:
            with Simulator().client() as made, Client.wrap(made.botocore_client) as wrapping:
                wrapping.observing(source)
    assert str(error.value) == (
        "observing: source: this client wraps another one, whose session and credentials are not known; pass"
        " SqsSource(queue_url, session=...) or SqsSource(queue_url, client=...)"
    )


def test_events_keep_what_they_lack() -> None:
    """The wait ends on an event, with the health that its first poll showed, and with the tags that it began with."""
    simulator, [arn] = launched(1, most=30)
    with simulator.client() as ecs, ecs.observing(simulator.event_source()):
        [stopped] = ecs.wait.tasks_stopped(arn)
    assert (stopped.last_status, stopped.health_status) == ("STOPPED", "UNKNOWN")
    tags, [container] = [Tag(key="team", value="a")], stopped.containers
    before = attrs.evolve(stopped, tags=tags, containers=[attrs.evolve(container, health_status="HEALTHY")])
    [*_, event] = [each.task for each in events_of(*_again())]
    kept = TASKS.complete(event, before)
    assert (event.tags, event.health_status) == ([], None)
    assert (kept.tags, kept.health_status, kept.containers[0].health_status) == (tags, "UNKNOWN", "HEALTHY")
    assert kept.containers[0].exit_code is not None


def _again() -> tuple[Simulator, float]:
    return launched(1, most=30)[0], 200


def test_deadlines_are_exact() -> None:
    """The last poll is made at the deadline, and the polls of the caller keep their pace."""
    simulator, [arn] = launched(1, most=31)
    simulator.script("job", TaskScript())
    running = simulator.handle("RunTask", LAUNCH)["tasks"][0]["taskArn"]
    from tenacity import wait_fixed

    with simulator.client() as ecs, ecs.observing(simulator.event_source()):
        with pytest.raises(WaitTimeout) as caught:
            ecs.wait.tasks_stopped(running, timeout=100)
        assert caught.value.story.elapsed == pytest.approx(100)
        assert caught.value.story.polls <= 6
        with pytest.raises(WaitTimeout) as caught:
            ecs.wait.tasks_stopped(running, poll=wait_fixed(5), timeout=100)
        assert caught.value.story.polls >= 19
    assert arn


def test_a_missing_event_restores_the_pace(caplog: pytest.LogCaptureFixture) -> None:
    """The events of STOPPED are lost. The wait for the other tasks polls at its own pace after 30 s."""
    simulator, arns = launched(4, most=300)
    source = simulator.event_source()

    @attrs.define
    class Lossy:
        receiver: Any

        async def __aenter__(self) -> Self:
            await self.receiver.__aenter__()
            return self

        async def __aexit__(self, *error: object) -> None:
            await self.receiver.__aexit__(*error)

        async def receive(self) -> EventBatch:
            batch: EventBatch = await self.receiver.receive()
            kept = [event for event in batch.events if simulator.time() < began + 60]
            return attrs.evolve(batch, events=kept)

        async def acknowledge(self, batch: EventBatch, /) -> None:
            await self.receiver.acknowledge(batch)

    lossy: Any = type("Source", (), {"open_async": lambda _: Lossy(source.open_async())})()
    began = simulator.time()

    async def run() -> None:
        async with simulator.async_client() as ecs, ecs.observing(lossy):
            [*tasks] = await ecs.wait.tasks_stopped(arns)
            assert {task.last_status for task in tasks} == {"STOPPED"}
            last = max(task.stopped_at.timestamp() for task in tasks if task.stopped_at)
            assert simulator.time() - last < 15

    asyncio.run(run())
    text = "no event of a change in default has arrived; for 300 s, polls go on as without"
    assert text in caplog.messages


def test_an_event_of_a_deployment_is_a_hint_to_poll() -> None:
    """The verdict comes from the poll, which is made when the event arrives."""
    simulator, _ = launched(1)
    definition = {"serviceName": "web", "taskDefinition": "job", "desiredCount": 1, "launchType": "FARGATE"}
    simulator.script("job", TaskScript())
    simulator.handle("CreateService", {**definition, "networkConfiguration": NETWORK})

    def seconds(*, events: bool) -> float:
        async def run() -> float:
            began = simulator.clock.now()
            async with simulator.async_client() as ecs, contextlib.AsyncExitStack() as stack:
                if events:
                    await stack.enter_async_context(ecs.observing(simulator.event_source()))
                await ecs.services.scale("web", desired_count=3 if events else 2)
            return simulator.clock.now() - began

        return asyncio.run(run())

    without, within = seconds(events=False), seconds(events=True)
    assert without - within > 1


def test_requests_that_fail_are_repeated_while_events_flow() -> None:
    """A wait whose poll failed polls at its own pace until one succeeds."""
    simulator, arns = launched(3, most=100)
    simulator.fail("DescribeTasks", Fault.throttled(), times=3)

    async def run() -> None:
        async with simulator.async_client() as ecs, ecs.observing(simulator.event_source()):
            await ecs.wait.tasks_stopped(arns)

    asyncio.run(run())


class Fragile:
    """A source whose second connection is refused, and whose receiver returns what is no batch."""

    def __init__(self) -> None:
        self.opened = 0

    def open(self) -> Any:
        """Return a receiver, or raise an error."""
        self.opened += 1
        if self.opened == 2:
            raise OSError("refused")
        return self

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def receive(self) -> Any:
        """Return no batch."""
        return []

    def acknowledge(self, batch: object) -> None:
        """Do nothing."""


def test_a_source_that_cannot_be_opened_again() -> None:
    """It is opened again and again; what leaves the block is the error of the block."""
    simulator = Simulator()
    source: Any = Fragile()
    with simulator.client() as ecs, pytest.raises(ValueError, match="mine"), ecs.observing(source) as block:
        for _ in range(30):
            if source.opened > 2:
                break
            ecs._runtime.run(_nap(5))
        assert source.opened > 2
        assert "expected an EventBatch" in str(block.error) or "refused" in str(block.error)
        raise ValueError("mine")


def _nap(seconds: float) -> Flow[None]:
    yield Sleep(seconds)


def test_a_closed_client_observes_nothing() -> None:
    """As it does nothing else."""
    simulator = Simulator()
    ecs = simulator.client()
    ecs.close()
    with pytest.raises(ClientClosedError):
        ecs.observing(simulator.event_source())


async def test_a_closed_async_client_observes_nothing() -> None:
    """As it does nothing else."""
    simulator = Simulator()
    ecs = simulator.async_client()
    await ecs.aclose()
    with pytest.raises(ClientClosedError):
        async with ecs.observing(simulator.event_source()):
            pass
