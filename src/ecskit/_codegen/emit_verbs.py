"""Write the methods of the verbs, sync and async, with signatures and docstrings.

A verb is written by hand, once, as a flow; `verbs` reads its source. Its two methods run the flow. A namespace that is
bound to a value is a handle: its verbs take the value as their first argument, its methods take it from the handle.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from .emit_facades import ASYNC, SYNC, Variant
from .namespaces import HANDLES, NAMESPACES, SYNC_ONLY, Namespace
from .text import block, header, import_order
from .verbs import EXPANDED, Parameter, Verb, read

SYNC_ALIASES = {
    "AsyncOnLog": "OnLog",
    "AsyncOnPause": "OnPause",
    "AsyncOnPoll": "OnPoll",
    "AsyncOnProgress": "OnProgress",
}
"""Type aliases of callbacks: the async name, and the sync name in the same module."""

_OF_CLIENT = {"poll": "self._runtime.poll if poll is None else poll"}
"""Parameters for which a client has a default, with their values."""
_CANCEL = Parameter("cancel", "Event | None", "None")
_ABOUT_CANCEL = "    cancel: A `threading.Event`. Set it in another thread to end this call with `WaitCancelled`."


def files(package: Path, namespaces: Sequence[Namespace] = NAMESPACES) -> Iterator[tuple[str, str]]:
    """Yield the path below the package and the text of each file."""
    homes = public_homes(package)
    for namespace in namespaces:
        verbs = [*verbs_of(package, namespace)]
        verbs = [replace(verb, imports=_public(verb.imports, homes)) for verb in verbs]
        for variant in (SYNC, ASYNC):
            own = [verb for verb in verbs if variant is SYNC or verb.name not in SYNC_ONLY]
            yield f"_facades/{variant.module}_{namespace.name}.py", _namespace(namespace, own, variant)


def public_homes(package: Path) -> Mapping[tuple[str, str], str]:
    """Return where private names are public: the public module, by private module and name."""
    homes: dict[tuple[str, str], str] = {}
    for path in sorted(package.glob("[a-z]*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("ecskit._"):
                homes |= {(node.module, alias.name): f"{package.name}.{path.stem}" for alias in node.names}
    return homes


def _public(imports: Mapping[str, str], homes: Mapping[tuple[str, str], str]) -> Mapping[str, str]:
    return {name: homes.get((module, name), module) for name, module in imports.items()}


def verbs_of(package: Path, namespace: Namespace) -> Iterator[Verb]:
    """Yield the verbs of a namespace, as its methods take them."""
    for module in _modules_of(package, namespace):
        for verb in read(package, module):
            yield verb.bound_to(namespace.bound, HANDLES[namespace.bound].passed) if namespace.bound else verb


def _modules_of(package: Path, namespace: Namespace) -> Iterator[str]:
    for module in namespace.modules:
        folder = package.parent / module.replace(".", "/")
        if folder.is_dir():
            yield from (f"{module}.{path.stem}" for path in sorted(folder.glob("[a-z]*.py")))
        else:
            yield module


def _namespace(namespace: Namespace, verbs: Sequence[Verb], variant: Variant) -> str:
    class_ = f"{variant.prefix}{namespace.class_}"
    typing = "TYPE_CHECKING, overload" if any(any(_cases(verb)) for verb in verbs) else "TYPE_CHECKING"
    out = [header(namespace.about), f"\nfrom typing import {typing}\n\n"]
    needed, imports = _needed(namespace, verbs, variant), _imports(namespace, verbs, variant)
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
    handle = HANDLES[bound] if bound else None
    value = handle.value if handle else ""
    base, more = (f"({_base(bound, variant)})", f", {value}: {bound}") if bound else ("(Namespace)", "")
    out.append(f'__all__ = ["{class_}"]\n\n\nclass {class_}{base}:\n    """{namespace.about}"""\n')
    own = '("_runtime",)\n' if bound else f"()\n\n    _runtime: {variant.prefix}Runtime\n"
    out.append(f"\n    __slots__ = {own}")
    out.append(f"\n    def __init__(self, runtime: {variant.prefix}Runtime{more}) -> None:\n")
    about = f"Act on `{value}` through `runtime`" if bound else "Run flows on `runtime`"
    out.append(f'        """{about}."""\n')
    out.append(f"        super().__init__({value})\n" if bound else "")
    out.append("        self._runtime = runtime\n")
    return "".join([*out, *(_method(verb, variant, class_) for verb in verbs)])


def _base(bound: str, variant: Variant) -> str:
    """Return the base class of a handle."""
    return f"{variant.prefix}Block" if HANDLES[bound].blocks else f"Bound[{bound}]"


def _needed(namespace: Namespace, verbs: Sequence[Verb], variant: Variant) -> dict[str, str]:
    """Return the imports at run time: the name, by its module."""
    needed = {"ecskit._drive.streams": f"{variant.prefix}Stream"} if any(verb.kind == "Emits" for verb in verbs) else {}
    handle = HANDLES[namespace.bound] if namespace.bound else None
    if handle and handle.blocks:
        needed |= {handle.blocks: f"{variant.prefix}Block"}
    elif handle and namespace.bound:
        needed |= {"ecskit._core.bound": "Bound", handle.module: namespace.bound}
    else:
        needed |= {"ecskit._drive.namespace": "Namespace"}
    return needed


def _imports(namespace: Namespace, verbs: Sequence[Verb], variant: Variant) -> dict[str, set[str]]:
    """Return the imports for type checkers: the names, by their module."""
    imports = {f"ecskit._drive.{variant.module}": {f"{variant.prefix}Runtime"}}
    if namespace.bound and HANDLES[namespace.bound].blocks:
        imports[HANDLES[namespace.bound].module] = {namespace.bound}
    for verb in verbs:
        where = {**verb.imports, **_handle(verb, variant)}
        where |= {SYNC_ALIASES[name]: module for name, module in where.items() if name in SYNC_ALIASES}
        annotations = [_returned(verb, variant), *(_annotation(p, variant) for p in [*verb.positional, *verb.keyword])]
        if verb.is_text_or_bytes:
            imports.setdefault("typing", set()).update(("Any", "Literal"))
        if blocks := _opening(verb, variant):
            where[_OPENING] = blocks
        for name in re.findall(r"\w+", " ".join(annotations).replace("AnyStr", "")):
            if name in where and name not in (namespace.bound, f"{variant.prefix}{namespace.class_}"):
                imports.setdefault(where[name], set()).add(name)
        if verb.cancellable and variant is SYNC:
            imports.setdefault("threading", set()).add("Event")
    return imports


def _handle(verb: Verb, variant: Variant) -> Mapping[str, str]:
    """Return the handle that the method of a verb returns, if any: its module, by its name."""
    handle = HANDLES.get(verb.result) if verb.kind == "Flow" else None
    if handle is None:
        return {}
    return {f"{variant.prefix}{handle.class_}": f"ecskit._facades.{variant.module}_{handle.stem}"}


_OPENING = "Opening"
"""What async methods return whose value has blocks: it can be awaited, and used with `async with`."""


def _opening(verb: Verb, variant: Variant) -> str | None:
    """Return the module of what an async method returns in place of a coroutine, if it does."""
    return HANDLES[verb.result].blocks if variant is not SYNC and _handle(verb, variant) else None


def _returned(verb: Verb, variant: Variant) -> str:
    """Return the annotation of the result of a method."""
    if verb.kind == "Emits":
        return f"{variant.prefix}Stream[{verb.result}]"
    if one := verb.one_or_many:
        return f"{one} | list[{one}]"
    result = next(iter(_handle(verb, variant)), verb.result).replace("AnyStr", "Any")
    return f"{_OPENING}[{result}]" if _opening(verb, variant) else result


def _annotation(parameter: Parameter, variant: Variant) -> str:
    """Return the annotation of a parameter of a method."""
    if variant is not SYNC:
        return parameter.annotation
    return re.sub(r"\w+", lambda found: SYNC_ALIASES.get(found[0], found[0]), parameter.annotation)


def _method(verb: Verb, variant: Variant, class_: str) -> str:
    takes_cancel = verb.cancellable and variant is SYNC
    keyword = [*verb.keyword, _CANCEL] if takes_cancel else verb.keyword
    sections = dict(verb.sections)
    if takes_cancel:
        sections["Args"] += f"\n{_ABOUT_CANCEL}"
    overloads = ""
    for deciding, annotation, result, string in _cases(verb):
        decided = [_with(p, annotation if p.name == deciding else None, string) for p in keyword]
        overloads += f"\n    @overload{_signature(verb, variant, decided, result)}: ...\n"
    opening = _signature(verb, variant, [_with(p, None, "Any") for p in keyword], _returned(verb, variant))
    return f"{overloads}{opening}:\n{_docstring(sections)}{_body(verb, variant, class_, cancel=takes_cancel)}"


def _cases(verb: Verb) -> Iterator[tuple[str, str, str, str]]:
    """Yield the cases of a verb whose result depends on an argument: the argument, its type, the result, and AnyStr."""
    if one := verb.one_or_many:
        yield "count", "None = None", one, ""
        yield "count", "int", f"list[{one}]", ""
    if verb.is_text_or_bytes:
        for binary, string in (("Literal[False] = False", "str"), ("Literal[True]", "bytes"), ("bool", "Any")):
            yield "binary", binary, verb.result.replace("AnyStr", string), string


def _with(parameter: Parameter, annotation: str | None, string: str) -> Parameter:
    """Return a parameter of an overload: with another annotation, or with AnyStr replaced in its own."""
    if annotation is not None:
        return replace(parameter, annotation=annotation, default=None)
    return replace(parameter, annotation=parameter.annotation.replace("AnyStr", string))


def _signature(verb: Verb, variant: Variant, keyword: Sequence[Parameter], result: str) -> str:
    lines = [
        f"{p.name}: {_annotation(p, variant)}{'' if p.default is None else f' = {p.default}'}"
        for p in [*verb.positional, *keyword]
    ]
    lines[len(verb.positional) :] = ["*", *lines[len(verb.positional) :]] if keyword else []
    inner = "".join(f"        {line},\n" for line in lines)
    def_ = variant.def_ if verb.kind == "Flow" and not result.startswith(f"{_OPENING}[") else "def"
    return f"\n    {def_} {verb.name}(\n        self,\n{inner}    ) -> {result}"


def _docstring(sections: dict[str, str]) -> str:
    summary = sections.pop("")
    parts = [f"{name}:{'' if name == 'Source' else chr(10)}{text}" for name, text in sections.items()]
    doc = "\n\n".join([summary, *parts])
    body = "\n".join(f"        {line}".rstrip() for line in doc.splitlines()).strip()
    return f'        """{body}\n        """\n'


def _body(verb: Verb, variant: Variant, within: str, *, cancel: bool) -> str:
    expansion: dict[tuple[str, str], list[str]] = {}
    for p in verb.keyword:
        if p.of:
            expansion.setdefault(p.of, []).append(p.name)
    given = [verb.bound] * bool(verb.bound) + [p.name for p in verb.positional]
    given += [f"{p.name}={p.name}" for p in verb.keyword if not p.of]
    package, _, module = verb.module.rpartition(".")
    imports = {package: [f"{module} as flows"]}
    made = ""
    for (parameter, class_), names in expansion.items():
        imports.setdefault(EXPANDED[class_], []).append(class_)
        values = [f"{name}={_OF_CLIENT.get(name, name)}" for name in names]
        made += block(f"{parameter} = {class_}(", values, ")", "        ")
        given.append(f"{parameter}={parameter}")
    passed = ", cancel" if cancel else ""
    result = f"{variant.await_}self._runtime.run(flow{passed})"
    if verb.kind == "Emits":
        result = f"{variant.prefix}Stream(self._runtime.iterate(flow{passed}))"
    for handle, module in _handle(verb, variant).items():
        if handle != within:
            imports.setdefault(module, []).append(handle)
        if blocks := _opening(verb, variant):
            imports.setdefault(blocks, []).append(_OPENING)
            result = f"{_OPENING}({handle}, self._runtime, flow)"
        else:
            result = f"{handle}(self._runtime, {result})"
    lines = "".join(
        f"        from {home} import {', '.join(sorted(names))}\n" for home, names in sorted(imports.items())
    )
    call = block(f"flow = flows.{verb.name}(", given, ")", "        ")
    return f"{lines}\n{made}{call}        return {result}\n"
