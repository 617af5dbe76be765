"""`ecskit._generated`: the table of operations, the service errors, and the service model that is shipped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .ir import Api, Error
from .text import REFERENCE, Provenance, annotation, block, docstring

SERVICE_MODEL = "_generated/data/ecs/2014-11-13/service-2.json"


def files(api: Api, model: dict[str, Any], origin: Provenance) -> Iterator[tuple[str, str]]:
    """Yield the path below the package and the text of each file."""
    yield "_generated/__init__.py", origin.header("Tables and facades made from the service model; private.")
    yield "_generated/operations.py", _operations(api, origin)
    yield "_generated/errors.py", _errors(api, origin)
    yield SERVICE_MODEL, _service_model(_without_documentation(model))


def _without_documentation(node: Any) -> Any:
    if isinstance(node, dict):
        # A member may itself be called "documentation"; only texts are.
        return {
            k: _without_documentation(v) for k, v in node.items() if not (k == "documentation" and isinstance(v, str))
        }
    return [_without_documentation(item) for item in node] if isinstance(node, list) else node


def _service_model(model: dict[str, Any]) -> str:
    """Return the model as JSON with a line for each operation and shape: quick to parse, and diffs can be read."""

    def compact(value: Any) -> str:
        return json.dumps(value, separators=(",", ":"))

    def rows(value: Any) -> str:
        if not isinstance(value, dict):
            return compact(value)
        return "{\n" + ",\n".join(f"{compact(name)}:{compact(entry)}" for name, entry in value.items()) + "\n}"

    return "{\n" + ",\n".join(f"{compact(key)}:{rows(value)}" for key, value in model.items()) + "\n}\n"


def _operations(api: Api, origin: Provenance) -> str:
    out = [origin.header("All operations, by name.")]
    out.append('\nfrom ecskit._core.operation import Operation\n\n__all__ = ["OPERATIONS"]\n\n')
    rows = []
    for op in api.operations:
        errors = "".join(f'            "{code}",\n' for code in op.errors)
        row = [f'"{op.name}"', f'"{op.method}"', f"(\n{errors}        )", str(op.readonly), str(op.token_length)]
        row += [f'"{op.items.name if op.items else ""}"', str(op.pages), str(op.failures)]
        rows.append(f'"{op.name}": Operation(\n        ' + ",\n        ".join(row) + ",\n    )")
    out.append(block("OPERATIONS = {", rows, "}"))
    return "".join(out)


def _errors(api: Api, origin: Provenance) -> str:
    bases = sorted({e.base for e in api.errors})
    out = [origin.header("The errors that ECS's service model declares, by their own names.")]
    if any(m.type.container == "list" for e in api.errors for m in e.members):
        out.append("\nfrom collections.abc import Sequence\n")
    out.append("\n" + block("from ecskit._core.errors import (", sorted([*bases, "ServiceError"]), ")"))
    out.append("\n" + block("__all__ = [", ['"SERVICE_ERRORS"', *(f'"{e.code}"' for e in api.errors)], "]"))
    out += ["\n\n" + _error(e) for e in api.errors]
    rows = [f'"{e.code}": {e.code}' for e in api.errors]
    out.append("\n\n" + block("SERVICE_ERRORS: dict[str, type[ServiceError]] = {", rows, "}"))
    out.append('"""Error classes by the code that ECS sends."""\n')
    return "".join(out)


def _error(error: Error) -> str:
    out = [f"class {error.code}({error.base}):\n"]
    out.append(docstring([error.summary, "", f"Source: {REFERENCE.format('CommonErrors')}"], "    "))
    for m in error.members:
        out.append(f"\n    @property\n    def {m.name}(self) -> {annotation(m.type, required=True)}:\n")
        out.append(f'        """`{m.wire}` of the answer; empty if it has none."""\n')
        out.append(f'        return self._answer.get("{m.wire}") or []\n')
    return "".join(out)
