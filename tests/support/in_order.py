"""Requests of parallel threads, in the order in which an event loop performs their flows."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter

from ecskit._simulator.virtual_clock import VirtualClock

__all__ = ["InOrder"]

_LONGEST = 1.0
"""Seconds that a request waits for the others. A flow may run that waits for something else, such as a lock."""


class InOrder:
    """Lets one request at a time take effect, once each flow that runs has one.

    A fault for the next request then meets the same one on every machine. Without this, it meets that of the thread
    which is first.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: set[tuple[int, int, str]] = set()
        self._sent = Counter[str]()

    def wait(self) -> None:
        """Wait for the turn of this thread: those come first that have sent less, then those that began first."""
        if self._clock._running <= 1:
            return
        name = threading.current_thread().name
        number = re.search(r"\d+$", name)  # of threads in a pool
        self._sent[name] += 1
        own = (self._sent[name], int(number[0]) if number else 0, name)
        end = time.monotonic() + _LONGEST
        with self._changed:
            self._waiting.add(own)
            try:
                # The clock does not notify of changes, so its count is read again and again.
                while own != min(self._waiting) or len(self._waiting) < self._clock._running:
                    if time.monotonic() > end:
                        break
                    self._changed.wait(0.0005)
            finally:
                self._waiting.remove(own)
                self._changed.notify_all()
