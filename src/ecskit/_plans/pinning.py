"""Replace the tags of images by their digests, as ECR has them now."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from ecskit._core.effects import Flow, RawResponse, Reply, Send
from ecskit._core.errors import RequestError, ServiceError
from ecskit._core.retrying import Retrying, retry
from ecskit._core.wording import escaped
from ecskit.models.task_definitions import (
    ContainerDefinition,
    DescribeTaskDefinitionRequest,
    RegisterTaskDefinitionRequest,
)

__all__ = ["Pins", "pinned"]

_ECR = re.compile(
    r"(?P<registry>(?P<account>[0-9]{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws))"
    r"/(?P<repository>[a-z0-9][a-z0-9._/-]*)(?::(?P<tag>[\w][\w.-]{0,127}))?"
)
"""An image in a private repository of ECR, without a digest."""
_MISSING = frozenset({"ImageNotFoundException", "RepositoryNotFoundException"})


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
        found = _ECR.fullmatch(image)
        if found is None:
            if "@sha256:" not in image:
                notes.append(f"{name}: {escaped(image)} is in no private repository of ECR, and keeps its tag")
            continue
        try:
            digest = yield from _digest(found)
        except ServiceError as error:
            if error.code not in _MISSING:
                raise
            problems.append((f"images[{name!r}]", f"ECR does not have {escaped(image)}: {error.code}"))
        else:
            images[name] = f"{found['registry']}/{found['repository']}@{digest}"
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


def _digest(image: re.Match[str]) -> Flow[str]:
    params = {
        "registryId": image["account"],
        "repositoryName": image["repository"],
        "imageIds": [{"imageTag": image["tag"] or "latest"}],
    }

    def attempt() -> Flow[Mapping[str, Any]]:
        reply: Reply[RawResponse] = yield Send("DescribeImages", params, service="ecr", region=image["region"])
        return reply.get().parsed or {}

    details = (yield from retry(attempt)).get("imageDetails") or [{}]
    return str(details[0].get("imageDigest"))
