"""The protocol of what a wait observed, for the errors that hold it. The class is `ecskit.waits.WaitStory`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .errors import EcsError
    from .handles import WaitHandle

__all__ = ["Story"]


class Story(Protocol):
    """What a wait observed before an error ended it. The class is `ecskit.waits.WaitStory`."""

    @property
    def handle(self) -> WaitHandle:
        """The handle that resumes the wait: `ecs.wait.resume(handle)`."""
        ...

    @property
    def wait(self) -> str:
        """Name of the wait, such as `tasks_running`."""
        ...

    @property
    def arguments(self) -> Mapping[str, Any]:
        """Other arguments of the wait, such as the cluster."""
        ...

    @property
    def last(self) -> Mapping[str, Any]:
        """The last observation of each target, by id; None if no poll showed it."""
        ...

    @property
    def reasons(self) -> Mapping[str, str]:
        """Why the wait did not succeed, by the id of each target."""
        ...

    def with_arguments(self, arguments: Mapping[str, Any]) -> Story:
        """Return this story with these arguments in its handle."""
        ...

    @property
    def elapsed(self) -> float:
        """Seconds that the wait took."""
        ...

    @property
    def polls(self) -> int:
        """How many polls the wait made."""
        ...

    @property
    def poll_summary(self) -> str:
        """The number of polls and what they showed, as text."""
        ...

    @property
    def states(self) -> Mapping[str, int]:
        """How often each state was observed."""
        ...

    @property
    def errors(self) -> Sequence[EcsError]:
        """The latest errors of polls."""
        ...
