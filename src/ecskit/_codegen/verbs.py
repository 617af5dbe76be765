"""Read the verbs from their source: name, parameters, result and docstring.

A verb is a public function, in `__all__` if the module has one, that returns a flow. A parameter that is annotated with
a class of `EXPANDED` stands for the fields of that class: they become parameters of the method, documented by the
strings below the fields.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

EXPANDED = {
    "WaitOptions": "ecskit._polling.options",
    "Launch": "ecskit._tasks.launch",
    "LogOptions": "ecskit._logs.arguments",
    "ExecOptions": "ecskit._exec.starting",
    "Change": "ecskit._deployments.arguments",
    "FollowOptions": "ecskit._deployments.arguments",
    "RollbackOptions": "ecskit._deployments.arguments",
}
"""Classes whose fields become parameters, and their modules."""
RESULTS = ("Flow", "Emits")
"""The return types of verbs: a flow with a result, or one that emits items."""

_SECTION = re.compile(r"^(Args|Returns|Yields|Raises|Polling|Source):", re.MULTILINE)
_DOC_WIDTH = 112


@dataclass(frozen=True)
class Parameter:
    """One parameter of a method."""

    name: str
    annotation: str
    default: str | None
    of: tuple[str, str] | None = None
    """If this is a field of an expanded class: the parameter of the verb, and the class."""


@dataclass(frozen=True)
class Verb:
    """One verb."""

    name: str
    module: str
    positional: Sequence[Parameter]
    keyword: Sequence[Parameter]
    result: str
    kind: Literal["Flow", "Emits"]
    sections: Mapping[str, str]
    """The docstring by section: the summary under the empty string, the rest under their headings."""
    imports: Mapping[str, str]
    """The modules of the names in the signature."""
    bound: str = ""
    """The value of the handle, as its method passes it first; empty for methods of namespaces."""

    @property
    def cancellable(self) -> bool:
        """Whether the sync method takes a `cancel` event: verbs with a timeout do."""
        return any("timeout" in parameter.name for parameter in self.keyword)

    @property
    def one_or_many(self) -> str | None:
        """The type of the result for one, if the verb returns a list when `count` is given."""
        found = re.fullmatch(r"OneOrMany\[(.*)\]", self.result)
        return found[1] if found else None

    @property
    def is_text_or_bytes(self) -> bool:
        """Whether `binary` decides about `str` and `bytes` in its result."""
        return "AnyStr" in self.result

    def bound_to(self, value: str, passed: str = "self.started") -> Verb:
        """Return it as a method of a handle: without its first parameter, which has to be of class `value`.

        The method passes `passed` in its place.
        """
        if not self.positional or self.positional[0].annotation != value:
            raise SyntaxError(f"{self.module}: the first parameter of {self.name} has to be a {value}")
        first, *others = self.positional
        sections = {**self.sections, "Args": "\n".join(_without(self.sections["Args"], [first.name]))}
        if not sections["Args"]:
            del sections["Args"]
        return replace(self, positional=others, sections=sections, bound=passed)


def read(package: Path, module: str) -> Iterator[Verb]:
    """Yield the verbs of a module, in its order."""
    tree, known = _parse(package, module)
    public = _public(tree)
    for node in tree.body:
        returns = node.returns if isinstance(node, ast.FunctionDef) else None
        if (
            isinstance(node, ast.FunctionDef)
            and node.name in public
            and isinstance(returns, ast.Subscript)
            and isinstance(returns.value, ast.Name)
            and returns.value.id in RESULTS
        ):
            yield _verb(package, module, node, returns, known)


def _public(tree: ast.Module) -> list[str]:
    """Return the names in the `__all__` of a module; without one, the names of its functions without underscore."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return [each.name for each in tree.body if isinstance(each, ast.FunctionDef) and not each.name.startswith("_")]


def _verb(package: Path, module: str, node: ast.FunctionDef, returns: ast.Subscript, known: dict[str, str]) -> Verb:
    expansion = _Expansion(package)
    keyword: list[Parameter] = []
    for argument, value in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
        annotation = _text(argument.annotation)
        if annotation in EXPANDED:
            keyword += expansion.fields(argument.arg, annotation)
        else:
            keyword.append(Parameter(argument.arg, annotation, _default(value)))
    required = len(node.args.args) - len(node.args.defaults)
    positional = [
        Parameter(a.arg, _text(a.annotation), _default(value))
        for a, value in zip(node.args.args, [*[None] * required, *node.args.defaults], strict=True)
    ]
    used = {name for p in [*positional, *keyword] for name in re.findall(r"\w+", p.annotation)}
    used |= set(re.findall(r"\w+", ast.unparse(returns.slice)))
    sections = _sections(inspect.cleandoc(ast.get_docstring(node) or ""))
    return Verb(
        name=node.name,
        module=module,
        positional=positional,
        keyword=keyword,
        result=ast.unparse(returns.slice),
        kind="Emits" if isinstance(returns.value, ast.Name) and returns.value.id == "Emits" else "Flow",
        sections=expansion.documented(sections),
        imports={name: where for name, where in {**expansion.known, **known}.items() if name in used},
    )


@dataclass
class _Expansion:
    """The fields that become parameters of a verb, and their documentation."""

    package: Path
    parameters: list[str] = field(default_factory=list[str])
    docs: list[str] = field(default_factory=list[str])
    raises: list[str] = field(default_factory=list[str])
    known: dict[str, str] = field(default_factory=dict[str, str])

    def fields(self, parameter: str, class_: str) -> Iterator[Parameter]:
        """Yield the fields of a class as parameters, and collect their documentation."""
        tree, known = _parse(self.package, EXPANDED[class_])
        self.known |= known
        self.parameters.append(parameter)
        node = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == class_)
        self.raises.append(_sections(ast.get_docstring(node) or "").get("Raises", ""))
        for member, after in zip(node.body, [*node.body[1:], None], strict=True):
            if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
                name = member.target.id
                text = (
                    after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
                )
                self.docs += textwrap.wrap(
                    f"{name}: {' '.join(str(text).split())}",
                    _DOC_WIDTH,
                    initial_indent="    ",
                    subsequent_indent="        ",
                    break_on_hyphens=False,
                )
                yield Parameter(name, _text(member.annotation), _default(member.value), (parameter, class_))

    def documented(self, sections: dict[str, str]) -> dict[str, str]:
        """Return a docstring with the fields among the arguments, and with the errors of their classes.

        Errors that the docstring itself names in its section are not listed again.
        """
        if not self.docs:
            return sections
        args = "\n".join([*_without(sections["Args"], self.parameters), *self.docs])
        own = sections.get("Raises", "")
        errors = [entry for section in self.raises for entry in entries(section)]
        named = set(re.findall(r"\w+", own))
        more = {name: entry for entry in reversed(errors) if (name := entry.split(":")[0].strip()) not in named}
        ordered = {"": sections[""], "Args": args}
        ordered |= {name: text for name, text in sections.items() if name in ("Returns", "Yields")}
        ordered["Raises"] = "\n".join(filter(None, [own, *reversed(more.values())]))
        return ordered | {name: text for name, text in sections.items() if name not in ordered}


def _sections(doc: str) -> dict[str, str]:
    """Return the parts of a docstring by their headings; the first part has none."""
    starts = [*_SECTION.finditer(doc)]
    found = {"": doc[: starts[0].start()].rstrip() if starts else doc}
    for start, following in zip(starts, [*starts[1:], None], strict=False):
        found[start[1]] = doc[start.end() : following.start() if following else len(doc)].strip("\n").rstrip()
    return found


def entries(section: str) -> list[str]:
    """Return the entries of a section, each with the lines that continue it."""
    return re.findall(r"^    \S.*(?:\n     .*)*", section, re.MULTILINE)


def _without(section: str, names: Sequence[str]) -> list[str]:
    """Return the entries of a section except those with some names."""
    return [entry for entry in entries(section) if entry.split(":")[0].strip() not in names]


def _parse(package: Path, module: str) -> tuple[ast.Module, dict[str, str]]:
    """Return the syntax tree of a module, and the module of each name that its annotations can use."""
    tree = ast.parse((package.parent / (module.replace(".", "/") + ".py")).read_text("utf-8"))
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.level:
                raise SyntaxError(f"{module}: use absolute imports: they are copied into generated files")
            known |= {alias.asname or alias.name: node.module for alias in node.names}
    for top in tree.body:
        if isinstance(top, ast.ClassDef):
            known[top.name] = module
        elif isinstance(top, ast.AnnAssign) and isinstance(top.target, ast.Name):
            known[top.target.id] = module
    return tree, known


def _default(value: ast.expr | None) -> str | None:
    """Return the text of a default value; strings in double quotes, as formatters write them."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return json.dumps(value.value)
    return ast.unparse(value) if value else None


def _text(annotation: ast.expr | None) -> str:
    assert annotation is not None  # type checkers require annotations
    return ast.unparse(annotation)
