"""The warning about an async client that was collected without being closed, in place of aiohttp's for its parts."""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["caller", "warn"]

_PACKAGE = os.path.join(str(Path(__file__).parents[1]), "")


def caller() -> str:
    """Return where the program made the client, as text for the warning; empty unless the program is debugged."""
    if not (sys.flags.dev_mode or _is_tracing()):
        return ""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return f", made at {frame.f_code.co_filename}:{frame.f_lineno}"


def _is_tracing() -> bool:
    # Importing tracemalloc takes a twentieth of a cold start. Whoever starts it has imported it, or set an option.
    loaded = sys.modules.get("tracemalloc")
    by_option = "tracemalloc" in sys._xoptions or os.environ.get("PYTHONTRACEMALLOC", "0") != "0"
    return by_option or (loaded is not None and loaded.is_tracing())


def warn(transport: object, made_at: str, client: Any) -> None:
    """Close the connections of `client` as far as possible without an event loop, and warn once."""
    # Where aiobotocore keeps them elsewhere, aiohttp closes them itself, and warns in addition.
    with suppress(Exception):
        for session in client._endpoint.http_session._sessions.values():
            connector = session.connector
            session.detach()
            connector._close()
    warnings.warn(
        f"unclosed {transport!r}{made_at}; use it with `async with`, or call `await aclose()`",
        ResourceWarning,
        source=transport,
        stacklevel=2,
    )
