"""What a command does with the wrapper of `tasks.execute` around it: marks before and after its output.

The shell script of the wrapper is not run. `ecskit._exec.wrapper` describes what it does on real shells.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable, Collection, Generator
from functools import partial
from typing import TYPE_CHECKING

from ecskit._simulator.exec.terminal import Interrupted

if TYPE_CHECKING:
    from ecskit._exec.wrapper import Unwrapped
    from ecskit._simulator.exec.terminal import ExecDialog, Item

__all__ = ["in_wrapper", "lingering"]

_LINE = 57
"""Bytes of output in one line of base64."""


def in_wrapper(command: Unwrapped, inner: ExecDialog, *, lacks: Collection[str]) -> ExecDialog:
    """Do what the wrapper does, with the command inside it."""
    mark = command.mark.decode()
    if command.interactive:
        yield from _printed(f"{mark}+cooked;\n")
        yield from _with_end_mark(inner, mark)
        return 0
    needed = [*(["stty", "head"] if command.size else []), *(["base64"] if command.binary else [])]
    for tool in needed:
        if tool in lacks:
            yield from _printed(f"{mark}-{tool};\n")
            return 0
    if command.size:
        yield {"echo": False, "crlf": False, "lines": False, "signals": False}
    elif "stty" not in lacks:
        yield {"echo": False, "crlf": False}
    yield from _printed(f"{mark}+{'cooked' if 'stty' in lacks else 'raw'};\n")
    marked = _with_end_mark(_with_input(inner, command.size), mark)
    yield from _encoded(marked) if command.binary else marked
    return 0


def lingering(inner: ExecDialog, seconds: float) -> ExecDialog:
    """Keep the terminal open after the end, as a process in the background does."""
    code = yield from inner
    yield {"interrupts": False}
    yield seconds
    return code


def _printed(text: str) -> ExecDialog:
    """Write a text of the wrapper, which ignores Ctrl-C."""
    with contextlib.suppress(Interrupted):
        yield text
    return 0


def _with_end_mark(inner: ExecDialog, mark: str) -> ExecDialog:
    try:
        code = yield from inner
    except Interrupted as interrupted:
        code = interrupted.exit_code
    yield from _printed(f"{mark}={code};\n")
    return 0


def _with_input(inner: ExecDialog, size: int) -> ExecDialog:
    """Let a dialog read so many bytes; then it reads the end of input."""
    left = size

    def replaced(item: Item) -> Generator[Item, bytes, bytes | None]:
        nonlocal left
        if item is not None:
            return (yield item)
        if not left:
            return b""
        data = (yield None)[:left]
        left -= len(data)
        if not left:
            yield {"signals": True}
        return data

    return _through(inner, replaced)


def _encoded(inner: ExecDialog) -> ExecDialog:
    """Write what a dialog writes as lines of base64."""
    held = bytearray()

    def replaced(item: Item) -> Generator[Item, bytes, bytes | None]:
        if not isinstance(item, str | bytes):
            return (yield item)
        held.extend(item.encode() if isinstance(item, str) else item)
        whole = len(held) - len(held) % _LINE
        lines = b"".join(base64.b64encode(held[at : at + _LINE]) + b"\n" for at in range(0, whole, _LINE))
        del held[:whole]
        yield lines
        return None

    code = yield from _through(inner, replaced)
    yield base64.b64encode(held) + b"\n" if held else b""
    return code


def _through(inner: ExecDialog, replaced: Callable[[Item], Generator[Item, bytes, bytes | None]]) -> ExecDialog:
    """Do what a dialog does, with each item replaced by others. `replaced` returns what the dialog has read."""
    resume: Callable[[], Item] = partial(next, inner)
    while True:
        try:
            item = resume()
        except StopIteration as stop:
            code: int = stop.value
            return code
        try:
            reply = yield from replaced(item)
        except Interrupted as interrupted:
            resume = partial(inner.throw, interrupted)
        else:
            resume = partial(inner.send, reply)  # type: ignore[arg-type]  # None for what does not read
