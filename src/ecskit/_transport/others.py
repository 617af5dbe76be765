"""Clients of other services, from the session and the options of a client for ECS, and what their errors mean.

A client is made at its first request. It makes one attempt for each request, because flows repeat and pace them.
"""

from __future__ import annotations

import os
from typing import Any, cast
from urllib.parse import urlsplit

from botocore import exceptions as boto, xform_name
from botocore.config import Config
from botocore.parsers import ResponseParserError

from ecskit._core.effects import RawResponse, Send
from ecskit._core.errors import (
    ClientClosedError,
    ConfigurationError,
    EcsError,
    MalformedResponseError,
    RequestError,
    ServiceError,
)

from . import credentials, sessions
from .failures import service_error, transport_error
from .options import Options
from .validation_reports import wire_problems

__all__ = ["OF_AWS", "client_arguments", "failure", "given", "key", "method", "response"]

OF_AWS = (
    *(".amazonaws.com", ".api.aws"),
    *(".amazonaws.com.cn", ".api.amazonwebservices.com.cn"),
    *(".amazonaws.eu", ".api.amazonwebservices.eu"),
    *(".c2s.ic.gov", ".api.aws.ic.gov", ".csp.hci.ic.gov", ".api.aws.hci.ic.gov"),
    *(".sc2s.sgov.gov", ".api.aws.scloud", ".cloud.adc-e.uk", ".api.cloud-aws.adc-e.uk"),
)
"""Hosts that serve one service only, in all partitions. An emulator serves all of them at one address."""


_ENDPOINTS = {
    "logs": "CLOUDWATCH_LOGS",
    "application-autoscaling": "APPLICATION_AUTO_SCALING",
    "secretsmanager": "SECRETS_MANAGER",
    "elbv2": "ELASTIC_LOAD_BALANCING_V2",
}
"""The name of each service in the environment variable with its endpoint, if it is not that of the client."""


def _variable(service: str) -> str:
    return f"AWS_ENDPOINT_URL_{_ENDPOINTS.get(service, service.upper())}"


def client_arguments(session: Any, options: Options, send: Send) -> dict[str, Any]:
    """Return the arguments for `create_client` of a client for the service of a request.

    It has the endpoint of botocore's configuration for this service, such as AWS_ENDPOINT_URL_ECR; without one, the
    `endpoint_url` of the options, unless that is an endpoint of AWS, which serves ECS only.
    """
    arguments = sessions.client_arguments(session, options)
    del arguments["api_version"]
    endpoint = arguments.get("endpoint_url")
    if endpoint and (_variable(send.service) in os.environ or (urlsplit(endpoint).hostname or "").endswith(OF_AWS)):
        del arguments["endpoint_url"]
    single = Config(retries=cast("Any", {"total_max_attempts": 1, "mode": "standard"}))
    region = {"region_name": send.region} if send.region else {}
    return {**arguments, **region, "service_name": send.service, "config": arguments["config"].merge(single)}


def key(send: Send) -> tuple[str, str | None]:
    """Return what requests have in common that are sent by one client."""
    return send.service, send.region


def method(client: Any, send: Send) -> Any:
    """Return the method of a client that sends a request."""
    return getattr(client, xform_name(send.operation))


def given(logs: Any, send: Send) -> Any:
    """Return the client for CloudWatch Logs that was passed to `wrap`, for a request.

    Raises:
        ConfigurationError: None was passed, or it is for another service or region.
    """
    if logs is None or send.service != "logs":
        passed = "pass one to `wrap`: logs=, or " if send.service == "logs" else ""
        raise ConfigurationError(
            f"{send.operation}: this client wraps one for ECS, and cannot make one for the service {send.service};"
            f" {passed}make the client with session= in place of `wrap`"
        )
    region = logs.meta.region_name
    if send.region not in (None, region):
        raise ConfigurationError(
            f"{send.operation}: the log group is in {send.region}, and the client that was passed as logs= is for"
            f" {region}; pass one for {send.region}, or make the client with session= in place of `wrap`"
        )
    return logs


def response(answer: Any, client: Any) -> RawResponse:
    """Return what a method returned."""
    return RawResponse(b"", answer.get("ResponseMetadata") or {}, client.meta.region_name, parsed=dict(answer))


def failure(error: Exception, send: Send, *, closed: bool) -> EcsError | None:
    """Return the error of ecskit for an error of botocore; None for any other error."""
    failed: EcsError | None
    if credentials.is_of_credentials(error):
        failed = credentials.credentials_error(send.operation, error)
    elif isinstance(error, boto.ClientError):
        failed = service_error(error.response, send.operation, None)
    elif isinstance(error, boto.ParamValidationError):
        return RequestError(send.operation, list(wire_problems(str(error.kwargs.get("report", "")))))
    elif isinstance(error, ResponseParserError):  # its text has the whole body
        failed = MalformedResponseError(send.operation, "the response is none of AWS; a proxy may have sent it")
    else:
        failed = transport_error(send.operation, error)
    if closed and not isinstance(failed, ServiceError):
        return ClientClosedError(f"{send.operation}: the client was closed before the response arrived")
    if isinstance(failed, ServiceError):
        failed.region = send.region or failed.region
    return failed
