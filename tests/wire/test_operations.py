"""Every operation over real HTTP: what is sent is what was asked for, what comes back is what was sent."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from .model_server import ModelServer
from .support import (
    COLOURS,
    OPERATIONS,
    REGION,
    SHAPES,
    Caller,
    Sampler,
    attribute_name,
    build,
    input_shape,
    misfits,
    model_class,
    output_shape,
    reachable,
    read,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNIONS = [
    (operation, turn)
    for operation in OPERATIONS
    for turn in (0, 1)
    if any(SHAPES[s].get("union") for s in reachable(input_shape(operation)) | reachable(output_shape(operation)))
]


async def exchange(ecs: Caller, server: ModelServer, operation: str) -> None:
    shape = input_shape(operation)
    wire = Sampler(full=server.full, turn=server.turn).make(shape)
    members = SHAPES[shape]["members"]
    arguments = {attribute_name(m): build(members[m]["shape"], value) for m, value in wire.items()}
    response = await ecs.call(attribute_name(operation), **arguments)
    sent = dict(server.last.input)
    if "clientToken" not in wire:
        sent.pop("clientToken", None)
    assert wire == sent
    assert (operation, 1) == (server.last.operation, len(server.seen))
    assert model_class(output_shape(operation)) is type(response)
    assert server.last.answer == read(output_shape(operation), response)
    assert misfits(response) == []
    assert (200, 1) == (response.metadata.http_status, response.metadata.attempts)
    assert response.metadata.request_id.startswith("request-")


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_every_operation_with_what_is_required(ecs: Caller, server: ModelServer, operation: str) -> None:
    """What is required is sent and nothing else; a response with no more than it must have is understood."""
    await exchange(ecs, server, operation)


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_every_operation_with_everything(ecs: Caller, server: ModelServer, operation: str) -> None:
    """Every member of every structure arrives, in both directions, as the type that its class declares."""
    server.full = True
    await exchange(ecs, server, operation)


@pytest.mark.parametrize(("operation", "turn"), UNIONS)
async def test_every_union_with_each_member(ecs: Caller, server: ModelServer, operation: str, turn: int) -> None:
    """Whichever member of a union is set travels alone."""
    server.full, server.turn = True, turn
    await exchange(ecs, server, operation)


async def test_there_are_88_operations() -> None:
    """The tests above go through all of them."""
    assert len(OPERATIONS) == 88


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(server_of_module: ModelServer) -> AsyncIterator[list[Caller]]:
    callers = [Caller.open(c, region_name=REGION, endpoint_url=server_of_module.url) for c in COLOURS]
    yield callers
    for caller in callers:
        await caller.close()


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_both_colours_send_the_same_bytes(pair: list[Caller], server: ModelServer, operation: str) -> None:
    """Sync and async clients speak one dialect, to the byte."""
    shape = input_shape(operation)
    request = build(shape, Sampler(full=True).make(shape))
    for caller in pair:
        await caller.send(request)
    assert server.seen[0].body == server.seen[1].body
