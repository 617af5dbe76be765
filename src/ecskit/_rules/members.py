"""What an unknown member was meant to be: a similar name, another program's name, or a member of another structure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ecskit._core.members import members
from ecskit._core.model import Model
from ecskit._core.wording import nearest, restyled
from ecskit.models.services import CreateServiceRequest
from ecskit.models.task_definitions import ContainerDefinition, RegisterTaskDefinitionRequest
from ecskit.models.tasks import RunTaskRequest

__all__ = ["belongs", "meant"]

_OTHER_NAMES: Mapping[str, str] = {
    "args": "command",
    "cmd": "command",
    "env": "environment",
    "envfile": "environmentFiles",
    "envfrom": "environmentFiles",
    "labels": "dockerLabels",
    "logging": "logConfiguration",
    "ports": "portMappings",
    "volumemounts": "mountPoints",
    "workdir": "workingDirectory",
}
"""Names that Docker, Compose and Kubernetes have for members of a container."""


def meant(name: str, known: Iterable[str]) -> str | None:
    """Return the member that was probably meant; None if no member is similar."""
    names = [*known]
    other = _OTHER_NAMES.get(name.replace("_", "").casefold())
    return other if other in names else nearest(name, names)


def belongs(name: str, structure: str) -> str | None:
    """Return where a member belongs that another structure has: a text such as `it belongs to a container`.

    `structure` is the path of the one that it is in, without indexes; empty for the task definition.
    """
    if structure == "containerDefinitions.environment" and name == "valueFrom":
        return "variables with valueFrom belong to secrets"
    places: Mapping[str, Sequence[tuple[str, type[Model]]]] = {
        "": [("it belongs to a container", ContainerDefinition)]
        + [("it belongs to the service or to RunTask", each) for each in (CreateServiceRequest, RunTaskRequest)],
        "containerDefinitions": [("it belongs beside containerDefinitions", RegisterTaskDefinitionRequest)],
    }
    return next((text for text, cls in places.get(structure, ()) if restyled(name, _names(cls))), None)


def _names(cls: type[Model]) -> frozenset[str]:
    return frozenset(m.wire for m in members(cls))
