"""`template`: what it describes, and which events its rules send."""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.events.models import EventPattern

from ecskit.errors import RequestError
from ecskit.events import template
from events.messages import ARN, DETAILS, envelope

ACCOUNT = {"${AWS::Partition}": "aws", "${AWS::Region}": "eu-west-1", "${AWS::AccountId}": "123456789012"}


def described(**arguments: str) -> dict[str, Any]:
    """Return the resources of a template by logical id, in the account of the events."""
    text = template(**arguments)
    for parameter, value in ACCOUNT.items():
        text = text.replace(parameter, value)
    whole: dict[str, Any] = json.loads(text)
    assert {"QueueUrl": "Queue", "DeadLettersUrl": "DeadLetters"} == {
        name: output["Value"]["Ref"] for name, output in whole["Outputs"].items()
    }
    return {name: {"Type": each["Type"], **each["Properties"]} for name, each in whole["Resources"].items()}


def arn(logical_id: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [logical_id, "Arn"]}


def substituted(value: Any) -> Any:
    """Return a value with the texts of its `Fn::Sub`."""
    if isinstance(value, dict):
        return value["Fn::Sub"] if value.keys() == {"Fn::Sub"} else {k: substituted(v) for k, v in value.items()}
    return [substituted(each) for each in value] if isinstance(value, list) else value


def test_the_queues_are_encrypted_and_connected() -> None:
    """EventBridge may send to both, from these rules only; what cannot be decoded ends in the dead-letter queue."""
    resources = described(queue="ecs-events", cluster="prod")
    assert ("ecs-events", "ecs-events-dead-letters") == (
        resources["Queue"]["QueueName"],
        resources["DeadLetters"]["QueueName"],
    )
    assert all(resources[name]["SqsManagedSseEnabled"] for name in ("Queue", "DeadLetters"))
    assert {"deadLetterTargetArn": arn("DeadLetters"), "maxReceiveCount": 5} == resources["Queue"]["RedrivePolicy"]
    rules = [name for name, each in resources.items() if each["Type"] == "AWS::Events::Rule"]
    for name in rules:
        [target] = resources[name]["Targets"]
        assert (arn("Queue"), {"Arn": arn("DeadLetters")}) == (target["Arn"], target["DeadLetterConfig"])
    for queue in ("Queue", "DeadLetters"):
        policy = resources[f"{queue}Policy"]
        assert [{"Ref": queue}] == policy["Queues"]
        assert [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn(queue),
                "Condition": {"ArnEquals": {"aws:SourceArn": [arn(rule) for rule in rules]}},
            }
        ] == policy["PolicyDocument"]["Statement"]


def matched(resources: dict[str, Any], event: Any) -> list[str]:
    """Return the rules that send an event, by moto's matcher of patterns."""
    return [
        name
        for name, each in resources.items()
        if each["Type"] == "AWS::Events::Rule"
        and EventPattern.load(json.dumps(substituted(each["EventPattern"]))).matches_event(event)
    ]


@pytest.mark.parametrize("cluster", ["prod", f"{ARN}:cluster/prod"])
def test_each_event_of_the_cluster_is_sent_once(cluster: str) -> None:
    """Events of other clusters are not, nor are the records of CloudTrail, which have the same source."""
    resources = described(queue="ecs-events", cluster=cluster)
    others = described(queue="ecs-events", cluster="pro")
    for detail_type in DETAILS:
        expected = "DeploymentsRule" if detail_type == "ECS Deployment State Change" else "Rule"
        assert [expected] == matched(resources, envelope(detail_type))
        assert [] == matched(others, envelope(detail_type))
    assert [] == matched(resources, envelope("AWS API Call via CloudTrail", {"requestParameters": {}}))


def test_without_a_cluster_all_events_are_sent() -> None:
    """Those of ECS, from any cluster."""
    resources = described(queue="ecs-events")
    assert [["Rule"]] * len(DETAILS) == [matched(resources, envelope(detail_type)) for detail_type in DETAILS]
    assert [] == matched(resources, envelope("AWS API Call via CloudTrail", {"requestParameters": {}}))
    assert [] == matched(resources, envelope("ECS Service Action", source="my.app"))


WRONG: list[tuple[Any, Any, str]] = [
    ("", "prod", "queue: must have 1 to 67 letters, digits, hyphens and underscores"),
    ("a" * 68, "prod", "queue: must have 1 to 67 letters, digits, hyphens and underscores"),
    ("a.b", "prod", "queue: must have 1 to 67 letters, digits, hyphens and underscores"),
    ("a.fifo", "prod", "queue: must be a standard queue: EventBridge delivers events in any order"),
    (None, "prod", "queue: must be a str, not NoneType"),
    ("a", "", "cluster: must be the name or the ARN of a cluster"),
    ("a", "${AWS::StackName}", "cluster: must be the name or the ARN of a cluster"),
    ("a", "arn:aws:ecs:eu-west-1:123456789012:service/prod/web", "cluster: must be the name or the ARN of a cluster"),
    ("a", 5, "cluster: must be the name or the ARN of a cluster"),
]


@pytest.mark.parametrize(("queue", "cluster", "problem"), WRONG)
def test_names_are_checked(queue: Any, cluster: Any, problem: str) -> None:
    """Before anything is deployed."""
    with pytest.raises(RequestError) as caught:
        template(queue=queue, cluster=cluster)
    assert f"template: {problem}" == str(caught.value)
