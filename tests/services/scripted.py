"""A scripted ECS for deployments: what each read shows is a timeline of words; time is virtual, and all is recorded.

A script has a timeline for the service and one for each service deployment, by the number of the deployment; seconds
count from the request that began the script. `2=I:1f3 1=C` is a service whose PRIMARY deployment is ecs-svc/2: it is
IN_PROGRESS (C is COMPLETED, F FAILED, `-` has no rollout state), runs 1 task, and 3 have failed; `back` behind it says
that a rollback made it PRIMARY; `d4`, `r2` and `p1` are counts of the service, `cur1` what it calls its current service
deployment, a word in capitals its status, `gone` a service that is not shown. `IN_PROGRESS@BAKE_TIME!h1` is a service
deployment in a stage, paused by the hook h1, `!h1~90` by one that expires after 90 s and rolls it back then,
`!h1=IN_PROGRESS` has a hook with another status, `ROLLBACK_SUCCESSFUL>1: tripped` one that went back to revision 1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import attrs
from support import scripted_ecs
from support.poll_words import ERRORS

from ecskit._core.effects import RawResponse, Send
from ecskit._simulator.virtual_clock import EPOCH, VirtualClock
from ecskit.testing import Counting

HOME = "arn:aws:ecs:eu-west-1:123456789012:"
SERVICE, CLUSTER = f"{HOME}service/prod/web", f"{HOME}cluster/prod"
NAMES = {"C": "COMPLETED", "I": "IN_PROGRESS", "F": "FAILED", "-": None}
BORN_BEFORE = 1000.0
"""Seconds by which the first deployment is older than all else."""
BEHIND = 10.0
"""Seconds by which a replica is behind."""
_DEPLOYMENT = re.compile(r"(?P<number>\d+)=(?P<state>[CIF-])(:(?P<running>\d+))?(f(?P<failed>\d+))?(?P<back>back)?")
_ROLLOUT = re.compile(
    r"(?P<status>\w+)(@(?P<stage>\w+))?(!(?P<hook>\w+)(=(?P<state>\w+))?(~(?P<expires>\d+))?)?"
    r"(>(?P<to>\d+))?(?P<tripped>\*)?(: (?P<why>.*))?"
)
READS = (
    "DescribeServices",
    "ListServiceDeployments",
    "DescribeServiceDeployments",
    "ListTasks",
    "DescribeTasks",
)
Wire = dict[str, Any]


def definition(number: int | str) -> str:
    """Return the ARN of the task definition that a deployment is of."""
    return f"{HOME}task-definition/web:{number}"


def rollout_arn(number: int | str) -> str:
    """Return the ARN of a service deployment."""
    return f"{HOME}service-deployment/prod/web/D{number}"


@attrs.frozen(kw_only=True)
class Script:
    """What is true from a request on."""

    service: Mapping[float, str]
    rollouts: Mapping[int, Mapping[float, str]] = attrs.field(factory=dict[int, Mapping[float, str]])
    tasks: Mapping[float, str] = attrs.field(factory=dict[float, str])
    """Stopped tasks: by when they stopped, the number of their deployment and why, or `3 x 2: why` for three. A reason
    that begins with `*` is a stop code and the reason of a task that had run."""
    live: Mapping[float, str] = attrs.field(factory=dict[float, str])
    """Live tasks: the number of their deployment, status and health: `2 x 1: RUNNING, 2: RUNNING UNHEALTHY`."""


@attrs.frozen(kw_only=True)
class World:
    """A whole story: what is there first, and what each request that changes something leads to."""

    before: str = "1=C"
    answer: str = "2=I:0 1=C"
    """The service as UpdateService answers it."""
    update: Script
    again: Script | None = None
    """What a second UpdateService leads to."""
    stopped: Script | None = None
    continued: Script | None = None
    turned: Script | None = None
    """What a hook leads to that is answered with ROLLBACK."""
    refused: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Operations that are always refused, and the word of `support.poll_words.ERRORS` that says how."""
    faults: Mapping[str, Mapping[int, str]] = attrs.field(factory=dict[str, Mapping[int, str]])
    """The error that the n-th request of an operation meets, from 0, in the same words."""
    stale: tuple[str, int] | None = None
    """The read that a replica that is behind answers, and which one of its kind it is since UpdateService."""
    times: str = "all"
    """Which times there are: all; without `updatedAt`; none of deployments."""
    lists_after: float = 0.0
    """Seconds by which ListServiceDeployments lags."""
    odd_numbers: bool = False
    """Whether service revisions are numbered otherwise than deployments."""
    nulls: bool = False
    """Whether members are null that need not be there."""
    controller: str | None = "ECS"
    counting: Counting = "zero_first"
    """How desired counts of deployments are shown; the words hold what is true."""
    breaker: Mapping[str, bool] | None = attrs.field(factory=lambda: {"enable": True, "rollback": True})


@attrs.define
class Scripted(scripted_ecs.Scripted):
    """A transport that answers by a world."""

    world: World
    clock: VirtualClock = attrs.field(factory=VirtualClock)
    calls: list[tuple[float, str, Wire]] = attrs.field(factory=list[tuple[float, str, Wire]])
    script: Script | None = None
    began: float = 0.0
    counts: dict[str, int] = attrs.field(factory=dict[str, int])
    since: dict[str, int] = attrs.field(factory=dict[str, int])
    updates: int = 0

    def answer(self, send: Send) -> RawResponse:
        """Answer a request."""
        operation, params = send.operation, dict(send.params)
        self.calls.append((round(self.clock.now(), 6), operation, json.loads(json.dumps(params, default=str))))
        count = self.counts[operation] = self.counts.get(operation, -1) + 1
        word = self.world.refused.get(operation) or self.world.faults.get(operation, {}).get(count)
        if word:
            raise ERRORS[word](operation)
        answer = self.shown(operation, params) if operation in READS else getattr(self, f"_{operation}")(params)
        return RawResponse(json.dumps(answer).encode(), {})

    def shown(self, operation: str, params: Wire) -> Wire:
        """Return what a read shows."""
        at = self.clock.now() - self.began
        if self.script is not None:
            nth = self.since[operation] = self.since.get(operation, -1) + 1
            at -= BEHIND if self.world.stale == (operation, nth) else 0.0
        return self.as_of(at, operation, params)

    def as_of(self, at: float, operation: str, params: Wire) -> Wire:
        """Return what a read shows of a moment of the script."""
        shown: Wire = getattr(self, f"_{operation}")(params, at)
        return shown

    def _then(self, script: Script | None) -> None:
        assert script is not None, "unexpected request"
        self.script, self.began = script, self.clock.now()

    def _UpdateService(self, _: Wire) -> Wire:  # noqa: N802  # an operation's name
        self._then(self.world.again if self.updates else self.world.update)
        self.updates += 1
        return {"service": self.service(self.world.answer if self.updates == 1 else self._word(0.0), 0.0)}

    def _StopServiceDeployment(self, params: Wire) -> Wire:  # noqa: N802  # the same
        self._then(self.world.stopped)
        return {"serviceDeploymentArn": params["serviceDeploymentArn"]}

    def _ContinueServiceDeployment(self, params: Wire) -> Wire:  # noqa: N802  # the same
        assert params["hookId"]
        self._then(self.world.continued if params["action"] == "CONTINUE" else self.world.turned)
        return {"serviceDeploymentArn": params["serviceDeploymentArn"]}

    def _DescribeServices(self, params: Wire, at: float) -> Wire:  # noqa: N802  # the same
        assert len(params["services"]) == 1
        word = self._word(at)
        return {"services": [] if word == "gone" else [self.service(word, at)], "failures": []}

    def _ListServiceDeployments(self, params: Wire, at: float) -> Wire:  # noqa: N802  # the same
        at -= self.world.lists_after
        since = params.get("createdAt", {}).get("after")
        after = since.timestamp() if since else 0.0
        shown = [self.rollout(number, at) for number in sorted(self._rollouts(), reverse=True)]
        briefs = [
            {
                "serviceDeploymentArn": each["serviceDeploymentArn"],
                "serviceArn": SERVICE,
                "clusterArn": CLUSTER,
                "status": each["status"],
                "createdAt": each["createdAt"],
                "targetServiceRevisionArn": each["targetServiceRevision"]["arn"],
            }
            for each in shown
            if each is not None and each["createdAt"] >= after
        ]
        return {"serviceDeployments": briefs, **({"nextToken": None} if self.world.nulls else {})}

    def _DescribeServiceDeployments(self, params: Wire, at: float) -> Wire:  # noqa: N802  # the same
        numbers = [int(arn.rsplit("D", 1)[-1]) for arn in params["serviceDeploymentArns"]]
        shown = [self.rollout(number, at) for number in numbers]
        return {"serviceDeployments": [each for each in shown if each is not None], "failures": []}

    def _ListTasks(self, params: Wire, at: float) -> Wire:  # noqa: N802  # the same
        tasks = self._tasks(at) if params["desiredStatus"] == "STOPPED" else self._live(at)
        return {"taskArns": [task["taskArn"] for task in tasks]}

    def _DescribeTasks(self, params: Wire, at: float) -> Wire:  # noqa: N802  # the same
        there = [*self._tasks(at), *self._live(at)]
        return {"tasks": [task for task in there if task["taskArn"] in params["tasks"]], "failures": []}

    # What is true.

    def _word(self, at: float) -> str:
        shown = _latest(self.script.service, at) if self.script else None
        return shown[1] if shown else self.world.before

    def _rollouts(self) -> Mapping[int, Mapping[float, str]]:
        return self.script.rollouts if self.script else {}

    def service(self, word: str, at: float) -> Wire:
        """Return a service as a word has it."""
        since = _latest(self.script.service, at) if self.script else None
        changed = EPOCH + self.began + (since[0] if since else -BORN_BEFORE)
        shown: Wire = {
            "serviceArn": SERVICE,
            "serviceName": "web",
            "clusterArn": CLUSTER,
            "status": "ACTIVE",
            "desiredCount": 2,
            "createdAt": EPOCH - 2 * BORN_BEFORE,
            "events": [],
            "deployments": [],
        }
        if self.world.breaker:
            shown["deploymentConfiguration"] = {"deploymentCircuitBreaker": self.world.breaker}
        if self.world.controller:
            shown["deploymentController"] = {"type": self.world.controller}
        names = {"d": "desiredCount", "r": "runningCount", "p": "pendingCount"}
        for part in word.split():
            if part.startswith("cur"):
                shown["currentServiceDeployment"] = rollout_arn(part[3:])
            elif part[0] in names and part[1:].isdigit():
                shown[names[part[0]]] = int(part[1:])
            elif part.isupper() and "=" not in part:
                shown["status"] = part
        for part in word.split():
            if found := _DEPLOYMENT.fullmatch(part):
                status = "ACTIVE" if shown["deployments"] else "PRIMARY"
                shown["deployments"].append(self._deployment(found, status, shown["desiredCount"], changed))
        self._count(shown["deployments"])
        shown.setdefault("runningCount", sum(each["runningCount"] for each in shown["deployments"]))
        shown.setdefault("pendingCount", 0)
        if shown["deployments"]:
            shown["taskDefinition"] = shown["deployments"][0]["taskDefinition"]
        return shown

    def _deployment(self, found: re.Match[str], status: str, desired: int, changed: float) -> Wire:
        number, state = int(found["number"]), NAMES[found["state"]]
        running = found["running"] or (desired if state in ("COMPLETED", None) else 0)
        shown: Wire = {
            "id": f"ecs-svc/{number}",
            "status": status,
            "taskDefinition": definition(number),
            "desiredCount": desired,
            "runningCount": int(running),
            "pendingCount": 0,
            "failedTasks": int(found["failed"] or 0),
            "createdAt": self._born(number),
            "updatedAt": changed,
        }
        if state:
            shown["rolloutState"] = state
            shown["rolloutStateReason"] = f"ECS deployment ecs-svc/{number} is {state}."
        if found["back"]:
            shown["rolloutStateReason"] = "circuit breaker: rolling back to deployment ecs-svc/1."
        if self.world.nulls:
            shown |= {"networkConfiguration": None, "capacityProviderStrategy": None}
        dropped = {"all": (), "no updates": ("updatedAt",), "none": ("createdAt", "updatedAt")}[self.world.times]
        return {name: value for name, value in shown.items() if name not in dropped}

    def _count(self, deployments: list[Wire]) -> None:
        """Show other desired counts than all for each deployment, where one replaces another by another policy."""
        if len(deployments) < 2 or self.world.counting == "at_once":
            return
        primary, *others = deployments
        begun = primary.get("rolloutState") != "IN_PROGRESS" or primary["runningCount"] > 0
        if self.world.counting == "stepwise" and primary.get("rolloutState") == "IN_PROGRESS":
            for each in deployments:
                each["desiredCount"] = min(each["desiredCount"], each["runningCount"])
        elif begun:
            for each in others:
                each["desiredCount"] = 0
        else:
            primary["desiredCount"] = 0

    def _born(self, number: int) -> float:
        """Return when a deployment was made: the first moment at which anything of it is to be seen."""
        if number == 1 or self.script is None:
            return EPOCH - BORN_BEFORE
        if number == 2:  # the one that is deployed: with the answer
            return EPOCH
        shown = [at for at, word in self.script.service.items() if f"{number}=" in word]
        return EPOCH + self.began + min([*shown, *self._rollouts().get(number, {})], default=0.0)

    def rollout(self, number: int, at: float) -> Wire | None:
        """Return a service deployment as it is at a moment, None if it is not there."""
        now = _latest(self._rollouts().get(number, {}), at)
        if now is None or now[1] == "-":
            return None
        found = _ROLLOUT.fullmatch(now[1])
        assert found, now
        revision = number + 50 if self.world.odd_numbers else number
        shown: Wire = {
            "serviceDeploymentArn": rollout_arn(number),
            "serviceArn": SERVICE,
            "clusterArn": CLUSTER,
            "status": found["status"],
            "createdAt": self._born(number) + 0.5,
            "targetServiceRevision": {"arn": f"{HOME}service-revision/prod/web/{revision}", "runningTaskCount": 0},
        }
        if "1=" in self.world.before:
            shown["sourceServiceRevisions"] = [{"arn": f"{HOME}service-revision/prod/web/1"}]
        if found["stage"]:
            shown["lifecycleStage"] = found["stage"]
        if found["why"]:
            shown["statusReason"] = found["why"]
        if found["tripped"]:
            shown["deploymentCircuitBreaker"] = {"status": "TRIGGERED", "failureCount": 3, "threshold": 3}
        if found["hook"]:
            hook: Wire = {"hookId": found["hook"], "status": found["state"] or "AWAITING_ACTION"}
            if found["expires"]:
                hook |= {"expiresAt": EPOCH + self.began + int(found["expires"]), "timeoutAction": "ROLLBACK"}
            shown["lifecycleHookDetails"] = [hook]
        if found["to"]:
            shown["rollback"] = {"serviceRevisionArn": f"{HOME}service-revision/prod/web/{found['to']}"}
        if found["status"] in ("STOPPED", "ROLLBACK_SUCCESSFUL", "SUCCESSFUL"):
            shown["finishedAt"] = EPOCH + self.began + now[0]
        if self.world.nulls:
            shown |= {
                "alarms": None,
                "rollback": shown.get("rollback"),
                "stoppedAt": None,
                "lifecycleHookDetails": None,
            }
        return shown

    def _tasks(self, at: float) -> list[Wire]:
        tasks: list[Wire] = []
        for when, word in (self.script.tasks if self.script else {}).items():
            if when > at:
                continue
            count, _, shown = word.rpartition(" x ")
            number, _, why = shown.partition(": ")
            tasks += [
                {
                    "taskArn": f"{HOME}task/prod/{number}-{when:g}-{n}",
                    "lastStatus": "STOPPED",
                    "desiredStatus": "STOPPED",
                    "startedBy": f"ecs-svc/{number}",
                    **_ended(why, EPOCH + self.began + when),
                }
                for n in range(int(count or 1))
            ]
        return tasks

    def _live(self, at: float) -> list[Wire]:
        now = _latest(self.script.live, at) if self.script else None
        tasks: list[Wire] = []
        for word in now[1].split(", ") if now else ():
            count, _, rest = word.rpartition(" x ")
            number, _, state = rest.partition(": ")
            status, _, health = state.partition(" ")
            tasks += [
                {
                    "taskArn": f"{HOME}task/prod/live-{number}-{status}-{n}",
                    "lastStatus": status,
                    "desiredStatus": "RUNNING",
                    "startedBy": f"ecs-svc/{number}",
                    "healthStatus": health or "UNKNOWN",
                }
                for n in range(int(count or 1))
            ]
        return tasks


@attrs.define
class Compared(Scripted):
    """The same, and it keeps which reads a replica that is behind would answer otherwise."""

    differ: set[tuple[str, int]] = attrs.field(factory=set[tuple[str, int]])
    """The operations, and which one of its kind it is since UpdateService."""

    def shown(self, operation: str, params: Wire) -> Wire:
        """Return what a read shows."""
        shown = super().shown(operation, params)
        stale = self.as_of(self.clock.now() - self.began - BEHIND, operation, params)
        if self.script is not None and shown != stale:
            self.differ.add((operation, self.since[operation]))
        return shown


def _ended(why: str, at: float) -> Wire:
    """Return how a task ended: it failed to start, or after `*` and a stop code it stopped."""
    if not why.startswith("*"):
        return {"stopCode": "TaskFailedToStart", "stoppedReason": why, "stoppingAt": at}
    code, _, reason = why[1:].partition(" ")
    shown: Wire = {"stopCode": code, "stoppedReason": reason, "stoppingAt": at, "startedAt": at - 5}
    if code == "EssentialContainerExited":
        shown["containers"] = [{"name": "app", "exitCode": int(reason or 0)}]
        shown["stoppedReason"] = "Essential container in task exited"
    return shown


def _latest(timeline: Mapping[float, str], at: float) -> tuple[float, str] | None:
    """Return the last entry that is not after a moment."""
    past = [(when, word) for when, word in timeline.items() if when <= at]
    return max(past) if past else None
