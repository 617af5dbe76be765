"""Public modules whose names load when they are first used, so that importing ecskit stays cheap.

A public module lists its names three times: imported under `TYPE_CHECKING` for type checkers, in `__all__`, and in the
table that it passes to `publish`. A test compares the three.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

__all__ = ["publish"]


def publish(namespace: dict[str, Any], where: Mapping[str, str]) -> None:
    """Give a module attributes that load when they are first used.

    Args:
        namespace: `globals()` of the public module. It has `__name__` and `__all__`.
        where: The module that defines each name.
    """
    module: str = namespace["__name__"]

    def load(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(where[name]), name)
        namespace[name] = value
        return value

    # Set here, where type checkers do not see it: they would accept any name as an attribute of the module.
    namespace["__getattr__"] = load
    namespace["__dir__"] = lambda: sorted({*namespace, *namespace["__all__"]})
