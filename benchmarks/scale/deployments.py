"""Deployments of many services side by side, with `services.deploy`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random

from benchmarks.scale.account import NETWORK, Account, definition
from benchmarks.scale.arms import Verdicts, aiobotocore_client
from benchmarks.scale.figures import Figures, figures
from ecskit import AsyncClient
from ecskit._simulator.virtual_clock import EPOCH
from ecskit.testing import TaskScript

STARTS = (15.0, 25.0)
"""The least and the most seconds that the tasks of a service take to start."""
SETTLED = 1000.0
"""Seconds after which the services of the account are stable."""


def _services(account: Account, count: int, *, seed: int) -> list[str]:
    """Create services, and return their names when they are stable."""
    random = Random(f"{seed} services")
    names = [f"service{number}" for number in range(count)]
    for name in names:
        account.handle("RegisterTaskDefinition", definition(name))
        account.handle("RegisterTaskDefinition", definition(name))
        account.script(name, TaskScript(time_to_start=random.uniform(*STARTS)))
        create = {
            "serviceName": name,
            "taskDefinition": f"{name}:1",
            "desiredCount": 1,
            "launchType": "FARGATE",
            "networkConfiguration": NETWORK,
        }
        account.handle("CreateService", create)
    account.clock.advance(SETTLED)
    return names


async def _one_client(account: Account, names: Sequence[str]) -> Verdicts:
    async with account.async_client() as ecs:
        await ecs.describe_clusters()
        return await _deployed(account, dict.fromkeys(names, ecs))


async def _client_each(account: Account, names: Sequence[str]) -> Verdicts:
    async with aiobotocore_client(account, attempts=1) as raw:
        clients = {
            name: AsyncClient.wrap(raw)._with_runtime(account.clock, Random(f"client {turn}"))
            for turn, name in enumerate(names)
        }
        await next(iter(clients.values())).describe_clusters()
        return await _deployed(account, clients)


async def _deployed(account: Account, clients: dict[str, AsyncClient]) -> Verdicts:
    verdicts = Verdicts(account)

    async def one(name: str, ecs: AsyncClient) -> None:
        await ecs.services.deploy(name, task_definition=f"{name}:2", timeout=None)
        verdicts.note(name)

    await asyncio.gather(*(one(name, ecs) for name, ecs in clients.items()))
    return verdicts


ARMS = {"deployments": _one_client, "deployments-separate": _client_each}


def deploy(arm: str, count: int, *, seed: int, quotas: bool) -> Figures:
    """Deploy a new task definition to each of some services."""
    account = Account(seed=seed, quotas=quotas)
    names = _services(account, count, seed=seed)
    verdicts = asyncio.run(ARMS[arm](account, names))
    delays = [at - _ended(account, name) for name, at in verdicts.ends.items()]
    return figures(arm, count, account, delays, quotas=quotas)


def _ended(account: Account, name: str) -> float:
    """Return the moment at which the newest deployment of a service ended, on the virtual clock."""
    ended = account.deployments(name)[-1].finished_at
    assert ended is not None
    return ended - EPOCH
