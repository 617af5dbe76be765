"""`tasks.execute`: each way in which a command can end, and what was requested."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from ecskit._simulator.exec.exec_script import ExecScript
from ecskit.testing import SimulatedError

from .worlds import COLOURS, REFUSED, World, perform

INPUT = bytes(range(256)) * 300


def _stop(world: World) -> Callable[[Any], None]:
    return lambda _: world.stop_task()


def _terminate(world: World) -> Callable[[Any], None]:
    def terminate(_: object) -> None:
        [session] = world.open_sessions()
        world.sim.handle("TerminateSession", {"SessionId": session})

    return terminate


def _stop_and_terminate(world: World) -> Callable[[Any], None]:
    def both(_: object) -> None:
        world.stop_task()
        _terminate(world)(None)

    return both


def _dawdle(world: World) -> Callable[[Any], Any]:
    """Take so long for each piece that the next one is always there."""

    async def sleep(_: object) -> None:
        await world.sim.clock.asleep(1)

    return sleep if world.colour == "async" else lambda _: world.sim.clock.sleep(1)


def _refuse_resuming(world: World) -> None:
    world.sim.fail("ResumeSession", REFUSED, times=None)


def _fail_resuming(world: World) -> None:
    world.sim.fail("ResumeSession", SimulatedError("InternalServerError", "Sorry.", 500), times=None)


class _Silent:
    """A program that takes its input and writes nothing, also not the mark."""

    def __init__(self, *_: object) -> None:
        pass

    def write(self, data: bytes, now: float) -> int:
        del now
        return len(data)

    def read(self, most: int, now: float) -> bytes | None:
        del most, now
        return b""

    def resize(self, columns: int, rows: int, now: float) -> None:
        pass

    def next_wakeup(self) -> float:
        return math.inf

    def hang_up(self) -> None:
        pass


@attrs.frozen(kw_only=True)
class Case:
    """One way in which a command ends."""

    name: str
    script: ExecScript | str = "hello\n"
    options: dict[str, Any] = attrs.field(factory=dict)
    on_output: Callable[[World], Callable[[Any], Any]] | None = None
    before: Callable[[World], object] = lambda _: None
    cut_at: tuple[float, ...] = ()
    kind: str = "EXITED"
    code: int | None = 0
    output: Any = "hello\n"
    reason: str = ""
    terminates: int = 0


CASES = [
    Case(name="success"),
    Case(name="failure", script=ExecScript("no\n", exit_code=3), code=3, output="no\n"),
    Case(name="killed by a signal", script=ExecScript("", exit_code=137), code=137, output=""),
    Case(name="lines with CR", script="a\r\nb\n", output="a\r\nb\n"),
    Case(name="no UTF-8", script=ExecScript(b"\xffa\n"), output="\ufffda\n"),
    Case(name="binary", script=ExecScript(INPUT[:5000]), options={"binary": True}, output=INPUT[:5000]),
    Case(name="input", script=ExecScript.echoing(), options={"input": "ä\n"}, output="ä\n"),
    Case(name="binary input", script=ExecScript.echoing(), options={"input": INPUT, "binary": True}, output=INPUT),
    Case(name="a child that stays", script=ExecScript("hello\n", lingers=60), terminates=1),
    Case(name="limit of the output", options={"max_output": 2}, output="he"),
    Case(
        name="no shell",
        script=ExecScript(lacks="sh"),
        kind="NO_SHELL",
        code=None,
        output="",
        reason="the image has no `sh`, or it cannot be run: ",
    ),
    Case(
        name="no head",
        script=ExecScript(lacks="head"),
        options={"input": b"x"},
        kind="NO_SHELL",
        code=None,
        output="",
        reason="the image lacks `head`, so the command was not run",
    ),
    Case(
        name="killed with its shell",
        script=ExecScript.killed("hello\n"),
        kind="KILLED",
        code=None,
        reason="its shell was killed, the session was ended from outside, or its end was lost",
    ),
    Case(
        name="ended from outside",
        script=ExecScript("hello\n", seconds=60),
        on_output=_terminate,
        kind="KILLED",
        code=None,
        reason="its shell was killed, the session was ended from outside, or its end was lost",
        terminates=1,  # the one from outside
    ),
    Case(
        name="its task stops",
        script=ExecScript("hello\n", seconds=600),
        on_output=_stop,
        kind="TASK_STOPPED",
        code=None,
        reason="the task has stopped (UserInitiated: deployed)",
        terminates=1,
    ),
    Case(
        name="its task is stopping",
        script=ExecScript("hello\n", seconds=600),
        on_output=_stop_and_terminate,
        kind="TASK_STOPPED",
        code=None,
        reason="the task is stopping (deployed)",
        terminates=1,  # the one from outside
    ),
    Case(
        name="idle for 20 minutes",
        script=ExecScript("hello\n", seconds=3000),
        kind="UNKNOWN",
        code=None,
        reason="the service ended the session, and the command may live on: The session timed out because it was idle.",
    ),
    Case(
        name="too long",
        script=ExecScript("hello\n", seconds=600),
        options={"timeout": 5},
        kind="TIMED_OUT",
        code=130,
        output="hello\n",
        reason="it was interrupted after 5 s",
    ),
    Case(
        name="output without a pause",
        script=ExecScript.endless("hello\n"),
        options={"timeout": 10, "max_output": 6},
        on_output=_dawdle,
        kind="TIMED_OUT",
        code=130,
        reason="it was interrupted after 10 s",
    ),
    Case(
        name="never seen to begin",
        script=ExecScript.in_terminal(_Silent),
        kind="UNKNOWN",
        code=None,
        output="",
        reason="it was not seen to begin within 60 s, and may run",
        terminates=1,
    ),
    Case(
        name="too late to begin",
        options={"timeout": 0},
        kind="TIMED_OUT",
        code=None,
        output="",
        reason="it was not seen to begin within 0 s, and may run",
        terminates=1,
    ),
    Case(
        name="too long, and ignores Ctrl-C",
        script=ExecScript("hello\n", seconds=600, ignores_interrupts=True),
        options={"timeout": 5},
        kind="TIMED_OUT",
        code=None,
        output="hello\n",
        reason="it was interrupted after 5 s, and may live on",
        terminates=1,
    ),
    Case(
        name="no exit code requested",
        options={"exit_code": False},
        kind="UNKNOWN",
        code=None,
        reason="no exit code was requested",
    ),
    Case(
        name="lines cut between CR and LF",
        script=f"{'x' * 1023}\nb\r\n",
        options={"exit_code": False},
        kind="UNKNOWN",
        code=None,
        output=f"{'x' * 1023}\nb\r\n",
        reason="no exit code was requested",
    ),
    Case(name="a cut, and resumed", script=ExecScript([(1, "hel"), (3, "lo\n")]), cut_at=(2.5,)),
    Case(
        name="a cut, and no permission to resume",
        script=ExecScript([(1, "hel"), (3, "lo\n")]),
        cut_at=(2.5,),
        before=_refuse_resuming,
        kind="UNKNOWN",
        code=None,
        output="hel",
        reason="the connection was closed with code 1006; to resume it, the credentials need ssm:ResumeSession (",
        terminates=1,
    ),
    Case(
        name="a cut, and the service fails",
        script=ExecScript([(1, "hel"), (30, "lo\n")]),
        cut_at=(4.0,),
        before=_fail_resuming,
        kind="UNKNOWN",
        code=None,
        output="hel",
        reason="the connection was closed with code 1006; 5 tries to resume it failed",
        terminates=1,
    ),
]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_how_a_command_ends(case: Case, colour: str) -> None:
    """The result has the kind, the code, the output, and the reason; the session is ended once, by whoever ends it."""
    pieces: list[Any] = []

    async def act(world: World) -> Any:
        world.sim.script_exec("run it", case.script)
        world.sim.disturb_exec(cut_at=case.cut_at)
        case.before(world)
        then = case.on_output(world) if case.on_output else lambda _: None

        def on_output(piece: Any) -> Any:
            pieces.append(piece)
            return then(piece)

        return await world.execute("run it", on_output=on_output, **case.options)

    world, result = perform(colour, act)
    if isinstance(result, Exception):
        raise result
    assert (case.kind, case.code, case.output) == (result.kind, result.exit_code, result.output)
    assert (result.reason or "").startswith(case.reason)
    assert bool(result.reason) == (case.kind != "EXITED")
    assert ("max_output" in case.options) == result.truncated
    if not result.truncated:
        assert case.output == (b"" if isinstance(case.output, bytes) else "").join(pieces)
    assert (1, case.terminates) == (world.count("ExecuteCommand"), world.count("TerminateSession"))
    assert result.session_id not in world.open_sessions()


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(("pauses", "described"), [([35], 3), ([5] * 7, 0)], ids=["quiet", "busy"])
def test_a_quiet_task_is_described_every_ten_seconds(pauses: list[float], described: int, colour: str) -> None:
    """When it stops, the connection stays silent. Output is a sign of life, too."""

    async def act(world: World) -> Any:
        moments = itertools.accumulate(pauses)
        world.sim.script_exec("run it", ExecScript([(moment, "x\n") for moment in moments]))
        return await world.execute("run it")

    world, result = perform(colour, act)
    assert result.succeeded
    assert 1 + described == world.count("DescribeTasks")
