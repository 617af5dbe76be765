"""Split a sorted list into pages that stay correct when rows are inserted or removed between two calls.

A token has the key of the last row shown, and a digest of the request, so that another request refuses it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import TYPE_CHECKING, TypeVar

from ecskit._simulator.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ecskit._simulator.wire import Wire

Key = TypeVar("Key", int, str)
Row = TypeVar("Row")


def paginate(
    operation: str,
    request: Wire,
    rows: Iterable[tuple[Key, Row]],
    *,
    default: int = 100,
    maximum: int = 100,
    descending: bool = False,
) -> tuple[list[Row], Wire]:
    """Return one page of `rows`, and the `nextToken` member of the answer if more rows follow.

    Args:
        operation: The operation. Its tokens are valid for no other.
        request: The whole request; `maxResults` and `nextToken` are read from it.
        rows: All rows in any order, each with a unique key that never changes.
        default: Rows per page without `maxResults`. Default 100.
        maximum: The largest `maxResults`. Default 100.
        descending: Whether to sort by descending key. Default False.

    Raises:
        SimulatedError: `InvalidParameterException` for a size out of bounds or a token of another request.
    """
    size = request.get("maxResults", default)
    if not 1 <= size <= maximum:
        raise invalid(f"maxResults must be between 1 and {maximum}, not {size}.")
    ordered = sorted(rows, key=lambda row: row[0], reverse=descending)
    query = _digest(operation, request)
    if "nextToken" in request:
        last = _read_token(request["nextToken"], query)
        ordered = [row for row in ordered if _is_past(row[0], last, descending=descending)]
    page = ordered[:size]
    more: Wire = {"nextToken": _token(query, page[-1][0])} if len(ordered) > size else {}
    return [row for _, row in page], more


def _is_past(key: int | str, last: int | str, *, descending: bool) -> bool:
    if isinstance(key, int) != isinstance(last, int):
        raise invalid("Invalid token.")
    a, b = (last, key) if descending else (key, last)
    return a > b  # type: ignore[operator]  # the line above ensures that both are int or both are str


def _digest(operation: str, request: Wire) -> str:
    query = {name: value for name, value in request.items() if name not in ("nextToken", "maxResults")}
    return hashlib.sha256(json.dumps([operation, query], sort_keys=True).encode()).hexdigest()[:16]


def _token(query: str, last: int | str) -> str:
    return base64.urlsafe_b64encode(json.dumps([query, last]).encode()).decode()


def _read_token(token: str, query: str) -> int | str:
    try:
        token_query, last = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError):
        raise invalid("Invalid token.") from None
    if token_query != query or isinstance(last, bool) or not isinstance(last, (int, str)):
        raise invalid("Invalid token.")
    return last
