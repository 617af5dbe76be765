"""The method `services.plan`: compare a definition with the service, and change nothing."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ecskit._core.effects import DrawRandom, Flow
from ecskit._core.errors import RequestError
from ecskit._core.sizes import check_sizes
from ecskit._core.wire import encode
from ecskit._core.wording import shortened
from ecskit._deployments.arguments import Change as DeploymentChange
from ecskit._deployments.update import wanted_definition
from ecskit._plans.making import change_of, make_plan, read_current
from ecskit._plans.pinning import Pins, pinned
from ecskit._plans.plan import Inputs, Plan
from ecskit._polling.identifiers import check_cluster
from ecskit._service_definitions.diffing import check
from ecskit.models.services import (
    CreateServiceRequest,
)
from ecskit.models.task_definitions import (
    RegisterTaskDefinitionRequest,
    TaskDefinition,
)

__all__ = ["plan"]


def plan(
    definition: CreateServiceRequest,
    *,
    task_definition: str | TaskDefinition | RegisterTaskDefinitionRequest | None = None,
    images: Mapping[str, str] | None = None,
    cluster: str | None = None,
    pin_images: bool = False,
    scale: bool = False,
) -> Flow[Plan]:
    """Compare a service definition with the service, and return what an apply would register, create and change.

    Nothing is changed. A member that the definition does not state stays as it is; an empty list removes. Tags that the
    definition does not state stay, too.

    Args:
        definition: The service, such as the result of `ecskit.services.load`.
        task_definition: The task definition to deploy: family, family:revision, ARN or `TaskDefinition`; or a request,
            which an apply registers if it differs from the latest revision. If absent, that of the definition, or else
            the current one of the service.
        images: New images, by the name of the container. They change this task definition.
        cluster: Name or ARN of the cluster, if the definition has none.
        pin_images: Whether to replace the tags of images in private repositories of ECR by the digests that ECR has for
            them now. The plan shows both, and an apply deploys what was reviewed, wherever a tag has moved since.
            Images of other registries keep their tags; the plan has a note. Needs `ecr:DescribeImages`.
        scale: Whether the desired count of an existing service becomes that of the definition. Otherwise it stays as
            it is, because an autoscaler or a person may have changed it.

    Returns:
        The plan. `str` shows it, and `ecs.services.apply` carries it out.

    Raises:
        RequestError: An argument is wrong; ECR does not have an image to pin; ECS would refuse the task definition to
            register, or the creation of the service; or the definition changes what only a creation takes, such as the
            launch type.
        UnsupportedController: The service does not exist, and CodeDeploy would control its deployments.
        ClustersMissing: ECS does not show the cluster.
        ServiceError: ECS or ECR refuses a call: no permission, no such cluster or task definition.
        TransportError: The exchange with ECS failed.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
    """
    verb = "services.plan"
    inputs = check_inputs(verb, definition, task_definition, images=images, cluster=cluster, scale=scale)

    if not isinstance(pin_images, bool):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        raise RequestError(verb, [("pin_images", f"expected True or False, got {type(pin_images).__name__}")])

    def flow() -> Flow[Plan]:
        salt = f"{(yield DrawRandom()).get():032x}"
        if not pin_images:
            return (yield from make_plan(verb, inputs, salt))
        pins = yield from _pins(verb, inputs)
        made = yield from make_plan(verb, attrs.evolve(inputs, images={**inputs.images, **pins.images}), salt)
        return attrs.evolve(made, notes=(*made.notes, *pins.notes))

    return flow()


def check_inputs(
    verb: str,
    definition: CreateServiceRequest,
    task_definition: str | TaskDefinition | RegisterTaskDefinitionRequest | None,
    *,
    images: Mapping[str, str] | None,
    cluster: str | None,
    scale: bool,
) -> Inputs:
    """Return the checked arguments of a plan.

    Raises:
        RequestError: An argument is wrong.
    """
    if not isinstance(definition, CreateServiceRequest):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        problem = f"expected a CreateServiceRequest, got {type(definition).__name__}; see ecskit.services.load"
        raise RequestError(verb, [("definition", problem)])
    there = definition.cluster
    check_cluster(verb, cluster)
    check(definition if cluster is None else attrs.evolve(definition, cluster=cluster))
    if cluster is not None and there is not None and there.rpartition("/")[2] != cluster.rpartition("/")[2]:
        raise RequestError(verb, [("cluster", f"is {cluster!r}, but the definition has {there!r}; leave one out")])
    if not isinstance(scale, bool):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        raise RequestError(verb, [("scale", f"expected True or False, got {type(scale).__name__}")])
    keys = [tag.key or "" for tag in definition.tags]
    if "" in keys:
        raise RequestError(verb, [("tags", "a tag has no key")])
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise RequestError(verb, [("tags", f"the key {shortened(twice)} is given twice; remove one")])
    given = task_definition if task_definition is not None else definition.task_definition
    if given is not None or images:
        DeploymentChange(task_definition=given, images=images, force=True).check(verb)
    if isinstance(given, RegisterTaskDefinitionRequest):
        check_sizes(verb, given._operation, encode(given))
    return Inputs(
        definition=attrs.evolve(definition, cluster=cluster or there),
        task_definition=given.task_definition_arn if isinstance(given, TaskDefinition) else given,
        images=dict(images or {}),
        scale=scale,
    )


def _pins(verb: str, inputs: Inputs) -> Flow[Pins]:
    service = yield from read_current(verb, inputs.definition)
    current = service.task_definition if service else None
    wanted = yield from wanted_definition(change_of(inputs), current, verb)
    return (yield from pinned(verb, wanted, current))
