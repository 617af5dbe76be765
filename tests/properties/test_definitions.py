"""Random task definitions: a valid one has no error and is registered; one breach is one finding and one refusal.

The simulator refuses with the words of the finding: `validate` and the simulator have one table of rules.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from task_definitions.support import register, request

from ecskit._rules.definition import TaskDefinitionWire
from ecskit._rules.rule import Rule, find
from ecskit._rules.table import LAUNCH_TYPE_RULES, RULES
from ecskit.models import RegisterTaskDefinitionRequest
from ecskit.task_definitions import Finding, validate
from ecskit.testing import SimulatedError, Simulator

from .breaches import BREACHES, Breach
from .definitions import PLATFORMS, Platform, Wire, valid

ALL = [*RULES, *(rule for rules in LAUNCH_TYPE_RULES.values() for rule in rules)]
SIM = Simulator()
SEEDS = st.integers(0, 2**32)

BOUNDED_BY_THE_MODEL = frozenset({"tags"})
"""Rules whose limits the service model has, too. The simulator applies the model first, with words of its own."""


def errors(findings: list[Finding]) -> list[Finding]:
    return [each for each in findings if each.severity == "error"]


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS, platform=st.sampled_from(PLATFORMS))
def test_a_valid_definition_has_no_error_and_is_registered(seed: int, platform: Platform) -> None:
    """What ECS describes afterwards has no error either."""
    definition = valid(Random(seed), platform)
    assert errors(validate(request(definition))) == []
    assert errors(validate(register(SIM, definition))) == []


def check(breach: Breach, random: Random) -> Wire:
    """Check that a breach is found as such, and refused as such."""
    definition, expected = breach.of(random)
    found = errors(validate(request(definition)))
    assert {(each.path, each.rule) for each in found} == expected
    assert len(found) == len(expected)
    with pytest.raises(SimulatedError) as caught:
        SIM.handle("RegisterTaskDefinition", definition)
    if breach.rule in BOUNDED_BY_THE_MODEL and caught.value.code == "InvalidParameterException":
        assert caught.value.message.startswith(f"{found[0].path} must be")
    else:
        words = [each.refusal for each in found]
        assert caught.value.message in words
    return definition


@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: breach.name)
def test_each_breach_is_found_and_refused(breach: Breach) -> None:
    """One of each."""
    check(breach, Random(1))


@settings(max_examples=150, deadline=None)
@given(breach=st.sampled_from(BREACHES), seed=SEEDS)
def test_one_breach_is_one_finding(breach: Breach, seed: int) -> None:
    """In any definition: this rule, at this path, and no other error."""
    check(breach, Random(seed))


def test_every_error_of_the_table_has_a_breach() -> None:
    """Each rule, not only each name."""
    reached: set[int] = set()
    for breach in BREACHES:
        definition, _ = breach.of(Random(1))
        required = frozenset(str(each).strip().upper() for each in definition.get("requiresCompatibilities", ()))
        subject = TaskDefinitionWire(definition, RegisterTaskDefinitionRequest, required)
        named = [rule for rule in ALL if rule.name == breach.rule and rule.severity == "error"]
        reached |= {id(rule) for rule in named if any(True for _ in find([rule], subject))}
    assert [described(rule) for rule in ALL if rule.severity == "error" and id(rule) not in reached] == []


def described(rule: Rule[Any]) -> str:
    return f"{rule.name} at {rule.where}: {rule.words or rule.source}"
