"""Rows: tasks that were stopped from outside, failed health checks, and what services report in events."""

from __future__ import annotations

from collections.abc import Sequence

from ecskit._explain.finding import Cause, EvidencePlace, FindingWeight
from ecskit._explain.row import STOPPED, Row
from ecskit._explain.sources import EVENTS, EXEC, EXIT_CODES, GUIDE, HEALTH_CHECKS, READ, github

__all__ = ["SERVICE_ROWS", "START_ROWS", "STOP_ROWS"]


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
    refines: str = "",
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
        refines=refines,
    )


STOP_ROWS: Sequence[Row] = (
    _row(
        "load-balancer-timeout",
        "service web (instance i-016b0a460d9974567) (port 1047) is unhealthy in target-group web due to (reason Request"
        " timed out)",
        "The load balancer got no answer from the task in time.",
        Cause(
            "The security group of the task, or of its instance, does not admit the load balancer.",
            "Allow inbound traffic from the security group of the load balancer to the port of the event.",
        ),
        Cause("The program listens on another port, or on localhost only.", "Let it listen on 0.0.0.0 and this port."),
        Cause(
            "The program is slow or overloaded.",
            "Raise the timeout of the check, healthCheckGracePeriodSeconds, cpu or the desired count.",
        ),
        pattern=r"is unhealthy in\b.*?\(reason Request timed out",
        places=("event",),
        refines="load-balancer-health",
        source=HEALTH_CHECKS,
        report=github("aws/amazon-ecs-agent#1872"),
        seen="2019-09-23",
    ),
    _row(
        "load-balancer-code",
        "(service web) (port 443) is unhealthy in (target-group arn:aws:elasticloadbalancing:us-east-2:123456789012:"
        "targetgroup/https-tg/fa8c) due to (reason Health checks failed with these codes: [404]).",
        "The program answers the load balancer with a status code that the check does not accept.",
        Cause(
            "The path of the check does not exist, or needs a login.",
            "Set the path of the target group to one that answers 200, or its matcher to the code that is shown.",
        ),
        Cause("The program is not ready, or fails: codes from 500 on.", "Read its last log lines."),
        pattern=r"is unhealthy in\b.*?with these codes",
        places=("event",),
        refines="load-balancer-health",
        source=HEALTH_CHECKS,
        report=EVENTS,
    ),
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
        "deployment-alarm",
        "deployment failed: alarm detected",
        "An alarm that watches the deployment ended it.",
        Cause(
            "The new revision has the fault that the alarm measures.",
            "Look at the metric of the alarm since the deployment began, and at the log lines of that time.",
        ),
        Cause("The alarm was set before, or measures other things, too.", "Correct the alarm, and deploy again."),
        pattern=r"deployment failed: alarm detected",
        places=("event",),
        source=f"{GUIDE}/deployment-alarm-failure.html",
        report="https://github.com/aws/copilot-cli/blob/mainline/internal/pkg/stream/ecs_test.go",
    ),
    _row(
        "exec-not-connected",
        "TargetNotConnectedException: The execute command failed due to an internal error. Try again later.",
        "ECS Exec has no connection to the container.",
        Cause(
            "The task was started without ECS Exec.",
            "Start tasks with enableExecuteCommand. For a service, set it there, and replace the tasks.",
        ),
        Cause("The task role lacks the permission.", "Allow it the four ssmmessages actions of ECS Exec."),
        Cause("There is no route to ssmmessages.", "Use a NAT gateway, a public IP, or an endpoint for ssmmessages."),
        Cause("The agent of ECS Exec has not started yet, or cannot.", "Wait; the root file system must be writable."),
        Cause(  # https://github.com/aws-containers/amazon-ecs-exec-checker/issues/49
            "The environment of the container has AWS_ACCESS_KEY_ID, which the agent uses in place of the task role.",
            "Remove it, or give its user the ssmmessages actions.",
        ),
        pattern=r"TargetNotConnected|execute command agent isn.t running",
        places=("call",),
        source=EXEC,
        report=github("aws/aws-cli#6562"),
        seen="2024-11-11",
    ),
    _row(
        "exec-agent-stopped",
        "ExecuteCommandAgent STOPPED",
        "The agent of ECS Exec in a container does not run, so commands cannot be run there; the task goes on.",
        Cause("The root file system is read-only.", "Set readonlyRootFilesystem to false; the agent writes files."),
        Cause("Containers share a process namespace (pidMode task).", "Use ECS Exec in one of these containers only."),
        Cause("The agent ended with an error.", "Stop the task: the service starts another one, with a new agent."),
        pattern=r"^ExecuteCommandAgent STOPPED",
        places=("agent",),
        weight="minor",
        source=EXEC,
        report=github("aws/aws-cli#6903"),
        seen="2022-04-27",
    ),
)


def _starting(name: str, pattern: str, example: str, what: str, *causes: Cause) -> Row:
    """Return a row for a status of a task that does not run yet."""
    return _row(
        name,
        example,
        what,
        *causes,
        pattern=pattern,
        places=("status",),
        weight="no fault",
        source=f"{GUIDE}/task-lifecycle-explanation.html",
    )


START_ROWS: Sequence[Row] = (
    _starting(
        "task-provisioning",
        r"^PROVISIONING\b",
        "PROVISIONING since 11:52:03 UTC",
        "ECS prepares the task before it starts: its network interface, or an instance of a capacity provider.",
        Cause("The task was launched a moment ago.", "Wait, and explain it again."),
        Cause(
            "A capacity provider starts container instances for it, which takes minutes.",
            "Look at its Auto Scaling group if no instance comes.",
        ),
    ),
    _starting(
        "task-waits",
        r"^PENDING\b.*images pulled",
        "PENDING since 11:52:03 UTC, images pulled",
        "The images are pulled, and a container has not started.",
        Cause(
            "It waits for another container, by dependsOn.",
            "Compare the condition with the exit code and the health check of that container.",
        ),
    ),
    _starting(
        "task-pending",
        r"^PENDING\b",
        "PENDING since 11:52:03 UTC",
        "The host has the task, and its images are not pulled yet.",
        Cause(
            "The images are being pulled, which takes longer the larger they are.",
            "Wait; use smaller images; on EC2, set ECS_IMAGE_PULL_BEHAVIOR=prefer-cached.",
        ),
        Cause(
            "The registry cannot be reached, and ECS tries again.",
            "Explain the task when it has stopped: then ECS shows the reason.",
        ),
        Cause(
            "The agent of the container instance is not connected, or still stops other tasks.",
            "Look at agentConnected of the instance, and at the tasks on it.",
        ),
    ),
    _starting(
        "task-activating",
        r"^ACTIVATING\b",
        "ACTIVATING since 11:52:03 UTC, images pulled",
        "The containers run, and ECS registers the task with load balancers and service discovery.",
        Cause("The task was launched a moment ago.", "Wait, and explain it again."),
    ),
)
