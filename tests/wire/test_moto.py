"""Sequences of requests to moto's server, through both transports: an independent implementation of ECS."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import attrs
import boto3
import pytest
import pytest_asyncio
from botocore.config import Config
from moto.server import ThreadedMotoServer

from ecskit import errors, models

from .support import REGION, Caller, drained

pytestmark = pytest.mark.asyncio(loop_scope="module")

WEB = models.ContainerDefinition(
    name="web",
    image="nginx",
    memory=128,
    cpu=64,
    essential=True,
    environment=[models.KeyValuePair(name="MODE", value="production")],
    port_mappings=[models.PortMapping(container_port=80, protocol="tcp")],
    docker_labels={"team": "web"},
)


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # hundreds of images, made again after each reset
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(colour: str, moto_url: str) -> AsyncIterator[Caller]:
    # moto answers 500 to what it does not know; nothing gets better by asking again.
    config = Config(retries={"total_max_attempts": 1})
    caller = Caller.open(colour, region_name=REGION, endpoint_url=moto_url, config=config)
    yield caller
    await caller.close()


@pytest.fixture
def ecs(shared: Caller, moto_url: str) -> Caller:
    """A client that talks to a moto without a past."""
    post(f"{moto_url}/moto-api/reset")
    return shared


@attrs.frozen
class Machines:
    """What ECS needs of EC2."""

    network: models.NetworkConfiguration
    identity: str
    """Identity document of an instance."""


@pytest.fixture
def machines(ecs: Caller, moto_url: str) -> Machines:  # noqa: ARG001  # after moto was reset
    ec2: Any = boto3.client("ec2", region_name=REGION, endpoint_url=moto_url)
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    instance = ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    ec2.close()
    vpc = models.AwsVpcConfiguration(subnets=[subnet], security_groups=[group])
    return Machines(models.NetworkConfiguration(awsvpc_configuration=vpc), json.dumps({"instanceId": instance}))


def post(url: str, body: Any = None) -> None:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request) as response:
        response.read()


async def registered(ecs: Caller, family: str = "web") -> models.TaskDefinition:
    response = await ecs.call(
        "register_task_definition",
        family=family,
        container_definitions=[WEB],
        network_mode="awsvpc",
        requires_compatibilities=["FARGATE"],
        cpu="256",
        memory="512",
    )
    found: models.TaskDefinition = response.task_definition
    return found


def recent(moment: datetime | None) -> bool:
    assert moment is not None
    assert moment.tzinfo is timezone.utc
    return abs(datetime.now(timezone.utc) - moment) < timedelta(minutes=1)


async def test_clusters(ecs: Caller) -> None:
    """Create, describe, list, update and delete clusters; what is not there is a failure beside what is."""
    created = (
        await ecs.call("create_cluster", cluster_name="prod", tags=[models.Tag(key="env", value="prod")])
    ).cluster
    await ecs.call("create_cluster")
    assert ("prod", "ACTIVE", 0) == (created.cluster_name, created.status, created.running_tasks_count)
    assert created.cluster_arn.endswith(":cluster/prod")
    assert {"prod", "default"} == {arn.rsplit("/")[-1] for arn in await drained(ecs.paginate("list_clusters"))}
    described = await ecs.call("describe_clusters", clusters=["prod", "nowhere"], include=["TAGS"])
    assert [created.cluster_arn] == [cluster.cluster_arn for cluster in described.clusters]
    assert [models.Tag(key="env", value="prod")] == described.clusters[0].tags
    assert ["MISSING"] == [failure.reason for failure in described.failures]
    settings = [models.ClusterSetting(name="containerInsights", value="enabled")]
    assert settings == (await ecs.call("update_cluster", cluster="prod", settings=settings)).cluster.settings
    put = await ecs.call(
        "put_cluster_capacity_providers",
        cluster="prod",
        capacity_providers=["FARGATE"],
        default_capacity_provider_strategy=[models.CapacityProviderStrategyItem(capacity_provider="FARGATE", weight=1)],
    )
    assert ["FARGATE"] == put.cluster.capacity_providers
    assert 1 == put.cluster.default_capacity_provider_strategy[0].weight
    assert "INACTIVE" == (await ecs.call("delete_cluster", cluster="prod")).cluster.status


async def test_a_missing_cluster_is_an_error(ecs: Caller) -> None:
    """The error has ECS's own name, and what moto says."""
    with pytest.raises(errors.ClusterNotFoundException) as caught:
        await ecs.call("list_tasks", cluster="nowhere")
    assert ("ListTasks", 400, "Cluster not found.") == (
        caught.value.operation,
        caught.value.http_status,
        caught.value.message,
    )


async def test_task_definitions(ecs: Caller) -> None:
    """Register revisions, find them again, deregister and delete them."""
    first, second = await registered(ecs), await registered(ecs)
    assert [("web", 1, "ACTIVE"), ("web", 2, "ACTIVE")] == [(d.family, d.revision, d.status) for d in (first, second)]
    container = first.container_definitions[0]
    assert (WEB.environment, WEB.docker_labels, 128) == (
        container.environment,
        container.docker_labels,
        container.memory,
    )
    described = await ecs.call("describe_task_definition", task_definition="web")
    assert second.task_definition_arn == described.task_definition.task_definition_arn
    arns = [first.task_definition_arn, second.task_definition_arn]
    assert arns == await drained(ecs.paginate("list_task_definitions", family_prefix="web"))
    assert ["web"] == await drained(ecs.paginate("list_task_definition_families"))
    gone = (await ecs.call("deregister_task_definition", task_definition="web:1")).task_definition
    assert "INACTIVE" == gone.status
    deleted = await ecs.call("delete_task_definitions", task_definitions=["web:1"])
    assert ["DELETE_IN_PROGRESS"] == [definition.status for definition in deleted.task_definitions]
    with pytest.raises(errors.ClientException):
        await ecs.call("describe_task_definition", task_definition="nothing")


async def test_tasks(ecs: Caller, machines: Machines) -> None:
    """Run tasks on Fargate, follow them, stop them."""
    await ecs.call("create_cluster", cluster_name="prod")
    await registered(ecs)
    ran = await ecs.call(
        "run_task",
        cluster="prod",
        task_definition="web",
        count=2,
        launch_type="FARGATE",
        started_by="me",
        tags=[models.Tag(key="k", value="v")],
        network_configuration=machines.network,
    )
    arns = [task.task_arn for task in ran.tasks]
    assert (2, 64 >= len(ran.metadata.client_token) > 0) == (len(set(arns)), True)
    assert set(arns) == set(await drained(ecs.paginate("list_tasks", cluster="prod", started_by="me")))
    described = await ecs.call("describe_tasks", cluster="prod", tasks=arns, include=["TAGS"])
    assert ["FARGATE", "FARGATE"] == [task.launch_type for task in described.tasks]
    assert [models.Tag(key="k", value="v")] == described.tasks[0].tags
    stopped = (await ecs.call("stop_task", cluster="prod", task=arns[0], reason="enough")).task
    assert ("STOPPED", "enough") == (stopped.desired_status, stopped.stopped_reason)
    with pytest.raises(errors.InvalidParameterException, match="Tasks cannot be empty"):
        await ecs.call("describe_tasks", cluster="prod", tasks=[])


async def test_a_task_runs_and_stops(ecs: Caller, moto_url: str, machines: Machines) -> None:
    """As moto takes a task through its states, so they are reported."""
    post(
        f"{moto_url}/moto-api/state-manager/set-transition",
        {"model_name": "ecs::task", "transition": {"progression": "manual", "times": 1}},
    )
    await ecs.call("create_cluster")
    await registered(ecs)
    arn = (
        (
            await ecs.call(
                "run_task", task_definition="web", launch_type="FARGATE", network_configuration=machines.network
            )
        )
        .tasks[0]
        .task_arn
    )
    seen = [(await ecs.call("describe_tasks", tasks=[arn])).tasks[0].last_status for _ in range(4)]
    post(f"{moto_url}/moto-api/state-manager/unset-transition", {"model_name": "ecs::task"})
    assert ["DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"] == seen


async def test_services(ecs: Caller) -> None:
    """Create, describe, scale, list and delete a service; what was deleted may be gone for good."""
    await ecs.call("create_cluster")
    definition = await registered(ecs)
    created = (
        await ecs.call(
            "create_service",
            service_name="web",
            task_definition="web",
            desired_count=2,
            launch_type="FARGATE",
            tags=[models.Tag(key="k", value="v")],
        )
    ).service
    assert ("web", "ACTIVE", 2, definition.task_definition_arn) == (
        created.service_name,
        created.status,
        created.desired_count,
        created.task_definition,
    )
    assert recent(created.deployments[0].created_at)
    assert "PRIMARY" == created.deployments[0].status
    assert [created.service_arn] == await drained(ecs.paginate("list_services"))
    described = await ecs.call("describe_services", services=["web", "nothing"], include=["TAGS"])
    assert (["web"], ["MISSING"]) == (
        [service.service_name for service in described.services],
        [failure.reason for failure in described.failures],
    )
    assert [models.Tag(key="k", value="v")] == described.services[0].tags
    assert 5 == (await ecs.call("update_service", service="web", desired_count=5)).service.desired_count
    with pytest.raises(errors.InvalidParameterException, match="cannot be stopped while"):
        await ecs.call("delete_service", service="web")
    await ecs.call("update_service", service="web", desired_count=0)
    assert "web" == (await ecs.call("delete_service", service="web")).service.service_name
    with pytest.raises((errors.ServiceNotFoundException, errors.ServiceNotActiveException)):
        await ecs.call("update_service", service="nothing", desired_count=1)


async def test_task_sets(ecs: Caller) -> None:
    """A service with an external deployment controller, and its task sets."""
    await ecs.call("create_cluster")
    await registered(ecs)
    external = models.DeploymentController(type="EXTERNAL")
    await ecs.call("create_service", service_name="web", desired_count=1, deployment_controller=external)
    where = {"cluster": "default", "service": "web"}
    made = [
        (await ecs.call("create_task_set", **where, task_definition="web", external_id=name)).task_set
        for name in ("blue", "green")
    ]
    assert ["blue", "green"] == [task_set.external_id for task_set in made]
    assert all(task_set.id in task_set.task_set_arn for task_set in made)
    half = models.Scale(value=50.0, unit="PERCENT")
    green = made[1].task_set_arn
    assert half == (await ecs.call("update_task_set", **where, task_set=green, scale=half)).task_set.scale
    assert (
        "PRIMARY"
        == (await ecs.call("update_service_primary_task_set", **where, primary_task_set=green)).task_set.status
    )
    described = await ecs.call("describe_task_sets", **where)
    assert {"blue", "green"} == {task_set.external_id for task_set in described.task_sets}
    deleted = await ecs.call("delete_task_set", **where, task_set=made[0].task_set_arn)
    assert made[0].task_set_arn == deleted.task_set.task_set_arn


async def test_container_instances(ecs: Caller, machines: Machines) -> None:
    """Register an instance, start a task on it, drain it, deregister it."""
    await ecs.call("create_cluster")
    await ecs.call("register_task_definition", family="ec2", container_definitions=[WEB])
    instance = (
        await ecs.call("register_container_instance", instance_identity_document=machines.identity)
    ).container_instance
    assert ("ACTIVE", True) == (instance.status, instance.agent_connected)
    assert json.loads(machines.identity)["instanceId"] == instance.ec2_instance_id
    assert {"CPU", "MEMORY"} <= {resource.name for resource in instance.remaining_resources}
    arn = instance.container_instance_arn
    assert [arn] == await drained(ecs.paginate("list_container_instances"))
    started = await ecs.call("start_task", task_definition="ec2", container_instances=[arn])
    assert [arn] == [task.container_instance_arn for task in started.tasks]
    ran = await ecs.call("run_task", task_definition="ec2")
    assert [arn] == [task.container_instance_arn for task in ran.tasks]
    described = await ecs.call("describe_container_instances", container_instances=[arn, "nothing"])
    assert ([arn], ["MISSING"]) == (
        [one.container_instance_arn for one in described.container_instances],
        [failure.reason for failure in described.failures],
    )
    assert 2 == described.container_instances[0].running_tasks_count
    endpoint = await ecs.call("discover_poll_endpoint")
    assert endpoint.endpoint.startswith("http")


def assert_took_effect(error: errors.MalformedResponseError, first: str) -> None:
    """The error names what is missing, as ECS names it, and that the request took effect: repeating it is no use."""
    assert (first, "is missing") == error.problems[0]
    assert (True, False) == (error.took_effect, error.retryable)
    text = "the request took effect (HTTP 200), but the response is incomplete or has a wrong type: "
    assert str(error).startswith(f"{error.operation}: {text}{error.operation}Response: {first}: is missing")


async def test_what_moto_bends_is_reported(ecs: Caller, machines: Machines) -> None:
    """moto drains and deregisters instances, but answers both with attributes that have no names."""
    await ecs.call("create_cluster")
    instance = (
        await ecs.call("register_container_instance", instance_identity_document=machines.identity)
    ).container_instance
    arn = instance.container_instance_arn
    with pytest.raises(errors.MalformedResponseError) as draining:
        await ecs.call("update_container_instances_state", container_instances=[arn], status="DRAINING")
    assert_took_effect(draining.value, "containerInstances[0].attributes[0].name")
    described = await ecs.call("describe_container_instances", container_instances=[arn])
    assert ["DRAINING"] == [one.status for one in described.container_instances]
    with pytest.raises(errors.MalformedResponseError) as deregistered:
        await ecs.call("deregister_container_instance", container_instance=arn, force=True)
    assert_took_effect(deregistered.value, "containerInstance.attributes[0].name")
    assert [] == await drained(ecs.paginate("list_container_instances"))


async def test_attributes(ecs: Caller, machines: Machines) -> None:
    """Put, list and delete attributes of a container instance."""
    await ecs.call("create_cluster")
    instance = (
        await ecs.call("register_container_instance", instance_identity_document=machines.identity)
    ).container_instance
    target = instance.container_instance_arn.rsplit("/")[-1]
    attribute = models.Attribute(name="stack", value="blue", target_type="container-instance", target_id=target)
    put = await ecs.call("put_attributes", cluster="default", attributes=[attribute])
    assert [attribute] == put.attributes
    listed = await drained(
        ecs.paginate(
            "list_attributes",
            cluster="default",
            target_type="container-instance",
            attribute_name="stack",
            attribute_value="blue",
        )
    )
    assert [("stack", "blue", instance.container_instance_arn)] == [(a.name, a.value, a.target_id) for a in listed]
    deleted = await ecs.call("delete_attributes", cluster="default", attributes=[attribute])
    assert [attribute] == deleted.attributes
    assert [] == await drained(
        ecs.paginate(
            "list_attributes",
            cluster="default",
            target_type="container-instance",
            attribute_name="stack",
            attribute_value="blue",
        )
    )


async def test_tags(ecs: Caller) -> None:
    """Tag, list and untag a service."""
    await ecs.call("create_cluster")
    await registered(ecs)
    created = await ecs.call("create_service", service_name="web", task_definition="web", desired_count=0)
    arn = created.service.service_arn
    tags = [models.Tag(key="a", value="1"), models.Tag(key="b", value="2")]
    tagged = await ecs.call("tag_resource", resource_arn=arn, tags=tags)
    assert models.TagResourceResponse() == tagged
    assert tags == sorted(
        (await ecs.call("list_tags_for_resource", resource_arn=arn)).tags, key=lambda tag: str(tag.key)
    )
    await ecs.call("untag_resource", resource_arn=arn, tag_keys=["a"])
    assert [tags[1]] == (await ecs.call("list_tags_for_resource", resource_arn=arn)).tags


async def test_capacity_providers(ecs: Caller) -> None:
    """Create, describe, update and delete a capacity provider; an unknown one is raised after the known ones."""
    group = models.AutoScalingGroupProvider(
        auto_scaling_group_arn="arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:u:autoScalingGroupName/n",
        managed_scaling=models.ManagedScaling(status="ENABLED", target_capacity=50),
    )
    created = await ecs.call("create_capacity_provider", name="asg", auto_scaling_group_provider=group)
    assert ("asg", "ACTIVE") == (created.capacity_provider.name, created.capacity_provider.status)
    assert 50 == created.capacity_provider.auto_scaling_group_provider.managed_scaling.target_capacity
    assert "asg" in [
        provider.name
        for provider in await drained(ecs.paginate("describe_capacity_providers", capacity_providers=["asg"]))
    ]
    with pytest.raises(errors.FailuresError) as caught:
        await drained(ecs.paginate("describe_capacity_providers", capacity_providers=["asg", "nothing"]))
    assert ["asg"] == [provider.name for provider in caught.value.response.capacity_providers]
    update = models.AutoScalingGroupProviderUpdate(managed_scaling=models.ManagedScaling(status="DISABLED"))
    updated = await ecs.call("update_capacity_provider", name="asg", auto_scaling_group_provider=update)
    assert "DISABLED" == updated.capacity_provider.auto_scaling_group_provider.managed_scaling.status
    assert "asg" == (await ecs.call("delete_capacity_provider", capacity_provider="asg")).capacity_provider.name


async def test_account_settings(ecs: Caller) -> None:
    """Put and list account settings."""
    put = await ecs.call("put_account_setting", name="taskLongArnFormat", value="disabled")
    assert ("taskLongArnFormat", "disabled") == (put.setting.name, put.setting.value)
    listed = await drained(ecs.paginate("list_account_settings", name="taskLongArnFormat"))
    assert ["disabled"] == [setting.value for setting in listed]


async def test_what_moto_leaves_out_is_missed(ecs: Caller) -> None:
    """moto answers DeleteAccountSetting with nothing, where ECS sends the setting that holds again."""
    await ecs.call("put_account_setting", name="taskLongArnFormat", value="disabled")
    with pytest.raises(errors.MalformedResponseError) as caught:
        await ecs.call("delete_account_setting", name="taskLongArnFormat")
    assert_took_effect(caught.value, "setting")
    assert [] == await drained(ecs.paginate("list_account_settings", name="taskLongArnFormat"))


async def test_what_moto_does_not_know_is_a_server_error(ecs: Caller) -> None:
    """Its HTML page for operations that it lacks is no message."""
    with pytest.raises(errors.ServerError) as caught:
        await ecs.call("list_gateways")
    assert ("500", 500) == (caught.value.code, caught.value.http_status)
    assert "is not a response of ECS" in caught.value.message
