"""Errors of credentials. Whatever a provider raises is about credentials, not about the operation that needs them."""

from __future__ import annotations

import traceback
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore import exceptions as boto
from botocore.credentials import CredentialProvider

from ecskit._core.errors import CredentialsError, EcsError, described
from ecskit._transport.failures import service_error, transport_error
from ecskit._transport.validation_reports import wire_problems

__all__ = ["CREDENTIALS", "cause", "credentials_error", "getting_credentials", "is_of_credentials"]

CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.TokenRetrievalError,
    boto.SSOError,
)
"""Errors of botocore that are about credentials wherever they are raised."""
_CALL = "_make_api_call"
"""The method of all clients that sends a request."""
_FETCH = "get_frozen_credentials"
"""The method of all credentials that botocore calls to sign a request. It refreshes them if needed."""


@contextmanager
def getting_credentials(operation: str) -> Generator[None, None, None]:
    """Raise whatever a provider of credentials raises as CredentialsError. `operation` is what needs them."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  # providers raise KeyError, OSError, errors of other services, ...
        raise credentials_error(operation, error) from cause(error)


def is_of_credentials(error: Exception) -> bool:
    """Return whether an error of a request was raised while botocore fetched the credentials to sign with.

    Only the traceback shows that: the providers raise the errors of the requests that they send themselves, and a call
    to refresh credentials cannot be made before botocore makes it without refreshing them twice. The credentials of
    another client, which an event handler uses, are fetched inside of two calls.
    """
    names = [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)]
    fetched = _FETCH in names
    before = names[: names.index(_FETCH)] if fetched else names
    return (fetched or isinstance(error, CREDENTIALS)) and before.count(_CALL) <= 1


_REQUESTS = {
    "assume-role": "AssumeRole",
    "assume-role-with-web-identity": "AssumeRoleWithWebIdentity",
    "sso": "GetRoleCredentials",
}
"""The operation of another service that a provider uses."""
_ADVICE = {
    "sso": "sign in with `aws sso login`",
    "custom-process": "check credential_process in the profile",
}
"""What to do about any error of a provider."""


def credentials_error(operation: str, error: Exception) -> CredentialsError:
    """Return the error for what a provider of credentials raised. `operation` is what needs them."""
    if isinstance(error, boto.NoCredentialsError):
        text = "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile"
        return CredentialsError(operation, text)
    details: Mapping[str, Any] = getattr(error, "kwargs", {})
    provider = details.get("provider") or _provider(error)
    request = _REQUESTS.get(provider or "", "")
    theirs: EcsError | None = None
    if isinstance(error, boto.ClientError):
        theirs = service_error(error.response, error.operation_name, None)
    elif isinstance(error, (boto.HTTPClientError, boto.ConnectionError)):
        theirs = transport_error(request or "request", error)
    if theirs is not None:
        reason = described(theirs)
    elif isinstance(error, boto.ParamValidationError):
        problems = "; ".join(f"{path}: {problem}" for path, problem in wire_problems(str(details.get("report", ""))))
        reason = ": ".join(filter(None, [request, problems or "invalid parameters"]))
    elif isinstance(error, (boto.BotoCoreError, OSError)):
        reason = str(details.get("error_msg") or error).strip().rstrip(".")
    else:
        reason = f"{type(error).__name__}: {error}"
    advice = [_ADVICE[provider]] if provider in _ADVICE else []
    text = f"no credentials{f' from {provider}' if provider else ''}: {'; '.join([reason, *advice])}"
    failed = CredentialsError(operation, text, provider)
    failed.retryable = theirs is not None and theirs.retryable
    return failed


def cause(error: Exception) -> Exception | None:
    """Return the `__cause__`: the error of the provider, unless its text holds values that were sent."""
    return None if isinstance(error, boto.ParamValidationError) else error


def _provider(error: Exception) -> str | None:
    """Return the name of the provider in which an error was raised."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        owner, name = frame.f_locals.get("self"), None
        if isinstance(owner, CredentialProvider):
            name = owner.METHOD
        elif frame.f_code.co_name == _FETCH:
            name = getattr(owner, "method", None)
        if name:
            return str(name)
    return None
