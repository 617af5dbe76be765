"""Breaches of the rules about the whole task, and about values and placeholders anywhere."""

from __future__ import annotations

from random import Random

from properties.definitions import EC2, ECR, EXTERNAL, FARGATE, LOGS, MANAGED, PORTABLE, SECRET, WINDOWS, Wire

from .making import INSTANCES, LINUX, ON_FARGATE, Breaches, extra, without_network, without_role

BREACHES = Breaches()
PROXY = ("ProxyIngressPort", "ProxyEgressPort", "AppPorts")


def proxy(name: str, *without: str) -> Wire:
    properties = [{"name": key, "value": "15000"} for key in PROXY if key not in without]
    return {"containerName": name, "properties": properties}


# The task.


@BREACHES.breach("definition-size")
def bytes_of_json(definition: Wire, _: Random) -> str:
    extra(definition, environment=[{"name": "A", "value": "x" * 65536}])
    return ""


BREACHES.task("family", "family", "my web", "", "a" * 256, "wéb")


@BREACHES.breach("containers")
def no_containers(definition: Wire, _: Random) -> str:
    definition["containerDefinitions"] = []
    definition.pop("proxyConfiguration", None)
    return "containerDefinitions"


@BREACHES.breach("containers")
def too_many_containers(definition: Wire, random: Random) -> str:
    for i in range(random.choice([11, 15]) - len(definition["containerDefinitions"])):
        extra(definition, name=f"more-{i}", memory=4)
    return "containerDefinitions"


@BREACHES.breach("unique-containers")
def two_of_a_name(definition: Wire, _: Random) -> str:
    extra(definition)
    at = extra(definition)
    return f"{at}.name"


@BREACHES.breach("essential")
def none_is_essential(definition: Wire, _: Random) -> str:
    for container in definition["containerDefinitions"]:
        container["essential"] = False
    return "containerDefinitions"


BREACHES.task("task-size", "cpu", "much", "1,5 vCPU", "9" * 30, "-256")
BREACHES.task("task-size", "memory", "1 TB", "512 MB", "x")
BREACHES.task("task-size", "cpu", "64", "0.1 vCPU", "200000", on=[*INSTANCES, WINDOWS])


@BREACHES.breach("memory-sum", *LINUX)
def more_memory_than_the_task(definition: Wire, _: Random) -> str:
    definition.setdefault("memory", "4096")
    extra(definition, memoryReservation=300000)
    return "memory"


@BREACHES.breach("memory-sum", *LINUX)
def a_container_above_the_task(definition: Wire, _: Random) -> str:
    definition.setdefault("memory", "4096")
    return f"{extra(definition, memory=300000, memoryReservation=4)}.memory"


@BREACHES.breach("execution-role")
def secrets_without_role(definition: Wire, _: Random) -> str:
    without_role(definition)
    at = extra(definition, secrets=[{"name": "TOKEN", "valueFrom": "token"}])
    return f"{at}.secrets"


@BREACHES.breach("execution-role")
def credentials_without_role(definition: Wire, _: Random) -> str:
    without_role(definition)
    at = extra(definition, repositoryCredentials={"credentialsParameter": SECRET})
    return f"{at}.repositoryCredentials"


@BREACHES.breach("execution-role")
def secret_options_without_role(definition: Wire, _: Random) -> str:
    without_role(definition)
    logs = {"logDriver": "splunk", "secretOptions": [{"name": "splunk-token", "valueFrom": SECRET}]}
    at = extra(definition, logConfiguration=logs)
    return f"{at}.logConfiguration.secretOptions"


@BREACHES.breach("execution-role", *ON_FARGATE)
def ecr_without_role(definition: Wire, random: Random) -> str:
    without_role(definition)
    images = [ECR, ECR.replace("eu-west-1", "cn-north-1").replace("com/", "com.cn/")]
    at = extra(definition, image=random.choice(images))
    return f"{at}.image"


@BREACHES.breach("execution-role", *ON_FARGATE)
def awslogs_without_role(definition: Wire, _: Random) -> str:
    without_role(definition)
    at = extra(definition, logConfiguration={"logDriver": "awslogs", "options": LOGS})
    return f"{at}.logConfiguration.logDriver"


_NO_ROLES = (
    "arn:aws:iam::ACCOUNT_ID:role/x",
    "arn:aws:iam::12345678901:role/x",
    "arn:aws:iam::123456789012:user/x",
    "a b",
)
BREACHES.task("role", "executionRoleArn", *_NO_ROLES)
BREACHES.task("role", "taskRoleArn", *_NO_ROLES)


@BREACHES.breach("placement-constraints", *INSTANCES, WINDOWS)
def too_many_constraints(definition: Wire, _: Random) -> str:
    definition["placementConstraints"] = [{"type": "memberOf", "expression": "true"}] * 11
    return "placementConstraints"


@BREACHES.breach("placement-constraints", *INSTANCES, WINDOWS)
def constraint_of_a_service(definition: Wire, random: Random) -> str:
    definition["placementConstraints"] = [{"type": random.choice(["distinctInstance", "memberof", "MemberOf"])}]
    return "placementConstraints[0].type"


@BREACHES.breach("proxy-container", FARGATE, PORTABLE)
def unknown_proxy(definition: Wire, _: Random) -> str:
    definition["proxyConfiguration"] = proxy("ghost")
    return "proxyConfiguration.containerName"


@BREACHES.breach("proxy-network-mode", EC2)
def proxy_in_a_bridge(definition: Wire, _: Random) -> str:
    without_network(definition)
    definition["networkMode"] = "bridge"
    definition["proxyConfiguration"] = proxy(definition["containerDefinitions"][0]["name"])
    return "proxyConfiguration"


for missing in PROXY:

    @BREACHES.breach("proxy-ports", FARGATE, PORTABLE)
    def proxy_without_port(definition: Wire, _: Random, missing: str = missing) -> str:
        definition["proxyConfiguration"] = proxy(definition["containerDefinitions"][0]["name"], missing)
        return "proxyConfiguration.properties"


@BREACHES.breach("external-network-mode", EXTERNAL)
def external_in_awsvpc(definition: Wire, _: Random) -> str:
    without_network(definition)
    definition["networkMode"] = "awsvpc"
    return "networkMode"


BREACHES.task("tags", "tags", [{"key": f"k{i}"} for i in range(51)])
BREACHES.task("tags", "tags[0].key", [{"key": ""}], [{"key": "k" * 129}], [{"key": "AWS:x"}])
BREACHES.task("tags", "tags[0].key", [{"value": "v"}], [{"Key": "k", "Value": "v"}])
BREACHES.task("tags", "tags[0].value", [{"key": "k", "value": "v" * 257}], [{"key": "k", "value": "aws:x"}])


@BREACHES.breach("tags")
def two_tags_of_a_key(definition: Wire, _: Random) -> str:
    definition["tags"] = [{"key": "a"}, {"key": "b"}, {"key": "a", "value": "x"}]
    return "tags[2].key"


_SANDBOX = {"isolationMode": "CONFIDENTIAL_SANDBOX"}
BREACHES.task("attestation-policy", "trustedExecutionConfiguration.attestationPolicy", _SANDBOX, on=[MANAGED])

# Values and placeholders anywhere.

BREACHES.task("enum", "networkMode", "AwsVpc", " awsvpc", on=ON_FARGATE)
BREACHES.task("enum", "requiresCompatibilities[0]", ["fargate"], ["Fargate"], on=[FARGATE])
BREACHES.task("enum", "pidMode", "", "Task", on=[FARGATE])
BREACHES.task("enum", "ipcMode", "", on=[FARGATE])
BREACHES.task("enum", "runtimePlatform.cpuArchitecture", {"cpuArchitecture": "arm64"}, on=LINUX)
BREACHES.task("enum", "runtimePlatform.operatingSystemFamily", {"operatingSystemFamily": "linux"}, on=LINUX)
BREACHES.container("enum", "versionConsistency", "", "Enabled")
BREACHES.container("enum", "logConfiguration.logDriver", {"logDriver": "AWSFirelens"})
BREACHES.container("enum", "environmentFiles[0].type", [{"type": "S3", "value": "arn:aws:s3:::b/a.env"}])
BREACHES.container("enum", "firelensConfiguration.type", {"type": "FluentBit"})
for ulimit in ("files", "NOFILE"):
    BREACHES.container("enum", "ulimits[0].name", [{"name": ulimit, "softLimit": 1, "hardLimit": 1}], on=LINUX)

BREACHES.task("placeholder", "family", "${FAMILY}", "<family>")
BREACHES.task("placeholder", "executionRoleArn", "$ROLE", "arn:aws:iam::<id>:role/x")
BREACHES.task("placeholder", "cpu", "{{ cpu }}")
_IMAGES = ("<IMAGE1_NAME>", "web:${TAG}", "{{ must_env `IMAGE` }}", "%IMAGE%", "$REG/app:$TAG", "web:<% tag %>")
BREACHES.container("placeholder", "image", *_IMAGES)


@BREACHES.breach("placeholder")
def secret_that_is_a_placeholder(definition: Wire, random: Random) -> str:
    without_role(definition)
    definition["executionRoleArn"] = "arn:aws:iam::123456789012:role/tasks"
    value = random.choice(["${TOKEN_ARN}", "<token>", "arn:aws:ssm:$REGION:123456789012:parameter/token", "{{ x }}"])
    at = extra(definition, secrets=[{"name": "TOKEN", "valueFrom": value}])
    return f"{at}.secrets[0].valueFrom"
