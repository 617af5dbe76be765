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

COUNT = 8
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


def healthy(arn: str) -> Callable[[Ecs], Any]:
    """Return the wait for the health of a task."""
    return lambda ecs: ecs.wait.tasks_healthy([arn])


def assert_undisturbed(ended: list[Ended]) -> None:
    """Check that waits have ended well, and no later than a poll after the task has stopped."""
    for end in ended:
        assert "STOPPED" == end.verdict, end.error
        assert STOPPED_AT <= end.at <= STOPPED_AT + LONGEST_INTERVAL, end


# One id.


def responding(
    arn: str, change: Callable[[dict[str, Any]], Any] | type[Any]
) -> Callable[[Simulator, Send], RawResponse]:
    """Return how a transport answers that refuses one task after 30 s, or shows it in another way."""

    def respond(sim: Simulator, send: Send) -> RawResponse:
        response = answer(sim, send)
        if arn.rsplit("/", 1)[-1] not in send.params.get("tasks", ()) or support.watch(sim).now() < 30:
            return response
        if isinstance(change, type):
            error = {"Error": {"Code": change.__name__, "Message": f"not authorized on resource {arn}"}}
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


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("AccessDeniedException", "User is not authorized to perform: ecs:DescribeTasks"),
        ("ExpiredTokenException", "The security token included in the request is expired"),
    ],
)
def test_a_refusal_of_all_costs_one_call(colour: str, code: str, message: str) -> None:
    """It names no task, so that each wait gets it at once."""

    def respond(_: Simulator, send: Send) -> RawResponse:
        raise AccessDeniedException({"Error": {"Code": code, "Message": message}}, send.operation)

    sim = support.world()
    starts = [Start(0.0, stopped(arn)) for arn in tasks(sim)]
    ended = support.perform(sim, support.client(colour, sim, answer=respond), starts)
    assert {"AccessDeniedException"} == {end.verdict for end in ended}
    assert {0.0} == {end.at for end in ended}
    assert len({id(end.error) for end in ended}) == COUNT


@pytest.mark.parametrize("colour", COLOURS)
def test_waits_that_read_the_same_definition(colour: str) -> None:
    """Those that wait until another one has read it are not in its way."""
    sim = support.world()
    arns = support.launch(sim, "job", 60, TaskScript(time_to_start=5, run_time=500, time_to_stop=10))
    starts = [Start(10.0, healthy(arn)) for arn in arns]
    ended = support.perform(sim, support.client(colour, sim), starts)
    assert {"RUNNING"} == {end.verdict for end in ended}
    assert max(end.at for end in ended) <= 10.5


# One wait.


Hook = Callable[[int, str], object]


def interrupted(colour: str, victim: int, number: int, turns: int, budget: PollBudget | None = None) -> list[Ended]:
    """Interrupt one wait some turns of the event loop after a request has begun, or in the thread that sends it."""
    sim = support.world()
    arns = tasks(sim)
    waits: list[asyncio.Task[Any]] = []

    async def strike() -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        waits[victim].cancel()

    def before(sent: int, _: str) -> None:
        if sent == number and colour == "async":
            asyncio.ensure_future(strike())  # noqa: RUF006  # it ends in this test
        elif sent == number:
            raise KeyboardInterrupt

    def act(arn: str) -> Callable[[Ecs], Any]:
        def wait(ecs: Ecs) -> Any:
            if colour == "async":
                waits.append(asyncio.current_task())  # type: ignore[arg-type]  # there is one
            return stopped(arn)(ecs)

        return wait

    return support.perform(
        sim, support.client(colour, sim, budget, before=before), [Start(0, act(arn)) for arn in arns]
    )


def test_a_task_is_cancelled_at_every_step() -> None:
    """Whether it sleeps, leads, or has its call under way; the others are polled in time."""
    for victim in (0, COUNT - 1):
        for number in (3, 5, 8):
            for turns in range(4):
                ended = interrupted("async", victim, number, turns)
                assert "CancelledError" == ended[victim].verdict
                assert_undisturbed([*ended[:victim], *ended[victim + 1 :]])


def test_ctrl_c_in_the_thread_of_the_leader() -> None:
    """It ends the wait of that thread only."""
    for number in range(0, 12, 2):
        ended = interrupted("sync", 0, number, 0)
        assert 1 == [end.verdict for end in ended].count("KeyboardInterrupt")
        assert_undisturbed([end for end in ended if end.verdict != "KeyboardInterrupt"])


def cancelled_at(colour: str, moment: float, wait: Callable[..., Any]) -> list[Start]:
    """Return the start of a wait for a task, and its cancellation at a moment."""
    cancel = threading.Event()
    waits: list[Any] = []

    def begin(ecs: Ecs) -> Any:
        if colour == "sync":
            return wait(ecs, cancel=cancel)
        waits.append(asyncio.current_task())
        return wait(ecs)

    async def strike() -> list[Any]:
        waits[0].cancel()
        return []

    def end(_: Ecs) -> Any:
        if colour == "async":
            return strike()
        cancel.set()
        return []

    return [Start(0.05, begin), Start(moment, end)]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("beside", [False, True])
def test_the_leader_is_cancelled_while_it_sleeps_for_a_token(colour: str, *, beside: bool) -> None:
    """Another wait whose poll is due leads at once, and gets the token; also if others are due much later."""
    for moment in (0.5, 0.9):
        budget = PollBudget(0.5)
        for _ in range(0 if beside else 2):
            budget.take("DescribeTasks", 0.0)  # half a token is left: the next one is there after 1 s
        sim = support.world()
        arns = tasks(sim)
        later = wait_fixed(50)
        starts = [
            *cancelled_at(colour, moment, lambda ecs, arn=arns[0], **options: ecs.wait.tasks_stopped([arn], **options)),
            *(Start(0.1, stopped(arn, timeout=None)) for arn in arns[1:]),
            *(Start(n / 50, stopped(arns[n], timeout=None, poll=later)) for n in range(2 if beside else 0)),
        ]
        [left, _, *ended] = support.perform(sim, support.client(colour, sim, budget), starts)
        assert left.verdict in {"CancelledError", "WaitCancelled"}
        assert left.at == moment
        assert 1.0 == pytest.approx(support.times(sim)[2 if beside else 0])
        assert {"STOPPED"} == {each.verdict for each in ended}
