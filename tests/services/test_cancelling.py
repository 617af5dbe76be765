"""A deploy that is cut short, wherever: by Ctrl-C, the `cancel` event or asyncio, before and after its requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.both_clients import Went
from support.cutting_short import CUTS, cuts_of
from support.simulated_ecs import nothing

from ecskit.testing import Fault, Simulator

from .support import BARE_BREAKER, BREAKER, furnished


def deploying(policy: str, **change: Any) -> Callable[..., Any]:
    return lambda ecs, **more: ecs.services.deploy("web", **change, on_cancel=policy, **more)


def throttled(sim: Simulator) -> None:
    sim.fail("UpdateService", Fault.throttled(), times=2)


def lost(sim: Simulator) -> None:
    sim.fail("UpdateService", Fault.reset(after_effect=True))


def refused(sim: Simulator) -> None:
    sim.fail("ListServiceDeployments", Fault.access_denied(), times=None)


STORIES: dict[str, tuple[dict[str, Any], Callable[[Simulator], object]]] = {
    "images": ({"images": {"app": "image:2"}}, nothing),
    "a definition": ({"task_definition": "next"}, nothing),
    "throttled": ({"task_definition": "next"}, throttled),
    "a lost answer": ({"task_definition": "next"}, lost),
    "refused reads": ({"task_definition": "next"}, refused),
    "something that fails": ({"task_definition": "bad"}, nothing),
}


def settle(sim: Simulator) -> str:
    """Let the service come to rest, and return what it runs."""
    sim.heal()
    sim.clock.advance(600)
    [service] = sim.handle("DescribeServices", {"services": ["web"]})["services"]
    name: str = service["deployments"][0]["taskDefinition"].rsplit("/", 1)[-1]
    assert ("COMPLETED", 2) == (service["deployments"][0]["rolloutState"], service["runningCount"])
    return name


def own_updates(went: Went) -> int:
    """Return how many updates took effect that were not those that bring web:1 back."""
    back = "task-definition/web:1"
    calls = [each for each in went.calls if each.operation == "UpdateService"]
    taken = [each for each in calls if each.status == 200 or (each.fault is not None and each.code == "reset")]  # HTTP
    return len([each for each in taken if not each.request["taskDefinition"].endswith(back)])


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", STORIES)
def test_rolled_back_wherever_it_is_cut(name: str, cut: str) -> None:
    """The cancellation is raised, at most one update was made, and the service runs again what it ran before.

    A deployment that succeeds before the request to end it stays.
    """
    change, prepare = STORIES[name]
    cutting, kind = CUTS[cut]
    act, make = deploying("rollback", **change), lambda: furnished(prepare)
    cuts = cuts_of(act, make)
    for n, after in cuts:
        went = cutting(act, make, n, after=after)
        assert own_updates(went) <= 1, (n, after, went.operations)
        if type(went.error) is kind:
            done = went.sim.deployments("web")[-1].status == "SUCCESSFUL" and len(went.sim.deployments("web")) > 1
            assert not done or (n, after) in cuts[-4:]
            assert done or "web:1" == settle(went.sim), (n, after, went.operations)
        else:  # it came too late, or was of no consequence any more
            assert type(went.error).__name__ in ("NoneType", "DeploymentRolledBack"), (n, after, repr(went.error))


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", STORIES)
def test_left_wherever_it_is_cut(name: str, cut: str) -> None:
    """By default nothing more is sent."""
    change, prepare = STORIES[name]
    cutting, kind = CUTS[cut]
    act, make = deploying("leave", **change), lambda: furnished(prepare)
    for n, after in cuts_of(act, make):
        went = cutting(act, make, n, after=after)
        assert type(went.error) in {kind, type(None)} or "RolledBack" in type(went.error).__name__
        assert not went.requests("StopServiceDeployment")
        if type(went.error) is kind:
            assert len(went.operations) <= n + 1, (n, after, went.operations)


UNDONE: dict[str, tuple[dict[str, Any], dict[str, Any], Callable[[Simulator], object]]] = {
    "time is up": ({"task_definition": "next", "timeout": 10}, BREAKER, nothing),
    "it failed": ({"task_definition": "bad"}, BARE_BREAKER, nothing),
    "reads are refused": ({"task_definition": "bad"}, BARE_BREAKER, refused),
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", UNDONE)
def test_what_is_cut_while_it_is_undone(name: str, cut: str) -> None:
    """A deployment that is being rolled back anyway is rolled back, and not twice."""
    change, breaker, prepare = UNDONE[name]
    cutting, kind = CUTS[cut]
    rollback_options: dict[str, Any] = {"on_failure": "rollback", "on_timeout": "rollback"}
    act = deploying("rollback", **change, **rollback_options)

    def make() -> Simulator:
        return furnished(prepare, service={"deploymentConfiguration": breaker})

    for n, after in cuts_of(act, make)[4:]:
        went = cutting(act, make, n, after=after)
        assert type(went.error) is kind or "RolledBack" in type(went.error).__name__, repr(went.error)
        assert len(went.requests("UpdateService")) <= 2
        assert "web:1" == settle(went.sim), (n, after, went.operations)
