from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from aiobotocore.session import AioSession
from botocore.config import Config
from botocore.exceptions import (
    ConnectionClosedError,
    ReadTimeoutError,
)
from support.definitions import NETWORK

import ecskit
from ecskit import errors
from ecskit.models import AwsVpcConfiguration, NetworkConfiguration
from ecskit.testing import Call, Fault, LostAnswerError, SimulatedError, Simulator, attach, attach_async

from .support import NOON, Wire, World

TARGET = "AmazonEC2ContainerServiceV20141113."
RUN: Wire = {"taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": NETWORK}
CAPACITY = "Capacity is unavailable at this time. Please try again later or in a different availability zone"


def keys(attempts: int) -> dict[str, Any]:
    return {
        "aws_access_key_id": "a",
        "aws_secret_access_key": "b",
        "region_name": "us-east-1",
        "endpoint_url": "http://simulator.invalid",
        "config": Config(retries={"total_max_attempts": attempts, "mode": "standard"}),
    }


@pytest.mark.parametrize(
    ("fault", "status", "code", "said"),
    [
        (Fault.throttled(), 400, "ThrottlingException", "Rate exceeded"),
        (Fault.disguised_throttle(), 400, "InvalidParameterException", "Rate exceeded (ErrorCode: Throttling)"),
        (Fault.access_denied(), 400, "AccessDeniedException", "not authorized"),
        (Fault.expired_credentials(), 400, "ExpiredTokenException", "expired"),
        (Fault.server_error(), 500, "ServerException", "try again"),
    ],
)
def test_a_refusal_by_name(world: World, fault: Fault, status: int, code: str, said: str) -> None:
    """Each named error is answered as ECS answers it, and nothing is launched."""
    world.register()
    world.sim.fail("RunTask", fault)
    refusal = world.refusal("RunTask", **RUN)
    assert (status, code) == (refusal.status, refusal.code)
    assert said in refusal.message
    assert [] == world.sim.tasks()
    world.run()


@pytest.mark.parametrize("after_effect", [False, True])
def test_a_server_error_before_or_after_the_effect(world: World, *, after_effect: bool) -> None:
    """Before and after the effect, the client gets the same error; only after it the task is launched."""
    world.register()
    world.sim.fail("RunTask", Fault.server_error(after_effect=after_effect))
    assert "ServerException" == world.refusal("RunTask", **RUN).code
    assert int(after_effect) == len(world.sim.tasks())


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("loss", ["reset", "timeout"])
def test_a_lost_answer_before_or_after_the_effect(world: World, loss: str, *, after_effect: bool) -> None:
    """Without a client, the loss is a LostAnswerError, and the call is recorded with its fault."""
    world.register()
    fault: Fault = getattr(Fault, loss)(after_effect=after_effect)
    world.sim.fail("RunTask", fault)
    with pytest.raises(LostAnswerError, match=loss) as caught:
        world.do("RunTask", **RUN)
    assert loss == caught.value.loss
    assert int(after_effect) == len(world.sim.tasks())
    expected = Call(time=NOON, operation="RunTask", request=RUN, status=0, code=loss, fault=fault)
    assert expected == world.sim.calls[-1]


def test_a_refusal_is_lost_like_any_answer(world: World) -> None:
    """If the answer to a refused request is lost, the refusal is not visible."""
    world.sim.fail("RunTask", Fault.reset(after_effect=True))
    with pytest.raises(LostAnswerError) as caught:
        world.do("RunTask", **RUN)
    assert {} == caught.value.answer


def test_half_an_answer(world: World) -> None:
    """A cut answer is the first half of the body, with the headers of the whole."""
    world.sim.fail("CreateCluster", Fault.cut())
    response = world.sim.respond(TARGET + "CreateCluster", b'{"clusterName": "a"}')
    with pytest.raises(ValueError, match="Unterminated"):
        json.loads(response.body)
    assert 200 == response.status
    assert int(response.headers["Content-Length"]) // 2 == len(response.body)
    assert 2 == len(world.do("ListClusters")["clusterArns"])


def test_an_answer_of_a_proxy(world: World) -> None:
    """A garbled answer is a success whose body is not JSON."""
    world.sim.fail("CreateCluster", Fault.garbled())
    response = world.sim.respond(TARGET + "CreateCluster", b'{"clusterName": "a"}')
    assert (200, "text/html") == (response.status, response.headers["Content-Type"])
    assert response.body.startswith(b"<html>")
    assert str(len(response.body)) == response.headers["Content-Length"]
    assert 2 == len(world.do("ListClusters")["clusterArns"])


@pytest.mark.parametrize(
    ("fault", "started", "reasons"),
    [
        (Fault.no_capacity(), 0, [CAPACITY] * 5),
        (Fault.no_capacity("AGENT"), 0, ["AGENT"] * 5),
        (Fault.no_capacity("RESOURCE:MEMORY", last=2), 3, ["RESOURCE:MEMORY"] * 2),
        (Fault.no_capacity("LOCATION", last=9), 0, ["LOCATION"] * 5),
    ],
)
def test_no_capacity(world: World, fault: Fault, started: int, reasons: list[str]) -> None:
    """RunTask succeeds with failures for the last tasks, and the others start."""
    world.register()
    world.sim.fail("RunTask", fault)
    answer = world.do("RunTask", **RUN, count=5)
    assert reasons == [failure["reason"] for failure in answer["failures"]]
    assert started == len(answer["tasks"]) == len(world.sim.tasks())
    assert [] == world.do("RunTask", **RUN)["failures"]


def test_no_capacity_on_instances(world: World) -> None:
    """The same for RunTask and StartTask on container instances, besides the real failures."""
    instances = [world.add_instance(memory=600), world.add_instance(memory=600)]
    world.register_for_instances()
    world.sim.fail("*", Fault.no_capacity("AGENT", last=1), times=2)
    started = world.do("StartTask", taskDefinition="web", containerInstances=instances)
    assert (1, ["AGENT"]) == (len(started["tasks"]), [each["reason"] for each in started["failures"]])
    ran = world.do("RunTask", taskDefinition="web", count=3)
    assert (1, ["RESOURCE:MEMORY", "AGENT"]) == (len(ran["tasks"]), [each["reason"] for each in ran["failures"]])


def test_a_partial_launch_is_replayed_with_its_failures(world: World) -> None:
    """The token of a request that launched some of its tasks replays these and the failures."""
    world.register()
    world.sim.fail("RunTask", Fault.no_capacity("AGENT", last=1))
    first = world.do("RunTask", **RUN, count=2, clientToken="t")
    assert first == world.do("RunTask", **RUN, count=2, clientToken="t")


def test_a_launch_that_found_no_capacity_uses_no_token(world: World) -> None:
    """If nothing was launched, the same token launches later."""
    world.register()
    world.sim.fail("RunTask", Fault.no_capacity())
    world.do("RunTask", **RUN, clientToken="t")
    assert 1 == len(world.do("RunTask", **RUN, clientToken="t")["tasks"])


def test_faults_of_any_operation(world: World) -> None:
    """A fault for "*" applies to the next request, after the faults that were planned before it."""
    world.sim.fail("ListTasks", Fault.server_error())
    world.sim.fail("*", Fault.throttled(), times=2)
    codes = [world.refusal(name).code for name in ("ListTasks", "ListClusters", "ListTasks")]
    assert ["ServerException", "ThrottlingException", "ThrottlingException"] == codes
    world.do("ListTasks")


def test_a_fault_that_does_not_fit_is_passed_over(world: World) -> None:
    """A shortage of capacity for "*" waits for a launch."""
    world.register()
    world.sim.fail("*", Fault.no_capacity())
    world.do("ListTasks")
    assert [] == world.do("RunTask", **RUN)["tasks"]


def test_credentials_expire_at_a_moment(world: World) -> None:
    """A fault can begin later and last until `heal`."""
    world.sim.fail("*", Fault.expired_credentials(), times=None, after=60)
    world.pass_(59)
    world.do("ListTasks")
    world.pass_(1)
    assert {"ExpiredTokenException"} == {world.refusal("ListTasks").code for _ in range(3)}
    world.sim.heal()
    world.do("ListTasks")


@pytest.mark.parametrize(
    ("operation", "fault", "options", "error", "message"),
    [
        ("ListTask", Fault.reset(), {}, ValueError, "ListTask"),
        ("ListTasks", Fault.no_capacity(), {}, ValueError, "ListTasks launches no tasks"),
        ("ListTasks", Fault.reset(), {"times": 0}, ValueError, "times=0"),
        ("ListTasks", Fault.reset(), {"after": -1}, ValueError, "after=-1"),
        ("ListTasks", "reset", {}, TypeError, "str"),
    ],
)
def test_invalid_faults_are_refused(
    world: World, operation: str, fault: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    """Faults that can never apply are refused."""
    with pytest.raises(error, match=message):
        world.sim.fail(operation, fault, **options)


def test_no_capacity_for_less_than_one_task() -> None:
    """At least one task is not launched."""
    with pytest.raises(ValueError, match="last"):
        Fault.no_capacity(last=0)


def test_a_fault_is_one_thing() -> None:
    """A fault needs exactly one of error, loss and shortage."""
    with pytest.raises(ValueError, match="one of"):
        Fault()
    with pytest.raises(ValueError, match="one of"):
        Fault(loss="reset", error=SimulatedError("A", "b"))


def test_any_error_can_come_after_the_effect(world: World) -> None:
    """With any error, the request can take effect before it."""
    error = SimulatedError("ClientException", "Too late.")
    world.sim.fail("CreateCluster", Fault(error=error, after_effect=True))
    assert "Too late." == world.refusal("CreateCluster", clusterName="a").message
    assert 2 == len(world.do("ListClusters")["clusterArns"])


def test_faults_are_values() -> None:
    """Faults with equal values are equal."""
    assert Fault.throttled() == Fault.throttled()
    assert Fault.throttled() != Fault.access_denied()
    assert Fault.reset() != Fault.reset(after_effect=True)
    assert SimulatedError("A", "b") != SimulatedError("A", "b")


LOSSES = [
    (Fault.reset(), ConnectionClosedError),
    (Fault.reset(after_effect=True), ConnectionClosedError),
    (Fault.timeout(), ReadTimeoutError),
]


@pytest.mark.parametrize(("fault", "error"), LOSSES)
def test_botocore_meets_a_loss_as_its_own_error(world: World, fault: Fault, error: type[Exception]) -> None:
    """A client raises the same error as for a failed connection."""
    ecs: Any = boto3.client("ecs", **keys(1))
    attach(ecs, world.sim)
    world.sim.fail("ListClusters", fault)
    with pytest.raises(error):
        ecs.list_clusters()
    assert 1 == len(ecs.list_clusters()["clusterArns"])


@pytest.mark.parametrize(("fault", "error"), LOSSES)
async def test_aiobotocore_does_too(world: World, fault: Fault, error: type[Exception]) -> None:
    """The same for an async client."""
    async with AioSession().create_client("ecs", **keys(1)) as ecs:
        attach_async(ecs, world.sim)
        world.sim.fail("ListClusters", fault)
        with pytest.raises(error):
            await ecs.list_clusters()
        assert 1 == len((await ecs.list_clusters())["clusterArns"])


@pytest.mark.parametrize("fault", [Fault.cut(), Fault.garbled()])
def test_botocore_takes_a_damaged_answer_for_an_empty_one(world: World, fault: Fault) -> None:
    """botocore accepts a body that is not JSON: members that are always present are missing."""
    ecs: Any = boto3.client("ecs", **keys(1))
    attach(ecs, world.sim)
    world.sim.fail("ListClusters", fault)
    assert "clusterArns" not in ecs.list_clusters()


@pytest.mark.parametrize(
    "fault", [Fault.reset(after_effect=True), Fault.timeout(after_effect=True), Fault.server_error(after_effect=True)]
)
def test_botocores_retry_repeats_the_token(world: World, fault: Fault) -> None:
    """After a loss botocore sends RunTask again with the token that it had filled in, and one task is launched."""
    world.register()
    ecs: Any = boto3.client("ecs", **keys(2))
    attach(ecs, world.sim)
    world.sim.fail("RunTask", fault)
    (task,) = ecs.run_task(**RUN)["tasks"]
    assert [task["taskArn"]] == [state.arn for state in world.sim.tasks()]
    first, second = (call for call in world.sim.calls if call.operation == "RunTask")
    assert first.request == second.request
    assert "clientToken" in first.request
    assert (fault, None) == (first.fault, second.fault)


async def test_aiobotocores_retry_does_too(world: World) -> None:
    """The same for an async client."""
    world.register()
    async with AioSession().create_client("ecs", **keys(2)) as ecs:
        attach_async(ecs, world.sim)
        world.sim.fail("RunTask", Fault.reset(after_effect=True))
        (task,) = (await ecs.run_task(**RUN))["tasks"]
    assert [task["taskArn"]] == [state.arn for state in world.sim.tasks()]


NETWORK_MODEL = NetworkConfiguration(awsvpc_configuration=AwsVpcConfiguration(subnets=["subnet-1"]))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.throttled(), errors.ThrottledError),
        (Fault.disguised_throttle(), errors.ThrottledError),
        (Fault.server_error(), errors.ServerError),
        (Fault.access_denied(), errors.AccessDeniedError),
        (Fault.expired_credentials(), errors.AccessDeniedError),
        (Fault.reset(), errors.ConnectionFailedError),
        (Fault.timeout(), errors.TimedOutError),
        (Fault.cut(), errors.EcsError),
        (Fault.garbled(), errors.EcsError),
    ],
)
async def test_ecskit_raises_an_error_for_each_fault(fault: Fault, error: type[ecskit.errors.EcsError]) -> None:
    """Both ecskit clients raise their error for each fault."""
    simulator = Simulator()
    simulator.fail("RunTask", fault, times=2)
    with simulator.client() as ecs, pytest.raises(error):
        ecs.run_task(task_definition="web", launch_type="FARGATE", network_configuration=NETWORK_MODEL)
    async with simulator.async_client() as ecs_async:
        with pytest.raises(error):
            await ecs_async.run_task(task_definition="web")
