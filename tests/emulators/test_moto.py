"""The clients on moto, whose services start no tasks and whose rollouts never end: verbs never report a success."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest
import pytest_asyncio

from ecskit import errors
from ecskit.models import (
    AwsVpcConfiguration,
    ContainerDefinition,
    CreateServiceRequest,
    NetworkConfiguration,
)

from . import servers
from .clients import Client

CLUSTER = "stuck"


@pytest_asyncio.fixture
async def moto(colour: str, moto_url: str) -> AsyncIterator[Client]:
    """A client of moto, with a cluster, a task definition and a service that never becomes steady."""
    client = Client(colour, moto_url)
    known = network_in(moto_url)
    await client("create_cluster", cluster_name=CLUSTER)
    await client(
        "register_task_definition",
        family="web",
        container_definitions=[ContainerDefinition(name="app", image="shop/app:1", memory=128, essential=True)],
        network_mode="awsvpc",
        requires_compatibilities=["FARGATE"],
        cpu="256",
        memory="512",
    )
    try:
        members = attrs.asdict(request(known), recurse=False)
        await client("create_service", **{name: value for name, value in members.items() if value})
        yield client
        await client("services.delete", "front", cluster=CLUSTER, timeout=5)
    finally:
        await client.close()


def network_in(url: str) -> NetworkConfiguration:
    """Return a network that exists in moto: it refuses others, and needs security groups."""
    known = servers.network_of_moto(url)["subnet"]
    return NetworkConfiguration(
        awsvpc_configuration=AwsVpcConfiguration(subnets=[known["subnet"]], security_groups=[known["group"]])
    )


def request(network: NetworkConfiguration, name: str = "front") -> CreateServiceRequest:
    """Return a request for a service of two tasks."""
    return CreateServiceRequest(
        service_name=name,
        cluster=CLUSTER,
        task_definition="web",
        desired_count=2,
        launch_type="FARGATE",
        network_configuration=network,
    )


async def test_services_are_described_and_listed(moto: Client) -> None:
    """The answers of moto can be decoded, although they lack members."""
    [service] = await moto("services.describe", ["front"], cluster=CLUSTER)
    assert ("ACTIVE", 2, 0) == (service.status, service.desired_count, service.running_count)
    listed = await moto("services.iter", cluster=CLUSTER)
    assert {service.service_arn} == {each.service_arn for each in listed if each.status == "ACTIVE"}


@pytest.mark.parametrize(
    ("verb", "options", "error"),
    [
        ("services.deploy", {"images": {"app": "shop/app:2"}}, errors.NotVisible),  # no read shows it
        ("services.refresh", {}, errors.WaitTimeout),
        ("services.scale", {"desired_count": 3}, errors.WaitTimeout),
        ("wait.services_stable", {}, errors.WaitTimeout),
    ],
    ids=["image", "refresh", "scale", "stable"],
)
async def test_what_never_ends_is_no_success(
    moto: Client, verb: str, options: dict[str, Any], error: type[errors.WaitError]
) -> None:
    """Waits time out, also when moto shows running tasks after an update; `wait.resume` continues from the handle."""
    named: Any = ["front"] if verb.startswith("wait") else "front"
    with pytest.raises(error) as caught:
        await moto(verb, named, cluster=CLUSTER, timeout=90, **options)
    with pytest.raises(errors.WaitTimeout):
        await moto("wait.resume", caught.value.story.handle, timeout=5)


async def test_a_service_that_is_created_is_not_deployed(moto: Client, moto_url: str) -> None:
    """The service exists, and the wait for its deployment ends with WaitTimeout and a handle."""
    with pytest.raises(errors.WaitTimeout) as caught:
        await moto("services.create", request(network_in(moto_url), "back"), timeout=30)
    assert "back" in caught.value.story.handle.to_json()
    deleted = await moto("services.delete", "back", cluster=CLUSTER, timeout=5)
    assert "INACTIVE" == deleted.status
