"""Parse an HTTP request for ECS into an operation and a body, and render an answer: the protocol AWS JSON 1.1."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import attrs

from ecskit._simulator.errors import SimulatedError

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT_TYPE = "application/x-amz-json-1.1"

Wire = dict[str, Any]


@attrs.frozen
class Response:
    """One HTTP answer, ready to be sent.

    Args:
        status: The HTTP status.
        headers: The headers by name.
        body: The body.
    """

    status: int
    headers: dict[str, str]
    body: bytes


def parse_target(target: str, prefix: str) -> str:
    """Return the operation in an `X-Amz-Target` header.

    Raises:
        SimulatedError: `UnknownOperationException` if the header is not of the form `PREFIX.Operation`.
    """
    service, _, operation = target.partition(".")
    if service != prefix or not operation:
        raise SimulatedError("UnknownOperationException", f"X-Amz-Target must be {prefix}.OPERATION, not {target!r}.")
    return operation


def parse_body(body: bytes) -> Wire:
    """Return the JSON object in a request body. An empty body is an empty object; null members are removed.

    Raises:
        SimulatedError: `SerializationException` if the body is not one JSON object.
    """
    try:
        value = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise SimulatedError("SerializationException", f"The body is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise SimulatedError("SerializationException", "The body must be a JSON object.")
    stripped: Wire = _without_nulls(value)
    return stripped


def render(status: int, body: Mapping[str, Any], request_id: str) -> Response:
    """Return the HTTP answer with a body."""
    payload = json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
    headers = {
        "Content-Type": CONTENT_TYPE,
        "Content-Length": str(len(payload)),
        "x-amzn-RequestId": request_id,
    }
    return Response(status, headers, payload)


def render_error(error: SimulatedError, request_id: str) -> Response:
    """Return the HTTP answer for an error."""
    return render(error.status, {"__type": error.code, "message": error.message, **error.details}, request_id)


def timestamp(seconds: float) -> float:
    """Return a moment as answers show it: seconds since the epoch, rounded to milliseconds."""
    return round(seconds, 3)


def copied(value: Any) -> Any:
    """Return a copy of a JSON value that shares no list and no object with it. Subclasses of dict stay such."""
    if isinstance(value, dict):
        made = {key: copied(item) for key, item in value.items()}
        return made if value.__class__ is dict else value.__class__(made)
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
