"""Events that a simulator delivers by itself: into a callable, into a queue of SQS, and to receivers in the process."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import threading
import weakref
from collections.abc import Callable
from datetime import datetime
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from support.definitions import NETWORK, register
from typing_extensions import Self

from ecskit.errors import ClientClosedError
from ecskit.events import (
    EventBatch,
    EventCounts,
    EventReceiver,
    EventSource,
    HookStateChange,
    SqsSource,
    TaskStateChange,
    decode_event,
)
from ecskit.testing import ScaledClock, SimulatedSource, Simulator, SimulatorServer, TaskScript, sqs_target

from .service_support import Shop

Wire = dict[str, Any]
STEPS = ["PROVISIONING", "PENDING", "RUNNING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"]


def prepared(**options: Any) -> Simulator:
    """Return a simulator with the task definition job, whose tasks run for a minute."""
    simulator = Simulator(**options)
    register(simulator, "job", {"name": "app", "image": "app:1"})
    simulator.script("job", TaskScript.exits(0, after=60))
    return simulator


def launch(simulator: Simulator, count: int = 1) -> list[str]:
    """Run tasks, and return their ARNs."""
    request = {"taskDefinition": "job", "launchType": "FARGATE", "networkConfiguration": NETWORK, "count": count}
    return [task["taskArn"] for task in simulator.handle("RunTask", request)["tasks"]]


def wait_in_a_thread(simulator: Simulator, arns: list[str]) -> None:
    with simulator.client() as ecs:
        ecs.wait.tasks_stopped(arns)


def wait_in_a_loop(simulator: Simulator, arns: list[str]) -> None:
    async def main() -> None:
        async with simulator.async_client() as ecs:
            await ecs.wait.tasks_stopped(arns)

    asyncio.run(main())


def advance(simulator: Simulator, _: list[str]) -> None:
    simulator.clock.advance(200)


each_way = pytest.mark.parametrize("move", [wait_in_a_thread, wait_in_a_loop, advance])


def moment_of(event: Wire) -> float:
    """Return when it happened: each detail of a task has the times of its steps."""
    times = [item for name, item in event["detail"].items() if name.endswith("At")]
    return max(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() for text in times)


@each_way
def test_a_callable_is_called_at_the_moment_of_each_event(move: Callable[[Simulator, list[str]], None]) -> None:
    """The clock stops at each of them, and moves on to the next sleeper. The wait makes the same calls as without."""
    simulator, plain = prepared(), prepared()
    got: list[tuple[float, Wire]] = []
    emitted = simulator.emit_events(lambda event: got.append((simulator.time(), event)))
    move(simulator, launch(simulator))
    move(plain, launch(plain))
    emitted.close()
    assert [event["detail"]["lastStatus"] for _, event in got] == STEPS
    for at, event in got:
        if event["detail"]["lastStatus"] not in ("DEACTIVATING", "STOPPING"):  # these have no time of their own
            assert at == pytest.approx(moment_of(event), abs=0.002)
    assert [call.time for call in simulator.calls] == [call.time for call in plain.calls]
    before = len(got)
    launch(simulator)
    simulator.clock.advance(200)
    assert len(got) == before


def test_events_of_services_come_at_their_moments() -> None:
    """Rollouts, steady states, failed placements and replaced tasks, also if nothing is requested meanwhile."""
    simulator = prepared()
    simulator.script("job", TaskScript.runs_for(300))
    got: list[tuple[float, Wire]] = []
    simulator.emit_events(lambda event: got.append((simulator.time(), event)))
    taken = simulator.emit_events()
    service: Wire = {"taskDefinition": "job", "desiredCount": 2, "networkConfiguration": NETWORK}
    simulator.handle("CreateService", {**service, "serviceName": "web", "launchType": "FARGATE"})
    register(simulator, "host", {"name": "app", "image": "app:1", "memory": 64}, requiresCompatibilities=["EC2"])
    memory = {"name": "MEMORY", "type": "INTEGER", "integerValue": 1}
    simulator.handle("RegisterContainerInstance", {"totalResources": [memory]})
    on_hosts = {"serviceName": "hosts", "taskDefinition": "host", "desiredCount": 1, "networkConfiguration": NETWORK}
    simulator.handle("CreateService", on_hosts)
    simulator.clock.advance(1000)
    for at, event in got:
        assert 0 <= at - datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp() < 1
    names = {event["detail"].get("eventName", event["detail-type"]) for _, event in got}
    assert names == {
        "ECS Task State Change",
        "ECS Container Instance State Change",
        "SERVICE_DEPLOYMENT_IN_PROGRESS",
        "SERVICE_DEPLOYMENT_COMPLETED",
        "SERVICE_STEADY_STATE",
        "SERVICE_TASK_PLACEMENT_FAILURE",
    }
    assert [event for _, event in got] == taken.take()


@each_way
def test_events_are_disturbed_as_those_that_are_taken(move: Callable[[Simulator, list[str]], None]) -> None:
    """By the same seed: the same ones are lost and repeated, and they arrive at their moments in the same order."""
    options: dict[str, Any] = {"late": (0.5, 20), "twice": 0.3, "lost": 0.2, "seed": 3}
    simulator = prepared()
    got: list[tuple[float, Wire]] = []
    taken = simulator.emit_events(**options)
    perfect = simulator.emit_events()
    simulator.emit_events(lambda event: got.append((simulator.time(), event)), **options)
    move(simulator, launch(simulator, 10))
    simulator.clock.advance(30)
    assert [event for _, event in got] == taken.take()
    assert [at for at, _ in got] == sorted(at for at, _ in got)
    assert len({at for at, _ in got}) == len(got)  # each has its own moment
    sent = perfect.take()
    assert len({event["id"] for _, event in got}) < len(sent) == 10 * len(STEPS)


def test_a_callable_that_fails_is_called_no_more(caplog: pytest.LogCaptureFixture) -> None:
    """The flow that moves the clock has no part in it. The error is logged, and `close` raises it."""
    simulator = prepared()
    calls: list[Wire] = []

    def broken(event: Wire) -> None:
        calls.append(event)
        raise OSError("the queue is full")

    emitted = simulator.emit_events(broken)
    with caplog.at_level(logging.ERROR, "ecskit"):
        wait_in_a_thread(simulator, launch(simulator))
    assert len(calls) == 1
    assert "emit_events: no further events are passed to" in caplog.text
    with pytest.raises(OSError, match="the queue is full"):
        emitted.close()
    emitted.close()
    with pytest.raises(OSError, match="the queue is full"), simulator.emit_events(broken):
        launch(simulator)
        simulator.clock.advance(1)


def test_pushed_events_cannot_be_taken() -> None:
    """The error names the argument."""
    emitted = prepared().emit_events(print)
    with pytest.raises(RuntimeError, match="are passed to the `to` of emit_events, and cannot be taken"):
        emitted.take()


def test_a_callable_on_a_clock_that_moves_by_itself() -> None:
    """A thread calls it, which ends with `close`."""
    done = threading.Event()
    got: list[str] = []

    def collect(event: Wire) -> None:
        got.append(event["detail"]["lastStatus"])
        if got[-1] == "STOPPED":
            done.set()

    simulator = prepared(now=ScaledClock(speed=1000))
    before = set(threading.enumerate())
    with simulator.emit_events(collect):
        launch(simulator)
        assert done.wait(10)
    assert got == STEPS
    assert set(threading.enumerate()) <= before


def test_into_a_queue_of_sqs() -> None:
    """The body of a message is the envelope, as EventBridge sends it. `SqsSource` receives it."""
    keys: dict[str, Any] = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    try:
        host, port = moto.get_host_and_port()
        sqs: Any = boto3.client("sqs", endpoint_url=f"http://{host}:{port}", **keys)
        sqs.create_queue(QueueName="events")
        url = f"http://{host}:{port}/123456789012/events"
        with SimulatorServer(speed=1000) as server:
            register(server.simulator, "job", {"name": "app", "image": "app:1"})
            server.simulator.script("job", TaskScript.exits(0, after=60))
            with server.simulator.emit_events(sqs_target(sqs, url)), SqsSource(url, client=sqs).open() as receiver:
                (arn,) = launch(server.simulator)
                statuses: list[str] = []
                while "STOPPED" not in statuses:
                    batch = receiver.receive()
                    receiver.acknowledge(batch)
                    assert all(isinstance(event, TaskStateChange) for event in batch.events)
                    statuses += [event.task.last_status for event in batch.events]  # type: ignore[attr-defined]
                    assert all(event.resources == [arn] for event in batch.events)
        assert sorted(statuses) == sorted(STEPS)
        sqs.close()
    finally:
        moto.stop()


class Blocking:
    """A receiver for asyncio, used like one for threads, on an event loop in a thread."""

    def __init__(self, source: EventSource) -> None:
        self.receiver: Any = source.open_async()
        self.loop = asyncio.new_event_loop()

    def run(self, coroutine: Any) -> Any:
        return self.loop.run_until_complete(coroutine)

    def __enter__(self) -> Self:
        self.run(self.receiver.__aenter__())
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self.receiver.__aexit__(None, None, None))
        self.loop.close()

    def receive(self) -> EventBatch:
        batch: EventBatch = self.run(self.receiver.receive())
        return batch

    def acknowledge(self, batch: EventBatch) -> None:
        self.run(self.receiver.acknowledge(batch))

    @property
    def counts(self) -> EventCounts:
        counts: EventCounts = self.receiver.counts
        return counts


both = pytest.mark.parametrize("opened", [SimulatedSource.open, Blocking], ids=["sync", "async"])
Opened = Callable[[SimulatedSource], Any]


@both
def test_a_receiver_gets_events_at_their_moments(opened: Opened) -> None:
    """It sleeps on the virtual clock beside a wait, which makes the same calls as without it."""
    simulator, plain = prepared(), prepared()
    source = simulator.event_source(late=(0, 2), seed=1)
    expected = simulator.emit_events(late=(0, 2), seed=1)
    got: list[tuple[float, str]] = []
    ready, (arn,) = threading.Event(), launch(simulator)

    def pump() -> None:
        with opened(source) as receiver:
            ready.set()
            while "STOPPED" not in [status for _, status in got]:
                batch = receiver.receive()
                got.extend((simulator.clock.now(), event.task.last_status) for event in batch.events)
                receiver.acknowledge(batch)
            assert receiver.counts == EventCounts(events=len(STEPS), acknowledged=len(STEPS))

    thread = threading.Thread(target=pump)
    thread.start()
    assert ready.wait(10)
    wait_in_a_thread(simulator, [arn])
    simulator.clock.advance(2)
    thread.join(10)
    assert not thread.is_alive()
    wait_in_a_thread(plain, launch(plain))
    assert [call.time for call in simulator.calls] == [call.time for call in plain.calls]
    assert [status for _, status in got] == [event["detail"]["lastStatus"] for event in expected.take()]
    assert len({at for at, _ in got}) == len(STEPS)


async def test_a_receiver_in_the_same_loop() -> None:
    """Each event is handled before the clock moves on, so nothing is late."""
    simulator = prepared()
    source = simulator.event_source()
    got: list[tuple[float, str]] = []

    async def pump() -> None:
        async with source.open_async() as receiver:
            while True:
                batch = await receiver.receive()
                for event in batch.events:
                    assert isinstance(event, TaskStateChange)
                    got.append((simulator.time() - event.time.timestamp(), event.task.last_status or ""))
                    await asyncio.sleep(0)
                await receiver.acknowledge(batch)

    task = asyncio.create_task(pump())
    async with simulator.async_client() as ecs:
        for _ in range(20):
            await ecs.wait.tasks_stopped(launch(simulator))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [status for _, status in got] == STEPS * 20
    assert all(0 <= late < 1 for late, _ in got)  # `time` of an event has whole seconds
    # The clock is not held by the receiver that ended.
    async with simulator.async_client() as ecs:
        await ecs.wait.tasks_stopped(launch(simulator))


@both
def test_receive_returns_nothing_after_its_seconds(opened: Opened) -> None:
    """By the virtual clock. It does not move the clock itself."""
    simulator = prepared()
    source = simulator.event_source(wait_seconds=15)
    ends: list[float] = []
    ready = threading.Event()

    def pump() -> None:
        with opened(source) as receiver:
            ready.set()
            while len(ends) < 3:
                assert receiver.receive() == EventBatch()
                ends.append(simulator.clock.now())

    thread = threading.Thread(target=pump)
    thread.start()
    assert ready.wait(10)
    if opened is Blocking:
        with simulator.clock.flow():
            simulator.clock.sleep(50)
    thread.join(10)
    assert not thread.is_alive()
    # The sync one returns after a moment of real time if nothing sleeps.
    assert ends == ([15, 30, 45] if opened is Blocking else [0, 0, 0])


@both
def test_what_is_not_acknowledged_is_received_again(opened: Opened) -> None:
    """After 30 s, ten at a time. What was acknowledged is not."""
    simulator = prepared()
    source = simulator.event_source(late=(1, 1), wait_seconds=0)
    with opened(source) as receiver:
        arns = [*sorted(launch(simulator, 10)), *sorted(launch(simulator, 2))]
        simulator.clock.advance(4)
        first, second, third = (receiver.receive() for _ in range(3))
        assert [event.task.task_arn for batch in (first, second) for event in batch.events] == arns
        assert (first.age, third) == (3.0, EventBatch())
        receiver.acknowledge(first)
        receiver.acknowledge(first)
        simulator.clock.advance(29)
        seen = [event for _ in range(4) for event in receiver.receive().events]
        assert not {event.id for event in seen} & {event.id for event in second.events}
        simulator.clock.advance(1)
        again = receiver.receive()
        assert again.events == second.events
        assert (again.age, again.receipts != second.receipts) == (33.0, True)
        assert receiver.counts.acknowledged == 10
        assert receiver.counts.events == 14 + len(seen)
        receiver.acknowledge(second)
        assert receiver.counts.acknowledged == 10  # the receipts of the latest time count
        receiver.acknowledge(again)
        assert receiver.counts.acknowledged == 12


def test_a_simulator_emits_no_events_for_a_source_that_nothing_refers_to() -> None:
    """Its messages and receipts are gone with it. Another source goes on."""
    simulator = prepared()
    used, kept = simulator.event_source(wait_seconds=0), simulator.event_source(wait_seconds=0)
    mailbox = weakref.ref(used._mailbox)
    with simulator.client() as ecs, ecs.observing(simulator.event_source()), used.open() as receiver:
        launch(simulator, 3)
        assert len(receiver.receive().events) == 3
    del used, receiver
    gc.collect()
    launch(simulator, 2)
    assert mailbox() is None
    feed = simulator._account.feed
    assert feed is not None
    assert [*feed.subscribers] == [kept._route]
    with kept.open() as receiver:
        assert len(receiver.receive().events) == 5
    del kept, receiver
    gc.collect()
    launch(simulator, 1)
    assert simulator._account.feed is None


@both
def test_a_closed_receiver(opened: Opened) -> None:
    """It names what to do. Closing twice does nothing."""
    source = prepared().event_source()
    with opened(source) as receiver:
        pass
    loop = asyncio.new_event_loop()
    receiver = source.open() if opened is not Blocking else source.open_async()
    for call in (receiver.receive, lambda: receiver.acknowledge(EventBatch())):
        with pytest.raises(ClientClosedError, match="is not open; use it in its `with` block"):
            result: Any = call()
            loop.run_until_complete(result)
    loop.close()


def test_closing_ends_receive_in_another_thread() -> None:
    """At once, on any clock."""
    for simulator in (prepared(), prepared(now=ScaledClock(speed=0.001))):
        errors: list[BaseException] = []

        def pump(receiver: EventReceiver, errors: list[BaseException] = errors) -> None:
            try:
                while True:
                    receiver.receive()
            except ClientClosedError as error:
                errors.append(error)

        with simulator.event_source(wait_seconds=1000).open() as receiver:
            thread = threading.Thread(target=pump, args=(receiver,))
            thread.start()
            receiver.close()
        thread.join(10)
        assert not thread.is_alive()
        assert len(errors) == 1


@both
def test_a_receiver_on_a_clock_that_moves_by_itself(opened: Opened) -> None:
    """It waits in the real seconds of that clock."""
    simulator = prepared(now=ScaledClock(speed=1000))
    source = simulator.event_source(wait_seconds=100)
    with opened(source) as receiver:
        launch(simulator)
        statuses: list[str] = []
        while "STOPPED" not in statuses:
            batch = receiver.receive()
            receiver.acknowledge(batch)
            statuses += [event.task.last_status for event in batch.events]
        assert statuses == STEPS
        assert receiver.receive() == EventBatch()


def test_bad_options() -> None:
    """Each is named."""
    wrong: Any = "https://sqs.eu-west-1.amazonaws.com/123456789012/events"
    with pytest.raises(TypeError, match="to must be a function of one envelope, not str"):
        prepared().emit_events(wrong)
    with pytest.raises(TypeError, match="client must be a client of botocore or boto3 for SQS, not str"):
        sqs_target(wrong, wrong)
    with pytest.raises(ValueError, match="wait_seconds must be at least 0: -1"):
        prepared().event_source(wait_seconds=-1)
    with pytest.raises(ValueError, match="lost must be a share from 0 to 1: 2"):
        prepared().event_source(lost=2)


def test_hooks_that_await_an_action() -> None:
    """One event for each pause, with what ContinueServiceDeployment needs."""
    world = Shop()
    emitted = world.sim.emit_events()
    hook = {
        "targetType": "PAUSE",
        "lifecycleStages": ["POST_SCALE_UP"],
        "timeoutConfiguration": {"timeoutInMinutes": 60},
    }
    world.ready(deploymentConfiguration={"strategy": "BLUE_GREEN", "lifecycleHooks": [hook]})
    world.update(forceNewDeployment=True)
    world.pass_(120)
    events = [event for event in emitted.take() if event["detail-type"] == "ECS Hook State Change"]
    rollout = world.rollout()
    (waiting,) = rollout["lifecycleHookDetails"]
    last = events[-1]
    assert last["detail"] == {
        "eventType": "INFO",
        "eventName": "HOOK_AWAITING_ACTION",
        "clusterArn": world.service()["clusterArn"],
        "serviceArn": world.service()["serviceArn"],
        "serviceDeploymentArn": rollout["serviceDeploymentArn"],
        "hookId": waiting["hookId"],
        "hookType": "PAUSE",
        "lifecycleStage": "POST_SCALE_UP",
        "updatedAt": last["detail"]["updatedAt"],
        "expiresAt": last["detail"]["expiresAt"],
    }
    assert last["resources"] == [world.service()["serviceArn"]]
    decoded = decode_event(json.dumps(last))
    assert isinstance(decoded, HookStateChange)
    assert decoded.detail.expires_at is not None
    assert decoded.detail.expires_at.timestamp() == pytest.approx(waiting["expiresAt"], abs=0.001)
    assert len({event["detail"]["hookId"] for event in events}) == len(events)
    world.pass_(30)
    assert emitted.take() == []
