"""Deploy a service from a pipeline, show the deployment, and exit with a code for each outcome.

    deploy.py web --cluster prod --image app=repo/app:1.2.3 --stable-for 120 --rollback-on failure
    deploy.py web --cluster prod --file service.yaml --task-file taskdef.json --image app=repo/app:1.2.3 --dry-run

With --file, the script shows the plan of a service definition, whose placeholders it fills from the environment, and
carries it out unless --dry-run is given. The service is created if it does not exist.

The script updates the service once and follows this deployment. In a terminal it draws the progress if
`ecskit[progress]` is installed. In GitHub Actions it writes a group of lines, and the verdict as an annotation.
Elsewhere it writes a line for each change. The last line is the verdict: UNCHANGED if the update changed nothing.

"Deployed" means that ECS calls the deployment SUCCESSFUL. ECS also does so for tasks that exit a few seconds later.
With --stable-for, the tasks must stay up for that many seconds after the success.

exit codes:
  0    deployed, and stable if --stable-for is given; unchanged; or --until is reached
  1    failed, stalled, unstable, or rolled back; ECS refused, or could not be reached
  2    bad input: nothing was changed
  3    superseded: a newer deployment has replaced it
  4    --timeout or --pause-timeout expired, and the deployment continues
  130  interrupted by Ctrl-C
  143  ended by SIGTERM

If the deployment continues, a line shows the command that resumes watching it.
"""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import signal
import sys
from types import FrameType
from typing import Literal, get_args

from tenacity.wait import wait_fixed

import ecskit
from ecskit.errors import (
    ConfigurationError,
    DeploymentFailed,
    DeploymentStalled,
    DeploymentSuperseded,
    EcsError,
    MissingExtraError,
    RequestError,
    ServiceGone,
    ServicesMissing,
    WaitTimeout,
)
from ecskit.models.literals import ServiceDeploymentLifecycleStage
from ecskit.services import DeploymentProgress
from ecskit.waits import WaitStory

OUTPUTS = {
    "plain": ecskit.progress.plain,
    "live": ecskit.progress.live,
    "github": ecskit.progress.github,
    "auto": ecskit.progress.auto,
}
UNTIL = ("deployed", "stable", "paused", "PRE_PRODUCTION_TRAFFIC_SHIFT", *get_args(ServiceDeploymentLifecycleStage))


def main() -> int:
    """Deploy, and return the exit code."""
    options = read_arguments()
    signals = Signals()
    try:
        if options.file is not None:
            apply(options, signals)
        else:
            with OUTPUTS[options.output]() as show:
                logging.getLogger("ecskit").addHandler(Warnings(show))
                deploy(options, show, signals)
    except MissingExtraError as error:
        print(error, file=sys.stderr)  # there is no renderer yet
        return 2
    except (RequestError, ServicesMissing, ConfigurationError):
        return 2
    except DeploymentSuperseded:
        return 3
    except WaitTimeout:
        return 4
    except EcsError:
        return 1
    return 0


def deploy(options: argparse.Namespace, show: ecskit.progress.Show, signals: Signals) -> None:
    """Start or resume the deployment and show its events."""
    with ecskit.Client(region_name=options.region, endpoint_url=options.endpoint_url) as ecs:
        started = options.resume
        progress: DeploymentProgress | None = None

        def polled(story: WaitStory) -> None:
            nonlocal progress
            [progress] = story.last.values()
            signals.release()

        try:
            if options.resume is None:
                deployment = ecs.services.start_deployment(
                    options.service,
                    cluster=options.cluster,
                    images=options.image,
                    environment=options.env,
                    task_definition=options.task_definition,
                    desired_count=options.desired_count,
                    force=options.force,
                )
            else:
                deployment = ecs.services.deployment(options.resume)
            started = deployment.to_json()
            with deployment.events(
                until=options.until,
                timeout=options.timeout,
                stable_for=options.stable_for,
                pause_timeout=options.pause_timeout,
                poll=wait_fixed(options.poll) if options.poll else None,
                on_failure=action(options, "failure"),
                on_timeout=action(options, "timeout"),
                on_cancel=action(options, "interrupt"),
                on_poll=polled,
            ) as events:
                for event in events:
                    show(event)
            if options.stable_for is not None and progress is not None:
                show_stability(show, options, progress)
        except EcsError as error:
            if error.story is not None and may_continue(error):
                show_resume_command(show, options, error.story.handle.to_json())
            raise
        except SystemExit:
            if action(options, "interrupt") == "rollback":
                show.say("interrupted: a rollback was started, and this script does not wait for it")
            elif started is not None:
                show_resume_command(show, options, started)
            raise


def apply(options: argparse.Namespace, signals: Signals) -> None:
    """Print the plan of a service definition, and carry it out."""
    shown = ""

    def polled(story: WaitStory) -> None:
        nonlocal shown
        signals.release()
        line = "; ".join(map(str, story.last.values()))
        if line != shown:
            shown = line
            print(line)

    try:
        with ecskit.Client(region_name=options.region, endpoint_url=options.endpoint_url) as ecs:
            plan = ecs.services.plan(options.file, task_definition=options.task_definition, images=options.image)
            print(plan)
            if options.verify:
                print(ecs.services.verify(plan))
            if options.dry_run:
                return
            applied = ecs.services.apply(
                plan,
                until=options.until,
                timeout=options.timeout,
                stable_for=options.stable_for,
                pause_timeout=options.pause_timeout,
                poll=wait_fixed(options.poll) if options.poll else None,
                on_failure=action(options, "failure"),
                on_timeout=action(options, "timeout"),
                on_cancel=action(options, "interrupt"),
                on_poll=polled,
            )
    except EcsError as error:
        print(error, file=sys.stderr)
        raise
    print("APPLIED" if applied.changed else "UNCHANGED")


def action(options: argparse.Namespace, cause: str) -> Literal["leave", "rollback"]:
    """Return what to do with the deployment after this cause."""
    return "rollback" if cause in options.rollback_on else "leave"


def may_continue(error: EcsError) -> bool:
    """Whether the deployment may continue after the error."""
    is_over = isinstance(error, (DeploymentFailed, DeploymentSuperseded, ServiceGone))
    return isinstance(error, DeploymentStalled) or not is_over


def show_resume_command(show: ecskit.progress.Show, options: argparse.Namespace, handle: str) -> None:
    """Show the command that resumes watching the deployment."""
    words = ["deploy.py", "--resume", handle]
    for name in ("region", "endpoint_url"):
        if getattr(options, name):
            words += [f"--{name.replace('_', '-')}", getattr(options, name)]
    show.say(f"the deployment continues; to watch it: {shlex.join(words)}")


def show_stability(show: ecskit.progress.Show, options: argparse.Namespace, progress: DeploymentProgress) -> None:
    """Show whether the tasks stayed up."""
    if progress.stability == "stable":
        show.say(f"its tasks stayed up for {options.stable_for:g} s")
    elif progress.stability == "unknown":
        show.say("it is unknown whether its tasks stay up")


class Signals:
    """Ends the program on Ctrl-C and SIGTERM, but not between the update and the first poll after it.

    Before this poll there is no deployment to roll back. A second signal ends the program at once.
    """

    def __init__(self) -> None:
        """Install the handlers."""
        self.number = 0
        self.held = True
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.receive)

    def receive(self, number: int, _: FrameType | None) -> None:
        """Remember a signal, or end the program."""
        is_first, self.number = not self.number, number
        if not (self.held and is_first):
            sys.exit(128 + number)

    def release(self) -> None:
        """End the program if there was a signal, and from now on at every signal."""
        was_held, self.held = self.held, False
        if was_held and self.number:
            sys.exit(128 + self.number)


class Warnings(logging.Handler):
    """Shows the warnings of ecskit between the lines."""

    def __init__(self, show: ecskit.progress.Show) -> None:
        """Show them with the renderer of the deployment."""
        super().__init__(logging.WARNING)
        self.show = show

    def emit(self, record: logging.LogRecord) -> None:
        """Show a warning."""
        self.show.warn(record.getMessage())


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_argument_group("what to deploy")
    changes = [
        what.add_argument("service", nargs="?", help="name or ARN of the service"),
        what.add_argument("--cluster", help="name or ARN of its cluster"),
        what.add_argument("--image", type=image, action="append", metavar="NAME=IMAGE", help="of a container"),
        what.add_argument("--env", type=variable, action="append", metavar="CONTAINER:NAME=VALUE"),
        what.add_argument("--task-definition", help="family, family:revision or ARN, in place of the current one"),
        what.add_argument("--desired-count", type=int, metavar="TASKS"),
        what.add_argument("--force", action="store_true", help="replace the tasks even if nothing differs"),
    ]
    what.add_argument("--file", metavar="SERVICE", help="service definition, JSON or YAML, to plan and apply")
    what.add_argument("--task-file", metavar="TASK", help="its task definition, JSON or YAML")
    what.add_argument("--dry-run", action="store_true", help="show the plan of --file, and change nothing")
    what.add_argument("--verify", action="store_true", help="check whether what --file names exists")
    what.add_argument("--resume", metavar="HANDLE", help="resume watching a deployment, and change nothing")
    how = parser.add_argument_group("how to follow it")
    how.add_argument("--until", choices=UNTIL, default="deployed", metavar="deployed|stable|paused|STAGE")
    how.add_argument("--timeout", type=seconds, default=600, metavar="SECONDS", help="default: 600")
    how.add_argument(
        "--poll", type=seconds, metavar="SECONDS", help="polling interval; by default it depends on the status"
    )
    how.add_argument(
        "--stable-for", type=seconds, metavar="SECONDS", help="how long tasks must stay up after it has succeeded"
    )
    how.add_argument(
        "--pause-timeout", type=seconds, metavar="SECONDS", help="how long one pause may take; not part of --timeout"
    )
    causes = ("failure", "timeout", "interrupt")
    how.add_argument("--rollback-on", choices=causes, action="append", default=[], help="may be repeated")
    how.add_argument("--output", choices=OUTPUTS, default="auto", help="default: auto")
    where = parser.add_argument_group("where")
    where.add_argument("--region")
    where.add_argument("--endpoint-url", help="an endpoint of the ECS API, such as that of an emulator")
    options = parser.parse_args()

    given = [action for action in changes if getattr(options, action.dest) != action.default]
    if options.resume is not None and given:
        names = ", ".join(action.option_strings[0] if action.option_strings else action.dest for action in given)
        parser.error(f"--resume changes nothing, so it cannot be used with {names}")
    if options.resume is None and options.service is None and options.file is None:
        parser.error("expected a service to deploy, --file, or --resume")
    if options.file is not None and (options.env or options.desired_count is not None or options.force):
        parser.error("--file cannot be used with --env, --desired-count and --force: write them into the file")
    if options.file is None and (options.task_file or options.dry_run or options.verify):
        parser.error("--task-file, --dry-run and --verify need --file")
    try:
        read_files(options)
    except (OSError, RequestError, MissingExtraError) as error:
        parser.error(str(error))
    options.image = dict(options.image) if options.image else None
    environment: dict[str, dict[str, str]] = {}
    for container, name, value in options.env or ():
        environment.setdefault(container, {})[name] = value
    options.env = environment or None
    return options


def read_files(options: argparse.Namespace) -> None:
    """Read the definitions, and fill their placeholders from the environment."""
    if options.file is not None:
        names = {"name": options.service, "cluster": options.cluster}
        options.file = ecskit.services.load(options.file, variables=os.environ, **names)
    if options.task_file is not None:
        options.task_definition = ecskit.task_definitions.load(options.task_file, variables=os.environ)


def image(text: str) -> tuple[str, str]:
    """Read NAME=IMAGE."""
    container, equals, name = text.partition("=")
    if not (container and equals and name):
        raise argparse.ArgumentTypeError(f"expected NAME=IMAGE, such as app=repo/app:1.2.3, got {text!r}")
    return container, name


def variable(text: str) -> tuple[str, str, str]:
    """Read CONTAINER:NAME=VALUE."""
    container, colon, rest = text.partition(":")
    name, equals, value = rest.partition("=")
    if not (container and colon and name and equals):
        # The value may be a secret, so the message leaves it out.
        raise argparse.ArgumentTypeError("expected CONTAINER:NAME=VALUE, such as app:LOG_LEVEL=debug")
    return container, name, value


def seconds(text: str) -> float:
    """Read seconds."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not number > 0:
        raise argparse.ArgumentTypeError(f"expected seconds, more than 0, got {text!r}")
    return number


if __name__ == "__main__":
    sys.exit(main())
