"""Build the configuration of an Express service from a request: defaults, earlier values and checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.errors import invalid
from ecskit._simulator.fargate import check_size, cpu_units, memory_mib
from ecskit._simulator.launch_rules import runnable_definition

if TYPE_CHECKING:
    from ecskit._simulator.account import Account
    from ecskit._simulator.records.timed_resources import TimedResource
    from ecskit._simulator.wire import Wire

_MAIN = "Main"

# Members that a request must not have together with `taskDefinitionArn`.
_IN_TASK_DEFINITION = ("primaryContainer", "executionRoleArn", "taskRoleArn", "cpu", "memory", "cpuArchitecture")

_DEFAULTS: Wire = {
    "healthCheckPath": "/ping",
    "networkConfiguration": {"securityGroups": ["sg-default"], "subnets": ["subnet-default1", "subnet-default2"]},
    "scalingTarget": {
        "minTaskCount": 1,
        "maxTaskCount": 20,
        "autoScalingMetric": "AVERAGE_CPU",
        "autoScalingTargetValue": 60,
    },
}
_TASK_DEFAULTS: Wire = {"cpu": "256", "memory": "512", "cpuArchitecture": "X86_64"}


def check_request(account: Account, request: Wire) -> None:
    """Refuse invalid members of a request for an Express service.

    Raises:
        SimulatedError: `InvalidParameterException` or `ClientException`.
    """
    if "taskDefinitionArn" in request:
        for member in _IN_TASK_DEFINITION:
            if member in request:
                raise invalid(f"{member} cannot be given together with taskDefinitionArn.")
        _check_definition(account, request["taskDefinitionArn"])
    if not request.get("healthCheckPath", "/").startswith("/"):
        raise invalid(f"healthCheckPath must start with a slash: {request['healthCheckPath']!r}.")
    scaling = {**_DEFAULTS["scalingTarget"], **request.get("scalingTarget", {})}
    if not 0 <= scaling["minTaskCount"] <= scaling["maxTaskCount"]:
        raise invalid("minTaskCount must be from 0 to maxTaskCount.")


def _check_definition(account: Account, reference: str) -> None:
    definition = runnable_definition(account, reference)
    containers = [each for each in definition.body["containerDefinitions"] if each["name"] == _MAIN]
    ports = [port for each in containers for port in each["portMappings"]]
    if len(ports) != 1 or ports[0]["protocol"] != "tcp" or "name" not in ports[0] or "containerPort" not in ports[0]:
        raise invalid(f"The task definition needs a container named {_MAIN} with one named TCP port.")
    if "FARGATE" not in definition.body["compatibilities"]:
        raise invalid("The task definition is not registered for Fargate.")


def configured(account: Account, service: TimedResource, request: Wire) -> Wire:
    """Return the configuration of a request over the latest configuration of the service.

    Raises:
        SimulatedError: `InvalidParameterException` for a service without a container, `ClientException` for a size that
            Fargate does not offer.
    """
    last: Wire = service.internal["configuration"]
    configuration = {name: {**_DEFAULTS, **last, **request}[name] for name in _DEFAULTS}
    if "scalingTarget" in request:
        old = {**_DEFAULTS, **last}["scalingTarget"]
        configuration["scalingTarget"] = {**old, **request["scalingTarget"]}
    if "taskDefinitionArn" in request:
        definition = runnable_definition(account, request["taskDefinitionArn"])
        return {**configuration, "taskDefinitionArn": definition.arn}
    given = {name: request[name] for name in _IN_TASK_DEFINITION if name in request}
    if last and not given:
        given = {name: last[name] for name in ("taskDefinitionArn", *_IN_TASK_DEFINITION) if name in last}
        return {**configuration, **given}
    return {**configuration, **_managed(account, service, {**_TASK_DEFAULTS, **_without_definition(last), **given})}


def _without_definition(last: Wire) -> Wire:
    return {name: last[name] for name in _IN_TASK_DEFINITION if name in last}


def _managed(account: Account, service: TimedResource, task: Wire) -> Wire:
    """Return the task members of a request, with the ARN of the task definition that ECS generates for them."""
    for needed in ("executionRoleArn", "primaryContainer"):
        if needed not in task:
            raise invalid(f"Without a taskDefinitionArn, {needed} is required.")
    check_size(cpu_units(task["cpu"]), memory_mib(task["memory"]))
    container = {"containerPort": 80, **task["primaryContainer"]}
    family = account.arns.name("service", service.arn).replace("/", "-")
    arn = account.arns.ecs("task-definition", f"{family}:{service.internal['deployments'] + 1}")
    return {**task, "primaryContainer": container, "taskDefinitionArn": arn}
