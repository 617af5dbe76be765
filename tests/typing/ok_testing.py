"""Tests of one's own as users write them, with the simulator and its fixtures."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from typing_extensions import assert_type

import ecskit
from ecskit.testing import (
    PUBLISHED_QUOTAS,
    Attachment,
    Call,
    Counting,
    DeploymentScript,
    DeploymentState,
    Fault,
    Lag,
    LostAnswerError,
    Progress,
    Quota,
    Response,
    ScaledClock,
    ServiceState,
    SimulatedError,
    Simulator,
    SimulatorBug,
    SimulatorServer,
    TaskScript,
    TaskState,
    attach,
    attach_async,
    simulated_operations,
)


def a_test(ecs_simulator: Simulator, ecs_client: ecskit.Client) -> None:
    ecs_simulator.script("job", TaskScript.exits(1, after=30))
    ecs_simulator.script("job", [TaskScript.out_of_memory(), TaskScript.runs_for(60)])
    ecs_simulator.script("*", attrs.evolve(TaskScript.healthy(after=3), time_to_start=1))
    ecs_simulator.script("web", TaskScript(health={5: "HEALTHY", 60: "UNHEALTHY"}, exit_codes={"app": 1}))
    ecs_simulator.script_resource("daemon", "*", Progress(seconds=1))
    ecs_simulator.script_deployment("web", DeploymentScript(pending_seconds=1, stage_seconds={"BAKE_TIME": 2.5}))
    assert_type(ecs_simulator.fire_alarm("errors"), int)
    assert_type(ecs_simulator.services(), list[ServiceState])
    assert_type(ecs_simulator.deployments("web"), list[DeploymentState])
    ecs_simulator.fail("RunTask", Fault.reset(after_effect=True))
    ecs_simulator.fail("*", Fault.expired_credentials(), times=None, after=60)
    ecs_simulator.fail("StopTask", SimulatedError("ClientException", "No."), times=2)
    ecs_simulator.misbehave(rate=0.2, seed=7, operations={"RunTask"}, faults=[Fault.no_capacity("AGENT", last=1)])
    ecs_simulator.heal()
    assert_type(TaskScript.spot_interrupted(after=60), TaskScript)
    assert_type(Fault.server_error(), Fault)
    assert_type(ecs_simulator.tasks("job"), list[TaskState])
    assert_type([task.last_status for task in ecs_simulator.tasks()], list[str])
    assert_type(ecs_simulator.calls, list[Call])
    assert_type(ecs_simulator.calls[0].fault, Fault | None)
    assert_type(ecs_simulator.client(), ecskit.Client)
    assert_type(ecs_simulator.async_client(), ecskit.AsyncClient)
    assert_type(ecs_client.list_tasks().task_arns, Sequence[str])


def simulators() -> None:
    tight = [quota.scaled(0.1) for quota in PUBLISHED_QUOTAS]
    assert_type(tight, list[Quota])
    counting: Counting = "stepwise"
    Simulator(quotas=tight, lag=Lag(visible_after=2), counting=counting, bare_replays=True)
    with SimulatorServer(Simulator(now=ScaledClock(speed=10))) as server:
        assert_type(server.url, str)
        assert_type(server.simulator, Simulator)
        assert_type(server.client(), ecskit.Client)
        assert_type(server.async_client(), ecskit.AsyncClient)
    try:
        assert_type(Simulator().respond("target", b"{}"), Response)
    except (LostAnswerError, SimulatorBug) as lost:
        print(lost)
    assert_type((Simulator().time(), Simulator().clock.now()), tuple[float, float])
    assert_type(simulated_operations(), frozenset[str])


def attached(client: object) -> tuple[Attachment, Attachment]:
    return attach(client, Simulator()), attach_async(client, Simulator())
