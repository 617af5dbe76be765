"""The HTTP exchange of a response, as its typed `metadata`."""

from __future__ import annotations

from typing import Any

import attrs

from ecskit._core.documented import Documented

__all__ = ["ResponseMetadata", "response_metadata"]


@attrs.frozen(kw_only=True, eq=False)
class ResponseMetadata(Documented):
    """The HTTP exchange of a response."""

    request_id: str | None = None
    """AWS's id of the request, for support cases."""
    http_status: int | None = None
    """HTTP status code of the response."""
    attempts: int = 1
    """How many times the request was sent."""
    client_token: str | None = None
    """The idempotency token of the request, if the operation takes one."""


def response_metadata(known: Any, client_token: str | None = None) -> ResponseMetadata | None:
    """Make the typed metadata from botocore's `ResponseMetadata`; None if it is not a dict."""
    if not isinstance(known, dict):
        return None
    return ResponseMetadata(
        request_id=known.get("RequestId"),
        http_status=known.get("HTTPStatusCode"),
        attempts=known.get("RetryAttempts", 0) + 1,
        client_token=client_token,
    )
