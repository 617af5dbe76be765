"""The verbs through the simulator's own clients: serialized, retried and parsed by botocore and aiobotocore."""

from __future__ import annotations

from typing import Any

import pytest
from support.both_clients import Act, Went, then, through_botocore

from ecskit.testing import Fault

from .support import BARE_BREAKER, compared, furnished, stream


def through_clients(act: Act, **options: Any) -> Went:
    """Perform an act with both clients, check that they came to the same, and return how it went."""
    return through_botocore(act, lambda: furnished(**options), compared=compared)


ACTS: dict[str, tuple[Act, dict[str, Any], str, str]] = {
    "deploy": (lambda ecs: ecs.services.deploy("web", images={"app": "image:2"}), {}, "SUCCESSFUL", "web:2"),
    "deploy what fails": (
        lambda ecs: ecs.services.deploy("web", task_definition="bad"),
        {},
        "DeploymentRolledBack",
        "web:1",
    ),
    "undo": (
        lambda ecs: ecs.services.deploy("web", task_definition="bad", on_failure="rollback"),
        {"service": {"deploymentConfiguration": BARE_BREAKER}},
        "DeploymentRolledBack",
        "web:1",
    ),
    "refresh": (lambda ecs: ecs.services.refresh("web"), {}, "SUCCESSFUL", "web:1"),
    "scale": (lambda ecs: ecs.services.scale("web", desired_count=3), {}, "ACTIVE", "web:1"),
    "go on": (
        lambda ecs: then(
            ecs.services.start_deployment("web", task_definition="next"), lambda handle: handle.wait(until="stable")
        ),
        {},
        "SUCCESSFUL",
        "next:1",
    ),
    "roll back": (
        lambda ecs: then(ecs.services.deploy("web", task_definition="next"), lambda _: ecs.services.rollback("web")),
        {},
        "SUCCESSFUL",
        "web:1",
    ),
}


@pytest.mark.parametrize("name", ACTS)
def test_through_the_clients(name: str) -> None:
    """The same end, sync and async."""
    act, options, verdict, runs = ACTS[name]
    went = through_clients(act, **options)
    assert (verdict, runs) == (went.verdict, went.runs), repr(went.error)


def test_events_through_the_clients() -> None:
    """The same events."""
    went = through_clients(stream(lambda ecs: ecs.services.start_deployment("web", task_definition="bad")))
    assert "DeploymentRolledBack" == went.verdict
    assert went.items


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_botocore_does_not_repeat_an_update(*, after: bool) -> None:
    """UpdateService is sent by a client that makes one attempt: what is lost is looked for first."""
    went = through_clients(
        lambda ecs: ecs.services.deploy("web", task_definition="next"),
        prepare=lambda sim: sim.fail("UpdateService", Fault.reset(after_effect=after)),
    )
    assert ("SUCCESSFUL", 2) == (went.verdict, len(went.sim.deployments("web")))
    updates = [index for index, each in enumerate(went.operations) if each == "UpdateService"]
    assert (1 if after else 2) == len(updates)
    assert "DescribeServices" in went.operations[updates[0] : updates[-1] if not after else None]
