"""The events that a simulator emits, as EventBridge passes them on."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from ecskit.events import (
    ContainerInstanceStateChange,
    DeploymentStateChange,
    ServiceAction,
    TaskStateChange,
    decode_event,
)
from ecskit.testing import EmittedEvents, TaskScript

from .service_support import Shop
from .support import ARN, World

Wire = dict[str, Any]
STEPS = ["PROVISIONING", "PENDING", "RUNNING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"]


def run_job(world: World, count: int = 1, *, for_seconds: float = 600) -> str:
    """Run tasks that exit after a minute, let seconds pass, and return the ARN of the first one."""
    world.sim.script("job", TaskScript.exits(0, after=60))
    world.register("job")
    arn: str = world.run("job", count=count)[0]["taskArn"]
    world.pass_(for_seconds)
    return arn


def versions(events: list[Wire]) -> list[int]:
    """Return the versions of the details."""
    return [event["detail"]["version"] for event in events]


def test_each_version_of_a_task_is_one_event(world: World) -> None:
    """The detail is the task as DescribeTasks shows it, with times as text, without health and tags."""
    emitted = world.sim.emit_events()
    arn = run_job(world)
    events = emitted.take()
    assert versions(events) == list(range(1, len(events) + 1))
    assert [event["detail"]["lastStatus"] for event in events] == STEPS
    last = events[-1]
    assert last == {
        "version": "0",
        "id": last["id"],
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "account": "123456789012",
        "time": last["time"],
        "region": "us-east-1",
        "resources": [arn],
        "detail": last["detail"],
    }
    shown = {name: item for name, item in world.task(arn).items() if name not in ("healthStatus", "tags")}
    assert last["detail"].keys() == shown.keys()
    for name, item in shown.items():
        text = last["detail"][name]
        if name.endswith("At"):
            assert datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() == pytest.approx(item, abs=0.001)
        elif name != "containers":
            assert text == item
    assert last["time"] == last["detail"]["stoppedAt"][:19] + "Z"
    assert emitted.take() == []


def test_a_task_that_ends_while_no_one_takes_is_not_lost(world: World) -> None:
    """Not even when ECS no longer shows it."""
    emitted = world.sim.emit_events()
    arn = run_job(world)
    world.pass_(10_000)
    assert world.do("DescribeTasks", tasks=[arn])["failures"]
    assert [event["detail"]["lastStatus"] for event in emitted.take()] == STEPS


def test_what_happened_before_is_no_event(world: World) -> None:
    """As with a rule that is made later."""
    arn = run_job(world)
    emitted = world.sim.emit_events()
    assert emitted.take() == []
    world.do("StopTask", task=arn)
    assert emitted.take() == []


def test_a_stop_takes_back_what_has_not_happened(world: World) -> None:
    """The scripted end is no event; the end by the stop is."""
    emitted = world.sim.emit_events()
    world.register("web")
    arn = world.run_one("web")
    world.pass_(100)
    assert [event["detail"]["lastStatus"] for event in emitted.take()] == STEPS[:3]
    world.do("StopTask", task=arn, reason="enough")
    world.pass_(100)
    events = emitted.take()
    assert [event["detail"]["lastStatus"] for event in events] == STEPS[3:]
    assert {event["detail"]["stoppedReason"] for event in events} == {"enough"}


def test_events_arrive_late_twice_in_another_order_or_never() -> None:
    """By the seed alone, whenever they are taken."""

    def arrivals(step: float, seed: int = 3) -> tuple[list[Wire], list[Wire]]:
        world = World()
        perfect = world.sim.emit_events()
        emitted = world.sim.emit_events(late=(0.5, 20), twice=0.3, lost=0.2, seed=seed)
        run_job(world, 10, for_seconds=0)
        taken: list[Wire] = []
        for _ in range(int(700 / step)):
            world.pass_(step)
            taken += emitted.take()
        return taken, perfect.take()

    taken, perfect = arrivals(7)
    sent = {(event["resources"][0], event["detail"]["version"]) for event in perfect}
    found = Counter((event["resources"][0], event["detail"]["version"]) for event in taken)
    assert len(sent) == 10 * len(STEPS)
    assert found.keys() < sent
    assert 0.1 < 1 - len(found) / len(sent) < 0.3
    assert set(found.values()) == {1, 2}
    assert len({event["id"] for event in taken}) == len(found)
    per_task = [[event for event in taken if event["resources"] == [arn]] for arn in {arn for arn, _ in sent}]
    assert any(versions(events) != sorted(versions(events)) for events in per_task)
    assert arrivals(100)[0] == taken
    assert arrivals(7, seed=4)[0] != taken


def test_a_deployment_and_its_steady_state() -> None:
    """A rollout is two events; a service that becomes steady is a service action."""
    world = Shop()
    emitted = world.sim.emit_events()
    world.ready()
    events = [event for event in emitted.take() if event["detail-type"] != "ECS Task State Change"]
    arn = world.service()["serviceArn"]
    assert {tuple(event["resources"]) for event in events} == {(arn,)}
    assert [event["detail"]["eventName"] for event in events] == [
        "SERVICE_DEPLOYMENT_IN_PROGRESS",
        "SERVICE_DEPLOYMENT_COMPLETED",
        "SERVICE_STEADY_STATE",
    ]
    began, completed, steady = events
    (deployment,) = world.service()["deployments"]
    assert completed["detail-type"] == "ECS Deployment State Change"
    assert completed["detail"] == {
        "eventType": "INFO",
        "eventName": "SERVICE_DEPLOYMENT_COMPLETED",
        "deploymentId": deployment["id"],
        "updatedAt": completed["detail"]["updatedAt"],
        "reason": deployment["rolloutStateReason"],
    }
    assert began["time"] < completed["time"]
    assert steady["detail-type"] == "ECS Service Action"
    assert steady["detail"]["clusterArn"] == f"{ARN}cluster/default"


def test_a_container_instance_has_an_event_for_each_version(world: World) -> None:
    """Also if two changes come between two looks."""
    emitted = world.sim.emit_events()
    arn = world.add_instance()
    world.do("UpdateContainerInstancesState", containerInstances=[arn], status="DRAINING")
    events = emitted.take()
    assert [(event["detail"]["status"], event["detail"]["version"]) for event in events] == [
        ("ACTIVE", 1),
        ("DRAINING", 2),
    ]
    assert {event["detail-type"] for event in events} == {"ECS Container Instance State Change"}
    assert isinstance(events[0]["detail"]["registeredAt"], str)


def test_emitted_events_are_decoded() -> None:
    """`decode_event` has a type for each of them, and loses nothing."""
    world = Shop()
    emitted = world.sim.emit_events()
    world.ready()
    world.add_instance()
    events = emitted.take()
    decoded = [decode_event(json.dumps(event)) for event in events]
    types = {TaskStateChange, ContainerInstanceStateChange, DeploymentStateChange, ServiceAction}
    assert {type(each) for each in decoded} == types
    assert [each.to_dict().keys() for each in decoded] == [event.keys() for event in events]
    tasks = [each.task for each in decoded if isinstance(each, TaskStateChange)]
    assert {task.task_arn for task in tasks} == {arn for each in decoded for arn in each.resources if ":task/" in arn}
    assert all(not task.extra_fields for task in tasks)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"late": (2, 1)}, r"late must be two numbers of seconds, the least and the most: \(2, 1\)"),
        ({"late": (-1, 1)}, "late must be two numbers"),
        ({"twice": 1.5}, "twice must be a share from 0 to 1: 1.5"),
        ({"lost": -0.1}, "lost must be a share from 0 to 1: -0.1"),
    ],
)
def test_bad_options(world: World, options: Wire, message: str) -> None:
    """Each is named."""
    with pytest.raises(ValueError, match=message):
        world.sim.emit_events(**options)


def test_the_type_is_public(world: World) -> None:
    """For annotations."""
    assert isinstance(world.sim.emit_events(), EmittedEvents)
