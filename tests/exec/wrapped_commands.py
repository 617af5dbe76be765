"""Run wrapped commands on real shells, and collect what their readers find."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import attrs
import pytest
from support.pty_program import SHELLS, PtyProgram, bin_folder

from ecskit._exec.marks import Begun, Exited, Garbled, Lacking, OutputEvent, OutputReader
from ecskit._exec.wrapper import Wrapped, wrap

__all__ = ["NONCE", "Keys", "Ran", "Shell", "each_shell", "typing"]

NONCE = 0x0123456789ABCDEF0123456789ABCDEF
Keys = Callable[[PtyProgram, bytearray], None]
"""Called after each piece with the program and all output so far, marks included."""


def typing(after: bytes, keys: bytes) -> Keys:
    """Type keys once, after this text was printed."""
    typed: list[PtyProgram] = []

    def type_once(program: PtyProgram, raw: bytearray) -> None:
        if after in raw and program not in typed:
            typed.append(program)
            program.write(keys)

    return type_once


each_shell = pytest.mark.parametrize(
    "shell",
    [
        pytest.param(
            name,
            marks=[
                pytest.mark.skipif(not shutil.which(program), reason=f"{program} is not installed"),
                pytest.mark.skipif(sys.platform != "linux", reason="pseudo-terminals of Linux"),
            ],
        )
        for name, program in SHELLS.items()
    ],
    indirect=True,
)


@attrs.frozen
class Ran:
    """How a wrapped command went."""

    output: str | bytes
    code: int | None
    """None: it is unknown."""
    events: Sequence[OutputEvent]
    """What else was found."""
    raw: bytes
    """All that arrived."""

    @property
    def outcome(self) -> tuple[int | None, str | bytes]:
        """Code and output."""
        return self.code, self.output


@attrs.frozen
class Shell:
    """A shell that is `sh` in the container."""

    name: str
    folder: Path
    """For the folders of PATH that tests need."""
    everything: str
    """A PATH with all programs of this machine."""

    def path(self, *only: str) -> str:
        """Return a PATH with these programs and `sh` alone; busybox's own if `sh` is busybox."""
        programs = {name: "busybox" if self.name == "busybox" else name for name in only}
        return bin_folder(self.folder / "-".join(["only", *only]), self.name, only=programs)

    def run(
        self,
        command: str | Sequence[str],
        *,
        keys: Keys | None = None,
        path: str | None = None,
        env: Mapping[str, str] | None = None,
        seconds: float = 20,
        input: bytes | None = None,
        binary: bool = False,
        interactive: bool = False,
        late: bool = False,
    ) -> Ran:
        """Run a command until its end mark, or the end of its terminal; fail after so many seconds."""
        wrapped = wrap(command, nonce=NONCE, input=input, binary=binary, interactive=interactive)
        return self.run_text(wrapped, wrapped.command, keys=keys, path=path, env=env, seconds=seconds, late=late)

    def run_text(
        self,
        wrapped: Wrapped,
        text: str,
        *,
        keys: Keys | None = None,
        path: str | None = None,
        env: Mapping[str, str] | None = None,
        seconds: float = 20,
        late: bool = False,
    ) -> Ran:
        """Run a text as if it was a wrapped command. `late`: read no output before the program ended."""
        reader = OutputReader(wrapped)
        events: list[OutputEvent] = []
        raw = bytearray()
        program = PtyProgram(path or self.everything, env)
        program.start(text)
        try:
            deadline = time.monotonic() + seconds
            if late:
                program.wait(seconds)
            while not program.closed and not any(isinstance(e, (Exited, Lacking, Garbled)) for e in events[-1:]):
                assert time.monotonic() < deadline, f"no mark after {seconds} s: {events[-3:]} {bytes(raw[-300:])!r}"
                piece = program.read(1)
                raw += piece
                new = reader.feed(piece)
                events += new
                if Begun() in new:
                    program.write(wrapped.input)
                if keys:
                    keys(program, raw)
        finally:
            program.kill()
        events += [rest] if (rest := reader.end()) else []
        texts = [event for event in events if isinstance(event, str)]
        pieces = [event for event in events if isinstance(event, bytes)]
        output = b"".join(pieces) if wrapped.binary or wrapped.interactive else "".join(texts)
        assert not (texts and pieces)
        code = next((event.code for event in events if isinstance(event, Exited)), None)
        others = [event for event in events if not isinstance(event, (str, bytes))]
        return Ran(output, code, others, bytes(raw))
