"""Writes permissions.md: the IAM actions that each verb needs, as recorded from its requests.

Verbs are run against the simulator. Waits are run against a transport that refuses everything and records their first
poll. Waits whose polls take several steps are run against the simulator too.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, NoReturn
from unittest.mock import patch

import attrs

from ecskit import Client, DeploymentHandle
from ecskit._api.waits import WAITS
from ecskit._core.effects import Send
from ecskit._drive.sync import Runtime
from ecskit._exec import shell
from ecskit._facades.sync_wait import Wait
from ecskit._simulator.virtual_clock import VirtualClock
from ecskit._verification import resources
from ecskit._verification.images import IMAGE
from ecskit._verification.references import ResourceType
from ecskit.errors import AccessDeniedException, EcsError, TaskFailedError
from ecskit.models import (
    AwsVpcConfiguration,
    ClusterConfiguration,
    ContainerDefinition,
    CreateServiceRequest,
    DeploymentConfiguration,
    DeploymentController,
    DeploymentLifecycleHook,
    ExecuteCommandConfiguration,
    HealthCheck,
    LogConfiguration,
    NetworkConfiguration,
    RegisterTaskDefinitionRequest,
    ServiceConnectConfiguration,
    Tag,
    Task,
    TaskDefinition,
    TaskSet,
)
from ecskit.services import Plan
from ecskit.tasks import RunTaskResult, TaskChange
from ecskit.testing import ExecScript, Fault, Simulator, TaskScript

PAGE = Path(__file__).with_suffix(".md")
ACCOUNT = "arn:aws:ecs:us-east-1:123456789012"
SAMPLES = {
    "ContainerInstance": f"{ACCOUNT}:container-instance/prod/0123456789abcdef0123456789abcdef",
    "TaskDefinition": f"{ACCOUNT}:task-definition/web:1",
    "Task": f"{ACCOUNT}:task/prod/0123456789abcdef0123456789abcdef",
    "TaskSet": f"{ACCOUNT}:task-set/prod/web/ecs-svc/0123456789",
    "DaemonDetail": f"{ACCOUNT}:daemon/prod/agent",
    "DaemonDeployment": f"{ACCOUNT}:daemon-deployment/prod/agent/0123456789abcdef0123456789abcdef",
    "DaemonTaskDefinition": f"{ACCOUNT}:daemon-task-definition/agent:1",
    "GatewayRoute": f"{ACCOUNT}:gateway-route/edge/0123456789",
    "ECSExpressGatewayService": f"{ACCOUNT}:service/prod/web",
}
"""A resource of each model to wait for; resources of other models are given by name."""

LOGS = LogConfiguration(
    log_driver="awslogs",
    options={"awslogs-group": "/ecs/job", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "run"},
)
APP = ContainerDefinition(
    name="app", image="image", health_check=HealthCheck(command=["CMD", "true"]), log_configuration=LOGS
)
DEFINITION = RegisterTaskDefinitionRequest(
    family="",
    cpu="256",
    memory="512",
    network_mode="awsvpc",
    requires_compatibilities=["FARGATE"],
    execution_role_arn="arn:aws:iam::123456789012:role/execution",
    container_definitions=[APP],
).to_dict()
TASK = {"launchType": "FARGATE", "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["s"]}}}
SERVICES = {
    "FilterLogEvents": "logs",
    "GetLogEvents": "logs",
    "ResumeSession": "ssm",
    "TerminateSession": "ssm",
    "GenerateDataKey": "kms",
}
"""The services of operations that are none of ECS."""
REGION = "eu-west-1:123456789012"
OPERATOR: list[dict[str, Any]] = [
    {
        "Effect": "Allow",
        "Action": ["ecs:ExecuteCommand"],
        "Resource": [f"arn:aws:ecs:{REGION}:cluster/prod", f"arn:aws:ecs:{REGION}:task/prod/*"],
        "Condition": {"StringEquals": {"ecs:container-name": "app"}},
    },
    {"Effect": "Allow", "Action": ["ecs:DescribeTasks"], "Resource": f"arn:aws:ecs:{REGION}:task/prod/*"},
    {"Effect": "Allow", "Action": ["ecs:DescribeClusters"], "Resource": f"arn:aws:ecs:{REGION}:cluster/prod"},
    {
        "Effect": "Allow",
        "Action": ["ssmmessages:OpenDataChannel", "ssm:TerminateSession", "ssm:ResumeSession"],
        "Resource": f"arn:aws:ssm:{REGION}:session/ecs-execute-command-*",
    },
    {
        "Effect": "Allow",
        "Action": ["kms:GenerateDataKey"],
        "Resource": f"arn:aws:kms:{REGION}:key/1f3c9a52-7d6e-4b0a-9c55-0a1b2c3d4e5f",
    },
]
"""The statements of a policy for ECS Exec."""
SCENERY: dict[str, str | tuple[str, ...]] = {
    "RunTask": "tasks.run",
    "CreateService": ("services.create", "services.apply"),
    "CreateTaskSet": "task_sets.create",
    "RegisterContainerInstance": "container_instances.register",
    "DeregisterTaskDefinition": ("task_definitions.deregister", "task_definitions.prune"),
}
"""Operations that prepare a world: they count only for the verbs of the given names."""


@attrs.frozen
class Row:
    """A line of the table."""

    verb: str
    actions: frozenset[str]
    when: str = ""


@attrs.define
class Refuser:
    """A transport that records the operations and refuses them."""

    targets: list[str] = attrs.field(factory=list[str])

    def send(self, send: Send, begin: Callable[[], object], /) -> NoReturn:
        """Refuse before the request is sent."""
        del begin
        self.targets.append(send.operation)
        raise AccessDeniedException({"Error": {"Code": "AccessDeniedException", "Message": ""}}, send.operation)


@attrs.define
class World:
    """A simulator with task definitions, and its client."""

    simulator: Simulator
    ecs: Client
    prepared: int = 0
    """The number of calls that prepared the world."""

    @classmethod
    def new(cls) -> World:
        """Return a new world."""
        simulator = Simulator()
        for family in ("job", "web", "next"):
            simulator.handle("RegisterTaskDefinition", {**DEFINITION, "family": family})
        simulator.script("job", TaskScript(run_time=10, logs=[(1, "line")]))
        return cls(simulator, simulator.client(), len(simulator.calls))

    def deregister(self, name: str) -> list[TaskDefinition]:
        """Deregister a task definition."""
        return self.ecs.task_definitions.deregister(name)

    def run(self, family: str, **arguments: Any) -> RunTaskResult:
        """Run tasks."""
        return self.ecs.tasks.run(
            family, launch_type="FARGATE", network=AwsVpcConfiguration(subnets=["s"]), **arguments
        )

    def serve(self, **arguments: Any) -> str:
        """Create a service that has a namespace, and return its name."""
        network = NetworkConfiguration(awsvpc_configuration=AwsVpcConfiguration(subnets=["s"]))
        answer = self.ecs.create_service(
            service_name="web",
            task_definition="web",
            desired_count=1,
            launch_type="FARGATE",
            network_configuration=network,
            service_connect_configuration=ServiceConnectConfiguration(enabled=True, namespace="shop"),
            **arguments,
        )
        return answer.service.service_name

    def complete(self, family: str, **arguments: Any) -> object:
        """Run a task to completion."""
        network = AwsVpcConfiguration(subnets=["s"])
        return self.ecs.tasks.run_to_completion(family, launch_type="FARGATE", network=network, **arguments)

    def complete_with_lines(self) -> None:
        """Run a task that fails, and read its last lines."""
        self.simulator.script("job", TaskScript.exits(1))
        with contextlib.suppress(TaskFailedError):
            self.complete("job", log_tail=1)

    def watch_first(self, _: object) -> TaskChange:
        """Return the first change that a stream of changes yields."""
        with self.ecs.tasks.watch() as changes:
            return next(changes)

    def read_logs(self, **arguments: Any) -> object:
        """Run a task, and read its lines."""
        arn = self.simulator.handle("RunTask", {**TASK, "taskDefinition": "job"})["tasks"][0]["taskArn"]
        self.simulator.clock.advance(60)
        self.prepared = len(self.simulator.calls)
        return list(self.ecs.tasks.logs(arn, **arguments))

    def inside(self, *, encrypted: bool = False) -> Task:
        """Run a task in which commands can be run, and return it."""
        if encrypted:
            key = ExecuteCommandConfiguration(kms_key_id="alias/exec")
            self.ecs.update_cluster(
                cluster="default", configuration=ClusterConfiguration(execute_command_configuration=key)
            )
        self.simulator.script_exec("*", ExecScript("line\n", seconds=3))
        [task] = self.run("web", enable_execute_command=True).tasks
        self.simulator.clock.advance(60)
        self.prepared = len(self.simulator.calls)
        return task

    def resumed(self) -> object:
        """Run a command whose connection is cut."""
        task = self.inside()
        self.simulator.disturb_exec(cut_at=[2.0])
        return self.ecs.tasks.execute(task, "uptime")

    def opened(self, **arguments: Any) -> None:
        """Open a session, and close it."""
        with self.ecs.tasks.open_session(self.inside(**arguments), "uptime") as session:
            session.read()

    def in_terminal(self) -> None:
        """Connect a terminal, which is none, with a command."""
        with patch("ecskit._exec.shell.own_terminal"):
            shell.own_terminal().size = (80, 24)
            self.ecs.tasks.shell(self.inside(), "uptime")

    def partly(self, on_partial: Any) -> None:
        """Run two tasks with capacity for one."""
        self.simulator.fail("RunTask", Fault.no_capacity(last=1))
        self.run("web", count=2, on_partial=on_partial)

    def adopted(self) -> None:
        """Run a task under a token that was used before."""
        key = "key"
        self.run("web", client_token=key)
        self.run("web", client_token=key, started_by="another program", on_conflict="adopt")

    def ready(self) -> None:
        """Let the first task of the next deployment fail, and discard the calls until now."""
        for family in ("web", "next"):
            self.simulator.script(family, [TaskScript.fails_to_pull(), TaskScript()])
        self.prepared = len(self.simulator.calls)

    def settled(self) -> str:
        """Create a service, wait until it is deployed, and return its name."""
        name = self.serve()
        self.simulator.clock.advance(300)
        self.ready()
        return name

    def replacing(self) -> str:
        """Start to deploy another revision, and return the name of the service."""
        name = self.settled()
        self.ecs.update_service(service=name, task_definition="next")
        self.simulator.clock.advance(30)
        self.ready()
        return name

    def rolled_back(self) -> object:
        """Roll back a deployment that is under way."""
        [service] = self.ecs.describe_services(services=[self.replacing()]).services
        return self.ecs.services.deployment(service).rollback()

    def deployed_twice(self) -> str:
        """Deploy another revision, and return the name of the service."""
        name = self.replacing()
        self.simulator.clock.advance(300)
        self.ready()
        return name

    def pruned(self, *, dry_run: bool = False) -> object:
        """Prune a family of which a service has used the first revision, and a task runs another one."""
        self.deployed_twice()
        app = ContainerDefinition(name="app", image="image", memory=64)
        for _ in range(3):
            self.ecs.register_task_definition(family="web", network_mode="awsvpc", container_definitions=[app])
        self.run("web:1")
        self.prepared = len(self.simulator.calls)
        return self.ecs.task_definitions.prune("web", keep=1, dry_run=dry_run)

    def without_earlier_revision(self) -> str:
        """Deploy another revision, deregister the earlier one, and return the name of the service."""
        name = self.deployed_twice()
        self.ecs.deregister_task_definition(task_definition="web:1")
        self.ready()
        return name

    def created(self) -> object:
        """Create a service, and wait for it."""
        network = NetworkConfiguration(awsvpc_configuration=AwsVpcConfiguration(subnets=["s"]))
        request = CreateServiceRequest(
            service_name="web",
            task_definition="web",
            desired_count=1,
            launch_type="FARGATE",
            network_configuration=network,
        )
        self.ready()
        return self.ecs.services.create(request)

    def planned(self, name: str, **members: Any) -> Plan:
        """Plan a change of a service, or its creation."""
        definition = CreateServiceRequest(service_name=name, task_definition="next", **members)
        return self.ecs.services.plan(definition, images={"app": "image:2"} if "tags" in members else None)

    def applied(self, name: str, **members: Any) -> object:
        """Apply a plan."""
        return self.ecs.services.apply(self.planned(name, **members))

    def handle(self, *, after: float = 0.0, **arguments: Any) -> DeploymentHandle:
        """Create a service, and return the handle of its first deployment some seconds later."""
        self.ready()
        [service] = self.ecs.describe_services(services=[self.serve(**arguments)]).services
        self.simulator.clock.advance(after)
        return self.ecs.services.deployment(service)

    def arn(self) -> str:
        """Create a service, and return the ARN of its first service deployment."""
        self.ready()
        [brief] = self.ecs.list_service_deployments(service=self.serve()).service_deployments
        return brief.service_deployment_arn or ""

    def paused(self) -> object:
        """Answer a hook that pauses a deployment."""
        hook = DeploymentLifecycleHook(target_type="PAUSE", lifecycle_stages=["POST_SCALE_UP"])
        handle = self.handle(
            deployment_configuration=DeploymentConfiguration(strategy="BLUE_GREEN", lifecycle_hooks=[hook])
        )
        [waiting] = handle.wait(until="paused").paused
        return handle.continue_deployment(waiting.hook_id or "")

    def add_task_set(self, **arguments: Any) -> TaskSet:
        """Create a task set in a service with an external controller."""
        controller = DeploymentController(type="EXTERNAL")
        self.ecs.create_service(service_name="shop", desired_count=1, deployment_controller=controller)
        network = AwsVpcConfiguration(subnets=["s"])
        return self.ecs.task_sets.create(
            "shop", cluster="default", task_definition="web", launch_type="FARGATE", network=network, **arguments
        )

    def register_instance(self) -> str:
        """Register a container instance, and return its EC2 instance id."""
        host = self.ecs.register_container_instance().container_instance.ec2_instance_id
        assert host is not None
        return host

    def instance(self) -> str:
        """Register a container instance, and return its ARN."""
        return self.ecs.register_container_instance().container_instance.container_instance_arn


Act = Callable[[World], object]


def tasks() -> Iterator[tuple[str, str, Act]]:
    """Yield verbs of `ecs.tasks`, the condition under which they send more, and a function that runs them."""
    yield "tasks.run", "", lambda w: w.run("web")
    unnamed = "`command` or `environment` is given without `container`"
    yield "tasks.run", unnamed, lambda w: w.run("web", command=["x"])
    yield "tasks.run", '`on_partial="stop_started"`, or `on_cancel` stops', lambda w: w.partly("stop_started")
    yield "tasks.run", '`on_conflict="adopt"`', World.adopted
    yield "tasks.run_to_completion", "", lambda w: w.complete("job")
    late = partial(World.complete, family="web", timeout=5, on_timeout="stop")
    yield "tasks.run_to_completion", "`on_timeout`, `on_cancel` or `start_timeout` stops", late
    yield "tasks.run_to_completion", "`on_log` is given", lambda w: w.complete("job", on_log=lambda _: None)
    yield "tasks.run_to_completion", "`log_tail` is given, and a task fails", World.complete_with_lines
    yield "tasks.as_stopped", "", lambda w: list(w.ecs.tasks.as_stopped(w.run("job")))
    yield "tasks.stop", "", lambda w: w.ecs.tasks.stop(w.run("web"))
    yield "tasks.stop", '`until="requested"`', lambda w: w.ecs.tasks.stop(w.run("web"), until="requested")
    yield "tasks.describe", "", lambda w: w.ecs.tasks.describe(w.run("web"))
    yield "tasks.iter", "", lambda w: [w.run("web"), *w.ecs.tasks.iter()]
    yield "tasks.watch", "", lambda w: w.watch_first(w.run("web"))
    yield "tasks.explain", "", lambda w: w.ecs.tasks.explain(w.run("web").tasks[0])
    yield "tasks.explain", "`log_tail` is given", lambda w: w.ecs.tasks.explain(w.run("job").tasks[0], log_tail=1)
    yield "tasks.protect", "", lambda w: w.ecs.tasks.protect(w.run("web"))
    yield "tasks.logs", "", lambda w: w.read_logs()
    yield "tasks.logs", "`tail` is given; also in place of `logs:FilterLogEvents`", lambda w: w.read_logs(tail=1)
    yield "tasks.execute", "", lambda w: w.ecs.tasks.execute(w.inside(), "uptime")
    endless = "the command does not end by itself, such as after `timeout`; also for `shell`"
    yield "tasks.execute", endless, lambda w: w.ecs.tasks.execute(w.inside(), "uptime", timeout=1)
    cut = "the connection is cut; also for `open_session` and `shell`"
    yield "tasks.execute", cut, World.resumed
    key = "the cluster has a KMS key for ECS Exec; also for `open_session` and `shell`"
    yield "tasks.execute", key, lambda w: w.ecs.tasks.execute(w.inside(encrypted=True), "uptime")
    yield "tasks.open_session", "", World.opened
    yield "tasks.shell", "", World.in_terminal
    yield "wait.tasks_healthy", "", lambda w: w.ecs.wait.tasks_healthy(w.run("web"))


def task_definitions() -> Iterator[tuple[str, str, Act]]:
    """Yield verbs of `ecs.task_definitions` in the same form."""
    request = RegisterTaskDefinitionRequest(
        family="new", container_definitions=[ContainerDefinition(name="app", image="image", memory=64)]
    )
    yield "task_definitions.register_if_changed", "", lambda w: w.ecs.task_definitions.register_if_changed(request)
    yield "task_definitions.deregister", "", lambda w: w.deregister("next:1")
    yield "task_definitions.deregister", "one is not ACTIVE", lambda w: [w.deregister("next:1"), w.deregister("next:1")]
    yield "task_definitions.delete", "", lambda w: w.ecs.task_definitions.delete(w.deregister("next:1"))
    pruned = partial(World.pruned, dry_run=True)
    yield "task_definitions.prune", "", pruned
    yield "task_definitions.prune", "`dry_run=False`", World.pruned


def tags() -> Iterator[tuple[str, str, Act]]:
    """Yield verbs of `ecs.tags` in the same form."""
    cluster = f"{ACCOUNT}:cluster/default"
    yield "tags.add", "", lambda w: w.ecs.tags.add(cluster, tags={"team": "data"})
    yield "tags.remove", "", lambda w: w.ecs.tags.remove(cluster, keys=["team"])


def services() -> Iterator[tuple[str, str, Act]]:
    """Yield verbs of `ecs.services` in the same form."""
    yield "services.describe", "", lambda w: w.ecs.services.describe(w.serve())
    yield "services.iter", "", lambda w: [w.serve(), *w.ecs.services.iter()]
    yield (
        "services.iter",
        "`namespace` is given; replaces `ecs:ListServices`",
        lambda w: [w.serve(), *w.ecs.services.iter(namespace="shop")],
    )
    yield "services.explain", "", lambda w: w.ecs.services.explain(w.replacing())
    images = "`images`, `environment` or `secrets` are given"
    yield "services.deploy", "", lambda w: w.ecs.services.deploy(w.settled(), force=True)
    yield "services.deploy", images, lambda w: w.ecs.services.deploy(w.settled(), images={"app": "image:2"})
    late = {"timeout": 5.0, "on_timeout": "rollback"}
    yield (
        "services.deploy",
        "`on_failure`, `on_timeout` or `on_cancel` rolls back",
        lambda w: w.ecs.services.deploy(w.settled(), task_definition="next", **late),
    )
    yield "services.start_deployment", "", lambda w: w.ecs.services.start_deployment(w.settled(), force=True)
    yield (
        "services.start_deployment",
        images,
        lambda w: w.ecs.services.start_deployment(w.settled(), images={"app": "image:2"}),
    )
    yield "services.logs", "", lambda w: list(w.ecs.services.logs(w.settled()))
    yield "services.watch", "", lambda w: list(w.ecs.services.watch([w.handle()]))
    yield "services.rollback", "", lambda w: w.ecs.services.rollback(w.replacing())
    idle = "no deployment is under way; replaces `ecs:StopServiceDeployment`"
    yield "services.rollback", idle, lambda w: w.ecs.services.rollback(w.deployed_twice())
    gone = "the task definition to go back to was deregistered; also for other verbs that roll back"
    yield "services.rollback", gone, lambda w: w.ecs.services.rollback(w.without_earlier_revision())
    to = {"to": "web:1"}
    named = "`to` is a task definition; revisions are read if it is of another family"
    yield "services.rollback", named, lambda w: w.ecs.services.rollback(w.deployed_twice(), **to)
    yield "services.history", "", lambda w: list(w.ecs.services.history(w.deployed_twice()))
    yield "services.scale", "", lambda w: w.ecs.services.scale(w.settled(), desired_count=2)
    yield "services.refresh", "", lambda w: w.ecs.services.refresh(w.settled())
    yield "services.create", "", World.created
    yield "services.plan", "", lambda w: w.planned(w.settled())
    network = NetworkConfiguration(awsvpc_configuration=AwsVpcConfiguration(subnets=["s"]))
    new: dict[str, Any] = {"desired_count": 1, "launch_type": "FARGATE", "network_configuration": network}
    missing = "the service does not exist"
    yield "services.plan", missing, lambda w: w.planned("new", **new)
    yield "services.apply", "", lambda w: w.applied(w.settled())
    tags = [Tag(key="team", value="data")]
    yield (
        "services.apply",
        "a task definition is registered and tags are set",
        lambda w: w.applied(w.settled(), tags=tags),
    )
    missing += "; replaces `ecs:UpdateService`"
    yield "services.apply", missing, lambda w: (w.ready(), w.applied("new", **new))
    yield "services.delete", "", lambda w: w.ecs.services.delete(w.settled())
    yield "services.deployment(...).wait", "", lambda w: w.handle().wait()
    yield "services.deployment(...).events", "", lambda w: list(w.handle().events())
    yield "services.deployment(...).status", "", lambda w: w.handle(after=24).status()
    yield "services.deployment(...).explain", "", lambda w: w.handle(after=24).explain()
    yield "services.deployment(...).stop", "", lambda w: w.handle(after=24).stop()
    yield "services.deployment(...).rollback", "", World.rolled_back
    yield "services.deployment(...).continue_deployment", "", World.paused
    yield "wait.deployment", "", lambda w: w.ecs.wait.deployment(w.handle().started)
    yield "wait.service_deployment", "", lambda w: w.ecs.wait.service_deployment(w.arn())


def task_sets() -> Iterator[tuple[str, str, Act]]:
    """Yield verbs of `ecs.task_sets` in the same form."""
    made = {"until": "created"}
    yield "task_sets.create", "", World.add_task_set
    late = partial(World.add_task_set, scale=100, timeout=1, on_timeout="delete")
    yield "task_sets.create", "`on_timeout` or `on_cancel` deletes", late
    yield "task_sets.create", '`until="created"`', partial(World.add_task_set, until="created")
    yield "task_sets.scale", "", lambda w: w.ecs.task_sets.scale(w.add_task_set(**made), percent=100)
    yield "task_sets.make_primary", "", lambda w: w.ecs.task_sets.make_primary(w.add_task_set(**made))
    yield "task_sets.delete", "", lambda w: w.ecs.task_sets.delete(w.add_task_set(**made))


def container_instances() -> Iterator[tuple[str, str, Act]]:
    """Yield verbs of `ecs.container_instances` in the same form."""
    by_host = "EC2 instance ids are given; also for `update_agent` and `describe`"
    yield "container_instances.drain", "", lambda w: w.ecs.container_instances.drain(w.instance())
    yield (
        "container_instances.drain",
        by_host,
        lambda w: w.ecs.container_instances.drain(w.register_instance(), cluster="default"),
    )
    yield (
        "container_instances.drain",
        '`until="requested"`, and no argument is `"undo"`',
        lambda w: w.ecs.container_instances.drain(w.instance(), until="requested"),
    )
    yield "container_instances.activate", "", lambda w: w.ecs.container_instances.activate(w.instance())
    yield (
        "container_instances.activate",
        "EC2 instance ids are given",
        lambda w: w.ecs.container_instances.activate(w.register_instance(), cluster="default"),
    )
    yield "container_instances.update_agent", "", lambda w: w.ecs.container_instances.update_agent(w.instance())
    yield "container_instances.describe", "", lambda w: w.ecs.container_instances.describe(w.instance())
    yield "container_instances.iter", "", lambda w: [w.instance(), *w.ecs.container_instances.iter()]


def clusters() -> Iterator[tuple[str, str, Act]]:
    """Yield verbs of `ecs.clusters` in the same form."""
    yield "clusters.describe", "", lambda w: w.ecs.clusters.describe("default")
    yield "clusters.iter", "", lambda w: list(w.ecs.clusters.iter())


def trace(verb: str, act: Act) -> frozenset[str]:
    """Return the operations that a verb sends, without those that prepare the world."""
    world = World.new()
    with contextlib.suppress(EcsError):  # some verbs fail on purpose
        act(world)
    sent = {call.operation for call in list(world.simulator.calls)[world.prepared :]}
    return frozenset(op for op in sent if op not in SCENERY or verb.startswith(SCENERY[op]))


def first_poll(wait: str, target: str, **arguments: Any) -> frozenset[str]:
    """Return the operations of the first poll of a wait."""
    refuser = Refuser()
    namespace = Wait(Runtime(refuser, VirtualClock(), Random(0)))
    try:
        getattr(namespace, wait)(target, **arguments)
    except AccessDeniedException:
        return frozenset(refuser.targets)
    raise AssertionError(f"{wait} sent no request")


def rows() -> Iterator[Row]:
    """Yield the lines of the table: the actions that a verb always needs, then those that it needs in addition."""
    needed: dict[str, frozenset[str]] = {}
    for verb, when, act in (
        *tasks(),
        *task_definitions(),
        *tags(),
        *services(),
        *task_sets(),
        *clusters(),
        *container_instances(),
    ):
        actions = trace(verb, act)
        if not when:
            needed[verb] = actions
            yield Row(verb, actions)
        elif more := actions - needed[verb]:
            yield Row(verb, more, when)
        else:
            yield Row(verb, actions, f"only these, if {when}")
    for wait, (_, model) in WAITS.items():
        if f"wait.{wait}" not in needed:
            yield Row(f"wait.{wait}", first_poll(wait, SAMPLES.get(model, "prod")))
    by_id = first_poll("container_instances_registered", "i-0123456789abcdef0", cluster="prod")
    yield Row("wait.container_instances_registered", by_id, "EC2 instance ids are given; also for the other three")


def page() -> str:
    """Return the page."""
    table = ["| verb | IAM actions | in addition, if |", "|---|---|---|"]
    recorded = list(rows())
    for row in recorded:
        actions = ", ".join(f"`{SERVICES.get(action, 'ecs')}:{action}`" for action in sorted(row.actions))
        table.append(f"| `ecs.{row.verb}` | {actions} | {row.when} |")
    return TEXT.format(
        table="\n".join(table),
        policy=policy(recorded),
        verify=textwrap.fill(f"- {verify()}", 120, subsequent_indent="  "),
    )


def policy(recorded: list[Row]) -> str:
    """Return the policy for ECS Exec, which allows all that its verbs have sent, and to open a WebSocket."""
    verbs = ("tasks.execute", "tasks.open_session", "tasks.shell")
    needed = {action for row in recorded if row.verb in verbs for action in row.actions}
    allowed = {action.partition(":")[2] for each in OPERATOR for action in each["Action"]}
    assert needed | {"OpenDataChannel"} == allowed, needed ^ allowed
    return json.dumps({"Version": "2012-10-17", "Statement": OPERATOR}, indent=2)


def verify() -> str:
    """Return the permissions of `services.verify`, which are all optional."""
    types = [each for each in (*vars(resources).values(), IMAGE) if isinstance(each, ResourceType)]
    actions = {action for each in types for action in re.findall(r"\w+:\w+", each.action)}
    actions |= {"ecr:BatchGetImage", "ecr:DescribePullThroughCacheRules"}
    listed = ", ".join(f"`{action}`" for action in sorted(actions))
    verbs = "`services.verify` and `task_definitions.verify`"
    return f"{listed} for {verbs}: without one of them, the checks that need it are not made."


TEXT = """\
# Permissions

An operation needs the IAM action of the same name: `ecs.run_task` needs `ecs:RunTask`. The same holds for the lists of
`ecs.paginate`. Verbs send several operations. This table was recorded from their requests by
`python docs/permissions.py`.

{table}

Some operations need further permissions:

- `ecs.services.plan` with `pin_images` needs `ecr:DescribeImages`; `ecs.services.verify` needs
  `ecs:DescribeTaskDefinition` if the plan registers no task definition, and `ecs.task_definitions.verify` for a name.
- Running a task and registering a task definition need `iam:PassRole` for its task role and execution role.
- Tags on tasks and task definitions need `ecs:TagResource`.
- `pause_autoscaling` and `services.resume_autoscaling` need `application-autoscaling:DescribeScalableTargets`,
  `RegisterScalableTarget`, `ListTagsForResource`, `TagResource` and `UntagResource` of the same service.
  `services.resume_autoscaling` reads the service with `ecs:DescribeServices` if there is nothing to resume.
- `ecs:DescribeTaskDefinition` cannot be limited to single task definitions. Most other actions can be limited to
  clusters or resources.

These permissions are optional:

- `ecs:DescribeTaskDefinition` for `run_to_completion` and `as_stopped`: without it, they log a warning and judge all
  containers, unless `essential` names the essential ones. The error then names no logs.
- `logs:FilterLogEvents` for `on_log` of `run_to_completion`, and `logs:GetLogEvents` and `logs:FilterLogEvents` for its
  `log_tail`: without them, a warning is logged, `on_log` is not called, and the error has no lines. `tasks.explain` has
  a note instead.
- `ecs:DescribeTaskDefinition` for `run`: without it, pass `container`.
{verify}
- `ecs:ListServiceDeployments` and `ecs:DescribeServiceDeployments` for verbs that follow a deployment: without them,
  the verbs log a warning and [use the service](deployments.md#without-the-permissions).
- `ecs:ListTasks` and `ecs:DescribeTasks` for verbs that follow a deployment: they are needed for the reasons why tasks
  stopped, for `stable_for` and `until="stable"`, which read stopped and running tasks at each poll, and for
  `stalled_after`. Without them, a warning is logged, the reasons are missing, and the stability is "unknown".

## ECS Exec

`tasks.execute`, `tasks.open_session` and `tasks.shell` need permissions on the task, its cluster, and the session. This
policy has all of them, for the containers named `app` in one cluster:

```json
{policy}
```

- `ecs:ExecuteCommand` needs both the cluster and the task. Its conditions are `ecs:container-name`, `ecs:cluster`,
  `ecs:task`, and tags of cluster and task.
- The id of a session is not known before; in all public reports it begins with `ecs-execute-command-`. The form of the
  ARN is that of all sessions of Systems Manager. The policy was not tried on a live account.
- `ssmmessages:OpenDataChannel` is for the WebSocket of the session, whose opening is signed. AWS lists it for users of
  Session Manager, and not for those of ECS Exec; whether ECS Exec needs it is not documented.
- `ssm:TerminateSession` ends a session whose command has not ended. Without it, a warning is logged, and the session
  may hold one of the two places of its container for 20 minutes. A command that ends by itself does not need it.
- `ssm:ResumeSession` continues after a cut of the connection. Without it, the first cut ends the session.
- `kms:GenerateDataKey` is needed if the cluster has a KMS key for ECS Exec. The policy of the key has to allow it, too,
  and has to allow `kms:Decrypt` to the task role.
- `ecs:DescribeClusters` is optional: it shows whether the cluster has such a key.
- `ssm:StartSession` is not needed. AWS recommends to deny it on tasks, because sessions that it starts are not logged.

The task role needs other permissions: see [what ECS Exec needs](exec.md#what-it-needs).

## Without a permission

Without any other permission a verb ends with `AccessDeniedError`. The error of a wait has the
[handle](waiting.md#resume-in-another-process), from which a caller with the permission can resume it.

Source: the service authorization reference of Amazon ECS,
<https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html>.
"""

if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write(f"wrote {PAGE.name}\n")
