"""`ecskit._api`: the service errors, the service model that is shipped, and the botocore release it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .ir import Api, Error
from .text import REFERENCE, annotation, block, docstring, header

SERVICE_MODEL = "_api/data/ecs/2014-11-13/service-2.json"


@dataclass(frozen=True)
class Provenance:
    """The botocore release and the digest of its service model.

    Only `_api/provenance.py` holds them: a newer release with the same model changes that file alone.
    """

    botocore: str
    digest: str


def files(api: Api, model: dict[str, Any], provenance: Provenance) -> Iterator[tuple[str, str]]:
    """Yield the path below the package and the text of each file."""
    yield (
        "_api/__init__.py",
        header("Made from the service model: the errors, a copy of the model, and its provenance."),
    )
    yield "_api/provenance.py", _provenance(provenance)
    yield "_api/service_errors.py", _errors(api)
    yield "_facades/__init__.py", header("The methods of the sync and the async client.")
    yield SERVICE_MODEL, _service_model(_without_documentation(model))


def _without_documentation(node: Any) -> Any:
    if isinstance(node, dict):
        # A member may be called "documentation", too; it is not a string.
        return {
            k: _without_documentation(v) for k, v in node.items() if not (k == "documentation" and isinstance(v, str))
        }
    return [_without_documentation(item) for item in node] if isinstance(node, list) else node


def _service_model(model: dict[str, Any]) -> str:
    """Return the model as JSON with one line for each operation and shape, so that diffs are readable."""

    def compact(value: Any) -> str:
        return json.dumps(value, separators=(",", ":"))

    def rows(value: Any) -> str:
        if not isinstance(value, dict):
            return compact(value)
        return "{\n" + ",\n".join(f"{compact(name)}:{compact(entry)}" for name, entry in value.items()) + "\n}"

    return "{\n" + ",\n".join(f"{compact(key)}:{rows(value)}" for key, value in model.items()) + "\n}\n"


def _provenance(provenance: Provenance) -> str:
    out = [header("The service model from which all generated files are made.")]
    out.append('\n__all__ = ["BOTOCORE", "DIGEST"]\n')
    out.append(f'\nBOTOCORE = "{provenance.botocore}"\n"""The botocore release that contains it."""\n')
    out.append(f'DIGEST = "{provenance.digest}"\n"""The first characters of its SHA-256."""\n')
    return "".join(out)


def _errors(api: Api) -> str:
    bases = sorted({e.base for e in api.errors})
    out = [header("The errors in the service model of ECS, under the names that ECS uses.")]
    if any(m.type.container == "list" for e in api.errors for m in e.members):
        out.append("\nfrom collections.abc import Sequence\n")
    out.append("\n" + block("from ecskit._core.errors import (", sorted([*bases, "ServiceError"]), ")"))
    out.append("\n" + block("__all__ = [", ['"SERVICE_ERRORS"', *(f'"{e.code}"' for e in api.errors)], "]"))
    out += ["\n\n" + _error(e) for e in api.errors]
    rows = [f'"{e.code}": {e.code}' for e in api.errors]
    out.append("\n\n" + block("SERVICE_ERRORS: dict[str, type[ServiceError]] = {", rows, "}"))
    out.append('"""Error classes, by the code in the response of ECS."""\n')
    return "".join(out)


def _error(error: Error) -> str:
    out = [f"class {error.code}({error.base}):\n"]
    out.append(docstring([error.summary, "", f"Source: {REFERENCE.format('CommonErrors')}"], "    "))
    for m in error.members:
        out.append(f"\n    @property\n    def {m.name}(self) -> {annotation(m.type, required=True)}:\n")
        out.append(f'        """`{m.wire}` of the response; empty if absent."""\n')
        out.append(f'        return self._answer.get("{m.wire}") or []\n')
    return "".join(out)
