"""Task definitions as values: read, written, derived from one another, compared and checked.

Decides nothing: it names what users may rely on, and loads each name when it is first asked for. Registering is in the
clients' `task_definitions` namespace.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecskit.task_definitions.deriving import derive
    from ecskit.task_definitions.diffing import Change, Difference, diff
    from ecskit.task_definitions.files import RESPONSE_ONLY, dump, load, to_register_request
    from ecskit.task_definitions.findings import Finding, raise_for_findings
    from ecskit.task_definitions.registering import Registered
    from ecskit.task_definitions.validating import validate

_WHERE = {
    "RESPONSE_ONLY": "files",
    "Change": "diffing",
    "Difference": "diffing",
    "Finding": "findings",
    "Registered": "registering",
    "derive": "deriving",
    "diff": "diffing",
    "dump": "files",
    "load": "files",
    "raise_for_findings": "findings",
    "to_register_request": "files",
    "validate": "validating",
}

__all__ = [
    "RESPONSE_ONLY",
    "Change",
    "Difference",
    "Finding",
    "Registered",
    "derive",
    "diff",
    "dump",
    "load",
    "raise_for_findings",
    "to_register_request",
    "validate",
]


def _load(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'ecskit.task_definitions' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"ecskit.task_definitions.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


# Hidden from type checkers, which would take it to mean that there is any name one can think of.
globals()["__getattr__"] = _load


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
