"""Values whose fields `help()` describes, by the docstrings below the fields in the source."""

from __future__ import annotations

import ast
import functools
import inspect
import sys
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["Documented"]


class Documented:
    """The base of public values.

    Python keeps no docstring of a field. But `help()` shows the values of `__slots__`, if that is a dict.
    """

    __slots__ = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__slots__" in vars(cls):  # attrs makes each class twice: the second time with slots
            cls.__slots__ = _FieldDocs(cls)  # type: ignore[assignment]  # any iterable of names is allowed


class _FieldDocs(dict[str, "str | None"]):
    """The docstrings of the fields of a class. The source is read on first use."""

    def __init__(self, cls: type[Any]) -> None:
        super().__init__(dict.fromkeys(cls.__slots__))
        self._owner = cls

    def __getitem__(self, field: str) -> str | None:
        return _docs(self._owner.__module__).get(f"{self._owner.__qualname__}.{field}")


@functools.cache
def _docs(module: str) -> Mapping[str, str]:
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except OSError:  # installed without its source
        return {}
    return dict(_read(tree, ""))


def _read(node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, str]]:
    for each, after in zip(node.body, [*node.body[1:], None], strict=True):
        match each, after:
            case ast.ClassDef(), _:
                yield from _read(each, f"{prefix}{each.name}.")
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield f"{prefix}{name}", inspect.cleandoc(text)
            case _:
                pass
