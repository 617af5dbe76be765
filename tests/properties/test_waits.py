"""Waits over tasks whose lives, lags and faults are random: what they say is true, and they look as seldom as promised.

A failure prints one line that repeats its schedule: `check(Schedule.of(1234))`.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any, Literal, TypeAlias

import attrs
import pytest

from ecskit._core.call import call
from ecskit._core.retrying import CLEANUP_LIMITS
from ecskit._drive.sync import Runtime
from ecskit.errors import TasksNotStopped, WaitError
from ecskit.models import AwsVpcConfiguration, NetworkConfiguration, RunTaskRequest, Task

from .drivers import Ending, Steady, Transport, Verb, run_async, run_sync
from .schedules import Life, Sky, check_all, near, some_life, some_sky
from .truths import View, check_known, check_looks, check_no_step_back, check_outcome, check_wait_error
from .world import STOPPED, World

WAITS = ("tasks_running", "tasks_running", "tasks_started", "tasks_healthy", "tasks_stopped", "as_stopped", "stop")
Shape: TypeAlias = Literal["ids", "arns", "launched", "mixed"]


@attrs.frozen(kw_only=True)
class Schedule:
    """All there is to say about one wait and its world."""

    seed: int
    wait: str
    lives: tuple[Life, ...]
    sky: Sky
    head_start: float
    """Seconds from the launch to the wait."""
    shape: Shape
    """How the tasks are passed to the wait: those that were launched come with their first observation."""
    timeout: float
    grace: float
    clusters: tuple[str, ...] = ("default",)
    """Where they run, in turns; two clusters are two calls a look, one of which may fail."""

    @classmethod
    def of(cls, seed: int) -> Schedule:
        random = Random(seed)
        lives = tuple(some_life(random) for _ in range(random.choice([1, 1, 1, 2, 3, 6])))
        lives *= random.choice([*[1] * 50, 100 // len(lives) + 1])  # seldom more than a call takes
        shape: Shape = random.choice(["ids", "arns", "launched", "mixed"])
        sky = some_sky(random)
        wait = random.choice(WAITS)
        if shape in {"ids", "arns"} and wait != "stop" and random.random() < 0.3:
            sky = attrs.evolve(sky, visible_after=random.choice([55.0, 65.0, 400.0]))
        moments = sorted({moment for life in lives for moment in life.moments})
        head_start = random.choice([0.0, 0.0, near(random, moments), near(random, moments)])
        ends = [moment - head_start for moment in moments if moment >= head_start]
        return cls(
            seed=seed,
            wait=wait,
            lives=lives,
            sky=sky,
            head_start=head_start,
            shape=shape,
            timeout=random.choice([0.0, near(random, ends or [10.0]), near(random, [30.0, 60.0]), 900.0]),
            grace=random.choice([0.0, 60.0, 60.0, near(random, [sky.visible_after])]),
            clusters=("default", "other") if shape != "ids" and random.random() < 0.2 else ("default",),
        )

    @property
    def asks_twice(self) -> bool:
        """Whether a look takes two calls: one for each way to say where, and for a hundred tasks."""
        return len(self.clusters) > 1 or self.shape == "mixed" or len(self.lives) > 100

    def launch(self, world: World, family: str = "job") -> list[Task]:
        """Return the tasks to wait for, launched now."""
        world.register(family, [life.script for life in self.lives])
        network = NetworkConfiguration(awsvpc_configuration=AwsVpcConfiguration(subnets=["subnet-1"]))
        runtime, launched = Runtime(Transport(world), world.watch, Random(family)), list[Task]()
        for i in range(len(self.lives)):
            request = RunTaskRequest(
                cluster=self.clusters[i % len(self.clusters)],
                task_definition=family,
                launch_type="FARGATE",
                network_configuration=network,
            )
            launched += runtime.run(call(request)).tasks
        return launched

    def verb(self, launched: list[Task]) -> Verb:
        """Return the call that waits for tasks."""
        options: dict[str, Any] = {"timeout": self.timeout, "visibility_grace": self.grace}
        if self.shape == "ids":
            options["cluster"] = "default"
        return Verb(self.wait, (self._asked(launched),), options)

    def view(self, world: World, launched: list[Task]) -> View:
        """Return what was asked for, and the truth about it."""
        ids = [task.task_arn.rsplit("/", 1)[-1] for task in launched]
        given = {"ids": [], "arns": [], "launched": ids, "mixed": ids[1::2]}[self.shape]
        truths = {id_: world.truths[id_] for id_ in ids}
        return View(truths=truths, lag=world.lag, given=set(given), grace=self.grace, timeout=self.timeout)

    def _asked(self, launched: list[Task]) -> list[Task | str]:
        match self.shape:
            case "ids":
                return [task.task_arn.rsplit("/", 1)[-1] for task in launched]
            case "arns":
                return [task.task_arn for task in launched]
            case "launched":
                return [*launched]
            case "mixed":
                return [task if i % 2 else task.task_arn for i, task in enumerate(launched)]

    def run(self, perform: Any) -> tuple[View, Ending]:
        """Wait, and return how it ended and what was true."""
        world = self.sky.world(self.seed)
        launched = self.launch(world)
        world.watch.advance(self.head_start)
        if self.sky.fault_rate:
            # Whoever cannot read health checks has not seen anything: that would not be a look.
            operations = ["DescribeTasks"] if self.wait == "tasks_healthy" else None
            world.misbehave(rate=self.sky.fault_rate, seed=self.seed, operations=operations)
        chance = Steady(self.seed) if self.wait == "stop" else Random(self.seed)
        verb, view = self.verb(launched), self.view(world, launched)
        verb.options["on_poll"] = lambda story: view.known.append(dict(story.last))
        return view, perform(world, verb, chance)


def check(schedule: Schedule) -> None:
    """Compare what a wait says with what is true, under both drivers, and the drivers with each other."""
    view, ending = schedule.run(run_sync)
    check_truth(schedule.wait, view, ending)
    other_view, other = schedule.run(run_async)
    check_truth(schedule.wait, other_view, other)
    if schedule.asks_twice and (schedule.sky.stale_by or schedule.wait == "tasks_healthy"):
        return  # which of two calls gets which replica is up to the threads, and who reads a definition first
    assert ending.trace == other.trace, "the drivers do not do the same"
    assert (ending.kind, str(ending.error)) == (other.kind, str(other.error))
    assert ending.result == other.result
    assert ending.ended == other.ended


def check_truth(wait: str, view: View, ending: Ending) -> None:
    """Compare what one wait says with what is true."""
    if wait == "stop":
        _check_stop(view, ending)  # its timeout begins when all stops are requested
        ending = attrs.evolve(
            ending, began=max([ending.began, *(c.time for c in ending.calls if c.operation == "StopTask")])
        )
    check_looks(view, ending)
    check_no_step_back(view)
    if wait == "stop":
        pass
    elif ending.error is None:
        _check_success(wait, view, ending)
    if isinstance(ending.error, WaitError):
        check_wait_error(wait, view, ending, ending.error)
    elif wait != "stop":
        assert ending.error is None, f"unexpected {ending.error!r}"


def _check_success(wait: str, view: View, ending: Ending) -> None:
    now = ending.ended
    assert len(ending.result) == len(view.truths)
    if wait == "as_stopped":
        assert {outcome.task.task_arn for outcome in ending.result} == {t.task.arn for t in view.truths.values()}
        for outcome in ending.result:
            check_outcome(view, outcome, now)
        check_known(view, ending, {outcome.task.task_arn: outcome.task for outcome in ending.result})
        return
    check_known(view, ending, {task.task_arn: task for task in ending.result})
    for (id_, truth), task in zip(view.truths.items(), ending.result, strict=True):
        assert task.task_arn.endswith(id_), "the order is another one"
        recently = truth.statuses(view.not_before(id_, ending), now)
        match wait:
            case "tasks_running" | "tasks_healthy":
                assert task.last_status == "RUNNING"
                assert "RUNNING" in recently, f"false success: {id_} was {recently}"
                if wait == "tasks_healthy":
                    assert "HEALTHY" in view.recent_health(truth, now), f"false success: {id_} is not healthy"
            case "tasks_started":
                assert truth.ran(now), f"false success: {id_} never ran"
            case _:
                assert task.last_status == "STOPPED"
                assert truth.rank(now) == STOPPED, f"false success: {id_} is {truth.status(now)}"


def _check_stop(view: View, ending: Ending) -> None:
    """StopTask is sent once for each task, repeated only without a response, and never sent for stopped tasks."""
    requested = Counter[str](call.request["task"] for call in ending.calls if call.operation == "StopTask")
    answered = Counter[str](
        call.request["task"] for call in ending.calls if call.operation == "StopTask" and call.status == 200
    )
    assert all(count <= 1 for count in answered.values()), "a task was stopped twice"
    assert all(count <= CLEANUP_LIMITS.attempts for count in requested.values())
    if isinstance(ending.error, TasksNotStopped):
        failed = {name.rsplit("/", 1)[-1] for name in ending.error.errors}
        assert not failed & set(answered)
        assert failed | {name.rsplit("/", 1)[-1] for name in ending.error.requested} == set(requested)
    elif ending.error is None:
        for truth in view.truths.values():
            assert truth.rank(ending.ended) == STOPPED, "false success"
    else:
        assert isinstance(ending.error, WaitError), ending.error
    for id_ in answered:
        assert not view.truths[id_].wants_to_run(ending.ended)


@pytest.mark.parametrize("block", range(8))
def test_no_wait_says_what_is_not_true(block: int) -> None:
    """No false success, no false failure, no overrun, few looks, and both drivers do the same."""
    check_all(check, map(Schedule.of, range(block * 130, block * 130 + 130)), "check(Schedule.of({}))".format)


@pytest.mark.parametrize("run", [run_sync, run_async])
def test_what_ran_an_hour_ago_and_is_forgotten_does_not_run(run: Any) -> None:
    """One task was RUNNING when it was launched and is MISSING now; the other one starts to run."""
    gone, here = Life(0.0, 20.0, 0.0, "exits 0"), Life(3700.0, 20.0, 0.0, "exits 0")
    schedule = Schedule(
        seed=1,
        wait="tasks_running",
        lives=(gone, here),
        sky=Sky(),
        head_start=3690.0,
        shape="launched",
        timeout=900.0,
        grace=60.0,
    )
    _, ending = schedule.run(run)
    assert ending.kind != "ok"


def test_what_cannot_be_looked_at_is_not_taken_to_run() -> None:
    """Reads of one cluster fail after its task has run; it has stopped long before the other one starts."""
    world = Sky().world(0)
    lives = {"default": Life(0.0, 20.0, 0.0, "exits 0"), "other": Life(60.0, 20.0, 0.0, "exits 0")}
    arns: list[str] = []
    for cluster, life in lives.items():
        world.register(cluster, [life.script])
        network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
        request = {"taskDefinition": cluster, "cluster": cluster, "launchType": "FARGATE"}
        launched = world.handle("RunTask", {**request, "networkConfiguration": network})
        arns.append(launched["tasks"][0]["taskArn"])
    world.unreadable_after = "default", 5.0
    ending = run_sync(world, Verb("tasks_running", (arns,), {"timeout": 300.0}), Random(1))
    assert ending.kind != "ok", f"the first one is {world.truths[arns[0].rsplit('/', 1)[-1]].status(ending.ended)}"
