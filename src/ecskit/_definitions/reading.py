"""From the path of a file to its data, and from a definition to a file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecskit._core.errors import RequestError
from ecskit._definitions.parsing import Problem, parse
from ecskit._definitions.recognizing import Subject
from ecskit._definitions.yaml import is_yaml

__all__ = ["read", "write"]


def read(path: str | os.PathLike[str], subject: Subject, advice: str) -> tuple[Any, list[Problem], str]:
    """Return the data of a file, the problems that its parser does not report, and its name for messages.

    Args:
        path: The path that the caller passed.
        subject: What the file should hold.
        advice: What to do with data that is no path.

    Raises:
        RequestError: There is no path, or the file cannot be parsed.
        MissingExtraError: The file is YAML, and the extra `yaml` is not installed.
        OSError: The file cannot be read.
    """
    if not isinstance(path, (str, os.PathLike)):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        problem = f"expected the path of a file, got {type(path).__name__}; {advice} for a dict"
        raise RequestError("load", [("path", problem)])
    source = os.fspath(path)
    if source.lstrip().startswith(("{", "[")):
        # Without the text: it may hold secrets, which the error of the operating system would show.
        problem = f"expected the path of a file, got JSON; {advice.replace('...', 'json.loads(...)')}"
        raise RequestError("load", [("path", problem)])
    if not source.strip():
        raise RequestError("load", [("path", "it is empty; pass the path of a file")])
    if source.startswith(("file://", "fileb://")):
        raise RequestError(source, [("", "expected the path of a file; leave out file://")])
    if Path(source).is_dir():
        raise RequestError(source, [("", "is a folder; pass the path of a file")])
    return *parse(Path(source).read_bytes(), source, subject), source


def write(data: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a definition to a JSON file; an existing file is replaced.

    Raises:
        RequestError: The name of the file is that of a YAML file.
        OSError: The file cannot be written.
    """
    if is_yaml(os.fspath(path)):
        raise RequestError("dump", [("path", "dump writes JSON; end the name of the file in .json")])
    text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    Path(path).write_bytes(text.encode())  # encoded first, so that an error leaves the file as it was
