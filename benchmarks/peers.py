"""The peers: how each of them describes tasks, as in its own documentation."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.bodies import REGION

SYNC = ("boto3", "ecskit", "capo-ecs")
ASYNC = ("aiobotocore", "ecskit", "capo-ecs")

Describe = Callable[[Sequence[str]], Any]
ADescribe = Callable[[Sequence[str]], Awaitable[Any]]


def installed(peer: str) -> bool:
    """Return whether a peer can be imported."""
    return importlib.util.find_spec(peer.replace("-", "_")) is not None


def isolate() -> None:
    """Give every peer the same credentials, and hide the configuration of the user."""
    os.environ.update(
        AWS_ACCESS_KEY_ID="AKIDEXAMPLE",
        AWS_SECRET_ACCESS_KEY="example",  # not checked
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
    )


def sync(peer: str, url: str) -> Describe:
    """Return a function that describes tasks and returns the response of this peer."""
    match peer:
        case "boto3":
            import boto3

            client = boto3.client("ecs", region_name=REGION, endpoint_url=url)
            return lambda tasks: client.describe_tasks(cluster="prod", tasks=tasks)
        case "ecskit":
            from ecskit import Client

            ecs = Client(region_name=REGION, endpoint_url=url)
            return lambda tasks: ecs.describe_tasks(cluster="prod", tasks=tasks)
        case "capo-ecs":
            from capo_ecs import ECSClient

            capo = ECSClient(region=REGION, endpoint=url)
            return lambda tasks: capo.describe_tasks(cluster="prod", tasks=list(tasks))
    raise ValueError(peer)


@asynccontextmanager
async def asynchronous(peer: str, url: str) -> AsyncIterator[ADescribe]:
    """Do the same with an async client, and close it at the end."""
    match peer:
        case "aiobotocore":
            from aiobotocore.session import get_session

            async with get_session().create_client("ecs", region_name=REGION, endpoint_url=url) as client:
                yield lambda tasks: client.describe_tasks(cluster="prod", tasks=tasks)
        case "ecskit":
            from ecskit import AsyncClient

            async with AsyncClient(region_name=REGION, endpoint_url=url) as ecs:
                yield lambda tasks: ecs.describe_tasks(cluster="prod", tasks=tasks)
        case "capo-ecs":
            from capo_ecs import AsyncECSClient

            async with AsyncECSClient(region=REGION, endpoint=url) as capo:
                yield lambda tasks: capo.describe_tasks(cluster="prod", tasks=list(tasks))
        case _:
            raise ValueError(peer)


def tasks_of(answer: Any) -> Sequence[Any]:
    """Return the tasks in the response of any peer."""
    tasks: Sequence[Any] = answer["tasks"] if isinstance(answer, dict) else answer.tasks
    return tasks
