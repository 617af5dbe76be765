"""Which way the arrows point: what each part of the package imports, read from its source; and what importing costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ecskit

PACKAGE = Path(ecskit.__file__).parent

# What each part may import from the rest of the package at run time. What only type checkers read is free.
ARROWS: dict[str, set[str]] = {
    "_version": set(),
    "_service_model": set(),
    "_codegen": set(),
    "_core": set(),
    "models": {"_core"},
    "tables": {"_core", "models"},
    "errors": {"_core", "tables"},
    "_drive": {"_core"},
    "_pages": {"_core"},
    "_streams": set(),
    "_options": {"_core"},
    "_transport": {"_core", "models", "tables", "_service_model", "_version"},
    # The high-level verbs, written as flows.
    "verbs": {"_core", "models", "tables", "errors", "verbs"},
    # Shows what verbs yield; nothing imports it.
    "progress": {"_core", "models", "errors", "verbs"},
    "facades": {"_core", "models", "tables", "errors", "verbs", "_pages", "_streams"},
    "client": {
        "_core",
        "models",
        "tables",
        "errors",
        "verbs",
        "facades",
        "_pages",
        "_streams",
        "_drive",
        "_options",
        "_transport",
    },
    "package": {"_version", "_core", "errors", "models", "verbs", "client", "_streams"},
}
ARROWS["testing"] = set().union(*ARROWS.values()) - {"_codegen"}

# Nothing in the core knows the time, the weather or the network.
IMPURE = frozenset(
    "aiobotocore asyncio boto3 concurrent http os pathlib queue random secrets selectors signal socket ssl subprocess"
    " threading time urllib urllib3 uuid".split()
)


def part_of(module: str) -> str:
    """Return the part of the package that a module belongs to."""
    names = module.split(".")[1:]
    if names[:1] == ["_generated"]:
        return "facades" if names[1:] and names[1].startswith(("sync_", "aio_")) else "tables"
    first = names[0] if names else "__init__"
    return {"__init__": "package", "aio": "client"}.get(first, first if first in ARROWS else "verbs")


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(("ecskit", *path.relative_to(PACKAGE).with_suffix("").parts))
        yield name, ast.parse(path.read_text("utf-8"))


def imports(module: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and full name of everything that a module imports at run time, in functions too."""
    typing_only = {
        node
        for statement in ast.walk(tree)
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING"
        for child in statement.body
        for node in ast.walk(child)
    }
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            origin = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*origin, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"


EVERYTHING = [(module, line, name) for module, tree in modules() for line, name in imports(module, tree)]


def test_the_source_was_found() -> None:
    """A guard against proving something about nothing."""
    assert {"_core", "models", "tables", "facades", "client", "package"} <= {
        part_of(module) for module, _, _ in EVERYTHING
    }


def test_every_import_follows_an_arrow() -> None:
    """No part of the package imports one that is above it, `_codegen`, or `testing`."""
    against = [
        f"{module}:{line} ({part_of(module)}) imports {name} ({part_of(name)})"
        for module, line, name in EVERYTHING
        if name.split(".")[0] == "ecskit"
        and part_of(name) != part_of(module)
        and part_of(name) not in ARROWS[part_of(module)]
    ]
    assert [] == against


def test_the_core_is_pure() -> None:
    """`_core` imports no clock, no randomness, no I/O; of botocore only the exception that its errors inherit from."""
    impure = [
        f"{module}:{line} imports {name}"
        for module, line, name in EVERYTHING
        if part_of(module) == "_core"
        and (
            name.split(".")[0] in IMPURE or (name.startswith("botocore") and name != "botocore.exceptions.ClientError")
        )
    ]
    assert [] == impure


def test_only_the_transport_touches_botocore() -> None:
    """So do the generator, which reads botocore's data, and the simulator, which puts itself in botocore's place."""
    touching = {
        part_of(module)
        for module, _, name in EVERYTHING
        if name.split(".")[0] in ("botocore", "aiobotocore", "boto3") and name != "botocore.exceptions.ClientError"
    }
    assert {"_transport"} <= touching <= {"_transport", "_codegen", "testing"}


def run(code: str) -> str:
    """Run code in a fresh process and return what it prints."""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@pytest.mark.parametrize(
    "statement",
    ["import ecskit", "from ecskit import Client", "import ecskit; ecskit.Client(region_name='us-east-1').close()"],
)
def test_cattrs_and_tenacity_load_on_first_use(statement: str) -> None:
    """Neither importing ecskit nor making a client loads them, the models, asyncio extras or the simulator."""
    late = "{'cattrs', 'tenacity', 'aiobotocore', 'ecskit.testing', 'ecskit.models.tasks', 'ecskit._codegen'}"
    assert "set()" == run(f"{statement}; import sys; print({late} & sys.modules.keys())")


def test_importing_ecskit_loads_nothing_else_of_it() -> None:
    """`import ecskit` costs next to nothing: even the client loads when it is first asked for."""
    code = (
        "import ecskit, sys; print(sorted(m for m in sys.modules if m.split('.')[0] in ('ecskit', 'attr', 'botocore')))"
    )
    assert "['ecskit', 'ecskit._version']" == run(code)


def test_ecskit_works_without_aiobotocore() -> None:
    """Without the extra, everything that is sync works, and AsyncClient names what to install."""
    code = """
import sys
sys.modules["aiobotocore"] = None
import ecskit
from ecskit.errors import MissingExtraError
ecskit.Client(region_name="us-east-1").close()
try:
    ecskit.AsyncClient(region_name="us-east-1")
except MissingExtraError as error:
    assert isinstance(error, ImportError)
    print(error)
"""
    assert "ecskit[async]" in run(code)
