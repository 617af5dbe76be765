"""Expressions of the cluster query language that select container instances.

Supported are comparisons of attributes and of the instance id, joined by `and` and `or` (`and` binds tighter).
Parentheses, `not(...)` and task subjects are refused as not simulated.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ecskit._simulator.errors import invalid, not_simulated

if TYPE_CHECKING:
    from collections.abc import Callable

    from ecskit._simulator.records.resources import ContainerInstance

    Match = Callable[[ContainerInstance], bool]

_OR = re.compile(r"\s+(?:or|\|\|)\s+")
_AND = re.compile(r"\s+(?:and|&&)\s+")
_COMPARISON = re.compile(
    r"(?P<subject>[\w.:/-]+?)\s*"
    r"(?:(?P<presence>!?exists)"
    r"|(?P<operator>==|equals|!=|not_equals|=~|matches|!~|not_matches)\s*(?P<value>\S.*)"
    r"|(?P<membership>in|not_in|!in)\s*\[(?P<values>[^\]]*)\])"
)


def matcher(expression: str | None) -> Match:
    """Return a test for container instances. Without an expression it accepts all.

    Raises:
        SimulatedError: `InvalidParameterException` for an invalid expression, `NotSimulatedException` for a valid one
            that is not supported here.
    """
    if expression is None:
        return lambda _: True
    if re.search(r"[()]|\btask:", expression):
        raise not_simulated(f"this part of the cluster query language: {expression}")
    choices = [[_comparison(text.strip()) for text in _AND.split(choice)] for choice in _OR.split(expression)]
    return lambda instance: any(all(test(instance) for test in tests) for tests in choices)


def _comparison(text: str) -> Match:
    match = _COMPARISON.fullmatch(text)
    if match is None:
        raise invalid(f"The expression cannot be read: {text!r}.")
    subject = match["subject"]
    if match["presence"]:
        wanted = match["presence"] == "exists"
        return lambda instance: (_value(instance, subject) is not None) == wanted
    if match["membership"]:
        values = {value.strip() for value in match["values"].split(",")}
        wanted = match["membership"] == "in"
        return lambda instance: (_value(instance, subject) in values) == wanted
    operator, operand = match["operator"], match["value"].strip()
    wanted = operator in ("==", "equals", "=~", "matches")
    if operator in ("=~", "matches", "!~", "not_matches"):
        pattern = _pattern(operand)
        return lambda instance: (pattern.fullmatch(_value(instance, subject) or "") is not None) == wanted
    return lambda instance: (_value(instance, subject) == operand) == wanted


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise invalid(f"The expression has a pattern that cannot be read: {error}.") from error


def _value(instance: ContainerInstance, subject: str) -> str | None:
    if subject == "ec2InstanceId":
        return instance.ec2_instance_id
    if subject == "agentConnected":
        return "true"
    if not subject.startswith("attribute:"):
        raise not_simulated(f"the subject {subject} of the cluster query language")
    name = subject.partition(":")[2]
    for attribute in instance.attributes:
        if attribute["name"] == name:
            return attribute.get("value", "")
    return None
