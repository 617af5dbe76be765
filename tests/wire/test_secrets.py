"""Secrets in a request show up in no message, no repr and no traceback, whatever goes wrong."""

from __future__ import annotations

import pickle
import traceback
from typing import Any

import pytest

import ecskit
from ecskit import errors, models

from .model_server import Answer, ModelServer
from .support import REGION, Caller

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "hunter2-SECRET"


def container(**changes: Any) -> models.ContainerDefinition:
    arguments: dict[str, Any] = {
        "name": "web",
        "image": "nginx",
        "environment": [models.KeyValuePair(name="PASSWORD", value=SECRET)],
        "repository_credentials": models.RepositoryCredentials(credentials_parameter=SECRET),
        "log_configuration": models.LogConfiguration(log_driver="splunk", options={"splunk-token": SECRET}),
        "extra_fields": {"tomorrow": SECRET},
    }
    return models.ContainerDefinition(**{**arguments, **changes})


def reported(error: BaseException) -> str:
    """Return everything that a log of an error shows, including cause and context."""
    shown = [*traceback.format_exception(error), str(error), repr(error), str(getattr(error, "problems", ""))]
    return "\n".join(shown)


WRONG: list[tuple[str, Any]] = [
    ("an int beside secrets", container(cpu="256")),
    ("an int in their place", container(environment=[models.KeyValuePair(name="P", value=SECRET), 5])),
    ("a secret in place of a list", container(environment=SECRET)),
    ("a secret in place of a pair", container(environment=[SECRET])),
    ("a secret in place of a map", container(docker_labels=SECRET)),
    ("a secret in place of a model", container(repository_credentials=SECRET)),
    ("a secret in place of a number", container(cpu=SECRET)),
    ("a dict of secrets", container(environment=[{"name": "P", "value": SECRET}])),
    ("bytes", container(environment=[models.KeyValuePair(name="P", value=SECRET.encode())])),  # type: ignore[arg-type]
    ("in an unknown member", container(extra_fields={"tomorrow": {SECRET.encode()}})),
    ("a dict in place of the container", {"environment": [{"name": "P", "value": SECRET}]}),
    ("a secret in place of the container", SECRET),
]


@pytest.mark.parametrize("wrong", [w for _, w in WRONG], ids=[name for name, _ in WRONG])
async def test_a_wrong_type_shows_no_secret(ecs: Caller, wrong: Any) -> None:
    """The error names places and types."""
    with pytest.raises(errors.RequestError) as caught:
        await ecs.call("register_task_definition", family="web", container_definitions=[wrong])
    assert SECRET not in reported(caught.value)
    assert SECRET not in reported(pickle.loads(pickle.dumps(caught.value)))


BEYOND: list[dict[str, Any]] = [
    {"tags": [models.Tag(key="", value=SECRET)]},
    {"tags": [models.Tag(key="", value=f"\nInvalid type for parameter {SECRET}, value: 1")]},
    {
        "container_definitions": [
            container(health_check=models.HealthCheck(command=[SECRET])),
            container(),
        ],
        "volumes": [],
        "tags": [models.Tag(key="")],
    },
]


@pytest.mark.parametrize("arguments", BEYOND)
async def test_botocores_validation_shows_no_secret(ecs: Caller, arguments: dict[str, Any]) -> None:
    """botocore's own report prints values; neither it nor its error is anywhere in ours."""
    given = {"family": "web", "container_definitions": [container()], **arguments}
    with pytest.raises(errors.RequestError, match=r"tags\[0\].key: invalid length") as caught:
        await ecs.call("register_task_definition", **given)
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)
    assert SECRET not in reported(caught.value)


@pytest.mark.parametrize(
    "answer",
    [Answer.error("ClientException"), Answer(b"<html>", 500), Answer(b"nonsense"), Answer(hang_up=True), Answer.of({})],
)
async def test_a_failed_call_shows_no_secret(once: Caller, server: ModelServer, answer: Answer) -> None:
    """Whatever comes back, the request is not repeated in the error."""
    server.will(answer)
    with pytest.raises(errors.EcsError) as caught:
        await once.call("register_task_definition", family="web", container_definitions=[container()])
    assert SECRET not in reported(caught.value)
    assert SECRET.encode() in server.last.body


async def test_a_malformed_answer_shows_no_secret(once: Caller, server: ModelServer) -> None:
    """What ECS sends back of a task definition is not repeated when it does not fit."""
    definition = ecskit.converter.unstructure(
        models.RegisterTaskDefinitionRequest(family="web", container_definitions=[container()])
    )
    definition["containerDefinitions"].append({"environment": SECRET})
    server.will(Answer.of({"taskDefinition": {**definition, "revision": 1, "taskDefinitionArn": "arn"}}))
    with pytest.raises(errors.MalformedResponseError, match=r"containerDefinitions\[1\].environment: ") as caught:
        await once.call("describe_task_definition", task_definition="web")
    assert SECRET not in reported(caught.value)


async def test_repr_shows_no_secret() -> None:
    """Neither a container, nor a request that holds one, nor an override shows what is secret."""
    override = models.TaskOverride(container_overrides=[models.ContainerOverride(environment=container().environment)])
    request = models.RegisterTaskDefinitionRequest(family="web", container_definitions=[container()])
    for shown in (repr(container()), repr(request), repr(override), repr([request]), f"{request!s}"):
        assert SECRET not in shown
    assert "environment='***'" in repr(container())
    assert "<tomorrow>" in repr(container())


async def test_a_session_of_execute_command_shows_no_token() -> None:
    """Whoever has the token is in the container."""
    session = models.Session(session_id="s", stream_url="wss://", token_value=SECRET)
    assert SECRET not in repr(models.ExecuteCommandResponse(session=session))


async def test_a_dict_that_does_not_fit_shows_no_secret() -> None:
    """The converter's errors name places and types."""
    with pytest.raises(errors.RequestError) as caught:
        ecskit.converter.structure(
            {"family": "web", "containerDefinitions": [{"environment": SECRET}]}, models.RegisterTaskDefinitionRequest
        )
    assert SECRET not in reported(caught.value)


async def test_the_password_of_an_endpoint_is_not_shown(colour: str) -> None:
    """Neither in the error nor in what it was raised from."""
    ecs = Caller.open(colour, region_name=REGION, endpoint_url="http://user:hunter2@127.0.0.1:9/?token=hunter3")
    with pytest.raises(errors.ConnectionFailedError) as caught:
        await ecs.call("list_clusters")
    assert "hunter" not in "".join(traceback.format_exception(caught.value))
    await ecs.close()


@pytest.mark.parametrize("argument", ["aws_access_key_id", "aws_session_token"])
async def test_credentials_with_a_line_break_are_not_shown(colour: str, server: ModelServer, argument: str) -> None:
    """It may be the end of a secret of a CI system. No header can hold it, so nothing was sent."""
    keys: dict[str, Any] = {"aws_access_key_id": "hunter1", "aws_secret_access_key": "hunter2", argument: "hunter3\n"}
    ecs = Caller.open(colour, region_name=REGION, endpoint_url=server.url, **keys)
    with pytest.raises(errors.CredentialsError) as caught:
        await ecs.call("run_task", task_definition="web")
    assert "hunter" not in "".join(traceback.format_exception(caught.value))
    assert "such as a line break at the end" in str(caught.value)
    assert ((False, False), []) == ((caught.value.sent, caught.value.retryable), server.seen)
    await ecs.close()
