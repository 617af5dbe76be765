"""A CloudFormation template for the queue that receives the events of ECS."""

from __future__ import annotations

import json
import re
from typing import Any

from ecskit._core.errors import RequestError

__all__ = ["QUEUE_NAME", "template"]

QUEUE_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_DEAD = "-dead-letters"
_CLUSTER_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_CLUSTER_ARN = re.compile(r"(arn:aws[\w-]*:ecs:[a-z0-9-]+:\d{12}):cluster/([A-Za-z0-9_-]{1,255})")
_OF_THE_STACK = "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}"
_FOURTEEN_DAYS = 14 * 24 * 3600
_ALL = [{"prefix": "ECS "}]
"""All types of events. Records of CloudTrail have the same source, and another type."""
_DEPLOYMENTS = "ECS Deployment State Change"
"""The type of event that does not name its cluster."""


def template(*, queue: str, cluster: str | None = None) -> str:
    """Return a CloudFormation template, as JSON, that sends the events of ECS to a queue of SQS.

    It has the queue with encryption by SQS and a dead-letter queue, the rules of EventBridge, and the policies that let
    these rules send. A message that was received five times and not deleted goes to the dead-letter queue, and so does
    an event that EventBridge cannot deliver. Give each process that uses `SqsSource` a queue of its own: each message
    of a queue reaches one receiver only.

    Args:
        queue: Name of the queue: at most 67 letters, digits, hyphens and underscores. The name of the dead-letter queue
            is `{queue}-dead-letters`.
        cluster: Name or ARN of the cluster whose events are sent. Default: all clusters of the account in the region
            of the stack. Events with the type `ECS Deployment State Change` are found by the ARN of their service.

    Raises:
        RequestError: A name is invalid.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_cwe_events.html
    """
    problems = [("queue", text) for text in _queue_problems(queue)]
    named = isinstance(cluster, str) and (_CLUSTER_NAME.fullmatch(cluster) or _CLUSTER_ARN.fullmatch(cluster))
    if cluster is not None and not named:
        problems.append(("cluster", "must be the name or the ARN of a cluster"))
    if problems:
        raise RequestError("template", problems)
    patterns = _patterns(cluster)
    about = "all clusters" if cluster is None else f"the cluster {cluster.rpartition('/')[2]}"
    resources: dict[str, Any] = {
        "Queue": _queue(
            queue,
            ReceiveMessageWaitTimeSeconds=20,
            RedrivePolicy={"deadLetterTargetArn": _arn("DeadLetters"), "maxReceiveCount": 5},
        ),
        "DeadLetters": _queue(queue + _DEAD, MessageRetentionPeriod=_FOURTEEN_DAYS),
        "QueuePolicy": _policy("Queue", list(patterns)),
        "DeadLettersPolicy": _policy("DeadLetters", list(patterns)),
        **{name: _rule(pattern, f"Events of ECS of {about}") for name, pattern in patterns.items()},
    }
    whole = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Events of ECS of {about} in the queue {queue}",
        "Resources": resources,
        "Outputs": {
            "QueueUrl": {"Description": "URL of the queue", "Value": {"Ref": "Queue"}},
            "DeadLettersUrl": {"Description": "URL of the dead-letter queue", "Value": {"Ref": "DeadLetters"}},
        },
    }
    return json.dumps(whole, indent=2)


def _queue_problems(queue: object) -> list[str]:
    if not isinstance(queue, str):
        return [f"must be a str, not {type(queue).__name__}"]
    if queue.endswith(".fifo"):
        return ["must be a standard queue: EventBridge delivers events in any order"]
    if not queue or not QUEUE_NAME.fullmatch(queue + _DEAD):
        return [f"must have 1 to {80 - len(_DEAD)} letters, digits, hyphens and underscores"]
    return []


def _patterns(cluster: str | None) -> dict[str, Any]:
    """Return the event patterns by the logical id of their rule."""
    base = {"source": ["aws.ecs"]}
    if cluster is None:
        return {"Rule": {**base, "detail-type": _ALL}}
    arn = _CLUSTER_ARN.fullmatch(cluster)
    of_account, name = (arn[1], arn[2]) if arn else (_OF_THE_STACK, cluster)
    services = {"prefix": _substituted(f"{of_account}:service/{name}/")}
    return {
        "Rule": {
            **base,
            "detail-type": _ALL,
            "detail": {"clusterArn": [_substituted(f"{of_account}:cluster/{name}")]},
        },
        "DeploymentsRule": {**base, "detail-type": [_DEPLOYMENTS], "resources": [services]},
    }


def _substituted(text: str) -> Any:
    return {"Fn::Sub": text} if "${" in text else text


def _arn(logical_id: str) -> Any:
    return {"Fn::GetAtt": [logical_id, "Arn"]}


def _queue(name: str, **properties: Any) -> dict[str, Any]:
    # EventBridge cannot send to a queue that is encrypted with the key `alias/aws/sqs`.
    properties = {"QueueName": name, "SqsManagedSseEnabled": True, **properties}
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


def _policy(queue: str, rules: list[str]) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": _arn(queue),
        "Condition": {"ArnEquals": {"aws:SourceArn": [_arn(rule) for rule in rules]}},
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [{"Ref": queue}], "PolicyDocument": document}}


def _rule(pattern: dict[str, Any], description: str) -> dict[str, Any]:
    target = {"Id": "Queue", "Arn": _arn("Queue"), "DeadLetterConfig": {"Arn": _arn("DeadLetters")}}
    return {
        "Type": "AWS::Events::Rule",
        "Properties": {"Description": description, "EventPattern": pattern, "Targets": [target]},
    }
