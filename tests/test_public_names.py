"""What is public: it can be imported, it says so in `__all__`, and the documentation names it."""

from __future__ import annotations

import builtins
import collections.abc
import importlib
import inspect
import pickle
import re
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest

import ecskit
import ecskit.models

PACKAGE = Path(ecskit.__file__).parent
DOCS = Path(__file__).parents[1] / "docs"
REFERENCE = "\n".join(path.read_text("utf-8") for path in sorted(DOCS.glob("*.md")))

MODULES = sorted(
    "ecskit" + "".join(f".{name}" for name in path.relative_to(PACKAGE).with_suffix("").parts if name != "__init__")
    for path in PACKAGE.rglob("*.py")
    if not any(re.match(r"_(?!_init__)", name) for name in path.relative_to(PACKAGE).with_suffix("").parts)
)
"""Every module without an underscore in its path."""
PUBLIC = [name for name in MODULES if not name.startswith(("ecskit.progress.", "ecskit.testing."))]
"""The modules that users import from; those of these two packages are reached through them."""
OTHERS = {
    *dir(builtins),
    *typing.__all__,
    *collections.abc.__all__,
    "datetime",
    "Event",
    "Waker",  # only the drivers pass it to a clock
    "TracebackType",
    "Random",
    "wait_base",
    "BaseClient",
    "Config",
    "Session",
    "Converter",
    "StartedT",
    "Self",
    "Never",
    "Path",
    "PathLike",
    "TextIO",
}
"""What annotations hold besides ecskit's own: the standard library, botocore, tenacity and cattrs."""


@pytest.mark.parametrize("module", MODULES)
def test_every_module_without_an_underscore_lists_its_names(module: str) -> None:
    """`__all__` says what is public."""
    assert isinstance(importlib.import_module(module).__all__, list)


def published() -> dict[str, set[str]]:
    """Return the public modules of each public name."""
    homes: dict[str, set[str]] = {}
    for module in PUBLIC:
        for name in importlib.import_module(module).__all__:
            homes.setdefault(name, set()).add(module)
    return homes


def signatures() -> Iterator[tuple[str, str]]:
    """Yield the public functions and methods of public names, each with its annotations as text."""
    for module in PUBLIC:
        for name in importlib.import_module(module).__all__:
            value = getattr(importlib.import_module(module), name)
            if inspect.isfunction(value):
                yield f"{module}.{name}", " ".join(map(str, value.__annotations__.values()))
            elif inspect.isclass(value) and value.__module__.startswith("ecskit"):
                members = {
                    n: m
                    for base in reversed(value.__mro__)
                    if base.__module__.startswith("ecskit")
                    for n, m in vars(base).items()
                }
                for attribute, member in members.items():
                    function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
                    if inspect.isfunction(function) and (not attribute.startswith("_") or attribute == "__call__"):
                        yield f"{module}.{name}.{attribute}", " ".join(map(str, function.__annotations__.values()))


def test_every_name_in_a_public_signature_is_public() -> None:
    """What a user has to write to annotate a variable can be imported from a public module."""
    known = published().keys() | OTHERS
    unknown = {
        f"{where}: {name}"
        for where, text in signatures()
        for name in re.findall(r"\b[A-Z]\w*", re.sub(r"Literal\[[^]]*\]|'[^']*'", "", text))
        if name not in known and not re.fullmatch(r"T|\w*T|\w*_co", name)
    }
    assert set() == unknown
    assert len(list(signatures())) > 500


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


@pytest.mark.parametrize("module", [m for m in PUBLIC if m != "ecskit" and not m.startswith("ecskit.models")])
def test_every_public_module_is_in_the_documentation(module: str) -> None:
    """The reference documents the members of the module, or names each of its members."""
    names: list[str] = importlib.import_module(module).__all__
    shown = re.search(rf"automodule::? {re.escape(module)}$", REFERENCE, re.MULTILINE)
    assert shown or [] == [name for name in names if not re.search(rf"\b{name}\b", REFERENCE)]


def test_every_family_of_models_is_in_the_documentation() -> None:
    """The reference lists the models by family, each with its module."""
    families = {getattr(ecskit.models, name).__module__ for name in ecskit.models.__all__} - {"ecskit._core.model"}
    assert [] == [family for family in sorted(families) if family not in REFERENCE]


@pytest.mark.parametrize("name", ["ABSENT_LIST", "ABSENT_MAP"])
def test_singletons_stay_themselves_through_pickle(name: str) -> None:
    """What is public by name is pickled by name."""
    value = getattr(ecskit, name)
    assert pickle.loads(pickle.dumps(value)) is value


WITH_ANY: dict[str, str] = {
    "AsyncClient.botocore_client": "its class is in stubs that users may not have",
    "AsyncPages.__init__": "a request of any response, made by `paginate`",
    "AsyncPaginator.__init__": "the same",
    "AsyncTaskVerbs.execute": "str or bytes: its overloads say which",
    "AsyncWait.resume": "the result of the wait that the handle names",
    "AsyncWait.resume_all": "the result of the wait that the handle names",
    "Attachment.__init__": "a handler of botocore's events",
    "BulkError.__init__": "results of any class",
    "Change.__init__": "a value of any member",
    "Client.botocore_client": "its class is in stubs that users may not have",
    "ExecFailed.__init__": "a result with str or bytes",
    "ExecResult.__init__": "AnyStr",
    "FailuresError.__init__": "the response of any operation",
    "Finding.__init__": "a value of any member",
    "LostAnswerError.__init__": "JSON",
    "MissingError.__init__": "resources of any type; subclasses declare it for `found`",
    "Model.__init__": "JSON: members that this version does not have",
    "Model.from_dict": "JSON",
    "Model.to_dict": "JSON",
    "Opening.__init__": "the driver, which is private",
    "Pages.__init__": "a request of any response, made by `paginate`",
    "Paginator.__init__": "the same",
    "Request.__init__": "JSON: members that this version does not have",
    "Response.__init__": "the same",
    "ServiceError.__init__": "a parsed response, as botocore's ClientError takes it",
    "SimulatedError.__init__": "JSON",
    "StartedDeployment.arguments": "arguments by name",
    "TaskVerbs.execute": "str or bytes: its overloads say which",
    "TaggedUnion.__init__": "JSON: members that this version does not have",
    "Wait.resume": "the result of the wait that the handle names",
    "Wait.resume_all": "the result of the wait that the handle names",
    "WaitHandle.__init__": "JSON",
    "WaitStory.__init__": "models of any class, and arguments by name",
    "WaitStory.with_arguments": "arguments by name",
}
"""Public functions whose signatures have `Any`, with the reason. Models are left out: `JSON` is Any there."""
MODELS = ("ecskit.models.", "ecskit._events.events")


def test_public_signatures_have_any_for_a_reason_only() -> None:
    """Each one is in the table, and the table has no other."""
    found: set[str] = set()
    for module in PUBLIC:
        for name in importlib.import_module(module).__all__:
            value = getattr(importlib.import_module(module), name)
            if not getattr(value, "__module__", "").startswith("ecskit") or value.__module__.startswith(MODELS):
                continue
            members = vars(value).items() if inspect.isclass(value) else [("", value)]
            for member, held in members:
                function = getattr(held, "__func__", None) or getattr(held, "fget", None) or held
                public = not member.startswith("_") or member == "__init__"
                if public and inspect.isfunction(function) and "Any" in repr(function.__annotations__):
                    found.add(f"{name}.{member}".rstrip("."))
    assert set(WITH_ANY) == found
