"""Tasks that do not stay up after a success: what `stable_for` and `until="stable"` make of them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from support.both_clients import Act, Ecs

from ecskit.errors import DeploymentFailed, DeploymentRolledBack, DeploymentUnstable
from ecskit.testing import Lag, Simulator, TaskScript

from .crashes import CRASH, DEPLOYMENT_READS, RUNS, STEADY, crashing, deploys, later, refused
from .support import BARE_BREAKER, BREAKER, both, daemon, in_turn, update

CRASHES: dict[str, tuple[TaskScript, str]] = {
    "exits at once": (CRASH, "container app exited with 1"),
    "exits after half a minute": (TaskScript.exits(1, after=30), "container app exited with 1"),
    "exits with 0": (TaskScript.exits(0, after=5), "container app exited with 0"),
    "out of memory": (TaskScript.out_of_memory(after=5), "OutOfMemoryError: Container killed due to memory usage"),
    "health checks fail": (TaskScript.unhealthy(after=60), "Task failed container health checks"),
}
BREAKERS = {"no breaker": None, "breaker": BREAKER, "breaker without rollback": BARE_BREAKER}


@pytest.mark.parametrize("desired", [1, 4])
@pytest.mark.parametrize(
    ("crash", "breaker"),
    [*((crash, "no breaker") for crash in CRASHES), *(("exits at once", each) for each in [*BREAKERS][1:])],
)
def test_a_crash_loop_is_unstable(crash: str, desired: int, breaker: str) -> None:
    """Tasks that stop after the success end it, however they stop, with a breaker and without; nothing is sent."""
    script, why = CRASHES[crash]
    went = both(
        deploys(stable_for=120),
        prepare=crashing(script),
        service={"desiredCount": desired, "deploymentConfiguration": BREAKERS[breaker]},
    )
    error = went.raised(DeploymentUnstable)
    count = max(3, desired)
    assert f"is unstable: SUCCESSFUL, but {count} tasks stopped within " in str(error)
    assert f"{why} ({count} of {count})" in str(error)
    assert ("SUCCESSFUL", "unstable") == (error.progress.status, error.progress.stability)
    assert (1, 0) == (len(went.requests("UpdateService")), len(went.requests("StopServiceDeployment")))


@pytest.mark.parametrize("options", [{"stable_for": 120}, {"until": "stable"}, {"until": "stable", "stable_for": 60}])
@pytest.mark.parametrize("breaker", BREAKERS)
@pytest.mark.parametrize("reads", [(), DEPLOYMENT_READS])
def test_a_crash_loop_is_rolled_back(options: dict[str, Any], breaker: str, reads: tuple[str, ...]) -> None:
    """With on_failure="rollback" the service has its earlier tasks again; the error names them and the reason."""
    went = both(
        deploys(on_failure="rollback", timeout=900, **options),
        prepare=crashing(CRASH, refused(*reads)),
        service={"desiredCount": 4, "deploymentConfiguration": BREAKERS[breaker]},
    )
    error = went.raised(DeploymentRolledBack)
    expected = (
        "was rolled back to web:1: SUCCESSFUL, but 4 tasks stopped within 5 s: container app exited with 1 (4 of 4)"
    )
    assert expected in str(error)
    assert (error.rolled_back_to or "").endswith("task-definition/web:1")
    assert isinstance(error.__cause__, DeploymentUnstable)
    assert "web:1" == went.runs
    [service] = went.sim.services("web")
    assert "COMPLETED" == service.rollout_state
    assert (2, 0) == (len(went.requests("UpdateService")), len(went.requests("StopServiceDeployment")))


STRATEGIES = ["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"]


@pytest.mark.parametrize("on_failure", ["leave", "rollback"])
@pytest.mark.parametrize("after", [5, 30])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_crash_loop_under_each_strategy(strategy: str, after: float, on_failure: str) -> None:
    """Before the success it stalls where no breaker can end it, after that it is unstable; it is never deployed."""
    went = both(
        deploys(stable_for=120, timeout=7200, strategy=strategy, on_failure=on_failure),
        prepare=crashing(TaskScript.exits(1, after=after)),
        service={"desiredCount": 4},
    )
    succeeds = strategy == "ROLLING" or (strategy == "BLUE_GREEN" and after == 30)
    failure = "DeploymentUnstable" if succeeds else "DeploymentStalled"
    assert isinstance(went.error, DeploymentFailed)
    if on_failure == "leave":
        assert (failure, "next:2") == (went.verdict, went.runs)
    else:
        assert ("DeploymentRolledBack", "web:1") == (went.verdict, went.runs)
        assert failure == type(went.error.__cause__).__name__
    assert "container app exited with 1" in str(went.error)


@pytest.mark.parametrize("options", [{"stable_for": 60}, {"until": "stable"}])
def test_a_daemon_that_crashes(options: dict[str, Any]) -> None:
    """A DAEMON, which has no desired count of its own, is unstable as well, and rolled back."""

    def prepare(sim: Simulator) -> None:
        daemon(sim)
        container = {"name": "app", "image": "image:2", "memory": 64}
        request = {"family": "agent", "requiresCompatibilities": ["EC2"], "containerDefinitions": [container]}
        sim.handle("RegisterTaskDefinition", request)
        sim.script("agent", [*[CRASH] * 9, STEADY])

    went = both(
        lambda ecs: ecs.services.deploy("web", task_definition="agent:2", on_failure="rollback", **options),
        prepare=prepare,
        service=None,
    )
    assert "agent:1: SUCCESSFUL, but 3 tasks stopped within 5 s" in str(went.raised(DeploymentRolledBack))
    assert "agent:1" == went.runs


LAGS = {
    "replicas are behind": Lag(visible_after=2, stale_by=5),
    "replicas are far behind": Lag(stale_by=30, stale_share=0.7),
    "counts are behind": Lag(counts_behind=30),
}
LATE = [(lag, seed) for lag, each in LAGS.items() for seed in range(4 if each.stale_by else 1)]
"""Only which replica answers is random."""


@pytest.mark.parametrize(("lag", "seed"), LATE)
@pytest.mark.parametrize("options", [{"stable_for": 120}, {"until": "stable"}])
def test_a_crash_loop_that_reads_show_late(options: dict[str, Any], lag: str, seed: int) -> None:
    """It is unstable though reads are behind."""
    went = both(deploys(**options), prepare=crashing(), service={"desiredCount": 4}, lag=LAGS[lag], seed=seed)
    assert "DeploymentUnstable" == went.verdict, repr(went.error)


@pytest.mark.parametrize(("lag", "seed"), LATE)
@pytest.mark.parametrize("options", [{"stable_for": 120}, {"until": "stable"}])
def test_a_good_deployment_that_reads_show_late(options: dict[str, Any], lag: str, seed: int) -> None:
    """Tasks that stay up are stable though reads are behind, and nothing is rolled back."""
    went = both(
        deploys(on_failure="rollback", on_timeout="rollback", timeout=900, **options),
        service={"desiredCount": 4},
        lag=LAGS[lag],
        seed=seed,
    )
    assert ("SUCCESSFUL", "stable") == (went.verdict, went.returned().stability)
    assert 1 == len(went.requests("UpdateService"))


# Reads of tasks that are refused.


@pytest.mark.parametrize("operation", ["ListTasks", "DescribeTasks"])
@pytest.mark.parametrize("options", [{"stable_for": 120}, {"until": "stable"}])
def test_stopped_tasks_that_cannot_be_read(
    options: dict[str, Any], operation: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The deployment succeeds, its stability is "unknown", and one warning says so."""
    caplog.set_level(logging.WARNING, "ecskit")
    went = both(deploys(**options), prepare=refused(operation), service={"desiredCount": 4})
    assert ("SUCCESSFUL", "unknown") == (went.verdict, went.returned().stability)
    warnings = [record for record in caplog.records if "stability is unknown" in record.message]
    assert RUNS == len(warnings)
    assert 1 == len(went.requests(operation))


def test_a_crash_loop_that_cannot_be_read() -> None:
    """Without stopped tasks a crash loop is no failure: the deployment has succeeded, and its stability is unknown."""
    went = both(
        deploys(stable_for=60, on_failure="rollback", on_timeout="rollback"),
        prepare=crashing(CRASH, refused("ListTasks")),
    )
    assert ("SUCCESSFUL", "unknown") == (went.verdict, went.returned().stability)
    assert 1 == len(went.requests("UpdateService"))


# Stops that do not count.


def own(sim: Simulator) -> list[Any]:
    """Return the tasks of next that run."""
    return [task for task in sim.tasks("next") if task.last_status == "RUNNING"]


def meanwhile(event: Callable[[Simulator], object], **options: Any) -> Act:
    """Return the act that deploys next, and lets something happen to the service soon after the success."""

    def act(ecs: Ecs) -> Any:
        done: list[bool] = []

        def on_poll(story: Any) -> None:
            [progress] = story.last.values()
            if not done and progress is not None and progress.observed_stability is not None:
                done.append(True)
                event(ecs.sim)

        return deploys(on_poll=on_poll, **{"stable_for": 60, "on_failure": "rollback", "timeout": 900, **options})(ecs)

    return act


def stop_one(sim: Simulator) -> None:
    sim.handle("StopTask", {"task": own(sim)[0].arn, "reason": "Because."})


def stop_all(sim: Simulator) -> None:
    for task in own(sim):
        sim.handle("StopTask", {"task": task.arn})


HARMLESS: dict[str, Callable[[Simulator], object]] = {
    "scaled in": lambda sim: update(sim, desiredCount=1),
    "scaled to none": lambda sim: update(sim, desiredCount=0),
    "scaled in and out": in_turn(lambda sim: update(sim, desiredCount=1), lambda sim: update(sim, desiredCount=6)),
    "one stopped by a user": stop_one,
    "all stopped by a user": stop_all,
    "zones rebalanced": lambda sim: sim.rebalance("web"),
    "scaled out": lambda sim: update(sim, desiredCount=8),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_stop_that_does_not_count(name: str) -> None:
    """What others do to a service is no fault of its deployment: it is stable in the end, and left alone."""
    went = both(meanwhile(HARMLESS[name]), service={"desiredCount": 4})
    assert ("SUCCESSFUL", "stable") == (went.verdict, went.returned().stability), repr(went.error)
    assert "next:1" == went.runs
    assert 0 == went.result.observed_stability.stops


ENDED_OUTSIDE = {
    "Spot": TaskScript.spot_interrupted(after=30),
    "a termination notice": attrs.evolve(TaskScript.spot_interrupted(after=30), stop_code="TerminationNotice"),
    "a lost host": TaskScript.loses_host(after=30),
}


@pytest.mark.parametrize("name", ENDED_OUTSIDE)
def test_capacity_that_is_taken_back(name: str) -> None:
    """Tasks that lose their capacity do not count: their replacements have to stay up, and do."""
    went = both(
        deploys(stable_for=60, on_failure="rollback"),
        prepare=crashing([*[ENDED_OUTSIDE[name]] * 4, STEADY]),
        service={"desiredCount": 4},
    )
    assert ("SUCCESSFUL", "stable") == (went.verdict, went.returned().stability)
    assert 0 == went.result.observed_stability.stops
    assert went.elapsed >= 20 + 30 + 60


@pytest.mark.parametrize("name", ENDED_OUTSIDE)
def test_capacity_that_is_taken_back_again_and_again(name: str) -> None:
    """It is not the deployment that is unstable: that is a timeout, and nothing is rolled back."""
    went = both(
        deploys(stable_for=60, on_failure="rollback", on_timeout="rollback", timeout=250),
        prepare=crashing(ENDED_OUTSIDE[name]),
        service={"desiredCount": 4},
    )
    assert ("WaitTimeout", "next:2") == (went.verdict, went.runs), repr(went.error)
    assert "is deployed, but not stable yet: " in str(went.error)
    assert 250 <= went.elapsed <= 265
    assert 1 == len(went.requests("UpdateService"))


@pytest.mark.parametrize("follow", [False, True])
def test_a_later_deployment_while_tasks_are_observed(follow: bool) -> None:  # noqa: FBT001  # a parameter of a test
    """It supersedes the one that was observed, or is followed and observed in its stead."""
    act = meanwhile(
        lambda sim: update(sim, taskDefinition="web", forceNewDeployment=True),
        on_superseded="follow" if follow else "raise",
    )
    went = both(act, service={"desiredCount": 4})
    assert "web:1" == went.runs
    assert 2 == len(went.requests("UpdateService"))  # one is of another process
    if follow:
        assert ("SUCCESSFUL", "stable") == (went.verdict, went.returned().stability)
        assert (went.result.started.task_definition or "").endswith("web:1")
    else:
        assert "DeploymentSuperseded" == went.verdict


def test_tasks_that_crashed_before_the_success_do_not_count() -> None:
    """Three tasks exit before all of them run: what stays up after the success is stable."""
    first = [TaskScript.exits(1, after=2), TaskScript.exits(1, after=2)]
    slow = later(STEADY, 60)
    went = both(
        deploys(stable_for=60, on_failure="rollback"),
        prepare=crashing([*first, slow, slow, slow]),
        service={"desiredCount": 4},
    )
    assert ("SUCCESSFUL", "stable", 0) == (
        went.verdict,
        went.returned().stability,
        went.result.observed_stability.stops,
    )
    assert 2 == len(went.result.stopped_tasks)


def test_crashes_are_counted_behind_many_old_stops() -> None:
    """Stopped tasks of before fill many pages; those that stop after the success are found behind them."""

    def prepare(sim: Simulator) -> None:
        sim.script("next", TaskScript.exits(1, after=5))
        answer = sim._answer

        def many(operation: str, request: dict[str, Any]) -> dict[str, Any]:
            if operation != "ListTasks" or request.get("desiredStatus") != "STOPPED":
                return answer(operation, request)
            page = int(request.get("nextToken", "0"))
            if page < 12:
                arns = [f"arn:aws:ecs:us-east-1:123456789012:task/default/{page:016x}{n:016x}" for n in range(100)]
                return {"taskArns": arns, "nextToken": str(page + 1)}
            return answer(operation, {name: value for name, value in request.items() if name != "nextToken"})

        sim._answer = many  # type: ignore[method-assign]  # a service with a long past

    went = both(lambda ecs: ecs.services.deploy("web", task_definition="next", stable_for=60), prepare=prepare)
    went.raised(DeploymentUnstable)
