"""The same verbs over sockets, with botocore's and aiobotocore's own retries: to the simulator, and to moto."""

from __future__ import annotations

import inspect
import json
import urllib.request
from collections.abc import AsyncIterator, Iterator
from typing import Any

import boto3
import pytest
import pytest_asyncio
from botocore.config import Config
from moto.server import ThreadedMotoServer
from tenacity.wait import wait_fixed

import ecskit
from ecskit import models
from ecskit.errors import TaskFailedError, TasksMissing
from ecskit.testing import Fault, ScaledClock, Simulator, SimulatorServer, TaskScript

from .support import FARGATE, furnished, id_of

REGION = "us-east-1"
QUICK: dict[str, Any] = {"poll": wait_fixed(0.1)}


@pytest.fixture(scope="module", autouse=True)
def _aws_of_nobody() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_CONFIG_FILE", "/dev/null")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        patch.delenv("AWS_PROFILE", raising=False)
        yield


class Client:
    """One face for both clients."""

    def __init__(self, colour: str, url: str, read_timeout: float) -> None:
        kind: Any = ecskit.Client if colour == "sync" else ecskit.AsyncClient
        retries: Any = {"total_max_attempts": 3, "mode": "standard"}
        config = Config(read_timeout=read_timeout, connect_timeout=20, retries=retries)
        self.ecs = kind(region_name=REGION, endpoint_url=url, config=config)

    async def __call__(self, path: str, *arguments: Any, **options: Any) -> Any:
        """Call a verb, such as `tasks.run`, and return its result, or the list of what it yields."""
        verb = self.ecs
        for name in path.split("."):
            verb = getattr(verb, name)
        result = verb(*arguments, **options)
        if hasattr(result, "__anext__"):
            return [item async for item in result]
        result = await result if inspect.isawaitable(result) else result
        return list(result) if hasattr(result, "__next__") else result

    async def close(self) -> None:
        """Close the client."""
        await self.ecs.aclose() if hasattr(self.ecs, "aclose") else self.ecs.close()


@pytest.fixture(params=["sync", "async"])
def colour(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def sim() -> Simulator:
    """A simulator that is served, a hundred times as fast as the wall's clock."""
    return furnished(now=ScaledClock(speed=100))


@pytest_asyncio.fixture
async def ecs(colour: str, sim: Simulator) -> AsyncIterator[Client]:
    """A client of the served simulator."""
    with SimulatorServer(sim) as server:
        client = Client(colour, server.url, 1.0)  # two tests wait for it to be over
        yield client
        await client.close()


def tokens(sim: Simulator) -> list[str]:
    return [call.request["clientToken"] for call in sim.calls if call.operation == "RunTask"]


async def test_run_and_wait(ecs: Client, sim: Simulator) -> None:
    """Twelve tasks in two calls run and stop; each has an outcome."""
    sim.script("job", TaskScript.runs_for(20))
    started = await ecs("tasks.run", "job", count=12, **FARGATE)
    assert 2 == len(set(tokens(sim))) == len(tokens(sim))
    running = await ecs("wait.tasks_started", started, **QUICK)
    outcomes = await ecs("tasks.as_stopped", started, **QUICK)
    assert set(started.task_arns) == {task.task_arn for task in running}
    assert set(started.task_arns) == {outcome.task.task_arn for outcome in outcomes}
    assert {"SUCCEEDED"} == {outcome.kind for outcome in outcomes}


async def test_to_completion(ecs: Client, sim: Simulator) -> None:
    """A success is returned, a failure raised."""
    sim.script("job", [TaskScript.runs_for(5), TaskScript.exits(3, after=5)])
    outcome = await ecs("tasks.run_to_completion", "job", **FARGATE, **QUICK)
    assert ("SUCCEEDED", "task definition") == (outcome.kind, outcome.essential_source)
    with pytest.raises(TaskFailedError, match=r"EXITED with code 3 \(container app"):
        await ecs("tasks.run_to_completion", "job", **FARGATE, **QUICK)


@pytest.mark.parametrize(
    "fault",
    [
        Fault.reset(after_effect=True),
        Fault.timeout(after_effect=True),
        Fault.cut(),
    ],
    ids=lambda fault: fault.loss or fault.error.code,
)
async def test_a_lost_answer(ecs: Client, sim: Simulator, fault: Fault) -> None:
    """One task, whoever has sent the request again; every request has the same token."""
    sim.script("job", TaskScript.runs_for(5))
    sim.fail("RunTask", fault)
    outcome = await ecs("tasks.run_to_completion", "job", **FARGATE, **QUICK)
    assert [outcome.task.task_arn] == [task.arn for task in sim.tasks()]
    assert (2, 1) == (len(tokens(sim)), len(set(tokens(sim))))


async def test_failed_polls(ecs: Client, sim: Simulator) -> None:
    """A reset and a timeout in the middle are no observation."""
    sim.script("job", TaskScript.runs_for(5))
    for fault in (Fault.reset(), Fault.timeout()):
        sim.fail("DescribeTasks", fault)
    assert (await ecs("tasks.run_to_completion", "job", **FARGATE, **QUICK)).succeeded
    assert 1 == len(sim.tasks())


async def test_stop_describe_and_list(ecs: Client, sim: Simulator) -> None:
    """What was started is found, stopped, and found again among those that have stopped."""
    started = await ecs("tasks.run", "job", count=3, **FARGATE)
    found = await ecs("tasks.iter", family="job")
    assert set(started.task_arns) == {task.task_arn for task in found}
    stopped = await ecs("tasks.stop", started, reason="enough", **QUICK)
    assert started.task_arns == [task.task_arn for task in stopped]
    assert ["enough"] * 3 == [task.stopped_reason for task in await ecs("tasks.describe", started)]
    assert 3 == len(await ecs("tasks.iter", desired_status="ANY"))
    with pytest.raises(TasksMissing, match="1 of 2 tasks in cluster 'default': ffff"):
        await ecs("tasks.describe", ["f" * 32, id_of(started.task_arns[0])], cluster="default")
    assert {"STOPPED"} == {task.last_status for task in sim.tasks()}


# moto


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def post(url: str, body: Any = None) -> None:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request) as response:
        response.read()


@pytest.fixture
def arguments(moto_url: str) -> Iterator[dict[str, Any]]:
    """A fresh moto in which each poll moves tasks one step, with what a task needs to run."""
    post(f"{moto_url}/moto-api/reset")
    steps = {"model_name": "ecs::task", "transition": {"progression": "manual", "times": 1}}
    post(f"{moto_url}/moto-api/state-manager/set-transition", steps)
    ec2: Any = boto3.client("ec2", region_name=REGION, endpoint_url=moto_url)
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    ec2.close()
    network = models.AwsVpcConfiguration(subnets=[subnet], security_groups=[group])
    yield {"cluster": "prod", "launch_type": "FARGATE", "network": network}
    post(f"{moto_url}/moto-api/state-manager/unset-transition", {"model_name": "ecs::task"})


@pytest_asyncio.fixture
async def moto(colour: str, moto_url: str, arguments: dict[str, Any]) -> AsyncIterator[Client]:  # noqa: ARG001  # after the reset
    """A client of moto, with a cluster and a family in it."""
    client = Client(colour, moto_url, 20.0)  # moto starts tasks again if RunTask is repeated
    await client("create_cluster", cluster_name="prod")
    await client(
        "register_task_definition",
        family="job",
        container_definitions=[models.ContainerDefinition(name="app", image="image:1", memory=128, essential=True)],
        network_mode="awsvpc",
        requires_compatibilities=["FARGATE"],
        cpu="256",
        memory="512",
    )
    yield client
    await client.close()


async def test_moto_run_and_wait(moto: Client, arguments: dict[str, Any]) -> None:
    """Another one's opinion of RunTask, DescribeTasks and ListTasks."""
    started = await moto("tasks.run", "job", count=12, started_by="me", tags={"k": "v"}, **arguments)
    assert (12, True) == (len(set(started.task_arns)), started.complete)
    listed = await moto("tasks.iter", cluster="prod", started_by="me")
    assert set(started.task_arns) == {task.task_arn for task in listed}
    tasks = await moto("wait.tasks_stopped", started, **QUICK)
    assert started.task_arns == [task.task_arn for task in tasks]


async def test_moto_to_completion(moto: Client, arguments: dict[str, Any]) -> None:
    """The exit codes of moto's containers count; the container to override is read from the definition."""
    outcome = await moto("tasks.run_to_completion", "job", command=["x"], **arguments, **QUICK)
    assert ("SUCCEEDED", {"app": 0}, "task definition") == (outcome.kind, outcome.exit_codes, outcome.essential_source)


async def test_moto_stop(moto: Client, arguments: dict[str, Any]) -> None:
    """One StopTask, then a wait."""
    started = await moto("tasks.run", "job", count=2, **arguments)
    stopped = await moto("tasks.stop", started, reason="enough", until="requested")
    assert ["STOPPED"] * 2 == [task.desired_status for task in stopped]
    assert ["enough"] * 2 == [task.stopped_reason for task in await moto("wait.tasks_stopped", stopped, **QUICK)]
