"""The waits for other resources than tasks, with both clients against the simulator; their handles; their docs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ecskit import models
from ecskit._api.waits import WAITS
from ecskit._codegen.__main__ import PACKAGE
from ecskit._codegen.emit_waits import page
from ecskit._core.effects import Flow
from ecskit._facades.aio_wait import AsyncWait
from ecskit._facades.sync_wait import Wait
from ecskit._polling.options import WaitOptions
from ecskit._waits.resuming import resume
from ecskit.errors import WaitFailed, WaitTimeout
from ecskit.testing import Lag, Progress, Simulator, TaskScript
from ecskit.waits import WaitHandle

from .other_support import OTHERS, family_of, flow_of, run_both

ROLE = "arn:aws:iam::123456789012:role/ecsInfrastructure"
GROUP = "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:u:autoScalingGroupName/g"
APP: dict[str, Any] = {"name": "app", "image": "nginx:1.29"}
MANAGED = {
    "infrastructureRoleArn": ROLE,
    "instanceLaunchTemplate": {
        "ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/p",
        "networkConfiguration": {"subnets": ["subnet-1"]},
    },
}


# The scenes: each sets up the simulator, and returns the targets and the other arguments of the wait.

Given = tuple[Any, dict[str, Any]]


def cluster(sim: Simulator) -> Given:
    return sim.handle("CreateCluster", {"clusterName": "new"})["cluster"]["clusterArn"], {}


def deleted_cluster(sim: Simulator) -> Given:
    cluster(sim)
    return sim.handle("DeleteCluster", {"cluster": "new"})["cluster"]["clusterName"], {}


def instance(sim: Simulator) -> Given:
    shown = sim.handle("RegisterContainerInstance", {})["containerInstance"]
    return [shown["ec2InstanceId"], shown["containerInstanceArn"]], {"cluster": "default"}


def draining_instance(sim: Simulator) -> Given:
    (_, arn), said = instance(sim)
    sim.handle("RegisterTaskDefinition", {"family": "job", "containerDefinitions": [{**APP, "memory": 128}]})
    sim.script("job", TaskScript(run_time=30))
    sim.handle("RunTask", {"taskDefinition": "job", "launchType": "EC2"})
    sim.handle("UpdateContainerInstancesState", {"containerInstances": [arn], "status": "DRAINING"})
    return arn, said


def updating_agent(sim: Simulator) -> Given:
    (host, arn), said = instance(sim)
    sim.handle("UpdateContainerAgent", {"containerInstance": arn})
    return host, said


def provider(sim: Simulator) -> Given:
    request = {"name": "group", "autoScalingGroupProvider": {"autoScalingGroupArn": GROUP}}
    return sim.handle("CreateCapacityProvider", request)["capacityProvider"]["name"], {}


def updated_provider(sim: Simulator) -> Given:
    provider(sim)
    changes = {"managedDraining": "DISABLED"}
    answer = sim.handle("UpdateCapacityProvider", {"name": "group", "autoScalingGroupProvider": changes})
    return answer["capacityProvider"]["capacityProviderArn"], {}


def deleted_provider(sim: Simulator) -> Given:
    provider(sim)
    return sim.handle("DeleteCapacityProvider", {"capacityProvider": "group"})["capacityProvider"]["name"], {}


def managed_provider(sim: Simulator) -> Given:
    request = {"name": "mi", "cluster": "default", "managedInstancesProvider": MANAGED}
    return sim.handle("CreateCapacityProvider", request)["capacityProvider"]["name"], {"cluster": "default"}


def deleted_definition(sim: Simulator) -> Given:
    sim.handle("RegisterTaskDefinition", {"family": "old", "containerDefinitions": [{**APP, "memory": 128}]})
    sim.handle("DeregisterTaskDefinition", {"taskDefinition": "old:1"})
    sim.handle("DeleteTaskDefinitions", {"taskDefinitions": ["old:1"]})
    return "old:1", {"timeout": None}


def task(sim: Simulator) -> Given:
    definition = {
        "family": "web",
        "cpu": "256",
        "memory": "512",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "taskRoleArn": ROLE,
        "containerDefinitions": [APP],
    }
    sim.handle("RegisterTaskDefinition", definition)
    network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
    request = {"taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": network}
    answer = sim.handle("RunTask", {**request, "enableExecuteCommand": True})
    return answer["tasks"][0]["taskArn"], {"containers": ["app"]}


def daemon_definition(sim: Simulator) -> Given:
    request = {"family": "log", "containerDefinitions": [APP]}
    return sim.handle("RegisterDaemonTaskDefinition", request)["daemonTaskDefinitionArn"], {}


def deleted_daemon_definition(sim: Simulator) -> Given:
    arn, said = daemon_definition(sim)
    sim.handle("DeleteDaemonTaskDefinition", {"daemonTaskDefinition": arn})
    return "log:1", said


def _daemon(sim: Simulator) -> Any:
    managed_provider(sim)
    request = {
        "daemonName": "log",
        "daemonTaskDefinitionArn": daemon_definition(sim)[0],
        "capacityProviderArns": ["arn:aws:ecs:us-east-1:123456789012:capacity-provider/mi"],
    }
    return sim.handle("CreateDaemon", request)


def daemon(sim: Simulator) -> Given:
    return _daemon(sim)["daemonArn"], {}


def deleted_daemon(sim: Simulator) -> Given:
    arn, said = daemon(sim)
    sim.clock.advance(100)
    sim.handle("DeleteDaemon", {"daemonArn": arn})
    return arn, said


def deployment(sim: Simulator) -> Given:
    return _daemon(sim)["deploymentArn"], {}


def failing_deployment(sim: Simulator) -> Given:
    sim.script_resource("daemon", "log", Progress(fails="the breaker opened"))
    return deployment(sim)


def gateway(sim: Simulator) -> Given:
    configuration: dict[str, Any] = {"hostSharedAlb": {}}
    request = {"name": "edge", "infrastructureRoleArn": ROLE, "configuration": configuration}
    return sim.handle("CreateGateway", {**request, "deletionProtection": False})["gatewayArn"], {}


def updated_gateway(sim: Simulator) -> Given:
    gateway(sim)
    sim.handle("UpdateGateway", {"gateway": "edge", "propagateTags": "NONE"})
    return "edge", {}


def deleted_gateway(sim: Simulator) -> Given:
    gateway(sim)
    answer = sim.handle("DeleteGateway", {"gateway": "edge"})
    shown = {"gateway_arn": answer["gatewayArn"], "name": answer["name"], "status": answer["status"]}
    return models.DeleteGatewayResponse(**shown), {}


def route(sim: Simulator) -> Given:
    gateway(sim)
    return sim.open_route("edge", "web"), {}


def closed_route(sim: Simulator) -> Given:
    arn, said = route(sim)
    sim.clock.advance(60)
    sim.close_route(arn)
    return arn, said


def express_service(sim: Simulator) -> Given:
    container = {"image": "nginx:1.29"}
    request = {"serviceName": "shop", "infrastructureRoleArn": ROLE, "executionRoleArn": ROLE}
    return sim.handle("CreateExpressGatewayService", {**request, "primaryContainer": container})["service"][
        "serviceArn"
    ], {}


def deleted_express_service(sim: Simulator) -> Given:
    arn, said = express_service(sim)
    sim.clock.advance(100)
    sim.handle("DeleteExpressGatewayService", {"serviceArn": arn})
    return arn, said


def task_set(sim: Simulator) -> Given:
    definition = {"networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512"}
    sim.handle("RegisterTaskDefinition", {"family": "web", "containerDefinitions": [APP], **definition})
    controller = {"deploymentController": {"type": "EXTERNAL"}, "desiredCount": 2}
    sim.handle("CreateService", {"serviceName": "web", **controller})
    network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
    request = {"taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": network}
    scale = {"value": 50, "unit": "PERCENT"}
    answer = sim.handle("CreateTaskSet", {**request, "cluster": "default", "service": "web", "scale": scale})
    return answer["taskSet"]["taskSetArn"], {"scale": 50}


def primary_task_set(sim: Simulator) -> Given:
    arn, _ = task_set(sim)
    sim.handle("UpdateServicePrimaryTaskSet", {"cluster": "default", "service": "web", "primaryTaskSet": arn})
    return arn, {}


def deleted_task_set(sim: Simulator) -> Given:
    arn, _ = task_set(sim)
    sim.clock.advance(60)
    sim.handle("DeleteTaskSet", {"cluster": "default", "service": "web", "taskSet": arn, "force": True})
    return arn, {}


SCENES: list[tuple[str, Callable[[Simulator], Given]]] = [
    ("exec_agents_running", task),
    ("clusters_active", cluster),
    ("clusters_inactive", deleted_cluster),
    ("container_instances_registered", instance),
    ("container_instances_connected", instance),
    ("container_instances_drained", draining_instance),
    ("container_agents_updated", updating_agent),
    ("capacity_providers_active", provider),
    ("capacity_providers_active", managed_provider),
    ("capacity_providers_updated", updated_provider),
    ("capacity_providers_deleted", deleted_provider),
    ("task_definitions_deleted", deleted_definition),
    ("task_sets_steady", task_set),
    ("task_sets_primary", primary_task_set),
    ("task_sets_deleted", deleted_task_set),
    ("daemons_active", daemon),
    ("daemons_deleted", deleted_daemon),
    ("daemon_deployments_successful", deployment),
    ("daemon_deployments_stopped", failing_deployment),
    ("daemon_task_definitions_active", daemon_definition),
    ("daemon_task_definitions_deleted", deleted_daemon_definition),
    ("gateways_active", gateway),
    ("gateways_updated", updated_gateway),
    ("gateways_deleted", deleted_gateway),
    ("gateway_routes_active", route),
    ("gateway_routes_deleted", closed_route),
    ("express_gateway_services_active", express_service),
    ("express_gateway_services_inactive", deleted_express_service),
]


@pytest.mark.parametrize(("wait", "scene"), SCENES)
@pytest.mark.parametrize("lag", [Lag(), Lag(visible_after=3, stale_by=8)], ids=["prompt", "lagging"])
async def test_a_wait_succeeds(wait: str, scene: Callable[[Simulator], Given], lag: Lag) -> None:
    """Both clients return the same result after the same requests."""
    simulators = [Simulator(lag=lag), Simulator(lag=lag)]
    (things, said), _ = (scene(simulator) for simulator in simulators)
    with simulators[0].client() as ecs:
        sync = getattr(ecs.wait, wait)(things, **said)
    async with simulators[1].async_client() as aio:
        async_ = await getattr(aio.wait, wait)(things, **said)
    assert sync == async_
    assert len(sync) == (len(things) if isinstance(things, list) else 1)
    assert [call.operation for call in simulators[0].calls] == [call.operation for call in simulators[1].calls]
    assert simulators[0].time() == simulators[1].time()


def test_every_wait_that_the_simulator_can_show_is_shown() -> None:
    """Each wait whose resource type the simulator has is in the scenes."""
    assert {wait for wait, _ in SCENES} == set(OTHERS)


def test_a_failing_daemon_deployment_fails_its_wait() -> None:
    """The error holds the reason that ECS gives."""
    simulator = Simulator()
    arn, _ = failing_deployment(simulator)
    with simulator.client() as ecs, pytest.raises(WaitFailed, match=r"is STOPPED \(the breaker opened\)"):
        ecs.wait.daemon_deployments_successful(arn)


def test_responses_go_from_operation_to_wait() -> None:
    """Responses of operations are passed to waits unchanged."""
    with Simulator().client() as ecs:
        created = ecs.create_cluster(cluster_name="new")
        assert [found.cluster_name for found in ecs.wait.clusters_active(created)] == ["new"]
        [gone] = ecs.wait.clusters_inactive(ecs.delete_cluster(cluster="new"))
        assert gone.status == "INACTIVE"


# Handles.

READY = {
    "exec_agents_running": "RUNNING+app=RUNNING",
    "container_instances_connected": "ACTIVE+connected",
    "container_instances_drained": "DRAINING",
    "container_agents_updated": "ACTIVE+agent=UPDATED",
    "task_sets_steady": "ACTIVE+STEADY_STATE+50+2",
    "capacity_providers_updated": "ACTIVE+UPDATE_COMPLETE",
    "gateways_updated": "UPDATE_COMPLETE",
    "capacity_providers_deleted": "INACTIVE",
    "task_definitions_deleted": "-",
    "task_sets_deleted": "-",
    "daemons_deleted": "-",
    "gateway_routes_deleted": "-",
}
"""States that meet the condition of a wait, if they are not the last word of its name."""
SAID: dict[str, dict[str, Any]] = {
    "container_instances_drained": {"cluster": "prod"},
    "capacity_providers_active": {"cluster": "prod"},
    "task_sets_steady": {"cluster": "prod", "service": "web", "scale": 50},
    "exec_agents_running": {"cluster": "prod", "containers": ["app"]},
}


@pytest.mark.parametrize("wait", OTHERS)
def test_a_wait_is_resumed_from_its_handle(wait: str) -> None:
    """A handle that was kept as JSON resumes the same wait over the same targets, with their last observations."""
    family, said = family_of(wait), SAID.get(wait, {})
    state = "PENDING" if wait == "exec_agents_running" else "TOMORROW"
    ready = READY.get(wait) or wait.rsplit("_", 1)[1].upper().replace("REGISTERED", "ACTIVE")
    arns = [family.arn("a"), family.arn("b")]
    first = run_both(family, f"{state}/-", lambda: flow_of(wait, arns, timeout=20, visibility_grace=99, **said))
    handle = WaitHandle.from_json(first.story.handle.to_json())
    assert (handle.wait, [*handle.ids], handle.arguments) == (wait, arns, said)
    assert [*handle.observed] == arns[:1]

    def flow() -> Flow[list[Any]]:
        return resume(handle, wait_options=WaitOptions())

    run = run_both(family, f"{state}/{state} {'-/-' if ready == '-' else f'{ready}/{ready}'}", flow)
    assert run.verdict == "ok", run.error
    assert run.result is not None
    assert len(run.result) == 2


def test_a_wait_is_resumed_in_another_client() -> None:
    """A target that was identified by its machine is resumed by the same id."""
    simulator = Simulator()
    host, said = updating_agent(simulator)
    with simulator.client() as ecs, pytest.raises(WaitTimeout) as caught:
        ecs.wait.container_agents_updated(host, timeout=5, **said)
    handle = WaitHandle.from_json(caught.value.story.handle.to_json())
    assert [*handle.ids] == [host]
    with simulator.client() as ecs:
        [updated] = ecs.wait.resume(handle)
    assert updated.agent_update_status == "UPDATED"


# All of them.


def test_every_wait_can_be_resumed() -> None:
    """Each wait of the table is a method of both namespaces, and each method is in the table."""
    for namespace in (Wait, AsyncWait):
        methods = {name for name in vars(namespace) if not name.startswith("_")}
        # Waits for deployments are not over models; `resume` passes their handles on.
        assert methods - {"resume", "resume_all", "deployment", "service_deployment"} == set(WAITS)


def test_every_wait_is_in_the_docs() -> None:
    """The table is the one that the generator writes, with a row for each wait."""
    text = (Path(__file__).parents[2] / "docs" / "waiting.md").read_text("utf-8")
    assert page(PACKAGE, text) == text, "run python -m ecskit._codegen"
    assert [*re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)] == [*WAITS]
