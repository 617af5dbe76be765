"""Translates the errors of botocore into those of ecskit. Messages never hold a value that was sent."""

from __future__ import annotations

import traceback
from collections.abc import Generator
from contextlib import contextmanager

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from ecskit._core.errors import (
    ClientClosedError,
    ConfigurationError,
    CredentialsError,
    EcsError,
    RequestError,
    ServiceError,
    TransportError,
    joined,
)
from ecskit._transport import credentials
from ecskit._transport.exchange import Exchange
from ecskit._transport.failures import is_secretive, service_error, transport_error
from ecskit._transport.validation_reports import problems

__all__ = ["cause", "configuring", "translate"]


def translate(error: Exception, exchange: Exchange, *, closed: bool, wrapped: bool = False) -> EcsError | None:
    """Return the error of ecskit for an error of botocore, and None for any other error.

    If the client was `closed` during the request, every error except a response of ECS becomes ClientClosedError.
    Errors of a `wrapped` client are also of the class that the client itself raises.
    """
    failed = _translate(error, exchange)
    if isinstance(failed, (ServiceError, TransportError)):
        failed.region = exchange.region
    if isinstance(failed, TransportError):
        # A header with credentials is refused after the last event before sending.
        refused = isinstance(failed, CredentialsError) and isinstance(error, boto.HTTPClientError)
        failed.sent = exchange.sent and not refused
    if closed and not isinstance(failed, ServiceError):
        return ClientClosedError(f"{exchange.operation}: the client was closed before the response arrived")
    # Other classes of the client have attributes of their own.
    if wrapped and isinstance(failed, ServiceError) and type(error).__module__ == "botocore.errorfactory":
        static = type(failed)
        # So `except client.exceptions.ClusterNotFoundException` catches it.
        failed.__class__ = joined(static, type(error), static._parts or (static,))
    return failed


def _translate(error: Exception, exchange: Exchange) -> EcsError | None:
    operation = exchange.operation
    if credentials.is_of_credentials(error):
        return credentials.credentials_error(operation, error)
    if isinstance(error, boto.ClientError):
        if exchange.entered and error.operation_name != operation:
            return None  # of another request, which an event handler of the user sent
        return service_error(error.response, operation, exchange.unreadable)
    if isinstance(error, boto.ParamValidationError):
        return RequestError(f"{operation}Request", problems(operation, str(error.kwargs.get("report", ""))))
    if isinstance(error, TypeError) and exchange.sent and _innermost(error) == "convert_to_response_dict":
        return ConfigurationError(
            f"{operation}: the request was answered inside this process, by a double for sync clients such as moto's"
            " mock_aws; aiobotocore cannot read such an answer. Use moto's server: start moto.server.ThreadedMotoServer"
            " and pass its address as endpoint_url"
        )
    return transport_error(operation, error)


def _innermost(error: Exception) -> str:
    """Return the name of the function that raised an error."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return frame.f_code.co_name


def cause(error: Exception) -> Exception | None:
    """Return the `__cause__` for the translated error.

    It is None if the text of `error` holds values that were sent, a body that was received, or the password of an
    endpoint, or if the translated error holds all of `error`: the text of a service error is not escaped.
    """
    if is_secretive(error):
        return None
    if credentials.is_of_credentials(error):
        return credentials.cause(error)
    return None if isinstance(error, (boto.ParamValidationError, boto.ClientError, ResponseParserError)) else error


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
