"""Compare two task definitions. The difference contains no secrets, so that it can be logged.

The comparison is between normal forms: `normalizing` has removed the differences that do not matter to ECS.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from ecskit._core.documented import Documented
from ecskit._task_definitions.normalizing import Definition, Hidden, Keyed, check, normal, normal_tags
from ecskit.models.common import Tag
from ecskit.models.task_definitions import RegisterTaskDefinitionRequest, TaskDefinition

__all__ = ["Change", "Difference", "compare", "diff", "tag_changes"]

_ROLES = ("task_role_arn", "execution_role_arn")
_HIDDEN = "***"


@attrs.frozen
class Change(Documented):
    """One difference between two task definitions. Secrets and the values of unknown members are `***`."""

    path: str
    """The path, such as `container_definitions['app'].environment['MODE']`. List items are named by their keys."""
    before: Any
    """The old value, as plain data; None if it is absent or the default of ECS."""
    after: Any
    """The new value; None if it is absent or the default of ECS."""

    def __str__(self) -> str:
        if self.before is None:
            return f"+ {self.path}: {self.after!r}"
        if self.after is None:
            return f"- {self.path}: {self.before!r}"
        if self.before == self.after:
            return f"~ {self.path}: changed"
        return f"~ {self.path}: {self.before!r} -> {self.after!r}"


class Difference(tuple[Change, ...]):
    """All differences between two task definitions; empty and false if they are equal. `str` has a line for each."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join(map(str, self)) or "no difference"


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
        if _is_short_for(before.get(role), after.get(role)) or _is_short_for(after.get(role), before.get(role)):
            before[role] = after[role]
    _drop_unknown(old, before, after)
    _drop_unknown(new, after, before)
    changes = [*_changes(before, after, "")]
    if isinstance(old, RegisterTaskDefinitionRequest) and isinstance(new, RegisterTaskDefinitionRequest):
        changes += tag_changes(old.tags, new.tags)
    return Difference(changes)


def tag_changes(old: Sequence[Tag], new: Sequence[Tag]) -> Iterator[Change]:
    """Yield the changes from one set of tags to another."""
    return _changes(normal_tags(old), normal_tags(new), "tags")


def _is_short_for(role: str | None, arn: str | None) -> bool:
    """Return whether one is the name and the other the ARN of the same role: ECS accepts both."""
    return bool(role and arn) and ":" not in str(role) and str(arn).endswith(f"/{role}")


def _drop_unknown(definition: Definition, tree: dict[str, Any], other: dict[str, Any]) -> None:
    if isinstance(definition, TaskDefinition) and "extra_fields" in tree:
        common = {k: v for k, v in tree["extra_fields"].items() if k in other.get("extra_fields", {})}
        tree["extra_fields"] = Keyed(common)


def _changes(before: Any, after: Any, path: str) -> Iterator[Change]:
    keyed = isinstance(before, Keyed) or isinstance(after, Keyed)
    if keyed:  # an absent list is an empty list
        before, after = (Keyed() if tree is None else tree for tree in (before, after))
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            yield from _changes(before.get(key), after.get(key), _below(path, key, keyed=keyed))
    elif before != after:
        yield Change(path, _plain(before), _plain(after))


def _below(path: str, key: str, *, keyed: bool) -> str:
    if keyed:
        return f"{path}[{key!r}]"
    return f"{path}.{key}" if path else key


def _plain(tree: Any) -> Any:
    """Return a part of a normal form, without secrets."""
    if isinstance(tree, Hidden):
        return _HIDDEN
    if isinstance(tree, dict):
        return {key: _plain(value) for key, value in tree.items()}
    return [_plain(item) for item in tree] if isinstance(tree, list) else tree
