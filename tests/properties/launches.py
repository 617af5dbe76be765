"""What must hold between a launch and the truth: nothing runs twice, and nothing runs on that was to be stopped."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from ecskit.errors import TasksNotStarted
from ecskit.tasks import RunTaskResult
from ecskit.testing import Call

from .drivers import Cut, Ending
from .world import CLOSE, Truth, World

CLEAN_UP = 10.0


def run_tasks_of(ending: Ending, family: str) -> list[Call]:
    """Return the RunTask requests for a family."""
    runs = (call for call in ending.calls if call.operation == "RunTask")
    return [call for call in runs if call.request["taskDefinition"] == family]


def check_requests(runs: Sequence[Call], *, until: float) -> None:
    """No call above the limits, one question for each token, and no new one when the time for capacity is up."""
    questions: dict[str, str] = {}
    for call in runs:
        token = call.request["clientToken"]
        assert len(token) <= 64
        assert 1 <= call.request.get("count", 1) <= 10, "too many tasks in a call"
        question = json.dumps(call.request, sort_keys=True)
        if token not in questions and not token.endswith("-0"):
            assert call.time <= until + CLOSE, "asked again when time was up"
        assert questions.setdefault(token, question) == question, f"the token {token} came with other parameters"


def check_none_twice(launched: Sequence[Truth], count: int, ending: Ending) -> None:
    """Never more tasks than asked for, and the result is what was launched."""
    assert len(launched) <= count, f"{len(launched)} tasks were launched for {count}"
    result = ending.error.result if isinstance(ending.error, TasksNotStarted) else ending.result
    if not isinstance(result, RunTaskResult):
        return
    arns = [truth.task.arn for truth in launched]
    assert len(set(result.task_arns)) == len(result.task_arns), "a task is reported twice"
    assert set(result.task_arns) <= set(arns)
    if not result.errors:
        assert set(result.task_arns) == set(arns), "tasks were launched that are not reported"
    assert result.complete == (len(result.tasks) == count == result.requested)


def to_be_stopped(world: World, launched: Sequence[Truth], ending: Ending) -> list[Truth]:
    """Return the tasks that can be stopped: not those of a request that was given up without an answer."""
    targets = Counter[str](call.request["clientToken"] for call in ending.calls if call.operation == "RunTask")
    given_up = any(count >= 6 for count in targets.values())
    return [truth for truth in launched if not given_up or truth.id in world.named]


def check_cut(cut: Cut | None, ending: Ending, launched: Sequence[Truth], on_cancel: str, *, latency: float) -> bool:
    """Return whether a call was cut short; if so, the original was raised, and what was to be stopped stops."""
    assert not ending.was_cut or cut is not None
    if not ending.was_cut or ending.cut_at is None:
        return False
    interrupted = ending.kind != "Enough"  # what a listener raises is no hurry
    # Two requests may take their time: one in flight at the interruption, and one in flight when the clean-up ends.
    latest = ending.cut_at + CLEAN_UP + 2 * latency + CLOSE
    assert not interrupted or ending.ended <= latest, "the clean-up took too long"
    if on_cancel == "leave":
        return True
    in_time = ending.ended < ending.cut_at + CLEAN_UP - CLOSE or (not interrupted and not _has_given_up(ending))
    requested = {call.request["task"] for call in ending.calls if call.operation == "StopTask" and call.status == 200}
    for truth in launched:
        if in_time or truth.id in requested:
            assert not truth.wants_to_run(ending.ended), f"{truth.task.arn} runs on"
    return True
    if ending.ended < ending.cut_at + CLEAN_UP - CLOSE or on_cancel == "stop_and_wait":
        answered = {
            call.request["task"] for call in ending.calls if call.operation == "StopTask" and call.status == 200
        }
        for truth in launched:
            sufficed = ending.ended < ending.cut_at + CLEAN_UP - CLOSE or truth.task.arn.rsplit("/", 1)[-1] in answered
            assert not sufficed or not truth.wants_to_run(ending.ended), f"{truth.task.arn} runs on"
    return True


def _has_given_up(ending: Ending) -> bool:
    """Whether a StopTask failed too often."""
    requested = Counter[str](call.request["task"] for call in ending.calls if call.operation == "StopTask")
    return any(count >= 6 for count in requested.values())
