"""The two accents of the hand-written verbs: a method for each, with its signature and docstring.

A verb is written once, as a flow that knows no colour; `verbs` reads them. The methods that are written here run them.
A namespace that is bound to a value is a handle: its verbs take the value first, its methods take it from the handle.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .emit_facades import ASYNC, SYNC, Accent
from .text import Provenance, block, import_order
from .verbs import SPREAD, Parameter, Verb, read


@dataclass(frozen=True)
class Handle:
    """What methods return in place of a value: an object that holds it, with the verbs of the value as methods."""

    class_: str
    stem: str
    """What the generated modules are called, which is the name of the namespace."""
    module: str
    """Where the value is."""


HANDLES = {"StartedDeployment": Handle("DeploymentHandle", "deployment", "ecskit._deployments.reference")}
"""The handles by the class of their value."""


@dataclass(frozen=True)
class Namespace:
    """A namespace of the client, or a handle, and the modules whose verbs are its methods."""

    name: str
    class_: str
    about: str
    modules: tuple[str, ...]
    """The modules, in the order of the methods. A package stands for all of its modules, in alphabetical order."""
    bound: str | None = None
    """The class of the value that its verbs take first: then this is no namespace of the client but a handle."""

    def __post_init__(self) -> None:
        if self.bound:
            handle = HANDLES[self.bound]
            if (handle.class_, handle.stem) != (self.class_, self.name):
                raise ValueError(f"the handle of {self.bound} is {handle.class_} in {handle.stem}; see HANDLES")


NAMESPACES = (
    Namespace(
        name="wait",
        class_="Wait",
        about="Waits, each of which ends in a typed result or says why not.",
        modules=("ecskit._waits", "ecskit._deployments.waiting"),
    ),
    Namespace(
        name="tasks",
        class_="TaskVerbs",
        about="Running tasks and what comes after: waiting, judging, finding, stopping, protecting them.",
        modules=(
            "ecskit._tasks.running",
            "ecskit._tasks.completing",
            "ecskit._tasks.stopping",
            "ecskit._tasks.reading",
            "ecskit._tasks.protecting",
        ),
    ),
    Namespace(
        name="task_definitions",
        class_="TaskDefinitionVerbs",
        about="Registering task definitions; what is done with them offline is in `ecskit.task_definitions`.",
        modules=("ecskit._task_definitions.registering",),
    ),
    Namespace(
        name="task_sets",
        class_="TaskSetVerbs",
        about="Task sets of services that somebody else deploys: creating, scaling, switching, deleting them.",
        modules=("ecskit._task_sets.creating", "ecskit._task_sets.changing", "ecskit._task_sets.deleting"),
    ),
    Namespace(
        name="container_instances",
        class_="ContainerInstanceVerbs",
        about="Container instances: draining them and giving them tasks again, updating their agents, finding them.",
        modules=(
            "ecskit._container_instances.draining",
            "ecskit._container_instances.updating",
            "ecskit._container_instances.reading",
        ),
    ),
    Namespace(
        name="services",
        class_="ServiceVerbs",
        about="Services: deploying, scaling, creating, deleting, finding them.",
        modules=(
            "ecskit._deployments.deploying",
            "ecskit._deployments.rolling_back",
            "ecskit._services.scaling",
            "ecskit._services.creating",
            "ecskit._services.deleting",
            "ecskit._services.reading",
        ),
    ),
    Namespace(
        name="deployment",
        class_="DeploymentHandle",
        about="A deployment that was started: waiting for it, watching it, stopping it, rolling it back.",
        modules=("ecskit._deployments.handle",),
        bound="StartedDeployment",
    ),
)

SYNC_ALIASES = {"AsyncOnPause": "OnPause"}
"""Aliases of callbacks, and their names, in the same module, where coroutine functions are not accepted."""

_CANCEL = Parameter("cancel", "Event | None", "None")
_ABOUT_CANCEL = "    cancel: A `threading.Event`; setting it from another thread ends this with `WaitCancelled`."


def files(package: Path, origin: Provenance, namespaces: Sequence[Namespace] = NAMESPACES) -> Iterator[tuple[str, str]]:
    """Yield the path below the package and the text of each file."""
    homes = public_homes(package)
    for namespace in namespaces:
        verbs = [*verbs_of(package, namespace)]
        verbs = [replace(verb, imports=_published(verb.imports, homes)) for verb in verbs]
        for accent in (SYNC, ASYNC):
            yield f"_facades/{accent.module}_{namespace.name}.py", _namespace(namespace, verbs, accent, origin)


def public_homes(package: Path) -> Mapping[tuple[str, str], str]:
    """Return the public module of what a private module defines, by that module and the name."""
    homes: dict[tuple[str, str], str] = {}
    for path in sorted(package.glob("[a-z]*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("ecskit._"):
                homes |= {(node.module, alias.name): f"{package.name}.{path.stem}" for alias in node.names}
    return homes


def _published(imports: Mapping[str, str], homes: Mapping[tuple[str, str], str]) -> Mapping[str, str]:
    return {name: homes.get((module, name), module) for name, module in imports.items()}


def verbs_of(package: Path, namespace: Namespace) -> Iterator[Verb]:
    """Yield the verbs of a namespace as the methods that they become."""
    for module in _modules_of(package, namespace):
        for verb in read(package, module):
            yield verb.bound_to(namespace.bound) if namespace.bound else verb


def _modules_of(package: Path, namespace: Namespace) -> Iterator[str]:
    for module in namespace.modules:
        folder = package.parent / module.replace(".", "/")
        if folder.is_dir():
            yield from (f"{module}.{path.stem}" for path in sorted(folder.glob("[a-z]*.py")))
        else:
            yield module


def _namespace(namespace: Namespace, verbs: Sequence[Verb], accent: Accent, origin: Provenance) -> str:
    class_ = f"{accent.prefix}{namespace.class_}"
    typing = "TYPE_CHECKING, overload" if any(verb.one_or_many for verb in verbs) else "TYPE_CHECKING"
    out = [origin.header(namespace.about), f"\nfrom typing import {typing}\n\n"]
    needed, imports = _needed(namespace, verbs, accent), _imports(namespace, verbs, accent)
    out += [f"from {module} import {name}\n" for module, name in sorted(needed.items())]
    out.append("\nif TYPE_CHECKING:\n" if needed else "if TYPE_CHECKING:\n")
    standard = {m: n for m, n in imports.items() if not m.startswith(("ecskit", "tenacity"))}
    for group in (
        standard,
        {m: n for m, n in imports.items() if m not in standard and not m.startswith("ecskit")},
        {m: n for m, n in imports.items() if m.startswith("ecskit")},
    ):
        for module, names in sorted(group.items()):
            line = f"    from {module} import {', '.join(sorted(names, key=import_order))}\n"
            long = block(f"from {module} import (", sorted(names, key=import_order), ")", "    ")
            out.append(line if len(line) <= 120 else long)
        out.append("\n" if group else "")
    bound = namespace.bound
    base, more = (f"(Bound[{bound}])", f", started: {bound}") if bound else ("", "")
    out.append(f'__all__ = ["{class_}"]\n\n\nclass {class_}{base}:\n    """{namespace.about}"""\n')
    out.append('\n    __slots__ = ("_runtime",)\n')
    out.append(f"\n    def __init__(self, runtime: {accent.prefix}Runtime{more}) -> None:\n")
    about = "Act on `started` through `runtime`" if bound else "Run the flows on `runtime`"
    out.append(f'        """{about}."""\n')
    out.append("        super().__init__(started)\n" if bound else "")
    out.append("        self._runtime = runtime\n")
    return "".join([*out, *(_method(verb, accent, class_) for verb in verbs)])


def _needed(namespace: Namespace, verbs: Sequence[Verb], accent: Accent) -> dict[str, str]:
    """Return what is imported at run time: the name by its module."""
    needed = {"ecskit._drive.streams": f"{accent.prefix}Stream"} if any(verb.kind == "Emits" for verb in verbs) else {}
    if namespace.bound:
        needed |= {"ecskit._core.bound": "Bound", HANDLES[namespace.bound].module: namespace.bound}
    return needed


def _imports(namespace: Namespace, verbs: Sequence[Verb], accent: Accent) -> dict[str, set[str]]:
    """Return what is imported for type checkers: the names by their module."""
    imports = {f"ecskit._drive.{accent.module}": {f"{accent.prefix}Runtime"}}
    for verb in verbs:
        where = {**verb.imports, **_handle(verb, accent)}
        where |= {SYNC_ALIASES[name]: module for name, module in where.items() if name in SYNC_ALIASES}
        annotations = [_returned(verb, accent), *(_annotation(p, accent) for p in [*verb.positional, *verb.keyword])]
        for name in re.findall(r"\w+", " ".join(annotations)):
            if name in where and name not in (namespace.bound, f"{accent.prefix}{namespace.class_}"):
                imports.setdefault(where[name], set()).add(name)
        if verb.patient and accent is SYNC:
            imports.setdefault("threading", set()).add("Event")
    return imports


def _handle(verb: Verb, accent: Accent) -> Mapping[str, str]:
    """Return the handle that the method of a verb returns, if it does, by its name: where it is."""
    handle = HANDLES.get(verb.result) if verb.kind == "Flow" else None
    if handle is None:
        return {}
    return {f"{accent.prefix}{handle.class_}": f"ecskit._facades.{accent.module}_{handle.stem}"}


def _returned(verb: Verb, accent: Accent) -> str:
    """Return the annotation of what a method returns."""
    if verb.kind == "Emits":
        return f"{accent.prefix}Stream[{verb.result}]"
    if one := verb.one_or_many:
        return f"{one} | list[{one}]"
    return next(iter(_handle(verb, accent)), verb.result)


def _annotation(parameter: Parameter, accent: Accent) -> str:
    """Return the annotation of a parameter of a method."""
    if accent is not SYNC:
        return parameter.annotation
    return re.sub(r"\w+", lambda found: SYNC_ALIASES.get(found[0], found[0]), parameter.annotation)


def _method(verb: Verb, accent: Accent, class_: str) -> str:
    cancellable = verb.patient and accent is SYNC
    keyword = [*verb.keyword, _CANCEL] if cancellable else verb.keyword
    sections = dict(verb.sections)
    if cancellable:
        sections["Args"] += f"\n{_ABOUT_CANCEL}"
    one = verb.one_or_many
    overloads = ""
    if one:
        for count, result in (("None = None", one), ("int", f"list[{one}]")):
            overloads += f"\n    @overload{_signature(verb, accent, keyword, result, count)}: ...\n"
    opening = _signature(verb, accent, keyword, _returned(verb, accent))
    return f"{overloads}{opening}:\n{_docstring(sections)}{_body(verb, accent, class_, cancel=cancellable)}"


def _signature(verb: Verb, accent: Accent, keyword: Sequence[Parameter], result: str, count: str = "") -> str:
    lines = [f"{p.name}: {_annotation(p, accent)}" for p in verb.positional]
    lines += ["*"] if keyword else []
    for p in keyword:
        annotation = _annotation(p, accent) + (f" = {p.default}" if p.default is not None else "")
        lines.append(f"{p.name}: {count if count and p.name == 'count' else annotation}")
    inner = "".join(f"        {line},\n" for line in lines)
    def_ = "def" if verb.kind == "Emits" else accent.def_
    return f"\n    {def_} {verb.name}(\n        self,\n{inner}    ) -> {result}"


def _docstring(sections: dict[str, str]) -> str:
    summary = sections.pop("")
    parts = [f"{name}:{'' if name == 'Source' else chr(10)}{text}" for name, text in sections.items()]
    doc = "\n\n".join([summary, *parts])
    body = "\n".join(f"        {line}".rstrip() for line in doc.splitlines()).strip()
    return f'        """{body}\n        """\n'


def _body(verb: Verb, accent: Accent, within: str, *, cancel: bool) -> str:
    spread: dict[tuple[str, str], list[str]] = {}
    for p in verb.keyword:
        if p.of:
            spread.setdefault(p.of, []).append(p.name)
    given = ["self.started"] * verb.bound + [p.name for p in verb.positional]
    given += [f"{p.name}={p.name}" for p in verb.keyword if not p.of]
    package, _, module = verb.module.rpartition(".")
    imports = [f"from {package} import {module} as flows"]
    made = ""
    for (parameter, class_), names in spread.items():
        imports.append(f"from {SPREAD[class_]} import {class_}")
        made += block(f"{parameter} = {class_}(", [f"{name}={name}" for name in names], ")", "        ")
        given.append(f"{parameter}={parameter}")
    passed = ", cancel" if cancel else ""
    result = f"{accent.await_}self._runtime.run(flow{passed})"
    if verb.kind == "Emits":
        result = f"{accent.prefix}Stream(self._runtime.iterate(flow{passed}))"
    for handle, module in _handle(verb, accent).items():
        imports += [f"from {module} import {handle}"] if handle != within else []
        result = f"{handle}(self._runtime, {result})"
    lines = "".join(f"        {line}\n" for line in sorted(imports))
    call = block(f"flow = flows.{verb.name}(", given, ")", "        ")
    return f"{lines}\n{made}{call}        return {result}\n"
