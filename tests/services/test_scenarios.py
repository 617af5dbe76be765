"""S18 to S29 and their combinations: the verdict is the same whichever reads are late, stale or missing."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from support.both_clients import Act, Ecs, then

from ecskit.errors import DeploymentFailed, DeploymentRolledBack, WaitError
from ecskit.waits import WaitHandle

from .acting import Went, both, disturbed, is_ecs, perform, variants
from .scripted import READS, Script, World, definition
from .stories import DEPLOYMENT_READS, PULL, ROLLBACK, ROWS, SUCCESS, SUPERSEDED, Row


def act(row: Row) -> Act:
    return lambda ecs: ecs.services.deploy("web", cluster="prod", **row.change, **row.options)


def check(row: Row, went: Went) -> None:
    assert row.verdict == went.verdict, repr(went.error)
    assert 1 == len(went.sent("UpdateService"))
    for part in filter(None, row.says.split(" | ")):
        assert part in str(went.error)
    assert row.rolled_back_to == getattr(went.error, "rolled_back_to", None)
    assert row.by == getattr(went.error, "by", None)
    assert row.warnings == len(went.warnings), went.warnings
    assert not set(row.never) & set(went.operations)
    assert row.ends[0] <= went.elapsed <= row.ends[1]


def _end(verdict: str) -> str:
    """Return the verdict whatever shows it: a service that is judged by itself is COMPLETED, not SUCCESSFUL."""
    return "SUCCESSFUL" if verdict == "COMPLETED" else verdict


@pytest.mark.parametrize("name", ROWS)
def test_scenario(name: str) -> None:
    """The verdict, what the error holds, the requests, the warnings, and when it ends: sync and async alike."""
    check(ROWS[name], both(act(ROWS[name]), ROWS[name].world))


@pytest.mark.parametrize("name", ROWS)
def test_scenario_with_lagging_reads(name: str) -> None:
    """Throttled, with errors at any read, replicas behind at any read, lists that lag, without some of the times."""
    row, wrong = ROWS[name], dict[str, str]()
    for how, world in variants(act(row), row.world).items():
        went = perform(act(row), world)
        verdict = _end(went.verdict)  # by the service, before it is listed
        if (_end(row.verdict), 1) != (verdict, len(went.sent("UpdateService"))):
            wrong[how] = f"{went.verdict}: {went.error}"
    assert {} == wrong


@pytest.mark.parametrize("name", ROWS)
def test_scenario_with_events(name: str) -> None:
    """A stream of events ends as the wait does."""
    row = ROWS[name]

    def stream(ecs: Ecs) -> object:
        started = ecs.services.start_deployment("web", cluster="prod", **row.change)
        if ecs.colour == "sync":
            return started.events(**row.options)

        async def events() -> object:
            async for event in (await started).events(**row.options):
                yield event

        return events()

    went = both(stream, row.world)
    if went.error is None:
        assert row.verdict in ("SUCCESSFUL", "COMPLETED")
    else:
        assert row.verdict == went.verdict
    expected = [str(item) for item in went.items if type(item).__name__ in ("TaskStopped", "ServiceEventLogged")]
    assert len(set(expected)) == len(expected)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.alike_by_service])
@pytest.mark.parametrize("operation", DEPLOYMENT_READS)
def test_s27_refused(name: str, operation: str) -> None:
    """With a refused deployment API the verdict is the same, and one warning is logged."""
    row = ROWS[name]
    went = both(act(row), attrs.evolve(row.world, refused={operation: "denied"}))
    assert _end(row.verdict) == _end(went.verdict), repr(went.error)
    assert row.rolled_back_to == getattr(went.error, "rolled_back_to", None)
    refused = [expected for expected in went.warnings if "reading service deployments is refused" in expected]
    targets = operation in went.operations
    assert int(targets) == len(refused), went.warnings
    assert 1 == len(went.sent("UpdateService"))
    assert len(went.sent(operation)) <= 1 + (row.options.get("on_superseded") == "follow") * 2


MISSING_MEMBERS: dict[str, dict[str, Any]] = {
    "deployments have no times": {"times": "none"},
    "revisions have other numbers": {"odd_numbers": True},
    "neither": {"times": "none", "odd_numbers": True},
    "no times, and refused": {"times": "none", "refused": {"ListServiceDeployments": "denied"}},
    "tasks are not listed": {"refused": {"ListTasks": "denied"}},
    "tasks are not described": {"refused": {"DescribeTasks": "denied"}},
}


@pytest.mark.parametrize("less", MISSING_MEMBERS)
@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.alike_by_service])
def test_scenario_with_missing_members(name: str, less: str) -> None:
    """The verdict is the same if ECS leaves out members that it usually sends."""
    row = ROWS[name]
    went = perform(act(row), attrs.evolve(row.world, **MISSING_MEMBERS[less]))
    assert _end(row.verdict) == _end(went.verdict), repr(went.error)
    assert row.rolled_back_to == getattr(went.error, "rolled_back_to", None)
    assert 1 == len(went.sent("UpdateService"))


@pytest.mark.parametrize("operation", ["ListTasks", "DescribeTasks"])
def test_refused_tasks_are_reported_once(operation: str) -> None:
    """Then the reasons of stopped tasks are missing; one warning says so, and the operation is not requested again."""
    went = both(act(ROWS["S19 rolled back"]), attrs.evolve(ROLLBACK, refused={operation: "denied"}))
    assert "DeploymentRolledBack" == went.verdict
    assert PULL not in str(went.error)
    [warning] = went.warnings
    assert "reading tasks is refused" in warning
    assert 1 == len(went.sent(operation))


@pytest.mark.parametrize("how", ["denied", "expired"])
@pytest.mark.parametrize("operation", READS)
def test_refused_in_the_middle(operation: str, how: str) -> None:
    """Only a refused DescribeServices, and expired credentials anywhere, end it: with a handle that goes on."""
    world = attrs.evolve(ROLLBACK, faults={operation: dict.fromkeys(range(1, 99), how)})
    went = both(act(ROWS["S19 rolled back"]), world)
    if how == "denied" and operation != "DescribeServices":
        assert "DeploymentRolledBack" == went.verdict, repr(went.error)
        return
    assert "AccessDeniedException" == went.verdict
    assert 1 == len(went.sent("UpdateService"))
    story = is_ecs(went.error).story
    assert story is not None
    text = story.handle.to_json()
    # Another process, with credentials that are good, at a time when all is over.
    went.transport.world = ROLLBACK
    went.transport.clock.advance(100)
    for act_ in (
        lambda ecs: then(ecs.services.deployment(text), lambda handle: handle.wait()),
        lambda ecs: ecs.wait.resume(WaitHandle.from_json(text)),
        lambda ecs: ecs.wait.deployment(text),
    ):
        again = perform(act_, ROLLBACK, transport=went.transport)
        assert "DeploymentRolledBack" == again.verdict, repr(again.error)
        assert isinstance(again.error, DeploymentRolledBack)
        assert definition(1) == again.error.rolled_back_to


def test_s28_code_deploy() -> None:
    """Refused after the first read, and nothing is changed."""
    went = both(act(ROWS["S18 at once"]), attrs.evolve(SUCCESS, controller="CODE_DEPLOY"))
    assert "UnsupportedController" == went.verdict
    assert ["DescribeServices"] == went.operations
    assert "CodeDeploy" in str(went.error)


def test_s20_what_the_error_holds() -> None:
    """It is a WaitError, but no DeploymentFailed: nothing failed."""
    went = both(act(ROWS["S20 superseded"]), SUPERSEDED)
    assert isinstance(went.error, WaitError)
    assert not isinstance(went.error, DeploymentFailed)


def test_s19_what_the_error_holds() -> None:
    """The tasks that stopped, each once, and why."""
    went = both(act(ROWS["S19 rolled back"]), ROLLBACK)
    assert isinstance(went.error, DeploymentRolledBack)
    tasks = went.error.progress.stopped_tasks
    assert [PULL] * 3 == [task.stopped_reason for task in tasks]
    assert 3 == len({task.task_arn for task in tasks})
    assert "circuit breaker" in went.error.reason


def test_a_stopped_deployment_without_a_reason() -> None:
    """Without a reason, a newer deployment or a monitor that tripped, it failed; it is looked at twice before."""
    world = World(
        update=Script(service={0: "2=I:0 1=C"}, rollouts={2: {1: "IN_PROGRESS", 20: "STOPPED"}}),
    )
    went = both(act(ROWS["S18 at once"]), world)
    assert "DeploymentFailed" == went.verdict
    assert 2 <= len([1 for at, operation, _ in went.calls if operation == "DescribeServiceDeployments" and at >= 20])


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.alike_by_service])
@pytest.mark.parametrize("operation", DEPLOYMENT_READS)
def test_s27_refused_and_with_lagging_reads(name: str, operation: str) -> None:
    """Judged by the service alone, with replicas behind and throttles at any read: the same verdict."""
    row, wrong = ROWS[name], dict[str, str]()
    base, reads = attrs.evolve(row.world, refused={operation: "denied"}), ("DescribeServices", "ListTasks")
    for how, world in disturbed(act(row), base, reads, ["throttle"], errors=range(1, 7), stale=range(1, 7)).items():
        went = perform(act(row), world)
        if _end(row.verdict) != _end(went.verdict):
            wrong[how] = f"{went.verdict}: {went.error}"
    assert {} == wrong
