"""Which way the arrows point: what each part of the package imports, read from its source; and what importing costs."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import ecskit

PACKAGE = Path(ecskit.__file__).parent

FLOWS = {"_core", "models", "_api", "_polling", "_waits"}
"""What the domains build on."""
DOMAINS = {
    *("_autoscaling", "_clusters", "_container_instances", "_definitions", "_deployments", "_logs", "_plans"),
    *("_service_definitions", "_services", "_tags", "_task_definitions", "_task_sets", "_tasks", "_verification"),
    "_exec",
}
FRONTS = {"bulk", "tasks", "services", "task_sets", "container_instances", "task_definitions", "waits", "events"}

ROOMS: dict[str, set[str]] = {
    # Machinery, from below to above.
    "_version": set(),
    "_lazy": set(),
    "_forks": set(),
    "_core": set(),
    "_data_channel": {"_core"},
    "models": {"_core", "_lazy"},
    "_api": {"_core", "models"},
    "_drive": {"_core", "_forks"},
    "_transport": {"_core", "_forks", "models", "_api", "_version"},
    "_polling": {"_core"},
    "_waits": {"_core", "models", "_api", "_polling"},
    "_rules": {"_core", "models"},
    "_explain": {"_core", "models"},
    # Domains. None imports a front.
    "_definitions": {"_core", "models", "_rules"},
    "_task_definitions": FLOWS | {"_definitions", "_rules", "_verification"},
    "_service_definitions": {"_core", "models", "_definitions", "_rules"},
    "_logs": FLOWS,
    "_verification": FLOWS | {"_rules"},
    "_autoscaling": FLOWS,
    "_exec": FLOWS | {"_data_channel", "_forks"},
    "_tasks": FLOWS | {"_explain", "_logs"},
    "_task_sets": FLOWS,
    "_tags": FLOWS,
    "_clusters": FLOWS,
    "_container_instances": FLOWS,
    "_deployments": FLOWS | {"_autoscaling", "_definitions", "_task_definitions", "_explain"},
    "_services": FLOWS | {"_autoscaling", "_deployments", "_explain", "_logs"},
    # What composes them.
    "_plans": FLOWS
    | {"_rules"}
    | (DOMAINS - {"_plans", "_container_instances", "_logs", "_tags", "_task_sets", "_tasks"}),
    # Events: receiving them needs clients of SQS. They end polls and waits.
    "_events": {"_core", "models", "_transport", "_polling", "_waits"},
    # Public modules: each names where its values are defined.
    **dict.fromkeys(FRONTS, {"_lazy", "_core", "_polling", "_waits", "_rules", "_explain", "_events"} | DOMAINS),
    "errors": {"_core", "_api", "_polling", "_waits", "_events"} | DOMAINS,
    "progress": {"_core", "models", "errors", "services", "_deployments"},
    # Methods and clients.
    "_facades": FLOWS | DOMAINS | {"_drive"},
    "client": {"_core", "_drive", "_transport", "_polling", "_events", "_facades", "_lazy"},
    "aio": {"_core", "_drive", "_transport", "_polling", "_events", "_facades", "_lazy"},
    "__init__": {"_version", "_lazy"},
}
"""What each room may import from the others at run time, in functions too."""
ROOMS["_simulator"] = set(ROOMS) - {"__init__"}
ROOMS["testing"] = {"_core", "_simulator", "_lazy"}
ROOMS["_codegen"] = set()

FOR_TYPES: dict[str, set[str]] = {
    # Facades take public types from where users take them.
    "_facades": FRONTS | {"__init__"},
    "testing": {"client", "aio"},
    "__init__": set(ROOMS) - {"testing", "_simulator", "_codegen"},
}
"""What a room may import besides these under `TYPE_CHECKING`."""

# Nothing in the core knows the time, the weather or the network.
IMPURE = frozenset(
    "aiobotocore asyncio boto3 concurrent http os pathlib queue random secrets selectors signal socket ssl subprocess"
    " threading time urllib urllib3 uuid".split()
)


def room_of(module: str) -> str:
    """Return the folder or top module of the package that a module is in."""
    names = module.split(".")[1:]
    return names[0] if names and names[0] in ROOMS else "__init__"


@functools.cache
def modules() -> dict[str, ast.Module]:
    """Return all modules of the package. Only the worker that runs these tests parses them."""
    return {
        ".".join(("ecskit", *path.relative_to(PACKAGE).with_suffix("").parts)): ast.parse(path.read_text("utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def imports(
    statements: Sequence[ast.AST], *, for_types: bool = False
) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Yield all imports, in functions too, and whether they are under `TYPE_CHECKING`."""
    for node in statements:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node, for_types
            continue
        guard = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for part in ("body", "handlers", "cases", "orelse", "finalbody"):
            yield from imports(getattr(node, part, ()), for_types=for_types or (guard and part == "body"))


def names_of(module: str, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Yield the full name of all that a statement imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    origin = module.split(".")[: -node.level] if node.level else []
    base = ".".join([*origin, *([node.module] if node.module else [])])
    yield from (f"{base}.{alias.name}" for alias in node.names)


@functools.cache
def all_imports(*, for_types: bool) -> list[tuple[str, int, str]]:
    """Return module, line and full name of all that the package imports at run time, or under `TYPE_CHECKING`."""
    return [
        (module, node.lineno, name)
        for module, tree in modules().items()
        for node, typing_only in imports(tree.body)
        if typing_only == for_types
        for name in names_of(module, node)
    ]


def test_every_room_is_listed() -> None:
    """A new folder or top module has to say what it builds on."""
    assert set(ROOMS) == {room_of(module) if module != "ecskit.__init__" else "__init__" for module in modules()}
    names = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert names == set(ROOMS)


@pytest.mark.parametrize("for_types", [False, True], ids=["at run time", "for types"])
def test_every_import_goes_down(for_types: bool) -> None:  # noqa: FBT001  # a case
    """No room imports one that is above it, lazily neither, and annotations use no more."""
    against = [
        f"{module}:{line} imports {name}"
        for module, line, name in all_imports(for_types=for_types)
        if name.split(".")[0] == "ecskit" and room_of(name) != (room := room_of(module))
        if room_of(name) not in ROOMS[room] | (FOR_TYPES.get(room, set()) if for_types else set())
    ]
    assert [] == against


def cycles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups of modules that import each other in a circle."""
    reached = {start: _reached(start, edges) for start in edges}
    groups = {frozenset({start} | {other for other in reached[start] if start in reached[other]}) for start in edges}
    return sorted(sorted(group) for group in groups if len(group) > 1)


def _reached(start: str, edges: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    todo = [start]
    while todo:
        for other in edges[todo.pop()] - seen:
            seen.add(other)
            todo.append(other)
    return seen


def module_of(name: str) -> str | None:
    """Return the module that an imported name is, or is defined in."""
    for candidate in (name, f"{name}.__init__", name.rpartition(".")[0], f"{name.rpartition('.')[0]}.__init__"):
        if candidate in modules():
            return candidate
    return None


def edges_of(found: list[tuple[str, int, str]]) -> dict[str, set[str]]:
    edges: dict[str, set[str]] = {module: set() for module in modules()}
    for module, _, name in found:
        target = module_of(name)
        if target is not None and target != module:
            edges[module].add(target)
    return edges


def test_no_modules_import_each_other_at_run_time() -> None:
    """Lazy imports are counted, too, but for those of public modules, which load what they publish."""
    assert [] == cycles(edges_of(all_imports(for_types=False)))


def test_annotations_tie_modules_of_one_room_at_the_most() -> None:
    """Two values may name each other in annotations if they stand in the same folder."""
    edges = edges_of(all_imports(for_types=False) + all_imports(for_types=True))
    across = [group for group in cycles(edges) if len({room_of(m) for m in group}) > 1]
    assert [] == across


def test_the_core_is_pure() -> None:
    """They import no clock, no randomness, no I/O; of botocore only the exception that ecskit's errors inherit from."""
    impure = [
        f"{module}:{line} imports {name}"
        for module, line, name in all_imports(for_types=False)
        if room_of(module) in ("_core", "_data_channel")
        and (
            name.split(".")[0] in IMPURE or (name.startswith("botocore") and name != "botocore.exceptions.ClientError")
        )
    ]
    assert [] == impure


def test_only_the_transport_touches_botocore() -> None:
    """So do the generator, which reads botocore's data, and the simulator, which puts itself in botocore's place."""
    touching = {
        room_of(module)
        for module, _, name in all_imports(for_types=False)
        if name.split(".")[0] in ("botocore", "aiobotocore", "boto3") and name != "botocore.exceptions.ClientError"
    }
    assert {"_transport"} <= touching <= {"_transport", "_codegen", "_simulator"}


def run(code: str) -> str:
    """Run code in a fresh process and return what it prints."""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@pytest.mark.parametrize(
    "statement",
    ["import ecskit", "from ecskit import Client", "import ecskit; ecskit.Client(region_name='us-east-1').close()"],
)
def test_cattrs_and_tenacity_load_on_first_use(statement: str) -> None:
    """Neither importing ecskit nor making a client loads them, the models, extras, asyncio or the simulator."""
    late = (
        "{'cattrs', 'tenacity', 'aiobotocore', 'asyncio', 'websockets', 'cryptography', 'ecskit._simulator',"
        " 'ecskit.models.tasks', 'ecskit._codegen'}"
    )
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
