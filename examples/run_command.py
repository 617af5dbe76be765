"""Run a command in a task of a service, show its output, and exit with its code: a check in a pipeline, for example.

    run_command.py web --cluster prod --container app -- ./manage.py check --deploy
    run_command.py web --cluster prod --container app --input -- psql < report.sql
    run_command.py web --cluster prod --container app --terminal -- sh

The newest task of the service is taken that runs and was started with ECS Exec. Words after `--` are a program and its
arguments; with --shell they are a text for `sh -c`. With --input, the command reads the standard input of this script;
with --terminal, it gets the terminal of this script, until it exits.
With --simulate, the script starts the simulator of ecskit, and needs no account: each command prints one line.

exit codes:
  that of the command, and
  2    bad input
  124  --timeout expired: the command was interrupted, and may live on
  125  the command was not run, or its exit code is unknown; the last line shows why
  130  interrupted by Ctrl-C: the session is ended, and the command may live on

It needs the extra `exec`: pip install 'ecskit[exec]'
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Generator, Sequence

import ecskit
from ecskit.errors import EcsError
from ecskit.models import AwsVpcConfiguration, ContainerDefinition, NetworkConfiguration, Task
from ecskit.testing import ExecScript, SimulatorServer

TIMED_OUT = 124
UNKNOWN = 125
INTERRUPTED = 130


def main() -> int:
    """Run the command, and return the exit code."""
    options = read_arguments(sys.argv[1:])
    try:
        with client(options) as ecs:
            return perform(ecs, options)
    except EcsError as error:
        print(error, file=sys.stderr)
        return UNKNOWN
    except KeyboardInterrupt:
        return INTERRUPTED


def perform(ecs: ecskit.Client, options: argparse.Namespace) -> int:
    """Run the command in a task of the service, and return its exit code."""
    task = newest_task(ecs, options.service, options.cluster)
    if task is None:
        print(f"the service {options.service} has no running task that was started with ECS Exec", file=sys.stderr)
        return UNKNOWN
    command = " ".join(options.command) if options.shell else options.command
    if options.terminal:
        code = ecs.tasks.shell(task, command, container=options.container)
        return UNKNOWN if code is None else code
    result = ecs.tasks.execute(
        task,
        command,
        container=options.container,
        input=sys.stdin.buffer.read() if options.input else None,
        timeout=options.timeout,
        max_output=1,  # it is shown, and not needed after that
        on_output=show,
    )
    if result.kind == "EXITED" and result.exit_code is not None:
        return result.exit_code
    print(f"{result.kind}: {result.reason}", file=sys.stderr)
    return TIMED_OUT if result.kind == "TIMED_OUT" else UNKNOWN


def newest_task(ecs: ecskit.Client, service: str, cluster: str | None) -> Task | None:
    """Return the task that started last; None if there is none in which commands can be run."""
    running = [
        task
        for task in ecs.tasks.iter(cluster=cluster, service=service)
        if task.last_status == "RUNNING" and task.enable_execute_command and task.started_at
    ]
    return max(running, key=lambda task: (task.started_at, task.task_arn), default=None)


def show(piece: str) -> None:
    """Show a piece of the output as it arrives."""
    sys.stdout.write(piece)
    sys.stdout.flush()


@contextlib.contextmanager
def client(options: argparse.Namespace) -> Generator[ecskit.Client, None, None]:
    """Yield a client: of AWS, or of a new simulator."""
    if not options.simulate:
        with ecskit.Client(region_name=options.region) as ecs:
            yield ecs
        return
    with SimulatorServer(speed=200) as server, server.client() as ecs:
        if not options.terminal:  # the simulator has a shell
            server.simulator.script_exec("*", ExecScript("simulated\n", seconds=2))
        create_service(ecs, options)
        yield ecs


def create_service(ecs: ecskit.Client, options: argparse.Namespace) -> None:
    """Create the service that the arguments name, in the simulator."""
    cluster = options.cluster or "default"
    ecs.create_cluster(cluster_name=cluster)
    definition = ecs.register_task_definition(
        family=options.service,
        cpu="256",
        memory="512",
        network_mode="awsvpc",
        requires_compatibilities=["FARGATE"],
        container_definitions=[ContainerDefinition(name=options.container or "app", image="app:1")],
    ).task_definition
    service = ecs.create_service(
        service_name=options.service,
        cluster=cluster,
        task_definition=definition.task_definition_arn,
        desired_count=1,
        launch_type="FARGATE",
        network_configuration=NetworkConfiguration(awsvpc_configuration=AwsVpcConfiguration(subnets=["subnet-0a1b"])),
        enable_execute_command=True,
    )
    ecs.wait.services_stable(service)


def read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("service")
    parser.add_argument("command", nargs="+", help="the program and its arguments, after `--`")
    parser.add_argument("--cluster")
    parser.add_argument("--container", help="required if the tasks have several containers")
    parser.add_argument("--region")
    parser.add_argument("--shell", action="store_true", help="the command is a text for `sh -c`")
    parser.add_argument("--input", action="store_true", help="pass standard input on")
    parser.add_argument("--terminal", action="store_true", help="connect this terminal with the command")
    parser.add_argument("--timeout", type=float, default=600, metavar="SECONDS", help="for the command; default 600")
    parser.add_argument("--simulate", action="store_true", help="use a simulator in place of AWS")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
