"""Async code as users write it, with the types that they can rely on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from typing_extensions import assert_type

import ecskit
from ecskit import models, task_definitions
from ecskit import AsyncDeploymentHandle, AsyncExecSession
from ecskit.container_instances import AgentUpdate
from ecskit.models import RunTaskRequest, RunTaskResponse, Task
from ecskit.models.literals import DeploymentLifecycleHookAction
from ecskit.services import DeploymentEvent, DeploymentProgress, StartedDeployment
from ecskit.tasks import AsyncOnLog, ExecResult, LogLine, Opening, RunTaskResult, TaskOutcome
from ecskit.waits import AsyncOnPoll, WaitStory


async def calls(ecs: ecskit.AsyncClient) -> None:
    assert_type(await ecs.run_task(task_definition="web"), RunTaskResponse)
    assert_type(await ecs.send(RunTaskRequest(task_definition="web")), RunTaskResponse)
    one, two = await asyncio.gather(ecs.describe_tasks(tasks=["a"]), ecs.list_clusters())
    assert_type(one, models.DescribeTasksResponse)
    assert_type(two, models.ListClustersResponse)


async def lists(ecs: ecskit.AsyncClient) -> None:
    async for arn in ecs.paginate.list_tasks(cluster="prod"):
        assert_type(arn, str)
    async for page in ecs.paginate.list_tasks(cluster="prod").pages():
        assert_type(page, models.ListTasksResponse)
    assert_type(aiter(ecs.paginate.list_account_settings()), AsyncGenerator[models.Setting, None])


async def waits(ecs: ecskit.AsyncClient) -> None:
    started = await ecs.run_task(task_definition="web")
    assert_type(await ecs.wait.tasks_running(started, timeout=60), list[Task])


async def other_waits(ecs: ecskit.AsyncClient, cluster: models.Cluster) -> None:
    assert_type(await ecs.wait.exec_agents_running("arn", containers="app"), list[Task])
    assert_type(
        await ecs.wait.clusters_active([models.CreateClusterResponse(cluster=cluster), cluster, "prod"]),
        list[models.Cluster],
    )
    assert_type(await ecs.wait.clusters_inactive("arn"), list[models.Cluster])
    assert_type(await ecs.wait.container_instances_registered(["i-1"], cluster="prod"), list[models.ContainerInstance])
    assert_type(await ecs.wait.container_instances_connected("arn"), list[models.ContainerInstance])
    assert_type(await ecs.wait.container_instances_drained("arn"), list[models.ContainerInstance])
    assert_type(await ecs.wait.container_agents_updated("arn"), list[models.ContainerInstance])
    assert_type(await ecs.wait.capacity_providers_active("arn"), list[models.CapacityProvider])
    assert_type(await ecs.wait.capacity_providers_updated("arn"), list[models.CapacityProvider])
    assert_type(await ecs.wait.capacity_providers_deleted("arn"), list[models.CapacityProvider])
    assert_type(await ecs.wait.task_definitions_deleted("arn"), list[models.TaskDefinition])
    assert_type(await ecs.wait.task_sets_steady("ecs-svc/1", cluster="prod", service="web"), list[models.TaskSet])
    assert_type(await ecs.wait.daemons_active("arn"), list[models.DaemonDetail])
    assert_type(await ecs.wait.daemons_deleted("arn"), list[models.DaemonDetail])
    assert_type(await ecs.wait.daemon_deployments_successful("arn"), list[models.DaemonDeployment])
    assert_type(await ecs.wait.daemon_deployments_stopped("arn"), list[models.DaemonDeployment])
    assert_type(await ecs.wait.daemon_task_definitions_active("arn"), list[models.DaemonTaskDefinition])
    assert_type(await ecs.wait.daemon_task_definitions_deleted("arn"), list[models.DaemonTaskDefinition])
    assert_type(await ecs.wait.gateways_active("arn"), list[models.Gateway])
    assert_type(await ecs.wait.gateways_updated("arn"), list[models.Gateway])
    assert_type(await ecs.wait.gateways_deleted("arn"), list[models.Gateway])
    assert_type(await ecs.wait.gateway_routes_active("arn"), list[models.GatewayRoute])
    assert_type(await ecs.wait.gateway_routes_deleted("arn"), list[models.GatewayRoute])
    assert_type(await ecs.wait.express_gateway_services_active("arn"), list[models.ECSExpressGatewayService])
    assert_type(await ecs.wait.express_gateway_services_inactive("arn"), list[models.ECSExpressGatewayService])


async def commands(ecs: ecskit.AsyncClient, task: models.Task) -> None:
    async def shown(piece: str) -> None:
        print(piece)

    assert_type(await ecs.tasks.execute(task, "ls", on_output=shown), ExecResult[str])
    assert_type(await ecs.tasks.execute(task, "ls", on_output=print, binary=True), ExecResult[bytes])
    assert_type(ecs.tasks.open_session(task), Opening[AsyncExecSession])
    assert_type(await ecs.tasks.open_session(task), AsyncExecSession)
    async with ecs.tasks.open_session(task, ["sh", "-l"], exit_code=True) as session:
        assert_type(session, AsyncExecSession)
        await session.send(b"ls\n", timeout=5)
        assert_type(await session.read(timeout=5), bytes)
        async for chunk in session:
            assert_type(chunk, bytes)


async def services(ecs: ecskit.AsyncClient, updated: models.UpdateServiceResponse, service: models.Service) -> None:
    assert_type(await ecs.wait.services_stable([updated, service, "web"], cluster="prod"), list[models.Service])
    assert_type(await ecs.wait.services_inactive("web"), list[models.Service])
    assert_type(await ecs.services.describe(updated, tags=True), list[models.Service])
    plan = await ecs.services.plan(models.CreateServiceRequest(service_name="web"), pin_images=True)
    assert_type(await ecs.services.verify(plan), ecskit.services.Checks)
    assert_type((await ecs.services.verify(plan)).missing, tuple[ecskit.services.Check, ...])
    assert_type(await ecs.task_definitions.verify("web"), ecskit.services.Checks)
    assert_type(ecs.services.iter(cluster="prod"), ecskit.AsyncStream[models.Service])


async def deployments(ecs: ecskit.AsyncClient, updated: models.UpdateServiceResponse, hook: str) -> None:
    async def answer(
        hook: models.DeploymentLifecycleHookDetail,
    ) -> DeploymentLifecycleHookAction | None:
        return "CONTINUE" if hook.hook_id else None

    assert_type(await ecs.services.deploy("web", images={"app": "repo/app:2"}, on_pause=answer), DeploymentProgress)
    handle = await ecs.services.start_deployment("web", task_definition="web:7", require_idle=True)
    assert_type(handle, AsyncDeploymentHandle)
    assert_type(handle.started, StartedDeployment)
    assert_type(await ecs.services.deployment(handle.to_json()), AsyncDeploymentHandle)
    assert_type(await handle.wait(until="stable", on_superseded="follow"), DeploymentProgress)
    assert_type(handle.events(), ecskit.AsyncStream[DeploymentEvent])
    assert_type(await handle.status(), DeploymentProgress)
    assert_type(await handle.stop(), DeploymentProgress)
    assert_type(await handle.rollback(), DeploymentProgress)
    assert_type(await handle.continue_deployment(hook), DeploymentProgress)
    assert_type(await ecs.services.rollback("web"), DeploymentProgress)
    assert_type(await ecs.services.refresh("web"), DeploymentProgress)
    assert_type(await ecs.services.scale("web", desired_count=4), models.Service)
    assert_type(await ecs.services.create(models.CreateServiceRequest(service_name="web")), models.Service)
    assert_type(await ecs.services.delete("web"), models.Service)
    assert_type(await ecs.wait.deployment(updated), DeploymentProgress)
    assert_type(await ecs.wait.service_deployment("arn"), DeploymentProgress)


async def shown(ecs: ecskit.AsyncClient) -> None:
    deployment = await ecs.services.start_deployment("web", force=True)
    async with deployment.events(timeout=900) as events:
        with ecskit.progress.plain() as show:
            async for event in events:
                show(event)
    handles = [deployment, deployment]
    async with ecs.services.watch(handles, on_cancel="rollback") as several:
        assert_type(several, ecskit.AsyncStream[DeploymentEvent])


async def life() -> None:
    async with ecskit.AsyncClient(region_name="eu-west-1") as ecs:
        assert_type(ecs, ecskit.AsyncClient)
    explicit = ecskit.AsyncClient(region_name="eu-west-1")
    await explicit.aclose()


async def verbs(ecs: ecskit.AsyncClient) -> None:
    result = await ecs.tasks.run("batch:7", cluster="prod", count=37, capacity_timeout=300)
    assert_type(result, RunTaskResult)
    assert_type(ecs.tasks.as_stopped(result), ecskit.AsyncStream[TaskOutcome])
    async with ecs.tasks.as_stopped(result) as outcomes:
        assert_type(outcomes, ecskit.AsyncStream[TaskOutcome])
        assert_type(await anext(outcomes), TaskOutcome)
    async with contextlib.aclosing(ecs.tasks.iter()) as found:
        assert_type(found, ecskit.AsyncStream[Task])
    async for outcome in ecs.tasks.as_stopped(result, allow_partial=True):
        assert_type(outcome, TaskOutcome)
    assert_type(await ecs.tasks.run_to_completion("migrate", on_cancel="stop"), TaskOutcome)
    assert_type(await ecs.tasks.run_to_completion("migrate", count=2), list[TaskOutcome])
    assert_type(ecs.tasks.iter(cluster="prod"), ecskit.AsyncStream[Task])
    assert_type(await ecs.tasks.stop(result), list[Task])


async def task_sets_and_instances(ecs: ecskit.AsyncClient) -> None:
    created = await ecs.task_sets.create("web", cluster="prod", task_definition="web", scale=50)
    assert_type(created, models.TaskSet)
    assert_type(await ecs.task_sets.scale(created, percent=100), models.TaskSet)
    assert_type(await ecs.task_sets.make_primary(created), models.TaskSet)
    assert_type(await ecs.task_sets.delete(created, force=True), models.TaskSet | None)
    assert_type(await ecs.clusters.describe("prod", include=["TAGS"]), list[models.Cluster])
    assert_type(ecs.clusters.iter(), ecskit.AsyncStream[models.Cluster])
    assert_type(await ecs.container_instances.drain("arn"), list[models.ContainerInstance])
    assert_type(await ecs.container_instances.activate("arn"), list[models.ContainerInstance])
    assert_type(await ecs.container_instances.update_agent("arn"), list[AgentUpdate])
    assert_type(await ecs.container_instances.describe("arn"), list[models.ContainerInstance])
    assert_type(ecs.container_instances.iter(cluster="prod"), ecskit.AsyncStream[models.ContainerInstance])


async def definitions(ecs: ecskit.AsyncClient) -> None:
    request = task_definitions.load("web.json")
    assert_type(await ecs.task_definitions.register_if_changed(request), task_definitions.Registered)


async def callbacks(ecs: ecskit.AsyncClient) -> None:
    stories: list[WaitStory] = []
    handles: list[str] = []
    on_poll: AsyncOnPoll = stories.append
    for callback in (on_poll, print):
        await ecs.wait.tasks_running("arn", on_poll=callback)
    await ecs.wait.tasks_running("arn", on_poll=lambda story: handles.append(story.handle.to_json()))
    await ecs.tasks.run_to_completion("job", on_poll=print)
    lines: asyncio.Queue[LogLine] = asyncio.Queue()
    on_log: AsyncOnLog = lines.put
    for shown in (on_log, print):
        await ecs.tasks.run_to_completion("job", on_log=shown)
    await ecs.services.deploy("web", force=True, on_poll=print)

    async def publish(story: WaitStory) -> int:
        return len(str(story))

    await ecs.wait.tasks_running("arn", on_poll=publish)
    await ecs.wait.tasks_running("arn", on_poll=lambda story: publish(story))
    await ecs.tasks.run_to_completion("job", on_poll=publish)
