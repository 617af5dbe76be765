"""`services.scale` and `services.refresh`."""

from __future__ import annotations

from typing import Any

import pytest
from support.both_clients import Ecs

from ecskit.errors import EcsError, RequestError
from ecskit.testing import Fault, Lag

from .support import both, daemon, update


def scale(count: int, **options: Any) -> Any:
    return lambda ecs: ecs.services.scale("web", desired_count=count, **options)


@pytest.mark.parametrize("lag", [None, Lag(visible_after=4, stale_by=6)], ids=["", "lag"])
@pytest.mark.parametrize("count", [0, 1, 2, 6])
def test_scaling(count: int, lag: Lag | None) -> None:
    """It ends when the desired count runs, after one update with no other member."""
    went = both(scale(count), lag=lag)
    assert (count, count) == (went.returned().running_count, went.returned().desired_count)
    [request] = went.requests("UpdateService")
    assert {"service", "cluster", "desiredCount"} == set(request)
    assert 1 == len(went.sim.deployments("web"))


def test_until_requested() -> None:
    """Without waiting."""
    went = both(scale(6, until="requested"))
    assert (0, 6) == (went.elapsed, went.returned().desired_count)


def test_while_it_is_deployed() -> None:
    """The deployment goes on, with the new count, and is waited for."""
    went = both(scale(4), prepare=lambda sim: update(sim, wait=5, taskDefinition="next"))
    assert (None, "next:1", 4) == (went.error, went.runs, went.sim.services("web")[0].desired_count)
    assert "SUCCESSFUL" == went.sim.deployments("web")[-1].status


def test_while_something_fails_to_be_deployed() -> None:
    """The error is that of the deployment; the desired count is the requested one."""
    went = both(scale(3), prepare=lambda sim: update(sim, wait=5, taskDefinition="bad"))
    assert ("DeploymentRolledBack", 3) == (went.verdict, went.sim.services("web")[0].desired_count)
    assert isinstance(went.error, EcsError)
    assert went.error.story is not None


def test_daemon() -> None:
    """It has no desired count."""
    went = both(scale(3), prepare=daemon, service=None)
    assert "desired_count" in str(went.raised(RequestError))
    assert ["DescribeServices"] == went.operations


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_lost_answer(*, after: bool) -> None:
    """The desired count is the requested one."""
    went = both(scale(5), prepare=lambda sim: sim.fail("UpdateService", Fault.reset(after_effect=after)))
    assert 5 == went.returned().running_count


def test_another_count_meanwhile() -> None:
    """Another process scales on: the requested count never runs, and the wait does not report that it does."""

    def act(ecs: Ecs) -> Any:
        return ecs.services.scale("web", desired_count=4, timeout=60, on_poll=lambda _: once(ecs))

    done: list[Any] = []

    def once(ecs: Ecs) -> None:
        if ecs not in done:
            done.append(ecs)
            update(ecs.sim, desiredCount=3)

    went = both(act)
    assert "WaitTimeout" == went.verdict
    assert "3" in str(went.error)


def test_refresh() -> None:
    """A forced deployment of the same."""
    went = both(lambda ecs: ecs.services.refresh("web"))
    [request] = went.requests("UpdateService")
    assert {"service", "cluster", "forceNewDeployment"} == set(request)
    assert ("SUCCESSFUL", "web:1", 2) == (went.verdict, went.runs, len(went.sim.deployments("web")))
