"""What clients and their namespaces show as their `repr`."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from aiobotocore.session import AioSession
from botocore.config import Config

import ecskit

from .conftest import clean_environment
from .support import COLOURS, Caller

NAMES = {"sync": "Client", "async": "AsyncClient"}
SECRETS = {
    "aws_access_key_id": "AKIDGIVEN",
    "aws_secret_access_key": "s3cr3t-k3y",
    "aws_session_token": "s3cr3t-t0k3n",
    "config": Config(proxies={"https": "http://user:s3cr3t@proxy"}),
}
SHOWN = [
    ({"region_name": "eu-west-1"}, "(region_name='eu-west-1')"),
    ({"region_name": "eu-west-1", **SECRETS}, "(region_name='eu-west-1')"),
    (
        {"region_name": "eu-west-1", "endpoint_url": "http://user:s3cr3t@localhost:8000/ecs?token=s3cr3t#s3cr3t"},
        "(region_name='eu-west-1', endpoint_url='http://localhost:8000/ecs')",
    ),
    ({"session": boto3.Session(region_name="us-west-2")}, "(region_name='us-west-2')"),
]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(("options", "shown"), SHOWN)
async def test_a_client_shows_its_region_and_endpoint(colour: str, options: dict[str, Any], shown: str) -> None:
    """Before and after it is opened; a closed client says so; no secret is shown."""
    ecs = Caller.open(colour, **options)
    assert f"{NAMES[colour]}{shown}" == repr(ecs.client)
    await ecs.botocore_client()
    assert f"{NAMES[colour]}{shown}" == repr(ecs.client)
    await ecs.close()
    assert f"<closed {NAMES[colour]}{shown}>" == repr(ecs.client)


def test_an_async_client_without_a_region_can_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The region is found missing when it is opened."""
    clean_environment(monkeypatch)
    assert "AsyncClient(region_name=None)" == repr(ecskit.AsyncClient())
    assert "AsyncClient(region_name=None, endpoint_url='(not a URL)')" == repr(
        ecskit.AsyncClient(endpoint_url="http://[nonsense")
    )


async def test_a_wrapping_client_says_so() -> None:
    """With the region and the endpoint of the client that it wraps."""
    wrapped = boto3.client("ecs", region_name="eu-west-1", endpoint_url="http://u:s3cr3t@localhost")
    ecs = ecskit.Client.wrap(wrapped)
    shown = "Client.wrap(<botocore client: region_name='eu-west-1', endpoint_url='http://localhost'>)"
    assert shown == repr(ecs)
    ecs.close()
    assert f"<closed {shown}>" == repr(ecs)
    wrapped.close()
    async with AioSession().create_client("ecs", region_name="eu-west-1") as aio_client:
        assert (
            "AsyncClient.wrap(<aiobotocore client: region_name='eu-west-1',"
            " endpoint_url='https://ecs.eu-west-1.amazonaws.com'>)"
        ) == repr(ecskit.AsyncClient.wrap(aio_client))


@pytest.mark.parametrize("colour", COLOURS)
def test_namespaces_show_their_client(colour: str) -> None:
    """With the name of their class."""
    client: Any = ecskit.Client if colour == "sync" else ecskit.AsyncClient
    ecs = client(region_name="eu-west-1")
    prefix = "" if colour == "sync" else "Async"
    for name, shown in (("tasks", "TaskVerbs"), ("wait", "Wait"), ("paginate", "Paginate")):
        assert f"<{prefix}{shown} of {prefix}Client(region_name='eu-west-1')>" == repr(getattr(ecs, name))


class Mine(ecskit.Client):
    """A subclass."""


def test_a_subclass_shows_its_own_name() -> None:
    """As usual."""
    with Mine(region_name="eu-west-1") as ecs:
        assert "Mine(region_name='eu-west-1')" == repr(ecs)
