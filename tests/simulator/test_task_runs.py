from __future__ import annotations

from typing import Any

import pytest
from support.definitions import NETWORK

from ecskit.testing import Lag, TaskScript

from .support import ARN, Wire, World

FARGATE: Wire = {"taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": NETWORK}


def test_a_new_fargate_task(world: World) -> None:
    """RunTask answers with the task as it is in its first moment, requests echoed."""
    definition = world.register()
    overrides = {"containerOverrides": [{"name": "app", "environment": [{"name": "A", "value": "1"}]}]}
    (task,) = world.run(overrides=overrides, startedBy="me", group="batch", tags=[{"key": "k", "value": "v"}])
    expected = {
        "clusterArn": f"{ARN}cluster/default",
        "taskDefinitionArn": definition,
        "lastStatus": "PROVISIONING",
        "desiredStatus": "RUNNING",
        "launchType": "FARGATE",
        "platformVersion": "1.4.0",
        "platformFamily": "Linux",
        "cpu": "256",
        "memory": "512",
        "startedBy": "me",
        "group": "batch",
        "createdAt": world.clock(),
        "version": 1,
        "tags": [{"key": "k", "value": "v"}],
        "overrides": {**overrides, "inferenceAcceleratorOverrides": []},
    }
    assert expected == {name: task[name] for name in expected}
    assert "startedAt" not in task
    assert task["taskArn"].startswith(f"{ARN}task/default/")


def test_a_running_fargate_task_has_its_network_interface(world: World) -> None:
    """Once attached, the interface is shown by the attachment and by every container."""
    world.register()
    arn = world.run_one()
    created = world.task(arn)["attachments"][0]
    assert (created["status"], created["details"]) == ("PRECREATED", [{"name": "subnetId", "value": "subnet-1"}])
    world.pass_(30)
    task = world.task(arn)
    (attachment,) = task["attachments"]
    details = {each["name"]: each["value"] for each in attachment["details"]}
    (interface,) = task["containers"][0]["networkInterfaces"]
    assert attachment["status"] == "ATTACHED"
    assert interface == {"attachmentId": attachment["id"], "privateIpv4Address": details["privateIPv4Address"]}
    world.do("StopTask", task=arn)
    world.pass_(30)
    assert world.task(arn)["attachments"][0]["status"] == "DELETED"


def test_timestamps_come_in_order(world: World) -> None:
    """A finished task has all its timestamps, in the order of its lifecycle."""
    world.sim.script("web", TaskScript(run_time=5))
    world.register()
    arn = world.run_one()
    world.pass_(120)
    task = world.task(arn)
    names = ("createdAt", "connectivityAt", "pullStartedAt", "pullStoppedAt", "startedAt", "stoppingAt")
    moments = [task[name] for name in (*names, "executionStoppedAt", "stoppedAt")]
    assert moments == sorted(moments)
    assert len(set(moments)) == len(moments)


@pytest.mark.parametrize("count", [0, -1, 11])
def test_count_is_1_to_10(world: World, count: int) -> None:
    """RunTask starts 1 to 10 tasks a call."""
    world.register()
    assert world.refusal("RunTask", **FARGATE, count=count).code == "InvalidParameterException"
    assert len(world.run(count=10)) == 10


@pytest.mark.parametrize(
    ("members", "code", "message"),
    [
        ({"taskDefinition": "nope"}, "ClientException", "TaskDefinition not found."),
        ({"taskDefinition": "web:7"}, "ClientException", "TaskDefinition not found."),
        ({"cluster": "nope"}, "ClusterNotFoundException", "Cluster not found."),
        ({"cluster": "gone"}, "ClientException", "inactive"),
        ({"networkConfiguration": None}, "InvalidParameterException", "must be provided"),
        ({"networkConfiguration": {}}, "InvalidParameterException", "must be provided"),
        (
            {"networkConfiguration": {"awsvpcConfiguration": {"subnets": []}}},
            "InvalidParameterException",
            "expected at least one subnet",
        ),
        ({"platformVersion": "9.9.9"}, "PlatformUnknownException", "9.9.9"),
        (
            {"capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]},
            "InvalidParameterException",
            "Specifying both a launch type and capacity provider strategy is not supported.",
        ),
        (
            {"overrides": {"containerOverrides": [{"name": "nope"}]}},
            "InvalidParameterException",
            "nope is not a container",
        ),
        (
            {"overrides": {"cpu": "256", "memory": "9999"}},
            "InvalidParameterException",
            "Fargate has no size of 256 CPU units with 9999 MiB",
        ),
        ({"placementStrategy": [{"type": "random"}]}, "InvalidParameterException", "Placement strategies are not"),
        ({"clientToken": "x" * 65}, "InvalidParameterException", "64"),
        ({"startedBy": "x" * 129}, "InvalidParameterException", "startedBy"),
        ({"propagateTags": "SERVICE"}, "InvalidParameterException", "is for tasks of services"),
        ({"tags": [{"key": "aws:x", "value": ""}]}, "InvalidParameterException", "aws:"),
        ({"launchType": "MANAGED_INSTANCES"}, "NotSimulatedException", "MANAGED_INSTANCES"),
        ({"launchType": "EC2"}, "InvalidParameterException", "No Container Instances were found in your cluster."),
    ],
)
def test_refusals(world: World, members: Wire, code: str, message: str) -> None:
    """RunTask refuses invalid requests, and starts nothing."""
    world.register()
    world.do("CreateCluster", clusterName="gone")
    world.do("DeleteCluster", cluster="gone")
    request = {name: value for name, value in {**FARGATE, **members}.items() if value is not None}
    refusal = world.refusal("RunTask", **request)
    assert refusal.code == code
    assert message in refusal.message
    assert world.do("ListTasks")["taskArns"] == []


def test_an_inactive_task_definition_does_not_run(world: World) -> None:
    """A deregistered revision is refused; its tasks keep running."""
    world.register()
    arn = world.run_one()
    world.do("DeregisterTaskDefinition", taskDefinition="web:1")
    refusal = world.refusal("RunTask", **{**FARGATE, "taskDefinition": "web:1"})
    assert (refusal.code, refusal.message) == ("InvalidParameterException", "TaskDefinition is inactive")
    assert world.refusal("RunTask", **FARGATE).message == "TaskDefinition not found."
    world.pass_(30)
    assert world.task(arn)["lastStatus"] == "RUNNING"


def test_fargate_needs_a_compatible_definition(world: World) -> None:
    """A task definition that was not registered for Fargate does not run there."""
    world.register_for_instances()
    refusal = world.refusal("RunTask", taskDefinition="web", launchType="FARGATE")
    assert refusal.message == "Task definition does not support launch_type FARGATE."


def test_network_configuration_is_for_awsvpc_only(world: World) -> None:
    """A task that shares its host's network takes no network configuration."""
    world.add_instance()
    world.register_for_instances()
    refusal = world.refusal("RunTask", taskDefinition="web", networkConfiguration=NETWORK)
    assert "not valid for the given networkMode" in refusal.message


def test_a_family_means_its_latest_active_revision(world: World) -> None:
    """A bare family runs the newest revision that is ACTIVE."""
    world.register()
    second = world.register()
    world.register()
    world.do("DeregisterTaskDefinition", taskDefinition="web:3")
    assert world.run()[0]["taskDefinitionArn"] == second


def test_tags_propagate(world: World) -> None:
    """Tags of the task definition and of ECS itself are merged under those of the call."""
    world.register(tags=[{"key": "a", "value": "td"}, {"key": "b", "value": "td"}])
    (task,) = world.run(
        propagateTags="TASK_DEFINITION", enableECSManagedTags=True, tags=[{"key": "b", "value": "call"}]
    )
    assert {tag["key"]: tag["value"] for tag in task["tags"]} == {
        "aws:ecs:clusterName": "default",
        "a": "td",
        "b": "call",
    }


def test_a_token_replays_the_same_tasks(world: World) -> None:
    """The same token with the same parameters answers with the tasks of the first call, and starts none."""
    world.register()
    first = [task["taskArn"] for task in world.run(count=2, clientToken="t")]
    world.pass_(30)
    second = world.run(count=2, clientToken="t")
    assert [task["taskArn"] for task in second] == first
    assert {task["lastStatus"] for task in second} == {"RUNNING"}
    assert len(world.do("ListTasks")["taskArns"]) == 2


def test_a_token_replays_after_deregistration(world: World) -> None:
    """The token is checked before the task definition."""
    world.register()
    first = world.run_one(clientToken="t")
    world.do("DeregisterTaskDefinition", taskDefinition="web:1")
    assert world.run_one(clientToken="t") == first


def test_a_token_conflicts_with_other_parameters(world: World) -> None:
    """The same token with other parameters is a conflict that names the existing tasks."""
    world.register()
    arn = world.run_one(clientToken="t")
    refusal = world.refusal("RunTask", **FARGATE, count=2, clientToken="t")
    assert (refusal.code, refusal.details) == ("ConflictException", {"resourceIds": [arn]})


def test_a_token_is_valid_in_its_cluster_only(world: World) -> None:
    """Two clusters do not share tokens."""
    world.register()
    world.do("CreateCluster", clusterName="other")
    assert world.run_one(clientToken="t") != world.run_one(cluster="other", clientToken="t")


@pytest.mark.parametrize(("stop_after", "seconds"), [(0, 3660), (None, 24 * 3600)])
def test_a_token_ends(world: World, stop_after: float | None, seconds: float) -> None:
    """A token is free again an hour after its tasks stopped, and after a day in any case."""
    world.register()
    first = world.run_one(clientToken="t")
    if stop_after is not None:
        world.do("StopTask", task=first)
    world.pass_(seconds)
    assert world.run_one(clientToken="t") != first


def test_a_token_lives_as_long_as_one_of_its_tasks_is_known(world: World) -> None:
    """A token replays its tasks while ECS shows one of them: to the second, for an hour after the last has stopped."""
    world.sim.script("web", TaskScript(time_to_start=0, time_to_stop=0))
    world.register()
    first, second = (task["taskArn"] for task in world.run(count=2, clientToken="t"))
    world.do("StopTask", task=first)
    world.pass_(5000)
    world.do("StopTask", task=second)
    world.pass_(3599)
    assert [second] == [task["taskArn"] for task in world.run(count=2, clientToken="t")]
    world.pass_(1)
    assert 2 == len(world.run(count=2, clientToken="t"))
    assert 4 == len(world.sim.tasks())


def test_a_token_ends_after_a_day(world: World) -> None:
    """Running tasks do not extend a token: to the second, it is free after 24 hours."""
    world.register()
    first = world.run_one(clientToken="t")
    world.pass_(24 * 3600 - 1)
    assert first == world.run_one(clientToken="t")
    world.pass_(1)
    assert first != world.run_one(clientToken="t")


def test_a_replay_is_whole_unless_it_is_bare() -> None:
    """A replay shows the task as it is now; with `bare_replays`, its ARN and its statuses only."""
    answers = {}
    for bare in (False, True):
        world = World(bare_replays=bare)
        world.register()
        arn = world.run_one(clientToken="t")
        world.pass_(60)
        (answers[bare],) = world.run(clientToken="t")
        assert answers[bare].items() <= world.task(arn).items()
    assert "containers" in answers[False]
    assert {"taskArn", "lastStatus", "desiredStatus"} == set(answers[True])
    assert "RUNNING" == answers[True]["lastStatus"]


def test_a_refused_call_uses_no_token(world: World) -> None:
    """A token that came with a refused request is still free."""
    world.refusal("RunTask", **FARGATE, clientToken="t")
    world.register()
    world.run_one(count=2, clientToken="t")


def test_a_replay_is_not_delayed_by_lag() -> None:
    """A replay answers with tasks that reads do not show yet."""
    world = World(lag=Lag(visible_after=10))
    world.register()
    assert world.run_one(clientToken="t") == world.run_one(clientToken="t")


def test_a_strategy_divides_tasks(world: World) -> None:
    """Tasks go to capacity providers: the base first, then by weight."""
    world.register()
    providers = ["FARGATE", "FARGATE_SPOT"]
    world.do(
        "PutClusterCapacityProviders",
        cluster="default",
        capacityProviders=providers,
        defaultCapacityProviderStrategy=[
            {"capacityProvider": "FARGATE", "weight": 1, "base": 2},
            {"capacityProvider": "FARGATE_SPOT", "weight": 3},
        ],
    )
    answer = world.do("RunTask", taskDefinition="web", networkConfiguration=NETWORK, count=10)
    names = [task["capacityProviderName"] for task in answer["tasks"]]
    assert (names.count("FARGATE"), names.count("FARGATE_SPOT")) == (4, 6)
    assert {task["launchType"] for task in answer["tasks"]} == {"FARGATE"}


def test_a_strategy_needs_providers_of_the_cluster(world: World) -> None:
    """A capacity provider that the cluster does not have is refused."""
    world.register()
    strategy = [{"capacityProvider": "FARGATE"}]
    refusal = world.refusal(
        "RunTask", taskDefinition="web", networkConfiguration=NETWORK, capacityProviderStrategy=strategy
    )
    assert refusal.code == "InvalidParameterException"


def place(world: World, **members: Any) -> tuple[list[str], list[str]]:
    """Run tasks on instances; return the instances they went to and the reasons of failures."""
    answer = world.do("RunTask", taskDefinition="web", **members)
    instances = [task["containerInstanceArn"] for task in answer["tasks"]]
    return instances, [failure["reason"] for failure in answer["failures"]]


def test_tasks_and_failures_together(world: World) -> None:
    """If there is capacity for some tasks only, the answer has both tasks and failures."""
    instance = world.add_instance(cpu=10240, memory=3584)
    world.register_for_instances(memory=512)
    answer = world.do("RunTask", taskDefinition="web", count=10)
    assert len(answer["tasks"]) == 7
    assert answer["failures"] == [{"arn": instance, "reason": "RESOURCE:MEMORY"}] * 3


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"cpu": 2000}, "RESOURCE:CPU"),
        ({"memory": 4000}, "RESOURCE:MEMORY"),
        ({"portMappings": [{"containerPort": 80, "hostPort": 22}]}, "RESOURCE:PORTS"),
    ],
)
def test_shortages(world: World, members: Wire, reason: str) -> None:
    """A task that fits on no instance is a failure with its reason."""
    world.add_instance()
    world.register_for_instances(**members)
    assert place(world) == ([], [reason])


def test_room_comes_back_when_a_task_stops(world: World) -> None:
    """A stopped task frees its resources."""
    world.add_instance(memory=512)
    world.register_for_instances(memory=512)
    (task,) = world.do("RunTask", taskDefinition="web")["tasks"]
    assert place(world) == ([], ["RESOURCE:MEMORY"])
    world.do("StopTask", task=task["taskArn"])
    world.pass_(60)
    assert place(world)[1] == []


def test_draining_instances_take_no_tasks(world: World) -> None:
    """Only ACTIVE instances are considered."""
    first, second = world.add_instance(), world.add_instance()
    world.register_for_instances(cpu=1, memory=4)
    world.do("UpdateContainerInstancesState", containerInstances=[first], status="DRAINING")
    assert set(place(world, count=10)[0]) == {second}


def test_ports_are_bound(world: World) -> None:
    """A running container shows its host ports: the given one, or a free one from 32768."""
    world.add_instance()
    ports = [{"containerPort": 80, "hostPort": 8080}, {"containerPort": 81}]
    world.register_for_instances(cpu=1, memory=4, portMappings=ports)
    (task,) = world.do("RunTask", taskDefinition="web")["tasks"]
    world.pass_(10)
    (container,) = world.task(task["taskArn"])["containers"]
    assert [(each["containerPort"], each["hostPort"]) for each in container["networkBindings"]] == [
        (80, 8080),
        (81, 32768),
    ]
    assert place(world)[1] == ["RESOURCE:PORTS"]


def test_spread_and_binpack(world: World) -> None:
    """spread uses all instances, binpack fills one first."""
    instances = {world.add_instance(), world.add_instance()}
    world.register_for_instances(cpu=1, memory=4)
    spread, _ = place(world, count=4, placementStrategy=[{"type": "spread", "field": "instanceId"}])
    assert {spread.count(instance) for instance in instances} == {2}
    packed, _ = place(world, count=4, placementStrategy=[{"type": "binpack", "field": "memory"}])
    assert len(set(packed)) == 1


def test_distinct_instances(world: World) -> None:
    """distinctInstance puts at most one task of the call on an instance."""
    instances = {world.add_instance(), world.add_instance()}
    world.register_for_instances(cpu=1, memory=4)
    used, failures = place(world, count=3, placementConstraints=[{"type": "distinctInstance"}])
    assert (set(used), len(used), len(failures)) == (instances, 2, 1)


def test_member_of(world: World) -> None:
    """memberOf selects instances by an expression."""
    world.add_instance()
    fast = world.add_instance(attributes=[{"name": "disk", "value": "fast"}])
    world.register_for_instances(cpu=1, memory=4)
    constraint = {"type": "memberOf", "expression": "attribute:disk == fast"}
    assert set(place(world, count=5, placementConstraints=[constraint])[0]) == {fast}
    constraint = {"type": "memberOf", "expression": "attribute:disk == slow"}
    assert place(world, placementConstraints=[constraint])[0] == []


def test_instances_take_no_platform_version(world: World) -> None:
    """platformVersion is refused outside Fargate."""
    world.add_instance()
    world.register_for_instances()
    refusal = world.refusal("RunTask", taskDefinition="web", platformVersion="LATEST")
    assert refusal.code == "InvalidParameterException"


def test_start_task_uses_the_named_instances(world: World) -> None:
    """StartTask starts one task on each named instance, and reports failures for the others."""
    good, draining, full = world.add_instance(), world.add_instance(), world.add_instance(memory=8)
    world.do("UpdateContainerInstancesState", containerInstances=[draining], status="DRAINING")
    world.register_for_instances()
    answer = world.do("StartTask", taskDefinition="web", containerInstances=[good, draining, full, "nope"])
    assert [task["containerInstanceArn"] for task in answer["tasks"]] == [good]
    assert answer["failures"] == [
        {"arn": draining, "reason": "INACTIVE"},
        {"arn": full, "reason": "RESOURCE:MEMORY"},
        {"arn": f"{ARN}container-instance/default/nope", "reason": "MISSING"},
    ]


def test_start_task_takes_1_to_10_instances(world: World) -> None:
    """StartTask names at least one and at most ten instances."""
    world.register_for_instances()
    for names in ([], ["x"] * 11):
        refusal = world.refusal("StartTask", taskDefinition="web", containerInstances=names)
        assert refusal.code == "InvalidParameterException"


def test_container_overrides_change_what_a_task_takes(world: World) -> None:
    """An override of memory counts when a task is placed."""
    world.add_instance(memory=512)
    world.register_for_instances(memory=512)
    overrides = {"containerOverrides": [{"name": "app", "memory": 1024}]}
    assert place(world, overrides=overrides) == ([], ["RESOURCE:MEMORY"])
