"""Handles: plain data from which a wait is resumed, in the same process or in another one.

A handle holds the targets of a wait, their last observations and its arguments. It does not hold time, because
processes share no monotonic clock. The resumed wait takes new options.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from ecskit._core.documented import Documented
from ecskit._core.errors import RequestError
from ecskit._core.members import members
from ecskit._core.model import Model

__all__ = ["WaitHandle", "plain"]

LEFT_OUT = frozenset({"overrides"})
"""Members that handles leave out, besides those that ECS marks as sensitive: command overrides may hold passwords."""

FORMAT = 2
"""The format that `from_json` reads. It is raised when another version of ecskit would misread a handle."""


@attrs.frozen
class WaitHandle(Documented):
    """A wait that can be resumed: `ecs.wait.resume(handle)`, in the same process or in another one.

    It contains no secrets: overrides are left out, and so are the members that ECS marks as sensitive.
    """

    wait: str
    """The name of the wait, such as `tasks_stopped`."""
    ids: Sequence[str]
    """The names, ids or ARNs of its targets."""
    arguments: Mapping[str, Any]
    """Its other arguments, such as the cluster."""
    observed: Mapping[str, Mapping[str, Any]] = attrs.field(repr=False)
    """The last observation of each target that was observed, by id, as JSON with wire names."""

    def to_json(self) -> str:
        """Return the handle as one line of JSON, for `from_json`."""
        data = {"ecskit_wait": FORMAT, "wait": self.wait, "ids": list(self.ids)}
        return json.dumps({**data, "arguments": dict(self.arguments), "observed": dict(self.observed)})

    @classmethod
    def from_json(cls, text: str) -> WaitHandle:
        """Return the handle that `to_json` wrote.

        Args:
            text: The result of `to_json`.

        Raises:
            RequestError: The text is something else, or another version of ecskit wrote it in another format.
        """
        try:
            data: Any = json.loads(text)
        except (TypeError, ValueError, RecursionError):
            data = None
        if not isinstance(data, dict) or "ecskit_wait" not in data:
            raise RequestError("WaitHandle", [("text", "expected the result of `to_json`")])
        if data["ecskit_wait"] != FORMAT:
            problem = f"the handle has format {data['ecskit_wait']!r}, this version of ecskit reads format {FORMAT}"
            raise RequestError("WaitHandle", [("text", problem)])
        match data:
            case {"wait": str(wait), "ids": [*ids], "arguments": dict(arguments), "observed": dict(observed)}:
                if all(isinstance(id_, str) for id_ in ids):
                    return cls(wait, ids, arguments, observed)
            case _:
                pass
        problem = "expected the result of `to_json`; parts of it are missing or changed"
        raise RequestError("WaitHandle", [("text", problem)])


def plain(value: Any) -> Any:
    """Return a model as JSON with wire names. Sensitive and unknown members are left out."""
    if isinstance(value, Model):
        kept = (
            (m.wire, getattr(value, m.name))
            for m in members(value.__class__)
            if not m.sensitive and m.name not in LEFT_OUT
        )
        return {wire: plain(held) for wire, held in kept if held is not None}
    if isinstance(value, Mapping):
        return {key: plain(held) for key, held in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(held) for held in value]
    return value.isoformat() if isinstance(value, datetime) else value
