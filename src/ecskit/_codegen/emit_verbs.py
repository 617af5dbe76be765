"""The two accents of the hand-written verbs: a method for each, with its signature and docstring.

A verb is written once, as a flow that knows no colour; `verbs` reads them. The methods that are written here run them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .emit_facades import ASYNC, SYNC, Accent
from .text import Provenance, block, import_order
from .verbs import SPREAD, Parameter, Verb, read


@dataclass(frozen=True)
class Namespace:
    """A namespace of the client and the modules whose verbs are its methods."""

    name: str
    class_: str
    about: str
    modules: tuple[str, ...]


NAMESPACES = (
    Namespace(
        name="wait",
        class_="Wait",
        about="Waits, each of which ends in a typed result or says why not.",
        modules=(
            "ecskit.waits.tasks",
            "ecskit.waits.exec_agents",
            "ecskit.waits.clusters",
            "ecskit.waits.container_instances",
            "ecskit.waits.capacity_providers",
            "ecskit.waits.task_definitions",
            "ecskit.waits.task_sets",
            "ecskit.waits.daemons",
            "ecskit.waits.gateways",
            "ecskit.waits.express_services",
            "ecskit.waits.resuming",
        ),
    ),
    Namespace(
        name="tasks",
        class_="TaskVerbs",
        about="Running tasks and what comes after: waiting, judging, finding, stopping, protecting them.",
        modules=(
            "ecskit.tasks.running",
            "ecskit.tasks.completing",
            "ecskit.tasks.stopping",
            "ecskit.tasks.reading",
            "ecskit.tasks.protecting",
        ),
    ),
    Namespace(
        name="task_definitions",
        class_="TaskDefinitionVerbs",
        about="Registering task definitions; what is done with them offline is in `ecskit.task_definitions`.",
        modules=("ecskit.task_definitions.registering",),
    ),
)

_CANCEL = Parameter("cancel", "Event | None", "None")
_ABOUT_CANCEL = "    cancel: A `threading.Event`; setting it from another thread ends this with `WaitCancelled`."


def files(package: Path, origin: Provenance) -> Iterator[tuple[str, str]]:
    """Yield the path below the package and the text of each file."""
    for namespace in NAMESPACES:
        verbs = [verb for module in namespace.modules for verb in read(package, module)]
        for accent in (SYNC, ASYNC):
            yield f"_generated/{accent.module}_{namespace.name}.py", _namespace(namespace, verbs, accent, origin)


def _namespace(namespace: Namespace, verbs: Sequence[Verb], accent: Accent, origin: Provenance) -> str:
    class_ = f"{accent.prefix}{namespace.class_}"
    typing = "TYPE_CHECKING, overload" if any(verb.one_or_many for verb in verbs) else "TYPE_CHECKING"
    out = [origin.header(namespace.about), f"\nfrom typing import {typing}\n\nif TYPE_CHECKING:\n"]
    imports = _imports(verbs, accent)
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
    out.append(f'__all__ = ["{class_}"]\n\n\nclass {class_}:\n    """{namespace.about}"""\n')
    out.append(f'\n    __slots__ = ("_runtime",)\n\n    def __init__(self, runtime: {accent.prefix}Runtime) -> None:\n')
    out.append('        """Run the flows on `runtime`."""\n        self._runtime = runtime\n')
    return "".join([*out, *(_method(verb, accent) for verb in verbs)])


def _imports(verbs: Sequence[Verb], accent: Accent) -> dict[str, set[str]]:
    imports = {f"ecskit._drive.{accent.module}": {f"{accent.prefix}Runtime"}}
    for verb in verbs:
        for name, module in verb.imports.items():
            if name != "OneOrMany":
                imports.setdefault(module, set()).add(name)
        if verb.kind == "Emits":
            imports.setdefault("collections.abc", set()).add(f"{accent.prefix}Generator")
        if verb.patient and accent is SYNC:
            imports.setdefault("threading", set()).add("Event")
    return imports


def _method(verb: Verb, accent: Accent) -> str:
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
    result = f"{one} | list[{one}]" if one else verb.result
    opening = _signature(verb, accent, keyword, result)
    return f"{overloads}{opening}:\n{_docstring(sections)}{_body(verb, accent, cancel=cancellable)}"


def _signature(verb: Verb, accent: Accent, keyword: Sequence[Parameter], result: str, count: str = "") -> str:
    lines = [f"{p.name}: {p.annotation}" for p in verb.positional]
    lines += ["*"] if keyword else []
    for p in keyword:
        annotation = p.annotation + (f" = {p.default}" if p.default is not None else "")
        lines.append(f"{p.name}: {count if count and p.name == 'count' else annotation}")
    inner = "".join(f"        {line},\n" for line in lines)
    def_ = accent.def_
    if verb.kind == "Emits":
        def_ = "def"
        result = f"AsyncGenerator[{result}, None]" if accent is ASYNC else f"Generator[{result}, None, None]"
    return f"\n    {def_} {verb.name}(\n        self,\n{inner}    ) -> {result}"


def _docstring(sections: dict[str, str]) -> str:
    summary = sections.pop("")
    parts = [f"{name}:{'' if name == 'Source' else chr(10)}{text}" for name, text in sections.items()]
    doc = "\n\n".join([summary, *parts])
    body = "\n".join(f"        {line}".rstrip() for line in doc.splitlines()).strip()
    return f'        """{body}\n        """\n'


def _body(verb: Verb, accent: Accent, *, cancel: bool) -> str:
    spread: dict[tuple[str, str], list[str]] = {}
    for p in verb.keyword:
        if p.of:
            spread.setdefault(p.of, []).append(p.name)
    given = [p.name for p in verb.positional] + [f"{p.name}={p.name}" for p in verb.keyword if not p.of]
    imports = [f"from {verb.module} import {verb.name} as verb"]
    made = ""
    for (parameter, class_), names in spread.items():
        imports.append(f"from {SPREAD[class_]} import {class_}")
        made += block(f"{parameter} = {class_}(", [f"{name}={name}" for name in names], ")", "        ")
        given.append(f"{parameter}={parameter}")
    lines = "".join(f"        {line}\n" for line in sorted(imports))
    passed = ", cancel" if cancel else ""
    run = f"self._runtime.iterate(flow{passed})" if verb.kind == "Emits" else f"self._runtime.run(flow{passed})"
    await_ = "" if verb.kind == "Emits" else accent.await_
    call = block("flow = verb(", given, ")", "        ")
    return f"{lines}\n{made}{call}        return {await_}{run}\n"
