"""Polls: a resource that has not changed since an earlier poll is not decoded again.

Most polls show what earlier ones showed. The text of each resource is kept with the model that was made of it, for as
long as a wait holds the model; the flows of a client share these models. So nothing in them can be changed: their lists
and maps refuse it. They are no tuples, which do not equal lists and look different.

No parser is needed to find an unchanged resource: where the text of a whole JSON object begins, nothing else can be.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NoReturn, TypeAlias, TypeVar
from weakref import ref

import attrs

from .call import call
from .effects import Flow, Share
from .errors import RequestError
from .members import Member, members
from .model import Model, Request, Response
from .structuring import set_slot, structure_hook

__all__ = ["FrozenDict", "FrozenList", "Unchanged", "polled"]

R = TypeVar("R", bound=Response)

_parse = json.JSONDecoder().raw_decode
"""Parse the JSON at a place of a text. Return the value and where it ends."""
_NEXT = re.compile(r"\s*([],])\s*")
"""What follows an item of a list."""


def polled(request: Request[R]) -> Flow[R]:
    """Send one request of a flow that polls, and return its response: one attempt, because the flow repeats it."""
    unchanged: Unchanged = (yield Share(Unchanged)).get()
    return (yield from call(request, single_attempt=True, read=unchanged.read))


class _Shown(ref[Model]):
    """A model, as long as others hold it, and the text of which it was made."""

    __slots__ = ("key", "text")

    key: _Key
    text: str


_Key: TypeAlias = "tuple[type[Model], str]"
"""The class and the ARN of a resource."""


class Unchanged:
    """The models in earlier responses to the polls of a client, as long as others hold them.

    Threads use it at the same time. If two of them decode the same resource, they get two equal models.
    """

    def __init__(self) -> None:
        self._shown: dict[_Key, _Shown] = {}
        self._on_end = self._forget  # one for all

    def read(self, body: bytes, cls: type[Response]) -> Any:
        """Make a response of its text, with the models of earlier responses in its list of resources.

        Return None if this cannot be done. The whole is then decoded as any other, or the error names the place in it.
        """
        listed = _listed(cls)  # type: ignore[arg-type]  # classes are hashable, responses are not
        if listed is None:
            return None
        try:
            text = body.decode()
            begin = listed.begin.search(text)
            if begin is None:
                return None
            models, end = self._models(text, begin.end(), listed)
            json.loads(text[: begin.end()] + "]}")  # otherwise it is a list in another member
            data = json.loads(text[: begin.end()] + text[end:])
            if data[listed.member.wire]:
                return None
            response = structure_hook(cls)(data, cls)
        except (RequestError, ValueError, RecursionError):
            return None
        listed.set(response, models)
        return response

    def _models(self, text: str, at: int, listed: _Listed) -> tuple[list[Model | None], int]:
        """Return the models of the items that begin at a place of a text, and where their list ends."""
        models: list[Model | None] = []
        if text.startswith("]", at):
            return models, at
        while True:
            model, at = self._model(text, at, listed)
            models.append(model)
            following = _NEXT.match(text, at)
            if following is None:
                raise ValueError("no list")
            if following[1] == "]":
                return models, following.start(1)
            at = following.end()

    def _model(self, text: str, at: int, listed: _Listed) -> tuple[Model | None, int]:
        cls: type[Model] = listed.member.kind.type
        arn = listed.arn.search(text, at)
        key = cls, arn[1] if arn else ""
        shown = self._shown.get(key)
        if shown is not None and text.startswith(shown.text, at):
            model = shown()
            if model is not None:
                return model, at + len(shown.text)
        raw, end = _parse(text, at)
        if raw is None:
            return None, end
        model = _frozen(structure_hook(cls)(raw, cls))
        shown = _Shown(model, self._on_end)
        shown.key, shown.text = key, text[at:end]
        self._shown[key] = shown
        return model, end

    def _forget(self, shown: _Shown) -> None:
        if self._shown.get(shown.key) is shown:
            self._shown.pop(shown.key, None)


@attrs.frozen
class _Listed:
    """The list of resources in a response."""

    member: Member
    set: Callable[[Any, Any], None]
    """Sets it in a response."""
    begin: re.Pattern[str]
    """Finds where it begins."""
    arn: re.Pattern[str]
    """Finds the ARN of a resource, wherever it is in it. If it finds another one, the resource is decoded."""


@cache
def _listed(cls: type[Any]) -> _Listed | None:
    """Return the list of a response whose items have ARNs."""
    for m in members(cls):
        if m.kind.container == "list" and m.kind.shape == "model":
            name = m.kind.type.__name__
            arn = f"{name[0].lower()}{name[1:]}Arn"
            if any(each.wire == arn for each in members(m.kind.type)):
                begin = re.compile(rf'"{m.wire}"\s*:\s*\[\s*')
                return _Listed(m, set_slot(cls, m.name), begin, re.compile(rf'"{arn}"\s*:\s*"([^"\\]*)"'))
    return None


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
