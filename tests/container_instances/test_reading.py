"""Describe container instances: any number of named ones, or those of a cluster."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.simulated_ecs import answer

from ecskit._core.effects import RawResponse, Send
from ecskit.errors import (
    AccessDeniedException,
    ClusterNotFoundException,
    ContainerInstancesMissing,
    InvalidParameterException,
    RequestError,
    ThrottledError,
)
from ecskit.testing import Fault, Simulator

from .support import arns, both, drain_before, hosts

UNKNOWN = "f" * 32


@pytest.mark.parametrize(("count", "calls"), [(1, 1), (100, 1), (101, 2), (250, 3)])
def test_a_hundred_share_a_call(count: int, calls: int) -> None:
    """In the order given."""
    went = both(lambda ecs: ecs.container_instances.describe(arns(ecs.sim)[::-1]), count=count)
    assert arns(went.sim)[::-1] == [each.container_instance_arn for each in went.returned()]
    assert ["DescribeContainerInstances"] * calls == went.operations


def test_by_the_ids_of_their_machines() -> None:
    """Found by a list first."""
    went = both(lambda ecs: ecs.container_instances.describe(hosts(ecs.sim)[::-1], cluster="default"), count=3)
    assert arns(went.sim)[::-1] == [each.container_instance_arn for each in went.returned()]


@pytest.mark.parametrize(
    ("options", "include"),
    [
        ({}, None),
        ({"tags": True}, ["TAGS"]),
        ({"health": True}, ["CONTAINER_INSTANCE_HEALTH"]),
        ({"tags": True, "health": True}, ["TAGS", "CONTAINER_INSTANCE_HEALTH"]),
    ],
)
def test_what_else_to_read(options: dict[str, bool], include: list[str] | None) -> None:
    """Both methods read them only on request."""
    for act in (
        lambda ecs: ecs.container_instances.describe(arns(ecs.sim), **options),
        lambda ecs: ecs.container_instances.iter(**options),
    ):
        went = both(act)
        [seen] = went.returned()
        assert ("health" in options) == (seen.health_status is not None)
        [request] = went.requests("DescribeContainerInstances")
        assert include == request.get("include")


@pytest.mark.parametrize("name", [UNKNOWN, "i-0123"])
def test_some_are_missing(name: str) -> None:
    """Raised with the others, or left out."""
    went = both(lambda ecs: ecs.container_instances.describe([*arns(ecs.sim), name], cluster="default"))
    error = went.raised(ContainerInstancesMissing)
    assert ((name,), arns(went.sim)) == (
        error.missing,
        [each.container_instance_arn for each in error.found],
    )
    assert f"ECS does not show 1 of 2 container instances in cluster 'default': {name}" == str(error)
    went = both(
        lambda ecs: ecs.container_instances.describe([*arns(ecs.sim), name], cluster="default", allow_missing=True)
    )
    assert 1 == len(went.returned())


@pytest.mark.parametrize(
    ("fault", "kind"), [(Fault.throttled(), ThrottledError), (Fault.access_denied(), AccessDeniedException)]
)
def test_errors_of_reads_are_raised(fault: Fault, kind: Any) -> None:
    """There is no further retry: botocore has retried already."""

    def prepare(sim: Simulator) -> None:
        sim.fail("DescribeContainerInstances", fault, times=None)

    for act in (
        lambda ecs: ecs.container_instances.describe(arns(ecs.sim)),
        lambda ecs: ecs.container_instances.iter(),
    ):
        assert isinstance(both(act, prepare=prepare).error, kind)


def test_no_such_cluster() -> None:
    """Both methods raise it."""
    both(lambda ecs: ecs.container_instances.describe("a", cluster="nowhere")).raised(ClusterNotFoundException)
    both(lambda ecs: ecs.container_instances.iter(cluster="nowhere")).raised(ClusterNotFoundException)


# The list.


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (1, 1), (150, 2)])
def test_all_are_listed(count: int, pages: int) -> None:
    """Page by page, each once."""
    went = both(lambda ecs: ecs.container_instances.iter(), count=count)
    assert arns(went.sim) == [each.container_instance_arn for each in went.returned()]
    assert pages == len(went.requests("ListContainerInstances"))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"status": "DRAINING"}, [1]),
        ({"status": "ACTIVE"}, [0, 2]),
        ({"filter": "attribute:ecs.os-type == linux", "cluster": "default"}, [0, 1, 2]),
        ({"filter": "attribute:ecs.os-type == windows"}, []),
    ],
)
def test_filters(options: dict[str, Any], expected: list[int]) -> None:
    """ECS's own."""
    went = both(lambda ecs: ecs.container_instances.iter(**options), prepare=drain_before(1), count=3)
    there = arns(went.sim)
    assert [there[number] for number in expected] == [each.container_instance_arn for each in went.returned()]


def test_an_expression_that_is_none() -> None:
    """ECS refuses."""
    both(lambda ecs: ecs.container_instances.iter(filter="what?")).raised(InvalidParameterException)


@pytest.mark.parametrize(("reads", "found"), [(1, 2), (2, 2), (3, 1)])
def test_what_is_listed_but_not_described(reads: int, found: int) -> None:
    """It is described three times, then left out."""
    seen: list[str] = []

    def hide(sim: Simulator, send: Send) -> RawResponse:
        raw = answer(sim, send)
        if send.operation != "DescribeContainerInstances":
            return raw
        seen.append("look")
        if len(seen) > reads:
            return raw
        body = json.loads(raw.body)
        hidden = arns(sim)[1]
        shown = [each for each in body["containerInstances"] if each["containerInstanceArn"] != hidden]
        return RawResponse(json.dumps({**body, "containerInstances": shown}).encode(), {})

    def hooks() -> dict[str, Any]:
        seen.clear()
        return {"answer": hide}

    went = both(lambda ecs: ecs.container_instances.iter(), count=2, hooks=hooks)
    assert (found, min(reads, 2)) == (len(went.returned()), round(went.elapsed))


@pytest.mark.parametrize("options", [{"cluster": 7}, {"filter": ["a"]}, {"status": 3}])
def test_bad_input(options: dict[str, Any]) -> None:
    """The error names the parameter, and is raised before anything is sent."""
    went = both(lambda ecs: ecs.container_instances.iter(**options))
    assert next(iter(options)) in str(went.raised(RequestError))
    assert [] == went.operations
