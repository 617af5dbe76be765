"""`ecskit._api`: the service errors, the service model that is shipped, and the botocore release it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .ir import Api, Error
from .text import REFERENCE, Provenance, annotation, block, docstring

SERVICE_MODEL = "_api/data/ecs/2014-11-13/service-2.json"


def files(api: Api, model: dict[str, Any], origin: Provenance) -> Iterator[tuple[str, str]]:
    """Yield the path below the package and the text of each file."""
    yield "_api/__init__.py", origin.header("What is made from the service model besides the shapes.")
    yield "_api/provenance.py", _provenance(origin)
    yield "_api/service_errors.py", _errors(api, origin)
    yield "_facades/__init__.py", origin.header("The methods of both clients.")
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


def _provenance(origin: Provenance) -> str:
    out = [origin.header("The service model that all generated files are made from.")]
    out.append('\n__all__ = ["BOTOCORE", "DIGEST"]\n')
    out.append(f'\nBOTOCORE = "{origin.botocore}"\n"""The botocore release that has it."""\n')
    out.append(f'DIGEST = "{origin.digest}"\n"""The first characters of its SHA-256."""\n')
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
