"""Clients of SQS, from the same sessions and options as those of ECS, and what their errors mean."""

from __future__ import annotations

import inspect
from typing import Any, Literal

from botocore import exceptions as boto
from botocore.client import BaseClient
from botocore.config import Config

from ecskit._core.errors import AccessDeniedError, ConfigurationError, described

from . import credentials, sessions, translate
from .failures import service_error, transport_error
from .options import Options

__all__ = ["PERMISSIONS", "check_client", "client_arguments", "failure"]

PERMISSIONS = "sqs:GetQueueAttributes, sqs:ReceiveMessage and sqs:DeleteMessage"
_MISSING = {"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"}
"""Codes of SQS: that of its JSON protocol, and that of its query protocol, which it still sends in a header."""
_SPARE_SECONDS = 10
"""How much longer than its long poll a client waits for the response."""


def client_arguments(session: Any, options: Options, *, wait_seconds: int) -> dict[str, Any]:
    """Return the arguments for `create_client` of a client that receives with long polls of `wait_seconds`."""
    arguments = sessions.client_arguments(session, options)
    del arguments["api_version"]
    config = arguments["config"]
    longer = Config(read_timeout=max(config.read_timeout, wait_seconds + _SPARE_SECONDS))
    return {**arguments, "service_name": "sqs", "config": config.merge(longer)}


def check_client(client: Any, library: Literal["botocore", "aiobotocore"], *, wait_seconds: int) -> None:
    """Raise ConfigurationError unless a client of the caller can receive with long polls of `wait_seconds`."""
    # Clients of aiobotocore are of botocore's class, too.
    awaited = inspect.iscoroutinefunction(getattr(client, "_make_api_call", None))
    if not isinstance(client, BaseClient) or awaited != (library == "aiobotocore"):
        raise ConfigurationError(f"client must be a client for SQS of {library}, not {type(client).__name__}")
    name = client.meta.service_model.service_name
    if name != "sqs":
        raise ConfigurationError(f"client must be a client for sqs, not for {name}")
    timeout: float | None = getattr(client.meta.config, "read_timeout", None)
    if timeout is not None and timeout <= wait_seconds:
        raise ConfigurationError(
            f"the client waits {timeout:g} s for a response, a long poll takes up to {wait_seconds} s: set a longer"
            " read_timeout in its config, or pass a shorter wait_seconds"
        )


def failure(error: Exception) -> tuple[str, bool, Exception | None] | None:
    """Return message, whether it may pass, and cause for an error of botocore; None for any other error."""
    cause = translate.cause(error)
    if credentials.is_of_credentials(error):
        refused = credentials.credentials_error("SQS", error)
        return str(refused), refused.retryable, cause
    if isinstance(error, boto.ClientError):
        if error.response.get("Error", {}).get("Code") in _MISSING:
            return "it does not exist, or is in another account or region", False, None
        failed = service_error(error.response, error.operation_name, None)
        needs = f"; the credentials need {PERMISSIONS}" if isinstance(failed, AccessDeniedError) else ""
        return f"{described(failed)}{needs}", failed.retryable, None
    unsent = transport_error("SQS", error)
    return (str(unsent), unsent.retryable, cause) if unsent else None
