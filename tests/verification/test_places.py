"""The table of places: each is a member of the models, and none that names a resource is forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ecskit._core.members import members
from ecskit._core.model import Model
from ecskit._verification.places import PLACES
from ecskit.models import CreateServiceRequest, RegisterTaskDefinitionRequest

NAMES = re.compile(
    r"(arn|role|rule|^valueFrom|^credentialsParameter|^credentialSpecs|^fileSystemId|^accessPointId|^subnets"
    r"|^securityGroups|^image)$",
    re.IGNORECASE,
)
"""The names of members that name a resource of another service."""


def paths(cls: type[Model], above: str = "") -> Iterator[str]:
    """Yield all members of a model, and of the models in it."""
    for member in members(cls):
        path = f"{above}{member.wire}" + ("[]" if member.kind.container == "list" else "")
        yield path
        if member.kind.shape == "model":
            yield from paths(member.kind.type, f"{path}.")


def test_each_place_exists() -> None:
    known = {"task": {*paths(RegisterTaskDefinitionRequest)}, "service": {*paths(CreateServiceRequest)}}
    assert [] == [where for part, where, _ in PLACES if where not in known[part]]


def test_no_place_is_forgotten() -> None:
    every = [*paths(RegisterTaskDefinitionRequest), *paths(CreateServiceRequest)]
    found = [path for path in every if NAMES.search(path.rpartition(".")[2].removesuffix("[]"))]
    listed = {where for _, where, _ in PLACES}
    whole = tuple(f"{each}." for each in listed if each.endswith("Configuration"))  # its members belong together
    assert [] == [path for path in found if path not in listed and not path.startswith(whole)]
