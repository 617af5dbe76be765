"""From data to a request: wrong types are errors; unknown members and empty enums are left out with a warning."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar

from ecskit._core.errors import RequestError
from ecskit._core.model import Model
from ecskit._core.wording import shortened
from ecskit._definitions.fitting import misfits, without_empty_enums
from ecskit._definitions.recognizing import names_of
from ecskit._rules.members import meant

__all__ = ["request_of"]

R = TypeVar("R", bound=Model)


def request_of(
    cls: type[R],
    offered: Mapping[str, Any],
    source: str,
    keep: Collection[str] | None,
    problems: Iterable[tuple[str, str]] = (),
    *,
    elsewhere: Callable[[str], str | None] = lambda _: None,
    stacklevel: int,
) -> R:
    """Return the request that data describes.

    Args:
        cls: The class of the request.
        offered: The data, without members that are only in responses.
        source: The name of the file, for messages.
        keep: Names of unknown top-level members to send; all if absent.
        problems: Other problems of the data.
        elsewhere: Returns where an unknown member belongs.
        stacklevel: The number of frames to the caller that a warning names.

    Raises:
        RequestError: `keep` is a string, or there are problems or wrong types.
    """
    if isinstance(keep, str):
        raise RequestError(source, [("keep", "expected a collection of str, got str; put it into a list")])
    found = dict([*misfits(offered, cls), *problems])
    if found:
        raise RequestError(source, [*found.items()])
    names = names_of(cls)
    unknown = offered.keys() - names
    left_out = unknown.difference(unknown if keep is None else keep)
    empty: list[str] = []
    wanted = without_empty_enums(offered, cls, empty)
    reports = []
    if left_out:
        shown = ", ".join(_with_hint(name, elsewhere(name), meant(name, names)) for name in sorted(left_out))
        reports.append(f"unknown members are left out: {shown}; pass keep=... to send them")
    if empty:
        reports.append(f"empty texts that ECS refuses are left out: {', '.join(empty)}")
    for report in reports:
        warnings.warn(f"{source}: {report}", stacklevel=stacklevel + 2)
    return cls.from_dict({name: value for name, value in wanted.items() if name not in left_out})


def _with_hint(name: str, elsewhere: str | None, similar: str | None) -> str:
    hint = elsewhere or (f"did you mean {similar}?" if similar else None)
    return f"{shortened(name)} ({hint})" if hint else shortened(name)
