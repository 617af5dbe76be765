"""Wrong arguments: a RequestError names verb and parameter before anything is sent, for each verb and parameter."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from support import both_clients
from support.both_clients import Ecs

from ecskit import AsyncDeploymentHandle, DeploymentHandle
from ecskit._facades.sync_services import ServiceVerbs
from ecskit._plans.plan import Inputs
from ecskit.errors import RequestError
from ecskit.models import CreateServiceRequest, DeploymentConfiguration
from ecskit.services import Plan, StartedDeployment
from ecskit.task_definitions import Difference
from ecskit.testing import Simulator

from .support import both

STARTED = StartedDeployment(service="web", cluster="default", deployment_id="ecs-svc/1")
ARN = "arn:aws:ecs:us-east-1:123456789012:service-deployment/default/web/abc"

PATIENCE: list[tuple[str, Any]] = [
    ("timeout", -1),
    ("timeout", "soon"),
    ("timeout", float("nan")),
    ("max_polls", 0),
    ("max_polls", 1.5),
    ("poll", 5),
    ("visibility_grace", -1),
    ("visibility_grace", None),
    ("on_poll", "print"),
]
FOLLOWING: list[tuple[str, Any]] = [
    ("until", "done"),
    ("until", None),
    ("until", ["deployed"]),
    ("on_superseded", "ignore"),
    ("on_pause", "continue"),
    ("on_pause", 7),
    ("on_pause", ["wait"]),
    ("stalled_after", -1),
    ("stalled_after", "20m"),
    ("max_failed_tasks", 0),
    ("max_failed_tasks", 2.5),
    ("max_failed_tasks", True),
    ("stable_for", -1),
    ("stable_for", "2m"),
    ("stable_for", True),
    ("pause_timeout", -0.5),
    ("pause_timeout", [60]),
]
REMEDY: list[tuple[str, Any]] = [
    (name, value) for name in ("on_failure", "on_timeout", "on_cancel") for value in ("undo", None, ["leave"])
]
CHANGE: list[tuple[str, Any]] = [
    ("cluster", 7),
    ("images", "image:2"),
    ("images", {"app": 7}),
    ("images", ["app"]),
    ("environment", {"app": "MODE"}),
    ("environment", ["app"]),
    ("secrets", "TOKEN"),
    ("secrets", {"app": {"TOKEN": 7}}),
    ("task_definition", ""),
    ("task_definition", 7),
    ("task_definition", {"family": "web"}),
    ("force", "yes"),
    ("force", 1),
    ("desired_count", "2"),
    ("desired_count", -1),
    ("desired_count", True),
    ("strategy", 7),
    ("deployment_configuration", {"strategy": "ROLLING"}),
    ("require_idle", None),
]
SERVICE: list[tuple[str, Any]] = [("service", ""), ("service", None), ("service", 7), ("service", ["web"])]


@attrs.frozen
class Verb:
    """A verb, with arguments that are right, and values of its parameters that are not."""

    call: Callable[[Ecs], Any]
    right: dict[str, Any]
    wrong: list[tuple[str, Any]]
    name: str


def of(name: str, right: dict[str, Any], *wrong: list[tuple[str, Any]]) -> Verb:
    return Verb(lambda ecs: getattr(ecs.services, name), right, [each for some in wrong for each in some], name)


def handle(name: str, right: dict[str, Any], *wrong: list[tuple[str, Any]]) -> Verb:
    def call(ecs: Ecs) -> Any:
        kind = DeploymentHandle if ecs.colour == "sync" else AsyncDeploymentHandle
        return getattr(kind(ecs.services._runtime, STARTED), name)

    return Verb(call, right, [each for some in wrong for each in some], name)


WEB = {"service": "web"}
REQUEST = CreateServiceRequest(service_name="x", task_definition="web")
PLAN = Plan(
    service="x",
    cluster="arn:aws:ecs:us-east-1:123456789012:cluster/default",
    action="none",
    changes=Difference(),
    state="",
    salt="00",
    inputs=Inputs(definition=REQUEST),
)
PAUSE: list[tuple[str, Any]] = [("pause_autoscaling", value) for value in (None, 1, "yes")]
COUNTS: list[tuple[str, Any]] = [("desired_count", value) for value in (-1, "2", 1.5, None, True)]
VERBS: dict[str, Verb] = {
    "deploy": of("deploy", {**WEB, "force": True}, SERVICE, CHANGE, FOLLOWING, REMEDY, PATIENCE, PAUSE),
    "start_deployment": of("start_deployment", {**WEB, "force": True}, SERVICE, CHANGE),
    "rollback": of("rollback", WEB, SERVICE, [("cluster", 7), ("to", ""), ("to", 7)], PATIENCE),
    "history": of("history", WEB, SERVICE, [("cluster", 7)]),
    "resume_autoscaling": of("resume_autoscaling", WEB, SERVICE, [("cluster", 7)]),
    "scale": of(
        "scale",
        {**WEB, "desired_count": 1},
        SERVICE,
        [("cluster", 7), ("until", "x"), ("until", None)],
        COUNTS,
        PATIENCE,
    ),
    "refresh": of("refresh", WEB, SERVICE, [("cluster", 7)], FOLLOWING, REMEDY, PATIENCE),
    "create": of(
        "create",
        {"request": REQUEST},
        [
            ("request", value)
            for value in (None, {"serviceName": "x"}, CreateServiceRequest(service_name="x", client_token=""))
        ],
        FOLLOWING,
        PATIENCE,
    ),
    "plan": of(
        "plan",
        {"definition": REQUEST},
        [("definition", value) for value in (None, "web", {"serviceName": "x"})],
        [(name, value) for name, value in CHANGE if name in ("task_definition", "images", "cluster")],
        [(name, value) for name in ("scale", "pin_images") for value in (None, 1, "yes")],
    ),
    "verify": of(
        "verify",
        {"plan": PLAN},
        [("plan", value) for value in (None, "{}", 7)],
        [("definition", 7), ("task_definition", 7), ("variables", {})],
        [("timeout", value) for value in (-1, "soon", float("nan"))],
    ),
    "apply": of(
        "apply",
        {"plan": PLAN},
        [("plan", value) for value in (None, "{}", 7)],
        [("definition", 7), ("task_definition", 7), ("variables", {}), ("require_unchanged", 1)],
        FOLLOWING,
        REMEDY,
        PATIENCE,
        PAUSE,
    ),
    "watch": of(
        "watch",
        {"deployments": [STARTED]},
        [("deployments", value) for value in ("", "web", None, 7, [7], ["web"], [STARTED, STARTED])],
        FOLLOWING,
        REMEDY,
        PATIENCE,
    ),
    "delete": of("delete", WEB, SERVICE, [("cluster", 7), ("until", "x"), ("force", "yes"), ("force", 1)], PATIENCE),
    "deployment": of("deployment", {"deployment": STARTED}, [("deployment", value) for value in ("", "web", None, 7)]),
    "handle.wait": handle("wait", {}, FOLLOWING, REMEDY, PATIENCE),
    "handle.events": handle("events", {}, FOLLOWING, REMEDY, PATIENCE),
    "handle.stop": handle("stop", {}, PATIENCE),
    "handle.rollback": handle("rollback", {}, PATIENCE),
    "handle.continue_deployment": handle(
        "continue_deployment",
        {"hook": "h"},
        [("hook", ""), ("hook", None), ("hook", 7), ("action", "GO"), ("action", None), ("action", ["GO"])],
    ),
    "wait.deployment": Verb(
        lambda ecs: ecs.wait.deployment,
        {"deployment": STARTED},
        [*FOLLOWING, *PATIENCE, ("deployment", 7), ("deployment", "web")],
        "deployment",
    ),
    "wait.service_deployment": Verb(
        lambda ecs: ecs.wait.service_deployment,
        {"service_deployment": ARN},
        [*FOLLOWING, *PATIENCE, ("service_deployment", 7), ("service_deployment", "web")],
        "service_deployment",
    ),
}
CASES = [(verb, name, value) for verb, case in VERBS.items() for name, value in case.wrong]
ALSO = {"service_deployment": ("deployment",), "deployments": ("deployment",), "desired_count": ("desiredCount",)}
"""What a parameter may also be called."""


@pytest.mark.parametrize(("verb", "name", "value"), CASES, ids=[f"{v}-{n}-{x!r:.30}" for v, n, x in CASES])
def test_a_wrong_argument(verb: str, name: str, value: object) -> None:
    """One RequestError that names the parameter; nothing is sent, and nothing is awaited before."""
    case = VERBS[verb]
    went = both_clients.both(lambda ecs: case.call(ecs)(**{**case.right, name: value}), Simulator)
    assert isinstance(went.error, RequestError), repr(went.error)
    assert [] == went.operations
    assert any(each in str(went.error) for each in (name, *ALSO.get(name, ()))), str(went.error)
    assert (
        case.name.rsplit(".", 1)[-1] in str(went.error) or "Request" in str(went.error) or "derive" in str(went.error)
    )


NEEDED = {"self", "allow_missing", "tags", "services", "scheduling_strategy", "launch_type", "namespace"}
READS = {"describe", "explain", "history", "iter", "logs", "roll_back"}


def test_every_parameter_is_in_the_table() -> None:
    """Each of each verb but `cancel`, which the driver checks."""
    missing: list[str] = []
    for kind, prefix in ((ServiceVerbs, ""), (DeploymentHandle, "handle.")):
        for name, method in vars(kind).items():
            if name.startswith("_") or name in READS or not callable(method):
                continue
            tested = (
                {parameter for parameter, _ in VERBS[prefix + name].wrong} if prefix + name in VERBS else set[str]()
            )
            parameters = set(inspect.signature(method).parameters) - NEEDED - {"cancel"}
            missing += [f"{prefix}{name}.{each}" for each in sorted(parameters - tested)]
    assert [] == missing


@pytest.mark.parametrize("verb", [name for name in VERBS if name not in ("deployment", "handle.continue_deployment")])
def test_cancel_is_an_event(verb: str) -> None:
    """Sync methods that take `cancel` check its type."""
    case = VERBS[verb]
    ecs = Ecs.sync(Simulator())
    if "cancel" not in inspect.signature(case.call(ecs)).parameters:
        assert verb in ("start_deployment", "plan", "verify", "history", "resume_autoscaling")
        return
    went = both_clients.perform(lambda ecs: case.call(ecs)(**case.right, cancel="now"), ecs)
    assert "cancel" in str(went.raised(RequestError))
    assert [] == went.operations


@pytest.mark.parametrize("verb", ["deploy", "start_deployment"])
def test_nothing_to_deploy(verb: str) -> None:
    """RequestError lists what could be given."""
    went = both(lambda ecs: getattr(ecs.services, verb)("web"))
    assert "nothing to deploy" in str(went.raised(RequestError))
    assert [] == went.operations


def test_what_cannot_be_combined() -> None:
    """A strategy belongs into the configuration."""
    configuration = DeploymentConfiguration(maximum_percent=100)
    went = both(lambda ecs: ecs.services.deploy("web", strategy="ROLLING", deployment_configuration=configuration))
    assert "strategy" in str(went.raised(RequestError))
    assert [] == went.operations


@pytest.mark.parametrize("what", [{"images": {"nope": "x"}}, {"environment": {"nope": {}}}, {"secrets": {"nope": {}}}])
def test_containers_that_are_not_there(what: dict[str, Any]) -> None:
    """They are named, with those that are there, and nothing is registered or changed."""
    went = both(lambda ecs: ecs.services.deploy("web", **what))
    assert "nope" in str(went.raised(RequestError))
    assert {"DescribeServices", "DescribeTaskDefinition"} >= set(went.operations)
