"""A simulator inside a botocore or aiobotocore client, without a socket.

Decides how an answer is handed to botocore: through the `before-send` event, which stands in for the HTTP connection.
Serializing, signing, retrying and parsing stay the client's own.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import attrs
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from ecskit._core.errors import MissingExtraError
from ecskit._simulator.errors import LostAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecskit._simulator.simulator import Simulator
    from ecskit._simulator.wire import Response

_EVENT = "before-send.ecs"


@runtime_checkable
class Events(Protocol):
    """Where botocore takes event handlers: a botocore or aiobotocore session, or an event emitter."""

    def register(self, event_name: str, handler: Callable[..., Any]) -> object:
        """Call the handler for this event from now on."""

    def unregister(self, event_name: str, handler: Callable[..., Any]) -> object:
        """Stop calling the handler for this event."""


@attrs.frozen
class Attachment:
    """A simulator that answers for a client."""

    _events: Events
    _handler: Callable[..., Any]

    def detach(self) -> None:
        """Let the client use the network again."""
        self._events.unregister(_EVENT, self._handler)


def attach(target: object, simulator: Simulator) -> Attachment:
    """Let a simulator answer every ECS request of a botocore client or session.

    Args:
        target: A botocore client, botocore session, boto3 session, or event emitter. Attach to a session before
            making its clients: each client copies the handlers that it finds.
        simulator: Who answers.

    Returns:
        A handle to undo it.

    Raises:
        TypeError: The target has no events.
    """

    def answer(request: Any, **_: object) -> AWSResponse:
        response = _respond(simulator, request)
        return AWSResponse(request.url, response.status, _headers(response), _Raw(response.body))

    return _register(target, answer)


def attach_async(target: object, simulator: Simulator) -> Attachment:
    """Let a simulator answer every ECS request of an aiobotocore client or session.

    Args:
        target: An aiobotocore client, session or event emitter. Attach to a session before making its clients.
        simulator: Who answers.

    Returns:
        A handle to undo it.

    Raises:
        MissingExtraError: The extra `async` is not installed.
        TypeError: The target has no events.
    """
    try:
        from aiobotocore.awsrequest import AioAWSResponse
    except ModuleNotFoundError as error:
        if error.name != "aiobotocore":
            raise
        raise MissingExtraError("attach_async needs aiobotocore: pip install 'ecskit[async]'") from error

    def answer(request: Any, **_: object) -> AWSResponse:
        response = _respond(simulator, request)
        aio: AWSResponse = AioAWSResponse(request.url, response.status, _headers(response), _AsyncRaw(response.body))
        return aio

    return _register(target, answer)


class _Raw(io.BytesIO):
    """A body as urllib3 gives it."""

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


@attrs.frozen
class _AsyncRaw:
    """A body as aiohttp gives it."""

    _body: bytes

    async def read(self) -> bytes:
        return self._body


def _respond(simulator: Simulator, request: Any) -> Response:
    target = request.headers.get("X-Amz-Target", "")
    if isinstance(target, bytes):
        target = target.decode()
    body = request.body or b""
    try:
        return simulator.respond(target, body.encode() if isinstance(body, str) else bytes(body))
    except LostAnswerError as lost:
        # What botocore and aiobotocore raise where a connection fails; their retries see it.
        if lost.loss == "timeout":
            raise ReadTimeoutError(endpoint_url=request.url, error=lost) from lost
        raise ConnectionClosedError(endpoint_url=request.url, error=lost, request=request) from lost


def _headers(response: Response) -> HTTPHeaders:
    headers = HTTPHeaders()
    for name, value in response.headers.items():
        headers[name] = value
    return headers


def _register(target: object, handler: Callable[..., Any]) -> Attachment:
    events = _events_of(target)
    events.register(_EVENT, handler)
    return Attachment(events, handler)


def _events_of(target: object) -> Events:
    meta = getattr(target, "meta", None)
    for candidate in (getattr(meta, "events", None), getattr(target, "events", None), target):
        if isinstance(candidate, Events):
            return candidate
    raise TypeError(f"{type(target).__name__} takes no event handlers: give a client, a session or its events")
