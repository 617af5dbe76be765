"""Turns what callers pass to a wait, names, ids, ARNs, models and responses, into `Targets`.

An `Identifiers` value holds the formats of one resource type. Tasks have a module of their own.

Source of the formats: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import attrs

from ecskit._core.errors import RequestError
from ecskit._core.members import members
from ecskit._core.model import FallibleResponse, Model, Request
from ecskit._core.wire import encode
from ecskit._polling.batches import Target, Targets, names_only

__all__ = ["NAME", "Identifiers", "check_cluster", "check_request", "parent_problem", "read_as", "targets_of"]

T = TypeVar("T", bound=Model)

NAME = r"[^/:\s]+"
"""The pattern of a name or an id. ECS checks which characters and lengths it accepts."""
_DEFAULT = "default"
"""The cluster of a resource in no cluster."""
_PARENTS = {
    "cluster": rf"cluster/(?P<cluster>{NAME})",
    "service": rf"service/(?:(?P<cluster>{NAME})/)?(?P<service>{NAME})",
}
"""The ARN patterns of the resources that contain others, outermost first."""


@attrs.frozen(kw_only=True)
class Identifiers(Generic[T]):
    """How the resources of one type are identified."""

    noun: str
    """The resource type in messages, in the singular. The parameter has its plural as name."""
    model: type[T]
    name_of: Callable[[T], str]
    """Returns the ARN of a resource; its name if the model has no ARN."""
    arn_pattern: str
    """The pattern of the last part of an ARN. If it has a group `id`, requests use that id and not the ARN."""
    name_pattern: str | None = None
    """The pattern of names or ids that callers may pass; None if only ARNs are accepted."""
    parents: Sequence[str] = ()
    """The types of the resources that contain it, outermost first: `cluster`, or `cluster` and `service`."""
    parents_optional: bool = False
    """Whether requests may leave the parents out: ECS then uses the default cluster, or needs none."""
    responses: Mapping[type[Model], Callable[[Any], T | str | Sequence[T] | None]] = attrs.field(factory=dict)
    """The responses and summaries that callers may pass, with a function that returns the resources in them."""

    @property
    def parameter(self) -> str:
        """The name of the parameter that takes them."""
        return f"{self.noun.replace(' ', '_')}s"

    def a(self, what: str) -> str:
        """Return `what` with the noun and its article, such as "the ARN of a cluster"."""
        return f"{what} of a{'n' if self.noun[0] in 'aeiou' else ''} {self.noun}"

    def target(self, name: str, known: Mapping[str, str | None], given: Mapping[str, str | None]) -> Target:
        """Return the target of a name, id or ARN.

        Args:
            name: The name, id or ARN.
            known: Its parents according to its model.
            given: Its parents according to the caller.

        Raises:
            ValueError: The name is malformed, or a parent is missing or contradictory. Its text gives the reason.
        """
        groups: Mapping[str, str | None] = {}
        if name.startswith("arn:") or self.name_pattern is None:
            found = re.fullmatch(rf"arn:[^:]+:ecs:[^:]*:[^:]*:{self.arn_pattern}", name)
            if not found:
                raise ValueError(f"{name!r} is not {self.a('the ARN')}")
            groups = found.groupdict()
        elif not re.fullmatch(self.name_pattern, name):
            raise ValueError(f"{name!r} is not {self.a('the name, id or ARN')}")
        scope = [
            self._parent(name, what, given.get(what), groups.get(what) or known.get(what)) for what in self.parents
        ]
        return Target(" ".join(filter(None, scope)), groups.get("id") or name)

    def _parent(self, name: str, what: str, given: str | None, known: str | None) -> str:
        if given and known and _last(given) != _last(known):
            raise ValueError(f"{name!r} is in {what} {_last(known)}, not in {_last(given)}")
        if given and _account(given) and _account(name) and _account(given) != _account(name):
            raise ValueError(f"{name!r} is not in {_account(given)}, where {what} {_last(given)} is")
        if not (given or known or self.parents_optional):
            raise ValueError(f"the {what} of {name!r} is unknown; pass {what}=")
        return given or known or ""


def targets_of(wait: str, identifiers: Identifiers[T], things: object, **parents: str | None) -> Targets[T]:
    """Return the targets that a caller passed. An empty list has none: a program may have computed it.

    A resource that is given twice, also by different names, is one target, with the name given first.

    Args:
        wait: The name of the wait or method, for messages.
        identifiers: How the resources are identified.
        things: One or many names, ids, ARNs, models or responses.
        parents: The cluster, or the cluster and the service, as the caller passed them.

    Raises:
        RequestError: A target is malformed, or its parents are missing or contradictory.
        FailuresError: A response holds failures.
    """
    problems: list[tuple[str, str]] = []
    given = _given_parents(parents, problems)
    if problems:
        raise RequestError(wait, problems)
    by_name: dict[str, Target] = {}
    observed: dict[str, T] = {}
    first: dict[tuple[str, str], str] = {}
    for path, thing in _each(identifiers, things, problems):
        model = thing if isinstance(thing, identifiers.model) else None
        known = {
            what: getattr(model, what, None) or getattr(model, f"{what}_arn", None) for what in identifiers.parents
        }
        name = identifiers.name_of(model) if model is not None else thing
        if not isinstance(name, str):
            problems.append((path, f"expected {identifiers.a('a name, id, ARN or model')}, got {type(name).__name__}"))
            continue
        try:
            target = identifiers.target(name, known, given)
        except ValueError as error:
            problems.append((path, str(error)))
            continue
        name = first.setdefault((names_only(target.scope) or _DEFAULT, target.id), name)
        by_name.setdefault(name, target)
        if model is not None:
            observed[name] = model
    if problems:
        raise RequestError(wait, problems)
    arguments = {what: name for what, name in parents.items() if name is not None}
    return Targets(by_name=by_name, observed=observed, arguments=arguments)


def parent_problem(name: object, what: str = "cluster") -> str | None:
    """Return why a value cannot name the cluster, or the service, that was passed; None if it can."""
    if not isinstance(name, str):
        return f"expected a name or ARN, got {type(name).__name__}"
    if not name:
        return f"it is empty; pass the name or ARN of a {what}, or leave it out"
    return None if _matched(name, what) or re.fullmatch(NAME, name) else f"{name!r} is not the name or ARN of a {what}"


def check_cluster(verb: str, cluster: object) -> None:
    """Check the argument `cluster` of a method that takes no identifiers.

    Raises:
        RequestError: It cannot name a cluster.
    """
    problem = None if cluster is None else parent_problem(cluster)
    if problem:
        raise RequestError(verb, [("cluster", problem)])


def check_request(verb: str, request: Request[Any], renamed: Mapping[str, str] | None = None) -> None:
    """Check the types in a request, and name the method and its parameters in the error.

    Args:
        verb: The name of the method.
        request: The request.
        renamed: The names of parameters that differ from those of the members, by these.

    Raises:
        RequestError: A type is wrong.
    """
    try:
        encode(request)
    except RequestError as error:
        problems = [
            (re.sub(r"^\w*", lambda found: (renamed or {}).get(found[0], found[0]), path), text)
            for path, text in error.problems
        ]
        raise RequestError(verb, problems) from None


def read_as(model: type[T]) -> Callable[[Any], T | None]:
    """Return a function that makes a model of a response that has some of its members; None if a required one lacks."""

    def read(response: Any) -> T | None:
        values = {member: getattr(response, member.name, None) for member in members(model)}
        if any(value is None and member.required for member, value in values.items()):
            return None
        given = {member.name: value for member, value in values.items() if value is not None}
        return model(**given, extra_fields=response.extra_fields)

    return read


def _each(identifiers: Identifiers[T], things: object, problems: list[tuple[str, str]]) -> Iterator[tuple[str, object]]:
    """Yield the path and the name or model of each resource that the caller passed."""
    if isinstance(things, Sequence) and not isinstance(things, str):
        given = [(f"{identifiers.parameter}[{i}]", thing) for i, thing in enumerate(things)]
    else:
        given = [(identifiers.parameter, things)]
    for path, thing in given:
        read = identifiers.responses.get(type(thing)) if isinstance(thing, Model) else None
        if read is None:
            yield path, thing
            continue
        if isinstance(thing, FallibleResponse):
            thing.raise_for_failures()
        held = read(thing)
        if held is None:
            problems.append((path, f"this {type(thing).__name__} does not hold {identifiers.a('the ARN')}"))
        else:
            yield from ((path, one) for one in ([held] if isinstance(held, (str, Model)) else held))


def _given_parents(parents: dict[str, str | None], problems: list[tuple[str, str]]) -> dict[str, str | None]:
    """Return the parents that the caller passed. The ARN of a service also names its cluster."""
    given: dict[str, str | None] = {}
    for what, name in reversed([*parents.items()]):
        if name is None:
            continue
        problem = parent_problem(name, what)
        if problem:
            problems.append((what, problem))
            continue
        found = _matched(name, what)
        inner = given.get(what)
        if inner and _last(inner) != _last(name):
            problems.append((what, f"the service is in {what} {inner}, not in {_last(name)}"))
        given |= {outer: found_name for outer, found_name in (found.groupdict() if found else {}).items() if found_name}
        given[what] = name
    return given


def _matched(name: str, what: str) -> re.Match[str] | None:
    return re.fullmatch(rf"arn:[^:]+:ecs:[^:]*:[^:]*:{_PARENTS[what]}", name)


def _account(name: str) -> str | None:
    """Return partition, region and account of an ARN; None for a name or id."""
    return name.rsplit(":", 1)[0] if name.startswith("arn:") else None


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1]
