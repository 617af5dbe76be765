"""Describing and listing services: any number, in order, with missing ones reported, through both clients."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from ecskit.errors import (
    AccessDeniedException,
    ClusterNotFoundException,
    EcsError,
    RequestError,
    ServicesMissing,
    ThrottledError,
)
from ecskit.models import CreateServiceResponse, Service
from ecskit.testing import Fault, Lag, Simulator

NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
Wire = dict[str, Any]


def register(sim: Simulator) -> None:
    """Register the task definition web."""
    request = {
        "family": "web",
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [{"name": "app", "image": "image:1"}],
    }
    sim.handle("RegisterTaskDefinition", request)


def create(sim: Simulator, *names: str, **members: Any) -> list[str]:
    """Create services without tasks, and return their ARNs."""
    request = {"taskDefinition": "web", "desiredCount": 0, "launchType": "FARGATE", "networkConfiguration": NETWORK}
    return [
        sim.handle("CreateService", {"serviceName": name, **request, **members})["service"]["serviceArn"]
        for name in names
    ]


def named(count: int, prefix: str = "s") -> list[str]:
    return [f"{prefix}{number:03}" for number in range(count)]


@attrs.frozen
class Went:
    """How an act went."""

    calls: list[tuple[float, str, Wire]]
    result: Any
    error: EcsError | None

    def returned(self) -> Any:
        """Return the result, where there must be one."""
        if self.error is not None:
            raise self.error
        return self.result

    def requests(self, operation: str) -> list[Wire]:
        """Return the requests of an operation."""
        return [request for _, each, request in self.calls if each == operation]

    @property
    def names(self) -> list[str]:
        """The names of the services that were returned."""
        return [service.service_name for service in self.returned()]


def both(act: Callable[[Any], Any], prepare: Callable[[Simulator], object], **options: Any) -> Went:
    """Perform an act through both clients, check that they did the same, and return how it went."""
    sims = [Simulator(**options), Simulator(**options)]
    before = []
    for sim in sims:
        register(sim)
        prepare(sim)
        before.append(len(sim.calls))
    result, error = None, None
    with sims[0].client() as ecs:
        try:
            result = act(ecs)
            result = result if isinstance(result, list) else list(result)
        except EcsError as raised:
            result, error = None, raised

    async def run() -> tuple[Any, EcsError | None]:
        async with sims[1].async_client() as ecs:
            try:
                found = act(ecs)
                return [each async for each in found] if hasattr(found, "__anext__") else await found, None
            except EcsError as raised:
                return None, raised

    other, failure = asyncio.run(run())
    assert (result, str(error)) == (other, str(failure))
    calls = [
        [(call.time, call.operation, dict(call.request)) for call in list(sim.calls)[start:]]
        for sim, start in zip(sims, before, strict=True)
    ]
    # Calls that are under way at the same time come in any order.
    assert sorted(calls[0], key=str) == sorted(calls[1], key=str)
    return Went(calls[0], result, error)


# describe


@pytest.mark.parametrize(("count", "calls"), [(1, [1]), (10, [10]), (11, [1, 10]), (35, [5, 10, 10, 10])])
def test_any_number_in_the_order_given(count: int, calls: list[int]) -> None:
    """10 share a call."""
    names = named(count)[::-1]
    went = both(lambda ecs: ecs.services.describe(names), lambda sim: create(sim, *named(count)))
    assert names == went.names
    assert calls == sorted(len(request["services"]) for request in went.requests("DescribeServices"))


def test_whatever_names_services() -> None:
    """Names, ARNs, models and answers; what is returned is as it is now, each once."""
    sim = Simulator()
    register(sim)
    arns = create(sim, "a", "b", "c", "d")
    with sim.client() as ecs:
        old = [attrs.evolve(service, status="DRAINING") for service in ecs.services.describe(["c", "d"])]
        mixed: list[Any] = ["b", arns[0], old[0], CreateServiceResponse(service=old[1])]
        found = ecs.services.describe(mixed, cluster="default")
    assert ["b", "a", "c", "d"] == [service.service_name for service in found]
    assert {"ACTIVE"} == {service.status for service in found}


def test_several_clusters() -> None:
    """A call for each."""

    def prepare(sim: Simulator) -> None:
        sim.handle("CreateCluster", {"clusterName": "prod"})
        create(sim, "a")
        create(sim, "a", "b", cluster="prod")

    arn = "arn:aws:ecs:us-east-1:123456789012:service"
    went = both(lambda ecs: ecs.services.describe([f"{arn}/prod/b", f"{arn}/default/a", f"{arn}/prod/a"]), prepare)
    assert ["b", "a", "a"] == went.names
    assert [("default", ["a"]), ("prod", ["b", "a"])] == sorted(
        (request["cluster"], request["services"]) for request in went.requests("DescribeServices")
    )


def test_old_arns() -> None:
    """ARNs of the old format name no cluster."""
    arn = "arn:aws:ecs:us-east-1:123456789012:service/a"
    assert ["a"] == both(lambda ecs: ecs.services.describe(arn), lambda sim: create(sim, "a")).names


@pytest.mark.parametrize("count", [2, 25])
def test_missing_services_are_reported(count: int) -> None:
    """By the names given; the error has the others, and `allow_missing` leaves them out."""
    targets = ["no", *named(count), "none"]
    went = both(lambda ecs: ecs.services.describe(targets), lambda sim: create(sim, *named(count)))
    assert isinstance(went.error, ServicesMissing)
    assert ("no", "none") == went.error.missing
    assert named(count) == [service.service_name for service in went.error.found]
    assert f"ECS does not show 2 of {count + 2} services in cluster 'default': no, none" == str(went.error)
    allowed = both(
        lambda ecs: ecs.services.describe(targets, allow_missing=True), lambda sim: create(sim, *named(count))
    )
    assert named(count) == allowed.names


def test_a_deleted_one_is_shown() -> None:
    """As INACTIVE."""

    def prepare(sim: Simulator) -> None:
        create(sim, "a")
        sim.handle("DeleteService", {"service": "a"})

    went = both(lambda ecs: ecs.services.describe("a"), prepare)
    assert ["INACTIVE"] == [service.status for service in went.returned()]


@pytest.mark.parametrize("tags", [False, True])
def test_tags(*, tags: bool) -> None:
    """Are read when asked for."""

    def prepare(sim: Simulator) -> None:
        create(sim, "a", tags=[{"key": "k", "value": "v"}])

    for went in (
        both(lambda ecs: ecs.services.describe("a", tags=tags), prepare),
        both(lambda ecs: ecs.services.iter(tags=tags), prepare),
    ):
        assert [int(tags)] == [len(service.tags) for service in went.returned()]


@pytest.mark.parametrize(
    ("fault", "kind"), [(Fault.throttled(), ThrottledError), (Fault.access_denied(), AccessDeniedException)]
)
@pytest.mark.parametrize("allow_missing", [False, True])
def test_looking_is_refused(fault: Fault, kind: type[Exception], *, allow_missing: bool) -> None:
    """The SDK has tried: raised, and not taken for what is missing."""

    def prepare(sim: Simulator) -> None:
        create(sim, "a")
        sim.fail("DescribeServices", fault, times=None)

    went = both(lambda ecs: ecs.services.describe("a", allow_missing=allow_missing), prepare)
    assert isinstance(went.error, kind)


@pytest.mark.parametrize(
    ("services", "cluster", "message"),
    [
        ("a/b", None, "'a/b' is not the name, id or ARN of a service"),
        ("arn:aws:ecs:us-east-1:1:service/prod/a", "dev", "is in cluster prod, not in dev"),
        (["a", 7], None, r"services\[1\]: expected a name, id, ARN or model of a service, got int"),
    ],
)
def test_bad_input(services: Any, cluster: str | None, message: str) -> None:
    """RequestError names them, and nothing is sent."""
    went = both(lambda ecs: ecs.services.describe(services, cluster=cluster), lambda _: None)
    with pytest.raises(RequestError, match=message):
        went.returned()
    assert [] == went.calls


# iter


def test_pages() -> None:
    """130 services are two lists, described ten at a time, each once."""
    went = both(lambda ecs: ecs.services.iter(), lambda sim: create(sim, *named(130)))
    assert named(130) == sorted(went.names)
    assert [100, 100] == [request["maxResults"] for request in went.requests("ListServices")]
    assert [10] * 13 == [len(request["services"]) for request in went.requests("DescribeServices")]


def test_pages_are_read_when_they_are_needed() -> None:
    """The first service costs two calls."""
    sim = Simulator()
    register(sim)
    create(sim, *named(130))
    before = len(sim.calls)
    with sim.client() as ecs:
        found = ecs.services.iter()
        assert isinstance(next(found), Service)
        found.close()
    assert ["ListServices", "DescribeServices"] == [call.operation for call in list(sim.calls)[before:]]


def test_none() -> None:
    """Nothing to describe."""
    went = both(lambda ecs: ecs.services.iter(), lambda _: None)
    assert ([], ["ListServices"]) == (went.returned(), [operation for _, operation, _ in went.calls])


def mixed(sim: Simulator) -> None:
    sim.handle("CreateCluster", {"clusterName": "prod"})
    create(sim, "a", "b")
    create(sim, "ec2", launchType="EC2")
    create(sim, "c", cluster="prod")
    sim.handle("DeleteService", {"service": "b"})


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, ["a", "ec2"]),
        ({"cluster": "prod"}, ["c"]),
        ({"cluster": "arn:aws:ecs:us-east-1:123456789012:cluster/prod"}, ["c"]),
        ({"launch_type": "EC2"}, ["ec2"]),
        ({"scheduling_strategy": "DAEMON"}, []),
        ({"scheduling_strategy": "REPLICA", "launch_type": "FARGATE"}, ["a"]),
    ],
)
def test_filters(options: dict[str, Any], names: list[str]) -> None:
    """Are ECS's, and the cluster goes with both calls."""
    went = both(lambda ecs: ecs.services.iter(**options), mixed)
    assert names == sorted(went.names)
    [targets] = went.requests("ListServices")
    spelled = {"cluster": "cluster", "launch_type": "launchType", "scheduling_strategy": "schedulingStrategy"}
    assert {spelled[name]: value for name, value in options.items()} | {"maxResults": 100} == targets


def connected(sim: Simulator) -> None:
    sim.handle("CreateCluster", {"clusterName": "prod"})
    connect = {"serviceConnectConfiguration": {"enabled": True, "namespace": "shop"}}
    for number in range(12):
        create(sim, f"a{number:02}", **connect)
        create(sim, f"b{number:02}", cluster="prod", **connect)
    create(sim, "alone")


def test_a_namespace() -> None:
    """Its services are described cluster by cluster, none of the others."""
    went = both(lambda ecs: ecs.services.iter(namespace="shop"), connected)
    assert [f"{prefix}{number:02}" for prefix in "ab" for number in range(12)] == sorted(went.names)
    assert [{"namespace": "shop", "maxResults": 100}] == went.requests("ListServicesByNamespace")
    assert [("default", 10), ("default", 2), ("prod", 10), ("prod", 2)] == [
        (request["cluster"], len(request["services"])) for request in went.requests("DescribeServices")
    ]


@pytest.mark.parametrize("option", ["cluster", "launch_type", "scheduling_strategy"])
def test_a_namespace_goes_alone(option: str) -> None:
    """RequestError; nothing is sent."""
    went = both(lambda ecs: ecs.services.iter(namespace="shop", **{option: "EC2"}), lambda _: None)
    with pytest.raises(RequestError, match=f"{option}: cannot be combined with `namespace`"):
        went.returned()
    assert [] == went.calls


@pytest.mark.parametrize(("seed", "batches"), [(0, 3), (4, 4), (6, 5)])
def test_a_service_that_is_listed_and_not_described_yet(seed: int, batches: int) -> None:
    """It is looked for again, a second later: the list was current, a description was not."""

    def prepare(sim: Simulator) -> None:
        create(sim, *named(30))
        sim.clock.advance(1.5)

    went = both(lambda ecs: ecs.services.iter(), prepare, seed=seed, lag=Lag(visible_after=1, stale_by=1))
    assert named(30) == sorted(went.names)
    first, *_, last = (time for time, *_ in went.calls)
    assert (batches, int(batches > 3)) == (len(went.requests("DescribeServices")), round(last - first))


def test_listing_is_refused() -> None:
    """As by ECS."""
    went = both(lambda ecs: ecs.services.iter(cluster="nowhere"), lambda _: None)
    assert isinstance(went.error, ClusterNotFoundException)
    went = both(lambda ecs: ecs.services.iter(), lambda sim: sim.fail("ListServices", Fault.access_denied()))
    assert isinstance(went.error, AccessDeniedException)
