from __future__ import annotations

import contextlib
from collections.abc import Sequence

import pytest
from support.definitions import NETWORK

from ecskit._core.quotas import FARGATE_LAUNCH, FARGATE_REQUEST
from ecskit._simulator.quotas import Buckets
from ecskit._transport import service_model
from ecskit.testing import PUBLISHED_QUOTAS, Quota, SimulatedError, Simulator

from .support import Wire, World

OPERATIONS = set(service_model.load()["operations"])
RUN: Wire = {"taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": NETWORK}
# Newer than the table that ECS publishes.
UNLISTED = ("Daemon", "Gateway")


def count_until_throttled(world: World, operation: str, request: Wire) -> int:
    """Return how many requests pass before one is throttled."""
    for passed in range(1000):
        with contextlib.suppress(SimulatedError):
            world.do(operation, **request)
        if world.sim.calls[-1].code == "ThrottlingException":
            return passed
    raise AssertionError("never throttled")


def test_nothing_is_throttled_by_default(world: World) -> None:
    """Without quotas, requests are not throttled."""
    for _ in range(1000):
        world.do("ListTasks")


def test_a_burst_and_its_refill() -> None:
    """A bucket allows its burst at once, then the refilled tokens, and never more than its size."""
    world = World(quotas=PUBLISHED_QUOTAS)
    assert 50 == count_until_throttled(world, "ListClusters", {})
    world.pass_(0.5)
    assert 10 == count_until_throttled(world, "ListClusters", {})
    world.pass_(1000)
    assert 50 == count_until_throttled(world, "DescribeClusters", {})


def test_a_bucket_is_shared_by_its_row() -> None:
    """The operations of one quota share a bucket; others are not affected."""
    world = World(quotas=PUBLISHED_QUOTAS)
    assert 100 == count_until_throttled(world, "DescribeTasks", {"tasks": ["x"]})
    assert 0 == count_until_throttled(world, "ListTasks", {})
    world.do("ListClusters")


def test_requests_that_ecs_refuses_count_as_well() -> None:
    """A token is taken before the request is checked."""
    world = World(quotas=[Quota(2, 1, ("ListTasks",))])
    for _ in range(2):
        assert "ClusterNotFoundException" == world.refusal("ListTasks", cluster="nope").code
    refusal = world.refusal("ListTasks")
    assert ("ThrottlingException", 400, "Rate exceeded") == (refusal.code, refusal.status, refusal.message)


def test_throttled_requests_meet_no_fault() -> None:
    """A throttled request does not use up a fault."""
    world = World(quotas=[Quota(1, 1, ("ListTasks",))])
    world.do("ListTasks")
    world.sim.fail("ListTasks", SimulatedError("ServerException", "", 500))
    assert "ThrottlingException" == world.refusal("ListTasks").code
    world.pass_(1)
    assert "ServerException" == world.refusal("ListTasks").code


@pytest.mark.parametrize(("count", "calls"), [(1, 20), (10, 10)])
def test_fargate_has_quotas_of_its_own(count: int, calls: int) -> None:
    """RunTask on Fargate is throttled after 20 requests or 100 tasks at once."""
    world = World(quotas=PUBLISHED_QUOTAS)
    world.register()
    assert calls == count_until_throttled(world, "RunTask", {**RUN, "count": count})
    assert calls * count == len(world.sim.tasks())


def test_instances_have_no_quota_of_launches() -> None:
    """RunTask on container instances has the quota of the request only."""
    world = World(quotas=PUBLISHED_QUOTAS)
    world.add_instance(cpu=0, memory=10_000)
    world.register_for_instances(memory=10, cpu=0)
    assert 99 == count_until_throttled(world, "RunTask", {"taskDefinition": "web"})


def test_a_replay_launches_nothing() -> None:
    """A replay by `clientToken` takes no tokens for launches."""
    world = World(quotas=[Quota(1, 1, (FARGATE_LAUNCH,))])
    world.register()
    assert world.run_one(clientToken="t") == world.run_one(clientToken="t")


@pytest.mark.parametrize(("factor", "passing"), [(0.1, 5), (2, 100)])
def test_scaled(factor: float, passing: int) -> None:
    """All quotas can be scaled."""
    world = World(quotas=[quota.scaled(factor) for quota in PUBLISHED_QUOTAS])
    assert passing == count_until_throttled(world, "ListClusters", {})


def test_a_launch_that_is_larger_than_its_bucket() -> None:
    """A request for more tokens than the bucket holds passes if the bucket is full, and the bucket is negative then."""
    buckets = Buckets([Quota(2, 1, ("x",))], 0)
    buckets.take("x", 0, 10)
    with pytest.raises(SimulatedError):
        buckets.take("x", 8.9)
    buckets.take("x", 9.1)


def test_the_table_names_what_exists_once() -> None:
    """Each operation of ECS is in one quota, except those that are newer than the published table."""
    named = [name for quota in PUBLISHED_QUOTAS for name in quota.operations]
    assert [FARGATE_REQUEST, FARGATE_LAUNCH] == [name for name in named if name not in OPERATIONS]
    assert len(named) == len(set(named))
    assert [] == [name for name in OPERATIONS - set(named) if not any(word in name for word in UNLISTED)]


@pytest.mark.parametrize("numbers", [(0, 1), (1, 0), (-1, 1)])
def test_numbers_are_positive(numbers: Sequence[float]) -> None:
    """The size and the rate of a bucket must be positive."""
    with pytest.raises(ValueError, match="must be > 0"):
        Quota(numbers[0], numbers[1], ("ListTasks",))


def test_waits_live_with_a_small_quota() -> None:
    """A wait continues when its polls are throttled."""
    simulator = Simulator(quotas=[Quota(1, 0.1, ("DescribeTasks",))])
    simulator.handle(
        "RegisterTaskDefinition",
        {
            "family": "web",
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "256",
            "memory": "512",
            "containerDefinitions": [{"name": "app", "image": "app:1"}],
        },
    )
    (task,) = simulator.handle("RunTask", RUN)["tasks"]
    with simulator.client() as ecs:
        (running,) = ecs.wait.tasks_running(task["taskArn"])
    assert "RUNNING" == running.last_status
    assert "ThrottlingException" in {call.code for call in simulator.calls}
