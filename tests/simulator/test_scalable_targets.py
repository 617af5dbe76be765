"""The simulated Application Auto Scaling: scalable targets of services, their suspended state and tags."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from support.definitions import NETWORK, register

from ecskit.testing import SimulatedError, Simulator, attach

TARGET: Any = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/default/web",
    "ScalableDimension": "ecs:service:DesiredCount",
}


@pytest.fixture
def sim() -> Simulator:
    """A simulator with the service web."""
    made = Simulator()
    register(made, "web")
    service = {"serviceName": "web", "taskDefinition": "web", "desiredCount": 1, "launchType": "FARGATE"}
    made.handle("CreateService", {**service, "networkConfiguration": NETWORK})
    return made


def test_a_client_of_boto3(sim: Simulator) -> None:
    """What it registers is shown; a suspended state is set as a whole; tags are those of the scalable target."""
    session = boto3.Session(region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing")
    client: Any = session.client("application-autoscaling")
    attach(client, sim)
    arn = client.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=4, Tags={"a": "b"})["ScalableTargetARN"]
    client.register_scalable_target(**TARGET, SuspendedState={"DynamicScalingInSuspended": True})
    client.register_scalable_target(**TARGET, MaxCapacity=8, SuspendedState={"ScheduledScalingSuspended": True})
    [shown] = client.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=["service/default/web"])[
        "ScalableTargets"
    ]
    assert (shown["MinCapacity"], shown["MaxCapacity"], shown["ScalableTargetARN"]) == (1, 8, arn)
    assert shown["SuspendedState"] == {
        "DynamicScalingInSuspended": False,
        "DynamicScalingOutSuspended": False,
        "ScheduledScalingSuspended": True,
    }
    client.tag_resource(ResourceARN=arn, Tags={"c": "d"})
    client.untag_resource(ResourceARN=arn, TagKeys=["a", "x"])
    assert client.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"c": "d"}
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.tag_resource(ResourceARN=f"{arn}0", Tags={"c": "d"})


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        ({**TARGET, "MinCapacity": 1}, "MinCapacity and MaxCapacity are required"),
        ({**TARGET, "ResourceId": "service/default/nope"}, "ECS service doesn't exist: service/default/nope"),
        ({**TARGET, "ServiceNamespace": "ec2"}, "Only ecs:service:DesiredCount of the namespace ecs is simulated"),
    ],
)
def test_refusals(sim: Simulator, request_: dict[str, Any], problem: str) -> None:
    """Nothing is registered."""
    with pytest.raises(SimulatedError, match=problem) as refused:
        sim.handle("RegisterScalableTarget", request_)
    assert refused.value.code == "ValidationException"
    assert sim.handle("DescribeScalableTargets", {"ServiceNamespace": "ecs"}) == {"ScalableTargets": []}


def test_tags_of_ecs_are_other_tags(sim: Simulator) -> None:
    """Operations of both services have the same names."""
    cluster = "arn:aws:ecs:us-east-1:123456789012:cluster/default"
    sim.handle("TagResource", {"resourceArn": cluster, "tags": [{"key": "team", "value": "shop"}]})
    assert sim.handle("ListTagsForResource", {"resourceArn": cluster})["tags"] == [{"key": "team", "value": "shop"}]
