"""A rollback is followed like any other phase: its events, its polls, what it went back to, and why."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import attrs
import pytest
from support.both_clients import Ecs, Went, then
from support.simulated_ecs import nothing

from ecskit.errors import DeploymentRolledBack
from ecskit.testing import DeploymentScript, Fault, SimulatedError, Simulator, TaskScript

from . import acting
from .stories import story
from .support import BARE_BREAKER, BREAKER, both, in_turn, stream

Prepare = Callable[[Simulator], object]


def scripted(*scripts: TaskScript) -> Prepare:
    return lambda sim: sim.script("next", scripts)


def refuses(*operations: str) -> Prepare:
    return in_turn(*[lambda sim, name=name: sim.fail(name, Fault.access_denied(), times=None) for name in operations])


SLOW = scripted(attrs.evolve(TaskScript.healthy(), time_to_start=1500))
CRASHES = scripted(TaskScript.exits(1, after=5))
FAILS = scripted(TaskScript.fails_to_pull("manifest unknown"))
READS = refuses("ListServiceDeployments", "DescribeServiceDeployments")


@attrs.frozen(kw_only=True)
class Way:
    """A way in which a deployment is rolled back from here."""

    prepare: Prepare
    options: dict[str, Any]
    by_ecs: bool
    """Whether StopServiceDeployment does it, not a second UpdateService."""
    breaker: Any = None
    reason: str = "timed out: is IN_PROGRESS, 0 of 2 tasks running, 2 pending"
    states: tuple[str, ...] = ("PENDING", "IN_PROGRESS", "SUCCESSFUL")
    """The statuses that come after it has begun."""


CHANGES = ("UpdateService", "StopServiceDeployment")
BACK = ("ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL")
LATE = {"on_timeout": "rollback", "timeout": 20}
WAYS: dict[str, Way] = {
    "time is up": Way(prepare=SLOW, options=LATE, by_ecs=True, states=BACK),
    "time is up, with a breaker": Way(prepare=SLOW, options=LATE, by_ecs=True, states=BACK, breaker=BREAKER),
    "time is up, stopping is refused": Way(
        prepare=in_turn(SLOW, refuses("StopServiceDeployment")), options=LATE, by_ecs=False
    ),
    "time is up, reads are refused": Way(
        prepare=in_turn(SLOW, READS), options=LATE, by_ecs=False, states=("IN_PROGRESS", "COMPLETED")
    ),
    "it stalls": Way(
        prepare=FAILS,
        options={"on_failure": "rollback"},
        by_ecs=True,
        states=BACK,
        reason="4 tasks failed, and no circuit breaker ends it: 4 tasks failed to start",
    ),
    "it fails": Way(
        prepare=FAILS,
        options={"on_failure": "rollback"},
        by_ecs=False,
        breaker=BARE_BREAKER,
        reason="ECS deployment circuit breaker: tasks failed to start: 4 tasks failed to start",
    ),
    "it is unstable": Way(
        prepare=CRASHES,
        options={"on_failure": "rollback", "stable_for": 60},
        by_ecs=False,
        breaker=BREAKER,
        reason="SUCCESSFUL, but 4 tasks stopped within ",
    ),
}


def events(way: Way, **more: Any) -> Went:
    return both(
        stream(lambda ecs: ecs.services.start_deployment("web", task_definition="next"), **way.options, **more),
        prepare=way.prepare,
        service={"deploymentConfiguration": way.breaker},
    )


def names(went: Went) -> list[str]:
    return [type(item).__name__ for item in went.items]


@pytest.mark.parametrize("name", WAYS)
def test_a_rollback(name: str) -> None:
    """Its events, what it went back to, and the wait without events."""
    way = WAYS[name]
    went = events(way)
    has_its_events_in_order(way, went)
    has_no_event_twice(went)
    names_what_it_went_back_to(went)
    ends_as_the_wait_does(way, went)


def has_its_events_in_order(way: Way, went: Went) -> None:
    """RollbackStarted comes once, with the reason; the statuses of what follows come after it, in their order."""
    assert "DeploymentRolledBack" == went.verdict, repr(went.error)
    assert 1 == names(went).count("RollbackStarted")
    begin = names(went).index("RollbackStarted")
    started, after = went.items[begin], went.items[begin + 1 :]
    assert way.reason in started.reason
    assert f"(next:1) to web:1: {way.reason}" in str(started)
    assert str(started).startswith("rolling back deployment ")
    shown = [item.status for item in after if type(item).__name__ == "StatusChanged"]
    assert list(way.states) == [status for status in way.states if status in shown]
    assert set(shown) <= set(way.states)
    assert sorted(shown, key=way.states.index) == shown
    assert (way.by_ecs, not way.by_ecs) == (
        [] != [each for each in went.sim.deployments("web") if each.status == "ROLLBACK_SUCCESSFUL"],
        2 == len(went.requests("UpdateService")),
    )


def has_no_event_twice(went: Went) -> None:
    """What a service said, and tasks that stopped, come once; counts and statuses do not repeat themselves."""
    said = [item.event.id for item in went.items if type(item).__name__ == "ServiceEventLogged"]
    stopped = [item.task.task_arn for item in went.items if type(item).__name__ == "TaskStopped"]
    assert (len(set(said)), len(set(stopped))) == (len(said), len(stopped))
    for kind in ("StatusChanged", "CountsChanged"):
        expected = [str(item) for item in went.items if type(item).__name__ == kind]
        assert [] == [one for one, next_ in pairwise(expected) if one == next_]


def names_what_it_went_back_to(went: Went) -> None:
    """`rolled_back_to`, the message, and what the service runs are the same, also on the progress."""
    error = went.raised(DeploymentRolledBack)
    assert (error.rolled_back_to or "").endswith("task-definition/web:1")
    assert error.rolled_back_to == error.progress.rolled_back_to
    assert f"(next:1) was rolled back to {went.runs}: " in str(error)
    assert "next:1" == (error.progress.started.task_definition or "").rsplit("/", 1)[-1]


def ends_as_the_wait_does(way: Way, went: Went) -> None:
    """The same error at the same time without events; polls of the rollback are reported like those before it."""
    polls: list[int] = []

    def waits(ecs: Ecs) -> Any:
        polls.clear()
        return ecs.services.deploy(
            "web", task_definition="next", on_poll=lambda _: polls.append(len(ecs.sim.calls)), **way.options
        )

    plain = both(waits, prepare=way.prepare, service={"deploymentConfiguration": way.breaker})
    assert (str(plain.error), plain.elapsed) == (str(went.error), went.elapsed)
    assert plain.operations == went.operations
    changes = [at for at, call in enumerate(plain.sim.calls) if call.operation in CHANGES]
    assert len([at for at in polls if at > changes[-1]]) >= 2


def test_a_callback_that_raises_during_the_rollback() -> None:
    """It is raised as it is; the rollback goes on."""

    def act(ecs: Ecs) -> Any:
        def on_poll(_: Any) -> None:
            if any(each.status in BACK for each in ecs.sim.deployments("web")):
                raise ZeroDivisionError("mine")

        return ecs.services.deploy("web", task_definition="next", on_poll=on_poll, **LATE)

    went = both(act, prepare=SLOW, service={"deploymentConfiguration": None})
    assert "ZeroDivisionError" == went.verdict
    assert 1 == len(went.requests("StopServiceDeployment"))
    went.sim.clock.advance(100)
    assert "ROLLBACK_SUCCESSFUL" == went.sim.deployments("web")[-1].status


def test_a_rollback_by_ecs_alone() -> None:
    """What a circuit breaker rolls back is no rollback of ours: there is no RollbackStarted."""
    went = both(
        stream(lambda ecs: ecs.services.start_deployment("web", task_definition="bad"), on_failure="rollback"),
    )
    assert "DeploymentRolledBack" == went.verdict
    assert "RollbackStarted" not in names(went)
    assert None is (went.error and went.error.__cause__)


def test_nothing_to_roll_back_to() -> None:
    """A deployment that is left alone has no RollbackStarted either."""
    went = both(
        stream(lambda ecs: ecs.services.start_deployment("web", task_definition="next"), timeout=20), prepare=SLOW
    )
    assert ("WaitTimeout", 0) == (went.verdict, names(went).count("RollbackStarted"))


def test_a_rollback_that_fails() -> None:
    """Its events are there, and the error has both reasons."""
    went = both(
        stream(lambda ecs: ecs.services.start_deployment("web", task_definition="next"), **LATE),
        prepare=in_turn(
            SLOW, lambda sim: sim.script_deployment("web", DeploymentScript(rollback_fails="The old image is gone."))
        ),
        service={"deploymentConfiguration": None},
    )
    assert "DeploymentRollbackFailed" == went.verdict
    assert "The old image is gone; " in str(went.error)
    shown = [item.status for item in went.items if type(item).__name__ == "StatusChanged"]
    assert "ROLLBACK_FAILED" == shown[-1]


def test_a_restored_deployment_that_fails() -> None:
    """Its tasks crash, too: DeploymentRollbackFailed, with the reason of the first failure and of the second."""

    def prepare(sim: Simulator) -> None:
        CRASHES(sim)
        sim.script("web", TaskScript.fails_to_pull("gone"))

    went = both(
        lambda ecs: ecs.services.deploy("web", task_definition="next", stable_for=60, on_failure="rollback"),
        prepare=prepare,
        service={"deploymentConfiguration": None, "desiredCount": 4},
    )
    assert "DeploymentRollbackFailed" == went.verdict, repr(went.error)
    assert "SUCCESSFUL, but 4 tasks stopped" in str(went.error)
    assert "CannotPullContainerError: gone" in str(went.error)


def test_an_update_that_is_refused() -> None:
    """The error of the rollback is raised, from what the deployment failed of; the handle is the deployment's."""

    def prepare(sim: Simulator) -> None:
        CRASHES(sim)
        sim.fail("UpdateService", SimulatedError("AccessDeniedException", "No."), times=None, after=5)

    went = both(
        lambda ecs: ecs.services.deploy("web", task_definition="next", stable_for=60, on_failure="rollback"),
        prepare=prepare,
        service={"desiredCount": 4},
    )
    assert ("AccessDeniedException", "next:1") == (went.verdict, went.runs)
    assert went.error is not None
    assert "DeploymentUnstable" == type(went.error.__cause__).__name__


# Timeouts have reasons.

REASON = "container app exited with 1"


@pytest.mark.parametrize("options", [{"timeout": 100}, {"max_polls": 20}, {"timeout": 100, "until": "stable"}])
def test_a_timeout_has_what_tasks_stopped_for(options: dict[str, Any]) -> None:
    """Tasks exit before all of them run: the message has how often, and why."""
    scripts = scripted(*[TaskScript.exits(1, after=1)] * 2, attrs.evolve(TaskScript.healthy(), time_to_start=9999))
    went = both(
        lambda ecs: ecs.services.deploy("web", task_definition="next", **options),
        prepare=scripts,
        service={"desiredCount": 4},
    )
    assert "WaitTimeout" == went.verdict, repr(went.error)
    assert f"2 tasks stopped: {REASON}" in str(went.error)


def test_a_timeout_after_the_success_has_what_tasks_stopped_for() -> None:
    """Deployed, but not stable when time is up: the same."""
    scripts = scripted(TaskScript.exits(1, after=2), TaskScript.healthy())
    went = both(
        lambda ecs: ecs.services.deploy("web", task_definition="next", until="stable", timeout=35),
        prepare=scripts,
        service={"desiredCount": 4},
    )
    assert "WaitTimeout" == went.verdict, repr(went.error)
    assert f"1 task stopped: {REASON}" in str(went.error)
    assert "is deployed, but not stable yet" in str(went.error)


def test_the_timeout_of_a_handle_in_another_process() -> None:
    """It has the reasons of tasks that stopped before it began to wait."""
    scripts = scripted(*[TaskScript.exits(1, after=1)] * 2, attrs.evolve(TaskScript.healthy(), time_to_start=9999))

    def act(ecs: Ecs) -> Any:
        def waited(handle: Any) -> Any:
            ecs.sim.clock.advance(200)
            return handle.wait(timeout=10)

        return then(
            then(
                ecs.services.start_deployment("web", task_definition="next"),
                lambda handle: ecs.services.deployment(handle.to_json()),
            ),
            waited,
        )

    went = both(act, prepare=scripts, service={"desiredCount": 4})
    assert "WaitTimeout" == went.verdict
    assert f"2 tasks stopped: {REASON}" in str(went.error)


@pytest.mark.parametrize("reads", [nothing, READS])
def test_a_timeout_where_deployments_are_not_read(reads: Prepare) -> None:
    """The same, whether it is judged by the service deployment or by the service."""
    scripts = scripted(*[TaskScript.exits(1, after=1)] * 2, attrs.evolve(TaskScript.healthy(), time_to_start=9999))
    went = both(
        lambda ecs: ecs.services.deploy("web", task_definition="next", timeout=100, on_timeout="rollback"),
        prepare=in_turn(scripts, reads),
        service={"desiredCount": 4},
    )
    error = went.raised(DeploymentRolledBack)
    assert f"2 tasks stopped: {REASON}" in str(error)
    assert f"2 tasks stopped: {REASON}" in str(error.__cause__)


def test_the_timeout_of_a_pause_has_what_tasks_stopped_for() -> None:
    """It has both: the hook, and the reasons."""
    world = story(
        {0: "2=I:0 1=C", 10: "2=I:0f2 1=C", 30: "2=I:2 1=C"},
        {2: {0: "IN_PROGRESS@SCALE_UP", 40: "IN_PROGRESS@POST_SCALE_UP!h1~900"}},
        tasks={10: "2 x 2: *EssentialContainerExited 1"},
    )
    went = acting.both(acting.deploys(pause_timeout=50), world)
    assert "WaitTimeout" == went.verdict
    assert "paused at POST_SCALE_UP by hook h1 until " in str(went.error)
    assert f"2 tasks stopped: {REASON}" in str(went.error)
