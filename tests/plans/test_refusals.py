"""What a plan refuses, before anything is changed, and what becomes of a plan whose service has changed."""

from __future__ import annotations

import asyncio
import functools
import json
import pickle
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import pytest
from service_definitions.written import (
    BALANCER,
    BREAKER,
    EC2,
    FARGATE,
    PROVIDERS,
    SECRET,
    WRITTEN,
    Wire,
    connected,
    deployed,
    mixed,
)
from support.both_clients import Ecs, then

import ecskit
from ecskit.errors import (
    ClusterNotFoundException,
    DeploymentFailed,
    PlanOutdated,
    RequestError,
    UnsupportedController,
)
from ecskit.models import CreateServiceRequest, RegisterTaskDefinitionRequest
from ecskit.services import Plan
from ecskit.testing import Simulator, TaskScript

from .support import applied, both, definition, planned, writes

EXTERNAL: Wire = {"serviceName": "web", "desiredCount": 2, "deploymentController": {"type": "EXTERNAL"}}
CODE_DEPLOY: Wire = {**FARGATE, "loadBalancers": [BALANCER], "deploymentController": {"type": "CODE_DEPLOY"}}

BAD: Wire = {
    "family": "bad",
    "requiresCompatibilities": ["FARGATE"],
    "networkMode": "awsvpc",
    "cpu": "256",
    "memory": "512",
    "containerDefinitions": [{"name": "app", "image": "app:bad"}],
}

REFUSED: dict[str, tuple[Wire | None, Wire, dict[str, Any], str]] = {
    "launch type": (
        FARGATE,
        {**FARGATE, "launchType": "EC2"},
        {},
        (
            "launch_type: only a creation takes the launch type, and the service has FARGATE; state a"
            " capacityProviderStrategy in place of it"
        ),
    ),
    "launch type of a service with providers": (
        mixed(("FARGATE_SPOT", 1, 0)),
        FARGATE,
        {},
        (
            "only a creation takes the launch type, and the service has that of its capacity providers; state"
            ' capacityProviderStrategy: [{"capacityProvider": "FARGATE", "weight": 1}] in place of it'
        ),
    ),
    "scheduling strategy": (
        EC2,
        {**EC2, "schedulingStrategy": "DAEMON", "desiredCount": None},
        {},
        "scheduling_strategy: only a creation takes it (+ scheduling_strategy: 'DAEMON'); delete the service first, or",
    ),
    "role": (
        WRITTEN["classic load balancer"],
        {**WRITTEN["classic load balancer"], "role": "other"},
        {},
        "role: only a creation takes it (~ role: 'arn:aws:iam::123456789012:role/ecsServiceRole' -> 'other'); delete",
    ),
    "EXTERNAL": (
        EXTERNAL,
        {
            **EXTERNAL,
            "deploymentConfiguration": {"maximumPercent": 150},
            "networkConfiguration": FARGATE["networkConfiguration"],
        },
        {},
        "because EXTERNAL controls the deployments of the service; network_configuration: an update does not change it",
    ),
    "CODE_DEPLOY": (
        CODE_DEPLOY,
        {**CODE_DEPLOY, "platformVersion": "1.3.0"},
        {},
        "platform_version: an update does not change it, because CODE_DEPLOY controls the deployments of the service",
    ),
    "an invalid creation": (
        None,
        {**PROVIDERS, "serviceName": "a b", "launchType": "FARGATE", "desiredCount": None},
        {},
        "desiredCount: required by the scheduling strategy REPLICA; serviceName: expected 1 to 255 letters",
    ),
    "no task definition": (
        None,
        {**FARGATE, "taskDefinition": None},
        {},
        "taskDefinition: required by the controller ECS",
    ),
    "nothing to derive from": (
        None,
        {**FARGATE, "taskDefinition": None},
        {"images": {"app": "x"}},
        "images: there is no task definition to change; pass `task_definition`",
    ),
    "an unknown container": (
        FARGATE,
        FARGATE,
        {"images": {"ap": "x"}},
        "images['ap']: the definition has no such container",
    ),
    "an invalid task definition": (
        FARGATE,
        FARGATE,
        {"task_definition": RegisterTaskDefinitionRequest.from_dict({**BAD, "cpu": "300"})},
        "task_definition.cpu: ",
    ),
    "another cluster": (
        None,
        {**FARGATE, "cluster": "prod"},
        {"cluster": "test"},
        "cluster: is 'test', but the definition has 'prod'; leave one out",
    ),
    "tags with the same key": (
        FARGATE,
        {**FARGATE, "tags": [{"key": "a", "value": "1"}] * 2},
        {},
        "tags: the key a is given twice; remove one",
    ),
    "an update that ECS would refuse": (
        {**EC2, "placementStrategy": [{"type": "random"}]},
        {**PROVIDERS, "capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]},
        {},
        "placementStrategy",
    ),
    "the desired count of a daemon": (WRITTEN["daemon"], EC2, {"scale": True}, "desiredCount"),
    "a grace period with the first load balancer": (
        FARGATE,
        {**FARGATE, "loadBalancers": [BALANCER], "healthCheckGracePeriodSeconds": 9},
        {},
        "healthCheckGracePeriodSeconds: ECS takes it only after the load balancer is there;",
    ),
    "scale": (None, FARGATE, {"scale": 1}, "scale: expected True or False, got int"),
    "task definition": (
        None,
        FARGATE,
        {"task_definition": 3},
        "task_definition: expected a family, family:revision, ARN,",
    ),
}


@pytest.mark.parametrize(("before", "wire", "arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(before: Wire | None, wire: Wire, arguments: dict[str, Any], message: str) -> None:
    """One error names all members; nothing was changed."""
    wire = {name: each for name, each in wire.items() if each is not None}
    went = both(lambda ecs: planned(ecs, wire, lambda plan: plan, **arguments), before=before)
    assert message in str(went.raised(RequestError))
    assert writes(went) == []


def test_a_task_definition_that_was_deregistered() -> None:
    """It is refused, unless the service runs it."""

    def deregister(sim: Simulator) -> None:
        sim.handle("DeregisterTaskDefinition", {"taskDefinition": "web:1"})

    wire = {**FARGATE, "taskDefinition": "web:1"}
    went = both(lambda ecs: planned(ecs, wire, lambda plan: plan), also=deregister)
    assert "task_definition: web:1 was deregistered, and ECS deploys active" in str(went.raised(RequestError))
    went = both(lambda ecs: planned(ecs, wire, lambda plan: plan), before=FARGATE, also=deregister)
    assert not went.returned().changed


def test_wrong_classes() -> None:
    """What is no definition, and no plan."""
    with Simulator(seed=1).client() as ecs:
        wrong: Any = FARGATE
        with pytest.raises(
            RequestError, match=r"definition: expected a CreateServiceRequest, got dict; see ecskit.services"
        ):
            ecs.services.plan(wrong)
        with pytest.raises(RequestError, match=r"plan: expected a Plan, got str; read it with Plan.from_json"):
            ecs.services.apply("{}")  # type: ignore[arg-type]
        unawaited: Any = asyncio.sleep(0)
        with closing(unawaited), pytest.raises(RequestError, match=r"got coroutine; put await before services.plan"):
            ecs.services.apply(unawaited)
        with pytest.raises(
            RequestError, match=r"request: expected a CreateServiceRequest, got dict; use .*services.load"
        ):
            ecs.services.create(wrong)
        with pytest.raises(RequestError, match=r"got dict; see ecskit.task_definitions.load for files, and"):
            ecs.task_definitions.register_if_changed(wrong)
        wrong = CreateServiceRequest(service_name="web", desired_count="2")  # type: ignore[arg-type]
        with pytest.raises(RequestError, match="desired_count: expected int, got str"):
            ecs.services.plan(wrong)


def test_missing_clusters_and_controllers() -> None:
    """Errors of their own."""
    went = both(lambda ecs: planned(ecs, FARGATE, lambda plan: plan, cluster="nope"))
    assert "nope" in str(went.raised(ClusterNotFoundException))
    went = both(lambda ecs: planned(ecs, CODE_DEPLOY, lambda plan: plan))
    assert "CODE_DEPLOY" in str(went.raised(UnsupportedController))


def test_what_other_controllers_take() -> None:
    """The documented subset is updated."""
    went = both(lambda ecs: applied(ecs, {**EXTERNAL, "propagateTags": "SERVICE"}), before=EXTERNAL)
    assert went.returned().service.propagate_tags == "SERVICE"
    wire = {**CODE_DEPLOY, "healthCheckGracePeriodSeconds": 30, "desiredCount": 3}
    went = both(lambda ecs: applied(ecs, wire, scale=True), before=CODE_DEPLOY)
    service = went.returned().service
    assert (service.health_check_grace_period_seconds, service.desired_count) == (30, 3)
    went = both(lambda ecs: applied(ecs, EXTERNAL))
    assert (went.returned().plan.deployment, went.returned().service.status) == ("no", "ACTIVE")


def test_a_service_that_is_being_deleted() -> None:
    """It is refused until it is gone."""

    def delete(sim: Simulator) -> None:
        sim.handle("DeleteService", {"service": "web", "force": True})

    went = both(lambda ecs: planned(ecs, FARGATE, lambda plan: plan), before=FARGATE, also=delete)
    assert "the service web is being deleted; wait with `ecs.wait.services_inactive` first" in str(went.error)


def changed_meanwhile(ecs: Ecs, change: Wire | None, **options: Any) -> Any:
    """Plan another platform version; another process changes the service; apply."""
    wire = {**FARGATE, "platformVersion": "1.4.0"}

    def go_on(plan: Plan) -> Any:
        if change is None:
            ecs.sim.handle("DeleteService", {"service": "web", "force": True})
            ecs.sim.clock.advance(600)
        else:
            ecs.sim.handle("UpdateService", {"service": "web", **change})
        return ecs.services.apply(plan, timeout=5000, **options)

    return planned(ecs, wire, go_on)


@pytest.mark.parametrize(
    ("change", "differences"),
    [
        (
            {"enableExecuteCommand": True},
            ("a member that the definition does not state, a hidden value, or the whole service",),
        ),
        (
            {"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-9"]}}},
            ("the service: ~ network_configuration.awsvpc_configuration.subnets: ['subnet-9'] -> ['subnet-1']",),
        ),
        (
            {"platformVersion": "1.3.0"},
            ("the service: ~ platform_version: '1.3.0' -> '1.4.0'",),
        ),
    ],
    ids=["unstated", "stated", "the same member"],
)
def test_a_service_that_has_changed(change: Wire, differences: tuple[str, ...]) -> None:
    """It is refused, and what is different is named; unless the caller asks for it."""
    went = both(lambda ecs: changed_meanwhile(ecs, change), before=FARGATE)
    error = went.raised(PlanOutdated)
    assert error.differences == differences
    assert str(error) == (
        f"service web has changed since the plan was made: {'; '.join(differences)}; nothing was changed. Make a new"
        " plan, or pass `require_unchanged=False`"
    )
    assert error.now.changed
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert went.requests("UpdateService") == [{"service": "web", **change}]
    went = both(lambda ecs: changed_meanwhile(ecs, change, require_unchanged=False), before=FARGATE)
    assert went.returned().service.platform_version == "1.4.0"


def logs(token: str) -> Wire:
    return connected(logConfiguration={"logDriver": "splunk", "options": {"splunk-token": token}})


@pytest.mark.parametrize("stated", [False, True], ids=["unstated", "stated"])
def test_a_hidden_value_that_has_changed(*, stated: bool) -> None:
    """It counts, and neither the error nor the plan shows it."""
    wire = logs("other") if stated else {**FARGATE, "platformVersion": "1.4.0"}
    name = "serviceConnectConfiguration"

    def act(ecs: Ecs) -> Any:
        def go_on(plan: Plan) -> Any:
            ecs.sim.handle("UpdateService", {"service": "web", name: logs(SECRET)[name]})
            return ecs.services.apply(plan, timeout=900)

        return planned(ecs, wire, go_on)

    error = both(act, before=logs("token")).raised(PlanOutdated)
    assert error.differences == ("a member that the definition does not state, a hidden value, or the whole service",)
    assert SECRET not in f"{error!r}{error.now.to_json()}"


def test_counts_are_no_change() -> None:
    """An autoscaler may change the desired count meanwhile; with `scale` it counts."""
    went = both(lambda ecs: changed_meanwhile(ecs, {"desiredCount": 5}), before=FARGATE)
    assert (went.returned().service.desired_count, went.returned().changed) == (5, True)


def test_what_was_applied_by_another_process() -> None:
    """There is nothing left to do; the deployment that is in progress is followed."""
    went = both(lambda ecs: changed_meanwhile(ecs, {"platformVersion": "1.4.0"}), before=FARGATE)
    result = went.returned()
    assert not result.changed
    assert result.progress.status == "SUCCESSFUL"
    assert went.requests("UpdateService") == [{"service": "web", "platformVersion": "1.4.0"}]


def test_a_service_that_was_deleted() -> None:
    """The plan of an update creates nothing unless asked."""
    went = both(lambda ecs: changed_meanwhile(ecs, None), before=FARGATE)
    assert "the plan was to update the service, and now is to create it" in str(went.raised(PlanOutdated))


def test_json(tmp_path: Path) -> None:
    """Another process applies the plan with the same definitions; it holds no secret of them."""
    task = tmp_path / "taskdef.json"
    app = {"name": "app", "image": "app:${TAG}", "environment": [{"name": "PASSWORD", "value": "${PASSWORD}"}]}
    task.write_text(
        json.dumps(
            {
                "family": "new",
                "containerDefinitions": [app],
                "requiresCompatibilities": ["FARGATE"],
                "networkMode": "awsvpc",
                "cpu": "256",
                "memory": "512",
            }
        )
    )
    service = tmp_path / "service.json"
    options = {"logDriver": "awslogs", "options": {"x": "${PASSWORD}"}}
    service.write_text(json.dumps({**connected(logConfiguration=options), "taskDefinition": "new"}))
    variables = {"PASSWORD": SECRET, "TAG": "2"}

    def act(ecs: Ecs, **changed: Any) -> Any:
        def go_on(plan: Plan) -> Any:
            text = plan.to_json()
            assert SECRET not in text + repr(plan) + str(plan)
            there = Plan.from_json(text)
            assert there == plan
            assert there.to_json() == text
            given = {"definition": service, "task_definition": task, "variables": variables, **changed}
            return ecs.services.apply(there, timeout=5000, **given)

        read = ecskit.services.load(service, variables=variables)
        registered = ecskit.task_definitions.load(task, variables=variables)
        return then(ecs.services.plan(read, task_definition=registered, images={"app": "app:3"}), go_on)

    went = both(act)
    went.returned()
    assert writes(went) == ["RegisterTaskDefinition", "CreateService"]
    assert went.returned().task_definition.endswith("task-definition/new:1")
    for wrong in ({"variables": {**variables, "PASSWORD": "other"}}, {"task_definition": "new"}):
        went = both(functools.partial(act, **wrong))
        assert str(went.error).endswith("are not those of the plan; pass the same, or plan again")
        assert writes(went) == []


def test_files_without_variables(tmp_path: Path) -> None:
    """The message names the argument that fills their placeholders."""
    service = tmp_path / "service.json"
    service.write_text(json.dumps({**FARGATE, "tags": [{"key": "commit", "value": "$COMMIT"}]}))
    plan = both(lambda ecs: ecs.services.plan(ecskit.services.load(service, variables={"COMMIT": "1"}))).returned()
    message = r"plan again; variables is absent, so no placeholder was filled$"
    with Simulator(seed=1).client() as ecs, pytest.raises(RequestError, match=message):
        ecs.services.apply(Plan.from_json(plan.to_json()), definition=service)


def test_json_of_the_default_cluster() -> None:
    """A definition that states no cluster is applied from JSON."""
    wire = {**FARGATE, "platformVersion": "1.4.0"}

    def act(ecs: Ecs) -> Any:
        again = {"definition": definition(wire), "timeout": 900}
        return planned(ecs, wire, lambda plan: ecs.services.apply(Plan.from_json(plan.to_json()), **again))

    went = both(act, before=FARGATE)
    assert went.returned().service.platform_version == "1.4.0"
    assert writes(went) == ["UpdateService"]


def test_json_without_definitions() -> None:
    """They are asked for, both as they were."""
    plan = both(lambda ecs: planned(ecs, FARGATE, lambda plan: plan)).returned()
    with Simulator(seed=1).client() as ecs:
        with pytest.raises(RequestError, match="the plan was read from JSON, which holds no definitions; pass"):
            ecs.services.apply(Plan.from_json(plan.to_json()))
        with pytest.raises(RequestError, match="definition: is absent, but task_definition or variables is given"):
            ecs.services.apply(plan, variables={})
        with pytest.raises(RequestError, match="definition, task_definition: they, or the values"):
            ecs.services.apply(plan, definition=definition({**FARGATE, "desiredCount": 3}))
        registers = attrs.evolve(Plan.from_json(plan.to_json()), registers="web")
        message = "task_definition: is absent, and the plan registers a revision of web; pass it again"
        with pytest.raises(RequestError, match=message):
            ecs.services.apply(registers, definition=definition({**FARGATE, "desiredCount": 3}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "expected the result of `to_json`"),
        ("[]", "expected the result of `to_json`"),
        ('{"ecskit_plan": 9}', "the plan has format 9, this version of ecskit reads format 1"),
        ('{"ecskit_plan": 1, "service": "web"}', "parts of it are missing or changed"),
    ],
)
def test_wrong_json(text: str, message: str) -> None:
    """Something else, another version, and what was changed."""
    with pytest.raises(RequestError, match=f"^Plan: text: .*{message}"):
        Plan.from_json(text)


@pytest.mark.parametrize("member", ["service", "cluster", "action", "deployment", "state", "images", "scale", "salt"])
def test_json_that_was_changed(member: str) -> None:
    """A member of another type is an error at once."""
    plan = both(lambda ecs: planned(ecs, FARGATE, lambda plan: plan)).returned()
    text = json.dumps({**json.loads(plan.to_json()), member: None})
    with pytest.raises(RequestError, match=r"^Plan: text: .*parts of it are missing or changed"):
        Plan.from_json(text)


def test_plans_for_elsewhere() -> None:
    """A plan of another region or account is refused before anything is changed."""
    plan = both(lambda ecs: planned(ecs, FARGATE, lambda plan: plan)).returned()
    with Simulator(seed=1).client() as ecs:
        region = attrs.evolve(plan, cluster=plan.cluster.replace("us-east-1", "eu-west-1"))
        with pytest.raises(RequestError, match="plan: is for the region eu-west-1, and this client is for us-east-1"):
            ecs.services.apply(region)
    account = plan.cluster.replace("123456789012", "999999999999")
    went = both(lambda ecs: ecs.services.apply(attrs.evolve(plan, cluster=account)))
    assert f"plan: is for {account}, and the credentials of this client are for {plan.cluster}" in str(went.error)
    assert writes(went) == []


def test_rollback_of_a_creation() -> None:
    """There is nothing to roll back to: the service stays, and the error reports that."""
    wire = deployed(deploymentCircuitBreaker={**BREAKER, "rollback": False})
    fail = lambda sim: sim.script("web", TaskScript.fails_to_pull("manifest unknown"))  # noqa: E731
    went = both(lambda ecs: applied(ecs, wire, options={"on_failure": "rollback"}), also=fail)
    assert isinstance(went.error, DeploymentFailed)
    assert "the service was created and is left as it is, because there is no earlier revision to roll back to" in str(
        went.error
    )
    assert [each.status for each in went.sim.services("web")] == ["ACTIVE"]
    quiet = both(lambda ecs: applied(ecs, wire), also=fail)
    assert "left as it is" not in str(quiet.error)


def test_rollback_of_an_update() -> None:
    """The options are those of `deploy`."""
    bad = RegisterTaskDefinitionRequest.from_dict(BAD)
    went = both(
        lambda ecs: applied(ecs, FARGATE, task_definition=bad, options={"on_failure": "rollback"}),
        before=deployed(deploymentCircuitBreaker={**BREAKER, "rollback": False}),
        also=lambda sim: sim.script("bad", TaskScript.fails_to_pull("manifest unknown")),
    )
    assert type(went.error).__name__ == "DeploymentRolledBack"
    assert went.runs == "web:1"
    assert definition(FARGATE).service_name == "web"
