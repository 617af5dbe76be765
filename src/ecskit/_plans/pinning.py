"""Replace the tags of images by their digests, as ECR has them now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from ecskit._core.effects import Flow
from ecskit._core.errors import RequestError, ServiceError
from ecskit._core.retrying import Retrying
from ecskit._core.wording import escaped
from ecskit._verification.images import IMAGE, EcrImage, ecr_image
from ecskit._verification.reading import send
from ecskit.models.task_definitions import (
    ContainerDefinition,
    DescribeTaskDefinitionRequest,
    RegisterTaskDefinitionRequest,
)

__all__ = ["Pins", "pinned"]


@attrs.frozen
class Pins:
    """The images with their digests by the names of the containers, and what stays as it is."""

    images: Mapping[str, str]
    notes: tuple[str, ...]


def pinned(verb: str, wanted: str | RegisterTaskDefinitionRequest | None, current: str | None) -> Flow[Pins]:
    """Return the images of a task definition with their digests.

    Args:
        verb: The name of the method, for messages.
        wanted: The task definition to deploy, or None for the current one of the service.
        current: The current one.

    Raises:
        RequestError: There is no task definition, or ECR does not have an image.
        ServiceError: ECR refuses a call, for example without permission.
    """
    images: dict[str, str] = {}
    notes: list[str] = []
    problems: list[tuple[str, str]] = []
    for container in (yield from _containers(verb, wanted, current)):
        name, image = str(container.name), container.image or ""
        found = ecr_image(image)
        if found is None or found.digest:
            if "@sha256:" not in image:
                notes.append(f"{name}: {escaped(image)} is in no private repository of ECR, and keeps its tag")
            continue
        try:
            digest = yield from _digest(found)
        except ServiceError as error:
            if error.code not in IMAGE.absent:
                raise
            problems.append((f"images[{name!r}]", f"ECR does not have {escaped(image)}: {error.code}"))
        else:
            images[name] = found.pinned(digest)
            notes.append(f"{name}: {escaped(image)} is {digest}")
    if problems:
        raise RequestError(verb, problems)
    return Pins(images, tuple(notes))


def _containers(
    verb: str, wanted: str | RegisterTaskDefinitionRequest | None, current: str | None
) -> Flow[Sequence[ContainerDefinition]]:
    if isinstance(wanted, RegisterTaskDefinitionRequest):
        return wanted.container_definitions
    name = wanted or current
    if name is None:
        raise RequestError(verb, [("pin_images", "there is no task definition; pass `task_definition`")])
    described = yield from Retrying(DescribeTaskDefinitionRequest(task_definition=name)).send()
    return described.task_definition.container_definitions


def _digest(image: EcrImage) -> Flow[str]:
    answer = yield from send(IMAGE.service, IMAGE.operation, image.params, image.region)
    return str(IMAGE.read(answer, image)["imageDigest"])
