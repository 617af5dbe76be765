"""The error of autoscaling that stays suspended."""

from __future__ import annotations

from ecskit._core.errors import EcsError, described

__all__ = ["AutoscalingNotResumed"]


class AutoscalingNotResumed(EcsError):
    """A deployment succeeded, but scaling out of the service could not be resumed. The cause has the reason.

    Attributes:
        resource_id: The service, as Application Auto Scaling names it: `service/CLUSTER/NAME`.
    """

    def __init__(self, resource_id: str) -> None:
        """Hold the service."""
        super().__init__(resource_id)
        self.resource_id = resource_id

    def _text(self) -> str:
        _, cluster, name = self.resource_id.split("/")
        why = f": {described(self.__cause__)}" if self.__cause__ else ""
        return (
            f"service {name} was deployed, but scaling out may stay suspended{why}; call"
            f" `ecs.services.resume_autoscaling({name!r}, cluster={cluster!r})`"
        )
