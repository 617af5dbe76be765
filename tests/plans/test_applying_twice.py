"""For each written service definition: the first apply creates it, the second one sends nothing."""

from __future__ import annotations

from typing import Any

import pytest
from service_definitions.written import SECRET, WRITTEN
from support.both_clients import Ecs, then

from ecskit.services import Applied, Plan

from .support import applied, both, planned, writes


@pytest.mark.parametrize("name", WRITTEN)
def test_applying_twice(name: str) -> None:
    """The plan of what was applied is empty, and the same plan applied again sends nothing."""
    wire = WRITTEN[name]
    plans: list[Plan] = []

    def act(ecs: Ecs) -> Any:
        def again(first: Applied) -> Any:
            plans.append(first.plan)
            return then(planned(ecs, wire, plans.append), lambda _: ecs.services.apply(first.plan))

        return then(applied(ecs, wire), again)

    went = both(act)
    created, empty, *_ = plans
    assert created.action == "create"
    assert (empty.action, [*empty.changes], empty.registers, empty.deployment) == ("none", [], None, "no")
    assert str(empty) == "service web of default in us-east-1, account 123456789012: nothing to change"
    assert writes(went) == ["CreateService"]
    assert not went.returned().changed
    assert str(went.returned()).startswith("service web was as planned already: ")
    assert went.returned().service.status == "ACTIVE"
    assert SECRET not in str(created)
    assert SECRET not in created.to_json()
