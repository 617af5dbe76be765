from __future__ import annotations

from typing import Any

import pytest
from support.definitions import NETWORK

from ecskit.testing import Lag, TaskScript

from .service_support import FARGATE, Shop, messages, summary
from .support import ARN, NOON, Wire, World

TARGETS = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/1a2b3c4d5e6f7a8b"
CLASSIC = {"loadBalancerName": "classic", "containerName": "app", "containerPort": 80}

WEB = f"{ARN}service/default/web"


@pytest.fixture
def shop() -> Shop:
    """Return a world with task definitions."""
    return Shop()


def test_a_new_service_is_deployed(shop: Shop) -> None:
    """The answer has one PRIMARY deployment without tasks; they start 2 s later, and then it is COMPLETED."""
    created = shop.create()
    assert created["status"] == "ACTIVE"
    assert summary(created) == [("PRIMARY", "IN_PROGRESS", 0, 0)]
    assert (created["desiredCount"], created["runningCount"], created["pendingCount"]) == (2, 0, 0)
    assert created["taskDefinition"] == f"{ARN}task-definition/web:1"
    shop.pass_(2)
    assert summary(shop.service()) == [("PRIMARY", "IN_PROGRESS", 0, 2)]
    shop.pass_(20)
    assert summary(shop.service()) == [("PRIMARY", "COMPLETED", 2, 0)]
    assert shop.state.steady


@pytest.mark.parametrize(
    ("members", "role"),
    [
        ({}, "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"),
        ({"role": "lb"}, "role/lb"),
        ({"role": "arn:aws:iam::123456789012:role/lb"}, "role/lb"),
    ],
    ids=["none", "name", "ARN"],
)
def test_a_service_in_a_network_has_a_role(shop: Shop, members: dict[str, str], role: str) -> None:
    """A service has its own role, else the service-linked role, as an ARN."""
    assert f"arn:aws:iam::123456789012:{role}" == shop.create(**members)["roleArn"]


def test_deployments_and_revisions_share_a_number(shop: Shop) -> None:
    """The id of a deployment is `ecs-svc/N`; the ARN of its revision ends in the same N; tasks carry the id."""
    service = shop.ready()
    id_ = service["deployments"][0]["id"]
    assert id_.startswith("ecs-svc/")
    number = id_.partition("/")[2]
    assert shop.rollout()["targetServiceRevision"]["arn"] == f"{ARN}service-revision/default/web/{number}"
    tasks = shop.do("DescribeTasks", tasks=shop.do("ListTasks", startedBy=id_)["taskArns"])["tasks"]
    assert [(task["group"], task["lastStatus"]) for task in tasks] == [("service:web", "RUNNING")] * 2


def test_a_service_shows_events(shop: Shop) -> None:
    """Events have ids, times and texts, the newest first."""
    service = shop.ready()
    assert [message.partition(":")[0] for message in messages(service)] == [
        "has started 2 tasks",
        f"(deployment {service['deployments'][0]['id']}) deployment completed.",
        "has reached a steady state.",
    ]
    assert [event["createdAt"] - NOON for event in service["events"]] == [22, 22, 2]
    assert len({event["id"] for event in service["events"]}) == 3


def test_the_result_does_not_depend_on_reads() -> None:
    """Reading a service every second or once at the end gives the same result."""
    asked, left = Shop(), Shop()
    for shop in (asked, left):
        shop.create(deploymentConfiguration={"minimumHealthyPercent": 50, "maximumPercent": 150})
    for _ in range(100):
        asked.pass_(1)
        asked.service()
    left.pass_(100)
    assert asked.service() == left.service()


def test_no_tasks_are_deployed_at_once(shop: Shop) -> None:
    """A deployment of no tasks is SUCCESSFUL in the first read."""
    shop.create(desiredCount=0)
    assert shop.rollout()["status"] == "SUCCESSFUL"
    assert shop.service()["deployments"][0]["rolloutState"] == "COMPLETED"


def test_an_update_replaces_tasks(shop: Shop) -> None:
    """New tasks start beside the old ones, which stop once the new ones run; then the old entry is removed."""
    old = shop.ready()["deployments"][0]["id"]
    updated = shop.update(taskDefinition="next")
    assert summary(updated) == [("PRIMARY", "IN_PROGRESS", 0, 0), ("ACTIVE", "COMPLETED", 2, 0)]
    assert updated["deployments"][1]["id"] == old
    shop.pass_(2)
    assert summary(shop.service()) == [("PRIMARY", "IN_PROGRESS", 0, 2), ("ACTIVE", "COMPLETED", 2, 0)]
    shop.pass_(20)
    assert summary(shop.service())[0] == ("PRIMARY", "COMPLETED", 2, 0)
    assert len(shop.service()["deployments"]) == 2
    shop.pass_(10)
    assert summary(shop.service()) == [("PRIMARY", "COMPLETED", 2, 0)]
    assert shop.service()["taskDefinition"] == f"{ARN}task-definition/next:1"


@pytest.mark.parametrize(
    ("minimum", "maximum", "most", "least"), [(100, 200, 8, 4), (50, 100, 4, 2), (0, 100, 4, 0), (100, 125, 5, 4)]
)
def test_percentages_bound_a_deployment(minimum: int, maximum: int, most: int, least: int) -> None:
    """There are never more tasks than maximumPercent, nor fewer healthy ones than minimumHealthyPercent."""
    shop = Shop()
    percents = {"minimumHealthyPercent": minimum, "maximumPercent": maximum}
    shop.ready(desiredCount=4, deploymentConfiguration=percents)
    shop.update(taskDefinition="next")
    seen: list[tuple[int, int]] = []
    for _ in range(250):
        shop.pass_(1)
        service = shop.service()
        seen.append((service["runningCount"] + service["pendingCount"], service["runningCount"]))
    assert max(total for total, _ in seen) == most
    assert min(running for _, running in seen) == least
    assert shop.last.status == "SUCCESSFUL"


def test_scaling_deploys_nothing(shop: Shop) -> None:
    """A new desired count starts or stops tasks of the same deployment."""
    before = shop.ready()["deployments"][0]["id"]
    shop.update(desiredCount=5)
    assert shop.service()["pendingCount"] == 3
    shop.pass_(30)
    assert summary(shop.service()) == [("PRIMARY", "COMPLETED", 5, 0)]
    shop.update(desiredCount=1)
    shop.pass_(30)
    assert summary(shop.service()) == [("PRIMARY", "COMPLETED", 1, 0)]
    assert shop.service()["deployments"][0]["id"] == before
    assert len(shop.sim.deployments("web")) == 1


@pytest.mark.parametrize(
    ("members", "deployed"),
    [
        ({"taskDefinition": "web"}, 0),
        ({"forceNewDeployment": True}, 1),
        ({"taskDefinition": "next"}, 1),
        ({"enableExecuteCommand": True}, 1),
        ({"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-2"]}}}, 1),
        ({"networkConfiguration": NETWORK}, 0),
        ({"deploymentConfiguration": {"maximumPercent": 150}}, 0),
        ({"healthCheckGracePeriodSeconds": 0}, 0),
        ({"availabilityZoneRebalancing": "DISABLED"}, 0),
        ({"propagateTags": "SERVICE"}, 0),
    ],
)
def test_a_change_of_the_revision_is_deployed(shop: Shop, members: dict[str, Any], deployed: int) -> None:
    """A deployment begins if the revision would differ, or if it is forced."""
    shop.ready()
    shop.update(**members)
    assert len(shop.sim.deployments("web")) == 1 + deployed


def test_stopped_tasks_are_replaced(shop: Shop) -> None:
    """A task that stops by itself or is stopped is replaced."""
    shop.ready()
    task = shop.do("ListTasks", serviceName="web")["taskArns"][0]
    shop.do("StopTask", task=task)
    shop.pass_(11)
    assert shop.service()["pendingCount"] == 1
    shop.pass_(20)
    assert shop.state.running_count == 2
    assert len(shop.sim.tasks("web")) == 3


def test_unhealthy_tasks_are_replaced_after_the_grace_period() -> None:
    """An unhealthy task is stopped once another one is healthy, but not within the grace period."""
    shop = Shop()
    balancer = {"targetGroupArn": TARGETS, "containerName": "app", "containerPort": 80}
    check = {"command": ["CMD", "true"]}
    ports = [{"containerPort": 80}]
    shop.register("sick", {"name": "app", "image": "i", "healthCheck": check, "portMappings": ports})
    shop.sim.script("sick", [TaskScript.unhealthy(after=10), TaskScript.healthy()])
    shop.create(taskDefinition="sick", desiredCount=1, healthCheckGracePeriodSeconds=30, loadBalancers=[balancer])
    shop.pass_(51)
    assert len(shop.sim.tasks("sick")) == 1
    shop.pass_(60)
    first, second = shop.sim.tasks("sick")
    assert (first.last_status, second.last_status) == ("STOPPED", "RUNNING")
    task = shop.task(first.arn)
    assert (task["stopCode"], task["stoppedReason"]) == (
        "ServiceSchedulerInitiated",
        "Task failed container health checks",
    )


def test_a_grace_period_needs_a_load_balancer(shop: Shop) -> None:
    """Without a load balancer it is refused and absent; with one it is 0 by default, and can be set."""
    words = "Health check grace period is only valid for services configured to use load balancers"
    balanced = {"loadBalancers": [{"targetGroupArn": TARGETS, "containerName": "app", "containerPort": 80}]}
    refusal = shop.refusal(
        "CreateService",
        serviceName="web",
        taskDefinition="web",
        desiredCount=1,
        **FARGATE,
        healthCheckGracePeriodSeconds=9,
    )
    assert (refusal.code, refusal.message) == ("InvalidParameterException", words)
    assert "healthCheckGracePeriodSeconds" not in shop.ready()
    # A load balancer in the same request does not count.
    refusal = shop.refusal("UpdateService", service="web", **balanced, healthCheckGracePeriodSeconds=9)
    assert (refusal.code, refusal.message) == ("InvalidParameterException", words)
    assert shop.update(**balanced)["healthCheckGracePeriodSeconds"] == 0
    assert shop.update(healthCheckGracePeriodSeconds=9)["healthCheckGracePeriodSeconds"] == 9


@pytest.mark.parametrize(
    ("members", "shown"),
    [
        ({}, "ENABLED"),
        ({"availabilityZoneRebalancing": "DISABLED"}, "DISABLED"),
        ({"deploymentConfiguration": {"maximumPercent": 100, "minimumHealthyPercent": 50}}, "DISABLED"),
        ({"launchType": "EC2", "loadBalancers": [CLASSIC]}, "DISABLED"),
    ],
)
def test_rebalancing_is_shown_unasked(shop: Shop, members: dict[str, Any], shown: str) -> None:
    """`availabilityZoneRebalancing` is ENABLED for new services that can be balanced; updates keep it."""
    assert shop.create(**members)["availabilityZoneRebalancing"] == shown
    assert shop.update(desiredCount=1)["availabilityZoneRebalancing"] == shown


@pytest.mark.parametrize(
    ("strategy", "shown"),
    [
        (
            [{"type": "spread", "field": "attribute:ecs.availability-zone"}, {"type": "binpack", "field": "cpu"}],
            "ENABLED",
        ),
        ([{"type": "spread", "field": "instanceId"}], "DISABLED"),
        ([{"type": "binpack", "field": "cpu"}], "DISABLED"),
        ([{"type": "random"}], "DISABLED"),
    ],
)
def test_a_placement_strategy_can_exclude_rebalancing(shop: Shop, strategy: list[Wire], shown: str) -> None:
    """The first strategy must spread tasks over Availability Zones."""
    shop.register_for_instances("here")
    request = {"serviceName": "here", "taskDefinition": "here", "desiredCount": 0, "placementStrategy": strategy}
    assert shop.do("CreateService", **request)["service"]["availabilityZoneRebalancing"] == shown


def test_tags_are_in_descriptions_and_in_the_answer_of_the_creation(shop: Shop) -> None:
    """Answers of UpdateService and DeleteService have no tags; a service without tags has none anywhere."""
    tags = [{"key": "a", "value": "b"}]
    assert shop.create(tags=tags)["tags"] == tags
    assert "tags" not in shop.update(desiredCount=0)
    assert shop.service()["tags"] == tags
    assert "tags" not in shop.do("DeleteService", service="web")["service"]
    assert "tags" not in shop.create(serviceName="other")


def test_deletion_drains(shop: Shop) -> None:
    """A service that has tasks needs force; it is DRAINING while they stop, then INACTIVE, then MISSING."""
    shop.ready()
    assert shop.refusal("DeleteService", service="web").code == "InvalidParameterException"
    deleted = shop.do("DeleteService", service="web", force=True)["service"]
    assert (deleted["status"], deleted["desiredCount"]) == ("DRAINING", 0)
    assert shop.do("ListServices")["serviceArns"] == []
    assert shop.refusal("UpdateService", service="web").code == "ServiceNotActiveException"
    assert shop.refusal("CreateService", serviceName="web", taskDefinition="web", desiredCount=1, **FARGATE).code == (
        "InvalidParameterException"
    )
    shop.pass_(11)
    assert shop.service()["status"] == "INACTIVE"
    assert shop.refusal("DeleteService", service="web").code == "ServiceNotFoundException"
    shop.pass_(3600)
    failures = shop.do("DescribeServices", services=["web"])["failures"]
    assert failures == [{"arn": WEB, "reason": "MISSING"}]


def test_a_deleted_service_does_not_wait_for_its_tasks_to_be_stopped(shop: Shop) -> None:
    """A deleted service is INACTIVE when all its tasks are STOPPING; they become STOPPED later."""
    shop.ready()
    shop.do("DeleteService", service="web", force=True)
    shop.pass_(1)
    assert ("DRAINING", {"DEACTIVATING"}) == (shop.service()["status"], {task.last_status for task in shop.sim.tasks()})
    shop.pass_(1)
    assert ("INACTIVE", {"STOPPING"}) == (shop.service()["status"], {task.last_status for task in shop.sim.tasks()})
    shop.pass_(10)
    assert ("INACTIVE", {"STOPPED"}) == (shop.service()["status"], {task.last_status for task in shop.sim.tasks()})


def test_a_name_is_free_again(shop: Shop) -> None:
    """The name of an INACTIVE service can be used for a new one."""
    shop.ready(desiredCount=0)
    shop.do("DeleteService", service="web")
    assert shop.create()["status"] == "ACTIVE"
    assert len(shop.sim.services("web")) == 1


def test_creation_is_idempotent(shop: Shop) -> None:
    """An equal request returns the same service, by name and by token; a different one is refused."""
    first = shop.create(clientToken="t")
    assert shop.create(clientToken="t")["createdAt"] == first["createdAt"]
    shop.pass_(5)
    assert shop.create()["createdAt"] == first["createdAt"]
    base = {"serviceName": "web", "taskDefinition": "web", **FARGATE}
    assert "idempotent" in shop.refusal("CreateService", desiredCount=3, **base).message
    assert shop.refusal("CreateService", desiredCount=3, clientToken="t", **base).code == "InvalidParameterException"
    assert shop.refusal("CreateService", desiredCount=2, clientToken="t" * 37, **base).code == (
        "InvalidParameterException"
    )


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"serviceName": "a b"}, "InvalidParameterException"),
        ({"taskDefinition": "nope"}, "ClientException"),
        ({"cluster": "nope"}, "ClusterNotFoundException"),
        ({"desiredCount": -1}, "InvalidParameterException"),
        ({"networkConfiguration": {}}, "InvalidParameterException"),
        ({"deploymentConfiguration": {"minimumHealthyPercent": 101}}, "InvalidParameterException"),
        ({"deploymentConfiguration": {"maximumPercent": 100}}, "InvalidParameterException"),
        ({"loadBalancers": [{"containerName": "nope"}]}, "InvalidParameterException"),
        ({"schedulingStrategy": "DAEMON"}, "InvalidParameterException"),
        ({"platformVersion": "9"}, "PlatformUnknownException"),
        ({"capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]}, "InvalidParameterException"),
        ({"volumeConfigurations": [{"name": "v"}]}, "NotSimulatedException"),
    ],
)
def test_bad_services_are_refused(shop: Shop, members: dict[str, Any], code: str) -> None:
    """Invalid requests are refused and create no service."""
    request = {"serviceName": "web", "taskDefinition": "web", "desiredCount": 1, **FARGATE, **members}
    assert shop.refusal("CreateService", **request).code == code
    assert shop.sim.services() == []


def test_services_are_described_and_listed(shop: Shop) -> None:
    """DescribeServices takes ten names or ARNs and reports unknown ones as MISSING; lists have pages and filters."""
    for number in range(12):
        shop.create(serviceName=f"s{number:02}", desiredCount=0)
    first = shop.do("ListServices")
    rest = shop.do("ListServices", nextToken=first["nextToken"])
    assert [len(page["serviceArns"]) for page in (first, rest)] == [10, 2]
    assert shop.do("ListServices", launchType="EC2")["serviceArns"] == []
    assert shop.do("ListServices", schedulingStrategy="DAEMON")["serviceArns"] == []
    assert shop.refusal("DescribeServices", services=first["serviceArns"] + ["x"]).code == "InvalidParameterException"
    answer = shop.do("DescribeServices", services=["s00", f"{ARN}service/default/s01", "nope"])
    assert [each["serviceName"] for each in answer["services"]] == ["s00", "s01"]
    assert answer["failures"] == [{"arn": f"{ARN}service/default/nope", "reason": "MISSING"}]


def test_services_of_a_namespace(shop: Shop) -> None:
    """ListServicesByNamespace finds the services that use Service Connect in a namespace."""
    shop.create(serviceConnectConfiguration={"enabled": True, "namespace": "shop"})
    shop.create(serviceName="other")
    assert shop.do("ListServicesByNamespace", namespace="shop")["serviceArns"] == [WEB]
    assert shop.do("ListServicesByNamespace", namespace="nope")["serviceArns"] == []


def test_services_and_their_tasks_have_tags(shop: Shop) -> None:
    """Tags are shown on demand, can be changed, and are propagated to the tasks if configured."""
    tags = [{"key": "a", "value": "1"}]
    shop.ready(tags=tags, propagateTags="SERVICE", enableECSManagedTags=True)
    (shown,) = shop.do("DescribeServices", services=["web"])["services"]
    assert "tags" not in shown
    assert shop.service()["tags"] == tags
    task = shop.task(shop.do("ListTasks")["taskArns"][0])
    assert task["tags"] == [{"key": "aws:ecs:clusterName", "value": "default"}, *tags]
    shop.do("UntagResource", resourceArn=WEB, tagKeys=["a"])
    assert shop.do("ListTagsForResource", resourceArn=WEB)["tags"] == []


def test_a_cluster_with_services_stays(shop: Shop) -> None:
    """A cluster counts its services and cannot be deleted while it has any."""
    shop.create(desiredCount=0)
    assert shop.do("DescribeClusters")["clusters"][0]["activeServicesCount"] == 1
    assert shop.refusal("DeleteCluster", cluster="default").code == "ClusterContainsServicesException"


def test_a_new_service_is_invisible_for_a_while() -> None:
    """Until `visible_after` a service is MISSING and in no list; updates find it."""
    shop = Shop(lag=Lag(visible_after=3))
    shop.create()
    shop.pass_(2.9)
    assert shop.do("DescribeServices", services=["web"])["services"] == []
    assert shop.do("ListServices")["serviceArns"] == []
    assert shop.refusal("ListServiceDeployments", service="web").code == "ServiceNotFoundException"
    shop.update(desiredCount=1)
    shop.pass_(0.1)
    assert shop.service()["status"] == "ACTIVE"


def test_stale_reads_show_the_old_deployment() -> None:
    """Right after UpdateService, a read can show only the old deployment, COMPLETED."""
    shop = Shop(lag=Lag(stale_by=30, stale_share=1))
    shop.create()
    shop.pass_(300)
    old = shop.service()
    updated = shop.update(taskDefinition="next")
    assert len(updated["deployments"]) == 2
    assert shop.service()["deployments"] == old["deployments"]
    shop.pass_(30)
    assert shop.service()["deployments"][0]["id"] == updated["deployments"][0]["id"]


def test_the_current_deployment_can_be_outdated() -> None:
    """`currentServiceDeployment` names the deployment before for `current_deployment_after` seconds."""
    shop = Shop(lag=Lag(current_deployment_after=10))
    shop.ready()
    shop.update(taskDefinition="next")
    first, second = (each.arn for each in shop.sim.deployments("web"))
    shop.pass_(9.9)
    assert shop.service()["currentServiceDeployment"] == first
    shop.pass_(0.2)
    assert shop.service()["currentServiceDeployment"] == second


def test_instances_run_services_as_long_as_there_is_room() -> None:
    """A task that finds no room causes an event, and is placed when an instance is registered."""
    world = World()
    world.register_for_instances("job", memory=1024)
    world.add_instance(memory=2048)
    world.do("CreateService", serviceName="jobs", taskDefinition="job", desiredCount=3)
    world.pass_(20)
    (service,) = world.do("DescribeServices", services=["jobs"])["services"]
    assert service["runningCount"] == 2
    assert "was unable to place a task" in messages(service)[-1]
    world.add_instance(memory=2048)
    world.pass_(30)
    assert world.sim.services("jobs")[0].steady


def test_a_draining_instance_is_emptied() -> None:
    """Tasks on a DRAINING instance are replaced elsewhere, within the bounds of the service."""
    world = World()
    world.register_for_instances("job")
    first, second = world.add_instance(), world.add_instance()
    strategy = [{"type": "spread", "field": "instanceId"}]
    world.do("CreateService", serviceName="jobs", taskDefinition="job", desiredCount=2, placementStrategy=strategy)
    world.pass_(20)
    assert len(world.do("ListTasks", containerInstance=first)["taskArns"]) == 1
    world.do("UpdateContainerInstancesState", containerInstances=[first], status="DRAINING")
    world.pass_(20)
    assert len(world.do("ListTasks", containerInstance=first)["taskArns"]) == 0
    assert len(world.do("ListTasks", containerInstance=second)["taskArns"]) == 2


def test_strategies_divide_the_tasks_of_a_service(shop: Shop) -> None:
    """Later tasks make up for what the strategy lacks."""
    shop.do("CreateCluster", clusterName="spot", capacityProviders=["FARGATE", "FARGATE_SPOT"])
    strategy = [{"capacityProvider": "FARGATE", "base": 1}, {"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    members = {"cluster": "spot", "networkConfiguration": NETWORK, "capacityProviderStrategy": strategy}
    shop.do("CreateService", serviceName="web", taskDefinition="web", desiredCount=2, **members)
    shop.pass_(30)
    shop.do("UpdateService", cluster="spot", service="web", desiredCount=4)
    tasks = shop.do("DescribeTasks", cluster="spot", tasks=shop.do("ListTasks", cluster="spot")["taskArns"])["tasks"]
    assert sorted(task["capacityProviderName"] for task in tasks) == ["FARGATE", *["FARGATE_SPOT"] * 3]


def test_a_daemon_service_has_a_task_on_each_instance() -> None:
    """The desired count follows the instances; an update replaces each task on its instance."""
    world = World()
    for family in ("agent", "agent2"):
        world.register_for_instances(family)
    world.add_instance()
    world.do("CreateService", serviceName="agents", taskDefinition="agent", schedulingStrategy="DAEMON")
    world.pass_(10)
    assert world.sim.services("agents")[0].running_count == 1
    world.add_instance()
    world.pass_(10)
    state = world.sim.services("agents")[0]
    assert (state.desired_count, state.running_count, state.steady) == (2, 2, True)
    world.do("UpdateService", service="agents", taskDefinition="agent2")
    world.pass_(20)
    state = world.sim.services("agents")[0]
    assert (state.desired_count, state.running_count, state.rollout_state) == (2, 2, "COMPLETED")
    tasks = world.do("DescribeTasks", tasks=world.do("ListTasks")["taskArns"])["tasks"]
    assert len({task["containerInstanceArn"] for task in tasks}) == 2
    assert world.refusal("UpdateService", service="agents", desiredCount=1).code == "InvalidParameterException"
    world.do("DeleteService", service="agents")
    world.pass_(10)
    assert world.sim.services("agents")[0].status == "INACTIVE"


def test_protected_tasks_are_not_scaled_in(shop: Shop) -> None:
    """Protected tasks stay until their protection ends, and others stop first; a deployment waits for them."""
    shop.ready(desiredCount=3)
    arns = shop.do("ListTasks")["taskArns"]
    here = {"cluster": "default"}
    asked = {**here, "tasks": [arns[2]], "protectionEnabled": True, "expiresInMinutes": 5}
    (answer,) = shop.do("UpdateTaskProtection", **asked)["protectedTasks"]
    assert answer == {"taskArn": arns[2], "protectionEnabled": True, "expirationDate": shop.clock() + 300}
    assert len(shop.do("GetTaskProtection", **here)["protectedTasks"]) == 3
    shop.update(desiredCount=1)
    shop.pass_(20)
    assert shop.do("ListTasks")["taskArns"] == [arns[2]]
    shop.update(taskDefinition="next")
    shop.pass_(240)
    assert shop.state.running_count == 2
    shop.pass_(60)
    assert (shop.state.running_count, shop.last.status) == (1, "SUCCESSFUL")
    assert shop.do("UpdateTaskProtection", **{**asked, "tasks": arns[:1]})["failures"] == [
        {"arn": arns[0], "reason": "TASK_NOT_VALID"}
    ]


def test_failing_tasks_do_not_cost_healthy_ones(shop: Shop) -> None:
    """Old tasks stop early only if there is no room, not if new tasks beside them fail to start."""
    shop.ready(desiredCount=4, deploymentConfiguration={"minimumHealthyPercent": 50, "maximumPercent": 200})
    shop.update(taskDefinition="bad")
    for _ in range(300):
        shop.pass_(1)
        assert shop.state.running_count == 4


def test_old_tasks_make_room_on_instances() -> None:
    """If new tasks find no room, old ones stop, down to minimumHealthyPercent."""
    world = World()
    for family in ("job", "job2"):
        world.register_for_instances(family, memory=1024)
    world.add_instance(memory=2048)
    percents = {"minimumHealthyPercent": 50, "maximumPercent": 200}
    world.do("CreateService", serviceName="j", taskDefinition="job", desiredCount=2, deploymentConfiguration=percents)
    world.pass_(20)
    world.do("UpdateService", service="j", taskDefinition="job2")
    counts: list[int] = []
    for _ in range(120):
        world.pass_(1)
        counts.append(world.sim.services("j")[0].running_count)
    assert min(counts) == 1
    assert world.sim.deployments("j")[-1].status == "SUCCESSFUL"


def test_express_services_need_names_of_their_own(shop: Shop) -> None:
    """A service and an Express service cannot have the same name."""
    shop.create()
    role = "arn:aws:iam::123456789012:role/ecs"
    request = {"serviceName": "web", "infrastructureRoleArn": role, "executionRoleArn": role}
    refusal = shop.refusal("CreateExpressGatewayService", **request, primaryContainer={"image": "i"})
    assert refusal.code == "InvalidParameterException"
