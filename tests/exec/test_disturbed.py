"""Sessions over a bad network: messages are lost, repeated, late and in another order, and connections are cut."""

from __future__ import annotations

import re
from collections import Counter
from random import Random
from typing import Any

import pytest

from ecskit._simulator.exec.exec_script import ExecScript

from .worlds import COLOURS, World, perform


def disturbed(colour: str, seed: int) -> tuple[World, Any, bytes, int]:
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
            lost=random.uniform(0, 0.3),
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


@pytest.mark.parametrize("colour", COLOURS)
def test_output_and_exit_code_arrive_whole(colour: str) -> None:
    """Byte for byte, or the result says that the end or the connection was lost; never another code."""
    kinds = Counter[str]()
    for seed in (*range(13), 21, 34, 35):
        world, result, expected, code = disturbed(colour, seed)
        kinds[result.kind] += 1
        if result.kind == "EXITED":
            assert (code, expected) == (result.exit_code, result.output), seed
        else:
            assert ("UNKNOWN", None) == (result.kind, result.exit_code), seed
            assert re.search("lost|resume", result.reason), seed
            assert expected.startswith(result.output), seed
        assert 1 == world.count("ExecuteCommand")
    assert kinds["EXITED"] > kinds["UNKNOWN"] > 0
