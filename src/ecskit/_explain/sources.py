"""Where AWS describes the texts of the table, and where they were reported."""

from __future__ import annotations

__all__ = [
    "EVENTS",
    "EXEC",
    "EXIT_CODES",
    "FAILURES",
    "FARGATE_CAPACITY",
    "GUIDE",
    "HEALTH_CHECKS",
    "INITIALIZATION",
    "NOT_PULLED",
    "NOT_STARTED",
    "READ",
    "REPOST",
    "STOPPED",
    "github",
]

GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide"
REPOST = "https://repost.aws/knowledge-center"
NOT_PULLED = f"{GUIDE}/task_cannot_pull_image.html"
INITIALIZATION = f"{GUIDE}/resource-initialization-error.html"
NOT_STARTED = f"{GUIDE}/failed-to-start-error.html"
STOPPED = f"{GUIDE}/stopped-task-error-codes.html"
EVENTS = f"{GUIDE}/service-event-messages-list.html"
FAILURES = f"{GUIDE}/api_failures_messages.html"
EXEC = f"{GUIDE}/ecs-exec-troubleshooting.html"
HEALTH_CHECKS = f"{GUIDE}/troubleshoot-service-load-balancers.html"
EXIT_CODES = f"{REPOST}/ecs-task-stopped"
FARGATE_CAPACITY = f"{REPOST}/ecs-fargate-runtask-capacity"
READ = "2026-11"
"""The month in which the pages of AWS were read."""


def github(issue: str) -> str:
    """Return the address of an issue or pull request, such as `aws/amazon-ecs-agent#1128`."""
    repository, number = issue.split("#")
    return f"https://github.com/{repository}/issues/{number}"
