from __future__ import annotations

from typing import Any

import pytest

from ecskit.testing import Lag, Progress

from .support import ARN, NOON, Wire, World

ROLE = "arn:aws:iam::123456789012:role/"
WEB = f"{ARN}service/default/web"
MAIN: Wire = {"name": "Main", "image": "app:1", "portMappings": [{"containerPort": 80, "name": "http"}]}


def create(world: World, **members: Any) -> Wire:
    """Create an Express service, and return it as the answer shows it."""
    request = {
        "serviceName": "web",
        "infrastructureRoleArn": f"{ROLE}infrastructure",
        "executionRoleArn": f"{ROLE}execution",
        "primaryContainer": {"image": "app:1"},
        **members,
    }
    service: Wire = world.sim.handle("CreateExpressGatewayService", request)["service"]
    return service


def create_over(world: World, definition: str, **members: Any) -> Wire:
    """Create an Express service with a task definition of the caller's, and return it."""
    roles = {"infrastructureRoleArn": f"{ROLE}infrastructure"}
    request = {"serviceName": "web", **roles, "taskDefinitionArn": definition, **members}
    service: Wire = world.sim.handle("CreateExpressGatewayService", request)["service"]
    return service


def update(world: World, **members: Any) -> Wire:
    """Update the service, and return it as the answer shows it."""
    service: Wire = world.do("UpdateExpressGatewayService", serviceArn=WEB, **members)["service"]
    return service


def service(world: World, **members: Any) -> Wire:
    """Return the service as DescribeExpressGatewayService shows it."""
    shown: Wire = world.do("DescribeExpressGatewayService", serviceArn=WEB, **members)["service"]
    return shown


def revisions(world: World) -> list[str]:
    """Return the revisions whose configurations are active."""
    return [each["serviceRevisionArn"] for each in service(world)["activeConfigurations"]]


def test_creation_fills_in_defaults(world: World) -> None:
    """A service is ACTIVE at once, with a complete configuration and an endpoint."""
    shown = create(world, tags=[{"key": "a", "value": "1"}])
    (configuration,) = shown.pop("activeConfigurations")
    deployment = shown.pop("currentDeployment")
    assert deployment.startswith(f"{ARN}service-deployment/default/web/")
    assert shown == {
        "serviceArn": WEB,
        "serviceName": "web",
        "cluster": "default",
        "infrastructureRoleArn": f"{ROLE}infrastructure",
        "status": {"statusCode": "ACTIVE"},
        "tags": [{"key": "a", "value": "1"}],
        "createdAt": NOON,
        "updatedAt": NOON,
    }
    (path,) = configuration.pop("ingressPaths")
    assert path["accessType"] == "PUBLIC"
    assert configuration.pop("serviceRevisionArn").startswith(f"{ARN}service-revision/default/web/")
    assert configuration == {
        "executionRoleArn": f"{ROLE}execution",
        "taskDefinitionArn": f"{ARN}task-definition/default-web:1",
        "cpu": "256",
        "memory": "512",
        "cpuArchitecture": "X86_64",
        "healthCheckPath": "/ping",
        "primaryContainer": {"image": "app:1", "containerPort": 80},
        "networkConfiguration": {"securityGroups": ["sg-default"], "subnets": ["subnet-default1", "subnet-default2"]},
        "scalingTarget": {
            "minTaskCount": 1,
            "maxTaskCount": 20,
            "autoScalingMetric": "AVERAGE_CPU",
            "autoScalingTargetValue": 60,
        },
        "createdAt": NOON,
    }


def test_a_deployment_ends(world: World) -> None:
    """For a minute a service has a current deployment."""
    create(world)
    world.pass_(59.9)
    assert "currentDeployment" in service(world)
    world.pass_(0.1)
    shown = service(world)
    assert ("currentDeployment" in shown, len(shown["activeConfigurations"])) == (False, 1)


def test_an_update_runs_both_configurations_for_a_while(world: World) -> None:
    """During the deployment of an update the old and the new configuration are active, then the new one alone."""
    create(world)
    world.pass_(60)
    (old,) = revisions(world)
    shown = update(world, cpu="512", memory="1024", scalingTarget={"maxTaskCount": 5})
    target = shown["targetConfiguration"]
    assert (shown["updatedAt"], shown["status"]) == (NOON + 60, {"statusCode": "ACTIVE"})
    assert (target["cpu"], target["scalingTarget"]["minTaskCount"], target["scalingTarget"]["maxTaskCount"]) == (
        "512",
        1,
        5,
    )
    assert target["primaryContainer"]["image"] == "app:1"
    assert revisions(world) == [old, target["serviceRevisionArn"]]
    world.pass_(60)
    assert service(world)["activeConfigurations"] == [target]


def test_an_update_can_fail(world: World) -> None:
    """A failed deployment keeps the old configuration and shows its reason; the next one removes the reason."""
    create(world)
    world.pass_(60)
    old = revisions(world)
    world.sim.script_resource("express-gateway-service", "web", Progress(seconds=20, fails="health checks failed"))
    update(world, healthCheckPath="/nope")
    world.pass_(20)
    shown = service(world)
    assert shown["status"] == {"statusCode": "ACTIVE", "statusReason": "health checks failed"}
    assert (revisions(world), "currentDeployment" in shown) == (old, False)
    world.sim.script_resource("express-gateway-service", "web", Progress())
    update(world, healthCheckPath="/")
    assert service(world)["status"] == {"statusCode": "ACTIVE"}


def test_a_creation_can_fail(world: World) -> None:
    """A failed first deployment leaves a service without a configuration; an update can correct it."""
    world.sim.script_resource("express-gateway-service", "*", Progress(fails="CannotPullContainerError"))
    create(world)
    world.pass_(60)
    shown = service(world)
    assert (shown["status"]["statusReason"], shown["activeConfigurations"]) == ("CannotPullContainerError", [])
    world.sim.script_resource("express-gateway-service", "*", Progress())
    target = update(world, primaryContainer={"image": "app:2"})["targetConfiguration"]
    assert (target["executionRoleArn"], target["primaryContainer"]["image"]) == (f"{ROLE}execution", "app:2")


def test_a_deleted_service_drains(world: World) -> None:
    """A deleted service is DRAINING for a minute, INACTIVE for an hour, then not found."""
    create(world)
    world.pass_(60)
    answer = world.do("DeleteExpressGatewayService", serviceArn=WEB)["service"]
    assert answer["status"] == {"statusCode": "DRAINING"}
    world.pass_(59.9)
    assert service(world)["status"] == {"statusCode": "DRAINING"}
    assert "draining" in world.refusal("CreateExpressGatewayService", **again()).message
    world.pass_(0.1)
    assert (service(world)["status"], revisions(world)) == ({"statusCode": "INACTIVE"}, [])
    for operation in ("UpdateExpressGatewayService", "DeleteExpressGatewayService"):
        assert world.refusal(operation, serviceArn=WEB).code == "ServiceNotActiveException"
    world.pass_(3600)
    assert world.refusal("DescribeExpressGatewayService", serviceArn=WEB).code == "ResourceNotFoundException"
    for operation in ("UpdateExpressGatewayService", "DeleteExpressGatewayService"):
        assert world.refusal(operation, serviceArn=WEB).code == "ServiceNotFoundException"


def again() -> Wire:
    """Return a request for a service whose name is in use."""
    return {
        "serviceName": "web",
        "infrastructureRoleArn": ROLE,
        "executionRoleArn": ROLE,
        "primaryContainer": {"image": "a"},
    }


def test_a_name_is_free_once_its_service_is_inactive(world: World) -> None:
    """An ACTIVE service keeps its name, an INACTIVE one does not."""
    create(world)
    assert world.refusal("CreateExpressGatewayService", **again()).code == "InvalidParameterException"
    world.do("DeleteExpressGatewayService", serviceArn=WEB)
    world.pass_(60)
    assert create(world)["createdAt"] == NOON + 60


def test_a_deletion_can_fail(world: World) -> None:
    """A deletion that fails leaves the service DRAINING, with the reason."""
    create(world)
    world.sim.script_resource("express-gateway-service", "web", Progress(seconds=9, fails="load balancer in use"))
    world.do("DeleteExpressGatewayService", serviceArn=WEB)
    world.pass_(1e5)
    assert service(world)["status"] == {"statusCode": "DRAINING", "statusReason": "load balancer in use"}


def test_a_service_over_a_definition_of_the_caller(world: World) -> None:
    """The caller's own task definition replaces container, roles and size, also in updates."""
    definition = world.register("web", MAIN)
    shown = create_over(world, definition)
    assert {"cpu", "primaryContainer"} & shown["activeConfigurations"][0].keys() == set()
    target = update(world, healthCheckPath="/")["targetConfiguration"]
    assert (target["taskDefinitionArn"], target["healthCheckPath"]) == (definition, "/")
    refusal = world.refusal("UpdateExpressGatewayService", serviceArn=WEB, cpu="512")
    assert (refusal.code, "executionRoleArn" in refusal.message) == ("InvalidParameterException", True)
    container: Wire = {"executionRoleArn": ROLE, "primaryContainer": {"image": "a"}}
    assert update(world, **container)["targetConfiguration"]["cpu"] == "256"
    newer = world.register("web", MAIN)
    target = update(world, taskDefinitionArn=newer)["targetConfiguration"]
    assert (target["taskDefinitionArn"], "primaryContainer" in target) == (newer, False)


@pytest.mark.parametrize(
    "main",
    [
        {**MAIN, "name": "app"},
        {**MAIN, "portMappings": []},
        {**MAIN, "portMappings": [{"containerPort": 80}]},
        {**MAIN, "portMappings": [{"containerPort": 80, "name": "dns", "protocol": "udp"}]},
    ],
)
def test_a_definition_that_does_not_fit(world: World, main: Wire) -> None:
    """The caller's task definition needs a container Main with one named TCP port."""
    request = {"infrastructureRoleArn": ROLE, "taskDefinitionArn": world.register("web", main)}
    assert world.refusal("CreateExpressGatewayService", **request).code == "InvalidParameterException"


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"serviceName": "a b"}, "ClientException"),
        ({"cluster": "nope"}, "ClusterNotFoundException"),
        ({"healthCheckPath": "ping"}, "InvalidParameterException"),
        ({"cpu": "256", "memory": "9999"}, "ClientException"),
        ({"scalingTarget": {"minTaskCount": 30}}, "InvalidParameterException"),
        ({"taskDefinitionArn": "web:1"}, "InvalidParameterException"),
    ],
)
def test_a_service_that_cannot_be(world: World, members: Wire, code: str) -> None:
    """Sizes that Fargate does not offer and contradictory members are refused."""
    assert world.refusal("CreateExpressGatewayService", **{**again(), **members}).code == code
    assert world.refusal("DescribeExpressGatewayService", serviceArn=WEB).code == "ResourceNotFoundException"


@pytest.mark.parametrize("missing", ["executionRoleArn", "primaryContainer"])
def test_a_service_needs_something_to_run(world: World, missing: str) -> None:
    """Without a task definition, a role and a container are required."""
    request = {name: value for name, value in again().items() if name != missing}
    refusal = world.refusal("CreateExpressGatewayService", **request)
    assert (refusal.code, missing in refusal.message) == ("InvalidParameterException", True)


def test_a_service_gets_a_name(world: World) -> None:
    """Without a name, the service gets a generated one."""
    request = {name: value for name, value in again().items() if name != "serviceName"}
    names = [world.do("CreateExpressGatewayService", **request)["service"]["serviceName"] for _ in range(2)]
    assert [name.startswith("express-") for name in names] == [True, True]
    assert names[0] != names[1]


def test_services_carry_tags(world: World) -> None:
    """Tags are shown on demand, and can be changed by the ARN of the service."""
    create(world, tags=[{"key": "a", "value": "1"}])
    world.do("TagResource", resourceArn=WEB, tags=[{"key": "b", "value": "2"}])
    world.do("UntagResource", resourceArn=WEB, tagKeys=["a"])
    assert ("tags" in service(world), service(world, include=["TAGS"])["tags"]) == (
        False,
        [{"key": "b", "value": "2"}],
    )


def test_a_new_service_is_invisible_for_a_while() -> None:
    """Until `visible_after` reads do not find a service; updates do."""
    world = World(lag=Lag(visible_after=3))
    create(world)
    world.pass_(2.9)
    assert world.refusal("DescribeExpressGatewayService", serviceArn=WEB).code == "ResourceNotFoundException"
    update(world, healthCheckPath="/")
    world.pass_(0.1)
    assert service(world)["status"] == {"statusCode": "ACTIVE"}


def test_stale_reads_show_the_past() -> None:
    """A read of a moment before a deletion does not show it."""
    world = World(lag=Lag(stale_by=5, stale_share=1))
    create(world)
    world.pass_(100)
    world.do("DeleteExpressGatewayService", serviceArn=WEB)
    world.pass_(0.001)
    assert service(world)["status"] == {"statusCode": "ACTIVE"}
    world.pass_(60)
    assert service(world)["status"] == {"statusCode": "DRAINING"}
