"""Sessions over a bad network: messages are lost, repeated, late and in another order, and connections are cut."""

from __future__ import annotations

import re
from collections import Counter
from random import Random
from typing import Any

import pytest

from ecskit._simulator.exec.exec_script import ExecScript
from ecskit._simulator.exec.pace import RealPace

from .worlds import COLOURS, World, perform


def disturbed(colour: str, seed: int, *, lost: float | None = None) -> tuple[World, Any, bytes, int]:
    """Run a command with random input and output. Return also what it should write, and its exit code."""
    random = Random(seed)
    code = random.randrange(256)
    data = random.randbytes(random.randrange(20_000))
    moments = sorted(random.uniform(0, 20) for _ in range(random.randrange(30)))
    pieces = [(moment, random.randbytes(random.randrange(3000))) for moment in moments]
    has_input = random.random() < 0.5

    async def act(world: World) -> Any:
        script = ExecScript.running(_echoing(code)) if has_input else ExecScript(pieces, exit_code=code)
        world.sim.script_exec("run it", script)
        world.sim.disturb_exec(
            late=(0.0, random.choice([0.02, 0.3, 2.0])),
            twice=random.uniform(0, 0.3),
            lost=random.uniform(0, 0.3) if lost is None else lost,
            cut=random.choice([0, 0.002, 0.01]),
            seed=seed,
        )
        return await world.execute("run it", binary=True, input=data if has_input else None)

    world, result = perform(colour, act)
    return world, result, data if has_input else b"".join(piece for _, piece in pieces), code


def _echoing(code: int) -> Any:
    def dialog(_: object) -> Any:
        while data := (yield None):
            yield data
        return code

    return dialog


def _kind(colour: str, seed: int, *, lost: float | None = None) -> str:
    """Return how a command ends, after checks of what is always true."""
    world, result, expected, code = disturbed(colour, seed, lost=lost)
    assert 1 == world.count("ExecuteCommand"), seed
    if result.kind == "EXITED":
        assert (code, expected) == (result.exit_code, result.output), seed
    else:
        assert result.exit_code is None, seed
        assert re.search("lost|resume", result.reason), seed
        assert expected.startswith(result.output), seed
    return str(result.kind)


@pytest.mark.parametrize("colour", COLOURS)
def test_output_and_exit_code_arrive_whole(colour: str) -> None:
    """Byte for byte, or the result says that the end or the connection was lost; never another code."""
    kinds = Counter(_kind(colour, seed) for seed in range(16))
    assert kinds["EXITED"] > 10


@pytest.mark.parametrize("colour", COLOURS)
def test_what_is_lost_at_the_end_is_not_guessed(colour: str) -> None:
    """Most messages are lost. The agent discards what is not acknowledged 2 s after the end."""
    kinds = Counter(_kind(colour, seed, lost=0.8) for seed in range(4))
    assert kinds["UNKNOWN"] > 0


@pytest.mark.parametrize("colour", COLOURS)
def test_a_session_echoes_what_is_sent(colour: str) -> None:
    """Byte for byte, through loss, repetition, reordering and cuts."""

    async def act(world: World) -> Any:
        for seed in range(4):
            random = Random(seed)
            world.sim.disturb_exec(late=(0.0, 0.3), twice=0.2, lost=0.2, cut=random.choice([0, 0.01]), seed=seed)
            world.sim.script_exec("run it", ExecScript.running(_raw_echo))
            async with world.session("run it") as session:
                await session.read_until(b"go\n")
                for _ in range(8):
                    data = random.randbytes(random.randrange(1, 3000)) + b"|end|"
                    await session.send(data, timeout=300)
                    assert data == await session.read_until(b"|end|", timeout=300), seed
                    await session.resize(random.randrange(1, 300), 24)

    _, result = perform(colour, act)
    assert result is None, repr(result)


def test_a_slow_way_on_a_fast_clock() -> None:
    """Messages that take 0.7 s take 70 s of a clock that is a hundred times as fast: no time limit is over."""

    async def act(world: World) -> Any:
        world.sim.clock.speed = 100.0
        world.sim._account.exec.pace = RealPace(100.0)
        world.sim.script_exec("run it", ExecScript.running(_echoing(3)))
        world.sim.disturb_exec(late=(70, 70))
        return await world.execute("run it", input=b"hello\n")

    world, result = perform("sync", act)
    assert ("EXITED", 3, "hello\n") == (result.kind, result.exit_code, result.output)
    assert 0 == world.count("TerminateSession")


def _raw_echo(_: object) -> Any:
    yield {"echo": False, "crlf": False, "lines": False, "signals": False}
    yield "go\n"
    while True:
        yield (yield None)
