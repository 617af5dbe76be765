"""Fill placeholders in the texts of a definition: `${NAME}`, `${NAME:-default}`, `$NAME`, and those of ecspresso.

A file is parsed first. So a value is one text, whatever is in it, and cannot add members.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ecskit._core.errors import RequestError
from ecskit._core.wording import nearest, shortened
from ecskit._definitions.fitting import Filled, Untyped
from ecskit._rules.placeholders import holds_placeholder, is_of_program

__all__ = ["fill"]

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_TEXT = r"(?:`[^`]*`|\"[^\"]*\")"
_SHELL = re.compile(rf"\$\{{(?P<braced>{_NAME})(?P<default>:-[^{{}}]*)?\}}|\$(?P<bare>{_NAME})")
_ECSPRESSO = re.compile(
    rf"\{{\{{-?\s*(?:must_env\s+(?P<must>{_TEXT})|env\s+(?P<env>{_TEXT})\s+(?P<other>{_TEXT}))\s*-?\}}\}}"
)
_BOTH = re.compile(f"{_ECSPRESSO.pattern}|{_SHELL.pattern}")


def fill(data: Mapping[str, Any], source: str, variables: Mapping[str, str]) -> dict[str, Any]:
    """Return a definition with its placeholders filled.

    Texts that a shell or another program reads have their own `$NAME`: there, only the placeholders of ecspresso are
    filled.

    Args:
        data: The definition, with the names of ECS.
        source: The name of the file, for messages.
        variables: The values.

    Raises:
        RequestError: `variables` is wrong, or placeholders are left. The message names every place and no value.
    """
    if not isinstance(variables, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        problem = f"expected a mapping of str to str, such as os.environ, got {type(variables).__name__}"
        raise RequestError(source, [("variables", problem)])
    filler = _Filler(variables)
    filled: dict[str, Any] = filler.value(data, "", "")
    if filler.problems:
        raise RequestError(source, [*filler.problems.items()])
    return filled


class _Filler:
    """Fills texts, and keeps the places of those that have no value."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.variables = variables
        self.problems: dict[str, str] = {}

    def value(self, value: Any, path: str, where: str) -> Any:
        if isinstance(value, Mapping):
            return {name: self.value(each, *self.below(name, path, where)) for name, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(each, f"{path}[{i}]", where) for i, each in enumerate(value)]
        return self.text(value, path, where) if isinstance(value, str) else value

    def below(self, name: Any, path: str, where: str) -> tuple[str, str]:
        at = f"{path}.{name}" if str(name).isidentifier() else f"{path}[{name!r}]"
        if isinstance(name, str) and _BOTH.search(name):
            self.problems[at.lstrip(".")] = "a placeholder in a name is not filled; write the name itself"
        return at.lstrip("."), f"{where}.{name}".lstrip(".")

    def text(self, text: str, path: str, where: str) -> str:
        pattern = _ECSPRESSO if is_of_program(where) else _BOTH
        problems: list[str] = []

        def one(found: re.Match[str]) -> str:
            value = self.filled({name: each for name, each in found.groupdict().items() if each is not None}, problems)
            return found[0] if value is None else value

        filled = pattern.sub(one, text)
        rest = pattern.sub("", text)
        if not problems and (holds_placeholder(where, rest) or (pattern is _BOTH and "${" in rest)):
            problems = ["holds a placeholder of another tool, or one in a form that is not supported; fill it first"]
        if problems:
            self.problems[path] = "; ".join(dict.fromkeys(problems))
        if filled == text:
            return text
        return Filled(filled) if isinstance(text, Untyped) or pattern.fullmatch(text) else filled

    def filled(self, found: Mapping[str, str], problems: list[str]) -> str | None:
        """Return the value of one placeholder, or None if it has none."""
        name = found.get("braced") or found.get("bare") or (found.get("must") or found["env"])[1:-1]
        default = found["default"][2:] if "default" in found else found["other"][1:-1] if "other" in found else None
        value = self.variables.get(name)
        if name in self.variables and not isinstance(value, str):
            problems.append(f"the variable {shortened(name)} must be text, and is {type(value).__name__}")
            return None
        if value or (value is not None and default is None):
            return value
        if default is not None:
            return default
        similar = nearest(name, self.variables)
        meant = f"; did you mean {shortened(similar)}?" if similar else ""
        problems.append(f"the variable {shortened(name)} is not given{meant}")
        return None
