"""An apply that is cut short leaves the old or the new service, and the next one completes it, once."""

from __future__ import annotations

from typing import Any

import pytest
from service_definitions.written import FARGATE, prepare
from support.both_clients import Ecs, end_of, then
from support.cutting_short import CUTS

from ecskit.services import Plan
from ecskit.testing import Simulator

from .support import definition, planned
from .test_changes import TASK

WANTED = {**FARGATE, "platformVersion": "1.4.0", "tags": [{"key": "a", "value": "1"}]}
MOST = 9
"""The requests until the update was sent, and some polls."""


def make() -> Simulator:
    sim = Simulator(seed=1)
    prepare(sim)
    sim.handle("CreateService", FARGATE)
    sim.clock.advance(600)
    return sim


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("n", range(1, MOST))
@pytest.mark.parametrize("how", CUTS)
def test_cut_short(how: str, n: int, after: bool, caplog: pytest.LogCaptureFixture) -> None:  # noqa: FBT001  # a case
    """Each request is cut short once, before it is sent and after its effect."""
    cut, error = CUTS[how]
    plans: list[Plan] = []

    def act(ecs: Ecs, **options: Any) -> Any:
        def go_on(plan: Plan) -> Any:
            plans.append(plan)
            return ecs.services.apply(plan, timeout=900, **options)

        return planned(ecs, WANTED, go_on, task_definition=TASK)

    went = cut(act, make, n, after=after)
    assert isinstance(went.error, error)
    sim = went.sim
    [left] = sim.handle("DescribeServices", {"services": ["web"], "include": ["TAGS"]})["services"]
    revision, version = left["taskDefinition"].rpartition(":")[2], left["platformVersion"]
    assert (revision, version) in {("1", "LATEST"), ("2", "1.4.0")}
    lines = [text for text in caplog.messages if "apply ended early" in text]
    assert len(lines) == (1 if plans and n > 1 else 0)  # at the first request the apply has not begun
    for line in lines:
        updated, unknown = "UpdateService took effect" in line, "UpdateService may have taken effect" in line
        assert updated or unknown if revision == "2" else not updated
        assert ("the service is as it was" in line) <= (revision == "1" and not left.get("tags"))
    ecs = Ecs.sync(sim)
    if not plans:
        plans.append(ecs.services.plan(definition(WANTED), task_definition=TASK))
    ended = end_of(lambda _: ecs.services.apply(plans[0], timeout=900), ecs)
    service = ended.returned().service
    assert (service.task_definition or "").endswith("web:2")
    assert service.platform_version == "1.4.0"
    operations = [call.operation for call in sim.calls if call.status == 200]
    assert operations.count("RegisterTaskDefinition") == 2 + 1  # two of them prepare the simulator
    assert len(sim.deployments("web")) == 2
    again = then(ecs.services.plan(definition(WANTED), task_definition=TASK), lambda plan: plan)
    assert not again.changed
