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


def test_updates_are_merged(world: World) -> None:
    """An update changes what it names and nothing else."""
    create(world, managedScaling={"status": "ENABLED", "targetCapacity": 80})
    changes = {"managedScaling": {"targetCapacity": 50}, "managedDraining": "DISABLED"}
    answer = world.do("UpdateCapacityProvider", name="group", autoScalingGroupProvider=changes)
    updated = answer["capacityProvider"]["autoScalingGroupProvider"]
    assert (updated["managedScaling"]["status"], updated["managedScaling"]["targetCapacity"]) == ("ENABLED", 50)
    assert (updated["managedDraining"], updated["autoScalingGroupArn"]) == ("DISABLED", GROUP["autoScalingGroupArn"])


def test_deletion_waits_for_clusters(world: World) -> None:
    """A capacity provider in use cannot be deleted; a deleted one is INACTIVE for a while."""
    create(world)
    world.do(
        "PutClusterCapacityProviders",
        cluster="default",
        capacityProviders=["group"],
        defaultCapacityProviderStrategy=[],
    )
    assert world.refusal("DeleteCapacityProvider", capacityProvider="group").code == "ClientException"
    world.do("PutClusterCapacityProviders", cluster="default", capacityProviders=[], defaultCapacityProviderStrategy=[])
    deleted = world.do("DeleteCapacityProvider", capacityProvider="group")["capacityProvider"]
    assert (deleted["status"], deleted["updateStatus"]) == ("INACTIVE", "DELETE_COMPLETE")
    assert len(world.do("DescribeCapacityProviders")["capacityProviders"]) == 2
    create(world)
    assert len(world.do("DescribeCapacityProviders")["capacityProviders"]) == 3


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
