"""Write all services of some regions as JSON, with the images that they run.

inventory.py eu-west-1 us-east-1 ap-southeast-2 > services.json
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

import ecskit


def connect(region: str) -> ecskit.AsyncClient:
    """Return a client for a region."""
    return ecskit.AsyncClient(region_name=region)


async def inventory(
    regions: Sequence[str], connect: Callable[[str], ecskit.AsyncClient] = connect
) -> dict[str, list[dict[str, Any]]]:
    """Return the services of each region. All regions are read at the same time."""
    found = await asyncio.gather(*[services(connect(region)) for region in regions])
    return dict(zip(regions, found, strict=True))


async def services(ecs: ecskit.AsyncClient) -> list[dict[str, Any]]:
    """Return the services of all clusters in the region of a client, and close the client."""
    async with ecs:
        images: dict[str, list[str | None]] = {}
        rows: list[dict[str, Any]] = []
        async for cluster in ecs.paginate.list_clusters():
            async for service in ecs.services.iter(cluster=cluster, tags=True):
                row = service.to_dict()
                row.pop("events", None)
                if arn := service.task_definition:
                    if arn not in images:
                        described = await ecs.describe_task_definition(task_definition=arn)
                        images[arn] = [each.image for each in described.task_definition.container_definitions]
                    row["images"] = images[arn]
                rows.append(row)
        return rows


if __name__ == "__main__":
    json.dump(asyncio.run(inventory(sys.argv[1:])), sys.stdout, indent=2)
