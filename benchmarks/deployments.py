"""Correct verdicts on deployments: `python -m benchmarks.deployments [--runs N]` prints a table.

Compares botocore's `services_stable` with ecskit's `wait.deployment`, after the same UpdateService, in the same random
worlds. Each runs alone on the simulator's virtual clock. Every run prints the same numbers.

The simulator's own record of the service deployment determines the correct verdict, not what a read shows:

- A success is correct if the deployment that the update started is SUCCESSFUL by then. If it started none, the service
  must have the requested number of tasks.
- Giving up is correct if the deployment is not SUCCESSFUL before the deadline, less the lag of a replica: it failed,
  was rolled back or replaced, its service was deleted, or it has not ended. It is always correct with a controller
  whose deployments ECS does not show.
- If tasks must stay up, a success is correct once they did so for that long after SUCCESSFUL, and never if they crash.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

import attrs
import botocore
from botocore.exceptions import BotoCoreError, ClientError
from jmespath.exceptions import JMESPathError

from benchmarks.timelines import percentile
from benchmarks.waiting import PEERS, botocore_client, sleeping_on
from benchmarks.waits import pair, table
from ecskit import Client
from ecskit._core.structuring import structure_hook
from ecskit._simulator.scheduler.service_states import DeploymentState
from ecskit._simulator.virtual_clock import EPOCH, VirtualClock
from ecskit.errors import EcsError
from ecskit.models import Service
from ecskit.testing import DeploymentScript, Fault, Lag, LostAnswerError, SimulatedError, Simulator, TaskScript, attach

DEADLINE = 900.0
DELAY = 15
"""botocore's default interval in seconds."""
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
FAULTS = (Fault.throttled(), Fault.server_error(), Fault.reset(), Fault.timeout())
READS = ("DescribeServices", "ListServiceDeployments", "DescribeServiceDeployments", "ListTasks", "DescribeTasks")
ROLLED_BACK = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
NOT_ROLLED_BACK = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
DENIED = ("ListServiceDeployments", "DescribeServiceDeployments")
NEVER = float("inf")


class Clock(VirtualClock):
    """A virtual clock with plans: actions that run at their time, also while a wait sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self.plans: list[tuple[float, Callable[[], object]]] = []

    def advance(self, seconds: float) -> None:
        self._act(self.now() + seconds)
        super().advance(seconds)

    def _wake(self, moment: float) -> None:
        self._act(moment)
        super()._wake(moment)

    def _act(self, until: float) -> None:
        now = self._now
        while self.plans and self.plans[0][0] <= until:
            at, act = self.plans.pop(0)
            self._now = max(now, at)
            with contextlib.suppress(SimulatedError, LostAnswerError):
                act()
        self._now = now


class Account(Simulator):
    """A simulator on such a clock. For some seconds its reads return neither a service nor a failure."""

    def __init__(self, *, seed: int, lag: Lag, blank_until: float) -> None:
        self.watch = Clock()
        self.blank_until = blank_until
        super().__init__(now=self.watch.epoch, seed=seed, lag=lag)

    def _answer(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        answer = super()._answer(operation, request)
        blank = operation == "DescribeServices" and self.watch.now() < self.blank_until
        return {"services": [], "failures": []} if blank else answer


@attrs.frozen(kw_only=True)
class World:
    """The settings of one deployment and its world."""

    update: dict[str, Any]
    """The parameters of UpdateService; empty if the deployment is that of CreateService."""
    create: dict[str, Any] = attrs.field(factory=dict)
    configuration: dict[str, Any] = attrs.field(factory=dict)
    desired: int = 2
    start: float = 20.0
    stop: float = 10.0
    script: DeploymentScript = attrs.field(factory=DeploymentScript)
    lag: Lag = attrs.field(factory=Lag)
    blank: float = 0.0
    fault_rate: float = 0.0
    denied: tuple[str, ...] = ()
    others: tuple[tuple[float, str, dict[str, Any]], ...] = ()
    """Requests of others: seconds after the update, operation, parameters."""
    seed: int = 0
    deadline: float = DEADLINE
    """The timeout of both, in seconds."""
    stable_for: float | None = None
    """Seconds for which the tasks must stay up, for ecskit; botocore's waiter has no such option."""
    crash: float | None = None
    """Seconds from RUNNING to the exit of each task of the new deployment; None if they stay up."""

    def account(self) -> tuple[Account, dict[str, Any]]:
        """Return an account whose deployment was just started, and the response."""
        account = Account(seed=self.seed, lag=self.lag, blank_until=NEVER if self.blank else 0.0)
        for family in ("old", "new", "other", "broken", "crashing"):
            account.handle("RegisterTaskDefinition", _definition(family))
        runs = TaskScript(time_to_start=self.start, time_to_stop=self.stop)
        account.script("*", runs)
        account.script("broken", TaskScript.fails_to_pull("manifest unknown"))
        account.script("crashing", attrs.evolve(TaskScript.exits(1, after=self.crash or 5), time_to_start=self.start))
        create = {
            "serviceName": "web",
            "taskDefinition": "old",
            "desiredCount": self.desired,
            "launchType": "FARGATE",
            "networkConfiguration": NETWORK,
            "deploymentConfiguration": self.configuration,
            **self.create,
        }
        answer: dict[str, Any] = account.handle("CreateService", create)
        if self.update:
            account.watch.advance(1000.0)
            account.script_deployment("web", self.script)
            answer = account.handle("UpdateService", {"service": "web", **self.update})
        account.blank_until = account.watch.now() + self.blank
        for operation in self.denied:
            account.fail(operation, Fault.access_denied(), times=None)
        account.misbehave(rate=self.fault_rate, seed=self.seed, operations=READS, faults=FAULTS)
        for at, operation, request in self.others:
            account.watch.plans.append((account.watch.now() + at, _doing(account, operation, request)))
        return account, answer

    def truth(self, stable_for: float | None = None) -> tuple[float, float]:
        """Return when the deployment succeeded, and when it could no longer succeed, in seconds after its start.

        Args:
            stable_for: Seconds for which the tasks must stay up.
        """
        account, answer = self.account()
        began, service = account.watch.now(), answer["service"]
        if service.get("deploymentController", {}).get("type") == "CODE_DEPLOY":
            return NEVER, 0.0
        new = _of(account, service)
        counts_only = self.update.keys() == {"desiredCount"}
        while (elapsed := account.watch.now() - began) <= self.deadline:
            if counts_only:
                now = account.services("web")[0]
                settled = now.running_count == now.desired_count == service["desiredCount"] and not now.pending_count
                if settled and now.rollout_state == "COMPLETED":
                    return elapsed, NEVER
            else:
                new = _of(account, service)
                ended = (new.finished_at or 0.0) - EPOCH - began
                if new.status == "SUCCESSFUL" and self.crash is not None:
                    return NEVER, ended + self.crash
                if new.status == "SUCCESSFUL":
                    return ended + (stable_for or 0.0), NEVER
                if new.finished_at is not None:
                    return NEVER, ended
            account.watch.advance(0.5)
        return NEVER, self.deadline


def _doing(account: Account, operation: str, request: dict[str, Any]) -> Callable[[], object]:
    def act() -> object:
        if operation == "alarm":
            return account.fire_alarm("errors")
        if operation != "StopServiceDeployment":
            return account.handle(operation, request)
        return account.handle(operation, {**request, "serviceDeploymentArn": account.deployments("web")[-1].arn})

    return act


def _of(account: Account, service: dict[str, Any]) -> DeploymentState:
    id_ = service["deployments"][0]["id"]
    return next(each for each in account.deployments("web") if each.deployment_id == id_)


def _definition(family: str) -> dict[str, Any]:
    return {
        "family": family,
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [{"name": "app", "image": f"{family}:1"}],
    }


# Situations. Each draws its random settings.

Draws = Callable[[Random], dict[str, Any]]
NEW: dict[str, Any] = {"taskDefinition": "new"}
BROKEN: dict[str, Any] = {"taskDefinition": "broken"}


def _usual(random: Random, **settings: Any) -> dict[str, Any]:
    return {
        "desired": random.randrange(1, 6),
        "start": random.uniform(5, 60),
        "stop": random.uniform(2, 40),
        "update": NEW,
        **settings,
    }


def _lags(random: Random) -> dict[str, Any]:
    lag = Lag(
        visible_after=random.uniform(1, 20),
        stale_by=random.uniform(2, 20),
        current_deployment_after=random.uniform(0, 30),
    )
    return {"lag": lag}


def _supersedes(random: Random) -> dict[str, Any]:
    newer = (random.uniform(0, 60), "UpdateService", {"service": "web", "taskDefinition": "other"})
    return {"others": (newer,)}


def _stops(random: Random) -> dict[str, Any]:
    how = random.choice(["ROLLBACK", "ABORT"])
    return {"others": ((random.uniform(0, 20), "StopServiceDeployment", {"stopType": how}),), "start": 30.0}


def _watched(random: Random) -> dict[str, Any]:
    alarms = {"alarmNames": ["errors"], "enable": True, "rollback": True}
    fires = ((random.uniform(70, 200), "alarm", {}),) if random.random() < 0.5 else ()
    return {"configuration": {"alarms": alarms, "bakeTimeInMinutes": 3}, "others": fires, "stop": random.uniform(2, 10)}


def _staged(random: Random) -> dict[str, Any]:
    script = DeploymentScript(fails_at=random.choice([None, "TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"]))
    return {"configuration": {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 2}, "script": script}


def _deleted(random: Random) -> dict[str, Any]:
    return {"others": ((random.uniform(0, 15), "DeleteService", {"service": "web", "force": True}),)}


def _slow(random: Random) -> dict[str, Any]:
    configuration = random.choice([ROLLED_BACK, NOT_ROLLED_BACK, {}, {"strategy": "BLUE_GREEN"}])
    return {"start": random.uniform(1200, 2400), "deadline": 3600.0, "configuration": configuration}


def _crashing(random: Random) -> dict[str, Any]:
    configuration = random.choice([ROLLED_BACK, {}, {"strategy": "BLUE_GREEN"}])
    crash = random.choice([1.0, 5.0, 30.0])
    update = {"taskDefinition": "crashing"}
    return {"update": update, "crash": crash, "stable_for": 60.0, "configuration": configuration}


def _first(definition: str, **settings: Any) -> dict[str, Any]:
    return {"create": {"taskDefinition": definition}, "update": {}, **settings}


def _scaled(random: Random) -> dict[str, Any]:
    return {"update": {"desiredCount": random.choice([0, 7, 9])}, **(_lags(random) if random.random() < 0.5 else {})}


def _anything(random: Random) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for part, share in ((_lags, 0.7), (_supersedes, 0.3), (_stops, 0.2)):
        settings |= part(random) if random.random() < share else {}
    configuration = random.choice([ROLLED_BACK, NOT_ROLLED_BACK, {}])
    update = random.choice([NEW, NEW, BROKEN, {"forceNewDeployment": True}])
    return {**settings, "configuration": configuration, "update": update, "fault_rate": random.choice([0, 0, 0.1])}


SITUATIONS: list[tuple[str, Draws]] = [
    ("new deployment, good", _usual),
    ("the same, reads lag by up to 20 s", lambda random: _usual(random, **_lags(random))),
    ("the same, throttles, 5xx, resets", lambda random: _usual(random, fault_rate=random.uniform(0.02, 0.3))),
    ("the same, deployment reads are refused", lambda random: _usual(random, **_lags(random), denied=DENIED)),
    ("blue/green, most fail in a stage", lambda random: _usual(random, **_staged(random))),
    ("PRIMARY in progress: alarms are watched", lambda random: {**_usual(random), **_watched(random)}),
    ("no image, breaker rolls back", lambda random: _usual(random, update=BROKEN, configuration=ROLLED_BACK)),
    (
        "the same, deployment reads are refused",
        lambda random: _usual(random, update=BROKEN, configuration=ROLLED_BACK, denied=DENIED, **_lags(random)),
    ),
    ("no image, breaker without rollback", lambda random: _usual(random, update=BROKEN, configuration=NOT_ROLLED_BACK)),
    ("tasks crash after 5 s, no breaker", lambda random: _usual(random, update={"taskDefinition": "crashing"})),
    ("tasks take 20 to 40 minutes to start", lambda random: {**_usual(random), **_slow(random)}),
    (
        "tasks crash 1 to 30 s after RUNNING, and have to stay up 60 s",
        lambda random: _usual(random, **_crashing(random)),
    ),
    ("good tasks that have to stay up 60 s", lambda random: _usual(random, **_lags(random), stable_for=60.0)),
    ("superseded within 60 s", lambda random: _usual(random, **_supersedes(random))),
    ("stopped or rolled back by others", lambda random: {**_usual(random), **_stops(random)}),
    ("service deleted meanwhile", lambda random: _usual(random, **_deleted(random))),
    ("scaled only, half with lag", lambda random: _usual(random, **_scaled(random))),
    (
        "service just created, MISSING for 1 to 20 s",
        lambda random: _usual(random, **_first("old", **_lags(random))),
    ),
    (
        "service just created, services: []",
        lambda random: _usual(random, **_first("old", blank=random.uniform(1, 20))),
    ),
    (
        "service just created, no image",
        lambda random: _usual(random, **_first("broken", configuration=ROLLED_BACK)),
    ),
    (
        "controller CODE_DEPLOY",
        lambda random: _usual(
            random, create={"deploymentController": {"type": "CODE_DEPLOY"}}, update={"desiredCount": 7}
        ),
    ),
    ("everything at once", lambda random: {**_usual(random), **_anything(random)}),
]


@attrs.frozen
class Ended:
    """The result of a wait."""

    claimed: bool
    at: float
    calls: int
    said: str


@attrs.define
class Tally:
    """The verdicts of one peer in one situation."""

    false_successes: int = 0
    false_failures: int = 0
    calls: list[int] = attrs.field(factory=list[int])
    delays: list[float] = attrs.field(factory=list[float])
    """Of correct verdicts only."""
    said: Counter[str] = attrs.field(factory=Counter[str])

    def count(self, world: World, truth: tuple[float, float], ended: Ended) -> None:
        """Judge one wait."""
        came_true, lost = truth
        self.said[ended.said or "success"] += 1
        if ended.claimed and ended.at < came_true:
            self.false_successes += 1
        elif not ended.claimed and came_true <= world.deadline - world.lag.stale_by - world.lag.visible_after:
            self.false_failures += 1
        else:
            self.calls.append(ended.calls)
            self.delays.append(max(0.0, ended.at - min(came_true, lost)))


@attrs.define
class Both:
    """One client of each peer. Both are made once, and attached to each account in turn."""

    _theirs: Any = attrs.field(factory=botocore_client, init=False)
    _ours: Any = attrs.field(factory=botocore_client, init=False)

    def wait(self, peer: str, world: World) -> Ended:
        """Run the wait of one peer in a world."""
        account, answer = world.account()
        began, before = account.watch.now(), len(account.calls)
        attached = attach(self._theirs if peer == "botocore" else self._ours, account)
        try:
            said = self._by_botocore(account, world) if peer == "botocore" else self._by_ecskit(account, answer, world)
        finally:
            attached.detach()
        others = sum(1 for at, _, _ in world.others if at <= account.watch.now() - began)
        return Ended(said is None, account.watch.now() - began, len(account.calls) - before - others, said or "")

    def _by_botocore(self, account: Account, world: World) -> str | None:
        options = {"Delay": DELAY, "MaxAttempts": int(world.deadline // DELAY) + 1}
        with sleeping_on(account.watch):
            try:
                self._theirs.get_waiter("services_stable").wait(services=["web"], WaiterConfig=options)
            except (BotoCoreError, ClientError, JMESPathError) as error:
                return type(error).__name__
        return None

    def _by_ecskit(self, account: Account, answer: dict[str, Any], world: World) -> str | None:
        service = structure_hook(Service)(answer["service"], Service)
        with Client.wrap(self._ours)._with_runtime(account.watch, Random(world.seed)) as ecs:
            try:
                ecs.wait.deployment(service, timeout=world.deadline, stable_for=world.stable_for)
            except EcsError as error:
                return type(error).__name__
        return None


def world(situation: int, seed: int) -> World:
    """Return a world of one situation."""
    what, draws = SITUATIONS[situation]
    return World(seed=seed, **draws(Random(f"{situation} {what} {seed}")))


def tallies(runs: int) -> Iterator[tuple[str, dict[str, Tally]]]:
    """Yield the tallies of both peers for each situation."""
    both = Both()
    for situation, (what, _) in enumerate(SITUATIONS):
        made = {peer: Tally() for peer in PEERS}
        for seed in range(runs):
            one = world(situation, seed)
            # botocore has no `stable_for`: its success is correct before that time.
            truths = {"botocore": one.truth(), "ecskit": one.truth(one.stable_for)}
            for peer, tally in made.items():
                tally.count(one, truths[peer], both.wait(peer, one))
        yield what, made


def _rows(runs: int) -> Iterator[Sequence[str]]:
    yield ("after UpdateService", "", "false success", "false failure", "calls, median", "delay, median", "delay, p95")
    wrong = dict.fromkeys(PEERS, 0)
    for what, made in tallies(runs):
        by_peer = [made[peer] for peer in PEERS]
        for peer in PEERS:
            wrong[peer] += made[peer].false_successes + made[peer].false_failures
        yield (
            what,
            "",
            pair([tally.false_successes for tally in by_peer]),
            pair([tally.false_failures for tally in by_peer]),
            _percentiles([tally.calls for tally in by_peer], runs, 0.5, 0),
            _percentiles([tally.delays for tally in by_peer], runs, 0.5, 1),
            _percentiles([tally.delays for tally in by_peer], runs, 0.95, 1),
        )
    yield (f"wrong, of {runs * len(SITUATIONS)}", "", pair(list(wrong.values())), "", "", "", "")


def _percentiles(values: Sequence[Sequence[float]], runs: int, share: float, digits: int) -> str:
    """Return a percentile for each peer, or a dash if most of its verdicts are wrong."""
    return " | ".join(f"{percentile(of, share):.{digits}f}" if len(of) * 2 >= runs else "-" for of in values)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare verdicts on deployments with the simulator's record.")
    parser.add_argument("--runs", type=int, default=200, help="worlds of each situation")
    options = parser.parse_args()
    logging.getLogger("ecskit").setLevel(logging.ERROR)
    print(f"Deployments: {' | '.join(PEERS)}, botocore {botocore.__version__}\n")
    print(table(list(_rows(options.runs))))


if __name__ == "__main__":
    main()
