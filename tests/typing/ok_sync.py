"""Sync code as users write it, with the types that they can rely on."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator, Mapping, Sequence
from datetime import datetime
from threading import Event
from typing import Any

import attrs
import tenacity
from typing_extensions import assert_type

import ecskit
from ecskit import errors, models, task_definitions
from ecskit import DeploymentHandle, ExecSession
from ecskit.container_instances import AgentOutcome, AgentUpdate
from ecskit.models import Container, RunTaskRequest, RunTaskResponse, Task
from ecskit.models.literals import LaunchType
from ecskit.services import DeploymentEnded, DeploymentEvent, DeploymentProgress, StartedDeployment
from ecskit.tasks import (
    Diagnosis,
    ExecKind,
    ExecResult,
    LogLine,
    LogStream,
    OnLog,
    OnOutput,
    OutcomeKind,
    RunTaskResult,
    TaskOutcome,
)
from ecskit.waits import OnPoll, WaitStory


def calls(ecs: ecskit.Client) -> None:
    started = ecs.run_task(task_definition="web", cluster="prod", launch_type="FARGATE")
    assert_type(started, RunTaskResponse)
    assert_type(ecs.describe_tasks(tasks=[task.task_arn for task in started.tasks]), models.DescribeTasksResponse)
    assert_type(ecs.describe_tasks(tasks=("a", "b")), models.DescribeTasksResponse)
    assert_type(ecs.send(RunTaskRequest(task_definition="web")), RunTaskResponse)
    assert_type(ecs.send(ecskit.task_definitions.load("web.json")), models.RegisterTaskDefinitionResponse)
    variant = ecs.with_options(region_name="eu-west-1")
    assert_type(variant, ecskit.Client)


def members(started: RunTaskResponse) -> None:
    assert_type(started.tasks, Sequence[Task])
    for task in started.tasks:
        assert_type(task.task_arn, str)
        assert_type(task.started_at, datetime | None)
        assert_type(task.tags, Sequence[models.Tag])
        for container in task.containers:
            assert_type(container, Container)
            assert_type(container.exit_code, int | None)
            assert_type(container.network_interfaces, Sequence[models.NetworkInterface])
        if task.last_status == "RUNNING" or task.last_status == "A_STATUS_OF_TOMORROW":
            print(task.stopped_reason)
    for failure in started.failures:
        assert_type(failure.reason, str | None)
    if started.metadata is not None:
        assert_type(started.metadata.request_id, str | None)


def models_are_values(definition: models.ContainerDefinition) -> None:
    renamed = attrs.evolve(definition, name="app")
    assert_type(renamed, models.ContainerDefinition)
    assert_type(renamed.docker_labels, Mapping[str, str])
    assert_type(renamed.extra_fields, Mapping[str, Any])


def lists(ecs: ecskit.Client) -> None:
    for arn in ecs.paginate.list_tasks(cluster="prod"):
        assert_type(arn, str)
    for page in ecs.paginate.list_tasks(cluster="prod").pages():
        assert_type(page, models.ListTasksResponse)
    for setting in ecs.paginate.list_account_settings():
        assert_type(setting, models.Setting)
    assert_type(iter(ecs.paginate.list_clusters()), Generator[str, None, None])


def waits(ecs: ecskit.Client, started: RunTaskResponse) -> None:
    poll = tenacity.wait_fixed(1) + tenacity.wait_random(0, 1)
    assert_type(ecs.wait.tasks_running(started, timeout=60, poll=poll, cancel=Event()), list[Task])
    assert_type(ecs.wait.tasks_stopped("arn", timeout=None), list[Task])
    try:
        ecs.wait.tasks_stopped(started.tasks)
    except errors.WaitTimeout as error:
        assert_type(error.story, ecskit.waits.WaitStory)
    except errors.ClusterNotFoundException as error:
        assert_type(error.code, str)
        assert_type(error.http_status, int | None)


def other_waits(ecs: ecskit.Client, cluster: models.Cluster) -> None:
    assert_type(ecs.wait.exec_agents_running("arn", containers="app"), list[Task])
    assert_type(
        ecs.wait.clusters_active([models.CreateClusterResponse(cluster=cluster), cluster, "prod"]), list[models.Cluster]
    )
    assert_type(ecs.wait.clusters_inactive("arn"), list[models.Cluster])
    assert_type(ecs.wait.container_instances_registered(["i-1"], cluster="prod"), list[models.ContainerInstance])
    assert_type(ecs.wait.container_instances_connected("arn"), list[models.ContainerInstance])
    assert_type(ecs.wait.container_instances_drained("arn"), list[models.ContainerInstance])
    assert_type(ecs.wait.container_agents_updated("arn"), list[models.ContainerInstance])
    assert_type(ecs.wait.capacity_providers_active("arn"), list[models.CapacityProvider])
    assert_type(ecs.wait.capacity_providers_updated("arn"), list[models.CapacityProvider])
    assert_type(ecs.wait.capacity_providers_deleted("arn"), list[models.CapacityProvider])
    assert_type(ecs.wait.task_definitions_deleted("arn"), list[models.TaskDefinition])
    assert_type(ecs.wait.task_sets_steady("ecs-svc/1", cluster="prod", service="web"), list[models.TaskSet])
    assert_type(ecs.wait.daemons_active("arn"), list[models.DaemonDetail])
    assert_type(ecs.wait.daemons_deleted("arn"), list[models.DaemonDetail])
    assert_type(ecs.wait.daemon_deployments_successful("arn"), list[models.DaemonDeployment])
    assert_type(ecs.wait.daemon_deployments_stopped("arn"), list[models.DaemonDeployment])
    assert_type(ecs.wait.daemon_task_definitions_active("arn"), list[models.DaemonTaskDefinition])
    assert_type(ecs.wait.daemon_task_definitions_deleted("arn"), list[models.DaemonTaskDefinition])
    assert_type(ecs.wait.gateways_active("arn"), list[models.Gateway])
    assert_type(ecs.wait.gateways_updated("arn"), list[models.Gateway])
    assert_type(ecs.wait.gateways_deleted("arn"), list[models.Gateway])
    assert_type(ecs.wait.gateway_routes_active("arn"), list[models.GatewayRoute])
    assert_type(ecs.wait.gateway_routes_deleted("arn"), list[models.GatewayRoute])
    assert_type(ecs.wait.express_gateway_services_active("arn"), list[models.ECSExpressGatewayService])
    assert_type(ecs.wait.express_gateway_services_inactive("arn"), list[models.ECSExpressGatewayService])


def services(ecs: ecskit.Client, updated: models.UpdateServiceResponse, service: models.Service) -> None:
    assert_type(ecs.wait.services_stable([updated, service, "web"], cluster="prod"), list[models.Service])
    assert_type(ecs.wait.services_inactive(ecs.delete_service(service="web")), list[models.Service])
    plan = ecs.services.plan(models.CreateServiceRequest(service_name="web"), pin_images=True)
    assert_type(ecs.services.verify(plan), ecskit.services.Checks)
    assert_type(ecs.services.verify(plan).missing, tuple[ecskit.services.Check, ...])
    assert_type(ecs.task_definitions.verify("web"), ecskit.services.Checks)
    assert_type(ecs.services.iter(cluster="prod", launch_type="FARGATE"), ecskit.Stream[models.Service])
    assert_type(ecs.services.iter(namespace="shop"), ecskit.Stream[models.Service])
    try:
        assert_type(ecs.services.describe(updated, tags=True), list[models.Service])
    except errors.ServicesMissing as error:
        assert_type(error.missing, tuple[str, ...])
        assert_type(error.found, tuple[models.Service, ...])
    except errors.UnsupportedController as error:
        assert_type(error.controller, str)
    except errors.ServiceGone as error:
        assert_type(error.story, ecskit.waits.WaitStory)


def shown(ecs: ecskit.Client) -> None:
    deployment = ecs.services.start_deployment("web", images={"app": "repo/app:2"})
    with deployment.events(timeout=900) as events, ecskit.progress.auto() as show:
        assert_type(events, ecskit.Stream[DeploymentEvent])
        assert_type(show, ecskit.progress.Show)
        for event in events:
            show(event)
            assert_type(event.progress, DeploymentProgress)
        show.say("done")
    try:
        with ecs.services.watch([deployment, "arn", ecs.update_service(service="api")], timeout=900) as several:
            for event in several:
                if isinstance(event, DeploymentEnded):
                    assert_type(event.error, errors.EcsError | None)
                assert_type((event.label, event.elapsed), tuple[str, float])
    except errors.DeploymentsFailed as failed:
        assert_type(failed.errors, Mapping[str, errors.EcsError])
    assert_type(ecs.services.deployment(deployment), ecskit.DeploymentHandle)
    assert_type(ecskit.progress.plain(times="elapsed"), ecskit.progress.Show)
    assert_type(ecskit.progress.github(), ecskit.progress.Show)
    assert_type(ecskit.progress.live(), ecskit.progress.Show)


def deployments(ecs: ecskit.Client, updated: models.UpdateServiceResponse, hook: str) -> None:
    progress = ecs.services.deploy(
        "web", cluster="prod", images={"app": "repo/app:2"}, timeout=900, on_failure="rollback"
    )
    assert_type(progress, DeploymentProgress)
    assert_type(progress.service_deployment, models.ServiceDeployment | None)
    assert_type(progress.stopped_tasks, Sequence[Task])
    handle = ecs.services.start_deployment("web", environment={"app": {"MODE": "blue", "OLD": None}}, strategy="CANARY")
    assert_type(handle, DeploymentHandle)
    assert_type(handle.started, StartedDeployment)
    assert_type(handle.to_json(), str)
    assert_type(ecs.services.deployment(updated), DeploymentHandle)
    assert_type(handle.wait(until="BAKE_TIME", on_superseded="follow", cancel=Event()), DeploymentProgress)
    assert_type(handle.wait(on_pause=lambda hook: "CONTINUE" if hook.hook_id else None), DeploymentProgress)
    assert_type(handle.status(), DeploymentProgress)
    assert_type(handle.stop(timeout=60), DeploymentProgress)
    assert_type(handle.rollback(), DeploymentProgress)
    assert_type(handle.continue_deployment(hook, action="ROLLBACK"), DeploymentProgress)
    assert_type(ecs.services.rollback("web"), DeploymentProgress)
    assert_type(ecs.services.refresh("web", until="stable"), DeploymentProgress)
    assert_type(ecs.services.scale("web", desired_count=4, until="requested"), models.Service)
    assert_type(ecs.services.create(models.CreateServiceRequest(service_name="web")), models.Service)
    assert_type(ecs.services.delete("web", force=True), models.Service)
    assert_type(ecs.wait.deployment(updated, until="stable"), DeploymentProgress)
    assert_type(ecs.wait.service_deployment("arn", until="paused"), DeploymentProgress)
    try:
        handle.wait()
    except errors.DeploymentRolledBack as error:
        assert_type(error.rolled_back_to, str | None)
        assert_type(error.progress, DeploymentProgress)
        assert_type(error.reason, str)
    except errors.DeploymentSuperseded as error:
        assert_type(error.by, str | None)
    except errors.DeploymentInProgress as error:
        assert_type(error.deployment, str)
    except errors.NothingToRollBack as error:
        assert_type(error.why, str)


def literals() -> LaunchType:
    kind: LaunchType = "FARGATE"
    return kind


def verbs(ecs: ecskit.Client, network: models.AwsVpcConfiguration) -> None:
    result = ecs.tasks.run("batch:7", cluster="prod", count=37, network=network, capacity_timeout=300)
    assert_type(result, RunTaskResult)
    assert_type(result.raise_for_failures(), RunTaskResult)
    assert_type(result.tasks, Sequence[Task])
    assert_type(ecs.wait.tasks_healthy(result, timeout=120), list[Task])
    assert_type(ecs.tasks.as_stopped(result), ecskit.Stream[TaskOutcome])
    with ecs.tasks.as_stopped(result) as outcomes:
        assert_type(outcomes, ecskit.Stream[TaskOutcome])
        for ended in outcomes:
            assert_type(ended, TaskOutcome)
    with contextlib.closing(ecs.tasks.iter()) as found:
        assert_type(next(found), Task)
    outcome = ecs.tasks.run_to_completion("migrate", container="app", command=["migrate"], on_cancel="stop")
    assert_type(outcome, TaskOutcome)
    assert_type(outcome.exit_code, int | None)
    assert_type(ecs.tasks.run_to_completion("migrate", count=2), list[TaskOutcome])
    assert_type(TaskOutcome.of(result.tasks[0], essential=["app"]).raise_for_outcome(), TaskOutcome)
    assert_type(ecs.tasks.stop(result, cancel=Event()), list[Task])
    assert_type(ecs.tasks.describe(result), list[Task])
    assert_type(ecs.tasks.iter(cluster="prod", desired_status="ANY"), ecskit.Stream[Task])
    assert_type(ecs.tasks.protect("arn", expires_in_minutes=60), list[models.ProtectedTask])
    strategy = {"FARGATE_SPOT": 3, "FARGATE": 1}
    assert_type(ecs.tasks.run("web", capacity_provider_strategy=strategy, tags={"team": "data"}), RunTaskResult)
    try:
        outcome.raise_for_outcome()
    except errors.TaskFailedError as error:
        assert_type(error.outcome, TaskOutcome)
        for stream in error.outcome.logs:
            assert_type(stream, LogStream)
    except errors.TasksNotStarted as error:
        assert_type(error.result, RunTaskResult)
    except errors.EcsError as error:
        if error.story is not None:
            assert_type(error.story.handle, ecskit.waits.WaitHandle)
            ecs.wait.resume(error.story.handle)


def task_sets(ecs: ecskit.Client, service: models.Service, network: models.AwsVpcConfiguration) -> None:
    created = ecs.task_sets.create(
        service, task_definition="web", scale=50, network=network, tags={"a": "b"}, on_timeout="delete", cancel=Event()
    )
    assert_type(created, models.TaskSet)
    assert_type(ecs.task_sets.scale(created, percent=100, until="requested"), models.TaskSet)
    assert_type(ecs.task_sets.make_primary("ecs-svc/1", cluster="prod", service="web"), models.TaskSet)
    assert_type(ecs.task_sets.delete(created, force=True), models.TaskSet | None)
    assert_type(ecs.wait.task_sets_primary(created), list[models.TaskSet])
    assert_type(ecs.wait.task_sets_deleted([created, "arn"]), list[models.TaskSet])
    assert_type(ecs.wait.task_sets_steady(created, scale=50), list[models.TaskSet])


def instances(ecs: ecskit.Client) -> None:
    drained = ecs.container_instances.drain(["i-1"], cluster="prod", on_timeout="undo", cancel=Event())
    assert_type(drained, list[models.ContainerInstance])
    assert_type(ecs.container_instances.activate(drained), list[models.ContainerInstance])
    for update in ecs.container_instances.update_agent(drained, until="requested"):
        assert_type(update, AgentUpdate)
        assert_type(update.outcome, AgentOutcome)
        assert_type(update.container_instance, models.ContainerInstance)
    assert_type(ecs.clusters.describe("prod", include=["TAGS"]), list[models.Cluster])
    assert_type(ecs.clusters.iter(), ecskit.Stream[models.Cluster])
    assert_type(ecs.container_instances.describe(drained, health=True), list[models.ContainerInstance])
    assert_type(ecs.container_instances.iter(status="ACTIVE"), ecskit.Stream[models.ContainerInstance])
    try:
        ecs.container_instances.drain("arn", on_partial="undo")
    except errors.ContainerInstancesNotChanged as error:
        assert_type(error.changed, tuple[str, ...])
    except errors.ContainerAgentsNotUpdated as error:
        assert_type(error.requested, tuple[str, ...])
    except errors.ContainerInstancesMissing as error:
        assert_type(error.found, tuple[models.ContainerInstance, ...])


def kinds(outcome: TaskOutcome) -> OutcomeKind:
    return outcome.kind


def definitions(ecs: ecskit.Client, described: models.TaskDefinition) -> None:
    request = task_definitions.derive(
        described,
        images={"app": "repo/app:2"},
        environment={"app": {"MODE": "blue", "OLD": None}},
        secrets={"app": {"TOKEN": "arn"}},
        cpu=256,
        memory="1 GB",
        tags=[models.Tag(key="team", value="data")],
        keep=["tomorrow"],
    )
    assert_type(request, models.RegisterTaskDefinitionRequest)
    difference = task_definitions.diff(described, request)
    assert_type(difference, task_definitions.Difference)
    for change in difference:
        assert_type(change, task_definitions.Change)
        assert_type(change.path, str)
    findings = task_definitions.validate(request)
    assert_type(findings, list[task_definitions.Finding])
    task_definitions.raise_for_findings(findings)
    registered = ecs.task_definitions.register_if_changed(request)
    assert_type(registered, task_definitions.Registered)
    assert_type(registered.definition, models.TaskDefinition)
    assert_type(registered.changed, bool)
    assert_type(registered.changes, task_definitions.Difference)


def inside(ecs: ecskit.Client, handle: DeploymentHandle) -> None:
    with ecs.tasks.logs("arn", follow=True) as lines:
        assert_type(next(lines), LogLine)
    assert_type(ecs.tasks.explain("arn", log_tail=20), Diagnosis)
    assert_type(handle.explain(), Diagnosis)
    assert_type(handle.status().diagnosis, Diagnosis)


def commands(ecs: ecskit.Client, task: Task, flag: bool) -> None:
    result = ecs.tasks.execute(task, ["./manage.py", "check"], container="app", timeout=60, cancel=Event())
    assert_type(result, ExecResult[str])
    assert_type(result.output, str)
    assert_type(result.kind, ExecKind)
    assert_type(result.exit_code, int | None)
    assert_type(result.raise_for_result(), ExecResult[str])
    assert_type(ecs.tasks.execute("arn", "cat", input=b"x", binary=True), ExecResult[bytes])
    assert_type(ecs.tasks.execute("arn", "ls", binary=flag), ExecResult[Any])
    on_output: OnOutput[str] = sys.stdout.write
    ecs.tasks.execute("arn", "ls", on_output=on_output, check=True)
    ecs.tasks.execute("arn", "ls", on_output=sys.stdout.buffer.write, binary=True)
    with ecs.tasks.open_session(task, columns=100, rows=50) as session:
        assert_type(session, ExecSession)
        session.send(b"ls\n", timeout=5)
        assert_type(session.read(timeout=5), bytes)
        session.resize(80, 24)
        for chunk in session:
            assert_type(chunk, bytes)
        assert_type(session.exit_code, int | None)
        assert_type(session.end_reason, str | None)
    try:
        ecs.tasks.open_session("arn", "sh").read()
    except errors.ExecFailed as error:
        assert_type(error.result.exit_code, int | None)
    except errors.SessionTimeout as error:
        assert_type(error.seconds, float)


def callbacks(ecs: ecskit.Client) -> None:
    stories: list[WaitStory] = []
    handles: list[str] = []
    on_poll: OnPoll = stories.append
    for callback in (on_poll, print):
        ecs.wait.tasks_running("arn", on_poll=callback)
    ecs.wait.tasks_running("arn", on_poll=lambda story: handles.append(story.handle.to_json()))
    ecs.tasks.run_to_completion("job", on_poll=print)
    lines: list[LogLine] = []
    on_log: OnLog = lines.append
    for shown in (on_log, print):
        ecs.tasks.run_to_completion("job", on_log=shown, log_tail=50)
    ecs.services.deploy("web", force=True, on_poll=print)
