"""Client tokens: filled once per call, so that no retry runs anything twice."""

from __future__ import annotations

from typing import Any

import pytest

from ecskit import errors

from .model_server import Answer, ModelServer
from .support import Caller, Sampler, attribute_name, build, input_shape

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMITS = {"RunTask": 64, "CreateGateway": 64, "CreateService": 36, "CreateTaskSet": 36, "CreateDaemon": 36}
operations = pytest.mark.parametrize("operation", LIMITS)


def request_for(operation: str, **more: Any) -> Any:
    shape = input_shape(operation)
    return build(shape, {**Sampler(full=False).make(shape), **more})


@operations
async def test_a_token_is_filled_in(ecs: Caller, server: ModelServer, operation: str) -> None:
    """A request without a token gets one within the operation's limit, and the response holds it."""
    response = await ecs.send(request_for(operation))
    token = server.last.input["clientToken"]
    assert 0 < len(token) <= LIMITS[operation]
    assert token == response.metadata.client_token


@operations
async def test_each_call_has_a_token_of_its_own(ecs: Caller, server: ModelServer, operation: str) -> None:
    """Sending the same request object twice is two requests."""
    request = request_for(operation)
    await ecs.send(request)
    await ecs.send(request)
    assert len({seen.input["clientToken"] for seen in server.seen}) == 2
    assert request.client_token is None


@operations
async def test_botocores_retries_carry_the_same_token(ecs: Caller, server: ModelServer, operation: str) -> None:
    """After a 500 the request goes out again unchanged."""
    server.will(Answer.error("ServerException", status=500))
    response = await ecs.send(request_for(operation))
    assert len(server.seen) == 2
    assert {seen.input["clientToken"] for seen in server.seen} == {response.metadata.client_token}
    assert response.metadata.attempts == 2


async def test_retries_are_logged(ecs: Caller, server: ModelServer, caplog: pytest.LogCaptureFixture) -> None:
    """By the logger `ecskit`, without what was sent."""
    server.will(Answer.error("ServerException", status=500))
    with caplog.at_level("INFO", logger="ecskit"):
        await ecs.send(request_for("RunTask"))
    assert [record.getMessage() for record in caplog.records] == ["RunTask: response received at attempt 2"]


@operations
@pytest.mark.parametrize(
    "answer",
    [Answer.error("ServerException", status=500), Answer(b"nonsense"), Answer(hang_up=True)],
    ids=["500", "nonsense", "hang-up"],
)
async def test_a_failed_call_holds_its_token(once: Caller, server: ModelServer, operation: str, answer: Answer) -> None:
    """Whoever sends it again can make sure that nothing runs twice."""
    server.will(answer)
    with pytest.raises(errors.EcsError) as caught:
        await once.send(request_for(operation))
    assert caught.value.retryable
    assert server.last.input["clientToken"] == caught.value.client_token


@operations
async def test_a_token_of_the_users_own_is_kept(ecs: Caller, server: ModelServer, operation: str) -> None:
    """As long as ECS allows it to be."""
    token = "x" * LIMITS[operation]
    response = await ecs.send(request_for(operation, clientToken=token))
    assert [token, token] == [server.last.input["clientToken"], response.metadata.client_token]


@operations
async def test_a_token_that_is_too_long_is_refused(ecs: Caller, server: ModelServer, operation: str) -> None:
    """ECS would refuse it, too, but later."""
    with pytest.raises(errors.RequestError, match=f"client_token: at most {LIMITS[operation]} characters"):
        await ecs.send(request_for(operation, clientToken="x" * (LIMITS[operation] + 1)))
    assert server.seen == []


async def test_refused_input_has_no_token(ecs: Caller) -> None:
    """Nothing was sent, so there is nothing to repeat."""
    with pytest.raises(errors.RequestError) as caught:
        await ecs.call("run_task", task_definition=5)
    assert caught.value.client_token is None


async def test_operations_without_tokens_send_none(ecs: Caller, server: ModelServer) -> None:
    """And report none."""
    response = await ecs.call("list_clusters")
    assert ({}, None) == (server.last.input, response.metadata.client_token)


async def test_all_operations_with_tokens_are_tested() -> None:
    """Those whose input has a member for one."""
    from .support import API, SHAPES

    found = {op for op in API["operations"] if "clientToken" in SHAPES[input_shape(op)]["members"]}
    assert set(LIMITS) == found
    assert attribute_name("clientToken") == "client_token"
