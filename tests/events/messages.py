"""Events as EventBridge delivers them, and what brokers put around them."""

from __future__ import annotations

import json
from typing import Any

ARN = "arn:aws:ecs:eu-west-1:123456789012"
CLUSTER = f"{ARN}:cluster/prod"
SECRET = "hunter2"

DETAILS: dict[str, dict[str, Any]] = {
    "ECS Task State Change": {
        "clusterArn": CLUSTER,
        "containers": [{"name": "app", "lastStatus": "STOPPED", "exitCode": 1}],
        "createdAt": "2026-03-05T15:50:00.5Z",
        "desiredStatus": "STOPPED",
        "lastStatus": "STOPPED",
        "overrides": {"containerOverrides": [{"name": "app", "environment": [{"name": "PASSWORD", "value": SECRET}]}]},
        "stopCode": "EssentialContainerExited",
        "taskArn": f"{ARN}:task/prod/{'a' * 32}",
        "updatedAt": "2026-03-05T15:54:41.618059641Z",
        "version": 7,
    },
    "ECS Container Instance State Change": {
        "agentConnected": False,
        "clusterArn": CLUSTER,
        "containerInstanceArn": f"{ARN}:container-instance/prod/{'b' * 32}",
        "registeredResources": [{"name": "CPU", "type": "INTEGER", "integerValue": 2048}],
        "status": "ACTIVE",
        "updatedAt": "2026-03-05T15:54:41Z",
        "version": 3,
    },
    "ECS Container Instance Health Change": {
        "capacityProviderName": None,
        "clusterArn": CLUSTER,
        "containerInstanceArn": f"{ARN}:container-instance/prod/{'b' * 32}",
        "healthChecks": [{"type": "DAEMON", "status": "IMPAIRED", "lastUpdated": "2026-04-11T00:48:09Z"}],
        "overallStatus": "IMPAIRED",
    },
    "ECS Service Action": {
        "clusterArn": CLUSTER,
        "createdAt": "2026-03-05T15:54:41.1Z",
        "desiredCount": 2,
        "eventName": "SERVICE_DESIRED_COUNT_UPDATED",
        "eventType": "INFO",
        "serviceName": "web",
    },
    "ECS Deployment State Change": {
        "deploymentId": "ecs-svc/123",
        "eventName": "SERVICE_DEPLOYMENT_FAILED",
        "eventType": "ERROR",
        "reason": "ECS deployment circuit breaker: task failed to start.",
        "updatedAt": "2026-03-05T15:54:41Z",
    },
    "ECS Hook State Change": {
        "clusterArn": CLUSTER,
        "eventName": "HOOK_AWAITING_ACTION",
        "eventType": "INFO",
        "expiresAt": "2026-03-05T16:04:41Z",
        "hookId": "ecs-pause-e7tK9G",
        "hookType": "PAUSE",
        "lifecycleStage": "POST_TEST_TRAFFIC_SHIFT",
    },
    "ECS Daemon Service Action": {
        "clusterArn": CLUSTER,
        "daemonArn": f"{ARN}:daemon/prod/logs",
        "eventName": "DAEMON_TASK_START_IMPAIRED",
        "eventType": "WARNING",
        "failureType": "TASK_CREATION_FAILED",
    },
    "ECS Daemon Deployment State Change": {
        "clusterArn": CLUSTER,
        "daemonDeploymentArn": f"{ARN}:daemon-deployment/prod/logs/0EYSiB",
        "eventName": "DAEMON_DEPLOYMENT_PENDING",
        "eventType": "INFO",
    },
    "ECS Comet Sighting": {"clusterArn": CLUSTER, "comet": {"tail": SECRET}},
}
"""A detail of each type of event, and of a type that does not exist yet."""


def envelope(
    detail_type: str = "ECS Task State Change", detail: object = None, *, source: str = "aws.ecs", id: str = "3329f79b"
) -> dict[str, Any]:
    """Return an event as EventBridge delivers it."""
    return {
        "version": "0",
        "id": id,
        "detail-type": detail_type,
        "source": source,
        "account": "123456789012",
        "time": "2026-03-05T15:54:41Z",
        "region": "eu-west-1",
        "resources": [f"{ARN}:service/prod/web"],
        "detail": DETAILS.get(detail_type) if detail is None else detail,
    }


def in_sns(body: dict[str, Any]) -> dict[str, Any]:
    """Return the notification of SNS, as it is in a message of SQS without raw message delivery."""
    return {"Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:t", "Message": json.dumps(body)}


def in_sqs(body: dict[str, Any]) -> dict[str, Any]:
    """Return the message of SQS as ReceiveMessage returns it."""
    return {"MessageId": "2", "ReceiptHandle": "r", "Body": json.dumps(body), "Attributes": {"SentTimestamp": "1"}}


def in_record(body: dict[str, Any]) -> dict[str, Any]:
    """Return the record of a message of SQS, as Lambda gets it."""
    return {"messageId": "2", "receiptHandle": "r", "body": json.dumps(body), "eventSource": "aws:sqs"}
