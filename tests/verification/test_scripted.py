"""What moto does not show of other services: refusals, lost connections, pages. Their responses are written here."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import attrs
import pytest
from botocore.session import Session
from service_definitions.written import BALANCER, EC2, FARGATE, ROLE, WRITTEN, mixed, prepare
from support import both_clients
from support.both_clients import Act, Went, comparable, then
from support.definitions import fargate
from support.simulated_ecs import answer as simulated

from ecskit import Client
from ecskit._core.effects import RawResponse, Send
from ecskit._transport.failures import service_error
from ecskit.errors import (
    AccessDeniedError,
    ConfigurationError,
    ConnectionFailedError,
    CredentialsError,
    EcsError,
    RequestError,
    VerificationFailed,
)
from ecskit.models import CreateServiceRequest, RegisterTaskDefinitionRequest
from ecskit.services import Check, Plan
from ecskit.testing import Simulator, attach

from .support import ACCOUNT, Wire

ECR = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"
IAM = f"arn:aws:iam::{ACCOUNT}:role"
GROUP = f"arn:aws:elasticloadbalancing:eu-west-1:{ACCOUNT}:targetgroup/blue/1"
SECRET = f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret"
TOKEN = "hunter2"
READS = ("Describe", "Get", "Head", "BatchGet")

Script = Mapping[str, Any]
"""By operations of other services: a response, an error, or a function that returns one for the parameters."""


def error(code: str, status: int = 400, message: str = "no") -> EcsError:
    return service_error(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}, "x", None
    )


def role(*principals: str, arn: str = f"{IAM}/execution", **statement: Any) -> Wire:
    own = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": list(principals)}}
    return {"Role": {"Arn": arn, "AssumeRolePolicyDocument": {"Statement": [{**own, **statement}]}}}


TASKS, SERVICES = role("ecs-tasks.amazonaws.com"), role("ecs.amazonaws.com")
THERE: Script = {
    "GetRole": lambda params: TASKS if params["RoleName"] == "execution" else SERVICES,
    "DescribeSubnets": lambda params: {
        "Subnets": [{"SubnetId": each, "VpcId": "vpc-1"} for each in params["Filters"][0]["Values"]]
    },
    "DescribeImages": {"imageDetails": [{"imageDigest": "sha256:1"}]},
    "DescribeTargetGroups": {
        "TargetGroups": [{"TargetGroupArn": GROUP, "TargetType": "ip", "VpcId": "vpc-1", "LoadBalancerArns": ["x"]}]
    },
}


@attrs.define
class Elsewhere:
    """Answers requests to other services by a script, and keeps them."""

    script: Script
    sent: list[Send] = attrs.field(factory=list[Send])

    def __call__(self, sim: Simulator, send: Send) -> RawResponse:
        if send.service == "ecs":
            return simulated(sim, send)
        self.sent.append(send)
        found: Any = {**THERE, **self.script}.get(send.operation, {})
        found = found(send.params) if callable(found) else found
        if isinstance(found, EcsError):
            raise copy.copy(found)
        return RawResponse(b"", {}, parsed=found)

    @property
    def operations(self) -> list[str]:
        return [each.operation for each in self.sent]


def both(act: Act, script: Script | None = None, before: Wire | None = None) -> tuple[Went, Elsewhere]:
    """Perform an act with both clients; they send the same to other services, too."""
    elsewhere: list[Elsewhere] = []

    def make() -> Simulator:
        sim = Simulator(region="eu-west-1")
        prepare(sim)
        if before is not None:
            sim.handle("CreateService", before)
        return sim

    def hooks() -> Wire:
        elsewhere.append(Elsewhere(script or {}))
        return {"answer": elsewhere[-1]}

    def compared(went: Went) -> Any:
        return comparable(went, result=str)

    went = both_clients.both(act, make, hooks=hooks, compared=compared)
    one, other = (sorted(map(repr, [(s.service, s.operation, s.params, s.region) for s in e.sent])) for e in elsewhere)
    assert one == other
    assert all(each.startswith(READS) and "Value" not in each for each in elsewhere[0].operations)
    return went, elsewhere[0]


def verifies(service: Wire, *containers: Wire, **members: Any) -> Act:
    """Return an act that plans and verifies a service."""
    task = None
    if containers:
        wire = fargate("new", *containers, **{"executionRoleArn": f"{IAM}/execution", **members})
        task = RegisterTaskDefinitionRequest.from_dict(wire)
    definition = CreateServiceRequest.from_dict(service)
    return lambda ecs: then(ecs.services.plan(definition, task_definition=task), ecs.services.verify)


def checks(went: Went) -> list[Check]:
    found = went.error.checks if isinstance(went.error, VerificationFailed) else went.returned()
    return [check for check in found if check.status != "holds"]


def app(**members: Any) -> Wire:
    return {"name": "app", "image": f"{ECR}/app:1", "portMappings": [{"containerPort": 80}], **members}


def secrets(*values: str) -> Wire:
    return app(secrets=[{"name": f"S{number}", "valueFrom": value} for number, value in enumerate(values)])


DENIED, GONE = error("AccessDeniedException"), ConnectionFailedError("x", "Could not connect")
AT = "containerDefinitions[0]"
REFUSED: Mapping[str, tuple[Script, str, str]] = {
    "no permission": (
        {"GetRole": error("AccessDenied", 403)},
        "executionRoleArn",
        f"the role {IAM}/execution: access denied; it needs the permission iam:GetRole",
    ),
    "EC2": (
        {"DescribeSubnets": error("UnauthorizedOperation", 403)},
        "networkConfiguration.awsvpcConfiguration.subnets[0]",
        "the subnet subnet-1: access denied; it needs the permission ec2:DescribeSubnets",
    ),
    "S3": (
        {"HeadObject": error("403", 403)},
        f"{AT}.environmentFiles[0].value",
        (
            "the environment file arn:aws:s3:::b/a.env: access denied; it needs the permission s3:GetObject, and"
            " s3:ListBucket to find out whether it exists"
        ),
    ),
    "not reached": (
        {"DescribeSecret": GONE},
        f"{AT}.secrets[0].valueFrom",
        f"the secret {SECRET}:a-123456: the service could not be reached: Could not connect",
    ),
    "another error, whose message may repeat the name": (
        {"DescribeParameters": error("ValidationException", message=f"not {TOKEN}")},
        f"{AT}.secrets[1].valueFrom",
        "the parameter: ValidationException",
    ),
    "throttled for too long": (
        {"DescribeImages": error("ThrottlingException", message="slow down")},
        f"{AT}.image",
        f"the image {ECR}/app:1: ThrottlingException: slow down",
    ),
    "pull through cache rules": (
        {"DescribeImages": error("RepositoryNotFoundException"), "DescribePullThroughCacheRules": DENIED},
        f"{AT}.image",
        (
            f"the image {ECR}/app:1: it is not in ECR, and whether a pull through cache rule fetches it was not read:"
            " access denied; it needs the permission ecr:DescribePullThroughCacheRules"
        ),
    ),
    "the manifest": (
        {
            "DescribeImages": {
                "imageDetails": [{"imageManifestMediaType": "application/vnd.oci.image.index.v1+json"}],
            },
            "BatchGetImage": DENIED,
        },
        f"{AT}.image",
        f"the platform of the image {ECR}/app:1: access denied; it needs the permission ecr:BatchGetImage",
    ),
}
READ: Script = {
    "DescribeSecret": {"VersionIdsToStages": {"1": ["AWSCURRENT"]}},
    "DescribeParameters": {"Parameters": [{"Name": TOKEN}]},
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_no_failure(case: str) -> None:
    """It is a check that was not made, with the permission that it needs. No message repeats what may be a secret."""
    script, path, text = REFUSED[case]
    container = secrets(f"{SECRET}:a-123456", TOKEN) | {
        "environmentFiles": [{"type": "s3", "value": "arn:aws:s3:::b/a.env"}]
    }
    went, _ = both(verifies(FARGATE, container), {**READ, **script})
    found = went.returned()
    assert [f"{path}: {text}"] == [str(check) for check in found.not_made if "names platforms" not in check.reason]
    assert () == found.missing
    assert TOKEN not in str(found)
    assert f"not made  {path}: {text}" in str(found).splitlines()


@pytest.mark.parametrize("raised", [error("ExpiredTokenException"), CredentialsError("x", "there are none")])
def test_without_credentials_nothing_is_verified(raised: EcsError) -> None:
    """Their error is raised: no check could be made."""
    went, _ = both(verifies(FARGATE, app()), {"GetRole": raised})
    assert isinstance(went.error, (AccessDeniedError, CredentialsError))


def test_a_service_that_is_not_reached_is_requested_no_further() -> None:
    """Each request may take a minute to fail; the others of the service are left out."""
    names = [f"{SECRET}:s{number:02}-123456" for number in range(30)]
    went, elsewhere = both(verifies(FARGATE, secrets(*names)), {"DescribeSecret": GONE})
    assert 30 == sum("could not be reached" in check.reason for check in went.returned().not_made)
    assert elsewhere.operations.count("DescribeSecret") <= 8 * 3
    assert went.elapsed < 20


def test_parameters_are_read_together_and_by_pages() -> None:
    """One request for up to 25, without values; further pages are read as long as one is missing."""

    def pages(params: Wire) -> Wire:
        names = params["ParameterFilters"][0]["Values"]
        number = int(params.get("NextToken", 0))
        return {"Parameters": [{"Name": each} for each in names[number : number + 1]], "NextToken": str(number + 1)}

    names = [f"/a/{number}" for number in range(30)]
    went, elsewhere = both(verifies(FARGATE, secrets(*names, names[0])), {"DescribeParameters": pages})
    assert () == went.returned().missing
    sent = [send for send in elsewhere.sent if send.service == "ssm"]
    assert {25, 5} == {len(send.params["ParameterFilters"][0]["Values"]) for send in sent}
    assert len(sent) == 30


def test_the_same_resource_is_read_once() -> None:
    """However many places name it."""
    log = {
        "logDriver": "awslogs",
        "options": {"awslogs-group": "/g", "awslogs-stream-prefix": "run", "awslogs-region": "eu-west-1"},
    }
    containers = [app(logConfiguration=log), app(name="side", logConfiguration=log)]
    went, elsewhere = both(
        verifies(FARGATE, *containers, taskRoleArn=f"{IAM}/execution"),
        {"DescribeLogGroups": {"logGroups": [{"logGroupName": "/g"}]}},
    )
    assert () == went.returned().missing
    assert ["DescribeImages", "DescribeLogGroups", "DescribeSubnets", "GetRole"] == sorted(elsewhere.operations)


MISSING: Mapping[str, tuple[Wire, Script, list[str]]] = {
    "roles of the service are trusted by ECS": (
        WRITTEN["blue/green with hooks"],
        {"GetRole": role("ecs-tasks.amazonaws.com", arn=ROLE)},
        [
            (
                f"{path}.roleArn: the role {ROLE} is not trusted: let its trust policy allow sts:AssumeRole"
                " to ecs.amazonaws.com"
            )
            for path in ("loadBalancers[0].advancedConfiguration", "deploymentConfiguration.lifecycleHooks[0]")
        ],
    ),
    "a trust policy that denies": (
        WRITTEN["blue/green with hooks"],
        {"GetRole": role("ecs.amazonaws.com", arn=ROLE, Effect="Deny")},
        [],
    ),
    "container instances": (
        {**EC2, "loadBalancers": [BALANCER]},
        {},
        [
            (
                f"loadBalancers[0].targetGroupArn: the target group {GROUP} does not fit: its target type is ip, and"
                " tasks with the network mode bridge need instance; create another one"
            )
        ],
    ),
}


@pytest.mark.parametrize("case", MISSING)
def test_what_is_missing(case: str) -> None:
    """It is named by its place, also if nothing of it changes."""
    service, script, texts = MISSING[case]
    texts = texts or MISSING["roles of the service are trusted by ECS"][2]
    groups = {
        "DescribeTargetGroups": lambda params: {
            "TargetGroups": [
                {**THERE["DescribeTargetGroups"]["TargetGroups"][0], "TargetGroupArn": params["TargetGroupArns"][0]}
            ]
        }
    }
    for before in (None, service):
        went, _ = both(verifies(service), {**groups, **script}, before)
        found = [str(check) for check in went.raised(VerificationFailed).checks.missing]
        assert texts == found
        assert f"service web: {len(texts)} missing: {'; '.join(texts)}" == str(went.error)


@pytest.mark.parametrize(
    ("container", "problem"),
    [
        (
            app(portMappings=[{"containerPortRange": "81-90"}]),
            "containerPort: no port mapping of the container has the",
        ),
        ({"name": "other", "image": "x"}, "containerName: "),
    ],
)
def test_members_that_stay_are_compared_with_the_new_task_definition(container: dict[str, Any], problem: str) -> None:
    """The load balancer of the service fits its old task definition, and not the new one: the plan refuses it."""
    change = {name: value for name, value in FARGATE.items() if name != "networkConfiguration"}
    went, elsewhere = both(verifies(change, container), before={**FARGATE, "loadBalancers": [BALANCER]})
    assert str(went.raised(RequestError)).startswith(f"services.plan: loadBalancers[0].{problem}")
    assert elsewhere.operations == []


def unknown(went: Went) -> list[str]:
    """Return which checks were not made because of the type of resource."""
    return [f"{check.path}: {check.what}" for check in checks(went) if "not looked up" in check.reason]


def test_what_is_not_looked_up_is_named() -> None:
    """Each such place of a service has a check that was not made."""
    service = {
        **FARGATE,
        "deploymentConfiguration": {"alarms": {"alarmNames": ["errors"], "enable": True, "rollback": True}},
        "serviceConnectConfiguration": {"enabled": True, "namespace": "local"},
    }
    went, _ = both(verifies(service))
    assert unknown(went) == [
        "deploymentConfiguration.alarms.alarmNames[0]: the alarm of CloudWatch",
        "serviceConnectConfiguration.namespace: the namespace of Cloud Map",
    ]


def test_logs_that_are_sent_elsewhere() -> None:
    """Their destination is not looked up, but a configuration file of FireLens in S3 is."""
    router = {"type": "fluentbit", "options": {"config-file-type": "s3", "config-file-value": "arn:aws:s3:::b/f.conf"}}
    containers = [
        app(logConfiguration={"logDriver": "awsfirelens", "options": {"Name": "datadog", "apikey": TOKEN}}),
        app(name="router", firelensConfiguration=router, logConfiguration={"logDriver": "json-file"}),
    ]
    task = RegisterTaskDefinitionRequest.from_dict({"family": "new", "containerDefinitions": containers})
    went, elsewhere = both(lambda ecs: ecs.task_definitions.verify(task), {"HeadObject": error("404", 404)})
    assert unknown(went) == [f"{AT}.logConfiguration: the destination of the log driver awsfirelens"]
    [missing] = went.raised(VerificationFailed).checks.missing
    assert str(missing) == (
        "containerDefinitions[1].firelensConfiguration.options.config-file-value: the configuration file of FireLens"
        " arn:aws:s3:::b/f.conf does not exist; upload it, or correct the name"
    )
    assert TOKEN not in str(went.raised(VerificationFailed).checks)
    assert [each.params for each in elsewhere.sent if each.service == "s3"] == [{"Bucket": "b", "Key": "f.conf"}]


def test_the_time_is_up() -> None:
    """What was not read by then is a check that was not made. Nothing further is sent, and nothing is missing."""
    names = [f"{SECRET}:s{number:02}-123456" for number in range(30)]

    def act(**options: Any) -> Act:
        task = RegisterTaskDefinitionRequest.from_dict(
            fargate("new", secrets(*names), executionRoleArn=f"{IAM}/execution")
        )
        return lambda ecs: ecs.task_definitions.verify(task, **options)

    throttled = {"DescribeSecret": error("ThrottlingException")}
    went, elsewhere = both(act(timeout=4), throttled)
    late = [
        check for check in went.returned().not_made if check.reason == "the time was up, 4 s; pass a longer `timeout`"
    ]
    assert 10 < len(late) < 30
    assert went.elapsed < 4 + 4
    assert elsewhere.operations.count("DescribeSecret") == 3 * (30 - len(late))
    went, elsewhere = both(act(timeout=0))
    assert (elsewhere.operations, went.returned().missing) == ([], ())
    went, _ = both(act(timeout=None), throttled)
    assert not [check for check in went.returned().not_made if "time was up" in check.reason]
    for wrong in (-1, "60"):
        went, _ = both(act(timeout=wrong))
        expected = f"task_definitions.verify: timeout: expected seconds, 0 or more, or None for no limit, got {wrong!r}"
        assert str(went.raised(RequestError)) == expected


def test_classic_load_balancers_are_not_read() -> None:
    """The role is, which ECS has for them."""
    went, elsewhere = both(verifies(WRITTEN["classic load balancer"]), {"GetRole": SERVICES})
    why = "the classic load balancer: resources of this type are not looked up"
    assert [f"loadBalancers[0].loadBalancerName: {why}"] == [
        str(check) for check in went.returned().not_made if "image" not in check.what
    ]
    assert elsewhere.operations == ["GetRole"]


def test_a_plan_from_json() -> None:
    """It takes the definitions again, and refuses others."""
    definition = CreateServiceRequest.from_dict(FARGATE)
    task = RegisterTaskDefinitionRequest.from_dict(fargate("new", app(), executionRoleArn=f"{IAM}/execution"))

    def act(given: CreateServiceRequest | None) -> Act:
        def verify(ecs: Any, plan: Plan) -> Any:
            again = Plan.from_json(plan.to_json())
            return ecs.services.verify(again, definition=given, task_definition=task if given else None)

        return lambda ecs: then(ecs.services.plan(definition, task_definition=task), lambda plan: verify(ecs, plan))

    went, elsewhere = both(act(definition))
    assert () == went.returned().missing
    assert {"GetRole", "DescribeImages", "DescribeSubnets"} == set(elsewhere.operations)
    went, elsewhere = both(act(None))
    assert "services.verify: definition: the plan was read from JSON" in str(went.raised(RequestError))
    went, _ = both(act(attrs.evolve(definition, desired_count=3)))
    assert "are not those of the plan" in str(went.raised(RequestError))


def test_a_task_definition_alone() -> None:
    """By its name, as ECS described it, or before it is registered. Nothing of a service is read."""
    other = role("ecs-tasks.amazonaws.com", arn=f"{IAM}/execution".replace(ACCOUNT, "210987654321"))
    wire = fargate("new", app(), executionRoleArn=f"{IAM}/execution")
    request = RegisterTaskDefinitionRequest.from_dict(wire)

    for script, expected in (({}, []), ({"GetRole": other}, ["executionRoleArn"])):
        went, elsewhere = both(lambda ecs: ecs.task_definitions.verify(request), script)
        assert expected == [
            check.path for check in went.returned().not_made if check.reason == "it is in another account"
        ]
        assert sorted(elsewhere.operations) == ["DescribeImages", "GetRole"]
    went, _ = both(lambda ecs: ecs.task_definitions.verify("web"))
    assert [check.path for check in went.returned()] == ["containerDefinitions[0].image"]
    act = verified_after_registration(request)
    went, _ = both(act, {"GetRole": error("NoSuchEntity", 404)})
    assert str(went.raised(VerificationFailed)) == (
        f"task definition new: 1 missing: executionRoleArn: the role {IAM}/execution does not exist; create it, or"
        " correct the name"
    )


def verified_after_registration(request: RegisterTaskDefinitionRequest) -> Act:
    return lambda ecs: then(
        ecs.task_definitions.register_if_changed(request),
        lambda registered: ecs.task_definitions.verify(registered.definition),
    )


@pytest.mark.parametrize("value", [None, "", 7, {"family": "web"}])
def test_a_wrong_task_definition(value: Any) -> None:
    """One error that names the argument; nothing is sent."""
    went, elsewhere = both(lambda ecs: ecs.task_definitions.verify(value))
    assert "task_definitions.verify: definition: expected" in str(went.raised(RequestError))
    assert [] == [*went.operations, *elsewhere.operations]


PLATFORMS: Mapping[str, tuple[Wire, Wire, str | None]] = {
    "Fargate by default": (FARGATE, {}, "linux/amd64"),
    "Fargate, ARM": (FARGATE, {"runtimePlatform": {"cpuArchitecture": "ARM64"}}, "linux/arm64"),
    "container instances": (
        {**FARGATE, "launchType": "EC2"},
        {"requiresCompatibilities": ["FARGATE", "EC2"]},
        None,
    ),
    "container instances, ARM": (EC2, {"runtimePlatform": {"cpuArchitecture": "ARM64"}}, "any/arm64"),
    "Windows": (EC2, {"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}, "windows/any"),
    "capacity providers": (mixed(("FARGATE_SPOT", 1, 0)), {}, "linux/amd64"),
}


@pytest.mark.parametrize("case", PLATFORMS)
def test_the_platform_that_tasks_need(case: str) -> None:
    """That of the task definition; on Fargate, Linux on X86_64 by default; else any."""
    service, members, expected = PLATFORMS[case]
    index = {"imageDetails": [{"imageManifestMediaType": "application/vnd.oci.image.index.v1+json"}]}
    manifest = json.dumps({"manifests": [{"platform": {"os": "plan9", "architecture": "mips"}}]})
    script = {"DescribeImages": index, "BatchGetImage": {"images": [{"imageManifest": manifest}]}}
    wire = fargate("new", app(), executionRoleArn=f"{IAM}/execution", **members)
    if service is EC2:
        wire = {"family": "new", "containerDefinitions": [app(memory=64)], **members}
    task = RegisterTaskDefinitionRequest.from_dict(wire)
    definition = CreateServiceRequest.from_dict(service)
    went, elsewhere = both(
        lambda ecs: then(ecs.services.plan(definition, task_definition=task), ecs.services.verify), script
    )
    if expected is None:
        assert () == went.returned().missing
        assert "BatchGetImage" not in elsewhere.operations
    else:
        [platform] = went.raised(VerificationFailed).checks.missing
        assert platform.reason.startswith(f"does not fit: tasks need {expected}, and the image index has plan9/mips;")


TRUSTS: Mapping[str, tuple[Wire, bool]] = {
    "the service": ({"Principal": {"Service": "ecs-tasks.amazonaws.com"}}, True),
    "of another partition": ({"Principal": {"Service": ["ecs-tasks.amazonaws.com.cn"]}}, True),
    "all": ({"Principal": "*"}, True),
    "all principals": ({"Principal": {"AWS": "*"}, "Action": ["sts:TagSession", "sts:*"]}, True),
    "an account": ({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}, False),
    "another action": ({"Action": "sts:AssumeRoleWithWebIdentity"}, False),
    "denied": ({"Effect": "Deny"}, False),
    "ECS itself": ({"Principal": {"Service": "ecs.amazonaws.com"}}, False),
}


@pytest.mark.parametrize("case", TRUSTS)
def test_trust_policies(case: str) -> None:
    """A statement has to allow sts:AssumeRole to the service of tasks."""
    statement, trusted = TRUSTS[case]
    script = {"GetRole": role("ecs-tasks.amazonaws.com", **statement)}
    went, _ = both(verifies(FARGATE, app()), script)
    assert trusted == (went.error is None)


def test_a_wrapped_client_has_no_clients_for_other_services() -> None:
    """The error names what to do."""
    sim = Simulator()
    prepare(sim)
    session = Session()
    session.set_credentials("testing", "testing")
    ecs = session.create_client("ecs", region_name="us-east-1")
    attach(ecs, sim)
    with Client.wrap(ecs) as client:
        plan = client.services.plan(CreateServiceRequest.from_dict(FARGATE))
        with pytest.raises(ConfigurationError, match="for the service ec2; make the client with session= in place of"):
            client.services.verify(plan)


def test_a_plan_of_another_region() -> None:
    """It is refused before anything is read."""

    def act(ecs: Any) -> Any:
        def verify(plan: Plan) -> Any:
            elsewhere = attrs.evolve(plan, cluster=plan.cluster.replace("eu-west-1", "us-west-2"))
            return ecs.services.verify(elsewhere)

        return then(ecs.services.plan(CreateServiceRequest.from_dict(FARGATE)), verify)

    went, elsewhere = both(act)
    assert "plan: is for the region us-west-2, and this client is for eu-west-1" in str(went.raised(RequestError))
    assert elsewhere.operations == []
