"""The arguments of a launch: the request that they make, and the messages about wrong ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from support.both_clients import Went

from ecskit import models
from ecskit.errors import AccessDeniedException, ClientException, RequestError
from ecskit.models import (
    AwsVpcConfiguration,
    CapacityProviderStrategyItem,
    ContainerDefinition,
    ContainerOverride,
    KeyValuePair,
    NetworkConfiguration,
    PlacementConstraint,
    PlacementStrategy,
    Tag,
    TaskDefinition,
    TaskOverride,
)
from ecskit.testing import Fault, SimulatedError, Simulator

from .support import FARGATE, NETWORK, SECRET, both

REFUSED = SimulatedError("ClientException", "Not today.")


def sent(task_definition: Any = "job", **arguments: Any) -> dict[str, Any]:
    """Return the RunTask request that arguments make, without count and token; nothing is launched."""
    went = both(
        lambda ecs: ecs.tasks.run(task_definition, **arguments), prepare=lambda sim: sim.fail("RunTask", REFUSED)
    )
    went.raised(ClientException)
    [request] = went.requests("RunTask")
    return {name: value for name, value in request.items() if name not in {"count", "clientToken", "taskDefinition"}}


SUBNETS: dict[str, Any] = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
VPC = AwsVpcConfiguration(subnets=["s-1", "s-2"], security_groups=["sg"], assign_public_ip="ENABLED")
VPC_SENT = {"awsvpcConfiguration": {"subnets": ["s-1", "s-2"], "securityGroups": ["sg"], "assignPublicIp": "ENABLED"}}
ITEMS = [CapacityProviderStrategyItem(capacity_provider="FARGATE", base=1, weight=2)]
PLAIN: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"network": NETWORK}, {"networkConfiguration": SUBNETS}),
    ({"network": VPC}, {"networkConfiguration": VPC_SENT}),
    ({"network": NetworkConfiguration(awsvpc_configuration=VPC)}, {"networkConfiguration": VPC_SENT}),
    (
        {"capacity_provider_strategy": {"FARGATE_SPOT": 3, "FARGATE": 1}},
        {
            "capacityProviderStrategy": [
                {"capacityProvider": "FARGATE_SPOT", "weight": 3},
                {"capacityProvider": "FARGATE", "weight": 1},
            ]
        },
    ),
    (
        {"capacity_provider_strategy": ITEMS},
        {"capacityProviderStrategy": [{"capacityProvider": "FARGATE", "base": 1, "weight": 2}]},
    ),
    (
        {"tags": {"team": "data", "empty": ""}},
        {"tags": [{"key": "team", "value": "data"}, {"key": "empty", "value": ""}]},
    ),
    ({"tags": [Tag(key="team", value="data")]}, {"tags": [{"key": "team", "value": "data"}]}),
    ({"cluster": "prod"}, {"cluster": "prod"}),
    ({"launch_type": "FARGATE"}, {"launchType": "FARGATE"}),
    ({"platform_version": "1.4.0"}, {"platformVersion": "1.4.0"}),
    ({"group": "g"}, {"group": "g"}),
    ({"started_by": "me"}, {"startedBy": "me"}),
    ({"reference_id": "r"}, {"referenceId": "r"}),
    ({"propagate_tags": "TASK_DEFINITION"}, {"propagateTags": "TASK_DEFINITION"}),
    ({"enable_ecs_managed_tags": False}, {"enableECSManagedTags": False}),
    ({"enable_execute_command": True}, {"enableExecuteCommand": True}),
    (
        {"placement_constraints": [PlacementConstraint(type="distinctInstance")]},
        {"placementConstraints": [{"type": "distinctInstance"}]},
    ),
    (
        {"placement_strategy": [PlacementStrategy(type="binpack", field="cpu")]},
        {"placementStrategy": [{"type": "binpack", "field": "cpu"}]},
    ),
    (
        {"volume_configurations": [models.TaskVolumeConfiguration(name="v")]},
        {"volumeConfigurations": [{"name": "v"}]},
    ),
    ({"overrides": TaskOverride(cpu="512")}, {"overrides": {"cpu": "512"}}),
]


@pytest.mark.parametrize(("arguments", "request_"), PLAIN, ids=",".join)
def test_plain_arguments(arguments: dict[str, Any], request_: dict[str, Any]) -> None:
    """Become what ECS wants, and what is not said is not sent."""
    assert request_ == sent(**arguments)


def test_a_task_definition_is_named_by_its_arn() -> None:
    """One that ECS described, with its revision."""
    definition = TaskDefinition(
        task_definition_arn="arn:aws:ecs:us-east-1:1:task-definition/job:1", family="job", revision=1
    )
    went = both(lambda ecs: ecs.tasks.run(definition), prepare=lambda sim: sim.fail("RunTask", REFUSED))
    assert ["arn:aws:ecs:us-east-1:1:task-definition/job:1"] == [
        each["taskDefinition"] for each in went.requests("RunTask")
    ]


# Overrides of one container.


def override(family: str = "job", **arguments: Any) -> dict[str, Any]:
    overrides: dict[str, Any] = sent(family, **FARGATE, **arguments)["overrides"]
    return overrides


COMMAND, MODE = ["./run", "now"], [{"name": "MODE", "value": "b"}]
GIVEN = TaskOverride(
    cpu="512",
    container_overrides=[
        ContainerOverride(name="sidecar", command=["other"]),
        ContainerOverride(
            name="app",
            memory=256,
            command=["old"],
            environment=[KeyValuePair(name="MODE", value="a"), KeyValuePair(name="KEPT", value="k")],
        ),
    ],
)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"command": COMMAND}, {"command": COMMAND}),
        ({"command": ()}, {"command": []}),
        ({"environment": {"MODE": "b"}}, {"environment": MODE}),
        ({"environment": {}}, {"environment": []}),
        ({"command": COMMAND, "environment": {"MODE": "b"}}, {"command": COMMAND, "environment": MODE}),
    ],
)
@pytest.mark.parametrize("container", [None, "app"])
def test_command_and_environment(arguments: dict[str, Any], expected: dict[str, Any], container: str | None) -> None:
    """Are for the container named, or for the only essential one."""
    more = {} if container is None else {"container": container}
    assert {"containerOverrides": [{"name": "app", **expected}]} == override("pair", **arguments, **more)


def test_overrides_are_merged() -> None:
    """Of the same container and of the task; other containers are kept as they are."""
    expected = {
        "cpu": "512",
        "containerOverrides": [
            {"name": "sidecar", "command": ["other"]},
            {
                "name": "app",
                "memory": 256,
                "command": COMMAND,
                "environment": [{"name": "KEPT", "value": "k"}, *MODE],
            },
        ],
    }
    assert expected == override("pair", overrides=GIVEN, container="app", command=COMMAND, environment={"MODE": "b"})


def test_overrides_of_another_container_are_kept() -> None:
    """Beside a new one."""
    expected = [{"name": "sidecar", "command": ["other"]}, {"name": "app", "command": COMMAND}]
    given = TaskOverride(container_overrides=[GIVEN.container_overrides[0]])
    assert expected == override("pair", overrides=given, command=COMMAND)["containerOverrides"]


def test_a_command_alone_leaves_the_environment() -> None:
    """And the other way round."""
    override_made = override("pair", overrides=GIVEN, container="app", command=COMMAND)["containerOverrides"][1]
    assert ["MODE", "KEPT"] == [pair["name"] for pair in override_made["environment"]]
    override_made = override("pair", overrides=GIVEN, container="app", environment={"NEW": "n"})["containerOverrides"][
        1
    ]
    assert (["old"], ["MODE", "KEPT", "NEW"]) == (
        override_made["command"],
        [pair["name"] for pair in override_made["environment"]],
    )


# Which container.


def ran(family: Any = "job", prepare: Callable[[Simulator], object] = lambda _: None, **arguments: Any) -> Went:
    return both(lambda ecs: ecs.tasks.run(family, **{**FARGATE, **arguments}), prepare=prepare)


@pytest.mark.parametrize(
    ("arguments", "reads"),
    [
        ({}, 0),
        ({"container": "app", "command": ["x"]}, 0),
        ({"command": ["x"]}, 1),
        ({"overrides": TaskOverride(cpu="512", memory="1024")}, 0),
    ],
)
def test_the_definition_is_read_only_where_it_is_needed(arguments: dict[str, Any], reads: int) -> None:
    """Once, to find out which container is the essential one."""
    went = ran("pair", **arguments, count=20)
    assert reads == len(went.requests("DescribeTaskDefinition"))
    assert 20 == len(went.running)


def test_a_definition_that_is_there_is_not_read() -> None:
    """It says itself which container is essential."""
    containers = [ContainerDefinition(name="sidecar", essential=False), ContainerDefinition(name="app")]
    definition = TaskDefinition(
        task_definition_arn="pair:1", family="pair", revision=1, container_definitions=containers
    )
    went = ran(definition, command=["x"])
    assert not went.requests("DescribeTaskDefinition")
    assert "app" == went.requests("RunTask")[0]["overrides"]["containerOverrides"][0]["name"]


def test_two_essential_containers() -> None:
    """The container is ambiguous; nothing is launched."""
    went = ran("two", command=["x"])
    with pytest.raises(
        RequestError, match="container: name the container of command and environment: app, helper are essential"
    ):
        went.returned()
    assert [] == went.sim.tasks()


def test_reading_the_definition_is_refused() -> None:
    """As by ECS: the way out is to name the container."""
    went = ran(prepare=lambda sim: sim.fail("DescribeTaskDefinition", Fault.access_denied()), command=["x"])
    assert isinstance(went.error, AccessDeniedException)
    assert "DescribeTaskDefinition" == went.error.operation
    assert [] == went.sim.tasks()


def test_a_definition_that_is_not_there() -> None:
    """ECS's own error, whichever request finds out."""
    for command in (None, ["x"]):
        assert isinstance(ran("nothing", command=command).error, ClientException)


# What is wrong.


class _Unknown:
    pass


BAD_INPUT: list[tuple[Any, dict[str, Any], str]] = [
    ("", {}, "task_definition: expected a family, family:revision, ARN or TaskDefinition, got ''"),
    (None, {}, "task_definition: expected a family, family:revision, ARN or TaskDefinition, got NoneType"),
    (_Unknown(), {}, "task_definition: expected a family, family:revision, ARN or TaskDefinition, got _Unknown"),
    ("job", {"count": 0}, "count: expected a whole number, 1 or more, got 0"),
    ("job", {"count": 1.5}, "count: expected a whole number, 1 or more, got 1.5"),
    ("job", {"count": True}, "count: expected a whole number, 1 or more, got True"),
    ("job", {"count": "3"}, "count: expected a whole number, 1 or more, got '3'"),
    ("job", {"command": "./run"}, "command: expected a sequence of strings, got a str"),
    ("job", {"environment": [("A", "b")]}, "environment: expected a mapping of names to values, got list"),
    ("job", {"container": "app"}, "container: applies to command and environment; pass one of them, or leave it out"),
    (
        "job",
        {"capacity_provider_strategy": {"A": 1}},
        "launch_type: cannot be combined with capacity_provider_strategy",
    ),
    ("job", {"client_token": ""}, "client_token: expected 1 to 52 characters"),
    ("job", {"client_token": "k" * 53}, "client_token: expected 1 to 52 characters"),
    ("job", {"client_token": 3}, "client_token: expected 1 to 52 characters"),
    ("job", {"capacity_timeout": -1}, "capacity_timeout: expected seconds, 0 or more, got -1"),
    ("job", {"capacity_timeout": "60"}, "capacity_timeout: expected seconds, 0 or more, got '60'"),
    ("job", {"capacity_timeout": float("nan")}, "capacity_timeout: expected seconds, 0 or more, got nan"),
    ("job", {"on_partial": "ignore"}, "on_partial: expected one of raise, keep, stop_started, top_up, got 'ignore'"),
    ("job", {"on_conflict": "ignore"}, "on_conflict: expected one of raise, adopt, got 'ignore'"),
    ("job", {"on_cancel": "ignore"}, "on_cancel: expected one of leave, stop, stop_and_wait, got 'ignore'"),
    ("job", {"cluster": 3}, "cluster: "),
    (
        "job",
        {"network": {"subnets": ["subnet-1"]}},
        "network: expected AwsVpcConfiguration(subnets=[...]) or a NetworkConfiguration, got dict",
    ),
    ("job", {"group": 3}, "group: "),
    ("job", {"group": 3, "command": ["x"]}, "group: "),
    ("job", {"tags": "a=b"}, "tags: "),
    ("job", {"tags": {"a": 1}}, r"tags[0].value: "),
    ("job", {"tags": {"a": None}}, r"tags['a']: expected a str, got None; leave the name out"),
    (
        "job",
        {"environment": {"A": None}, "container": "app"},
        r"environment['A']: expected a str, got None; leave the ",
    ),
    ("job", {"overrides": {"cpu": "1"}}, "overrides: "),
    ("job", {"placement_constraints": "x"}, "placement_constraints: "),
    ("job", {"enable_execute_command": "yes"}, "enable_execute_command: "),
]


@pytest.mark.parametrize(("definition", "arguments", "message"), BAD_INPUT)
def test_bad_input(definition: Any, arguments: dict[str, Any], message: str) -> None:
    """One RequestError that names the parameter; nothing was sent."""
    went = ran(definition, **arguments)
    assert message in str(went.raised(RequestError))
    assert [] == went.operations


def test_all_problems_are_in_one_error() -> None:
    """Of the arguments that are checked together."""
    error = ran(count=0, on_partial="x", capacity_timeout=-1).raised(RequestError)
    assert ["count", "capacity_timeout", "on_partial"] == [path for path, _ in error.problems]
    error = ran("", command="x", client_token="").raised(RequestError)
    assert ["task_definition", "command", "client_token"] == [path for path, _ in error.problems]


@pytest.mark.parametrize(
    "arguments",
    [
        {"environment": {"PASSWORD": SECRET.encode()}},
        {"environment": {SECRET.encode(): "x"}},
        {"environment": {"PASSWORD": SECRET}, "command": [3]},
    ],
)
def test_errors_about_wrong_values_do_not_show_them(arguments: dict[str, Any]) -> None:
    """They may be secrets; and nothing is launched."""
    went = ran(container="app", **arguments)
    error = went.raised(RequestError)
    assert "overrides.container_overrides[0]." in str(error)
    assert SECRET not in str(error) + repr(error)
    assert [] == went.operations


def test_a_launch_does_not_print_its_environment() -> None:
    """Neither do the requests and errors that it becomes."""
    from ecskit._tasks.launch import Launch

    assert SECRET not in repr(Launch(environment={"PASSWORD": SECRET}))
    went = ran(prepare=lambda sim: sim.fail("RunTask", Fault.access_denied()), environment={"P": SECRET})
    assert SECRET in json.dumps(went.requests("RunTask"))
    assert SECRET not in repr(went.error) + str(went.error) + repr(vars(went.error))


def test_a_family_of_nothing_essential() -> None:
    """ECS does not register such a definition; for one that was passed in, an error is raised."""
    sidecar = ContainerDefinition(name="sidecar", essential=False)
    definition = TaskDefinition(task_definition_arn="job:1", family="job", revision=1, container_definitions=[sidecar])
    error = ran(definition, command=["x"]).raised(RequestError)
    assert "container: name the container of command and environment" in str(error)
