"""Which things are meant: names, ids, ARNs, models and answers in, where to look for each of them out.

A `Naming` says how one kind of things is named. Tasks have a module of their own. Asks ECS nothing.

Source of the formats: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import attrs

from ecskit._core.errors import RequestError
from ecskit._core.members import members
from ecskit._core.model import FallibleResponse, Model
from ecskit._polling.batches import Target, Targets

__all__ = ["NAME", "Naming", "known_from", "targets_of"]

T = TypeVar("T", bound=Model)

NAME = r"[^/:\s]+"
"""Pattern of a name or an id: what ECS allows in them is its own business."""
_WITHIN = {
    "cluster": rf"cluster/(?P<cluster>{NAME})",
    "service": rf"service/(?:(?P<cluster>{NAME})/)?(?P<service>{NAME})",
}
"""The ARNs of what things are looked for in, from outside to inside."""


@attrs.frozen(kw_only=True)
class Naming(Generic[T]):
    """How one kind of things is named."""

    noun: str
    """What one of them is called in messages; the parameter is called like several of them."""
    model: type[T]
    name: Callable[[T], str]
    """What tells the ARN, or else the name, of an observation."""
    arn: str
    """Pattern of the resource in an ARN; a group `id` in it is what is asked for in place of the ARN."""
    bare: str | None = None
    """Pattern of the names or ids that will do in place of an ARN."""
    within: Sequence[str] = ()
    """What they are looked for in: `cluster`, or `cluster` and `service`."""
    anywhere: bool = False
    """Whether they are also looked for if nothing tells what they are in."""
    answers: Mapping[type[Model], Callable[[Any], T | str | Sequence[T] | None]] = attrs.field(factory=dict)
    """What else may be given: answers of operations, and what tells the things in them."""

    @property
    def parameter(self) -> str:
        """The parameter that they are given as."""
        return f"{self.noun.replace(' ', '_')}s"

    def a(self, what: str) -> str:
        """Return `what` of this kind, with an article."""
        return f"{what} of a{'n' if self.noun[0] in 'aeiou' else ''} {self.noun}"

    def target(self, name: str, told: Mapping[str, str | None], said: Mapping[str, str | None]) -> Target:
        """Return where one of them is; raise ValueError with the reason if that cannot be told.

        Args:
            name: Its name, id or ARN.
            told: What its observation tells that it is in.
            said: What the caller says that it is in.
        """
        groups: Mapping[str, str | None] = {}
        if name.startswith("arn:") or self.bare is None:
            found = re.fullmatch(rf"arn:[^:]+:ecs:[^:]*:[^:]*:{self.arn}", name)
            if not found:
                raise ValueError(f"{name!r} is not {self.a('the ARN')}")
            groups = found.groupdict()
        elif not re.fullmatch(self.bare, name):
            raise ValueError(f"{name!r} is not {self.a('the name, id or ARN')}")
        scope = [self._outer(name, what, said.get(what), groups.get(what) or told.get(what)) for what in self.within]
        return Target(" ".join(filter(None, scope)), groups.get("id") or name)

    def _outer(self, name: str, what: str, said: str | None, told: str | None) -> str:
        if said and told and _last(said) != _last(told):
            raise ValueError(f"{name!r} is in {what} {_last(told)}, not in {_last(said)}")
        if said and _home(said) and _home(name) and _home(said) != _home(name):
            raise ValueError(f"{name!r} is not in {_home(said)}, where {what} {_last(said)} is")
        if not (said or told or self.anywhere):
            raise ValueError(f"nothing tells the {what} of {name!r}; pass {what}=")
        return said or told or ""


def targets_of(wait: str, naming: Naming[T], things: object, **said: str | None) -> Targets[T]:
    """Return where to look for each thing, and those that were seen already.

    Args:
        wait: Name of the wait or method, for messages.
        naming: How the things are named.
        things: What was given: one or many names, ids, ARNs, models or answers.
        said: The cluster, or the cluster and the service, as they were given.

    Raises:
        RequestError: Nothing is given, something is not what is waited for, or what it is in is not known or
            contradicts what was said.
        FailuresError: An answer holds failures.
    """
    problems: list[tuple[str, str]] = []
    within = _within(said, problems)
    by_name: dict[str, Target] = {}
    seen: dict[str, T] = {}
    for path, thing in _each(naming, things, problems):
        model = thing if isinstance(thing, naming.model) else None
        told = {what: getattr(model, what, None) or getattr(model, f"{what}_arn", None) for what in naming.within}
        name = naming.name(model) if model is not None else thing
        if not isinstance(name, str):
            problems.append((path, f"expected {naming.a('a name, id, ARN or model')}, got {type(name).__name__}"))
            continue
        try:
            by_name[name] = naming.target(name, told, within)
        except ValueError as error:
            problems.append((path, str(error)))
        if model is not None:
            seen[name] = model
    if not by_name and not problems:
        problems.append((naming.parameter, "there are none"))
    if problems:
        raise RequestError(wait, problems)
    return Targets(
        by_name=by_name, seen=seen, arguments={what: name for what, name in said.items() if name is not None}
    )


def known_from(model: type[T]) -> Callable[[Any], T | None]:
    """Return what reads an answer, which shows only a part of a thing, as an observation of that thing."""

    def read(answer: Any) -> T | None:
        told = {member: getattr(answer, member.name, None) for member in members(model)}
        if any(value is None and member.required for member, value in told.items()):
            return None
        return model(**{member.name: value for member, value in told.items() if value is not None})

    return read


def _each(naming: Naming[T], things: object, problems: list[tuple[str, str]]) -> Iterator[tuple[str, object]]:
    """Yield the path and the name or model of each thing."""
    if isinstance(things, Sequence) and not isinstance(things, str):
        given = [(f"{naming.parameter}[{i}]", thing) for i, thing in enumerate(things)]
    else:
        given = [(naming.parameter, things)]
    for path, thing in given:
        read = naming.answers.get(type(thing)) if isinstance(thing, Model) else None
        if read is None:
            yield path, thing
            continue
        if isinstance(thing, FallibleResponse):
            thing.raise_for_failures()
        held = read(thing)
        if held is None:
            problems.append((path, f"this {type(thing).__name__} does not tell {naming.a('the ARN')}"))
        else:
            yield from ((path, one) for one in ([held] if isinstance(held, (str, Model)) else held))


def _within(said: dict[str, str | None], problems: list[tuple[str, str]]) -> dict[str, str | None]:
    """Return what the things are in, as the caller says; an ARN of what is inside tells what is outside too."""
    within: dict[str, str | None] = {}
    for what, name in reversed([*said.items()]):
        if name is None or name == "":
            continue
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
            problems.append((what, f"expected a name or ARN, got {type(name).__name__}"))
            continue
        found = re.fullmatch(rf"arn:[^:]+:ecs:[^:]*:[^:]*:{_WITHIN[what]}", name)
        if not (found or re.fullmatch(NAME, name)):
            problems.append((what, f"{name!r} is not the name or ARN of a {what}"))
            continue
        inner = within.get(what)
        if inner and _last(inner) != _last(name):
            problems.append((what, f"the service is in {what} {inner}, not in {_last(name)}"))
        within |= {outer: told for outer, told in (found.groupdict() if found else {}).items() if told}
        within[what] = name
    return within


def _home(name: str) -> str | None:
    """Return partition, region and account of an ARN; None of a name or id."""
    return name.rsplit(":", 1)[0] if name.startswith("arn:") else None


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1]
