"""How long waits wait and how often they look: the parameters that all of them take."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from ecskit._core.errors import RequestError
from ecskit._polling.errors import WaitStory

if TYPE_CHECKING:
    from tenacity.wait import wait_base

__all__ = ["WaitOptions", "is_count", "is_seconds"]


@attrs.frozen(kw_only=True)
class WaitOptions:
    """How long to wait and how often to look.

    The generated methods take these fields as parameters of their own, with these texts as their documentation.

    Raises:
        WaitTimeout: Time or polls are up.
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS does not let us look: no permission, expired credentials, no such cluster. Its
            `story.handle` is what `resume` goes on from.
        CredentialsError: There are no credentials to look with.
        ConfigurationError: The client is closed.
    """

    timeout: float | None = 600.0
    """Seconds to wait at the most; None waits for ever. The last look is made exactly when time is up."""
    max_polls: int | None = None
    """Looks to take at the most."""
    poll: wait_base | None = None
    """A tenacity wait strategy, in seconds; its attempt number counts the looks since something changed. By default
    what a state is worth: tasks are looked at every 2 to 12 s by their status, all else after 2 s, growing to 15 s."""
    visibility_grace: float = 60.0
    """Seconds after which what was never seen is given up: ECS may not show yet what has just been made."""
    on_poll: Callable[[WaitStory], object] | None = None
    """Called after each look with what is known; an async client also takes a coroutine function. What it raises ends
    the wait."""

    def check(self, wait: str) -> None:
        """Raise RequestError if something is not what it must be."""
        from tenacity.wait import wait_base

        problems: list[tuple[str, str]] = []
        if self.timeout is not None and not is_seconds(self.timeout):
            problem = f"expected seconds, 0 or more, or None to wait for ever, got {self.timeout!r}"
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
    """Whether a value is a number of seconds, 0 or more."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


def is_count(value: object) -> bool:
    """Whether a value is a whole number, 1 or more."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
