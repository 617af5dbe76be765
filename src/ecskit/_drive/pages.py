"""What `paginate` returns: lists that send a request only when they are iterated over."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Any, Generic, Protocol, TypeVar

import attrs

from ecskit._core import pages
from ecskit._core.effects import Flow
from ecskit._core.model import Request, Response

__all__ = ["AsyncPages", "AsyncPaginator", "Pages", "Paginator"]

PageT = TypeVar("PageT", bound=Response)
ItemT = TypeVar("ItemT")


class Iterates(Protocol):
    """The sync driver."""

    def iterate(self, flow: Flow[None], /) -> Generator[Any, None, None]:
        """Return a generator of what a flow emits."""
        ...


class AsyncIterates(Protocol):
    """The async driver."""

    def iterate(self, flow: Flow[None], /) -> AsyncGenerator[Any, None]:
        """Return an async generator of what a flow emits."""
        ...


@attrs.frozen
class Pages(Generic[PageT]):
    """The pages of a list. Each iteration starts from the first page."""

    _runtime: Iterates
    _request: Request[Any]

    def pages(self) -> Generator[PageT, None, None]:
        """Return a generator of the pages, each a response. Check their `failures`: they raise no error here."""
        return self._runtime.iterate(pages.pages(self._request))


@attrs.frozen
class Paginator(Pages[PageT], Generic[PageT, ItemT]):
    """The items of a list, page after page. Each iteration starts from the first page."""

    def __iter__(self) -> Generator[ItemT, None, None]:
        """Return a generator of the items."""
        return self._runtime.iterate(pages.items(self._request))


@attrs.frozen
class AsyncPages(Generic[PageT]):
    """The pages of a list. Each iteration starts from the first page."""

    _runtime: AsyncIterates
    _request: Request[Any]

    def pages(self) -> AsyncGenerator[PageT, None]:
        """Return a generator of the pages, each a response. Check their `failures`: they raise no error here."""
        return self._runtime.iterate(pages.pages(self._request))


@attrs.frozen
class AsyncPaginator(AsyncPages[PageT], Generic[PageT, ItemT]):
    """The items of a list, page after page. Each iteration starts from the first page."""

    def __aiter__(self) -> AsyncGenerator[ItemT, None]:
        """Return a generator of the items."""
        return self._runtime.iterate(pages.items(self._request))
