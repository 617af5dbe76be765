"""Rows: containers that cannot be started, and how containers exit."""

from __future__ import annotations

from collections.abc import Sequence

from ecskit._explain.finding import Cause
from ecskit._explain.row import CODES, EXITS, START, Row
from ecskit._explain.sources import EXIT_CODES, GUIDE, READ, REPOST, STOPPED, github

__all__ = ["CONTAINER_ROWS", "EXIT_ROWS", "UNKNOWN_CONTAINER_ROWS"]

_START = r"(?:CannotStart|CannotCreate|Cannot start container|OCI runtime|starting container process).*?"
_DEFINITION = f"{GUIDE}/task_definition_parameters.html"

CONTAINER_ROWS: Sequence[Row] = (
    Row(
        name="wrong-architecture",
        places=(*START, "log"),
        pattern=r"exec format error",
        what="The program in the image is for another CPU architecture, or is a script without #! line.",
        causes=(
            Cause(
                "The image was built on a machine of another architecture.",
                "Build it for the architecture of the task, or set runtimePlatform.cpuArchitecture.",
            ),
            Cause("The entry point is a script without a first line such as #!/bin/sh.", "Add the line."),
        ),
        example="exec /usr/local/bin/streamlit: exec format error",
        report=github("aws-samples/amazon-bedrock-serverless-prompt-chaining#213"),
        seen="2024-03-22",
        source=f"{GUIDE}/ecs-arm64.html",
    ),
    Row(
        name="command-not-found",
        places=START,
        pattern=rf"{_START}(?:executable file not found|(?:exec|stat)\b.*?such file or direct)",
        what="The image does not have the program that the container is to run.",
        causes=(
            Cause(
                "The command is one string with arguments, or begins with an argument.",
                "Write entryPoint and command as lists with one word each.",
            ),
            Cause("The program is not in the image, or in another directory.", "Correct the path, or the Dockerfile."),
            Cause("A volume hides the directory of the program.", "Mount the volume elsewhere."),
        ),
        example="CannotStartContainerError: API error (500): Cannot start container 54b6: [8] System error: exec:"
        ' "node index.js -i 0": executable file not found in $PATH',
        report=github("aws/amazon-ecs-cli#78"),
        seen="2016-02-07",
        source=_DEFINITION,
    ),
    Row(
        name="command-not-executable",
        places=START,
        pattern=rf"{_START}exec\b.*?permission denied",
        what="The program in the image may not be executed.",
        causes=(
            Cause("The file is not executable.", "Run chmod +x on it in the Dockerfile."),
            Cause("The user of the container may not read it.", "Correct its owner, or `user` in the task definition."),
        ),
        example="API error (500): Cannot start container 0e72: [8] System error:"
        ' exec: "/entrypoint.sh": permission denied',
        report=github("DataDog/docker-dd-agent#102"),
        seen="2016-06-27",
        source=_DEFINITION,
    ),
    Row(
        name="mount-not-possible",
        places=START,
        pattern=rf"{_START}(?:error mounting|rootfs_linux)",
        what="A volume cannot be mounted in the container.",
        causes=(
            Cause(
                "The mount point is a file in the image, or the volume does not have the directory.",
                "Mount at a directory, and create it in the volume.",
            ),
            Cause("The access point of EFS does not admit the user.", "Correct its POSIX user and permissions."),
        ),
        example="CannotStartContainerError: ResourceInitializationError: failed to create new container runtime"
        " task: OCI runtime create failed: container_linux.go:349: starting container process caused"
        ' "process_linux.go:449: container init caused \\"rootfs_linux.go:58',
        report=github("aws/amazon-ecs-agent#2442"),
        seen="2020-04-29",
        source=f"{GUIDE}/efs-volumes.html",
    ),
    Row(
        name="host-port-taken",
        places=START,
        pattern=r"port is already allocated|address already in use",
        what="Another process of the container instance uses the host port.",
        causes=(
            Cause(
                "A task with the same fixed host port runs there.",
                "Use host port 0 for dynamic ports, or network mode awsvpc.",
            ),
        ),
        example="Cannot start container 162b: Bind for 0.0.0.0:32898 failed: port is already allocated",
        report=github("cloudfoundry-community/cf-containers-broker#27"),
        seen="2015-09-21",
        source=f"{GUIDE}/networking-networkmode-bridge.html",
    ),
    Row(
        name="runtime-timeout",
        places=START,
        pattern=r"Could not transition to \w+; timed out",
        what="The container runtime did not finish in time.",
        causes=(
            Cause(
                "The container instance is overloaded, most often its disk.",
                "Use faster volumes, start fewer tasks at once, or raise ECS_CONTAINER_START_TIMEOUT.",
            ),
            Cause(
                "On Fargate, the log driver has no connection to CloudWatch Logs.",
                "Use a NAT gateway, a public IP, or an endpoint for logs.",
            ),
        ),
        example="DockerTimeoutError: Could not transition to created; timed out after waiting 4m0s",
        report=github("aws/amazon-ecs-agent#1440"),
        seen="2018-07-10",
        source=f"{REPOST}/ecs-fargate-docker-timeout-error",
    ),
    Row(
        name="out-of-memory",
        places=EXITS,
        pattern=r"OutOfMemory",
        what="The container used more memory than it may, and was killed.",
        causes=(
            Cause(
                "The memory limit is too low.",
                "Raise `memory` of the container, and of the task if the containers share it.",
            ),
            Cause("The program keeps what it does not need.", "Measure its memory over time."),
        ),
        example="OutOfMemoryError: Container killed due to memory usage",
        report=github("aws/amazon-ecs-agent#1187"),
        seen="2018-01-17",
        source=f"{GUIDE}/out-of-memory.html",
    ),
)

UNKNOWN_CONTAINER_ROWS: Sequence[Row] = (
    Row(
        name="container-not-started",
        places=START,
        pattern=r"CannotStartContainerError|CannotCreateContainerError|ContainerRuntimeError",
        what="The container runtime could not create or start the container.",
        causes=(
            Cause("The container definition asks for something that the host does not have.", "Compare both."),
            Cause("The command, a volume or a device is wrong.", "Run the image locally with the same settings."),
        ),
        example="CannotStartContainerError: Error response from daemon: failed to create shim task: OCI runtime create"
        " failed",
        report=f"{GUIDE}/cannot-start-container.html",
        seen=READ,
        source=f"{GUIDE}/cannot-start-container.html",
    ),
)
"""After all other rows: other texts have the same beginning."""


def _code(name: str, pattern: str, example: str, what: str, *causes: Cause, source: str = EXIT_CODES) -> Row:
    """Return a row for an exit code."""
    return Row(
        name=name,
        places=CODES,
        pattern=rf"^(?:{pattern})$",
        what=what,
        causes=causes,
        example=example,
        report=EXIT_CODES,
        seen=READ,
        source=source,
        weight="exit code",
    )


EXIT_ROWS: Sequence[Row] = (
    _code(
        "exit-0",
        "0",
        "0",
        "The program ended with success, but a service expects it to run on.",
        Cause("The command starts the program in the background and ends.", "Run it in the foreground."),
        Cause("The container does a job that has an end.", "Run it as a task, not as a service."),
    ),
    _code(
        "exit-killed",
        "137",
        "137",
        "The program was killed (SIGKILL).",
        Cause("It did not end within stopTimeout after SIGTERM.", "Handle SIGTERM, or raise stopTimeout."),
        Cause("The task or the host ran out of memory.", "Raise the memory of the task, and measure the program."),
        source=f"{REPOST}/ecs-tasks-container-exit-issues",
    ),
    _code(
        "exit-terminated",
        "143",
        "143",
        "The program ended after SIGTERM, the request to stop.",
        Cause("The task was stopped.", "Nothing is to do if the stop was intended."),
        source=f"{REPOST}/ecs-tasks-container-exit-issues",
    ),
    _code(
        "exit-segfault",
        "139",
        "139",
        "The program accessed memory that is not its own (SIGSEGV).",
        Cause("The program or a native library has a fault.", "Read its last log lines; compare library versions."),
        Cause("A native library was built for another system.", "Build it in the image."),
    ),
    _code(
        "exit-aborted",
        "134",
        "134",
        "The program aborted itself (SIGABRT).",
        Cause("An assertion failed, or the runtime had no memory.", "Read its last log lines."),
    ),
    _code(
        "exit-not-executable",
        "126",
        "126",
        "The command was found, and could not be executed.",
        Cause("The file is not executable, or a directory.", "Run chmod +x on it in the Dockerfile."),
    ),
    _code(
        "exit-not-found",
        "127",
        "127",
        "The shell did not find the command.",
        Cause("The command is not in the image or not in PATH.", "Correct the command, or the Dockerfile."),
    ),
    _code(
        "exit-error",
        r"-?\d+",
        "1",
        "The program itself ended with an error.",
        Cause("The program met an error, such as a missing setting.", "Read its last log lines."),
        source=STOPPED,
    ),
)
