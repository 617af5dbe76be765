"""A simulator of ECS with a scripted Application Auto Scaling, which shows tags; moto's has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from support.both_clients import Wire
from support.simulated_ecs import nothing

from ecskit._autoscaling.requests import FLAGS, OUT
from ecskit.testing import SimulatedError, Simulator

ARN = "arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/0ec5abc"
RESOURCE = "service/default/web"


class Scaled(Simulator):
    """Has one scalable target, of the service web. What a request leaves out of a suspended state is reset."""

    def __init__(self, *, exists: bool = True, suspended: tuple[str, ...] = (), **options: Any) -> None:
        super().__init__(**options)
        self.exists = exists
        self.suspended: dict[str, bool] = {name: name in suspended for name in FLAGS}
        self.target_tags: dict[str, str] = {"team": "shop"}
        self.scaling: list[tuple[str, bool]] = []
        """Each request for it, and whether scaling out was suspended after it."""
        self.failing: dict[str, list[SimulatedError]] = {}
        """The errors of the next requests, by operation."""
        self.on_update: Callable[[], object] = nothing
        """Called before each UpdateService."""

    @property
    def out(self) -> bool:
        """Whether scaling out is suspended."""
        return self.suspended[OUT]

    @property
    def is_as_before(self) -> bool:
        """Whether scaling out goes on, and nothing is left of a pause."""
        return not self.out and self.target_tags == {"team": "shop"}

    def handle(self, operation: str, request: Wire) -> Wire:
        """Answer a request for ECS, or for Application Auto Scaling."""
        if operation == "UpdateService":
            self.on_update()
        if "ScalableTarget" not in operation and "ResourceARN" not in request:
            return super().handle(operation, request)
        if errors := self.failing.get(operation):
            raise errors.pop(0)
        answer = self._scale(operation, request)
        self.scaling.append((operation, self.out))
        return answer

    def _scale(self, operation: str, request: Wire) -> Wire:
        if operation == "DescribeScalableTargets":
            assert request["ServiceNamespace"] == "ecs"
            assert request["ResourceIds"] == [RESOURCE]
            target = {"ResourceId": RESOURCE, "ScalableTargetARN": ARN, "SuspendedState": dict(self.suspended)}
            return {"ScalableTargets": [target] if self.exists else []}
        if operation == "RegisterScalableTarget":
            assert (request["ResourceId"], request["ScalableDimension"]) == (RESOURCE, "ecs:service:DesiredCount")
            assert "MinCapacity" not in request
            self.suspended = {name: bool(request["SuspendedState"].get(name)) for name in FLAGS}
            return {"ScalableTargetARN": ARN}
        assert request["ResourceARN"] == ARN
        if operation == "ListTagsForResource":
            return {"Tags": dict(self.target_tags)}
        if operation == "TagResource":
            self.target_tags |= request["Tags"]
        else:
            for key in request["TagKeys"]:
                self.target_tags.pop(key, None)
        return {}
