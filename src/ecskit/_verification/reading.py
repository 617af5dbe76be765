"""Read what definitions name, a few requests at the same time. What cannot be read is no failure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from ecskit._core.effects import Flow, Parallel, RawResponse, Reply, Send, Sleep
from ecskit._core.errors import (
    AccessDeniedError,
    ConfigurationError,
    CredentialsError,
    EcsError,
    RequestError,
    ServiceError,
    TransportError,
)
from ecskit._core.retrying import RetryLimits, retry
from ecskit._verification.references import Reference, ResourceType, Wire

__all__ = ["Unread", "read", "send", "why_unread"]

_PARALLEL_CALLS = 8
_LIMITS = RetryLimits(attempts=3)
_OF_CREDENTIALS = frozenset(
    "ExpiredToken ExpiredTokenException RequestExpired UnrecognizedClientException InvalidClientTokenId"
    " InvalidSignatureException SignatureDoesNotMatch IncompleteSignature MissingAuthenticationToken".split()
)
"""Codes of refusals that no policy causes: no other request would succeed."""


@attrs.frozen
class Unread:
    """A resource that was not read, and why."""

    reason: str


@attrs.define(eq=False)
class _Unreachable:
    """Which services could not be reached: requests to them may take minutes to fail, so no further ones are sent."""

    reasons: dict[tuple[str, str | None], str] = attrs.field(factory=dict[tuple[str, "str | None"], str])


@attrs.frozen
class _Limit:
    """The time after which nothing further is read."""

    until: float
    reason: Unread

    def over(self) -> Flow[bool]:
        """Return whether it is over."""
        return (yield Sleep(0)).now >= self.until


def read(references: Sequence[Reference], timeout: float | None) -> Flow[Mapping[Reference, Any]]:
    """Return what AWS shows of each resource: None if it does not exist, `Unread` if it was not read.

    Args:
        references: The resources.
        timeout: Seconds after which no further request is sent; None for no limit.

    Raises:
        CredentialsError: There are no credentials.
        AccessDeniedError: The credentials are invalid or expired.
        ConfigurationError: The client cannot make clients of other services.
    """
    groups: dict[tuple[ResourceType, str | None], dict[Any, Reference]] = {}
    for each in references:
        groups.setdefault((each.resource, each.region), {}).setdefault(each.key, each)
    chunks = [
        [*group.values()][begin : begin + resource.most]
        for (resource, _), group in groups.items()
        for begin in range(0, len(group), resource.most)
    ]
    unreachable = _Unreachable()
    seconds = math.inf if timeout is None else timeout
    limit = _Limit((yield Sleep(0)).now + seconds, Unread(f"the time was up, {seconds:g} s; pass a longer `timeout`"))
    flows = [_read_some(chunk, unreachable, limit) for chunk in chunks]
    replies: Reply[list[Reply[list[Any]]]] = yield Parallel(flows, _PARALLEL_CALLS)
    seen = {
        (each.resource, each.region, each.key): shown
        for chunk, reply in zip(chunks, replies.get(), strict=True)
        for each, shown in zip(chunk, reply.get(), strict=True)
    }
    return {each: seen[each.resource, each.region, each.key] for each in references}


def _read_some(chunk: Sequence[Reference], unreachable: _Unreachable, limit: _Limit) -> Flow[list[Any]]:
    """Return what AWS shows of resources of one type and region, which one request reads."""
    resource, region = chunk[0].resource, chunk[0].region
    place = resource.service, region
    if place in unreachable.reasons:
        return [Unread(unreachable.reasons[place])] * len(chunk)
    shown: list[Any] = [None] * len(chunk)
    try:
        params = resource.params([each.key for each in chunk])
        more: dict[str, Any] = {}
        while True:
            if (yield from limit.over()):
                return [limit.reason if each is None else each for each in shown]
            answer = yield from send(resource.service, resource.operation, {**params, **more}, region)
            found = [resource.read(answer, each.key) for each in chunk]
            shown = [new if old is None else old for old, new in zip(shown, found, strict=True)]
            if not (resource.pages and answer.get("NextToken")) or None not in shown:
                break
            more = {"NextToken": answer["NextToken"]}
    except EcsError as error:
        if not isinstance(error, ServiceError) or error.code not in resource.absent:
            reason = why_unread(error, resource.action, shows_message=resource.shows_names)
            if isinstance(error, TransportError):
                unreachable.reasons[place] = reason
            return [Unread(reason)] * len(chunk)
    if resource.then is not None:
        for number, each in enumerate(chunk):
            late = yield from limit.over()
            shown[number] = limit.reason if late else (yield from resource.then(each, shown[number]))
    return shown


def send(service: str, operation: str, params: Wire, region: str | None) -> Flow[Wire]:
    """Send a request that changes nothing, and repeat it after throttles and errors that may pass."""

    def attempt() -> Flow[Wire]:
        reply: Reply[RawResponse] = yield Send(operation, params, service=service, region=region)
        return reply.get().parsed or {}

    return retry(attempt, _LIMITS)


def why_unread(error: EcsError, action: str, *, shows_message: bool = True) -> str:
    """Return why a resource was not read. Raise the error if nothing can be read.

    Args:
        error: The error of the request.
        action: The IAM action that the request needs.
        shows_message: Whether the message of the service may be shown: it may repeat the name.
    """
    code = error.code if isinstance(error, ServiceError) else ""
    if isinstance(error, (CredentialsError, ConfigurationError)) or code in _OF_CREDENTIALS:
        raise error
    if isinstance(error, AccessDeniedError) or code == "403":
        return f"access denied; it needs the permission {action}"
    if isinstance(error, RequestError):
        return "the name is not valid"
    if isinstance(error, TransportError):
        return f"the service could not be reached: {error.message}"
    message = getattr(error, "message", str(error)) if shows_message else ""
    return ": ".join(filter(None, [code, message]))
