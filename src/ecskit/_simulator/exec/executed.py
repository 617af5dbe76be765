"""The commands that ECS Exec has started, for tests that ask which ones ran."""

from __future__ import annotations

import attrs

__all__ = ["ExecCommand", "Started"]


@attrs.frozen(kw_only=True)
class ExecCommand:
    """A command that ECS Exec has started in a container.

    Args:
        at: When it started, in epoch seconds of the simulator's clock.
        task: The ARN of its task.
        container: The name of its container.
        command: The command as it was passed to `execute` or `open_session`; a list is joined as `shlex.join` does.
        input: What was typed into its terminal so far; for `execute` that is its input.
    """

    at: float
    task: str
    container: str
    command: str
    input: bytes = attrs.field(repr=False)


@attrs.define(kw_only=True)
class Started:
    """A command that has started, while it may still get input."""

    at: float
    task: str
    container: str
    command: str
    typed: bytearray

    def show(self) -> ExecCommand:
        """Return it as it is now."""
        return ExecCommand(
            at=self.at, task=self.task, container=self.container, command=self.command, input=bytes(self.typed)
        )
