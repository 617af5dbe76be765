"""Errors of ecskit for what botocore reports: by the code in a response, or by the class of an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from botocore import exceptions as boto

from ecskit._api.service_errors import SERVICE_ERRORS
from ecskit._core.errors import (
    AccessDeniedError,
    CapacityError,
    ConflictError,
    ConnectionFailedError,
    CredentialsError,
    InvalidRequestError,
    LimitError,
    ServerError,
    ServiceError,
    ThrottledError,
    TimedOutError,
    TransportError,
    joined,
)
from ecskit._transport.options import public_url

__all__ = ["cleaned", "is_secretive", "service_error", "transport_error"]

_KINDS: dict[type[ServiceError], frozenset[str]] = {
    ThrottledError: frozenset(
        "Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException"
        " RequestLimitExceeded TooManyRequestsException BandwidthLimitExceeded SlowDown PriorRequestNotComplete".split()
    ),
    AccessDeniedError: frozenset(
        "AccessDenied UnauthorizedOperation ExpiredToken ExpiredTokenException RequestExpired OptInRequired"
        " UnrecognizedClientException InvalidClientTokenId InvalidSignatureException SignatureDoesNotMatch"
        " MissingAuthenticationToken MissingAuthenticationTokenException IncompleteSignature"
        " IncompleteSignatureException NotAuthorized".split()
    ),
    ServerError: frozenset("InternalFailure InternalServerError InternalError ServiceUnavailable".split()),
    InvalidRequestError: frozenset(
        "ValidationException ValidationError SerializationException UnknownOperationException InvalidAction".split()
    ),
}
"""Codes that any AWS service may return, by base class. No service model contains them."""

_BY_REASON: Mapping[str, type[ServiceError]] = {
    "throttle": ThrottledError,
    "busy": ConflictError,
    "capacity": CapacityError,
}
"""Base classes for reasons that pass."""
_VAGUE = (InvalidRequestError, LimitError, ConflictError)
"""Classes of codes that ECS uses for reasons of all kinds, so that the message decides."""

_URL = re.compile(r"https?://[^\s\"'<>]+")
_HEADER = re.compile(r"Invalid header value|detected in headers")
"""What the HTTP libraries say of values with control characters. Headers are made of credentials."""

_TRANSPORT: tuple[tuple[type[Exception], Callable[[str, str], TransportError]], ...] = (
    (boto.ConnectTimeoutError, TimedOutError),
    (boto.ReadTimeoutError, TimedOutError),
    (boto.HTTPClientError, ConnectionFailedError),
    (boto.ConnectionError, ConnectionFailedError),
)


def service_error(response: Mapping[str, Any], operation: str, unreadable: bytes | None) -> ServiceError:
    """Return the error for an error response, given the body if that is not one of AWS."""
    error = response.get("Error", {})
    code, message = str(error.get("Code", "")), str(error.get("Message", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0
    if unreadable is not None:
        message = f"the body of {len(unreadable)} bytes is not a response of ECS; a proxy or gateway may have sent it"
        response = {**response, "Error": {**error, "Message": message}}
    kind = _kind(code, status)
    group = _group_by_reason(f"{code}: {message}") if issubclass(kind, _VAGUE) or kind is ServiceError else None
    if group is None:
        return kind(response, operation)
    if group is ThrottledError or issubclass(group, kind):
        kind = group
    elif not issubclass(kind, group):
        kind = joined(group, kind, (group, kind))  # handlers of ECS's own class catch it, too
    made = kind(response, operation)
    made.retryable = True
    return made


def _group_by_reason(text: str) -> type[ServiceError] | None:
    from ecskit._core.reasons import reason_of  # most programs start without this table

    reason = reason_of(text)
    return _BY_REASON.get(reason.kind) if reason else None


def _kind(code: str, status: int) -> type[ServiceError]:
    if code in SERVICE_ERRORS:
        return SERVICE_ERRORS[code]
    for kind, codes in _KINDS.items():
        if code in codes:
            return kind
    if status == 429:
        return ThrottledError
    return ServerError if status >= 500 else ServiceError


def cleaned(error: object) -> str:
    """Return the text of an error, without users, passwords and queries of addresses."""
    text = _URL.sub(lambda url: public_url(url[0]), str(error))
    return text.strip().rstrip(".") or type(error).__name__


def is_secretive(error: object) -> bool:
    """Return whether the text of an error may hold a secret, so that it must not be a `__cause__`."""
    text = str(error)
    return bool(_HEADER.search(text)) or any(public_url(url) != url for url in _URL.findall(text))


def transport_error(operation: str, error: Exception) -> TransportError | None:
    """Return the error for a request without a usable response; None for an error that is not botocore's.

    Those of a `Stubber` are failures of a test, not of a request.
    """
    if isinstance(error, boto.StubResponseError):
        return None
    if isinstance(error, boto.HTTPClientError) and _HEADER.search(str(error)):
        text = "the credentials hold a character that no header may have, such as a line break at the end"
        return CredentialsError(operation, text)
    text = cleaned(error)
    for kind, made in _TRANSPORT:
        if isinstance(error, kind):
            return made(operation, text)
    if isinstance(error, boto.BotoCoreError):
        unknown = TransportError(operation, text)
        unknown.retryable = False  # most of these are about the configuration of the client
        return unknown
    return None
