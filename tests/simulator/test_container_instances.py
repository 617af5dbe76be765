from __future__ import annotations

import json
from typing import Any

import pytest

from .support import ARN, Wire, World


def describe(world: World, arn: str, **members: Any) -> Wire:
    (instance,) = world.do("DescribeContainerInstances", containerInstances=[arn], **members)["containerInstances"]
    shown: Wire = instance
    return shown


def remaining(instance: Wire) -> dict[str, Any]:
    return {each["name"]: each.get("stringSetValue", each["integerValue"]) for each in instance["remainingResources"]}


def test_registration_reads_the_identity_document(world: World) -> None:
    """Instance id, type and zone come from the identity document, if there is one."""
    document = {
        "instanceId": "i-1",
        "instanceType": "c5.xlarge",
        "availabilityZone": "us-east-1c",
        "imageId": "ami-1",
    }
    answer = world.do("RegisterContainerInstance", instanceIdentityDocument=json.dumps(document))
    instance = answer["containerInstance"]
    attributes = {each["name"]: each.get("value") for each in instance["attributes"]}
    assert (instance["ec2InstanceId"], instance["status"], instance["agentConnected"]) == ("i-1", "ACTIVE", True)
    assert attributes["ecs.instance-type"] == "c5.xlarge"
    assert attributes["ecs.availability-zone"] == "us-east-1c"
    assert attributes["ecs.ami-id"] == "ami-1"


def test_an_instance_has_what_its_agent_reports(world: World) -> None:
    """Without attributes in the request, an instance can do everything; a capability has no value."""
    shown = world.do("RegisterContainerInstance")["containerInstance"]["attributes"]
    assert {"name": "com.amazonaws.ecs.capability.docker-remote-api.1.19"} in shown
    shown = world.do("RegisterContainerInstance", attributes=[{"name": "ecs.capability.efs"}])["containerInstance"]
    names = ("ecs.ami-id", "ecs.availability-zone", "ecs.instance-type", "ecs.os-type", "ecs.cpu-architecture")
    assert [each["name"] for each in shown["attributes"]] == [*names, "ecs.capability.efs"]


def test_automatic_ports_are_not_reserved(world: World) -> None:
    """Ports that were chosen for tasks are not among the remaining resources, but no two tasks have the same."""
    arn = world.add_instance()
    world.register_for_instances(portMappings=[{"containerPort": 80}, {"containerPort": 81, "hostPort": 8081}])
    world.register_for_instances("other", portMappings=[{"containerPort": 80}])
    for family in ("web", "other"):
        world.do("RunTask", taskDefinition=family)
    world.pass_(30)
    assert remaining(describe(world, arn))["PORTS"] == ["22", "8081"]
    tasks = world.do("DescribeTasks", tasks=world.do("ListTasks")["taskArns"])["tasks"]
    bindings = [each["hostPort"] for task in tasks for each in task["containers"][0]["networkBindings"]]
    assert sorted(bindings) == [8081, 32768, 32769]


def test_an_identity_document_is_json(world: World) -> None:
    """A document that is no JSON object is refused."""
    for document in ("{", "[]"):
        refusal = world.refusal("RegisterContainerInstance", instanceIdentityDocument=document)
        assert refusal.code == "InvalidParameterException"


def test_registering_again_keeps_the_instance(world: World) -> None:
    """With its ARN, an instance registers again under the same name, in a new version."""
    arn = world.add_instance()
    again = world.do("RegisterContainerInstance", containerInstanceArn=arn)["containerInstance"]
    assert (again["containerInstanceArn"], again["version"]) == (arn, 2)
    assert world.do("ListContainerInstances")["containerInstanceArns"] == [arn]


def test_resources_shrink_and_come_back(world: World) -> None:
    """What remains is what was registered, less what tasks hold."""
    arn = world.add_instance(cpu=1024, memory=2048)
    world.register_for_instances(memory=512, cpu=256, portMappings=[{"containerPort": 80, "hostPort": 8080}])
    before = describe(world, arn)
    (task,) = world.do("RunTask", taskDefinition="web")["tasks"]
    during = describe(world, arn)
    world.do("StopTask", task=task["taskArn"])
    world.pass_(60)
    after = describe(world, arn)
    assert remaining(before) == {"CPU": 1024, "MEMORY": 2048, "PORTS": ["22"]}
    assert remaining(during) == {"CPU": 768, "MEMORY": 1536, "PORTS": ["22", "8080"]}
    assert remaining(after) == remaining(before)
    assert during["pendingTasksCount"] == 1


def test_unknown_instances_are_missing(world: World) -> None:
    """Unknown instances are failures; none at all, or more than 100, are refused."""
    answer = world.do("DescribeContainerInstances", containerInstances=["nope"])
    assert answer["failures"] == [{"arn": f"{ARN}container-instance/default/nope", "reason": "MISSING"}]
    for names in ([], ["x"] * 101):
        refusal = world.refusal("DescribeContainerInstances", containerInstances=names)
        assert refusal.code == "InvalidParameterException"


def test_include(world: World) -> None:
    """Tags and health are shown on demand."""
    arn = world.add_instance(tags=[{"key": "a", "value": "1"}])
    plain = describe(world, arn)
    full = describe(world, arn, include=["TAGS", "CONTAINER_INSTANCE_HEALTH"])
    assert (plain["tags"], "healthStatus" in plain) == ([], False)
    assert (full["tags"], full["healthStatus"]["overallStatus"]) == ([{"key": "a", "value": "1"}], "OK")


def test_list_filters(world: World) -> None:
    """Instances are listed by status and by an expression."""
    plain, fast = world.add_instance(), world.add_instance(attributes=[{"name": "disk", "value": "fast"}])
    world.do("UpdateContainerInstancesState", containerInstances=[plain], status="DRAINING")
    cases: list[tuple[Wire, list[str]]] = [
        ({}, [plain, fast]),
        ({"status": "DRAINING"}, [plain]),
        ({"status": "ACTIVE"}, [fast]),
        ({"filter": "attribute:disk == fast"}, [fast]),
    ]
    for members, expected in cases:
        listed = world.do("ListContainerInstances", **members)["containerInstanceArns"]
        assert (members, listed) == (members, expected)


def test_states(world: World) -> None:
    """Instances are set to ACTIVE or DRAINING, at most ten a call; unknown ones are failures."""
    arn = world.add_instance()
    answer = world.do("UpdateContainerInstancesState", containerInstances=[arn, "nope"], status="DRAINING")
    assert [each["status"] for each in answer["containerInstances"]] == ["DRAINING"]
    assert [each["reason"] for each in answer["failures"]] == ["MISSING"]
    for members in (
        {"containerInstances": [arn], "status": "REGISTERING"},
        {"containerInstances": ["x"] * 11, "status": "ACTIVE"},
    ):
        refusal = world.refusal("UpdateContainerInstancesState", **members)
        assert refusal.code == "InvalidParameterException"


def test_deregistration_needs_force_while_tasks_run(world: World) -> None:
    """An instance with tasks goes only by force, and its tasks stop."""
    arn = world.add_instance()
    world.register_for_instances()
    (task,) = world.do("RunTask", taskDefinition="web")["tasks"]
    assert world.refusal("DeregisterContainerInstance", containerInstance=arn).code == "InvalidParameterException"
    gone = world.do("DeregisterContainerInstance", containerInstance=arn, force=True)["containerInstance"]
    assert gone["status"] == "INACTIVE"
    world.pass_(60)
    assert world.task(task["taskArn"])["lastStatus"] == "STOPPED"
    assert world.do("ListContainerInstances")["containerInstanceArns"] == []


def test_an_agent_update_takes_a_while(world: World) -> None:
    """The agent is PENDING, then UPDATED to the latest version, which needs no update."""
    arn = world.add_instance()
    answer = world.do("UpdateContainerAgent", containerInstance=arn)
    assert answer["containerInstance"]["agentUpdateStatus"] == "PENDING"
    assert world.refusal("UpdateContainerAgent", containerInstance=arn).code == "UpdateInProgressException"
    world.pass_(60)
    assert describe(world, arn)["agentUpdateStatus"] == "UPDATED"
    assert world.refusal("UpdateContainerAgent", containerInstance=arn).code == "NoUpdateAvailableException"


def test_an_agent_without_version(world: World) -> None:
    """An agent without a version is not updated."""
    arn = world.add_instance(versionInfo={"dockerVersion": "25"})
    assert world.refusal("UpdateContainerAgent", containerInstance=arn).code == "MissingVersionException"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("attribute:disk == fast", "a"),
        ("attribute:disk != fast", "bc"),
        ("attribute:disk exists", "ab"),
        ("attribute:disk !exists", "c"),
        ("attribute:disk in [fast, slow]", "ab"),
        ("attribute:disk not_in [fast]", "bc"),
        ("attribute:disk =~ f.*", "a"),
        ("attribute:disk !~ f.*", "bc"),
        ("attribute:disk == fast or attribute:disk == slow", "ab"),
        ("attribute:disk == fast or attribute:disk exists and attribute:ecs.os-type == linux", "ab"),
        ("attribute:disk == fast and attribute:disk == slow", ""),
        ("agentConnected == true", "abc"),
    ],
)
def test_expressions(world: World, expression: str, expected: str) -> None:
    """Expressions compare attributes, and combine comparisons by and / or."""
    arns = {}
    for name, disk in (("a", "fast"), ("b", "slow"), ("c", None)):
        arns[name] = world.add_instance(attributes=[{"name": "disk", "value": disk}] if disk else [])
    listed = world.do("ListContainerInstances", filter=expression)["containerInstanceArns"]
    assert listed == [arns[name] for name in expected]


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("", "InvalidParameterException"),
        ("disk", "InvalidParameterException"),
        ("attribute:disk =~ [", "InvalidParameterException"),
        ("task:group == web", "NotSimulatedException"),
        ("not(attribute:disk exists)", "NotSimulatedException"),
        ("runningTasksCount == 1", "NotSimulatedException"),
    ],
)
def test_unreadable_expressions(world: World, expression: str, code: str) -> None:
    """An invalid expression is a bad parameter; an unsupported one is not simulated."""
    world.add_instance()
    assert world.refusal("ListContainerInstances", filter=expression).code == code
