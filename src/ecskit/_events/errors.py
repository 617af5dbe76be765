"""Errors of events: messages that hold none, and queues that cannot be used."""

from __future__ import annotations

from ecskit._core.errors import EcsError
from ecskit._core.wording import shortened

__all__ = ["EventSourceError", "ForeignEvent", "NotAnEvent"]


class NotAnEvent(EcsError, ValueError):
    """A message holds no event of ECS that can be decoded. The error shows no value of the message.

    Attributes:
        reason: What the message is, or lacks.
    """

    def __init__(self, reason: str) -> None:
        """Hold the reason."""
        super().__init__(reason)
        self.reason = reason

    def _text(self) -> str:
        return f"the message is no event of ECS: {self.reason}"


class ForeignEvent(NotAnEvent):
    """A message holds an event of another source than ECS.

    Attributes:
        source: The source of the event, such as `aws.ec2`.
        detail_type: The type of the event.
    """

    def __init__(self, source: str, detail_type: str) -> None:
        """Hold source and type of the event."""
        super().__init__(f"it is {shortened(detail_type)!r} of the source {shortened(source)!r}")
        self.args = (source, detail_type)
        self.source = source
        self.detail_type = detail_type


class EventSourceError(EcsError):
    """A queue of events cannot be used: it does not exist, refuses, or cannot be reached.

    Attributes:
        queue_url: URL of the queue.
        message: The reason.
        retryable: Whether the same request may succeed later.
    """

    def __init__(self, queue_url: str, message: str, *, retryable: bool = False) -> None:
        """Hold the queue and the reason."""
        super().__init__(queue_url, message)
        self.queue_url = queue_url
        self.message = message
        self.retryable = retryable

    def _text(self) -> str:
        return f"queue {self.queue_url}: {self.message}"
