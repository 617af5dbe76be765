"""A simulator whose service web is a scalable target, and what was requested of Application Auto Scaling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from support.both_clients import Wire
from support.simulated_ecs import nothing

from ecskit._autoscaling.requests import OUT
from ecskit.testing import Simulator

RESOURCE: Wire = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/default/web",
    "ScalableDimension": "ecs:service:DesiredCount",
}
TEAM = {"team": "shop"}


class Scaled(Simulator):
    """Has what tests look at, and a callback."""

    on_update: Callable[[], object] = nothing
    """Called before each UpdateService."""

    def scale(self, *suspended: str) -> None:
        """Make web a scalable target, of which some activities are suspended."""
        state = dict.fromkeys(suspended, True)
        capacities = {"MinCapacity": 1, "MaxCapacity": 9}
        super().handle("RegisterScalableTarget", {**RESOURCE, **capacities, "SuspendedState": state, "Tags": TEAM})

    @property
    def _target(self) -> Any:
        return self._account.scalable_targets["service/default/web"]

    @property
    def suspended(self) -> dict[str, bool]:
        """What is suspended."""
        state: dict[str, bool] = self._target.suspended
        return state

    @property
    def target_tags(self) -> dict[str, str]:
        """The tags of the scalable target."""
        tags: dict[str, str] = self._target.tags
        return tags

    @property
    def out(self) -> bool:
        """Whether scaling out is suspended."""
        return self.suspended[OUT]

    @property
    def is_as_before(self) -> bool:
        """Whether scaling out goes on, nothing is left of a pause, and nothing else was changed."""
        return (
            not self.out
            and self.target_tags == TEAM
            and self._target.capacities == {"MinCapacity": 1, "MaxCapacity": 9}
        )

    @property
    def scaling(self) -> list[str]:
        """The operations of Application Auto Scaling that clients requested, in order."""
        names = (call.operation for call in self.calls if "MinCapacity" not in call.request)
        return [name for name in names if "Scal" in name or name.startswith("application-autoscaling:")]

    def _answer(self, operation: str, request: Wire) -> Wire:
        if operation == "UpdateService":
            self.on_update()
        return super()._answer(operation, request)
