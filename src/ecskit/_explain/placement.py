"""Rows: capacity, quotas, placement, throttles and networks. Their patterns are those of `ecskit._core.reasons`."""

from __future__ import annotations

from collections.abc import Sequence

from ecskit._explain.finding import Cause
from ecskit._explain.row import START, Row
from ecskit._explain.sources import EVENTS, FAILURES, FARGATE_CAPACITY, GUIDE, NOT_STARTED, READ, REPOST, github

__all__ = ["PLACEMENT_ROWS"]

_MET = "(service web) was unable to place a task because no container instance met all of its requirements."
_QUOTAS = f"{GUIDE}/service-quotas.html"


def _row(
    name: str, example: str, what: str, *causes: Cause, source: str, report: str | None = None, seen: str = READ
) -> Row:
    """Return a row whose pattern is in the table of reasons."""
    return Row(
        name=name,
        places=START,
        what=what,
        causes=causes,
        example=example,
        report=report or source,
        seen=seen,
        source=source,
    )


PLACEMENT_ROWS: Sequence[Row] = (
    _row(
        "fargate-capacity",
        "(service web) was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later"
        " or in a different availability zone",
        "Fargate has no room for the task in these Availability Zones now.",
        Cause("The zones of the subnets are full.", "Add subnets in other zones."),
        Cause("Fargate Spot has no spare capacity.", "Add FARGATE to the capacity provider strategy."),
        Cause("The shortage is short.", "Run the task again later. Services do this by themselves."),
        report=github("sil-org/ecs-deploy#277"),
        seen="2023-05-29",
        source=FARGATE_CAPACITY,
    ),
    _row(
        "instance-resources",
        f"{_MET} The closest matching container-instance 0123 has insufficient CPU units available.",
        "No container instance has enough free CPU, memory, ports, GPUs or network interfaces.",
        Cause("The cluster is full.", "Add instances, or let a capacity provider scale the cluster."),
        Cause("The task asks for more than any instance has.", "Lower its cpu and memory, or use larger instances."),
        Cause("A deployment needs room for old and new tasks.", "Lower minimumHealthyPercent."),
        source=EVENTS,
    ),
    _row(
        "port-in-use",
        f"{_MET} The closest matching container-instance 0123 is already using a port required by your task.",
        "All container instances use the host port of the task already.",
        Cause("A fixed host port allows one task an instance.", "Use host port 0, or network mode awsvpc."),
        Cause("A deployment starts new tasks before old ones stop.", "Lower minimumHealthyPercent, or add instances."),
        source=EVENTS,
    ),
    _row(
        "missing-attribute",
        f"{_MET} The closest matching container-instance 0123 is missing an attribute required by your task.",
        "No container instance has all that the task definition requires.",
        Cause(
            "The log driver, a GPU, or another feature is not on the instances.",
            "Compare requiresAttributes of the task definition with the attributes of the instances.",
        ),
        Cause("With awsvpc, no instance is in the subnets of the service.", "Add instances in these subnets."),
        Cause("The instances have another CPU architecture or an old agent.", "Use a newer or a fitting AMI."),
        report=github("compose-x/ecs_composex#731"),
        seen="2023-12-27",
        source=EVENTS,
    ),
    _row(
        "agent-disconnected",
        f'{_MET} The closest matching container-instance 0123 encountered error "AGENT".',
        "The agent of the container instance is disconnected.",
        Cause("The agent or Docker hangs, most often for want of memory.", "Restart it: systemctl restart ecs."),
        Cause("The instance has no connection to ECS.", "Check its route, security group and instance role."),
        source=EVENTS,
    ),
    _row(
        "no-instances",
        f"{_MET} Reason: No Container Instances were found in your cluster.",
        "The cluster has no container instances.",
        Cause("The instances did not start.", "Check the Auto Scaling group: limits, capacity, AMI."),
        Cause(
            "They run, and did not register.",
            "Check ECS_CLUSTER in their user data, their instance role, and their route to ECS.",
        ),
        Cause("The service was meant for Fargate.", "Use launch type FARGATE or its capacity provider."),
        report=github("ptokito/ECSClusterWithTerraform#3"),
        seen="2021-08-11",
        source=EVENTS,
    ),
    _row(
        "placement-constraint",
        "MemberOf placement constraint unsatisfied.",
        "No container instance fulfils the placement constraints.",
        Cause("The expression matches no instance.", "Compare it with the attributes of the instances."),
        Cause("distinctInstance needs one instance a task.", "Add instances."),
        source=FAILURES,
    ),
    _row(
        "instance-inactive",
        "INACTIVE",
        "The container instance is deregistered.",
        Cause("It was deregistered or terminated.", "Name another instance, or leave the choice to ECS."),
        source=FAILURES,
    ),
    _row(
        "compute-mismatch",
        "The selected task definition is not compatible with the selected compute strategy",
        "The task definition and the launch type do not fit together.",
        Cause("requiresCompatibilities does not include it.", "Register a revision that does, or change launch type."),
        source=NOT_STARTED,
    ),
    _row(
        "task-quota",
        "(service web) was unable to place a task. Reason: You've reached the limit on the number of vCPUs you can run"
        " concurrently",
        "The account runs as many tasks or vCPUs as its quota allows.",
        Cause("The quota of Fargate in this region is reached.", "Request an increase, or stop tasks."),
        source=_QUOTAS,
        report=EVENTS,
    ),
    _row(
        "size-quota",
        "(service web) was unable to place a task. Reason: The requested CPU configuration is above your limit.",
        "The task is larger than the quota of the account allows.",
        Cause(
            "New accounts have low limits for the size of a task.", "Request an increase, or use less cpu and memory."
        ),
        source=_QUOTAS,
        report=EVENTS,
    ),
    _row(
        "provisioning-limit",
        "Tasks provisioning capacity limit exceeded.",
        "Too many tasks of the cluster wait for capacity.",
        Cause(
            "The capacity provider scales more slowly than tasks are started.", "Start fewer tasks at the same time."
        ),
        source=_QUOTAS,
        report=github("DIAGNijmegen/rse-grand-challenge#2013"),
        seen="2021-09-01",
    ),
    _row(
        "ec2-capacity",
        "We currently do not have sufficient capacity: InsufficientInstanceCapacity",
        "EC2 has no room for this instance type now.",
        Cause("The type is scarce in the zone.", "Allow other instance types and zones in the Auto Scaling group."),
        source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html",
    ),
    _row(
        "ec2-quota",
        "You have requested more vCPU capacity than your current vCPU limit of 32 allows",
        "The account runs as many EC2 vCPUs as its quota allows.",
        Cause("The quota of this instance family is reached.", "Request an increase."),
        source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html",
    ),
    _row(
        "network-interface-timeout",
        "Timeout waiting for network interface provisioning to complete.",
        "The network interface of the task did not come up in time.",
        Cause("A passing failure inside AWS.", "Run the task again. Services do this by themselves."),
        Cause("It repeats on one instance.", "Replace this container instance."),
        Cause("The account or VPC is short of interfaces or addresses.", "Check their quotas and the subnets."),
        report=github("aws/amazon-ecs-agent#4825"),
        seen="2025-12-11",
        source=NOT_STARTED,
    ),
    _row(
        "network-interface-limit",
        "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment enabled",
        "No network interface or address is left for the task.",
        Cause("The subnet has no free addresses.", "Use larger or more subnets."),
        Cause("The instance has no free network interface.", "Enable awsvpcTrunking, or use larger instances."),
        Cause("A public IP was asked for where none can be given.", "Check assignPublicIp and the subnet."),
        source=NOT_STARTED,
    ),
    _row(
        "role-not-assumable",
        "(service web) failed to launch a task with (error ECS was unable to assume the role"
        " 'arn:aws:iam::123456789012:role/web' that was provided for this task.",
        "ECS may not use a role of the task definition.",
        Cause("The role does not trust ECS.", "Let it trust ecs-tasks.amazonaws.com."),
        Cause("The role does not exist, or the ARN is wrong.", "Correct executionRoleArn and taskRoleArn."),
        Cause("The role was created moments ago.", "Wait some seconds, and start the task again."),
        report=github("aws-samples/aws-modern-application-workshop#88"),
        seen="2019-03-08",
        source=f"{REPOST}/ecs-unable-to-assume-role",
    ),
    _row(
        "throttled",
        "(service web) operations are being throttled. Will try again later.",
        "AWS throttles the requests of ECS or of the account.",
        Cause("Many tasks or services start or change at the same time.", "Wait: it passes. Start fewer at once."),
        source=EVENTS,
    ),
)
