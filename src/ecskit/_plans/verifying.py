"""The method `services.verify`: look up what the definitions of a plan name in other services."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

from ecskit._core.effects import Flow
from ecskit._core.retrying import Retrying
from ecskit._core.wire import encode
from ecskit._plans.given import check_region, inputs_of
from ecskit._plans.making import make_plan
from ecskit._plans.plan import Inputs, Plan, Steps
from ecskit._service_definitions.files import to_create_request
from ecskit._verification.checks import Checks
from ecskit._verification.references import Scene
from ecskit._verification.verifying import check_timeout, verify_scene
from ecskit.models.services import CreateServiceRequest
from ecskit.models.task_definitions import (
    DescribeTaskDefinitionRequest,
    RegisterTaskDefinitionRequest,
    TaskDefinition,
)

__all__ = ["verify"]


def verify(
    plan: Plan,
    *,
    definition: CreateServiceRequest | str | PathLike[str] | None = None,
    task_definition: str | PathLike[str] | TaskDefinition | RegisterTaskDefinitionRequest | None = None,
    variables: Mapping[str, str] | None = None,
    timeout: float | None = 60.0,
) -> Flow[Checks]:
    """Verify that what a plan will deploy finds what it names in other services. Nothing is changed.

    Reads images in ECR with the platforms of image indexes, roles and their trust policies, secrets, parameters, log
    groups, environment files, EFS file systems, target groups, subnets and security groups, with clients that have the
    session and the options of this one. Values of secrets are not read. What cannot be read is a check that was not
    made, such as an image in another registry, or a role without permission to read it. This is no failure. What is
    looked up of which resource, and what is not, is in docs/deploying-from-files.md.

    Args:
        plan: What `services.plan` or `Plan.from_json` returned.
        definition: The definition again, or the path of its file, after `Plan.from_json`, as for `services.apply`.
        task_definition: The task definition again, after `Plan.from_json`, as for `services.apply`.
        variables: The values of placeholders, if `definition` or `task_definition` are paths.
        timeout: Seconds after which nothing further is read; None for no limit. Checks that are left then are not made.
            A request that was sent before is awaited.

    Returns:
        The checks of the task definition, then those of the service. `str` shows them.

    Raises:
        VerificationFailed: Something does not exist, or does not fit: all of it.
        RequestError: An argument is wrong, or the plan is for another region, or the definitions are not those of the
            plan; nothing was sent.
        ConfigurationError: The client wraps another one, so it cannot make clients for other services.
        CredentialsError: There are no credentials.
        ServiceError: ECS refuses a call, or the credentials are invalid or expired.
        TransportError: ECS could not be reached.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
    """
    verb = "services.verify"
    inputs = inputs_of(verb, plan, definition, task_definition, variables)
    check_timeout(verb, timeout)

    def flow() -> Flow[Checks]:
        yield from check_region(verb, plan)
        made = plan
        if plan.steps is None:
            made = yield from make_plan(verb, inputs, plan.salt)
        steps = made.steps or Steps()
        _, _, _, region, account, _ = made.cluster.split(":", 5)
        scene = Scene((yield from _task(made, steps)), _service(inputs, steps), region, account)
        return (yield from verify_scene(f"service {plan.service}", scene, timeout))

    return flow()


def _service(inputs: Inputs, steps: Steps) -> dict[str, Any]:
    """Return the service as it will be: what the definition does not state stays."""
    before = encode(to_create_request(steps.before)) if steps.before is not None else {}
    return {**before, **encode(inputs.definition)}


def _task(plan: Plan, steps: Steps) -> Flow[dict[str, Any]]:
    """Return the task definition that will be deployed; empty if there is none."""
    if steps.registration is not None:
        return encode(steps.registration)
    name = plan.task_definition or (steps.before.task_definition if steps.before is not None else None)
    if not name:
        return {}
    read = yield from Retrying(DescribeTaskDefinitionRequest(task_definition=name)).send()
    return encode(read.task_definition)
