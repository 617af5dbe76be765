"""Sessions that are handed in: used, and left as they were."""

from __future__ import annotations

import copy
import itertools
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from aiobotocore.session import AioSession
from botocore.credentials import RefreshableCredentials
from botocore.loaders import Loader

from ecskit._transport import service_model

from .model_server import Answer, ModelServer
from .support import API, REGION, Caller

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAIRS = [("sync", "botocore"), ("sync", "boto3"), ("async", "botocore"), ("async", "boto3"), ("async", "aiobotocore")]
pairs = pytest.mark.parametrize(("colour", "kind"), PAIRS)


def session_of(kind: str, key: str = "AKIDSESSION") -> tuple[Any, Any]:
    """Return a session with credentials and a region of its own, and the botocore session in it."""
    if kind == "boto3":
        outer = boto3.Session(aws_access_key_id=key, aws_secret_access_key="s", region_name="ap-south-1")
        return outer, outer._session
    session = AioSession() if kind == "aiobotocore" else botocore.session.Session()
    session.set_credentials(key, "s")
    session.set_config_variable("region", "ap-south-1")
    return session, session


@pairs
async def test_credentials_and_region_are_the_sessions(server: ModelServer, colour: str, kind: str) -> None:
    """Requests are signed with the session's key for the session's region."""
    session, _ = session_of(kind)
    ecs = Caller.open(colour, session=session, endpoint_url=server.url)
    await ecs.call("list_clusters")
    await ecs.close()
    assert "Credential=AKIDSESSION/" in server.last.headers["authorization"]
    assert "/ap-south-1/ecs/aws4_request" in server.last.headers["authorization"]


@pairs
async def test_arguments_overrule_the_session(server: ModelServer, colour: str, kind: str) -> None:
    """A region that is given beside the session is the one that is used."""
    session, _ = session_of(kind)
    ecs = Caller.open(colour, session=session, endpoint_url=server.url, region_name="us-west-2")
    await ecs.call("list_clusters")
    await ecs.close()
    assert "/us-west-2/ecs/aws4_request" in server.last.headers["authorization"]


@pairs
async def test_credentials_may_change_later(server: ModelServer, colour: str, kind: str) -> None:
    """What the session finds is asked for at the first call: environment variables set before that are seen."""
    with pytest.MonkeyPatch.context() as patch:
        session = {"botocore": botocore.session.Session, "boto3": boto3.Session, "aiobotocore": AioSession}[kind]()
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIDLATER")
        ecs = Caller.open(colour, session=session, endpoint_url=server.url, region_name=REGION)
        await ecs.call("list_clusters")
        await ecs.close()
    assert "Credential=AKIDLATER/" in server.last.headers["authorization"]


@pytest.mark.parametrize("colour", ["sync", "async"])
async def test_credentials_that_expire_are_refreshed(server: ModelServer, colour: str) -> None:
    """Each call is signed with what holds at the time, also where an async client uses a sync session."""
    made = itertools.count(1)

    def fetch() -> dict[str, str]:
        expiry = datetime.now(timezone.utc) + timedelta(seconds=1)
        return {"access_key": f"AKID{next(made)}", "secret_key": "s", "token": "t", "expiry_time": expiry.isoformat()}

    session: Any = botocore.session.Session()
    session._credentials = RefreshableCredentials.create_from_metadata(fetch(), fetch, method="test")
    ecs = Caller.open(colour, session=session, endpoint_url=server.url, region_name=REGION)
    await ecs.call("list_clusters")
    await ecs.call("list_clusters")
    await ecs.close()
    keys = [seen.headers["authorization"].split("Credential=")[1].split("/")[0] for seen in server.seen]
    assert len(set(keys)) == 2


@pairs
async def test_the_session_is_left_untouched(server: ModelServer, colour: str, kind: str) -> None:
    """Its components are the same objects with the same caches, its handlers the same."""
    session, inner = session_of(kind)
    names = ["data_loader", "config_store", "credential_provider", "event_emitter"]
    session_components = {name: inner.get_component(name) for name in names}
    loader = session_components["data_loader"]
    before = (list(loader.search_paths), set(loader._cache), trie(inner))
    ecs = Caller.open(colour, session=session, endpoint_url=server.url)
    await ecs.call("list_clusters")
    assert session_components == {name: inner.get_component(name) for name in names}
    assert before == (list(loader.search_paths), set(loader._cache), trie(inner))
    await ecs.close()
    assert before == (list(loader.search_paths), set(loader._cache), trie(inner))


@pairs
async def test_the_sessions_own_clients_keep_botocores_model(
    server: ModelServer, colour: str, kind: str, tmp_path: Path
) -> None:
    """A plain client made from the session afterwards has the model that the session's loader finds."""
    session, inner = session_of(kind)
    folder = tmp_path / "ecs" / service_model.API_VERSION
    folder.mkdir(parents=True)
    older = copy.deepcopy(API)
    del older["operations"]["ListGateways"]
    (folder / "service-2.json").write_text(json.dumps(older))
    inner.register_component("data_loader", Loader(extra_search_paths=[str(tmp_path)]))
    ecs = Caller.open(colour, session=session, endpoint_url=server.url)
    await ecs.call("list_gateways")
    assert "ListGateways" in (await ecs.botocore_client()).meta.service_model.operation_names
    await ecs.close()
    made = inner.create_client("ecs", endpoint_url=server.url)
    if kind == "aiobotocore":
        async with made as plain:
            assert "ListGateways" not in plain.meta.service_model.operation_names
            assert {"tasks", "failures", "ResponseMetadata"} >= set(await plain.describe_tasks(tasks=["t"]))
    else:
        assert "ListGateways" not in made.meta.service_model.operation_names
        made.close()


@pytest.mark.parametrize(("colour", "kind"), [p for p in PAIRS if p not in [("async", "botocore"), ("async", "boto3")]])
async def test_handlers_of_the_session_run(server: ModelServer, colour: str, kind: str) -> None:
    """Those registered on the session, as tracing tools do, see ecskit's calls and may change them."""
    session, inner = session_of(kind)
    seen: list[str] = []

    def before_call(model: Any, params: dict[str, Any], **_: Any) -> None:
        seen.append(f"{model.name} {params['url_path']}")
        params["headers"]["X-Trace"] = "Root=1-2-3"

    def after_call(http_response: Any, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        seen.append(f"{model.name} {http_response.status_code} {parsed['ResponseMetadata']['HTTPStatusCode']}")

    inner.register("before-call", before_call)
    inner.register("after-call.ecs.ListClusters", after_call)
    ecs = Caller.open(colour, session=session, endpoint_url=server.url)
    await ecs.call("list_clusters")
    await ecs.close()
    assert ["ListClusters /", "ListClusters 200 200"] == seen
    assert "Root=1-2-3" == server.last.headers["x-trace"]


@pytest.mark.parametrize("kind", ["botocore", "boto3"])
async def test_handlers_of_a_sync_session_stay_out_of_an_async_client(server: ModelServer, kind: str) -> None:
    """They could block the event loop."""
    session, inner = session_of(kind)
    seen: list[str] = []
    inner.register("before-call", lambda model, **_: seen.append(model.name))
    ecs = Caller.open("async", session=session, endpoint_url=server.url)
    await ecs.call("list_clusters")
    await ecs.close()
    assert [] == seen


async def test_the_shipped_model_is_used(ecs: Caller) -> None:
    """Whatever botocore is installed."""
    model = (await ecs.botocore_client()).meta.service_model
    assert set(API["operations"]) == set(model.operation_names)
    assert service_model.API_VERSION == model.api_version


async def test_a_data_path_of_the_users_own_is_kept(
    colour: str, server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS_DATA_PATH may hold endpoints and other services; ECS is read from ecskit's own."""
    folder = tmp_path / "ecs" / "2030-01-01"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text("{}")
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    ecs = Caller.open(colour, region_name=REGION, endpoint_url=server.url)
    server.will(Answer.of({"clusterArns": ["a"]}))
    assert ("a",) == tuple((await ecs.call("list_clusters")).cluster_arns)
    await ecs.close()


async def test_two_clients_of_one_session_do_not_meet(colour: str, server: ModelServer) -> None:
    """Closing one leaves the other and its captures alone."""
    session, _ = session_of("botocore")
    one = Caller.open(colour, session=session, endpoint_url=server.url)
    two = Caller.open(colour, session=session, endpoint_url=server.url)
    await one.call("list_clusters")
    await one.close()
    await two.call("list_clusters")
    await two.close()
    assert len(server.seen) == 2


def trie(session: Any) -> Any:
    """Return a copy of all handlers of a session."""
    emitter = session.get_component("event_emitter")
    while hasattr(emitter, "_emitter"):
        emitter = emitter._emitter
    return copy.copy(emitter._handlers)._root
