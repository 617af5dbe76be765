"""Translates the errors of botocore into those of ecskit. Messages never hold a value that was sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore import exceptions as boto

from ecskit import models
from ecskit._api.service_errors import SERVICE_ERRORS
from ecskit._core.errors import (
    AccessDeniedError,
    ClientClosedError,
    ConfigurationError,
    ConnectionFailedError,
    CredentialsError,
    EcsError,
    InvalidRequestError,
    RequestError,
    ServerError,
    ServiceError,
    ThrottledError,
    TimedOutError,
    TransportError,
)
from ecskit._core.members import members
from ecskit._core.model import Model

from .exchange import Exchange

__all__ = ["cause", "configuring", "translate"]

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

_DISGUISED_THROTTLE = re.compile(r"Rate exceeded|ErrorCode: Throttling")
"""In the message of an InvalidParameterException: a request that ECS made on our behalf was throttled."""

_TRANSPORT: tuple[tuple[type[Exception], Callable[[str, str], EcsError]], ...] = (
    (boto.NoCredentialsError, CredentialsError),
    (boto.PartialCredentialsError, CredentialsError),
    (boto.CredentialRetrievalError, CredentialsError),
    (boto.TokenRetrievalError, CredentialsError),
    (boto.SSOError, CredentialsError),
    (boto.ConnectTimeoutError, TimedOutError),
    (boto.ReadTimeoutError, TimedOutError),
    (boto.HTTPClientError, ConnectionFailedError),
    (boto.ConnectionError, ConnectionFailedError),
)


def translate(error: Exception, exchange: Exchange, *, closed: bool) -> EcsError | None:
    """Return the error of ecskit for an error of botocore, and None for any other error.

    If the client was `closed` during the request, every error except a response of ECS becomes ClientClosedError.
    """
    failed = _translate(error, exchange)
    if isinstance(failed, (ServiceError, TransportError)):
        failed.region = exchange.region
    if closed and not isinstance(failed, ServiceError):
        return ClientClosedError(f"{exchange.operation}: the client was closed before the response arrived")
    return failed


def _translate(error: Exception, exchange: Exchange) -> EcsError | None:
    operation = exchange.operation
    if isinstance(error, boto.ClientError):
        return _service_error(error.response, operation, exchange.unreadable)
    if isinstance(error, boto.ParamValidationError):
        return RequestError(f"{operation}Request", _problems(operation, str(error.kwargs.get("report", ""))))
    for kind, made in _TRANSPORT:
        if isinstance(error, kind):
            return made(operation, _text(error))
    if isinstance(error, boto.BotoCoreError):
        unknown = TransportError(operation, _text(error))
        unknown.retryable = False  # most of these are about the configuration of the client
        return unknown
    return None


def cause(error: Exception) -> Exception | None:
    """Return the `__cause__` for the translated error: None if the text of `error` holds values that were sent."""
    return None if isinstance(error, boto.ParamValidationError) else error


@contextmanager
def configuring() -> Generator[None, None, None]:
    """Raise errors while a client is made as ConfigurationError."""
    try:
        yield
    except (boto.BotoCoreError, ValueError) as error:
        raise ConfigurationError(_configuration(error)) from error


def _configuration(error: Exception) -> str:
    if isinstance(error, boto.NoRegionError):
        return "no region: pass region_name=, set AWS_DEFAULT_REGION, or give the profile a region"
    if isinstance(error, boto.ProfileNotFound):
        return f"{error}; profile_name= and AWS_PROFILE name profiles of the AWS configuration files"
    return str(error)


def _text(error: Exception) -> str:
    text = str(error).strip().rstrip(".") or type(error).__name__
    if isinstance(error, boto.NoCredentialsError):
        text = "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile; nothing was sent"
    return text


def _service_error(response: Mapping[str, Any], operation: str, unreadable: bytes | None) -> ServiceError:
    error = response.get("Error", {})
    code, message = str(error.get("Code", "")), str(error.get("Message", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0
    if unreadable is not None:
        message = f"the body of {len(unreadable)} bytes is not a response of ECS; a proxy or gateway may have sent it"
        response = {**response, "Error": {**error, "Message": message}}
    return _kind(code, message, status)(response, operation)


def _kind(code: str, message: str, status: int) -> type[ServiceError]:
    if code == "InvalidParameterException" and _DISGUISED_THROTTLE.search(message):
        return ThrottledError
    if code in SERVICE_ERRORS:
        return SERVICE_ERRORS[code]
    for kind, codes in _KINDS.items():
        if code in codes:
            return kind
    if status == 429:
        return ThrottledError
    return ServerError if status >= 500 else ServiceError


_REPORTED = re.compile(
    r"(?P<what>Missing required parameter|Invalid type|Invalid value|Invalid length) (?:in|for parameter)"
    r' (?P<path>[\w.\[\]]+)(?:: "(?P<missing>\w+)"$)?'
)
_LIMIT = re.compile(r"valid (?:min|max)[\w ]*: [\d.]+$|valid types: [^,]+(?:, <class '\w+'>)*$")


def _problems(operation: str, report: str) -> list[tuple[str, str]]:
    """Return the problems that botocore's validation reports, by path, without the values in its report."""
    found = []
    for line in report.splitlines():
        match, limit = _REPORTED.match(line), _LIMIT.search(line)
        if match:
            whole = match["path"] == "input"
            wire = ".".join(filter(None, ["" if whole else match["path"], match["missing"]]))
            path = _python_path(operation, wire)
            # A line without a member belongs to a printed value.
            if path is not None:
                found.append((path, match["what"].lower() + (f", {limit[0]}" if limit else "")))
    return found or [("", "botocore does not accept its parameters")]


def _python_path(operation: str, wire: str) -> str | None:
    """Return a path of wire names as Python names; None if its first name is not a member of the request."""
    cls: type[Model] | None = getattr(models, f"{operation}Request")
    names: list[str] = []
    for name, index in re.findall(r"(\w+)([^.]*)", wire):
        member = next((m for m in members(cls) if m.wire == name), None) if cls else None
        if member is None and not names:
            return None
        names.append((member.name if member else name) + index)
        cls = member.kind.type if member and member.kind.shape == "model" else None
    return ".".join(names)
