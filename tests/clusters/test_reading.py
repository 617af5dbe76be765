"""Describe clusters: any number of named ones, or all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support import both_clients
from support.both_clients import Act, Went

from ecskit import models
from ecskit.errors import AccessDeniedException, ClustersMissing, RequestError
from ecskit.testing import Fault, Simulator


def account(count: int) -> Simulator:
    """Return a simulator with clusters: `default`, which is always there, `c000`, `c001` and so on."""
    sim = Simulator()
    with sim.client() as ecs:
        for number in range(count):
            ecs.create_cluster(cluster_name=f"c{number:03}", tags=[models.Tag(key="n", value=str(number))])
    return sim


def both(act: Act, count: int = 3, prepare: Callable[[Simulator], object] = id) -> Went:
    """Perform an act with both clients, check that they did the same, and return how it went."""

    def make() -> Simulator:
        sim = account(count)
        prepare(sim)
        return sim

    return both_clients.both(act, make)


def names(clusters: list[models.Cluster]) -> list[str]:
    return [cluster.cluster_name for cluster in clusters]


@pytest.mark.parametrize(("count", "calls"), [(1, 1), (100, 1), (101, 2)])
def test_a_hundred_share_a_call(count: int, calls: int) -> None:
    """In the order given."""
    wanted = [f"c{number:03}" for number in reversed(range(count))]
    went = both(lambda ecs: ecs.clusters.describe(wanted), count)
    assert wanted == names(went.returned())
    assert ["DescribeClusters"] * calls == went.operations


@pytest.mark.parametrize(("count", "calls"), [(3, 2), (199, 4)])
def test_all_of_them(count: int, calls: int) -> None:
    """A page of the list and its description take two calls for a hundred clusters."""
    went = both(lambda ecs: ecs.clusters.iter(), count)
    assert {"default", *(f"c{number:03}" for number in range(count))} >= {*names(went.returned())}
    assert count <= len(went.returned())
    assert calls == len(went.operations)


@pytest.mark.parametrize("include", [(), [], ["TAGS"], ["TAGS", "STATISTICS"]])
def test_what_else_to_read(include: Any) -> None:
    """Both methods read it only on request."""
    for act in (
        lambda ecs: ecs.clusters.describe(["c001"], include=include),
        lambda ecs: ecs.clusters.iter(include=include),
    ):
        went = both(act)
        [shown] = [cluster for cluster in went.returned() if cluster.cluster_name == "c001"]
        assert ([models.Tag(key="n", value="1")] if include else []) == shown.tags
        [request] = went.requests("DescribeClusters")
        assert (include or None) == request.get("include")


def test_what_operations_return_is_described() -> None:
    """A response, a model, an ARN and a name."""
    with account(1).client() as ecs:
        created = ecs.create_cluster(cluster_name="new")
        [by_response] = ecs.clusters.describe(created)
        for same in (created.cluster, by_response.cluster_arn, "new"):
            assert [by_response] == ecs.clusters.describe(same)


def test_missing_ones_are_an_error() -> None:
    """It names them, and has the others."""
    error = both(lambda ecs: ecs.clusters.describe(["c000", "nope"])).raised(ClustersMissing)
    assert str(error) == "ECS does not show 1 of 2 clusters: nope"
    assert (("nope",), ["c000"]) == (error.missing, names(error.found))
    kept = both(lambda ecs: ecs.clusters.describe(["c000", "nope"], allow_missing=True))
    assert ["c000"] == names(kept.returned())


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda ecs: ecs.clusters.describe("a b"), "clusters.describe: "),
        (lambda ecs: ecs.clusters.describe("c000", include="TAGS"), "clusters.describe: include: expected a seq"),
        (lambda ecs: ecs.clusters.iter(include=[1]), "clusters.iter: include[0]: expected str, got int"),
    ],
)
def test_wrong_arguments_are_refused(act: Act, message: str) -> None:
    """Before anything is sent."""
    went = both(act)
    assert str(went.raised(RequestError)).startswith(message)
    assert [] == went.calls


def test_errors_of_ecs_are_raised() -> None:
    """By both methods."""
    for act in (lambda ecs: ecs.clusters.describe("c000"), lambda ecs: ecs.clusters.iter()):
        went = both(act, 1, lambda sim: sim.fail("DescribeClusters", Fault.access_denied()))
        went.raised(AccessDeniedException)
