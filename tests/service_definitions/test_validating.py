"""Validate services: the rules of the simulator, unknown members, placeholders and wrong types."""

from __future__ import annotations

from typing import Any

import pytest

from ecskit.errors import RequestError
from ecskit.models import CreateServiceRequest, TaskDefinition
from ecskit.services import raise_for_findings, validate
from ecskit.testing import SimulatedError, Simulator

from .test_diffing import described
from .written import BALANCER, EC2, FARGATE, PROVIDERS, SECRET, WRITTEN, Wire, deployed, prepare


def service(wire: Wire) -> CreateServiceRequest:
    return CreateServiceRequest.from_dict(wire)


def task(family: str) -> TaskDefinition:
    sim = Simulator(seed=1)
    prepare(sim)
    found = sim.handle("DescribeTaskDefinition", {"taskDefinition": family})["taskDefinition"]
    return TaskDefinition.from_dict(found)


def test_nothing_is_found_in_what_ecs_takes() -> None:
    """As a request, and as ECS describes it; with the task definition and without."""
    tasks = {family: task(family) for family in ("web", "agent")}
    for name, wire in WRITTEN.items():
        definition = tasks[wire["taskDefinition"].partition(":")[0]]
        for form in (service(wire), described(wire)):
            assert validate(form) == [], name
            assert validate(form, task_definition=definition) == [], name


WRONG: dict[str, tuple[Wire, list[str]]] = {
    "name": ({**FARGATE, "serviceName": "web page"}, ["serviceName: expected 1 to 255 letters, digits, hyphens and"]),
    "port": (
        {**FARGATE, "loadBalancers": [{**BALANCER, "containerPort": 8080}]},
        ["loadBalancers[0].containerPort: no port mapping of the container has the port 8080"],
    ),
    "container": (
        {**FARGATE, "loadBalancers": [{**BALANCER, "containerName": "ap"}]},
        ["loadBalancers[0].containerName: the task definition has no such container"],
    ),
    "count": ({**FARGATE, "desiredCount": None}, ["desiredCount: required by the scheduling strategy REPLICA"]),
    "blocked": (
        deployed(minimumHealthyPercent=100, maximumPercent=100),
        ["deploymentConfiguration: minimumHealthyPercent and maximumPercent cannot both be 100"],
    ),
    "both": (
        {**FARGATE, "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}]},
        ["launchType: "],
    ),
    "network": ({**FARGATE, "networkConfiguration": None}, ["networkConfiguration: "]),
}


@pytest.mark.parametrize(("wire", "messages"), WRONG.values(), ids=WRONG)
def test_what_ecs_refuses(wire: Wire, messages: list[str]) -> None:
    """The simulator refuses it, too."""
    found = validate(service(wire), task_definition=task("web"))
    assert [message for message in messages if not any(str(each).startswith(message) for each in found)] == []
    assert len(found) == len(messages)
    sim = Simulator(seed=1)
    prepare(sim)
    with pytest.raises(SimulatedError):
        sim.handle("CreateService", {name: each for name, each in wire.items() if each is not None})
    with pytest.raises(RequestError) as caught:
        raise_for_findings(found)
    assert str(caught.value).startswith(f"definition: {messages[0]}")


def test_what_is_probably_not_meant() -> None:
    """Unknown members, values of enums, and placeholders; sources are the pages of CreateService."""
    wire = {**EC2, "desired_count": 1, "propagateTags": "service", "cluster": "${CLUSTER}", "launchType": "$TYPE"}
    found = validate(service({**wire, "tags": [{"key": "a", "value": "$A"}, {"key": "b", "value": "5 $A"}]}))
    assert [str(each) for each in found] == [
        'cluster: "${CLUSTER}" holds a placeholder that was not filled (hint)',
        "desired_count: unknown member, left out by ECS; did you mean desiredCount? (hint)",
        'launchType: "$TYPE" holds a placeholder that was not filled',
        'propagateTags: "service" is not a value of propagateTags; did you mean SERVICE?',
        'tags[0].value: "$A" holds a placeholder that was not filled (hint)',
    ]
    assert {each.source.rpartition("_")[2] for each in found} == {"CreateService.html"}


def test_task_definition() -> None:
    """With it, the service needs none; capacity providers show where it runs."""
    without = {name: each for name, each in PROVIDERS.items() if name != "taskDefinition"}
    without["capacityProviderStrategy"] = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    assert [each.path for each in validate(service(without))] == ["taskDefinition"]
    assert validate(service(without), task_definition=task("web")) == []
    assert [each.rule for each in validate(service(without), task_definition=task("agent"))] != []


def test_wrong_arguments() -> None:
    """Wrong types are findings; other classes are errors."""
    wrong: Any = SECRET
    found = validate(CreateServiceRequest(service_name="web", desired_count=wrong))
    assert [(each.path, each.rule, each.message) for each in found] == [
        ("desiredCount", "type", "expected int, got str")
    ]
    with pytest.raises(RequestError, match="definition: expected a CreateServiceRequest or a Service, got str"):
        validate(wrong)
    with pytest.raises(RequestError, match="task_definition: expected a task definition, got str"):
        validate(service(FARGATE), task_definition=wrong)
