"""What the sync and the async handle of a session are besides their verbs: blocks, and iterators over the output."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from ecskit._core.effects import Flow
from ecskit._exec.session import UNMARKED, End, Session

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AsyncBlock", "Block", "Opening"]

HandleT = TypeVar("HandleT", bound="AsyncBlock")


class _Handle:
    """An open session."""

    __slots__ = ("__weakref__", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._session!r})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a session holds a connection and cannot be pickled or copied")

    @property
    def session_id(self) -> str:
        """Id of the session, by which the logs of ECS Exec name it."""
        return self._session.session_id

    @property
    def task_arn(self) -> str:
        """ARN of the task."""
        return self._session.place.task_arn

    @property
    def container(self) -> str:
        """Name of the container."""
        return self._session.place.container

    @property
    def ended(self) -> bool:
        """Whether the session has ended. Output may still be there to be read."""
        return self._session.end is not None

    @property
    def end_reason(self) -> str | None:
        """Why the session has ended; None while it is open, and after a normal end.

        With `exit_code=True`, an end before the exit code was seen is none of these.
        """
        end = self._session.end
        if end is None:
            return None
        is_missing = self._session.reader is not None and self.exit_code is None and end.cause == "closed"
        return end.reason or (UNMARKED if is_missing else None)

    @property
    def exit_code(self) -> int | None:
        """The exit code of the command, with `exit_code=True`, once its end was read; None if it is unknown."""
        return self._session.exit_code

    def __del__(self) -> None:
        session = getattr(self, "_session", None)
        if session is not None and session.end is None and session.closing is None:
            session.request_end(End("local", "it was not closed, and nothing uses it any more"))
            text = f"unclosed session {session!r}; use `with`, or close it"
            warnings.warn(text, ResourceWarning, source=self, stacklevel=2)


class Block(_Handle):
    """The base class of the sync handle."""

    __slots__ = ()

    if TYPE_CHECKING:

        def read(self) -> bytes: ...
        def close(self) -> None: ...

    def __enter__(self) -> Self:
        """Return this session."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close this session."""
        if not self._session.done:
            self.close()

    def __iter__(self) -> Iterator[bytes]:
        """Yield the output until the end of the session, as `read` returns it."""
        return iter(self.read, b"")


class AsyncBlock(_Handle):
    """The base class of the async handle."""

    __slots__ = ()

    if TYPE_CHECKING:

        async def read(self) -> bytes: ...
        async def close(self) -> None: ...

    async def __aenter__(self) -> Self:
        """Return this session."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close this session."""
        if not self._session.done:
            await self.close()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the output until the end of the session, as `read` returns it."""
        while chunk := await self.read():
            yield chunk


class Opening(Awaitable[HandleT], Generic[HandleT]):
    """A session that is not open yet. `async with` opens and closes it; `await` only opens it.

    It is awaitable, and no coroutine: `asyncio.create_task` does not take it, `asyncio.ensure_future` does.
    """

    __slots__ = ("_handle", "_open")

    def __init__(self, handle: Callable[[Any, Session], HandleT], runtime: Any, flow: Flow[Session]) -> None:
        """Open with a flow that the driver performs, and return a handle of what it results in."""

        async def open_() -> HandleT:
            return handle(runtime, await runtime.run(flow))

        self._open = open_
        self._handle: HandleT | None = None

    def __await__(self) -> Generator[Any, None, HandleT]:
        """Open the session, and return it."""
        return self._open().__await__()

    async def __aenter__(self) -> HandleT:
        """Open the session, and return it."""
        self._handle = await self._open()
        return self._handle

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the session."""
        if self._handle is not None:
            await self._handle.__aexit__(kind, error, trace)
