"""Application Auto Scaling, as far as pausing it needs it: the scalable targets of services, and their tags.

Nothing is scaled. Three operations have the names of operations of ECS; here they have the service in front.

Source: https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

import attrs
from botocore.loaders import Loader

from ecskit._simulator.errors import SimulatedError
from ecskit._simulator.wire import Wire, timestamp

if TYPE_CHECKING:
    from ecskit._simulator.account import Account

TARGET_PREFIX = "AnyScaleFrontendService"
_FLAGS = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")
_DIMENSION = "ecs:service:DesiredCount"


@attrs.define
class ScalableTarget:
    """A service that can be scaled."""

    arn: str
    resource_id: str
    """`service/CLUSTER/NAME`."""
    created_at: float
    capacities: Wire
    """`MinCapacity` and `MaxCapacity`."""
    suspended: dict[str, bool] = attrs.field(factory=lambda: dict.fromkeys(_FLAGS, False))
    tags: dict[str, str] = attrs.field(factory=dict[str, str])

    def show(self, account: Account) -> Wire:
        """Return it as DescribeScalableTargets shows it."""
        role = "role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling"
        return {
            "ServiceNamespace": "ecs",
            "ResourceId": self.resource_id,
            "ScalableDimension": _DIMENSION,
            **self.capacities,
            "RoleARN": account.arns.iam(f"{role}_ECSService"),
            "CreationTime": timestamp(self.created_at),
            "SuspendedState": dict(self.suspended),
            "ScalableTargetARN": self.arn,
        }


def named(operation: str, request: Wire, *, by_prefix: bool = False) -> str:
    """Return the name of an operation here: requests of this service for tags name the resource in capitals."""
    mine = f"application-autoscaling:{operation}"
    return mine if mine in OPERATIONS and (by_prefix or "ResourceARN" in request) else operation


@functools.cache
def load_model() -> dict[str, Any]:
    """Return the service model in the installed botocore, with the names of operations here."""
    model = cast("dict[str, Any]", Loader().load_service_model("application-autoscaling", "service-2"))
    operations = {named(name, {}, by_prefix=True): shape for name, shape in model["operations"].items()}
    return {**model, "operations": operations}


def _describe(account: Account, request: Wire) -> Wire:
    wanted = request.get("ResourceIds")
    shown = [each for each in account.scalable_targets.values() if not wanted or each.resource_id in wanted]
    ours = request["ServiceNamespace"] == "ecs" and request.get("ScalableDimension", _DIMENSION) == _DIMENSION
    return {"ScalableTargets": [each.show(account) for each in shown] if ours else []}


def _register(account: Account, request: Wire) -> Wire:
    resource_id = request["ResourceId"]
    if request["ServiceNamespace"] != "ecs" or request["ScalableDimension"] != _DIMENSION:
        raise SimulatedError("ValidationException", f"Only {_DIMENSION} of the namespace ecs is simulated.")
    target = account.scalable_targets.get(resource_id)
    if target is None:
        if account.arns.ecs("service", resource_id.removeprefix("service/")) not in account.services:
            raise SimulatedError("ValidationException", f"ECS service doesn't exist: {resource_id}")
        if not {"MinCapacity", "MaxCapacity"} <= request.keys():
            raise SimulatedError("ValidationException", "MinCapacity and MaxCapacity are required for a new target.")
        arns, number = account.arns, f"{account.identifiers.getrandbits(56):014x}"
        owner = f"arn:{arns.partition}:application-autoscaling:{arns.region}:{arns.account}"
        target = ScalableTarget(f"{owner}:scalable-target/{number}", resource_id, account.now, {})
        target.tags = dict(request.get("Tags", {}))
        account.scalable_targets[resource_id] = target
    target.capacities |= {name: request[name] for name in ("MinCapacity", "MaxCapacity") if name in request}
    if "SuspendedState" in request:  # what it leaves out is reset
        target.suspended = {name: bool(request["SuspendedState"].get(name)) for name in _FLAGS}
    return {"ScalableTargetARN": target.arn}


def _list_tags(account: Account, request: Wire) -> Wire:
    return {"Tags": dict(_of_arn(account, request).tags)}


def _tag(account: Account, request: Wire) -> Wire:
    _of_arn(account, request).tags |= request["Tags"]
    return {}


def _untag(account: Account, request: Wire) -> Wire:
    tags = _of_arn(account, request).tags
    for key in request["TagKeys"]:
        tags.pop(key, None)
    return {}


def _of_arn(account: Account, request: Wire) -> ScalableTarget:
    found = (each for each in account.scalable_targets.values() if each.arn == request["ResourceARN"])
    target = next(found, None)
    if target is None:
        raise SimulatedError("ResourceNotFoundException", f"The resource {request['ResourceARN']} doesn't exist.")
    return target


OPERATIONS: Mapping[str, Callable[[Account, Wire], Wire]] = {
    "DescribeScalableTargets": _describe,
    "RegisterScalableTarget": _register,
    "application-autoscaling:ListTagsForResource": _list_tags,
    "application-autoscaling:TagResource": _tag,
    "application-autoscaling:UntagResource": _untag,
}
