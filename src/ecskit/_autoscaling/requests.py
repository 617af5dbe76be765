"""Requests for Application Auto Scaling: the scalable target of a service, its suspended state, and its tags.

Source: https://docs.aws.amazon.com/autoscaling/application/APIReference/API_SuspendedState.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from ecskit._core.effects import Flow, RawResponse, Reply, Send
from ecskit._core.errors import EcsError, MalformedResponseError, ServiceError
from ecskit._core.retrying import RetryLimits, is_retryable, retry

__all__ = ["FLAGS", "OUT", "ScalableTarget", "find", "register", "tag", "tags_of", "untag"]

OUT = "DynamicScalingOutSuspended"
FLAGS = ("DynamicScalingInSuspended", OUT, "ScheduledScalingSuspended")
"""The members of a suspended state. What a request leaves out, it resets: so all are sent."""
_SCOPE = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}


@attrs.frozen
class ScalableTarget:
    """A service that Application Auto Scaling scales."""

    resource_id: str
    """`service/CLUSTER/NAME`."""
    arn: str
    suspended: Mapping[str, bool]
    """Which activities are suspended: a value for each of `FLAGS`."""


def find(resource_id: str, limits: RetryLimits) -> Flow[ScalableTarget | None]:
    """Return the scalable target of a service; None if it has none."""
    found = yield from _send("DescribeScalableTargets", {**_SCOPE, "ResourceIds": [resource_id]}, limits)
    for each in found.get("ScalableTargets", ()):
        if each.get("ResourceId") == resource_id:
            arn = each.get("ScalableTargetARN")
            if not arn:
                raise MalformedResponseError("DescribeScalableTargets", "the scalable target has no ARN")
            state = each.get("SuspendedState") or {}
            return ScalableTarget(resource_id, arn, {name: bool(state.get(name)) for name in FLAGS})
    return None


def register(target: ScalableTarget, suspended: Mapping[str, bool], limits: RetryLimits) -> Flow[None]:
    """Set which activities are suspended. The capacities stay as they are."""
    params = {**_SCOPE, "ResourceId": target.resource_id, "SuspendedState": dict(suspended)}
    yield from _send("RegisterScalableTarget", params, limits)


def tags_of(target: ScalableTarget, limits: RetryLimits) -> Flow[Mapping[str, str]]:
    """Return the tags of a scalable target."""
    found = yield from _send("ListTagsForResource", {"ResourceARN": target.arn}, limits)
    tags: Mapping[str, str] = found.get("Tags") or {}
    return tags


def tag(target: ScalableTarget, key: str, value: str, limits: RetryLimits) -> Flow[None]:
    """Set a tag of a scalable target."""
    yield from _send("TagResource", {"ResourceARN": target.arn, "Tags": {key: value}}, limits)


def untag(target: ScalableTarget, key: str, limits: RetryLimits) -> Flow[None]:
    """Remove a tag of a scalable target."""
    yield from _send("UntagResource", {"ResourceARN": target.arn, "TagKeys": [key]}, limits)


def _send(operation: str, params: Mapping[str, Any], limits: RetryLimits) -> Flow[Mapping[str, Any]]:
    """Send a request, and repeat it after throttles, lost responses and concurrent updates: all can be sent twice."""

    def attempt() -> Flow[Mapping[str, Any]]:
        reply: Reply[RawResponse] = yield Send(operation, params, service="application-autoscaling")
        return reply.get().parsed or {}

    def may_pass(error: EcsError, number: int) -> bool:
        concurrent = isinstance(error, ServiceError) and error.code == "ConcurrentUpdateException"
        return concurrent or is_retryable(error, number)

    return retry(attempt, limits, may_pass=may_pass)
