"""Pages: follow `nextToken` to the end, lazily, and never in a circle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from .call import call
from .effects import Emit, Flow
from .errors import PaginationError, RequestError
from .model import FallibleResponse, Request, Response

__all__ = ["follow", "items", "pages"]

_GIVEN_AS = {"max_results": "page_size", "next_token": "starting_token"}


def pages(first: Request[Any]) -> Flow[None]:
    """Emit each page of a list, as the response that it is."""
    return follow(first, _emit_page)


def items(first: Request[Any]) -> Flow[None]:
    """Emit the items of each page, then raise what the page says has failed."""

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
    """Go through what `emit` makes of each page, one after the other."""
    request: Any = first
    seen = {request.next_token}
    while True:
        page: Any = yield from _page(request, single_attempt=single_attempt)
        yield from emit(page)
        token = page.next_token or None  # an empty token ends a list, as none at all does
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
        # Told under the names that the caller used.
        named = [(_GIVEN_AS.get(path, path), problem) for path, problem in error.problems]
        raise RequestError(error.subject, named) from None


def _emit_page(page: Response) -> Flow[None]:
    yield Emit(page)
