"""How deployments of services end badly. What the errors tell of a deployment is in the `progress` that they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ecskit._core.errors import EcsError
from ecskit._polling.errors import WaitError, WaitStory

if TYPE_CHECKING:
    from ecskit._deployments.progress import DeploymentProgress

__all__ = [
    "DeploymentFailed",
    "DeploymentInProgress",
    "DeploymentPaused",
    "DeploymentRollbackFailed",
    "DeploymentRolledBack",
    "DeploymentStalled",
    "DeploymentSuperseded",
    "DeploymentUnstable",
    "NothingToRollBack",
]


class _DeploymentEnd(WaitError):
    told: ClassVar[str] = "ended"

    def __init__(self, story: WaitStory) -> None:
        """Hold what the wait knew."""
        super().__init__(story)
        (progress,) = story.last.values()
        self.progress: DeploymentProgress = progress

    @property
    def reason(self) -> str:
        """Why, in words: what ECS says, and what the tasks died of."""
        return "; ".join(self.story.reasons.values())

    def __str__(self) -> str:
        told = f"{self.progress.name} {self.what}"
        errors = f"; last error: {self.story.errors[-1]}" if self.story.errors else ""
        return f"{told}: {self.reason}; after {self.story.elapsed:.0f} s, {self.story.poll_summary}{errors}"

    @property
    def what(self) -> str:
        """What became of the deployment, in a few words."""
        return self.outcome


class DeploymentFailed(_DeploymentEnd):  # read as what happened, as all of these
    """A deployment failed. Unless a subclass says otherwise, nothing was rolled back.

    Attributes:
        progress: What was known of the deployment in the end: service, service deployment, stopped tasks, events.
        reason: Why, in words.
    """

    outcome = "failed"


class DeploymentRolledBack(DeploymentFailed):
    """A deployment failed, and the service is back at what it ran before."""

    outcome = "was rolled back"

    @property
    def rolled_back_to(self) -> str | None:
        """The task definition that the service runs again; None if that is not known."""
        return self.progress.rolled_back_to

    @property
    def what(self) -> str:
        """What became of the deployment, in a few words."""
        to = self.rolled_back_to
        return f"{self.outcome} to {to.rsplit('/', 1)[-1]}" if to else self.outcome


class DeploymentRollbackFailed(DeploymentFailed):
    """A deployment failed, and so did the rollback: the service may run either revision, or none."""

    outcome = "failed, and its rollback too"


class DeploymentStalled(DeploymentFailed):
    """The tasks of a deployment fail or cannot be placed, and nothing in ECS ends it. It goes on until it is ended."""

    outcome = "stalled"


class DeploymentUnstable(DeploymentFailed):
    """A deployment succeeded, and then its tasks did not stay up."""

    outcome = "is unstable"


class DeploymentSuperseded(_DeploymentEnd):
    """A newer deployment of the service has taken the place of this one before it was done.

    Attributes:
        progress: What was known of the deployment in the end.
    """

    outcome = "was superseded"

    @property
    def by(self) -> str | None:
        """ARN of the newer service deployment, or else its id; None if it is not known."""
        return self.progress.successor

    @property
    def what(self) -> str:
        """What became of the deployment, in a few words."""
        return f"{self.outcome} by {self.by}" if self.by else self.outcome


class DeploymentPaused(_DeploymentEnd):
    """A hook pauses a deployment until it is continued or rolled back.

    Attributes:
        progress: What is known of the deployment; `progress.paused` has the hooks, with their ids.
    """

    outcome = "is paused"


class DeploymentInProgress(EcsError):
    """A service is being deployed already, and `require_idle` says that it must not be.

    Attributes:
        service: The service.
        deployment: What is under way: ARN of the service deployment, or else the id of the deployment.
    """

    def __init__(self, service: str, deployment: str) -> None:
        """Hold what is under way."""
        super().__init__(service, deployment)
        self.service = service
        self.deployment = deployment

    def __str__(self) -> str:
        return (
            f"service {self.service} is being deployed already: {self.deployment}; nothing was changed. Wait for it, or"
            " leave out `require_idle`"
        )


class NothingToRollBack(EcsError):
    """There is nothing to roll a service back to.

    Attributes:
        service: The service.
        why: Why not.
    """

    def __init__(self, service: str, why: str) -> None:
        """Hold the service and the reason."""
        super().__init__(service, why)
        self.service = service
        self.why = why

    def __str__(self) -> str:
        return f"service {self.service} was not rolled back: {self.why}"
