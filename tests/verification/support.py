"""A client whose requests to ECS a simulator answers, and those to other services moto's server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from support.both_clients import Act, Ended, aend_of, end_of

from ecskit import AsyncClient, Client
from ecskit.testing import Simulator, attach, attach_async

Wire = dict[str, Any]
KEYS: dict[str, Any] = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}
ACCOUNT = "123456789012"
"""The account of moto and of the simulator."""


def beside_moto(acts: Sequence[Act], moto: str, simulator: Simulator, colour: str) -> list[Ended]:
    """Perform acts with a sync or an async client, one after the other."""
    if colour == "sync":
        with Client(endpoint_url=moto, **KEYS) as client:
            attach(client._transport.client, simulator)
            return [end_of(act, client) for act in acts]

    async def run() -> list[Ended]:
        async with AsyncClient(endpoint_url=moto, **KEYS) as client:
            attach_async(client._transport.client, simulator)
            return [await aend_of(act, client) for act in acts]

    return asyncio.run(run())
