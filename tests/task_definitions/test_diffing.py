"""Diffing: what ECS fills in and reorders is no difference, everything else is, and no secret is ever shown."""

from __future__ import annotations

import copy
import pickle
import random
from typing import Any

import attrs
import pytest
from hypothesis import given, settings, strategies as st

from ecskit._core.wire import encode
from ecskit._task_definitions.diffing import compare
from ecskit.errors import RequestError
from ecskit.models import RegisterTaskDefinitionRequest, Tag
from ecskit.task_definitions import Change, Difference, diff
from ecskit.testing import Simulator

from .support import (
    SECRET,
    Wire,
    container,
    definitions,
    described,
    ec2,
    examples,
    fargate,
    register,
    request,
    valid_definitions,
)
from .table import RIGHT


def paths(old: Wire, new: Wire) -> list[str]:
    return [change.path for change in diff(request(old), request(new))]


HEALTH = {"command": ["CMD", "true"]}
SAME: dict[str, tuple[Wire, Wire]] = {
    "essential": (ec2(container()), ec2(container(essential=True))),
    "cpu of a container": (ec2(container()), ec2(container(cpu=0))),
    "empty lists": (
        ec2(),
        ec2(
            container(environment=[], portMappings=[], command=[], dockerLabels={}), volumes=[], placementConstraints=[]
        ),
    ),
    "empty structures": (ec2(volumes=[{"name": "a"}]), ec2(volumes=[{"name": "a", "host": {}}])),
    "an empty role": (ec2(), ec2(taskRoleArn="", executionRoleArn="")),
    "the network mode": (ec2(), ec2(networkMode="bridge")),
    "protocol and host's port": (
        fargate(container(portMappings=[{"containerPort": 80}])),
        fargate(container(portMappings=[{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}])),
    ),
    "a dynamic port": (
        ec2(container(portMappings=[{"containerPort": 80}])),
        ec2(container(portMappings=[{"containerPort": 80, "hostPort": 0, "protocol": "tcp"}])),
    ),
    "a health check": (
        ec2(container(healthCheck=HEALTH)),
        ec2(container(healthCheck={**HEALTH, "interval": 30, "timeout": 5, "retries": 3, "startPeriod": 0})),
    ),
    "sizes": (fargate(cpu="1 vCPU", memory="2 GB"), fargate(cpu="1024", memory="2048")),
    "read only": (
        ec2(container(mountPoints=[{"sourceVolume": "a", "containerPath": "/a"}])),
        ec2(container(mountPoints=[{"sourceVolume": "a", "containerPath": "/a", "readOnly": False}])),
    ),
    "what is off": (ec2(), ec2(container(privileged=False, interactive=False), enableFaultInjection=False)),
    "order of containers": (ec2(container("a"), container("b")), ec2(container("b"), container("a"))),
    "order of variables": (
        ec2(container(environment=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}])),
        ec2(container(environment=[{"name": "B", "value": "2"}, {"name": "A", "value": "1"}])),
    ),
    "order of launch types": (
        fargate(requiresCompatibilities=["EC2", "FARGATE"]),
        fargate(requiresCompatibilities=["FARGATE", "EC2"]),
    ),
    "order of volumes": (
        ec2(volumes=[{"name": "a"}, {"name": "b"}]),
        ec2(volumes=[{"name": "b"}, {"name": "a"}]),
    ),
    "order of ports": (
        ec2(container(portMappings=[{"containerPort": 80}, {"containerPort": 81}])),
        ec2(container(portMappings=[{"containerPort": 81}, {"containerPort": 80}])),
    ),
    "order of capabilities": (
        ec2(container(linuxParameters={"capabilities": {"drop": ["A", "B"]}})),
        ec2(container(linuxParameters={"capabilities": {"drop": ["B", "A"]}})),
    ),
    "order of tags": (ec2(tags=[{"key": "a"}, {"key": "b"}]), ec2(tags=[{"key": "b"}, {"key": "a", "value": ""}])),
    "tags of AWS itself": (ec2(), ec2(tags=[{"key": "aws:cloudformation:stack-name", "value": "web"}])),
    "name and ARN of a role": (ec2(taskRoleArn="web"), ec2(taskRoleArn="arn:aws:iam::123456789012:role/apps/web")),
}


@pytest.mark.parametrize("name", SAME)
def test_what_ecs_takes_for_the_same_is_no_difference(name: str) -> None:
    """In either direction."""
    one, other = SAME[name]
    assert paths(one, other) == paths(other, one) == []


APP = "container_definitions['app']"
CHANGED: dict[str, tuple[Wire, Wire, str]] = {
    "an image": (ec2(), ec2(container(image="x:2")), f"~ {APP}.image: 'nginx:1.29' -> 'x:2'"),
    "the size": (fargate(), fargate(cpu="512"), "~ cpu: '256' -> '512'"),
    "essential": (ec2(), ec2(container(essential=False)), f"+ {APP}.essential: False"),
    "order of a command": (
        ec2(container(command=["a", "b"])),
        ec2(container(command=["b", "a"])),
        f"~ {APP}.command: ['a', 'b'] -> ['b', 'a']",
    ),
    "a variable more": (
        ec2(),
        ec2(container(environment=[{"name": "A", "value": SECRET}])),
        f"+ {APP}.environment['A']: '***'",
    ),
    "a variable less": (
        ec2(container(environment=[{"name": "A", "value": SECRET}])),
        ec2(),
        f"- {APP}.environment['A']: '***'",
    ),
    "a secret value": (
        ec2(container(environment=[{"name": "A", "value": SECRET}])),
        ec2(container(environment=[{"name": "A", "value": ""}])),
        f"~ {APP}.environment['A']: changed",
    ),
    "a variable twice": (
        ec2(container(environment=[{"name": "A", "value": "1"}])),
        ec2(container(environment=[{"name": "A", "value": "1"}, {"name": "A", "value": SECRET}])),
        f"~ {APP}.environment: {{'A': '***'}} -> '***'",
    ),
    "a secret": (
        ec2(container(secrets=[{"name": "A", "valueFrom": "arn:1"}])),
        ec2(container(secrets=[{"name": "A", "valueFrom": "arn:2"}])),
        f"~ {APP}.secrets['A']: 'arn:1' -> 'arn:2'",
    ),
    "an option of logs": (
        ec2(container(logConfiguration={"logDriver": "splunk", "options": {"splunk-token": SECRET}})),
        ec2(container(logConfiguration={"logDriver": "splunk", "options": {"splunk-token": "x"}})),
        f"~ {APP}.log_configuration.options['splunk-token']: changed",
    ),
    "credentials": (
        ec2(container(repositoryCredentials={"credentialsParameter": SECRET})),
        ec2(container(repositoryCredentials={"credentialsParameter": "x"})),
        f"~ {APP}.repository_credentials.credentials_parameter: changed",
    ),
    "a port": (
        ec2(container(portMappings=[{"containerPort": 80}])),
        ec2(container(portMappings=[{"containerPort": 80, "hostPort": 8080}])),
        f"+ {APP}.port_mappings['80/tcp'].host_port: 8080",
    ),
    "a protocol": (
        ec2(container(portMappings=[{"containerPort": 80, "protocol": "udp"}])),
        ec2(),
        f"- {APP}.port_mappings['80/udp']: {{'container_port': 80, 'protocol': 'udp'}}",
    ),
    "a dependency": (
        ec2(container(dependsOn=[{"containerName": "b", "condition": "START"}])),
        ec2(container(dependsOn=[{"containerName": "b", "condition": "HEALTHY"}])),
        f"~ {APP}.depends_on['b']: 'START' -> 'HEALTHY'",
    ),
    "a container": (
        ec2(container()),
        ec2(container(), container("b", environment=[{"name": "A", "value": SECRET}])),
        "+ container_definitions['b']: {'name': 'b', 'image': 'nginx:1.29', 'environment': {'A': '***'}}",
    ),
    "a volume": (
        ec2(volumes=[{"name": "a"}]),
        ec2(volumes=[{"name": "a", "host": {"sourcePath": "/x"}}]),
        "+ volumes['a'].host: {'source_path': '/x'}",
    ),
    "a Docker volume with defaults": (
        ec2(volumes=[{"name": "a"}]),
        ec2(volumes=[{"name": "a", "dockerVolumeConfiguration": {"driver": "local", "autoprovision": False}}]),
        "+ volumes['a'].docker_volume_configuration: {}",
    ),
    "the family": (ec2(), ec2(family="api"), "~ family: 'web' -> 'api'"),
    "a tag": (
        ec2(tags=[{"key": "a", "value": "1"}]),
        ec2(tags=[{"key": "a", "value": "2"}]),
        "~ tags['a']: '1' -> '2'",
    ),
    "an unknown member": (
        ec2(container(tomorrow=SECRET)),
        ec2(container(tomorrow="x")),
        f"~ {APP}.extra_fields['tomorrow']: changed",
    ),
    "an unknown member at the top": (ec2(), ec2(tomorrow=SECRET), "+ extra_fields['tomorrow']: '***'"),
}


@pytest.mark.parametrize("name", CHANGED)
def test_each_change_has_one_line(name: str) -> None:
    """And without secrets, in whatever form it is printed or kept."""
    old, new, line = CHANGED[name]
    difference = diff(request(old), request(new))
    assert str(difference).startswith(line)
    assert len(difference) == 1
    back = diff(request(new), request(old))
    assert [(change.path, change.after, change.before) for change in back] == [attrs.astuple(difference[0])]
    for shown in (str(difference), repr(difference), pickle.dumps(difference).decode("latin-1"), repr(back)):
        assert SECRET not in shown


def test_a_difference_is_a_tuple_of_changes() -> None:
    """Empty, and false, if there is none; equal, copied and pickled like one."""
    nothing = diff(request(ec2()), request(ec2()))
    assert (nothing, str(nothing), bool(nothing)) == (Difference(), "no difference", False)
    found = diff(request(fargate()), request(fargate(cpu="512", memory="1024")))
    assert found == (Change("cpu", "256", "512"), Change("memory", "512", "1024"))
    assert type(copy.deepcopy(found)) is type(pickle.loads(pickle.dumps(found))) is Difference
    assert str(found) == "~ cpu: '256' -> '512'\n~ memory: '512' -> '1024'"


def test_tags_are_compared_between_requests_only() -> None:
    """A description has none."""
    tagged = ec2(tags=[{"key": "a"}])
    assert paths(ec2(), tagged) == ["tags['a']"]
    assert not diff(register(Simulator(), ec2()), request(tagged))


def test_unknown_members_at_the_top_of_an_answer_count_if_the_other_has_them() -> None:
    """It is unknown whether a request may have them."""
    answer = described({**ec2(), "taskDefinitionArn": "arn", "revision": 1, "new": 1, "other": 2})
    assert not diff(answer, request(ec2()))
    assert not diff(request(ec2()), answer)
    assert [each.path for each in diff(answer, request(ec2(new=2)))] == ["extra_fields['new']"]
    assert not diff(answer, request(ec2(new=1)))
    assert [each.path for each in diff(answer, request(ec2(more=1)))] == ["extra_fields['more']"]


def test_what_was_answered_is_compared_as_it_is() -> None:
    """Emulators answer numbers where ECS answers text; that is no reason to register again and again."""
    answer = described({**fargate(), "cpu": 256, "memory": 512, "taskDefinitionArn": "arn", "revision": 1})
    assert compare(answer, request(fargate())) == Difference()


@pytest.mark.parametrize("thing", ["web:3", None, Tag(key="a")])
def test_only_definitions_are_compared(thing: Any) -> None:
    """Of the right types inside, too."""
    with pytest.raises(RequestError, match=f"got {type(thing).__name__}"):
        diff(request(ec2()), thing)
    with pytest.raises(RequestError, match="cpu: expected str, got int"):
        diff(request(ec2()), attrs.evolve(request(ec2()), cpu=1))  # type: ignore[arg-type]  # the point


@pytest.mark.parametrize("name", RIGHT)
def test_what_comes_back_is_what_was_sent(name: str) -> None:
    """Through the simulator, which fills in what ECS does."""
    sent = request(RIGHT[name])
    assert str(diff(sent, register(Simulator(), RIGHT[name]))) == "no difference"


def test_botocores_examples_say_the_same() -> None:
    """What its example sends, and what comes back in it."""
    [sent] = examples()["sent"]
    answered = [answer for answer in examples()["answered"] if answer["family"] == sent["family"]]
    assert [str(diff(request(sent), described(answer))) for answer in answered] == ["no difference"]


@settings(max_examples=80, deadline=None)
@given(definition=definitions)
def test_a_definition_does_not_differ_from_itself(definition: RegisterTaskDefinitionRequest) -> None:
    """However its sets are ordered, and whether lists are tuples."""
    assert not diff(definition, definition)
    shuffled = list(definition.container_definitions)
    random.Random(0).shuffle(shuffled)
    if len({each.name for each in shuffled}) == len(shuffled):
        assert not diff(definition, attrs.evolve(definition, container_definitions=tuple(shuffled)))


SIM = Simulator()


@settings(max_examples=50, deadline=None)
@given(definition=valid_definitions)
def test_a_random_definition_comes_back_as_it_was_sent(definition: RegisterTaskDefinitionRequest) -> None:
    """The defaults of ECS are no differences."""
    answer = register(SIM, encode(definition))
    assert str(diff(definition, answer)) == str(diff(answer, definition)) == "no difference"


@settings(max_examples=60, deadline=None)
@given(one=definitions, other=definitions)
def test_a_difference_has_two_directions(
    one: RegisterTaskDefinitionRequest, other: RegisterTaskDefinitionRequest
) -> None:
    """The same places, before and after exchanged."""
    there, back = diff(one, other), diff(other, one)
    assert {(c.path, repr(c.before), repr(c.after)) for c in there} == {
        (c.path, repr(c.after), repr(c.before)) for c in back
    }
    assert all(str(change) for change in there)


@settings(max_examples=50, deadline=None)
@given(text=st.text(max_size=8))
def test_sizes_that_are_none_are_compared_as_text(text: str) -> None:
    """They are ECS's business."""
    assert not diff(request(ec2(cpu=text)), request(ec2(cpu=text)))
