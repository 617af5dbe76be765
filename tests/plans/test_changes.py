"""Plans of changes: what they show is what the simulator shows as changed afterwards, and the deployment follows."""

from __future__ import annotations

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
from support.both_clients import Ecs, aend_of, end_of, then

from ecskit._service_definitions.diffing import diff
from ecskit.models import RegisterTaskDefinitionRequest, Service, UpdateServiceRequest
from ecskit.services import Plan
from ecskit.testing import Fault, SimulatedError, Simulator

from .support import applied, both, planned, writes

TASK = RegisterTaskDefinitionRequest.from_dict(
    {
        "family": "web",
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [{"name": "app", "image": "app:2", "portMappings": [{"containerPort": 80}]}],
    }
)
MOVED = {"awsvpcConfiguration": {"subnets": ["subnet-1", "subnet-2"], "assignPublicIp": "ENABLED"}}

CHANGES: dict[str, tuple[Wire, Wire, dict[str, Any], str, list[str]]] = {
    "network": (
        FARGATE,
        {**FARGATE, "networkConfiguration": MOVED},
        {},
        "yes",
        [
            "~ network_configuration.awsvpc_configuration.subnets: ['subnet-1'] -> ['subnet-1', 'subnet-2']",
            "+ network_configuration.awsvpc_configuration.assign_public_ip: 'ENABLED'",
        ],
    ),
    "load balancer": (
        FARGATE,
        {**FARGATE, "loadBalancers": [BALANCER]},
        {},
        "yes",
        [
            (
                f"+ load_balancers['{BALANCER['targetGroupArn']} app']: {{'target_group_arn': "
                f"'{BALANCER['targetGroupArn']}', 'container_name': 'app', 'container_port': 80}}"
            )
        ],
    ),
    "no load balancer": (
        WRITTEN["load balancer"],
        {**FARGATE, "loadBalancers": []},
        {},
        "yes",
        [
            (
                f"- load_balancers['{BALANCER['targetGroupArn']} app']: {{'target_group_arn': "
                f"'{BALANCER['targetGroupArn']}', 'container_name': 'app', 'container_port': 80}}"
            ),
            "- health_check_grace_period_seconds: 60",
        ],
    ),
    "platform version": (
        FARGATE,
        {**FARGATE, "platformVersion": "1.4.0"},
        {},
        "yes",
        ["+ platform_version: '1.4.0'"],
    ),
    "service connect": (
        FARGATE,
        connected(),
        {},
        "yes",
        ["+ service_connect_configuration: {'enabled': True, 'namespace': 'local'}"],
    ),
    "capacity providers": (
        mixed(("FARGATE", 1, 0)),
        mixed(("FARGATE", 1, 1), ("FARGATE_SPOT", 3, 0)),
        {},
        "yes",
        [
            "+ capacity_provider_strategy['FARGATE'].base: 1",
            "+ capacity_provider_strategy['FARGATE_SPOT']: {'capacity_provider': 'FARGATE_SPOT', 'weight': 3}",
        ],
    ),
    "launch type to capacity providers": (
        FARGATE,
        mixed(("FARGATE_SPOT", 1, 0)),
        {},
        "yes",
        [
            "+ capacity_provider_strategy['FARGATE_SPOT']: {'capacity_provider': 'FARGATE_SPOT', 'weight': 1}",
            "- launch_type: 'FARGATE'",
        ],
    ),
    "breaker": (
        deployed(maximumPercent=150),
        deployed(deploymentCircuitBreaker=BREAKER),
        {},
        "no",
        ["+ deployment_configuration.deployment_circuit_breaker: {'enable': True, 'rollback': True}"],
    ),
    "settings": (
        {**FARGATE, "propagateTags": "SERVICE"},
        {**FARGATE, "propagateTags": "NONE", "enableECSManagedTags": True, "availabilityZoneRebalancing": "DISABLED"},
        {},
        "no",
        [
            "~ availability_zone_rebalancing: 'ENABLED' -> 'DISABLED'",
            "+ enable_ecs_managed_tags: True",
            "- propagate_tags: 'SERVICE'",
        ],
    ),
    "exec": (FARGATE, {**FARGATE, "enableExecuteCommand": True}, {}, "unknown", ["+ enable_execute_command: True"]),
    "placement": (
        EC2,
        {**EC2, "placementStrategy": [{"type": "binpack", "field": "cpu"}]},
        {},
        "no",
        ["+ placement_strategy: [{'type': 'binpack', 'field': 'cpu'}]"],
    ),
    "count": (FARGATE, {**FARGATE, "desiredCount": 4}, {"scale": True}, "no", ["~ desired_count: 2 -> 4"]),
    "tags": (
        WRITTEN["tags"],
        {**WRITTEN["tags"], "tags": [{"key": "team", "value": "web"}, {"key": "new", "value": "1"}]},
        {},
        "no",
        ["~ tags['team']: 'shop' -> 'web'", "+ tags['new']: '1'"],
    ),
    "daemon": (
        {**WRITTEN["daemon"], "deploymentConfiguration": {"minimumHealthyPercent": 25}},
        {**WRITTEN["daemon"], "deploymentConfiguration": {"minimumHealthyPercent": 50}},
        {},
        "no",
        ["~ deployment_configuration.minimum_healthy_percent: 25 -> 50"],
    ),
    "other task definition": (
        {**FARGATE, "taskDefinition": "web:1"},
        {**FARGATE, "taskDefinition": "other"},
        {},
        "yes",
        ["~ task_definition: 'web:1' -> 'other:1'"],
    ),
}


def other(sim: Simulator) -> None:
    sim.handle("RegisterTaskDefinition", {**TASK.to_dict(), "family": "other"})


@pytest.mark.parametrize(("before", "after", "arguments", "deployment", "lines"), CHANGES.values(), ids=CHANGES)
def test_changes(before: Wire, after: Wire, arguments: dict[str, Any], deployment: str, lines: list[str]) -> None:
    """Planning changes nothing. The apply changes what the plan shows, once, and no more."""
    plans: list[Plan] = []
    described: list[Service] = []

    def service(ecs: Ecs) -> None:
        found = ecs.sim.handle("DescribeServices", {"services": ["web"], "include": ["TAGS"]})["services"][0]
        described.append(Service.from_dict(found))

    def act(ecs: Ecs) -> Any:
        def go_on(plan: Plan) -> Any:
            plans.append(plan)
            service(ecs)
            return then(ecs.services.apply(plan, timeout=5000), lambda _: again())

        def again() -> Any:
            service(ecs)
            return planned(ecs, after, plans.append, **arguments)

        return planned(ecs, after, go_on, **arguments)

    went = both(act, before=before, also=other)
    went.returned()
    plan, empty, *_ = plans
    old, new, *_ = described
    assert [str(each) for each in plan.changes] == lines
    assert plan.deployment == deployment
    assert [*empty.changes] == []
    sent = writes(went)
    assert sent == [
        *(["TagResource"] if "tags" in lines[0] else []),
        *(["UpdateService"] if plan.action == "update" else []),
    ]
    # What the simulator shows as changed is what the plan shows.
    shown = {str(each) for each in diff(old, new)}
    expected = set(lines) | ({"~ desired_count: 2 -> 4"} if arguments else set())
    assert shown == expected
    if deployment != "unknown":
        assert (old.deployments[0].id != new.deployments[0].id) is (deployment == "yes")


def test_registration() -> None:
    """A task definition that differs is registered; images change it; the second time nothing differs."""
    plans: list[Plan] = []
    wire = {name: each for name, each in FARGATE.items() if name != "taskDefinition"}
    images = {"app": "app:3"}

    def act(ecs: Ecs) -> Any:
        def again(result: Any) -> Any:
            plans.append(result.plan)
            return applied(ecs, wire, task_definition=TASK, images=images)

        return then(applied(ecs, wire, task_definition=TASK, images=images), again)

    went = both(act, before=FARGATE)
    assert str(plans[0]) == (
        "register a revision of web\n  + container_definitions['app'].image: 'app:1' -> 'app:3'\n".replace("+", "~", 1)
        + "  - container_definitions['app'].memory: 64\n"
        "  - container_definitions['app'].port_mappings['80/tcp'].name: 'http'\n"
        "  - container_definitions['app'].port_mappings['81/tcp']: {'container_port': 81, 'name': 'admin'}\n"
        "update service web of default in us-east-1, account 123456789012: a deployment follows\n"
        "  ~ task_definition: 'web:1' -> 'a new revision of web'"
    )
    result = went.returned()
    assert not result.changed
    assert (result.task_definition or "").endswith("task-definition/web:2")
    assert writes(went) == ["RegisterTaskDefinition", "UpdateService"]
    [sent] = went.requests("UpdateService")
    assert sent.keys() == {"service", "cluster", "taskDefinition"}


def test_images_of_the_current_task_definition() -> None:
    """Without another task definition, images change the one that the service runs."""
    wire = {name: each for name, each in FARGATE.items() if name != "taskDefinition"}
    went = both(lambda ecs: applied(ecs, wire, images={"app": "app:9"}), before=FARGATE)
    [sent] = went.requests("RegisterTaskDefinition")
    assert [each["image"] for each in sent["containerDefinitions"]] == ["app:9"]
    assert went.returned().progress.status == "SUCCESSFUL"
    assert str(went.returned()).startswith("service web was changed: deployment ")
    assert str(went.returned()).endswith("): SUCCESSFUL, 2 of 2 tasks running")


def test_the_desired_count_stays() -> None:
    """The plan shows it; a creation takes it."""
    went = both(lambda ecs: planned(ecs, {**FARGATE, "desiredCount": 7}, lambda plan: plan), before=FARGATE)
    plan = went.returned()
    assert str(plan) == (
        "service web of default in us-east-1, account 123456789012: nothing to change\n"
        "  note: the desired count stays 2; the definition has 7, which `scale=True` applies"
    )
    assert not plan.changed
    assert went.operations == ["DescribeServices", "DescribeTaskDefinition"]


def test_the_whole_deployment_configuration_is_sent() -> None:
    """Members that the definition does not state stay as they are."""
    before = deployed(maximumPercent=150, deploymentCircuitBreaker=BREAKER)
    went = both(lambda ecs: applied(ecs, deployed(minimumHealthyPercent=50)), before=before)
    [sent] = went.requests("UpdateService")
    configuration = sent["deploymentConfiguration"]
    assert configuration["deploymentCircuitBreaker"] == BREAKER
    assert (configuration["minimumHealthyPercent"], configuration["maximumPercent"]) == (50, 150)


@pytest.mark.parametrize("fault", [Fault.reset(after_effect=True), Fault.reset(), Fault.throttled()], ids=str)
@pytest.mark.parametrize(
    "wire", [{**FARGATE, "networkConfiguration": MOVED}, mixed(("FARGATE_SPOT", 1, 0))], ids=["network", "forced"]
)
def test_lost_responses(fault: Fault, wire: Wire) -> None:
    """The change takes effect once."""
    went = both(lambda ecs: applied(ecs, wire), before=FARGATE, also=lambda sim: sim.fail("UpdateService", fault))
    result = went.error or went.returned().progress.status
    if "capacityProviderStrategy" in wire and fault == Fault.reset():
        assert type(result).__name__ == "ConnectionFailedError"  # a forced deployment is not repeated blindly
        assert went.error is not None
    else:
        assert result == "SUCCESSFUL"
        assert len(went.sim.deployments("web")) == 2


FAULTS = [
    SimulatedError("AccessDeniedException", "no"),
    Fault.reset(),
    Fault.reset(after_effect=True),
    Fault.server_error(after_effect=True),
]


@pytest.mark.parametrize("operation", ["DescribeServices", "RegisterTaskDefinition", "TagResource", "UpdateService"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda each: getattr(each, "code", None) or str(each))
def test_an_apply_that_fails_is_repeated(operation: str, fault: Any) -> None:
    """Wherever it ends, the service is as before or as planned, and the second call leads there, once."""
    wire = {**FARGATE, "taskDefinition": None, "platformVersion": "1.4.0", "tags": [{"key": "a", "value": "1"}]}
    wire = {name: each for name, each in wire.items() if each is not None}

    def act(ecs: Ecs) -> Any:
        def go_on(plan: Plan) -> Any:
            ecs.sim.fail(operation, fault, times=1)
            first = end_of(lambda _: ecs.services.apply(plan, timeout=5000), ecs) if ecs.colour == "sync" else None
            return (
                again(plan)
                if first
                else then(aend_of(lambda _: ecs.services.apply(plan, timeout=5000), ecs), lambda _: again(plan))
            )

        def again(plan: Plan) -> Any:
            return ecs.services.apply(plan, timeout=5000)

        return planned(ecs, wire, go_on, task_definition=TASK)

    went = both(act, before=FARGATE)
    result = went.returned()
    assert result.service.platform_version == "1.4.0"
    assert result.task_definition.endswith("/web:2")
    assert len(went.sim.deployments("web")) == 2
    assert [
        each["value"]
        for each in went.sim.handle("ListTagsForResource", {"resourceArn": result.service.service_arn})["tags"]
    ] == ["1"]


def test_unknown_members() -> None:
    """They are not compared; an update of others sends them, and the plan has a note."""
    wire = {**FARGATE, "newMember": {"x": SECRET}}
    note = "  note: newMember is unknown to ecskit and not compared; an update of other members sends it"
    plan = both(lambda ecs: planned(ecs, wire, lambda plan: plan), before=FARGATE).returned()
    assert (plan.changed, str(plan).splitlines()[-1]) == (False, note)
    wire["platformVersion"] = "1.4.0"
    plan = both(lambda ecs: planned(ecs, wire, lambda plan: plan), before=FARGATE).returned()
    assert plan.steps.request.extra_fields == {"newMember": {"x": SECRET}}
    assert SECRET not in str(plan) + plan.to_json()


def test_requests_are_typed() -> None:
    """What is left to send is in the plan, for programs that look at it."""
    plan = both(
        lambda ecs: planned(ecs, {**FARGATE, "platformVersion": "1.4.0"}, lambda plan: plan), before=FARGATE
    ).returned()
    request = plan.steps.request
    assert isinstance(request, UpdateServiceRequest)
    assert request.platform_version == "1.4.0"
    assert attrs.evolve(plan) == plan
    assert PROVIDERS != FARGATE
