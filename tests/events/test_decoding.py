"""`decode_event`: from what brokers deliver to typed events."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest

from ecskit import events
from ecskit.errors import EcsError, ForeignEvent, NotAnEvent
from events.messages import ARN, CLUSTER, DETAILS, SECRET, envelope, in_record, in_sns, in_sqs

WRAPPED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "envelope": lambda event: event,
    "text": json.dumps,
    "bytes": lambda event: json.dumps(event).encode(),
    "message of SQS": in_sqs,
    "its body": lambda event: in_sqs(event)["Body"],
    "record of Lambda": in_record,
    "batch of one record": lambda event: {"Records": [in_record(event)]},
    "response of ReceiveMessage": lambda event: {"Messages": [in_sqs(event)], "ResponseMetadata": {}},
    "SNS in SQS": lambda event: in_sqs(in_sns(event)),
    "SNS raw in SQS": in_sqs,
    "SNS in SQS for Lambda": lambda event: {"Records": [in_record(in_sns(event))]},
    "SNS for Lambda": lambda event: {"Records": [{"EventSource": "aws:sns", "Sns": in_sns(event)}]},
    "all of it as text": lambda event: json.dumps({"Records": [in_record(in_sns(event))]}),
}


@pytest.mark.parametrize("wrapped", WRAPPED.values(), ids=WRAPPED)
def test_brokers_put_layers_around_events(wrapped: Callable[[dict[str, Any]], Any]) -> None:
    """The event inside is the same."""
    given = wrapped(envelope())
    before = copy.deepcopy(given)
    event = events.decode_event(given)
    assert events.decode_event(envelope()) == event
    assert before == given  # it is not changed


def test_each_type_of_event_has_a_class() -> None:
    """Nothing is lost, except that times have a format of their own and nulls are left out."""
    names = {}
    for detail_type, detail in DETAILS.items():
        event = events.decode_event(envelope(detail_type))
        names[detail_type] = type(event).__name__
        back = event.to_dict()
        kept = {name for name, value in detail.items() if value is not None}
        assert kept == back["detail"].keys()
        assert envelope(detail_type).keys() == back.keys()
        assert event == events.decode_event(back) == pickle.loads(pickle.dumps(event))
        expected = None if detail_type == "ECS Deployment State Change" else CLUSTER
        assert expected == event.cluster_arn, detail_type
        assert SECRET not in repr(event)
    assert {
        "ECS Task State Change": "TaskStateChange",
        "ECS Container Instance State Change": "ContainerInstanceStateChange",
        "ECS Container Instance Health Change": "ContainerInstanceHealthChange",
        "ECS Service Action": "ServiceAction",
        "ECS Deployment State Change": "DeploymentStateChange",
        "ECS Hook State Change": "HookStateChange",
        "ECS Daemon Service Action": "DaemonServiceAction",
        "ECS Daemon Deployment State Change": "DaemonDeploymentStateChange",
        "ECS Comet Sighting": "UnknownEvent",
    } == names


def test_the_detail_of_a_task_is_the_task() -> None:
    """As DescribeTasks shows it, with times of ISO 8601 up to nanoseconds, and without health and tags."""
    event = events.decode_event(envelope())
    assert isinstance(event, events.TaskStateChange)
    task = event.task
    assert (7, "STOPPED", None) == (task.version, task.last_status, task.health_status)
    assert 1 == task.containers[0].exit_code
    assert datetime(2026, 3, 5, 15, 50, 0, 500000, timezone.utc) == task.created_at
    assert {"updatedAt": "2026-03-05T15:54:41.618059641Z"} == task.extra_fields
    assert datetime(2026, 3, 5, 15, 54, 41, tzinfo=timezone.utc) == event.time
    assert {"version": "0"} == event.extra_fields


def test_the_service_is_where_the_event_has_it() -> None:
    """ECS uses `serviceName` or `service`, and the ARN is in `resources`."""

    def service(detail_type: str, *, resources: list[str], **detail: object) -> str | None:
        event = events.decode_event(
            {**envelope(detail_type, {**DETAILS[detail_type], **detail}), "resources": resources}
        )
        assert isinstance(event, (events.ServiceAction, events.DeploymentStateChange))
        return event.service

    arn = f"{ARN}:service/prod/web"
    action, deployment = "ECS Service Action", "ECS Deployment State Change"
    assert arn == service(action, resources=[f"{ARN}:task/prod/a", arn])
    assert "web" == service(action, resources=[])
    assert "shop" == service(action, resources=[], serviceName=None, service="shop")
    assert arn == service(deployment, resources=[arn])
    assert None is service(deployment, resources=[])


INPUT_PATH = (
    "it looks like the bare `detail` of one; remove the input path or input transformer from the target of the rule, so"
    " that EventBridge delivers the whole event"
)
NO_EVENTS: list[tuple[Any, str]] = [
    *((detail, INPUT_PATH) for name, detail in DETAILS.items() if name != "ECS Comet Sighting"),
    (in_sqs(DETAILS["ECS Task State Change"]), INPUT_PATH),
    ("", "its text of 0 characters is not JSON"),
    (f"password={SECRET}", "its text of 16 characters is not JSON"),
    (b"\xff\xfe", "its text of 2 characters is not JSON"),
    ("[" * 100_000, "its text of 100000 characters is not JSON"),
    ("null", "expected an object, JSON text or bytes, got NoneType"),
    ([envelope()], "expected an object, JSON text or bytes, got list"),
    ({}, "it has no `detail-type` and `source`; its members: none"),
    ({"password": SECRET, "a": 1}, "it has no `detail-type` and `source`; its members: password, a"),
    ({"Records": [1, 2]}, "it is a batch of 2 messages; decode each of `Records`"),
    ({"Messages": []}, "it is a batch of 0 messages; decode each of `Messages`"),
    (
        in_sqs({"Type": "SubscriptionConfirmation", "Token": SECRET, "Message": "You have chosen"}),
        "it is a SubscriptionConfirmation of SNS",
    ),
    (in_sns(in_sns(in_sns(in_sns(in_sns({}))))), "it has more than 8 layers"),
    (
        envelope(detail={"taskArn": SECRET, "startedAt": SECRET, "containers": SECRET, "lastStatus": "RUNNING"}),
        (
            "the 'ECS Task State Change' does not fit: "
            "detail.desiredStatus is missing; detail.containers expected a list,"
            " got str; detail.startedAt expected a time: epoch seconds, ISO 8601 or datetime, got str"
        ),
    ),
    (
        {"detail-type": "ECS Service Action", "source": "aws.ecs", "detail": SECRET},
        (
            "the 'ECS Service Action' does not fit: id is missing; time is missing; account is missing;"
            " region is missing; detail expected the members of ServiceActionDetail, got str"
        ),
    ),
]


@pytest.mark.parametrize(("message", "reason"), NO_EVENTS)
def test_what_is_no_event_is_refused(message: Any, reason: str) -> None:
    """The error names what the message is or lacks, and shows no value of it."""
    with pytest.raises(NotAnEvent) as caught:
        events.decode_event(message)
    assert f"the message is no event of ECS: {reason}" == str(caught.value)
    assert not isinstance(caught.value, ForeignEvent)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, EcsError)
    assert SECRET not in f"{caught.value!r} {vars(caught.value)} {vars(caught.value.__context__ or caught.value)}"
    assert str(caught.value) == str(pickle.loads(pickle.dumps(caught.value)))


def test_events_of_other_sources_are_foreign() -> None:
    """They are complete, so a queue that gets them from a wider rule may drop them."""
    with pytest.raises(ForeignEvent) as caught:
        events.decode_event(in_sqs(envelope("EC2 Instance State-change", {"secret": SECRET}, source="aws.ec2")))
    assert ("aws.ec2", "EC2 Instance State-change") == (caught.value.source, caught.value.detail_type)
    text = "the message is no event of ECS: it is 'EC2 Instance State-change' of the source 'aws.ec2'"
    assert text == str(caught.value) == str(pickle.loads(pickle.dumps(caught.value)))
