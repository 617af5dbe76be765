"""Which part of its output the agent passes on: it cuts at the boundaries of characters.

A byte that begins no character is held back while it is one of the last three, because the rest of a character may
follow. U+FFFD counts as such a byte, too. What is held back at the end is lost.

Source: https://github.com/aws/amazon-ssm-agent, agent/session/shell
"""

from __future__ import annotations

__all__ = ["passed_on"]

_LONGEST = 4
_REPLACEMENT = "\ufffd".encode()


def passed_on(data: bytes) -> int:
    """Return the number of bytes at the beginning that are passed on."""
    position = 0
    while position < len(data):
        width = _width(data, position)
        if width == 0:
            if len(data) - position < _LONGEST:
                return position
            width = 1
        position += width
    return len(data)


def _width(data: bytes, position: int) -> int:
    """Return the number of bytes that the next characters have; 0 if there is none, or U+FFFD."""
    rest = data[position:]
    try:
        valid = len(rest.decode() and rest)
    except UnicodeDecodeError as error:
        valid = error.start
    replaced = rest.find(_REPLACEMENT, 0, valid)
    return valid if replaced < 0 else replaced
