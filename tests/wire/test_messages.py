"""The messages of errors: what was requested, where, and all of it on one line."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from ecskit import errors, models
from ecskit._core.errors import described
from ecskit._core.targets import IDENTIFYING, targets_of
from ecskit._core.wording import escaped

from .model_server import Answer, ModelServer
from .support import API, REGION, SHAPES, Caller, attribute_name
from .test_error_classes import CLASSES, made

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLUSTER = "ClusterNotFoundException"
LONG = "x" * 300
NAMED: list[tuple[str, dict[str, Any], str]] = [
    ("list_tasks", {}, ""),
    ("list_tasks", {"cluster": "nope"}, "cluster 'nope' "),
    ("list_tasks", {"cluster": "nope", "service_name": "web"}, "cluster 'nope', service 'web' "),
    ("describe_tasks", {"tasks": ["a"]}, "task 'a' "),
    ("describe_tasks", {"cluster": "c", "tasks": [*"abcdefghijkl"]}, "cluster 'c', tasks 'a' and 11 more "),
    ("describe_services", {"services": ["web", "api"]}, "services 'web' and 1 more "),
    ("describe_task_definition", {"task_definition": "web:7"}, "task definition 'web:7' "),
    ("delete_task_set", {"cluster": "c", "service": "s", "task_set": "t"}, "cluster 'c', service 's', task set 't' "),
    ("describe_capacity_providers", {"capacity_providers": ["spot"]}, "capacity provider 'spot' "),
    ("describe_service_revisions", {"service_revision_arns": ["r"]}, "service revision 'r' "),
    ("execute_command", {"task": "t", "command": "SECRET", "interactive": True}, "task 't' "),
    ("delete_cluster", {"cluster": "a\nb"}, r"cluster 'a\nb' "),
    ("delete_cluster", {"cluster": LONG}, f"cluster '{'x' * 197}...' "),
]


@pytest.mark.parametrize(("method", "arguments", "named"), NAMED)
async def test_a_service_error_shows_what_was_requested(
    once: Caller, server: ModelServer, method: str, arguments: dict[str, Any], named: str
) -> None:
    """The identifiers of the request, the region, status and request id; the class stands in the traceback."""
    server.strict = False
    server.will(Answer.error(CLUSTER, "Cluster not found."))
    with pytest.raises(errors.ClusterNotFoundException) as caught:
        await once.call(method, **arguments)
    error = caught.value
    shown = f"({named}in {REGION}; HTTP 400, request {error.request_id})"
    assert f"{error.operation}: Cluster not found {shown}" == str(error)
    assert f"{error.operation}: {CLUSTER}: Cluster not found {shown}" == described(error)
    assert REGION == error.region
    assert {key for key in arguments if attribute_name(key) in IDENTIFYING.values()} == set(error.targets)
    assert (str(error), error.targets) == (
        str(pickle.loads(pickle.dumps(error))),
        pickle.loads(pickle.dumps(error)).targets,
    )


CODES: list[tuple[str, int, str]] = [
    ("ClusterNotFoundException", 400, ""),
    ("AccessDeniedException", 400, ""),
    ("ExpiredTokenException", 400, "ExpiredTokenException: "),
    ("ThrottlingException", 400, "ThrottlingException: "),
    ("TomorrowsException", 400, "TomorrowsException: "),
    ("TomorrowsException", 500, "TomorrowsException: "),
]


@pytest.mark.parametrize(("code", "status", "shown"), CODES)
async def test_the_code_is_shown_unless_the_class_has_its_name(
    once: Caller, server: ModelServer, code: str, status: int, shown: str
) -> None:
    """The groups of errors have many codes, and so does ServiceError."""
    server.will(Answer.error(code, "no", status))
    with pytest.raises(errors.ServiceError) as caught:
        await once.call("list_clusters")
    assert str(caught.value).startswith(f"ListClusters: {shown}no (in {REGION}; HTTP {status}, request ")


async def test_an_error_without_response_shows_what_was_requested(once: Caller, server: ModelServer) -> None:
    """Also one whose response does not fit, and with the token to repeat the request."""
    server.will(Answer(b"nonsense"), Answer(hang_up=True))
    with pytest.raises(errors.MalformedResponseError) as malformed:
        await once.call("list_tasks", cluster="prod")
    assert str(malformed.value) == (
        "ListTasks: the response body of 8 bytes is not JSON; it may be truncated (cluster 'prod' in eu-central-1)"
    )
    with pytest.raises(errors.ConnectionFailedError) as failed:
        await once.call("run_task", cluster="prod", task_definition="web", client_token="t1")
    assert str(failed.value).endswith(
        f" (cluster 'prod', task definition 'web' in {REGION});"
        " ECS may have processed the request: repeat it with the client token t1"
    )


async def test_failures_show_the_request_id(once: Caller, server: ModelServer) -> None:
    """AWS support asks for it."""
    server.will(Answer.of({"tasks": [], "failures": [{"arn": "arn:1", "reason": "MISSING"}]}))
    response = await once.call("describe_tasks", tasks=["a"])
    with pytest.raises(errors.FailuresError) as caught:
        response.raise_for_failures()
    assert f"DescribeTasks: 1 failed: MISSING for arn:1 (request {response.metadata.request_id})" == str(caught.value)


async def test_botocores_constructor_works() -> None:
    """Tests of programs make errors from a response and the name of an operation, as with ClientError."""
    error = errors.ClusterNotFoundException({"Error": {"Code": CLUSTER, "Message": "gone"}}, "ListTasks")
    assert ("ListTasks: gone", None, {}) == (str(error), error.region, error.targets)


NEVER_SHOWN = set(
    "attributeName attributeValue clientToken command cpu executionRoleArn externalId filter group healthCheckPath"
    " infrastructureRoleArn instanceIdentityDocument instanceIdentityDocumentSignature memory nextToken platformVersion"
    " reason referenceId role runtimeId serviceContainerPortName startedBy status tagKeys taskRoleArn value".split()
)


async def test_each_text_of_a_request_is_shown_or_not() -> None:
    """A text member that a new operation brings has to be classified."""
    texts = set()
    for operation in API["operations"].values():
        for name, member in SHAPES[operation["input"]["shape"]]["members"].items():
            shape = SHAPES[member["shape"]]
            item = SHAPES[shape["member"]["shape"]] if shape["type"] == "list" else shape
            if item["type"] == "string" and "enum" not in item:
                texts.add(name)
                assert not (name in IDENTIFYING and (shape.get("sensitive") or item.get("sensitive")))
    assert texts == NEVER_SHOWN | set(IDENTIFYING)
    assert not NEVER_SHOWN & set(IDENTIFYING)
    assert {wire: attribute_name(wire) for wire in IDENTIFYING} == dict(IDENTIFYING)


async def test_only_identifiers_are_targets() -> None:
    """Also of a request that holds secrets, and in the order of messages."""
    request = {"tasks": ["t"], "command": "SECRET", "overrides": {"cluster": "SECRET"}, "cluster": "c", "services": []}
    assert {"cluster": ("c",), "tasks": ("t",)} == targets_of(request)
    assert ["cluster", "tasks"] == list(targets_of(request))


UNSAFE = "one\ntwo\r\x1b[31m\u2028three\u202eeerht\u2066\x85\x00\ud800\u200f."
SAFE = r"one\ntwo\r\x1b[31m\u2028three\u202eeerht\u2066\x85\x00\ud800\u200f."


async def test_text_of_others_is_one_line() -> None:
    """Control characters, line separators, changes of direction and lone surrogates are escaped; all else stays."""
    assert SAFE == escaped(UNSAFE) == escaped(escaped(UNSAFE))
    for text in ("plain", "caf\u00e9 \u05d0\u05d1 \u0645 \u4e2d\U0001f680", "C:\\temp", "a\u200db"):
        assert text == escaped(text)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
async def test_every_error_is_one_line(cls: type[Any]) -> None:
    """Whatever text is in its fields, and in those of the values that it holds."""
    error = made(cls, UNSAFE)
    assert [str(error)] == str(error).splitlines()
    assert str(error) == escaped(str(error))
    str(error).encode()
    definers = [base for base in cls.__mro__ if "__str__" in vars(base)]
    assert errors.EcsError is definers[0]


async def test_reasons_and_events_print_on_one_line(once: Caller, server: ModelServer) -> None:
    """The message of ECS itself stays in the field as it was sent."""
    server.will(Answer.error(CLUSTER, UNSAFE))
    with pytest.raises(errors.ClusterNotFoundException) as caught:
        await once.call("list_tasks")
    assert UNSAFE == caught.value.message
    assert f"ListTasks: {SAFE.removesuffix('.')} (" in str(caught.value)
    assert models.Failure(reason=UNSAFE).reason == UNSAFE
