"""From the bytes of a file to data. A file that is not JSON is named for what it is, with line and column."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from ecskit._core.errors import RequestError
from ecskit._definitions.recognizing import Subject, foreign
from ecskit._definitions.yaml import MOST_DEEP, TOO_DEEP, is_yaml, parse_yaml

__all__ = ["parse"]

Problem = tuple[str, str]

_COMPRESSED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip"}
_LANGUAGES = {
    ".tf": "HCL of Terraform",
    ".hcl": "HCL",
    ".jsonnet": "Jsonnet",
    ".libsonnet": "Jsonnet",
    ".toml": "TOML",
    ".xml": "XML",
}
"""Other languages, by the suffix of the file."""
_MARKER = re.compile(r"\{\{|\{%|\{#|<%|\$\{|\$\(|\$\[|\$\w|%\w+%|@\w+@|__\w+__|<[\w -]+>|#\{")
"""Beginnings of placeholders: of Go, Jinja, ERB, shells, Terraform and hand-made replacements."""
_OPEN = re.compile(r"(\{\{|\{%|<%|\$\{|\$\()((?!\}\}|%\}|%>|\}|\)).)*$")
"""A placeholder that is still open: a quotation mark inside of it has ended the text around it."""
_BLOCKS = ("{{", "{%", "{#")
"""Placeholders that are no beginning of JSON or YAML."""
_CONFLICT = ("<<<<<<<", "=======", ">>>>>>>")
_QUOTES = "'`\u2018\u2019\u201c\u201d"
_WRONG = {
    "Extra data": "the document ends before this; remove the rest, or correct the brackets",
    "Expecting property name": "expected a name in double quotation marks",
    "Expecting value": "expected a value; text needs double quotation marks",
    "Expecting ',' delimiter": "expected a comma, or the closing bracket",
    "Expecting ':' delimiter": "expected a colon after the name",
    "Unterminated string": "this text does not end",
    "Invalid control character": "a line break or tab inside of a text; write \\n or \\t",
    "Invalid \\": "a wrong escape inside of a text; write a backslash as \\\\",
}
"""What to do, by the beginning of the parser's message."""
_TOP_LEVEL = re.compile(r"""^(?:- )?["']?([\w./-]+)["']?[ \t]*:(?=\s|$)""", re.MULTILINE)
"""A name at the top level of a YAML file."""


def parse(content: bytes, source: str, subject: Subject) -> tuple[Any, list[Problem]]:
    """Return the data of a file, and the problems that JSON parsers do not report: names given twice, and NaN.

    A file whose name ends in .yaml or .yml is YAML, each other one is JSON.

    Raises:
        RequestError: The file is neither. The message starts with `source`, and shows no value.
        MissingExtraError: The file is YAML, and the extra `yaml` is not installed.
    """
    if is_yaml(source):
        return parse_yaml(_decoded(content, source, "YAML"), source), []
    text = _decoded(content, source, "JSON")
    repeated: dict[int, list[str]] = {}

    def make(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            names = [name for name, _ in pairs]
            repeated[id(made)] = [name for name in made if names.count(name) > 1]
        return made

    try:
        data = json.loads(text, object_pairs_hook=make)
    except RecursionError:
        reason = f": {TOO_DEEP}"
    except json.JSONDecodeError as error:
        reason = _reason(text, error, source, subject)
    except ValueError:  # Python limits the digits of integers
        reason = ": a number has too many digits"
    else:
        if _is_deeper(data, MOST_DEEP):
            raise RequestError(source, [("", TOO_DEEP)])
        return data, list(_oddities(data, repeated, ""))
    raise _not(
        source, "JSON", reason
    )  # outside of the handlers: the parser's errors hold the file, which may be secret


def _not(source: str, language: str, reason: str) -> RequestError:
    return RequestError(source, [("", f"not {language}{reason}")])


def _decoded(content: bytes, source: str, language: str) -> str:
    if not content:
        raise _not(source, language, ": the file is empty")
    for start, name in _COMPRESSED.items():
        if content.startswith(start):
            raise _not(source, language, f": the file is compressed; unpack it with {name} first")
    encoding = json.detect_encoding(content)  # UTF-8, or UTF-16 as PowerShell writes it, with and without its mark
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        where = _place(content[: error.start].decode(encoding, "replace"), error.start)
        reason = f": {where}: a byte that is not UTF-8; save the file as UTF-8"
        if b"\0" in content:
            reason = ": the file is binary, or cut off"
    else:
        if "\0" not in text and text.strip():
            return text
        reason = ": the file is binary" if "\0" in text else ": the file holds only white space"
    raise _not(source, language, reason)


def _place(text: str, at: int) -> str:
    before = text[:at]
    return f"line {before.count(chr(10)) + 1}, column {at - (before.rfind(chr(10)) + 1) + 1}"


def _reason(text: str, error: json.JSONDecodeError, source: str, subject: Subject) -> str:
    """Return what the file is instead, or what is wrong where the parser stopped."""
    suffix = source[source.rfind(".") :].lower() if "." in source else ""
    if suffix in _LANGUAGES:
        return f" but {_LANGUAGES[suffix]}; convert it to JSON"
    at = error.pos
    if error.msg.startswith(("Expecting", "Extra")):
        at += len(text[at:]) - len(text[at:].lstrip())
    begin, where, is_json = text[at : at + 2], _place(text, at), _starts_as_json(text)
    marker = _MARKER.match(text, max(at - 1, 0)) or _MARKER.match(text, at)
    is_comment = begin in ("//", "/*") or (begin.startswith("#") and is_json and not marker)
    if is_comment or text.startswith(_CONFLICT, at):
        problem = "JSON has no comments; remove it" if is_comment else "a merge conflict of Git begins here; resolve it"
        return f": {where}: {problem}"
    if marker and not is_json and marker[0] not in _BLOCKS:
        marker = None
    placeholder = _OPEN.search(text, max(text.rfind("\n", 0, at) + 1, at - 1000), at) or marker
    if placeholder:
        where = _place(text, placeholder.start())
        advice = "put it into quotation marks, or fill in the template first"
        return f" but a template: {where}: a placeholder outside of a text; {advice}"
    if not is_json:
        return _other_language(text, where, subject)
    before = text[:at].rstrip()
    comma = at if begin.startswith(",") else len(before) - 1 if before.endswith(",") else -1
    if comma >= 0 and text[comma + 1 :].lstrip()[:1] in ("}", "]"):
        return f": {_place(text, comma)}: JSON has no trailing comma; remove it"
    return f": {where}: {_wrong(text[at : at + 1], error.msg)}"


def _wrong(begin: str, message: str) -> str:
    if message == "Extra data" and begin in "{[":
        return "a second document begins here; put one definition into each file"
    if not begin:
        return "the file ends, but a bracket or a text is still open; it may be cut off"
    if begin in _QUOTES:
        return 'JSON has straight double quotation marks only: "'
    return next((text for start, text in _WRONG.items() if message.startswith(start)), message)


def _significant(text: str) -> str:
    """Return the file from its first line on that is neither empty nor a comment."""
    lines = text.lstrip("\ufeff").splitlines()
    while lines and (not lines[0].strip() or lines[0].lstrip().startswith(("#", "//", "%YAML"))):
        del lines[0]
    return "\n".join(lines).lstrip()


def _starts_as_json(text: str) -> bool:
    return _significant(text)[:1] in ("{", "[", "/")


def _other_language(text: str, where: str, subject: Subject) -> str:
    text = _significant(text)
    first = text.splitlines()[0].rstrip() if text else ""
    if first.startswith("<"):
        return " but XML or HTML"
    if re.match(r"(resource|data|module|variable|locals|terraform|provider)\b.*\{$", first):
        return f" but HCL of Terraform; pass the {subject.noun} as JSON"
    if re.match(r'"[^"]*"\s*:', first) and first.endswith((",", "{", "[")):
        return ": the braces around the members are missing: { ... }"
    if first.startswith(("----", "TASKDEFINITION\t")):
        return ": this is output of the AWS CLI for people; use --output json"
    if first.startswith(("---", "- ")) or _TOP_LEVEL.match(first):
        known = foreign(dict.fromkeys(_TOP_LEVEL.findall(text)), subject)
        return f" but YAML; {known or 'end its name in .yaml, or convert it to JSON'}"
    return f": {where}: expected an object in braces: {{ ... }}"


def _is_deeper(value: Any, most: int) -> bool:
    """Whether lists and objects are nested more than `most` deep."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(most == 0 or _is_deeper(each, most - 1) for each in inner)


def _oddities(value: Any, repeated: dict[int, list[str]], path: str) -> Iterator[Problem]:
    if isinstance(value, float) and not math.isfinite(value):
        yield path, "expected a number that JSON can hold, got NaN or infinity"
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _oddities(item, repeated, f"{path}[{i}]")
    elif isinstance(value, dict):
        for name, item in value.items():
            at = f"{path}[{name!r}]" if not name.isidentifier() else f"{path}.{name}" if path else name
            if name in repeated.get(id(value), ()):
                yield at, "is given twice; remove one"
            yield from _oddities(item, repeated, at)
