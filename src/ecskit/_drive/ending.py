"""How flows end before their time, the same for both drivers."""

from __future__ import annotations

import logging
from typing import Any

from ecskit._core.effects import CallbackRaised, Flow

__all__ = ["CLEAN_UP", "CLOSED", "CLOSING", "Cut", "Step", "close", "log"]

log = logging.getLogger("ecskit")

CLEAN_UP = 10.0
"""Seconds that the clean-up of a flow may take."""
CLOSING = 60.0
"""Seconds that closing a client waits for the flows in it: for a request under way, a callback, and the clean-up."""
CLOSED = "the client was closed"
_CLOSES = 10
"""How often to close a flow that goes on yielding: once for each layer of clean-up in it."""


class Cut(BaseException):
    """The flow is cut short: the caller's cancel event is set, or its clean-up has taken too long."""


class Step:
    """The effect that a flow asked for last."""

    __slots__ = ("begun", "cleaning", "raised")

    def __init__(self) -> None:
        self.raised: CallbackRaised | None = None
        """What a callback raised, while the flow cleans up behind it."""
        self.cleaning = False
        """Whether the flow is cut short, and this is part of its clean-up."""
        self.begun = False
        """Whether it is a request that has left, or was about to."""

    def begin(self) -> None:
        """Note that the request is about to leave."""
        self.begun = True


def close(flow: Flow[Any]) -> None:
    """Close a flow, also one that does not want to: what it yields now is not performed."""
    for _ in range(_CLOSES):
        try:
            flow.close()
        except Exception:  # one that goes wrong ends here: it must not hide why it is closed
            log.debug("a flow was closed in its clean-up", exc_info=True)
        else:
            return
