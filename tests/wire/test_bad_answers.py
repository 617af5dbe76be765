"""Bad answers, and none: one typed error each, whatever the bytes."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import pytest_asyncio
from botocore import httpsession
from botocore.config import Config
from hypothesis import given, settings, strategies as st

from ecskit import errors
from ecskit._core import wire

from .inprocess import Recorder
from .model_server import Answer, ModelServer
from .support import REGION, Caller

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOADERS = ("json", "orjson")


@contextmanager
def loading_with(name: str) -> Generator[None, None, None]:
    """Decode with the standard library's JSON or with orjson, which differ in what they raise."""
    with pytest.MonkeyPatch.context() as patch:
        if name == "json":
            patch.setitem(sys.modules, "orjson", None)
        patch.setattr(wire, "loads", wire._loads())
        yield


@pytest.fixture(params=LOADERS)
def _loads(request: pytest.FixtureRequest) -> Iterator[None]:
    with loading_with(request.param):
        yield


MALFORMED = [
    pytest.param(b"", "0 bytes is not JSON", id="empty"),
    pytest.param(b'{"clusterArns": ["a', "is not JSON; it may be truncated", id="truncated"),
    pytest.param(b"<html>maintenance</html>", "24 bytes is not JSON", id="html"),
    pytest.param(b'{"clusterArns": ["\xff\xfe"]}', "is not UTF-8", id="not UTF-8"),
    pytest.param('{"clusterArns": []}'.encode("utf-16"), "is not UTF-8", id="UTF-16"),
    pytest.param(b"[" * 100_000, "is not JSON", id="bottomless"),
    pytest.param(b"[]", "expected the members of ListClustersResponse, got list", id="list"),
    pytest.param(b"null", "expected the members of ListClustersResponse, got NoneType", id="null"),
    pytest.param(b'"text"', "expected the members of ListClustersResponse, got str", id="string"),
    pytest.param(b"3", "expected the members of ListClustersResponse, got int", id="number"),
    pytest.param(b'{"clusterArns": {"a": 1}}', "clusterArns: expected a list, got dict", id="wrong container"),
]


@pytest.mark.usefixtures("_loads")
@pytest.mark.parametrize(("body", "reported"), MALFORMED)
async def test_a_malformed_answer_is_reported(once: Caller, server: ModelServer, body: bytes, reported: str) -> None:
    """A body that is not the operation's is an error, never an empty result and never another exception."""
    server.will(Answer(body))
    with pytest.raises(errors.MalformedResponseError) as caught:
        await once.call("list_clusters")
    assert reported in str(caught.value)
    assert "ListClusters" == caught.value.operation
    fits = body.startswith(b'{"clusterArns": {')  # an object, as each response is: no page of a proxy, and complete
    assert (fits, not fits) == (caught.value.took_effect, caught.value.retryable)
    assert isinstance(caught.value, errors.TransportError)


@pytest.mark.parametrize(
    ("method", "arguments", "body", "reported"),
    [
        ("create_cluster", {}, {}, "CreateClusterResponse: cluster: is missing"),
        ("create_cluster", {}, {"cluster": None}, "cluster: is missing"),
        (
            "stop_task",
            {"task": "t"},
            {"task": {"taskArn": "t", "lastStatus": "RUNNING"}},
            "task.desiredStatus: is missing",
        ),
        (
            "describe_tasks",
            {"tasks": ["t"]},
            {"tasks": [{"taskArn": "t", "lastStatus": "A", "desiredStatus": "A"}, {"lastStatus": "A", "taskArn": "u"}]},
            "tasks[1].desiredStatus: is missing",
        ),
    ],
)
async def test_a_missing_result_is_reported_by_path(
    once: Caller, server: ModelServer, method: str, arguments: dict[str, Any], body: Any, reported: str
) -> None:
    """What every answer of the operation holds is missed by name."""
    server.will(Answer.of(body))
    with pytest.raises(errors.MalformedResponseError) as caught:
        await once.call(method, **arguments)
    assert reported in str(caught.value)
    [(path, problem)] = caught.value.problems
    assert reported.endswith(f"{path}: {problem}")
    assert (True, False) == (caught.value.took_effect, caught.value.retryable)
    assert "the request took effect (HTTP 200), but the response is incomplete or has a wrong type" in str(caught.value)


@pytest.mark.parametrize(("method", "arguments"), [("run_task", {"task_definition": "job"}), ("create_cluster", {})])
async def test_an_object_of_a_proxy_is_not_a_response(
    once: Caller, server: ModelServer, method: str, arguments: dict[str, Any]
) -> None:
    """It has no member of the response: whether the request took effect is unknown, and it may be repeated."""
    server.will(Answer.of({"message": "maintenance"}))
    with pytest.raises(errors.MalformedResponseError) as caught:
        await once.call(method, **arguments)
    assert (False, True) == (caught.value.took_effect, caught.value.retryable)
    assert "the request took effect" not in str(caught.value)


UNREADABLE = [
    pytest.param(b"<html><h1>502 Bad Gateway</h1></html>", 502, errors.ServerError, "502", id="HTML 502"),
    pytest.param(b"<html><h1>Oops</h1></html>", 500, errors.ServerError, "500", id="HTML 500"),
    pytest.param(b"\xff\xfe\x00", 500, errors.ServerError, "500", id="bytes 500"),
    pytest.param(b"", 503, errors.ServerError, "503", id="empty 503"),
    pytest.param('{"__type": "X"}'.encode("utf-16"), 500, errors.ServerError, "500", id="UTF-16 500"),
    pytest.param(b"[" * 100_000, 500, errors.ServerError, "500", id="bottomless 500"),
    pytest.param(b"[]", 500, errors.ServerError, "500", id="list 500"),
    pytest.param(b"null", 500, errors.ServerError, "500", id="null 500"),
    pytest.param(b'"text"', 500, errors.ServerError, "500", id="string 500"),
    pytest.param(b"<html>Forbidden</html>", 403, errors.ServiceError, "403", id="HTML 403"),
    pytest.param(b"slow down", 429, errors.ThrottledError, "429", id="text 429"),
    pytest.param(b'{"__type": 5, "message": "m"}', 400, errors.ServiceError, "400", id="type of error is a number"),
    pytest.param(b'{"__type": null, "message": "m"}', 500, errors.ServerError, "500", id="type of error is null"),
]


@pytest.mark.parametrize(("body", "status", "kind", "code"), UNREADABLE)
async def test_an_unreadable_error_is_one_by_its_status(
    once: Caller, server: ModelServer, body: bytes, status: int, kind: type[errors.ServiceError], code: str
) -> None:
    """What a gateway says in its own words is an error of the status's kind, without its page for a message."""
    server.will(Answer(body, status, "text/html"))
    with pytest.raises(errors.ServiceError) as caught:
        await once.call("list_clusters")
    assert kind is type(caught.value)
    assert (code, status) == (caught.value.code, caught.value.http_status)
    assert f"the body of {len(body)} bytes is not a response of ECS" in caught.value.message


async def test_an_error_without_words_is_an_error(once: Caller, server: ModelServer) -> None:
    """An empty JSON object with an error's status is that error."""
    server.will(Answer(b"{}", 500))
    with pytest.raises(errors.ServerError) as caught:
        await once.call("list_clusters")
    assert f"ListClusters: 500: (no message) (in {REGION}; HTTP 500, request request-" in str(caught.value)


async def test_an_unreadable_attempt_leaves_nothing_behind(ecs: Caller, server: ModelServer) -> None:
    """After a gateway's page, the answer to botocore's second attempt is what counts."""
    server.will(Answer(b"<html>", 502), Answer.error("ClusterNotFoundException", "no such cluster"))
    with pytest.raises(errors.ClusterNotFoundException) as caught:
        await ecs.call("list_tasks")
    assert ("no such cluster", 2) == (caught.value.message, caught.value.attempts)


async def test_a_body_that_is_cut_off_is_no_answer(once: Caller, server: ModelServer) -> None:
    """Fewer bytes than promised: aiobotocore notices; newer botocore does not look and hands over what there is."""
    server.will(Answer(b'{"clusterArns": []}', cut=5))
    with pytest.raises(errors.TransportError) as caught:
        await once.call("list_clusters")
    handed_over = once.colour == "sync" and "enforce_content_length=False" in inspect.getsource(httpsession)
    kind = errors.MalformedResponseError if handed_over else errors.ConnectionFailedError
    assert kind is type(caught.value)
    assert caught.value.retryable


async def test_a_connection_that_is_closed_is_reported(once: Caller, server: ModelServer) -> None:
    """A server that hangs up did not answer."""
    server.will(Answer(hang_up=True))
    with pytest.raises(errors.ConnectionFailedError, match="ListClusters: "):
        await once.call("list_clusters")


async def test_a_refused_connection_is_reported(colour: str) -> None:
    """No server listens: the error names the endpoint."""
    config = Config(retries={"total_max_attempts": 1})
    ecs = Caller.open(colour, region_name=REGION, endpoint_url="http://127.0.0.1:9", config=config)
    with pytest.raises(errors.ConnectionFailedError, match=r"http://127\.0\.0\.1:9"):
        await ecs.call("list_clusters")
    await ecs.close()


async def test_a_slow_answer_times_out(colour: str, server: ModelServer) -> None:
    """An answer that takes longer than the timeout is a TimedOutError."""
    config = Config(retries={"total_max_attempts": 1}, read_timeout=0.1)
    ecs = Caller.open(colour, region_name=REGION, endpoint_url=server.url, config=config)
    server.will(Answer(delay=0.4))
    with pytest.raises(errors.TimedOutError) as caught:
        await ecs.call("list_clusters")
    assert isinstance(caught.value, errors.TransportError)
    assert caught.value.retryable
    await ecs.close()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["__type", "message", "Message", "resourceIds", "tasks", "failures", "createdAt", "taskArn", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
_BODIES = st.binary(max_size=40) | st.text(max_size=40).map(str.encode) | _JSON.map(json.dumps).map(str.encode)


@pytest.mark.parametrize("loader", LOADERS)
@settings(settings.get_profile("wire"), max_examples=200)
@given(body=_BODIES, status=st.sampled_from([200, 201, 301, 400, 403, 404, 429, 500, 503]))
async def test_no_answer_raises_anything_else(
    recorded: tuple[Caller, Recorder], loader: str, body: bytes, status: int
) -> None:
    """Whatever bytes come with whatever status, the outcome is a response or an error of ecskit."""
    ecs, recorder = recorded
    recorder.answer, recorder.status = body, status
    with loading_with(loader):
        try:
            response = await ecs.call("describe_tasks", tasks=["t"])
        except errors.EcsError as error:
            reported = str(error)
        else:
            reported = "DescribeTasks" if status < 300 else ""
            assert response.metadata.http_status == status
    assert "DescribeTasks" in reported


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def recorded(colour: str) -> Any:
    config = Config(retries={"total_max_attempts": 1})
    caller = Caller.open(colour, region_name=REGION, endpoint_url="http://127.0.0.1:9", config=config)
    yield caller, Recorder(await caller.botocore_client())
    await caller.close()
