"""Handles of deployments: waiting, events, looking, stopping, rolling back, and going on in another process."""

from __future__ import annotations

from typing import Any

import pytest
from support.both_clients import Ecs, aperform, perform, then

from ecskit import DeploymentHandle
from ecskit.errors import NothingToRollBack, RequestError, WaitFailed
from ecskit.services import CountsChanged, ServiceEventLogged, StartedDeployment, StatusChanged, TaskStopped
from ecskit.testing import DeploymentScript, Fault, Simulator, TaskScript
from ecskit.waits import WaitHandle

from .support import BARE_BREAKER, both, furnished, in_turn, stream, update


def started(**change: Any) -> Any:
    return lambda ecs: ecs.services.start_deployment("web", **(change or {"task_definition": "next"}))


def on(first: Any, next_: Any) -> Any:
    """Return the act that does something with a handle."""
    return lambda ecs: then(first(ecs), next_)


def test_starting_does_not_wait() -> None:
    """One read, one update."""
    went = both(started())
    assert ["DescribeServices", "UpdateService"] == went.operations
    assert 0 == went.elapsed
    message: StartedDeployment = went.result.started
    assert ("deployment", True) == (message.expected, (message.previous_task_definition or "").endswith("web:1"))


def test_waiting() -> None:
    """As `deploy` does."""
    assert "SUCCESSFUL" == both(on(started(), lambda handle: handle.wait())).verdict
    assert "DeploymentRolledBack" == both(on(started(task_definition="bad"), lambda handle: handle.wait())).verdict


def test_json_in_a_new_process() -> None:
    """The text is all that is needed."""

    def act(ecs: Ecs) -> Any:
        def elsewhere(handle: Any) -> Any:
            text = handle.to_json()
            assert StartedDeployment.from_json(text) == handle.started
            other = Ecs.sync(ecs.sim) if ecs.colour == "sync" else Ecs.aio(ecs.sim)
            return then(other.services.deployment(text), lambda again: again.wait())

        return then(started()(ecs), elsewhere)

    assert "SUCCESSFUL" == both(act).verdict


@pytest.mark.parametrize("given", ["", "web", "{}", "{", "arn:aws:ecs:us-east-1:1:service/default/web", 7, None])
def test_what_names_no_deployment(given: object) -> None:
    """RequestError, and nothing is sent."""
    for act in (lambda ecs: ecs.services.deployment(given), lambda ecs: ecs.wait.deployment(given)):
        went = both(act)
        assert isinstance(went.error, RequestError)
        assert [] == went.operations


def test_a_handle_of_another_wait() -> None:
    """Says how to go on with it."""
    text = WaitHandle("tasks_running", ["t"], {}, {}).to_json()
    went = both(lambda ecs: ecs.services.deployment(text))
    assert "resume" in str(went.raised(RequestError))


def test_a_handle_that_was_changed() -> None:
    """RequestError."""
    text = WaitHandle("deployment", ["t"], {"nonsense": 1}, {}).to_json()
    assert isinstance(both(lambda ecs: ecs.services.deployment(text)).error, RequestError)


def test_looking_once() -> None:
    """What is known now, with the counts."""
    went = both(on(started(), lambda handle: handle.status()))
    assert ("PENDING", 0) == (went.verdict, went.elapsed)
    assert went.result.service is not None


def test_looking_despite_a_throttle() -> None:
    """It is asked again."""
    went = both(
        on(started(), lambda handle: handle.status()),
        prepare=lambda sim: sim.fail("ListServiceDeployments", Fault.throttled(), times=2),
    )
    assert went.verdict in ("PENDING", "IN_PROGRESS")
    assert 3 == len(went.requests("ListServiceDeployments"))


def test_stopping() -> None:
    """ECS ends it, and what runs goes on to run."""
    went = both(on(started(), lambda handle: handle.stop()))
    assert "STOPPED" == went.verdict, repr(went.error)
    assert ["ABORT"] == [each["stopType"] for each in went.requests("StopServiceDeployment")]


def test_stopping_what_is_done() -> None:
    """It was deployed before."""
    went = both(on(started(), lambda handle: then(handle.wait(), lambda _: handle.stop())))
    assert type(went.error).__name__ in ("ConflictException", WaitFailed.__name__)


def test_rolling_back_what_is_under_way() -> None:
    """ECS does it, without another update."""
    went = both(on(started(), lambda handle: handle.rollback()))
    assert ("ROLLBACK_SUCCESSFUL", "web:1") == (went.verdict, went.runs)
    assert 1 == len(went.requests("UpdateService"))


def test_rolling_back_what_is_done() -> None:
    """The service gets what it had before."""
    went = both(on(started(), lambda handle: then(handle.wait(), lambda _: handle.rollback())))
    assert ("SUCCESSFUL", "web:1") == (went.verdict, went.runs)


def test_rolling_back_what_was_rolled_back() -> None:
    """There is nothing to do."""

    def again(handle: Any) -> Any:
        return then(handle.rollback(), lambda _: handle.rollback())

    assert "already" in both(on(started(), again)).raised(NothingToRollBack).why


def test_rolling_back_behind_another_process() -> None:
    """Their deployment is left alone."""

    def act(ecs: Ecs) -> Any:
        def other(handle: Any) -> Any:
            update(ecs.sim, wait=100, taskDefinition="web", forceNewDeployment=True)
            return handle.rollback()

        return then(started()(ecs), other)

    went = both(act)
    assert "after" in went.raised(NothingToRollBack).why
    assert 2 == len(went.requests("UpdateService"))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_lost_answer_to_an_answer(*, after: bool) -> None:
    """A hook is continued, however often that has to be said."""

    def prepare(sim: Simulator) -> None:
        sim.fail("ContinueServiceDeployment", Fault.reset(after_effect=after))

    hook = {"lifecycleStages": ["POST_SCALE_UP"], "targetType": "PAUSE"}
    configuration = {"strategy": "BLUE_GREEN", "lifecycleHooks": [hook]}
    went = both(
        lambda ecs: ecs.services.deploy("web", task_definition="next", on_pause=lambda _: "CONTINUE"),
        prepare=prepare,
        service={"deploymentConfiguration": configuration, "desiredCount": 1},
    )
    assert "SUCCESSFUL" == went.verdict, repr(went.error)


# Events.


def test_events_of_a_success() -> None:
    """Statuses and counts in order, ending with SUCCESSFUL."""
    went = both(stream(started()))
    assert None is went.error
    message = [item.status for item in went.items if isinstance(item, StatusChanged)]
    assert ["PENDING", "IN_PROGRESS", "SUCCESSFUL"] == message
    assert [item for item in went.items if isinstance(item, CountsChanged)]
    assert all(str(item) for item in went.items)


def test_events_of_a_rollback() -> None:
    """Each stopped task and each thing that the service said once; it ends by raising what `wait` raises."""
    went = both(stream(started(task_definition="bad")))
    waited = both(on(started(task_definition="bad"), lambda handle: handle.wait()))
    assert (type(waited.error), str(waited.error)) == (type(went.error), str(went.error))
    stopped = [item.task.task_arn for item in went.items if isinstance(item, TaskStopped)]
    assert len(stopped) == len(set(stopped)) >= 3
    said = [item.event.id for item in went.items if isinstance(item, ServiceEventLogged)]
    assert len(said) == len(set(said)) > 0
    statuses = [item.status for item in went.items if isinstance(item, StatusChanged)]
    assert "ROLLBACK_SUCCESSFUL" == statuses[-1]
    assert len(statuses) == len(set(statuses))


def test_events_of_a_count() -> None:
    """Counts only."""
    went = both(stream(started(desired_count=4)))
    assert None is went.error
    assert "4 of 4 running" in str([item for item in went.items if isinstance(item, CountsChanged)][-1])


def test_events_with_a_remedy() -> None:
    """What is undone raises at the end, as with `wait`."""
    went = both(
        stream(started(task_definition="bad"), on_failure="rollback"), service={"deploymentConfiguration": BARE_BREAKER}
    )
    assert ("DeploymentRolledBack", "web:1") == (went.verdict, went.runs)


@pytest.mark.parametrize("policy", ["leave", "rollback"])
def test_leaving_the_stream_early(policy: str) -> None:
    """Counts as cancelling, sync and async alike."""

    def leave(ecs: Ecs) -> None:
        with ecs.services.start_deployment("web", task_definition="next").events(on_cancel=policy) as items:
            next(items)
            next(items)

    async def aleave(ecs: Ecs) -> None:
        handle = await ecs.services.start_deployment("web", task_definition="next")
        async with handle.events(on_cancel=policy) as items:
            await anext(items)
            await anext(items)

    import asyncio

    for went in (perform(leave, Ecs.sync(furnished())), asyncio.run(aperform(aleave, Ecs.aio(furnished())))):
        assert None is went.error
        stopped = [each["stopType"] for each in went.requests("StopServiceDeployment")]
        assert (["ROLLBACK"] if policy == "rollback" else []) == stopped
        went.sim.clock.advance(300)
        assert ("web:1" if policy == "rollback" else "next:1") == went.runs


def test_an_event_stream_that_raises_in_the_middle() -> None:
    """What the consumer raises leaves the stream, which cleans up."""

    def act(ecs: Ecs) -> None:
        with ecs.services.start_deployment("web", task_definition="next").events(on_cancel="rollback") as items:
            for _ in items:
                raise ZeroDivisionError

    went = perform(act, Ecs.sync(furnished()))
    assert isinstance(went.error, ZeroDivisionError)
    assert 1 == len(went.requests("StopServiceDeployment"))


def test_stages_are_events() -> None:
    """Once each, in order."""
    went = both(
        stream(started(task_definition="next", strategy="BLUE_GREEN"), timeout=1200),
        prepare=in_turn(
            lambda sim: sim.script_deployment("web", DeploymentScript(stage_seconds={"BAKE_TIME": 30})),
            lambda sim: sim.script("next", TaskScript(time_to_start=5)),
        ),
    )
    stages = [item.stage for item in went.items if type(item).__name__ == "StageReached"]
    assert "BAKE_TIME" in stages
    assert len(stages) == len(set(stages))


def test_a_handle_is_shown_in_a_line() -> None:
    """`print` shows the name of the deployment; `repr` has everything."""
    started = StartedDeployment(
        service="web", cluster="prod", deployment_id="ecs-svc/1", task_definition="arn:aws:ecs:us-east-1:1:web:8"
    )
    handle: DeploymentHandle = DeploymentHandle(None, started)  # type: ignore[arg-type]  # it sends nothing
    assert "deployment 1 of prod/web (arn:aws:ecs:us-east-1:1:web:8)" == str(handle) == str(started)
    assert repr(handle) == f"DeploymentHandle({started!r})"
