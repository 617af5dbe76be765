"""One interface for both clients. Their waits are a hundred times as fast as the wall clock."""

from __future__ import annotations

import inspect
from random import Random
from typing import Any

from botocore.config import Config

import ecskit
from ecskit._drive.clock import SystemClock

SPEED = 100.0
"""The speed of time in waits and in the simulator."""
REGION = "us-east-1"
_CONFIG = Config(retries={"total_max_attempts": 1, "mode": "standard"}, read_timeout=20)


class Hurried(SystemClock):
    """The system clock at `SPEED`."""

    speed = SPEED


class Client:
    """Calls verbs by their names, on a sync or an async client."""

    def __init__(self, colour: str, url: str) -> None:
        client_class: Any = ecskit.Client if colour == "sync" else ecskit.AsyncClient
        self._made = client_class(region_name=REGION, endpoint_url=url, config=_CONFIG)
        self.ecs = self._made._with_runtime(Hurried(), Random(0))

    async def __call__(self, path: str, *arguments: Any, **options: Any) -> Any:
        """Call a verb, such as `services.deploy`, and return its result; a list, if it yields."""
        verb = self.ecs
        for name in path.split("."):
            verb = getattr(verb, name)
        return await finished(verb(*arguments, **options))

    async def close(self) -> None:
        """Close the client."""
        await self._made.aclose() if hasattr(self._made, "aclose") else self._made.close()


async def finished(result: Any) -> Any:
    """Return the result of a method of either client; a list, if it yields."""
    if hasattr(result, "__anext__"):
        return [item async for item in result]
    result = await result if inspect.isawaitable(result) else result
    return list(result) if hasattr(result, "__next__") else result
