"""Pages: follow `nextToken` to the end, lazily, and never in a circle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from .call import call
from .effects import Emit, Flow
from .errors import PaginationError, RequestError
from .model import FallibleResponse, Request, Response
from .operation import Operation

__all__ = ["follow", "items", "pages"]

_GIVEN_AS = {"max_results": "page_size", "next_token": "starting_token"}


def pages(operation: Operation, first: Request[Any]) -> Flow[None]:
    """Emit each page of a list, as the response that it is."""
    return follow(operation, first, _emit_page)


def items(operation: Operation, first: Request[Any]) -> Flow[None]:
    """Emit the items of each page, then raise what the page says has failed."""
    return follow(operation, first, _emit_items)


def follow(
    operation: Operation,
    first: Request[Any],
    emit: Callable[[Operation, Response], Flow[None]],
    *,
    poll: bool = False,
) -> Flow[None]:
    """Go through what `emit` makes of each page, one after the other."""
    request: Any = first
    seen = {request.next_token}
    while True:
        page: Any = yield from _page(operation, request, poll=poll)
        yield from emit(operation, page)
        token = page.next_token or None  # an empty token ends a list, as none at all does
        if token is None:
            return
        if token in seen:
            raise PaginationError(operation.name)
        seen.add(token)
        request = attrs.evolve(request, next_token=token)


def _page(operation: Operation, request: Request[Any], *, poll: bool) -> Flow[Any]:
    try:
        return (yield from call(operation, request, poll=poll))
    except RequestError as error:
        # Told under the names that the caller used.
        named = [(_GIVEN_AS.get(path, path), problem) for path, problem in error.problems]
        raise RequestError(error.subject, named) from None


def _emit_page(_: Operation, page: Response) -> Flow[None]:
    yield Emit(page)


def _emit_items(operation: Operation, page: Response) -> Flow[None]:
    for item in getattr(page, operation.items):
        yield Emit(item)
    if isinstance(page, FallibleResponse):
        page.raise_for_failures()
