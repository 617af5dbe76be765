"""A console in the browser: a WebSocket of FastAPI that is connected with a terminal in a container.

    uvicorn web_console:app

The browser sends keys as binary messages, and the size of its window as text, {"columns": 120, "rows": 40}. It receives
what the terminal shows. Whoever opens a console is root in the container: add the authentication of your app, and keep
the check of the origin, because browsers let the pages of all sites open WebSockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import Depends, FastAPI, WebSocket, WebSocketException

import ecskit
from ecskit.errors import EcsError, SessionEnded

CLUSTER = "prod"
ORIGIN = "https://console.example.com"
REFUSED = 1008
FAILED = 1011
LONGEST_REASON = 123
"""Bytes that the reason in a close of a WebSocket can have."""


@contextlib.asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[dict[str, ecskit.AsyncClient], None]:
    """Open the client before the first console, and close it after the last. That ends their sessions, too."""
    async with ecskit.AsyncClient() as ecs:
        yield {"ecs": ecs}


def allowed(socket: WebSocket) -> ecskit.AsyncClient:
    """Return the client of the app, if the browser shows a page of ours."""
    if socket.headers.get("origin") != ORIGIN:
        raise WebSocketException(REFUSED, "wrong origin")
    ecs: ecskit.AsyncClient = socket.state.ecs
    return ecs


app = FastAPI(lifespan=lifespan)


@app.websocket("/consoles/{task_id}/{container}")
async def console(
    socket: WebSocket, task_id: str, container: str, ecs: Annotated[ecskit.AsyncClient, Depends(allowed)]
) -> None:
    """Connect the browser with a shell, until the shell exits or the browser leaves."""
    await socket.accept()
    try:
        async with ecs.tasks.open_session(
            task_id, "sh", cluster=CLUSTER, container=container, exit_code=True
        ) as session:
            both = [asyncio.create_task(show(session, socket)), asyncio.create_task(type_in(socket, session))]
            done, unfinished = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for each in unfinished:
                each.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)
            for each in done:
                each.result()  # raises what ended it
            if both[0] in done:
                code = session.exit_code
                await socket.close(reason=shortened(session.end_reason if code is None else f"exited with {code}"))
    except EcsError as error:
        await socket.close(FAILED, shortened(str(error)))


def shortened(reason: str | None) -> str:
    """Return a text that fits into the close of a WebSocket."""
    return (reason or "the session has ended").encode()[:LONGEST_REASON].decode(errors="ignore")


async def show(session: ecskit.AsyncExecSession, socket: WebSocket) -> None:
    """Show what the terminal shows, until the session ends."""
    async for output in session:
        await socket.send_bytes(output)


async def type_in(socket: WebSocket, session: ecskit.AsyncExecSession) -> None:
    """Pass keys and sizes on, until the browser leaves."""
    while (message := await socket.receive())["type"] != "websocket.disconnect":
        with contextlib.suppress(SessionEnded):  # `show` shows what came before the end
            if message.get("bytes"):
                await session.send(message["bytes"])
            elif message.get("text"):
                size = json.loads(message["text"])
                await session.resize(size["columns"], size["rows"])
