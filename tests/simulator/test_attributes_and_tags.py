from __future__ import annotations

import pytest

from .support import ARN, Wire, World


def test_attributes_are_put_listed_and_deleted(world: World) -> None:
    """A custom attribute is on its instance from put to delete."""
    arn = world.add_instance()
    attribute = {"name": "disk", "value": "fast", "targetType": "container-instance", "targetId": arn}
    assert world.do("PutAttributes", attributes=[attribute])["attributes"] == [attribute]
    wanted: Wire = {"targetType": "container-instance", "attributeName": "disk"}
    assert world.do("ListAttributes", **wanted)["attributes"] == [attribute]
    assert world.do("ListAttributes", **wanted, attributeValue="slow")["attributes"] == []
    assert world.do("DeleteAttributes", attributes=[{"name": "disk", "targetId": arn}])["attributes"] == [attribute]
    assert world.do("ListAttributes", **wanted)["attributes"] == []


def test_putting_again_replaces_the_value(world: World) -> None:
    """An instance has one value per attribute."""
    arn = world.add_instance()
    for value in ("fast", "slow"):
        world.do("PutAttributes", attributes=[{"name": "disk", "value": value, "targetId": arn}])
    listed = world.do("ListAttributes", targetType="container-instance", attributeName="disk")["attributes"]
    assert [attribute["value"] for attribute in listed] == ["slow"]


@pytest.mark.parametrize(
    ("attribute", "code"),
    [
        ({"name": "a", "targetId": f"{ARN}container-instance/default/nope"}, "TargetNotFoundException"),
        ({"name": "a", "targetId": "nope", "targetType": "container-instance"}, "TargetNotFoundException"),
        ({"name": "a", "targetId": "nope"}, "InvalidParameterException"),
        ({"name": "a"}, "InvalidParameterException"),
    ],
)
def test_attributes_need_a_target(world: World, attribute: Wire, code: str) -> None:
    """An attribute names its instance by ARN, or by id and type."""
    for operation in ("PutAttributes", "DeleteAttributes"):
        assert world.refusal(operation, attributes=[attribute]).code == code


def test_attribute_limits(world: World) -> None:
    """A call has at most ten attributes, an instance at most ten custom ones."""
    arn = world.add_instance()
    ten = [{"name": f"a{number}", "targetId": arn} for number in range(10)]
    eleventh = {"name": "b", "targetId": arn}
    assert world.refusal("PutAttributes", attributes=[*ten, eleventh]).code == "InvalidParameterException"
    assert world.refusal("PutAttributes", attributes=[]).code == "InvalidParameterException"
    world.do("PutAttributes", attributes=ten)
    assert world.refusal("PutAttributes", attributes=[eleventh]).code == "AttributeLimitExceededException"


def test_tags_come_and_go(world: World) -> None:
    """Every type of resource can be tagged, listed and untagged by ARN."""
    definition = world.register()
    provider = world.do(
        "CreateCapacityProvider",
        name="group",
        autoScalingGroupProvider={"autoScalingGroupArn": "arn:aws:autoscaling:us-east-1:1:group"},
    )["capacityProvider"]["capacityProviderArn"]
    for arn in (f"{ARN}cluster/default", definition, world.run_one(), world.add_instance(), provider):
        world.do("TagResource", resourceArn=arn, tags=[{"key": "a", "value": "1"}, {"key": "b"}])
        world.do("TagResource", resourceArn=arn, tags=[{"key": "a", "value": "2"}])
        listed = world.do("ListTagsForResource", resourceArn=arn)["tags"]
        assert listed == [{"key": "a", "value": "2"}, {"key": "b", "value": ""}]
        world.do("UntagResource", resourceArn=arn, tagKeys=["a", "zzz"])
        assert world.do("ListTagsForResource", resourceArn=arn)["tags"] == [{"key": "b", "value": ""}]


@pytest.mark.parametrize(
    "tags",
    [
        [{"key": f"k{number}", "value": ""} for number in range(51)],
        [{"key": "a", "value": ""}, {"key": "a", "value": ""}],
        [{"key": "aws:a", "value": ""}],
        [{"value": "x"}],
        [{"key": "x" * 129, "value": ""}],
        [{"key": "a", "value": "x" * 257}],
    ],
)
def test_bad_tags(world: World, tags: list[Wire]) -> None:
    """Too many tags, and duplicate, reserved, absent or long keys are refused everywhere."""
    for refusal in (
        world.refusal("TagResource", resourceArn=f"{ARN}cluster/default", tags=tags),
        world.refusal("CreateCluster", clusterName="c", tags=tags),
    ):
        assert refusal.code == "InvalidParameterException"


def test_a_resource_has_at_most_50_tags(world: World) -> None:
    """The limit holds for old and new tags together."""
    arn = f"{ARN}cluster/default"
    world.do("TagResource", resourceArn=arn, tags=[{"key": f"k{number}", "value": ""} for number in range(50)])
    world.do("TagResource", resourceArn=arn, tags=[{"key": "k0", "value": "new"}])
    refusal = world.refusal("TagResource", resourceArn=arn, tags=[{"key": "one more", "value": ""}])
    assert refusal.code == "InvalidParameterException"


@pytest.mark.parametrize(
    ("arn", "code"),
    [
        (f"{ARN}cluster/nope", "ResourceNotFoundException"),
        (f"{ARN}task/default/nope", "ResourceNotFoundException"),
        (f"{ARN}planet/earth", "InvalidParameterException"),
        ("arn:aws:s3:::bucket", "InvalidParameterException"),
        ("default", "InvalidParameterException"),
        (f"{ARN}service/default/web", "ResourceNotFoundException"),
    ],
)
def test_tags_need_a_resource(world: World, arn: str, code: str) -> None:
    """An unknown resource is not found; an ARN of a resource that has no tags is a bad parameter."""
    assert world.refusal("TagResource", resourceArn=arn, tags=[]).code == code
    assert world.refusal("UntagResource", resourceArn=arn, tagKeys=[]).code == code
    listing = "InvalidParameterException" if code == "ResourceNotFoundException" else code
    assert world.refusal("ListTagsForResource", resourceArn=arn).code == listing
