"""Rules about a whole task definition: its size, roles, tags and launch types."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from ecskit._task_definitions.fargate import SIZES, WINDOWS_CPU, cpu_units, memory_mib
from ecskit._task_definitions.findings import Finding, finding
from ecskit._task_definitions.limits import is_for, is_windows
from ecskit._task_definitions.normalizing import Definition
from ecskit.models.task_definitions import RegisterTaskDefinitionRequest

__all__ = ["TASK_RULES", "Rule"]

Rule: TypeAlias = Callable[[Definition], Iterator[Finding]]

_LEAST_CPU, _MOST_CPU = 128, 196608


def _unique_containers(definition: Definition) -> Iterator[Finding]:
    counts = Counter(container.name for container in definition.container_definitions)
    for i, container in enumerate(definition.container_definitions):
        if container.name and counts[container.name] > 1:
            path = f"container_definitions[{i}].name"
            yield finding(path, "unique-containers", f"more than one container has the name {container.name}")


def _essential(definition: Definition) -> Iterator[Finding]:
    containers = definition.container_definitions
    if containers and all(container.essential is False for container in containers):
        yield finding("container_definitions", "essential", "at least one container must be essential")


def _size(definition: Definition) -> Iterator[Finding]:
    cpu, memory = cpu_units(definition.cpu or ""), memory_mib(definition.memory or "")
    if definition.cpu and cpu is None:
        yield finding("cpu", "task-size", "expected CPU units, such as 1024, or vCPUs, such as 1 vCPU")
    if definition.memory and memory is None:
        yield finding("memory", "task-size", "expected MiB, such as 2048, or GB, such as 2 GB")
    if is_for(definition, "FARGATE"):
        yield from _fargate_size(definition, cpu, memory)
    elif not is_for(definition, "MANAGED_INSTANCES") and cpu is not None and not _LEAST_CPU <= cpu <= _MOST_CPU:
        yield finding("cpu", "task-size", f"expected {_LEAST_CPU} to {_MOST_CPU} CPU units")


def _fargate_size(definition: Definition, cpu: int | None, memory: int | None) -> Iterator[Finding]:
    for name, given in (("cpu", definition.cpu), ("memory", definition.memory)):
        if not given:
            yield finding(name, "fargate-size", f"Fargate requires {name} for the task")
    if cpu is None:
        return
    offered = [units for units in SIZES if units in WINDOWS_CPU] if is_windows(definition) else [*SIZES]
    if cpu not in offered:
        yield finding("cpu", "fargate-size", f"expected one of {', '.join(map(str, offered))} CPU units")
    elif memory is not None and memory not in SIZES[cpu]:
        yield finding("memory", "fargate-size", f"with {cpu} CPU units, expected {_range_text(SIZES[cpu])} MiB")


def _range_text(sizes: Sequence[int]) -> str:
    if isinstance(sizes, range):
        return f"{sizes[0]} to {sizes[-1]}, in steps of {sizes.step}"
    return f"one of {', '.join(map(str, sizes))}"


def _sums(definition: Definition) -> Iterator[Finding]:
    containers = definition.container_definitions
    cpu, memory = cpu_units(definition.cpu or ""), memory_mib(definition.memory or "")
    wanted = sum(c.memory_reservation or c.memory or 0 for c in containers)
    if memory is not None and wanted > memory and not is_windows(definition):
        yield finding("memory", "memory-sum", f"the containers reserve {wanted} MiB, the task has {memory}")
    wanted = sum(c.cpu or 0 for c in containers)
    if is_for(definition, "FARGATE") and cpu is not None and wanted > cpu:
        yield finding("cpu", "fargate-cpu-sum", f"the containers reserve {wanted} CPU units, the task has {cpu}")


def _fargate_network(definition: Definition) -> Iterator[Finding]:
    if is_for(definition, "FARGATE") and definition.network_mode in (None, "bridge", "host", "none"):
        yield finding("network_mode", "fargate-network-mode", "Fargate requires awsvpc")


def _fargate_pid_mode(definition: Definition) -> Iterator[Finding]:
    if is_for(definition, "FARGATE") and definition.pid_mode == "host":
        yield finding("pid_mode", "fargate-unsupported", "Fargate supports only task")


def _execution_role(definition: Definition) -> Iterator[Finding]:
    if definition.execution_role_arn:
        return
    for i, container in enumerate(definition.container_definitions):
        logs = container.log_configuration
        needs = (
            ("secrets", bool(container.secrets)),
            ("repository_credentials", container.repository_credentials is not None),
            ("log_configuration.secret_options", logs is not None and bool(logs.secret_options)),
            (
                "log_configuration",
                logs is not None and logs.log_driver == "awslogs" and is_for(definition, "FARGATE"),
            ),
        )
        for member, needed in needs:
            if needed:
                path = f"container_definitions[{i}].{member}"
                yield finding(path, "execution-role", "requires an execution_role_arn in the task definition")


def _tags(definition: Definition) -> Iterator[Finding]:
    if isinstance(definition, RegisterTaskDefinitionRequest):
        counts = Counter(tag.key for tag in definition.tags)
        for i, tag in enumerate(definition.tags):
            if counts[tag.key] > 1:
                yield finding(f"tags[{i}].key", "tags", f"the key {tag.key} is not unique")


def _attestation(definition: Definition) -> Iterator[Finding]:
    trusted = definition.trusted_execution_configuration
    if trusted is not None and trusted.isolation_mode == "CONFIDENTIAL_SANDBOX" and not trusted.attestation_policy:
        path = "trusted_execution_configuration.attestation_policy"
        yield finding(path, "attestation-policy", "required with the isolation mode CONFIDENTIAL_SANDBOX")


TASK_RULES: Sequence[Rule] = (
    _unique_containers,
    _essential,
    _size,
    _sums,
    _fargate_network,
    _fargate_pid_mode,
    _execution_role,
    _tags,
    _attestation,
)
