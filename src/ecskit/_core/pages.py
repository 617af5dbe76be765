"""Paginated lists: follow `nextToken` lazily to the last page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from .call import call
from .effects import Emit, Flow
from .errors import PaginationError, RequestError
from .model import FallibleResponse, Request, Response

__all__ = ["follow", "items", "pages"]

_PARAMETER_NAMES = {"max_results": "page_size", "next_token": "starting_token"}


def pages(first: Request[Any]) -> Flow[None]:
    """Emit each page of a list as a response."""
    return follow(first, _emit_page)


def items(first: Request[Any]) -> Flow[None]:
    """Emit the items of each page. After the items, raise FailuresError if the page has `failures`."""

    def emit(page: Response) -> Flow[None]:
        for item in getattr(page, first._items):
            yield Emit(item)
        if isinstance(page, FallibleResponse):
            page.raise_for_failures()

    return follow(first, emit)


def follow(
    first: Request[Any],
    emit: Callable[[Response], Flow[None]],
    *,
    single_attempt: bool = False,
) -> Flow[None]:
    """Request one page after the other, and perform the flow that `emit` returns for each."""
    request: Any = first
    seen = {request.next_token}
    while True:
        page: Any = yield from _page(request, single_attempt=single_attempt)
        yield from emit(page)
        token = page.next_token or None  # an empty token ends the list, too
        if token is None:
            return
        if token in seen:
            raise PaginationError(first._operation)
        seen.add(token)
        request = attrs.evolve(request, next_token=token)


def _page(request: Request[Any], *, single_attempt: bool) -> Flow[Any]:
    try:
        return (yield from call(request, single_attempt=single_attempt))
    except RequestError as error:
        # Under the names that the caller used.
        named = [(_PARAMETER_NAMES.get(path, path), problem) for path, problem in error.problems]
        raise RequestError(error.subject, named) from None


def _emit_page(page: Response) -> Flow[None]:
    yield Emit(page)
