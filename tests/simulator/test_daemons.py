from __future__ import annotations

import math
from typing import Any

import pytest

from ecskit.testing import Lag, Progress

from .support import ARN, NOON, Wire, World

AGENT = f"{ARN}daemon/default/agent"
TEMPLATE: Wire = {
    "ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/ecs",
    "networkConfiguration": {"subnets": ["subnet-1"]},
}
MANAGED: Wire = {
    "infrastructureRoleArn": "arn:aws:iam::123456789012:role/ecs",
    "instanceLaunchTemplate": TEMPLATE,
}
PROVIDER = f"{ARN}capacity-provider/mi"


def define(world: World, family: str = "agent", **members: Any) -> str:
    """Register a daemon task definition, and return its ARN."""
    containers = [{"name": "agent", "image": "agent:1"}]
    request = {"family": family, "containerDefinitions": containers, **members}
    arn: str = world.sim.handle("RegisterDaemonTaskDefinition", request)["daemonTaskDefinitionArn"]
    return arn


def create(world: World, name: str = "agent", **members: Any) -> Wire:
    """Create a daemon and what it needs, and return the answer."""
    if not world.do("DescribeCapacityProviders", capacityProviders=["mi"])["capacityProviders"]:
        world.do("CreateCapacityProvider", name="mi", cluster="default", managedInstancesProvider=MANAGED)
    definition = define(world)
    request = {
        "daemonName": name,
        "daemonTaskDefinitionArn": definition,
        "capacityProviderArns": [PROVIDER],
        **members,
    }
    answer: Wire = world.sim.handle("CreateDaemon", request)
    return answer


def update(world: World, **members: Any) -> Wire:
    """Update the daemon to a new definition, and return the answer."""
    request = {"daemonArn": AGENT, "daemonTaskDefinitionArn": define(world), "capacityProviderArns": [PROVIDER]}
    return world.do("UpdateDaemon", **{**request, **members})


def deployment(world: World, arn: str) -> Wire:
    """Return a deployment as DescribeDaemonDeployments shows it."""
    (found,) = world.do("DescribeDaemonDeployments", daemonDeploymentArns=[arn])["daemonDeployments"]
    shown: Wire = found
    return shown


def running(world: World) -> list[str]:
    """Return the ARNs of the revisions that the daemon shows."""
    revisions = world.do("DescribeDaemon", daemonArn=AGENT)["daemon"]["currentRevisions"]
    return [revision["arn"] for revision in revisions]


def statuses(world: World, arn: str, *pauses: float) -> list[str]:
    """Return the statuses of a deployment after each of the pauses."""
    seen = []
    for pause in pauses:
        world.pass_(pause)
        seen.append(deployment(world, arn)["status"])
    return seen


def test_a_daemon_is_active_at_once(world: World) -> None:
    """Creation answers with the daemon's ARN, status and first deployment, and the daemon can be described."""
    answer = create(world)
    assert answer == {
        "daemonArn": AGENT,
        "status": "ACTIVE",
        "createdAt": NOON,
        "deploymentArn": answer["deploymentArn"],
    }
    assert answer["deploymentArn"].startswith(f"{ARN}daemon-deployment/default/agent/")
    assert world.do("DescribeDaemon", daemonArn=AGENT)["daemon"] == {
        **answer,
        "clusterArn": f"{ARN}cluster/default",
        "currentRevisions": [],
    }


def test_a_deployment_succeeds(world: World) -> None:
    """A deployment is PENDING, then IN_PROGRESS, and SUCCESSFUL after a minute."""
    arn = create(world)["deploymentArn"]
    assert statuses(world, arn, 0, 4.9, 0.1, 54.9, 0.1) == [
        "PENDING",
        "PENDING",
        "IN_PROGRESS",
        "IN_PROGRESS",
        "SUCCESSFUL",
    ]
    shown = deployment(world, arn)
    assert (shown["startedAt"], shown["finishedAt"]) == (NOON + 5, NOON + 60)
    assert running(world) == [shown["targetDaemonRevision"]["arn"]]


def test_an_update_runs_both_revisions_for_a_while(world: World) -> None:
    """During a deployment the daemon shows the old and the new revision, then the new one alone."""
    create(world)
    world.pass_(60)
    (old,) = running(world)
    answer = update(world, enableExecuteCommand=True)
    assert (answer["updatedAt"], running(world)) == (NOON + 60, [old])
    world.pass_(5)
    shown = deployment(world, answer["deploymentArn"])
    new = shown["targetDaemonRevision"]["arn"]
    assert ([each["arn"] for each in shown["sourceDaemonRevisions"]], running(world)) == ([old], [old, new])
    world.pass_(55)
    assert running(world) == [new]
    described = world.do("DescribeDaemonRevisions", daemonRevisionArns=[old, new])["daemonRevisions"]
    assert [each["enableExecuteCommand"] for each in described] == [False, True]
    assert described[0]["containerImages"] == [{"containerName": "agent", "image": "agent:1"}]


def test_a_failed_update_rolls_back(world: World) -> None:
    """With a revision to roll back to, a failure leads to ROLLBACK_IN_PROGRESS and ROLLBACK_SUCCESSFUL."""
    create(world)
    world.pass_(60)
    old = running(world)
    world.sim.script_resource("daemon", "agent", Progress(seconds=20, fails="tasks do not start", rollback_seconds=10))
    arn = update(world)["deploymentArn"]
    assert statuses(world, arn, 5, 15, 10) == ["IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL"]
    shown = deployment(world, arn)
    assert (shown["statusReason"], shown["circuitBreaker"]["status"]) == ("tasks do not start", "TRIGGERED")
    assert shown["rollback"]["rollbackTargetDaemonRevisionArn"] == old[0]
    assert running(world) == old


def test_a_rollback_can_fail(world: World) -> None:
    """A rollback that fails ends in ROLLBACK_FAILED and leaves both revisions running."""
    create(world)
    world.pass_(60)
    world.sim.script_resource("daemon", "*", Progress(fails="bad image", rollback_fails="no capacity"))
    arn = update(world)["deploymentArn"]
    assert statuses(world, arn, 60, 30) == ["ROLLBACK_IN_PROGRESS", "ROLLBACK_FAILED"]
    assert (deployment(world, arn)["statusReason"], len(running(world))) == ("no capacity", 2)


def test_a_first_deployment_that_fails_just_stops(world: World) -> None:
    """Without a revision to roll back to, a failed deployment is STOPPED."""
    world.sim.script_resource("daemon", "agent", Progress(seconds=4, fails="bad image"))
    arn = create(world)["deploymentArn"]
    assert statuses(world, arn, 1.9, 0.1, 2) == ["PENDING", "IN_PROGRESS", "STOPPED"]
    shown = deployment(world, arn)
    assert (shown["statusReason"], shown["stoppedAt"], "rollback" in shown) == ("bad image", NOON + 4, False)


def test_a_new_deployment_replaces_an_unfinished_one(world: World) -> None:
    """The earlier deployment is STOP_REQUESTED, then STOPPED, and its revision is not shown."""
    first = create(world)["deploymentArn"]
    world.pass_(10)
    second = update(world)["deploymentArn"]
    assert deployment(world, first)["status"] == "STOP_REQUESTED"
    world.pass_(3)
    assert deployment(world, first)["status"] == "STOPPED"
    world.pass_(47.5)
    assert (len(running(world)), deployment(world, second)["status"]) == (2, "IN_PROGRESS")
    world.pass_(10)
    assert running(world) == [deployment(world, second)["targetDaemonRevision"]["arn"]]
    # The first revision never succeeded, so the rollback goes to the second one.
    world.sim.script_resource("daemon", "agent", Progress(fails="no"))
    third = deployment(world, update(world)["deploymentArn"])
    world.pass_(60)
    assert (
        deployment(world, third["daemonDeploymentArn"])["rollback"]["rollbackTargetDaemonRevisionArn"]
        == (deployment(world, second)["targetDaemonRevision"]["arn"])
    )


def test_a_deployment_can_take_for_ever(world: World) -> None:
    """With infinite seconds a deployment never ends."""
    world.sim.script_resource("daemon", "agent", Progress(seconds=math.inf))
    arn = create(world)["deploymentArn"]
    assert statuses(world, arn, 5, 1e6) == ["IN_PROGRESS", "IN_PROGRESS"]


def test_a_deleted_daemon_is_not_found(world: World) -> None:
    """A deletion is a deployment; at its end the daemon is not found, and its deployments are still shown."""
    create(world)
    world.pass_(60)
    answer = world.do("DeleteDaemon", daemonArn=AGENT)
    assert (answer["status"], answer["updatedAt"]) == ("DELETE_IN_PROGRESS", NOON + 60)
    world.pass_(59.9)
    assert world.do("DescribeDaemon", daemonArn=AGENT)["daemon"]["status"] == "DELETE_IN_PROGRESS"
    assert update_refusal(world) == "DaemonNotActiveException"
    assert world.refusal("DeleteDaemon", daemonArn=AGENT).code == "DaemonNotActiveException"
    world.pass_(0.1)
    for operation in ("DescribeDaemon", "DeleteDaemon"):
        assert world.refusal(operation, daemonArn=AGENT).code == "DaemonNotFoundException"
    assert update_refusal(world) == "DaemonNotFoundException"
    assert world.do("ListDaemons")["daemonSummariesList"] == []
    shown = deployment(world, answer["deploymentArn"])
    assert (shown["status"], "targetDaemonRevision" in shown) == ("SUCCESSFUL", False)
    assert len(world.do("ListDaemonDeployments", daemonArn=AGENT)["daemonDeployments"]) == 2
    assert create(world)["daemonArn"] == AGENT


def update_refusal(world: World) -> str:
    """Return the code with which an update of the daemon is refused."""
    request = {"daemonArn": AGENT, "daemonTaskDefinitionArn": "agent", "capacityProviderArns": [PROVIDER]}
    return world.refusal("UpdateDaemon", **request).code


def test_what_belonged_to_a_daemon_is_forgotten_after_an_hour(world: World) -> None:
    """An hour after the end of a daemon, its deployments and revisions are MISSING."""
    arn = create(world)["deploymentArn"]
    world.do("DeleteDaemon", daemonArn=AGENT)
    world.pass_(60 + 3600)
    answer = world.do("DescribeDaemonDeployments", daemonDeploymentArns=[arn])
    assert answer == {"daemonDeployments": [], "failures": [{"arn": arn, "reason": "MISSING"}]}
    assert world.refusal("ListDaemonDeployments", daemonArn=AGENT).code == "ClientException"


def test_a_deletion_can_fail(world: World) -> None:
    """A deletion that fails leaves the daemon in deletion, and its deployment STOPPED."""
    create(world)
    world.pass_(60)
    world.sim.script_resource("daemon", "agent", Progress(seconds=10, fails="instances do not drain"))
    arn = world.do("DeleteDaemon", daemonArn=AGENT)["deploymentArn"]
    world.pass_(1000)
    assert (deployment(world, arn)["status"], deployment(world, arn)["statusReason"]) == (
        "STOPPED",
        "instances do not drain",
    )
    assert world.do("DescribeDaemon", daemonArn=AGENT)["daemon"]["status"] == "DELETE_IN_PROGRESS"


def test_the_same_token_creates_once(world: World) -> None:
    """A token with the same parameters replays, with others it is refused; it ends with the daemon and after a day."""
    definition = define(world)
    members: Wire = {"clientToken": "t", "daemonTaskDefinitionArn": definition}
    answer = create(world, **members)
    world.pass_(10)
    assert create(world, **members) == answer
    refusal = world.refusal("CreateDaemon", daemonName="other", capacityProviderArns=[PROVIDER], **members)
    assert (refusal.code, "clientToken" in refusal.message) == ("InvalidParameterException", True)
    world.do("DeleteDaemon", daemonArn=AGENT)
    world.pass_(60)
    assert create(world, **members)["createdAt"] == NOON + 70
    world.pass_(24 * 3600)
    refusal = world.refusal("CreateDaemon", daemonName="agent", capacityProviderArns=[PROVIDER], **members)
    assert "already has a daemon" in refusal.message


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"daemonName": "a b"}, "ClientException"),
        ({"clusterArn": "nope"}, "ClusterNotFoundException"),
        ({"capacityProviderArns": []}, "InvalidParameterException"),
        ({"capacityProviderArns": [f"{ARN}capacity-provider/nope"]}, "InvalidParameterException"),
        ({"capacityProviderArns": ["FARGATE"]}, "InvalidParameterException"),
        ({"daemonTaskDefinitionArn": f"{ARN}daemon-task-definition/nope:1"}, "ClientException"),
        ({"deploymentConfiguration": {"bakeTimeInMinutes": -1}}, "InvalidParameterException"),
        ({"deploymentConfiguration": {"drainPercent": 101}}, "InvalidParameterException"),
        ({"clientToken": "x" * 37}, "InvalidParameterException"),
        ({"clientToken": "a b"}, "InvalidParameterException"),
        ({"daemonName": "first"}, "InvalidParameterException"),
        ({"tags": [{"key": "aws:x"}]}, "InvalidParameterException"),
    ],
)
def test_a_daemon_that_cannot_be(world: World, members: Wire, code: str) -> None:
    """A daemon needs a free name, a cluster, managed instances and an ACTIVE definition."""
    create(world, "first")
    request = {
        "daemonName": "agent",
        "daemonTaskDefinitionArn": "agent:1",
        "capacityProviderArns": [PROVIDER],
        **members,
    }
    assert world.refusal("CreateDaemon", **request).code == code
    assert len(world.do("ListDaemons")["daemonSummariesList"]) == 1


@pytest.mark.parametrize("arn", ["agent", f"{ARN}cluster/default", "arn:aws:ecs"])
def test_daemons_are_named_by_their_arn(world: World, arn: str) -> None:
    """A reference that is not the ARN of a daemon is a bad parameter."""
    for operation in ("DescribeDaemon", "DeleteDaemon", "ListDaemonDeployments"):
        assert world.refusal(operation, daemonArn=arn).code == "InvalidParameterException"


def test_daemons_are_listed(world: World) -> None:
    """ListDaemons filters by cluster and capacity providers, in pages."""
    for name in ("b", "a", "c"):
        create(world, name)
    world.do("CreateCluster", clusterName="other")
    assert world.do("ListDaemons", clusterArn="other")["daemonSummariesList"] == []
    assert world.do("ListDaemons", capacityProviderArns=["arn:x"])["daemonSummariesList"] == []
    first = world.do("ListDaemons", maxResults=2, capacityProviderArns=[PROVIDER])
    rest = world.do("ListDaemons", maxResults=2, capacityProviderArns=[PROVIDER], nextToken=first["nextToken"])
    listed = [*first["daemonSummariesList"], *rest["daemonSummariesList"]]
    assert listed == [
        {"daemonArn": f"{ARN}daemon/default/{name}", "status": "ACTIVE", "createdAt": NOON} for name in ("a", "b", "c")
    ]


def test_deployments_are_listed(world: World) -> None:
    """ListDaemonDeployments filters by status and by time of creation."""
    first = create(world)["deploymentArn"]
    world.pass_(60)
    second = update(world)["deploymentArn"]

    def listed(**members: Any) -> list[str]:
        found = world.do("ListDaemonDeployments", daemonArn=AGENT, **members)["daemonDeployments"]
        return sorted(each["daemonDeploymentArn"] for each in found)

    assert listed() == sorted([first, second])
    assert listed(status=["SUCCESSFUL"]) == [first]
    assert listed(createdAt={"after": NOON + 1}) == [second]
    assert listed(createdAt={"before": NOON + 1}) == [first]
    assert listed(createdAt={"before": NOON - 1}) == []


def test_a_call_describes_at_most_twenty(world: World) -> None:
    """More than twenty ARNs, or none, are refused."""
    for count in (0, 21):
        arns = [f"{ARN}daemon-deployment/default/agent/{number}" for number in range(count)]
        refusal = world.refusal("DescribeDaemonDeployments", daemonDeploymentArns=arns)
        assert refusal.code == "InvalidParameterException"


def test_daemons_and_definitions_carry_tags(world: World) -> None:
    """Both can be tagged at creation and later, as long as they exist."""
    tags = [{"key": "a", "value": "1"}]
    definition = define(world, "tagged", tags=tags)
    create(world, tags=tags)
    for arn in (definition, AGENT):
        world.do("TagResource", resourceArn=arn, tags=[{"key": "b", "value": "2"}])
        world.do("UntagResource", resourceArn=arn, tagKeys=["a"])
        assert world.do("ListTagsForResource", resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]
    missing = f"{ARN}daemon/default/nope"
    assert world.refusal("TagResource", resourceArn=missing, tags=[]).code == "ResourceNotFoundException"


def test_a_new_daemon_is_invisible_for_a_while() -> None:
    """Until `visible_after` a daemon is not found, and its deployment is MISSING; updates find both."""
    world = World(lag=Lag(visible_after=3))
    arn = create(world, daemonTaskDefinitionArn=define(world))["deploymentArn"]
    world.pass_(2.9)
    assert world.refusal("DescribeDaemon", daemonArn=AGENT).code == "DaemonNotFoundException"
    assert world.do("ListDaemons")["daemonSummariesList"] == []
    answer = world.do("DescribeDaemonDeployments", daemonDeploymentArns=[arn])
    assert answer["failures"] == [{"arn": arn, "reason": "MISSING"}]
    world.pass_(0.1)
    assert world.do("DescribeDaemon", daemonArn=AGENT)["daemon"]["deploymentArn"] == arn
    assert deployment(world, arn)["status"] == "PENDING"


def test_stale_reads_show_the_past() -> None:
    """A read of a moment before a deletion does not show it, and one before the end still finds the daemon."""
    world = World(lag=Lag(stale_by=5, stale_share=1))
    create(world)
    world.pass_(100)
    world.do("DeleteDaemon", daemonArn=AGENT)
    world.pass_(0.001)
    assert world.do("DescribeDaemon", daemonArn=AGENT)["daemon"]["status"] == "ACTIVE"
    world.pass_(60)
    assert world.do("DescribeDaemon", daemonArn=AGENT)["daemon"]["status"] == "DELETE_IN_PROGRESS"
    world.pass_(5)
    assert world.refusal("DescribeDaemon", daemonArn=AGENT).code == "DaemonNotFoundException"


def test_scripts_of_resources_are_checked(world: World) -> None:
    """An unknown resource type and a negative duration are refused."""
    with pytest.raises(ValueError, match="resource_type must be one of daemon, "):
        world.sim.script_resource("cluster", "default", Progress())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="seconds"):
        Progress(seconds=-1)
    with pytest.raises(ValueError, match="rollback_seconds"):
        Progress(rollback_seconds=math.nan)
    with pytest.raises(TypeError):
        Progress(seconds="1")  # type: ignore[arg-type]
