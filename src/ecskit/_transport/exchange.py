"""One request inside a botocore client: the event handlers of ecskit. The same for sync and async.

botocore does its usual work: validation, serialization, signing, retries, event handlers of the user and of tracing
tools. The handlers of ecskit take the raw body before botocore parses it, add to the serialized request what the
client's model lacks, and report to the driver that a request is about to be sent. They act only while a request of
ecskit is under way in the current context, so that a wrapped client behaves as before for its owner.

Handlers of others see what they would see without ecskit: if there are any for `after-call`, the body is parsed by
botocore, too. Doubles may answer at each place where botocore accepts an answer.
"""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import FunctionType
from typing import Any

from botocore import parsers, xform_name

from ecskit._core.effects import RawResponse, Send
from ecskit._core.errors import MalformedResponseError, UnsupportedOperationError
from ecskit._transport.hidden import Hidden

__all__ = ["Exchange", "attach", "clock", "connect", "current", "detach", "emitter", "of_request"]

_EVENTS_ID = "ecskit"
_OURS = "ecskit-exchange"
"""The exchange in the context of its own request."""

log = logging.getLogger("ecskit")


class Exchange:
    """One request and the raw body of its response."""

    __slots__ = (
        "_client",
        "_lacking",
        "_wire",
        "body",
        "entered",
        "method",
        "on_send",
        "operation",
        "params",
        "region",
        "sent",
        "shown",
        "single_attempt",
        "unreadable",
    )

    def __init__(self, client: Any, send: Send, on_send: Callable[[], object]) -> None:
        """Prepare to send through `client`. `on_send` is called when the request is about to be sent.

        Raises:
            UnsupportedOperationError: The service model of the client lacks the operation.
        """
        model = client.meta.service_model
        if send.operation not in model.operation_names:
            from botocore import __version__

            raise UnsupportedOperationError(
                f"the service model of the wrapped client has no {send.operation}: botocore {__version__}, or the model"
                f" that it loaded, is older than the model of ecskit; upgrade botocore, or let ecskit make the client"
            )
        self._client = client
        self.operation = send.operation
        self.single_attempt = send.single_attempt
        self.region: str | None = client.meta.region_name
        self.method = xform_name(send.operation)
        self._wire = send.params
        self._lacking = False
        self.params: dict[str, Any] = self._known(send.params, model.operation_model(send.operation).input_shape)
        self.body: bytes | None = None
        self.unreadable: bytes | None = None
        self.on_send = on_send
        self.entered = False
        self.sent = False
        self.shown: dict[str, Any] | None = None
        """What botocore's method returns, if another function stands in its place and may change it."""

    def result(self, answer: Any) -> RawResponse:
        """Return the raw response, given what the method of the client returned.

        That is a dict without content if a body was received, and the whole answer of a double otherwise.

        Raises:
            MalformedResponseError: A double did not answer with a dict.
        """
        if not isinstance(answer, Mapping):
            text = f"the client is a double that answered with {type(answer).__name__}; expected a dict, as botocore's"
            malformed = MalformedResponseError(self.operation, text)
            malformed.region = self.region
            raise malformed
        metadata: dict[str, Any] = answer.get("ResponseMetadata") or {}
        if metadata.get("RetryAttempts"):
            log.info("%s: response received at attempt %d", self.operation, metadata["RetryAttempts"] + 1)
        if self.body is None or (self.shown is not None and self.shown != _content(answer)):
            return RawResponse(b"", metadata, self.region, parsed=dict(answer))  # a double has made or changed it
        return RawResponse(self.body, metadata, self.region)

    def _known(self, data: Any, shape: Any) -> Any:
        """Return `data` without the members that the client's model lacks: botocore would reject them."""
        match shape.type_name:
            case "structure" if not shape.is_document_type:
                known = {}
                for key, value in data.items():
                    member = shape.members.get(key)
                    if member is None:
                        self._lacking = True
                    else:
                        known[key] = self._known(value, member)
                if data and not known and shape.is_tagged_union:
                    return _UnknownMember()
                return _OptionalByNow(known, shape) if any(n not in known for n in shape.required_members) else known
            case "list" if shape.member.type_name in ("structure", "list", "map"):
                return [self._known(item, shape.member) for item in data]
            case "map" if shape.value.type_name in ("structure", "list", "map"):
                return {key: self._known(value, shape.value) for key, value in data.items()}
            case _:
                return data

    def complete(self, request: dict[str, Any]) -> None:
        """Add the members that the client's model lacks to the serialized body."""
        if self._lacking:
            body = json.loads(request["body"])
            _overlay(body, self._wire)
            request["body"] = json.dumps(body).encode()

    def show(self, parsed: dict[str, Any]) -> None:
        """Fill in what botocore's parser would have returned, if a handler of others reads it."""
        if self.body is None or not _is_observed(self._client, self.operation):
            return
        model = self._client.meta.service_model
        # botocore logs it: in none but one of ECS's responses is a token, that of ExecuteCommand.
        body = Hidden(self.body) if self.operation == "ExecuteCommand" else self.body
        response = {"body": body, "status_code": 200, "headers": {}, "context": {"operation_name": self.operation}}
        try:
            parser = parsers.create_parser("json")
            content = parser.parse(response, model.operation_model(self.operation).output_shape)
            parsed.update(_content(content))
        except Exception:  # noqa: BLE001  # of any class: the parser expects valid answers; ecskit's error follows
            log.debug("%s: botocore cannot parse the response", self.operation)
        else:
            self.shown = copy.deepcopy(_content(content)) if _is_replaced(self._client) else None

    def capture(self, response: dict[str, Any]) -> None:
        """Keep the body and leave botocore an empty one to parse; leave it the body of an error, if that is JSON."""
        if response["status_code"] < 300:
            self.body, response["body"] = response["body"], b"{}"
            return
        # Such as the HTML page of a gateway: botocore would fail, or take the page for the message.
        if _is_error(response["body"]):
            self.unreadable = None
        else:
            self.unreadable, response["body"] = response["body"], b"{}"


def _is_error(body: bytes) -> bool:
    """Return whether botocore can parse a body as an error."""
    try:
        error = json.loads(body.decode())  # as text: json would guess the encoding of bytes
    except (ValueError, RecursionError):
        return False
    # botocore relies on the types of these two members only.
    return (
        isinstance(error, dict)
        and isinstance(error.get("__type", ""), str)
        and isinstance(error.get("resourceIds") or [], list)
    )


class _UnknownMember(dict[str, Any]):
    """A union whose only member the client's model lacks: botocore's validation counts one, and serializes none."""

    __slots__ = ()

    def __len__(self) -> int:
        return 1


class _OptionalByNow(dict[str, Any]):
    """A structure without a member that the client's model requires: a newer model, which we use, made it optional.

    botocore's validation asks for the names of required members; what is serialized are the items.
    """

    __slots__ = ("shape",)

    def __init__(self, known: dict[str, Any], shape: Any) -> None:
        super().__init__(known)
        self.shape = shape

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or key in self.shape.required_members


def _overlay(body: Any, wire: Any) -> None:
    """Add to `body` what only `wire` has. What botocore serialized is kept."""
    if isinstance(body, dict):
        for key, value in wire.items():
            if key in body:
                _overlay(body[key], value)
            else:
                body[key] = value
    elif isinstance(body, list):
        for mine, theirs in zip(body, wire, strict=True):
            _overlay(mine, theirs)


current: ContextVar[Exchange | None] = ContextVar("ecskit_exchange", default=None)
"""The exchange under way in this thread or task, if any."""


def _begin(model: Any, context: dict[str, Any], **_: Any) -> None:
    exchange = current.get()
    if exchange is None:
        return
    if exchange.entered or model.name != exchange.operation:
        # An event handler of the owner uses the same client during our call: its request is not ours.
        context[_EVENTS_ID] = exchange
        current.set(None)
    else:
        exchange.entered = True
        context[_OURS] = exchange


def _created(request: Any, **_: Any) -> None:
    """Set the exchange of a request again: a request of a handler may have failed before its last event."""
    if _OURS in request.context:
        current.set(request.context[_OURS])


def _relax(params: dict[str, Any], **_: Any) -> dict[str, Any] | None:
    """Mark the parameters again: the method of the client copied them to a usual dict."""
    exchange = current.get()
    optional = exchange.params if exchange is not None else None
    return _OptionalByNow(params, optional.shape) if isinstance(optional, _OptionalByNow) else None


def _before_call(params: dict[str, Any], **_: Any) -> None:
    exchange = current.get()
    if exchange is not None:
        exchange.complete(params)


def _before_send(**_: Any) -> None:
    exchange = current.get()
    if exchange is not None:
        exchange.sent = True
        exchange.on_send()


def _before_parse(response_dict: dict[str, Any], **_: Any) -> None:
    exchange = current.get()
    if exchange is not None:
        exchange.capture(response_dict)


def _response_received(parsed_response: dict[str, Any] | None, **_: Any) -> None:
    exchange = current.get()
    if exchange is not None and parsed_response is not None:
        exchange.show(parsed_response)


def _end(context: dict[str, Any], **_: Any) -> None:
    if _EVENTS_ID in context:
        current.set(context.pop(_EVENTS_ID))


_HANDLERS: dict[str, Callable[..., object]] = {
    "provide-client-params.ecs": _begin,  # the first event of a call
    "provide-client-params": _relax,
    "before-call.ecs": _before_call,
    "request-created.ecs": _created,
    "before-send.ecs": _before_send,
    "before-parse.ecs": _before_parse,
    "response-received.ecs": _response_received,
    "after-call.ecs": _end,
    "after-call-error.ecs": _end,
}
_SILENT = {"botocore", "aiobotocore", "ecskit"}
"""Packages whose handlers of `after-call` do not read the responses of ECS: botocore's own counts retries."""
_FIRST = {_begin, _created, _before_send, _response_received}
"""Handlers that run before those of the owner, which may send other requests, or respond in place of ECS."""


_LAST: set[Callable[..., object]] = {_relax, _before_parse}
"""Handlers that run after those of the owner, which may change the parameters."""


def of_request(context: Mapping[str, Any]) -> Exchange | None:
    """Return the exchange of a request, given its context; None for a request of the owner."""
    return context.get(_OURS)


def clock(events: Any) -> Any:
    """Return the clock of the double that answers requests, such as the simulator; None if there is none."""
    return _of_double(events, "ecskit_clock")


def connect(events: Any) -> Any:
    """Return the function of such a double that opens links, given an address; None if there is none."""
    return _of_double(events, "ecskit_connect")


def _of_double(events: Any, name: str) -> Any:
    handlers = _handlers(events, "before-send.ecs")
    values = (getattr(each, "__dict__", {}).get(name) for each in handlers)  # a Mock has every attribute
    return next((found for found in values if found is not None), None)


def _handlers(events: Any, event: str) -> Any:
    """Return the handlers of an event."""
    # Not public. Without them, each response is parsed for observers, and a double has no clock.
    found = emitter(events)
    trie, known = getattr(found, "_handlers", None), getattr(found, "_lookup_cache", {})
    return known[event] if event in known else trie.prefix_search(event) if trie else [None]


def emitter(events: Any) -> Any:
    """Return the emitter behind the `meta.events` of a client or the component of a session."""
    found = events
    while hasattr(found, "_emitter"):  # aliases of event names, around one another for derived sessions
        found = found._emitter
    return found


def _is_observed(client: Any, operation: str) -> bool:
    """Return whether others than botocore and ecskit receive the parsed response: handlers, or a patched method."""
    handlers = [
        each
        for event in ("response-received", "after-call")
        for each in _handlers(client.meta.events, f"{event}.ecs.{operation}")
    ]
    silent = all(getattr(each, "__module__", "").partition(".")[0] in _SILENT for each in handlers)
    return not silent or _is_replaced(client)


def _is_replaced(client: Any) -> bool:
    """Return whether the method that sends is not botocore's own, as tracing tools and doubles replace it."""
    method = getattr(type(client), "_make_api_call", None)
    code = getattr(method, "__code__", None) if isinstance(method, FunctionType) else None
    return code is None or "botocore" not in code.co_filename


def _content(parsed: Any) -> dict[str, Any]:
    return {key: value for key, value in parsed.items() if key != "ResponseMetadata"}


def attach(client: Any) -> None:
    """Register the handlers with `client`. Each `attach` needs one `detach`."""
    events = client.meta.events
    for event, handler in _HANDLERS.items():
        register = events.register
        if handler in _FIRST | _LAST:
            register = events.register_first if handler in _FIRST else events.register_last
        register(event, handler, unique_id=f"{_EVENTS_ID}-{event}", unique_id_uses_count=True)


def detach(client: Any) -> None:
    """Undo one `attach`."""
    for event, handler in _HANDLERS.items():
        client.meta.events.unregister(event, handler, unique_id=f"{_EVENTS_ID}-{event}", unique_id_uses_count=True)
