"""What errors, callbacks and logs contain."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
from collections.abc import Callable
from random import Random
from threading import Event
from typing import Any

import pytest
from support.scripted_ecs import ScriptedAsync

from ecskit._core.effects import Flow
from ecskit._drive.aio import AsyncRuntime
from ecskit._drive.sync import Runtime
from ecskit._polling.errors import WaitError, WaitStory, WaitTimeout
from ecskit._simulator.virtual_clock import VirtualClock
from ecskit._waits.errors import TaskNotVisible, TaskPurged, TaskStoppedEarly
from ecskit.errors import WaitCancelled

from .support import Scripted, arn, run_both, task, tasks_running, tasks_stopped, timeline

ENDS: list[tuple[type[WaitError], str, Callable[[], Flow[Any]]]] = [
    (WaitTimeout, "P !500 P P", lambda: tasks_running(arn("a"), timeout=30)),
    (TaskNotVisible, "!throttle -", lambda: tasks_running(arn("a"))),
    (TaskPurged, "R -", lambda: tasks_stopped(arn("a"))),
    (TaskStoppedEarly, "R/P S/P", lambda: tasks_running([arn("a"), arn("b")])),
]


@pytest.mark.parametrize(("kind", "words", "flow"), ENDS)
@pytest.mark.parametrize("duplicate", [copy.deepcopy, copy.copy, lambda e: pickle.loads(pickle.dumps(e))])
def test_errors_survive_being_copied(kind: Any, words: str, flow: Any, duplicate: Callable[[Any], Any]) -> None:
    """Copies hold the same story."""
    error = run_both(timeline(words), flow).error
    assert isinstance(error, WaitError)
    assert type(error) is kind
    twin = duplicate(error)
    assert type(twin) is kind
    assert str(twin) == str(error)
    assert twin.story.last == error.story.last
    assert twin.story.states == error.story.states
    assert [str(e) for e in twin.story.errors] == [str(e) for e in error.story.errors]
    assert (twin.story.polls, twin.story.elapsed) == (error.story.polls, error.story.elapsed)


def test_wait_cancelled_survives_being_copied() -> None:
    """WaitCancelled has no story, and can be copied and pickled."""
    twin = pickle.loads(pickle.dumps(copy.deepcopy(WaitCancelled())))
    assert (type(twin), str(twin)) == (WaitCancelled, "the wait was cancelled by its `cancel` event")


def test_the_message_of_a_timeout() -> None:
    """The message has the last states, seconds, polls, observed states and the last error."""
    run = run_both(timeline("V/R P/R !500 P/R"), lambda: tasks_stopped([arn("a"), arn("b")], timeout=20))
    assert str(run.error) == (
        f"tasks_stopped: timed out after 20 s: task a is PENDING; task b is RUNNING; {len(run.calls)} polls: "
        f"PROVISIONING x1, RUNNING x{len(run.calls) - 1}, PENDING x{len(run.calls) - 2}; "
        "last error: DescribeTasks: ServerException: slow down (cluster 'prod', tasks 'a' and 1 more)"
    )


def test_the_message_of_a_task_that_stopped_early() -> None:
    """The message has stop code and reason, exit codes, and the reasons of containers."""
    stopped = task(
        "STOPPED",
        stopCode="TaskFailedToStart",
        stoppedReason="CannotPullContainerError: manifest unknown",
        containers=[
            {"name": "app", "reason": "CannotPullContainerError"},
            {"name": "log", "exitCode": 0},
            {"name": "web", "exitCode": 137, "reason": "OutOfMemoryError"},
        ],
    )
    run = run_both([[stopped]], lambda: tasks_running(arn("a")))
    assert str(run.error) == (
        "tasks_running: stopped early after 0 s: task a is STOPPED (TaskFailedToStart: CannotPullContainerError: "
        "manifest unknown), container log exited with 0, container web exited with 137, container app: "
        "CannotPullContainerError, container web: OutOfMemoryError; 1 poll: STOPPED x1"
    )


def test_the_message_of_hundreds_of_tasks_is_short() -> None:
    """The message names ten tasks; the story holds all."""
    run = run_both(lambda _: [], lambda: tasks_running([f"t{i}" for i in range(500)], cluster="prod"))
    assert run.verdict == "TaskNotVisible"
    assert str(run.error).count("task t") == 10
    assert "and 490 more; " in str(run.error)
    story = run.story
    assert len(story.reasons) == 500


@pytest.mark.parametrize("count", [1, 10])
def test_a_few_tasks_are_all_named(count: int) -> None:
    """The message of up to ten tasks names all, and mentions no others."""
    run = run_both(lambda _: [], lambda: tasks_running([f"t{i}" for i in range(count)], cluster="prod"))
    assert str(run.error).count("task t") == count
    assert "more" not in str(run.error)


def test_a_story_holds_the_last_observations() -> None:
    """The last observation of a task that was never visible is None."""
    run = run_both(timeline("P4/- V3/-"), lambda: tasks_running([arn("a"), arn("b")], timeout=10))
    assert isinstance(run.error, TaskNotVisible)
    story = run.error.story
    assert (story.wait, story.noun, story.elapsed) == ("tasks_running", "task", 10)
    assert {id_: seen and seen.version for id_, seen in story.last.items()} == {arn("a"): 4, arn("b"): None}
    assert story.reasons == {arn("b"): "is not visible yet"}


def test_an_unknown_status_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """Each wait logs one warning for an unknown status, however often it is observed."""
    looks = [[task("SNOOZING", id_="a", version=i)] for i in range(5)] + [[task("STOPPED", id_="a", version=9)]]
    with caplog.at_level(logging.WARNING, logger="ecskit"):
        run = run_both(looks, lambda: tasks_stopped(arn("a")))
    assert run.verdict == "STOPPED"
    assert ["SNOOZING" in record.message for record in caplog.records] == [True, True]


# Callbacks.


def test_on_poll_is_called_after_each_poll() -> None:
    """`on_poll` receives the last observations and reasons; the last story has no reasons."""
    stories: list[WaitStory] = []
    run_both(timeline("V P R"), lambda: tasks_running(arn("a"), on_poll=stories.append))
    first, second = stories[:3], stories[3:]
    assert first == second
    assert [list(story.reasons.values()) for story in first] == [["is PROVISIONING"], ["is PENDING"], []]
    assert [story.polls for story in first] == [1, 2, 3]


def test_on_poll_is_called_before_an_error() -> None:
    """`on_poll` receives the last story before the error is raised."""
    stories: list[WaitStory] = []
    run = run_both(timeline("V S"), lambda: tasks_running(arn("a"), on_poll=stories.append))
    assert isinstance(run.error, TaskStoppedEarly)
    assert stories[1].reasons == run.error.story.reasons


def test_an_exception_of_on_poll_ends_the_wait() -> None:
    """The exception of a callback is raised unchanged."""

    def listener(_: WaitStory) -> None:
        raise LookupError("enough")

    for run in (_sync, _async):
        with pytest.raises(LookupError, match="enough"):
            run("V P R", lambda: tasks_running(arn("a"), on_poll=listener))


def test_an_async_wait_awaits_on_poll() -> None:
    """An async client accepts a coroutine function and a function."""
    heard: list[int] = []

    async def listener(story: WaitStory) -> None:
        await asyncio.sleep(0)
        heard.append(story.polls)

    _async("V P R", lambda: tasks_running(arn("a"), on_poll=listener))
    assert heard == [1, 2, 3]
    with pytest.raises(TypeError, match="coroutine"):
        _sync("V P R", lambda: tasks_running(arn("a"), on_poll=listener))


def _sync(words: str, flow: Callable[[], Flow[Any]], cancel: Event | None = None) -> Any:
    clock = VirtualClock()
    return Runtime(Scripted(clock, timeline(words)), clock, Random(0)).run(flow(), cancel)


def _async(words: str, flow: Callable[[], Flow[Any]]) -> Any:
    clock = VirtualClock()
    transport = ScriptedAsync(Scripted(clock, timeline(words)))
    return asyncio.run(AsyncRuntime(transport, clock, Random(0)).run(flow()))


def test_cancel_ends_a_sync_wait() -> None:
    """A wait can be cancelled before its first poll, and after any poll."""
    cancel = Event()
    cancel.set()
    with pytest.raises(WaitCancelled):
        _sync("V", lambda: tasks_running(arn("a")), cancel)
    for polls in (1, 3):
        cancel.clear()
        looks: list[int] = []

        def listener(story: WaitStory, polls: int = polls, looks: list[int] = looks) -> None:
            looks.append(story.polls)
            if story.polls == polls:
                cancel.set()

        with pytest.raises(WaitCancelled):
            _sync("V", lambda listener=listener: tasks_running(arn("a"), on_poll=listener), cancel)  # type: ignore[misc]
        assert looks == list(range(1, polls + 1))


def test_a_cancelled_async_wait_sends_nothing_more() -> None:
    """A cancelled asyncio task ends with CancelledError."""
    clock = VirtualClock()
    scripted = Scripted(clock, timeline("P"))

    async def main() -> None:
        runtime = AsyncRuntime(ScriptedAsync(scripted), clock, Random(0))
        waiting = asyncio.ensure_future(runtime.run(tasks_running(arn("a"), timeout=None)))
        while len(scripted.calls) < 5:
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        calls = len(scripted.calls)
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(scripted.calls) == calls

    asyncio.run(main(), debug=True)
