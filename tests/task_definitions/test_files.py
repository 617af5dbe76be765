"""Task definitions as files: what people have lying around, read; and written so that others can read it."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from ecskit._core.wire import converter
from ecskit.errors import RequestError
from ecskit.models import (
    ContainerDefinition,
    HealthCheck as ContainerHealthCheck,
    KeyValuePair,
    LogConfiguration,
    PortMapping,
    RegisterTaskDefinitionRequest,
    Tag,
    TaskDefinition,
    Volume,
)
from ecskit.task_definitions import RESPONSE_ONLY, dump, load, to_register_request

REQUEST = {
    "family": "web",
    "cpu": "256",
    "memory": "512",
    "networkMode": "awsvpc",
    "requiresCompatibilities": ["FARGATE"],
    "containerDefinitions": [
        {
            "name": "app",
            "image": "nginx:1.29",
            "essential": True,
            "portMappings": [{"containerPort": 80, "protocol": "tcp"}],
            "environment": [{"name": "MODE", "value": "Grüße"}],
            "dockerLabels": {"a.b/c": "d"},
        }
    ],
    "tags": [{"key": "team", "value": "x"}],
}

EXPECTED = RegisterTaskDefinitionRequest(
    family="web",
    cpu="256",
    memory="512",
    network_mode="awsvpc",
    requires_compatibilities=["FARGATE"],
    container_definitions=[
        ContainerDefinition(
            name="app",
            image="nginx:1.29",
            essential=True,
            port_mappings=[PortMapping(container_port=80, protocol="tcp")],
            environment=[KeyValuePair(name="MODE", value="Grüße")],
            docker_labels={"a.b/c": "d"},
        )
    ],
    tags=[Tag(key="team", value="x")],
)

ANSWERED = {
    "taskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:3",
    "revision": 3,
    "status": "ACTIVE",
    "requiresAttributes": [{"name": "com.amazonaws.ecs.capability.docker-remote-api.1.18"}],
    "compatibilities": ["EC2", "FARGATE"],
    "registeredAt": "2026-01-02T03:04:05.678000+01:00",
    "registeredBy": "arn:aws:iam::123456789012:root",
}

Write = Callable[[Any], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write JSON, text or bytes to a file."""

    def writer(content: Any) -> Path:
        path = tmp_path / "taskdef.json"
        if not isinstance(content, (bytes, str)):
            content = json.dumps(content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return writer


# Reading.


def test_the_input_of_register_task_definition_is_read(write: Write) -> None:
    """As the AWS CLI takes it."""
    assert load(write(REQUEST)) == EXPECTED


def test_the_output_of_describe_task_definition_is_read(write: Write) -> None:
    """Tags stand beside the definition there; what only answers have is left out, without a word."""
    definition = {key: value for key, value in REQUEST.items() if key != "tags"}
    described = {"taskDefinition": {**definition, **ANSWERED}, "tags": REQUEST["tags"]}
    assert load(write(described)) == EXPECTED
    assert not load(write({"taskDefinition": {**definition, **ANSWERED}})).tags
    assert not load(write({**described, "tags": []})).tags


def test_a_saved_response_of_boto3_is_read(write: Write) -> None:
    """With the metadata of the answer around it."""
    described = {"taskDefinition": {**REQUEST, **ANSWERED}, "ResponseMetadata": {"RequestId": "x"}}
    assert load(write(described)) == EXPECTED


def test_other_members_beside_a_described_definition_are_reported(write: Write) -> None:
    """They are no part of it."""
    path = write({"taskDefinition": REQUEST, "serviceName": "web", "$schema": "x"})
    with pytest.warns(UserWarning, match=r"members beside taskDefinition are left out: \$schema, serviceName$"):
        assert load(path) == EXPECTED


def test_a_definition_without_its_wrapper_is_read(write: Write) -> None:
    """As `--query taskDefinition` prints it, tags and all."""
    assert load(write({**REQUEST, **ANSWERED})) == EXPECTED


def test_response_only_members_follow_from_the_models() -> None:
    """The request has none of it."""
    assert RESPONSE_ONLY == {*ANSWERED, "deregisteredAt", "deleteRequestedAt"}


def test_nulls_are_absent(write: Write) -> None:
    """The console and `--query` write them, at every depth."""
    nulls = {"taskRoleArn": None, "volumes": None, "status": None, "runtimePlatform": None}
    container = {**REQUEST["containerDefinitions"][0], "dependsOn": None, "versionConsistency": None}  # type: ignore[dict-item]
    assert load(write({**REQUEST, **nulls, "containerDefinitions": [container]})) == EXPECTED


def test_empty_texts_of_enums_are_left_out_with_a_warning(write: Write) -> None:
    """Programs write them for absent members, and ECS refuses them."""
    container: Any = {**REQUEST["containerDefinitions"][0], "versionConsistency": ""}  # type: ignore[dict-item]
    container["portMappings"] = [{"containerPort": 80, "protocol": "tcp", "appProtocol": ""}]
    empty = {"pidMode": "", "ipcMode": "", "requiresCompatibilities": ["", "FARGATE"]}
    path = write({**REQUEST, **empty, "containerDefinitions": [container]})
    with pytest.warns(UserWarning, match="left out") as warned:
        assert load(path) == EXPECTED
    left_out = (
        "requiresCompatibilities[0], containerDefinitions[0].portMappings[0].appProtocol, "
        "containerDefinitions[0].versionConsistency, pidMode, ipcMode"
    )
    message = f"{path}: empty texts that ECS refuses are left out: {left_out}"
    assert [(str(each.message), each.filename) for each in warned] == [(message, __file__)]


def test_other_empty_values_stay(write: Write) -> None:
    """Of text, of lists, of required members, and of what ecskit does not have."""
    container: Any = {
        "name": "",
        "command": [],
        "firelensConfiguration": {"type": ""},
        "tomorrow": None,
        "dockerLabels": {},
    }
    content = {"family": "web", "taskRoleArn": "", "containerDefinitions": [container], "volumes": [], "tags": []}
    path = write(content)
    dump(load(path), path)
    assert json.loads(path.read_bytes()) == content


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_editors_on_windows_have_their_own_encodings(write: Write, encoding: str) -> None:
    """A byte order mark is no problem."""
    assert load(write(json.dumps(REQUEST, ensure_ascii=False).encode(encoding))) == EXPECTED


class Somewhere(os.PathLike[str]):
    """A path object of another library."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return str(self._path)


@pytest.mark.parametrize("kind", [str, Path, Somewhere])
def test_paths_are_strings_or_path_like(write: Write, kind: Callable[[Path], Any]) -> None:
    """For reading and for writing, and in messages."""
    path = write(REQUEST)
    dump(load(kind(path)), kind(path))
    assert load(kind(path)) == EXPECTED
    with pytest.raises(RequestError) as caught:
        load(kind(write("nonsense")))
    assert caught.value.subject == str(path)


# Unknown members.


def test_unknown_members_at_the_top_are_left_out_with_a_warning(write: Write) -> None:
    """That names them, and the caller's line."""
    path = write({**REQUEST, "zebra": 1, "$schema": "x"})
    with pytest.warns(UserWarning, match=r"\$schema, zebra; pass keep=") as warned:
        assert load(path) == EXPECTED
    assert [w.filename for w in warned] == [__file__]
    assert str(path) in str(warned[0].message)


def test_unknown_members_at_the_top_may_belong_elsewhere(write: Write) -> None:
    """To a container, or to the service."""
    path = write({**REQUEST, "portMappings": [], "networkConfiguration": {}, "launchType": "FARGATE"})
    with pytest.warns(UserWarning, match="left out") as warned:
        load(path)
    assert str(warned[0].message) == (
        f"{path}: unknown members are left out: launchType (it belongs to the service or to RunTask), "
        "networkConfiguration (it belongs to the service or to RunTask), portMappings (it belongs to a container); "
        "pass keep=... to send them"
    )


def test_unknown_members_at_the_top_may_be_typing_errors(write: Write) -> None:
    """The warning has the nearest name, and every name on one line."""
    content = {**REQUEST, "requiresCompatibilites": ["EC2"], "NetworkMode": "host", "tag\n": 1, "x" * 100: 1}
    path = write(content)
    with pytest.warns(UserWarning, match="left out") as warned:
        assert load(path) == EXPECTED
    assert [str(each.message) for each in warned] == [
        (
            f"{path}: unknown members are left out: NetworkMode (did you mean networkMode?), requiresCompatibilites "
            rf"(did you mean requiresCompatibilities?), tag\n (did you mean tags?), {'x' * 60}... and 40 more "
            "characters; pass keep=... to send them"
        )
    ]


def test_unknown_members_are_kept_on_request(write: Write) -> None:
    """And sent: the others still warn."""
    path = write({**REQUEST, "tomorrow": {"deep": [1]}, "$schema": "x"})
    with pytest.warns(UserWarning, match=r"\$schema; pass keep="):
        loaded = load(path, keep=["tomorrow"])
    assert loaded.extra_fields == {"tomorrow": {"deep": [1]}}
    assert load(path, keep={"tomorrow", "$schema"}).extra_fields == {"tomorrow": {"deep": [1]}, "$schema": "x"}
    assert attrs.evolve(loaded, extra_fields=EXPECTED.extra_fields) == EXPECTED


def test_to_keep_what_is_not_there_is_no_problem(write: Write) -> None:
    """The same script serves many files."""
    assert load(write(REQUEST), keep=["tomorrow", "family"]) == EXPECTED


def test_a_string_is_not_a_collection_of_names(write: Write) -> None:
    """It would keep its letters."""
    with pytest.raises(RequestError, match="keep"):
        load(write(REQUEST), keep="tomorrow")


def test_unknown_members_further_inside_are_kept(write: Write) -> None:
    """What AWS added last week is not lost on the way through a file."""
    container = {"name": "app", "tomorrow": {"a": [1, None]}, "healthCheck": {"command": ["x"], "jitter": 3}}
    loaded = load(write({"family": "web", "containerDefinitions": [container]}))
    assert loaded.container_definitions[0].extra_fields == {"tomorrow": {"a": [1, None]}}
    health = loaded.container_definitions[0].health_check
    assert health is not None
    assert health.extra_fields == {"jitter": 3}
    path = write({})
    dump(loaded, path)
    assert json.loads(path.read_text())["containerDefinitions"] == [container]
    assert load(path) == loaded


def test_unknown_values_are_kept(write: Write) -> None:
    """Tomorrow's launch type is a string like any other."""
    assert load(write({**REQUEST, "requiresCompatibilities": ["MOON"]})).requires_compatibilities == ["MOON"]


# What is no task definition.


@pytest.mark.parametrize(
    "content", ["", "{", "family: web", "{'family': 'web'}", b"\xff\xfe\x00", b'{"family": "\xe4"}', "[" * 100_000]
)
def test_invalid_json_is_an_error(write: Write, content: str | bytes) -> None:
    """With the file's name."""
    path = write(content)
    with pytest.raises(RequestError, match="not JSON") as caught:
        load(path)
    assert caught.value.subject == str(path)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize("content", [[], [REQUEST], "null", '"web"', 3])
def test_json_other_than_an_object_is_an_error(write: Write, content: Any) -> None:
    """Even if it is JSON."""
    with pytest.raises(RequestError, match="expected an object"):
        load(write(content))


@pytest.mark.parametrize("content", [{}, {"taskDefinition": {}}, {"family": None}])
def test_a_definition_needs_a_family_and_containers(write: Write, content: Any) -> None:
    """Everything that is missing is named."""
    with pytest.raises(RequestError) as caught:
        load(write(content))
    assert caught.value.problems == (("family", "is missing"), ("containerDefinitions", "is missing"))
    assert str(caught.value).startswith(caught.value.subject)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"family": "web", "containers": []}, "containerDefinitions: is missing; rename containers"),
        ({"Family": "web", "containerDefinitions": []}, "family: is missing; rename Family"),
        (
            {**REQUEST, "containerDefinitions": [{"secrets": [{"name": "A", "value_from": "b"}]}]},
            "containerDefinitions[0].secrets[0].valueFrom: is missing; rename value_from",
        ),
    ],
)
def test_a_missing_member_may_have_another_name(write: Write, content: Any, problem: str) -> None:
    """Then the error is about that, without a warning about unknown members."""
    path = write(content)
    with pytest.raises(RequestError) as caught:
        load(path)
    assert str(caught.value) == f"{path}: {problem}"


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"containerDefinitions": {"name": "app"}}, ["containerDefinitions"]),
        ({"containerDefinitions": ["app", {"name": "b"}, 3]}, ["containerDefinitions[0]", "containerDefinitions[2]"]),
        ({"containerDefinitions": [{"portMappings": [80]}]}, ["containerDefinitions[0].portMappings[0]"]),
        ({"containerDefinitions": [{"environment": {"A": "b"}}]}, ["containerDefinitions[0].environment"]),
        ({"requiresCompatibilities": "FARGATE"}, ["requiresCompatibilities"]),
        ({"runtimePlatform": "ARM64"}, ["runtimePlatform"]),
        ({"cpu": 256, "memory": 512}, ["cpu", "memory"]),
        ({"family": ["web"]}, ["family"]),
        ({"containerDefinitions": [{"cpu": "10"}]}, ["containerDefinitions[0].cpu"]),
        ({"containerDefinitions": [{"essential": "true"}]}, ["containerDefinitions[0].essential"]),
        ({"containerDefinitions": [{"command": ["a", 1]}]}, ["containerDefinitions[0].command[1]"]),
        ({"containerDefinitions": [{"dockerLabels": {"a": 1}}]}, ["containerDefinitions[0].dockerLabels['a']"]),
    ],
)
def test_errors_about_wrong_types_have_paths(write: Write, change: Any, paths: list[str]) -> None:
    """All of a kind at once, and never with the value: it may be a secret."""
    path = write({**REQUEST, **change})
    with pytest.raises(RequestError) as caught:
        load(path)
    assert [where for where, _ in caught.value.problems] == paths
    assert caught.value.subject == str(path)
    assert caught.value.__cause__ is None


def test_a_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    """As of any file."""
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nothing.json")
    with pytest.raises(FileNotFoundError):
        dump(EXPECTED, tmp_path / "nowhere" / "taskdef.json")


# Writing.


def test_what_is_written_is_what_the_aws_cli_takes(tmp_path: Path) -> None:
    """Wire names, nothing that is absent, readable by people."""
    path = tmp_path / "taskdef.json"
    dump(EXPECTED, path)
    text = path.read_bytes().decode()
    assert json.loads(text) == REQUEST
    assert text.endswith("}\n")
    assert "\r" not in text
    assert "Grüße" in text
    assert '\n  "family": "web"' in text


def test_an_answer_of_ecs_is_written_without_what_only_answers_have(tmp_path: Path) -> None:
    """What comes back can be registered."""
    path = tmp_path / "taskdef.json"
    answer = TaskDefinition(
        family="web",
        task_definition_arn="arn:aws:ecs:eu-west-1:123456789012:task-definition/web:3",
        revision=3,
        status="ACTIVE",
        registered_at=datetime(2026, 1, 2, tzinfo=timezone.utc),
        container_definitions=EXPECTED.container_definitions,
        cpu="256",
    )
    dump(answer, path)
    assert load(path) == RegisterTaskDefinitionRequest(
        family="web", cpu="256", container_definitions=EXPECTED.container_definitions
    )


def test_empty_is_not_absent(tmp_path: Path) -> None:
    """An empty list that was given is written."""
    path = tmp_path / "taskdef.json"
    request = RegisterTaskDefinitionRequest(family="web", container_definitions=[], volumes=[])
    dump(request, path)
    assert json.loads(path.read_text()) == {"family": "web", "containerDefinitions": [], "volumes": []}


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (RegisterTaskDefinitionRequest(family=3, container_definitions=[]), RequestError),  # type: ignore[arg-type]  # the point
        (RegisterTaskDefinitionRequest(family="\ud800", container_definitions=[]), UnicodeEncodeError),
    ],
)
def test_nothing_is_written_if_something_is_wrong(
    write: Write, bad: RegisterTaskDefinitionRequest, error: type[Exception]
) -> None:
    """The file that was there is still there."""
    path = write(REQUEST)
    before = path.read_bytes()
    with pytest.raises(error):
        dump(bad, path)
    assert path.read_bytes() == before


_text = st.text(max_size=8)
_containers = st.builds(
    ContainerDefinition,
    name=_text,
    image=st.none() | _text,
    cpu=st.none() | st.integers(0, 10_000),
    essential=st.none() | st.booleans(),
    command=st.lists(_text, max_size=2),
    environment=st.lists(st.builds(KeyValuePair, name=_text, value=_text), max_size=2),
    port_mappings=st.lists(st.builds(PortMapping, container_port=st.integers(1, 65535)), max_size=2),
    docker_labels=st.dictionaries(_text, _text, max_size=2),
    health_check=st.none() | st.builds(ContainerHealthCheck, command=st.lists(_text, min_size=1, max_size=2)),
    log_configuration=st.none()
    | st.builds(LogConfiguration, log_driver=st.just("awslogs"), options=st.dictionaries(_text, _text, max_size=1)),
    extra_fields=st.just(ContainerDefinition(name="x").extra_fields) | st.just({"tomorrow": [1]}),
)
_requests = st.builds(
    RegisterTaskDefinitionRequest,
    family=_text,
    container_definitions=st.lists(_containers, max_size=2),
    cpu=st.none() | _text,
    memory=st.none() | _text,
    network_mode=st.sampled_from([None, "awsvpc", "tomorrow"]),
    requires_compatibilities=st.lists(st.sampled_from(["FARGATE", "EC2"]), max_size=2),
    volumes=st.lists(st.builds(Volume, name=_text), max_size=2),
    tags=st.lists(st.builds(Tag, key=_text, value=_text), max_size=2),
    enable_fault_injection=st.none() | st.booleans(),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(definition=_requests)
def test_what_is_written_is_read_again(tmp_path: Path, definition: RegisterTaskDefinitionRequest) -> None:
    """Every definition, whatever is in its strings."""
    path = tmp_path / "taskdef.json"
    dump(definition, path)
    assert load(path) == definition


def described(**changed: Any) -> TaskDefinition:
    """Return what DescribeTaskDefinition would show of REQUEST."""
    shown = {key: value for key, value in REQUEST.items() if key != "tags"}
    return converter().structure({**shown, **ANSWERED, **changed}, TaskDefinition)


def test_a_described_definition_becomes_a_request() -> None:
    """Without what only answers have, with the tags that stand beside it."""
    assert to_register_request(described(), tags=[Tag(key="team", value="x")]) == EXPECTED


def test_nested_unknown_members_survive_describe_and_register() -> None:
    """What AWS added inside a container last week goes back out."""
    container = {**REQUEST["containerDefinitions"][0], "newThing": {"on": True}}  # type: ignore[dict-item]
    request = to_register_request(attrs.evolve(described(containerDefinitions=[container]), cpu="512"))
    assert request.cpu == "512"
    assert request.container_definitions[0].extra_fields == {"newThing": {"on": True}}


def test_unknown_top_level_members_are_kept() -> None:
    """A copy of what ECS described has all of it, unless `keep` names what to send."""
    definition = described(newMember=1)
    assert to_register_request(definition).extra_fields == {"newMember": 1}
    assert to_register_request(definition, keep=["newMember"]).extra_fields == {"newMember": 1}
    with pytest.warns(UserWarning, match="task definition web:3: unknown members are left out: newMember; pass keep="):
        assert not to_register_request(definition, keep=[]).extra_fields


def test_unknown_members_of_a_file_that_ecs_described_are_kept(write: Write) -> None:
    """The output of `describe-task-definition` holds no comments."""
    shown = {**REQUEST, "taskDefinitionArn": "arn", "newMember": 1}
    for content in (shown, {"taskDefinition": shown}):
        assert load(write(content)).extra_fields == {"newMember": 1}


@pytest.mark.parametrize("thing", ["x", None, {"family": "web"}, Tag(key="a")])
def test_only_task_definitions_are_written(thing: Any, tmp_path: Path) -> None:
    """Anything else is refused before the file is touched."""
    with pytest.raises(RequestError, match=f"got {type(thing).__name__}"):
        dump(thing, tmp_path / "out.json")
    with pytest.raises(RequestError, match=f"got {type(thing).__name__}"):
        to_register_request(thing)
    assert not list(tmp_path.iterdir())
