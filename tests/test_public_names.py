"""What is public: it can be imported, it says so in `__all__`, and the documentation names it."""

from __future__ import annotations

import importlib
import pickle
import re
from pathlib import Path

import pytest

import ecskit
import ecskit.models

DOCS = Path(__file__).parents[1] / "docs"
REFERENCE = "\n".join(path.read_text("utf-8") for path in sorted(DOCS.glob("*.md")))

PUBLIC = [
    "ecskit",
    "ecskit.container_instances",
    "ecskit.errors",
    "ecskit.models",
    "ecskit.progress",
    "ecskit.services",
    "ecskit.task_definitions",
    "ecskit.tasks",
    "ecskit.testing",
]


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_resolves(module: str) -> None:
    """Each name in `__all__` is there, once, and can be imported with a star."""
    imported = importlib.import_module(module)
    names: list[str] = imported.__all__
    assert len(names) == len(set(names))
    assert [] == [name for name in names if not hasattr(imported, name)]
    assert set(names) <= set(dir(imported))
    # A user's completion list shows what `dir` shows.
    exec(f"from {module} import *", {})


@pytest.mark.parametrize("module", PUBLIC)
def test_a_name_that_does_not_exist_is_an_attribute_error(module: str) -> None:
    """The lazy modules say no in the usual way."""
    with pytest.raises(AttributeError, match="Nonsense"):
        importlib.import_module(module).Nonsense  # noqa: B018  # the access is what is tested


@pytest.mark.parametrize("name", sorted(set(ecskit.__all__) - {"__version__"}))
def test_every_name_of_the_package_is_in_the_documentation(name: str) -> None:
    """The reference names `ecskit.X` for every X that `ecskit` exports."""
    assert re.search(rf"\becskit\.{name}\b", REFERENCE), f"docs/*.md do not name ecskit.{name}"


@pytest.mark.parametrize("module", [m for m in PUBLIC if m not in ("ecskit", "ecskit.models")])
def test_every_public_module_is_in_the_documentation(module: str) -> None:
    """The reference documents the members of the module, or tells each of its names."""
    names: list[str] = importlib.import_module(module).__all__
    shown = re.search(rf"automodule::? {re.escape(module)}$", REFERENCE, re.MULTILINE)
    assert shown or [] == [name for name in names if not re.search(rf"\b{name}\b", REFERENCE)]


def test_every_family_of_models_is_in_the_documentation() -> None:
    """The reference lists the models by family, each with its module."""
    families = {getattr(ecskit.models, name).__module__ for name in ecskit.models.__all__}
    assert [] == [family for family in sorted(families) if family not in REFERENCE]


@pytest.mark.parametrize("name", ["ABSENT_LIST", "ABSENT_MAP"])
def test_singletons_stay_themselves_through_pickle(name: str) -> None:
    """What is public by name is pickled by name."""
    value = getattr(ecskit, name)
    assert pickle.loads(pickle.dumps(value)) is value
