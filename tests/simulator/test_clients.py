"""Clients of a simulator in the same process, on its virtual clock."""

from __future__ import annotations

import asyncio
import threading

import pytest

import ecskit
from ecskit.models import AwsVpcConfiguration, ContainerDefinition, NetworkConfiguration, RunTaskResponse
from ecskit.testing import Lag, ScaledClock, SimulatedError, Simulator, TaskScript

NETWORK = NetworkConfiguration(awsvpc_configuration=AwsVpcConfiguration(subnets=["subnet-1"]))


def run(ecs: ecskit.Client, family: str = "job") -> RunTaskResponse:
    """Register a definition and run one task of it."""
    ecs.register_task_definition(
        family=family,
        cpu="256",
        memory="512",
        network_mode="awsvpc",
        requires_compatibilities=["FARGATE"],
        container_definitions=[ContainerDefinition(name="app", image="app:1")],
    )
    return ecs.run_task(task_definition=family, launch_type="FARGATE", network_configuration=NETWORK)


def test_a_task_is_waited_for_from_launch_to_exit_code() -> None:
    """A wait observes a task that is invisible at first, runs and then stops, in virtual time."""
    sim = Simulator(lag=Lag(visible_after=10))
    sim.script("job", TaskScript(time_to_start=30, run_time=300, exit_codes=3))
    with sim.client() as ecs:
        started = run(ecs)
        [running] = ecs.wait.tasks_running(started)
        assert running.last_status == "RUNNING"
        assert 30 <= sim.clock.now() <= 36
        [stopped] = ecs.wait.tasks_stopped(running)
    assert [container.exit_code for container in stopped.containers] == [3]
    assert 330 <= sim.clock.now() <= 360
    assert [call.operation for call in sim.calls].count("RunTask") == 1


async def test_an_async_client_sees_the_same_at_the_same_times() -> None:
    """Sync and async clients of equal simulators send the same requests at the same virtual times."""

    def simulator() -> Simulator:
        sim = Simulator(lag=Lag(visible_after=10, stale_by=5), seed=4)
        sim.script("job", TaskScript(time_to_start=30, run_time=300))
        return sim

    def sync() -> Simulator:
        sim = simulator()
        with sim.client() as ecs:
            ecs.wait.tasks_stopped(run(ecs))
        return sim

    one = await asyncio.to_thread(sync)
    other = simulator()
    async with other.async_client() as ecs:
        await ecs.register_task_definition(
            family="job",
            cpu="256",
            memory="512",
            network_mode="awsvpc",
            requires_compatibilities=["FARGATE"],
            container_definitions=[ContainerDefinition(name="app", image="app:1")],
        )
        started = await ecs.run_task(task_definition="job", launch_type="FARGATE", network_configuration=NETWORK)
        await ecs.wait.tasks_stopped(started)
    assert one.calls == other.calls


def test_faults_are_not_retried() -> None:
    """An injected error reaches the caller at once: such a client makes one attempt."""
    sim = Simulator()
    sim.fail("ListTasks", SimulatedError("ThrottlingException", "Rate exceeded"))
    with sim.client() as ecs:
        with pytest.raises(ecskit.errors.ThrottledError) as raised:
            ecs.list_tasks()
        assert raised.value.attempts == 1
        assert ecs.list_tasks().task_arns == []


def test_a_wait_outlives_throttled_polls() -> None:
    """Throttled polls are no observation; the wait continues, through the client for polls."""
    sim = Simulator()
    sim.script("job", TaskScript(time_to_start=5))
    with sim.client() as ecs:
        started = run(ecs)
        sim.fail("DescribeTasks", SimulatedError("ThrottlingException", "Rate exceeded"), times=3)
        [task] = ecs.wait.tasks_running(started)
    assert task.last_status == "RUNNING"
    codes = [call.code for call in sim.calls if call.operation == "DescribeTasks"]
    assert codes[:3] == ["ThrottlingException"] * 3


def test_threads_share_the_clock() -> None:
    """Ten concurrent waits of the same length take as long as one."""
    sim = Simulator()
    sim.script("job", TaskScript(time_to_start=60))
    with sim.client() as ecs:
        started = [run(ecs) for _ in range(10)]
        with sim.clock.flow():
            threads = [threading.Thread(target=ecs.wait.tasks_running, args=(each,)) for each in started]
            for thread in threads:
                thread.start()
        for thread in threads:
            thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    assert 60 <= sim.clock.now() <= 66


async def test_tasks_share_the_clock() -> None:
    """The same for tasks of an event loop."""
    sim = Simulator()
    sim.script("job", TaskScript(time_to_start=60))
    with sim.client() as ecs:
        started = [run(ecs) for _ in range(10)]
    async with sim.async_client() as ecs_async:
        await asyncio.gather(*(ecs_async.wait.tasks_running(each) for each in started))
    assert 60 <= sim.clock.now() <= 66


def test_the_environment_does_not_affect_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile that does not exist and an endpoint in the environment have no effect."""
    monkeypatch.setenv("AWS_PROFILE", "nonsense")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    with Simulator(region="eu-central-1").client() as ecs:
        assert ecs.list_clusters().cluster_arns == ["arn:aws:ecs:eu-central-1:123456789012:cluster/default"]


def test_with_another_now_clients_sleep_in_real_time() -> None:
    """With another `now` the virtual clock has no effect, so waits must use real time."""
    sim = Simulator(now=ScaledClock(speed=50))
    with sim.client() as ecs:
        [task] = ecs.wait.tasks_running(run(ecs))
    assert task.last_status == "RUNNING"
    with pytest.raises(RuntimeError, match=r"has no virtual clock.*read simulator\.time\(\)"):
        sim.clock.advance(60)
