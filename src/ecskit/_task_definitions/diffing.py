"""Compare two task definitions. The difference contains no secrets, so that it can be logged.

The comparison is between normal forms: `normalizing` has removed the differences that do not matter to ECS.
"""

from __future__ import annotations

from typing import Any

from ecskit._definitions.diffing import Difference, changes, is_short_for, tag_changes
from ecskit._definitions.normalizing import Keyed
from ecskit._task_definitions.normalizing import Definition, check, normal
from ecskit.models.task_definitions import RegisterTaskDefinitionRequest, TaskDefinition

__all__ = ["compare", "diff"]

_ROLES = ("task_role_arn", "execution_role_arn")


def diff(old: Definition, new: Definition) -> Difference:
    """Compare two task definitions, each as ECS described it or as a request to register it.

    Defaults of ECS and the order of lists that ECS reorders are ignored. Tags are compared if both are requests; a
    described definition does not contain its tags. An unknown top-level member of a described definition is compared
    only if the other definition has it too, because it may not be allowed in a request.

    Args:
        old: The definition before.
        new: The definition after.

    Returns:
        The changes from `old` to `new`. For environment variables, options of log drivers, credentials and unknown
        members, the difference shows that they changed, but not their values.

    Raises:
        RequestError: A member has a wrong type.
    """
    for definition in (old, new):
        check(definition)
    return compare(old, new)


def compare(old: Definition, new: Definition) -> Difference:
    """Compare as `diff` does, without checking types: responses of ECS are accepted as they are."""
    before, after = normal(old), normal(new)
    for role in _ROLES:
        if is_short_for(before.get(role), after.get(role)) or is_short_for(after.get(role), before.get(role)):
            before[role] = after[role]
    _drop_unknown(old, before, after)
    _drop_unknown(new, after, before)
    found = [*changes(before, after)]
    if isinstance(old, RegisterTaskDefinitionRequest) and isinstance(new, RegisterTaskDefinitionRequest):
        found += tag_changes(old.tags, new.tags)
    return Difference(found)


def _drop_unknown(definition: Definition, tree: dict[str, Any], other: dict[str, Any]) -> None:
    if isinstance(definition, TaskDefinition) and "extra_fields" in tree:
        common = {k: v for k, v in tree["extra_fields"].items() if k in other.get("extra_fields", {})}
        tree["extra_fields"] = Keyed(common)
