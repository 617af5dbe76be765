"""Polls: a resource that has not changed since an earlier poll is not decoded again.

Most polls show what earlier ones showed. A digest of each raw resource is kept with the model that was made of it, for
as long as a wait holds the model; the flows of a client share these models. So nothing in them can be changed: their
lists and maps refuse it. They are no tuples, which do not equal lists and look different.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, NoReturn, TypeAlias, TypeVar
from weakref import WeakValueDictionary

from .call import call
from .effects import Flow, Share
from .errors import RequestError
from .members import Member, members
from .model import Model, Request, Response
from .structuring import set_slot, structure_hook

__all__ = ["FrozenDict", "FrozenList", "Unchanged", "polled"]

R = TypeVar("R", bound=Response)


def polled(request: Request[R]) -> Flow[R]:
    """Send one request of a flow that polls, and return its response: one attempt, because the flow repeats it."""
    unchanged: Unchanged = (yield Share(Unchanged)).get()
    return (yield from call(request, single_attempt=True, structure=unchanged.structure))


class Unchanged:
    """The models in earlier responses to the polls of a client, as long as others hold them.

    Threads use it at the same time. If two of them decode the same resource, they get two equal models.
    """

    def __init__(self) -> None:
        self._models: WeakValueDictionary[tuple[type[Model], bytes], Model] = WeakValueDictionary()

    def structure(self, data: Any, cls: type[Any]) -> Any:
        """Make a response as its structure hook does, with the models of earlier responses in its lists."""
        lists = [m for m in _lists_of_models(cls) if isinstance(data, dict) and data.get(m.wire).__class__ is list]
        try:
            shared = {m: [self._model(raw, m.kind.type) for raw in data[m.wire]] for m in lists}
        except (RequestError, ValueError, RecursionError):
            # The error of the whole names the place. A double of the botocore client may return what JSON cannot hold.
            return structure_hook(cls)(data, cls)
        response = structure_hook(cls)({**data, **{m.wire: [] for m in lists}} if lists else data, cls)
        for m, models in shared.items():
            set_slot(cls, m.name)(response, models)
        return response

    def _model(self, raw: Any, cls: type[Model]) -> Model | None:
        if raw is None:
            return None
        # Version 2 of the format depends on the values alone. Later ones depend on which objects are the same.
        key = cls, sha256(marshal.dumps(raw, 2)).digest()
        model = self._models.get(key)
        if model is None:
            model = self._models[key] = _frozen(structure_hook(cls)(raw, cls))
        return model


def _lists_of_models(cls: type[Model]) -> Sequence[Member]:
    return [m for m in members(cls) if m.kind.container == "list" and m.kind.shape == "model"]


_Holder: TypeAlias = tuple[str, Callable[[Any, Any], None]]
"""The name of an attribute that may hold lists, maps or models, and the function that sets it."""
_holders: dict[type[Model], Sequence[_Holder]] = {}


def _read_holders(cls: type[Model]) -> Sequence[_Holder]:
    held = [m.name for m in members(cls) if m.kind.container or m.kind.shape in ("model", "json")]
    return [(name, set_slot(cls, name)) for name in [*held, "extra_fields"]]


def _frozen(value: Any) -> Any:
    """Return `value` with lists and maps that cannot be changed. A model that was just made is changed in place."""
    if value.__class__ is list:
        return FrozenList(map(_frozen, value))
    if value.__class__ is dict:
        return FrozenDict({key: _frozen(item) for key, item in value.items()})
    if isinstance(value, Model):
        cls = value.__class__
        for name, set_one in _holders.get(cls) or _holders.setdefault(cls, _read_holders(cls)):
            held = getattr(value, name)
            if held is not None:
                set_one(value, _frozen(held))
    return value


def _refuse(self: object, *_: object, **__: object) -> NoReturn:
    kind = "list" if isinstance(self, list) else "dict"
    raise TypeError(f"this {kind} belongs to a model, which is immutable and may be shared; change a copy: {kind}(...)")


class FrozenList(list[Any]):
    """A list that cannot be changed. Copies of it, pickled ones too, are usual lists."""

    __slots__ = ()

    append = extend = insert = pop = remove = clear = sort = reverse = _refuse
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse

    def __reduce_ex__(self, _: object) -> Any:
        return list, (list(self),)


class FrozenDict(dict[str, Any]):
    """A dict that cannot be changed. Copies of it, pickled ones too, are usual dicts."""

    __slots__ = ()

    update = pop = popitem = clear = setdefault = _refuse
    __setitem__ = __delitem__ = __ior__ = _refuse

    def __reduce_ex__(self, _: object) -> Any:
        return dict, (dict(self),)
