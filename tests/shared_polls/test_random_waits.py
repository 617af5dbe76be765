"""Random waits side by side: with and without shared polls they end the same, in time, within the budget."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import attrs
import pytest
from support.both_clients import Ecs
from support.definitions import NETWORK, register
from tenacity.wait import wait_fixed

from ecskit._polling.budget import PollBudget
from ecskit.testing import Fault, Lag, Simulator, TaskScript

from . import support
from .support import COLOURS, Ended, Start

MARGIN = 45.0
"""Seconds between a timeout and the moment that a wait is for: longer than the longest interval and lag."""
FAULTS: Sequence[Callable[[], Fault]] = (Fault.throttled, Fault.server_error, Fault.reset, Fault.timeout, Fault.garbled)


@attrs.frozen
class Job:
    """Tasks of one family, launched at the start: when they run, and when they have stopped."""

    starts: float
    stops: float
    arns: Sequence[str]


@attrs.frozen
class Case:
    """One wait, and the verdict that it must have."""

    start: float
    timeout: float
    act: Callable[[Ecs], Any]
    verdict: str
    leaves_at: float | None = None
    """When the caller cancels it, in seconds of the clock."""


def schedule(seed: int, sim: Simulator) -> list[Case]:
    """Return the waits of a seed. Each timeout is far from the moment that its wait is for."""
    random = Random(f"shared polls {seed}")
    jobs: list[Job] = []
    for n in range(4):
        begin, run, stop = random.uniform(0, 60), random.uniform(70, 200), random.uniform(0, 30)
        script = TaskScript(time_to_start=begin, run_time=run, time_to_stop=stop)
        jobs.append(Job(begin, begin + run + stop, support.launch(sim, f"job{n}", 10, script)))
    service = {"taskDefinition": "web", "desiredCount": 2, "launchType": "FARGATE", "networkConfiguration": NETWORK}
    register(sim, "web")
    sim.script("web", TaskScript(time_to_start=120.0))
    for n in range(3):
        sim.handle("CreateService", {"serviceName": f"web{n}", **service})
    for _ in range(3):
        sim.handle("RegisterContainerInstance", {})
    instances = sim.handle("ListContainerInstances", {})["containerInstanceArns"]
    deployments = [each.arn for n in range(3) for each in sim.deployments(f"web{n}")]
    things = {"instance": instances, "deployment": deployments}
    return [_case(random, jobs, things) for _ in range(random.choice([10, 40]))]


def _case(random: Random, jobs: Sequence[Job], things: Mapping[str, Sequence[str]]) -> Case:
    start = random.choice([0.0, 0.0, random.uniform(0, 50)])
    kind = random.choice(["running", "stopped", "stopped", "service", "deployment", "instance", "missing"])
    arguments: str | list[str]
    options: dict[str, Any] = {}
    if random.random() < 0.15:
        options["poll"] = wait_fixed(random.choice([3, 20]))
    match kind:
        case "service":
            moment, late = 120.0, 300.0  # the rollout ends some time after its tasks have started
            name, arguments, good = "services_stable", [f"web{random.randrange(3)}"], "ACTIVE"
        case "deployment":
            moment, late = 120.0, 300.0
            name, good = "service_deployment", "SUCCESSFUL"
            arguments = random.choice(things["deployment"])
        case "instance":
            moment = late = 0.0
            name, arguments, good = "container_instances_connected", [random.choice(things["instance"])], "ACTIVE"
        case "missing":
            timeout = random.choice([5.0, 300.0])
            act = _act("tasks_running", [f"{random.randrange(9)}" * 32], cluster="default", timeout=timeout, **options)
            return Case(start, timeout, act, "TaskNotVisible")
        case _:
            chosen = [random.choice(jobs) for _ in range(random.choice([1, 1, 2]))]
            arguments = list(dict.fromkeys(random.choice(job.arns) for job in chosen))
            name = "tasks_running" if kind == "running" else "tasks_stopped"
            good = "/".join(["RUNNING" if kind == "running" else "STOPPED"] * len(arguments))
            moment = late = max(job.starts if kind == "running" else job.stops for job in chosen)
    early = moment - start > MARGIN and random.random() < 0.4
    timeout = random.uniform(0.5, moment - start - 1) if early else max(0.0, late - start) + random.uniform(MARGIN, 600)
    act, verdict = _act(name, arguments, timeout=timeout, **options), "WaitTimeout" if early else good
    if early and random.random() < 0.5:
        leaves_at = start + random.uniform(0, timeout - 0.4)
        return Case(start, timeout, _left(act, leaves_at - start), "Left", leaves_at)
    return Case(start, timeout, act, verdict)


def _act(name: str, arguments: str | Sequence[str], **options: Any) -> Callable[..., Any]:
    return lambda ecs, **more: getattr(ecs.wait, name)(arguments, **options, **more)


def _left(act: Callable[..., Any], seconds: float) -> Callable[[Ecs], Any]:
    """Return an act that is cancelled after some seconds."""

    def wait(ecs: Ecs) -> Any:
        clock = support.watch(ecs.sim)
        cancel, ended = threading.Event(), threading.Event()

        def later() -> None:
            with clock.actor():
                counted.set()
                clock.sleep(seconds, ended)
                cancel.set()

        counted = threading.Event()
        thread = threading.Thread(target=later)
        thread.start()
        counted.wait(10)
        try:
            return act(ecs, cancel=cancel)
        finally:
            ended.set()  # otherwise a wait that ends too early would stop the clock
            thread.join()

    async def await_(ecs: Ecs) -> Any:
        clock = support.watch(ecs.sim)
        waiting: Any = asyncio.current_task()

        async def later() -> None:
            with clock.actor():
                await clock.asleep(seconds)
                waiting.cancel()
                for _ in range(20):  # the clock would move before the cancellation has arrived
                    await asyncio.sleep(0)

        canceller = asyncio.ensure_future(later())
        await asyncio.sleep(0)
        try:
            return await act(ecs)
        finally:
            await canceller

    return lambda ecs: wait(ecs) if ecs.colour == "sync" else await_(ecs)


def run(seed: int, colour: str, budget: PollBudget | None) -> tuple[Simulator, list[Case], list[Ended]]:
    """Perform the waits of a seed."""
    random = Random(f"trouble {seed}")
    lag = Lag(visible_after=random.choice([0.0, 5.0]), stale_by=random.choice([0.0, 10.0]))
    sim = support.world(seed, lag=lag)
    cases = schedule(seed, sim)
    for _ in range(random.choice([0, 0, 1, 3])):
        operation = random.choice(["DescribeTasks", "DescribeServices", "DescribeContainerInstances"])
        sim.fail(operation, random.choice(FAULTS)(), times=random.choice([1, 2]), after=random.uniform(0, 200))
    ecs = support.client(colour, sim, budget, seed)
    return sim, cases, support.perform(sim, ecs, [Start(case.start, case.act) for case in cases])


def check(cases: Sequence[Case], ended: Sequence[Ended], rate: float = 5) -> None:
    """Check the verdicts, and that none is later than its deadline, a last poll, and what this poll reads beyond."""
    for case, end in zip(cases, ended, strict=True):
        # With lag, a resource may not be visible yet at an early timeout.
        verdict = "WaitTimeout" if case.verdict == "WaitTimeout" and "NotVisible" in end.verdict else end.verdict
        if case.leaves_at is not None:
            assert end.verdict in {"CancelledError", "WaitCancelled"}, (case, end)
            assert end.at == pytest.approx(case.leaves_at), (case, end)
            continue
        assert verdict == case.verdict, (case, end)
        assert end.at <= end.began + case.timeout + 1.002 + 3 / rate, (case, end)


@pytest.mark.parametrize("colour", COLOURS)
def test_the_verdicts(colour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are the same with and without shared polls, and shared polls hold the default budget."""
    calls = Counter[str]()
    for seed in range(5):
        try:
            sim, cases, ended = run(seed, colour, None)
            check(cases, ended)
            calls["shared"] += len(support.times(sim))
            support.assert_within_budget(support.times(sim), 5, 25)
            with monkeypatch.context() as patched:
                support.unshared(patched)
                sim, cases, ended = run(seed, colour, None)
            check(cases, ended)
            calls["alone"] += len(support.times(sim))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
    assert calls["shared"] < 0.8 * calls["alone"]
