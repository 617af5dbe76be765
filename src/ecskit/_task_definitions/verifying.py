"""The method `task_definitions.verify`: look up what a task definition names in other services."""

from __future__ import annotations

from ecskit._core.effects import Flow, GetRegion
from ecskit._core.errors import RequestError
from ecskit._core.retrying import Retrying
from ecskit._core.wire import encode
from ecskit._verification.checks import Checks
from ecskit._verification.references import Scene
from ecskit._verification.verifying import check_timeout, verify_scene
from ecskit.models.task_definitions import (
    DescribeTaskDefinitionRequest,
    RegisterTaskDefinitionRequest,
    TaskDefinition,
)

__all__ = ["verify"]


def verify(
    definition: str | RegisterTaskDefinitionRequest | TaskDefinition, *, timeout: float | None = 60.0
) -> Flow[Checks]:
    """Verify that what a task definition names in other services exists and fits. Nothing is changed.

    Reads images in ECR with the platforms of image indexes, roles and their trust policies, secrets, parameters, log
    groups, environment files and EFS file systems, with clients that have the session and the options of this one.
    Values of secrets are not read. What cannot be read is a check that was not made, which is no failure.

    Args:
        definition: The task definition: family, family:revision, ARN or `TaskDefinition`; or a request to register one,
            such as the result of `ecskit.task_definitions.load`.
        timeout: Seconds after which nothing further is read; None for no limit. Checks that are left then are not made.
            A request that was sent before is awaited.

    Returns:
        The checks. `str` shows them.

    Raises:
        VerificationFailed: Something does not exist, or does not fit: all of it.
        RequestError: The argument is wrong; nothing was sent.
        ConfigurationError: The client wraps another one, so it cannot make clients for other services.
        CredentialsError: There are no credentials.
        ServiceError: ECS refuses a call, or the credentials are invalid or expired.
        TransportError: ECS could not be reached.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
    """
    verb = "task_definitions.verify"
    kinds = (str, RegisterTaskDefinitionRequest, TaskDefinition)
    if definition == "" or not isinstance(definition, kinds):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        shown = "''" if definition == "" else type(definition).__name__
        problem = f"expected the name, ARN or model of a task definition, or a request, got {shown}"
        raise RequestError(verb, [("definition", problem)])
    check_timeout(verb, timeout)
    given = {} if isinstance(definition, str) else encode(definition)

    def flow() -> Flow[Checks]:
        task = given
        if isinstance(definition, str):
            read = yield from Retrying(DescribeTaskDefinitionRequest(task_definition=definition)).send()
            task = encode(read.task_definition)
        arn = str(task.get("taskDefinitionArn", ""))
        region = (yield GetRegion()).get()
        scene = Scene(task, {}, region or "", arn.split(":")[4] if arn else None)
        return (yield from verify_scene(f"task definition {task.get('family')}", scene, timeout))

    return flow()
