"""S25 and S26: stages that polls jump past or that come twice, and hooks that pause a deployment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from support.both_clients import Ecs, then

from ecskit._deployments.progress import STAGES
from ecskit.errors import DeploymentPaused

from .acting import Went, both, deploys, is_ecs, streams
from .scripted import Script, World
from .stories import story

LINEAR = story(
    {0: "2=I:2 1=C", 90: "2=C"},
    {
        2: {
            1: "PENDING",
            2: "IN_PROGRESS@RECONCILE_SERVICE",
            4: "IN_PROGRESS@SCALE_UP",
            20: "IN_PROGRESS@PRODUCTION_TRAFFIC_SHIFT",
            35: "IN_PROGRESS@POST_PRODUCTION_TRAFFIC_SHIFT",
            50: "IN_PROGRESS@PRODUCTION_TRAFFIC_SHIFT",
            65: "IN_PROGRESS@BAKE_TIME",
            80: "IN_PROGRESS@CLEAN_UP",
            90: "SUCCESSFUL@CLEAN_UP",
        }
    },
)
JUMPS = story(
    {0: "2=I:2 1=C", 60: "2=C"}, {2: {2: "IN_PROGRESS@SCALE_UP", 30: "IN_PROGRESS@BAKE_TIME", 60: "SUCCESSFUL"}}
)
TURNS_BACK = story(
    {0: "2=I:2 1=C", 40: "1=I:2back 2=I:2", 60: "1=C:2back"},
    {
        2: {
            2: "IN_PROGRESS@SCALE_UP",
            30: "ROLLBACK_IN_PROGRESS@PRODUCTION_TRAFFIC_SHIFT>1: the hook said so",
            60: "ROLLBACK_SUCCESSFUL@CLEAN_UP>1: the hook said so",
        }
    },
)
ROLLING = story({0: "2=I:2 1=C", 30: "2=C"}, {2: {1: "IN_PROGRESS", 30: "SUCCESSFUL"}})


@pytest.mark.parametrize(
    ("stage", "earliest", "latest"),
    [
        ("RECONCILE_SERVICE", 2, 6),
        ("PRE_SCALE_UP", 4, 12),  # polls jump past it
        ("SCALE_UP", 4, 12),
        ("TEST_TRAFFIC_SHIFT", 20, 30),
        ("PRODUCTION_TRAFFIC_SHIFT", 20, 30),
        ("POST_PRODUCTION_TRAFFIC_SHIFT", 35, 49),
        ("BAKE_TIME", 65, 79),
        ("CLEAN_UP", 80, 110),
    ],
)
def test_s26_until_a_stage(stage: str, earliest: float, latest: float) -> None:
    """It ends when that stage or a later one is there, and not before."""
    went = both(deploys(until=stage), LINEAR)
    assert went.error is None
    assert earliest <= went.elapsed <= latest


def test_s26_stages_that_come_again_take_nothing_back() -> None:
    """LINEAR deployments come back to earlier stages: the latest one that was reached stays."""
    went = both(streams(), LINEAR)
    reached = [item.progress.stage_reached for item in went.items]
    order = [STAGES.index(stage) for stage in reached if stage]
    assert sorted(order) == order
    expected = [item.stage for item in went.items if type(item).__name__ == "StageReached"]
    assert 2 == expected.count("PRODUCTION_TRAFFIC_SHIFT")


def test_s26_polls_jump_past_a_stage() -> None:
    """A later stage will do."""
    went = both(deploys(until="TEST_TRAFFIC_SHIFT"), JUMPS)
    assert (None, "BAKE_TIME") == (went.error, went.result.stage)


@pytest.mark.parametrize("stage", ["PRODUCTION_TRAFFIC_SHIFT", "CLEAN_UP"])
def test_s26_a_stage_during_a_rollback_does_not_count(stage: str) -> None:
    """It is rolled back, which is an error."""
    assert "DeploymentRolledBack" == both(deploys(until=stage), TURNS_BACK).verdict


def test_s26_a_stage_of_a_rolling_deployment() -> None:
    """There are none: it is followed to its end."""
    went = both(deploys(until="BAKE_TIME"), ROLLING)
    assert ("SUCCESSFUL", True) == (went.verdict, went.elapsed >= 30)


# Hooks.

PAUSED = World(
    update=Script(
        service={0: "2=I:2 1=C"},
        rollouts={2: {2: "IN_PROGRESS@SCALE_UP", 10: "IN_PROGRESS@POST_SCALE_UP!h1"}},
    ),
    continued=Script(
        service={0: "2=I:2 1=C", 30: "2=C"},
        rollouts={2: {0: "IN_PROGRESS@POST_SCALE_UP", 5: "IN_PROGRESS@BAKE_TIME", 30: "SUCCESSFUL"}},
    ),
    turned=Script(
        service={0: "2=I:2 1=C", 20: "1=C:2back"},
        rollouts={2: {0: "ROLLBACK_REQUESTED>1: a hook", 20: "ROLLBACK_SUCCESSFUL>1: a hook"}},
    ),
    stopped=Script(
        service={0: "2=I:2 1=C", 20: "1=C:2back"},
        rollouts={2: {0: "ROLLBACK_REQUESTED>1: stopped", 20: "ROLLBACK_SUCCESSFUL>1: stopped"}},
    ),
)
TWO = attrs.evolve(
    PAUSED,
    continued=attrs.evolve(
        PAUSED.continued or PAUSED.update,
        rollouts={2: {0: "IN_PROGRESS@POST_SCALE_UP", 5: "IN_PROGRESS@BAKE_TIME!h2", 60: "SUCCESSFUL"}},
    ),
)
OTHERS_CONTINUE = story(
    {0: "2=I:2 1=C", 100: "2=C"},
    {2: {2: "IN_PROGRESS@POST_SCALE_UP!h1", 60: "IN_PROGRESS@BAKE_TIME", 100: "SUCCESSFUL"}},
)
OTHERS_ROLL_BACK = story(
    {0: "2=I:2 1=C", 80: "1=C:2back"},
    {2: {2: "IN_PROGRESS@POST_SCALE_UP!h1", 60: "ROLLBACK_IN_PROGRESS!h1>1: no", 80: "ROLLBACK_SUCCESSFUL>1: no"}},
)


def answers(*actions: object) -> tuple[Callable[[Any], object], list[str]]:
    """Return a callback that answers hooks, and the list of those that it was asked about."""
    targets: list[str] = []

    def on_pause(hook: Any) -> object:
        targets.append(hook.hook_id)
        action = actions[(len(targets) - 1) % len(actions)]
        if isinstance(action, Exception):
            raise action
        return action

    return on_pause, targets


def continued(went: Went) -> list[tuple[str, str]]:
    return [(params["hookId"], params["action"]) for params in went.sent("ContinueServiceDeployment")]


def test_s25_a_callback_lets_it_continue() -> None:
    """It is called once with each hook, and its answer is sent once."""
    on_pause, targets = answers("CONTINUE")
    went = both(deploys(on_pause=on_pause), PAUSED)
    assert "SUCCESSFUL" == went.verdict
    assert [("h1", "CONTINUE")] == continued(went)
    assert ["h1"] * 2 == targets  # of both colours


def test_s25_two_hooks() -> None:
    """One after the other: the callback is called once with each."""
    on_pause, targets = answers("CONTINUE", None)
    went = both(deploys(on_pause=on_pause), attrs.evolve(TWO))
    assert "SUCCESSFUL" == went.verdict
    assert [("h1", "CONTINUE")] == continued(went)
    assert ["h1", "h2"] * 2 == targets


def test_s25_a_callback_rolls_it_back() -> None:
    """DeploymentRolledBack."""
    on_pause, _ = answers("ROLLBACK")
    went = both(deploys(on_pause=on_pause), PAUSED)
    assert ("DeploymentRolledBack", [("h1", "ROLLBACK")]) == (went.verdict, continued(went))


def test_s25_a_callback_that_waits() -> None:
    """The callback is called once, and nothing is sent; another process continues the deployment."""
    on_pause, targets = answers(None)
    went = both(deploys(on_pause=on_pause), OTHERS_CONTINUE)
    assert ("SUCCESSFUL", []) == (went.verdict, continued(went))
    assert ["h1"] * 2 == targets


@pytest.mark.parametrize("action", ["ABORT", "", 7, True, ["CONTINUE"]])
def test_s25_nonsense_is_refused(action: object) -> None:
    """With a RequestError that has the handle, and nothing is sent."""
    on_pause, _ = answers(action)
    went = both(deploys(on_pause=on_pause), PAUSED)
    assert ("RequestError", []) == (went.verdict, continued(went))
    assert "ROLLBACK or CONTINUE" in str(went.error)
    assert is_ecs(went.error).story is not None


def test_s25_what_a_callback_raises_is_raised() -> None:
    """As it is; the deployment is left alone."""
    on_pause, _ = answers(ZeroDivisionError("mine"))
    went = both(deploys(on_pause=on_pause), PAUSED)
    assert ("ZeroDivisionError", []) == (went.verdict, went.sent("StopServiceDeployment"))


def test_s25_a_callback_that_raises_is_a_way_to_cancel() -> None:
    """With on_cancel="rollback" the rollback is begun, and not waited for."""
    on_pause, _ = answers(ZeroDivisionError("mine"))
    went = both(deploys(on_pause=on_pause, on_cancel="rollback"), PAUSED)
    assert "ZeroDivisionError" == went.verdict
    assert ["ROLLBACK"] == [params["stopType"] for params in went.sent("StopServiceDeployment")]
    assert 1 == len(went.sent("UpdateService"))


def test_s25_a_coroutine_function() -> None:
    """An async client awaits it; a sync one says that it cannot."""
    from .acting import aperform, perform

    async def on_pause(_: Any) -> str:
        return "CONTINUE"

    import asyncio

    act = deploys(on_pause=on_pause)
    assert "SUCCESSFUL" == asyncio.run(aperform(act, PAUSED)).verdict
    went = perform(act, PAUSED)
    assert isinstance(went.error, TypeError)
    assert "AsyncClient" in str(went.error)


def test_s25_raise() -> None:
    """DeploymentPaused names stage and hook; the handle goes on."""
    went = both(deploys(on_pause="raise"), PAUSED)
    assert isinstance(went.error, DeploymentPaused)
    assert ["h1"] == [hook.hook_id for hook in went.error.progress.paused]
    assert "POST_SCALE_UP" in str(went.error)
    assert "h1" in str(went.error)


def test_s25_until_paused() -> None:
    """Returns what is known, with the hook; what is never paused is followed to its end."""
    went = both(deploys(until="paused"), PAUSED)
    assert ["h1"] == [hook.hook_id for hook in went.result.paused]
    assert "SUCCESSFUL" == both(deploys(until="paused"), ROLLING).verdict


def test_s25_waiting_emits_one_event() -> None:
    """The stream continues when another process has answered the hook."""
    went = both(streams(), OTHERS_CONTINUE)
    assert went.error is None
    assert ["h1"] == [item.hook.hook_id for item in went.items if type(item).__name__ == "PauseStarted"]


def test_s25_rolled_back_while_a_hook_waits() -> None:
    """DeploymentRolledBack; the callback is not called for a deployment that is being rolled back."""
    on_pause, targets = answers(None)
    assert "DeploymentRolledBack" == both(deploys(on_pause=on_pause), OTHERS_ROLL_BACK).verdict
    assert ["h1"] * 2 == targets


def test_s25_the_hook_of_a_handle() -> None:
    """`continue_deployment` answers it, also from the text of a handle."""

    def act(ecs: Ecs) -> Any:
        def paused(progress: Any) -> Any:
            [hook] = progress.paused
            text = progress.started.to_json()
            expected = then(
                ecs.services.deployment(text),
                lambda handle: handle.continue_deployment(hook.hook_id, action="CONTINUE"),
            )
            return then(expected, lambda _: then(ecs.services.deployment(text), lambda handle: handle.wait()))

        return then(deploys(until="paused")(ecs), paused)

    went = both(act, PAUSED)
    assert ("SUCCESSFUL", [("h1", "CONTINUE")]) == (went.verdict, continued(went))


@pytest.mark.parametrize("word", ["throttle", "500", "reset"])
def test_s25_an_answer_that_takes_two_attempts(word: str) -> None:
    """ContinueServiceDeployment is sent again."""
    on_pause, _ = answers("CONTINUE")
    world = attrs.evolve(PAUSED, faults={"ContinueServiceDeployment": {0: word}})
    went = both(deploys(on_pause=on_pause), world)
    assert ("SUCCESSFUL", [("h1", "CONTINUE")] * 2) == (went.verdict, continued(went))


def test_s25_an_answer_that_is_refused() -> None:
    """The error has the handle of the deployment."""
    on_pause, _ = answers("CONTINUE")
    world = attrs.evolve(PAUSED, refused={"ContinueServiceDeployment": "denied"})
    went = both(deploys(on_pause=on_pause), world)
    assert "AccessDeniedException" == went.verdict
    story_ = is_ecs(went.error).story
    assert story_ is not None
    assert "ecs-svc/2" == story_.arguments["deployment_id"]
