"""Correct verdicts on tasks: runs both peers in thousands of random schedules of tasks, lag and faults.

The script of each task determines the correct verdict, not what a read shows:

- `tasks_running` may succeed if each task was RUNNING at some time in the last `stale_by` seconds, which is the lag of
  a read. It may give up if the time at which all tasks run is over, or is after the deadline.
- `tasks_stopped` may succeed if each task has STOPPED. It may give up if a task stops after the deadline, was forgotten
  by ECS before the wait began, or never existed: its state is then unknown.

Every other verdict is wrong: a false success or a false failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import attrs

from benchmarks.waiting import PEERS, Both, Ended
from ecskit.models import Task
from ecskit.testing import Fault, Lag, Simulator, TaskScript

DEADLINE = 600.0
FORGOTTEN_AFTER = 3600.0
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
NEVER = float("inf")
FAULTS = (Fault.throttled(), Fault.server_error(), Fault.reset(), Fault.timeout())


@attrs.frozen
class Life:
    """One task: its launch, in seconds after the first launch, and its script."""

    script: TaskScript
    launched: float = 0.0
    fargate: bool = True

    @property
    def running(self) -> tuple[float, float]:
        """The start and the end of RUNNING."""
        ready = self.launched + self.script.seconds_to_start(fargate=self.fargate)
        if self.script.start_failure is not None:
            return NEVER, ready
        if self.script.run_time is None:
            return ready, NEVER
        return ready, ready + self.script.run_time + 0.1 * self.script.seconds_to_stop(fargate=self.fargate)

    @property
    def stopped(self) -> float:
        """The time of STOPPED."""
        ready = self.launched + self.script.seconds_to_start(fargate=self.fargate)
        runs = 0.0 if self.script.start_failure is not None else self.script.run_time
        return NEVER if runs is None else ready + runs + self.script.seconds_to_stop(fargate=self.fargate)


@attrs.frozen(kw_only=True)
class Schedule:
    """The settings of one wait and its world. The wait begins `begins` seconds after the last launch."""

    wait: str
    lives: tuple[Life, ...]
    lag: Lag = attrs.field(factory=Lag)
    fault_rate: float = 0.0
    begins: float = 0.0
    unknown: bool = False
    """Whether the wait also has a task that never existed."""
    seed: int = 0

    @property
    def began(self) -> float:
        """When the wait begins."""
        return max(life.launched for life in self.lives) + self.begins

    def is_true(self, at: float) -> bool:
        """Whether a success at this time is correct."""
        if self.wait == "tasks_stopped":
            return not self.lost and all(life.stopped <= at for life in self.lives)
        return all(start <= at and end > at - self.lag.stale_by for start, end in self._running)

    def is_hopeless(self, at: float) -> bool:
        """Whether giving up at this time is correct."""
        deadline = self.began + DEADLINE - self.lag.stale_by
        if self.wait == "tasks_stopped":
            return self.lost or any(life.stopped > deadline for life in self.lives)
        from_, until = max(start for start, _ in self._running), min(end for _, end in self._running)
        return from_ >= until or until <= at or from_ > deadline

    @property
    def lost(self) -> bool:
        """Whether the state of one of the tasks is unknown."""
        return self.unknown or any(life.stopped + FORGOTTEN_AFTER <= self.began for life in self.lives)

    @property
    def decided(self) -> float:
        """When the correct verdict was decided: delays start here."""
        if self.wait == "tasks_stopped":
            moment = self.began if self.lost else max(life.stopped for life in self.lives)
        else:
            from_, until = max(start for start, _ in self._running), min(end for _, end in self._running)
            moment = min(from_, until)
        return max(self.began, moment)

    @property
    def _running(self) -> list[tuple[float, float]]:
        return [life.running for life in self.lives]

    def play(self, peer: str, both: Both) -> Ended:
        """Run the wait of one peer in this world."""
        simulator = Simulator(seed=self.seed, lag=self.lag)
        _prepare(simulator, [life.script for life in self.lives])
        tasks: list[Task | str] = []
        for i, life in sorted(enumerate(self.lives), key=lambda each: each[1].launched):
            simulator.clock.advance(life.launched - simulator.clock.now())
            tasks.append(_launch(simulator, f"job{i}", fargate=life.fargate))
        simulator.clock.advance(self.began - simulator.clock.now())
        if self.begins:  # a later wait has only ARNs
            tasks = [task.task_arn if isinstance(task, Task) else task for task in tasks]
        if self.unknown:
            tasks.append(f"arn:aws:ecs:us-east-1:123456789012:task/default/{self.seed:032x}")
        simulator.misbehave(rate=self.fault_rate, seed=self.seed, operations=["DescribeTasks"], faults=FAULTS)
        return both.wait(peer, self.wait, tasks, simulator, timeout=DEADLINE, seed=self.seed)


def _prepare(simulator: Simulator, scripts: list[TaskScript]) -> None:
    for i, script in enumerate(scripts):
        container = {"name": "app", "image": "app:1", "memory": 64, "cpu": 64}
        on_fargate = {"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512"}
        simulator.handle(
            "RegisterTaskDefinition", {"family": f"job{i}", "containerDefinitions": [container], **on_fargate}
        )
        simulator.handle("RegisterTaskDefinition", {"family": f"job{i}-ec2", "containerDefinitions": [container]})
        simulator.script(f"job{i}", script)
        simulator.script(f"job{i}-ec2", script)
    resources = [
        {"name": "CPU", "type": "INTEGER", "integerValue": 4096},
        {"name": "MEMORY", "type": "INTEGER", "integerValue": 8192},
    ]
    simulator.handle("RegisterContainerInstance", {"totalResources": resources})


def _launch(simulator: Simulator, family: str, *, fargate: bool) -> Task:
    """Launch a task, and return the members that the peers use."""
    where: dict[str, Any] = (
        {"taskDefinition": family, "launchType": "FARGATE", "networkConfiguration": NETWORK}
        if fargate
        else {"taskDefinition": f"{family}-ec2", "launchType": "EC2"}
    )
    (task,) = simulator.handle("RunTask", where)["tasks"]
    return Task(
        task_arn=task["taskArn"],
        cluster_arn=task["clusterArn"],
        last_status=task["lastStatus"],
        desired_status=task["desiredStatus"],
        launch_type=task["launchType"],
        version=task["version"],
    )


# Kinds of schedules. Each draws its random settings.

Draws = Callable[[Random], dict[str, Any]]


def _life(random: Random, *, runs: tuple[float, float] | None, launched: float = 0.0, **script: Any) -> Life:
    fargate = random.random() < 0.5
    time_to_start = random.uniform(20, 60) if fargate else random.uniform(2, 10)
    time_to_stop = random.uniform(8, 12) if fargate else random.uniform(1, 3)
    run_time = None if runs is None else random.uniform(*runs)
    made = TaskScript(time_to_start=time_to_start, time_to_stop=time_to_stop, run_time=run_time, **script)
    return Life(made, launched, fargate)


def _plain(random: Random) -> dict[str, Any]:
    return {"lives": (_life(random, runs=(20, 300), exit_codes=random.choice([0, 1, 137])),)}


def _stays(random: Random) -> dict[str, Any]:
    return {"lives": (_life(random, runs=None),)}


def _unseen(seconds: tuple[float, float], lives: Draws) -> Draws:
    return lambda random: {**lives(random), "lag": Lag(visible_after=random.uniform(*seconds))}


def _stale(lives: Draws) -> Draws:
    return lambda random: {**lives(random), "lag": Lag(visible_after=1, stale_by=random.uniform(2, 20))}


def _troubled(lives: Draws) -> Draws:
    return lambda random: {**lives(random), "fault_rate": random.uniform(0.05, 0.3)}


def _short(random: Random) -> dict[str, Any]:
    return {"lives": (_life(random, runs=(0, 8)),)}


def _unstartable(random: Random) -> dict[str, Any]:
    return {"lives": (_life(random, runs=(0, 0), start_failure="CannotPullContainerError: manifest unknown"),)}


def _many(random: Random) -> dict[str, Any]:
    return {"lives": tuple(_life(random, runs=None) for _ in range(random.randrange(2, 6)))}


def _one_goes_early(random: Random) -> dict[str, Any]:
    return {"lives": (_life(random, runs=(0, 40)), _life(random, runs=None))}


def _one_over_one_new(random: Random) -> dict[str, Any]:
    lives = (_life(random, runs=(5, 60)), _life(random, runs=(20, 200), launched=random.uniform(100, 200)))
    return {"lives": lives, "lag": Lag(visible_after=random.uniform(1, 20))}


def _one_unknown(random: Random) -> dict[str, Any]:
    return {**_plain(random), "unknown": True, "begins": random.uniform(0, 60)}


def _forgotten(random: Random) -> dict[str, Any]:
    return {**_plain(random), "begins": 3600 + random.uniform(500, 4000)}


def _everything(random: Random) -> dict[str, Any]:
    lives = tuple(
        _life(
            random,
            runs=random.choice([None, (0, 10), (10, 300)]),
            launched=random.choice([0.0, random.uniform(0, 120)]),
            start_failure=random.choice([None] * 4 + ["CannotPullContainerError: manifest unknown"]),
        )
        for _ in range(random.randrange(1, 4))
    )
    lag = Lag(visible_after=random.uniform(0, 20), stale_by=random.choice([0, random.uniform(0, 15)]))
    return {
        "lives": lives,
        "lag": lag,
        "fault_rate": random.choice([0, random.uniform(0, 0.3)]),
        "begins": random.choice([0.0, random.uniform(0, 100)]),
    }


KINDS: list[tuple[str, str, Draws]] = [
    ("tasks_running", "nothing special", _stays),
    ("tasks_running", "not visible for 1 to 20 s", _unseen((1, 20), _stays)),
    ("tasks_running", "not visible for 20 to 55 s", _unseen((20, 55), _stays)),
    ("tasks_running", "replicas up to 20 s behind", _stale(_stays)),
    ("tasks_running", "throttles, 5xx, resets", _troubled(_stays)),
    ("tasks_running", "2 to 5 tasks", _many),
    ("tasks_running", "one of two is over early", _one_goes_early),
    ("tasks_running", "runs for 0 to 8 s", _short),
    ("tasks_running", "never starts", _unstartable),
    ("tasks_running", "everything at once", _everything),
    ("tasks_stopped", "exits with 0, 1 or 137", _plain),
    ("tasks_stopped", "not visible for 1 to 20 s", _unseen((1, 20), _plain)),
    ("tasks_stopped", "replicas up to 20 s behind", _stale(_plain)),
    ("tasks_stopped", "throttles, 5xx, resets", _troubled(_plain)),
    ("tasks_stopped", "never starts", _unstartable),
    ("tasks_stopped", "one over, one not visible yet", _one_over_one_new),
    ("tasks_stopped", "one of the two never was", _one_unknown),
    ("tasks_stopped", "forgotten before the wait", _forgotten),
    ("tasks_stopped", "everything at once", _everything),
]


@attrs.define
class Tally:
    """The verdicts of one peer in one kind of schedules."""

    false_successes: int = 0
    false_failures: int = 0
    calls: list[int] = attrs.field(factory=list[int])
    delays: list[float] = attrs.field(factory=list[float])
    """Of correct verdicts only."""

    def count(self, schedule: Schedule, ended: Ended) -> None:
        """Judge one wait."""
        self.calls.append(ended.calls)
        if ended.claimed and not schedule.is_true(ended.at):
            self.false_successes += 1
        elif not ended.claimed and not schedule.is_hopeless(ended.at):
            self.false_failures += 1
        else:
            self.delays.append(max(0.0, ended.at - schedule.decided))


def schedule(kind: int, seed: int) -> Schedule:
    """Return a schedule of one kind."""
    wait, what, draws = KINDS[kind]
    return Schedule(wait=wait, seed=seed, **draws(Random(f"{wait} {what} {seed}")))


def tallies(runs: int) -> Iterator[tuple[str, str, dict[str, Tally]]]:
    """Yield the tallies of both peers for each kind of schedules."""
    both = Both()
    for kind, (wait, what, _) in enumerate(KINDS):
        made = {peer: Tally() for peer in PEERS}
        for seed in range(runs):
            one = schedule(kind, seed)
            for peer, tally in made.items():
                tally.count(one, one.play(peer, both))
        yield wait, what, made
