from __future__ import annotations

import pytest

from ecskit._simulator.capacity_strategies import divide

from .support import ARN, Wire, World

GROUP: Wire = {"autoScalingGroupArn": "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:x:g"}


def create(world: World, name: str = "group", **members: Wire) -> Wire:
    answer = world.do("CreateCapacityProvider", name=name, autoScalingGroupProvider={**GROUP, **members})
    provider: Wire = answer["capacityProvider"]
    return provider


def test_fargate_is_predefined(world: World) -> None:
    """FARGATE and FARGATE_SPOT exist in every account and cannot be changed."""
    found = world.do("DescribeCapacityProviders")["capacityProviders"]
    assert [(each["name"], each["status"]) for each in found] == [("FARGATE", "ACTIVE"), ("FARGATE_SPOT", "ACTIVE")]
    assert world.refusal("DeleteCapacityProvider", capacityProvider="FARGATE").code == "InvalidParameterException"


def test_creation_fills_in_scaling(world: World) -> None:
    """A new capacity provider has the defaults of managed scaling."""
    provider = create(world, managedScaling={"status": "ENABLED", "targetCapacity": 80})
    scaling = provider["autoScalingGroupProvider"]["managedScaling"]
    assert (scaling["status"], scaling["targetCapacity"], scaling["maximumScalingStepSize"]) == ("ENABLED", 80, 10000)
    assert (provider["capacityProviderArn"], provider["type"]) == (f"{ARN}capacity-provider/group", "EC2_AUTOSCALING")


def test_managed_instances_belong_to_a_cluster(world: World) -> None:
    """A capacity provider of managed instances is created in a cluster, and serves no other."""
    world.do("CreateCluster", clusterName="other")
    template = {
        "ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/p",
        "networkConfiguration": {"subnets": ["subnet-1"]},
    }
    managed = {"infrastructureRoleArn": "arn:aws:iam::123456789012:role/r", "instanceLaunchTemplate": template}
    refusal = world.refusal("CreateCapacityProvider", name="mi", managedInstancesProvider=managed)
    assert refusal.code == "InvalidParameterException"
    world.do("CreateCapacityProvider", name="mi", cluster="default", managedInstancesProvider=managed)
    members: Wire = {"capacityProviders": ["mi"], "defaultCapacityProviderStrategy": []}
    assert world.refusal("PutClusterCapacityProviders", cluster="other", **members).code == "InvalidParameterException"
    world.do("PutClusterCapacityProviders", cluster="default", **members)


def described(world: World, name: str = "group") -> Wire:
    (provider,) = world.do("DescribeCapacityProviders", capacityProviders=[name])["capacityProviders"]
    shown: Wire = provider
    return shown


def put(world: World, *names: str) -> Wire:
    answer = world.do(
        "PutClusterCapacityProviders",
        cluster="default",
        capacityProviders=list(names),
        defaultCapacityProviderStrategy=[],
    )
    cluster: Wire = answer["cluster"]
    return cluster


def test_updates_are_merged(world: World) -> None:
    """An update changes what it names and nothing else, after a while: until then the old values are shown."""
    before = create(world, managedScaling={"status": "ENABLED", "targetCapacity": 80})
    assert "updateStatus" not in before
    changes = {"managedScaling": {"targetCapacity": 50}, "managedDraining": "DISABLED"}
    answer = world.do("UpdateCapacityProvider", name="group", autoScalingGroupProvider=changes)
    assert answer["capacityProvider"] == {**before, "updateStatus": "UPDATE_IN_PROGRESS"}
    assert described(world)["updateStatus"] == "UPDATE_IN_PROGRESS"
    world.pass_(10)
    assert described(world)["updateStatus"] == "UPDATE_COMPLETE"
    updated = described(world)["autoScalingGroupProvider"]
    assert (updated["managedScaling"]["status"], updated["managedScaling"]["targetCapacity"]) == ("ENABLED", 50)
    assert (updated["managedDraining"], updated["autoScalingGroupArn"]) == ("DISABLED", GROUP["autoScalingGroupArn"])


def test_deletion_waits_for_clusters(world: World) -> None:
    """A capacity provider in use cannot be deleted; a deleted one is INACTIVE for a while."""
    create(world)
    put(world, "group")
    assert world.refusal("DeleteCapacityProvider", capacityProvider="group").code == "ClientException"
    world.pass_(10)
    put(world)
    deleted = world.do("DeleteCapacityProvider", capacityProvider="group")["capacityProvider"]
    assert (deleted["status"], deleted["updateStatus"]) == ("ACTIVE", "DELETE_IN_PROGRESS")
    assert (
        world.refusal("CreateCapacityProvider", name="group", autoScalingGroupProvider=GROUP).code == "ClientException"
    )
    world.pass_(10)
    assert (described(world)["status"], described(world)["updateStatus"]) == ("INACTIVE", "DELETE_COMPLETE")
    assert len(world.do("DescribeCapacityProviders")["capacityProviders"]) == 2
    create(world)
    assert len(world.do("DescribeCapacityProviders")["capacityProviders"]) == 3


def test_attachments_change_in_steps(world: World) -> None:
    """Scaling policies are attached and detached in steps, during which another change is refused."""

    def attachments(cluster: Wire) -> tuple[str | None, list[tuple[str, str]]]:
        shown = [(each["details"][0]["value"], each["status"]) for each in cluster["attachments"]]
        return cluster.get("attachmentsStatus"), shown

    def now() -> tuple[str | None, list[tuple[str, str]]]:
        return attachments(world.do("DescribeClusters", include=["ATTACHMENTS"])["clusters"][0])

    create(world)
    create(world, "other")
    assert now() == (None, [])
    assert attachments(put(world, "group", "FARGATE")) == ("UPDATE_IN_PROGRESS", [("group", "ACTIVE")])
    request: Wire = {"cluster": "default", "capacityProviders": [], "defaultCapacityProviderStrategy": []}
    assert world.refusal("PutClusterCapacityProviders", **request).code == "UpdateInProgressException"
    world.pass_(10)
    assert now() == ("UPDATE_COMPLETE", [("group", "CREATED")])
    assert attachments(put(world, "other")) == ("UPDATE_IN_PROGRESS", [("other", "ACTIVE"), ("group", "DELETING")])
    world.pass_(10)
    assert now() == ("UPDATE_COMPLETE", [("other", "CREATED")])
    assert "attachmentsStatus" not in world.do("DescribeClusters")["clusters"][0]


def test_fargate_needs_no_attachments(world: World) -> None:
    """Without Auto Scaling groups nothing is attached, so the next change needs no waiting."""
    assert put(world, "FARGATE")["attachmentsStatus"] == "UPDATE_IN_PROGRESS"
    assert put(world, "FARGATE", "FARGATE_SPOT")["attachments"] == []


def test_a_cluster_with_attachments_is_provisioned_first(world: World) -> None:
    """A new cluster is PROVISIONING while policies or a namespace are attached; with Fargate alone it is ACTIVE."""
    create(world)
    group = world.do("CreateCluster", clusterName="a", capacityProviders=["group"])["cluster"]
    named = world.do("CreateCluster", clusterName="b", serviceConnectDefaults={"namespace": "b"})["cluster"]
    plain = world.do("CreateCluster", clusterName="c", capacityProviders=["FARGATE"])["cluster"]
    assert [each["status"] for each in (group, named, plain)] == ["PROVISIONING", "PROVISIONING", "ACTIVE"]
    assert [each["attachmentsStatus"] for each in (group, named)] == ["UPDATE_IN_PROGRESS"] * 2
    assert [(each["type"], each["status"]) for each in group["attachments"]] == [("as_policy", "PRECREATED")]
    assert [(each["type"], each["status"]) for each in named["attachments"]] == [("sc", "ATTACHING")]
    assert {"attachments", "attachmentsStatus"} & plain.keys() == set()
    world.pass_(10)
    described = world.do("DescribeClusters", clusters=["a", "b"], include=["ATTACHMENTS"])["clusters"]
    assert [each["status"] for each in described] == ["ACTIVE", "ACTIVE"]
    assert [each["attachmentsStatus"] for each in described] == ["UPDATE_COMPLETE"] * 2


def test_describe_pages_and_failures(world: World) -> None:
    """Capacity providers come in pages of at most ten; unknown ones are failures."""
    for number in range(9):
        create(world, f"g{number}")
    first = world.do("DescribeCapacityProviders")
    second = world.do("DescribeCapacityProviders", nextToken=first["nextToken"])
    assert (len(first["capacityProviders"]), len(second["capacityProviders"])) == (10, 1)
    answer = world.do("DescribeCapacityProviders", capacityProviders=["nope"])
    assert answer["failures"] == [{"arn": f"{ARN}capacity-provider/nope", "reason": "MISSING"}]


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"name": "fargate2", "autoScalingGroupProvider": GROUP}, "InvalidParameterException"),
        ({"name": "group", "autoScalingGroupProvider": GROUP}, "ClientException"),
        ({"name": "x"}, "InvalidParameterException"),
        ({"name": "a b", "autoScalingGroupProvider": GROUP}, "ClientException"),
        (
            {"name": "x", "autoScalingGroupProvider": {**GROUP, "managedTerminationProtection": "ENABLED"}},
            "InvalidParameterException",
        ),
        (
            {"name": "x", "autoScalingGroupProvider": {**GROUP, "managedScaling": {"targetCapacity": 101}}},
            "InvalidParameterException",
        ),
    ],
)
def test_refusals(world: World, members: Wire, code: str) -> None:
    """Reserved, duplicate and invalid names are refused, and contradictory settings."""
    create(world)
    assert world.refusal("CreateCapacityProvider", **members).code == code


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        ([{"capacityProvider": "group"}, {"capacityProvider": "FARGATE"}], "mix"),
        ([{"capacityProvider": "FARGATE"}, {"capacityProvider": "FARGATE_SPOT"}], "weight"),
        (
            [
                {"capacityProvider": "FARGATE", "weight": 1, "base": 1},
                {"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 1},
            ],
            "base",
        ),
        ([{"capacityProvider": "nope"}], "not found"),
    ],
)
def test_bad_strategies(world: World, strategy: list[Wire], message: str) -> None:
    """An invalid strategy is refused."""
    create(world)
    refusal = world.refusal(
        "PutClusterCapacityProviders",
        cluster="default",
        capacityProviders=["FARGATE", "FARGATE_SPOT", "group"],
        defaultCapacityProviderStrategy=strategy,
    )
    assert refusal.code == "InvalidParameterException"
    assert message in refusal.message


@pytest.mark.parametrize(
    ("weights", "count", "expected"),
    [
        ({"a": (0, 1)}, 3, {"a": 3}),
        ({"a": (0, 0)}, 3, {"a": 3}),
        ({"a": (0, 1), "b": (0, 1)}, 4, {"a": 2, "b": 2}),
        ({"a": (0, 1), "b": (0, 4)}, 5, {"a": 1, "b": 4}),
        ({"a": (3, 0), "b": (0, 1)}, 5, {"a": 3, "b": 2}),
        ({"a": (9, 0), "b": (0, 1)}, 5, {"a": 5}),
    ],
)
def test_division(weights: dict[str, tuple[int, int]], count: int, expected: dict[str, int]) -> None:
    """Tasks go to the base first, then by weight."""
    strategy = [{"capacityProvider": name, "base": base, "weight": weight} for name, (base, weight) in weights.items()]
    chosen = divide(strategy, count)
    assert {name: chosen.count(name) for name in set(chosen)} == expected
