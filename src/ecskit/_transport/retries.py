"""Single attempts: botocore does not retry the requests that a flow repeats by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import exchange

__all__ = ["allow_single_attempts"]

_EVENT = "needs-retry.ecs"
_ID = "retry-config-ecs"
"""The id under which botocore registers the retry handler of a client, in all retry modes."""


class _Retries:
    """The retry handler of a client, except for single attempts of ecskit."""

    def __init__(self, handler: Callable[..., Any]) -> None:
        self._handler = handler

    def __call__(self, **event: Any) -> Any:
        """Return the seconds until the next attempt; None for no further attempt. aiobotocore awaits it."""
        ours = exchange.of_request(event["request_dict"]["context"])
        return None if ours is not None and ours.single_attempt else self._handler(**event)


def allow_single_attempts(client: Any) -> None:
    """Put a handler in front of the retry handler of `client`, once. For its owner it retries as before."""
    events = client.meta.events
    # Not public. Without it, botocore retries polls, too: they take longer, and have the same results.
    registered = getattr(exchange.emitter(events), "_unique_id_handlers", {}).get(_ID)
    if registered is not None:
        # Registered before the other is removed: a request of another thread may end between the two.
        events.register(_EVENT, _Retries(registered["handler"]), unique_id="ecskit-retries")
        events.unregister(_EVENT, unique_id=_ID)
