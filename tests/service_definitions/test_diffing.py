"""What counts as a difference between two services, and what ECS fills in."""

from __future__ import annotations

from typing import Any

import pytest

from ecskit.errors import RequestError
from ecskit.models import CreateServiceRequest, Service
from ecskit.services import diff, load, to_create_request
from ecskit.testing import Simulator

from .written import BALANCER, BREAKER, FARGATE, HOOK, SECRET, WRITTEN, Wire, connected, deployed, mixed, prepare


def described(wire: Wire) -> Service:
    """Return a service as ECS describes it after its creation."""
    sim = Simulator(seed=1)
    prepare(sim)
    sim.handle("CreateService", wire)
    [service] = sim.handle("DescribeServices", {"services": ["web"], "include": ["TAGS"]})["services"]
    return Service.from_dict(service)


@pytest.mark.parametrize("name", WRITTEN)
def test_what_ecs_fills_in_is_no_difference(name: str) -> None:
    """A described service equals the request that created it, both ways, and so does what `load` makes of it."""
    request = CreateServiceRequest.from_dict(WRITTEN[name])
    service = described(WRITTEN[name])
    # ECS shows the revision of a family.
    expected = [] if ":" in str(request.task_definition) else ["task_definition"]
    assert [each.path for each in diff(request, service)] == expected
    assert [each.path for each in diff(service, request)] == expected
    read = load(service.to_dict())
    assert read == to_create_request(service)
    assert not diff(read, service)
    assert not diff(service, read)


CHANGED: dict[str, tuple[Wire, Wire, list[str]]] = {
    "count": (FARGATE, {**FARGATE, "desiredCount": 3}, ["~ desired_count: 2 -> 3"]),
    "percentages": (
        deployed(minimumHealthyPercent=100),
        deployed(minimumHealthyPercent=50, maximumPercent=150),
        [
            "+ deployment_configuration: {'maximum_percent': 150, 'minimum_healthy_percent': 50}",
        ],
    ),
    "circuit breaker": (
        deployed(deploymentCircuitBreaker=BREAKER, maximumPercent=300),
        deployed(maximumPercent=300),
        ["- deployment_configuration.deployment_circuit_breaker: {'enable': True, 'rollback': True}"],
    ),
    "hooks": (
        deployed(lifecycleHooks=[HOOK]),
        deployed(lifecycleHooks=[{**HOOK, "lifecycleStages": [*HOOK["lifecycleStages"]][::-1]}]),
        [],
    ),
    "load balancer": (
        {**FARGATE, "loadBalancers": [BALANCER]},
        {**FARGATE, "loadBalancers": [{**BALANCER, "containerPort": 8080}], "healthCheckGracePeriodSeconds": 30},
        [
            f"~ load_balancers['{BALANCER['targetGroupArn']} app'].container_port: 80 -> 8080",
            "+ health_check_grace_period_seconds: 30",
        ],
    ),
    "providers": (
        mixed(("FARGATE", 1, 0), ("FARGATE_SPOT", 1, 0)),
        mixed(("FARGATE_SPOT", 2, 0), ("FARGATE", 1, 0)),
        ["~ capacity_provider_strategy['FARGATE_SPOT'].weight: 1 -> 2"],
    ),
    "secret option": (
        connected(logConfiguration={"logDriver": "awslogs", "options": {"a": SECRET}}),
        connected(logConfiguration={"logDriver": "awslogs", "options": {"a": f"{SECRET}2"}}),
        ["~ service_connect_configuration.log_configuration.options['a']: changed"],
    ),
    "unknown member": (
        {**FARGATE, "newMember": SECRET},
        {**FARGATE, "newMember": f"{SECRET}2"},
        ["~ extra_fields['newMember']: changed"],
    ),
    "tags": (
        {**FARGATE, "tags": [{"key": "a", "value": "1"}, {"key": "aws:x", "value": "1"}]},
        {**FARGATE, "tags": [{"key": "a", "value": "2"}]},
        ["~ tags['a']: '1' -> '2'"],
    ),
    "names and ARNs": (
        {**FARGATE, "cluster": "arn:aws:ecs:x:1:cluster/default", "role": "arn:aws:iam::1:role/x/own"},
        {**FARGATE, "role": "own"},
        [],
    ),
    "public address": (
        FARGATE,
        {
            **FARGATE,
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-2"], "assignPublicIp": "ENABLED"}},
        },
        [
            "~ network_configuration.awsvpc_configuration.subnets: ['subnet-1'] -> ['subnet-2']",
            "+ network_configuration.awsvpc_configuration.assign_public_ip: 'ENABLED'",
        ],
    ),
    "field": (
        {**FARGATE, "placementStrategy": [{"type": "spread", "field": "host"}, {"type": "binpack", "field": "MEMORY"}]},
        {
            **FARGATE,
            "placementStrategy": [{"type": "spread", "field": "instanceId"}, {"type": "binpack", "field": "memory"}],
        },
        [],
    ),
}


@pytest.mark.parametrize(("old", "new", "lines"), CHANGED.values(), ids=CHANGED)
def test_changes(old: Wire, new: Wire, lines: list[str]) -> None:
    """Each change has a line, without secrets."""
    found = diff(CreateServiceRequest.from_dict(old), CreateServiceRequest.from_dict(new))
    assert [str(each) for each in found] == lines
    assert SECRET not in repr(found)


def test_wrong_arguments() -> None:
    """What is no service definition, and wrong types."""
    right = CreateServiceRequest.from_dict(FARGATE)
    wrong: Any = {"serviceName": "web"}
    with pytest.raises(RequestError, match="definition: expected a CreateServiceRequest or a Service, got dict"):
        diff(right, wrong)
    with pytest.raises(RequestError, match="desired_count: expected int, got str"):
        diff(CreateServiceRequest(service_name="web", desired_count="2"), right)  # type: ignore[arg-type]
