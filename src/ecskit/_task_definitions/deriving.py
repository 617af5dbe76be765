"""Derive a task definition from another one, with other images, environment variables, secrets, sizes or tags.

A name of a container that does not exist is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import attrs

from ecskit._core.absent import ABSENT_LIST
from ecskit._core.errors import RequestError
from ecskit._core.sizes import check_sizes
from ecskit._core.wire import encode
from ecskit._task_definitions.files import request_from
from ecskit._task_definitions.normalizing import Definition, check
from ecskit.models.common import KeyValuePair, Secret, Tag
from ecskit.models.task_definitions import ContainerDefinition, RegisterTaskDefinitionRequest

__all__ = ["derive"]

Variable = TypeVar("Variable", KeyValuePair, Secret)
Variables = Mapping[str, str | None]
"""The value of each variable; None removes the variable."""


def derive(
    definition: Definition,
    *,
    images: Mapping[str, str] | None = None,
    environment: Mapping[str, Variables] | None = None,
    secrets: Mapping[str, Variables] | None = None,
    cpu: int | str | None = None,
    memory: int | str | None = None,
    tags: Sequence[Tag] | None = None,
    keep: Collection[str] | None = None,
) -> RegisterTaskDefinitionRequest:
    """Derive a request to register a task definition from another task definition.

    Nothing is sent, and the given definition is not changed. Use `attrs.evolve` to change other members.

    Args:
        definition: The task definition to start from, as ECS described it or as a request to register it.
        images: New images, by the name of the container.
        environment: Environment variables to set, by the name of the container and the name of the variable. None
            removes a variable; others stay. A secret of the same name is removed.
        secrets: Secrets to set, by the name of the container and the name of the variable: the ARN of a secret in
            Secrets Manager, or the ARN or name of a parameter in Parameter Store. None removes a secret; others stay.
            An environment variable of the same name is removed.
        cpu: CPU of the whole task: units, or text such as "1 vCPU".
        memory: Memory of the whole task: MiB, or text such as "2 GB".
        tags: Tags of the new revision. If absent, the tags of a request are kept; a described definition has none.
        keep: Wire names of unknown top-level members of a described definition to send; all if absent. See
            `to_register_request`.

    Returns:
        The request: `client.task_definitions.register_if_changed(derive(definition, images={"app": "repo/app:2"}))`.

    Raises:
        RequestError: The definition has no container of a given name, a variable is in `environment` and in `secrets`,
            a member has a wrong type, or the result is larger than ECS takes: 64 KiB, ten containers.
    """
    check(definition)
    if not isinstance(definition, RegisterTaskDefinitionRequest):
        definition = request_from(definition, (), keep, stacklevel=1)
    containers = definition.container_definitions
    changes = {"images": images, "environment": environment, "secrets": secrets}
    names = [container.name for container in containers]
    problems = [problem for what, given in changes.items() for problem in _problems(what, given, names)]
    if problems:
        raise RequestError("task_definitions.derive", problems)
    derived = attrs.evolve(
        definition,
        container_definitions=[
            _container(
                each,
                image=(images or {}).get(each.name or ""),
                environment=(environment or {}).get(each.name or "", {}),
                secrets=(secrets or {}).get(each.name or "", {}),
            )
            for each in containers
        ],
        cpu=definition.cpu if cpu is None else _size(cpu),
        memory=definition.memory if memory is None else _size(memory),
        tags=definition.tags if tags is None else tags,
    )
    check_sizes("task_definitions.derive", derived._operation, encode(derived))
    return derived


def _problems(what: str, given: Any, names: Sequence[str | None]) -> Iterator[tuple[str, str]]:
    if given is None:
        return
    if not isinstance(given, Mapping):
        yield what, f"expected a mapping from names of containers, got {type(given).__name__}"
        return
    for name, value in given.items():
        if name not in names:
            there = ", ".join(str(each) for each in names)
            yield f"{what}[{name!r}]", f"the definition has no such container; its containers are: {there or 'none'}"
        elif what == "images":
            if value in (None, ""):
                yield f"images[{name!r}]", f"expected the image, got {value!r}; leave the container out to keep it"
        elif not isinstance(value, Mapping):
            yield f"{what}[{name!r}]", f"expected a mapping from names of variables, got {type(value).__name__}"


def _size(amount: int | str) -> Any:
    # A bool is an int, but not a size: it is left as it is, and `encode` reports it with all other wrong types.
    return str(amount) if isinstance(amount, int) and not isinstance(amount, bool) else amount


def _container(
    container: ContainerDefinition, *, image: str | None, environment: Variables, secrets: Variables
) -> ContainerDefinition:
    now_plain = {name: None for name, value in environment.items() if value is not None}
    now_secret = {name: None for name, value in secrets.items() if value is not None}
    both = [f"environment[{container.name!r}][{name!r}]" for name in now_plain if name in now_secret]
    if both:
        problem = "is in `environment` and in `secrets`; pass one of them"
        raise RequestError("task_definitions.derive", [(path, problem) for path in both])
    return attrs.evolve(
        container,
        image=container.image if image is None else image,
        environment=_merged(container.environment, {**environment, **now_secret}, KeyValuePair, "value"),
        secrets=_merged(container.secrets, {**secrets, **now_plain}, Secret, "value_from"),
    )


def _merged(
    variables: Sequence[Variable], given: Variables, make: Callable[..., Variable], member: str
) -> Sequence[Variable]:
    """Return the changed variables in their order, then the new ones."""
    merged: list[Variable] = []
    for variable in variables:
        value = given.get(variable.name or "")
        if variable.name not in given:
            merged.append(variable)
        elif value is not None:
            changed: Any = {member: value}
            merged.append(attrs.evolve(variable, **changed))
    known = {variable.name for variable in variables}
    new = {name: value for name, value in given.items() if value is not None and name not in known}
    merged += [make(name=name, **{member: value}) for name, value in new.items()]
    return merged or ABSENT_LIST
