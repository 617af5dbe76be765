"""Credentials that cannot be had: one class of error, whichever provider fails, at creation and later."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import attrs
import boto3
import botocore.session
import pytest
from aiobotocore.session import AioSession
from botocore.credentials import RefreshableCredentials, SSOProvider
from botocore.exceptions import BotoCoreError, ClientError
from botocore.utils import ContainerMetadataFetcher

import ecskit
from ecskit import errors
from ecskit._core.retrying import may_have_taken_effect

from .conftest import clean_environment
from .model_server import Answer, ModelServer
from .support import REGION, Caller

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "hunter2-SECRET"
START_URL = "https://sso.example"


class Provider:
    """A server for the endpoint of a container's credentials and for STS. It answers all requests alike."""

    def __init__(self) -> None:
        self.status = 200
        self.body = b""
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def grants(self, seconds: float) -> None:
        """Answer with credentials of a container that expire after some seconds."""
        expiry = datetime.now(timezone.utc) + timedelta(seconds=seconds)
        found = {"AccessKeyId": "AKID", "SecretAccessKey": SECRET, "Token": SECRET, "Expiration": expiry.isoformat()}
        self.status, self.body = 200, json.dumps(found).encode()

    def refuses(self, code: str, message: str, status: int) -> None:
        """Answer with an error of STS."""
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        text = f"<ErrorResponse>{error}<RequestId>sts-1</RequestId></ErrorResponse>"
        self.status, self.body = status, text.encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"] or 0))
                self.send_response(provider.status)
                self.send_header("Content-Length", str(len(provider.body)))
                self.end_headers()
                self.wfile.write(provider.body)

            do_POST = do_GET  # noqa: N815  # as http.server calls it

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler


@pytest.fixture(scope="module")
def provider_of_module() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.close()


@attrs.frozen
class Machine:
    """Where the tests configure credentials."""

    provider: Provider
    patch: pytest.MonkeyPatch
    folder: Path

    def configure(self, profile: str, **variables: str) -> None:
        """Write the default profile, and set environment variables."""
        config = self.folder / "config"
        config.write_text(f"[default]\n{profile}\n")
        for name, value in {"AWS_CONFIG_FILE": str(config), **variables}.items():
            self.patch.setenv(name, value)


@pytest.fixture
def machine(provider_of_module: Provider, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    clean_environment(monkeypatch)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")  # requests to STS would be repeated, with pauses
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", provider_of_module.url)
    monkeypatch.setattr(ContainerMetadataFetcher, "SLEEP_TIME", 0)
    monkeypatch.setattr(SSOProvider, "_SSO_TOKEN_CACHE_DIR", str(tmp_path))
    return Machine(provider_of_module, monkeypatch, tmp_path)


def process(machine: Machine, command: str) -> None:
    machine.configure(f"credential_process = {command}")


def role(machine: Machine, arn: str = "arn:aws:iam::123456789012:role/deployer") -> None:
    source = f"[profile source]\naws_access_key_id = AKIDSOURCE\naws_secret_access_key = {SECRET}"
    profile = f"role_arn = {arn}\nsource_profile = source\nexternal_id = {SECRET}\n{source}"
    machine.configure(profile, AWS_DEFAULT_REGION=REGION)


def no_program(machine: Machine) -> None:
    process(machine, "missing-program --json")


def no_json(machine: Machine) -> None:
    process(machine, "echo sorry")


def failing_program(machine: Machine) -> None:
    process(machine, f"{sys.executable} -Sc \"raise SystemExit('the vault is\\n sealed')\"")


def incomplete_json(machine: Machine) -> None:
    process(machine, """echo '{"Version": 1, "AccessKeyId": "a"}'""")


def unparsable_sso(machine: Machine) -> None:
    sso(machine)
    (machine.folder / f"{hashlib.sha1(START_URL.encode()).hexdigest()}.json").write_text("{not json")


def sso(machine: Machine) -> None:
    machine.configure(
        f"sso_start_url = {START_URL}\nsso_region = {REGION}\nsso_account_id = 123456789012\nsso_role_name = dev"
    )


def wrong_type(machine: Machine) -> None:
    process(machine, """echo '{"Version": 1, "AccessKeyId": 5, "SecretAccessKey": "s", "SessionToken": "t"}'""")


def container_away(machine: Machine) -> None:
    machine.configure("", AWS_CONTAINER_CREDENTIALS_FULL_URI="http://127.0.0.1:9/creds")


def container_refuses(machine: Machine) -> None:
    machine.provider.status, machine.provider.body = 403, b"no such task"
    machine.configure("", AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{machine.provider.url}/creds")


def container_away_later(machine: Machine) -> None:
    # Credentials that expire in a minute are refreshed before their first use.
    machine.provider.grants(60)
    machine.configure("", AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{machine.provider.url}/creds")


def role_refused(machine: Machine) -> None:
    machine.provider.refuses("AccessDenied", "not authorized to perform: sts:AssumeRole.", 403)
    role(machine)


def bad_role(machine: Machine) -> None:
    role(machine, "deployer")


def sts_fails(machine: Machine) -> None:
    machine.provider.refuses("InternalFailure", "try later", 500)
    role(machine)


def sts_throttles(machine: Machine) -> None:
    machine.provider.refuses("Throttling", "Rate exceeded", 400)
    role(machine)


def sts_away(machine: Machine) -> None:
    role(machine)
    machine.patch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")


def no_source(machine: Machine) -> None:
    machine.configure("role_arn = arn:aws:iam::123456789012:role/r\nsource_profile = gone")


@attrs.frozen
class Case:
    prepare: Any
    provider: str
    reported: str
    """The message after the names of the operation and of the provider."""
    at_creation: bool = False
    retryable: bool = False


CASES = [
    Case(
        no_program,
        "custom-process",
        "[Errno 2] No such file or directory: 'missing-program'; check cr",
        at_creation=True,
    ),
    Case(
        no_json,
        "custom-process",
        "JSONDecodeError: Expecting value: line 1 column 1 (char 0); check cr",
        at_creation=True,
    ),
    Case(failing_program, "custom-process", r"the vault is\n sealed; check credential_process", at_creation=True),
    Case(incomplete_json, "custom-process", "Missing required key in response: 'SecretAccessKey'", at_creation=True),
    Case(wrong_type, "custom-process", "a value has a wrong type: sequence item 0: expected str instance, int found"),
    Case(unparsable_sso, "sso", "KeyError: "),
    Case(sso, "sso", "Token for https://sso.example does not exist; sign in with `aws sso"),
    Case(container_away, "container-role", "Error retrieving metadata: ", at_creation=True, retryable=True),
    Case(
        container_refuses,
        "container-role",
        "Error retrieving metadata: Received non 200 response 403",
        at_creation=True,
    ),
    Case(
        role_refused,
        "assume-role",
        "AssumeRole: AccessDenied: not authorized to perform: sts:AssumeRole (HTTP 403, req",
    ),
    Case(bad_role, "assume-role", "AssumeRole: RoleArn: invalid length, valid min length: 20"),
    Case(sts_fails, "assume-role", "AssumeRole: InternalFailure: try later (HTTP 500, request sts-1)", retryable=True),
    Case(
        sts_throttles, "assume-role", "AssumeRole: Throttling: Rate exceeded (HTTP 400, request sts-1)", retryable=True
    ),
    Case(sts_away, "assume-role", 'AssumeRole: Could not connect to the endpoint URL: "http://127', retryable=True),
    Case(no_source, "assume-role", 'The source_profile "gone" referenced in the profile', at_creation=True),
]


def check(error: errors.CredentialsError, case: Case, operation: str) -> None:
    assert str(error).startswith(f"{operation}: no credentials from {case.provider}: {case.reported}")
    assert str(error).endswith("; nothing was sent")
    assert (case.provider, case.retryable) == (error.provider, error.retryable)
    assert not may_have_taken_effect(error)
    assert SECRET not in str(error)
    assert [str(error)] == str(error).splitlines()
    assert not isinstance(error, (errors.ServiceError, errors.ConfigurationError))


async def unavailable(colour: str, **options: Any) -> errors.CredentialsError:
    """Return the error of making a client, or of its first call."""
    with pytest.raises(errors.CredentialsError) as caught:
        ecs = Caller.open(colour, **options)
        try:
            await ecs.call("list_clusters")
        finally:
            await ecs.close()
    return caught.value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.prepare.__name__)
async def test_whatever_fails_is_about_credentials(
    colour: str, server: ModelServer, machine: Machine, case: Case
) -> None:
    """The error names the provider and the operation of the provider, and nothing is sent to ECS."""
    case.prepare(machine)
    error = await unavailable(colour, region_name=REGION, endpoint_url=server.url)
    check(error, case, "Client" if case.at_creation and colour == "sync" else "ListClusters")
    assert [] == server.seen


async def test_entering_an_async_client_fetches_credentials(machine: Machine) -> None:
    """No operation needs them yet."""
    no_json(machine)
    with pytest.raises(
        errors.CredentialsError, match="AsyncClient: no credentials from custom-process: JSONDecodeError"
    ):
        async with ecskit.AsyncClient(region_name=REGION):
            pass


SESSIONS = [("sync", boto3.Session), ("async", boto3.Session), ("async", AioSession)]


@pytest.mark.parametrize(("mode", "session"), SESSIONS)
async def test_the_providers_of_a_session_are_named(
    server: ModelServer, machine: Machine, mode: str, session: Any
) -> None:
    """Also where an async client takes the credentials of a sync session."""
    role_refused(machine)
    (case,) = [case for case in CASES if case.prepare is role_refused]
    error = await unavailable(mode, session=session(), region_name=REGION, endpoint_url=server.url)
    check(error, case, "ListClusters")
    assert [] == server.seen


LATER = (unparsable_sso, bad_role, sts_fails)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.prepare in LATER], ids=lambda case: case.prepare.__name__
)
async def test_a_wrapped_client_has_the_same_error(
    colour: str, server: ModelServer, machine: Machine, case: Case
) -> None:
    """Its owner sees botocore's error, whatever that is."""
    case.prepare(machine)
    options: dict[str, Any] = {"region_name": REGION, "endpoint_url": server.url}
    with pytest.raises(errors.CredentialsError) as caught:
        if colour == "sync":
            owned: Any = boto3.Session().client("ecs", **options)
            with pytest.raises((BotoCoreError, ClientError, KeyError)) as theirs:
                owned.list_clusters()
            assert not isinstance(theirs.value, errors.EcsError)
            ecskit.Client.wrap(owned).list_clusters()
        else:
            async with AioSession().create_client("ecs", **options) as aio:
                with pytest.raises((BotoCoreError, ClientError, KeyError)) as theirs:
                    await aio.list_clusters()
                assert not isinstance(theirs.value, errors.EcsError)
                await ecskit.AsyncClient.wrap(aio).list_clusters()
    check(caught.value, case, "ListClusters")
    assert [] == server.seen


async def test_credentials_that_are_given_need_no_provider(colour: str, server: ModelServer, machine: Machine) -> None:
    """The broken profile is not used."""
    no_json(machine)
    keys = {"aws_access_key_id": "AKIDGIVEN", "aws_secret_access_key": SECRET}
    ecs = Caller.open(colour, region_name=REGION, endpoint_url=server.url, **keys)
    await ecs.call("list_clusters")
    await ecs.close()
    assert "Credential=AKIDGIVEN/" in server.last.headers["authorization"]


async def test_a_refresh_that_fails_later(colour: str, server: ModelServer, machine: Machine) -> None:
    """An endpoint of credentials that was there at creation and is away when they expire."""
    container_away_later(machine)
    ecs = Caller.open(colour, region_name=REGION, endpoint_url=server.url)
    await ecs.call("list_clusters")
    container_refuses(machine)
    with pytest.raises(errors.CredentialsError) as caught:
        await ecs.call("list_clusters")
    check(caught.value, Case(None, "container-role", "Error retrieving metadata: Received non 200"), "ListClusters")
    assert 1 == len(server.seen)
    await ecs.close()


async def test_an_attempt_that_was_sent_before_is_not_hidden(colour: str, server: ModelServer) -> None:
    """Credentials that expire between two attempts: ECS may have received the first one."""
    left = [1]

    def fetch() -> dict[str, str]:
        expiry = datetime.now(timezone.utc) + timedelta(seconds=60)
        if not left:
            raise KeyError("AccessKeyId")
        left.pop()
        return {"access_key": "AKID", "secret_key": SECRET, "token": SECRET, "expiry_time": expiry.isoformat()}

    session: Any = botocore.session.Session()
    expired = {"access_key": "A", "secret_key": "s", "token": "t", "expiry_time": "2020-01-01T00:00:00Z"}
    session._credentials = RefreshableCredentials.create_from_metadata(expired, fetch, method="vault")
    ecs = Caller.open(colour, session=session, endpoint_url=server.url, region_name=REGION)
    server.will(Answer.error("ServerException", status=500))
    with pytest.raises(errors.CredentialsError) as caught:
        await ecs.call("run_task", task_definition="web")
    await ecs.close()
    assert 1 == len(server.seen)
    assert caught.value.sent
    assert may_have_taken_effect(caught.value)
    assert str(caught.value) == (
        "RunTask: no credentials from vault: KeyError: 'AccessKeyId' (task definition 'web' in eu-central-1);"
        " an earlier attempt was sent"
    )


async def test_an_error_of_a_hooks_own_request_stays_its_own(colour: str, server: ModelServer) -> None:
    """An event handler sends a request to another service, and that fails."""
    refused: Any = {"Error": {"Code": "AccessDenied", "Message": "no"}, "ResponseMetadata": {}}

    def ask(**_: Any) -> None:
        raise ClientError(refused, "GetObject")

    ecs = Caller.open(colour, region_name=REGION, endpoint_url=server.url)
    client = await ecs.botocore_client()
    for event in ("before-call", "before-sign", "request-created", "before-send", "after-call"):
        client.meta.events.register(f"{event}.ecs.ListClusters", ask)
        with pytest.raises(ClientError, match="GetObject") as caught:
            await ecs.call("list_clusters")
        client.meta.events.unregister(f"{event}.ecs.ListClusters", ask)
        assert not isinstance(caught.value, errors.EcsError)
    await ecs.close()
