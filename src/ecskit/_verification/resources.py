"""The types of resources that definitions name: the request that shows each, without values of secrets.

Each request describes; none changes anything. Errors mean that a resource does not exist only if they are listed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs

from ecskit._verification.references import ResourceType, Wire

__all__ = [
    "ACCESS_POINT",
    "CONFIGURATION_FILE",
    "ENVIRONMENT_FILE",
    "FILE_SYSTEM",
    "LOG_GROUP",
    "PARAMETER",
    "ROLE",
    "SECRET",
    "SECURITY_GROUP",
    "SUBNET",
    "TARGET_GROUP",
]


def _item(members: str, *names: str) -> Callable[[Wire, Any], Any]:
    """Return a function that finds the item of a list in a response that one of its members names."""

    def find(answer: Wire, key: Any) -> Any:
        return next((each for each in answer.get(members, ()) if any(each.get(name) == key for name in names)), None)

    return find


def _whole(answer: Wire, _: Any) -> Any:
    return answer


def _ids(name: str) -> Callable[[Sequence[Any]], Wire]:
    # A filter shows those that exist; a list of ids would be refused if one does not.
    return lambda ids: {"Filters": [{"Name": name, "Values": list(ids)}]}


ROLE = ResourceType(
    noun="role",
    service="iam",
    operation="GetRole",
    action="iam:GetRole",
    params=lambda keys: {"RoleName": keys[0]},
    read=lambda answer, _: answer["Role"],
    absent=frozenset({"NoSuchEntity"}),
    regional=False,
)
LOG_GROUP = ResourceType(
    noun="log group",
    service="logs",
    operation="DescribeLogGroups",
    action="logs:DescribeLogGroups",
    params=lambda keys: {"logGroupNamePrefix": keys[0]},  # in alphabetical order: its own name is the first
    read=_item("logGroups", "logGroupName"),
    advice='create it, or let the log driver create it with the option awslogs-create-group: "true"',
)
SECRET = ResourceType(
    noun="secret",
    service="secretsmanager",
    operation="DescribeSecret",
    action="secretsmanager:DescribeSecret",
    params=lambda keys: {"SecretId": keys[0]},
    read=_whole,
    absent=frozenset({"ResourceNotFoundException"}),
    shows_names=False,
)
PARAMETER = ResourceType(
    noun="parameter",
    service="ssm",
    operation="DescribeParameters",
    action="ssm:DescribeParameters",
    params=lambda keys: {
        # Two names for an ARN: it has no slash before a name without further ones.
        "ParameterFilters": [{"Key": "Name", "Option": "Equals", "Values": [name for key in keys for name in key]}]
    },
    read=lambda answer, key: next((each for each in answer.get("Parameters", ()) if each["Name"] in key), None),
    most=25,
    pages=True,
    shows_names=False,
)
ENVIRONMENT_FILE = ResourceType(
    noun="environment file",
    service="s3",
    operation="HeadObject",
    action="s3:GetObject, and s3:ListBucket to find out whether it exists",
    params=lambda keys: {"Bucket": keys[0][0], "Key": keys[0][1]},
    read=_whole,
    absent=frozenset({"404", "NoSuchKey", "NoSuchBucket", "NotFound"}),
    advice="upload it, or correct the name",
    regional=False,
)
CONFIGURATION_FILE = attrs.evolve(ENVIRONMENT_FILE, noun="configuration file of FireLens")
FILE_SYSTEM = ResourceType(
    noun="file system",
    service="efs",
    operation="DescribeFileSystems",
    action="elasticfilesystem:DescribeFileSystems",
    params=lambda keys: {"FileSystemId": keys[0]},
    read=_item("FileSystems", "FileSystemId", "FileSystemArn"),
    absent=frozenset({"FileSystemNotFound"}),
)
ACCESS_POINT = ResourceType(
    noun="access point",
    service="efs",
    operation="DescribeAccessPoints",
    action="elasticfilesystem:DescribeAccessPoints",
    params=lambda keys: {"AccessPointId": keys[0]},
    read=_item("AccessPoints", "AccessPointId", "AccessPointArn"),
    absent=frozenset({"AccessPointNotFound"}),
)
TARGET_GROUP = ResourceType(
    noun="target group",
    service="elbv2",
    operation="DescribeTargetGroups",
    action="elasticloadbalancing:DescribeTargetGroups",
    params=lambda keys: {"TargetGroupArns": [keys[0]]},
    read=_item("TargetGroups", "TargetGroupArn"),
    absent=frozenset({"TargetGroupNotFound", "TargetGroupNotFoundException"}),
)
SUBNET = ResourceType(
    noun="subnet",
    service="ec2",
    operation="DescribeSubnets",
    action="ec2:DescribeSubnets",
    params=_ids("subnet-id"),
    read=_item("Subnets", "SubnetId"),
    most=50,
)
SECURITY_GROUP = ResourceType(
    noun="security group",
    service="ec2",
    operation="DescribeSecurityGroups",
    action="ec2:DescribeSecurityGroups",
    params=_ids("group-id"),
    read=_item("SecurityGroups", "GroupId"),
    most=50,
)
