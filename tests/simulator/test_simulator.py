from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from ecskit._simulator.operations import TABLE
from ecskit._transport import service_model
from ecskit.testing import Call, Response, SimulatedError, SimulatorBug, simulated_operations

from .support import NOON, World

TARGET = "AmazonEC2ContainerServiceV20141113."


def error_of(response: Response) -> tuple[int, str]:
    return response.status, json.loads(response.body)["__type"]


def test_a_success_is_rendered_as_aws_json(world: World) -> None:
    """An answer has the content type, its length and a request id."""
    response = world.sim.respond(TARGET + "ListClusters", b"{}")
    assert response.status == 200
    assert json.loads(response.body) == {"clusterArns": ["arn:aws:ecs:us-east-1:123456789012:cluster/default"]}
    assert response.headers["Content-Type"] == "application/x-amz-json-1.1"
    assert response.headers["Content-Length"] == str(len(response.body))
    assert uuid.UUID(response.headers["x-amzn-RequestId"]).version == 4


def test_an_error_is_rendered_with_its_type_and_message(world: World) -> None:
    """An error has its code in `__type` and its text in `message`."""
    response = world.sim.respond(TARGET + "ListTasks", b'{"cluster": "nope"}')
    assert response.status == 400
    assert json.loads(response.body) == {"__type": "ClusterNotFoundException", "message": "Cluster not found."}


@pytest.mark.parametrize(
    ("target", "body", "code"),
    [
        (TARGET + "Nonsense", b"{}", "UnknownOperationException"),
        ("Other.ListTasks", b"{}", "UnknownOperationException"),
        ("", b"{}", "UnknownOperationException"),
        (TARGET + "ListTasks", b"{", "SerializationException"),
        (TARGET + "ListTasks", b"\xff\xfe", "SerializationException"),
        (TARGET + "ListTasks", b"[]", "SerializationException"),
        (TARGET + "ListTasks", b'{"cluster": 1}', "SerializationException"),
        (TARGET + "ListTasks", b'{"clutser": "x"}', "InvalidParameterException"),
        (TARGET + "DescribeTasks", b"{}", "InvalidParameterException"),
    ],
)
def test_what_cannot_be_read_is_a_client_error(world: World, target: str, body: bytes, code: str) -> None:
    """A request that is not for ECS gets a 400, never a 500."""
    assert error_of(world.sim.respond(target, body)) == (400, code)


def test_nulls_are_absent_members(world: World) -> None:
    """A null member counts as absent, an empty body as an empty object."""
    assert world.sim.respond(TARGET + "ListTasks", b'{"cluster": null}').status == 200
    assert world.sim.respond(TARGET + "ListTasks", b"").status == 200


def test_every_operation_is_simulated() -> None:
    """The simulator implements every operation of ECS."""
    assert simulated_operations() == set(service_model.load()["operations"])


def test_an_operation_that_is_not_simulated_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operation that the simulator does not implement answers 400 with its name."""
    monkeypatch.delitem(TABLE, "ListTasks")
    response = world.sim.respond(TARGET + "ListTasks", b"{}")
    assert error_of(response) == (400, "NotSimulatedException")
    assert "ListTasks" in json.loads(response.body)["message"]


def test_calls_are_recorded(world: World) -> None:
    """Each call is recorded with its time, request and outcome, including errors."""
    world.do("ListTasks", cluster="default")
    world.pass_(5)
    world.refusal("ListTasks", cluster="nope")
    assert [
        Call(time=NOON, operation="ListTasks", request={"cluster": "default"}, status=200, code=None),
        Call(
            time=NOON + 5,
            operation="ListTasks",
            request={"cluster": "nope"},
            status=400,
            code="ClusterNotFoundException",
        ),
    ] == world.sim.calls


def test_an_injected_fault_comes_before_the_effect(world: World) -> None:
    """A planned error is the answer to the next request, which changes nothing; then the operation works again."""
    world.sim.fail("CreateCluster", SimulatedError("ServerException", "Service unavailable.", 500))
    assert world.refusal("CreateCluster", clusterName="a").status == 500
    assert len(world.do("ListClusters")["clusterArns"]) == 1
    world.do("CreateCluster", clusterName="a")
    assert len(world.do("ListClusters")["clusterArns"]) == 2


def test_faults_queue(world: World) -> None:
    """Faults are used in order, each `times` times, by requests for their operation only."""
    world.sim.fail("ListTasks", SimulatedError("ThrottlingException", "Rate exceeded"), times=2)
    world.sim.fail("ListTasks", SimulatedError("ServerException", "", 500))
    world.do("ListClusters")
    codes = [world.refusal("ListTasks").code for _ in range(3)]
    assert codes == ["ThrottlingException", "ThrottlingException", "ServerException"]
    world.do("ListTasks")


def test_a_fault_needs_an_operation(world: World) -> None:
    """A fault for an unknown operation is refused."""
    with pytest.raises(ValueError, match="ListTask"):
        world.sim.fail("ListTask", SimulatedError("ServerException", ""))


def test_the_same_seed_gives_the_same_answers() -> None:
    """Two simulators with the same seed answer the same requests alike; another seed differs."""
    answers = []
    for seed in (1, 1, 2):
        world = World(seed=seed)
        world.register()
        answers.append(world.run(count=2))
    assert answers[0] == answers[1]
    assert answers[0] != answers[2]


def test_answers_are_copies(world: World) -> None:
    """Changing an answer, or the request afterwards, does not change the simulator."""
    tags = [{"key": "a", "value": "1"}]
    world.do("CreateCluster", clusterName="c", tags=tags)["cluster"]["tags"][0]["value"] = "2"
    tags[0]["value"] = "3"
    (cluster,) = world.do("DescribeClusters", clusters=["c"], include=["TAGS"])["clusters"]
    assert cluster["tags"] == [{"key": "a", "value": "1"}]


def test_threads_share_a_simulator(world: World) -> None:
    """Concurrent calls neither fail nor lose anything."""
    world.register()
    with ThreadPoolExecutor(8) as pool:
        arns = set(pool.map(lambda _: world.run_one(), range(64)))
    assert len(arns) == 64
    assert len(world.do("ListTasks")["taskArns"]) == 64


def test_a_code_that_the_model_does_not_list_is_a_bug(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operation cannot refuse with an error that the service model does not list for it."""

    def misbehave(*_: object) -> dict[str, object]:
        raise SimulatedError("TaskSetNotFoundException", "")

    monkeypatch.setitem(TABLE, "ListTasks", misbehave)
    with pytest.raises(SimulatorBug, match="TaskSetNotFoundException"):
        world.do("ListTasks")
