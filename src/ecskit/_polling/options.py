"""The options that all waits share: how long to wait and how often to poll."""

from __future__ import annotations

import math
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

import attrs

from ecskit._core.errors import RequestError
from ecskit._polling.errors import WaitStory

if TYPE_CHECKING:
    from tenacity.wait import wait_base

__all__ = ["AsyncOnPoll", "OnPoll", "WaitOptions", "is_count", "is_seconds"]

OnPoll: TypeAlias = Callable[[WaitStory], None]
"""A function that is called after each poll. It returns nothing: no result continues or ends a wait."""
AsyncOnPoll: TypeAlias = Callable[[WaitStory], Awaitable[object] | None]
"""The same for async clients, which also take a coroutine function."""


@attrs.frozen(kw_only=True)
class WaitOptions:
    """How long to wait and how often to poll.

    The generated methods have these fields as parameters, with these docstrings as documentation.

    Raises:
        WaitTimeout: `timeout` or `max_polls` was reached.
        RequestError: An argument is invalid; nothing was sent.
        ServiceError: ECS rejected a request: no permission, expired credentials, no such cluster. `resume` continues
            from its `story.handle`.
        CredentialsError: There are no credentials.
        ConfigurationError: The client is closed.
    """

    timeout: float | None = 600.0
    """Maximum seconds to wait; None for no limit. The last poll is made exactly at the deadline."""
    max_polls: int | None = None
    """Maximum number of polls; None for no limit."""
    poll: wait_base | None = None
    """A tenacity wait strategy for the seconds between polls; its attempt number counts the polls since the last
    change. The default is `poll` of the client. Without that, tasks are polled every 2 to 12 s, by their status, and
    other resources after 2 s, growing to 15 s."""
    visibility_grace: float = 60.0
    """Seconds that ECS may take to show a new resource. If no poll shows it in this time, NotVisible is raised."""
    on_poll: AsyncOnPoll | None = None
    """Called after each poll, and after events, with the `WaitStory` so far. With an async client it may be a coroutine
    function. An exception that it raises ends the wait."""

    @property
    def paces_polls(self) -> bool:
        """Whether ecskit chooses when to poll. Not if the caller passed a strategy or a number of polls."""
        return self.poll is None and self.max_polls is None

    def check(self, wait: str) -> None:
        """Check the options.

        Args:
            wait: The name of the wait, for the message.

        Raises:
            RequestError: An option is invalid.
        """
        from tenacity.wait import wait_base

        problems: list[tuple[str, str]] = []
        if self.timeout is not None and not is_seconds(self.timeout):
            problem = f"expected seconds, 0 or more, or None for no limit, got {self.timeout!r}"
            problems.append(("timeout", problem))
        if self.max_polls is not None and not is_count(self.max_polls):
            problems.append(("max_polls", f"expected a whole number, 1 or more, got {self.max_polls!r}"))
        if not is_seconds(self.visibility_grace):
            problems.append(("visibility_grace", f"expected seconds, 0 or more, got {self.visibility_grace!r}"))
        if self.poll is not None and not isinstance(self.poll, wait_base):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
            problems.append(("poll", f"expected a tenacity wait strategy, got {type(self.poll).__name__}"))
        if self.on_poll is not None and not callable(self.on_poll):
            problems.append(("on_poll", f"expected a function, got {type(self.on_poll).__name__}"))
        if problems:
            raise RequestError(wait, problems)


def is_seconds(value: object) -> bool:
    """Whether a value is a number of seconds, 0 or more, that can be added to a time; infinity is one."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    return 0 <= value <= sys.float_info.max or value == math.inf


def is_count(value: object) -> bool:
    """Whether a value is a whole number, 1 or more."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
