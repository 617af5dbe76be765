"""Verify plans with moto's server for all services but ECS, through botocore and aiobotocore.

moto has no pull through cache rules: its response to that request is written here.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.core.responses import ActionResult
from moto.ecr.responses import ECRResponse
from moto.server import ThreadedMotoServer
from support.both_clients import then
from support.definitions import fargate

from ecskit.errors import VerificationFailed
from ecskit.models import CreateServiceRequest, RegisterTaskDefinitionRequest
from ecskit.services import Checks
from ecskit.testing import Simulator

from .support import ACCOUNT, KEYS, Wire, beside_moto

ECR = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com"
IAM = f"arn:aws:iam::{ACCOUNT}:role"
SSM = f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter"
INDEX = "application/vnd.oci.image.index.v1+json"
PLATFORMS = [("linux", "amd64"), ("unknown", "unknown"), ("linux", "arm64")]
DIGESTS = {"many": "sha256:" + "a" * 64, "arm": "sha256:" + "b" * 64}
LOST_SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:lost-abcdef"
SECRET = "hunter2"


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patched:
        rules = ActionResult({"pullThroughCacheRules": [{"ecrRepositoryPrefix": "docker-hub"}]})
        patched.setattr(ECRResponse, "describe_pull_through_cache_rules", lambda _: rules, raising=False)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()


@pytest.fixture(scope="module")
def made(moto: str) -> Wire:
    """What moto makes for the tests: the ids and ARNs."""
    with ExitStack() as open_clients:

        def client(service: Any) -> Any:
            return open_clients.enter_context(closing(boto3.client(service, endpoint_url=moto, **KEYS)))

        iam, logs, ecr, secrets, ssm, s3 = map(client, ("iam", "logs", "ecr", "secretsmanager", "ssm", "s3"))
        efs, elb, ec2 = map(client, ("efs", "elbv2", "ec2"))
        for name, path, principals in (
            ("execution", "/jobs/", ["ec2.amazonaws.com", "ecs-tasks.amazonaws.com"]),
            ("hosts", "/", "ec2.amazonaws.com"),
        ):
            statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": principals}}
            trust = json.dumps({"Version": "2012-10-17", "Statement": statement})
            iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=trust)
        for name in ("/ecs/web", "/ecs/web/2"):
            logs.create_log_group(logGroupName=name)
        ecr.create_repository(repositoryName="shop/app")
        for tag, platforms in (("many", PLATFORMS), ("arm", PLATFORMS[1:])):
            manifests = [{"platform": {"os": system, "architecture": name}} for system, name in platforms]
            index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})
            ecr.put_image(repositoryName="shop/app", imageTag=tag, imageManifest=index, imageDigest=DIGESTS[tag])
        single = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"})
        ecr.put_image(repositoryName="shop/app", imageTag="one", imageManifest=single)
        secret = secrets.create_secret(Name="token", SecretString=SECRET)["ARN"]
        deleted = secrets.create_secret(Name="old", SecretString=SECRET)["ARN"]
        secrets.delete_secret(SecretId="old")
        for name in ["plain", *(f"/web/{n}" for n in range(12))]:
            ssm.put_parameter(Name=name, Value=SECRET, Type="SecureString")
        s3.create_bucket(Bucket="settings")
        s3.put_object(Bucket="settings", Key="web/app.env", Body=f"A={SECRET}".encode())
        systems = [efs.create_file_system(CreationToken=token)["FileSystemId"] for token in "ab"]
        point = efs.create_access_point(ClientToken="c", FileSystemId=systems[0])["AccessPointId"]
        subnets = ec2.describe_subnets()["Subnets"][:2]
        vpc = subnets[0]["VpcId"]
        other = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        inside, outside = (
            ec2.create_security_group(GroupName="web", Description="web", VpcId=each)["GroupId"]
            for each in (vpc, other)
        )
        ids = [each["SubnetId"] for each in subnets]
        [balancer] = elb.create_load_balancer(Name="web", Subnets=ids)["LoadBalancers"]

        def target_group(name: str, kind: str) -> str:
            [group] = elb.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=vpc, TargetType=kind)[
                "TargetGroups"
            ]
            arn: str = group["TargetGroupArn"]
            return arn

        groups = {
            name: target_group(name, kind) for name, kind in (("web", "ip"), ("new", "ip"), ("hosts", "instance"))
        }
        elb.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": groups["web"]}],
        )
    return {
        "secret": secret,
        "deleted": deleted,
        "systems": systems,
        "point": point,
        "subnets": ids,
        "inside": inside,
        "outside": outside,
        "vpc": vpc,
        "other": other,
        "groups": groups,
    }


def awslogs(group: str, **options: str) -> Wire:
    own = {"awslogs-group": group, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "run"}
    return {"logDriver": "awslogs", "options": own | options}


def valued(*values: str) -> list[Wire]:
    return [{"name": f"S{number}", "valueFrom": value} for number, value in enumerate(values)]


def efs_volume(name: str, system: str, point: str) -> Wire:
    authorization = {"accessPointId": point, "iam": "ENABLED"}
    configuration = {"fileSystemId": system, "transitEncryption": "ENABLED", "authorizationConfig": authorization}
    return {"name": name, "efsVolumeConfiguration": configuration}


def service(subnets: list[str], groups: list[str], *target_groups: str, port: int = 80) -> CreateServiceRequest:
    network = {"awsvpcConfiguration": {"subnets": subnets, "securityGroups": groups}}
    balancers = [{"targetGroupArn": each, "containerName": "app", "containerPort": port} for each in target_groups]
    return CreateServiceRequest.from_dict(
        {
            "serviceName": "web",
            "desiredCount": 1,
            "launchType": "FARGATE",
            "taskDefinition": "web",
            "networkConfiguration": network,
            "loadBalancers": balancers,
        }
    )


def verified(ecs: Any, definition: CreateServiceRequest, task: Wire) -> Any:
    task_definition = RegisterTaskDefinitionRequest.from_dict(task)
    return then(ecs.services.plan(definition, task_definition=task_definition), ecs.services.verify)


def expected(name: str) -> list[str]:
    """Return the lines of a file beside this one."""
    return Path(__file__).with_name(f"{name}.txt").read_text("utf-8").splitlines()


def shown(checks: Checks, made: Wire) -> list[str]:
    """Return the lines of the checks, with the names of what moto has made."""
    text = str(checks)
    assert SECRET not in text
    named = {"ECR": ECR, "IAM": IAM, "SSM": SSM}
    for number in (0, 1):
        named |= {f"subnet {number}": made["subnets"][number], f"system {number}": made["systems"][number]}
    named |= {f"{name} group": arn.rpartition(":")[2] for name, arn in made["groups"].items()}
    named |= {name: value for name, value in made.items() if isinstance(value, str)}
    for name, value in named.items():
        text = text.replace(value, f"<{name}>")
    return text.splitlines()


def what_is_there(made: Wire) -> tuple[CreateServiceRequest, Wire]:
    app: Wire = {
        "name": "app",
        "image": f"{ECR}/shop/app:many",
        "portMappings": [{"containerPort": 80}],
        "secrets": valued(
            made["secret"], f"{made['secret']}:user:AWSCURRENT:", f"{SSM}/plain", f"{SSM}/web/3", "/web/11"
        ),
        "environmentFiles": [{"type": "s3", "value": "arn:aws:s3:::settings/web/app.env"}],
        "logConfiguration": awslogs("/ecs/web"),
    }
    side: Wire = {
        "name": "side",
        "image": f"{ECR}/shop/app:one",
        "logConfiguration": awslogs("/none", **{"awslogs-create-group": "true"}),
        "secrets": valued("arn:aws:ssm:us-east-1:210987654321:parameter/x"),
    }
    elsewhere: list[Wire] = [
        {"name": "public", "image": "public.ecr.aws/nginx/nginx:1"},
        {"name": "cached", "image": f"{ECR}/docker-hub/library/nginx:1"},
    ]
    task = fargate(
        "web",
        *[app, side, *elsewhere],
        executionRoleArn=f"{IAM}/jobs/execution",
        taskRoleArn="arn:aws:iam::210987654321:role/task",
        runtimePlatform={"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        volumes=[efs_volume("data", made["systems"][0], made["point"])],
    )
    definition = service(made["subnets"], [made["inside"]], made["groups"]["web"])
    return definition, task


def what_is_missing(made: Wire) -> tuple[CreateServiceRequest, Wire]:
    lost = {
        "name": "app",
        "image": f"{ECR}/shop/app:2",
        "portMappings": [{"containerPort": 80}],
        "secrets": valued(
            *(
                f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:lost-abcdef",
                made["deleted"],
                f"{made['secret']}::AWSPREVIOUS:",
            ),
            *(f"{made['secret']}:::{'0' * 32}", f"{SSM}/web", "plaim"),
        ),
        "environmentFiles": [
            {"type": "s3", "value": f"arn:aws:s3:::{name}/app.env"} for name in ("settings", "x-settings")
        ],
        "logConfiguration": awslogs("/ecs/we"),
    }
    side: Wire = {"name": "side", "image": f"{ECR}/shop/ap:1"}
    arm = {"name": "arm", "image": f"{ECR}/shop/app@{DIGESTS['arm']}"}
    task = fargate(
        "web",
        *(lost, side, arm),
        executionRoleArn=f"{IAM}/execution",
        taskRoleArn=f"{IAM}/hosts",
        volumes=[
            efs_volume("data", made["systems"][1], made["point"]),
            efs_volume("lost", "fs-0123456789abcdef0", "fsap-0123456789abcdef0"),
        ],
    )
    groups = made["groups"]
    lost_group = f"arn:aws:elasticloadbalancing:us-east-1:{ACCOUNT}:targetgroup/lost/0123456789abcdef"
    definition = service(
        [*made["subnets"], "subnet-0123456789abcdef0"],
        [made["outside"], "sg-0123456789abcdef0"],
        *(groups["new"], groups["hosts"], lost_group),
    )
    return definition, task


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_verifying(moto: str, made: Wire, colour: str) -> None:
    """What is there holds; one error names all that is missing, with its place and what to do.

    What is in another place, or cannot be read, is a check that was not made.
    """
    cases = [what_is_there(made), what_is_missing(made)]
    acts = [functools.partial(verified, definition=definition, task=task) for definition, task in cases]
    there, missing = beside_moto(acts, moto, Simulator(), colour)
    assert expected("there") == shown(there.returned(), made)
    error = missing.raised(VerificationFailed)
    assert expected("missing") == shown(error.checks, made)
    assert str(error).startswith("service web: 23 missing: executionRoleArn: the role arn:aws:iam::")
