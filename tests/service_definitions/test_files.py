"""Files of service definitions: the forms that they have, and what is something else."""

from __future__ import annotations

import json
import warnings
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import attrs
import pytest

from ecskit.errors import RequestError
from ecskit.models import CreateServiceRequest, Service
from ecskit.services import dump, load, to_create_request

FILE = "service.json"
ARN = "arn:aws:ecs:eu-west-1:123456789012"
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED"}}
BALANCER = {"targetGroupArn": "arn:aws:tg", "containerName": "app", "containerPort": 80}
CREATE: dict[str, Any] = {
    "cluster": f"{ARN}:cluster/prod",
    "serviceName": "web",
    "taskDefinition": f"{ARN}:task-definition/web:3",
    "desiredCount": 2,
    "launchType": "FARGATE",
    "platformVersion": "LATEST",
    "networkConfiguration": NETWORK,
    "loadBalancers": [BALANCER],
    "healthCheckGracePeriodSeconds": 30,
    "schedulingStrategy": "REPLICA",
    "deploymentController": {"type": "ECS"},
    "deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 200},
    "enableECSManagedTags": True,
    "propagateTags": "SERVICE",
    "enableExecuteCommand": False,
    "serviceConnectConfiguration": {"enabled": True, "namespace": "local"},
    "tags": [{"key": "team", "value": "web"}],
}
RESPONSE_ONLY = {
    "serviceArn": f"{ARN}:service/prod/web",
    "clusterArn": f"{ARN}:cluster/prod",
    "status": "ACTIVE",
    "runningCount": 2,
    "pendingCount": 0,
    "platformFamily": "Linux",
    "roleArn": "arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
    "events": [{"id": "1", "message": "hunter2"}],
    "createdAt": 1700000000.0,
    "createdBy": "arn:aws:iam::123456789012:user/x",
    "placementConstraints": [],
    "placementStrategy": [],
    "serviceRegistries": [],
}
DESCRIBED: dict[str, Any] = {
    **{name: value for name, value in CREATE.items() if name not in ("cluster", "serviceConnectConfiguration")},
    **RESPONSE_ONLY,
    "tags": [*CREATE["tags"], {"key": "aws:cloudformation:stack-name", "value": "x"}],
    "deployments": [
        {"id": "ecs-svc/2", "status": "PRIMARY", "serviceConnectConfiguration": CREATE["serviceConnectConfiguration"]},
        {"id": "ecs-svc/1", "status": "ACTIVE", "serviceConnectConfiguration": {"enabled": False}},
    ],
}
E = "expected the input of create-service, the output of describe-services, or a service definition of ecspresso"
A_TASK = "this is a task definition, not a service definition; pass the file of its service"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages start with the path as it was given."""
    monkeypatch.chdir(tmp_path)


def written(data: Any) -> str:
    Path(FILE).write_text(data if isinstance(data, str) else json.dumps(data))
    return FILE


@pytest.mark.parametrize(
    "form",
    [
        CREATE,
        {**CREATE, "role": None, "volumeConfigurations": None},
        {"services": [DESCRIBED], "failures": []},
        {"service": DESCRIBED},
        DESCRIBED,
        {"service": "web", **{name: each for name, each in CREATE.items() if name != "serviceName"}},
    ],
    ids=["create-service", "nulls", "describe-services", "update-service --output", "one service", "update-service"],
)
def test_forms(form: dict[str, Any]) -> None:
    """Each form is the request that creates the service, from a file and from data."""
    expected = CreateServiceRequest.from_dict(CREATE)
    assert load(written(form)) == expected
    assert load(form) == expected


def test_ecspresso() -> None:
    """Its file has no names of service and cluster; the arguments have them."""
    form = {"deploymentConfiguration": {}, "desiredCount": 1, "launchType": "FARGATE", "pendingCount": 0, "tags": []}
    with pytest.warns(UserWarning, match=r"^service.json: unknown members are left out: pendingCount"):
        read = load(written(form), name="web", cluster="prod")
    assert (read.service_name, read.cluster, read.desired_count) == ("web", "prod", 1)
    with pytest.raises(RequestError, match=r"^service\.json: serviceName: is missing; add it, or pass `name`$"):
        load(written({"desiredCount": 1}))
    assert load({}, name="web") == CreateServiceRequest(service_name="web")


def test_names() -> None:
    """An argument may repeat the name in the file, and must not contradict it."""
    assert load(CREATE, name="web", cluster="prod").cluster == "prod"
    with pytest.raises(RequestError) as caught:
        load(written(CREATE), name="api")
    assert str(caught.value) == f"{FILE}: name: is 'api', but the file has the serviceName 'web'; leave one out"
    with pytest.raises(RequestError, match="cluster: is 'test', but the file has the cluster 'arn:aws:ecs:eu-west-1"):
        load(CREATE, cluster="test")
    for wrong in ("", 3):
        with pytest.raises(RequestError, match=f"name: expected a name, got {wrong!r}"):
            load(CREATE, name=wrong)  # type: ignore[arg-type]


def test_several_services() -> None:
    """`name` chooses one."""
    form = {"services": [DESCRIBED, {**DESCRIBED, "serviceName": "api", "desiredCount": 7}], "failures": []}
    assert load(written(form), name="api").desired_count == 7
    for name, message in (
        (None, "the file holds 2 services: web, api; pass the `name` of one"),
        ("x", "the file holds web, api, and not one service with the name 'x'"),
    ):
        with pytest.raises(RequestError) as caught:
            load(FILE, name=name)
        assert str(caught.value) == f"{FILE}: {message}"


def test_described_services_state_what_they_need() -> None:
    """What ECS shows and refuses in a request is left out."""
    daemon = load({**DESCRIBED, "schedulingStrategy": "DAEMON"})
    assert daemon.desired_count is None
    spot = load({**DESCRIBED, "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}]})
    assert spot.launch_type is None
    plain = load({**DESCRIBED, "loadBalancers": [], "healthCheckGracePeriodSeconds": 0})
    assert plain.health_check_grace_period_seconds is None
    external = load({**DESCRIBED, "deploymentController": {"type": "EXTERNAL"}, "launchType": "EC2"})
    assert (external.task_definition, external.launch_type, [*external.load_balancers]) == (None, None, [])
    own_role = load({**DESCRIBED, "roleArn": "arn:aws:iam::1:role/own"})
    assert own_role.role == "arn:aws:iam::1:role/own"


def test_placeholders_in_what_is_left_out() -> None:
    """Events and comments may hold anything."""
    described = {**DESCRIBED, "events": [{"message": "${X} <task>"}], "desiredCount": 3}
    assert load({"services": [described]}, variables={}).desired_count == 3
    with pytest.warns(UserWarning, match="unknown members are left out: _comment"):
        load({**CREATE, "_comment": "set ${TAG}"}, variables={})


def test_models() -> None:
    """A described service becomes the same request; `dump` writes what `load` reads."""
    service = Service.from_dict({**DESCRIBED, "createdAt": datetime(2026, 1, 1, tzinfo=timezone.utc)})
    request = to_create_request(service)
    assert request == load(CREATE)
    for definition in (service, request):
        dump(definition, "out.json")
        assert json.loads(Path("out.json").read_text()) == CREATE
        assert load("out.json") == request
    new = attrs.evolve(service, extra_fields={"newMember": 1})
    assert to_create_request(new).extra_fields == {"newMember": 1}
    with pytest.warns(UserWarning, match="^service web: unknown members are left out: newMember; pass keep="):
        assert not to_create_request(new, keep=[]).extra_fields


def test_warnings() -> None:
    """What is left out is named, once, for the line of the caller."""
    form = {**CREATE, "forceNewDeployment": True, "desired_count": 3, "propagateTags": ""}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load(written(form))
        load(written({**CREATE, "comment": "x"}), keep=["comment"])
    assert [(str(each.message), each.filename) for each in caught] == [
        (f"{FILE}: {text}", __file__)
        for text in (
            "forceNewDeployment is left out: it belongs to one update, not to the service",
            "unknown members are left out: desired_count (did you mean desiredCount?); pass keep=... to send them",
            "empty texts that ECS refuses are left out: propagateTags",
        )
    ]


OTHERS: dict[str, tuple[Any, str]] = {
    "task definition": ({"family": "web", "containerDefinitions": []}, A_TASK),
    "describe-task-definition": ({"taskDefinition": {"family": "web"}}, A_TASK),
    "CloudFormation": ({"Resources": {}}, "this is a CloudFormation template, not a service definition; pass the"),
    "PascalCase": (
        {"ServiceName": "web", "DesiredCount": 1},
        "the names are in PascalCase, as in CloudFormation; write all of them in camelCase: serviceName for",
    ),
    "snake_case": ({"service_name": "web"}, "the names are in snake_case; write all of them in camelCase: serviceName"),
    "ecspresso": (
        {"cluster": "c", "service": "s", "service_definition": "a.json"},
        "this is the configuration of ecspresso, not a service definition; pass the file of service_definition",
    ),
    "Compose": ({"services": {"web": {}}}, f"this is a Docker Compose file, not a service definition; {E}"),
    "no service": ({"services": [], "failures": []}, "the file holds no service: describe-services has found none"),
    "list": ([CREATE], f"expected an object, got a list; {E}"),
    "null": ("null", f"expected an object, got null; {E}"),
    "other": ({"a": "hunter2"}, f"this is not a service definition: it has the names a; {E}"),
    "wrong types": (
        {**CREATE, "desiredCount": "2", "loadBalancers": BALANCER},
        "loadBalancers: expected a list, got an object; put it into a list; desiredCount: expected a number, got text",
    ),
    "twice": ('{"serviceName": "a", "serviceName": "b"}', "serviceName: is given twice; remove one"),
    "folder": (".", "is a folder; pass the path of a file"),
    "file://": ("file://service.json", "expected the path of a file; leave out file://"),
}


@pytest.mark.parametrize(("content", "message"), OTHERS.values(), ids=OTHERS)
def test_other_files(content: Any, message: str) -> None:
    """One error that names what the file is."""
    is_path = isinstance(content, str) and not content.startswith(("{", "null"))
    with pytest.raises(RequestError) as caught:
        load(content if is_path else written(content))
    assert f": {message}" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_wrong_arguments() -> None:
    """What is no path, and what `dump` does not write."""
    with pytest.raises(RequestError, match=r"path: expected the path of a file, got JSON; pass json.loads\(...\)"):
        load('{"serviceName": "hunter2"}')
    with pytest.raises(RequestError, match="path_or_mapping: expected the path of a file, or a mapping, got list"):
        load([CREATE])  # type: ignore[arg-type]
    with pytest.raises(RequestError, match=r"^dump: path: dump writes JSON; end the name of the file in \.json$"):
        dump(CreateServiceRequest(service_name="web"), "out.yaml")
    with pytest.raises(RequestError, match="definition: expected a CreateServiceRequest or Service, got dict"):
        dump(CREATE, "out.json")  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="keep: expected a collection of str, got str; put it into a list"):
        load(CREATE, keep="comment")
    with pytest.raises(RequestError, match="service: expected a Service, got str"):
        to_create_request("web")  # type: ignore[arg-type]
