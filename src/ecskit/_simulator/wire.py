"""Parse an HTTP request for ECS into an operation and a body, and render an answer: the protocol AWS JSON 1.1."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from ecskit._simulator.errors import SimulatedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

CONTENT_TYPE = "application/x-amz-json-1.1"

Wire = dict[str, Any]
_Found = TypeVar("_Found")


_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


class Encoded:
    """A JSON object that is checked and encoded once, and then kept as text: most reads show what earlier ones did."""

    __slots__ = ("_checked_by", "_text", "_value")

    def __init__(self, value: Wire) -> None:
        self._value: Wire | None = value
        self._text: str | None = None
        self._checked_by: object = None

    @property
    def text(self) -> str:
        """The JSON text."""
        if self._text is None:
            self._text = _ENCODER.encode(self._value)
            self._value = None
        return self._text

    def value(self) -> Wire:
        """Return a new copy of the object."""
        value: Wire = json.loads(self.text)
        return value

    def check(self, checker: Callable[[Any], Sequence[_Found]]) -> Sequence[_Found]:
        """Return what a checker finds. One that has found nothing before is not called again."""
        if self._checked_by is checker:
            return ()
        found = checker(self.value() if self._value is None else self._value)
        if not found:
            self._checked_by = checker
        return found


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
    payload = _text(body).encode()
    headers = {
        "Content-Type": CONTENT_TYPE,
        "Content-Length": str(len(payload)),
        "x-amzn-RequestId": request_id,
    }
    return Response(status, headers, payload)


def _text(body: Mapping[str, Any]) -> str:
    """Return the JSON text of a body, whose lists may have encoded items."""
    return "{" + ",".join(f"{_ENCODER.encode(name)}:{_member_text(value)}" for name, value in body.items()) + "}"


def _member_text(value: Any) -> str:
    if value.__class__ is list and any(each.__class__ is Encoded for each in value):
        return "[" + ",".join(each.text for each in value) + "]"
    return _ENCODER.encode(value)


def render_error(error: SimulatedError, request_id: str) -> Response:
    """Return the HTTP answer for an error."""
    return render(error.status, {"__type": error.code, "message": error.message, **error.details}, request_id)


def timestamp(seconds: float) -> float:
    """Return a moment as answers show it: seconds since the epoch, rounded to milliseconds."""
    return round(seconds, 3)


def copied(value: Any) -> Any:
    """Return a copy of a JSON value that shares no list and no object with it. Subclasses of dict stay such.

    Encoded objects become plain ones.
    """
    if isinstance(value, dict):
        made = {key: copied(item) for key, item in value.items()}
        return made if value.__class__ is dict else value.__class__(made)
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value.value() if value.__class__ is Encoded else value


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    # The same ARNs come in many requests, and calls are kept.
    return sys.intern(value) if value.__class__ is str else value
