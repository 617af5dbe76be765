from __future__ import annotations

from typing import Any

import pytest

from ecskit.testing import Lag, Progress, SimulatedError

from .support import ARN, NOON, Wire, World

ROLE = "arn:aws:iam::123456789012:role/ecsInfrastructure"
EDGE = f"{ARN}gateway/edge"


def create(world: World, name: str = "edge", **members: Any) -> Wire:
    """Create a gateway, and return the answer."""
    request = {"name": name, "infrastructureRoleArn": ROLE, "configuration": {"hostSharedAlb": {}}, **members}
    answer: Wire = world.sim.handle("CreateGateway", request)
    return answer


def gateway(world: World) -> Wire:
    """Return the gateway as DescribeGateway shows it."""
    shown: Wire = world.do("DescribeGateway", gateway="edge")["gateway"]
    return shown


def route_status(world: World, arn: str) -> str:
    """Return the status of a route."""
    status: str = world.do("DescribeGatewayRoute", gatewayRouteArn=arn)["gatewayRoute"]["status"]
    return status


def associations(world: World, **members: Any) -> list[tuple[str, str]]:
    """Return the associated clusters with their statuses."""
    found = world.do("ListGatewayClusterAssociations", **members)["gatewayClusterAssociations"]
    return [(each["clusterArn"].rsplit("/")[-1], each["status"]) for each in found]


def test_a_gateway_is_active_at_once(world: World) -> None:
    """Creation takes no time, and fills in defaults."""
    assert create(world) == {"gatewayArn": EDGE, "name": "edge", "status": "ACTIVE"}
    assert gateway(world) == {
        "gatewayArn": EDGE,
        "name": "edge",
        "status": "ACTIVE",
        "infrastructureRoleArn": ROLE,
        "deletionProtection": True,
        "propagateTags": "GATEWAY",
        "accessType": "PUBLIC",
        "configuration": {
            "hostSharedAlb": {
                "scheme": "internet-facing",
                "port": 443,
                "protocol": "HTTPS",
                "maxAlbCount": 10,
                "currentAlbCount": 0,
                "httpDesync": "defensive",
                "networkConfiguration": {
                    "subnets": ["subnet-default1", "subnet-default2"],
                    "ipAddressType": "dualstack",
                },
            }
        },
        "tags": [],
        "createdAt": NOON,
        "updatedAt": NOON,
    }


def test_an_internal_gateway_is_private(world: World) -> None:
    """The access type follows from the scheme."""
    create(world, configuration={"hostSharedAlb": {"scheme": "internal"}})
    assert gateway(world)["accessType"] == "PRIVATE"


def test_an_update_takes_a_while(world: World) -> None:
    """An update is UPDATE_IN_PROGRESS for half a minute, then UPDATE_COMPLETE; it changes what it names."""
    create(world, configuration={"hostSharedAlb": {"networkConfiguration": {"subnets": ["subnet-1"]}}})
    changes: Wire = {"maxAlbCount": 3, "networkConfiguration": {"inboundSecurityGroup": "sg-1"}}
    world.pass_(10)
    answer = world.do("UpdateGateway", gateway=EDGE, propagateTags="NONE", configuration={"hostSharedAlb": changes})
    assert answer == {"gatewayArn": EDGE, "name": "edge", "status": "UPDATE_IN_PROGRESS"}
    world.pass_(29.9)
    assert gateway(world)["status"] == "UPDATE_IN_PROGRESS"
    world.pass_(0.1)
    shown = gateway(world)
    assert (shown["status"], shown["updatedAt"], shown["propagateTags"]) == ("UPDATE_COMPLETE", NOON + 10, "NONE")
    configuration = shown["configuration"]["hostSharedAlb"]
    assert (configuration["maxAlbCount"], configuration["networkConfiguration"]) == (
        3,
        {"subnets": ["subnet-1"], "ipAddressType": "dualstack", "inboundSecurityGroup": "sg-1"},
    )


def test_an_update_can_fail(world: World) -> None:
    """A failed update shows its reason, also for each load balancer; the next update removes it."""
    create(world)
    world.sim.open_route("edge", "web")
    world.sim.script_resource("gateway", "edge", Progress(seconds=90, fails="not authorized"))
    world.do("UpdateGateway", gateway="edge", infrastructureRoleArn=f"{ROLE}2")
    world.pass_(89.9)
    assert gateway(world)["status"] == "UPDATE_IN_PROGRESS"
    world.pass_(0.1)
    shown = gateway(world)
    (resource,) = world.do("DescribeGatewayResources", gateway="edge")["gatewayResources"]["resources"]["hostSharedAlb"]
    assert (shown["status"], shown["statusReason"]) == ("UPDATE_FAILED", "not authorized")
    assert [each["arn"] for each in shown["failures"]] == [resource["loadBalancerArn"]]
    assert shown["failures"][0]["errors"][0]["message"] == "not authorized"
    world.sim.script_resource("gateway", "edge", Progress())
    world.do("UpdateGateway", gateway="edge", infrastructureRoleArn=ROLE)
    world.pass_(30)
    shown = gateway(world)
    assert (shown["status"], "statusReason" in shown, "failures" in shown) == ("UPDATE_COMPLETE", False, False)


def test_a_deleted_gateway_is_not_found(world: World) -> None:
    """Deletion takes no time, and needs deletion protection off and no associations."""
    create(world)
    assert "protection" in world.refusal("DeleteGateway", gateway="edge").message
    world.do("UpdateGateway", gateway="edge", deletionProtection=False)
    world.do("AssociateGatewayWithCluster", gateway="edge", cluster="default")
    assert "disassociate" in world.refusal("DeleteGateway", gateway="edge").message
    world.do("DisassociateGatewayFromCluster", gateway="edge", cluster="default")
    route = world.sim.open_route("edge", "web")
    assert "routes" in world.refusal("DeleteGateway", gateway="edge").message
    world.sim.close_route(route)
    world.pass_(20)
    assert world.do("DeleteGateway", gateway="edge") == {"gatewayArn": EDGE, "name": "edge", "status": "DELETED"}
    for operation in ("DescribeGateway", "UpdateGateway", "DeleteGateway", "DescribeGatewayResources"):
        assert world.refusal(operation, gateway=EDGE).code == "GatewayNotFoundException"
    assert world.do("ListGateways")["gateways"] == []
    assert create(world)["status"] == "ACTIVE"


def test_the_same_token_creates_once(world: World) -> None:
    """A token with the same parameters replays, with others it is refused."""
    answer = create(world, clientToken="t")
    assert create(world, clientToken="t") == answer
    refusals = [
        world.refusal(
            "CreateGateway", name=name, infrastructureRoleArn=ROLE, configuration={"hostSharedAlb": {}}, **token
        )
        for name, token in (("other", {"clientToken": "t"}), ("edge", {"clientToken": "u"}), ("edge", {}))
    ]
    assert [refusal.code for refusal in refusals] == ["InvalidParameterException"] * 3


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"name": ""}, "ClientException"),
        ({"configuration": {}}, "InvalidParameterException"),
        ({"configuration": {"hostSharedAlb": {"port": 80}}}, "InvalidParameterException"),
        ({"configuration": {"hostSharedAlb": {"protocol": "HTTP"}}}, "InvalidParameterException"),
        ({"configuration": {"hostSharedAlb": {"maxAlbCount": 0}}}, "InvalidParameterException"),
        ({"tags": [{"key": ""}]}, "InvalidParameterException"),
    ],
)
def test_a_gateway_that_cannot_be(world: World, members: Wire, code: str) -> None:
    """A gateway has a name and listens with HTTPS on port 443."""
    request = {"name": "edge", "infrastructureRoleArn": ROLE, "configuration": {"hostSharedAlb": {}}, **members}
    assert world.refusal("CreateGateway", **request).code == code
    assert world.do("ListGateways")["gateways"] == []


def test_gateways_are_listed(world: World) -> None:
    """ListGateways filters by name and status, in pages."""
    for name in ("c", "a", "b"):
        create(world, name)
    world.do("UpdateGateway", gateway="b")

    def listed(**members: Any) -> list[str]:
        return [each["name"] for each in world.do("ListGateways", **members)["gateways"]]

    assert listed() == ["a", "b", "c"]
    assert (listed(names=["c", "nope"]), listed(status=["UPDATE_IN_PROGRESS"])) == (["c"], ["b"])
    more = world.do("ListGateways", maxResults=2)
    assert listed(maxResults=2, nextToken=more["nextToken"]) == ["c"]
    assert world.refusal("ListGateways", names=["x"] * 11).code == "InvalidParameterException"


def test_an_association_lasts_as_long_as_its_routes(world: World) -> None:
    """A disassociation waits for the routes of the cluster, not for those of others."""
    create(world)
    world.do("CreateCluster", clusterName="other")
    answer = world.do("AssociateGatewayWithCluster", gateway="edge", cluster="default")
    assert answer == {"gatewayArn": EDGE, "clusterArn": f"{ARN}cluster/default", "status": "ACTIVE"}
    routes = [world.sim.open_route("edge", name) for name in ("web", "api")]
    world.sim.open_route("edge", "web", cluster="other")
    answer = world.do("DisassociateGatewayFromCluster", gateway=EDGE, cluster=f"{ARN}cluster/default")
    assert answer["status"] == "DISASSOCIATING"
    for route in routes:
        world.pass_(100)
        assert associations(world) == [("default", "DISASSOCIATING")]
        world.sim.close_route(route)
    world.pass_(19.9)
    assert associations(world) == [("default", "DISASSOCIATING")]
    world.pass_(0.1)
    assert associations(world) == []
    refusal = world.refusal("DisassociateGatewayFromCluster", gateway="edge", cluster="default")
    assert refusal.code == "ResourceNotFoundException"


def test_an_association_without_routes_ends_at_once(world: World) -> None:
    """The answer shows DISASSOCIATING; without routes, the association ends at once."""
    create(world)
    world.do("AssociateGatewayWithCluster", gateway="edge", cluster="default")
    answer = world.do("DisassociateGatewayFromCluster", gateway="edge", cluster="default")
    assert (answer["status"], associations(world)) == ("DISASSOCIATING", [])


def test_associating_again_ends_the_disassociation(world: World) -> None:
    """A DISASSOCIATING association can become ACTIVE again, and then stays when its routes end."""
    create(world)
    route = world.sim.open_route("edge", "web")
    for operation in ("AssociateGatewayWithCluster", "DisassociateGatewayFromCluster", "AssociateGatewayWithCluster"):
        world.do(operation, gateway="edge", cluster="default")
    world.sim.close_route(route)
    world.pass_(100)
    assert associations(world) == [("default", "ACTIVE")]


def test_a_route_that_opens_again_keeps_its_association(world: World) -> None:
    """If a service is connected again while its route is deleted, the disassociation waits again."""
    create(world)
    world.do("AssociateGatewayWithCluster", gateway="edge", cluster="default")
    route = world.sim.open_route("edge", "web")
    world.do("DisassociateGatewayFromCluster", gateway="edge", cluster="default")
    world.sim.close_route(route)
    world.pass_(10)
    assert (world.sim.open_route("edge", "web"), route_status(world, route)) == (route, "UPDATE_IN_PROGRESS")
    world.pass_(100)
    assert (associations(world), route_status(world, route)) == ([("default", "DISASSOCIATING")], "ACTIVE")


def test_associations_are_listed(world: World) -> None:
    """The list is filtered by gateway, cluster and status; a cluster has at most five."""
    world.do("CreateCluster", clusterName="other")
    for name in ("a", "b", "c", "d", "e", "f"):
        create(world, name)
    for name in ("a", "b", "c", "d", "e"):
        world.do("AssociateGatewayWithCluster", gateway=name, cluster="default")
    world.do("AssociateGatewayWithCluster", gateway="a", cluster="other")
    assert associations(world, gateway="a") == [("default", "ACTIVE"), ("other", "ACTIVE")]
    assert associations(world, cluster="other", status=["ACTIVE"]) == [("other", "ACTIVE")]
    assert associations(world, status=["DISASSOCIATING"]) == []
    refusal = world.refusal("AssociateGatewayWithCluster", gateway="f", cluster="default")
    assert (refusal.code, "at most 5" in refusal.message) == ("ClientException", True)
    for members, code in (
        ({"gateway": "nope", "cluster": "default"}, "GatewayNotFoundException"),
        ({"gateway": "a", "cluster": "nope"}, "ClusterNotFoundException"),
    ):
        assert world.refusal("AssociateGatewayWithCluster", **members).code == code


def test_a_route_comes_changes_and_goes(world: World) -> None:
    """Each change of a route is in progress for 20 s; after the last one the route is not found."""
    create(world)
    arn = world.sim.open_route("edge", "web", port="https")
    seen = []

    def look() -> None:
        for pause in (0, 19.9):
            world.pass_(pause)
            seen.append(route_status(world, arn))
        world.pass_(0.1)

    look()
    seen.append(route_status(world, arn))
    assert world.sim.open_route("edge", "web", port="https") == arn
    look()
    seen.append(route_status(world, arn))
    world.sim.close_route(arn)
    look()
    assert seen == [
        *["CREATE_IN_PROGRESS"] * 2,
        "ACTIVE",
        *["UPDATE_IN_PROGRESS"] * 2,
        "ACTIVE",
        *["DELETE_IN_PROGRESS"] * 2,
    ]
    assert world.refusal("DescribeGatewayRoute", gatewayRouteArn=arn).code == "ResourceNotFoundException"
    with pytest.raises(SimulatedError, match="ResourceNotFoundException"):
        world.sim.close_route(arn)
    with pytest.raises(SimulatedError, match="GatewayNotFoundException"):
        world.sim.open_route("nope", "web")


def test_the_changes_of_a_route_can_fail(world: World) -> None:
    """Each change has a status for its failure."""
    create(world)
    world.sim.script_resource("gateway-route", "edge", Progress(seconds=1, fails="no certificate"))
    arn = world.sim.open_route("edge", "web")
    world.pass_(1)
    seen = [route_status(world, arn)]
    world.sim.open_route("edge", "web")
    world.pass_(1)
    seen.append(route_status(world, arn))
    world.sim.close_route(arn)
    world.pass_(1)
    seen.append(route_status(world, arn))
    assert seen == ["CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED"]


def test_routes_share_a_load_balancer(world: World) -> None:
    """A gateway has a load balancer from its first route to its last."""
    create(world)

    def resources() -> list[Wire]:
        found = world.do("DescribeGatewayResources", gateway="edge")["gatewayResources"]
        assert found["gatewayArn"] == EDGE
        balancers: list[Wire] = found["resources"]["hostSharedAlb"]
        return balancers

    assert resources() == []
    routes = [world.sim.open_route("edge", name) for name in ("web", "api")]
    (balancer,) = resources()
    assert (balancer["gatewayRouteArns"], gateway(world)["configuration"]["hostSharedAlb"]["currentAlbCount"]) == (
        routes,
        1,
    )
    shown = world.do("DescribeGatewayRoute", gatewayRouteArn=routes[0])["gatewayRoute"]
    assert shown["resources"]["hostSharedAlb"][0]["loadBalancerArn"] == balancer["loadBalancerArn"]
    for route in routes:
        world.sim.close_route(route)
    world.pass_(20)
    assert resources() == []


def test_routes_are_listed(world: World) -> None:
    """The list is filtered by gateway, cluster, service, port and status."""
    for name in ("edge", "inner"):
        create(world, name)
    world.sim.open_route("edge", "web")
    world.pass_(20)
    world.sim.open_route("edge", "api", port="grpc")
    world.sim.open_route("inner", "web", cluster="other")

    def listed(**members: Any) -> set[tuple[str, str]]:
        found = world.do("ListGatewayRoutes", **members)["gatewayRoutes"]
        return {tuple(each["serviceArn"].rsplit("/", 2)[1:]) for each in found}

    web, api, other = ("default", "web"), ("default", "api"), ("other", "web")
    assert listed() == {web, api, other}
    assert (listed(gateway="edge"), listed(gateway=EDGE, status=["ACTIVE"])) == ({web, api}, {web})
    assert (listed(cluster="other"), listed(cluster=f"{ARN}cluster/default")) == ({other}, {web, api})
    assert (listed(service="web"), listed(service=f"{ARN}service/other/web")) == ({web, other}, {other})
    assert listed(serviceContainerPortName="grpc") == {api}
    assert world.refusal("ListGatewayRoutes", gateway="nope").code == "GatewayNotFoundException"
    assert world.refusal("DescribeGatewayRoute", gatewayRouteArn="web").code == "InvalidParameterException"


def test_gateways_carry_tags(world: World) -> None:
    """A gateway shows its tags, and they can be changed by its ARN."""
    create(world, tags=[{"key": "a", "value": "1"}])
    world.do("TagResource", resourceArn=EDGE, tags=[{"key": "b", "value": "2"}])
    world.do("UntagResource", resourceArn=EDGE, tagKeys=["a"])
    assert gateway(world)["tags"] == [{"key": "b", "value": "2"}]


def test_a_new_gateway_is_invisible_for_a_while() -> None:
    """Until `visible_after` reads do not find a gateway and its routes; updates do."""
    world = World(lag=Lag(visible_after=3))
    create(world)
    route = world.sim.open_route("edge", "web")
    world.do("UpdateGateway", gateway="edge")
    assert world.refusal("DescribeGateway", gateway="edge").code == "GatewayNotFoundException"
    assert world.refusal("ListGatewayRoutes", gateway="edge").code == "GatewayNotFoundException"
    assert world.do("ListGateways")["gateways"] == []
    assert world.refusal("DescribeGatewayRoute", gatewayRouteArn=route).code == "ResourceNotFoundException"
    world.pass_(3)
    assert (gateway(world)["status"], route_status(world, route)) == ("UPDATE_IN_PROGRESS", "CREATE_IN_PROGRESS")


def test_stale_reads_show_the_past() -> None:
    """A read of a moment before an update shows the old configuration, and one before a deletion shows the gateway."""
    world = World(lag=Lag(stale_by=5, stale_share=1))
    create(world)
    world.pass_(100)
    world.do("UpdateGateway", gateway="edge", deletionProtection=False)
    world.pass_(0.001)
    assert (gateway(world)["status"], gateway(world)["deletionProtection"]) == ("ACTIVE", True)
    world.pass_(60)
    world.do("DeleteGateway", gateway="edge")
    world.pass_(0.001)
    assert gateway(world)["status"] == "UPDATE_COMPLETE"
    world.pass_(5)
    assert world.refusal("DescribeGateway", gateway="edge").code == "GatewayNotFoundException"
