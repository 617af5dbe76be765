"""Validate: documented rules are found, by path and name; unknown values pass; odd values do not break it."""

from __future__ import annotations

import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given, settings, strategies as st

from ecskit._core.wire import encode
from ecskit._rules.table import LAUNCH_TYPE_RULES, RULES
from ecskit.errors import RequestError
from ecskit.models import (
    ContainerDefinition,
    EphemeralStorage,
    HealthCheck,
    PortMapping,
    RegisterTaskDefinitionRequest,
    Volume,
)
from ecskit.task_definitions import Definition, Finding, raise_for_findings, to_register_request, validate
from ecskit.testing import SimulatedError, Simulator

from .support import SECRET, Wire, container, definitions, described, ec2, examples, fargate, refused, register, request
from .table import HERE, RIGHT, ROLE, TOMORROW, WRONG

ALL = [*RULES, *(rule for rules in LAUNCH_TYPE_RULES.values() for rule in rules)]
PORTS = "containerDefinitions[0].portMappings"


def found(wire: Wire) -> set[tuple[str, str]]:
    return {(each.path, each.rule) for each in validate(request(wire)) if each.severity == "error"}


def errors(definition: Definition) -> list[Finding]:
    return [each for each in validate(definition) if each.severity == "error"]


@pytest.mark.parametrize("name", RIGHT)
def test_nothing_is_found_in_what_is_right(name: str) -> None:
    """As a request, and as ECS describes it."""
    assert errors(request(RIGHT[name])) == []
    assert errors(register(Simulator(), RIGHT[name])) == []


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_found(name: str) -> None:
    """All of it, and nothing else."""
    wire, expected = WRONG[name]
    assert found(wire) == expected


def test_every_rule_has_a_case() -> None:
    """Each rule about what ECS refuses is broken by a row of the table."""
    rules = {rule.name for rule in ALL if rule.severity == "error"}
    assert {rule for _, findings in WRONG.values() for _, rule in findings} == rules


@pytest.mark.parametrize("kind", ["sent", "answered"])
def test_nothing_is_found_in_the_examples_of_botocore(kind: str) -> None:
    """They are AWS's own."""
    definitions = [request(wire) if kind == "sent" else described(wire) for wire in examples()[kind]]
    assert definitions
    assert [errors(each) for each in definitions] == [[] for _ in definitions]


@pytest.mark.parametrize("name", TOMORROW)
def test_unknown_values_pass(name: str) -> None:
    """Values and members that ECS may learn."""
    findings = validate(request(TOMORROW[name]))
    assert findings
    assert {(each.severity, each.rule) for each in findings} <= {("hint", "unknown-value"), ("hint", "unknown-member")}
    assert refused(Simulator(), TOMORROW[name]) is any(each.rule == "unknown-value" for each in findings)


SIM = Simulator()


def test_the_simulator_refuses_what_is_wrong_and_nothing_else() -> None:
    """It has the same rules."""
    assert not [name for name, wire in RIGHT.items() if refused(SIM, wire)]
    assert not [name for name, (wire, _) in WRONG.items() if not refused(SIM, wire)]


@settings(max_examples=60, deadline=None)
@given(definition=definitions)
def test_of_random_definitions_the_simulator_refuses_those_with_errors(
    definition: RegisterTaskDefinitionRequest,
) -> None:
    """Right and wrong ones, with several errors."""
    assert refused(SIM, encode(definition)) == bool(errors(definition))


def test_findings_come_in_the_order_of_places_and_say_all() -> None:
    """The tenth port comes after the second."""
    wire = ec2(container(portMappings=[{"containerPort": 70000 + i} for i in range(11)]))
    findings = validate(request(wire))
    assert [each.path for each in findings] == [f"{PORTS}[{i}].containerPort" for i in range(11)]
    assert findings[10] == Finding(
        f"{PORTS}[10].containerPort",
        "port",
        "expected 1 to 65535, got 70010",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html",
        known="refused",
        value=70010,
        words="Invalid 'containerPort' setting for container 'app'.",
    )
    assert str(findings[10]) == f"{PORTS}[10].containerPort: expected 1 to 65535, got 70010"
    assert pickle.loads(pickle.dumps(findings)) == findings


@pytest.mark.parametrize("value", ["hunter2!", "sk-$5 hunter2", "https://u:hunter2@h/"])
def test_a_secret_instead_of_its_name_is_not_shown(value: str) -> None:
    """Neither by the finding nor by the refusal. The ARN of something else is shown."""
    wire = ec2(container(secrets=[{"name": "TOKEN", "valueFrom": value}]), executionRoleArn=ROLE)
    (found,) = validate(request(wire))
    assert str(found) == (
        f"{HERE}.secrets[0].valueFrom: expected the name or ARN of a parameter, or the ARN of a secret, got a value"
    )
    with pytest.raises(SimulatedError) as caught:
        register(Simulator(), wire)
    assert "The Systems Manager parameter name specified for secret TOKEN is invalid." in str(caught.value)
    assert SECRET not in repr(found) + found.words + str(caught.value)
    wire["containerDefinitions"][0]["secrets"][0]["valueFrom"] = "arn:aws:s3:::b/k"
    assert str(validate(request(wire))[0]).endswith('got "arn:aws:s3:::b/k"')


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("env", "environment"),
        ("ports", "portMappings"),
        ("volumeMounts", "mountPoints"),
        ("env_file", "environmentFiles"),
    ],
)
def test_names_of_other_programs_are_known(name: str, meant: str) -> None:
    """Members of a container as Compose and Kubernetes have them."""
    (found,) = validate(request(ec2({**container(), name: []})))
    assert found.suggestion == meant


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"networkMode": "awsvpc"}, "it belongs beside containerDefinitions"),
        ({"volumes": []}, "it belongs beside containerDefinitions"),
        ({"environment": [{"name": "A", "valueFrom": "/a"}]}, "variables with valueFrom belong to secrets"),
    ],
)
def test_members_of_other_structures_are_named(members: Wire, text: str) -> None:
    (found,) = validate(request(ec2(container("app", **members))))
    assert found.message == f"unknown member, left out by ECS; {text}"


@pytest.mark.parametrize("image", ["https://web:hunter2@example.com/app:1", "web:hunter2@example.com/app:1"])
def test_a_password_in_an_image_is_not_shown(image: str) -> None:
    found = validate(request(ec2(container(image=image))))
    assert "got a value" in str(found[0])
    assert SECRET not in repr(found)


def test_a_required_enum_cannot_be_left_out() -> None:
    (found,) = validate(request(ec2(container(logConfiguration={"logDriver": ""}))))
    assert found.text == "logDriver must not be empty"


@pytest.mark.parametrize(("mode", "hints"), [("awsvpc", 0), ("host", 0), ("bridge", 1), (None, 1)])
def test_managed_instances_need_a_network_mode_that_they_have(mode: str | None, hints: int) -> None:
    """Whether ECS refuses the definition is not documented."""
    wire = ec2(cpu="256", **({"networkMode": mode} if mode else {}))
    found = validate(request(wire), launch_type="MANAGED_INSTANCES")
    assert [(each.rule, each.severity) for each in found] == [("managed-network-mode", "hint")] * hints


def test_findings_can_be_raised() -> None:
    """All in one error; none if there are none."""
    raise_for_findings(validate(request(fargate())))
    with pytest.raises(RequestError) as caught:
        raise_for_findings(validate(request(fargate(cpu="300", networkMode="host"))))
    assert [path for path, _ in caught.value.problems] == ["cpu", "networkMode"]
    assert "networkMode: Fargate requires awsvpc" in str(caught.value)


def test_values_are_not_shown() -> None:
    """Neither those of variables nor those of options."""
    app = container(
        environment=[{"name": "A", "value": SECRET}],
        logConfiguration={"logDriver": "awslogs", "options": {"x": SECRET}},
        healthCheck={"command": [SECRET]},
    )
    findings = validate(request(fargate(app)))
    assert findings
    assert SECRET not in repr(findings)


@pytest.mark.parametrize(
    "members",
    [
        {"secrets": [{"name": "A", "valueFrom": f"{SECRET} !"}]},
        {"secrets": [{"name": "A", "valueFrom": f"{SECRET}${{X}}"}]},
        {"logConfiguration": {"logDriver": "splunk", "secretOptions": [{"name": "A", "valueFrom": f"{SECRET} !"}]}},
        {"repositoryCredentials": {"credentialsParameter": f"<{SECRET}>"}},
        {"image": f"https://user:{SECRET}@registry/app:1 "},
        {"image": f"https://user:{SECRET}@registry/${{APP}}"},
    ],
    ids=str,
)
def test_secrets_in_wrong_places_are_not_shown(members: Wire) -> None:
    """What names the place of a secret may hold the secret itself; addresses may hold a password."""
    wire = fargate(container(**members), executionRoleArn="arn:aws:iam::123456789012:role/web")
    findings = validate(request(wire))
    assert findings
    assert SECRET not in repr(findings)
    assert SECRET not in str([str(each) for each in findings])
    with pytest.raises(RequestError) as caught:
        raise_for_findings([attrs.evolve(each, severity="error") for each in findings])
    assert SECRET not in str(caught.value)
    assert all(SECRET not in each.refusal for each in findings)


def test_wrong_types_have_the_paths_of_a_file() -> None:
    """Names of ECS, and the keys of maps as they are."""
    app = ContainerDefinition(name="a", image="a:1", docker_labels={"a_b": 1})  # type: ignore[dict-item]  # the point
    storage = EphemeralStorage(size_in_gib="21")  # type: ignore[arg-type]  # the point
    wrong = attrs.evolve(request(fargate()), container_definitions=[app], ephemeral_storage=storage)
    assert [each.path for each in validate(wrong)] == [
        "containerDefinitions[0].dockerLabels['a_b']",
        "ephemeralStorage.sizeInGiB",
    ]


class _Odd:
    """Something that fits nowhere."""

    def __repr__(self) -> str:
        return "something odd"


ODD: list[Any] = [None, 3, -1, True, 2.5, "x", b"x", [], [None], ["x"], {}, {"a": None}, _Odd(), object, 10**30]


@pytest.mark.parametrize("member", [a.name for a in attrs.fields(RegisterTaskDefinitionRequest)])
def test_odd_values_break_nothing(member: str) -> None:
    """A wrong type is reported as such."""
    for odd in ODD:
        findings = validate(attrs.evolve(request(fargate()), **{member: odd}))
        assert all(isinstance(each, Finding) for each in findings), odd


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_odd_values_inside_break_nothing(odd: Any) -> None:
    """In each member of a container and of what is in it."""
    for cls, target in (
        (ContainerDefinition, lambda value: {"container_definitions": [value]}),
        (PortMapping, lambda value: {"container_definitions": [ContainerDefinition(port_mappings=[value])]}),
        (HealthCheck, lambda value: {"container_definitions": [ContainerDefinition(health_check=value)]}),
        (Volume, lambda value: {"volumes": [value]}),
    ):
        for attribute in attrs.fields(cls):
            needed: dict[str, Any] = {"command": ["CMD", "x"]} if cls is HealthCheck else {}
            value = cls(**{**needed, attribute.name: odd})
            assert isinstance(validate(attrs.evolve(request(fargate()), **target(value))), list)


def test_wrong_types_are_reported_alone() -> None:
    """The other rules need them to be right."""
    wrong = attrs.evolve(request(fargate(networkMode="host")), cpu=256)  # type: ignore[arg-type]  # the point
    assert [(each.path, each.rule) for each in validate(wrong)] == [("cpu", "type")]


@pytest.mark.parametrize("thing", ["x", None, {}, ContainerDefinition(name="x")])
def test_what_is_no_definition_is_refused(thing: Any) -> None:
    """That is a mistake of the caller, not of a definition."""
    with pytest.raises(RequestError, match=f"got {type(thing).__name__}"):
        validate(thing)


def test_what_ecs_described_is_read_like_a_request() -> None:
    """Only the tags are missing."""
    definition = register(Simulator(), fargate())
    wrong = attrs.evolve(definition, cpu="300")
    assert validate(wrong) == validate(to_register_request(wrong)) != []


@settings(max_examples=50, deadline=None)
@given(text=st.text(max_size=12))
def test_any_text_is_a_size_or_a_finding(text: str) -> None:
    """And no error."""
    assert isinstance(validate(request(ec2(cpu=text, memory=text))), list)
