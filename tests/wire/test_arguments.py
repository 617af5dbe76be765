"""The arguments of clients: those of boto3's clients, how `with_options` changes them, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest

import ecskit
from ecskit import errors

from .conftest import clean_environment
from .model_server import ModelServer
from .support import COLOURS, REGION, Caller

KEYS = {"aws_access_key_id": "AKIDGIVEN", "aws_secret_access_key": "s3cr3t-k3y"}
TOKEN = {"aws_session_token": "s3cr3t-t0k3n"}
OTHER = {"aws_access_key_id": "AKIDOTHER", "aws_secret_access_key": "0ther-k3y"}


async def signed(client: Any, server: ModelServer, colour: str) -> tuple[str, str | None]:
    """Return the key and the token with which a client signs; close it."""
    ecs = Caller(colour, client)
    await ecs.call("list_clusters")
    await ecs.close()
    headers = server.last.headers
    return headers["authorization"].split("Credential=")[1].split("/")[0], headers.get("x-amz-security-token")


async def test_credentials_are_those_given(colour: str, server: ModelServer) -> None:
    """They win over the environment, a session's, and a profile's."""
    session = boto3.Session(aws_access_key_id="AKIDSESSION", aws_secret_access_key="s")
    for more in ({}, {"session": session}):
        ecs = Caller.open(colour, region_name=REGION, endpoint_url=server.url, **KEYS, **TOKEN, **more)
        assert ("AKIDGIVEN", "s3cr3t-t0k3n") == await signed(ecs.client, server, colour)


@pytest.mark.parametrize(
    ("made", "changed", "key"),
    [
        (KEYS | TOKEN, {"region_name": "us-east-1"}, ("AKIDGIVEN", "s3cr3t-t0k3n")),
        (KEYS | TOKEN, OTHER, ("AKIDOTHER", None)),
        (KEYS, {"session": "a session"}, ("AKIDSESSION", None)),
        (KEYS, {"session": "a session", **OTHER}, ("AKIDOTHER", None)),
        ({"session": "a session"}, KEYS, ("AKIDGIVEN", None)),
        (KEYS | TOKEN, {"profile_name": "other"}, ("AKIDPROFILE", None)),
        ({"session": "a session"}, {"profile_name": "other"}, ("AKIDPROFILE", None)),
        ({"profile_name": "other"}, KEYS, ("AKIDGIVEN", None)),
        ({"profile_name": "other"}, {"session": "a session"}, ("AKIDSESSION", None)),
    ],
)
async def test_a_new_source_of_credentials_replaces_the_one_before(
    colour: str,
    server: ModelServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    made: dict[str, Any],
    changed: dict[str, Any],
    key: tuple[str, str | None],
) -> None:
    """`with_options` keeps the source, or replaces all of it."""
    clean_environment(monkeypatch)
    (tmp_path / "credentials").write_text("[other]\naws_access_key_id=AKIDPROFILE\naws_secret_access_key=s\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    session = boto3.Session(aws_access_key_id="AKIDSESSION", aws_secret_access_key="s", region_name="us-west-1")
    made, changed = ({**x, **({"session": session} if "session" in x else {})} for x in (made, changed))
    first = Caller.open(colour, region_name=REGION, endpoint_url=server.url, **made)
    assert key == await signed(first.client.with_options(**changed), server, colour)
    await first.close()


@pytest.mark.parametrize(
    ("options", "reported"),
    [
        ({"aws_access_key_id": 5}, "aws_access_key_id must be a str, not int"),
        ({**KEYS, "aws_secret_access_key": b"s3cr3t"}, "aws_secret_access_key must be a str, not bytes"),
        ({**KEYS, "aws_session_token": object()}, "aws_session_token must be a str, not object"),
        (
            {"aws_access_key_id": "AKIDGIVEN"},
            "aws_secret_access_key is missing: aws_access_key_id was passed, and needs it",
        ),
        (
            {"aws_secret_access_key": "s3cr3t-k3y"},
            "aws_access_key_id is missing: aws_secret_access_key was passed, and needs it",
        ),
        (TOKEN, "aws_access_key_id is missing: aws_session_token was passed, and needs it"),
        (
            {**KEYS, "aws_session_token": ""},
            "aws_session_token is empty; leave it out to use the credentials of the environment",
        ),
        ({"verify": 1}, "verify must be a bool or the path of a CA bundle as a str, not int"),
        (
            {"verify": "/absent/bundle.pem"},
            "verify must be a bool or the path of a CA bundle; there is no file '/absent/bundle.pem'",
        ),
        ({"use_ssl": "no"}, "use_ssl must be a bool, not str"),
    ],
)
@pytest.mark.parametrize("colour", COLOURS)
def test_a_wrong_argument_is_named_before_a_client_is_made(colour: str, options: dict[str, Any], reported: str) -> None:
    """By a new client, also an async one, and by `with_options`; no message holds a secret."""
    make: Any = ecskit.Client if colour == "sync" else ecskit.AsyncClient
    for attempt in (make, make(region_name=REGION).with_options):
        with pytest.raises(errors.ConfigurationError) as caught:
            attempt(region_name=REGION, **options)
        assert reported == str(caught.value)
        assert "s3cr3t" not in repr(caught.value)


def test_tls_is_configured(tmp_path: Path) -> None:
    """`verify` and `use_ssl` are those of boto3's clients."""
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("")
    for verify in (True, False, str(bundle)):
        with ecskit.Client(region_name=REGION, verify=verify) as ecs:
            assert ecs.botocore_client._endpoint.http_session._verify == verify
        with ecskit.Client(region_name=REGION, verify=False).with_options(verify=verify) as ecs:
            assert ecs.botocore_client._endpoint.http_session._verify == verify
    with ecskit.Client(region_name=REGION, use_ssl=False) as ecs:
        assert f"http://ecs.{REGION}.amazonaws.com" == ecs.botocore_client.meta.endpoint_url


async def test_tls_of_the_async_client_is_configured() -> None:
    """The same."""
    async with ecskit.AsyncClient(region_name=REGION, verify=False, use_ssl=False) as ecs:
        assert ecs.botocore_client._endpoint.http_session._verify is False
        assert f"http://ecs.{REGION}.amazonaws.com" == ecs.botocore_client.meta.endpoint_url
