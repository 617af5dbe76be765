"""What a definition names: a resource of another service, how it is read, and how the answer is judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from ecskit._core.effects import Flow
from ecskit._verification.checks import Check, CheckStatus

__all__ = ["Judge", "Reference", "ResourceType", "Scene", "Wire", "exists"]

Wire: TypeAlias = Mapping[str, Any]


@attrs.frozen(eq=False, repr=False)  # definitions may hold secrets
class Scene:
    """What is verified: both definitions with the names of ECS, and where they are deployed."""

    task: Wire
    service: Wire
    region: str
    account: str | None
    """None if it is unknown."""

    @property
    def is_awsvpc(self) -> bool:
        """Whether each task has its own network interface."""
        return bool(self.task.get("networkMode") == "awsvpc")

    @property
    def is_fargate(self) -> bool:
        """Whether tasks run on Fargate only, by what the definitions state."""
        providers = {each.get("capacityProvider") for each in self.service.get("capacityProviderStrategy", ())}
        launch_type = self.service.get("launchType")
        launched = providers or {launch_type} - {None} or set(self.task.get("requiresCompatibilities", ()))
        return bool(launched) and launched <= {"FARGATE", "FARGATE_SPOT"}


@attrs.frozen(kw_only=True, eq=False)
class ResourceType:
    """One type of resource: the request that shows it, without values of secrets, and how to read the response."""

    noun: str
    service: str
    operation: str
    action: str
    """The IAM action that the request needs."""
    params: Callable[[Sequence[Any]], Mapping[str, Any]]
    """Returns the parameters of a request for some keys."""
    read: Callable[[Wire, Any], Any]
    """Returns what a response shows of a key; None if it shows nothing."""
    absent: frozenset[str] = frozenset()
    """The error codes for a resource that does not exist."""
    most: int = 1
    """How many keys one request takes."""
    pages: bool = False
    """Whether the response may have a `NextToken`."""
    advice: str = "create it, or correct the name"
    then: Callable[[Reference, Any], Flow[Any]] | None = None
    """Reads more of a resource, given what was read; None: whether it exists. Its result replaces it."""
    regional: bool = True
    """Whether it exists in one region."""
    shows_names: bool = True
    """Whether error messages may be shown. What was meant to name a secret may be one."""


@attrs.frozen(kw_only=True, eq=False, repr=False)  # what was meant to name a secret may be one
class Reference:
    """One place in a definition that names a resource."""

    path: str
    resource: ResourceType
    key: Any
    """What names the resource in a request."""
    shown: str
    """What names it in a message; empty if the name may be a secret."""
    region: str | None = None
    """Its region; None for that of the client."""
    judge: Judge
    prefix: str = ""
    """What of the resource is checked."""

    @property
    def what(self) -> str:
        """What is checked, for messages."""
        return f"{self.prefix}the {self.resource.noun} {self.shown}".rstrip()

    def holds(self, reason: str = "") -> Check:
        """Return a check that holds."""
        return self._check("holds", reason)

    def missing(self, reason: str) -> Check:
        """Return a check that found something missing."""
        return self._check("missing", reason)

    def not_made(self, reason: str) -> Check:
        """Return a check that was not made."""
        return self._check("not made", reason)

    def _check(self, status: CheckStatus, reason: str) -> Check:
        return Check(self.path, self.what, status, reason)


Judge: TypeAlias = Callable[[Reference, Any], Iterator[Check]]
"""Yields checks of a resource that exists, given what AWS shows of it."""


def exists(reference: Reference, _: Any) -> Iterator[Check]:
    """Yield that the resource exists."""
    yield reference.holds()
