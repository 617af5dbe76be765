"""Draining container instances: ten a call, until they are empty; and undone, but only what was changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.both_clients import Ecs, Went, perform
from support.cutting_short import CUTS, requests_of
from support.simulated_ecs import answer

from ecskit._core.effects import RawResponse, Send
from ecskit.errors import (
    AccessDeniedException,
    ClusterNotFoundException,
    ContainerInstancesMissing,
    ContainerInstancesNotChanged,
    FailuresError,
    RequestError,
    ThrottledError,
    WaitFailed,
    WaitTimeout,
)
from ecskit.models import ContainerInstance, Failure, UpdateContainerInstancesStateResponse
from ecskit.testing import Fault, Simulator, TaskScript
from ecskit.waits import WaitHandle, WaitStory

from .support import arns, both, busy, drain_before, furnished, hosts

UNKNOWN = "f" * 32
UPDATE = "UpdateContainerInstancesState"


def draining(*more: str, **options: Any) -> Callable[..., Any]:
    def act(ecs: Any, **others: Any) -> Any:
        return ecs.container_instances.drain([*arns(ecs.sim), *more], **{"cluster": "default", **options, **others})

    return act


def endless(sim: Simulator) -> None:
    """Run a task without a service that does not stop."""
    sim.script("job", TaskScript())
    busy(sim)


def chunks(went: Went) -> list[int]:
    return sorted(len(each["containerInstances"]) for each in went.requests(UPDATE))


@pytest.mark.parametrize(("count", "expected"), [(1, [1]), (10, [10]), (11, [1, 10]), (35, [5, 10, 10, 10])])
def test_ten_share_a_call(count: int, expected: list[int]) -> None:
    """All are drained, and returned in the order given."""
    went = both(draining(), count=count)
    returned = went.returned()
    assert arns(went.sim) == [each.container_instance_arn for each in returned]
    assert {"DRAINING"} == {each.status for each in returned}
    assert expected == chunks(went)
    assert arns(went.sim) == arns(went.sim, "DRAINING")


def test_until_drained() -> None:
    """The wait lasts until tasks stop by themselves."""
    went = both(draining(), prepare=busy)
    [seen] = went.returned()
    assert ("DRAINING", 0, 0) == (seen.status, seen.running_tasks_count, seen.pending_tasks_count)
    assert went.elapsed > 20


def test_until_requested() -> None:
    """Nothing is polled; the container instances are returned as the responses show them."""
    went = both(draining(until="requested"), prepare=busy, count=12)
    assert [UPDATE, UPDATE] == went.operations
    assert [1, *[0] * 11] == [each.running_tasks_count for each in went.returned()]


def test_by_the_ids_of_their_machines() -> None:
    """They are found first: the operation does not take these."""

    def act(ecs: Any) -> Any:
        return ecs.container_instances.drain(
            [hosts(ecs.sim)[0], arns(ecs.sim)[1]], cluster="default", until="requested"
        )

    went = both(act, count=2)
    assert arns(went.sim) == [each.container_instance_arn for each in went.returned()]
    [request] = went.requests(UPDATE)
    assert [arn.rsplit("/", 1)[1] for arn in arns(went.sim)] == request["containerInstances"]


def test_a_machine_without_container_instance() -> None:
    """Nothing is changed."""
    went = both(draining("i-0123"))
    error = went.raised(ContainerInstancesMissing)
    assert (("i-0123",), []) == (error.missing, went.requests(UPDATE))


def test_duplicate_names_are_sent_once() -> None:
    """And returned once."""

    def act(ecs: Any) -> Any:
        [arn] = arns(ecs.sim)
        return ecs.container_instances.drain([arn, arn.rsplit("/", 1)[1]], cluster="default")

    went = both(act)
    assert (1, [1]) == (len(went.returned()), chunks(went))


def test_several_clusters() -> None:
    """A call for each."""

    def prepare(sim: Simulator) -> None:
        sim.handle("CreateCluster", {"clusterName": "prod"})

    def act(ecs: Any) -> Any:
        shown = ecs.sim.handle("RegisterContainerInstance", {"cluster": "prod"})["containerInstance"]
        return ecs.container_instances.drain([*arns(ecs.sim), shown["containerInstanceArn"]], until="requested")

    went = both(act, prepare=prepare)
    assert ["DRAINING", "DRAINING"] == [each.status for each in went.returned()]
    assert [1, 1] == chunks(went)


# Not all of them.


@pytest.mark.parametrize(("on_partial", "left"), [("leave", 12), ("undo", 1)])
def test_some_are_not_changed(on_partial: str, left: int) -> None:
    """The error names the changed ones. "undo" sets them back, unless they were DRAINING before. There is no wait."""
    went = both(draining(UNKNOWN, on_partial=on_partial), prepare=drain_before(2), count=12)
    error: ContainerInstancesNotChanged = went.raised(ContainerInstancesNotChanged)
    assert isinstance(error, FailuresError)
    assert ["MISSING"] == [failure.reason for failure in error.failures]
    assert (on_partial == "undo", arns(went.sim)) == (error.undone, [*error.changed])
    assert f"changed{' and set back again' if error.undone else ''}: arn:" in str(error)
    assert left == len(arns(went.sim, "DRAINING"))
    assert not error.retryable
    assert not error.story


@pytest.mark.parametrize(("on_partial", "left"), [("leave", 10), ("undo", 0)])
def test_a_call_is_refused(on_partial: str, left: int) -> None:
    """The others are made; what they changed is said."""

    def deny(sim: Simulator, send: Send) -> RawResponse:
        if send.operation == UPDATE and len(send.params["containerInstances"]) == 2:
            sim.fail(UPDATE, Fault.access_denied())
        return answer(sim, send)

    went = both(draining(on_partial=on_partial), count=12, hooks=lambda: {"answer": deny})
    error: ContainerInstancesNotChanged = went.raised(ContainerInstancesNotChanged)
    assert 2 * [AccessDeniedException] == [type(each) for each in error.errors.values()]
    assert 10 == len(error.results)
    assert isinstance(error.__cause__, AccessDeniedException)
    assert (10, left) == (len(error.changed), len(arns(went.sim, "DRAINING")))
    assert "AccessDeniedException" in str(error)


@pytest.mark.parametrize(
    ("fault", "kind", "times"),
    [(Fault.access_denied(), AccessDeniedException, 1), (Fault.throttled(), ThrottledError, 6)],
)
def test_all_is_refused(fault: Fault, kind: Any, times: int) -> None:
    """That is the error."""
    went = both(draining(), prepare=lambda sim: sim.fail(UPDATE, fault, times=None))
    assert isinstance(went.error, kind)
    assert [UPDATE] * times == went.operations


def test_no_such_cluster() -> None:
    """The same."""
    both(lambda ecs: ecs.container_instances.drain("a", cluster="nowhere")).raised(ClusterNotFoundException)


@pytest.mark.parametrize("on_partial", ["leave", "undo"])
def test_a_call_whose_answers_are_lost_may_have_changed_them(on_partial: str) -> None:
    """With "undo" it is set back nevertheless."""

    def lose(sim: Simulator, send: Send) -> RawResponse:
        two = send.operation == UPDATE and len(send.params["containerInstances"]) == 2
        if two and send.params["status"] == "DRAINING":
            sim.fail(UPDATE, Fault.reset(after_effect=True))
        return answer(sim, send)

    went = both(draining(on_partial=on_partial), count=12, hooks=lambda: {"answer": lose})
    error: ContainerInstancesNotChanged = went.raised(ContainerInstancesNotChanged)
    assert (10, True) == (len(error.changed), error.retryable)
    assert (12 if on_partial == "leave" else 0) == len(arns(went.sim, "DRAINING"))


@pytest.mark.parametrize(
    "fault", [Fault.throttled(), Fault.server_error(after_effect=True), Fault.reset(after_effect=True), Fault.garbled()]
)
def test_what_may_pass_is_tried_again(fault: Fault) -> None:
    """Once more changes nothing."""
    went = both(draining(), prepare=lambda sim: sim.fail(UPDATE, fault, times=3))
    assert went.error is None
    assert 4 == len(went.requests(UPDATE))


def test_the_first_read_is_retried() -> None:
    """Nothing is changed before the previous statuses have been read."""

    def prepare(sim: Simulator) -> None:
        sim.fail("DescribeContainerInstances", Fault.throttled(), times=3)

    went = both(draining(on_timeout="undo", until="requested"), prepare=prepare)
    assert [*["DescribeContainerInstances"] * 4, UPDATE] == went.operations
    went = both(
        draining(on_timeout="undo"),
        prepare=lambda sim: sim.fail("DescribeContainerInstances", Fault.throttled(), times=None),
    )
    assert isinstance(went.error, ThrottledError)
    assert [] == went.requests(UPDATE)


# Time is up.


@pytest.mark.parametrize(("on_timeout", "left"), [("leave", [0, 1, 2]), ("undo", [1])])
def test_time_is_up(on_timeout: str, left: list[int]) -> None:
    """What is not empty is named with its tasks; those that this changed are set back; the handle goes on."""

    def prepare(sim: Simulator) -> None:
        endless(sim)
        drain_before(1)(sim)

    went = both(draining(timeout=40, on_timeout=on_timeout), prepare=prepare, count=3)
    error = went.raised(WaitTimeout)
    there = arns(went.sim)
    reason = f"container instance {there[0].rsplit('/', 1)[1]} is DRAINING busy (1 running, 0 pending tasks)"
    assert reason in str(error)
    assert [there[number] for number in left] == arns(went.sim, "DRAINING")
    handle = WaitHandle.from_json(error.story.handle.to_json())
    assert "container_instances_drained" == handle.wait
    if on_timeout == "leave":
        [task] = went.sim.tasks()
        went.sim.handle("StopTask", {"task": task.arn})
        assert 3 == len(perform(lambda ecs: ecs.wait.resume(handle), Ecs.sync(went.sim)).returned())


def test_undoing_is_refused() -> None:
    """The timeout is raised, because of what was refused."""

    def deny(sim: Simulator, send: Send) -> RawResponse:
        if send.params.get("status") == "ACTIVE":
            sim.fail(UPDATE, Fault.access_denied())
        return answer(sim, send)

    went = both(draining(timeout=40, on_timeout="undo"), prepare=endless, count=2, hooks=lambda: {"answer": deny})
    assert isinstance(went.raised(WaitTimeout).__cause__, AccessDeniedException)


def test_one_is_deregistered() -> None:
    """The wait fails; the others go on draining, whatever is to be done when time is up."""

    def show(sim: Simulator, send: Send) -> RawResponse:
        raw = answer(sim, send)
        if send.operation == "DescribeContainerInstances" and any(call.operation == UPDATE for call in sim.calls):
            return RawResponse(raw.body.replace(b'"DRAINING"', b'"DEREGISTERING"'), {})
        return raw

    went = both(draining(on_timeout="undo", on_cancel="undo"), prepare=endless, hooks=lambda: {"answer": show})
    assert "container_instances_drained" == went.raised(WaitFailed).story.handle.wait
    assert 1 == len(arns(went.sim, "DRAINING"))


def test_refused_polls_end_the_wait_with_its_story() -> None:
    """What drains goes on."""

    def deny(sim: Simulator, send: Send) -> RawResponse:
        if any(call.operation == UPDATE for call in sim.calls):
            sim.fail("DescribeContainerInstances", Fault.access_denied())
        return answer(sim, send)

    went = both(draining(on_timeout="undo", on_cancel="undo"), prepare=endless, hooks=lambda: {"answer": deny})
    assert "container_instances_drained" == went.raised(AccessDeniedException).story.handle.wait
    assert 1 == len(arns(went.sim, "DRAINING"))


# Cut short.


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("policy", ["leave", "undo"])
@pytest.mark.parametrize("lost", [False, True], ids=["answered", "lost"])
def test_cut_wherever_it_is(cut: str, policy: str, *, after: bool, lost: bool) -> None:
    """With "undo", only those that were DRAINING before are DRAINING; with "leave", nothing is changed."""

    def make() -> Simulator:
        sim = furnished(endless, count=12)
        drain_before(3, 11)(sim)
        if lost:
            sim.fail(UPDATE, Fault.reset(after_effect=True), times=2)
        return sim

    act, (cutting, kind) = draining(on_cancel=policy, timeout=30), CUTS[cut]
    count = requests_of(act, make)
    assert count > 5
    for n in range(count):
        went = cutting(act, make, n, after=after)
        if type(went.error) is WaitTimeout:
            continue  # it came too late
        assert type(went.error) is kind, (n, went.error)
        there = arns(went.sim)
        back = [request for request in went.requests(UPDATE) if request["status"] == "ACTIVE"]
        if policy == "undo":
            assert [there[3], there[11]] == arns(went.sim, "DRAINING"), (n, went.operations)
        else:
            assert [] == back
        assert not {there[3].rsplit("/", 1)[1], there[11].rsplit("/", 1)[1]} & {
            id_ for request in back for id_ in request["containerInstances"]
        }


def test_what_was_not_begun_is_not_undone() -> None:
    """Interrupted at the first read: nothing was changed, so nothing is set back."""
    for cutting, kind in CUTS.values():
        went = cutting(draining(on_cancel="undo"), furnished, 0, after=True)
        assert (kind, []) == (type(went.error), went.requests(UPDATE))


@pytest.mark.parametrize(("policy", "left"), [("leave", 2), ("undo", 0)])
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("enough"),
        ThrottledError({"Error": {"Code": "mine"}}, "Mine"),
        WaitTimeout(WaitStory("another", "task", {}, {}, 0.0, 0, {}, 0, [])),
    ],
)
def test_a_listener_that_raises_cuts_it_short(policy: str, left: int, error: Exception) -> None:
    """Whatever it raises: that time is up is not for it to say."""

    def complain(_: object) -> None:
        raise error

    other = "leave" if policy == "undo" else "undo"
    went = both(draining(on_cancel=policy, on_timeout=other, on_poll=complain), prepare=endless, count=2)
    assert (error, left) == (went.error, len(arns(went.sim, "DRAINING")))


# The reverse.


@pytest.mark.parametrize(("count", "expected"), [(1, [1]), (25, [5, 10, 10])])
def test_activate(count: int, expected: list[int]) -> None:
    """All are ACTIVE, and returned as the answers show them, in the order given."""
    went = both(
        lambda ecs: ecs.container_instances.activate([*arns(ecs.sim)[1:], hosts(ecs.sim)[0]], cluster="default"),
        prepare=drain_before(*range(count)),
        count=count,
    )
    there = arns(went.sim)
    assert [*there[1:], there[0]] == [each.container_instance_arn for each in went.returned()]
    assert {"ACTIVE"} == {each.status for each in went.result}
    assert expected == chunks(went)
    assert [] == arns(went.sim, "DRAINING")


def test_some_are_not_activated() -> None:
    """Typed, with those that were."""
    went = both(
        lambda ecs: ecs.container_instances.activate([*arns(ecs.sim), UNKNOWN], cluster="default"),
        prepare=drain_before(0),
    )
    error: ContainerInstancesNotChanged = went.raised(ContainerInstancesNotChanged)
    assert (arns(went.sim), False) == ([*error.changed], error.undone)


@pytest.mark.parametrize("fault", [Fault.throttled(), Fault.reset(after_effect=True)])
def test_activating_is_tried_again(fault: Fault) -> None:
    """While it may pass."""

    def prepare(sim: Simulator) -> None:
        drain_before(0)(sim)
        sim.fail(UPDATE, fault, times=3)

    assert both(lambda ecs: ecs.container_instances.activate(arns(ecs.sim)), prepare=prepare).error is None


# Bad input.


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"until": "empty"}, "container_instances.drain: until: expected one of drained, requested, got 'empty'"),
        ({"on_partial": "keep"}, "on_partial: expected one of leave, undo, got 'keep'"),
        ({"on_timeout": "stop"}, "on_timeout: expected one of leave, undo"),
        ({"on_cancel": "delete"}, "on_cancel: expected one of leave, undo"),
        ({"timeout": "1"}, "timeout: expected seconds"),
        ({"cluster": "prod"}, "is in cluster default, not in prod"),
        ({"cluster": 7}, "cluster: expected a name or ARN, got int"),
    ],
)
def test_bad_input(options: dict[str, Any], message: str) -> None:
    """The error names the parameter, and is raised before anything is sent."""
    went = both(draining(**options))
    assert message in str(went.raised(RequestError))
    assert [] == went.operations


@pytest.mark.parametrize("verb", ["drain", "activate", "update_agent", "describe"])
@pytest.mark.parametrize(
    ("things", "kind", "message"),
    [
        ("x", RequestError, "container_instances: the cluster of 'x' is unknown; pass cluster="),
        ([7], RequestError, "container_instances[0]: expected a name, id, ARN or model"),
        (None, RequestError, "container_instances: expected a name, id, ARN or model"),
        (UpdateContainerInstancesStateResponse(failures=[Failure(reason="MISSING")]), FailuresError, "MISSING"),
    ],
)
def test_bad_container_instances(verb: str, things: Any, kind: Any, message: str) -> None:
    """The same, of each verb."""
    went = both(lambda ecs: getattr(ecs.container_instances, verb)(things))
    assert message in str(went.raised(kind))
    assert [] == went.operations


def test_models_are_taken() -> None:
    """And answers that hold some."""

    def act(ecs: Any) -> Any:
        [arn] = arns(ecs.sim)
        seen = ContainerInstance(container_instance_arn=arn, status="ACTIVE")
        return ecs.container_instances.drain(UpdateContainerInstancesStateResponse(container_instances=[seen]))

    assert "DRAINING" == both(act).returned()[0].status
