"""A botocore client with the requests that are under way in it, to report a connection pool that is too small."""

from __future__ import annotations

import logging
import threading
from typing import Any

from ecskit import _forks

from . import exchange
from .retries import allow_single_attempts

__all__ = ["Pooled"]

log = logging.getLogger("ecskit")


class _Registering:
    """A lock for changes of event handlers: threads may wrap one client at the same time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        _forks.register(self)

    def after_fork(self) -> None:
        """Replace the lock: a thread of the parent may hold it."""
        self.lock = threading.Lock()


_registering = _Registering()


class Pooled:
    """A botocore client whose requests are counted. Logs once if there are more at once than its pool holds."""

    __slots__ = ("_beyond", "_largest", "_reported", "_size", "_under_way", "client")

    def __init__(self, client: Any, *, beyond: str) -> None:
        """Attach to `client`. `beyond` says what happens to requests beyond the size of the pool."""
        self.client = client
        self._beyond = beyond
        self._size: int = client.meta.config.max_pool_connections
        self._under_way: set[exchange.Exchange] = set()  # adding and discarding need no lock
        self._largest = 0
        self._reported = False
        with _registering.lock:
            exchange.attach(client)
            allow_single_attempts(client)

    def detach(self) -> None:
        """Detach from the client."""
        with _registering.lock:
            exchange.detach(self.client)

    def enter(self, request: exchange.Exchange) -> None:
        """Count a request that begins."""
        self._under_way.add(request)
        self._largest = max(self._largest, len(self._under_way))

    def leave(self, request: exchange.Exchange) -> None:
        """Count a request that has ended. Logged here, the number includes all that began before the first ended."""
        self._under_way.discard(request)
        if self._largest > self._size and not self._reported:
            self._reported = True
            log.warning(
                "%d requests at once, but the connection pool holds %d: %s;"
                " make the client with config=botocore.config.Config(max_pool_connections=%d)",
                *(self._largest, self._size, self._beyond, self._largest),
            )

    def after_fork(self) -> None:
        """Leave the requests of the parent process to it."""
        self._under_way = set()
