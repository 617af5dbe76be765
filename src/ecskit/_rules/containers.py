"""Rules about containers: name, image, memory, dependencies, health checks, limits of Linux and Windows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ecskit._rules.checks import absent, below, between, by_name, fits, matches, most, reachable, repeated, when
from ecskit._rules.definition import DefinitionCheck, TaskDefinitionWire
from ecskit._rules.placeholders import has_placeholder
from ecskit._rules.rule import Places, Problem, Rule, api, guide
from ecskit._rules.task import NAME

__all__ = ["CONTAINER_RULES"]

_CONTAINER = "containerDefinitions[]"
_DEFINITION = api("ContainerDefinition")
_PARAMETERS = guide("task_definition_parameters")
_IMAGE = r"[A-Za-z0-9_.:/#@-]*"
_DIGEST = r"[^@]*|[^@]+@sha256:[A-Fa-f0-9]{64}|[^@]*[^A-Za-z0-9_.:/#@-].*"
"""No digest, a right one, or characters that an image cannot have, which is another rule."""


_PART = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(localhost|[A-Za-z0-9][A-Za-z0-9-]*(\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(?=:))(:[0-9]+)?"
_REFERENCE = re.compile(rf"({_HOST}/)?{_PART}(/{_PART})*(:[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(@.*)?")
_ECR = re.compile(r"[0-9]{12}\.dkr[.-]ecr(-fips)?\.[a-z]+(-[a-z]+)+-[0-9]+\.[^/]+/.+")


def _required(member: str) -> DefinitionCheck:
    def check(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
        for path, container in places:
            if not container.get(member):
                yield Problem(f"{path}.{member}", "required for each container")

    return check


def _tags(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, image in places:
        name, _colon, tag = image.rpartition("/")[2].partition(":")
        if "@" not in image and tag in ("", "latest") and name and not has_placeholder(image):
            yield Problem(path, "{value} has no fixed tag: a new task may run another image")


def _names(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, image in places:
        if has_placeholder(image) or not re.fullmatch(_IMAGE, image) or not image:
            continue  # other rules report it
        if re.search(r"\.dkr[.-]ecr", image) and not _ECR.fullmatch(image):
            yield Problem(path, "expected ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME for an image of ECR, got {value}")
        elif not _REFERENCE.fullmatch(image):
            yield Problem(path, "no registry has {value}: expected REGISTRY/NAME:TAG, with the name in lower case")


def _no_memory(definition: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, container in places:
        if not definition.wire.get("memory") and container.get("memory") is container.get("memoryReservation") is None:
            yield Problem(f"{path}.memory", "requires memory or memoryReservation, because the task has no memory")


def _reservation(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, container in places:
        memory, reservation = container.get("memory"), container.get("memoryReservation")
        if memory is not None and reservation is not None and memory < reservation:
            yield Problem(f"{path}.memory", f"must not be less than memoryReservation, {reservation}, got {{value}}")


def _unknown_dependencies(definition: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    names = by_name(definition.containers)
    for path, name in places:
        if name not in names:
            yield Problem(path, f"the task definition has no container {name}")


def _unhealthy_dependencies(definition: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    checked = {container.get("name"): bool(container.get("healthCheck")) for _, container in definition.containers}
    for path, dependency in places:
        name = dependency["containerName"]
        if dependency["condition"] == "HEALTHY" and not checked.get(name, True):
            yield Problem(f"{path}.condition", f"the container {name} has no health check")


def _essential_dependencies(definition: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    essential = {
        container.get("name"): container.get("essential") is not False for _, container in definition.containers
    }
    for path, dependency in places:
        name = dependency["containerName"]
        if dependency["condition"] in ("COMPLETE", "SUCCESS") and essential.get(name):
            yield Problem(f"{path}.condition", f"the container {name} is essential: when it ends, the task does")


def _cycles(definition: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    after = {
        str(container.get("name")): [each["containerName"] for each in container.get("dependsOn") or ()]
        for _, container in definition.containers
    }
    for path, container in places:
        name = container.get("name")
        if name and name in reachable(after, name):
            yield Problem(f"{path}.dependsOn", f"{name} depends on itself")


def _health_commands(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, command in places:
        is_marked = command[:1] in (["CMD"], ["CMD-SHELL"])
        if len(command) == is_marked or (len(command) > 1 and not is_marked):
            yield Problem(path, "expected CMD or CMD-SHELL, followed by a command")


def _health_words(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, command in places:
        if len(command) == 1 and command[0] not in ("CMD", "CMD-SHELL"):
            yield Problem(path, "AWS documents that CMD or CMD-SHELL comes first; one report shows that ECS runs it")


def _soft_limits(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, limit in places:
        soft, hard = limit["softLimit"], limit["hardLimit"]
        if hard != -1 and (soft > hard or soft == -1):  # -1 is without limit
            yield Problem(f"{path}.softLimit", f"must not be above the hardLimit, {hard}, got {{value}}")


_IPC_CONTROLS = frozenset(
    "kernel.msgmax kernel.msgmnb kernel.msgmni kernel.sem kernel.shmall kernel.shmmax kernel.shmmni"
    " kernel.shm_rmid_forced".split()
)


def _net_controls(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, name in places:
        if name.startswith("net."):
            yield Problem(path, "{value} is not supported in the network mode host")


def _ipc_controls(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, name in places:
        if name in _IPC_CONTROLS or name.startswith("fs.mqueue."):
            yield Problem(path, "{value} is not supported with ipcMode host")


def _arm_windows(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, architecture in places:
        if architecture == "ARM64":
            yield Problem(path, "{value} is for Linux only")


def _is_windows(definition: TaskDefinitionWire) -> bool:
    return definition.is_windows


CONTAINER_RULES: Sequence[Rule[TaskDefinitionWire]] = (
    Rule(
        "container-name",
        "containerDefinitions[]",
        _required("name"),
        source=_PARAMETERS,
        words="Container.name should not be null or empty.",
        seen="awsdocs/aws-cloudformation-user-guide#612",
    ),
    Rule(
        "container-name",
        "containerDefinitions[].name",
        matches(NAME[0], NAME[1]),
        source=_PARAMETERS,
        words="Container.name contains invalid characters.",
        seen="hashicorp/terraform-provider-aws#5950",
    ),
    Rule("container-name", "containerDefinitions[].name", most(255, "characters"), source=_PARAMETERS),
    Rule(
        "image",
        "containerDefinitions[]",
        _required("image"),
        source=_PARAMETERS,
        words="Container.image should not be null or empty.",
        seen="prefect-archive/prefect-aws#159",
    ),
    Rule(
        "image",
        "containerDefinitions[].image",
        matches(
            _IMAGE,
            "letters, digits, hyphens, underscores, colons, periods, slashes and number signs only",
        ),
        source=_PARAMETERS,
        words="Container.image contains invalid characters.",
        seen="aws-actions/amazon-ecs-render-task-definition#49",
    ),
    Rule(
        "image",
        "containerDefinitions[].image",
        fits(
            lambda image: len(image.split("@")[0]) <= 255,
            "expected at most 255 characters",
        ),
        source=_PARAMETERS,
        words="Container.image should be 255 characters or less",
        seen="hashicorp/terraform-provider-aws#22629",
    ),
    Rule(
        "image-digest",
        "containerDefinitions[].image",
        matches(_DIGEST, "a digest of sha256: and 64 hexadecimal digits after the @"),
        source=_DEFINITION,
    ),
    Rule("image-name", "containerDefinitions[].image", _names, source=_DEFINITION, severity="hint"),
    Rule("image-tag", "containerDefinitions[].image", _tags, source=_DEFINITION, severity="hint"),
    Rule(
        "container-memory",
        "containerDefinitions[]",
        when(lambda d: not d.runs_on("FARGATE"), _no_memory),  # Fargate requires a size for the task
        source=_DEFINITION,
        words="Invalid setting for container '{container}'. At least one of 'memory' or 'memoryReservation' must be"
        " specified.",
        seen="aws/aws-cli#4453",
    ),
    Rule(
        "container-memory",
        below(_CONTAINER, "memory memoryReservation"),
        fits(lambda size: size >= 4, "expected 4 MiB or more, got {value}"),
        source=_DEFINITION,
    ),
    Rule("container-memory", "containerDefinitions[]", _reservation, source=_DEFINITION),
    Rule(
        "depends-on-unknown",
        "containerDefinitions[].dependsOn[].containerName",
        _unknown_dependencies,
        source=api("ContainerDependency"),
        words="Cannot depend on container + '{value}' because it does not exist",
        seen="dagster-io/dagster#6926",
    ),
    Rule(
        "depends-on-healthy",
        "containerDefinitions[].dependsOn[]",
        _unhealthy_dependencies,
        source=api("ContainerDependency"),
    ),
    Rule(
        "depends-on-complete",
        "containerDefinitions[].dependsOn[]",
        _essential_dependencies,
        source=api("ContainerDependency"),
        words="A dependency container with SUCCESS or COMPLETE condition cannot be an essential container",
        seen="klothoplatform/klotho#892",
    ),
    Rule("depends-on-cycle", "containerDefinitions[]", _cycles, source=api("ContainerDependency")),
    Rule("health-check", "containerDefinitions[].healthCheck.command", _health_commands, source=api("HealthCheck")),
    Rule(
        "health-check",
        "containerDefinitions[].healthCheck.command",
        _health_words,
        source=api("HealthCheck"),
        severity="hint",
        known="reported once",
        seen="aws/aws-cdk#34389",
    ),
    Rule(
        "health-check",
        "containerDefinitions[].healthCheck.interval",
        between(5, 300, "seconds"),
        source=api("HealthCheck"),
    ),
    Rule(
        "health-check",
        "containerDefinitions[].healthCheck.timeout",
        between(2, 60, "seconds"),
        source=api("HealthCheck"),
    ),
    Rule("health-check", "containerDefinitions[].healthCheck.retries", between(1, 10), source=api("HealthCheck")),
    Rule(
        "health-check",
        "containerDefinitions[].healthCheck.startPeriod",
        between(0, 300, "seconds"),
        source=api("HealthCheck"),
    ),
    Rule(
        "restart-policy",
        "containerDefinitions[].restartPolicy.restartAttemptPeriod",
        between(60, 1800, "seconds"),
        source=api("ContainerRestartPolicy"),
    ),
    Rule(
        "restart-policy",
        "containerDefinitions[].restartPolicy.ignoredExitCodes",
        most(50, "exit codes"),
        source=api("ContainerRestartPolicy"),
    ),
    Rule("credential-specs", "containerDefinitions[].credentialSpecs", most(1, "credential spec"), source=_DEFINITION),
    Rule(
        "swappiness",
        "containerDefinitions[].linuxParameters.swappiness",
        between(0, 100),
        source=api("LinuxParameters"),
    ),
    Rule(
        "swappiness",
        "containerDefinitions[].linuxParameters.maxSwap",
        fits(
            lambda size: size >= 0,
            "expected 0 MiB or more, got {value}",
        ),
        source=api("LinuxParameters"),
    ),
    Rule(
        "ulimits",
        "containerDefinitions[].ulimits",
        repeated("name", "another ulimit of the container has the name {name}"),
        source=api("Ulimit"),
    ),
    Rule("ulimits", "containerDefinitions[].ulimits[]", _soft_limits, source=api("Ulimit")),
    Rule(
        "system-controls",
        "containerDefinitions[].systemControls[].namespace",
        when(lambda d: d.mode == "host", _net_controls),
        source=api("SystemControl"),
    ),
    Rule(
        "system-controls",
        "containerDefinitions[].systemControls[].namespace",
        when(lambda d: d.wire.get("ipcMode") == "host", _ipc_controls),
        source=api("RegisterTaskDefinition"),
    ),
    Rule(
        "windows-unsupported",
        below(
            _CONTAINER,
            "disableNetworking dnsSearchDomains dnsServers extraHosts linuxParameters links privileged"
            " readonlyRootFilesystem ulimits user",
        ),
        when(
            _is_windows,
            absent(
                "not supported by Windows containers",
            ),
        ),
        source=_DEFINITION,
    ),
    Rule(
        "windows-unsupported",
        "runtimePlatform.cpuArchitecture",
        when(_is_windows, _arm_windows),
        source=api("RuntimePlatform"),
    ),
)
