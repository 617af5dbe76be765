"""Rows: tasks that were stopped from outside, failed health checks, and what services report in events."""

from __future__ import annotations

from collections.abc import Sequence

from ecskit._explain.finding import Cause, EvidencePlace, FindingWeight
from ecskit._explain.row import STOPPED, Row
from ecskit._explain.sources import EVENTS, EXEC, EXIT_CODES, GUIDE, HEALTH_CHECKS, READ, github

__all__ = ["SERVICE_ROWS", "STOP_ROWS"]


def _row(
    name: str,
    example: str,
    what: str,
    *causes: Cause,
    pattern: str = "",
    places: Sequence[EvidencePlace] = STOPPED,
    weight: FindingWeight = "cause",
    source: str = EXIT_CODES,
    report: str | None = None,
    seen: str = READ,
) -> Row:
    return Row(
        name=name,
        places=places,
        pattern=pattern,
        what=what,
        causes=causes,
        example=example,
        report=report or source,
        seen=seen,
        source=source,
        weight=weight,
    )


STOP_ROWS: Sequence[Row] = (
    _row(
        "load-balancer-health",
        "(service web) (port 8000) is unhealthy in (target-group"
        " arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/web/555a) due to (reason Health checks"
        " failed).",
        "The load balancer found the task unhealthy.",
        Cause("The program starts more slowly than the checks allow.", "Raise healthCheckGracePeriodSeconds."),
        Cause(
            "The check uses another path, port or status code than the program answers.",
            "Compare path, port and matcher of the target group with the program.",
        ),
        Cause(
            "The security group of the task does not admit the load balancer.",
            "Allow inbound traffic from the security group of the load balancer to the container port.",
        ),
        Cause("The program hangs or is overloaded.", "Read its last log lines; raise cpu or the desired count."),
        pattern=r"failed ELB health checks|is unhealthy in\b",
        source=HEALTH_CHECKS,
        report=github("hackforla/CivicTechJobs#436"),
        seen="2023-08-21",
    ),
    _row(
        "container-health",
        "Task failed container health checks",
        "The health check of a container failed.",
        Cause("The program starts more slowly than the check allows.", "Set startPeriod in the health check."),
        Cause("The image does not have the command of the check, such as curl.", "Install it, or use another command."),
        Cause("The program hangs or is overloaded.", "Run the command in the container with ECS Exec."),
        pattern=r"failed container health checks|^UNHEALTHY$",
        places=("task", "event", "health"),
        source=f"{GUIDE}/healthcheck.html",
        report=EXIT_CODES,
    ),
    _row(
        "spot-interruption",
        "Your Spot Task was interrupted.",
        "AWS took back Spot capacity.",
        Cause(
            "Spot capacity can be taken back at any time.", "Run the task again; set a base on FARGATE for services."
        ),
        weight="no fault",
        source=f"{GUIDE}/fargate-capacity-providers.html",
    ),
    _row(
        "spot-interruption",
        "SpotInterruption",
        "AWS took back Spot capacity.",
        Cause(
            "Spot capacity can be taken back at any time.", "Run the task again; set a base on FARGATE for services."
        ),
        pattern=r"^(?:SpotInterruption|TerminationNotice)$",
        places=("stop code",),
        weight="no fault",
        source=f"{GUIDE}/fargate-capacity-providers.html",
    ),
    _row(
        "host-lost",
        "Host EC2 (instance i-0123456789abcdef0) terminated.",
        "The container instance of the task stopped or was terminated.",
        Cause("The Auto Scaling group removed it.", "Use managed termination protection and managed draining."),
        Cause("It failed, or a user stopped it.", "Run the task again. Services do this by themselves."),
        weight="no fault",
    ),
    _row(
        "maintenance",
        "ECS is performing maintenance on the underlying infrastructure hosting the task.",
        "AWS replaced the host of the task.",
        Cause("Fargate retires hosts for maintenance.", "Run the task again. Services do this by themselves."),
        weight="no fault",
        source=f"{GUIDE}/task-maintenance.html",
        report=EXIT_CODES,
    ),
    _row(
        "host-lost",
        "InfrastructureHealth",
        "The host of the task failed.",
        Cause("AWS found the host unhealthy.", "Run the task again. Services do this by themselves."),
        pattern=r"^InfrastructureHealth$",
        places=("stop code",),
        weight="no fault",
    ),
    _row(
        "replaced",
        "Scaling activity initiated by (deployment ecs-svc/1637086347952626779)",
        "A deployment or a change of the desired count stopped the task.",
        Cause("The service no longer needs the task.", "Nothing is to do if the change was intended."),
        pattern=r"Scaling activity initiated",
        weight="no fault",
    ),
    _row(
        "rebalancing",
        "(service web) has stopped 1 running tasks in (AZ a) to AZ rebalance (task 0123).",
        "ECS moved the task to another Availability Zone.",
        Cause("The zones had different numbers of tasks.", "Nothing is to do."),
        places=("task",),
        weight="no fault",
        source=f"{GUIDE}/service-rebalancing-event-messages-list.html",
    ),
    _row(
        "stopped-by-user",
        "Task stopped by user",
        "A user or a program stopped the task.",
        Cause("StopTask was called.", "Look for StopTask in CloudTrail to see by whom."),
        pattern=r"^Task stopped by user",
        places=("task",),
        weight="no fault",
    ),
    _row(
        "stopped-by-user",
        "UserInitiated",
        "A user or a program stopped the task.",
        Cause("StopTask was called.", "Look for StopTask in CloudTrail to see by whom."),
        pattern=r"^UserInitiated$",
        places=("stop code",),
        weight="no fault",
    ),
)

SERVICE_ROWS: Sequence[Row] = (
    _row(
        "deployment-configuration",
        "(service web) was unable to stop or start tasks during a deployment because of the service deployment"
        " configuration. Update the minimumHealthyPercent or maximumPercent value and try again.",
        "The deployment may neither stop nor start a task.",
        Cause(
            "minimumHealthyPercent and maximumPercent leave no room at this desired count.",
            "Lower minimumHealthyPercent, or raise maximumPercent.",
        ),
        pattern=r"because of the service deployment configuration",
        places=("event",),
        weight="event",
        source=EVENTS,
    ),
    _row(
        "protected-tasks",
        "(service web) was unable to reach steady state because task set (taskSet-1) was unable to scale in."
        " Reason: The number of protected tasks are more than the desired count of tasks",
        "More tasks are protected from scale-in than the service is to run.",
        Cause("Tasks protect themselves while they work.", "Wait until the protection ends, or end it: tasks.protect."),
        pattern=r"number of protected tasks",
        places=("event",),
        weight="event",
        source=EVENTS,
    ),
    _row(
        "starts-delayed",
        "(service web) is unable to consistently start tasks successfully. For more information, see the"
        " Troubleshooting section of the Amazon ECS Developer Guide.",
        "ECS starts tasks of the service at growing intervals, because they fail to start.",
        Cause(
            "The tasks fail to start, for the reasons of the stopped tasks.",
            "Mend these. An update of the service ends the delay.",
        ),
        pattern=r"unable to consistently start tasks",
        places=("event",),
        weight="consequence",
        source=f"{GUIDE}/service-throttle-logic.html",
        report=github("aws/amazon-ecs-agent#1455"),
        seen="2018-07-16",
    ),
    _row(
        "deployment-failed",
        "(service web) (deployment ecs-svc/1234) deployment failed: tasks failed to start.",
        "The circuit breaker ended the deployment, because its tasks failed.",
        Cause("The tasks fail, for the reasons of the stopped tasks.", "Mend these, and deploy again."),
        pattern=r"deployment failed: tasks failed to start|circuit breaker: tasks failed",
        places=("event",),
        weight="consequence",
        source=f"{GUIDE}/deployment-circuit-breaker.html",
    ),
    _row(
        "exec-not-connected",
        "TargetNotConnectedException: The execute command failed due to an internal error. Try again later.",
        "ECS Exec has no connection to the container.",
        Cause("The task role lacks the permission.", "Allow it the four ssmmessages actions of ECS Exec."),
        Cause("There is no route to ssmmessages.", "Use a NAT gateway, a public IP, or an endpoint for ssmmessages."),
        Cause("The agent of ECS Exec has not started yet, or cannot.", "Wait; the root file system must be writable."),
        pattern=r"TargetNotConnected|execute command agent isn.t running",
        places=("call",),
        source=EXEC,
        report=github("aws/aws-cli#6562"),
        seen="2024-11-11",
    ),
)
