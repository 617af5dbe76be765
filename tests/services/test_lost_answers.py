"""UpdateService whose response is lost: reads show whether it took effect, and an error holds the handle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.both_clients import Ecs, perform, then
from support.simulated_ecs import nothing

from ecskit.errors import EcsError
from ecskit.testing import Fault, Lag, SimulatedError, Simulator
from ecskit.waits import WaitHandle

from .support import both, furnished

LOST = {"reset": Fault.reset, "timeout": Fault.timeout, "500": Fault.server_error}
CHANGES: dict[str, dict[str, Any]] = {
    "definition": {"task_definition": "next"},
    "images": {"images": {"app": "image:2"}},
    "count": {"desired_count": 3},
}


def effects(sim: Simulator) -> int:
    """Return how many deployments were made of the service after its first one."""
    return len(sim.deployments("web")) - 1


@pytest.mark.parametrize("lag", [None, Lag(visible_after=5, stale_by=8)], ids=["", "lag"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("loss", LOST)
@pytest.mark.parametrize("change", CHANGES)
def test_an_answer_that_is_lost(change: str, loss: str, lag: Lag | None, *, after: bool) -> None:
    """It was made once in the end, before the effect and after it."""
    went = both(
        lambda ecs: ecs.services.deploy("web", **CHANGES[change]),
        prepare=lambda sim: sim.fail("UpdateService", LOST[loss](after_effect=after)),
        lag=lag,
    )
    assert None is went.error
    assert (change != "count") == effects(went.sim)
    assert (1 if after else 2) == len(went.requests("UpdateService"))


@pytest.mark.parametrize("loss", ["cut", "garbled"])
def test_an_answer_that_cannot_be_read(loss: str) -> None:
    """The same as none."""
    fault = Fault.cut() if loss == "cut" else Fault.garbled()
    went = both(
        lambda ecs: ecs.services.deploy("web", task_definition="next"),
        prepare=lambda sim: sim.fail("UpdateService", fault),
    )
    assert ("SUCCESSFUL", 1, 1) == (went.verdict, effects(went.sim), len(went.requests("UpdateService")))


def test_force_that_was_done() -> None:
    """The new deployment is found."""
    went = both(
        lambda ecs: ecs.services.deploy("web", force=True),
        prepare=lambda sim: sim.fail("UpdateService", Fault.reset(after_effect=True)),
    )
    assert ("SUCCESSFUL", 1, 1) == (went.verdict, effects(went.sim), len(went.requests("UpdateService")))


def test_force_that_was_not_done() -> None:
    """It is not sent again, as it could make a second deployment; the error holds a handle of none."""
    went = both(
        lambda ecs: ecs.services.deploy("web", force=True),
        prepare=lambda sim: sim.fail("UpdateService", Fault.reset()),
    )
    assert ("ConnectionFailedError", 0, 1) == (went.verdict, effects(went.sim), len(went.requests("UpdateService")))
    assert isinstance(went.error, EcsError)
    assert went.error.story is not None
    handle = went.error.story.handle
    assert 60 <= went.elapsed <= 65
    again = perform(lambda ecs: ecs.wait.resume(handle), Ecs.sync(went.sim))
    assert "NotVisible" == again.verdict


def test_throttled_updates_are_sent_again() -> None:
    """With backoff, and once in effect."""
    went = both(
        lambda ecs: ecs.services.deploy("web", force=True),
        prepare=lambda sim: sim.fail("UpdateService", Fault.throttled(), times=3),
    )
    assert ("SUCCESSFUL", 1, 4) == (went.verdict, effects(went.sim), len(went.requests("UpdateService")))


def test_throttled_for_good() -> None:
    """The throttle is raised: nothing was changed, and there is no handle to go on from."""
    went = both(
        lambda ecs: ecs.services.deploy("web", force=True),
        prepare=lambda sim: sim.fail("UpdateService", Fault.throttled(), times=None),
    )
    assert ("ThrottledError", 0) == (went.verdict, effects(went.sim))
    assert isinstance(went.error, EcsError)
    assert None is went.error.story


def test_an_update_of_another_process_is_not_taken_for_ours() -> None:
    """Of another task definition, made while ours was lost before its effect: ours is sent again."""
    sim = furnished(lambda sim: sim.fail("UpdateService", Fault.reset()))
    done: list[int] = []

    def other(_: int, operation: str) -> None:
        if operation == "UpdateService" and not done:
            done.append(1)
            sim.handle("UpdateService", {"service": "web", "taskDefinition": "bad"})

    went = perform(lambda ecs: ecs.services.deploy("web", task_definition="next"), Ecs.sync(sim, after=other))
    assert ("SUCCESSFUL", "next:1") == (went.verdict, went.runs)
    assert ["next", "bad", "next"] == [each["taskDefinition"] for each in went.requests("UpdateService")]


EXPIRED = SimulatedError("ExpiredTokenException", "The security token included in the request is expired")
ERRORS: dict[str, Callable[[Simulator], object]] = {
    "expired at once": lambda sim: sim.fail("*", EXPIRED, times=None, after=0.5),
    "expired later": lambda sim: sim.fail("*", EXPIRED, times=None, after=12),
    "refused": lambda sim: sim.fail("DescribeServices", Fault.access_denied(), times=None, after=3),
    "a cluster that is gone": lambda sim: sim.fail(
        "DescribeServices", SimulatedError("ClusterNotFoundException", "No."), times=None, after=3
    ),
    "time is up": nothing,
}
OUTCOMES = {"next": "SUCCESSFUL", "bad": "DeploymentRolledBack"}


@pytest.mark.parametrize("family", OUTCOMES)
@pytest.mark.parametrize("name", ERRORS)
def test_each_error_after_the_update_has_a_handle(name: str, family: str) -> None:
    """A fresh client that goes on from its text comes to the right verdict, by whichever way."""
    timeout = 5 if name == "time is up" else 600
    went = both(lambda ecs: ecs.services.deploy("web", task_definition=family, timeout=timeout), prepare=ERRORS[name])
    assert isinstance(went.error, EcsError), name
    assert went.error.story is not None
    text = went.error.story.handle.to_json()
    went.sim.heal()
    for go_on in (
        lambda ecs: ecs.wait.resume(WaitHandle.from_json(text)),
        lambda ecs: ecs.wait.deployment(text),
        lambda ecs: then(ecs.services.deployment(text), lambda handle: handle.wait()),
    ):
        again = perform(go_on, Ecs.sync(went.sim))
        assert OUTCOMES[family] == again.verdict, repr(again.error)
        assert 1 == len(went.requests("UpdateService"))
