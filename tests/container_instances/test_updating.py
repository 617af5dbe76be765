"""Update agents: one request for each, no update for current ones, and a wait for the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from support.both_clients import Ecs, Went, comparable, perform
from support.cutting_short import CUTS
from support.simulated_ecs import answer

from ecskit._core.effects import RawResponse, Send
from ecskit.errors import (
    AccessDeniedException,
    ClusterNotFoundException,
    ContainerAgentsNotUpdated,
    ContainerInstancesMissing,
    MissingVersionException,
    RequestError,
    ThrottledError,
    WaitFailed,
    WaitTimeout,
)
from ecskit.testing import Fault, SimulatedError, Simulator
from ecskit.waits import WaitHandle

from .support import arns, both, furnished, hosts

UPDATE = "UpdateContainerAgent"


def updating(*more: str, **options: Any) -> Callable[..., Any]:
    def act(ecs: Any, **others: Any) -> Any:
        return ecs.container_instances.update_agent(
            [*arns(ecs.sim), *more], **{"cluster": "default", **options, **others}
        )

    return act


def update_before(sim: Simulator, number: int = 0, seconds: float = 100) -> None:
    """Update the agent of a container instance, and let some time pass."""
    sim.handle(UPDATE, {"containerInstance": arns(sim)[number]})
    sim.clock.advance(seconds)


def without_version(sim: Simulator) -> None:
    """Register a container instance whose agent has not reported its version."""
    sim.handle("RegisterContainerInstance", {"versionInfo": {"dockerVersion": "25"}})


def outcomes(went: Went) -> list[tuple[str, str | None]]:
    return [(each.outcome, each.container_instance.agent_update_status) for each in went.returned()]


@pytest.mark.parametrize("count", [1, 9, 120])
def test_until_updated(count: int) -> None:
    """One request for each; all are returned in the order given.

    More than 99 take turns, and threads take them in any order.
    """
    compared = comparable if count < 99 else lambda went: sorted(map(str, went.requests(UPDATE)))
    went = both(updating(), count=count, compared=compared)
    assert [("updated", "UPDATED")] * count == outcomes(went)
    assert arns(went.sim) == [each.container_instance.container_instance_arn for each in went.result]
    assert count == len(went.requests(UPDATE))


def test_until_requested() -> None:
    """There is no wait; they are returned as the responses show them."""
    went = both(updating(until="requested"), count=2)
    assert ([("requested", "PENDING")] * 2, [UPDATE, UPDATE]) == (outcomes(went), went.operations)


@pytest.mark.parametrize("until", ["updated", "requested"])
def test_no_update_is_available(until: str) -> None:
    """An agent without an update is current, and is described once."""
    went = both(updating(until=until), prepare=update_before)
    assert [("current", "UPDATED")] == outcomes(went)
    assert [UPDATE, "DescribeContainerInstances"] == went.operations


@pytest.mark.parametrize(
    ("until", "expected"), [("updated", ("updated", "UPDATED")), ("requested", ("requested", "PENDING"))]
)
def test_an_update_is_under_way(until: str, expected: tuple[str, str]) -> None:
    """The wait includes it."""
    went = both(updating(until=until), prepare=lambda sim: update_before(sim, seconds=5))
    assert [expected] == outcomes(went)


def test_all_kinds_at_once() -> None:
    """In the order given."""

    def prepare(sim: Simulator) -> None:
        update_before(sim, 1)
        update_before(sim, 2, seconds=5)

    went = both(updating(), prepare=prepare, count=3)
    assert ["updated", "current", "updated"] == [outcome for outcome, _ in outcomes(went)]


def test_by_the_ids_of_their_machines() -> None:
    """They are found first: the operation does not take these."""
    went = both(lambda ecs: ecs.container_instances.update_agent(hosts(ecs.sim), cluster="default"), count=2)
    assert [("updated", "UPDATED")] * 2 == outcomes(went)
    ids = {arn.rsplit("/", 1)[1] for arn in arns(went.sim)}
    assert ids == {each["containerInstance"] for each in went.requests(UPDATE)}
    both(updating("i-0")).raised(ContainerInstancesMissing)


@pytest.mark.parametrize("until", ["updated", "requested"])
def test_some_requests_fail(until: str) -> None:
    """The error names each with its reason; the others are updated, and there is no wait."""
    went = both(updating("f" * 32, until=until), prepare=without_version, count=2)
    error: ContainerAgentsNotUpdated = went.raised(ContainerAgentsNotUpdated)
    there = arns(went.sim)
    assert [there[2], "f" * 32] == [*error.errors]
    assert MissingVersionException is type(error.errors[there[2]])
    assert (there[:2], False) == ([*error.requested], error.retryable)
    assert f"{there[2]}: " in str(error)
    assert {UPDATE} == set(went.operations)
    assert {"PENDING"} == {
        each["agentUpdateStatus"]
        for each in went.sim.handle("DescribeContainerInstances", {"containerInstances": there[:2]})[
            "containerInstances"
        ]
    }


@pytest.mark.parametrize(
    ("fault", "kind", "times"),
    [(Fault.access_denied(), AccessDeniedException, 1), (Fault.throttled(), ThrottledError, 6)],
)
def test_all_requests_fail(fault: Fault, kind: Any, times: int) -> None:
    """The same; trying again is sensible where each error says so."""
    went = both(updating(), prepare=lambda sim: sim.fail(UPDATE, fault, times=None), count=2)
    error: ContainerAgentsNotUpdated = went.raised(ContainerAgentsNotUpdated)
    assert all(isinstance(each, kind) for each in error.errors.values())
    assert (2 * times, times > 1) == (len(went.requests(UPDATE)), error.retryable)


def test_no_such_cluster() -> None:
    """The same."""
    error = both(lambda ecs: ecs.container_instances.update_agent("a", cluster="nowhere")).raised(
        ContainerAgentsNotUpdated
    )
    assert [ClusterNotFoundException] == [type(each) for each in error.errors.values()]


@pytest.mark.parametrize(
    "fault",
    [Fault.throttled(), Fault.server_error(), Fault.reset(after_effect=True), Fault.timeout(after_effect=True)],
)
def test_what_may_pass_is_tried_again(fault: Fault) -> None:
    """An update that is under way then is this one."""
    went = both(updating(), prepare=lambda sim: sim.fail(UPDATE, fault, times=3))
    assert [("updated", "UPDATED")] == outcomes(went)
    assert 4 == len(went.requests(UPDATE))


def test_updated_when_it_is_asked_again() -> None:
    """ECS has no update then, because the first attempt, whose response was lost, has started it."""

    def late(sim: Simulator, send: Send) -> RawResponse:
        first = send.operation == UPDATE and not any(call.operation == UPDATE for call in sim.calls)
        if first:
            sim.fail(UPDATE, Fault.reset(after_effect=True))
        try:
            return answer(sim, send)
        finally:
            if first:
                sim.fail(UPDATE, SimulatedError("NoUpdateAvailableException", "The agent is up to date."))

    went = both(updating(), hooks=lambda: {"answer": late})
    assert [("updated", "UPDATED")] == outcomes(went)


def test_each_attempt_is_sent_by_itself() -> None:
    """Through the client that makes one: no lost answer goes unnoticed."""
    alone: list[bool] = []

    def note(sim: Simulator, send: Send) -> RawResponse:
        if send.operation == "UpdateContainerAgent":
            alone.append(send.single_attempt)
        return answer(sim, send)

    assert both(updating(), hooks=lambda: {"answer": note}).error is None
    assert [True, True] == alone


def test_a_throttle_says_nothing_about_updates() -> None:
    """There was none before either."""

    def prepare(sim: Simulator) -> None:
        update_before(sim)
        sim.fail(UPDATE, Fault.throttled(), times=2)

    assert [("current", "UPDATED")] == outcomes(both(updating(), prepare=prepare))


def test_time_is_up() -> None:
    """What is not updated is named; the handle goes on."""
    went = both(updating(timeout=10), count=2)
    error = went.raised(WaitTimeout)
    assert "is ACTIVE PENDING" in str(error)
    handle = WaitHandle.from_json(error.story.handle.to_json())
    assert "container_agents_updated" == handle.wait
    assert 2 == len(perform(lambda ecs: ecs.wait.resume(handle), Ecs.sync(went.sim)).returned())


def test_an_update_fails() -> None:
    """The wait says so, when it was seen twice."""

    def fail(sim: Simulator, send: Send) -> RawResponse:
        raw = answer(sim, send)
        if send.operation != "DescribeContainerInstances":
            return raw
        body = json.loads(raw.body)
        body["containerInstances"] = [{**each, "agentUpdateStatus": "FAILED"} for each in body["containerInstances"]]
        return RawResponse(json.dumps(body).encode(), {})

    error = both(updating(), hooks=lambda: {"answer": fail}).raised(WaitFailed)
    assert "is ACTIVE FAILED" in str(error)


def test_one_is_deregistered_meanwhile() -> None:
    """A container instance that was deregistered cannot be returned."""

    def act(ecs: Any) -> Any:
        [arn] = arns(ecs.sim)
        return ecs.container_instances.update_agent(arn)

    def gone(sim: Simulator, send: Send) -> RawResponse:
        if send.operation == "DescribeContainerInstances":
            return RawResponse(b'{"containerInstances": [], "failures": []}', {})
        return answer(sim, send)

    went = both(act, prepare=update_before, hooks=lambda: {"answer": gone})
    assert tuple(arns(went.sim)) == went.raised(ContainerInstancesMissing).missing


@pytest.mark.parametrize("cut", CUTS)
def test_cut_short(cut: str) -> None:
    """The request that was sent takes effect."""
    cutting, kind = CUTS[cut]
    went = cutting(updating(), furnished, 1, after=True)
    assert (kind, 1) == (type(went.error), len(went.requests(UPDATE)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"until": "done"}, "container_instances.update_agent: until: expected one of updated, requested, got 'done'"),
        ({"timeout": "1"}, "timeout: expected seconds"),
        ({"cluster": "prod"}, "is in cluster default, not in prod"),
    ],
)
def test_bad_input(options: dict[str, Any], message: str) -> None:
    """The error names the parameter, and is raised before anything is sent."""
    went = both(updating(**options))
    assert message in str(went.raised(RequestError))
    assert [] == went.operations
