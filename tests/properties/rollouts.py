"""Random deployments, and what others do meanwhile, as values whose text makes them again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import attrs
from tenacity.wait import wait_fixed

from ecskit._simulator.deployment_script import DeploymentScript
from ecskit.testing import Fault, Lag, TaskScript

from .deploying import Ask
from .fleet import ALARM, NETWORK, Fleet
from .rollouts_later import FROM, Later
from .schedules import near

STAGED = ("BLUE_GREEN", "LINEAR", "CANARY")
UPDATE_FAULTS: Sequence[Callable[[], Fault]] = (
    Fault.throttled,
    Fault.disguised_throttle,
    Fault.server_error,
    lambda: Fault.server_error(after_effect=True),
    Fault.reset,
    lambda: Fault.reset(after_effect=True),
    lambda: Fault.timeout(after_effect=True),
    Fault.cut,
    Fault.garbled,
)
READS = (
    "ListServiceDeployments",
    "DescribeServiceDeployments",
    "DescribeServices",
    "ListTasks",
    "DescribeTasks",
)
STAGES = ("SCALE_UP", "TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "PRE_PRODUCTION_TRAFFIC_SHIFT")


@attrs.frozen(kw_only=True)
class Plan:
    """All there is to say about one deployment, its service and its world."""

    seed: int
    daemon: bool
    create: Mapping[str, Any]
    """How the service is created."""
    scripts: Mapping[str, TaskScript]
    """How tasks of each family behave."""
    script: DeploymentScript
    head_start: float
    """Seconds between the creation of the service and the deployment."""
    before: Sequence[Any] | None
    """What another process did just before."""
    ask: Ask
    others: Sequence[tuple[float, Sequence[Any]]]
    """What others do, and when after the deployment was asked for."""
    lag: Lag
    fault_rate: float
    update_faults: Sequence[Fault]
    denied: Sequence[str]
    resumes: str
    """How another process resumes from the handle of an error."""
    later: Later | None = None
    """What plans from `FROM` on have beyond this."""

    @classmethod
    def of(cls, seed: int, *, service: str = "web") -> Plan:
        """Return the plan of a seed."""
        plan = cls.first_half(seed, service=service)
        if seed < FROM:
            return plan
        configuration = plan.create["deploymentConfiguration"]
        strategy = configuration.get("strategy", "ROLLING")
        timeout = plan.ask.options.get("timeout")
        least = configuration.get("minimumHealthyPercent", 100)
        later = Later.of(seed, strategy=strategy, daemon=plan.daemon, timeout=timeout, least=least)
        change = dict(plan.ask.change)
        if later.definition is not None and "task_definition" in change:
            change["task_definition"] = later.definition
        options = dict(plan.ask.options)
        if plan.ask.how != "scale":
            options |= later.options
        lag = attrs.evolve(
            plan.lag,
            counts_behind=later.counts_behind,
            deployments_scale_after=later.deployments_scale_after,
        )
        return attrs.evolve(
            plan,
            create={**plan.create, "deploymentConfiguration": {**configuration, **later.configuration}},
            ask=attrs.evolve(plan.ask, change=change, options=options),
            others=sorted([*plan.others, *later.others], key=lambda each: each[0]),
            lag=lag,
            later=later,
        )

    @classmethod
    def first_half(cls, seed: int, *, service: str) -> Plan:
        """Return what is drawn first."""
        random = Random(f"deployment {seed}")
        daemon = random.random() < 0.08
        configuration = _configuration(random, daemon=daemon)
        strategy = configuration.get("strategy", "ROLLING")
        start = random.choice([1.0, 8.0, 20.0, random.uniform(0, 60)])
        stop = random.choice([0.0, 2.0, 10.0, random.uniform(0, 90)])
        good = TaskScript(time_to_start=start, time_to_stop=stop)
        scripts = {
            "old": TaskScript(time_to_start=random.uniform(0, 30), time_to_stop=stop),
            "good": good,
            "other": TaskScript(time_to_start=random.uniform(0, 40), time_to_stop=stop),
            "slow": TaskScript(time_to_start=random.uniform(60, 900), time_to_stop=stop),
            "unpullable": TaskScript.fails_to_pull("manifest unknown"),
            "crashing": attrs.evolve(TaskScript.exits(1, after=random.uniform(0, 30)), time_to_start=start),
        }
        create: dict[str, Any] = {"deploymentConfiguration": configuration}
        desired = random.choice([0, 1, 1, 2, 2, 3, 4, 6])
        if daemon:
            create |= {"schedulingStrategy": "DAEMON", "launchType": "EC2"}
        else:
            create |= {"launchType": "FARGATE", "networkConfiguration": NETWORK, "desiredCount": desired}
        timeout = random.choice([600.0, 900.0, 3000.0, random.uniform(0, 200)])
        moments = [0.0, 2.0, start, start + stop, start + stop + 60]
        visible = random.choice([0.0, 0.0, 3.0, 12.0, 25.0])
        stale = random.choice([0.0, 0.0, 5.0, random.uniform(0, 20)])
        first = random.choice(["old", "old", "old", "old", "unpullable"])
        return cls(
            seed=seed,
            daemon=daemon,
            create={"taskDefinition": first, **create},
            scripts=scripts,
            script=DeploymentScript(
                pending_seconds=random.choice([0.0, 2.0, 20.0]),
                stopping_seconds=random.choice([0.0, 3.0, 30.0]),
                rollback_requested_seconds=random.choice([0.0, 2.0, 20.0]),
                rollback_seconds=random.choice([0.0, 5.0, 40.0]),
                rollback_fails=random.choice([None, None, None, None, "The old image is gone."]),
                fails_at=random.choice([None, None, *STAGES]) if strategy in STAGED else None,
            ),
            head_start=visible + stale + 1 + random.choice([0.0, 10.0, 60.0, 200.0, 400.0, 400.0, 400.0]),
            before=random.choice([None, None, None, ["update", "other"], ["force"], ["stop", "ROLLBACK"]]),
            ask=Ask(
                how=(how := random.choice(["deploy", "deploy", "start", "events", "update", "refresh", "scale"])),
                service=service,
                change=_change(random, how, daemon=daemon),
                options=_options(random, strategy, timeout),
            ),
            others=_others(random, moments, daemon=daemon),
            lag=Lag(
                visible_after=visible,
                stale_by=stale,
                stale_share=random.choice([0.1, 0.5, 0.9]),
                current_deployment_after=random.choice([0.0, 0.0, 10.0, 100.0]),
            ),
            fault_rate=random.choice([0.0, 0.0, 0.0, 0.05, 0.3]),
            update_faults=tuple(random.choice(UPDATE_FAULTS)() for _ in range(random.choice([0, 0, 0, 1, 2]))),
            denied=random.choice(
                [
                    *[()] * 6,
                    ("ListServiceDeployments",),
                    ("ListServiceDeployments", "DescribeServiceDeployments"),
                    ("ListServiceDeployments", "DescribeServiceDeployments", "StopServiceDeployment"),
                    ("ListTasks",),
                    ("DescribeServiceDeployments",),
                ]
            ),
            resumes=random.choice(["", "again", "resume"]),
        )

    @property
    def rest(self) -> Mapping[str, Any]:
        """How the service is created, its task definition left out."""
        return {name: value for name, value in self.create.items() if name != "taskDefinition"}

    def world(self) -> Fleet:
        """Return a world in which a deployment is about to start."""
        fleet = Fleet(seed=self.seed, lag=self.lag, counting=self.later.counting if self.later else None)
        self.furnish(fleet)
        self.open(fleet)
        fleet.watch.advance(self.head_start)
        if self.before is not None:
            fleet.plan(0.0, self.ask.service, self.before, self.rest)
            fleet.watch.advance(0.0)
        self.begin(fleet)
        for at, what in self.others:
            fleet.plan(at, self.ask.service, what, self.rest)
        return fleet

    def furnish(self, fleet: Fleet) -> None:
        """Register what there is to run."""
        for family, script in self.scripts.items():
            fleet.define(family, script, fargate=not self.daemon)
        for family, scripts in (self.later.families if self.later else {}).items():
            checked = self.later is not None and family in self.later.checked
            fleet.define(family, scripts, fargate=not self.daemon, checked=checked)
        if self.daemon:
            fleet.house(2)

    def open(self, fleet: Fleet) -> None:
        """Create the service."""
        fleet.script_deployment(self.ask.service, self.script)
        fleet.create(self.ask.service, self.create["taskDefinition"], self.rest)

    def begin(self, fleet: Fleet) -> None:
        """Let things go wrong from now on."""
        fleet.refuse(self.denied)
        for fault in self.update_faults:
            fleet.fail("UpdateService", fault)
        if self.fault_rate:
            fleet.misbehave(rate=self.fault_rate, seed=self.seed)


def _configuration(random: Random, *, daemon: bool) -> dict[str, Any]:
    strategy = "ROLLING" if daemon else random.choice(["ROLLING"] * 5 + ["BLUE_GREEN", "LINEAR", "CANARY"])
    made: dict[str, Any] = {} if daemon else {"strategy": strategy}
    if random.random() < 0.5:
        made["deploymentCircuitBreaker"] = {"enable": random.random() < 0.85, "rollback": random.random() < 0.7}
    if random.random() < 0.25:
        made["alarms"] = {"alarmNames": [ALARM], "enable": True, "rollback": random.random() < 0.6}
    if strategy == "ROLLING" and not daemon and random.random() < 0.3:
        made |= random.choice(
            [
                {"minimumHealthyPercent": 0, "maximumPercent": 100},
                {"minimumHealthyPercent": 50, "maximumPercent": 150},
            ]
        )
    if strategy in STAGED:
        made["bakeTimeInMinutes"] = random.choice([0, 1, 5])
        if random.random() < 0.4:
            made["lifecycleHooks"] = [
                {
                    "targetType": "PAUSE",
                    "lifecycleStages": random.sample(
                        ["POST_SCALE_UP", "PRE_PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"], 1
                    ),
                    "timeoutConfiguration": {
                        "timeoutInMinutes": random.choice([1, 5, 60]),
                        "action": random.choice(["CONTINUE", "ROLLBACK"]),
                    },
                }
            ]
    if strategy == "LINEAR":
        made["linearConfiguration"] = {"stepPercent": 50.0, "stepBakeTimeInMinutes": 1}
    if strategy == "CANARY":
        made["canaryConfiguration"] = {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 1}
    return made


def _change(random: Random, how: str, *, daemon: bool) -> dict[str, Any]:
    if how == "refresh":
        return {}
    count = random.choice([0, 1, 2, 3, 5])
    if how == "scale":
        return {"desired_count": count}
    definition = random.choice(["good", "good", "good", "unpullable", "crashing", "slow"])
    change: dict[str, Any] = random.choice(
        [
            {"task_definition": definition},
            {"task_definition": definition},
            {"task_definition": definition},
            {"task_definition": definition},
            {"force": True},
            {"task_definition": "old"},
            {"task_definition": "old", "force": True},
            {"desired_count": count},
            {"task_definition": definition, "desired_count": count},
            {"images": {"app": "old:2"}},
        ]
    )
    if daemon:
        change = {name: value for name, value in change.items() if name != "desired_count"} or {"force": True}
    if how == "update" and "images" in change:
        change = {"task_definition": definition}
    return change


def _answer(action: str | None) -> Callable[[object], str | None]:
    def answer(_: object) -> str | None:
        return action

    return answer


_ANSWERS = {action: _answer(action) for action in ("CONTINUE", "ROLLBACK", None)}


def _options(random: Random, strategy: str, timeout: float) -> dict[str, Any]:
    options: dict[str, Any] = {"timeout": timeout}
    if random.random() < 0.3:
        options["until"] = random.choice(["stable", "stable", *(("paused", *STAGES) if strategy in STAGED else ())])
    if random.random() < 0.3:
        options["on_superseded"] = "follow"
    if strategy in STAGED:
        options["on_pause"] = random.choice(["wait", "raise", *_ANSWERS.values()])
    if random.random() < 0.3:
        options["stalled_after"] = random.choice([None, 60.0, 300.0])
    if random.random() < 0.2:
        options["max_failed_tasks"] = random.choice([1, 5, 30])
    if random.random() < 0.3:
        options["on_failure"] = "rollback"
    if random.random() < 0.3:
        options["on_timeout"] = "rollback"
    if random.random() < 0.2:
        options["poll"] = random.choice([wait_fixed(1), wait_fixed(45)])
    if random.random() < 0.1:
        options["max_polls"] = random.choice([1, 3, 10])
    return options


def _others(random: Random, moments: Sequence[float], *, daemon: bool) -> list[tuple[float, Sequence[Any]]]:
    found: list[tuple[float, Sequence[Any]]] = []
    for _ in range(random.choice([0, 0, 0, 0, 1, 1, 1, 2, 3])):
        at = max(0.0, near(random, moments)) + random.random() / 1000
        what = random.choice(
            [
                ["update", "other"],
                ["update", "old"],
                ["update", "other"],
                ["force"],
                ["stop", "ROLLBACK"],
                ["stop", "ROLLBACK"],
                ["stop", "ABORT"],
                ["answer", "CONTINUE"],
                ["answer", "ROLLBACK"],
                ["alarm"],
                ["delete"],
                ["force"] if daemon else ["scale", random.choice([0, 1, 2, 5])],
            ]
        )
        found.append((at, what))
        if what == ["delete"] and random.random() < 0.5:
            found.append((at + random.uniform(0, 150), ["create", random.choice(["old", "good"])]))
    return sorted(found, key=lambda each: each[0])
