"""A test of the fleet with real processes: workers that are killed at any moment, and servers for ECS and SQS."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import boto3
import pytest
from botocore.config import Config

pytest.importorskip("aiobotocore")
from fleet.__main__ import main
from fleet.jobs import Result
from fleet.store import JobStore
from moto.server import ThreadedMotoServer

import ecskit
from ecskit.models import ContainerDefinition
from ecskit.testing import EmittedEvents, Fault, Lag, Simulator, SimulatorServer, TaskScript

JOBS = int(os.environ.get("ECSKIT_FLEET_JOBS", "12"))
KILLS = int(os.environ.get("ECSKIT_FLEET_KILLS", "4"))
"""The session `fleet` of nox runs more jobs and kills."""
WORKERS = 2 if KILLS < 10 else 4
LIMIT = 60 + JOBS + 5 * KILLS
"""Seconds until the test gives up."""
LATE = [f"late-{number}" for number in range(6)]
"""The jobs that are in work when all workers are killed."""


class Clock:
    """The time of the wall clock, and two hours more if needed."""

    ahead = 0.0

    def __call__(self) -> float:
        """Return seconds since the epoch."""
        return time.time() + self.ahead


class Fleet:
    """Processes of workers, the simulator and the queue that they use, and what is killed."""

    def __init__(self, folder: Path, server: SimulatorServer, moto: str, clock: Clock) -> None:
        self.folder = folder
        self.clock = clock
        self.simulator = server.simulator
        self.store = folder / "jobs.sqlite"
        self.workers: list[subprocess.Popen[bytes]] = []
        self.kills = 0
        self.dice = random.Random(KILLS)
        keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
        urls = {"AWS_ENDPOINT_URL_ECS": server.url, "AWS_ENDPOINT_URL_SQS": moto}
        source = str(Path(ecskit.__file__).parents[1])
        path = os.pathsep.join([str(Path(__file__).parent), source, os.environ.get("PYTHONPATH", "")])
        self.environment = {**os.environ, **keys, **urls, "PYTHONPATH": path}
        names = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}
        self.sqs: Any = boto3.client("sqs", endpoint_url=moto, config=Config(read_timeout=10), **names)
        self.queue: str = self.sqs.create_queue(QueueName=f"jobs-{os.getpid()}")["QueueUrl"]

    def send(self, *jobs: str) -> None:
        """Send a message for each job."""
        for job in jobs:
            body = json.dumps({"id": job, "command": ["report", job]})
            self.sqs.send_message(QueueUrl=self.queue, MessageBody=body)

    def start(self) -> None:
        """Start workers until there are enough of them."""
        for _ in range(WORKERS - len(self.workers)):
            words = f"""-W error -m fleet work --queue-url {self.queue} --store {self.store} --cluster default
                --task-definition report:1 --subnets subnet-0a1b2c3d --parallel 8 --visibility 2 --retry-after 1
                --poll 0.5"""
            with (self.folder / "log").open("ab") as log:
                process = subprocess.Popen(  # noqa: S603  # the words above
                    [sys.executable, *words.split()], env=self.environment, stdout=log, stderr=log
                )
            self.workers.append(process)

    def kill(self, *, everyone: bool = False) -> None:
        """Kill a worker with SIGKILL, or all of them."""
        for worker in self.workers if everyone else [self.dice.choice(self.workers)]:
            assert worker.poll() is None, self.log
            worker.kill()
            worker.wait(10)
            self.kills += 1
        self.workers = [worker for worker in self.workers if worker.returncode is None]

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        """Wait until a condition holds. No worker may end before that."""
        deadline = time.monotonic() + LIMIT
        while not condition():
            assert time.monotonic() < deadline, f"{what}: not within {LIMIT} s\n{self.log}"
            assert all(worker.poll() is None for worker in self.workers), self.log
            time.sleep(0.05)

    @property
    def log(self) -> str:
        """The end of what all workers have logged."""
        return (self.folder / "log").read_text("utf-8")[-20_000:]

    def results(self) -> dict[str, Result | None]:
        """Return the recorded result of each job."""
        with closing(JobStore(self.store)) as store:
            return dict(store.results())

    def finished(self, jobs: list[str]) -> bool:
        """Return whether all these jobs have results."""
        results = self.results()
        return all(results.get(job) for job in jobs)

    def queued(self) -> int:
        """Return how many messages the queue has, visible or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=names)["Attributes"]
        return sum(map(int, found.values()))

    def let_pass(self, seconds: float) -> None:
        """Let time pass while no worker runs: the simulator's clock moves forward, what was recorded moves back."""
        self.clock.ahead += seconds
        with closing(sqlite3.connect(self.store, isolation_level=None)) as database:
            database.execute("UPDATE jobs SET began = began - ?, claimed_until = claimed_until - ?", (seconds, seconds))

    def end(self) -> list[int]:
        """End all workers with SIGTERM, and return their exit codes."""
        for worker in self.workers:
            worker.send_signal(signal.SIGTERM)
        return [worker.wait(20) for worker in self.workers]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Servers for ECS and SQS, and no worker yet."""
    clock = Clock()
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    with SimulatorServer(Simulator(now=clock, lag=Lag(visible_after=1, stale_by=1))) as server:
        with server.client() as ecs:
            register(ecs)
        started = Fleet(tmp_path, server, f"http://{host}:{port}", clock)
        try:
            yield started
        finally:
            for worker in started.workers:
                worker.kill()
                worker.wait(10)
            started.sqs.close()
            moto.stop()


def register(ecs: ecskit.Client) -> None:
    """Register the task definition of the jobs."""
    ecs.register_task_definition(
        family="report",
        cpu="256",
        memory="512",
        network_mode="awsvpc",
        requires_compatibilities=["FARGATE"],
        container_definitions=[ContainerDefinition(name="app", image="report:1")],
    )


def launched(events: EmittedEvents) -> dict[str, dict[str, int | None]]:
    """Return the tasks that were ever launched, with their exit codes, by the job that started them."""
    tasks: dict[str, dict[str, int | None]] = defaultdict(dict)
    for detail in sorted((event["detail"] for event in events.take()), key=lambda detail: detail["version"]):
        tasks[detail["startedBy"]][detail["taskArn"]] = detail["containers"][0].get("exitCode")
    return tasks


@pytest.mark.timeout(LIMIT + 60)
@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_workers_are_killed_at_any_moment(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No job is lost and no task is launched twice. What two hours have made unknowable is parked and reported."""
    simulator, dice = fleet.simulator, fleet.dice
    events = simulator.emit_events()
    short = [task(dice.uniform(0.1, 2), dice.choice([0, 0, 0, 3])) for _ in range(JOBS - len(LATE))]
    simulator.script("report", [*short, task(30), task(3 * 3600)])
    lost = [Fault.reset(), Fault.reset(after_effect=True), Fault.server_error(after_effect=True)]
    simulator.misbehave(rate=0.5, operations=["RunTask"], faults=[Fault.no_capacity(), Fault.no_capacity(), *lost])

    # Workers are killed one by one. All that they leave behind can be known.
    jobs = [f"job-{number}" for number in range(len(short))]
    fleet.send(*jobs, *dice.sample(jobs, len(jobs) // 10))  # a producer may send twice
    fleet.start()
    fleet.wait_for(simulator.tasks, "the first task")
    for ended in sorted(dice.sample(range(len(jobs) * 3 // 4), KILLS - WORKERS)):
        fleet.wait_for(lambda: sum(map(bool, fleet.results().values())) >= ended, f"{ended} results")  # noqa: B023
        time.sleep(dice.uniform(0, 0.5))
        fleet.kill()
        fleet.start()
    fleet.wait_for(lambda: fleet.finished(jobs), "the results of the first jobs")

    # All are killed, two of them before they get the response to a launch. For two hours no worker runs.
    for fault in (Fault.timeout(after_effect=True), Fault.timeout()):
        simulator.fail("RunTask", fault)
    fleet.send(*LATE[:2])
    fleet.wait_for(lambda: len(unanswered(simulator)) == 2, "two launches without a response")
    fleet.send(*LATE[2:])
    fleet.wait_for(lambda: len(simulator.tasks()) == JOBS - 1, "the tasks of the other jobs")
    fleet.kill(everyone=True)
    fleet.let_pass(2 * 3600)
    fleet.send(*dice.sample(jobs, 3))
    fleet.start()
    fleet.wait_for(lambda: fleet.finished(LATE[:2]), "the results of what cannot be known")
    fleet.clock.ahead += 3600 + 60
    fleet.wait_for(lambda: fleet.finished(jobs + LATE), "all results")
    fleet.wait_for(lambda: not fleet.queued(), "an empty queue")
    assert fleet.end() == [0] * WORKERS, fleet.log

    results, tasks = fleet.results(), launched(events)
    assert (sorted(results), fleet.kills >= KILLS) == (sorted(jobs + LATE), True)
    assert {job: len(arns) for job, arns in tasks.items() if len(arns) > 1} == {}
    assert {job for job, result in results.items() if result and result.state == "unknown"} == set(LATE[:2])
    assert sorted(len(tasks[job]) for job in LATE[:2]) == [0, 1]
    for job in jobs + LATE[2:]:
        [exit_code], result = tasks[job].values(), results[job]
        assert result is not None
        assert (result.state, result.exit_code) == ("failed" if exit_code else "succeeded", exit_code)
    assert [call for call in simulator.calls if call.fault and call.fault.shortage], "no launch lacked capacity"

    monkeypatch.setattr(sys, "argv", ["fleet", "report", "--store", str(fleet.store)])
    assert main() == 1
    *lines, counts = capsys.readouterr().out.splitlines()
    reported = re.compile(r"unknown (late-\d): attempt 1 began 120 minutes ago, and ECS shows no task of it")
    assert LATE[:2] == [found[1] for line in lines if (found := reported.fullmatch(line))]
    assert re.fullmatch(r"(\d+ failed, )?\d+ succeeded, 2 unknown", counts)
    print(f"{counts}; {fleet.kills} kills")


def task(seconds: float, exit_code: int = 0) -> TaskScript:
    """Return the script of a task that runs for some seconds."""
    return attrs.evolve(TaskScript.exits(exit_code, after=seconds), time_to_start=0.3, time_to_stop=0.2)


def unanswered(simulator: Simulator) -> list[str]:
    """Return the jobs whose launch got no response."""
    return [call.request["startedBy"] for call in simulator.calls if call.code == "timeout"]
