"""Answer the requests of a botocore or aiobotocore client in place of the HTTP connection.

The handler of botocore's `before-send` event returns the response. Serializing, signing, retries and parsing stay with
the client.
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
from ecskit._simulator.wire import Response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecskit._drive.clock import Clock

Respond = Callable[[str, bytes], Response]
"""Return the response for an `X-Amz-Target` header and a body."""

Connect = Callable[[str], Any]
"""Return a link to the stream at a URL, as drivers need it; for aiobotocore an awaitable."""

_SERVICES = ("ecs", "cloudwatch-logs", "application-auto-scaling", "ssm", "kms")
"""The services that are simulated, by the names that botocore gives them in events."""
_EVENTS = tuple(f"before-send.{each}" for each in _SERVICES)


@runtime_checkable
class Events(Protocol):
    """Registers event handlers: a botocore or aiobotocore session, or an event emitter."""

    def register(self, event_name: str, handler: Callable[..., Any]) -> object:
        """Call the handler for this event from now on."""

    def unregister(self, event_name: str, handler: Callable[..., Any]) -> object:
        """Stop calling the handler for this event."""


@attrs.frozen
class Attachment:
    """A simulator that answers the requests of a client."""

    _events: Events
    _handler: Callable[..., Any]

    def detach(self) -> None:
        """Send the requests of the client over the network again.

        A client of ecskit that was made meanwhile keeps the clock of the simulator: make it again.
        """
        for event in _EVENTS:
            self._events.unregister(event, self._handler)


def register(target: object, respond: Respond, clock: Clock, connect: Connect) -> Attachment:
    """Answer every request of a botocore client or session with `respond`. `clock` is that of the answers.

    `connect` opens the streams of ECS Exec.

    Raises:
        TypeError: The target takes no event handlers.
    """

    def answer(request: Any, **_: object) -> AWSResponse:
        response = _response(respond, request)
        return AWSResponse(request.url, response.status, _headers(response), _Raw(response.body))

    return _register(target, answer, clock, connect)


def register_async(target: object, respond: Respond, clock: Clock, connect: Connect) -> Attachment:
    """Answer every ECS request of an aiobotocore client or session with `respond`, as `register` does.

    Raises:
        MissingExtraError: The extra `async` is not installed.
        TypeError: The target takes no event handlers.
    """
    try:
        from aiobotocore.awsrequest import AioAWSResponse
    except ModuleNotFoundError as error:
        if error.name != "aiobotocore":
            raise
        raise MissingExtraError("attach_async needs aiobotocore: pip install 'ecskit[async]'") from error

    def answer(request: Any, **_: object) -> AWSResponse:
        response = _response(respond, request)
        aio: AWSResponse = AioAWSResponse(request.url, response.status, _headers(response), _AsyncRaw(response.body))
        return aio

    return _register(target, answer, clock, connect)


class _Raw(io.BytesIO):
    """A body as urllib3 provides it."""

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


@attrs.frozen
class _AsyncRaw:
    """A body as aiohttp provides it."""

    _body: bytes

    async def read(self) -> bytes:
        return self._body


def _response(respond: Respond, request: Any) -> Response:
    target = request.headers.get("X-Amz-Target", "")
    if isinstance(target, bytes):
        target = target.decode()
    body = request.body or b""
    try:
        return respond(target, body.encode() if isinstance(body, str) else bytes(body))
    except LostAnswerError as lost:
        # botocore and aiobotocore raise these when a connection fails, so their retries apply.
        if lost.loss == "timeout":
            raise ReadTimeoutError(endpoint_url=request.url, error=lost) from lost
        raise ConnectionClosedError(endpoint_url=request.url, error=lost, request=request) from lost


def _headers(response: Response) -> HTTPHeaders:
    headers = HTTPHeaders()
    for name, value in response.headers.items():
        headers[name] = value
    return headers


def _register(target: object, handler: Any, clock: Clock, connect: Connect) -> Attachment:
    # A client of ecskit that is made or wrapped later finds them.
    handler.ecskit_clock, handler.ecskit_connect = clock, connect
    events = _events_of(target)
    for event in _EVENTS:
        events.register(event, handler)
    return Attachment(events, handler)


def _events_of(target: object) -> Events:
    meta = getattr(target, "meta", None)
    for candidate in (getattr(meta, "events", None), getattr(target, "events", None), target):
        if isinstance(candidate, Events):
            return candidate
    raise TypeError(f"{type(target).__name__} takes no event handlers: give a client, a session or its events")
