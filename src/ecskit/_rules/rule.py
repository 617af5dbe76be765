"""A rule about a request, what it finds, and how it is known.

A rule checks a request as it is sent: a dict with the names of ECS. So paths are spelled as in a JSON file.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar

import attrs

from ecskit._core.documented import Documented
from ecskit._core.members import members
from ecskit._core.model import Model
from ecskit._core.wording import bounded, escaped
from ecskit._rules.placeholders import is_placeholder

__all__ = [
    "HOLDERS",
    "Check",
    "Finding",
    "Known",
    "Places",
    "PlacesOf",
    "Problem",
    "Rule",
    "S_contra",
    "Severity",
    "Subject",
    "Wire",
    "api",
    "deployed",
    "find",
    "guide",
    "places",
    "sorted_findings",
]

Wire: TypeAlias = Mapping[str, Any]
Severity: TypeAlias = Literal["error", "hint"]
"""Whether ECS refuses the request. A hint is about a request that ECS may accept."""
Known: TypeAlias = Literal["documented", "refused", "reported once"]
"""How a rule is known: AWS documents it, the refusal of ECS was seen, or one report describes it."""

_LONGEST = 120
HOLDERS = frozenset({"secrets", "secretOptions", "credentialsParameter"})
"""Members that name where a secret is. Filled in wrongly, they hold the secret itself: only ARNs and placeholders are
shown."""
_PASSWORD = re.compile(r"(^|/)[^/@\s]+:(?!sha256:)[^/@\s]+@(?!sha256:)")
"""A name and a password before the name of a host."""


class Subject(Protocol):
    """A request that rules check."""

    @property
    def wire(self) -> Wire:
        """The request as it is sent."""
        ...

    @property
    def model(self) -> type[Model]:
        """The class of the request: its members, and which of them are sensitive."""
        ...

    @property
    def places(self) -> PlacesOf:
        """The values of its members and their paths, by where they are."""
        ...


Places: TypeAlias = Sequence[tuple[str, Any]]
"""Values and their paths."""

S_contra = TypeVar("S_contra", bound=Subject, contravariant=True)
"""The requests that a rule checks."""


@attrs.frozen
class Problem:
    """One place that a rule does not allow."""

    path: str
    text: str
    """What is wrong and what is right. `{value}` stands for the value, which is left out if it may be secret."""
    suggestion: str | None = None
    """What was probably meant."""
    about: str = ""
    """A name for the words of ECS: the value, the container or the option that they mention."""


Check: TypeAlias = Callable[[S_contra, Places], Iterable[Problem]]
"""Finds problems in a request, given the values that the rule checks."""


@attrs.frozen
class Rule(Generic[S_contra]):
    """One rule."""

    name: str
    where: str | tuple[str, ...]
    """The members that it checks, such as `containerDefinitions[].image`; empty for the whole request."""
    check: Check[S_contra]
    source: str
    """The AWS page that documents the rule, or the member that it is about."""
    words: str = ""
    """What ECS answers, if it was seen. `{value}`, `{about}` and `{container}` are filled in."""
    seen: str = ""
    """A public report, in which ECS refuses it for an error: a repository of GitHub, `#`, an issue or a path."""
    severity: Severity = "error"
    known: Known = attrs.Factory(lambda rule: "refused" if rule.seen else "documented", takes_self=True)

    def __attrs_post_init__(self) -> None:
        if self.severity == "error" and self.known == "reported once":
            message = f"{self.name}: what was reported once is a hint"
            raise ValueError(message)
        if bool(self.words) is not bool(self.seen) and self.severity == "error":
            message = f"{self.name}: words of ECS need a report, and a report of a refusal has words"
            raise ValueError(message)

    @property
    def report(self) -> str:
        """The address of the public report, or an empty string."""
        repository, _, where = self.seen.partition("#")
        return self.seen and f"https://github.com/{repository}/{'issues' if where.isdigit() else 'blob/main'}/{where}"


@attrs.frozen
class Finding(Documented):
    """One problem of a definition."""

    path: str
    """The path as in a JSON file, such as `containerDefinitions[0].portMappings[1].hostPort`; empty for the whole."""
    rule: str
    """The name of the rule, such as `host-port`."""
    text: str
    """The problem, in words."""
    source: str
    """The AWS page that documents the rule, or the member that it is about."""
    severity: Severity = "error"
    """`error`: ECS refuses the definition. `hint`: it may accept the definition."""
    known: Known = "documented"
    """How the rule is known: `documented` by AWS, `refused` by ECS in a public report, `reported once`."""
    value: Any = None
    """The value at the path, if it is a text, a number, true or false, and cannot be secret; else None."""
    suggestion: str | None = None
    """What was probably meant, such as `FARGATE` for `fargate`; else None."""
    words: str = attrs.field(default="", repr=False)
    """What ECS answers, if it was seen; else empty."""

    @property
    def message(self) -> str:
        """The problem and the suggestion, in words."""
        return f"{self.text}; did you mean {self.suggestion}?" if self.suggestion else self.text

    @property
    def refusal(self) -> str:
        """What the simulator answers: the words of ECS, or those of the finding."""
        return self.words or f"{self.path}: {self.message}.".lstrip(": ")

    def __str__(self) -> str:
        text = f"{self.path}: {self.message}" if self.path else self.message
        return f"{text} (hint)" if self.severity == "hint" else text


def find(rules: Iterable[Rule[S_contra]], subject: S_contra) -> Iterator[Finding]:
    """Yield what rules find in a request, in the order of the rules. Rules about absent members are left out."""
    found = subject.places
    for rule in rules:
        given = (
            found[rule.where]
            if isinstance(rule.where, str)
            else [each for where in rule.where for each in found[where]]
        )
        for problem in rule.check(subject, given) if given else ():
            yield _finding(rule, problem, subject)


def sorted_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings by their paths, with container 10 after container 2."""
    return sorted(findings, key=lambda each: _sort_key(each.path))


def _sort_key(path: str) -> tuple[tuple[str, int], ...]:
    """Return a key that sorts the indexes of a path as numbers."""
    parts = (part.partition("[") for part in path.split("."))
    return tuple((name, int(index[:-1]) if index[:-1].isdigit() else -1) for name, _, index in parts)


def _finding(rule: Rule[S_contra], problem: Problem, subject: S_contra) -> Finding:
    wire, model = subject.wire, subject.model
    value = _value_at(wire, model, problem.path)
    shown = escaped(bounded(json.dumps(value, ensure_ascii=False), _LONGEST)) if value is not None else "a value"
    words = rule.words and _filled(
        rule.words, container=_container(wire, problem.path), about=problem.about, value=str(value or "")
    )
    return Finding(
        problem.path,
        rule.name,
        problem.text.replace("{value}", shown),
        rule.source,
        rule.severity,
        rule.known,
        value,
        problem.suggestion,
        escaped(bounded(words)),
    )


def places(wire: Wire, where: str) -> Places:
    """Return the values of a member and their paths. Absent members are left out."""
    return PlacesOf(wire)[where]


class PlacesOf(dict[str, Places]):
    """The places of a request by where they are. Those of each structure are found once."""

    def __init__(self, wire: Wire) -> None:
        super().__init__({"": [("", wire)]})

    def __missing__(self, where: str) -> Places:
        parent, name, many = _last_step(where)
        found: list[tuple[str, Any]] = []
        for owner_path, owner in self[parent]:
            value = owner.get(name)
            if value is None:
                continue
            path = f"{owner_path}.{name}" if owner_path else name
            found += [(f"{path}[{i}]", item) for i, item in enumerate(value)] if many else [(path, value)]
        self[where] = found
        return found


@functools.cache
def _last_step(where: str) -> tuple[str, str, bool]:
    """Return the structure that a member is in, the name of the member, and whether its items are meant."""
    parent, _, last = where.rpartition(".")
    return parent, last.removesuffix("[]"), last.endswith("[]")


def _filled(words: str, **names: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: names[found[1]], words)


def _value_at(wire: Wire, model: type[Model], path: str) -> str | int | float | bool | None:
    """Return the text or number at a path; None if there is none or if it may be secret."""
    value: Any = wire
    cls: type[Model] | None = model
    held = False
    for name, index in _steps(path):
        member = next((m for m in members(cls) if m.wire == name), None) if cls is not None else None
        if member is None or member.sensitive or not isinstance(value, Mapping):
            return None
        held = held or name in HOLDERS
        value = value.get(name)
        if index is not None:
            value = value[index] if isinstance(value, Sequence) and index < len(value) else None
        cls = member.kind.type if member.kind.shape == "model" else None
    if isinstance(value, str) and (_PASSWORD.search(value) or (held and not _is_reference(value))):
        return None
    return value if isinstance(value, (str, int, float)) else None


def _is_reference(value: str) -> bool:
    """Return whether a text names a secret, and is no secret itself."""
    return value.startswith("arn:") or is_placeholder(value)


def _steps(path: str) -> Iterable[tuple[str, int | None]]:
    for part in path.split("."):
        name, _, index = part.partition("[")
        number = index.rstrip("]")
        yield name, int(number) if number.isdigit() else None


def _container(wire: Wire, path: str) -> str:
    """Return the name of the container that a path is in."""
    name, index = next(iter(_steps(path)))
    if name != "containerDefinitions" or index is None:
        return ""
    return str(wire[name][index].get("name", ""))


def api(structure: str) -> str:
    """Return the page of a structure or operation in the API reference."""
    return f"https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_{structure}.html"


def deployed(rule: str) -> str:
    """Return where real deployments are recorded, with what ECS answered."""
    return f"badmintoncryer/cdk-preflight#rules/ecs/{rule}/meta.yaml"


def guide(page: str) -> str:
    """Return a page of the developer guide."""
    return f"https://docs.aws.amazon.com/AmazonECS/latest/developerguide/{page}.html"
