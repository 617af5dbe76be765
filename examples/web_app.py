"""A FastAPI app that starts reports as ECS tasks and shows their outcome.

    uvicorn web_app:app --timeout-graceful-shutdown 20

One client serves all requests. It opens before the first request and closes after the last. A request starts a task and
returns at once; another request asks for the outcome, so no request waits for minutes.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse

import ecskit
from ecskit.errors import EcsError, TasksMissing
from ecskit.models import AwsVpcConfiguration
from ecskit.tasks import TaskOutcome

CLUSTER = "prod"
NETWORK = AwsVpcConfiguration(subnets=["subnet-0a1b2c3d"])


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[dict[str, ecskit.AsyncClient], None]:
    """Open the client before the first request, and close it after the last."""
    async with ecskit.AsyncClient() as ecs:
        yield {"ecs": ecs}


def client(request: Request) -> ecskit.AsyncClient:
    """Return the client of the app."""
    ecs: ecskit.AsyncClient = request.state.ecs
    return ecs


app = FastAPI(lifespan=lifespan)
Client = Annotated[ecskit.AsyncClient, Depends(client)]


@app.post("/reports/{day}", status_code=202)
async def start(day: str, ecs: Client) -> dict[str, str]:
    """Start the report of a day. A repeated request returns the same task, until an hour after it has stopped."""
    result = await ecs.tasks.run(
        "report",
        cluster=CLUSTER,
        launch_type="FARGATE",
        network=NETWORK,
        command=["report", day],
        client_token=f"report-{day}",
    )
    return {"task": result.tasks[0].task_arn.rpartition("/")[2]}


@app.get("/tasks/{task_id}")
async def show(task_id: str, ecs: Client) -> dict[str, str | int | None]:
    """Show how a task is, or how it ended."""
    [task] = await ecs.tasks.describe(task_id, cluster=CLUSTER)
    if task.last_status != "STOPPED":
        return {"status": task.last_status}
    outcome = TaskOutcome.of(task)
    return {"status": task.last_status, "outcome": outcome.kind, "exit_code": outcome.exit_code}


@app.exception_handler(EcsError)
async def refused(_: Request, error: EcsError) -> JSONResponse:
    """Answer 404 for tasks that do not exist, 503 for what may pass, and 502 for all other errors of ECS."""
    status = 404 if isinstance(error, TasksMissing) else 503 if error.retryable else 502
    return JSONResponse({"detail": str(error)}, status)
