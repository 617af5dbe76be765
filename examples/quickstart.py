"""Run a task to its exit code, then deploy a service and watch the deployment.

The task is registered from a JSON file, run, and waited for through PENDING and RUNNING to its exit code. The service
is created, gets a new image, and is always deleted at the end.

This is done twice, sync and async. Without arguments, the script starts the simulator of ecskit and uses it over HTTP.
With `--endpoint-url` it uses that endpoint. With `--aws` it uses your account; pass a cluster and subnets.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import Callable, Generator
from pathlib import Path

from tenacity.wait import wait_base, wait_fixed

import ecskit
from ecskit.models import (
    AssignPublicIp,
    AwsVpcConfiguration,
    CreateServiceRequest,
    NetworkConfiguration,
    TaskDefinition,
)
from ecskit.tasks import TaskOutcome
from ecskit.testing import Lag, SimulatorServer, TaskScript
from ecskit.waits import WaitStory

TASK_DEFINITION = Path(__file__).with_name("taskdef.json")
SERVICE_DEFINITION = Path(__file__).with_name("service.json")
NEW_IMAGE = "public.ecr.aws/nginx/nginx:1.29"


def main() -> None:
    """Run the quick start."""
    options = parse_arguments()
    with endpoint(options) as endpoint_url:
        run_sync(options, endpoint_url)
        asyncio.run(run_async(options, endpoint_url))


def run_sync(options: argparse.Namespace, endpoint_url: str | None) -> None:
    """Run a task and wait for it, then deploy a service, sync."""
    say = printer("sync ")
    with ecskit.Client(region_name=options.region, endpoint_url=endpoint_url) as ecs:
        definition = ecs.send(ecskit.task_definitions.load(TASK_DEFINITION)).task_definition
        say(f"registered {definition.family}:{definition.revision}")

        started = ecs.tasks.run(definition, cluster=options.cluster, launch_type="FARGATE", network=network(options))
        say(f"started, {started.tasks[0].last_status}")
        on_poll = status_printer(say)

        [task] = ecs.wait.tasks_running(started, timeout=300, poll=interval(options), on_poll=on_poll)
        for outcome in ecs.tasks.as_stopped(task, timeout=300, poll=interval(options), on_poll=on_poll):
            say(ending(outcome))

        deploy_sync(ecs, options, say)


def deploy_sync(ecs: ecskit.Client, options: argparse.Namespace, say: Callable[[str], None]) -> None:
    """Create a service, deploy a new image, and delete the service, sync."""
    definition = ecs.send(ecskit.task_definitions.load(SERVICE_DEFINITION)).task_definition
    request = new_service(options, definition)
    try:
        service = ecs.services.create(request, timeout=600, poll=interval(options))
        say(f"created the service {service.service_name}, {service.running_count} running")

        deployment = ecs.services.start_deployment(service, images={"app": NEW_IMAGE})
        with ecskit.progress.plain(times="elapsed") as show:
            for event in deployment.events(timeout=600, poll=interval(options)):
                show(event)
    finally:
        for service in ecs.services.describe(request.service_name, cluster=options.cluster, allow_missing=True):
            ecs.services.delete(service, poll=interval(options))
            say(f"deleted the service {service.service_name}")


async def run_async(options: argparse.Namespace, endpoint_url: str | None) -> None:
    """Do the same, async."""
    say = printer("async")
    async with ecskit.AsyncClient(region_name=options.region, endpoint_url=endpoint_url) as ecs:
        definition = (await ecs.send(ecskit.task_definitions.load(TASK_DEFINITION))).task_definition
        say(f"registered {definition.family}:{definition.revision}")

        started = await ecs.tasks.run(
            definition, cluster=options.cluster, launch_type="FARGATE", network=network(options)
        )
        say(f"started, {started.tasks[0].last_status}")
        on_poll = status_printer(say)

        [task] = await ecs.wait.tasks_running(started, timeout=300, poll=interval(options), on_poll=on_poll)
        async for outcome in ecs.tasks.as_stopped(task, timeout=300, poll=interval(options), on_poll=on_poll):
            say(ending(outcome))

        await deploy_async(ecs, options, say)


async def deploy_async(ecs: ecskit.AsyncClient, options: argparse.Namespace, say: Callable[[str], None]) -> None:
    """Do the same, async."""
    definition = (await ecs.send(ecskit.task_definitions.load(SERVICE_DEFINITION))).task_definition
    request = new_service(options, definition)
    try:
        service = await ecs.services.create(request, timeout=600, poll=interval(options))
        say(f"created the service {service.service_name}, {service.running_count} running")

        deployment = await ecs.services.start_deployment(service, images={"app": NEW_IMAGE})
        with ecskit.progress.plain(times="elapsed") as show:
            async for event in deployment.events(timeout=600, poll=interval(options)):
                show(event)
    finally:
        for service in await ecs.services.describe(request.service_name, cluster=options.cluster, allow_missing=True):
            await ecs.services.delete(service, poll=interval(options))
            say(f"deleted the service {service.service_name}")


def new_service(options: argparse.Namespace, definition: TaskDefinition) -> CreateServiceRequest:
    """Return a request for a service of two tasks with a new name."""
    return CreateServiceRequest(
        service_name=f"quickstart-{secrets.token_hex(3)}",
        cluster=options.cluster,
        task_definition=definition.task_definition_arn,
        desired_count=2,
        launch_type="FARGATE",
        network_configuration=NetworkConfiguration(awsvpc_configuration=network(options)),
    )


def ending(outcome: TaskOutcome) -> str:
    """Describe how a task ended."""
    exits = ", ".join(f"container {name} exited with {code}" for name, code in outcome.exit_codes.items())
    return f"{outcome.kind}: {exits}"


def printer(label: str) -> Callable[[str], None]:
    """Return a function that prints a line with the seconds since now."""
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{label} {time.monotonic() - began:5.1f} s  {text}", flush=True)

    return say


def status_printer(say: Callable[[str], None]) -> Callable[[WaitStory], None]:
    """Return an `on_poll` callback that prints the status of a task when it changes."""
    printed = ["PROVISIONING"]

    def on_poll(story: WaitStory) -> None:
        for task in story.last.values():
            status = task.last_status if task else "not visible yet"
            if status != printed[-1]:
                printed.append(status)
                say(status)

    return on_poll


def interval(options: argparse.Namespace) -> wait_base | None:
    """Return the polling interval: the default of ecskit at AWS, a short one for a simulator or an emulator."""
    return None if options.aws else wait_fixed(0.2)


def network(options: argparse.Namespace) -> AwsVpcConfiguration:
    """Return the network configuration of the tasks."""
    public: AssignPublicIp = "ENABLED" if options.public else "DISABLED"
    return AwsVpcConfiguration(subnets=options.subnets, assign_public_ip=public)


@contextlib.contextmanager
def endpoint(options: argparse.Namespace) -> Generator[str | None, None, None]:
    """Yield the endpoint: None for AWS, the given endpoint, or a new simulator."""
    if options.aws or options.endpoint_url:
        yield options.endpoint_url
        return
    # The simulator accepts any credentials, but botocore requires some.
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "simulator")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "simulator")
    # It runs at twenty times real speed. New tasks are invisible at first, as they can be on AWS.
    with SimulatorServer(speed=20, lag=Lag(visible_after=5)) as server:
        server.simulator.script("quickstart", TaskScript(time_to_start=30, run_time=20))
        print(f"simulator at {server.url}", flush=True)
        yield server.url


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--endpoint-url", help="an endpoint of the ECS API, such as that of an emulator")
    where.add_argument(
        "--aws",
        action="store_true",
        help="use AWS with your credentials: runs tasks, creates and deletes a service; this costs money",
    )
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--cluster", default="default")
    parser.add_argument("--subnets", nargs="+", default=["subnet-0a1b2c3d"], metavar="SUBNET")
    parser.add_argument("--public", action="store_true", help="give tasks public IP addresses")
    return parser.parse_args()


if __name__ == "__main__":
    main()
