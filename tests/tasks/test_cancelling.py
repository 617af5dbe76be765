"""Cut short, wherever: with "stop" nothing is left behind, with "leave" nothing is touched, and the cut is raised."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from support.both_clients import Went
from support.cutting_short import CUTS, Make, cancelled_by_event, requests_of
from tenacity.wait import wait_fixed

from ecskit.errors import WaitCancelled
from ecskit.testing import Fault, Simulator, TaskScript

from .cutting import cancelled_after_steps
from .support import FARGATE, simulator, stops


def job(sim: Simulator) -> None:
    sim.script("job", TaskScript(run_time=10, time_to_start=5, time_to_stop=1))


def lost_first(sim: Simulator) -> None:
    """The first answer is lost, the next two requests are throttled."""
    job(sim)
    sim.fail("RunTask", Fault.reset(after_effect=True))
    sim.fail("RunTask", Fault.throttled(), times=2)


def completing(count: int | None = None, **options: Any) -> Callable[..., Any]:
    def act(ecs: Any, cancel: Event | None = None) -> Any:
        more = {} if cancel is None else {"cancel": cancel}
        return ecs.tasks.run_to_completion("job", **FARGATE, count=count, poll=wait_fixed(5), **options, **more)

    return act


def running(count: int, **options: Any) -> Callable[..., Any]:
    def act(ecs: Any, cancel: Event | None = None) -> Any:
        more = {} if cancel is None else {"cancel": cancel}
        return ecs.tasks.run("job", **FARGATE, count=count, **options, **more)

    return act


ACTS: dict[str, tuple[Callable[..., Callable[..., Any]], Make]] = {
    "one task": (lambda **on: completing(None, **on), simulator(job)),
    "twelve tasks": (lambda **on: completing(12, **on), simulator(job)),
    "a lost answer": (lambda **on: completing(None, **on), simulator(lost_first)),
}


def check_stopped(went: Went, kind: type[BaseException], where: str) -> None:
    """No task keeps running, no task was stopped twice, and the interruption was raised."""
    if went.error is None:
        return  # it came too late
    assert type(went.error) is kind, (where, went.error)
    left = [task for task in went.sim.tasks() if task.desired_status == "RUNNING"]
    assert [] == left, (where, went.operations)
    assert set(stops(went).values()) <= {1}, (where, went.operations)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(("policy", "name"), [*(("stop", name) for name in ACTS), ("stop_and_wait", "one task")])
def test_s31_stopped_wherever_it_is_cut(policy: str, name: str, cut: str, *, after: bool) -> None:
    """At each request, before and after its effect."""
    make_act, make = ACTS[name]
    cutting, kind = CUTS[cut]
    act = make_act(on_cancel=policy)
    for n in range(requests_of(act, make)):
        went = cutting(act, make, n, after=after)
        check_stopped(went, kind, f"request {n}")


@pytest.mark.parametrize("name", ACTS)
def test_s31_stopped_wherever_it_is_cancelled(name: str) -> None:
    """At each await of an async client."""
    make_act, make = ACTS[name]
    act = make_act(on_cancel="stop")
    cut, steps = True, 1
    while cut and steps < 400:
        went = cancelled_after_steps(act, make, steps)
        cut = went.error is not None
        check_stopped(went, asyncio.CancelledError, f"step {steps}")
        steps += 1 if steps < 60 else 7
    assert steps > 20


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", ACTS)
def test_left_wherever_it_is_cut(name: str, cut: str, *, after: bool) -> None:
    """By default nothing is sent, StopTask neither."""
    make_act, make = ACTS[name]
    cutting, kind = CUTS[cut]
    act = make_act()
    for n in range(requests_of(act, make)):
        went = cutting(act, make, n, after=after)
        assert not went.requests("StopTask")
        assert type(went.error) in {kind, type(None)}
        assert len(went.operations) <= n + 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("options", [{}, {"on_partial": "stop_started"}], ids=["all start", "the rest is refused"])
def test_a_launch_of_many_calls_is_stopped(cut: str, options: dict[str, Any], *, after: bool) -> None:
    """What other calls have started is stopped too, and so is what was being stopped anyway."""

    def prepare(sim: Simulator) -> None:
        job(sim)
        if options:
            sim.fail("RunTask", Fault.no_capacity("LOCATION", last=1), times=None)

    act, make = running(32, on_cancel="stop", **options), simulator(prepare)
    cutting, kind = CUTS[cut]
    total = requests_of(act, make)
    for n in range(total) if total < 10 else range(0, total, 3):
        went = cutting(act, make, n, after=after)
        if type(went.error) is kind or options:  # else it came too late
            assert [] == went.running, f"request {n} of {total}"


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("cut", CUTS)
def test_stopping_because_time_is_up_is_cut_short(cut: str, *, after: bool) -> None:
    """The remaining tasks are stopped then."""
    act = completing(12, timeout=7, on_timeout="stop", on_cancel="stop")
    make = simulator(job)
    cutting, _ = CUTS[cut]
    for n in range(0, requests_of(act, make), 2):
        assert [] == cutting(act, make, n, after=after).running, f"request {n}"


def test_cancelled_where_a_lost_answer_was_followed_by_a_throttle() -> None:
    """The throttle says nothing about the request before it: its tasks are found and stopped."""
    act, make = running(3, on_cancel="stop"), simulator(lost_first)
    for n in (1, 2):
        for after in (False, True):
            went = cancelled_by_event(act, make, n, after=after)
            assert type(went.error) is WaitCancelled
            assert ([], 3) == (went.running, len(went.sim.tasks()))


@pytest.mark.parametrize(("before", "launched"), [(0, 0), (1, 2)], ids=["at first", "again"])
def test_cancelled_before_it_is_sent(before: int, launched: int) -> None:
    """Cut between a nap and a request: only what became of an earlier one has to be found out."""
    from support.simulated_ecs import answer

    from ecskit._core.effects import Cancelled, DrawRandom, Parallel, Reply, Send, Share, Sleep
    from ecskit._core.errors import EcsError
    from ecskit._drive.shared import SharedValues
    from ecskit._tasks.launch import Launch
    from ecskit._tasks.running import run

    from .support import NETWORK

    sim, shared = simulator(lost_first)(), SharedValues()
    flow = run("job", count=2, launch=Launch(launch_type="FARGATE", network=NETWORK), on_cancel="stop")

    def perform(effect: Any) -> Any:
        match effect:
            case Send():
                try:
                    return Reply(0.0, answer(sim, effect))
                except EcsError as error:
                    return Reply(0.0, error=error)
            case Parallel(flows):
                return Reply(0.0, [Reply(0.0, to_end(each, next(each))) for each in flows])
            case DrawRandom():
                return Reply(0.0, 1)
            case Share():
                return Reply(0.0, shared.perform(effect))
            case _:
                assert isinstance(effect, Sleep)
                return Reply(0.0)

    def to_end(flow: Any, effect: Any) -> Any:
        while True:
            try:
                effect = flow.send(perform(effect))
            except StopIteration as stop:
                return stop.value

    sent, effect = 0, next(flow)
    while not (isinstance(effect, Send) and sent == before):
        sent += isinstance(effect, Send)
        effect = flow.send(perform(effect))
    sim.heal()
    with pytest.raises(Cancelled):
        to_end(flow, flow.throw(Cancelled(sent=False)))
    assert ["STOPPED"] * launched == [task.desired_status for task in sim.tasks()]
    assert (before > 0) == ("RunTask" in [call.operation for call in sim.calls])


def test_one_call_that_cannot_be_found_out_does_not_keep_the_others() -> None:
    """The tasks that have been started are stopped."""

    def prepare(sim: Simulator) -> None:
        job(sim)
        sim.fail("RunTask", Fault.no_capacity("LOCATION", last=1))  # nine run
        sim.fail("RunTask", Fault.reset(after_effect=True))
        sim.fail("RunTask", Fault.access_denied(), times=None)

    act, make = running(20, on_cancel="stop"), simulator(prepare)
    went = cancelled_by_event(act, make, 1, after=False)
    assert type(went.error) is WaitCancelled
    assert len(went.requests("StopTask")) >= 9


@pytest.mark.parametrize("cut", CUTS)
def test_cancelled_while_it_asks_for_more(cut: str) -> None:
    """The tasks that were started in the meantime are stopped."""

    def prepare(sim: Simulator) -> None:
        job(sim)
        sim.fail("RunTask", Fault.no_capacity("AGENT", last=4))
        sim.fail("RunTask", Fault.no_capacity("AGENT", last=2))
        sim.fail("RunTask", Fault.no_capacity("AGENT"), times=None)

    act, make = running(10, on_partial="top_up", on_cancel="stop"), simulator(prepare)
    cutting, kind = CUTS[cut]
    for n, launched in ((0, 6), (1, 8), (2, 8), (3, 8)):
        went = cutting(act, make, n, after=True)
        assert (kind, [], launched) == (type(went.error), went.running, len(went.sim.tasks()))
        assert {1} == set(stops(went).values())


def test_cancelled_from_another_thread() -> None:
    """The event wakes the wait, and the tasks are stopped."""
    import threading

    from support.both_clients import Ecs, perform

    event, sim = Event(), simulator(lambda sim: sim.script("job", TaskScript()))()
    act = completing(3, on_cancel="stop", timeout=None)
    polls: list[int] = []

    def watch(_: int, operation: str) -> None:
        polls.append(1)
        if operation == "DescribeTasks" and len(polls) == 4:
            setter = threading.Thread(target=event.set)
            setter.start()
            setter.join()

    went = perform(lambda ecs: act(ecs, event), Ecs.sync(sim, after=watch))
    assert (WaitCancelled, []) == (type(went.error), went.running)
    assert [1, 1, 1] == list(stops(went).values())


def test_stop_and_wait_waits_for_ten_seconds_at_the_most() -> None:
    """StopTask is sent for a task that stops slowly, and the wait for its end is cut short."""
    for time_to_stop in (2, 300):
        script = TaskScript(time_to_stop=time_to_stop)
        make = simulator(functools.partial(Simulator.script, family="job", script=script))
        for cut, _ in CUTS.values():
            went = cut(completing(on_cancel="stop_and_wait"), make, 3, after=True)
            cut_at = went.times("StopTask")[0]
            assert went.elapsed - cut_at <= 10
            last = max(went.times("DescribeTasks"))
            assert (time_to_stop <= last - cut_at) or time_to_stop == 300
            assert (time_to_stop == 2) == ("STOPPED" == went.sim.tasks()[0].last_status)
