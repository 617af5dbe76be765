"""What a forked child replaces before it uses a client: locks, connections, and records of the parent's calls.

A lock that another thread holds at the fork is never released in the child, and connections are shared with the parent,
so that responses would be mixed up. Nothing is cleared or closed: that would take such a lock, or end what the parent
uses. `os.register_at_fork` replaces everything at once. Forks in C may skip it, so each call compares process ids.
"""

from __future__ import annotations

import os
from threading import Lock
from typing import Protocol
from weakref import WeakValueDictionary

__all__ = ["Forked", "check", "register"]


class Forked(Protocol):
    """Holds something that a forked child must replace."""

    def after_fork(self) -> None:
        """Replace it. No lock that existed before the fork may be taken."""
        ...


class _Registry:
    """What has to be replaced, and in which process that was done last."""

    def __init__(self) -> None:
        self._owners: WeakValueDictionary[int, Forked] = WeakValueDictionary()
        self._process = os.getpid()
        self._lock = Lock()  # taken in forked children only: their threads may make the first calls at once

    def register(self, owner: Forked) -> None:
        """Call `owner.after_fork` in forked children, as long as `owner` lives."""
        self._owners[id(owner)] = owner

    def check(self) -> None:
        """Replace what is registered, if this process was forked and nothing has been replaced yet."""
        if os.getpid() != self._process:
            with self._lock:
                if os.getpid() != self._process:
                    self._replace()

    def after_fork(self) -> None:
        """Replace what is registered. No other thread runs yet."""
        self._lock = Lock()
        self._replace()

    def _replace(self) -> None:
        for reference in self._owners.valuerefs():
            owner = reference()
            if owner is not None:
                owner.after_fork()
        self._process = os.getpid()


_registry = _Registry()
register, check = _registry.register, _registry.check

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_registry.after_fork)
