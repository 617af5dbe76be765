from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.config import Config
from botocore.exceptions import ClientError
from support.definitions import NETWORK

from ecskit._simulator.operations import TABLE
from ecskit.models import AwsVpcConfiguration, NetworkConfiguration
from ecskit.testing import (
    Fault,
    LostAnswerError,
    ScaledClock,
    SimulatedError,
    Simulator,
    SimulatorBug,
    SimulatorServer,
    TaskScript,
)
from ecskit.testing.__main__ import main, parser, simulator_of

from .support import NOON, ManualClock, World

TARGET = "AmazonEC2ContainerServiceV20141113."
KEYS: dict[str, Any] = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
DEFINITION: dict[str, Any] = {
    "family": "web",
    "requiresCompatibilities": ["FARGATE"],
    "networkMode": "awsvpc",
    "cpu": "256",
    "memory": "512",
    "containerDefinitions": [{"name": "app", "image": "app:1"}],
}
LAUNCH: dict[str, Any] = {
    "launch_type": "FARGATE",
    "network": NetworkConfiguration(awsvpc_configuration=AwsVpcConfiguration(subnets=["subnet-1"])),
}
"""For methods of ecskit. At a thousand times the speed, their time limits are too short for a busy machine."""
RUN: dict[str, Any] = {"taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": NETWORK}


def client(url: str) -> Any:
    return boto3.client("ecs", endpoint_url=url, **KEYS)


def test_botocores_waiters_pass_over_http() -> None:
    """A real client registers, runs, waits, stops and waits, at a thousand times the speed of the wall clock."""
    with SimulatorServer(speed=1000) as server:
        ecs = client(server.url)
        ecs.register_task_definition(**DEFINITION)
        (task,) = ecs.run_task(**RUN)["tasks"]
        quick = {"Delay": 0.01, "MaxAttempts": 500}
        ecs.get_waiter("tasks_running").wait(tasks=[task["taskArn"]], WaiterConfig=quick)
        ecs.stop_task(task=task["taskArn"])
        ecs.get_waiter("tasks_stopped").wait(tasks=[task["taskArn"]], WaiterConfig=quick)
        (stopped,) = ecs.describe_tasks(tasks=[task["taskArn"]])["tasks"]
        ecs.close()
    assert stopped["containers"][0]["exitCode"] == 143
    assert stopped["createdAt"] < stopped["startedAt"] < stopped["stoppedAt"]


NOT_FOR_THE_SIMULATOR = {
    "AWS_PROFILE": "nonsense",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_MAX_ATTEMPTS": "1",
    "HTTP_PROXY": "http://127.0.0.1:9",
}
"""An environment that would keep a client from its server."""


def test_a_server_has_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """They need no arguments and read no environment. They retry, and their waits run at the speed of the server."""
    for name, value in NOT_FOR_THE_SIMULATOR.items():
        monkeypatch.setenv(name, value)
    with SimulatorServer(Simulator(now=ScaledClock(speed=1000), region="eu-west-1")) as server, server.client() as ecs:
        server.simulator.handle("RegisterTaskDefinition", DEFINITION)
        server.simulator.script("web", TaskScript.exits(0, after=300))
        server.simulator.fail("RunTask", Fault.reset(after_effect=True))
        began = time.monotonic()
        outcome = ecs.tasks.run_to_completion("web", timeout=None, **LAUNCH)
        assert (outcome.exit_code, outcome.task.task_arn.split(":")[3]) == (0, "eu-west-1")
        assert time.monotonic() - began < 60
        assert [call.operation for call in server.simulator.calls][1:3] == ["RunTask", "RunTask"]


async def test_a_server_has_async_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are as the sync ones."""
    for name, value in NOT_FOR_THE_SIMULATOR.items():
        monkeypatch.setenv(name, value)
    with SimulatorServer(speed=1000) as server:
        async with server.async_client() as ecs:
            server.simulator.handle("RegisterTaskDefinition", DEFINITION)
            server.simulator.script("web", TaskScript.exits(0, after=300))
            server.simulator.fail("RunTask", Fault.reset(after_effect=True))
            outcome = await ecs.tasks.run_to_completion("web", timeout=None, **LAUNCH)
    assert outcome.exit_code == 0


def test_clients_of_a_server_move_the_clock_of_a_given_simulator() -> None:
    """Five minutes of its virtual time pass at once."""
    with SimulatorServer(Simulator()) as server, server.client() as ecs:
        server.simulator.handle("RegisterTaskDefinition", DEFINITION)
        server.simulator.script("web", TaskScript.exits(0, after=300))
        ecs.tasks.run_to_completion("web", **LAUNCH)
        assert server.simulator.clock.now() > 300


async def test_aiobotocore_over_http() -> None:
    """An async client works with the server, and gets its errors."""
    with SimulatorServer(speed=1000) as server:
        async with AioSession().create_client("ecs", endpoint_url=server.url, **KEYS) as ecs:
            await ecs.register_task_definition(**DEFINITION)
            (task,) = (await ecs.run_task(**RUN))["tasks"]
            assert (await ecs.list_tasks())["taskArns"] == [task["taskArn"]]
            with pytest.raises(ClientError, match="Cluster not found"):
                await ecs.list_tasks(cluster="nope")


def test_a_given_simulator_is_served(world: World) -> None:
    """A server can serve an existing simulator with its own clock and scripts."""
    world.sim.script("web", TaskScript(time_to_start=5))
    with SimulatorServer(world.sim) as server:
        ecs = client(server.url)
        ecs.register_task_definition(**DEFINITION)
        (task,) = ecs.run_task(**RUN)["tasks"]
        world.pass_(5)
        (running,) = ecs.describe_tasks(tasks=[task["taskArn"]])["tasks"]
        ecs.close()
    assert running["lastStatus"] == "RUNNING"
    assert [call.operation for call in world.sim.calls] == ["RegisterTaskDefinition", "RunTask", "DescribeTasks"]


def post(connection: http.client.HTTPConnection, operation: str, body: bytes) -> tuple[int, dict[str, Any]]:
    connection.request("POST", "/", body, {"X-Amz-Target": TARGET + operation})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def test_a_connection_is_kept(world: World) -> None:
    """Several requests, including errors, use one connection."""
    with SimulatorServer(world.sim) as server:
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
        assert post(connection, "ListTasks", b"{}") == (200, {"taskArns": []})
        socket = connection.sock
        assert post(connection, "CreateService", b"{}")[0] == 400
        assert post(connection, "ListTasks", b"{")[0] == 400
        assert connection.sock is socket
        connection.close()


def test_a_bug_is_not_sent_but_raised(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that violates the service model is not sent; the error is raised when the server closes."""
    monkeypatch.setitem(TABLE, "ListTasks", lambda *_: {"taskArns": 1})
    server = SimulatorServer(world.sim)
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
    with pytest.raises(http.client.RemoteDisconnected):
        post(connection, "ListTasks", b"{}")
    connection.close()
    with pytest.raises(SimulatorBug, match="ListTasks"):
        server.close()
    server.close()


def test_closing_cuts_connections(world: World) -> None:
    """After the server is closed, a kept connection gets no answers."""
    with SimulatorServer(world.sim) as server:
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=5)
        post(connection, "ListTasks", b"{}")
    with pytest.raises((http.client.HTTPException, OSError)):
        post(connection, "ListTasks", b"{}")
    connection.close()


def test_a_scaled_clock() -> None:
    """The clock runs `speed` times as fast as real time, from the given start."""
    outside = ManualClock()
    clock = ScaledClock(speed=10, start=50, monotonic=outside)
    assert clock() == 50
    outside.pass_(2)
    assert clock() == 70
    assert ScaledClock()() > NOON
    with pytest.raises(ValueError, match="speed"):
        ScaledClock(speed=0)


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_line(number: signal.Signals) -> None:
    """The module prints its URL, serves with the given options, and ends on a signal."""
    arguments = ["--speed", "100", "--seed", "7", "--lag", "5000", "--region", "eu-west-1"]
    command = [sys.executable, "-m", "ecskit.testing", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        ecs = client(url)
        ecs.register_task_definition(**DEFINITION)
        arn = ecs.run_task(**RUN)["tasks"][0]["taskArn"]
        hidden = ecs.describe_tasks(tasks=[arn])["failures"]
        ecs.close()
        process.send_signal(number)
        assert process.wait(timeout=10) == 0
    assert arn.startswith("arn:aws:ecs:eu-west-1:")
    assert [failure["reason"] for failure in hidden] == ["MISSING"]


def test_the_options_make_the_simulator() -> None:
    """The simulator has the speed and the lag of the command line: 0.6 real seconds are 60 simulated ones."""
    outside = ManualClock()
    sim = simulator_of(parser().parse_args(["--speed", "100", "--lag", "50"]), outside)
    sim.handle("RegisterTaskDefinition", DEFINITION)
    arn = sim.handle("RunTask", RUN)["tasks"][0]["taskArn"]
    hidden = sim.handle("DescribeTasks", {"tasks": [arn]})["failures"]
    outside.pass_(0.6)
    seen = sim.handle("DescribeTasks", {"tasks": [arn]})["tasks"]
    assert [failure["reason"] for failure in hidden] == ["MISSING"]
    assert [task["lastStatus"] for task in seen] == ["RUNNING"]


def test_the_options_make_it_fail() -> None:
    """By default every request succeeds; `--misbehave` and `--throttle` add faults and quotas."""
    plain = simulator_of(parser().parse_args([]), ManualClock())
    for _ in range(100):
        plain.handle("ListClusters", {})
    unlucky = simulator_of(parser().parse_args(["--misbehave", "1"]), ManualClock())
    with pytest.raises((SimulatedError, LostAnswerError)):
        unlucky.handle("ListClusters", {})
    busy = simulator_of(parser().parse_args(["--throttle"]), ManualClock())
    with pytest.raises(SimulatedError, match="ThrottlingException"):
        for _ in range(100):
            busy.handle("ListClusters", {})


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--speed", "0"),
        ("--speed", "nan"),
        ("--speed", "fast"),
        ("--lag", "-1"),
        ("--stale", "-0.5"),
        ("--misbehave", "1.5"),
        ("--port", "99999"),
        ("--port", "-1"),
        ("--port", "http"),
    ],
)
def test_options_out_of_bounds_are_refused(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A bad value ends the program with usage, the name of the option, and exit code 2."""
    with pytest.raises(SystemExit) as caught:
        main([option, value])
    assert caught.value.code == 2
    output = capsys.readouterr().err
    assert f"argument {option}: must " in output
    assert value in output


@pytest.mark.parametrize("fault", [Fault.reset(), Fault.reset(after_effect=True)])
def test_a_reset_closes_the_connection(world: World, fault: Fault) -> None:
    """The connection ends without an answer, and the next one works."""
    world.sim.fail("CreateCluster", fault)
    with SimulatorServer(world.sim) as server:
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
        with pytest.raises(http.client.RemoteDisconnected):
            post(connection, "CreateCluster", b'{"clusterName": "a"}')
        status, answer = post(connection, "ListClusters", b"{}")
        connection.close()
    assert (200, 1 + fault.after_effect) == (status, len(answer["clusterArns"]))


def test_a_cut_answer_ends_in_its_middle(world: World) -> None:
    """The Content-Length is larger than the body that arrives."""
    world.sim.fail("ListClusters", Fault.cut())
    with SimulatorServer(world.sim) as server:
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
        with pytest.raises(http.client.IncompleteRead):
            post(connection, "ListClusters", b"{}")
        connection.close()


def test_an_answer_that_does_not_come(world: World) -> None:
    """The client waits until its own timeout or until the server closes; the request is recorded at once."""
    world.sim.fail("ListClusters", Fault.timeout(), times=2)
    server = SimulatorServer(world.sim)
    impatient = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=0.05)
    with pytest.raises(TimeoutError):
        post(impatient, "ListClusters", b"{}")
    impatient.close()
    patient = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    patient.request("POST", "/", b"{}", {"X-Amz-Target": TARGET + "ListClusters"})
    while len(world.sim.calls) < 2:
        pass
    server.close()
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        patient.getresponse()
    patient.close()
    assert ["timeout", "timeout"] == [call.code for call in world.sim.calls]


async def test_both_clients_retry_over_http(world: World) -> None:
    """botocore and aiobotocore retry after a closed connection, and launch one task each."""
    retries: Any = {"total_max_attempts": 2, "mode": "standard"}
    config, aio_config = Config(retries=retries), AioConfig(retries=retries)
    with SimulatorServer(world.sim) as server:
        ecs: Any = boto3.client("ecs", endpoint_url=server.url, config=config, **KEYS)
        ecs.register_task_definition(**DEFINITION)
        world.sim.fail("RunTask", Fault.reset(after_effect=True))
        sync = ecs.run_task(**RUN)["tasks"]
        ecs.close()
        async with AioSession().create_client("ecs", endpoint_url=server.url, config=aio_config, **KEYS) as aio:
            world.sim.fail("RunTask", Fault.reset(after_effect=True))
            other = (await aio.run_task(**RUN))["tasks"]
    assert [task["taskArn"] for task in (*sync, *other)] == [state.arn for state in world.sim.tasks()]
