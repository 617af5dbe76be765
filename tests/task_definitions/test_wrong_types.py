"""Values of wrong types in files: `load` reports all of them, with the paths of the file, and what to write."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from ecskit._core.wire import encode
from ecskit._definitions.fitting import misfits
from ecskit.errors import RequestError
from ecskit.models import RegisterTaskDefinitionRequest
from ecskit.task_definitions import load

from .support import definitions

WEB = {"family": "web", "containerDefinitions": [{"name": "app", "image": "nginx:1"}]}

Write = Callable[[Any], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write JSON, or text, to a file."""

    def writer(content: Any) -> Path:
        path = tmp_path / "taskdef.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return writer


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        (
            {"cpu": 256, "memory": 0.5},
            ['cpu: {text}, got the number 256; write "256"', "memory: {text}, got the number 0.5; "],
        ),
        ({"family": True}, ['family: {text}, got true; write "true"']),
        ({"taskRoleArn": {}}, ["taskRoleArn: {text}, got an object"]),
        ({"requiresCompatibilities": "FARGATE"}, ["requiresCompatibilities: {list}, got text; put it into a list"]),
        ({"volumes": "[]"}, ["volumes: {list}, got text, which holds a list as JSON; write the list itself"]),
        ({"runtimePlatform": []}, ["runtimePlatform: expected an object, got a list"]),
        ({"tags": {"team": "x"}}, ['tags: {list}, got an object; write a list of {{"key": ..., "value": ...}}']),
        ({"tags": {"key": "x"}}, ["tags: {list}, got an object; put it into a list"]),
        ({"enableFaultInjection": "True"}, ["enableFaultInjection: expected true or false, got text; write true"]),
    ],
)
def test_errors_about_wrong_types_say_what_to_write(write: Write, change: Any, problems: list[str]) -> None:
    """In the words of JSON."""
    assert_problems(write({**WEB, **change}), problems)


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        ({"memory": "128", "cpu": "1 vCPU"}, ["cpu: {number}, got text", "memory: {number}, got text; write 128"]),
        (
            {"cpu": 1.5, "memory": 128.0},
            ["cpu: expected a whole number, got the number 1.5", "memory: expected a whole n"],
        ),
        ({"cpu": True}, ["cpu: {number}, got true"]),
        ({"essential": 1}, ["essential: expected true or false, got a number"]),
        ({"portMappings": [80]}, ["portMappings[0]: expected an object, got a number"]),
        (
            {"ulimits": {"nofile": {}}},
            ['ulimits: {list}, got an object; write a list of {{"name": ..., "softLimit": ...,'],
        ),
        ({"image": None, "name": 7}, ['name: {text}, got the number 7; write "7"']),
        # No values below: they may be secrets.
        ({"command": "hunter2"}, ["command: {list}, got text; put it into a list"]),
        ({"command": [12345, None]}, ["command[0]: {text}, got a number; put it", "command[1]: {text}, got null"]),
        (
            {"environment": {"A": "hunter2"}},
            ['environment: {list}, got an object; write a list of {{"name": ..., "value": .'],
        ),
        (
            {"environment": ["A=hunter2"]},
            ['environment[0]: expected an object, got text; write {{"name": ..., "value": ...}}'],
        ),
        (
            {"environment": [{"name": 12345, "value": 12345}]},
            ["environment[0].name: {text}, got a n", "environment[0].value"],
        ),
        (
            {"environment": [{"name": "A", "value": False}]},
            ["environment[0].value: {text}, got true or false; put it into"],
        ),
        (
            {"secrets": [{"name": "A", "valueFrom": 12345}]},
            ["secrets[0].valueFrom: {text}, got a number; put it into quot"],
        ),
        ({"dockerLabels": {"a": 12345}}, ["dockerLabels['a']: {text}, got a number; put it into quotation marks"]),
        ({"dockerLabels": ["hunter2"]}, ["dockerLabels: expected an object with names and values, got a list"]),
        (
            {"logConfiguration": {"logDriver": "x", "options": {"t": 12345}}},
            ["logConfiguration.options['t']: {text}, got a"],
        ),
        (
            {"restartPolicy": {"enabled": True, "ignoredExitCodes": ["12345"]}},
            ["restartPolicy.ignoredExitCodes[0]: {number}"],
        ),
    ],
)
def test_errors_inside_of_containers_say_what_to_write(write: Write, change: Any, problems: list[str]) -> None:
    """Numbers of sizes and ports are shown."""
    container = {"name": "app", "image": "nginx", **change}
    path = write({**WEB, "containerDefinitions": [container]})
    assert_problems(path, [f"containerDefinitions[0].{each}" for each in problems])


def assert_problems(path: Path, problems: list[str]) -> None:
    expected = {"text": "expected text", "number": "expected a number", "list": "expected a list"}
    with pytest.raises(RequestError) as caught:
        load(path)
    found = [f"{where}: {text}" for where, text in caught.value.problems]
    for each, start in zip(found, problems, strict=True):
        assert each.startswith(start.format(**expected))
    assert "hunter2" not in str(caught.value)
    assert "12345" not in str(caught.value)


def test_wrong_types_are_reported_at_once(write: Write) -> None:
    """All of them, with the paths of the file, whatever their kind."""
    container = {"name": "app", "environment": {"A": "b"}, "memory": "128"}
    path = write({**WEB, "cpu": 256, "networkMode": [], "containerDefinitions": [container]})
    assert_problems(
        path,
        [
            "containerDefinitions[0].memory: {number}, got text; write 128",
            "containerDefinitions[0].environment: {list}, got an object; write a list of",
            "networkMode: {text}, got a list",
            "cpu: {text}, got the number 256; write ",
        ],
    )


@pytest.mark.parametrize("wrapper", ["%s", '{"taskDefinition": %s}'])
def test_nothing_is_lost_without_a_word(write: Write, wrapper: str) -> None:
    """JSON parsers take the last of two members, and numbers that are none."""
    text = (
        '{"family": "web", "cpu": "1", "cpu": "hunter2", "containerDefinitions": ['
        '{"name": "a", "memory": NaN, "x": [-Infinity, 1e999], "a-b": {"c": 1, "c": 1, "c": 2}}]}'
    )
    number = "expected a number that JSON can hold, got NaN or infinity"
    assert_problems(
        write(wrapper % text),
        [
            f"containerDefinitions[0].memory: {number}",
            "cpu: is given twice; remove one",
            f"containerDefinitions[0].x[0]: {number}",
            f"containerDefinitions[0].x[1]: {number}",
            "containerDefinitions[0]['a-b'].c: is given twice; remove one",
        ],
    )


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return all objects and lists in a value, each with all of its keys."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, each in pairs for place in ((value, key), *places(each))]


@settings(max_examples=50, deadline=None)
@given(definitions, st.data())
def test_what_has_no_problem_can_be_sent(definition: RegisterTaskDefinitionRequest, data: st.DataObject) -> None:
    """And only that: one value is replaced by another, anywhere."""
    wire = encode(definition)
    place, key = data.draw(st.sampled_from(places(wire)))
    place[key] = data.draw(st.sampled_from([None, True, 5, 1.5, "x", [], {}, [None], [{}], ["x"], {"a": None}]))
    try:
        encode(RegisterTaskDefinitionRequest.from_dict(wire))
    except RequestError:
        sendable = False
    else:
        sendable = True
    assert bool(misfits(wire, RegisterTaskDefinitionRequest)) != sendable
