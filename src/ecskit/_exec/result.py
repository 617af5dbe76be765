"""The result of a command: how it ended, its exit code if that is known, and its output."""

from __future__ import annotations

from typing import TYPE_CHECKING, AnyStr, Generic, Literal, TypeAlias

import attrs

from ecskit._core.documented import Documented
from ecskit._core.wording import escaped
from ecskit._exec.errors import ExecFailed

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ExecKind", "ExecResult"]

ExecKind: TypeAlias = Literal["EXITED", "NO_SHELL", "KILLED", "TASK_STOPPED", "TIMED_OUT", "UNKNOWN"]
"""The ways in which a command can end. Only EXITED has a sure exit code.

EXITED: it exited; 128 and more is by convention of shells the number of the signal that killed it. NO_SHELL: the image
lacks what the command is run with, so it was not run. KILLED: the shell around it was killed, or the session was ended
from outside. TASK_STOPPED: its task or its container stopped. TIMED_OUT: it was interrupted after `timeout`. UNKNOWN:
the connection was lost and could not be resumed, the service ended the session, such as one that was idle for 20
minutes, a part of the output is missing, another process wrote between the lines of `binary` output, or no exit code
was requested. `reason` says which.
"""

_SIGNALED = 128
_MOST_SIGNALS = 64


@attrs.frozen(kw_only=True)
class ExecResult(Documented, Generic[AnyStr]):
    """The result of a command that ran in a container."""

    kind: ExecKind
    """How the command ended, such as `EXITED`."""
    exit_code: int | None
    """Its exit code; None if it is unknown. After TIMED_OUT, the code with which it ended when it was interrupted."""
    output: AnyStr = attrs.field(repr=False)
    """Its output, standard output and standard error in one: `bytes` with `binary=True`. Not part of the repr."""
    truncated: bool
    """Whether the output was longer than `max_output`, and the rest was dropped."""
    task_arn: str
    """ARN of the task."""
    container: str
    """Name of the container."""
    session_id: str
    """Id of the session, by which the logs of ECS Exec name it."""
    reason: str | None
    """Why the command did not exit, or why its exit code is unknown; None for EXITED."""

    @property
    def succeeded(self) -> bool:
        """Whether the command exited with code 0."""
        return self.kind == "EXITED" and self.exit_code == 0

    @property
    def signal(self) -> int | None:
        """The number of the signal that killed the command, by the convention of shells: the code is 128 and more."""
        number = (self.exit_code or 0) - _SIGNALED
        return number if 0 < number <= _MOST_SIGNALS else None

    @property
    def summary(self) -> str:
        """The result in one line, without the output."""
        code = f" with code {self.exit_code}" if self.exit_code is not None else ""
        reason = f": {self.reason}" if self.reason else ""
        cut = "; its output was longer than max_output" if self.truncated else ""
        task = self.task_arn.rsplit("/", 1)[-1]
        return escaped(f"the command in container {self.container} of task {task} {self.kind}{code}{reason}{cut}")

    def __str__(self) -> str:
        return self.summary

    def raise_for_result(self) -> Self:
        """Return this result if the command exited with code 0.

        Raises:
            ExecFailed: It did not; the error holds this result.
        """
        if not self.succeeded:
            raise ExecFailed(self)
        return self
