"""What an apply that ends early leaves: which of its requests took effect."""

from __future__ import annotations

import logging
from typing import TypeVar

from ecskit._core.effects import INTERRUPTS, CallbackRaised, Cancelled, Flow, Reply, Send
from ecskit._core.errors import EcsError
from ecskit._core.retrying import may_have_taken_effect
from ecskit._polling.errors import WaitError

__all__ = ["logged"]

T = TypeVar("T")

log = logging.getLogger("ecskit")

_CHANGES = ("RegisterTaskDefinition", "TagResource", "CreateService", "UpdateService")
_NONE = "had no effect"


def logged(what: str, flow: Flow[T]) -> Flow[T]:
    """Run a flow, and log which of its requests took effect if it ends early.

    The error of a wait describes the service itself. An error before the first change needs no line either.

    Args:
        what: What the flow changes, for the message.
        flow: The flow.
    """
    ends: dict[str, str] = {}
    try:
        return (yield from _recorded(flow, ends))
    except BaseException as raised:
        if isinstance(raised, WaitError) or (isinstance(raised, EcsError) and not ends):
            raise
        lines = [f"{operation} {end}" for operation, end in ends.items()]
        if all(end == _NONE for operation, end in ends.items() if operation != "RegisterTaskDefinition"):
            lines.append("the service is as it was")
        log.warning("%s: apply ended early: %s", what, ", ".join(lines))
        raise


def _recorded(flow: Flow[T], ends: dict[str, str]) -> Flow[T]:
    """Run a flow, and keep how its requests ended."""
    try:
        effect = next(flow)
        while True:
            operation = _changed_by(effect)
            before = ends.get(operation or "", _NONE)
            if operation is not None:
                ends[operation] = "may have taken effect"
            try:
                reply = yield effect
            except Cancelled as cancelled:
                if operation is not None and not cancelled.sent:
                    ends[operation] = before
                effect = flow.throw(cancelled)
            except GeneratorExit:
                flow.close()
                raise
            except (Exception, CallbackRaised, *INTERRUPTS) as raised:  # noqa: BLE001  # the flow handles it
                effect = flow.throw(raised)
            else:
                if operation is not None:
                    ends[operation] = _end(reply, before)
                effect = flow.send(reply)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


def _changed_by(effect: object) -> str | None:
    """Return the operation of a request that changes something."""
    if isinstance(effect, Send) and effect.service == "ecs" and effect.operation in _CHANGES:
        return effect.operation
    return None


def _end(reply: Reply[object], before: str) -> str:
    error = reply.error
    if error is None:
        return "took effect"
    return "may have taken effect" if may_have_taken_effect(error) else before
