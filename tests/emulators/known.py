"""Where the simulator and others are known to differ, who is right, and why. `docs/emulators.md` has it for people.

A path that begins with `=` is a step whose answers differ as a whole; another one is of members, and ends in `*` where
all that begins so is meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import attrs

API = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_"
EXAMPLE = "https://docs.aws.amazon.com/cli/latest/reference/ecs/create-service.html"
IDEMPOTENT = "https://github.com/hashicorp/terraform-provider-aws/issues/2283"


@attrs.frozen
class Known:
    """One way in which they differ."""

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
        said = self.source.rpartition("API_")[2].removesuffix(".html") if self.source.startswith(API) else "source"
        return f"| {self.what} | {who} | {self.right} | {self.why} ([{said}]({self.source})) |"


def api(page: str) -> str:
    """Return the address of a page of the API reference."""
    return f"{API}{page}.html"


def covers(path: str, found: str) -> bool:
    """Whether a path of this table is that of a difference."""
    return found.startswith(path[:-1]) if path.endswith("*") else found == path


KNOWN = (
    # whole answers
    Known(
        "Requests that name a cluster which does not exist are carried out; some create it",
        "simulator",
        "`ClusterNotFoundException` is what these operations answer",
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
    Known(
        "Services are created with, and updated to, task definitions that do not exist",
        "simulator",
        "A service runs an ACTIVE revision of a task definition; there is none to be run",
        api("UpdateService"),
        ministack=(
            "= create service of nothing",
            "= deploy lost definition",
            "= deploy lost definition by ARN",
            "= delete service of nothing",
        ),
    ),
    Known(
        "Creating a service under a name that is taken: `ClientException` on ministack; moto updates the other one",
        "simulator",
        "ECS says `InvalidParameterException`, that the creation was not idempotent",
        IDEMPOTENT,
        ministack=("= create service again, otherwise",),
        moto=("= create service again, otherwise", "service.desiredCount"),
    ),
    Known(
        "Task definitions for Fargate are registered without `cpu`, and without containers on moto",
        "simulator",
        "Fargate needs a task size, and every task definition containers",
        api("RegisterTaskDefinition"),
        ministack=("= register fargate without cpu", "taskDefinition.cpu", "taskDefinition.revision"),
        moto=(
            "= register fargate without cpu",
            "= register without containers",
            "taskDefinition.cpu",
            "taskDefinition.revision",
        ),
    ),
    Known(
        "More than ten tasks are run by one RunTask, and on ministack awsvpc ones without a network",
        "simulator",
        "`count` ends at 10, and awsvpc needs `networkConfiguration`",
        api("RunTask"),
        ministack=("= run eleven tasks", "= run awsvpc without network"),
        moto=("= run eleven tasks",),
    ),
    Known(
        "A cluster with running tasks is deleted",
        "simulator",
        "`ClusterContainsTasksException` is what it answers",
        api("DeleteCluster"),
        ministack=("= delete cluster with tasks", "= delete cluster"),
        moto=("= delete cluster with tasks",),
    ),
    Known(
        "A deleted cluster is MISSING",
        "simulator",
        "It is INACTIVE, and may be described for a while",
        api("DeleteCluster"),
        ministack=("cluster", "clusters", "cluster.*", "failures*"),
    ),
    Known(
        "An INACTIVE service is updated",
        "simulator",
        "`ServiceNotActiveException` is what it answers",
        api("UpdateService"),
        ministack=("= update deleted service",),
        moto=("= update deleted service",),
    ),
    Known(
        "Deleting an INACTIVE service is an `InvalidParameterException`, as its desired count is not 0 again",
        "open",
        "The page has that error and `ServiceNotFoundException`, and does not say which one this is",
        api("DeleteService"),
        ministack=("= delete deleted service",),
        moto=("= delete deleted service",),
    ),
    Known(
        "Service deployments and revisions: ministack answers with empty lists, moto with 500 and HTML",
        "simulator",
        "Every deployment of the controller ECS has a service deployment",
        api("ListServiceDeployments"),
        ministack=("serviceDeployment*", "failures*", "service.currentService*"),
        moto=("= service deployments", "= describe service deployments", "service.currentService*"),
    ),
    Known(
        "Tasks that do not exist: StopTask is a 500, and DescribeTasks has no `failures`, on moto",
        "simulator",
        "StopTask answers with an error of its page, DescribeTasks with a failure MISSING",
        api("Failure"),
        moto=("= stop lost task", "failures*"),
    ),
    Known(
        "Task definitions that are ACTIVE are deleted by ministack; `deleteRequestedAt` and the like are missing",
        "simulator",
        "A revision has to be deregistered first; `deregisteredAt` and `deleteRequestedAt` say when",
        api("DeleteTaskDefinitions"),
        ministack=("failures*", "taskDefinition.deleteRequestedAt", "taskDefinition.revision"),
        moto=("taskDefinition.deleteRequestedAt", "taskDefinition.deregisteredAt", "failures[].reason"),
    ),
    # services
    Known(
        "What a deployment changes is complete in the answer of the call, and older deployments are gone with it",
        "simulator",
        "The scheduler works after the call: the answer has the new deployment IN_PROGRESS beside the old one",
        api("Deployment"),
        ministack=(
            "service.deployments[].*",
            "service.runningCount",
            "service.pendingCount",
            "service.events*",
        ),
    ),
    Known(
        "No tasks are started, and `rolloutState` stays IN_PROGRESS; new deployments replace old ones at once",
        "simulator",
        "The scheduler starts as many tasks as are desired, and tells by events and counts",
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
    Known(
        "An INACTIVE service still has a PRIMARY deployment",
        "open",
        "Not documented; the simulator shows none, because nothing is to run",
        api("Service"),
        ministack=("service.deployments",),
        moto=("service.deployments",),
    ),
    Known(
        "`deploymentController` is there although nobody asked for one",
        "simulator",
        "In the example of AWS it is there for EXTERNAL only; clients have to take both",
        EXAMPLE,
        ministack=("service.deploymentController",),
        moto=("service.deploymentController",),
    ),
    Known(
        "Services lack members, or have them as empty strings, that ECS fills in, or have more than they should",
        "simulator",
        "The example of AWS has `placementConstraints`, `placementStrategy`, `platformVersion`, `roleArn`, `createdAt`",
        EXAMPLE,
        ministack=(
            "service.deploymentConfiguration.strategy",
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
    Known(
        "Tags: ministack answers with them unasked, moto forgets those of services and of what it registers",
        "simulator",
        "Descriptions have them where `include` says TAGS",
        api("DescribeServices"),
        ministack=("service.tags", "task.tags", "tags"),
        moto=("service.tags*", "cluster.tags", "tags"),
    ),
    Known(
        "A list of services that is filtered by launch type, and one of what is ACTIVE, has what was deleted",
        "simulator",
        "Services that are DRAINING or INACTIVE are in no list, and an EXTERNAL one is no different",
        api("DeleteService"),
        moto=("serviceArns",),
    ),
    # clusters
    Known(
        "Clusters have attachments unasked on ministack; on moto settings, and no `statistics` or capacity providers",
        "simulator",
        "Attachments, settings and statistics come where `include` says so; the rest are empty lists",
        api("DescribeClusters"),
        ministack=("cluster.attachments*",),
        moto=("cluster.settings*", "cluster.statistics", "cluster.capacityProviders", "cluster.default*"),
    ),
    # task definitions
    Known(
        "Containers lack their defaults; `requiresAttributes`, on moto `registeredAt` and `registeredBy`, are missing",
        "simulator",
        "Containers come back with empty lists, `hostPort` and `protocol`",
        api("RegisterTaskDefinition"),
        ministack=("taskDefinition.containerDefinitions[].*", "taskDefinition.requiresAttributes"),
        moto=(
            "taskDefinition.containerDefinitions[].*",
            "taskDefinition.requiresAttributes",
            "taskDefinition.registered*",
        ),
    ),
    Known(
        "What a task definition does not have is null or an empty string, `pidMode` and `ipcMode` among it",
        "simulator",
        "The modes have no such value; what was not given is absent",
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
    Known(
        "Tasks take no time: ministack has them RUNNING and STOPPED at once, moto takes a step with each look",
        "simulator",
        "A task goes through PROVISIONING, PENDING and ACTIVATING, and its timestamps say when",
        api("Task"),
        ministack=(
            "task.connectivity*",
            "task.containers[].*",
            "task.executionStoppedAt",
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
    Known(
        "Tasks of services have `startedBy` = the name of the service, so that they are not found by their deployment",
        "simulator",
        "It is the id of the deployment that started them",
        api("Task"),
        ministack=("task.startedBy", "taskArns"),
    ),
    Known(
        "Tasks that run have a stop code and a reason, which are empty strings; so is the `group` of those of RunTask",
        "simulator",
        "The default group is `family:` and the family; stop codes have no such value",
        api("Task"),
        ministack=("task.stopCode", "task.stoppedReason", "task.group"),
    ),
    Known(
        "Tasks lack what is known of their size, network, platform, storage and overrides",
        "simulator",
        "These are members of every task on Fargate",
        api("Task"),
        ministack=(
            "task.attachments",
            "task.attributes",
            "task.containerInstanceArn",
            "task.ephemeralStorage",
            "task.fargateEphemeralStorage",
            "task.inferenceAccelerators",
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
            "task.inferenceAccelerators",
            "task.memory",
            "task.overrides.*",
            "task.platform*",
            "task.version",
        ),
    ),
)
"""Everything that was found."""
