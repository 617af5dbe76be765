"""Check the arguments of methods that take a plan: its definitions if they are given again, and its region."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from os import PathLike
from typing import Any

from ecskit._core.effects import Flow, GetRegion
from ecskit._core.errors import RequestError
from ecskit._plans.plan import Inputs, Plan
from ecskit._plans.planning import check_inputs
from ecskit._service_definitions.files import load as load_service
from ecskit._task_definitions.files import load as load_task
from ecskit.models.services import CreateServiceRequest
from ecskit.models.task_definitions import RegisterTaskDefinitionRequest, TaskDefinition

__all__ = ["check_region", "inputs_of"]


def check_region(verb: str, plan: Plan) -> Flow[None]:
    """Raise RequestError if a plan is for another region than the client."""
    region = (yield GetRegion()).get()
    planned = plan.cluster.split(":")[3]
    if region is not None and region != planned:
        raise RequestError(verb, [("plan", f"is for the region {planned}, and this client is for {region}")])


def inputs_of(
    verb: str,
    plan: Plan,
    definition: CreateServiceRequest | str | PathLike[str] | None,
    task_definition: str | PathLike[str] | TaskDefinition | RegisterTaskDefinitionRequest | None,
    variables: Mapping[str, str] | None,
) -> Inputs:
    """Return the arguments of the plan, compared with its digest if they are given again."""
    if not isinstance(plan, Plan):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        advice = "; read it with Plan.from_json" if isinstance(plan, str) else ""
        if isinstance(plan, Awaitable):
            advice = "; put await before services.plan"
        raise RequestError(verb, [("plan", f"expected a Plan, got {type(plan).__name__}{advice}")])
    if definition is None:
        if plan.inputs is None:
            problem = "the plan was read from JSON, which holds no definitions; pass them again"
            raise RequestError(verb, [("definition", problem)])
        if task_definition is not None or variables is not None:
            raise RequestError(verb, [("definition", "is absent, but task_definition or variables is given")])
        return plan.inputs
    unfilled = variables is None and isinstance(definition, (str, PathLike))
    # The file may lack the names that the plan has.
    if isinstance(definition, (str, PathLike)):
        definition = load_service(definition, variables=variables, name=plan.service)
    if isinstance(task_definition, PathLike) or str(task_definition).endswith((".json", ".yaml", ".yml")):
        path: Any = task_definition
        task_definition = load_task(path, variables=variables)
    given: Any = task_definition
    again = check_inputs(verb, definition, given, images=plan.images, cluster=plan.cluster, scale=plan.scale)
    expected = plan.inputs.digest(plan.salt) if plan.inputs else plan.digest
    if again.digest(plan.salt) != expected:
        if task_definition is None and plan.registers is not None and not plan.images:
            problem = f"is absent, and the plan registers a revision of {plan.registers}; pass it again"
            raise RequestError(verb, [("task_definition", problem)])
        problem = "they, or the values of their placeholders, are not those of the plan; pass the same, or plan again"
        problem += "; variables is absent, so no placeholder was filled" if unfilled else ""
        raise RequestError(verb, [("definition, task_definition", problem)])
    return again
