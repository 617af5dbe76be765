"""Flows that run beside others, as the flows that start and stop them see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from .effects import Flow, Invoke

__all__ = ["Background", "Begins", "beginning", "stop"]

Begins: TypeAlias = Callable[[Callable[[], object]], Flow[None]]
"""Returns a flow, given what the flow calls when it has begun. Whoever starts the flow waits for that."""


class Background(Protocol):
    """A flow beside others: the reply to `Beside`."""

    @property
    def error(self) -> BaseException | None:
        """What ended it; None while it runs, and if it came to its end, was stopped, or its client was closed."""
        ...

    def cancel(self) -> None:
        """Cancel it, and return at once."""
        ...

    def stop(self, _: object = None, /) -> Any:
        """Cancel it, and wait for the end of its clean-up; awaitable in async. Stopping twice does nothing."""
        ...


def stop(background: Background) -> Flow[None]:
    """Cancel a flow beside this one, and wait for the end of its clean-up."""
    background.cancel()  # before a virtual clock, which this flow leaves for the wait, passes another sleep of it
    yield Invoke(background.stop, None, apart=True)


def beginning(flow: Flow[None]) -> Begins:
    """Return a flow that has begun when a driver performs it, and so counts on a virtual clock.

    Its first statement may not have run yet when its starter goes on.
    """

    def begins(begun: Callable[[], object]) -> Flow[None]:
        begun()
        yield from flow

    return begins
