"""What a message of the queue holds, and what is recorded about a job."""

from __future__ import annotations

import json
import re
from typing import Any, Literal, NamedTuple

from ecskit.tasks import TaskOutcome

JOB_ID = re.compile(r"[A-Za-z0-9_/-]{1,40}")
"""An id is the `startedBy` of a task, and with the number of the attempt the key of its client token."""


class Job(NamedTuple):
    """A job. Its id stands in the body of the message: the ids of messages change, and a producer may send twice."""

    id: str
    command: list[str]

    @classmethod
    def decode(cls, body: str) -> Job:
        """Return the job of a message. Raises ValueError, without values of the message, which may be secret."""
        try:
            data: Any = json.loads(body)
        except ValueError:
            raise ValueError("the message is not JSON") from None
        match data:
            case {"id": str(id_), "command": [*command]} if all(isinstance(word, str) for word in command):
                if JOB_ID.fullmatch(id_):
                    return cls(id_, command)
                raise ValueError("id: expected 1 to 40 letters, digits, hyphens, slashes or underscores")
            case _:
                raise ValueError('expected {"id": "...", "command": ["...", ...]}')


class Result(NamedTuple):
    """How a job ended. A job has one result, which is never replaced."""

    state: Literal["succeeded", "failed", "unknown"]
    detail: str
    exit_code: int | None = None

    @classmethod
    def of(cls, outcome: TaskOutcome) -> Result:
        """Return the result that the outcome of the task means."""
        return cls("succeeded" if outcome.succeeded else "failed", outcome.summary, outcome.exit_code)


class Record(NamedTuple):
    """What is recorded about a job that has no result yet."""

    attempt: int
    """The number of the last attempt to launch its task; 0 before the first."""
    began: float | None
    """When that attempt was recorded, in seconds since the epoch. None if ECS answered that it started nothing."""
    task: str | None
    """The ARN of its task."""
    handle: str | None
    """The handle of the wait for its task, as JSON."""
