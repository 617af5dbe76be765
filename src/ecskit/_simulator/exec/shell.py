"""An interactive shell for sessions without a script: it runs scripted commands, and `exit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.exec.terminal import Interrupted

if TYPE_CHECKING:
    from ecskit._simulator.exec.exec_script import ScriptedCommands
    from ecskit._simulator.exec.terminal import ExecDialog

__all__ = ["shell"]

_PROMPT = "# "
_NOT_FOUND = 127


def shell(scripts: ScriptedCommands) -> ExecDialog:
    """Prompt for commands, and run each with its script."""
    code = 0
    while True:
        try:
            yield {"interrupts": True}
            yield _PROMPT
            line = yield None
            if not line:
                return code
            command = line.decode("utf-8", "replace").strip()
            name, _, rest = command.partition(" ")
            if name == "exit":
                return int(rest) % 256 if rest.isdecimal() else code
            if command:
                code = yield from _run(scripts, command)
        except Interrupted as interrupted:
            yield "\n"
            code = interrupted.exit_code


def _run(scripts: ScriptedCommands, command: str) -> ExecDialog:
    script = scripts.next(command)
    if script is None:
        yield f"sh: {command.partition(' ')[0]}: not found\n"
        return _NOT_FOUND
    return (yield from script.run(["sh", "-c", command]))
