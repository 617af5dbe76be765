"""The table of rules about task definitions."""

from __future__ import annotations

from collections.abc import Sequence

from ecskit._rules.containers import CONTAINER_RULES
from ecskit._rules.definition import TaskDefinitionWire
from ecskit._rules.environment import ENVIRONMENT_RULES
from ecskit._rules.fargate import FARGATE_RULES
from ecskit._rules.network import NETWORK_RULES
from ecskit._rules.rule import Rule
from ecskit._rules.task import TASK_RULES
from ecskit._rules.tree import TREE_RULES
from ecskit._rules.volumes import VOLUME_RULES

__all__ = ["LAUNCH_TYPE_RULES", "RULES"]

RULES: Sequence[Rule[TaskDefinitionWire]] = (
    *TREE_RULES,
    *TASK_RULES,
    *CONTAINER_RULES,
    *ENVIRONMENT_RULES,
    *NETWORK_RULES,
    *VOLUME_RULES,
    *FARGATE_RULES,
)
"""Every rule, in the order in which the simulator applies them."""

LAUNCH_TYPE_RULES: Sequence[Rule[TaskDefinitionWire]] = (*TASK_RULES, *ENVIRONMENT_RULES, *FARGATE_RULES)
"""The rules that refuse for one launch type what they accept for another."""
