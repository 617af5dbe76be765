"""Bad input: one clear error that names the place, before anything is sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

import ecskit
from ecskit import errors, models

from .model_server import ModelServer
from .support import Caller, settled

pytestmark = pytest.mark.asyncio(loop_scope="module")

REGISTER = models.RegisterTaskDefinitionRequest
NOTHING: Any = None


async def refused(ecs: Caller, server: ModelServer, method: str, **arguments: Any) -> str:
    """Return what the RequestError says about a call that must not reach the server."""
    with pytest.raises(errors.RequestError) as caught:
        await ecs.call(method, **arguments)
    assert server.seen == []
    assert isinstance(caught.value, ValueError)
    assert not caught.value.retryable
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)
    return str(caught.value)


WRONG = [
    (
        "list_service_deployments",
        {"service": "web", "created_at": models.CreatedAt(after=datetime(2026, 1, 1))},  # noqa: DTZ001  # that is it
        "created_at.after: expected a datetime with a timezone, such as datetime.now(timezone.utc)",
    ),
    ("describe_tasks", {"tasks": "0123"}, "tasks: expected a sequence of str, got str; put it into a list"),
    ("describe_tasks", {"tasks": None}, "tasks: expected a sequence of str, got None; leave it out where it is absent"),
    ("describe_tasks", {"tasks": b"0123"}, "tasks: expected a sequence of str, got bytes"),
    ("describe_tasks", {"tasks": {"a", "b"}}, "tasks: expected a sequence of str, got set"),
    ("describe_tasks", {"tasks": ["a", 1]}, "tasks[1]: expected str, got int"),
    ("describe_tasks", {"tasks": ["a", None]}, "tasks[1]: expected str, got None"),
    (
        "describe_tasks",
        {"tasks": ["a"], "include": "TAGS"},
        "include: expected a sequence of str, got str; put it into a list",
    ),
    ("run_task", {"task_definition": None}, "task_definition: expected str, got None"),
    ("run_task", {"task_definition": 7}, "task_definition: expected str, got int"),
    ("run_task", {"task_definition": "web", "count": "2"}, "count: expected int, got str"),
    ("run_task", {"task_definition": "web", "count": True}, "count: expected int, got bool"),
    ("run_task", {"task_definition": "web", "count": 1.0}, "count: expected int, got float"),
    (
        "run_task",
        {"task_definition": "web", "enable_execute_command": 1},
        "enable_execute_command: expected bool, got int",
    ),
    (
        "run_task",
        {"task_definition": "web", "tags": models.Tag(key="k")},
        "tags: expected a sequence of Tag, got Tag; put it into a list",
    ),
    ("run_task", {"task_definition": "web", "tags": {"k": "v"}}, "tags: expected a sequence of Tag, got dict"),
    (
        "run_task",
        {"task_definition": "web", "tags": [{"key": "k"}]},
        "tags[0]: expected Tag, got dict; use Tag(...) or Tag.from_dict(...)",
    ),
    (
        "run_task",
        {"task_definition": "web", "overrides": {"cpu": "256"}},
        "overrides: expected TaskOverride, got dict; use TaskOverride(...) or TaskOverride.from_dict(...)",
    ),
    (
        "run_task",
        {"task_definition": "web", "overrides": models.Tag(key="k")},
        "overrides: expected TaskOverride, got Tag",
    ),
    ("run_task", {"task_definition": "web", "client_token": 5}, "client_token: expected str, got int"),
    (
        "run_task",
        {"task_definition": "web", "client_token": "x" * 65},
        "client_token: at most 64 characters are allowed, this one has 65",
    ),
    (
        "create_service",
        {"service_name": "web", "client_token": "x" * 37},
        "client_token: at most 36 characters are allowed, this one has 37",
    ),
    (
        "create_daemon",
        {"daemon_name": "d", "daemon_task_definition_arn": "a", "capacity_provider_arns": "arn"},
        "capacity_provider_arns: expected a sequence of str, got str; put it into a list",
    ),
    (
        "list_service_deployments",
        {"service": "web", "created_at": models.CreatedAt(before=1_700_000_000)},  # type: ignore[arg-type]
        "created_at.before: expected datetime, got int",
    ),
    (
        "register_task_definition",
        {
            "family": "web",
            "container_definitions": [
                models.ContainerDefinition(name="a"),
                models.ContainerDefinition(docker_labels={"k": 1}),  # type: ignore[dict-item]
            ],
        },
        "container_definitions[1].docker_labels['k']: expected str, got int",
    ),
    (
        "register_task_definition",
        {"family": "web", "container_definitions": [models.ContainerDefinition(docker_labels={1: "v"})]},  # type: ignore[dict-item]
        "container_definitions[0].docker_labels: expected keys of str, got int",
    ),
    (
        "register_task_definition",
        {"family": "web", "container_definitions": [models.ContainerDefinition(docker_labels=["k"])]},  # type: ignore[arg-type]
        "container_definitions[0].docker_labels: expected a mapping of str, got list",
    ),
    (
        "create_gateway",
        {"name": "g", "infrastructure_role_arn": "a", "configuration": models.GatewayConfiguration()},
        "configuration: exactly one member of GatewayConfiguration must be set, 0 are",
    ),
    (
        "run_task",
        {"task_definition": "web", "overrides": models.TaskOverride(extra_fields=NOTHING)},
        "overrides.extra_fields: expected a mapping, got None",
    ),
    (
        "run_task",
        {"task_definition": "web", "overrides": models.TaskOverride(extra_fields={"x": {1}})},
        "overrides.extra_fields['x']: expected what JSON can hold, got set",
    ),
    (
        "run_task",
        {"task_definition": "web", "overrides": models.TaskOverride(extra_fields={"x": [{"y": object()}]})},
        "overrides.extra_fields['x'][0]['y']: expected what JSON can hold, got object",
    ),
    (
        "update_service",
        {
            "service": "web",
            "deployment_configuration": models.DeploymentConfiguration(
                lifecycle_hooks=[models.DeploymentLifecycleHook(hook_details={"a": {1}})]
            ),
        },
        "deployment_configuration.lifecycle_hooks[0].hook_details['a']: expected what JSON can hold, got set",
    ),
]


@pytest.mark.parametrize(("method", "arguments", "reported"), WRONG)
async def test_a_wrong_argument_is_named(
    ecs: Caller, server: ModelServer, method: str, arguments: dict[str, Any], reported: str
) -> None:
    """The error says where, what was expected and what was found, and how to mend it where that is known."""
    message = await refused(ecs, server, method, **arguments)
    assert reported == message.split(": ", 1)[1]


async def test_all_that_is_wrong_is_named_at_once(ecs: Caller, server: ModelServer) -> None:
    """Two mistakes need one run to be found, not two."""
    message = await refused(ecs, server, "run_task", task_definition=1, count="2")
    assert "RunTaskRequest: task_definition: expected str, got int; count: expected int, got str" == message


async def test_problems_are_pairs_of_path_and_text(ecs: Caller) -> None:
    """Programs find the places in `problems`."""
    with pytest.raises(errors.RequestError) as caught:
        await ecs.call("describe_tasks", tasks="0123")
    assert "DescribeTasksRequest" == caught.value.subject
    assert ("tasks",) == tuple(path for path, _ in caught.value.problems)


@pytest.mark.parametrize(
    "arguments",
    [{}, {"task_definition": "web", "launchType": "FARGATE"}, {"task_definition": "web", "clutser": "a"}],
)
async def test_signatures_are_pythons_business(ecs: Caller, server: ModelServer, arguments: dict[str, Any]) -> None:
    """A missing argument or an unknown name is the TypeError that Python makes of it."""
    with pytest.raises(TypeError, match="argument"):
        await ecs.call("run_task", **arguments)
    assert server.seen == []


async def test_arguments_have_names(ecs: Caller, server: ModelServer) -> None:
    """Operations take no positional arguments."""
    with pytest.raises(TypeError, match="takes keyword arguments only: cluster="):
        await settled(ecs.client.list_tasks("prod"))
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'task_definition'"):
        await settled(ecs.client.run_task("web"))
    assert server.seen == []


@pytest.mark.parametrize("what", [None, "RunTask", {"taskDefinition": "web"}, models.Tag(key="k"), REGISTER])
async def test_only_requests_can_be_sent(ecs: Caller, server: ModelServer, what: Any) -> None:
    """`send` takes requests and says so."""
    with pytest.raises(errors.RequestError, match=r"expected a request of ecskit\.models, such as RunTaskRequest"):
        await ecs.send(what)
    assert server.seen == []


async def test_a_union_with_two_members_is_refused(ecs: Caller, server: ModelServer) -> None:
    """Of a union exactly one member travels; an unknown one counts too."""
    both = models.UpdateGatewayConfiguration(
        host_shared_alb=models.UpdateGatewayAlbConfiguration(), extra_fields={"x": 1}
    )
    message = await refused(ecs, server, "update_gateway", gateway="g", configuration=both)
    assert (
        "UpdateGatewayRequest: configuration: exactly one member of UpdateGatewayConfiguration must be set, 2 are"
        == message
    )


BEYOND = [
    (
        "tag_resource",
        {"resource_arn": "a", "tags": [models.Tag(key="")]},
        "tags[0].key: invalid length, valid min length: 1",
    ),
    (
        "run_task",
        {
            "task_definition": "web",
            "capacity_provider_strategy": [models.CapacityProviderStrategyItem(capacity_provider="FARGATE", weight=-1)],
        },
        "capacity_provider_strategy[0].weight: invalid value, valid min value: 0",
    ),
]


@pytest.mark.parametrize(("method", "arguments", "reported"), BEYOND)
async def test_limits_are_reported_by_path_too(
    ecs: Caller, server: ModelServer, method: str, arguments: dict[str, Any], reported: str
) -> None:
    """Problems that botocore's validation finds are reported in the same form, with Python names."""
    message = await refused(ecs, server, method, **arguments)
    assert reported == message.split(": ", 1)[1]


MISFITS: list[tuple[str, Any, str]] = [
    ("Task", None, "expected the members of Task, got NoneType"),
    ("Task", [], "expected the members of Task, got list"),
    ("Task", {}, "desiredStatus: is missing; lastStatus: is missing; taskArn: is missing"),
    ("DescribeTasksResponse", {"tasks": {}}, "tasks: expected a list, got dict"),
    ("DescribeTasksResponse", {"tasks": "abc"}, "tasks: expected a list, got str"),
    ("DescribeTasksResponse", {"tasks": [3]}, "tasks[0]: expected the members of Task, got int"),
    (
        "DeploymentConfiguration",
        {"deploymentCircuitBreaker": []},
        "deploymentCircuitBreaker: expected the members of DeploymentCircuitBreaker, got list",
    ),
    ("ContainerDefinition", {"dockerLabels": []}, "dockerLabels: expected a map, got list"),
    (
        "CreatedAt",
        {"before": "yesterday"},
        "before: expected a time: epoch seconds, ISO 8601 or datetime, got str",
    ),
    ("CreatedAt", {"before": True}, "before: expected a time: epoch seconds, ISO 8601 or datetime, got bool"),
    ("CreatedAt", {"before": 1e300}, "before: expected a time: epoch seconds, ISO 8601 or datetime, got float"),
]


@pytest.mark.parametrize(("shape", "data", "reported"), MISFITS)
async def test_dicts_that_do_not_fit_are_reported_by_path(shape: str, data: Any, reported: str) -> None:
    """The public converter says what it cannot make a model of, and where."""
    with pytest.raises(errors.RequestError) as caught:
        ecskit.converter.structure(data, getattr(models, shape))
    assert f"{shape}: {reported}" == str(caught.value)


async def test_dicts_of_other_kinds_are_dicts() -> None:
    """What YAML loaders and botocore make of mappings is understood as well."""
    from collections import OrderedDict

    tag = ecskit.converter.structure(OrderedDict(key="k", value="v"), models.Tag)
    assert models.Tag(key="k", value="v") == tag
