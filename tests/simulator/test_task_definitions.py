from __future__ import annotations

from typing import Any

import pytest

from .support import ARN, NOON, Wire, World

APP: Wire = {"name": "app", "image": "app:1"}


def register(world: World, **members: Any) -> Wire:
    request = {"family": "web", "containerDefinitions": [{**APP, "memory": 128}], **members}
    definition: Wire = world.do("RegisterTaskDefinition", **request)["taskDefinition"]
    return definition


def test_registration_fills_in_defaults(world: World) -> None:
    """A registered definition has the members that ECS adds."""
    definition = register(world)
    assert definition == {
        "taskDefinitionArn": f"{ARN}task-definition/web:1",
        "family": "web",
        "revision": 1,
        "status": "ACTIVE",
        "containerDefinitions": [
            {
                **APP,
                "memory": 128,
                "cpu": 0,
                "essential": True,
                "portMappings": [],
                "environment": [],
                "mountPoints": [],
                "volumesFrom": [],
                "systemControls": [],
            }
        ],
        "volumes": [],
        "placementConstraints": [],
        "compatibilities": ["EXTERNAL", "EC2"],
        "requiresAttributes": [],
        "registeredAt": world.clock(),
        "registeredBy": "arn:aws:iam::123456789012:user/simulator",
    }


@pytest.mark.parametrize(
    ("members", "container", "needed"),
    [
        ({}, {}, []),
        ({"taskRoleArn": "arn:aws:iam::123456789012:role/t"}, {}, ["task-iam-role"]),
        (
            {"taskRoleArn": "arn:aws:iam::123456789012:role/t", "networkMode": "host"},
            {},
            ["task-iam-role-network-host"],
        ),
        ({"networkMode": "awsvpc"}, {}, ["docker-remote-api.1.18", "task-eni"]),
        ({"pidMode": "host"}, {}, ["pid-ipc-namespace-sharing"]),
        (
            {"executionRoleArn": "arn:aws:iam::123456789012:role/e"},
            {"image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1"},
            ["ecr-auth", "execution-role-ecr-pull"],
        ),
        (
            {"executionRoleArn": "arn:aws:iam::123456789012:role/e"},
            {
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {"awslogs-group": "/app", "awslogs-region": "us-east-1"},
                },
                "secrets": [
                    {"name": "A", "valueFrom": "a-parameter"},
                    {"name": "B", "valueFrom": "arn:aws:secretsmanager:us-east-1:123456789012:secret:b-abcdef"},
                ],
            },
            [
                "docker-remote-api.1.19",
                "execution-role-awslogs",
                "logging-driver.awslogs",
                "secrets.asm.environment-variables",
                "secrets.ssm.environment-variables",
            ],
        ),
        (
            {"volumes": [{"name": "files", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]},
            {"mountPoints": [{"sourceVolume": "files", "containerPath": "/files"}]},
            ["docker-remote-api.1.17", "docker-remote-api.1.25", "efs"],
        ),
        (
            {},
            {"privileged": True, "healthCheck": {"command": ["CMD", "true"]}, "dockerLabels": {"a": "b"}},
            ["container-health-check", "docker-remote-api.1.18", "docker-remote-api.1.24", "privileged-container"],
        ),
        (
            {},
            {"healthCheck": {"command": ["CMD", "true"], "startPeriod": 10}, "memoryReservation": 64},
            ["container-health-check", "docker-remote-api.1.21", "docker-remote-api.1.29"],
        ),
        ({}, {"logConfiguration": {"logDriver": "syslog"}}, ["docker-remote-api.1.18", "logging-driver.syslog"]),
    ],
)
def test_attributes_that_instances_need(world: World, members: Wire, container: Wire, needed: list[str]) -> None:
    """`requiresAttributes` has the capabilities that the definition needs."""
    definition = register(world, containerDefinitions=[{**APP, "memory": 128, **container}], **members)
    assert sorted(each["name"].partition("capability.")[2] for each in definition["requiresAttributes"]) == needed


def test_volumes_are_completed(world: World) -> None:
    """A volume that is nowhere else is on the host, and a file system of EFS is mounted from its root."""
    where = {"fileSystemId": "fs-1"}
    volumes = [
        {"name": "scratch"},
        {"name": "host", "host": {"sourcePath": "/data"}},
        {"name": "files", "efsVolumeConfiguration": where},
        {"name": "part", "efsVolumeConfiguration": {**where, "rootDirectory": "/part"}},
        {"name": "later", "configuredAtLaunch": True},
    ]
    assert register(world, volumes=volumes)["volumes"] == [
        {"name": "scratch", "host": {}},
        {"name": "host", "host": {"sourcePath": "/data"}},
        {"name": "files", "efsVolumeConfiguration": {**where, "rootDirectory": "/"}},
        {"name": "part", "efsVolumeConfiguration": {**where, "rootDirectory": "/part"}},
        {"name": "later", "configuredAtLaunch": True},
    ]


def test_ports_are_completed(world: World) -> None:
    """The host port of an awsvpc task equals its container port, and the default protocol is TCP."""
    container = {**APP, "memory": 128, "portMappings": [{"containerPort": 80}]}
    awsvpc = register(world, networkMode="awsvpc", containerDefinitions=[container])
    bridge = register(world, containerDefinitions=[container])
    assert "networkMode" not in bridge
    assert awsvpc["containerDefinitions"][0]["portMappings"] == [
        {"containerPort": 80, "hostPort": 80, "protocol": "tcp"}
    ]
    assert bridge["containerDefinitions"][0]["portMappings"] == [
        {"containerPort": 80, "hostPort": 0, "protocol": "tcp"}
    ]


def test_task_sizes_are_normalised(world: World) -> None:
    """Sizes with units become CPU units and MiB."""
    world.register(cpu="1 vCPU", memory="2GB")
    definition = world.do("DescribeTaskDefinition", taskDefinition="web")["taskDefinition"]
    assert (definition["cpu"], definition["memory"]) == ("1024", "2048")


def test_revisions_count_by_family(world: World) -> None:
    """Each family counts its revisions from 1, and numbers are not used twice."""
    assert [register(world)["revision"], register(world)["revision"]] == [1, 2]
    assert register(world, family="other")["revision"] == 1
    world.do("DeregisterTaskDefinition", taskDefinition="web:2")
    world.do("DeleteTaskDefinitions", taskDefinitions=["web:2"])
    world.pass_(1e6)
    assert register(world)["revision"] == 3


def test_tags_are_beside_the_definition(world: World) -> None:
    """Tags are returned at the top level; describing shows them on demand."""
    tags = [{"key": "a", "value": "1"}]
    world.register(tags=tags)
    assert world.do("DescribeTaskDefinition", taskDefinition="web", include=["TAGS"])["tags"] == tags
    plain = world.do("DescribeTaskDefinition", taskDefinition="web")
    assert plain["tags"] == []
    assert "tags" not in plain["taskDefinition"]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"family": "a b"}, "Family"),
        ({"family": ""}, "family: expected 1 to 255"),
        ({"family": "x" * 256}, "family: expected 1 to 255"),
        ({"containerDefinitions": []}, "Container list cannot be empty."),
        ({"containerDefinitions": [{**APP, "memory": 4}, {**APP, "memory": 4}]}, "unique"),
        ({"containerDefinitions": [{**APP, "memory": 4, "essential": False}]}, "essential"),
        ({"containerDefinitions": [APP]}, "memory"),
        (
            {"containerDefinitions": [{**APP, "memory": 3}]},
            "containerDefinitions[0].memory: expected 4 MiB or more, got 3.",
        ),
        ({"containerDefinitions": [{**APP, "memory": 4, "memoryReservation": 8}]}, "memoryReservation"),
        ({"containerDefinitions": [{"name": "app", "memory": 4}]}, "image"),
        ({"containerDefinitions": [{"image": "app", "memory": 4}]}, "name"),
        (
            {
                "containerDefinitions": [
                    {**APP, "memory": 4, "dependsOn": [{"containerName": "x", "condition": "START"}]}
                ]
            },
            "Cannot depend on container + 'x' because it does not exist",
        ),
        (
            {"containerDefinitions": [{**APP, "memory": 4, "mountPoints": [{"sourceVolume": "v"}]}]},
            "Unknown volume 'v'.",
        ),
        ({"volumes": [{"name": "v"}, {"name": "v"}]}, "another volume has the name v"),
        (
            {
                "networkMode": "awsvpc",
                "containerDefinitions": [
                    {**APP, "memory": 4, "portMappings": [{"containerPort": 80, "hostPort": 8080}]}
                ],
            },
            "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
        ),
        ({"cpu": "much"}, "Invalid 'cpu' setting for task."),
    ],
)
def test_refusals(world: World, members: Wire, message: str) -> None:
    """An invalid definition is a ClientException, and uses no revision number."""
    request = {"family": "web", "containerDefinitions": [{**APP, "memory": 128}], **members}
    refusal = world.refusal("RegisterTaskDefinition", **request)
    assert refusal.code == "ClientException"
    assert message in refusal.message
    assert register(world)["revision"] == 1


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"networkMode": "bridge"}, "Fargate only supports network mode \N{LEFT SINGLE QUOTATION MARK}awsvpc"),
        ({"networkMode": None}, "Fargate only supports network mode \N{LEFT SINGLE QUOTATION MARK}awsvpc"),
        ({"cpu": None}, "Fargate requires that 'cpu' be defined at the task level."),
        ({"memory": None}, "Fargate requires that 'memory' be defined at the task level."),
        ({"memory": "4096"}, "256 CPU, 4096 memory"),
        ({"cpu": "300"}, "300 CPU, 512 memory"),
        ({"containerDefinitions": [{**APP, "cpu": 512}]}, "The sum of all container 'cpu' values"),
        (
            {"containerDefinitions": [{**APP, "memory": 1024}]},
            "The 'memory' setting for container 'app' is greater than for the task",
        ),
        ({"containerDefinitions": [{**APP, "privileged": True}]}, "privileged"),
        ({"containerDefinitions": [{**APP, "links": ["db"]}]}, "links"),
        ({"placementConstraints": [{"type": "memberOf", "expression": "x"}]}, "placementConstraints"),
        ({"containerDefinitions": [{**APP, "stopTimeout": 121}]}, "120"),
    ],
)
def test_fargate_refusals(world: World, members: Wire, message: str) -> None:
    """Fargate needs awsvpc and one of its sizes, with containers that fit into it."""
    request = {
        "family": "web",
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [APP],
        **members,
    }
    refusal = world.refusal(
        "RegisterTaskDefinition", **{name: value for name, value in request.items() if value is not None}
    )
    assert refusal.code == "ClientException"
    assert message in refusal.message


@pytest.mark.parametrize("reference", ["web", "web:2", f"{ARN}task-definition/web:2"])
def test_describe_by_family_revision_and_arn(world: World, reference: str) -> None:
    """A definition is found by family (latest ACTIVE revision), by revision and by ARN."""
    register(world)
    register(world)
    assert world.do("DescribeTaskDefinition", taskDefinition=reference)["taskDefinition"]["revision"] == 2


def test_describe_unknown(world: World) -> None:
    """An unknown definition is a ClientException."""
    for reference in ("web", "web:1", f"{ARN}task-definition/web:1"):
        refusal = world.refusal("DescribeTaskDefinition", taskDefinition=reference)
        assert (refusal.code, refusal.message) == ("ClientException", "Unable to describe task definition.")


def test_deregistration(world: World) -> None:
    """A deregistered revision is INACTIVE, still described, and cannot be deregistered again."""
    register(world)
    register(world)
    assert world.do("DeregisterTaskDefinition", taskDefinition="web:2")["taskDefinition"]["status"] == "INACTIVE"
    assert world.do("DescribeTaskDefinition", taskDefinition="web:2")["taskDefinition"]["status"] == "INACTIVE"
    assert world.do("DescribeTaskDefinition", taskDefinition="web")["taskDefinition"]["revision"] == 1
    assert world.refusal("DeregisterTaskDefinition", taskDefinition="web:2").code == "ClientException"
    assert world.refusal("DeregisterTaskDefinition", taskDefinition="web").code == "ClientException"
    assert world.refusal("DeregisterTaskDefinition", taskDefinition="web:9").code == "ClientException"


def test_deletion_needs_deregistration(world: World) -> None:
    """Only INACTIVE revisions are deleted; the others are failures."""
    register(world)
    register(world)
    world.do("DeregisterTaskDefinition", taskDefinition="web:1")
    answer = world.do("DeleteTaskDefinitions", taskDefinitions=["web:1", "web:2", "web:3"])
    assert [(each["revision"], each["status"]) for each in answer["taskDefinitions"]] == [(1, "DELETE_IN_PROGRESS")]
    assert [each["arn"] for each in answer["failures"]] == [
        f"{ARN}task-definition/web:2",
        f"{ARN}task-definition/web:3",
    ]


def test_answers_lack_the_times_that_they_set(world: World) -> None:
    """The answers of Deregister and Delete lack `deregisteredAt` and `deleteRequestedAt`; descriptions have them."""
    register(world)
    answer = world.do("DeregisterTaskDefinition", taskDefinition="web:1")["taskDefinition"]
    assert "deregisteredAt" not in answer
    assert world.do("DescribeTaskDefinition", taskDefinition="web:1")["taskDefinition"]["deregisteredAt"] == NOON
    world.pass_(9)
    (answer,) = world.do("DeleteTaskDefinitions", taskDefinitions=["web:1"])["taskDefinitions"]
    assert (answer["deregisteredAt"], answer.get("deleteRequestedAt")) == (NOON, None)
    described = world.do("DescribeTaskDefinition", taskDefinition="web:1")["taskDefinition"]
    assert described["deleteRequestedAt"] == NOON + 9


@pytest.mark.parametrize("reference", ["web", "web:latest", "", f"{ARN}cluster/default", "arn:aws"])
def test_deletion_lists_malformed_references_as_failures(world: World, reference: str) -> None:
    """A reference without a revision is a failure, with the reference as its ARN; the others are deleted."""
    register(world)
    world.do("DeregisterTaskDefinition", taskDefinition="web:1")
    answer = world.do("DeleteTaskDefinitions", taskDefinitions=[reference, "web:1"])
    assert [each["revision"] for each in answer["taskDefinitions"]] == [1]
    assert answer["failures"] == [
        {
            "arn": reference,
            "reason": (
                "The specified task definition identifier is invalid. Specify a valid name or ARN and try again."
            ),
        }
    ]


def test_a_deleted_revision_stays_while_tasks_use_it(world: World) -> None:
    """A revision is DELETE_IN_PROGRESS until its tasks have ended; they keep running."""
    world.register()
    arn = world.run_one()
    world.do("DeregisterTaskDefinition", taskDefinition="web:1")
    world.do("DeleteTaskDefinitions", taskDefinitions=["web:1"])
    world.pass_(1e5)
    described = world.do("DescribeTaskDefinition", taskDefinition="web:1")["taskDefinition"]
    assert (described["status"], world.task(arn)["lastStatus"]) == ("DELETE_IN_PROGRESS", "RUNNING")
    world.do("StopTask", task=arn)
    world.pass_(1e5)
    assert world.refusal("DescribeTaskDefinition", taskDefinition="web:1").code == "ClientException"


def test_deletion_takes_up_to_10(world: World) -> None:
    """DeleteTaskDefinitions takes at most ten definitions a call."""
    refusal = world.refusal("DeleteTaskDefinitions", taskDefinitions=[f"web:{n}" for n in range(11)])
    assert refusal.code == "InvalidParameterException"


def test_list(world: World) -> None:
    """Definitions are listed by family and revision, ascending or descending, by exact family and status."""
    for family in ("b", "a", "a", "ab"):
        register(world, family=family)
    for _ in range(9):
        register(world, family="a")
    world.do("DeregisterTaskDefinition", taskDefinition="a:11")

    def listed(**members: Any) -> list[str]:
        arns = world.do("ListTaskDefinitions", **members)["taskDefinitionArns"]
        return [arn.rsplit("/", 1)[1] for arn in arns]

    assert listed() == [*(f"a:{number}" for number in range(1, 11)), "ab:1", "b:1"]
    assert listed(familyPrefix="a", sort="DESC", maxResults=3) == ["a:10", "a:9", "a:8"]
    assert listed(status="INACTIVE") == ["a:11"]


def test_list_down_in_pages(world: World) -> None:
    """Pages work in ascending and descending order."""
    for _ in range(5):
        register(world)
    first = world.do("ListTaskDefinitions", sort="DESC", maxResults=3)
    second = world.do("ListTaskDefinitions", sort="DESC", nextToken=first["nextToken"])
    revisions = [int(arn.rsplit(":", 1)[1]) for page in (first, second) for arn in page["taskDefinitionArns"]]
    assert revisions == [5, 4, 3, 2, 1]


def test_list_families(world: World) -> None:
    """Families are listed by prefix; one is INACTIVE when no revision of it is ACTIVE."""
    for family in ("web", "worker", "old"):
        register(world, family=family)
    world.do("DeregisterTaskDefinition", taskDefinition="old:1")
    cases: list[tuple[Wire, list[str]]] = [
        ({}, ["web", "worker"]),
        ({"familyPrefix": "wo"}, ["worker"]),
        ({"status": "INACTIVE"}, ["old"]),
        ({"status": "ALL"}, ["old", "web", "worker"]),
    ]
    for members, expected in cases:
        assert (members, world.do("ListTaskDefinitionFamilies", **members)["families"]) == (members, expected)
