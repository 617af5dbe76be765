"""The errors of ECS Exec. None of them shows what a command read or wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecskit._core.errors import EcsError

if TYPE_CHECKING:
    from ecskit._exec.result import ExecResult

__all__ = ["ExecFailed", "ExecResponseLost", "ExecUnavailable", "SessionEnded", "SessionTimeout"]

AGENT_REMEDY = (
    "the agent needs a task role with ssmmessages:CreateControlChannel, CreateDataChannel, OpenControlChannel and"
    " OpenDataChannel, a way to ssmmessages over the network, a file system that it can write to, and no"
    " AWS_ACCESS_KEY_ID in the environment of the container"
)
"""What to change if the agent does not run or is not connected."""


class ExecUnavailable(EcsError):
    """ECS Exec cannot be used in a container. The command was not run.

    Attributes:
        task_arn: The task.
        reason: Why not.
        remedy: What to change.
    """

    def __init__(self, task_arn: str, reason: str, remedy: str) -> None:
        """Hold the task, why ECS Exec cannot be used in it, and what to change."""
        super().__init__(task_arn, reason, remedy)
        self.task_arn = task_arn
        self.reason = reason
        self.remedy = remedy

    def _text(self) -> str:
        return f"ECS Exec cannot be used in task {self.task_arn}: {self.reason}; {self.remedy}"


class ExecResponseLost(EcsError):
    """ExecuteCommand was sent, and no valid response arrived, or no connection to its session. The command may run.

    ECS takes no client token for it: another request would run the command again, so none was sent.

    Attributes:
        task_arn: The task.
        container: The container.
        reason: What is missing, and why.
    """

    def __init__(self, task_arn: str, container: str, reason: str) -> None:
        """Hold the container, and what is missing."""
        super().__init__(task_arn, container, reason)
        self.task_arn = task_arn
        self.container = container
        self.reason = reason

    def _text(self) -> str:
        return (
            f"ExecuteCommand: {self.reason}; the command may run in container {self.container} of task {self.task_arn},"
            " so the request was not sent again"
        )


class SessionEnded(EcsError):
    """A session has ended, so that it takes no more input, or its output is incomplete.

    Attributes:
        session_id: The session.
        reason: Why it ended.
    """

    def __init__(self, session_id: str, reason: str) -> None:
        """Hold the session and why it ended."""
        super().__init__(session_id, reason)
        self.session_id = session_id
        self.reason = reason

    def _text(self) -> str:
        return f"session {self.session_id} has ended: {self.reason}"


class SessionTimeout(EcsError, TimeoutError):
    """Reading from a session, or sending to it, took longer than `timeout`. The session goes on.

    Attributes:
        session_id: The session.
        seconds: The timeout.
        sent: How many bytes were accepted before the timeout of `send`; 0 for `read`.
    """

    retryable = True

    def __init__(self, session_id: str, seconds: float, sent: int = 0, of: int = 0) -> None:
        """Hold the session, the timeout, and how many of some bytes were accepted."""
        super().__init__(session_id)  # OSError gives further arguments a meaning
        self.session_id = session_id
        self.seconds = seconds
        self.sent = sent
        self.of = of

    def _text(self) -> str:
        what = f"only {self.sent} of {self.of} bytes were accepted" if self.of else "no output arrived"
        return f"session {self.session_id}: {what} within {self.seconds:g} s"


class ExecFailed(EcsError):
    """A command did not exit with code 0, or its exit code is unknown.

    Attributes:
        result: The result: how it ended, its exit code, its output.
    """

    def __init__(self, result: ExecResult[Any]) -> None:
        """Hold the result."""
        super().__init__(result)
        self.result = result

    def _text(self) -> str:
        return self.result.summary
