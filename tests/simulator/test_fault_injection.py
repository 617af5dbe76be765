from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Sequence

import pytest
from support.definitions import NETWORK

from ecskit._simulator.fault_injection import usual_faults
from ecskit.testing import Fault, LostAnswerError, SimulatedError, Simulator, TaskScript, simulated_operations

from .support import Wire, World

DEFINITION: Wire = {
    "family": "job",
    "requiresCompatibilities": ["FARGATE"],
    "networkMode": "awsvpc",
    "cpu": "256",
    "memory": "512",
    "containerDefinitions": [{"name": "app", "image": "app:1"}],
}
RUN: Wire = {"taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": NETWORK}


def attempt(simulator: Simulator, operation: str, request: Wire) -> None:
    """Send a request, and ignore errors."""
    with contextlib.suppress(SimulatedError, LostAnswerError):
        simulator.handle(operation, request)


def struck(simulator: Simulator) -> list[Fault | None]:
    """Return the fault of each call."""
    return [call.fault for call in simulator.calls]


def test_a_share_of_requests_is_struck() -> None:
    """The share of requests with a fault is about the rate, and all applicable faults occur."""
    simulator = Simulator()
    simulator.misbehave(rate=0.2, seed=7)
    for _ in range(1000):
        attempt(simulator, "CreateCluster", {"clusterName": "a"})
    met = [fault for fault in struck(simulator) if fault]
    assert 150 < len(met) < 250
    assert [] == [fault for fault in usual_faults("CreateCluster") if fault not in met]


@pytest.mark.parametrize("rate", [0, 1])
def test_none_and_all(rate: float) -> None:
    """With a rate of 0 no request meets a fault, with a rate of 1 every request."""
    simulator = Simulator()
    simulator.misbehave(rate=rate)
    for _ in range(50):
        attempt(simulator, "ListClusters", {})
    assert {bool(rate)} == {fault is not None for fault in struck(simulator)}


def test_a_seed_repeats_itself() -> None:
    """The same seed gives the same requests the same faults; another seed gives others."""

    def story(seed: int) -> list[Fault | None]:
        simulator = Simulator()
        simulator.misbehave(rate=0.5, seed=seed)
        for number in range(50):
            attempt(simulator, "CreateCluster", {"clusterName": f"c{number % 10}"})
        return struck(simulator)

    assert story(1) == story(1)
    assert story(1) != story(2)


def test_the_order_of_threads_does_not_matter() -> None:
    """A fault depends on the content of the request and how often it was sent before, not on other requests."""

    def story(names: Sequence[str], threads: int) -> Counter[tuple[str, str]]:
        simulator = Simulator()
        simulator.misbehave(rate=0.5, seed=3)

        def work(own: Sequence[str]) -> None:
            for name in own:
                attempt(simulator, "CreateCluster", {"clusterName": name})

        workers = [threading.Thread(target=work, args=(names[start::threads],)) for start in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return Counter((call.request["clusterName"], repr(call.fault)) for call in simulator.calls)

    names = [f"c{number % 20}" for number in range(100)]
    assert story(names, 1) == story(names[::-1], 1) == story(names, 8)


def test_tokens_do_not_matter() -> None:
    """Tokens are random, so they are not part of the content."""
    stories = []
    for token in "ab":
        simulator = Simulator()
        simulator.misbehave(rate=0.5, seed=1)
        for number in range(30):
            attempt(simulator, "RunTask", {**RUN, "clientToken": f"{token}{number}"})
        stories.append(struck(simulator))
    assert stories[0] == stories[1]


def test_it_can_be_restricted(world: World) -> None:
    """Only the given operations meet faults, and only the given ones that apply."""
    world.register()
    world.sim.misbehave(rate=1, operations=["RunTask", "StopTask"], faults=[Fault.no_capacity("AGENT")])
    assert ["AGENT"] == [failure["reason"] for failure in world.do("RunTask", **RUN)["failures"]]
    world.do("ListTasks")
    assert "InvalidParameterException" == world.refusal("StopTask", task="x" * 32).code
    assert [Fault.no_capacity("AGENT"), None, None] == struck(world.sim)[-3:]


def test_planned_faults_come_first(world: World) -> None:
    """A fault of `fail` comes before random faults, and does not count for them."""
    world.sim.misbehave(rate=1, faults=[Fault.throttled()])
    world.sim.fail("ListTasks", Fault.server_error())
    assert ["ServerException", "ThrottlingException"] == [world.refusal("ListTasks").code for _ in range(2)]


@pytest.mark.parametrize("seed", range(5))
async def test_waits_outlive_misbehaviour(seed: int) -> None:
    """With two of five polls lost, refused or throttled, both clients see the task run, and send the same requests."""

    def simulator() -> tuple[Simulator, str]:
        sim = Simulator()
        sim.misbehave(rate=0.4, seed=seed, operations=["DescribeTasks"])
        sim.script("job", TaskScript(time_to_start=300))
        sim.handle("RegisterTaskDefinition", DEFINITION)
        (task,) = sim.handle("RunTask", {**RUN, "taskDefinition": "job"})["tasks"]
        return sim, task["taskArn"]

    one, arn = simulator()
    with one.client() as ecs:
        (running,) = await asyncio.to_thread(ecs.wait.tasks_running, arn)
    assert "RUNNING" == running.last_status
    other, arn = simulator()
    async with other.async_client() as ecs_async:
        await ecs_async.wait.tasks_running(arn)
    assert one.calls == other.calls
    assert any(struck(one))


def test_healing_ends_it(world: World) -> None:
    """After `heal` all requests work, and no fault is left."""
    world.sim.misbehave(rate=1)
    world.sim.fail("ListTasks", Fault.throttled(), times=None)
    world.sim.heal()
    world.do("ListTasks")


@pytest.mark.parametrize("operation", sorted(simulated_operations()))
def test_the_usual_faults(operation: str) -> None:
    """Reads meet faults before the effect only, because they have none; all of these faults are transient."""
    faults = usual_faults(operation)
    reads = operation.startswith(("Describe", "List", "Get", "Discover"))
    assert reads == (not any(fault.after_effect for fault in faults))
    assert {"ThrottlingException", "ServerException", None} >= {
        fault.error.code if fault.error else None for fault in faults if fault != Fault.disguised_throttle()
    }


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_is_a_share(rate: float) -> None:
    """The rate is between 0 and 1."""
    with pytest.raises(ValueError, match="rate"):
        Simulator().misbehave(rate=rate)


def test_an_operation_must_exist() -> None:
    """An unknown operation is refused."""
    with pytest.raises(ValueError, match="ListTask"):
        Simulator().misbehave(rate=0.5, operations=["ListTask"])
