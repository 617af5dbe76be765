"""What `paginate` hands out: lists that send nothing until somebody iterates over them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs

from ecskit._core import pages
from ecskit._core.model import Request, Response

if TYPE_CHECKING:
    from ecskit._drive.aio import AsyncRuntime
    from ecskit._drive.sync import Runtime

__all__ = ["AsyncPages", "AsyncPaginator", "Pages", "Paginator"]

PageT = TypeVar("PageT", bound=Response)
ItemT = TypeVar("ItemT")


@attrs.frozen
class Pages(Generic[PageT]):
    """The pages of a list. Each iteration starts anew from the first page."""

    _runtime: Runtime
    _request: Request[Any]

    def pages(self) -> Generator[PageT, None, None]:
        """Return a generator of the pages, as the responses they are; `failures` in them are left to the caller."""
        return self._runtime.iterate(pages.pages(self._request))


@attrs.frozen
class Paginator(Pages[PageT], Generic[PageT, ItemT]):
    """The items of a list, page after page. Each iteration starts anew from the first page."""

    def __iter__(self) -> Generator[ItemT, None, None]:
        """Return a generator of the items."""
        return self._runtime.iterate(pages.items(self._request))


@attrs.frozen
class AsyncPages(Generic[PageT]):
    """The pages of a list. Each iteration starts anew from the first page."""

    _runtime: AsyncRuntime
    _request: Request[Any]

    def pages(self) -> AsyncGenerator[PageT, None]:
        """Return a generator of the pages, as the responses they are; `failures` in them are left to the caller."""
        return self._runtime.iterate(pages.pages(self._request))


@attrs.frozen
class AsyncPaginator(AsyncPages[PageT], Generic[PageT, ItemT]):
    """The items of a list, page after page. Each iteration starts anew from the first page."""

    def __aiter__(self) -> AsyncGenerator[ItemT, None]:
        """Return a generator of the items."""
        return self._runtime.iterate(pages.items(self._request))
