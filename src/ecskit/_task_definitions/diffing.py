"""What differs between two task definitions, in a form that can be shown to people and written to logs.

Decides where two normal forms differ. Refuses to know which differences matter: `normalizing` has left out those that
do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from ecskit._task_definitions.normalizing import Definition, Hidden, Keyed, check, normal, normal_tags
from ecskit.models.common import Tag
from ecskit.models.task_definitions import RegisterTaskDefinitionRequest, TaskDefinition

__all__ = ["Change", "Difference", "compare", "diff", "tag_changes"]

_ROLES = ("task_role_arn", "execution_role_arn")
_HIDDEN = "***"


@attrs.frozen
class Change:
    """One place where two task definitions differ. It holds no secrets: they are `***` in it, as is what is unknown."""

    path: str
    """Where, such as `container_definitions['app'].environment['MODE']`: items of lists by what names them."""
    before: Any
    """What was there, in plain values; None if nothing was, or what ECS takes nothing to be."""
    after: Any
    """What is there now; None if nothing is."""

    def __str__(self) -> str:
        if self.before is None:
            return f"+ {self.path}: {self.after!r}"
        if self.after is None:
            return f"- {self.path}: {self.before!r}"
        if self.before == self.after:
            return f"~ {self.path}: another value"
        return f"~ {self.path}: {self.before!r} -> {self.after!r}"


class Difference(tuple[Change, ...]):
    """All places where two task definitions differ; empty, and false, if there are none. It prints a line for each."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join(map(str, self)) or "no difference"


def diff(old: Definition, new: Definition) -> Difference:
    """Compare two task definitions, each as ECS described it or as a request to register it.

    What ECS fills in, and lists that it reorders, are no difference. Tags are compared if both are requests, because
    ECS describes them beside a definition. Members at the top that ecskit does not know, and that ECS answered, are
    compared if the other definition has them too: nobody can tell whether a request could have them.

    Args:
        old: The one.
        new: The other.

    Returns:
        The changes from one to the other. Values of environment variables, options of log drivers, credentials, and
        members that ecskit does not know, are not in it: only that they differ.

    Raises:
        RequestError: Something in them is not of its type.
    """
    for definition in (old, new):
        check(definition)
    return compare(old, new)


def compare(old: Definition, new: Definition) -> Difference:
    """Do the same without a look at the types: what ECS answered is taken as it is."""
    before, after = normal(old), normal(new)
    for role in _ROLES:
        if _is_short_for(before.get(role), after.get(role)) or _is_short_for(after.get(role), before.get(role)):
            before[role] = after[role]
    _leave_out_answers(old, before, after)
    _leave_out_answers(new, after, before)
    changes = [*_changes(before, after, "")]
    if isinstance(old, RegisterTaskDefinitionRequest) and isinstance(new, RegisterTaskDefinitionRequest):
        changes += tag_changes(old.tags, new.tags)
    return Difference(changes)


def tag_changes(old: Sequence[Tag], new: Sequence[Tag]) -> Iterator[Change]:
    """Yield the changes from one set of tags to another."""
    return _changes(normal_tags(old), normal_tags(new), "tags")


def _is_short_for(role: str | None, arn: str | None) -> bool:
    """Whether a role is told by its name and by its ARN: ECS takes both."""
    return bool(role and arn) and ":" not in str(role) and str(arn).endswith(f"/{role}")


def _leave_out_answers(definition: Definition, tree: dict[str, Any], other: dict[str, Any]) -> None:
    if isinstance(definition, TaskDefinition) and "extra_fields" in tree:
        common = {k: v for k, v in tree["extra_fields"].items() if k in other.get("extra_fields", {})}
        tree["extra_fields"] = Keyed(common)


def _changes(before: Any, after: Any, path: str) -> Iterator[Change]:
    keyed = isinstance(before, Keyed) or isinstance(after, Keyed)
    if keyed:  # a list that is not there has no items
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
    """Return a part of a normal form without its secrets."""
    if isinstance(tree, Hidden):
        return _HIDDEN
    if isinstance(tree, dict):
        return {key: _plain(value) for key, value in tree.items()}
    return [_plain(item) for item in tree] if isinstance(tree, list) else tree
