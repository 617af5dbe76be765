"""Deploy a service from a pipeline, show what happens, and exit as pipelines expect it.

    deploy.py web --cluster prod --image app=repo/app:1.2.3 --stable-for 120 --rollback-on failure

Changes the service once, and follows this very deployment. In a terminal it draws a picture, if `ecskit[progress]` is
installed; in a job of GitHub Actions it writes a group of lines, and the verdict as an annotation; elsewhere a line for
each change. The last line is the verdict: UNCHANGED where the service was like that before.

"Deployed" means that ECS calls the deployment SUCCESSFUL, which it also does for tasks that exit a few seconds later.
With --stable-for, the tasks must stay up for so many seconds after that.

exit codes:
  0    deployed, and stable if --stable-for is given; unchanged; or come as far as --until says
  1    failed, stalled, unstable, or rolled back; refused by ECS, or ECS could not be reached
  2    bad input: nothing was changed
  3    superseded: a newer deployment has taken its place
  4    time is up, or a pause took longer than --pause-timeout, and the deployment goes on
  130  interrupted by Ctrl-C
  143  ended by SIGTERM

Where the deployment goes on, a line shows the command that goes on watching it.
"""

from __future__ import annotations

import argparse
import logging
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
        with OUTPUTS[options.output]() as show:
            logging.getLogger("ecskit").addHandler(Said(show))
            deploy(options, show, signals)
    except MissingExtraError as error:
        print(error, file=sys.stderr)  # there is nothing yet to show it with
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
    """Start the deployment, or find the one to go on with, and show what happens to it."""
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
                on_failure=remedy(options, "failure"),
                on_timeout=remedy(options, "timeout"),
                on_cancel=remedy(options, "interrupt"),
                on_poll=polled,
            ) as events:
                for event in events:
                    show(event)
            if options.stable_for is not None and progress is not None:
                say_how_stable(show, options, progress)
        except EcsError as error:
            if error.story is not None and goes_on(error):
                say_how_to_go_on(show, options, error.story.handle.to_json())
            raise
        except SystemExit:
            if remedy(options, "interrupt") == "rollback":
                show.say("interrupted: the service goes back to what it ran before, and this is not waited for")
            elif started is not None:
                say_how_to_go_on(show, options, started)
            raise


def remedy(options: argparse.Namespace, cause: str) -> Literal["leave", "rollback"]:
    """Return what becomes of the service when the deployment does not succeed."""
    return "rollback" if cause in options.rollback_on else "leave"


def goes_on(error: EcsError) -> bool:
    """Whether a deployment may go on, although it is not followed any more."""
    is_over = isinstance(error, (DeploymentFailed, DeploymentSuperseded, ServiceGone))
    return isinstance(error, DeploymentStalled) or not is_over


def say_how_to_go_on(show: ecskit.progress.Show, options: argparse.Namespace, handle: str) -> None:
    """Show the command that goes on."""
    words = ["deploy.py", "--resume", handle]
    for name in ("region", "endpoint_url"):
        if getattr(options, name):
            words += [f"--{name.replace('_', '-')}", getattr(options, name)]
    show.say(f"the deployment goes on; to watch it: {shlex.join(words)}")


def say_how_stable(show: ecskit.progress.Show, options: argparse.Namespace, progress: DeploymentProgress) -> None:
    """Show whether the tasks stayed up, as far as that is known."""
    if progress.stability == "stable":
        show.say(f"its tasks stayed up for {options.stable_for:g} s")
    elif progress.stability == "unknown":
        show.say("it is unknown whether its tasks stay up")


class Signals:
    """Ends the program on Ctrl-C and SIGTERM, but not between the change and the first poll of what came of it.

    There is nothing yet by which to roll back. A second signal ends the program wherever it is.
    """

    def __init__(self) -> None:
        """Listen."""
        self.number = 0
        self.held = True
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.got)

    def got(self, number: int, _: FrameType | None) -> None:
        """Take note of a signal, or end the program."""
        is_first, self.number = not self.number, number
        if not (self.held and is_first):
            sys.exit(128 + number)

    def release(self) -> None:
        """End the program if there was a signal, and at once when there is one."""
        was_held, self.held = self.held, False
        if was_held and self.number:
            sys.exit(128 + self.number)


class Said(logging.Handler):
    """Shows the warnings of ecskit between the lines."""

    def __init__(self, show: ecskit.progress.Show) -> None:
        """Show them where the deployment is shown."""
        super().__init__(logging.WARNING)
        self.show = show

    def emit(self, record: logging.LogRecord) -> None:
        """Show one."""
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
        what.add_argument("--task-definition", help="family, family:revision or ARN, instead of the present one"),
        what.add_argument("--desired-count", type=int, metavar="TASKS"),
        what.add_argument("--force", action="store_true", help="start tasks anew even if nothing differs"),
    ]
    what.add_argument("--resume", metavar="HANDLE", help="go on with a deployment, and change nothing")
    how = parser.add_argument_group("how to follow it")
    how.add_argument("--until", choices=UNTIL, default="deployed", metavar="deployed|stable|paused|STAGE")
    how.add_argument("--timeout", type=seconds, default=600, metavar="SECONDS", help="600 unless given")
    how.add_argument(
        "--poll", type=seconds, metavar="SECONDS", help="how often to poll; by default as often as it pays"
    )
    how.add_argument(
        "--stable-for", type=seconds, metavar="SECONDS", help="how long tasks must stay up after it has succeeded"
    )
    how.add_argument(
        "--pause-timeout", type=seconds, metavar="SECONDS", help="how long one pause may take; not part of --timeout"
    )
    causes = ("failure", "timeout", "interrupt")
    how.add_argument("--rollback-on", choices=causes, action="append", default=[], help="may be repeated")
    how.add_argument("--output", choices=OUTPUTS, default="auto", help="auto unless given")
    where = parser.add_argument_group("where")
    where.add_argument("--region")
    where.add_argument("--endpoint-url", help="an endpoint of the ECS API, such as an emulator's")
    options = parser.parse_args()

    given = [action for action in changes if getattr(options, action.dest) != action.default]
    if options.resume is not None and given:
        names = ", ".join(action.option_strings[0] if action.option_strings else action.dest for action in given)
        parser.error(f"--resume changes nothing, and does not go with {names}")
    if options.resume is None and options.service is None:
        parser.error("give a service to deploy, or --resume")
    options.image = dict(options.image) if options.image else None
    environment: dict[str, dict[str, str]] = {}
    for container, name, value in options.env or ():
        environment.setdefault(container, {})[name] = value
    options.env = environment or None
    return options


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
        # The value may be a secret, and stays unsaid.
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
