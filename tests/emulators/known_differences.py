"""The known differences between the simulator and other emulators: which one is correct, and why.

`docs/emulators.md` shows the same table. A path that begins with `=` is a step whose whole answers differ. Any other
path is of members; one that ends in `*` is a prefix.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import attrs

API = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_"
EXAMPLE = "https://docs.aws.amazon.com/cli/latest/reference/ecs/create-service.html"
IDEMPOTENT = "https://github.com/hashicorp/terraform-provider-aws/issues/2283"


@attrs.frozen
class KnownDifference:
    """One difference."""

    what: str
    right: Literal["simulator", "open"]
    why: str
    source: str
    ministack: Sequence[str] = ()
    moto: Sequence[str] = ()

    @property
    def row(self) -> str:
        """The row of the table in the docs."""
        who = ", ".join(name for name in ("ministack", "moto") if getattr(self, name))
        link = self.source.rpartition("API_")[2].removesuffix(".html") if self.source.startswith(API) else "source"
        return f"| {self.what} | {who} | {self.right} | {self.why} ([{link}]({self.source})) |"


def api(page: str) -> str:
    """Return the URL of a page of the API reference."""
    return f"{API}{page}.html"


def covers(path: str, found: str) -> bool:
    """Whether a path of this table includes the path of a difference."""
    return found.startswith(path[:-1]) if path.endswith("*") else found == path


KNOWN_DIFFERENCES = (
    # whole answers
    KnownDifference(
        "Requests with a cluster that does not exist are performed; some create it",
        "simulator",
        "These operations answer `ClusterNotFoundException`",
        api("CreateService"),
        ministack=(
            "= create service nowhere",
            "= describe nowhere",
            "= list services nowhere",
            "= update nowhere",
            "= run nowhere",
            "= delete lost cluster",
        ),
    ),
    KnownDifference(
        "Services are created with, and updated to, task definitions that do not exist",
        "simulator",
        "A service needs an ACTIVE revision of a task definition",
        api("UpdateService"),
        ministack=(
            "= create service of nothing",
            "= deploy lost definition",
            "= deploy lost definition by ARN",
            "= delete service of nothing",
        ),
    ),
    KnownDifference(
        "Creating a service under a name in use: `ClientException` on ministack; moto updates the existing service",
        "simulator",
        "ECS answers `InvalidParameterException`: the creation was not idempotent",
        IDEMPOTENT,
        ministack=("= create service again, otherwise",),
        moto=("= create service again, otherwise", "service.desiredCount"),
    ),
    KnownDifference(
        "Task definitions for Fargate are registered without `cpu`, and without containers on moto",
        "simulator",
        "Fargate needs a task size, and every task definition needs containers",
        api("RegisterTaskDefinition"),
        ministack=("= register fargate without cpu", "taskDefinition.cpu", "taskDefinition.revision"),
        moto=(
            "= register fargate without cpu",
            "= register without containers",
            "taskDefinition.cpu",
            "taskDefinition.revision",
        ),
    ),
    KnownDifference(
        "One RunTask runs more than ten tasks, and on ministack awsvpc tasks without a network",
        "simulator",
        "`count` is at most 10, and awsvpc needs `networkConfiguration`",
        api("RunTask"),
        ministack=("= run eleven tasks", "= run awsvpc without network"),
        moto=("= run eleven tasks",),
    ),
    KnownDifference(
        "A cluster with running tasks is deleted",
        "simulator",
        "It answers `ClusterContainsTasksException`",
        api("DeleteCluster"),
        ministack=("= delete cluster with tasks", "= delete cluster"),
        moto=("= delete cluster with tasks",),
    ),
    KnownDifference(
        "A deleted cluster is MISSING",
        "simulator",
        "It is INACTIVE, and is described for a while",
        api("DeleteCluster"),
        ministack=("cluster", "clusters", "cluster.*", "failures*"),
    ),
    KnownDifference(
        "An INACTIVE service is updated",
        "simulator",
        "It answers `ServiceNotActiveException`",
        api("UpdateService"),
        ministack=("= update deleted service",),
        moto=("= update deleted service",),
    ),
    KnownDifference(
        "Deleting an INACTIVE service is an `InvalidParameterException`, because its desired count is above 0 again",
        "open",
        "The page lists that error and `ServiceNotFoundException`, but not which one applies",
        api("DeleteService"),
        ministack=("= delete deleted service",),
        moto=("= delete deleted service",),
    ),
    KnownDifference(
        "Service deployments and revisions: ministack answers with empty lists, moto with 500 and HTML",
        "simulator",
        "With the controller ECS, every deployment has a service deployment",
        api("ListServiceDeployments"),
        ministack=("serviceDeployment*", "failures*", "service.currentService*"),
        moto=("= service deployments", "= describe service deployments", "service.currentService*"),
    ),
    KnownDifference(
        "Tasks that do not exist: on moto, StopTask answers 500 and DescribeTasks has no `failures`",
        "simulator",
        "StopTask answers with one of its documented errors, DescribeTasks with a failure MISSING",
        api("Failure"),
        moto=("= stop lost task", "failures*"),
    ),
    KnownDifference(
        "ministack deletes ACTIVE task definitions; `deregisteredAt` is in other answers",
        "simulator",
        "A revision must be deregistered first; the answers of deregistration and deletion lack the time that they set",
        api("DeleteTaskDefinitions"),
        ministack=("failures*", "taskDefinition.deregisteredAt", "taskDefinition.revision"),
        moto=("taskDefinition.deregisteredAt",),
    ),
    # services
    KnownDifference(
        "The answer of UpdateService shows the deployment complete and no older ones",
        "simulator",
        "The scheduler runs after the call: the answer has the new deployment IN_PROGRESS beside the old one",
        api("Deployment"),
        ministack=(
            "service.deployments[].*",
            "service.runningCount",
            "service.pendingCount",
            "service.events*",
        ),
    ),
    KnownDifference(
        "No tasks are started, and `rolloutState` stays IN_PROGRESS; new deployments replace old ones at once",
        "simulator",
        "The scheduler starts the desired count of tasks, and shows it by events and counts",
        api("Deployment"),
        moto=(
            "service.deployments[].*",
            "service.runningCount",
            "service.pendingCount",
            "service.events*",
            "taskArns",
            "task",
            "tasks",
        ),
    ),
    KnownDifference(
        "An INACTIVE service still has a PRIMARY deployment",
        "open",
        "Not documented; the simulator shows none, because the desired count is 0",
        api("Service"),
        ministack=("service.deployments",),
        moto=("service.deployments",),
    ),
    KnownDifference(
        "Services lack `availabilityZoneRebalancing` and `resourceManagementType`",
        "simulator",
        "ECS shows both unasked: the first one is ENABLED for new services that can be balanced",
        api("Service"),
        ministack=("service.availabilityZoneRebalancing", "service.resourceManagementType"),
        moto=("service.availabilityZoneRebalancing", "service.resourceManagementType"),
    ),
    KnownDifference(
        "Services lack members that ECS fills in, have them as empty strings, or have additional ones",
        "simulator",
        "The example of AWS has `placementConstraints`, `placementStrategy`, `platformVersion`, `roleArn`, `createdAt`",
        EXAMPLE,
        ministack=(
            "service.deploymentConfiguration.*",
            "service.enableExecuteCommand",
            "service.healthCheckGracePeriodSeconds",
            "service.networkConfiguration",
            "service.placement*",
            "service.platform*",
            "service.roleArn",
            "service.taskDefinition",
            "service.taskSets",
        ),
        moto=(
            "service.created*",
            "service.deploymentConfiguration",
            "service.enable*",
            "service.networkConfiguration",
            "service.placement*",
            "service.platform*",
            "service.roleArn",
            "service.taskSets",
        ),
    ),
    KnownDifference(
        "Tags: ministack shows them without `include`; moto loses those of services and of registered resources",
        "simulator",
        "Descriptions have tags if `include` has TAGS",
        api("DescribeServices"),
        ministack=("service.tags", "task.tags", "tags"),
        moto=("service.tags*", "cluster.tags", "tags"),
    ),
    KnownDifference(
        "Lists of services by launch type, and lists of ACTIVE services, include deleted ones",
        "simulator",
        "Services that are DRAINING or INACTIVE are in no list, EXTERNAL ones included",
        api("DeleteService"),
        moto=("serviceArns",),
    ),
    # clusters
    KnownDifference(
        "Without `include`, clusters have attachments on ministack; on moto settings, but no capacity providers",
        "simulator",
        "Attachments, settings, statistics are shown if `include` lists them; else they are empty lists",
        api("DescribeClusters"),
        ministack=("cluster.attachments*",),
        moto=("cluster.settings*", "cluster.statistics", "cluster.capacityProviders", "cluster.default*"),
    ),
    # task definitions
    KnownDifference(
        "Containers lack defaults; `requiresAttributes` is missing, on moto also `registeredAt` and `registeredBy`",
        "simulator",
        "Containers are returned with empty lists, `hostPort` and `protocol`",
        api("RegisterTaskDefinition"),
        ministack=("taskDefinition.containerDefinitions[].*", "taskDefinition.requiresAttributes"),
        moto=(
            "taskDefinition.containerDefinitions[].*",
            "taskDefinition.requiresAttributes",
            "taskDefinition.registered*",
        ),
    ),
    KnownDifference(
        "Absent members of a task definition are null or an empty string, for example `pidMode` and `ipcMode`",
        "simulator",
        "The modes have no such value; members that were not given are absent",
        api("TaskDefinition"),
        ministack=(
            "taskDefinition.ephemeralStorage",
            "taskDefinition.executionRoleArn",
            "taskDefinition.ipcMode",
            "taskDefinition.pidMode",
            "taskDefinition.proxyConfiguration",
            "taskDefinition.runtimePlatform",
            "taskDefinition.taskRoleArn",
        ),
    ),
    # tasks
    KnownDifference(
        "Tasks take no time: on ministack they are RUNNING and STOPPED at once, on moto each read moves them one step",
        "simulator",
        "A task goes through PROVISIONING, PENDING and ACTIVATING, and has their timestamps",
        api("Task"),
        ministack=(
            "task.connectivity*",
            "task.containers[].*",
            "task.executionStoppedAt",
            "task.healthStatus",
            "task.lastStatus",
            "task.pull*",
            "task.startedAt",
            "task.stoppedAt",
        ),
        moto=(
            "task.attachments[].status",
            "task.connectivity*",
            "task.containers[].*",
            "task.createdAt",
            "task.executionStoppedAt",
            "task.lastStatus",
            "task.pull*",
            "task.startedAt",
            "task.stop*",
        ),
    ),
    KnownDifference(
        "Tasks of services have the service's name as `startedBy`, so they are not found by their deployment",
        "simulator",
        "It is the id of their deployment",
        api("Task"),
        ministack=("task.startedBy", "taskArns"),
    ),
    KnownDifference(
        "Running tasks have empty strings as stop code and reason; so is the `group` of tasks of RunTask",
        "simulator",
        "The default group is `family:FAMILY`; stop codes have no such value",
        api("Task"),
        ministack=("task.stopCode", "task.stoppedReason", "task.group"),
    ),
    KnownDifference(
        "Tasks lack their size, network, platform, storage and overrides",
        "simulator",
        "These are members of every task on Fargate",
        api("Task"),
        ministack=(
            "task.attachments",
            "task.attributes",
            "task.containerInstanceArn",
            "task.ephemeralStorage",
            "task.fargateEphemeralStorage",
            "task.overrides.*",
        ),
        moto=(
            "task.attributes",
            "task.availabilityZone",
            "task.cpu",
            "task.enableExecuteCommand",
            "task.ephemeralStorage",
            "task.fargateEphemeralStorage",
            "task.healthStatus",
            "task.memory",
            "task.overrides.*",
            "task.platform*",
            "task.version",
        ),
    ),
)
"""All known differences."""
