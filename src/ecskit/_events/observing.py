"""The blocks in which a client observes events: each owns one thread, or one task, that passes events on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from ecskit._core.background import Background, Begins
from ecskit._core.effects import Flow
from ecskit._core.errors import RequestError

from .pump import Opened, Received, pump
from .sources import EventCounts, EventSource
from .sqs import SqsSource

if TYPE_CHECKING:
    from typing_extensions import Self

    from ecskit._transport.options import Options

__all__ = ["AsyncObserving", "Observing"]

_SYNC_WAIT = 2
"""The most seconds of a long poll in a thread: the end of a block waits for the one that is under way."""


class _Runs(Protocol):
    """The sync driver of a client."""

    def beside(self, begins: Begins, name: str) -> Background: ...


class _AsyncRuns(Protocol):
    """The async driver of a client."""

    def beside(self, begins: Begins, name: str) -> Awaitable[Background]: ...


class _Observing:
    def __init__(self, source: EventSource) -> None:
        self._source = source
        self._received = Received()
        self._entered = False
        self._background: Background | None = None

    def _open(self) -> Opened:
        raise NotImplementedError

    def __repr__(self) -> str:
        error = f", error={self.error!r}" if self.error else ""
        return f"<{type(self).__name__} of {self._source!r}: {self.counts}{error}>"

    @property
    def counts(self) -> EventCounts:
        """What was received so far."""
        return self._received.counts

    @property
    def error(self) -> Exception | None:
        """The latest error of the source since it was opened; None if there was none."""
        return self._received.error

    def _enter(self) -> None:
        if self._entered:
            raise RequestError("observing", [("source", "this block was entered before; call observing() again")])
        self._entered = True

    def _begins(self, begun: Callable[[], object]) -> Flow[None]:
        return pump(self._open, self._received, begun)

    def _raise(self) -> None:
        """Raise what ended the flow, if that is an error."""
        if self._background is not None and self._background.error is not None:
            raise self._background.error


class Observing(_Observing):
    """Passes events from a source on to the waits of a client, in one thread, until the end of its block."""

    def __init__(self, runtime: _Runs, source: EventSource, options: Options | None) -> None:
        _check(source, "open")
        if isinstance(source, SqsSource):
            source = source._with_options_of(options, longest_wait=_SYNC_WAIT)
        super().__init__(source)
        self._runtime = runtime

    def __enter__(self) -> Self:
        """Open the source, and begin to receive.

        Raises:
            EventSourceError: The queue does not exist, refuses, or cannot be reached.
        """
        self._enter()
        self._background = self._runtime.beside(self._begins, "ecskit-events")
        self._raise()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop receiving, and close the source."""
        if self._background is not None:
            self._background.stop()
        if kind is None:
            self._raise()

    def _open(self) -> Opened:
        receiver: Any = self._source.open()
        return Opened(
            enter=lambda _: receiver.__enter__(),
            receive=lambda _: receiver.receive(),
            acknowledge=receiver.acknowledge,
            leave=lambda _: receiver.__exit__(None, None, None),
        )


class AsyncObserving(_Observing):
    """Passes events from a source on to the waits of a client, in one task, until the end of its block."""

    def __init__(
        self,
        runtime: _AsyncRuns,
        source: EventSource,
        options: Options | None,
        open_client: Callable[[], Awaitable[object]],
    ) -> None:
        _check(source, "open_async")
        if isinstance(source, SqsSource):
            source = source._with_options_of(options)
        super().__init__(source)
        self._runtime, self._open_client = runtime, open_client

    async def __aenter__(self) -> Self:
        """Open the source, and begin to receive.

        Raises:
            ClientClosedError: The client is closed.
            EventSourceError: The queue does not exist, refuses, or cannot be reached.
        """
        self._enter()
        await self._open_client()
        self._background = await self._runtime.beside(self._begins, "ecskit-events")
        self._raise()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop receiving, and close the source."""
        if self._background is not None:
            await self._background.stop()
        if kind is None:
            self._raise()

    def _open(self) -> Opened:
        receiver: Any = self._source.open_async()
        return Opened(
            enter=lambda _: receiver.__aenter__(),
            receive=lambda _: receiver.receive(),
            acknowledge=receiver.acknowledge,
            leave=lambda _: receiver.__aexit__(None, None, None),
        )


def _check(source: object, method: str) -> None:
    opened: Callable[..., object] | None = getattr(source, method, None)
    if isinstance(source, type) or not callable(opened):
        got = f"the class {source.__name__}" if isinstance(source, type) else type(source).__name__
        problem = f"expected a source of events such as ecskit.events.SqsSource(queue_url), got {got}"
        raise RequestError("observing", [("source", problem)])
    if getattr(source, "wait_seconds", None) == 0:
        problem = "its wait_seconds is 0, so that requests would follow without a pause; expected 1 or more"
        raise RequestError("observing", [("source", problem)])
