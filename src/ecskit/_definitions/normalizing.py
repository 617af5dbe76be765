"""The normal form of a definition: a tree without what ECS fills in, drops or reorders, and with secrets hidden.

Each kind of definition has a `Form` with its tables. Two definitions that mean the same have the same normal form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import attrs

from ecskit._core.members import Member, members
from ecskit._core.model import Model
from ecskit.models.common import KeyValuePair, Secret, Tag

__all__ = ["Form", "Hidden", "Keyed", "normal_tags"]

IsDefault = Callable[[Model, str, Any], bool]


@attrs.frozen(repr=False)
class Hidden:
    """A secret value. It can be compared, but its `repr` does not show it."""

    value: Any


class Keyed(dict[str, Any]):
    """The items of a list by their keys. A plain dict holds members by their names."""


@attrs.frozen
class Form:
    """What the normal form of a kind of definition leaves out."""

    defaults: Mapping[type[Model], Mapping[str, Any]]
    """Values that mean the same as an absent member, by structure and member."""
    keys: Mapping[type[Model], Callable[[Any], Any]]
    """The key of an item, for lists whose order has no meaning."""
    values: Mapping[type[Model], str]
    """The value member of structures that are a key and a value."""
    sets: frozenset[str]
    """Lists of plain values whose order has no meaning."""
    empty_is_absent: frozenset[str]
    """Members whose empty structure means the same as absence."""

    def tree(self, model: Model, is_default: IsDefault | None = None) -> dict[str, Any]:
        """Return the normal form of a structure. `is_default` finds defaults that depend on other members."""
        return self._tree(model, is_default or (lambda _model, _name, _value: False))

    def items(self, values: Sequence[Any], is_default: IsDefault | None = None) -> Any:
        """Return the items by their keys, or as a list if keys are absent or not unique."""
        return self._items(values, is_default or (lambda _model, _name, _value: False))

    def _tree(self, model: Model, is_default: IsDefault) -> dict[str, Any]:
        tree: dict[str, Any] = {}
        defaults = self.defaults.get(type(model), {})
        for m in members(type(model)):
            value = getattr(model, m.name)
            if value is None or (m.kind.container and not value) or is_default(model, m.name, value):
                continue
            if m.name in defaults and value == defaults[m.name]:
                continue
            part = self._part(m, value, is_default)
            if part or m.name not in self.empty_is_absent:
                tree[m.name] = _hide(part) if m.sensitive else part
        if model.extra_fields:
            # An unknown member may be secret.
            tree["extra_fields"] = Keyed({name: Hidden(value) for name, value in model.extra_fields.items()})
        return tree

    def _part(self, m: Member, value: Any, is_default: IsDefault) -> Any:
        if m.kind.container == "list":
            return sorted(value, key=str) if m.name in self.sets else self._items(value, is_default)
        if m.kind.container == "map":
            return Keyed(value)
        return self._tree(value, is_default) if isinstance(value, Model) else value

    def _items(self, values: Sequence[Any], is_default: IsDefault) -> Any:
        key = self.keys.get(type(values[0]))
        keys = [key(value) for value in values] if key else []
        trees = [self._item(value, is_default) for value in values]
        if key is None or None in keys or len(set(keys)) < len(keys):
            return trees
        return Keyed(zip(keys, trees, strict=True))

    def _item(self, value: Any, is_default: IsDefault) -> Any:
        if not isinstance(value, Model):
            return value
        member = self.values.get(type(value))
        if member is None or value.extra_fields:
            return self._tree(value, is_default)
        plain = getattr(value, member) or ""
        return Hidden(plain) if member in type(value)._sensitive else plain


def normal_tags(tags: Sequence[Tag]) -> Any:
    """Return the normal form of tags, without those that AWS sets."""
    own = [tag for tag in tags if not (tag.key or "").startswith("aws:")]
    return PAIRS.items(own) if own else Keyed()


PAIRS = Form(
    defaults={},
    keys={KeyValuePair: attrgetter("name"), Secret: attrgetter("name"), Tag: attrgetter("key")},
    values={KeyValuePair: "value", Secret: "value_from", Tag: "value"},
    sets=frozenset(),
    empty_is_absent=frozenset(),
)
"""What all definitions have: variables, secrets and tags."""


def _hide(tree: Any) -> Any:
    if isinstance(tree, dict):
        hidden = {key: _hide(value) for key, value in tree.items()}
        return Keyed(hidden) if isinstance(tree, Keyed) else hidden
    return tree if isinstance(tree, Hidden) else Hidden(tree)
