"""A scripted ECS for waits for other resources: a timeline answers the operation that describes the targets.

`support/poll_words.py` explains the words of timelines. Key: the parts of a state with `+` between them (the
functions below read them), `/` between targets, `-` for one that ECS does not show, `!500` an error.
"""

from __future__ import annotations

import importlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
from support import scripted_ecs
from support.poll_words import at, error_of, states_of

from ecskit import errors
from ecskit._api.waits import WAITS
from ecskit._core.effects import Flow, RawResponse, Send
from ecskit._core.errors import EcsError
from ecskit._polling.options import WaitOptions
from ecskit._simulator.virtual_clock import VirtualClock

HOME = "arn:aws:ecs:eu-west-1:123456789012:"
Wire = dict[str, Any]


def _cluster(id_: str, status: str) -> Wire:
    return {"clusterArn": f"{HOME}cluster/{id_}", "clusterName": id_, "status": status}


def _instance(id_: str, status: str, *more: str) -> Wire:
    """Return a container instance; `+connected`, `+agent=UPDATED`, `+running=3` and `+v7` set its members."""
    wire: Wire = {"containerInstanceArn": f"{HOME}container-instance/prod/{id_}", "status": status}
    wire["ec2InstanceId"] = f"i-{id_}"
    wire["agentConnected"] = "connected" in more
    for word in more:
        name, _, value = word.partition("=")
        if name == "agent":
            wire["agentUpdateStatus"] = value
        elif name in ("running", "pending"):
            wire[f"{name}TasksCount"] = int(value)
        elif name.startswith("v"):
            wire["version"] = int(name[1:])
        elif name == "why":
            wire["statusReason"] = value
    return wire


def _provider(id_: str, status: str, update: str | None = None, why: str | None = None) -> Wire:
    wire = {"capacityProviderArn": f"{HOME}capacity-provider/{id_}", "name": id_, "status": status}
    return wire | ({"updateStatus": update} if update else {}) | ({"updateStatusReason": why} if why else {})


def _definition(id_: str, status: str) -> Wire:
    return {"taskDefinitionArn": f"{HOME}task-definition/{id_}:1", "family": id_, "revision": 1, "status": status}


def _task_set(id_: str, status: str, stability: str | None = None, *more: str) -> Wire:
    """Return a task set; further words are its scale, running count and time of update."""
    arn = f"{HOME}task-set/prod/web/ecs-svc/{id_}"
    wire: Wire = {
        "id": f"ecs-svc/{id_}",
        "taskSetArn": arn,
        "status": status,
        "computedDesiredCount": 2,
        "runningCount": 1,
    }
    for name, value in zip(("scale", "runningCount", "updatedAt"), more, strict=False):
        wire[name] = {"value": float(value), "unit": "PERCENT"} if name == "scale" else int(value)
    return wire | ({"stabilityStatus": stability} if stability else {})


def _task(id_: str, status: str, *agents: str) -> Wire:
    """Return a task; `+app=PENDING` is a container with an agent, `+app=` one without, `+noexec` a task without."""
    wire: Wire = {"taskArn": f"{HOME}task/prod/{id_}", "lastStatus": status, "desiredStatus": "RUNNING"}
    wire["enableExecuteCommand"] = "noexec" not in agents
    if status == "STOPPED":
        wire |= {"stopCode": "EssentialContainerExited", "stoppedAt": 1.0}
    wire["containers"] = [_container(*agent.split("=")) for agent in agents if "=" in agent]
    return wire


def _container(name: str, agent: str) -> Wire:
    gone, agent = agent.startswith("exited:"), agent.removeprefix("exited:")
    agents = [{"name": "ExecuteCommandAgent", "lastStatus": agent, "reason": "out of sorts"}] if agent else []
    return {"name": name, "lastStatus": "STOPPED" if gone else "RUNNING", "managedAgents": agents}


def _daemon(id_: str, status: str) -> Wire:
    return {"daemonArn": f"{HOME}daemon/prod/{id_}", "status": status}


def _deployment(id_: str, status: str, why: str | None = None) -> Wire:
    wire = {"daemonDeploymentArn": f"{HOME}daemon-deployment/prod/log/{id_}", "status": status}
    return wire | ({"statusReason": why} if why else {})


def _daemon_definition(id_: str, status: str) -> Wire:
    arn = f"{HOME}daemon-task-definition/{id_}:1"
    return {"daemonTaskDefinitionArn": arn, "family": id_, "revision": 1, "status": status}


def _gateway(id_: str, status: str, why: str | None = None) -> Wire:
    wire = {"gatewayArn": f"{HOME}gateway/{id_}", "name": id_, "status": status}
    return wire | ({"statusReason": why} if why else {})


def _route(id_: str, status: str) -> Wire:
    return {"gatewayRouteArn": f"{HOME}gateway-route/edge/{id_}", "status": status}


def _express(id_: str, status: str, why: str | None = None) -> Wire:
    wire = {"statusCode": status} | ({"statusReason": why} if why else {})
    return {"serviceArn": f"{HOME}service/prod/{id_}", "status": wire}


@attrs.frozen
class Family:
    """How one resource type is described."""

    operation: str
    asks: str
    """The request member that holds the names."""
    answers: str
    """The response member that holds the resources."""
    wire: Callable[..., Wire]
    """Returns a resource from its id and the parts of a state."""
    unknown: str | None = None
    """The error for a resource that is not found; None if a request is for many resources."""

    def arn(self, id_: str = "a") -> str:
        """Return the ARN of a resource."""
        wire = self.wire(id_, "ACTIVE")
        return str(next(value for key, value in wire.items() if key.lower().endswith("arn")))


FAMILIES = {
    "Task": Family("DescribeTasks", "tasks", "tasks", _task),
    "Cluster": Family("DescribeClusters", "clusters", "clusters", _cluster),
    "ContainerInstance": Family("DescribeContainerInstances", "containerInstances", "containerInstances", _instance),
    "CapacityProvider": Family("DescribeCapacityProviders", "capacityProviders", "capacityProviders", _provider),
    "TaskDefinition": Family(
        "DescribeTaskDefinition", "taskDefinition", "taskDefinition", _definition, "ClientException"
    ),
    "TaskSet": Family("DescribeTaskSets", "taskSets", "taskSets", _task_set),
    "DaemonDetail": Family("DescribeDaemon", "daemonArn", "daemon", _daemon, "DaemonNotFoundException"),
    "DaemonDeployment": Family("DescribeDaemonDeployments", "daemonDeploymentArns", "daemonDeployments", _deployment),
    "DaemonTaskDefinition": Family(
        "DescribeDaemonTaskDefinition",
        "daemonTaskDefinition",
        "daemonTaskDefinition",
        _daemon_definition,
        "ClientException",
    ),
    "Gateway": Family("DescribeGateway", "gateway", "gateway", _gateway, "GatewayNotFoundException"),
    "GatewayRoute": Family(
        "DescribeGatewayRoute", "gatewayRouteArn", "gatewayRoute", _route, "ResourceNotFoundException"
    ),
    "ECSExpressGatewayService": Family(
        "DescribeExpressGatewayService", "serviceArn", "service", _express, "ResourceNotFoundException"
    ),
}
ELSEWHERE = ("Task", "Service")
"""The models whose waits have tests of their own."""
OTHERS = [name for name, (_, model) in WAITS.items() if model not in ELSEWHERE or name == "exec_agents_running"]
"""The waits for other resources than tasks and services."""


def family_of(wait: str) -> Family:
    """Return the family of the targets of a wait."""
    return FAMILIES[WAITS[wait][1]]


def flow_of(wait: str, things: Any, **options: Any) -> Flow[list[Any]]:
    """Return the flow of a wait, called as users call its method."""
    names = {field.name for field in attrs.fields(WaitOptions)}
    wait_options = WaitOptions(**{name: value for name, value in options.items() if name in names})
    own = {name: value for name, value in options.items() if name not in names}
    flow: Flow[list[Any]] = getattr(importlib.import_module(WAITS[wait][0]), wait)(
        things, **own, wait_options=wait_options
    )
    return flow


Answer = Sequence[Wire] | EcsError


def look(family: Family, word: str) -> Answer:
    """Return the answer that a word of a timeline stands for."""
    error = error_of(word, family.operation)
    return error or [family.wire(id_, *state.split("+")) for id_, state in states_of(word).items()]


@attrs.frozen(order=True)
class Ask:
    """One request."""

    now: float
    operation: str
    ids: tuple[str, ...]
    more: tuple[tuple[str, Any], ...] = ()
    """The other members of the request."""


@attrs.define
class Scripted(scripted_ecs.Scripted):
    """A transport that answers each poll with the next word of a timeline, and all later polls with the last one."""

    family: Family
    clock: VirtualClock
    answers: Sequence[Answer]
    others: Mapping[str, Callable[[Mapping[str, Any]], Wire]] = attrs.field(factory=dict)
    """The answers of other operations."""
    calls: list[Ask] = attrs.field(factory=list[Ask])
    looks: dict[float, int] = attrs.field(factory=dict[float, int])
    lock: threading.Lock = attrs.field(factory=threading.Lock)

    def answer(self, send: Send) -> RawResponse:
        """Answer a request."""
        assert send.single_attempt
        targets = send.params.get(self.family.asks, ())
        ids = (targets,) if isinstance(targets, str) else tuple(targets)
        more = tuple((name, value) for name, value in send.params.items() if name != self.family.asks)
        with self.lock:
            now = self.clock.now()
            self.calls.append(Ask(now, send.operation, ids, more))
            index = self.looks.setdefault(now, len(self.looks))
        if send.operation in self.others:
            return RawResponse(json.dumps(self.others[send.operation](send.params)).encode(), {})
        assert send.operation == self.family.operation
        answer = at(self.answers, index)
        if isinstance(answer, EcsError):
            raise answer
        return RawResponse(json.dumps(self._body(ids, answer)).encode(), {})

    def _body(self, ids: tuple[str, ...], answer: Sequence[Wire]) -> Wire:
        shown = [one for one in answer if any(_is_named(one, id_) for id_ in ids)]
        if self.family.unknown is None:
            return {self.family.answers: shown, "failures": []}
        assert len(ids) == 1
        if not shown:
            wire = {"Error": {"Code": self.family.unknown, "Message": "slow down"}}
            raise getattr(errors, self.family.unknown)(wire, self.family.operation)
        return {self.family.answers: shown[0]}


def _is_named(one: Wire, id_: str) -> bool:
    """Whether a resource has that name, id or ARN."""
    values = [value for value in one.values() if isinstance(value, str)]
    return any(value == id_ or value.endswith((f"/{id_}",)) for value in values)


@attrs.frozen
class Run(scripted_ecs.Run):
    """The result of a wait."""

    looks: int

    @property
    def verdict(self) -> str:
        """The name of its error, or ok."""
        return "ok" if self.error is None else type(self.error).__name__


def run_both(
    family: Family,
    words: str,
    flow: Callable[[], Flow[Any]],
    others: Mapping[str, Callable[[Mapping[str, Any]], Wire]] | None = None,
) -> Run:
    """Run a flow under both drivers, check that they did the same, and return the result."""
    answers = [look(family, word) for word in words.split()]
    run, scripted = scripted_ecs.run_both(lambda: Scripted(family, VirtualClock(), answers, others or {}), flow)
    return Run(run.result, run.error, run.items, run.calls, run.elapsed, len(scripted.looks))
