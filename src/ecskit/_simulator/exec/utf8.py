"""What the agent passes on of the output that it reads: it cuts at the boundaries of characters.

A byte that begins no character is held back while it is one of the last three, because the rest of a character may
follow. U+FFFD counts as such a byte, too; of one that is passed on, only the first byte remains. What is held back at
the end is lost.

Source: https://github.com/aws/amazon-ssm-agent, agent/session/shell/shell.go
"""

from __future__ import annotations

__all__ = ["passed_on"]

_LONGEST = 4
_REPLACEMENT = "\ufffd".encode()


def passed_on(data: bytes) -> tuple[bytes, bytes]:
    """Return what is passed on of the bytes, and the rest, which is held back."""
    passed = bytearray()
    while data:
        width = _width(data)
        if width == 0 and len(data) < _LONGEST:
            break
        passed += data[: width or 1]
        data = data[width or (len(_REPLACEMENT) if data.startswith(_REPLACEMENT) else 1) :]
    return bytes(passed), data


def _width(data: bytes) -> int:
    """Return the number of bytes of the characters that the bytes begin with, up to U+FFFD."""
    try:
        valid = len(data.decode() and data)
    except UnicodeDecodeError as error:
        valid = error.start
    replaced = data.find(_REPLACEMENT, 0, valid)
    return valid if replaced < 0 else replaced
