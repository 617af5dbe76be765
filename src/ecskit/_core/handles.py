"""What is left of a wait when its process ends: plain data, from which another one goes on.

Decides what of a wait is kept: what it asked for and what it last saw. Time is not kept, because no two processes share
a monotonic clock: whoever goes on says how much patience is left.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from ecskit._core.errors import RequestError
from ecskit._core.members import members
from ecskit._core.model import Model

__all__ = ["WaitHandle", "plain"]

LEFT_OUT = frozenset({"overrides"})
"""Members that are nobody's business elsewhere: overriding commands hold passwords more often than they should."""

FORMAT = 1
"""What `from_json` reads; it goes up when handles change in a way that older versions would misread."""


@attrs.frozen
class WaitHandle:
    """A wait to be gone on with: `ecs.wait.resume(handle)`, in this process or in another one.

    It holds no secrets: overrides are left out, and whatever else ECS marks as sensitive.
    """

    wait: str
    """Name of the wait, such as `tasks_stopped`."""
    ids: Sequence[str]
    """What it was asked for: names, ids or ARNs."""
    arguments: Mapping[str, Any]
    """What else it was told, such as the cluster."""
    observed: Mapping[str, Mapping[str, Any]] = attrs.field(repr=False)
    """The last observation of each thing that was seen, by id, as JSON with wire names."""

    def to_json(self) -> str:
        """Return the handle as a line of JSON, for `from_json`."""
        told = {"ecskit_wait": FORMAT, "wait": self.wait, "ids": list(self.ids)}
        return json.dumps({**told, "arguments": dict(self.arguments), "observed": dict(self.observed)})

    @classmethod
    def from_json(cls, text: str) -> WaitHandle:
        """Return the handle that `to_json` wrote.

        Args:
            text: What `to_json` returned.

        Raises:
            RequestError: It is something else, or was written by a newer version.
        """
        try:
            told: Any = json.loads(text)
        except (TypeError, ValueError, RecursionError):
            told = None
        if not isinstance(told, dict) or "ecskit_wait" not in told:
            raise RequestError("WaitHandle", [("text", "expected what `to_json` wrote")])
        if told["ecskit_wait"] != FORMAT:
            problem = f"written in format {told['ecskit_wait']!r}, this version reads format {FORMAT}"
            raise RequestError("WaitHandle", [("text", problem)])
        match told:
            case {"wait": str(wait), "ids": [*ids], "arguments": dict(arguments), "observed": dict(observed)}:
                if all(isinstance(id_, str) for id_ in ids):
                    return cls(wait, ids, arguments, observed)
            case _:
                pass
        raise RequestError("WaitHandle", [("text", "expected what `to_json` wrote; parts are missing or changed")])


def plain(value: Any) -> Any:
    """Return a model as JSON with wire names, without what is sensitive or may be: unknown members are left out."""
    if isinstance(value, Model):
        known = (
            (m.wire, getattr(value, m.name))
            for m in members(value.__class__)
            if not m.sensitive and m.name not in LEFT_OUT
        )
        return {wire: plain(held) for wire, held in known if held is not None}
    if isinstance(value, Mapping):
        return {key: plain(held) for key, held in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(held) for held in value]
    return value.isoformat() if isinstance(value, datetime) else value
