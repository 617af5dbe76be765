"""Clients that cannot be made or cannot work as they are configured say why."""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from aiobotocore.session import AioSession
from botocore import __version__ as botocore_version
from botocore.config import Config
from botocore.loaders import Loader

import ecskit
from ecskit import errors, models

from .conftest import clean_environment
from .model_server import ModelServer
from .support import API, COLOURS, REGION, Caller

pytestmark = pytest.mark.usefixtures("nothing_configured")


@pytest.fixture
def nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    clean_environment(monkeypatch)


async def refused(colour: str, **options: Any) -> errors.ConfigurationError:
    """Return the error of making a client, or of its first call."""
    with pytest.raises(errors.ConfigurationError) as caught:
        await Caller.open(colour, **options).call("list_clusters")
    assert not caught.value.retryable
    return caught.value


@pytest.mark.parametrize("name", ["region_name", "profile_name", "endpoint_url"])
async def test_an_empty_text_is_refused(colour: str, name: str) -> None:
    """It is most often a variable that is not set."""
    error = await refused(colour, **{name: ""})
    assert f"{name} is empty; leave it out to use that of the environment or the profile" == str(error)


async def test_missing_credentials_are_reported(colour: str, server: ModelServer) -> None:
    """Without credentials nothing is sent, and the error says what to set."""
    ecs = Caller.open(colour, region_name=REGION, endpoint_url=server.url)
    with pytest.raises(errors.CredentialsError) as caught:
        await ecs.call("list_clusters")
    await ecs.close()
    assert (
        "ListClusters: no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile"
        f" (in {REGION}); nothing was sent" == str(caught.value)
    )
    assert (False, []) == (caught.value.retryable, server.seen)


async def test_half_of_the_credentials_are_reported(colour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a key id without its key a client cannot even be made."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    with pytest.raises(errors.CredentialsError) as caught:
        await Caller.open(colour, region_name=REGION).call("list_clusters")
    needed_by = "Client" if colour == "sync" else "ListClusters"
    reason = "no credentials from env: Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY"
    assert f"{needed_by}: {reason}; nothing was sent" == str(caught.value)


async def test_a_missing_region_is_reported(colour: str) -> None:
    """The error lists the ways to give one."""
    error = await refused(colour)
    assert "no region: pass region_name=, set AWS_DEFAULT_REGION, or give the profile a region" == str(error)


@pytest.mark.parametrize("by_variable", [False, True])
async def test_an_unknown_profile_is_reported(colour: str, by_variable: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001  # a parameter of the test
    """A profile that no configuration file has is named, wherever its name comes from."""
    if by_variable:
        monkeypatch.setenv("AWS_PROFILE", "absent")
    error = await refused(colour, region_name=REGION, **({} if by_variable else {"profile_name": "absent"}))
    assert "absent" in str(error)
    assert "profile_name= and AWS_PROFILE name profiles of the AWS configuration files" in str(error)


@pytest.mark.parametrize(
    ("options", "reported"),
    [
        ({"region_name": "not a region"}, "not a region"),
        ({"region_name": 5}, "region_name must be a str, not int"),
        ({"region_name": REGION, "endpoint_url": "nonsense"}, "nonsense"),
        ({"region_name": REGION, "endpoint_url": 5}, "endpoint_url must be a str, not int"),
        ({"region_name": REGION, "profile_name": 5}, "profile_name must be a str, not int"),
        ({"region_name": REGION, "config": {"read_timeout": 1}}, "config must be a botocore.config.Config, not dict"),
        ({"region_name": REGION, "session": "session"}, "session, not str"),
        ({"region_name": REGION, "session": object()}, "session, not object"),
        (
            {"session": botocore.session.Session(), "profile_name": "p"},
            "pass session= or profile_name=, not both: a session has a profile already",
        ),
    ],
)
async def test_a_bad_argument_of_a_client_is_reported(colour: str, options: dict[str, Any], reported: str) -> None:
    """Whatever cannot be used is named by the error."""
    assert reported in str(await refused(colour, **options))


def test_a_sync_client_takes_no_async_session() -> None:
    """It would get coroutines where it needs answers."""
    with pytest.raises(errors.ConfigurationError, match="botocore or boto3 session, not AioSession"):
        ecskit.Client(region_name=REGION, session=AioSession())


WRAPPERS = {"sync": ecskit.Client.wrap, "async": ecskit.AsyncClient.wrap}


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("thing", [None, "ecs", boto3, boto3.Session, ecskit.Client])
def test_only_clients_are_wrapped(colour: str, thing: Any) -> None:
    """What is no client is refused by its type's name."""
    with pytest.raises(errors.ConfigurationError, match=f"expected an ECS client of .*, got {type(thing).__name__}"):
        WRAPPERS[colour](thing)


async def test_only_clients_for_ecs_are_wrapped(colour: str) -> None:
    """A client for another service is refused by that name."""
    if colour == "sync":
        s3 = boto3.client("s3", region_name=REGION)
        with pytest.raises(errors.ConfigurationError, match="expected a client for ecs, got one for s3"):
            ecskit.Client.wrap(s3)
        s3.close()
    else:
        async with AioSession().create_client("s3", region_name=REGION) as aio_s3:
            with pytest.raises(errors.ConfigurationError, match="expected a client for ecs, got one for s3"):
                ecskit.AsyncClient.wrap(aio_s3)


async def test_clients_of_the_other_colour_are_not_wrapped() -> None:
    """Each client wraps its own kind."""
    sync_client = boto3.client("ecs", region_name=REGION)
    async with AioSession().create_client("ecs", region_name=REGION) as aio_client:
        with pytest.raises(errors.ConfigurationError, match="expected an ECS client of aiobotocore, got ECS"):
            ecskit.AsyncClient.wrap(sync_client)
        with pytest.raises(errors.ConfigurationError, match="got one of aiobotocore; wrap it with AsyncClient"):
            ecskit.Client.wrap(aio_client)
    sync_client.close()


async def test_a_wrapped_clients_options_are_its_owners(colour: str) -> None:
    """There is nothing to vary in a client that was made elsewhere."""
    if colour == "sync":
        plain = boto3.client("ecs", region_name=REGION)
        with pytest.raises(errors.ConfigurationError, match="change the options of that client"):
            ecskit.Client.wrap(plain).with_options(region_name="eu-west-1")
        plain.close()
    else:
        async with AioSession().create_client("ecs", region_name=REGION) as aio_client:
            with pytest.raises(errors.ConfigurationError, match="change the options of that client"):
                ecskit.AsyncClient.wrap(aio_client).with_options(region_name="eu-west-1")


async def test_an_operation_that_a_wrapped_client_lacks_is_reported(old_client: Caller, server: ModelServer) -> None:
    """The error names the operation, the installed botocore and the two ways out."""
    with pytest.raises(errors.UnsupportedOperationError) as caught:
        await old_client.call("list_gateways")
    assert "has no ListGateways" in str(caught.value)
    assert f"botocore {botocore_version}, or the model that it loaded, is older" in str(caught.value)
    assert "upgrade botocore, or let ecskit make the client" in str(caught.value)
    assert isinstance(caught.value, errors.ConfigurationError)
    assert server.seen == []


async def test_a_member_that_a_wrapped_client_lacks_travels(old_client: Caller, server: ModelServer) -> None:
    """What its owner's older model does not know is sent and received all the same."""
    server.full = True
    response = await old_client.call("run_task", task_definition="web", count=2, client_token="t")
    assert {"taskDefinition": "web", "count": 2, "clientToken": "t"} == server.last.input
    assert len(response.tasks) == 2


async def test_a_member_that_only_a_wrapped_clients_model_requires_may_be_absent(
    old_client: Caller, server: ModelServer
) -> None:
    """A newer model made it optional, in the request and in the structures of it."""
    await old_client.call("run_task", task_definition="web", client_token="t")
    assert {"taskDefinition": "web", "clientToken": "t"} == server.last.input
    overrides = models.TaskOverride(container_overrides=[models.ContainerOverride(cpu=1), models.ContainerOverride()])
    await old_client.call("run_task", task_definition="web", client_token="t", overrides=overrides)
    assert {"containerOverrides": [{"cpu": 1}, {}]} == server.last.input["overrides"]


@pytest.fixture
async def old_client(
    colour: str, server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Caller]:
    """A wrapped client whose model knows neither gateways nor the count and the result of RunTask.

    It requires the cluster of RunTask, and the name of a container in its overrides.
    """
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    model = copy.deepcopy(API)
    del model["operations"]["ListGateways"]
    del model["shapes"]["RunTaskRequest"]["members"]["count"]
    del model["shapes"]["RunTaskResponse"]["members"]["tasks"]
    model["shapes"]["RunTaskRequest"]["required"].append("cluster")
    model["shapes"]["ContainerOverride"]["required"] = ["name"]
    folder = tmp_path / "ecs" / "2014-11-13"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text(json.dumps(model))
    session: Any = botocore.session.Session() if colour == "sync" else AioSession()
    session.register_component("data_loader", Loader(extra_search_paths=[str(tmp_path)]))
    options: Any = {
        "region_name": REGION,
        "endpoint_url": server.url,
        "config": Config(retries={"total_max_attempts": 1}),
    }
    if colour == "sync":
        client = session.create_client("ecs", **options)
        yield Caller(colour, ecskit.Client.wrap(client))
        client.close()
    else:
        async with session.create_client("ecs", **options) as aio_client:
            yield Caller(colour, ecskit.AsyncClient.wrap(aio_client))


def test_the_async_client_says_which_extra_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without aiobotocore the error is an ImportError that names what to install."""
    import sys

    for name in [name for name in sys.modules if name.split(".")[0] == "aiobotocore"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "ecskit._transport.aio", raising=False)
    monkeypatch.delattr("ecskit._transport.aio", raising=False)
    with pytest.raises(errors.MissingExtraError, match=r"pip install 'ecskit\[async\]'") as caught:
        ecskit.AsyncClient(region_name=REGION)
    assert isinstance(caught.value, ImportError)
