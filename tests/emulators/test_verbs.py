"""The verbs and waits of both clients on each emulator: the simulator in every run, ministack in `nox -s ministack`.

ministack has no service deployments, completes a deployment within the call that begins it, and accepts requests that
ECS refuses. The tests mark where its results differ from the simulator's.
"""

from __future__ import annotations

import logging
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
    RegisterTaskDefinitionRequest,
    Tag,
)

from . import servers
from .clients import Client, finished

TARGETS = ["simulator", *(["ministack"] if servers.MINISTACK else [])]
NETWORK = NetworkConfiguration(awsvpc_configuration=AwsVpcConfiguration(subnets=["subnet-1"]))


def definition(family: str, image: str = "shop/app:1") -> RegisterTaskDefinitionRequest:
    """Return a request for a task definition with one container."""
    return RegisterTaskDefinitionRequest(
        family=family,
        cpu="256",
        memory="512",
        network_mode="awsvpc",
        requires_compatibilities=["FARGATE"],
        container_definitions=[ContainerDefinition(name="app", image=image, essential=True)],
    )


@attrs.frozen(kw_only=True)
class Place:
    """An emulator, a client of it, and the cluster and the task definition family of the test."""

    target: str
    client: Client
    cluster: str
    family: str

    @property
    def has_deployments(self) -> bool:
        """Whether it has service deployments and revisions."""
        return self.target != "ministack"

    async def __call__(self, path: str, *arguments: Any, **options: Any) -> Any:
        """Call a verb in the cluster."""
        return await self.client(path, *arguments, cluster=self.cluster, **options)

    async def create(self, name: str = "front", count: int = 2, **following: Any) -> Any:
        """Create a service, and return it."""
        request = CreateServiceRequest(
            service_name=name,
            cluster=self.cluster,
            task_definition=self.family,
            desired_count=count,
            launch_type="FARGATE",
            network_configuration=NETWORK,
            tags=[Tag(key="team", value="shop")],
        )
        return await self.client("services.create", request, **following)

    async def image(self) -> str | None:
        """Return the image that the service runs."""
        [service] = await self("services.describe", ["front"])
        described = await self.client("describe_task_definition", task_definition=service.task_definition)
        [container] = described.task_definition.container_definitions
        image: str | None = container.image
        return image


@pytest_asyncio.fixture(params=TARGETS)
async def at(request: pytest.FixtureRequest, colour: str) -> AsyncIterator[Place]:
    """Return each emulator with an ACTIVE cluster and a task definition."""
    client = Client(colour, request.getfixturevalue(f"{request.param}_url"))
    name = "".join(each if each.isalnum() else "-" for each in request.node.name)
    place = Place(target=request.param, client=client, cluster=name, family=f"family-{name}")
    try:
        await client("create_cluster", cluster_name=name)
        await client("task_definitions.register_if_changed", definition(place.family))
        yield place
    finally:
        await client.close()


@pytest.fixture
def warnings_of(caplog: pytest.LogCaptureFixture) -> Any:
    """Return a function that returns the warnings logged so far."""
    caplog.set_level(logging.WARNING, logger="ecskit")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "ecskit"]


async def test_clusters(at: Place) -> None:
    """A created cluster is ACTIVE, listed and described."""
    [cluster] = await at.client("wait.clusters_active", at.cluster)
    assert (at.cluster, "ACTIVE") == (cluster.cluster_name, cluster.status)
    listed = await at.client("list_clusters")
    assert cluster.cluster_arn in listed.cluster_arns
    described = await at.client("describe_clusters", clusters=[at.cluster, "nowhere-else"])
    assert [cluster.cluster_arn] == [each.cluster_arn for each in described.clusters]
    assert ["MISSING"] == [failure.reason for failure in described.failures]


async def test_task_definitions(at: Place) -> None:
    """An equal definition is not registered again, a different one is; both are listed.

    ministack adds empty modes, which ECS does not have. So an equal definition differs there, and is registered again.
    """
    request, revision = definition(at.family), 1
    if at.target == "ministack":
        empty: Any = ""
        changed = await at.client("task_definitions.register_if_changed", request)
        assert ["- pid_mode: ''", "- ipc_mode: ''"] == [str(change) for change in changed.changes]
        request, revision = attrs.evolve(request, pid_mode=empty, ipc_mode=empty), 2
    same = await at.client("task_definitions.register_if_changed", request)
    other = await at.client("task_definitions.register_if_changed", definition(at.family, "shop/app:2"))
    assert [(False, revision), (True, revision + 1)] == [
        (each.changed, each.definition.revision) for each in (same, other)
    ]
    listed = await at.client("list_task_definitions", family_prefix=at.family)
    newest = [same.definition.task_definition_arn, other.definition.task_definition_arn]
    assert newest == listed.task_definition_arns[-2:]
    assert revision + 1 == len(listed.task_definition_arns)


async def test_services_are_created_described_and_listed(at: Place, warnings_of: Any) -> None:
    """`services.create` returns when the desired count runs. The service is described by name and listed."""
    service = await at.create(until="stable")
    assert ("ACTIVE", 2, 2, 0) == (
        service.status,
        service.desired_count,
        service.running_count,
        service.pending_count,
    )
    assert [("PRIMARY", "COMPLETED")] == [(each.status, each.rollout_state) for each in service.deployments]
    [described] = await at("services.describe", ["front"], tags=True)
    assert (service.service_arn, [Tag(key="team", value="shop")]) == (described.service_arn, described.tags)
    assert [service.service_arn] == [each.service_arn for each in await at("services.iter")]
    assert [] == await at("services.iter", launch_type="EC2")
    with pytest.raises(errors.ServicesMissing, match="lost"):
        await at("services.describe", ["front", "lost"])
    [stable] = await at("wait.services_stable", ["front"])
    assert service.service_arn == stable.service_arn
    assert [] == warnings_of()


async def test_a_new_image_is_deployed(at: Place, warnings_of: Any) -> None:
    """At the end the service runs a new revision of the task definition with that image."""
    await at.create()
    progress = await at("services.deploy", "front", images={"app": "shop/app:2"})
    assert "shop/app:2" == await at.image()
    assert f"{at.family}:2" == progress.deployment.task_definition.rpartition("/")[2]
    assert (2, "PRIMARY", "COMPLETED") == (
        progress.deployment.desired_count,
        progress.deployment.status,
        progress.deployment.rollout_state,
    )
    assert at.has_deployments == (progress.service_deployment is not None)
    assert [] == warnings_of()


async def test_a_task_definition_is_deployed(at: Place) -> None:
    """Deploy a registered definition by ARN, and a definition that the verb registers, until nothing else runs."""
    await at.create()
    second = (await at.client("task_definitions.register_if_changed", definition(at.family, "shop/app:2"))).definition
    progress = await at("services.deploy", "front", task_definition=second.task_definition_arn, until="stable")
    assert [second.task_definition_arn] == [each.task_definition for each in progress.service.deployments]
    await at("services.deploy", "front", task_definition=definition(at.family, "shop/app:3"))
    assert "shop/app:3" == await at.image()


async def test_tasks_are_replaced_by_force(at: Place) -> None:
    """`force` and `refresh` each begin a deployment of the same definition, and replace all tasks."""
    service = await at.create()
    seen = [service.deployments[0].id]
    before = {task.task_arn for task in await at("tasks.iter", service="front")}
    for verb, options in (("services.deploy", {"force": True}), ("services.refresh", {})):
        progress = await at(verb, "front", until="stable", **options)
        assert service.task_definition == progress.service.task_definition
        seen.append(progress.deployment.id)
    assert 3 == len(set(seen))
    after = {task.task_arn for task in await at("tasks.iter", service="front")}
    assert (2, 2, set()) == (len(before), len(after), before & after)


async def test_a_deployment_is_waited_for_by_its_handle(at: Place, warnings_of: Any) -> None:
    """A deployment can be awaited by its handle, by the JSON of the handle, and by the answer of UpdateService."""
    await at.create()
    handle = await at("services.start_deployment", "front", images={"app": "shop/app:2"})
    assert f"{at.family}:2" in str(handle.started.name)
    first = await finished(handle.wait())
    again = await at.client("services.deployment", handle.started.to_json())
    second = await finished(again.wait(until="stable"))
    assert first.deployment.id == second.deployment.id == handle.started.deployment_id
    looked = await finished(handle.status())
    assert "COMPLETED" == looked.deployment.rollout_state
    updated = await at("update_service", service="front", force_new_deployment=True)
    waited = await at.client("wait.deployment", updated)
    assert updated.service.deployments[0].id == waited.deployment.id
    assert [] == warnings_of()


async def test_events_of_a_deployment(at: Place) -> None:
    """The stream of events ends when the deployment is done."""
    await at.create()
    handle = await at("services.start_deployment", "front", force=True)
    events = await finished(handle.events(until="stable"))
    assert events
    assert all(str(event) for event in events)


async def test_services_are_scaled(at: Place) -> None:
    """A service is scaled up, down and to 0 without a new deployment."""
    created = await at.create()
    for count in (5, 1, 0):
        service = await at("services.scale", "front", desired_count=count)
        assert (count, count, 0) == (service.desired_count, service.running_count, service.pending_count)
        assert [created.deployments[0].id] == [each.id for each in service.deployments]
        assert count == len(await at("tasks.iter", service="front"))


async def test_services_are_rolled_back(at: Place) -> None:
    """A service goes back to the revision before. Without a history of deployments, NothingToRollBack is raised."""
    await at.create()
    await at("services.deploy", "front", images={"app": "shop/app:2"})
    if at.has_deployments:
        progress = await at("services.rollback", "front")
        assert f"{at.family}:1" == progress.service.task_definition.rpartition("/")[2]
        assert "shop/app:1" == await at.image()
        return
    with pytest.raises(errors.NothingToRollBack, match="no other revision that was deployed successfully"):
        await at("services.rollback", "front")
    assert "shop/app:2" == await at.image()


async def test_a_first_deployment_has_nothing_behind_it(at: Place) -> None:
    """The first deployment cannot be rolled back, and nothing changes."""
    created = await at.create()
    with pytest.raises(errors.NothingToRollBack):
        await at("services.rollback", "front")
    [service] = await at("services.describe", ["front"])
    assert [created.deployments[0].id] == [each.id for each in service.deployments]


async def test_services_are_deleted(at: Place) -> None:
    """A deleted service is INACTIVE and in no list, has no tasks, and its name is free."""
    created = await at.create()
    deleted = await at("services.delete", "front")
    assert (created.service_arn, "INACTIVE") == (deleted.service_arn, deleted.status)
    [inactive] = await at("wait.services_inactive", ["front"])
    assert "INACTIVE" == inactive.status
    assert [] == await at("services.iter")
    assert [] == await at("tasks.iter", service="front")
    assert "ACTIVE" == (await at.create()).status


async def test_a_lost_service(at: Place) -> None:
    """Every verb raises ServicesMissing."""
    for verb, options in (
        ("services.deploy", {"force": True}),
        ("services.scale", {"desired_count": 1}),
        ("services.rollback", {}),
    ):
        with pytest.raises(errors.ServicesMissing, match="lost"):
            await at(verb, "lost", **options)


async def test_a_name_that_is_taken(at: Place) -> None:
    """Creating another service of that name is refused with any service error."""
    created = await at.create()
    with pytest.raises(errors.ServiceError, match="idempotent"):
        await at.create(count=3)
    [service] = await at("services.describe", ["front"])
    assert (created.service_arn, 2) == (service.service_arn, service.desired_count)


async def test_tasks_are_run_and_stopped(at: Place) -> None:
    """Twelve tasks are started by two calls, run, are listed by `startedBy`, and are stopped with a reason."""
    started = await at(
        "tasks.run", at.family, count=12, launch_type="FARGATE", network=NETWORK, started_by="me", tags={"k": "v"}
    )
    assert (12, True) == (len(set(started.task_arns)), started.complete)
    running = await at.client("wait.tasks_running", started)
    assert set(started.task_arns) == {task.task_arn for task in running}
    listed = await at("tasks.iter", started_by="me")
    assert set(started.task_arns) == {task.task_arn for task in listed}
    stopped = await at.client("tasks.stop", started, reason="enough")
    assert {("STOPPED", "enough")} == {(task.last_status, task.stopped_reason) for task in stopped}
    outcomes = await at.client("tasks.as_stopped", started)
    assert {"STOPPED_BY_USER"} == {outcome.kind for outcome in outcomes}
    with pytest.raises(errors.TasksMissing, match="ffff"):
        await at("tasks.describe", ["f" * 32])
