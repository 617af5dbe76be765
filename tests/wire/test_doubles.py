"""Doubles of botocore clients and handlers that watch them: what works with botocore works with ecskit."""

from __future__ import annotations

from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from aiobotocore.client import AioBaseClient
from botocore import parsers
from botocore.awsrequest import AWSResponse
from botocore.client import BaseClient
from botocore.exceptions import ClientError, ReadTimeoutError, StubAssertionError, StubResponseError
from botocore.stub import ANY, Stubber

import ecskit
from ecskit import errors
from ecskit._transport.exchange import _is_observed

from .model_server import Answer, ModelServer
from .support import REGION, Caller, settled

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
TASK = {"taskArn": "arn:1", "lastStatus": "RUNNING", "desiredStatus": "RUNNING", "createdAt": NOW}


async def test_a_stubbed_client_answers(ecs: Caller) -> None:
    """botocore's Stubber gives dicts with datetimes, and checks the parameters."""
    with Stubber(await ecs.botocore_client()) as stub:
        stub.add_response("describe_tasks", {"tasks": [TASK]}, {"cluster": "prod", "tasks": ["a"]})
        stub.add_response("list_clusters", {})
        stub.add_response("run_task", {"tasks": [TASK]}, {"taskDefinition": "web", "clientToken": ANY})
        (task,) = (await ecs.call("describe_tasks", cluster="prod", tasks=["a"])).tasks
        assert ("arn:1", "RUNNING", NOW) == (task.task_arn, task.last_status, task.created_at)
        listed = await ecs.call("list_clusters")
        assert () == tuple(listed.cluster_arns)
        assert {} == dict(listed.extra_fields)
        started = await ecs.call("run_task", task_definition="web")
        assert started.metadata.client_token
        stub.assert_no_pending_responses()


async def test_a_stubbed_client_refuses(ecs: Caller) -> None:
    """An error that a test adds is the error of ecskit, and so is a response that lacks what ECS always sends."""
    with Stubber(await ecs.botocore_client()) as stub:
        stub.add_client_error("list_tasks", "ClusterNotFoundException", "gone", http_status_code=400)
        stub.add_response("describe_tasks", {"tasks": [{"lastStatus": "RUNNING"}]})
        with pytest.raises(errors.ClusterNotFoundException, match="ListTasks: gone"):
            await ecs.call("list_tasks", cluster="prod")
        with pytest.raises(errors.MalformedResponseError, match=r"tasks\[0\].taskArn: is missing"):
            await ecs.call("describe_tasks", tasks=["a"])


async def test_a_stub_answers_the_polls_of_waits(ecs: Caller) -> None:
    """All requests pass through the client that is public, and so through its event handlers."""
    prod = {"clusterArn": "arn:aws:ecs:eu-central-1:1:cluster/prod", "clusterName": "prod", "status": "ACTIVE"}
    client = await ecs.botocore_client()
    seen: list[str] = []
    client.meta.events.register("provide-client-params.ecs", lambda model, **_: seen.append(model.name))
    with Stubber(client) as stub:
        stub.add_response("describe_clusters", {"clusters": [prod]}, {"clusters": ["prod"]})
        [cluster] = await settled(ecs.client.wait.clusters_active("prod"))
    assert ("ACTIVE", ["DescribeClusters"]) == (cluster.status, seen)


async def test_the_assertions_of_a_stub_are_raised_as_they_are(ecs: Caller) -> None:
    """A failure of a test is no error of a request, which the program under test may handle."""
    with Stubber(await ecs.botocore_client()) as stub:
        stub.add_response("list_tasks", {}, {"cluster": "staging"})
        with pytest.raises(StubAssertionError):
            await ecs.call("list_tasks", cluster="prod")
        with pytest.raises(StubResponseError):
            await ecs.call("list_clusters")


async def test_an_answer_before_the_call_counts(ecs: Caller) -> None:
    """A handler of before-call may answer in place of ECS, with any status."""
    client = await ecs.botocore_client()
    refused = {"Error": {"Code": "ClientException", "Message": "no"}}
    answers: list[tuple[int, dict[str, Any]]] = [(200, {"clusterArns": ["a"]}), (400, refused)]

    def respond(**_: Any) -> Any:
        status, parsed = answers.pop(0)
        return AWSResponse("", status, {}, None), {**parsed, "ResponseMetadata": {"HTTPStatusCode": status}}  # type: ignore[arg-type]

    client.meta.events.register("before-call.ecs.ListClusters", respond)
    response = await ecs.call("list_clusters")
    with pytest.raises(errors.ClientException, match=r"ListClusters: no \(in eu-central-1; HTTP 400\)"):
        await ecs.call("list_clusters")
    client.meta.events.unregister("before-call.ecs.ListClusters", respond)
    assert (["a"], 200) == (list(response.cluster_arns), response.metadata.http_status)


def patched(colour: str, **how: Any) -> Any:
    """Patch the method of clients through which each call goes."""
    return mock.patch.object(BaseClient if colour == "sync" else AioBaseClient, "_make_api_call", **how)


async def test_a_patched_call_answers(ecs: Caller) -> None:
    """Also one that is not async, and one that passes some calls on."""
    for how in ({}, {"new": mock.Mock()}):
        with patched(ecs.colour, **how) as call:
            call.return_value = {"tasks": [TASK]}
            response = await ecs.call("describe_tasks", tasks=["a"])
        assert ["arn:1"] == [task.task_arn for task in response.tasks]
    original: Any = getattr(BaseClient if ecs.colour == "sync" else AioBaseClient, "_make_api_call")  # noqa: B009  # not in the stubs

    def some(client: Any, operation: str, params: Any) -> Any:
        return {"clusterArns": ["double"]} if operation == "ListClusters" else original(client, operation, params)

    with patched(ecs.colour, new=some):
        assert ["double"] == list((await ecs.call("list_clusters")).cluster_arns)
        assert (await ecs.call("list_tasks")).metadata.request_id.startswith("request-")


async def test_a_patched_call_raises(ecs: Caller) -> None:
    """The errors of a test are translated like those of botocore, whatever name the operation has in them."""
    refused: Any = {"Error": {"Code": "ServiceNotFoundException", "Message": "no"}, "ResponseMetadata": {}}
    raised: list[tuple[Exception, type[errors.EcsError]]] = [
        (ClientError(refused, "describe_services"), errors.ServiceNotFoundException),
        (ReadTimeoutError(endpoint_url="https://ecs"), errors.TimedOutError),
    ]
    for theirs, ours in raised:
        with patched(ecs.colour, side_effect=theirs), pytest.raises(ours, match="DescribeServices: "):
            await ecs.call("describe_services", services=["web"])


async def test_a_double_without_an_answer_is_reported(ecs: Caller) -> None:
    """A mock without a prepared answer does not look like an empty result."""
    with patched(ecs.colour, new=mock.MagicMock()), pytest.raises(errors.MalformedResponseError) as caught:
        await ecs.call("list_clusters")
    assert str(caught.value) == (
        "ListClusters: the client is a double that answered with MagicMock; expected a dict, as botocore's"
        f" (in {REGION})"
    )


async def test_observers_see_what_botocore_would_show(ecs: Caller, server: ModelServer) -> None:
    """Handlers of after-call receive the parsed response; so does the caller, as models."""
    server.full = True
    seen: list[Any] = []

    def look(parsed: Any, **_: Any) -> None:
        seen.append(parsed)

    client = await ecs.botocore_client()
    client.meta.events.register("after-call.ecs.DescribeTasks", look)
    response = await ecs.call("describe_tasks", tasks=["a"])
    client.meta.events.unregister("after-call.ecs.DescribeTasks", look)
    (parsed,) = seen
    assert isinstance(parsed["tasks"][0]["createdAt"], datetime)
    assert response == ecskit.converter.structure(parsed, type(response))
    server.will(Answer.of(server.last.answer))
    theirs = await settled(client.describe_tasks(tasks=["a"]))
    for each in (parsed, theirs):
        assert each.pop("ResponseMetadata")["HTTPStatusCode"] == 200
    assert theirs == parsed


async def test_observers_of_a_response_that_cannot_be_parsed(once: Caller, server: ModelServer) -> None:
    """They see what there is, and the caller gets ecskit's error."""
    seen: list[Any] = []
    client = await once.botocore_client()
    client.meta.events.register("after-call.ecs", lambda parsed, **_: seen.append(set(parsed)), unique_id="look")
    for body in (b"\xff", b'{"tasks": [{"taskArn": "a", "createdAt": "sometime"}]}', b"[]"):
        server.will(Answer(body))
        with pytest.raises(errors.MalformedResponseError):
            await once.call("describe_tasks", tasks=["a"])
    client.meta.events.unregister("after-call.ecs", unique_id="look")
    assert [{"ResponseMetadata"}] * 3 == [each & {"ResponseMetadata"} for each in seen]


async def test_botocore_parses_for_observers_only(ecs: Caller, server: ModelServer) -> None:
    """Without handlers of after-call, and with those of other events, no response is parsed twice."""
    client = await ecs.botocore_client()
    client.meta.events.register("before-send.ecs", lambda **_: None, unique_id="look")
    with mock.patch.object(parsers, "create_parser", side_effect=AssertionError):
        await ecs.call("list_clusters")
    client.meta.events.unregister("before-send.ecs", unique_id="look")
    assert 1 == len(server.seen)


async def test_unknown_emitters_count_as_observed() -> None:
    """Another version of botocore may keep its handlers elsewhere: then responses are parsed for whoever reads them."""
    client = SimpleNamespace(meta=SimpleNamespace(events=object()))
    assert _is_observed(client, "ListTasks")


@pytest.mark.parametrize("changed", [False, True])
async def test_a_function_in_place_of_the_method_sees_the_answer(
    ecs: Caller, server: ModelServer, monkeypatch: pytest.MonkeyPatch, *, changed: bool
) -> None:
    """As tools for tracing wrap it, and as doubles that pass a call on. What it changes is what the caller gets."""
    client = await ecs.botocore_client()
    original: Any = type(client)._make_api_call
    seen: list[Any] = []

    def watched(answer: Any) -> Any:
        seen.append(answer["clusterArns"])
        return {**answer, "clusterArns": ["changed"]} if changed else answer

    async def asynchronous(self: Any, operation: str, arguments: Any) -> Any:
        return watched(await original(self, operation, arguments))

    def synchronous(self: Any, operation: str, arguments: Any) -> Any:
        return watched(original(self, operation, arguments))

    monkeypatch.setattr(type(client), "_make_api_call", asynchronous if ecs.colour == "async" else synchronous)
    server.will(Answer.of({"clusterArns": ["arn"], "tomorrow": 1}))
    response = await ecs.call("list_clusters")
    assert [["arn"]] == seen
    assert (["changed"] if changed else ["arn"]) == response.cluster_arns
    assert ({} if changed else {"tomorrow": 1}) == response.extra_fields


@pytest.mark.parametrize("event", ["response-received", "after-call"])
async def test_an_observed_answer_without_content_is_malformed(ecs: Caller, server: ModelServer, event: str) -> None:
    """As without an observer."""
    client = await ecs.botocore_client()
    observe = lambda **_: None  # noqa: E731
    client.meta.events.register(f"{event}.ecs", observe)
    server.will(Answer(b"null"))
    with pytest.raises(errors.MalformedResponseError):
        await ecs.call("list_clusters")
    client.meta.events.unregister(f"{event}.ecs", observe)


async def test_observers_of_the_received_response_see_its_content(ecs: Caller, server: ModelServer) -> None:
    """They run after ecskit, wherever they are registered."""
    client = await ecs.botocore_client()
    seen: list[Any] = []
    observe = lambda parsed_response, **_: seen.append(sorted(parsed_response))  # noqa: E731
    client.meta.events.register("response-received.ecs", observe)
    server.will(Answer.of({"clusterArns": ["arn"]}))
    await ecs.call("list_clusters")
    client.meta.events.unregister("response-received.ecs", observe)
    assert [["ResponseMetadata", "clusterArns"]] == seen
