"""What verbs that yield hand out: iterators that can be closed, and that a `with` block closes.

Decides when the flow behind an iterator is over: when its consumer leaves, and not when the garbage collector finds it.
Knows nothing of what is iterated over, nor how a flow is cleaned up: the generator of the driver does that.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AsyncStream", "Stream"]

T_co = TypeVar("T_co", covariant=True)


class Stream(Iterator[T_co]):
    """An iterator that asks ECS as far as items are taken. Use it with `with`, or `close()` it, to leave it early.

    Then it ends at once, and cleans up, whatever the garbage collector does. One that is followed to its end, or to
    an error, is closed already.
    """

    __slots__ = ("__weakref__", "_items")

    def __init__(self, items: Generator[T_co, None, None]) -> None:
        self._items = items

    def __iter__(self) -> Self:
        """Return this: it is iterated over once."""
        return self

    def __next__(self) -> T_co:
        """Return the next item."""
        return next(self._items)

    def close(self) -> None:
        """End it: there are no more items. Closing twice does nothing."""
        self._items.close()

    def __enter__(self) -> Self:
        """Return this, to be closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close this."""
        self.close()


class AsyncStream(AsyncIterator[T_co]):
    """An async iterator that asks ECS as far as items are taken. Use it with `async with`, or `aclose()` it.

    Then it ends at once, and cleans up, whatever the garbage collector does. One that is followed to its end, or to
    an error, is closed already.
    """

    __slots__ = ("__weakref__", "_items")

    def __init__(self, items: AsyncGenerator[T_co, None]) -> None:
        self._items = items

    def __aiter__(self) -> Self:
        """Return this: it is iterated over once."""
        return self

    async def __anext__(self) -> T_co:
        """Return the next item."""
        return await anext(self._items)

    async def aclose(self) -> None:
        """End it: there are no more items. Closing twice does nothing."""
        await self._items.aclose()

    async def __aenter__(self) -> Self:
        """Return this, to be closed at the end of the block."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close this."""
        await self.aclose()
