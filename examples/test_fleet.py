"""Tests of the rules of the fleet, one by one, on the simulator's virtual clock."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import pytest

pytest.importorskip("aiobotocore")
from botocore.exceptions import EndpointConnectionError
from fleet.__main__ import main
from fleet.jobs import Record, Result
from fleet.sqs import Message
from fleet.store import JobStore
from fleet.worker import Worker

import ecskit
from ecskit.models import AwsVpcConfiguration, ContainerDefinition
from ecskit.testing import Fault, Lag, Simulator, TaskScript

SUBNETS = ["subnet-0a1b2c3d"]
NETWORK = AwsVpcConfiguration(subnets=SUBNETS)


class Queue:
    """Stands for the queue: it keeps what is done to messages."""

    def __init__(self) -> None:
        self.visibility: float = 300
        self.acts: list[str] = []
        self.waiting: list[Message] = []

    async def receive(self, most: int) -> list[Message]:
        """Return the waiting messages."""
        await asyncio.sleep(0)
        received, self.waiting = self.waiting[:most], self.waiting[most:]
        return received

    async def extend(self, _: Message, seconds: float) -> None:
        """Keep the number of seconds."""
        self.acts.append(f"extend {seconds:g}")

    async def delete(self, _: Message) -> None:
        """Keep that it was deleted."""
        self.acts.append("delete")


class Killed(BaseException):
    """The process ends here."""


class Scene:
    """A worker, its store and queue, and a simulator."""

    def __init__(self, worker: Worker, simulator: Simulator, queue: Queue) -> None:
        self.worker = worker
        self.store = worker.store
        self.simulator = simulator
        self.queue = queue

    async def deliver(self, job: str = "job-1") -> list[str]:
        """Deliver a message with a job, and return what the worker does to the message."""
        self.queue.acts.clear()
        await self.worker.handle(message(job))
        return list(self.queue.acts)

    def attempted(self, job: str = "job-1") -> str:
        """Record an attempt, as a worker does that is killed after that. Return its claim, which has ended."""
        claim = self.store.claim(job, self.worker.now(), self.worker.now())
        assert claim is not None
        self.store.begin(claim, self.worker.now())
        return claim

    @property
    def recorded(self) -> Record | Result:
        """What is recorded about the job."""
        return self.store.read("job-1")

    @property
    def launches(self) -> list[str]:
        """The client tokens of all requests to launch a task."""
        return [call.request["clientToken"] for call in self.simulator.calls if call.operation == "RunTask"]


def message(job: str) -> Message:
    """Return a message with a job."""
    return Message(json.dumps({"id": job, "command": ["report", job]}), "receipt")


@pytest.fixture
def ecs_simulator(request: pytest.FixtureRequest) -> Simulator:
    """A simulator. A test may choose how far its reads are behind."""
    return Simulator(lag=getattr(request, "param", None))


@pytest.fixture
async def scene(ecs_simulator: Simulator, ecs_async_client: ecskit.AsyncClient, tmp_path: Path) -> AsyncIterator[Scene]:
    """A worker whose tasks run for a minute."""
    ecs_simulator.script("report", TaskScript.runs_for(60))
    queue: Any = Queue()
    registered = await ecs_async_client.register_task_definition(
        family="report",
        cpu="256",
        memory="512",
        network_mode="awsvpc",
        requires_compatibilities=["FARGATE"],
        container_definitions=[ContainerDefinition(name="app", image="report:1")],
    )
    with closing(JobStore(tmp_path / "jobs.sqlite")) as store:
        worker = Worker(
            ecs=ecs_async_client,
            queue=queue,
            store=store,
            cluster="default",
            definition=registered.task_definition,
            subnets=SUBNETS,
            now=ecs_simulator.time,
        )
        yield Scene(worker, ecs_simulator, queue)


async def test_a_job_runs_once(scene: Scene) -> None:
    """A message that returns after two hours, or that a producer sent twice, launches nothing."""
    assert await scene.deliver() == ["delete"]
    result = scene.recorded
    assert isinstance(result, Result)
    assert (result.state, result.exit_code) == ("succeeded", 0)
    scene.simulator.clock.advance(7200)
    calls = len(scene.simulator.calls)
    assert await scene.deliver() == ["delete"]
    assert (scene.recorded, len(scene.simulator.calls)) == (result, calls)
    assert scene.launches == ["job-1-1-0-0"]


async def test_a_job_that_fails(scene: Scene) -> None:
    """The exit code is recorded. The job is not run again."""
    scene.simulator.script("report", TaskScript.exits(3, after=60))
    assert await scene.deliver() == ["delete"]
    result = scene.recorded
    assert isinstance(result, Result)
    assert (result.state, result.exit_code, "EXITED with code 3" in result.detail) == ("failed", 3, True)


@pytest.mark.parametrize(("minutes", "state"), [(0, "succeeded"), (49, "succeeded"), (120, "unknown")])
async def test_a_worker_is_killed_before_it_records_the_task(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, minutes: int, state: str
) -> None:
    """The next one finds the task by `startedBy`, as long as ECS shows it. After that, the job is parked."""
    await kill_before_recording(scene, monkeypatch)
    scene.simulator.clock.advance(minutes * 60)
    assert await scene.deliver() == ["delete"]
    result = scene.recorded
    assert isinstance(result, Result)
    assert result.state == state
    assert len(scene.simulator.tasks()) == 1
    assert scene.launches == ["job-1-1-0-0"]


@pytest.mark.parametrize("ecs_simulator", [Lag(visible_after=30)], indirect=True)
async def test_the_task_is_not_visible_yet(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next worker does not find it. The same token returns it."""
    await kill_before_recording(scene, monkeypatch)
    assert await scene.deliver() == ["delete"]
    assert isinstance(scene.recorded, Result)
    assert (scene.launches, len(scene.simulator.tasks())) == (["job-1-1-0-0"] * 2, 1)


async def kill_before_recording(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kill the worker after it has launched the task."""

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(scene.store, "started", kill)
        with pytest.raises(Killed):
            await scene.deliver()


@pytest.mark.parametrize(
    ("minutes", "state", "launches"), [(0, "succeeded", 1), (49, "succeeded", 1), (51, "unknown", 0)]
)
async def test_a_worker_is_killed_before_it_launches_the_task(
    scene: Scene, minutes: int, state: str, launches: int
) -> None:
    """The next one repeats the attempt, unless a task of it could have come and gone."""
    scene.attempted()
    scene.simulator.clock.advance(minutes * 60)
    assert await scene.deliver() == ["delete"]
    result = scene.recorded
    assert isinstance(result, Result)
    assert (result.state, scene.launches) == (state, ["job-1-1-0-0"] * launches)
    if state == "unknown":
        assert result.detail == "attempt 1 began 51 minutes ago, and ECS shows no task of it"


async def test_no_capacity(scene: Scene) -> None:
    """The job returns to the queue, and the next attempt has a token of its own."""
    scene.simulator.fail("RunTask", Fault.no_capacity())
    assert await scene.deliver() == ["extend 60"]
    assert scene.recorded == Record(attempt=1, began=None, task=None, handle=None)
    assert await scene.deliver() == ["delete"]
    assert (scene.launches, len(scene.simulator.tasks())) == (["job-1-1-0-0", "job-1-2-0-0"], 1)


async def test_no_capacity_for_a_repeated_attempt(scene: Scene) -> None:
    """It keeps its token: its first request may have started a task."""
    scene.attempted()
    scene.simulator.fail("RunTask", Fault.no_capacity())
    assert await scene.deliver() == ["extend 60"]
    assert await scene.deliver() == ["delete"]
    assert (scene.launches, len(scene.simulator.tasks())) == (["job-1-1-0-0"] * 2, 1)


async def test_a_token_that_was_used_with_another_command(scene: Scene) -> None:
    """The task that it started is adopted."""
    scene.attempted()
    key = "job-1-1"
    launched = await scene.worker.ecs.tasks.run(
        scene.worker.definition, launch_type="FARGATE", network=NETWORK, client_token=key
    )
    assert await scene.deliver() == ["delete"]
    assert [task.arn for task in scene.simulator.tasks()] == [launched.tasks[0].task_arn]


async def test_a_recorded_task_is_gone(scene: Scene) -> None:
    """How it ended is not known."""
    claim = scene.attempted()
    scene.store.started(claim, "arn:aws:ecs:us-east-1:123456789012:task/default/0123456789abcdef0123456789abcdef")
    scene.simulator.clock.advance(7200)
    assert await scene.deliver() == ["delete"]
    result = scene.recorded
    assert isinstance(result, Result)
    assert (result.state, "0123456789abcdef" in result.detail, scene.launches) == ("unknown", True, [])


async def test_a_message_is_kept_for_some_hours(scene: Scene) -> None:
    """Then it returns at once, and the wait is resumed from its handle. SQS would return it after 12 hours."""
    assert scene.worker.hold < 12 * 3600
    scene.worker = attrs.evolve(scene.worker, hold=600)
    scene.simulator.script("report", TaskScript.runs_for(900))
    assert await scene.deliver() == ["extend 0"]
    record = scene.recorded
    assert isinstance(record, Record)
    assert record.handle is not None
    assert await scene.deliver() == ["delete"]
    assert isinstance(scene.recorded, Result)
    assert len(scene.launches) == 1


async def test_two_workers_get_the_same_job(scene: Scene) -> None:
    """The second message returns later."""
    scene.store.claim("job-1", scene.worker.now(), scene.worker.now() + 300)
    assert await scene.deliver() == ["extend 300"]
    assert scene.simulator.tasks() == []
    scene.simulator.clock.advance(301)
    assert await scene.deliver() == ["delete"]


async def test_a_worker_that_lost_its_claim(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """It changes neither the record nor the message."""
    waiting = scene.store.waiting

    def stolen(claim: str, handle: str) -> None:
        assert scene.store.claim("job-1", scene.worker.now() + 301, scene.worker.now() + 600)
        waiting(claim, handle)

    scene.store.waiting = stolen  # type: ignore[method-assign]
    assert await scene.deliver() == []
    assert caplog.messages == ["job job-1: another worker has it"]
    record = scene.recorded
    assert isinstance(record, Record)
    assert record.handle is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("secret", "the message is not JSON"),
        ('{"id": "job"}', 'expected {"id": "...", "command": ["...", ...]}'),
        ('{"id": "job", "command": "secret"}', 'expected {"id": "...", "command": ["...", ...]}'),
        ('{"id": "job 1", "command": []}', "id: expected 1 to 40 letters, digits, hyphens, slashes or underscores"),
    ],
)
async def test_a_message_without_a_job(scene: Scene, caplog: pytest.LogCaptureFixture, body: str, reason: str) -> None:
    """It is left to the dead-letter queue."""
    await scene.worker.handle(Message(body, "receipt"))
    assert scene.queue.acts == []
    assert caplog.messages == [f"a message is left to the dead-letter queue: {reason}"]


async def test_ending_a_worker(scene: Scene) -> None:
    """Jobs in work return at once, no more than `parallel` are taken, and their tasks keep running."""
    scene.simulator.script("report", TaskScript())
    scene.queue.waiting = [message(f"job-{number}") for number in range(3)]
    scene.queue.visibility = 0.01
    working = asyncio.create_task(attrs.evolve(scene.worker, parallel=2, hold=1e9).work())
    while len(scene.simulator.tasks()) < 2 or "extend 0.01" not in scene.queue.acts:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert (scene.queue.acts.count("extend 0"), len(scene.queue.waiting)) == (2, 1)
    assert {task.desired_status for task in scene.simulator.tasks()} == {"RUNNING"}


async def test_the_queue_cannot_be_reached(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A job that has ended is recorded all the same, and its message returns."""

    async def fail(*_: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://sqs.eu-west-1.amazonaws.com")

    for name in ("delete", "extend"):
        monkeypatch.setattr(scene.queue, name, fail)
    await scene.worker.handle(message("job-1"))
    assert isinstance(scene.recorded, Result)
    assert [text.partition(":")[0] for text in caplog.messages] == [
        "job job-1 returns to the queue",
        "a message returns late",
    ]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A function that calls the program."""

    def call(name: str, *words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["fleet", name, "--store", str(tmp_path / "jobs.sqlite"), *words])
        return main()

    level = logging.getLogger("fleet").level
    yield call
    logging.getLogger("fleet").setLevel(level)


def test_the_command_line(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong arguments are refused. A new store has no jobs."""
    for words, problem in (
        (("--task-definition", "report"), "argument --task-definition: name a revision, such as report:7"),
        (("--visibility", "0"), "argument --visibility: expected a whole number above 0, got 0"),
    ):
        with pytest.raises(SystemExit):
            command("work", *words)
        assert problem in capsys.readouterr().err
    assert command("report") == 0
    assert capsys.readouterr().out == "no jobs\n"
