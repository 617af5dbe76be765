"""What is known about an operation besides its shapes."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Operation"]


class Operation(NamedTuple):
    """One operation of the ECS API. A plain tuple, because a client loads all 88 of them at once."""

    name: str
    """As ECS spells it: `RunTask`."""
    method: str
    """As Python spells it: `run_task`."""
    errors: tuple[str, ...]
    """Codes that the service model says it can answer with."""
    readonly: bool
    """Whether it changes nothing."""
    token_length: int
    """The most characters its `client_token` may have; 0 where it takes none."""
    items: str
    """The list that its pages are made of, as Python spells it; empty where it has no pages or no such list."""
    pages: bool
    """Whether it takes a `next_token`."""
    failures: bool
    """Whether a successful answer can hold `failures`."""
