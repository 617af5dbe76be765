from __future__ import annotations

import pytest
from support.definitions import NETWORK

from .support import ARN, Wire, World


def describe(world: World, *names: str, include: list[str] | None = None) -> Wire:
    (cluster,) = world.do("DescribeClusters", clusters=list(names), include=include or [])["clusters"]
    shown: Wire = cluster
    return shown


def test_there_is_a_default_cluster(world: World) -> None:
    """A cluster named default exists, and is used if the request names none."""
    assert describe(world)["clusterArn"] == f"{ARN}cluster/default"
    assert describe(world)["status"] == "ACTIVE"


def test_create_shows_the_cluster(world: World) -> None:
    """A new cluster is ACTIVE and empty, with its tags and settings."""
    cluster = world.do(
        "CreateCluster",
        clusterName="prod",
        tags=[{"key": "a", "value": "1"}],
        settings=[{"name": "containerInsights", "value": "enhanced"}],
    )["cluster"]
    assert cluster == {
        "clusterArn": f"{ARN}cluster/prod",
        "clusterName": "prod",
        "status": "ACTIVE",
        "registeredContainerInstancesCount": 0,
        "runningTasksCount": 0,
        "pendingTasksCount": 0,
        "activeServicesCount": 0,
        "statistics": [],
        "tags": [{"key": "a", "value": "1"}],
        "settings": [{"name": "containerInsights", "value": "enhanced"}],
        "capacityProviders": [],
        "defaultCapacityProviderStrategy": [],
    }


def test_creating_twice(world: World) -> None:
    """A repeated request returns the cluster; other parameters are refused."""
    first = world.do("CreateCluster", clusterName="prod", tags=[{"key": "a", "value": "1"}])
    assert world.do("CreateCluster", clusterName="prod", tags=[{"key": "a", "value": "1"}]) == first
    assert world.do("CreateCluster", clusterName="prod") == first
    refusal = world.refusal("CreateCluster", clusterName="prod", tags=[])
    assert refusal.code == "InvalidParameterException"


def test_unknown_clusters_are_missing(world: World) -> None:
    """DescribeClusters reports unknown clusters as failures."""
    answer = world.do("DescribeClusters", clusters=["default", "nope", f"{ARN}cluster/nope2"])
    assert [cluster["clusterName"] for cluster in answer["clusters"]] == ["default"]
    assert answer["failures"] == [
        {"arn": f"{ARN}cluster/nope", "reason": "MISSING"},
        {"arn": f"{ARN}cluster/nope2", "reason": "MISSING"},
    ]


def test_an_arn_must_be_a_clusters(world: World) -> None:
    """An ARN of something else is refused; the ARN of another account's cluster is not found."""
    assert world.refusal("ListTasks", cluster=f"{ARN}task/default/x").code == "InvalidParameterException"
    other = "arn:aws:ecs:us-east-1:999999999999:cluster/default"
    assert world.refusal("ListTasks", cluster=other).code == "ClusterNotFoundException"


def test_at_most_100_clusters_are_described(world: World) -> None:
    """DescribeClusters takes at most 100 names."""
    assert world.refusal("DescribeClusters", clusters=["x"] * 101).code == "InvalidParameterException"


def test_include_decides_what_is_shown(world: World) -> None:
    """Settings, tags, statistics, configuration and attachments are shown on demand."""
    configuration = {"executeCommandConfiguration": {"logging": "NONE"}}
    assert describe(world, include=["CONFIGURATIONS"])["configuration"] == {}
    world.do("CreateCluster", clusterName="c", tags=[{"key": "a", "value": "1"}], configuration=configuration)
    plain = describe(world, "c")
    assert (plain["settings"], plain["tags"], plain["statistics"]) == ([], [], [])
    assert {"configuration", "attachments"} & plain.keys() == set()
    full = describe(world, "c", include=["SETTINGS", "TAGS", "STATISTICS", "CONFIGURATIONS", "ATTACHMENTS"])
    assert full["settings"] == [{"name": "containerInsights", "value": "disabled"}]
    assert full["tags"] == [{"key": "a", "value": "1"}]
    assert full["configuration"] == configuration
    assert full["attachments"] == []
    assert {"name": "runningFargateTasksCount", "value": "0"} in full["statistics"]


def test_a_log_configuration_is_completed(world: World) -> None:
    """Both encryptions are off unless they are on."""
    logs = {"cloudWatchLogGroupName": "exec", "cloudWatchEncryptionEnabled": True}
    command = {"logging": "OVERRIDE", "logConfiguration": logs}
    world.do("CreateCluster", clusterName="c", configuration={"executeCommandConfiguration": command})
    shown = describe(world, "c", include=["CONFIGURATIONS"])["configuration"]["executeCommandConfiguration"]
    assert shown == {"logging": "OVERRIDE", "logConfiguration": {**logs, "s3EncryptionEnabled": False}}


def test_statistics_count_services(world: World) -> None:
    """Statistics have the services by launch type and status."""
    world.register()
    fargate: Wire = {"taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": NETWORK}
    world.register_for_instances("here")
    world.do("CreateService", serviceName="a", desiredCount=1, **fargate)
    world.do("CreateService", serviceName="b", desiredCount=1, **fargate)
    world.do("CreateService", serviceName="c", desiredCount=0, taskDefinition="here")
    world.pass_(60)
    world.do("DeleteService", service="b", force=True)
    statistics = {each["name"]: each["value"] for each in describe(world, include=["STATISTICS"])["statistics"]}
    names = ("activeFargateServiceCount", "drainingFargateServiceCount", "activeEC2ServiceCount")
    assert [statistics[name] for name in names] == ["1", "1", "1"]


def test_counts_follow_the_tasks(world: World) -> None:
    """Pending and running tasks and registered instances are counted."""

    def counts() -> tuple[int, int]:
        cluster = describe(world)
        return cluster["pendingTasksCount"], cluster["runningTasksCount"]

    world.register()
    world.add_instance()
    world.run_one()
    assert counts() == (1, 0)
    world.pass_(30)
    arn = world.run_one()
    assert counts() == (1, 1)
    world.do("StopTask", task=arn)
    world.pass_(30)
    assert counts() == (0, 1)
    assert describe(world)["registeredContainerInstancesCount"] == 1


def test_list_shows_active_clusters_in_pages(world: World) -> None:
    """ListClusters shows the ARNs of ACTIVE clusters, page by page."""
    for name in ("a", "b", "c"):
        world.do("CreateCluster", clusterName=name)
    world.do("DeleteCluster", cluster="b")
    first = world.do("ListClusters", maxResults=2)
    second = world.do("ListClusters", maxResults=2, nextToken=first["nextToken"])
    assert first["clusterArns"] + second["clusterArns"] == [f"{ARN}cluster/{name}" for name in ("a", "c", "default")]
    assert "nextToken" not in second


def test_updates(world: World) -> None:
    """Settings, configuration and Service Connect defaults can be changed."""
    world.do("UpdateClusterSettings", cluster="default", settings=[{"name": "containerInsights", "value": "enabled"}])
    world.do(
        "UpdateCluster",
        cluster="default",
        configuration={"executeCommandConfiguration": {"logging": "DEFAULT"}},
        serviceConnectDefaults={"namespace": "internal"},
    )
    cluster = describe(world, include=["SETTINGS", "CONFIGURATIONS"])
    assert cluster["settings"] == [{"name": "containerInsights", "value": "enabled"}]
    assert cluster["configuration"]["executeCommandConfiguration"] == {"logging": "DEFAULT"}
    assert cluster["serviceConnectDefaults"]["namespace"].startswith("arn:aws:servicediscovery:")


def test_a_setting_has_known_values(world: World) -> None:
    """containerInsights is enabled, disabled or enhanced."""
    refusal = world.refusal(
        "UpdateClusterSettings", cluster="default", settings=[{"name": "containerInsights", "value": "maybe"}]
    )
    assert refusal.code == "InvalidParameterException"


def test_a_cluster_with_tasks_stays(world: World) -> None:
    """A cluster cannot be deleted while tasks run in it."""
    world.register()
    arn = world.run_one()
    assert world.refusal("DeleteCluster", cluster="default").code == "ClusterContainsTasksException"
    world.do("StopTask", task=arn)
    world.pass_(60)
    assert world.do("DeleteCluster", cluster="default")["cluster"]["status"] == "INACTIVE"


def test_a_cluster_with_instances_stays(world: World) -> None:
    """A cluster cannot be deleted while instances are registered with it."""
    world.add_instance()
    refusal = world.refusal("DeleteCluster", cluster="default")
    assert refusal.code == "ClusterContainsContainerInstancesException"


def test_a_deleted_cluster_lingers(world: World) -> None:
    """A deleted cluster is INACTIVE, refuses new tasks, can be created again, and is MISSING in the end."""
    world.register()
    world.do("CreateCluster", clusterName="c")
    world.do("DeleteCluster", cluster="c")
    assert describe(world, "c")["status"] == "INACTIVE"
    assert world.do("DeleteCluster", cluster="c")["cluster"]["status"] == "INACTIVE"
    assert world.refusal("UpdateCluster", cluster="c").code == "ClientException"
    assert world.do("CreateCluster", clusterName="c")["cluster"]["status"] == "ACTIVE"
    world.do("DeleteCluster", cluster="c")
    world.pass_(3601)
    assert world.refusal("DeleteCluster", cluster="c").code == "ClusterNotFoundException"


@pytest.mark.parametrize("name", ["a b", "", "x" * 256, "ä"])
def test_names(world: World, name: str) -> None:
    """A cluster's name is made of letters, digits, hyphens and underscores."""
    assert world.refusal("CreateCluster", clusterName=name).code == "ClientException"


def test_capacity_providers_in_use_stay(world: World) -> None:
    """A capacity provider that tasks run on cannot be taken from the cluster."""
    world.register()
    strategy = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    world.do(
        "PutClusterCapacityProviders",
        cluster="default",
        capacityProviders=["FARGATE_SPOT"],
        defaultCapacityProviderStrategy=strategy,
    )
    (task,) = world.do("RunTask", taskDefinition="web", networkConfiguration=NETWORK)["tasks"]
    nothing: Wire = {"cluster": "default", "capacityProviders": [], "defaultCapacityProviderStrategy": []}
    assert world.refusal("PutClusterCapacityProviders", **nothing).code == "ResourceInUseException"
    world.do("StopTask", task=task["taskArn"])
    world.pass_(60)
    assert world.do("PutClusterCapacityProviders", **nothing)["cluster"]["capacityProviders"] == []


def test_capacity_providers_must_exist(world: World) -> None:
    """A cluster takes only capacity providers that exist."""
    refusal = world.refusal("CreateCluster", clusterName="c", capacityProviders=["nope"])
    assert refusal.code == "InvalidParameterException"
