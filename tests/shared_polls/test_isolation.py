"""What happens to one wait leaves the others alone: refusals, cancellations, timeouts, callbacks, odd responses."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from support.both_clients import Ecs
from support.simulated_ecs import answer
from tenacity.wait import wait_fixed

from ecskit._core.effects import RawResponse, Send
from ecskit._polling.budget import PollBudget
from ecskit.errors import AccessDeniedException, InvalidParameterException
from ecskit.testing import Simulator, TaskScript

from . import support
from .support import COLOURS, Ended, Start

COUNT = 20
STOPPED_AT = 93.0
"""When the tasks have stopped."""
LONGEST_INTERVAL = 6.6
"""Seconds between two polls of tasks that run, with jitter."""


def tasks(sim: Simulator) -> list[str]:
    """Launch the tasks of all waits."""
    return support.launch(sim, "job", COUNT, TaskScript(time_to_start=20, run_time=63, time_to_stop=10))


def stopped(arn: str, **options: Any) -> Callable[[Ecs], Any]:
    """Return the wait for a task."""
    return lambda ecs: ecs.wait.tasks_stopped([arn], **{"timeout": 400, **options})


def assert_undisturbed(ended: list[Ended]) -> None:
    """Check that waits have ended well, and no later than a poll after the task has stopped."""
    for end in ended:
        assert "STOPPED" == end.verdict, end.error
        assert STOPPED_AT <= end.at <= STOPPED_AT + LONGEST_INTERVAL, end


# One id.


def responding(arn: str, change: Callable[[dict[str, Any]], Any] | type[Any]) -> Callable[[Simulator, Send], RawResponse]:
    """Return how a transport answers that refuses one task after 30 s, or shows it in another way."""

    def respond(sim: Simulator, send: Send) -> RawResponse:
        response = answer(sim, send)
        if arn.rsplit("/", 1)[-1] not in send.params.get("tasks", ()) or support.watch(sim).now() < 30:
            return response
        if isinstance(change, type):
            error = {"Error": {"Code": change.__name__, "Message": "not this one"}}
            raise change(error, send.operation)
        body = json.loads(response.body)
        body["tasks"] = [change(each) if each["taskArn"] == arn else each for each in body["tasks"]]
        return RawResponse(json.dumps(body).encode(), {})

    return respond


ODD: dict[str, Any] = {
    "refused": (AccessDeniedException, "AccessDeniedException"),
    "invalid": (InvalidParameterException, "InvalidParameterException"),
    "null": (lambda _: None, None),
    "no ARN": (lambda task: {**task, "taskArn": None}, None),
    "an ARN that is a number": (lambda task: {**task, "taskArn": 5}, None),
    "no task": (lambda _: "task", None),
    "a time that is none": (lambda task: {**task, "createdAt": "soon"}, None),
    "no status": (lambda task: {**task, "lastStatus": None}, None),
}


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("name", ODD)
def test_one_id(colour: str, name: str) -> None:
    """The wait for it ends as it would alone. The others end well, in time."""
    change, expected = ODD[name]
    sim = support.world()
    arns = tasks(sim)
    starts = [Start(0.01 * n, stopped(arn, timeout=300)) for n, arn in enumerate(arns)]
    alone = support.world()
    [own] = support.perform(
        alone,
        support.client(colour, alone, answer=responding(tasks(alone)[3], change)),
        [starts[3]],
    )
    ended = support.perform(sim, support.client(colour, sim, answer=responding(arns[3], change)), starts)
    assert own.verdict == ended[3].verdict
    assert expected in (None, own.verdict)
    assert_undisturbed([*ended[:3], *ended[4:]])
