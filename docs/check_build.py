"""Checks the built site: `nox -s docs` runs it after Sphinx.

- The reference has the description of every property and field, whole.
- Each page has a Markdown version without directives, whose links exist, and a line in `llms.txt`.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import ecskit

LINK = re.compile(r"\]\(([\w/.-]+\.(?:md|svg))(?:#[\w-]+)?\)")
DIRECTIVE = re.compile(r"^(?:```\{|:::|:[a-z-]+:)", re.MULTILINE)


def main(site: Path) -> list[str]:
    """Return what is wrong with the site."""
    wrong: list[str] = []
    index = (site / "llms.txt").read_text("utf-8")
    for page in sorted(Path(__file__).parent.glob("*.md")):
        text = (site / page.name).read_text("utf-8")
        wrong += [f"{page.name}: a directive: {line}" for line in DIRECTIVE.findall(text)]
        wrong += [f"{page.name}: no {link}" for link in LINK.findall(text) if not (site / link).exists()]
        if page.name != "index.md" and f"({page.name}): " not in index:
            wrong.append(f"llms.txt: no {page.name}")
    reference = words((site / "reference.md").read_text("utf-8"))
    described = list(descriptions())
    assert len(described) > 100
    wrong += [
        f"reference: no description of {name}: {text}" for name, text in described if words(text) not in reference
    ]
    return wrong


def words(text: str) -> str:
    """Return the text without markup and line breaks."""
    return " ".join(re.sub(r"[`\"*]|\s+", " ", text).split())


def descriptions() -> Iterator[tuple[str, str]]:
    """Yield name and first paragraph of each described property and field of public classes, models excepted."""
    package = Path(ecskit.__file__).parent
    names = {info.name for info in pkgutil.iter_modules(ecskit.__path__) if not info.name.startswith("_")} - {"models"}
    fronts = [ecskit, *(importlib.import_module(f"ecskit.{name}") for name in names)]
    public = {name: inspect.getdoc(getattr(front, name)) for front in fronts for name in front.__all__}
    for path in sorted(package.rglob("*.py")):
        if "models" in path.parts:
            continue
        tree = ast.parse(path.read_text("utf-8"))
        classes = [each for each in tree.body if isinstance(each, ast.ClassDef) and each.name in public]
        for cls in [each for each in classes if str(public[each.name]).startswith(str(ast.get_docstring(each)))]:
            for name, text in members(cls):
                if not name.startswith("_"):
                    yield f"{cls.name}.{name}", inspect.cleandoc(text).partition("\n\n")[0]


def members(cls: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Yield the properties and fields of a class that have a docstring."""
    for member, after in itertools.zip_longest(cls.body, cls.body[1:]):
        match member:
            case ast.FunctionDef(name, decorator_list=[ast.Name("property"), *_]):
                yield name, ast.get_docstring(member) or "(no docstring)"
            case ast.AnnAssign(ast.Name(name)):
                if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                    yield name, str(after.value.value)
            case _:
                pass


if __name__ == "__main__":
    sys.exit("\n".join(main(Path(sys.argv[1]))) or None)
