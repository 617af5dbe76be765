"""Second texts of each row of the table, and texts that are near and must not match it.

A text is as ECS or Docker writes it, with other names. Each has its source: an issue, `owner/repository#123` and its
date, or a page of AWS and the month in which it was read.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide"
EVENTS = f"{GUIDE}/service-event-messages-list.html"
FAILURES = f"{GUIDE}/api_failures_messages.html"
PULL = f"{GUIDE}/task_cannot_pull_image.html"
INIT = f"{GUIDE}/resource-initialization-error.html"
READ = "2026-11"
REPOST = "https://repost.aws/knowledge-center"
FOUND = "found by its text in public repositories that the index does not name"
UNMET = "(service web) was unable to place a task because no container instance met all of its requirements."
SECRETS = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed:"
LOGS = "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times:"
EFS = "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr:"
RETRIED = "pull image manifest has been retried 1 time(s): failed to resolve ref"


@attrs.frozen(kw_only=True)
class Texts:
    """The fixtures of a row, beside its example."""

    second: str | None = None
    """A second text; None if only one public source is known, which is that of the example."""
    source: str = ""
    seen: str = ""
    near: str
    """A text that looks alike and is another finding, or none."""


def one(near: str) -> Texts:
    """Return the fixtures of a row for which one public source is known."""
    return Texts(near=near)


def two(second: str, source: str, seen: str, *, near: str) -> Texts:
    """Return the fixtures of a row with a second text."""
    return Texts(second=second, source=source, seen=seen, near=near)


TEXTS: Mapping[str, Texts] = {
    # Images.
    "image-platform": two(
        "(service worker) was unable to place a task. Reason: CannotPullContainerError: pull image manifest has been"
        " retried 7 time(s): image Manifest does not contain descriptor matching platform 'linux/amd64'.",
        "aviswerdlow/relay#71",
        "2025-11-24",
        near="CannotPullContainerError: manifest for acme/platform:1 not found",
    ),
    "image-rate-limit": two(
        "CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReadSeeker: failed open:"
        " unexpected status code https://registry-1.docker.io/v2/acme/all/manifests/sha256:8d0b: 429 Too Many Requests"
        " - Server message: toomanyrequests: You have reached your pull rate limit. You may increase the limit",
        "namespacelabs/foundation#846",
        "2022-08-16",
        near="CannotPullContainerError: manifest for acme/toomanyrequests:1 not found",
    ),
    "image-denied": two(
        f"CannotPullContainerError: {RETRIED} 123456789012.dkr.ecr.us-west-2.amazonaws.com/proxy:latest@sha256:5de4:"
        " unexpected status from HEAD request to"
        " https://123456789012.dkr.ecr.us-west-2.amazonaws.com/v2/proxy/blobs/sha256:5de4: 403 Forbidden",
        "aws-samples/bedrock-access-gateway#114",
        "2025-02-27",
        near=f"CannotPullContainerError: {RETRIED} docker.io/acme/denied:403: docker.io/acme/denied:403: not found",
    ),
    "image-not-found": two(
        "CannotPullContainerError: Error: image app:9ce7d67bf402b337a75c8acf49c11881be2f16bd not found",
        "aws/amazon-ecs-agent#337",
        "2016-03-11",
        near="CannotStartContainerError: the device was not found",
    ),
    "disk-full": two(
        "CannotCreateContainerError: API error (500): devmapper: Thin Pool has 4350 free data blocks which is less than"
        " minimum required 4454 free data blocks.",
        f"{GUIDE}/CannotCreateContainerError.html",
        READ,
        near="CannotPullContainerError: the image no-space-left is invalid",
    ),
    "registry-failure": two(
        "CannotPullContainerError: unexpected status code 503 Service Unavailable",
        PULL,
        READ,
        near="CannotPullContainerError: unexpected status code 403 Forbidden",
    ),
    "image-unreachable": two(
        "CannotPullContainerError: API error (500): Get https://123456789012.dkr.ecr.us-east-1.amazonaws.com/v2/:"
        " net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
        "aws/amazon-ecs-agent#1266",
        "2018-02-27",
        near="CannotStartContainerError: timed out while starting",
    ),
    "image-not-pulled": two(
        "(service web) was unable to place a task. Reason: CannotPullContainerError: ref pull has been retried 1 t",
        FOUND,
        READ,
        near="Essential container in task exited after CannotPull",
    ),
    # Secrets, logs, file systems.
    "secret-key-denied": one(f"{SECRETS} unable to retrieve secrets from ssm: AccessDeniedException: User: arn:aws"),
    "secret-denied": two(
        f"{SECRETS} unable to retrieve secrets from ssm: service call has been retried 1 time(s):"
        " AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/django-app-ExecutionRole-0Gk/10f3 is",
        "aws/copilot-cli#5639",
        "2024-02-02",
        near=f"{LOGS} failed to create Cloudwatch log stream: AccessDeniedException: User: arn:aws:sts",
    ),
    "secret-missing": two(
        f"{SECRETS} unable to retrieve secrets from ssm: service call has been retried 1 time(s): invalid ssm"
        " parameters: /app/db-password",
        FOUND,
        READ,
        near="ResourceInitializationError: the specified volume does not exist",
    ),
    "secret-format": two(
        f"{SECRETS} unable to retrieve secret from asm: service call has been retried 1 time(s): retrieved secret from"
        " Secrets Manager did not contain json key DB_PASSWORD",
        FOUND,
        READ,
        near=f"{SECRETS} unable to retrieve secret from asm: service call has been retried 1 time(s): AccessDenied",
    ),
    "secret-unreachable": two(
        f"{SECRETS} unable to retrieve ecr registry auth: service call has been retried 5 time(s): RequestError: send"
        " request failed caused by: Post https://api.ecr....",
        "aws/aws-app-mesh-examples#413",
        "2021-05-14",
        near="CannotPullContainerError: context deadline exceeded",
    ),
    "secret-not-read": two(
        "ResourceInitializationError: unable to pull secrets or registry auth: pull command failed: : signal: killed",
        f"{REPOST}/ecs-unable-to-pull-secrets",
        READ,
        near="ResourceInitializationError: unable to attach a volume",
    ),
    "log-group-missing": two(
        "CannotStartContainerError: Error response from daemon: failed to initialize logging driver: failed to create"
        " Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. status code: 400",
        "Rayraegah/terraform-aws-hasura#25",
        "2020-07-15",
        near=f"{SECRETS} ResourceNotFoundException: the secret",
    ),
    "log-denied": two(
        f"{LOGS} failed to create Cloudwatch log group: AccessDeniedException: User:"
        " arn:aws:sts::123456789012:assumed-role/app-ecs-task-execution-role/0123 is not authorized to perform:"
        " logs:CreateLogGroup on resource: arn:aws:logs:eu-central-1:123456789012:log-group:app:log-stream:",
        "terraform-aws-modules/terraform-aws-ecs#313",
        "2025-07-11",
        near=f"{SECRETS} AccessDeniedException: User",
    ),
    "log-options": two(
        "ResourceInitializationError: failed to validate logger args: unable to get awslogs driver arguments:"
        " awslogs-region is required",
        FOUND,
        READ,
        near=f"{LOGS} : signal: killed",
    ),
    "log-unreachable": two(
        "ResourceInitializationError: failed to validate logger args: The task cannot find the Amazon CloudWatch log"
        " group defined in the task definition. There is a connection issue between the task and Amazon CloudWatch."
        " Check your network configuration. : signal: killed",
        "civiform/civiform#7648",
        "2024-08-06",
        near="CannotStartContainerError: OCI runtime create failed: signal: killed",
    ),
    "log-driver": two(
        "CannotStartContainerError: Error response from daemon: failed to initialize logging driver:"
        " NoCredentialProviders: no valid providers in chain.",
        "docker-archive/for-aws#127",
        "2017-12-05",
        near="CannotStartContainerError: Error response from daemon: failed to create shim task",
    ),
    "efs-name": two(
        f'{EFS} Failed to resolve "fs-0867a83d8ed398433.efs.',
        "cn-terraform/terraform-aws-jenkins#23",
        "2022-03-10",
        near="CannotPullContainerError: failed to resolve ref acme/app:1",
    ),
    "efs-unreachable": two(
        f"{EFS} Mount attempt 1/3 failed due to timeout after 15 sec, wait 0 sec before next attempt. Mount attempt 2/3"
        " failed due to timeout after 15 sec, wait 0 sec before next attempt. b'mount.nfs4: mount system call failed'",
        FOUND,
        READ,
        near="CannotPullContainerError: read tcp: Connection reset by peer",
    ),
    "efs-path": two(
        f"{EFS} mount.nfs4: mounting fs-0123.efs.us-east-1.amazonaws.com:/opt/app failed, reason given by server: No"
        " such file or directory : unsuccessful EFS utils ...",
        FOUND,
        READ,
        near='CannotStartContainerError: exec: "run.sh": stat run.sh: no such file or directory',
    ),
    "efs-denied": two(
        f"{EFS} b'mount.nfs4: access denied by server while mounting 127.0.0.1:/srv/gitlab/data' Traceback (most recent"
        ' call last): File "/usr/sbin/supervisor_mount_efs", line 52, in <module> return_code = subprocess.check_call(',
        FOUND,
        READ,
        near="CannotPullContainerError: pull access denied for acme/app",
    ),
    "efs-not-mounted": two(
        f"{EFS} b'mount.nfs4...", FOUND, READ, near="ResourceInitializationError: failed to set up a volume"
    ),
    "environment-file": two(
        "ResourceInitializationError: failed to download env files: file download command: non empty error stream:"
        " RequestCanceled: request context canceled caused by: context deadline exceeded",
        "aws/aws-cli#6470",
        "2021-10-12",
        near="ResourceInitializationError: environment variables are invalid",
    ),
    # Containers.
    "wrong-architecture": two(
        "standard_init_linux.go:228: exec user process caused: exec format error",
        "runatlantis/atlantis#2001",
        "2022-01-14",
        near='CannotStartContainerError: exec: "format": executable file not found in $PATH',
    ),
    "command-not-found": two(
        "CannotStartContainerError: ResourceInitializationError: failed to create new container runtime task: OCI"
        " runtime create failed: container_linux.go:370: starting container process caused: exec:"
        ' "/opt/sonarqube/bin/run.sh": stat /opt/sonarqube/bin/run.sh...no such file or direct...',
        "aws/amazon-ecs-agent#2954",
        "2021-07-14",
        near=f"{EFS} b'mount.nfs4: No such file or directory'",
    ),
    "command-not-executable": two(
        "CannotStartContainerError: Error response from daemon: OCI runtime create failed: starting container process"
        ' caused "exec: \\"/usr/bin/entrypoint.sh\\": permission denied": unknown',
        "aws/aws-parallelcluster#707",
        "2018-11-21",
        near='CannotStartContainerError: exec: "denied": executable file not found in $PATH',
    ),
    "mount-not-possible": two(
        "Cannot start service proxy: OCI runtime create failed: container_linux.go:344: starting container process"
        ' caused "process_linux.go:424: container init caused \\"rootfs_linux.go:58: mounting \\\\\\"/nginx.conf',
        FOUND,
        READ,
        near="CannotStartContainerError: OCI runtime create failed: not a directory",
    ),
    "host-port-taken": two(
        "(HTTP code 500) server error - driver failed programming external connectivity on endpoint app_1 (416e): Error"
        " starting userland proxy: listen tcp 0.0.0.0:80: bind: address already in use",
        "microsoft/vscode-docker#1389",
        "2019-11-04",
        near=f"{UNMET} The closest matching container-instance 1 is already using a port required by your task.",
    ),
    "runtime-timeout": two(
        "CannotInspectContainerError: Could not transition to inspecting; timed out after waiting 30s",
        "aws/amazon-ecs-agent#336",
        "2016-03-11",
        near="Timeout waiting for network interface provisioning to complete.",
    ),
    "out-of-memory": two(
        "OutOfMemoryError: container killed due to memory usage",
        f"{GUIDE}/out-of-memory.html",
        READ,
        near="Essential container memory exited",
    ),
    "container-not-started": two(
        "CannotStartContainerError: Error response from daemon: error gathering device information while adding custom"
        ' device "/dev/dri/renderD130": no device',
        f"{GUIDE}/cannot-start-container.html",
        READ,
        near="CannotStopContainerError: the container did not stop",
    ),
    # Capacity, quotas, placement, networks.
    "fargate-capacity": two(
        "Capacity is unavailable at this time. Please try again later or in a different availability zone",
        "gchq/sleeper#904",
        "2023-06-09",
        near="(service capacity) has started 1 tasks.",
    ),
    "instance-resources": two("RESOURCE:MEMORY", FAILURES, READ, near="the resource: memory is shown"),
    "port-in-use": two(
        f"{UNMET} The closest matching (container-instance 3f4de1c5-ffdd-4954-af7e-75b4be0c8841) is already using a"
        " port required by your task. For more information, see the Troubleshooting section of the Amazon ECS Developer"
        " Guide.",
        FOUND,
        READ,
        near="CannotStartContainerError: Bind for 0.0.0.0:80 failed: port is already allocated",
    ),
    "missing-attribute": two(
        f"{UNMET} The closest matching container-instance 333ba941-dd6f is missing an attribute required by your task."
        " For more information, see the Troubleshooting section.",
        "pulumi/pulumi-cloud#454",
        "2018-04-07",
        near="an attribute of the task is missing",
    ),
    "agent-disconnected": two("AGENT", "aws/amazon-ecs-agent#375", "2016-04-14", near="AGENTS are connected"),
    "no-instances": two(
        f"{UNMET} Reason: No Container Instances were found in your capacity provider.",
        "aws-samples/cost-effective-aws-deployment-of-comfyui#39",
        "2025-07-23",
        near=f"{UNMET} The closest matching container-instance 1 has insufficient CPU units available.",
    ),
    "placement-constraint": two("LOCATION", FAILURES, READ, near="the LOCATIONS of tasks"),
    "instance-inactive": one("the service is inactive"),
    "compute-mismatch": two(
        " The selected task definition is not compatible with the selected compute strategy. ",
        FOUND,
        READ,
        near="the selected task definition is compatible",
    ),
    "task-quota": two(
        "(service web) was unable to place a task. Reason: You've reached the limit on the number of tasks you can run"
        " concurrently",
        EVENTS,
        READ,
        near="(service limit) reached the number of tasks",
    ),
    "size-quota": two(
        "(service web) was unable to place a task. Reason: The requested MEMORY configuration is above your limit.",
        EVENTS,
        READ,
        near="the CPU is above the average",
    ),
    "provisioning-limit": two(
        "ClientException: Tasks provisioning capacity limit exceeded.", FOUND, READ, near="Task provisioning took long"
    ),
    "ec2-capacity": two(
        "We currently do not have sufficient t4g.xlarge capacity in the Availability Zone you requested (eu-north-1a).",
        "commonwarexyz/monorepo#2859",
        "2026-01-17",
        near="the instance is sufficient",
    ),
    "ec2-quota": two(
        "Could not launch On-Demand Instances. VcpuLimitExceeded - You have requested more vCPU capacity than your"
        " current vCPU limit of 4 allows for the instance bucket that the specified instance type belongs to.",
        FOUND,
        READ,
        near="the vCPU limit is 32",
    ),
    "network-interface-timeout": two(
        "Timeout waiting for network interface provisioning to complete",
        "aws-solutions/distributed-load-testing-on-aws#82",
        "2022-02-17",
        near="DockerTimeoutError: Could not transition to created; timed out after waiting 4m0s",
    ),
    "network-interface-limit": two(
        "Unexpected EC2 error while attempting to Create Network Interface in subnet 'subnet-1':"
        " InsufficientFreeAddressesInSubnet",
        FOUND,
        READ,
        near="Timeout waiting for network interface provisioning to complete.",
    ),
    "role-not-assumable": two(
        "(service X) failed to launch a task with (error ECS was unable to assume the role"
        " 'arn:aws:iam::123456789012:role/X-task-execution-role' that was provided for this task. Please verify that"
        " the role being passed has the proper trust relationship",
        "telia-oss/terraform-aws-ecs-fargate#58",
        "2021-09-14",
        near="Unable to assume the service linked role.",
    ),
    "throttled": two(
        "CannotPullECRContainerError: ThrottlingException: Rate exceeded",
        "aws/amazon-ecs-agent#498",
        "2016-08-29",
        near="(service throttled) has started 1 tasks.",
    ),
    # Health, stops, services.
    "load-balancer-health": two(
        "Task failed ELB health checks in (target-group...)",
        "boltops-tools/ufo#171",
        "2022-04-28",
        near="Task failed container health checks",
    ),
    "container-health": two(
        "Task failed container health checks", FOUND, READ, near="Task failed ELB health checks in (target-group web)"
    ),
    "load-balancer-timeout": two(
        "(service app) (instance i-0812a3bcd94babf12) (port 32779) is unhealthy in (target-group arn:aws:"
        "elasticloadbalancing:us-east-1:111111111111:targetgroup/devel-Targe-1MJR8/3f44f857) due to (reason Request"
        " timed out)",
        FOUND,
        READ,
        near="(service app) (port 80) is unhealthy in (target-group web) due to (reason Health checks failed).",
    ),
    "load-balancer-code": two(
        "(service app) (instance i-0) (port 32875) is unhealthy in (target-group arn:aws:elasticloadbalancing:"
        "us-east-1:111111111111:targetgroup/devel-Targe-1111/1111) due to (reason Health checks failed"
        " with these codes: [400])",
        FOUND,
        READ,
        near="(service app) (port 80) is unhealthy in (target-group codes-404) due to (reason Health checks failed).",
    ),
    "spot-interruption": two("TerminationNotice", f"{GUIDE}/fargate-capacity-providers.html", READ, near="Spot"),
    "host-lost": two(
        "Host EC2 (instance i-0123456789abcdef0) stopped.", f"{GUIDE}/stopped-task-errors.html", READ, near="Host EC2"
    ),
    "maintenance": two(
        "Service web: ECS is performing maintenance on the underlying infrastructure hosting the task",
        FOUND,
        READ,
        near="the service is in maintenance",
    ),
    "replaced": two(
        "Scaling activity initiated by (deployment ecs-svc/8709920613704280865)",
        f"{GUIDE}/stopped-task-errors.html",
        READ,
        near="(service scaling) has started 1 tasks.",
    ),
    "rebalancing": one("(service web) has stopped 1 running tasks: (task 0123)."),
    "stopped-by-user": two(
        "Task stopped by user",
        "aws-solutions/distributed-load-testing-on-aws#82",
        "2022-02-17",
        near="Task stopped",
    ),
    "deployment-configuration": two(
        "(service app1-web-dev-EcsService-8FMliG8m6M2p) was unable to stop or start tasks during a deployment because"
        " of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try"
        " again.",
        FOUND,
        READ,
        near="(service web) has begun a deployment with its configuration.",
    ),
    "protected-tasks": one("(service web) has protected tasks."),
    "starts-delayed": two(
        "(service relay) is unable to consistently start tasks successfully. For more information, see the"
        " Troubleshooting section of the Amazon ECS Developer Guide.",
        "aviswerdlow/relay#71",
        "2025-11-24",
        near="(service web) has started 2 tasks.",
    ),
    "deployment-failed": two(
        "ECS deployment circuit breaker: tasks failed to start.",
        FOUND,
        READ,
        near="(service web) (deployment ecs-svc/1) deployment completed.",
    ),
    "deployment-alarm": two(
        "(service web) (deployment ecs-svc/8028) deployment failed: alarm detected.",
        FOUND,
        READ,
        near="(service web) (alarm high) deployment completed.",
    ),
    "exec-not-connected": two(
        "InvalidParameterException: The execute command failed because execute command was not enabled when the task"
        " was run or the execute command agent isn't running. Wait and try again",
        f"{GUIDE}/ecs-exec-troubleshooting.html",
        READ,
        near="InvalidParameterException: the target is connected",
    ),
    # Exit codes: each is a number.
    # Statuses and codes, which are no texts.
    "exec-agent-stopped": one("GuardDutyAgent RUNNING"),
    "task-provisioning": one("DEPROVISIONING"),
    "task-waits": one("RUNNING since 11:52:03 UTC, images pulled"),
    "task-pending": one("SUSPENDING"),
    "task-activating": one("DEACTIVATING"),
    **{
        name: one("12x")
        for name in (
            *("exit-0", "exit-killed", "exit-terminated", "exit-segfault", "exit-aborted"),
            *("exit-not-executable", "exit-not-found", "exit-error"),
        )
    },
}
