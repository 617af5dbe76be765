"""Task definitions in the shapes that public files have: valid, registered, and written again without a loss.

The files in `written/` were written for these tests. ECS would register each of them.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ecskit._core.wire import encode
from ecskit.models import RegisterTaskDefinitionRequest
from ecskit.task_definitions import RESPONSE_ONLY, dump, load, validate
from ecskit.testing import Simulator

from .support import described

APP, SECOND = "containerDefinitions[0]", "containerDefinitions[1]"
FILES = {path.stem: path for path in sorted((Path(__file__).parent / "written").glob("*.json"))}

HINTS: dict[str, set[tuple[str, str]]] = {
    "ec2_udp_and_tcp": {(f"{APP}.portMappings[1]", "port-protocols")},
    "fargate_dns_tcp_and_udp": {(f"{APP}.portMappings[1]", "port-protocols")},
    "fargate_latest": {(f"{APP}.image", "image-tag"), (f"{SECOND}.image", "image-tag")},
    "fargate_one_port_in_two_awsvpc": {(f"{SECOND}.portMappings[0].containerPort", "port-shared")},
    "fargate_otel": {(f"{SECOND}.healthCheck.command", "health-check")},
    "fargate_plain_secret": {(f"{APP}.environment[1].value", "plain-secret")},
}
"""What is found: these files really have it, and ECS takes them all the same."""

DROPPED: dict[str, set[str]] = {
    "ecspresso_like": {"ipcMode", "pidMode", f"{APP}.portMappings[0].appProtocol"},
    "github_actions_schema": {"$schema"},
    "terraform_made": {"skipDestroy"},
}
"""What `load` leaves out of a file, apart from nulls and what only answers of ECS have. It is in the warning."""


def content(path: Path) -> Any:
    """Return the definition in a file, without nulls and without what only answers have."""
    data = without_nulls(json.loads(path.read_text("utf-8-sig")))
    if "taskDefinition" in data:
        data = {**data["taskDefinition"], **({"tags": data["tags"]} if data.get("tags") else {})}
    return {name: value for name, value in data.items() if name not in RESPONSE_ONLY}


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each value that has no members, such as 3 or []."""
    if isinstance(value, dict) and value:
        for name, each in value.items():
            yield from leaves(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value:
        for i, each in enumerate(value):
            yield from leaves(each, f"{path}[{i}]")
    else:
        yield path, json.dumps(value)


def test_there_are_many() -> None:
    """Each table names files that exist."""
    assert len(FILES) >= 120
    assert DROPPED.keys() | HINTS.keys() <= FILES.keys()


def read(name: str) -> tuple[RegisterTaskDefinitionRequest, list[str]]:
    """Read a file, and return the texts of the warnings, too."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        return load(FILES[name]), [str(each.message) for each in caught]


@pytest.mark.parametrize("name", FILES)
def test_nothing_wrong_is_found_and_the_simulator_registers_it(name: str) -> None:
    """Only the hints of the table; the same for what ECS describes."""
    definition, _ = read(name)
    answer = described(Simulator().handle("RegisterTaskDefinition", encode(definition))["taskDefinition"])
    for each in (definition, answer):
        found = validate(each)
        assert [str(finding) for finding in found if finding.severity == "error"] == []
        assert {(finding.path, finding.rule) for finding in found} == HINTS.get(name, set())


@pytest.mark.parametrize("name", FILES)
def test_what_is_read_is_written_again(name: str, tmp_path: Path) -> None:
    """The same members with the same values; the warning names what is missing."""
    definition, caught = read(name)
    written = tmp_path / "taskdef.json"
    dump(definition, written)
    assert load(written) == definition
    before, after = dict(leaves(content(FILES[name]))), dict(leaves(json.loads(written.read_text("utf-8"))))
    dropped = DROPPED.get(name, set())
    assert before.keys() - after.keys() == dropped
    assert {path: before[path] for path in after} == after
    assert bool(caught) == bool(dropped)
    assert all(path in caught[0] for path in dropped)
