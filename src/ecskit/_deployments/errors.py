"""Errors of deployments. Each error about a deployment that was followed holds its last `progress`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from ecskit._core.errors import EcsError, described
from ecskit._core.wording import listed
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
    "DeploymentsFailed",
    "NothingToRollBack",
]


class _DeploymentEnd(WaitError):
    outcome: ClassVar[str] = "ended"

    def __init__(self, story: WaitStory) -> None:
        """Hold the story of the wait and the progress of the deployment."""
        super().__init__(story)
        (progress,) = story.last.values()
        self.progress: DeploymentProgress = progress

    @property
    def reason(self) -> str:
        """The reason that ECS gives, and why tasks stopped."""
        return "; ".join(self.story.reasons.values())

    def _text(self) -> str:
        end = f"{self.progress.name} {self.what}"
        errors = f"; last error: {described(self.story.errors[-1])}" if self.story.errors else ""
        reason = f"{self.reason}{self._finding()}"
        return f"{end}: {reason}; after {self.story.elapsed:.0f} s, {self.story.poll_summary}{errors}"

    def _finding(self) -> str:
        """Return the first finding in one sentence, for deployments that failed."""
        return ""

    @property
    def what(self) -> str:
        """The outcome of the deployment, in a few words."""
        return self.outcome


class DeploymentFailed(_DeploymentEnd):  # named by what happened, as all of these
    """A deployment failed, and was not rolled back. Base class of the errors for the other failures.

    Attributes:
        progress: The last progress of the deployment: service, service deployment, stopped tasks, events.
        reason: The reason that ECS gives, and why tasks stopped.
    """

    outcome = "failed"

    def _finding(self) -> str:
        from ecskit._explain.finding import in_message  # most programs end without this table

        return in_message(self.progress.diagnosis.findings)


class DeploymentRolledBack(DeploymentFailed):
    """A deployment failed, and the service runs again what it ran before."""

    outcome = "was rolled back"

    @property
    def rolled_back_to(self) -> str | None:
        """ARN of the task definition that the service runs again; None if unknown."""
        return self.progress.rolled_back_to

    @property
    def what(self) -> str:
        """The outcome of the deployment, in a few words."""
        to, original = self.rolled_back_to, self.progress.restored_copy_of
        copied = f", a copy of the deregistered {original.rsplit('/', 1)[-1]}" if original else ""
        return f"{self.outcome} to {to.rsplit('/', 1)[-1]}{copied}" if to else self.outcome


class DeploymentRollbackFailed(DeploymentFailed):
    """A deployment failed, and so did its rollback. The service may run either revision, or none."""

    outcome = "failed, and its rollback too"


class DeploymentStalled(DeploymentFailed):
    """The tasks of a deployment fail or cannot be placed, and ECS does not end it. It continues until it is stopped."""

    outcome = "stalled"


class DeploymentUnstable(DeploymentFailed):
    """A deployment succeeded, but its tasks did not stay up."""

    outcome = "is unstable"


class DeploymentSuperseded(_DeploymentEnd):
    """A newer deployment of the service replaced this one before it reached its goal.

    Attributes:
        progress: The last progress of the deployment.
    """

    outcome = "was superseded"

    @property
    def by(self) -> str | None:
        """ARN of the newer service deployment, or the id of the newer deployment; None if unknown."""
        return self.progress.successor

    @property
    def what(self) -> str:
        """The outcome of the deployment, in a few words."""
        return f"{self.outcome} by {self.by}" if self.by else self.outcome


class DeploymentPaused(_DeploymentEnd):
    """A hook paused a deployment. It waits until it is continued or rolled back, or until the hook expires.

    Attributes:
        progress: The last progress of the deployment; `progress.paused` has the hooks, with their ids.
    """

    outcome = "is paused"


class DeploymentsFailed(EcsError):
    """Several deployments were watched. All have ended, and some did not succeed.

    Attributes:
        errors: What `wait` would raise for each that did not succeed, by the label of its events.
        watched: The number of deployments that were watched.
    """

    def __init__(self, errors: Mapping[str, EcsError], watched: int) -> None:
        """Hold the errors by label, and the number of deployments."""
        super().__init__(errors, watched)
        self.errors = errors
        self.watched = watched

    def _text(self) -> str:
        errors = (f"{label}: {error}" if label else str(error) for label, error in self.errors.items())
        why = listed(errors, separator="; ")
        return f"{len(self.errors)} of {self.watched} deployments did not succeed: {why}"


class DeploymentInProgress(EcsError):
    """A service is being deployed already, and `require_idle` is set. Nothing was changed.

    Attributes:
        service: Name of the service.
        deployment: The deployment in progress: ARN of its service deployment, or its id.
    """

    def __init__(self, service: str, deployment: str) -> None:
        """Hold the service and the deployment in progress."""
        super().__init__(service, deployment)
        self.service = service
        self.deployment = deployment

    def _text(self) -> str:
        return (
            f"service {self.service} is being deployed already: {self.deployment}; nothing was changed. Wait for this"
            " deployment, or leave out `require_idle`"
        )


class NothingToRollBack(EcsError):
    """There is no earlier revision to which a service can be rolled back, or something newer was deployed.

    Attributes:
        service: Name of the service.
        why: Why the service was not rolled back.
    """

    def __init__(self, service: str, why: str) -> None:
        """Hold the service and the reason."""
        super().__init__(service, why)
        self.service = service
        self.why = why

    def _text(self) -> str:
        return f"service {self.service} was not rolled back: {self.why}"
