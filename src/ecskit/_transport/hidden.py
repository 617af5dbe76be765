"""Responses with tokens and keys: botocore logs all bodies that it parses, at the level DEBUG, but not these."""

from __future__ import annotations

from typing import Any

__all__ = ["Hidden", "hide_secrets"]

_SECRETIVE = ("before-parse.ssm.ResumeSession", "before-parse.kms.GenerateDataKey")
"""Operations of other services whose responses hold a token or a key."""


class Hidden(bytes):
    """A body that no log shows."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"({len(self)} bytes, not shown)"

    __str__ = __repr__


def _hide(response_dict: dict[str, Any], **_: Any) -> None:
    response_dict["body"] = Hidden(response_dict["body"])


def hide_secrets(client: Any) -> None:
    """Keep the bodies of responses that hold secrets out of the debug logs of botocore."""
    for event in _SECRETIVE:
        client.meta.events.register_last(event, _hide)
