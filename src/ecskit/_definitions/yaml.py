"""Read YAML as people mean it: text stays text, names are given once, and small files do not grow large.

PyYAML composes the nodes. Its own values are those of YAML 1.1, where `no` is false and `22:22` a number. So plain
scalars become `Untyped` here: the member that holds a value decides whether it is text, a number, or true or false.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from ecskit._core.errors import MissingExtraError, RequestError
from ecskit._core.wording import shortened
from ecskit._definitions.fitting import Untyped

__all__ = ["MOST_DEEP", "MOST_NODES", "TOO_DEEP", "is_yaml", "parse_yaml"]

MOST_NODES = 50_000
"""The most values of a file after its aliases are expanded. ECS takes 64 KiB."""
MOST_DEEP = 60
"""The deepest nesting. No member of ECS is deeper than twelve."""

_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(f"{_TAG}{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq"))
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
TOO_DEEP = f"it is nested more than {MOST_DEEP} deep"
TOO_MANY = f"it has more than {MOST_NODES:,} values"
_QUOTE = "put it into quotation marks"
_WRONG: Mapping[str, str] = {
    TOO_DEEP: TOO_DEEP,
    TOO_MANY: TOO_MANY,
    "found character '\\t'": "a tab; YAML is indented with spaces",
    "found character '`'": f"text cannot begin with a backquote; {_QUOTE}",
    "found character '@'": f"text cannot begin with @; {_QUOTE}",
    "found character '%'": f"text cannot begin with %; {_QUOTE}",
    "found undefined alias": "an alias whose anchor is not above it",
    "found duplicate anchor": "an anchor that is there twice",
    "but found another document": "a second document begins here; put one definition into each file",
    "mapping values are not allowed": f"a colon where no name ends; {_QUOTE}, or correct the indentation",
    "could not find expected ':'": "a name without a colon, or a text that does not end",
    "found unexpected end of stream": "a text that does not end",
    "expected <block end>": "this is indented differently from what is above it",
    "expected ',' or ']'": "expected a comma, or the closing bracket",
    "expected ',' or '}'": "expected a comma, or the closing bracket",
    "unacceptable character": "a control character",
}
"""What is wrong, by the beginning of the parser's words."""


def is_yaml(source: str) -> bool:
    """Return whether the name of a file is that of a YAML file."""
    return source.lower().endswith((".yaml", ".yml"))


def parse_yaml(text: str, source: str) -> Any:
    """Return the data of a YAML file. Scalars without quotation marks are `Untyped`, and names are text.

    Raises:
        RequestError: The file is not YAML, has a name twice, or is too large or too deep. The message starts with
            `source`, and shows no value.
        MissingExtraError: The extra `yaml` is not installed.
    """
    try:
        import yaml
    except ImportError:
        raise MissingExtraError(f"{source}: YAML needs PyYAML: pip install 'ecskit[yaml]'") from None
    node: Any = None
    try:
        node = yaml.compose(text, Loader=_loader())
    except yaml.MarkedYAMLError as error:
        reason = _reason(text, error)
    except yaml.YAMLError as error:
        reason = f": {_words(str(error))}"
    else:
        if node is None:
            raise RequestError(source, [("", "not YAML: the file holds only comments")])
        return _Builder(source).value(node, 0)
    raise RequestError(
        source, [("", f"not YAML{reason}")]
    )  # outside of the handlers: the parser's errors hold the file


@functools.cache
def _loader() -> Any:
    """Return a loader that ends early: PyYAML is slow, and its time grows with the square of the depth."""
    import yaml

    class Loader(yaml.SafeLoader):
        depth = nodes = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            self.depth += 1
            self.nodes += 1
            problem = TOO_DEEP if self.depth > MOST_DEEP else TOO_MANY if self.nodes > MOST_NODES else None
            if problem is not None:
                stream: Any = self
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=stream.peek_event().start_mark)
            node = super().compose_node(parent, index)
            self.depth -= 1
            return node

    return Loader


class _Builder:
    """Makes data of nodes, and counts them: an alias is expanded wherever it is used."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.nodes = 0

    def value(self, node: Any, depth: int) -> Any:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise self.error(node, f"its aliases make more than {MOST_NODES:,} values of it")
        if depth > MOST_DEEP:
            raise self.error(node, TOO_DEEP)
        if node.tag not in _PLAIN_TAGS and not _is_resolved(node):
            name = shortened(node.tag.removeprefix(_TAG))
            raise self.error(node, f"the tag {name} has no meaning here; remove it")
        if node.id == "mapping":
            return self.mapping(node, depth)
        if node.id == "sequence":
            return [self.value(item, depth + 1) for item in node.value]
        if node.style is not None:
            return node.value
        return None if node.value in _NULLS else Untyped(node.value)

    def mapping(self, node: Any, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        merged: dict[str, Any] | None = None
        for key, item in node.value:
            if key.id != "scalar":
                raise self.error(key, f"a name that is no text; if it is a placeholder, {_QUOTE}")
            merges = key.value == "<<" and key.style is None
            if key.value in made or (merges and merged is not None):
                advice = "write one with a list" if merges else "remove one"
                raise self.error(key, f"{shortened(key.value)} is given twice; {advice}")
            if merges:
                merged = {}
                for each in self.merges(item, depth):
                    merged = {**each, **merged}
                continue
            made[key.value] = self.value(item, depth + 1)
        return {**(merged or {}), **made}

    def merges(self, node: Any, depth: int) -> Iterator[dict[str, Any]]:
        for each in node.value if node.id == "sequence" else [node]:
            if each.id != "mapping":
                raise self.error(each, "<< merges mappings only")
            yield self.value(each, depth + 1)

    def error(self, node: Any, problem: str) -> RequestError:
        return RequestError(self.source, [("", f"{_place(node.start_mark)}: {problem}")])


def _is_resolved(node: Any) -> bool:
    """Whether PyYAML has found the tag of a plain scalar by itself: dates, and values that YAML 1.1 has."""
    return (
        node.id == "scalar" and node.style is None and node.tag in (f"{_TAG}timestamp", f"{_TAG}value", f"{_TAG}merge")
    )


def _place(mark: Any) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}"


def _reason(text: str, error: Any) -> str:
    mark = error.problem_mark or error.context_mark
    line = text.splitlines()[mark.line] if mark is not None and mark.line < len(text.splitlines()) else ""
    where = f": {_place(mark)}" if mark is not None else ""
    if "{{" in line or "{%" in line or "${" in line:
        return f"{where}: a placeholder outside of a text; {_QUOTE}"
    return f"{where}: {_words(str(error.problem))}"


def _words(problem: str) -> str:
    return next((text for start, text in _WRONG.items() if problem.startswith(start)), "it cannot be parsed here")
