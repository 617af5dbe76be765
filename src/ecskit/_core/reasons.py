"""The table of reasons: what ECS writes when it does not do something, what that means, and how this is known.

ECS gives most reasons as text: in messages of errors, `failures`, stopped tasks and events of services. All code that
recognises such a text uses this table, so that a text has one meaning everywhere.

The kinds answer one question: does the same request succeed later, with nothing changed? The first row that matches
decides, so specific rows stand before general ones. A text that matches no row counts as permanent.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

__all__ = ["LASTING", "PASSING", "REASONS", "Kind", "Known", "Reason", "find", "passes", "reason_of", "without_names"]

Passing: TypeAlias = Literal["throttle", "busy", "capacity", "fault", "interruption"]
"""What passes by itself: too many requests (seconds); work under way, such as a deletion (seconds to minutes); too
little room for tasks (minutes); a failure inside AWS or of the network; the loss of the host."""
Lasting: TypeAlias = Literal["placement", "setup", "missing"]
"""What lasts until something is changed: no container instance fits; the definition, a permission or an image is wrong;
what is named does not exist, or is not visible yet."""
Report: TypeAlias = Literal[
    "unplaced", "scaling", "health", "rebalancing", "rollback", "superseded", "deleted", "failure"
]
"""What services and deployments report: a task was not placed; tasks were stopped by the scheduler and why; how a
deployment ended."""
Kind: TypeAlias = Literal[Passing, Lasting, Report]
Known: TypeAlias = Literal["documented", "seen", "reported once", "expected"]
"""How a text is known: AWS documents it; users report it; one user reports it; no report is known, only the member."""

PASSING: Sequence[Passing] = ("throttle", "busy", "capacity", "fault", "interruption")
LASTING: Sequence[Lasting] = ("placement", "setup", "missing")


class Reason(NamedTuple):
    """A text of ECS, and what it means."""

    kind: Kind
    pattern: str
    """A regular expression that is searched in the text. Upper and lower case are equal, except in codes."""
    example: str
    """The text as ECS writes it."""
    known: Known
    source: str
    """Where it is documented or reported."""
    general: bool = False
    """Whether the pattern is too general for errors and `failures`: it only applies to stopped tasks."""
    finding: str = ""
    """The finding in the table of `ecskit._explain` that uses this pattern; empty if there is none, or it has a
    narrower one."""


_GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide"
_API = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference"
_FAILURES = f"{_GUIDE}/api_failures_messages.html"
_EVENTS = f"{_GUIDE}/service-event-messages-list.html"
_STOPPED = f"{_GUIDE}/stopped-task-error-codes.html"
_NOT_STARTED = f"{_GUIDE}/failed-to-start-error.html"
_NOT_PULLED = f"{_GUIDE}/task_cannot_pull_image.html"
_BREAKER = f"{_GUIDE}/deployment-circuit-breaker.html"
_DEPLOYMENT = f"{_API}/API_ServiceDeployment.html"
_GITHUB = "https://github.com"
_DAGSTER = f"{_GITHUB}/dagster-io/dagster/blob/master/python_modules/libraries/dagster-aws/dagster_aws/ecs/utils.py"

_CODE = r'(?:^|: |")'
"""What is before a code: `AGENT`, `TaskFailedToStart: AGENT`, `encountered error "AGENT"`."""
_PLACE = "was unable to place a task"
_CLOSEST = f"{_PLACE} because no container instance met all of its requirements. The closest matching instance"

# fmt: off
REASONS: Sequence[Reason] = (
    # Too many requests: of the caller, or of ECS on its behalf.
    Reason("throttle", r"\brate (?:limit )?exceeded|ErrorCode: Throttl",
           "Error retrieving subnet information for [subnet-1]: Rate exceeded (ErrorCode: Throttling)",
           "seen", f"{_GITHUB}/dagster-io/dagster/issues/33439", finding="throttled"),
    Reason("throttle", r"request limit exceeded|RequestLimitExceeded",
           "Error retrieving subnet information for [a]: Request limit exceeded. (ErrorCode: RequestLimitExceeded)",
           "seen", f"{_GITHUB}/dask/dask-cloudprovider/issues/56", finding="throttled"),
    Reason("throttle", r"too ?many ?requests|pull rate limit",
           "CannotPullContainerError: toomanyrequests: You have reached your pull rate limit",
           "documented", _NOT_PULLED, finding="image-rate-limit"),
    Reason("throttle", rf"(?-i:{_CODE}Throttl(?:ing|ed)(?:Exception)?\b)|\b(?:being|been|was|were) throttled",
           "(service web) operations are being throttled. Will try again later.",
           "documented", _EVENTS, finding="throttled"),
    # Something that the request needs is being created, changed or deleted.
    Reason("busy", r"too many concurrent attempts",
           "Too many concurrent attempts to create a new revision of the specified family.",
           "seen", f"{_GITHUB}/hashicorp/terraform-provider-aws/issues/9777"),
    Reason("busy", r"^UpdateInProgressException\b|\balready .*update in progress|\bin a busy state",
           "UpdateInProgressException: There's already a current update in progress on the container instance.",
           "documented", f"{_API}/API_UpdateContainerAgent.html"),
    Reason("busy", r"service that is still draining",
           "Unable to Start a service that is still Draining.",
           "seen", f"{_GITHUB}/spinnaker/spinnaker/issues/5476"),
    Reason("busy", r"service cannot be stopped while .*deployments? (?:are|is) (?:active|in progress)",
           "The service cannot be stopped while deployments are active.",
           "seen", f"{_GITHUB}/convox/rack/pull/346"),
    Reason("busy", r"\bcluster was not ACTIVE",
           "Cluster was not ACTIVE.",
           "seen", f"{_GITHUB}/hashicorp/terraform-provider-aws/issues/11285"),
    Reason("busy", r"capacity provider .* is not in an ACTIVE state",
           "The specified capacity provider 'spot' is not in an ACTIVE state. Specify a valid one and try again.",
           "seen", f"{_GITHUB}/hashicorp/terraform-provider-aws/issues/45693"),
    Reason("busy", r"unable to assume the service linked role",
           "Unable to assume the service linked role. Please verify that the ECS service linked role exists.",
           "seen", f"{_GITHUB}/aws/containers-roadmap/issues/2614"),
    Reason("busy", rf"(?-i:{_CODE}DEPLOYMENT_BLOCKED\b)", "DEPLOYMENT_BLOCKED", "documented", _FAILURES),
    # Too little room for a task, or too many tasks at the same time.
    Reason("capacity", r"capacity is unavailable",
           "Capacity is unavailable at this time. Please try again later or in a different availability zone",
           "documented", "https://repost.aws/knowledge-center/ecs-fargate-runtask-capacity",
           finding="fargate-capacity"),
    Reason("capacity", r"(?-i:\bRESOURCE:)", "RESOURCE:MEMORY", "documented", _FAILURES, finding="instance-resources"),
    Reason("capacity", rf"(?-i:{_CODE}AGENT\b)", "AGENT", "documented", _FAILURES, finding="agent-disconnected"),
    Reason("capacity", r"(?:reached|exceeded) the limit on the number of [\w ]+ you can run",
           "You've reached the limit on the number of vCPUs you can run concurrently",
           "documented", _EVENTS, finding="task-quota"),
    Reason("capacity", r"tasks? provisioning capacity limit",
           "Tasks provisioning capacity limit exceeded.",
           "seen", f"{_GITHUB}/DIAGNijmegen/rse-grand-challenge/pull/2013", finding="provisioning-limit"),
    Reason("capacity", r"no container instances were found in your",
           "No Container Instances were found in your cluster.",
           "seen", f"{_GITHUB}/aws/amazon-ecs-cli/issues/1122", finding="no-instances"),
    Reason("capacity", r"\bempty capacity provider\b", "EMPTY CAPACITY PROVIDER", "documented", _FAILURES,
           finding="no-instances"),
    Reason("capacity", r"\bno active instances\b", "NO ACTIVE INSTANCES", "documented", _FAILURES,
           finding="no-instances"),
    Reason("capacity", r"has insufficient .*available",
           f"{_CLOSEST} has insufficient CPU units available.",
           "documented", _EVENTS, finding="instance-resources"),
    Reason("capacity", r"already using a port required by your task",
           f"{_CLOSEST} is already using a port required by your task.",
           "documented", _EVENTS, finding="port-in-use"),
    Reason("capacity", r"InsufficientFreeAddresses|NetworkInterfaceLimit|network interface with public IP assignment",
           "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment enabled",
           "documented", _NOT_STARTED, finding="network-interface-limit"),
    Reason("capacity",
           rf"{_CODE}Insufficient(?:Instance|Host)?_?Capacity\b|sufficient (?:\S+ )?capacity",
           "We currently do not have sufficient capacity: InsufficientInstanceCapacity",
           "documented", "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html",
           finding="ec2-capacity"),
    Reason("capacity", r"VcpuLimitExceeded|more vCPU capacity than",
           "You have requested more vCPU capacity than your current vCPU limit of 32 allows",
           "documented", "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html",
           finding="ec2-quota"),
    # No container instance fits the task. The event about all such tasks has a row further below.
    Reason("placement", rf"(?-i:{_CODE}ATTRIBUTE\b)", "ATTRIBUTE", "documented", _FAILURES,
           finding="missing-attribute"),
    Reason("placement", r"missing an attribute required",
           f"{_CLOSEST} is missing an attribute required by your task.",
           "documented", _EVENTS, finding="missing-attribute"),
    Reason("placement", rf"(?-i:{_CODE}LOCATION\b)", "LOCATION", "documented", _FAILURES,
           finding="placement-constraint"),
    Reason("placement", rf"(?-i:{_CODE}INACTIVE\b)", "INACTIVE", "documented", _FAILURES, finding="instance-inactive"),
    Reason("placement", r"placement constraint unsatisfied",
           "MemberOf placement constraint unsatisfied.",
           "documented", _FAILURES, finding="placement-constraint"),
    Reason("placement", r"not compatible with the selected compute strategy",
           "The selected task definition is not compatible with the selected compute strategy",
           "documented", _NOT_STARTED, finding="compute-mismatch"),
    Reason("placement", r"unused device index",
           "Unable to attach network interface to unused device index",
           "documented", _NOT_STARTED, finding="network-interface-limit"),
    Reason("missing", rf"(?-i:{_CODE}MISSING\b)", "MISSING", "documented", _FAILURES),
    Reason("missing", r"task was not found",
           "The referenced task was not found.",
           "seen", f"{_GITHUB}/wazuh/wazuh/issues/25439"),
    # Failures inside AWS that look like a wrong setup.
    Reason("fault", r"CannotPullContainerError.*(?:invalid argument|\bEOF\b)",
           "CannotPullContainerError: failed to copy: read tcp: invalid argument",
           "reported once", _DAGSTER),
    Reason("fault", r"unexpected EC2 error.*AuthFailure",
           "Unexpected EC2 error while attempting to Create Network Interface in subnet 'subnet-1': AuthFailure",
           "reported once", _DAGSTER),
    # The definition, a permission, a quota or an image has to be changed.
    Reason("setup", rf"(?-i:{_CODE}TASK_NOT_VALID\b)", "TASK_NOT_VALID", "documented", _FAILURES),
    Reason("setup", r"configuration is above your limit",
           f"{_PLACE}. Reason: The requested CPU configuration is above your limit.",
           "documented", _EVENTS, finding="size-quota"),
    Reason("setup", r"unable to assume the role|misconfigured or changed",
           "ECS was unable to assume the role 'arn:aws:iam::123456789012:role/web' that was provided for this task.",
           "documented", "https://repost.aws/knowledge-center/ecs-unable-to-assume-role", finding="role-not-assumable"),
    Reason("setup", r"manifest unknown|descriptor matching platform|no basic auth",
           "CannotPullContainerError: manifest unknown: Requested image not found",
           "documented", _NOT_PULLED, general=True),
    Reason("setup", r"denied|not authorized|unauthori[sz]ed|forbidden|insufficient p(?:ermi|rivi)|PolicyViolation",
           "ResourceInitializationError: unable to pull secrets or registry auth: AccessDeniedException",
           "documented", f"{_GUIDE}/resource-initialization-error.html", general=True),
    Reason("setup", r"not found|does not exist|no such|invalid",
           "ResourceInitializationError: failed to fetch secret: the specified secret does not exist",
           "documented", f"{_GUIDE}/resource-initialization-error.html", general=True),
    # Failures inside AWS or of the network, while a task starts.
    Reason("fault", r"network interface provision|ephemeralstorage provision",
           "Timeout waiting for network interface provisioning to complete.",
           "seen", f"{_GITHUB}/apache/airflow/pull/22002", finding="network-interface-timeout"),
    Reason("fault", r"failed to (?:configure|set ?up).* ENI|attach network interface to instance|unexpected EC2 error",
           "Unexpected EC2 error while attempting to attach network interface to instance",
           "seen", f"{_GITHUB}/apache/airflow/issues/15000", general=True),
    Reason("fault", r"internal ?(?:server )?error",
           "InternalError: the network interface was not attached",
           "documented", _NOT_STARTED, general=True),
    Reason("fault", r"time(?:d)?[ -]?out|deadline exceeded",
           "ContainerRuntimeTimeoutError: Could not transition to running; timed out after waiting 1m",
           "documented", _STOPPED, general=True),
    Reason("fault", r"connection reset|temporar|service ?unavailable|bad gateway|unexpected status code:? 5\d\d",
           "CannotPullContainerError: unexpected status code 503 Service Unavailable",
           "documented", _NOT_PULLED, general=True),
    # The loss of the host.
    Reason("interruption", r"host ec2 .*(?:terminated|stopped)",
           "Host EC2 (instance i-0123456789abcdef0) terminated.",
           "documented", f"{_GUIDE}/stopped-task-errors.html", finding="host-lost"),
    Reason("interruption", r"spot task was interrupted",
           "Your Spot Task was interrupted.",
           "documented", f"{_GUIDE}/fargate-capacity-providers.html", finding="spot-interruption"),
    Reason("interruption", r"maintenance on the underlying infrastructure",
           "ECS is performing maintenance on the underlying infrastructure hosting the task.",
           "documented", "https://repost.aws/knowledge-center/ecs-task-stopped", finding="maintenance"),
    # Texts that fit much.
    Reason("capacity", r"no container instance met all of its requirements",
           f"{_PLACE} because no container instance met all of its requirements.",
           "documented", _EVENTS),
    Reason("busy", r"(?:please|wait and|\.|^|^\w+:) ?try again(?:[.,;]|$)|try again (?:later|soon|in (?:a few|\d))",
           "The capacity provider cannot be updated due to an internal error. Try again.",
           "seen", f"{_GITHUB}/pulumi/pulumi-aws/issues/6018"),
    Reason("capacity", r"(?<![\w/-])(?:insufficient|capacity)(?![\w/-])",
           "Insufficient resources",
           "expected", _STOPPED, general=True),
    # What services and deployments report.
    Reason("unplaced", r"unable to place (?:a )?tasks?\b", f"(service web) {_PLACE}.", "documented", _EVENTS),
    Reason("unplaced", r"could not launch \d+ tasks?|failed to launch a task",
           "(service web) could not launch 2 tasks for deployment ecs-svc/1.",
           "documented", _EVENTS),
    Reason("unplaced", r"unable to reach steady state\. Reason: No Container Instances",
           "(service web) was unable to reach steady state. Reason: No Container Instances were found in your cluster",
           "documented", _EVENTS),
    Reason("scaling", r"scaling activity|task set",
           "Scaling activity initiated by (deployment ecs-svc/1)",
           "documented", "https://repost.aws/knowledge-center/ecs-task-stopped"),
    Reason("health", r"health",
           "Task failed ELB health checks in (target-group web)",
           "documented", f"{_GUIDE}/stopped-task-errors.html"),
    Reason("rebalancing", r"\bAZ rebalanc|Availability Zone rebalanc",
           "(service web) has stopped 1 running tasks in (AZ a) to AZ rebalance (task 0123).",
           "documented", f"{_GUIDE}/service-rebalancing-event-messages-list.html", finding="rebalancing"),
    Reason("rollback", r"\broll(?:ed|ing)? ?back\b",
           "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1.",
           "documented", _BREAKER),
    Reason("superseded", r"\b(?:replaced|superseded)\b",
           "Service deployment was replaced by a newer one.",
           "expected", _DEPLOYMENT),
    Reason("deleted", r"\bservice (?:was|is|has been) (?:being )?deleted\b",
           "Service was deleted.",
           "expected", _DEPLOYMENT),
    Reason("failure", r"\bfail(?:ed|ures?)?\b|\bunable to\b|\bunhealthy\b",
           "(service web) deployment failed: tasks failed to start.",
           "documented", _EVENTS),
)
# fmt: on


_NAMES = re.compile(r"(?<!\w)'[^']*'(?!\w)|\((?:service|target-group) [^()]*\)|\barn:\S+|[^\s(\"']*/[^\s)\"']*")
"""What names something of the user, in which words mean nothing: quoted text, names in events, ARNs, images, paths."""


@functools.lru_cache(maxsize=1000)  # each poll shows texts that earlier ones showed
def find(text: str | None, *kinds: Kind, general: bool = False) -> Reason | None:
    """Return the first row that matches a text.

    Args:
        text: The text. That of an error is its code, a colon, a space, and its message.
        kinds: The kinds to look for.
        general: Whether to use the rows that only apply to stopped tasks, too.
    """
    if not text:
        return None
    text = without_names(text)
    rows = (row for row in REASONS if row.kind in kinds and (general or not row.general))
    return next((row for row in rows if re.search(row.pattern, text, re.IGNORECASE | re.DOTALL)), None)


def without_names(text: str) -> str:
    """Return a text without what names something of the user, in which words mean nothing."""
    return _NAMES.sub("", text)


def reason_of(text: str | None, *, general: bool = False) -> Reason | None:
    """Return the row for the reason why something was not done: it passes or lasts."""
    return find(text, *PASSING, *LASTING, general=general)


def passes(*texts: str | None, general: bool = False) -> bool:
    """Return whether a reason passes, given all its texts: at least one of them passes, and none lasts."""
    found = {row.kind for text in texts if (row := reason_of(text, general=general))}
    return bool(found.intersection(PASSING)) and not found.intersection(LASTING)
