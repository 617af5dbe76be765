"""Of two neighbours the right one has no finding, and the wrong one has those of the table; the simulator agrees."""

from __future__ import annotations

import pytest

from ecskit._rules.table import RULES
from ecskit.models.literals import Compatibility
from ecskit.task_definitions import validate
from ecskit.testing import Simulator

from .neighbours import NEIGHBOURS, Found
from .support import Wire, ec2, fargate, refused, request

SIM = Simulator()


def found(wire: Wire) -> set[Found]:
    return {(each.path, each.rule, each.severity) for each in validate(request(wire))}


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_one_is_right_and_the_other_is_not(name: str) -> None:
    """What has hints only is registered, except for values that the service model does not have."""
    for right, wrong, expected in NEIGHBOURS[name]:
        assert found(right) == set()
        assert not refused(SIM, right)
        assert found(wrong) == expected
        assert refused(SIM, wrong) == any("error" in each or "unknown-value" in each for each in expected)


def test_above_the_table_of_sizes_nothing_is_known() -> None:
    """AWS has added larger tasks before."""
    assert found(fargate(cpu="65536", memory="499712")) == set()


@pytest.mark.parametrize(
    ("launch_type", "rules"), [(None, set()), ("EC2", set()), ("FARGATE", {"fargate-network-mode"})]
)
def test_a_launch_type_can_be_given(launch_type: Compatibility | None, rules: set[str]) -> None:
    """For definitions that do not have it."""
    definition = request(ec2(cpu="256", networkMode="bridge"))
    assert {each.rule for each in validate(definition, launch_type=launch_type)} == rules


def test_every_hint_of_the_table_has_neighbours() -> None:
    """Errors have breaches, too."""
    hints = {rule.name for rule in RULES if rule.severity == "hint"}
    pairs = [expected for pairs in NEIGHBOURS.values() for _, _, expected in pairs]
    assert {rule for expected in pairs for _, rule, severity in expected if severity == "hint"} == hints
