"""The two accents of the hand-written verbs: a method for each public flow, with its signature and docstring.

A flow is written once, as a generator that knows no colour. This reads the source of the modules in `NAMESPACES` and
writes, for each public function that returns a `Flow`, a method with the same parameters that runs it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .emit_facades import ASYNC, SYNC, Accent
from .text import Provenance, block


@dataclass(frozen=True)
class Namespace:
    """A namespace of the client and the modules whose flows are its methods."""

    name: str
    class_: str
    about: str
    modules: tuple[str, ...]
    cancellable: bool


NAMESPACES = (
    Namespace(
        name="wait",
        class_="Wait",
        about="Waits, each of which ends in a typed result or says why not.",
        modules=("waits.tasks",),
        cancellable=True,
    ),
)


def files(package: Path, origin: Provenance) -> Iterator[tuple[str, str]]:
    """Yield the path below the package and the text of each file."""
    for namespace in NAMESPACES:
        for accent in (SYNC, ASYNC):
            yield f"_generated/{accent.module}_{namespace.name}.py", _namespace(namespace, accent, package, origin)


def _namespace(namespace: Namespace, accent: Accent, package: Path, origin: Provenance) -> str:
    class_ = f"{accent.prefix}{namespace.class_}"
    imports: dict[str, set[str]] = {f"ecskit._drive.{accent.module}": {f"{accent.prefix}Runtime"}}
    methods: list[str] = []
    for module in namespace.modules:
        tree = ast.parse((package / (module.replace(".", "/") + ".py")).read_text("utf-8"))
        sources = _sources(tree, f"ecskit.{module}")
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and _flow_result(node) and not node.name.startswith("_"):
                methods.append(_method(node, f"ecskit.{module}", namespace, accent))
                for name in _names(node):
                    if name in sources:
                        imports.setdefault(sources[name], set()).add(name)
    if namespace.cancellable and accent is SYNC:
        imports.setdefault("threading", set()).add("Event")
    out = [origin.header(namespace.about), "\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n"]
    standard = {m: n for m, n in imports.items() if not m.startswith(("ecskit", "tenacity"))}
    for group in (
        standard,
        {m: n for m, n in imports.items() if m not in standard and not m.startswith("ecskit")},
        {m: n for m, n in imports.items() if m.startswith("ecskit")},
    ):
        out += [f"    from {m} import {', '.join(sorted(names))}\n" for m, names in sorted(group.items())]
        out.append("\n" if group else "")
    out.append(f'__all__ = ["{class_}"]\n\n\nclass {class_}:\n    """{namespace.about}"""\n')
    out.append(f'\n    __slots__ = ("_runtime",)\n\n    def __init__(self, runtime: {accent.prefix}Runtime) -> None:\n')
    out.append('        """Run the flows on `runtime`."""\n        self._runtime = runtime\n')
    return "".join(out + methods)


def _sources(tree: ast.Module, module: str) -> dict[str, str]:
    """Return which module each name that the source can use comes from."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.level:
                raise SyntaxError(f"{module}: import absolutely, its imports are copied into generated files")
            found |= {alias.asname or alias.name: node.module for alias in node.names}
    for top in tree.body:
        if isinstance(top, ast.ClassDef):
            found[top.name] = module
        elif isinstance(top, ast.AnnAssign) and isinstance(top.target, ast.Name):
            found[top.target.id] = module
    return found


def _flow_result(node: ast.FunctionDef) -> str | None:
    """Return what the flow results in, as text; None of a function that is not a flow."""
    returns = node.returns
    if isinstance(returns, ast.Subscript) and isinstance(returns.value, ast.Name) and returns.value.id == "Flow":
        return ast.unparse(returns.slice)
    return None


def _names(node: ast.FunctionDef) -> set[str]:
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    annotations = [a.annotation for a in arguments] + [node.returns]
    return {n.id for a in annotations if a for n in ast.walk(a) if isinstance(n, ast.Name)} - {"Flow"}


def _method(node: ast.FunctionDef, module: str, namespace: Namespace, accent: Accent) -> str:
    arguments, only = node.args.args, node.args.kwonlyargs
    parameters = [f"{a.arg}: {ast.unparse(a.annotation)}" for a in arguments if a.annotation]
    parameters += ["*"] if only else []
    for argument, value in zip(only, node.args.kw_defaults, strict=True):
        assert argument.annotation is not None
        parameters.append(
            f"{argument.arg}: {ast.unparse(argument.annotation)}{f' = {ast.unparse(value)}' if value else ''}"
        )
    cancel = namespace.cancellable and accent is SYNC
    doc = ast.get_docstring(node) or ""
    if cancel:
        parameters.append("cancel: Event | None = None")
        added = "cancel: A `threading.Event`; setting it from another thread ends the wait with `WaitCancelled`.\n"
        doc = doc.replace("\n\nReturns:", f"\n    {added}\nReturns:", 1)
    body = "\n".join(f"        {line}".rstrip() for line in doc.splitlines()).strip()
    given = [a.arg for a in arguments] + [f"{a.arg}={a.arg}" for a in only]
    inner = "".join(f"        {p},\n" for p in parameters)
    passed = ", cancel" if cancel else ""
    return (
        f"\n    {accent.def_} {node.name}(\n        self,\n{inner}    ) -> {_flow_result(node)}:\n"
        f'        """{body}\n        """\n'
        f"        from {module} import {node.name}\n\n"
        + block(f"flow = {node.name}(", given, ")", "        ")
        + f"        return {accent.await_}self._runtime.run(flow{passed})\n"
    )
