"""The tables of rules about task definitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ecskit._rules.checks import fits
from ecskit._rules.containers import CONTAINER_RULES
from ecskit._rules.definition import TaskDefinitionWire
from ecskit._rules.environment import ENVIRONMENT_RULES
from ecskit._rules.fargate import FARGATE_RULES
from ecskit._rules.network import NETWORK_RULES
from ecskit._rules.rule import Finding, Places, Problem, Rule, api, find, guide
from ecskit._rules.task import TASK_RULES
from ecskit._rules.tree import TREE_RULES
from ecskit._rules.volumes import VOLUME_RULES

__all__ = ["LAUNCH_TYPE_RULES", "RULES", "findings", "launch_type_findings"]


def _managed_network(definition: TaskDefinitionWire, _: Places) -> Iterator[Problem]:
    if definition.mode == "bridge":
        yield Problem("networkMode", "MANAGED_INSTANCES runs tasks with a network mode of awsvpc or host only")


RULES: Sequence[Rule[TaskDefinitionWire]] = (
    *TREE_RULES,
    *TASK_RULES,
    *CONTAINER_RULES,
    *ENVIRONMENT_RULES,
    *NETWORK_RULES,
    *VOLUME_RULES,
)
"""The rules about all task definitions, in the order in which the simulator applies them."""

LAUNCH_TYPE_RULES: Mapping[str, Sequence[Rule[TaskDefinitionWire]]] = {
    "FARGATE": FARGATE_RULES,
    "EXTERNAL": (
        Rule(
            "external-network-mode",
            "networkMode",
            fits(lambda mode: mode != "awsvpc", "EXTERNAL does not support awsvpc"),
            source=guide("ecs-anywhere"),
        ),
    ),
    "MANAGED_INSTANCES": (
        Rule(
            "managed-network-mode",
            "",
            _managed_network,
            source=guide("managed-instance-networking"),
            severity="hint",
        ),
        Rule(
            "log-driver",
            "containerDefinitions[].logConfiguration.logDriver",
            fits(
                lambda driver: driver not in {"fluentd", "gelf", "journald", "syslog"},
                "MANAGED_INSTANCES does not support {value}",
            ),
            source=api("LogConfiguration"),
        ),
    ),
}
"""Further rules about task definitions for a launch type."""


def findings(definition: TaskDefinitionWire) -> Iterator[Finding]:
    """Yield what all rules find in a task definition."""
    yield from find(RULES, definition)
    for launch_type in sorted(definition.launch_types):
        yield from launch_type_findings(definition, launch_type)


def launch_type_findings(definition: TaskDefinitionWire, launch_type: str) -> Iterator[Finding]:
    """Yield what the rules about a launch type find, whether or not the definition is meant for it."""
    return find(LAUNCH_TYPE_RULES.get(launch_type, ()), definition)
