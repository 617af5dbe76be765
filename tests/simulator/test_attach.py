from __future__ import annotations

import sys
from importlib.machinery import BuiltinImporter
from typing import Any

import boto3
import botocore.session
import pytest
from aiobotocore.session import AioSession
from botocore.config import Config
from botocore.exceptions import ClientError

from ecskit import AsyncClient, Client
from ecskit._simulator.operations import TABLE
from ecskit.errors import MissingExtraError
from ecskit.models import AwsVpcConfiguration
from ecskit.testing import SimulatedError, Simulator, SimulatorBug, TaskScript, attach, attach_async

from .support import ARN, World

KEYS: dict[str, Any] = {
    "aws_access_key_id": "a",
    "aws_secret_access_key": "b",
    "region_name": "us-east-1",
    "endpoint_url": "http://simulator.invalid",
    "config": Config(retries={"total_max_attempts": 1}),
}
DEFAULT = [f"{ARN}cluster/default"]


def client(**options: Any) -> Any:
    """Return a boto3 client; its methods are made at run time."""
    return boto3.client("ecs", **{**KEYS, **options})


def test_a_client_talks_to_the_simulator(world: World) -> None:
    """An attached client gets answers, types and metadata as from ECS, without a socket."""
    ecs = client()
    attach(ecs, world.sim)
    definition = ecs.register_task_definition(
        family="web", containerDefinitions=[{"name": "app", "image": "i", "memory": 4}]
    )
    assert definition["taskDefinition"]["registeredAt"].timestamp() == world.clock()
    assert definition["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert len(definition["ResponseMetadata"]["RequestId"]) == 36
    assert [call.operation for call in world.sim.calls] == ["RegisterTaskDefinition"]


def test_errors_are_botocores(world: World) -> None:
    """An error answer is botocore's typed exception, with its further members."""
    ecs = client()
    attach(ecs, world.sim)
    with pytest.raises(ecs.exceptions.ClusterNotFoundException, match="Cluster not found"):
        ecs.list_tasks(cluster="nope")
    world.sim.fail("RunTask", SimulatedError("ConflictException", "Token was used.", details={"resourceIds": ["arn"]}))
    with pytest.raises(ecs.exceptions.ConflictException) as caught:
        ecs.run_task(taskDefinition="web")
    assert caught.value.response["resourceIds"] == ["arn"]


def test_sessions_pass_the_simulator_on(world: World) -> None:
    """Clients made from an attached session are attached, for botocore and boto3."""
    session = botocore.session.Session()
    attach(session, world.sim)
    ecs: Any = session.create_client("ecs", **KEYS)
    assert ecs.list_clusters()["clusterArns"] == DEFAULT
    boto = boto3.Session()
    attach(boto, world.sim)
    ecs = boto.client("ecs", **KEYS)
    assert ecs.list_clusters()["clusterArns"] == DEFAULT


def test_real_retries_meet_injected_faults(world: World) -> None:
    """botocore's own retries see the faults: after one, the second attempt succeeds."""
    ecs = client(config=Config(retries={"total_max_attempts": 2, "mode": "standard"}))
    attach(ecs, world.sim)
    world.sim.fail("ListClusters", SimulatedError("ServerException", "Try again.", 500))
    answer = ecs.list_clusters()
    assert answer["ResponseMetadata"]["RetryAttempts"] == 1
    assert [call.status for call in world.sim.calls] == [500, 200]


def test_detaching_gives_the_network_back(world: World) -> None:
    """After detach, the client's requests no longer reach the simulator."""
    ecs = client()
    attach(ecs, world.sim).detach()
    with pytest.raises(Exception, match=r"simulator\.invalid"):
        ecs.list_clusters()
    assert world.sim.calls == []


def test_a_bug_reaches_the_caller(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect of the simulator is raised by the client call."""
    monkeypatch.setitem(TABLE, "ListTasks", lambda *_: {"taskArns": 1})
    ecs = client()
    attach(ecs, world.sim)
    with pytest.raises(SimulatorBug):
        ecs.list_tasks()


def test_only_what_has_events_can_be_attached(world: World) -> None:
    """A target without events is refused."""
    with pytest.raises(TypeError, match="str"):
        attach("client", world.sim)


async def test_an_async_client_talks_to_the_simulator(world: World) -> None:
    """An attached aiobotocore client gets answers, pages and errors."""
    async with AioSession().create_client("ecs", **KEYS) as ecs:
        attached = attach_async(ecs, world.sim)
        for name in ("a", "b"):
            await ecs.create_cluster(clusterName=name)
        pages = ecs.get_paginator("list_clusters").paginate(PaginationConfig={"PageSize": 1})
        assert [page["clusterArns"] async for page in pages] == [
            [f"{ARN}cluster/{name}"] for name in ("a", "b", "default")
        ]
        with pytest.raises(ClientError, match="InvalidParameterException"):
            await ecs.create_service(serviceName="web")
        attached.detach()
        with pytest.raises(Exception, match=r"simulator\.invalid"):
            await ecs.list_clusters()


def test_attaching_async_names_the_extra_it_needs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without aiobotocore the error names the extra; other missing modules raise their own error."""
    for name in [name for name in sys.modules if name.split(".")[0] == "aiobotocore"]:
        monkeypatch.delitem(sys.modules, name)
    with monkeypatch.context() as without:
        without.setattr(sys, "meta_path", [BuiltinImporter])  # finds nothing that is installed
        with pytest.raises(MissingExtraError, match=r"attach_async needs .* pip install 'ecskit\[async\]'"):
            attach_async("client", world.sim)
    monkeypatch.setitem(sys.modules, "aiobotocore.awsrequest", None)
    with pytest.raises(ModuleNotFoundError) as caught:
        attach_async("client", world.sim)
    assert not isinstance(caught.value, MissingExtraError)


async def test_an_async_session_passes_the_simulator_on(world: World) -> None:
    """Clients made from an attached aiobotocore session are attached."""
    session = AioSession()
    attach_async(session, world.sim)
    async with session.create_client("ecs", **KEYS) as ecs:
        assert (await ecs.list_clusters())["clusterArns"] == DEFAULT


JOB: dict[str, Any] = {
    "family": "job",
    "networkMode": "awsvpc",
    "cpu": "256",
    "memory": "512",
    "requiresCompatibilities": ["FARGATE"],
    "containerDefinitions": [{"name": "app", "image": "job:1"}],
}
HOUR = TaskScript.exits(0, after=3600)


def runs_for_an_hour(ecs: Any) -> Any:
    """Return what `run_to_completion` of a task of an hour returns."""
    network = AwsVpcConfiguration(subnets=["subnet-1"])
    return ecs.tasks.run_to_completion("job", launch_type="FARGATE", network=network, timeout=7200)


def test_clients_that_are_made_after_attaching_wait_on_the_virtual_clock() -> None:
    """A wrapped client, and one with the session; so an hour of a task takes no time."""
    simulator, session = Simulator(), boto3.Session("testing", "testing", region_name="us-east-1")
    attach(session, simulator)
    simulator.script("job", HOUR)
    theirs: Any = session.client("ecs")
    theirs.register_task_definition(**JOB)
    with Client.wrap(theirs) as wrapped, Client(session=session) as made:
        assert runs_for_an_hour(wrapped).succeeded
        assert runs_for_an_hour(made).succeeded
        assert runs_for_an_hour(made.with_options(region_name="eu-west-1")).succeeded
    assert simulator.clock.now() > 3 * 3600


async def test_async_clients_do_so_too() -> None:
    """The same with aiobotocore."""
    simulator, session = Simulator(), AioSession()
    session.set_credentials("testing", "testing")
    attach_async(session, simulator)
    simulator.script("job", HOUR)
    async with session.create_client("ecs", region_name="us-east-1") as theirs:
        await theirs.register_task_definition(**JOB)
        async with AsyncClient.wrap(theirs) as wrapped:
            assert (await runs_for_an_hour(wrapped)).succeeded
    async with AsyncClient(session=session, region_name="us-east-1") as made:
        assert (await runs_for_an_hour(made)).succeeded
    assert simulator.clock.now() > 2 * 3600
