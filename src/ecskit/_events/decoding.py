"""From messages to events: what EventBridge, SQS, SNS and Lambda put around an event is taken off, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ecskit._core.errors import RequestError
from ecskit._core.structuring import structure_hook
from ecskit._core.wire import loads
from ecskit._core.wording import listed, plural, shortened

from .errors import ForeignEvent, NotAnEvent
from .events import EVENT_TYPES, EcsEvent, UnknownEvent

__all__ = ["decode_event"]

_LAYERS = ("Body", "body", "Sns", "Message")
"""Members that hold what is inside: of a message of SQS, its record for Lambda, a record of SNS, a notification."""
_BATCHES = ("Records", "Messages")
"""Members that hold several messages: of an invocation of Lambda, of the response of ReceiveMessage."""
_DEEPEST = 8
"""The most layers of a message: SNS inside SQS inside a batch of Lambda has four objects and three texts."""
_BARE = ({"taskArn", "lastStatus"}, {"containerInstanceArn"}, {"eventName", "eventType"})
"""Members of details of events."""


def decode_event(message: Mapping[str, object] | str | bytes) -> EcsEvent:
    """Return the event in a message.

    Args:
        message: An event as EventBridge delivers it; a message of SQS, its `Body`, or its record in an invocation of
            Lambda; a notification of SNS, alone or inside a message of SQS, with or without raw message delivery. As
            a mapping or as JSON. A batch may have one message.

    Returns:
        An event of the class for its type, or `UnknownEvent` if this version of ecskit does not have its type.
        `to_dict()` of the event returns all that EventBridge sent.

    Raises:
        ForeignEvent: It is an event of another source than ECS.
        NotAnEvent: There is no event in the message, or one that cannot be decoded. ForeignEvent is a subclass.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_cwe_events.html
    """
    value: Any = message
    for _ in range(_DEEPEST):
        if isinstance(value, (str, bytes, bytearray)):
            value = _parsed(value)
        elif not isinstance(value, Mapping):
            raise NotAnEvent(f"expected an object, JSON text or bytes, got {type(value).__name__}")
        elif "detail-type" in value and "source" in value:
            return _event(value)
        else:
            value = _inside(value)
    raise NotAnEvent(f"it has more than {_DEEPEST} layers")


def _parsed(text: str | bytes | bytearray) -> Any:
    with suppress(ValueError, RecursionError):
        return loads(text.encode() if isinstance(text, str) else bytes(text))
    # Outside of the handler: `__context__` must not hold an error that holds the text.
    raise NotAnEvent(f"its text of {plural(len(text), 'character')} is not JSON")


def _inside(value: Mapping[str, Any]) -> Any:
    for batch in _BATCHES:
        if isinstance(value.get(batch), list):
            if len(value[batch]) != 1:
                raise NotAnEvent(f"it is a batch of {plural(len(value[batch]), 'message')}; decode each of `{batch}`")
            return value[batch][0]
    if value.get("Type") in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
        raise NotAnEvent(f"it is a {value['Type']} of SNS")
    for layer in _LAYERS:
        if layer in value:
            return value[layer]
    if any(members <= value.keys() for members in _BARE):
        raise NotAnEvent(
            "it looks like the bare `detail` of one; remove the input path or input transformer from the target of the"
            " rule, so that EventBridge delivers the whole event"
        )
    names = listed(shortened(str(name)) for name in value) or "none"
    raise NotAnEvent(f"it has no `detail-type` and `source`; its members: {names}")


def _event(value: Mapping[str, Any]) -> EcsEvent:
    source, detail_type = str(value["source"]), str(value["detail-type"])
    if source != "aws.ecs":
        raise ForeignEvent(source, detail_type)
    cls = EVENT_TYPES.get(detail_type, UnknownEvent)
    try:
        event: EcsEvent = structure_hook(cls)(dict(value), cls)
    except RequestError as error:
        problems = listed((f"{path} {text}" for path, text in error.problems), separator="; ")
        raise NotAnEvent(f"the {shortened(detail_type)!r} does not fit: {problems}") from None
    return event
