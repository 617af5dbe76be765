from __future__ import annotations

import copy
from typing import Any

import pytest

from ecskit._simulator.validation import check_request, check_response, violations
from ecskit._transport import service_model
from ecskit.testing import SimulatedError, SimulatorBug

MODEL = service_model.load()

SHAPES: dict[str, Any] = {
    "Root": {
        "type": "structure",
        "required": ["name"],
        "members": {
            "name": {"shape": "Name"},
            "size": {"shape": "Size"},
            "big": {"shape": "Big"},
            "ratio": {"shape": "Ratio"},
            "flag": {"shape": "Flag"},
            "when": {"shape": "When"},
            "color": {"shape": "Color"},
            "names": {"shape": "Names"},
            "labels": {"shape": "Labels"},
            "either": {"shape": "Either"},
            "anything": {"shape": "Anything"},
            "child": {"shape": "Root"},
        },
    },
    "Name": {"type": "string", "min": 1, "max": 3},
    "Size": {"type": "integer", "min": 0, "max": 10},
    "Big": {"type": "long"},
    "Ratio": {"type": "double", "max": 1.0},
    "Flag": {"type": "boolean"},
    "When": {"type": "timestamp"},
    "Color": {"type": "string", "enum": ["RED", "BLUE"]},
    "Names": {"type": "list", "member": {"shape": "Name"}, "max": 2},
    "Labels": {"type": "map", "key": {"shape": "Name"}, "value": {"shape": "Size"}},
    "Either": {"type": "structure", "union": True, "members": {"a": {"shape": "Name"}, "b": {"shape": "Name"}}},
    "Anything": {"type": "structure", "document": True, "members": {}},
}


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"size": 10, "big": 2**40, "ratio": 0.5, "flag": False, "when": 1.5, "color": "RED"},
        {"ratio": 1, "when": 3},
        {"names": ["a", "b"], "labels": {"x": 1}, "either": {"a": "x"}},
        {"anything": {"free": [1, {"deep": None}]}},
        {"child": {"name": "b"}},
    ],
)
def test_fitting_values_pass(members: dict[str, Any]) -> None:
    """A value that fits its shape has no violations."""
    assert violations(SHAPES, "Root", {"name": "a", **members}) == []


@pytest.mark.parametrize(
    ("value", "expected", "is_type"),
    [
        ([], "The body must be an object, not a list", True),
        ({}, "name is required", False),
        ({"name": ""}, "name must be at least 1 characters", False),
        ({"name": "abcd"}, "name must be at most 3 characters", False),
        ({"name": 1}, "name must be a string, not that number", True),
        ({"name": "a", "nope": 1}, "nope is not a member of the service model", False),
        ({"name": "a", "size": True}, "size must be a 32-bit integer, not a boolean", True),
        ({"name": "a", "size": 1.0}, "size must be a 32-bit integer, not that number", True),
        ({"name": "a", "size": 2**31}, "size must be a 32-bit integer, not that number", True),
        ({"name": "a", "size": 11}, "size must be at most 10", False),
        ({"name": "a", "big": 2**63}, "big must be a 64-bit integer, not that number", True),
        ({"name": "a", "ratio": "1"}, "ratio must be a number, not a string", True),
        ({"name": "a", "ratio": float("nan")}, "ratio must be a number, not that number", True),
        ({"name": "a", "flag": 0}, "flag must be true or false, not that number", True),
        ({"name": "a", "when": "now"}, "when must be a number of seconds since the epoch, not a string", True),
        ({"name": "a", "color": "GREEN"}, "color must be one of RED, BLUE", False),
        ({"name": "a", "names": ["a", "b", "c"]}, "names must be at most 2 items", False),
        ({"name": "a", "names": ["a", {}]}, "names[1] must be a string, not an object", True),
        ({"name": "a", "labels": {"x": "1"}}, "labels['x'] must be a 32-bit integer, not a string", True),
        ({"name": "a", "labels": {"": 1}}, "labels key must be at least 1 characters", False),
        ({"name": "a", "either": {}}, "either must have exactly one of a, b", False),
        ({"name": "a", "either": {"a": "x", "b": "y"}}, "either must have exactly one of a, b", False),
        ({"name": "a", "child": {"name": None}}, "child.name must be a string, not null", True),
    ],
)
def test_a_violation_names_the_member(value: object, expected: str, is_type: object) -> None:
    """A value that does not fit has one violation, with its path and its problem."""
    (violation,) = violations(SHAPES, "Root", value)
    assert (expected, is_type) == (str(violation), violation.is_type)


def test_a_wrong_type_is_a_serialization_problem() -> None:
    """A request with a wrong JSON type is refused as SerializationException."""
    with pytest.raises(SimulatedError) as caught:
        check_request(MODEL, "RunTask", {"taskDefinition": "web", "count": "2"})
    assert ("SerializationException", "count must be a 32-bit integer, not a string.") == (
        caught.value.code,
        caught.value.message,
    )


def test_other_violations_are_invalid_parameters() -> None:
    """A request with the right types and a bad value is refused as InvalidParameterException."""
    with pytest.raises(SimulatedError) as caught:
        check_request(MODEL, "RunTask", {"taskDefinition": "web", "launchType": "MOON"})
    assert caught.value.code == "InvalidParameterException"
    assert caught.value.message.startswith("launchType must be one of EC2, FARGATE")


def test_a_bad_answer_is_a_bug() -> None:
    """An answer that does not fit the model is never sent: it is a defect of the simulator."""
    with pytest.raises(SimulatorBug, match=r"ListTasks .* taskArns must be a list"):
        check_response(MODEL, "ListTasks", {"taskArns": "arn"})


def test_checking_changes_nothing() -> None:
    """The checked value is only read."""
    value = {"name": "a", "child": {"name": "b"}, "names": ["x"]}
    before = copy.deepcopy(value)
    violations(SHAPES, "Root", value)
    assert before == value
