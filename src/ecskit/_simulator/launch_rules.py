"""Check the parameters of RunTask and StartTask, before a launch: alone, together and against the task definition."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ecskit._simulator.errors import invalid, not_simulated, refused
from ecskit._simulator.fargate import check_size, cpu_units, memory_mib
from ecskit._simulator.limits import check_count, check_length

if TYPE_CHECKING:
    from ecskit._simulator.account import Account
    from ecskit._simulator.records.resources import TaskDefinition
    from ecskit._simulator.wire import Wire

MAX_TASKS = 10
MAX_TOKEN = 64
_STARTED_BY = re.compile(r"[A-Za-z0-9_/.-]{1,128}")


def runnable_definition(account: Account, reference: str) -> TaskDefinition:
    """Return the task definition of a launch.

    Raises:
        SimulatedError: `ClientException` if it does not exist or is not ACTIVE.
    """
    definition = account.find_task_definition(reference)
    if definition is None:
        raise refused("TaskDefinition not found.")
    if definition.status != "ACTIVE":
        raise refused("TaskDefinition is inactive")
    return definition


def check_run_task(request: Wire) -> None:
    """Refuse invalid parameters that only RunTask has.

    Raises:
        SimulatedError: `InvalidParameterException`.
    """
    count = request.get("count", 1)
    if not 1 <= count <= MAX_TASKS:
        raise invalid(f"count must be between 1 and {MAX_TASKS}, not {count}.")
    if "launchType" in request and request.get("capacityProviderStrategy"):
        raise invalid("Give either launchType or capacityProviderStrategy, not both.")
    check_count("placementConstraints", request.get("placementConstraints", []), least=0, most=10)
    check_count("placementStrategy", request.get("placementStrategy", []), least=0, most=5)
    check_length("clientToken", request.get("clientToken"), MAX_TOKEN)


def check_launch(definition: TaskDefinition, request: Wire) -> None:
    """Refuse invalid parameters that RunTask and StartTask share, for any launch type.

    Raises:
        SimulatedError: `InvalidParameterException`, or `NotSimulatedException` for volumes configured at launch.
    """
    if request.get("volumeConfigurations"):
        raise not_simulated("volumeConfigurations")
    started_by = request.get("startedBy")
    if started_by is not None and not _STARTED_BY.fullmatch(started_by):
        raise invalid("startedBy must be 1 to 128 letters, digits, hyphens, underscores, dots and slashes.")
    check_length("group", request.get("group"), 255)
    check_length("referenceId", request.get("referenceId"), 1024)
    if request.get("group", "").startswith("service:"):
        raise invalid("A group that starts with service: belongs to the service scheduler.")
    if request.get("propagateTags") == "SERVICE":
        raise invalid("A task without a service cannot propagate the tags of a service.")
    _check_overrides(definition, request.get("overrides", {}))
    _check_network(definition, request.get("networkConfiguration"))


def check_fargate(definition: TaskDefinition, request: Wire) -> None:
    """Refuse a launch that Fargate does not support.

    Raises:
        SimulatedError: `InvalidParameterException`, or `ClientException` for a size that Fargate does not offer.
    """
    if "FARGATE" not in definition.body["compatibilities"]:
        raise invalid("Task definition does not support launch_type FARGATE.")
    if request.get("placementConstraints") or request.get("placementStrategy"):
        raise invalid("Fargate takes neither placement constraints nor placement strategies.")
    overrides = request.get("overrides", {})
    check_size(
        cpu_units(overrides.get("cpu", definition.body["cpu"])),
        memory_mib(overrides.get("memory", definition.body["memory"])),
    )


def check_instances(request: Wire) -> None:
    """Refuse parameters that only Fargate takes.

    Raises:
        SimulatedError: `InvalidParameterException`.
    """
    if "platformVersion" in request:
        raise invalid("platformVersion is for Fargate only.")
    vpc = request.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    if vpc.get("assignPublicIp") == "ENABLED":
        raise invalid("assignPublicIp is for Fargate only.")


def _check_overrides(definition: TaskDefinition, overrides: Wire) -> None:
    names = {container["name"] for container in definition.body["containerDefinitions"]}
    for override in overrides.get("containerOverrides", []):
        name = override.get("name")
        if name not in names:
            raise invalid(f"Override for container named {name} is not a container in the TaskDefinition.")


def _check_network(definition: TaskDefinition, network: Wire | None) -> None:
    if definition.body.get("networkMode") != "awsvpc":
        if network is not None:
            raise invalid("Network Configuration is not valid for the given networkMode of this task definition.")
        return
    vpc = (network or {}).get("awsvpcConfiguration")
    if vpc is None:
        raise invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
    check_count("subnets", vpc["subnets"], most=16)
    check_count("securityGroups", vpc.get("securityGroups", []), least=0, most=5)
