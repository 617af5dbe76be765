"""What public classes support: type hints, source, pickle; and where they report to come from."""

from __future__ import annotations

import ast
import collections.abc
import copy
import importlib
import inspect
import pickle
import pydoc
import subprocess
import sys
import traceback
import types
import typing
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any, AnyStr

import attrs
import pytest
from test_public_names import PACKAGE, PUBLIC

from ecskit import errors, models
from ecskit._core.absent import ABSENT_LIST
from ecskit.task_definitions import Difference
from ecskit.testing import DeploymentScript, Fault, Lag, SimulatedError


def public_classes() -> Iterator[type[Any]]:
    for module in PUBLIC:
        for name in importlib.import_module(module).__all__:
            value = getattr(importlib.import_module(module), name)
            if inspect.isclass(value) and value.__module__.startswith("ecskit"):
                yield value


CLASSES = list(dict.fromkeys(public_classes()))
VALUES = [cls for cls in CLASSES if attrs.has(cls)]
HOLD_A_CLIENT = {"AsyncPages", "AsyncPaginator", "Attachment", "Pages", "Paginator"}
"""attrs classes that are no values: they act through a client."""


MODULES = sorted({cls.__module__ for cls in CLASSES})
"""Tests are cut by module: a test for each class would take longer to collect than to run."""


def of(module: str, classes: list[type[Any]]) -> list[type[Any]]:
    return [cls for cls in classes if cls.__module__ == module]


def test_the_classes_were_found() -> None:
    """A guard for the loops below: all models and the values of each public module."""
    assert len(VALUES) > 400
    assert HOLD_A_CLIENT <= {cls.__name__ for cls in VALUES}
    assert {"Cluster", "TaskOutcome", "StartedDeployment", "WaitHandle", "Fault"} <= {cls.__name__ for cls in VALUES}
    assert sum(len(of(module, CLASSES)) for module in MODULES) == len(CLASSES)


@pytest.mark.parametrize("module", MODULES)
def test_help_describes_each_field(module: str) -> None:
    """In the docstring of the class, or below the name of the field, as `pydoc` finds it."""
    for cls in (cls for cls in of(module, VALUES) if cls.__name__ not in HOLD_A_CLIENT):
        fields = [a.name for a in attrs.fields(cls) if not a.name.startswith("_")]
        about = inspect.getdoc(cls) or ""
        bare = [name for name in fields if f" {name}: " not in about and not inspect.getdoc(getattr(cls, name))]
        assert [] == bare, cls
    if module == "ecskit.models.clusters":
        text = pydoc.plain(pydoc.render_doc(models.Cluster))
        assert "\n |  cluster_arn\n |      ARN of the cluster. Wire name: `clusterArn`.\n" in text


@pytest.mark.parametrize("module", MODULES)
def test_annotations_can_be_resolved(module: str) -> None:
    """Each name in the annotations of a public attrs class can be found at run time."""
    for cls in of(module, VALUES):
        hints = typing.get_type_hints(cls)
        assert {a.name for a in attrs.fields(cls)} <= hints.keys(), cls


def test_attrs_resolves_the_types_and_models_still_work() -> None:
    """`attrs.resolve_types` changes classes in place, before or after the first call: models are sent as before."""
    code = """
import importlib, attrs
from ecskit import converter, models
before = models.RunTaskRequest(task_definition="web", tags=[models.Tag(key="a", value="b")])
for name in models.__all__:
    if attrs.has(getattr(models, name)):
        attrs.resolve_types(getattr(models, name))
wire = converter.unstructure(before)
assert converter.structure(wire, models.RunTaskRequest) == before
assert attrs.fields(models.RunTaskRequest).task_definition.type is str
print(wire)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "{'taskDefinition': 'web', 'tags': [{'key': 'a', 'value': 'b'}]}" == ran.stdout.strip(), ran.stderr


@pytest.mark.parametrize("module", MODULES)
def test_the_source_of_public_classes_can_be_read(module: str) -> None:
    """Editors and debuggers show it. Errors are an exception: they name `ecskit.errors`, which imports them.

    Python parses the whole module for each class, so one of the generated ones stands for the others.
    """
    classes = [cls for cls in of(module, CLASSES) if not issubclass(cls, BaseException)]
    for cls in classes[:1] if module.startswith("ecskit.models.") else classes:
        assert f"class {cls.__name__}" in inspect.getsource(cls)


def example(hint: Any, depth: int = 0) -> Any:
    """Return a value of a type: of unions the first that is not None, of containers one item, of deep values few."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return arguments[0]
    if origin in (typing.Union, types.UnionType):
        wanted = [a for a in arguments if a is not types.NoneType]
        return None if depth > 3 else example(wanted[0], depth)
    if origin is collections.abc.Mapping or origin is dict:
        return {} if depth > 3 else {example(arguments[0], depth): example(arguments[1], depth)}
    if origin is tuple and ... not in arguments:
        return tuple(example(each, depth) for each in arguments)
    if origin in (tuple, frozenset):
        return origin([example(arguments[0], depth)])
    if origin is collections.abc.Callable:
        return len
    if origin in (collections.abc.Sequence, collections.abc.Collection):
        return ABSENT_LIST if depth > 3 else [example(arguments[0], depth)]
    examples = {
        Any: {"any": ["JSON"]},
        object: "anything",
        bool: True,
        bytes: b"{}",
        datetime: datetime(2026, 1, 2, tzinfo=timezone.utc),
        float: 1.5,
        int: 3,
        str: "text",
        AnyStr: "text",
        DeploymentScript: DeploymentScript(stage_seconds={"SCALE_UP": 3.0}),
        Difference: Difference(()),
        Fault: Fault.server_error(),
        Lag: Lag(visible_after=1.5),
        SimulatedError: SimulatedError("ServerException", "failed", 500),
        errors.EcsError: errors.WaitCancelled(),
        Exception: OSError("closed"),
    }
    if hint in examples:
        return examples[hint]
    hints = typing.get_type_hints(origin or hint)
    fields = [a for a in attrs.fields(origin or hint) if a.init]
    return (origin or hint)(**{a.alias: example(hints[a.name], depth + 1) for a in fields})


def content(value: Any) -> Any:
    """Return a value in builtin types, with what `repr` hides; errors compare by identity, their texts do not."""
    if attrs.has(type(value)):
        return [(a.name, content(getattr(value, a.name))) for a in attrs.fields(type(value))]
    if isinstance(value, collections.abc.Mapping):
        return {key: content(item) for key, item in value.items()}
    if isinstance(value, collections.abc.Sequence) and not isinstance(value, (str, bytes)):
        return [content(item) for item in value]
    return repr(value) if isinstance(value, BaseException) else value


@pytest.mark.parametrize("module", MODULES)
def test_values_survive_pickle_and_deepcopy(module: str) -> None:
    """With all their fields set."""
    for cls in of(module, VALUES):
        if cls.__name__ not in HOLD_A_CLIENT:
            value = example(cls)
            for twin in (pickle.loads(pickle.dumps(value)), copy.deepcopy(value)):
                assert type(value) is type(twin)
                assert content(value) == content(twin), cls


def test_errors_name_their_public_module() -> None:
    """Tracebacks, logs and pickles name the module that users import an error from."""
    for value in (getattr(errors, name) for name in errors.__all__):
        if not inspect.isclass(value):
            continue
        assert "ecskit.errors" == value.__module__


def test_a_traceback_names_the_public_class() -> None:
    """Not the module in which the class is defined."""
    error = errors.ClusterNotFoundException({"Error": {"Code": "ClusterNotFoundException"}}, "ListTasks")
    assert traceback.format_exception_only(type(error), error)[-1].startswith("ecskit.errors.ClusterNotFoundException:")


FRONTS = {
    f"ecskit.{'.'.join(path.relative_to(PACKAGE).with_suffix('').parts)}".removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if "publish(\n" in path.read_text("utf-8") and path.name != "_lazy.py"
}
FRONTS["ecskit"] = PACKAGE / "__init__.py"


def imported_for_types(tree: ast.Module) -> dict[str, str]:
    """Return the names that a module imports from ecskit under `TYPE_CHECKING`, each with its module."""
    [block] = [n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    return {
        alias.asname or alias.name: str(statement.module)
        for statement in block.body
        if isinstance(statement, ast.ImportFrom) and str(statement.module).startswith("ecskit")
        for alias in statement.names
    }


@pytest.mark.parametrize("module", FRONTS)
def test_the_lists_of_a_front_agree(module: str) -> None:
    """What type checkers see, what loads lazily and what `__all__` names are the same, from the same modules."""
    tree = ast.parse(FRONTS[module].read_text("utf-8"))
    [table] = [
        ast.literal_eval(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict) and node.keys and str(ast.literal_eval(node.values[0])).startswith("ecskit.")
    ]
    listed = set(importlib.import_module(module).__all__)
    defined = {n.name for n in tree.body if isinstance(n, (ast.ClassDef, ast.FunctionDef))}
    for_types = imported_for_types(tree)
    if module == "ecskit":  # its public modules are attributes, too
        table |= dict.fromkeys(n for n, home in for_types.items() if home == "ecskit")
        table = {name: home or "ecskit" for name, home in table.items()}
        defined |= {"__version__", "converter"}
    public = {name: home for name, home in for_types.items() if name in listed}
    assert public == table
    assert listed - defined == table.keys()


def test_every_front_is_compared() -> None:
    """The models, the simulator, both clients and the domains."""
    assert {"ecskit.models", "ecskit.testing", "ecskit.client", "ecskit.aio", "ecskit.tasks"} <= FRONTS.keys()
