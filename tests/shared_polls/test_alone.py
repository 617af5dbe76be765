"""A lone wait makes the same calls at the same moments as one that shares no polls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tenacity.wait import wait_fixed

from ecskit.testing import Fault, Lag, Simulator, TaskScript

from . import support
from .support import COLOURS, Ended, Start

WAITS: dict[str, Callable[..., Any]] = {
    "running": lambda ecs, arns: ecs.wait.tasks_running(arns, timeout=400),
    "stopped": lambda ecs, arns: ecs.wait.tasks_stopped(arns, timeout=400),
    "too early": lambda ecs, arns: ecs.wait.tasks_stopped(arns, timeout=31.5),
    "poll": lambda ecs, arns: ecs.wait.tasks_stopped(arns, timeout=400, poll=wait_fixed(7)),
    "max_polls": lambda ecs, arns: ecs.wait.tasks_stopped(arns, max_polls=3),
    "no id": lambda ecs, _: ecs.wait.tasks_running(["0" * 32], cluster="default", timeout=400),
    "no timeout": lambda ecs, arns: ecs.wait.tasks_stopped(arns, timeout=None),
    "timeout 0": lambda ecs, arns: ecs.wait.tasks_stopped(arns, timeout=0),
    "some final": lambda ecs, arns: ecs.wait.tasks_running([*arns[:1], "1" * 32], cluster="default", timeout=90),
}


def lone(colour: str, name: str, count: int, lag: Lag, fault: Fault | None) -> tuple[Any, Ended]:
    """Perform a lone wait, and return its calls and its end."""
    sim: Simulator = support.world(lag=lag)
    arns = support.launch(sim, "job", count, TaskScript.runs_for(63))
    if fault is not None:
        sim.fail("DescribeTasks", fault, times=4, after=5)
    [ended] = support.perform(sim, support.client(colour, sim), [Start(1.25, lambda ecs: WAITS[name](ecs, arns))])
    calls = [(call.time, call.operation, call.request) for call in sim.calls if call.operation == "DescribeTasks"]
    return calls, ended


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("name", WAITS)
def test_the_calls_of_a_lone_wait(colour: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With few ids or a call full of them, lag and faults."""
    cases: list[tuple[int, Lag, Fault | None]] = [
        (100 if name == "stopped" else 1, Lag(visible_after=4, stale_by=3), None),
        (2, Lag(), Fault.throttled()),
        (2, Lag(), Fault.reset()),
    ]
    found = [lone(colour, name, *case) for case in cases]
    with monkeypatch.context() as patched:
        support.unshared(patched)
        expected = [lone(colour, name, *case) for case in cases]
    for (calls, ended), (calls_alone, alone) in zip(found, expected, strict=True):
        assert calls == calls_alone
        assert (ended.verdict, ended.at) == (alone.verdict, alone.at)
        assert len(calls) >= (1 if name == "timeout 0" else 2)
        assert str(ended.error) == str(alone.error)
