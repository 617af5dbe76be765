"""Tests of deploy.py over HTTP: in this process on a virtual clock, or as a process of its own.

The processes poll five times a second, and their simulator runs at thirty times real speed. What needs no process,
no signal and no terminal runs here, and polls every six virtual seconds.
"""

from __future__ import annotations

import logging
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import attrs
import pytest
from deploy import Signals, deploy as deploy_by, main, read_arguments
from support.served_simulator import served_simulator
from tenacity.wait import wait_fixed

import ecskit
from ecskit.models import (
    AwsVpcConfiguration,
    ContainerDefinition,
    CreateServiceRequest,
    DeploymentCircuitBreaker,
    DeploymentConfiguration,
    DeploymentLifecycleHook,
    NetworkConfiguration,
)
from ecskit.testing import Fault, Simulator, SimulatorServer, TaskScript

SCRIPT = str(Path(__file__).with_name("deploy.py"))
SPEED = 30
BREAKER = DeploymentConfiguration(deployment_circuit_breaker=DeploymentCircuitBreaker(enable=True, rollback=True))
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_MAX_ATTEMPTS": "1",
    "PYTHONWARNINGS": "error",
    "TERM": "xterm",
    "CI": "",
    "GITHUB_ACTIONS": "",
    "COLUMNS": "120",
}
PAUSED = DeploymentConfiguration(
    strategy="BLUE_GREEN",
    lifecycle_hooks=[DeploymentLifecycleHook(target_type="PAUSE", lifecycle_stages=["POST_SCALE_UP"])],
)
HANDLE = re.compile(r"the deployment continues; to watch it: (.*)")


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    """A simulator with task definitions that work, one whose image cannot be pulled, and one whose tasks crash."""
    with SimulatorServer(speed=SPEED) as server:
        script(server.simulator)
        yield server


def script(simulator: Simulator) -> None:
    """Set how the tasks of two families end."""
    simulator.script("bad", TaskScript.fails_to_pull("manifest unknown"))
    simulator.script("crash", TaskScript.exits(1, after=5))


@pytest.fixture
def ecs(server: SimulatorServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[ecskit.Client]:
    """A client of it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with ecskit.Client(region_name="us-east-1", endpoint_url=server.url) as ecs:
        yield ecs


@attrs.frozen
class Here:
    """Runs the script in this process, with a simulator on a virtual clock."""

    simulator: Simulator
    ecs: ecskit.Client
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def serve(self, *, breaker: bool = True, until: Literal["deployed", "requested"] = "deployed") -> None:
        """Create the service."""
        serve(self.ecs, breaker=breaker, until=until, poll=6)

    def deploy(self, *arguments: str) -> tuple[int, list[str]]:
        """Run the script to its end. Return its exit code, and its lines without their times."""
        code, lines = self._run(arguments)
        return code, [line.split("  ", 1)[-1] for line in lines]

    def deploy_in_github(self, *arguments: str) -> tuple[int, list[str]]:
        """Run the script to its end. Return its exit code, and the lines that the runner treats as commands."""
        self.monkeypatch.setenv("GITHUB_ACTIONS", "true")
        code, lines = self._run(arguments)
        return code, commands_of(lines)

    def _run(self, arguments: tuple[str, ...]) -> tuple[int, list[str]]:
        self.monkeypatch.setattr(sys, "argv", [SCRIPT, *arguments, "--poll", "6"])
        logger = logging.getLogger("ecskit")
        before = list(logger.handlers)
        self.capsys.readouterr()
        code: Any
        try:
            code = main()
        except SystemExit as end:
            code = end.code
        finally:
            logger.handlers[:] = before
        out, err = self.capsys.readouterr()
        return code, (out + err).splitlines()


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Here]:
    """What runs the script in this process."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with served_simulator(monkeypatch) as simulator, ecskit.Client() as ecs:
        script(simulator)
        yield Here(simulator, ecs, monkeypatch, capsys)


def serve(
    ecs: ecskit.Client,
    *,
    breaker: bool = True,
    until: Literal["deployed", "requested"] = "deployed",
    poll: float = 0.2,
) -> None:
    """Create the service."""
    for family in ("web", "bad", "crash"):
        ecs.register_task_definition(
            family=family,
            cpu="256",
            memory="512",
            network_mode="awsvpc",
            requires_compatibilities=["FARGATE"],
            container_definitions=[ContainerDefinition(name="app", image="repo/app:1")],
        )
    request = CreateServiceRequest(
        service_name="web",
        task_definition="web",
        desired_count=2,
        launch_type="FARGATE",
        network_configuration=NetworkConfiguration(awsvpc_configuration=AwsVpcConfiguration(subnets=["subnet-1"])),
        deployment_configuration=BREAKER if breaker else None,
    )
    if until == "requested":
        ecs.send(request)
    else:
        ecs.services.create(request, poll=wait_fixed(poll))


def start(
    server: SimulatorServer, *arguments: str, out: int = subprocess.PIPE, github: bool = False
) -> subprocess.Popen[str]:
    """Start the script, which polls five times a second."""
    return subprocess.Popen(  # noqa: S603  # our own script
        [sys.executable, "-u", SCRIPT, *arguments, "--endpoint-url", server.url, "--poll", "0.2"],
        stdout=out,
        stderr=subprocess.PIPE,
        text=True,
        env={**ENVIRONMENT, "GITHUB_ACTIONS": "true" if github else ""},
    )


def deploy(server: SimulatorServer, *arguments: str) -> tuple[int, list[str]]:
    """Run the script to its end. Return its exit code, and its lines without their times."""
    script = start(server, *arguments)
    out, err = script.communicate(timeout=60)
    assert "Traceback" not in err
    return script.returncode, [line.split("  ", 1)[-1] for line in (out + err).splitlines()]


def deploy_in_github(server: SimulatorServer, *arguments: str) -> tuple[int, list[str]]:
    """Run the script to its end. Return its exit code, and the lines that the runner treats as commands."""
    out, err = (script := start(server, *arguments, github=True)).communicate(timeout=60)
    assert "Traceback" not in err
    return script.returncode, commands_of((out + err).splitlines())


def commands_of(lines: list[str]) -> list[str]:
    """Return the lines that begin with `::` or contain `##[`."""
    return [line for line in lines if line.lstrip().startswith("::") or "##[" in line]


def interrupt(server: SimulatorServer, signal_number: int, *arguments: str) -> tuple[int, list[str]]:
    """Run the script, and send it a signal after tasks were started."""
    script = start(server, *arguments)
    assert script.stdout is not None
    lines: list[str] = []
    for line in script.stdout:
        lines.append(line.rstrip().split("  ", 1)[-1])
        if "has started" in line:
            script.send_signal(signal_number)
            break
    out, err = script.communicate(timeout=60)
    assert "Traceback" not in err
    return script.returncode, [*lines, *(line.split("  ", 1)[-1] for line in out.splitlines())]


def updates(simulator: Simulator) -> int:
    """Return the number of UpdateService requests."""
    return [call.operation for call in simulator.calls].count("UpdateService")


def test_a_new_image_is_deployed(server: SimulatorServer, ecs: ecskit.Client) -> None:
    """The exit code is 0, each change has one line, and the last line is the verdict."""
    serve(ecs)
    code, lines = deploy(server, "web", "--image", "app=repo/app:2", "--env", "app:LOG_LEVEL=debug")
    assert code == 0
    assert re.fullmatch(r"deployment \d+ of default/web \(web:2\)", lines[0])
    assert re.fullmatch(r"DEPLOYED web:2 after \d+ s: 2 of 2 tasks running", lines[-1])
    assert "SUCCESSFUL" in lines
    assert len(lines) == len(set(lines))
    assert updates(server.simulator) == 1
    [container] = ecs.describe_task_definition(task_definition="web:2").task_definition.container_definitions
    assert (container.image, container.environment[0].value) == ("repo/app:2", "debug")


def test_ecs_rolls_back_what_does_not_start(here: Here) -> None:
    """The exit code is 1. The last line names what runs now, and the reason, which has one line before."""
    here.serve()
    code, lines = here.deploy("web", "--task-definition", "bad")
    assert code == 1
    assert lines[-1].startswith("ROLLED BACK to web:1 after ")
    assert "tasks failed to start: CannotPullContainerError: manifest unknown" in lines[-1]
    assert len([line for line in lines[:-1] if "manifest unknown" in line]) == 1


def test_one_that_stalls_is_rolled_back_if_asked(here: Here) -> None:
    """Without a circuit breaker, ECS does not end the deployment, so the script does."""
    here.serve(breaker=False)
    code, lines = here.deploy("web", "--task-definition", "bad", "--rollback-on", "failure")
    assert code == 1
    assert any(line.startswith("warning: rolling back deployment") for line in lines)
    assert lines[-1].startswith("ROLLED BACK to web:1 after ")
    assert "no circuit breaker ends it" in lines[-1]


def test_one_that_stalls_is_left_otherwise(here: Here) -> None:
    """The exit code is 1. The last line is STALLED, and the one before it the command to resume."""
    here.serve(breaker=False)
    code, lines = here.deploy("web", "--task-definition", "bad")
    assert code == 1
    assert HANDLE.match(lines[-2])
    assert lines[-1].startswith("STALLED after ")


def test_a_crashing_image_is_rolled_back(here: Here) -> None:
    """With --stable-for its tasks must stay up. The exit code is 1, and the last line names their exit code."""
    here.serve()
    arguments = ["web", "--task-definition", "crash", "--stable-for", "180", "--rollback-on", "failure"]
    code, lines = here.deploy(*arguments)
    assert code == 1
    assert any(re.match(r"rolling back deployment \d+ of default/web \(crash:1\) to web:1: ", line) for line in lines)
    assert re.match(r"ROLLED BACK to web:1 after 1:\d\d: SUCCESSFUL, but \d+ tasks stopped within \d+ s: ", lines[-1])
    assert "container app exited with 1" in lines[-1]
    assert (
        here.ecs.services.describe("web")[0].task_definition
        == "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1"
    )


def test_a_crashing_image_is_left_otherwise(here: Here) -> None:
    """The deployment is unstable: the exit code is 1, and there is no command to resume."""
    here.serve()
    code, lines = here.deploy("web", "--task-definition", "crash", "--stable-for", "180")
    assert code == 1
    assert re.match(r"UNSTABLE after \d+ s: SUCCESSFUL, but \d+ tasks stopped within \d+ s: ", lines[-1])
    assert [] == [line for line in lines if HANDLE.match(line)]


def test_a_good_image_stays_up(here: Here) -> None:
    """The exit code is 0, and a line has the time for which its tasks stayed up."""
    here.serve()
    code, lines = here.deploy("web", "--image", "app=repo/app:2", "--stable-for", "60", "--rollback-on", "failure")
    assert code == 0
    assert "checking that tasks stay up: quiet for 0 of 60 s" in lines
    assert lines[-2] == "its tasks stayed up for 60 s"
    assert re.fullmatch(r"DEPLOYED web:2 after 1:\d\d: 2 of 2 tasks running", lines[-1])
    assert here.simulator.deployments("web")[-1].status == "SUCCESSFUL"


def test_whether_tasks_stay_up_cannot_be_read(here: Here) -> None:
    """The exit code is 0, and a line reports that the stability is unknown."""
    here.serve()
    here.simulator.fail("ListTasks", Fault.access_denied(), times=None)
    code, lines = here.deploy("web", "--image", "app=repo/app:2", "--stable-for", "30")
    assert code == 0
    assert any(line.startswith("warning: reading tasks is refused") for line in lines)
    assert lines[-2] == "it is unknown whether its tasks stay up"


def test_nothing_is_changed(here: Here) -> None:
    """The exit code is 0, and the last line is UNCHANGED."""
    here.serve()
    code, lines = here.deploy("web", "--image", "app=repo/app:1")
    assert code == 0
    assert re.fullmatch(r"UNCHANGED web:1 after \d+ s: nothing was changed, 2 of 2 tasks running", lines[-1])
    assert len(here.simulator.deployments("web")) == 1


def test_files_are_planned_and_applied(here: Here, tmp_path: Path) -> None:
    """The plan is shown; the service is created, changed, and then left as it is."""
    (tmp_path / "service.yaml").write_text(
        "taskDefinition: web\ndesiredCount: 2\nlaunchType: FARGATE\nplatformVersion: $PLATFORM\n"
        "networkConfiguration: {awsvpcConfiguration: {subnets: [subnet-1]}}\n"
    )
    (tmp_path / "task.json").write_text(
        '{"family": "web", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256",'
        ' "memory": "512", "containerDefinitions": [{"name": "app", "image": "repo/app:${TAG:-1}"}]}'
    )
    files = ["web", "--file", str(tmp_path / "service.yaml"), "--task-file", str(tmp_path / "task.json")]
    code, lines = here.deploy(*files)
    assert (code, lines[-1].endswith("service.yaml: platformVersion: the variable PLATFORM is not given")) == (2, True)
    here.monkeypatch.setenv("PLATFORM", "1.4.0")
    code, lines = here.deploy(*files, "--dry-run")
    assert (code, lines[0], updates(here.simulator)) == (0, "register a revision of web", 0)
    assert "create service web of default in us-east-1, account 123456789012: a deployment follows" in lines
    here.monkeypatch.setenv("AWS_ENDPOINT_URL", os.environ["AWS_ENDPOINT_URL_ECS"])  # it has no other services
    code, lines = here.deploy(*files, "--dry-run", "--verify")
    subnet = "networkConfiguration.awsvpcConfiguration.subnets[0]: the subnet subnet-1"
    why = "the service could not be reached: the response is none of AWS; a proxy may have sent it"
    assert (code, lines[-1]) == (0, f"{subnet}: {why}")
    here.monkeypatch.delenv("AWS_ENDPOINT_URL")
    code, lines = here.deploy(*files)
    assert (code, lines[-1]) == (0, "APPLIED")
    code, lines = here.deploy(*files, "--image", "app=repo/app:2", "--stable-for", "30")
    assert (code, lines[-1], updates(here.simulator)) == (0, "APPLIED", 1)
    assert "~ container_definitions['app'].image: 'repo/app:1' -> 'repo/app:2'" in lines
    code, lines = here.deploy(*files, "--image", "app=repo/app:2")
    assert (code, lines[-1], updates(here.simulator)) == (0, "UNCHANGED", 1)
    code, lines = here.deploy(*files, "--cluster", "none")
    assert (code, lines[-1].startswith("DescribeServices: Cluster not found")) == (1, True)
    code, lines = here.deploy("web", "--file", str(tmp_path / "none.yaml"))
    assert (code, f"No such file or directory: '{tmp_path / 'none.yaml'}'" in lines[-1]) == (2, True)


def test_a_pause_takes_too_long(here: Here) -> None:
    """The exit code is 4 after --pause-timeout, with any --timeout; a line shows the command to resume."""
    here.serve()
    here.ecs.update_service(service="web", deployment_configuration=PAUSED)
    arguments = ["web", "--image", "app=repo/app:2", "--timeout", "90", "--pause-timeout", "120"]
    code, lines = here.deploy(*arguments)
    assert code == 4
    assert any(line.startswith("paused at POST_SCALE_UP by hook ") for line in lines)
    assert HANDLE.match(lines[-2])
    assert re.match(r"TIMED OUT after 2:\d\d: is paused at POST_SCALE_UP by hook .* until ", lines[-1])
    [service] = here.simulator.deployments("web")[-1:]
    assert service.status == "IN_PROGRESS"


def test_a_pause_that_takes_too_long_is_rolled_back_if_asked(here: Here) -> None:
    """A pause that is too long counts as a timeout."""
    here.serve()
    here.ecs.update_service(service="web", deployment_configuration=PAUSED)
    arguments = ["web", "--image", "app=repo/app:2", "--pause-timeout", "30", "--rollback-on", "timeout"]
    code, lines = here.deploy(*arguments)
    assert code == 1
    assert lines[-1].startswith("ROLLED BACK to web:1 after ")


def test_a_success_in_a_job_of_github(server: SimulatorServer, ecs: ecskit.Client) -> None:
    """The lines are in a group, and the verdict is a notice."""
    serve(ecs)
    code, commands = deploy_in_github(server, "web", "--image", "app=repo/app:2")
    assert code == 0
    assert len(commands) == 3
    assert re.fullmatch(r"::group::deployment \d+ of default/web \(web:2\)", commands[0])
    assert commands[1] == "::endgroup::"
    assert re.fullmatch(r"::notice title=DEPLOYED::DEPLOYED web:2 after \d+ s: 2 of 2 tasks running", commands[2])


def test_a_failure_in_a_job_of_github(here: Here) -> None:
    """The rollback is a warning, and the verdict is an error."""
    here.serve(breaker=False)
    code, commands = here.deploy_in_github("web", "--task-definition", "bad", "--rollback-on", "failure")
    assert code == 1
    assert [line.split("::")[1].split()[0] for line in commands] == ["group", "warning", "endgroup", "error"]
    assert commands[1].startswith("::warning::rolling back deployment ")
    assert commands[3].startswith("::error title=ROLLED BACK::ROLLED BACK to web:1 after ")


def test_what_ecs_quotes_is_no_command(here: Here) -> None:
    """A reason that has several lines, or contains commands, stays text."""
    here.serve()
    reason = "100%\n::set-output name=x::y\r\n::endgroup::\r##[add-mask]web"
    here.simulator.script("bad", TaskScript.fails_to_start(reason))
    code, commands = here.deploy_in_github("web", "--task-definition", "bad")
    assert code == 1
    assert [line.split("::")[1].split()[0] for line in commands] == ["group", "endgroup", "error"]
    assert "100%25 ::set-output name=x::y ::endgroup:: ## [add-mask]web" in commands[2]


def test_the_output_can_be_chosen(here: Here) -> None:
    """--output has priority over the environment."""
    here.serve(until="requested")
    here.simulator.fail("UpdateService", Fault.access_denied(), times=None)
    code, commands = here.deploy_in_github("web", "--force", "--output", "plain")
    assert (code, commands) == (1, [])
    code, lines = here.deploy("web", "--force", "--output", "github")
    assert code == 1
    assert lines[0].startswith("::error title=ERROR::ERROR after ")


def test_something_newer_is_deployed(server: SimulatorServer, ecs: ecskit.Client) -> None:
    """The exit code is 3, whether or not the newer deployment succeeds."""
    serve(ecs)
    script = start(server, "web", "--image", "app=repo/app:2")
    assert script.stdout is not None
    while "of default/web (web:2)" not in script.stdout.readline():
        pass
    ecs.update_service(service="web", task_definition="web:1", force_new_deployment=True)
    out, _ = script.communicate(timeout=60)
    assert script.returncode == 3
    assert "SUPERSEDED after " in out.splitlines()[-1]


def test_a_timeout_can_be_resumed(server: SimulatorServer, ecs: ecskit.Client) -> None:
    """The exit code is 4, and the command in the output follows the same deployment to its end."""
    serve(ecs)
    code, lines = deploy(server, "web", "--image", "app=repo/app:2", "--timeout", "0.3")
    assert code == 4
    assert re.match(r"TIMED OUT after \d s: is ", lines[-1])
    shown = HANDLE.match(lines[-2])
    assert shown
    _, *arguments = shlex.split(shown[1])
    code, lines = deploy(server, *arguments)
    assert code == 0
    assert lines[-1].startswith("DEPLOYED web:2 after ")
    assert updates(server.simulator) == 1


def test_a_timeout_is_rolled_back_if_asked(here: Here) -> None:
    """The exit code is 1, and the service runs the earlier revision."""
    here.serve()
    code, lines = here.deploy("web", "--image", "app=repo/app:2", "--timeout", "15", "--rollback-on", "timeout")
    assert code == 1
    assert lines[-1].startswith("ROLLED BACK to web:1 after ")


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_one_is_rolled_back_if_asked(
    server: SimulatorServer, ecs: ecskit.Client, number: int, expected: int
) -> None:
    """The script requests the rollback and does not wait for it."""
    serve(ecs)
    code, lines = interrupt(server, number, "web", "--image", "app=repo/app:2", "--rollback-on", "interrupt")
    assert code == expected
    assert lines[-2].startswith("interrupted: a rollback was started")
    assert re.match(r"INTERRUPTED after \d+ s: the last status was (PENDING|IN_PROGRESS)", lines[-1])
    assert server.simulator.deployments("web")[-1].status.startswith("ROLLBACK")


def test_an_interrupted_one_continues_otherwise(server: SimulatorServer, ecs: ecskit.Client) -> None:
    """The script shows the command to resume watching it."""
    serve(ecs)
    code, lines = interrupt(server, signal.SIGINT, "web", "--image", "app=repo/app:2")
    assert code == 130
    shown = HANDLE.match(lines[-2])
    assert shown
    _, *arguments = shlex.split(shown[1])
    assert deploy(server, *arguments)[0] == 0


def test_a_signal_before_the_first_poll_waits_for_it(
    server: SimulatorServer, ecs: ecskit.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before this poll there is no deployment to roll back. A second signal does not wait."""
    serve(ecs)
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # only `signals` below is interrupted
    arguments = ["web", "--image", "app=repo/app:2", "--rollback-on", "interrupt"]
    monkeypatch.setattr(sys, "argv", [SCRIPT, *arguments, "--endpoint-url", server.url, "--region", "us-east-1"])
    signals = Signals()
    signals.receive(signal.SIGTERM, None)
    with pytest.raises(SystemExit, match="143"), ecskit.progress.plain() as show:
        deploy_by(read_arguments(), show, signals)
    assert updates(server.simulator) == 1
    assert server.simulator.deployments("web")[-1].status.startswith("ROLLBACK")

    again = Signals()
    again.receive(signal.SIGTERM, None)
    with pytest.raises(SystemExit, match="130"):
        again.receive(signal.SIGINT, None)


def test_permission_is_refused(here: Here) -> None:
    """The exit code is 1, and one line names the refused operation."""
    here.serve()
    here.simulator.fail("UpdateService", Fault.access_denied())
    code, lines = here.deploy("web", "--force")
    assert code == 1
    assert [lines[0]] == lines
    assert lines[0].startswith("ERROR after ")
    assert "UpdateService: AccessDeniedException" in lines[0]


def test_permission_to_read_deployments_is_refused(here: Here) -> None:
    """The service is used instead, and a line reports this."""
    here.serve()
    here.simulator.fail("ListServiceDeployments", Fault.access_denied(), times=None)
    code, lines = here.deploy("web", "--force")
    assert code == 0
    assert any(line.startswith("warning: reading service deployments is refused") for line in lines)
    assert lines[-1].startswith("DEPLOYED web:1 after ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["web"], "there is nothing to deploy"),
        (["web", "--image", "app"], "expected NAME=IMAGE"),
        (["web", "--image", "sidecar=x:1"], "sidecar"),
        (["web", "--env", "app:PASSWORD"], "expected CONTAINER:NAME=VALUE"),
        (["web", "--force", "--timeout", "never"], "expected seconds"),
        (["web", "--force", "--until", "tomorrow"], "invalid choice"),
        (["nowhere", "--force"], "ECS does not show 1 of 1 services in cluster 'default': nowhere"),
        ([], "expected a service"),
        (["web", "--force", "--resume", "{}"], "cannot be used with service, --force"),
        (["--resume", "{}"], "expected the result of `to_json`"),
    ],
)
def test_bad_input(here: Here, arguments: list[str], message: str) -> None:
    """The exit code is 2, and nothing was changed."""
    here.serve(until="requested")
    code, lines = here.deploy(*arguments)
    assert code == 2
    assert message in lines[-1]
    assert updates(here.simulator) == 0


def test_a_terminal_gets_a_picture_and_its_cursor_back(server: SimulatorServer, ecs: ecskit.Client) -> None:
    """After Ctrl-C the last picture stays and the cursor is visible."""
    serve(ecs)
    ours, theirs = pty.openpty()
    script = start(server, "web", "--image", "app=repo/app:2", out=theirs)
    os.close(theirs)
    output = b""
    while chunk := read(ours):
        if b"has started" in chunk and b"has started" not in output:
            script.send_signal(signal.SIGINT)
        output += chunk
    os.close(ours)
    _, err = script.communicate(timeout=60)
    assert (script.returncode, err) == (130, "")
    hidden, shown = b"\x1b[?25l", b"\x1b[?25h"
    assert output.count(hidden) == output.count(shown) > 0
    assert output.rfind(shown) > output.rfind(hidden)
    assert b"INTERRUPTED" in output.splitlines()[-2] + output.splitlines()[-1]


def read(descriptor: int) -> bytes:
    """Read the available output; nothing if the other end is closed, which is an error on Linux."""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""
