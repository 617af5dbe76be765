"""Rules about containers: memory, dependencies, logs, timeouts, capabilities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ecskit._task_definitions.findings import Finding, finding
from ecskit._task_definitions.limits import is_for
from ecskit._task_definitions.normalizing import Definition
from ecskit._task_definitions.task_rules import Rule
from ecskit.models.task_definitions import ContainerDefinition

__all__ = ["CONTAINER_RULES", "containers"]

_LOG_DRIVERS: Mapping[str, frozenset[str]] = {
    "FARGATE": frozenset({"fluentd", "gelf", "journald", "json-file", "syslog"}),
    "MANAGED_INSTANCES": frozenset({"fluentd", "gelf", "journald", "syslog"}),
}
"""Log drivers that a launch type does not support, although EC2 does."""
_KNOWN_CAPABILITIES = frozenset(
    "ALL AUDIT_CONTROL AUDIT_WRITE BLOCK_SUSPEND CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER"
    " KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW SETFCAP"
    " SETGID SETPCAP SETUID SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_RAWIO SYS_RESOURCE SYS_TIME"
    " SYS_TTY_CONFIG SYSLOG WAKE_ALARM".split()
)
"""The capabilities that Fargate cannot add. It can add SYS_PTRACE."""
_TIMEOUTS = (2, 120)


def containers(definition: Definition) -> Iterator[tuple[str, ContainerDefinition]]:
    """Yield the containers with their paths."""
    for i, container in enumerate(definition.container_definitions):
        yield f"container_definitions[{i}]", container


def _identity(definition: Definition) -> Iterator[Finding]:
    for path, container in containers(definition):
        if container.name is None:
            yield finding(f"{path}.name", "container-name", "required for each container")
        if container.image is None:
            yield finding(f"{path}.image", "image", "required for each container")


def _memory(definition: Definition) -> Iterator[Finding]:
    for path, container in containers(definition):
        memory, reservation = container.memory, container.memory_reservation
        if not definition.memory and not memory and not reservation:
            text = "requires memory or memory_reservation, because the task has no memory"
            yield finding(f"{path}.memory", "container-memory", text)
        if memory is not None and reservation is not None and memory < reservation:
            yield finding(f"{path}.memory", "container-memory", "must not be less than memory_reservation")


def _depends_on(definition: Definition) -> Iterator[Finding]:
    known = {container.name: container for _, container in containers(definition)}
    for path, container in containers(definition):
        for i, dependency in enumerate(container.depends_on):
            at, name = f"{path}.depends_on[{i}]", dependency.container_name
            other = known.get(name)
            if other is None:
                yield finding(
                    f"{at}.container_name", "depends-on-unknown", f"the task definition has no container {name}"
                )
            elif dependency.condition == "HEALTHY" and other.health_check is None:
                yield finding(f"{at}.condition", "depends-on-healthy", f"the container {name} has no health check")
            elif dependency.condition in ("COMPLETE", "SUCCESS") and other.essential is not False:
                text = f"the container {name} is essential: when it ends, the task does"
                yield finding(f"{at}.condition", "depends-on-complete", text)


def _cycles(definition: Definition) -> Iterator[Finding]:
    after = {
        container.name: [dependency.container_name for dependency in container.depends_on]
        for _, container in containers(definition)
        if container.name is not None
    }
    for path, container in containers(definition):
        if container.name is not None and container.name in _reachable(after, container.name):
            yield finding(f"{path}.depends_on", "depends-on-cycle", f"{container.name} depends on itself")


def _reachable(after: Mapping[str, Sequence[str]], start: str) -> set[str]:
    """Return the containers that a container depends on, directly or not."""
    found: set[str] = set()
    todo = [*after[start]]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += after.get(name, ())
    return found


def _logs(definition: Definition) -> Iterator[Finding]:
    for path, container in containers(definition):
        logs = container.log_configuration
        if logs is None:
            continue
        for kind, missing in _LOG_DRIVERS.items():
            if is_for(definition, kind) and logs.log_driver in missing:
                text = f"{kind} does not support {logs.log_driver}"
                yield finding(f"{path}.log_configuration.log_driver", "log-driver", text)
        if logs.log_driver == "awslogs":
            needed = ["awslogs-group", "awslogs-region"]
            needed += ["awslogs-stream-prefix"] if is_for(definition, "FARGATE") else []
            given = {*logs.options, *(secret.name for secret in logs.secret_options)}
            for option in needed:
                if option not in given:
                    yield finding(f"{path}.log_configuration.options", "log-options", f"awslogs requires {option}")


def _fargate(definition: Definition) -> Iterator[Finding]:
    if not is_for(definition, "FARGATE"):
        return
    low, high = _TIMEOUTS
    for path, container in containers(definition):
        for member, seconds in (("start_timeout", container.start_timeout), ("stop_timeout", container.stop_timeout)):
            if seconds is not None and not low <= seconds <= high:
                yield finding(f"{path}.{member}", "fargate-timeouts", f"expected {low} to {high} seconds on Fargate")
        linux, firelens = container.linux_parameters, container.firelens_configuration
        if linux is not None and linux.capabilities is not None:
            refused = sorted(_KNOWN_CAPABILITIES.intersection(linux.capabilities.add))
            if refused:
                text = f"Fargate adds only SYS_PTRACE, not {', '.join(refused)}"
                yield finding(f"{path}.linux_parameters.capabilities.add", "fargate-capabilities", text)
        if firelens is not None and firelens.options.get("config-file-type") == "s3":
            text = "Fargate supports only configuration files of the type file"
            yield finding(f"{path}.firelens_configuration.options", "fargate-firelens", text)


CONTAINER_RULES: Sequence[Rule] = (_identity, _memory, _depends_on, _cycles, _logs, _fargate)
