"""The blocks in which a client observes events: each owns one thread, or one task, that passes events on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import copy_context
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from ecskit._core.effects import Flow
from ecskit._core.errors import ClientClosedError, RequestError, WaitCancelled

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

    def run(self, flow: Flow[None], cancel: threading.Event | None = None) -> None: ...


class _AsyncRuns(Protocol):
    """The async driver of a client."""

    def run(self, flow: Flow[None]) -> Coroutine[Any, Any, None]: ...


class _Observing:
    def __init__(self, source: EventSource) -> None:
        self._source = source
        self._received = Received()

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


class Observing(_Observing):
    """Passes events from a source on to the waits of a client, in one thread, until the end of its block."""

    def __init__(self, runtime: _Runs, source: EventSource, options: Options | None) -> None:
        _check(source, "open")
        if isinstance(source, SqsSource):
            source = source._with_options_of(options, longest_wait=_SYNC_WAIT)
        super().__init__(source)
        self._runtime = runtime
        self._cancel, self._begun = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        """Open the source, and begin to receive.

        Raises:
            EventSourceError: The queue does not exist, refuses, or cannot be reached.
        """
        if self._thread is not None:
            raise RequestError("observing", [("source", "this block was entered before; call observing() again")])
        flow = pump(self._open, self._received, self._begun.set)
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._run, flow), name="ecskit-events", daemon=True
        )
        self._thread.start()
        try:
            self._begun.wait()
        except BaseException:
            self._end()
            raise
        if self._error is not None:
            self._end()
            raise self._error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop receiving, and close the source."""
        self._end()
        if kind is None and self._error is not None:
            raise self._error

    def _open(self) -> Opened:
        receiver: Any = self._source.open()
        return Opened(
            enter=lambda _: receiver.__enter__(),
            receive=lambda _: receiver.receive(),
            acknowledge=receiver.acknowledge,
            leave=lambda _: receiver.__exit__(None, None, None),
        )

    def _run(self, flow: Any) -> None:
        try:
            self._runtime.run(flow, self._cancel)
        except (WaitCancelled, ClientClosedError) as error:
            if not self._begun.is_set():
                self._error = error
        except BaseException as error:  # noqa: BLE001  # raised in the thread that uses the block
            self._error = error
        finally:
            self._begun.set()

    def _end(self) -> None:
        self._cancel.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()


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
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Open the source, and begin to receive.

        Raises:
            ClientClosedError: The client is closed.
            EventSourceError: The queue does not exist, refuses, or cannot be reached.
        """
        if self._task is not None:
            raise RequestError("observing", [("source", "this block was entered before; call observing() again")])
        await self._open_client()
        begun = asyncio.Event()
        self._task = task = asyncio.ensure_future(self._runtime.run(pump(self._open, self._received, begun.set)))
        beginning = asyncio.ensure_future(begun.wait())
        try:
            await asyncio.wait({task, beginning}, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            await self._end()
            raise
        finally:
            beginning.cancel()
        if task.done():
            await task
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop receiving, and close the source."""
        await self._end()
        if kind is None and self._task is not None and not self._task.cancelled():
            _raise_unless_closed(self._task.exception())

    def _open(self) -> Opened:
        receiver: Any = self._source.open_async()
        return Opened(
            enter=lambda _: receiver.__aenter__(),
            receive=lambda _: receiver.receive(),
            acknowledge=receiver.acknowledge,
            leave=lambda _: receiver.__aexit__(None, None, None),
        )

    async def _end(self) -> None:
        """Cancel the task, and wait for its end, also if this one is cancelled meanwhile."""
        task, interrupted = self._task, None
        if task is None:
            return
        task.cancel()
        while not task.done():
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError as error:
                interrupted = error
        if interrupted is not None:
            raise interrupted


def _raise_unless_closed(error: BaseException | None) -> None:
    if error is not None and not isinstance(error, ClientClosedError):
        raise error


def _check(source: object, method: str) -> None:
    opened: Callable[..., object] | None = getattr(source, method, None)
    if isinstance(source, type) or not callable(opened):
        got = f"the class {source.__name__}" if isinstance(source, type) else type(source).__name__
        problem = f"expected a source of events such as ecskit.events.SqsSource(queue_url), got {got}"
        raise RequestError("observing", [("source", problem)])
    if getattr(source, "wait_seconds", None) == 0:
        problem = "its wait_seconds is 0, so that requests would follow without a pause; expected 1 or more"
        raise RequestError("observing", [("source", problem)])
