"""Handlers that programs already have: each line of the table in docs/errors.md, for both clients."""

from __future__ import annotations

import copy
import pickle
import re
import traceback
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import attrs
import boto3
import pytest
import pytest_asyncio
from aiobotocore.session import AioSession
from botocore import exceptions as boto
from botocore.config import Config

import ecskit
from ecskit import errors

from .conftest import clean_environment
from .model_server import Answer, ModelServer
from .support import REGION, Caller, settled

pytestmark = pytest.mark.asyncio(loop_scope="module")

TABLE = (Path(__file__).parents[2] / "docs" / "errors.md").read_text("utf-8")
CODE = "ClusterNotFoundException"


@attrs.frozen
class Wrapped:
    """A client of each kind, and the client that it wraps."""

    colour: str
    ecs: Caller
    client: Any


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wrapped(colour: str, server_of_module: ModelServer) -> AsyncIterator[Wrapped]:
    config = Config(retries={"total_max_attempts": 1})
    options: Any = {"region_name": REGION, "endpoint_url": server_of_module.url, "config": config}
    if colour == "sync":
        owned: Any = boto3.Session().client("ecs", **options)
        yield Wrapped(colour, Caller(colour, ecskit.Client.wrap(owned)), owned)
        owned.close()
    else:
        async with AioSession().create_client("ecs", **options) as aio:
            yield Wrapped(colour, Caller(colour, ecskit.AsyncClient.wrap(aio)), aio)


async def raised(call: Any) -> errors.EcsError:
    with pytest.raises(errors.EcsError) as caught:
        await settled(call)
    return caught.value


async def refused(wrapped: Wrapped, server: ModelServer, code: str = CODE, message: str = "gone") -> Any:
    server.will(Answer.error(code, message))
    return await raised(wrapped.ecs.call("list_tasks", cluster="prod"))


async def test_service_errors(wrapped: Wrapped, server: ModelServer) -> None:
    """They are caught by the classes of the wrapped client and by ClientError; of another client by ClientError."""
    error = await refused(wrapped, server)
    assert isinstance(error, wrapped.client.exceptions.ClusterNotFoundException)
    assert isinstance(error, (boto.ClientError, wrapped.client.exceptions.ClientError))
    assert isinstance(error, errors.ClusterNotFoundException)
    assert not isinstance(error, wrapped.client.exceptions.ServerException)
    other: Any = boto3.Session().client("ecs", region_name=REGION)
    assert not isinstance(error, other.exceptions.ClusterNotFoundException)
    assert isinstance(error, other.exceptions.ClientError)
    other.close()


async def test_a_class_is_made_once(wrapped: Wrapped, server: ModelServer) -> None:
    """It is shown as the class of ecskit, and copies are of that class."""
    error, again = await refused(wrapped, server), await refused(wrapped, server)
    assert type(error) is type(again) is not errors.ClusterNotFoundException
    assert ("ecskit.errors", CODE, CODE) == (type(error).__module__, type(error).__name__, type(error).__qualname__)
    shown = "".join(traceback.format_exception(error))
    assert f"\necskit.errors.{CODE}: ListTasks: gone (cluster 'prod' in {REGION}; HTTP 400, request " in shown
    assert "An error occurred" not in shown
    for copied in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(copied) is errors.ClusterNotFoundException
        assert (vars(error), error.args, str(error)) == (vars(copied), copied.args, str(copied))


async def test_codes_that_have_another_class_in_ecskit(wrapped: Wrapped, server: ModelServer) -> None:
    """A throttle in disguise, a lack of capacity, and a code that no service model lists."""
    disguised = await refused(wrapped, server, "InvalidParameterException", "Rate exceeded")
    assert isinstance(disguised, wrapped.client.exceptions.InvalidParameterException)
    assert (True, "ThrottledError") == (isinstance(disguised, errors.ThrottledError), type(disguised).__name__)
    full = await refused(wrapped, server, "ClientException", "Tasks provisioning capacity limit exceeded.")
    for each in (full, pickle.loads(pickle.dumps(full))):
        assert isinstance(each, errors.CapacityError)
        assert isinstance(each, errors.ClientException)
        assert (each is full) == isinstance(each, wrapped.client.exceptions.ClientException)
    unknown = await refused(wrapped, server, "TomorrowsException")
    assert type(unknown) is errors.ServiceError


async def test_the_owner_has_errors_of_botocore(wrapped: Wrapped, server: ModelServer) -> None:
    """The classes of the client are as before."""
    await refused(wrapped, server)
    server.will(Answer.error(CODE))
    with pytest.raises(wrapped.client.exceptions.ClusterNotFoundException) as caught:
        await settled(wrapped.client.list_tasks())
    assert not isinstance(caught.value, errors.EcsError)


OTHERS: list[tuple[str, tuple[type[Exception], ...], type[Exception]]] = [
    ("ParamValidationError", (boto.ParamValidationError,), ValueError),
    ("NoCredentialsError", (boto.NoCredentialsError, boto.CredentialRetrievalError), errors.CredentialsError),
    ("EndpointConnectionError", (boto.EndpointConnectionError,), errors.ConnectionFailedError),
    ("ConnectTimeoutError", (boto.ConnectTimeoutError, boto.ReadTimeoutError), errors.TimedOutError),
    ("NoRegionError", (boto.NoRegionError, boto.ProfileNotFound), errors.ConfigurationError),
    ("WaiterError", (boto.WaiterError,), errors.WaitError),
    ("BotoCoreError", (boto.BotoCoreError,), errors.EcsError),
]


@pytest.mark.parametrize(("name", "theirs", "ours"), OTHERS, ids=[name for name, _, _ in OTHERS])
async def test_other_errors(
    colour: str,
    server: ModelServer,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    theirs: tuple[type[Exception], ...],
    ours: type[Exception],
) -> None:
    """They are of ecskit's own classes; botocore's is the cause, unless it shows values."""
    config = Config(retries={"total_max_attempts": 1}, read_timeout=0.1)
    options: dict[str, Any] = {"region_name": REGION, "endpoint_url": server.url, "config": config}
    method, arguments = "list_clusters", {}
    match name:
        case "ParamValidationError":
            method, arguments = "create_cluster", {"tags": [ecskit.models.Tag(key="")]}
        case "NoCredentialsError":
            clean_environment(monkeypatch)
        case "EndpointConnectionError" | "BotoCoreError":
            options["endpoint_url"] = "http://127.0.0.1:9"
        case "ConnectTimeoutError":
            server.will(Answer(delay=0.2))
        case "NoRegionError":
            options["region_name"] = None
        case _:
            server.will(*[Answer.of({"clusters": [], "failures": []})] * 3)
    ecs = None
    with pytest.raises(ours) as caught:
        ecs = Caller.open(colour, **options)
        if name == "WaiterError":
            await settled(ecs.client.wait.clusters_active(["prod"], timeout=0))
        else:
            await ecs.call(method, **arguments)
    if ecs is not None:
        await ecs.close()
    assert isinstance(caught.value, errors.EcsError)
    assert not isinstance(caught.value, theirs)
    if name not in ("ParamValidationError", "WaiterError"):
        assert isinstance(caught.value.__cause__, theirs)


async def test_the_table_is_complete() -> None:
    """Each line of the table is tested above, and each class of botocore that has a test is in the table."""
    rows = re.findall(r"^\| (`(?:client|botocore)\..*?) \| (yes|no)[^|]*\| (.*?) ?\|$", TABLE, re.MULTILINE)
    no = {re.search(r"`(?:[\w.]*\.)?(\w+)`", name)[1]: use for name, catches, use in rows if catches == "no"}  # type: ignore[index]
    assert {CODE, *(name for name, _, _ in OTHERS)} == set(no)
    for name, _, ours in OTHERS:
        assert f"`{ours.__name__}`" in no[name]
    assert 3 == sum(catches == "yes" for _, catches, _ in rows)
