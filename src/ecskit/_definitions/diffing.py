"""The difference between two normal forms. It contains no secrets, so that it can be logged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from ecskit._core.documented import Documented
from ecskit._definitions.normalizing import Hidden, Keyed, normal_tags
from ecskit.models.common import Tag

__all__ = ["Change", "Difference", "changes", "is_short_for", "tag_changes"]

_HIDDEN = "***"


@attrs.frozen
class Change(Documented):
    """One difference between two definitions. Secrets and the values of unknown members are `***`."""

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
    """All differences between two definitions; empty and false if they are equal. `str` has a line for each."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join(map(str, self)) or "no difference"


def tag_changes(old: Sequence[Tag], new: Sequence[Tag]) -> Iterator[Change]:
    """Yield the changes from one set of tags to another."""
    return changes(normal_tags(old), normal_tags(new), "tags")


def is_short_for(role: str | None, arn: str | None) -> bool:
    """Return whether one is the name and the other the ARN of the same role: ECS accepts both."""
    return bool(role and arn) and ":" not in str(role) and str(arn).endswith(f"/{role}")


def changes(before: Any, after: Any, path: str = "") -> Iterator[Change]:
    """Yield the changes from one normal form to another. `path` is where they are."""
    keyed = isinstance(before, Keyed) or isinstance(after, Keyed)
    if keyed:  # an absent list is an empty list
        before, after = (Keyed() if tree is None else tree for tree in (before, after))
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            yield from changes(before.get(key), after.get(key), _below(path, key, keyed=keyed))
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
