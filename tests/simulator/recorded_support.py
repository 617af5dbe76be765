"""Support for the fixtures of recorded answers: run the requests of a situation, and compare answers member by member.

A fixture is a case in `recorded/OPERATION.json`: the year of the answer whose shape it has, the steps that lead to it,
and the answer. Names, ids and values are ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from ecskit.testing import Counting

from .support import Wire, World

FOLDER = Path(__file__).parent / "recorded"

# What differs in every run. Each kind is compared by its form alone.
_VARYING = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "UUID"),
    (re.compile(r"sha256:[0-9a-f]{64}"), "DIGEST"),
    (re.compile(r"ecs-svc/\d{15,19}"), "DEPLOYMENT"),
    (re.compile(r"[0-9a-f]{32}-\d{6,10}"), "RUNTIME"),
    (re.compile(r"[0-9a-f]{32}"), "TASK"),
    (re.compile(r"(?<=namespace/ns-)[0-9a-z]{16}"), "NAMESPACE"),
    (re.compile(r"eni-[0-9a-f]{8,17}"), "INTERFACE"),
    (re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}"), "MAC"),
    (re.compile(r"\d{1,3}[.-]\d{1,3}[.-]\d{1,3}[.-]\d{1,3}(?![.\d])"), "ADDRESS"),
    (re.compile(r"(?<=us-east-1)[a-f]$"), "ZONE"),
)
_REFERENCE = re.compile(r"\{([\w.]+)\}")
# Lists whose order has no meaning, by the member that names an item.
_UNORDERED = {"requiresAttributes": "name", "attributes": "name", "failures": "arn"}


@attrs.frozen(kw_only=True)
class Case:
    """One answer: the situation, the requests that lead to it, and its shape.

    Args:
        operation: The operation of the last request.
        situation: What happened before.
        year: When the answer was recorded whose shape this is.
        steps: Requests, and seconds to pass between them. `{name.path}` refers to the answer of an earlier step.
        answer: The answer.
        counting: How deployments show their desired counts.
    """

    operation: str
    situation: str
    year: int
    steps: list[Any]
    answer: Wire
    counting: Counting = "zero_first"

    @property
    def id(self) -> str:
        """The name of the case."""
        return f"{self.operation}: {self.situation}"


def load_cases() -> list[Case]:
    """Return all cases."""
    return [
        Case(operation=path.stem, **case)
        for path in sorted(FOLDER.glob("*.json"))
        for case in json.loads(path.read_text(encoding="utf-8"))
    ]


def run(case: Case) -> Wire:
    """Return what the simulator answers to the last request of a case."""
    world, answers, answer = World(counting=case.counting), {}, {}
    for step in case.steps:
        if isinstance(step, (int, float)):
            world.pass_(step)
            continue
        operation, request, *name = step
        answer = world.do(operation, **_filled_in(request, answers))
        if name:
            answers[name[0]] = answer
    return answer


def _filled_in(value: Any, answers: Mapping[str, Wire]) -> Any:
    if isinstance(value, dict):
        return {name: _filled_in(each, answers) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled_in(each, answers) for each in value]
    reference = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    if reference:
        found: Any = answers
        for part in reference[1].split("."):
            found = found[int(part)] if part.isdigit() else found[part]
        return found
    return value


def differences(shown: Any, recorded: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield what differs, with the path of the member: `services[].events`."""
    name = path.rpartition(".")[2].rstrip("[]")
    if isinstance(shown, dict) and isinstance(recorded, dict):
        for member in {**recorded, **shown}:
            inside = f"{path}.{member}" if path else member
            if member not in shown:
                yield inside, "missing"
            elif member not in recorded:
                yield inside, "unexpected"
            else:
                yield from differences(shown[member], recorded[member], inside)
    elif isinstance(shown, list) and isinstance(recorded, list):
        if name in _UNORDERED:
            shown, recorded = (sorted(each, key=lambda item: item[_UNORDERED[name]]) for each in (shown, recorded))
        if len(shown) != len(recorded):
            yield path, f"{len(shown)} items, not {len(recorded)}"
        for one, other in zip(shown, recorded, strict=False):
            yield from differences(one, other, f"{path}[]")
    elif _form(shown, name) != _form(recorded, name):
        yield path, f"{_form(shown, name)!r}, not {_form(recorded, name)!r}"


def _form(value: Any, name: str) -> Any:
    """Return a value without what varies: a time as its type, a text with its ids replaced."""
    if name.endswith("At"):
        return type(value)
    if isinstance(value, str):
        for pattern, kind in _VARYING:
            value = pattern.sub(kind, value)
        return value
    return type(value), value
