"""Apply the rules about launches and services to a request, and find the task definition of a launch."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ecskit._rules.launches import CAPACITY_RULES, RUN_TASK_RULES, START_TASK_RULES, LaunchWire
from ecskit._rules.rule import find
from ecskit._simulator.errors import invalid, not_simulated, refused
from ecskit.models.tasks import RunTaskRequest, StartTaskRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ecskit._rules.rule import Rule
    from ecskit._simulator.account import Account
    from ecskit._simulator.records.resources import TaskDefinition
    from ecskit._simulator.wire import Wire

L = TypeVar("L", bound=LaunchWire)


def refuse(rules: Iterable[Rule[L]], launch: L) -> None:
    """Refuse a request that breaks a rule, with the words of ECS where they are known.

    Raises:
        SimulatedError: `InvalidParameterException`.
    """
    for finding in find(rules, launch):
        if finding.severity == "error":
            raise invalid(finding.refusal)


def check_run_task(definition: TaskDefinition, request: Wire, launch_type: str) -> None:
    """Refuse a RunTask request that breaks a rule.

    Raises:
        SimulatedError: `InvalidParameterException`, or `NotSimulatedException` for volumes configured at launch.
    """
    _check_volumes(request)
    refuse(RUN_TASK_RULES, LaunchWire(request, RunTaskRequest, definition.body, launch_type))


def check_start_task(definition: TaskDefinition, request: Wire) -> None:
    """Refuse a StartTask request that breaks a rule.

    Raises:
        SimulatedError: `InvalidParameterException`, or `NotSimulatedException` for volumes configured at launch.
    """
    _check_volumes(request)
    refuse(START_TASK_RULES, LaunchWire(request, StartTaskRequest, definition.body, "EC2"))


def check_strategy(strategy: list[Wire]) -> None:
    """Refuse a capacity provider strategy that breaks a rule.

    Raises:
        SimulatedError: `InvalidParameterException`.
    """
    refuse(CAPACITY_RULES, LaunchWire({"capacityProviderStrategy": strategy}, RunTaskRequest, {}, ""))


def _check_volumes(request: Wire) -> None:
    if request.get("volumeConfigurations"):
        raise not_simulated("volumeConfigurations")


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
