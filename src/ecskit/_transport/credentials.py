"""Errors of credentials. Whatever a provider raises is about credentials, not about the operation that needs them."""

from __future__ import annotations

import re
import traceback
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from json import JSONDecodeError
from typing import Any

from botocore import exceptions as boto
from botocore.credentials import CredentialProvider

from ecskit._core.errors import CredentialsError, EcsError, described
from ecskit._transport.failures import cleaned, is_secretive, service_error, transport_error
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
_SIGN = "add_auth"
"""The method of all signers, which puts the credentials into headers."""
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
    if isinstance(error, TypeError) and _SIGN in names:
        return True  # a provider returned something else than text
    fetched = _FETCH in names
    before = names[: names.index(_FETCH)] if fetched else names
    return (fetched or isinstance(error, CREDENTIALS)) and before.count(_CALL) <= 1


_REQUESTS = {
    "assume-role": "AssumeRole",
    "assume-role-with-web-identity": "AssumeRoleWithWebIdentity",
    "sso": "GetRoleCredentials",
}
"""The operation of another service that a provider uses."""
_REFUSED = re.compile(r"non 200 response 4")
"""A container endpoint that refuses. Everything else of it passes: it is on the same host."""
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
    request = _request(error) or _REQUESTS.get(provider or "", "")
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
        reason = cleaned(details.get("error_msg") or error)
    elif isinstance(error, ValueError) and not isinstance(error, JSONDecodeError):
        reason = f"{type(error).__name__}: a value is invalid"  # its text may quote the value
    elif isinstance(error, TypeError):
        reason = f"a value has a wrong type: {error}"
    else:
        reason = f"{type(error).__name__}: {error}"
    advice = [_ADVICE[provider]] if provider in _ADVICE else []
    text = f"no credentials{f' from {provider}' if provider else ''}: {'; '.join([reason, *advice])}"
    failed = CredentialsError(operation, text, provider)
    passes = provider == "container-role" and not _REFUSED.search(reason)
    failed.retryable = theirs.retryable if theirs is not None else passes
    return failed


def cause(error: Exception) -> Exception | None:
    """Return the `__cause__`: the error of the provider, unless its text holds values that were sent, or secrets."""
    if isinstance(error, (boto.ParamValidationError, TypeError)) or is_secretive(error):
        return None
    return error


def _provider(error: Exception) -> str | None:
    """Return the name of the provider in which an error was raised: the innermost one, in a chain of roles."""
    found: str | None = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        owner, name = frame.f_locals.get("self"), None
        if isinstance(owner, CredentialProvider):
            name = owner.METHOD
        elif frame.f_code.co_name == _FETCH:
            name = getattr(owner, "method", None)
        elif frame.f_code.co_name == "sign":
            name = getattr(getattr(owner, "_credentials", None), "method", None)
        found = str(name) if name else found
    return found


def _request(error: Exception) -> str | None:
    """Return the operation of the innermost request that a provider sent when an error was raised."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    fetching = next((i for i, frame in enumerate(frames) if frame.f_code.co_name == _FETCH), -1)
    sent = [frame.f_locals.get("operation_name") for frame in frames[fetching + 1 :] if frame.f_code.co_name == _CALL]
    return str(sent[-1]) if sent and sent[-1] else None
