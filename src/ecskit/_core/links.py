"""Links: WebSockets that flows send to and receive from, the real ones and those of the simulator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

__all__ = ["Link", "LinkClosed"]


class LinkClosed(Exception):  # noqa: N818  # named by what happened
    """A link was closed, by either end, or cut. Flows handle it: it never leaves them.

    Attributes:
        code: The close code of the WebSocket: 1000 for a normal end, 1006 for a connection that was cut.
        reason: The reason that the other end gave, or what cut the connection; it may be empty.
    """

    def __init__(self, code: int, reason: str = "") -> None:
        """Hold the code and the reason."""
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"the connection was closed with code {self.code}{f': {self.reason}' if self.reason else ''}"


class Link(Protocol):
    """A WebSocket for one flow at a time. All methods but `wake` return awaitables for the async driver.

    Flows use `Invoke(link.receive, seconds, caught=True, wake=link.wake)`, and `send` and `close` likewise.
    """

    def receive(self, seconds: float, /) -> Any:
        """Return all messages that have arrived, as a list of str and bytes. Wait for the first for up to `seconds`.

        The list is empty if none has arrived, and if `wake` ended the wait.

        Raises:
            LinkClosed: The link is closed or was cut, and all messages before that were returned.
        """
        ...

    def send(self, messages: Sequence[str | bytes], /) -> Any:
        """Send messages in order.

        Raises:
            LinkClosed: The link is closed or was cut. It is unknown which messages have arrived.
        """
        ...

    def wake(self) -> None:
        """End the `receive` that waits, or the next one. From any thread; never awaitable."""
        ...

    def close(self, _: object = None, /) -> Any:
        """Close with code 1000, and release the connection, threads and tasks. Closing twice does nothing."""
        ...
