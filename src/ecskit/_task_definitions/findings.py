"""The findings of `validate`, and the rules with the AWS pages that document them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from ecskit._core.documented import Documented
from ecskit._core.errors import RequestError

__all__ = ["RULES", "Finding", "finding", "raise_for_findings"]


def _api(structure: str) -> str:
    return f"https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_{structure}.html"


def _guide(page: str) -> str:
    return f"https://docs.aws.amazon.com/AmazonECS/latest/developerguide/{page}.html"


_PARAMETERS = _guide("task_definition_parameters")
_FARGATE = _guide("fargate-tasks-services")
_SIZES = _guide("task-cpu-memory-error")

RULES: Mapping[str, str] = {
    "type": _api("RegisterTaskDefinition"),
    # The task.
    "attestation-policy": _api("TrustedExecutionConfiguration"),
    "containers": _api("RegisterTaskDefinition"),
    "ephemeral-storage": _api("EphemeralStorage"),
    "essential": _api("ContainerDefinition"),
    "execution-role": _guide("task_execution_IAM_role"),
    "family": _api("RegisterTaskDefinition"),
    "memory-sum": _api("ContainerDefinition"),
    "placement-constraints": _api("RegisterTaskDefinition"),
    "tags": _api("Tag"),
    "task-size": _api("RegisterTaskDefinition"),
    "unique-containers": _PARAMETERS,
    # Its containers.
    "container-memory": _api("ContainerDefinition"),
    "container-name": _PARAMETERS,
    "credential-specs": _api("ContainerDefinition"),
    "depends-on-complete": _api("ContainerDependency"),
    "depends-on-cycle": _api("ContainerDependency"),
    "depends-on-healthy": _api("ContainerDependency"),
    "depends-on-unknown": _api("ContainerDependency"),
    "environment-files": _api("EnvironmentFile"),
    "health-check": _api("HealthCheck"),
    "image": _PARAMETERS,
    "log-driver": _api("LogConfiguration"),
    "log-options": _api("LogConfiguration"),
    "restart-policy": _api("ContainerRestartPolicy"),
    "swappiness": _api("LinuxParameters"),
    # Their networks.
    "awsvpc-unsupported": _api("ContainerDefinition"),
    "host-port": _api("PortMapping"),
    "links": _api("ContainerDefinition"),
    "no-network": _api("RegisterTaskDefinition"),
    "port": _api("PortMapping"),
    "port-name": _api("PortMapping"),
    "port-range": _api("PortMapping"),
    "port-twice": _api("PortMapping"),
    # Their volumes.
    "efs-access-point": _api("EFSAuthorizationConfig"),
    "efs-encryption": _api("EFSAuthorizationConfig"),
    "mount-points": _api("MountPoint"),
    "s3files": _api("S3FilesVolumeConfiguration"),
    "volume-kind": _api("Volume"),
    "volume-name": _api("Volume"),
    "volumes-at-launch": _api("Volume"),
    "volumes-from": _api("VolumeFrom"),
    # On Fargate, and on Windows.
    "fargate-capabilities": _api("KernelCapabilities"),
    "fargate-cpu-sum": _api("ContainerDefinition"),
    "fargate-firelens": _api("FirelensConfiguration"),
    "fargate-network-mode": _api("RegisterTaskDefinition"),
    "fargate-size": _SIZES,
    "fargate-timeouts": _api("ContainerDefinition"),
    "fargate-unsupported": _FARGATE,
    "windows-unsupported": _api("ContainerDefinition"),
}
"""The AWS page that documents each rule, by the name of the rule."""


@attrs.frozen
class Finding(Documented):
    """One problem of a task definition."""

    path: str
    """The path, such as `container_definitions[0].port_mappings[1].host_port`; empty for the whole definition."""
    rule: str
    """The name of the rule, such as `host-port`."""
    text: str
    """The problem, in words."""
    source: str
    """The AWS page that documents the rule."""

    def __str__(self) -> str:
        return f"{self.path}: {self.text} ({self.rule})" if self.path else f"{self.text} ({self.rule})"


def finding(path: str, rule: str, text: str) -> Finding:
    """Return a finding with the source of its rule."""
    return Finding(path, rule, text, RULES[rule])


def raise_for_findings(findings: Iterable[Finding]) -> None:
    """Raise an error if there are findings: `raise_for_findings(validate(definition))`.

    Raises:
        RequestError: There are findings; `problems` has them all.
    """
    problems = [(found.path, f"{found.text} ({found.rule})") for found in findings]
    if problems:
        raise RequestError("task definition", problems)
