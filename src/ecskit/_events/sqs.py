"""Events from a queue of SQS, sync and async."""

from __future__ import annotations

from contextlib import AsyncExitStack
from copy import copy
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from ecskit._core.errors import ClientClosedError, MissingExtraError, RequestError
from ecskit._transport.options import Options

from .errors import EventSourceError
from .queue import Queue, QueueFlow, endpoint_of, region_of, url_problems
from .sources import EventBatch, EventCounts

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.session import Session
    from typing_extensions import Self

    from ecskit._transport.options import Boto3Session

__all__ = ["AsyncSqsReceiver", "SqsReceiver", "SqsSource"]

T = TypeVar("T")


class SqsSource:
    """Events of ECS from a standard queue of SQS, which a rule of EventBridge fills. `template` describes such a queue.

    Each message reaches one receiver only, so give each process that needs all events a queue of its own.

    Args:
        queue_url: URL of the queue. Its endpoint and its region are used.
        session: A botocore, boto3 or aiobotocore session, for credentials and configuration. Default: the same sources
            as for a client without arguments.
        client: A client for SQS to use instead, of botocore or boto3 for `open`, of aiobotocore for `open_async`. It
            stays open.
        wait_seconds: How long `receive` waits for a message, in seconds: 0 to 20. Default: 20.

    Raises:
        RequestError: The queue is a FIFO queue, the URL cannot be that of a queue, or an argument is wrong.
    """

    def __init__(
        self,
        queue_url: str,
        *,
        session: Session | Boto3Session | None = None,
        client: BaseClient | None = None,
        wait_seconds: int = 20,
    ) -> None:
        problems = url_problems(queue_url)
        if wait_seconds not in range(21):
            problems.append(("wait_seconds", "must be an int from 0 to 20"))
        if session is not None and client is not None:
            problems.append(("session", "must not be passed with client=, which has a session already"))
        if problems:
            raise RequestError("SqsSource", problems)
        self.queue_url = queue_url
        self.wait_seconds = int(wait_seconds)
        self._session = session
        self._client = client
        self._client_options: Options | None = None

    def open(self) -> SqsReceiver:
        """Return a receiver for threads. Use it as a context manager."""
        return SqsReceiver(self)

    def open_async(self) -> AsyncSqsReceiver:
        """Return a receiver for asyncio. Use it as an async context manager."""
        return AsyncSqsReceiver(self)

    def _with_options_of(self, options: Options | None, *, longest_wait: int = 20) -> SqsSource:
        """Return the same source with the session and the options of a client, unless it has its own.

        Args:
            options: The options of the client; None if it wraps another one.
            longest_wait: The most seconds that `receive` waits for a message.

        Raises:
            RequestError: The client wraps another one, and the source has no session and no client.
        """
        if options is None and self._session is None and self._client is None:
            problem = (
                "this client wraps another one, whose session and credentials are not known; pass"
                " SqsSource(queue_url, session=...) or SqsSource(queue_url, client=...)"
            )
            raise RequestError("observing", [("source", problem)])
        source = copy(self)
        source.wait_seconds = min(self.wait_seconds, longest_wait)
        if self._session is None and self._client is None:
            source._client_options = options
        return source

    def __repr__(self) -> str:
        return f"SqsSource({self.queue_url!r})"

    def _options(self) -> Options:
        options = Options(session=self._session) if self._client_options is None else self._client_options
        url, region = self.queue_url, options.region_name
        return attrs.evolve(options, endpoint_url=endpoint_of(url), region_name=region_of(url) or region)


class _Receiver:
    def __init__(self, source: SqsSource) -> None:
        self._source = source
        self._queue = Queue(source.queue_url, source.wait_seconds)
        self._client: Any = None

    @property
    def counts(self) -> EventCounts:
        """What this receiver has received and acknowledged so far."""
        return self._queue.counts

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._source.queue_url!r})"

    def _method(self, name: str) -> Any:
        if self._client is None:
            raise ClientClosedError(f"{self!r} is not open; use it in its `with` block")
        return getattr(self._client, name)

    def _failed(self, error: Exception) -> tuple[EventSourceError, Exception | None] | None:
        from ecskit._transport.queues import failure

        found = failure(error)
        if found is None:
            return None
        message, retryable, cause = found
        return EventSourceError(self._source.queue_url, message, retryable=retryable), cause


class SqsReceiver(_Receiver):
    """Receives events from a queue. Several threads may use it at once."""

    def __enter__(self) -> Self:
        """Connect, and check that the queue can be used.

        Raises:
            EventSourceError: The queue does not exist, refuses, or cannot be reached.
            ConfigurationError: The region or the profile is missing, or the client cannot be used.
            CredentialsError: A provider of credentials failed.
        """
        from ecskit._transport.queues import check_client
        from ecskit._transport.sync import new_queue_client

        source = self._source
        if source._client is None:
            self._client = new_queue_client(source._options(), wait_seconds=source.wait_seconds)
        else:
            check_client(source._client, "botocore", wait_seconds=source.wait_seconds)
            self._client = source._client
        try:
            self._run(self._queue.check())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the receiver."""
        self.close()

    def close(self) -> None:
        """Close the connections. A client of the caller stays open. Closing twice does nothing."""
        client, self._client = self._client, None
        if client is not None and client is not self._source._client:
            client.close()

    def receive(self) -> EventBatch:
        """Wait for messages, for `wait_seconds` at most, and return the events in up to ten of them.

        Events of other sources than ECS are deleted. What cannot be decoded stays in the queue, from which its redrive
        policy removes it. `counts` has both.

        Raises:
            EventSourceError: The queue was deleted, refuses, or cannot be reached.
            ClientClosedError: The receiver is not open.
        """
        return self._run(self._queue.receive())

    def acknowledge(self, batch: EventBatch, /) -> None:
        """Delete the messages of a batch. Those that are not deleted are received again after some time.

        Args:
            batch: A batch that was received from this queue.

        Raises:
            EventSourceError: The queue was deleted, refuses, or cannot be reached.
            ClientClosedError: The receiver is not open.
        """
        self._run(self._queue.acknowledge(batch))

    def _run(self, flow: QueueFlow[T]) -> T:
        answer: Any = None
        while True:
            try:
                method, arguments = flow.send(answer)
            except StopIteration as end:
                result: T = end.value
                return result
            call = self._method(method)
            try:
                answer = call(**arguments)
                continue
            except Exception as error:
                failed = self._failed(error)
                if failed is None:
                    raise
            # Outside of the handler: `__context__` must not hold an error whose text shows values.
            raise failed[0] from failed[1]


class AsyncSqsReceiver(_Receiver):
    """Receives events from a queue. Several tasks may use it at once."""

    def __init__(self, source: SqsSource) -> None:
        super().__init__(source)
        self._owned = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Connect, and check that the queue can be used.

        Raises:
            EventSourceError: The queue does not exist, refuses, or cannot be reached.
            ConfigurationError: The region or the profile is missing, or the client cannot be used.
            CredentialsError: A provider of credentials failed.
            MissingExtraError: The extra `async` is not installed.
        """
        from ecskit._transport.queues import check_client
        from ecskit._transport.translate import configuring

        try:
            from ecskit._transport import aio
        except ImportError as error:
            raise MissingExtraError("open_async needs aiobotocore: pip install 'ecskit[async]'") from error
        source = self._source
        if source._client is None:
            made = await aio.new_queue_client(source._options(), wait_seconds=source.wait_seconds)
            with configuring():
                self._client = await self._owned.enter_async_context(made)
        else:
            check_client(source._client, "aiobotocore", wait_seconds=source.wait_seconds)
            self._client = source._client
        try:
            await self._run(self._queue.check())
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the receiver."""
        await self.close()

    async def close(self) -> None:
        """Close the connections. A client of the caller stays open. Closing twice does nothing."""
        self._client = None
        await self._owned.aclose()

    async def receive(self) -> EventBatch:
        """Wait for messages, for `wait_seconds` at most, and return the events in up to ten of them.

        Events of other sources than ECS are deleted. What cannot be decoded stays in the queue, from which its redrive
        policy removes it. `counts` has both.

        Raises:
            EventSourceError: The queue was deleted, refuses, or cannot be reached.
            ClientClosedError: The receiver is not open.
        """
        return await self._run(self._queue.receive())

    async def acknowledge(self, batch: EventBatch, /) -> None:
        """Delete the messages of a batch. Those that are not deleted are received again after some time.

        Args:
            batch: A batch that was received from this queue.

        Raises:
            EventSourceError: The queue was deleted, refuses, or cannot be reached.
            ClientClosedError: The receiver is not open.
        """
        await self._run(self._queue.acknowledge(batch))

    async def _run(self, flow: QueueFlow[T]) -> T:
        answer: Any = None
        while True:
            try:
                method, arguments = flow.send(answer)
            except StopIteration as end:
                result: T = end.value
                return result
            call = self._method(method)
            try:
                answer = await call(**arguments)
                continue
            except Exception as error:
                failed = self._failed(error)
                if failed is None:
                    raise
            raise failed[0] from failed[1]
