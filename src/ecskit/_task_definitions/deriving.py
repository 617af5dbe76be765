"""A task definition made from another one: the same but for images, environment, secrets and sizes.

Decides what becomes of each container. Refuses to guess: a container that is named has to be there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import attrs

from ecskit._core.absent import ABSENT_LIST
from ecskit._core.errors import RequestError
from ecskit._core.wire import encode
from ecskit._task_definitions.files import request_from
from ecskit._task_definitions.normalizing import Definition, check
from ecskit.models.common import KeyValuePair, Secret, Tag
from ecskit.models.task_definitions import ContainerDefinition, RegisterTaskDefinitionRequest

__all__ = ["derive"]

Variable = TypeVar("Variable", KeyValuePair, Secret)
Variables = Mapping[str, str | None]
"""What to set each variable to; None takes it away."""


def derive(
    definition: Definition,
    *,
    images: Mapping[str, str] | None = None,
    environment: Mapping[str, Variables] | None = None,
    secrets: Mapping[str, Variables] | None = None,
    cpu: int | str | None = None,
    memory: int | str | None = None,
    tags: Sequence[Tag] | None = None,
    keep: Collection[str] = (),
) -> RegisterTaskDefinitionRequest:
    """Make a request to register a task definition that is like another one, but for what is said.

    Nothing is sent, and the other one stays what it is. For everything else there is `attrs.evolve`.

    Args:
        definition: The task definition to begin with, as ECS described it or as a request to register it.
        images: The new image of each of these containers, by the container's name.
        environment: Environment variables to set, by the container's name and then their own. Others stay; None takes
            one away. A variable that was a secret is none any more.
        secrets: Secrets to set, by the container's name and then that of the variable: ARN of the secret in Secrets
            Manager, ARN or name of the parameter in Parameter Store. Others stay; None takes one away. A variable that
            was in the environment is there no more.
        cpu: CPU of the whole task: units, or text such as "1 vCPU".
        memory: Memory of the whole task: MiB, or text such as "2 GB".
        tags: Tags of the new revision, in place of those of a request. ECS describes tags beside the definition, so
            that one that was described has none.
        keep: Wire names of top-level members that ecskit does not know, that ECS answered, and that are to be sent all
            the same; see `to_register_request`.

    Returns:
        The request: `client.task_definitions.register_if_changed(derive(definition, images={"app": "repo/app:2"}))`.

    Raises:
        RequestError: A container is named that the definition does not have; a variable is both to be set and to be a
            secret; something is not of its type.
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
    encode(derived)
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
            yield f"{what}[{name!r}]", f"there is no such container; there are: {there or 'none'}"
        elif what != "images" and not isinstance(value, Mapping):
            yield f"{what}[{name!r}]", f"expected a mapping from names of variables, got {type(value).__name__}"


def _size(amount: int | str) -> Any:
    # A bool is an int, but no size: it stays what it is, and is told with everything else that is not of its type.
    return str(amount) if isinstance(amount, int) and not isinstance(amount, bool) else amount


def _container(
    container: ContainerDefinition, *, image: str | None, environment: Variables, secrets: Variables
) -> ContainerDefinition:
    now_plain = {name: None for name, value in environment.items() if value is not None}
    now_secret = {name: None for name, value in secrets.items() if value is not None}
    both = [f"environment[{container.name!r}][{name!r}]" for name in now_plain if name in now_secret]
    if both:
        problem = "to be set and to be a secret; a container has either"
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
    """Return the variables in their order, changed, and then those that are new."""
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
