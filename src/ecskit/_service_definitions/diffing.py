"""Compare two service definitions, or what a definition states with what a service is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from ecskit._core.errors import RequestError
from ecskit._core.members import Member, members
from ecskit._core.wire import encode
from ecskit._definitions.diffing import Change, Difference, changes, is_short_for, tag_changes
from ecskit._service_definitions.files import to_create_request
from ecskit._service_definitions.normalizing import CHOSEN, normal
from ecskit.models.services import CreateServiceRequest, Service

__all__ = ["ServiceDefinition", "check", "diff", "stated", "stated_changes"]

ServiceDefinition: TypeAlias = CreateServiceRequest | Service


def diff(old: ServiceDefinition, new: ServiceDefinition) -> Difference:
    """Compare two service definitions, each as ECS described the service or as a request to create it.

    Defaults of ECS and the order of lists that ECS reorders are ignored. So is what ECS chooses if a request has none:
    rebalancing, launch type, capacity providers and the desired count of a described service. Tags are compared if both
    have some, or both are requests, because ECS describes them only if asked.

    Args:
        old: The definition before.
        new: The definition after.

    Returns:
        The changes from `old` to `new`. For options of log drivers and unknown members, the difference shows that they
        changed, but not their values.

    Raises:
        RequestError: A member has a wrong type.
    """
    before, after = (check(each) for each in (old, new))
    trees = normal(before), normal(after)
    if isinstance(old, Service) is not isinstance(new, Service):
        described, other = trees if isinstance(old, Service) else trees[::-1]
        for name in (*CHOSEN, "extra_fields"):
            if name not in other:
                described.pop(name, None)
    if is_short_for(trees[0].get("role"), trees[1].get("role")) or is_short_for(
        trees[1].get("role"), trees[0].get("role")
    ):
        trees[0]["role"] = trees[1]["role"]
    found = [*changes(*trees)]
    if (before.tags and after.tags) or not (isinstance(old, Service) or isinstance(new, Service)):
        found += tag_changes(before.tags, after.tags)
    return Difference(found)


def check(definition: ServiceDefinition) -> CreateServiceRequest:
    """Return a definition as a request, with checked types.

    Raises:
        RequestError: The argument is not a service definition, or a member has a wrong type.
    """
    if isinstance(definition, Service):
        return to_create_request(definition)
    if not isinstance(definition, CreateServiceRequest):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        problem = f"expected a CreateServiceRequest or a Service, got {type(definition).__name__}"
        raise RequestError("service definition", [("definition", problem)])
    encode(definition)
    return definition


def stated(definition: CreateServiceRequest) -> Iterator[Member]:
    """Yield the members that a definition states, empty lists included. An update leaves all others as they are."""
    wire = encode(definition)
    for m in members(CreateServiceRequest):
        if m.wire in wire:
            yield m


def stated_changes(before: CreateServiceRequest, wanted: CreateServiceRequest) -> dict[str, list[Change]]:
    """Return what an update to a definition changes, by the members that it states; without tags.

    Of the deployment configuration, the members that the definition states are compared.
    """
    trees = normal(before), normal(wanted)
    found: dict[str, list[Change]] = {}
    for m in stated(wanted):
        one, other = (tree.get(m.name) for tree in trees)
        if m.name == "role" and (is_short_for(one, other) or is_short_for(other, one)):
            continue
        if m.name == "deployment_configuration" and wanted.deployment_configuration:
            given = encode(wanted.deployment_configuration)
            names = {each.name for each in members(m.kind.type) if each.wire in given}
            one, other = ({name: each for name, each in (tree or {}).items() if name in names} for tree in (one, other))
        if m.name not in ("tags", "client_token"):
            found[m.name] = [*changes(one, other, m.name)]
    return {name: each for name, each in found.items() if each}
