"""Iterators over the items that a verb yields, which a `with` block or `close()` ends.

The flow behind an iterator ends, and cleans up, when its consumer leaves the block, and not only when the garbage
collector finds the iterator.
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
    """An iterator that sends requests as items are taken. To end it early, use it with `with`, or `close()` it.

    Both end it at once and clean up. At its last item, or after an error, it is closed already.
    """

    __slots__ = ("__weakref__", "_items")

    def __init__(self, items: Generator[T_co, None, None]) -> None:
        self._items = items

    def __iter__(self) -> Self:
        """Return this iterator."""
        return self

    def __next__(self) -> T_co:
        """Return the next item."""
        return next(self._items)

    def close(self) -> None:
        """End the iterator. Closing twice does nothing."""
        self._items.close()

    def __enter__(self) -> Self:
        """Return this iterator. The end of the block closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close this iterator."""
        self.close()


class AsyncStream(AsyncIterator[T_co]):
    """An async iterator that sends requests as items are taken. To end it early, use `async with`, or `aclose()` it.

    Both end it at once and clean up. At its last item, or after an error, it is closed already.
    """

    __slots__ = ("__weakref__", "_items")

    def __init__(self, items: AsyncGenerator[T_co, None]) -> None:
        self._items = items

    def __aiter__(self) -> Self:
        """Return this iterator."""
        return self

    async def __anext__(self) -> T_co:
        """Return the next item."""
        return await anext(self._items)

    async def aclose(self) -> None:
        """End the iterator. Closing twice does nothing."""
        await self._items.aclose()

    async def __aenter__(self) -> Self:
        """Return this iterator. The end of the block closes it."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close this iterator."""
        await self.aclose()
