"""Release a service in two steps with an approval between them, for examples/release.yml.

    release.py start web --cluster prod --image app=repo/web:1.4.0
    release.py finish HANDLE
    release.py abort HANDLE

`start` deploys until the service pauses the deployment, and writes the handle of the deployment to the outputs of the
step. `finish` ends the pause and follows the deployment to its end. `abort` rolls it back. The service needs a
deployment strategy with stages and a hook that pauses; without one, `start` returns when the deployment has succeeded.
"""

from __future__ import annotations

import argparse
import os
import sys

import ecskit
from ecskit.errors import EcsError, NothingToRollBack


def main() -> int:
    """Read the command line, perform the step, and return the exit code."""
    options = read_arguments(sys.argv[1:])
    with ecskit.Client() as ecs:
        return perform(ecs, options)


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="step", required=True)
    step = steps.add_parser("start")
    step.add_argument("service")
    step.add_argument("--cluster", required=True)
    step.add_argument("--image", required=True, metavar="NAME=IMAGE")
    for name in ("finish", "abort"):
        steps.add_parser(name).add_argument("handle")
    return parser.parse_args(arguments)


def perform(ecs: ecskit.Client, options: argparse.Namespace) -> int:
    """Perform the step, show what happens, and return the exit code. The renderer shows errors of deployments."""
    try:
        with ecskit.progress.auto() as show:
            if options.step == "start":
                container, _, image = options.image.partition("=")
                write_output("handle", start(ecs, show, options.service, options.cluster, {container: image}))
            elif options.step == "finish":
                finish(ecs, show, options.handle)
            else:
                abort(ecs, show, options.handle)
    except EcsError:
        return 1
    return 0


def start(ecs: ecskit.Client, show: ecskit.progress.Show, service: str, cluster: str, images: dict[str, str]) -> str:
    """Deploy until the deployment pauses, and return its handle."""
    deployment = ecs.services.start_deployment(service, cluster=cluster, images=images)
    with deployment.events(until="paused", timeout=1800, on_failure="rollback", on_cancel="rollback") as events:
        for event in events:
            show(event)
    return deployment.to_json()


def finish(ecs: ecskit.Client, show: ecskit.progress.Show, handle: str) -> None:
    """Continue the deployment and follow it until its tasks have stayed up for two minutes."""
    deployment = ecs.services.deployment(handle)
    for hook in deployment.status().paused:
        deployment.continue_deployment(hook)
    with deployment.events(timeout=1800, stable_for=120, on_failure="rollback", on_cancel="rollback") as events:
        for event in events:
            show(event)


def abort(ecs: ecskit.Client, show: ecskit.progress.Show, handle: str) -> None:
    """Roll the deployment back, unless that was done already."""
    try:
        progress = ecs.services.deployment(handle).rollback()
        show.say(f"the deployment was aborted: {progress.status}")
    except NothingToRollBack as error:
        show.say(str(error))


def write_output(name: str, value: str) -> None:
    """Write an output of the step: the handle is JSON on one line."""
    path = os.environ.get("GITHUB_OUTPUT")
    if path is None:
        print(f"{name}={value}")
        return
    with open(path, "a", encoding="utf-8") as file:
        file.write(f"{name}={value}\n")


if __name__ == "__main__":
    sys.exit(main())
