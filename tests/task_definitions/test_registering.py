"""Registering if changed: once, whatever gets lost, is throttled, or is registered by others at the same time."""

from __future__ import annotations

import asyncio
import pickle
import threading
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from botocore.session import Session
from hypothesis import given, settings

import ecskit
from ecskit import errors
from ecskit._core.sizes import size_problems
from ecskit._core.wire import encode
from ecskit._simulator.virtual_clock import EPOCH
from ecskit.models import RegisterTaskDefinitionRequest, Tag
from ecskit.task_definitions import Registered, derive, to_register_request
from ecskit.testing import PUBLISHED_QUOTAS, Fault, SimulatedError, Simulator, SimulatorServer

from .support import Wire, container, ec2, examples, fargate, refused, request, valid_definitions
from .table import RIGHT, WRONG

CONFLICT = SimulatedError(
    "ClientException", "Too many concurrent attempts to create a new revision of the specified family."
)
WEB = request(fargate(container(portMappings=[{"containerPort": 80}], environment=[{"name": "A", "value": "b"}])))
LOOK, WRITE = "DescribeTaskDefinition", "RegisterTaskDefinition"


@attrs.frozen
class Went:
    """How it went."""

    sim: Simulator
    results: list[Any]

    @property
    def operations(self) -> list[str]:
        return [call.operation for call in self.sim.calls if call.operation in (LOOK, WRITE)]

    @property
    def revisions(self) -> list[str]:
        return [arn.rsplit("/", 1)[-1] for arn in self.sim.handle("ListTaskDefinitions", {})["taskDefinitionArns"]]


def both(*requests: Any, prepare: Callable[[Simulator], object] = lambda _: None, **options: Any) -> Went:
    """Register one after the other, with a sync client and with an async one, and check that they did the same."""
    sim = Simulator(**options)
    prepare(sim)
    results: list[Any] = []
    with sim.client() as ecs:
        for each in requests:
            try:
                results.append(ecs.task_definitions.register_if_changed(each))
            except errors.EcsError as error:
                results.append(error)
    sync = Went(sim, results)

    async def run() -> Went:
        sim = Simulator(**options)
        prepare(sim)
        results: list[Any] = []
        async with sim.async_client() as ecs:
            for each in requests:
                try:
                    results.append(await ecs.task_definitions.register_if_changed(each))
                except errors.EcsError as error:
                    results.append(error)
        return Went(sim, results)

    aio = asyncio.run(run())
    assert [type(each) for each in sync.results] == [type(each) for each in aio.results]
    assert sync.operations == aio.operations
    assert sync.revisions == aio.revisions
    return sync


def test_the_first_revision_is_registered_and_the_second_is_not() -> None:
    """Until something changes."""
    went = both(WEB, WEB, derive(WEB, images={"app": "nginx:2"}), derive(WEB, images={"app": "nginx:2"}))
    assert [(each.definition.revision, each.changed) for each in went.results] == [
        (1, True),
        (1, False),
        (2, True),
        (2, False),
    ]
    assert [str(each.changes) for each in went.results] == [
        "no difference",
        "no difference",
        "~ container_definitions['app'].image: 'nginx:1.29' -> 'nginx:2'",
        "no difference",
    ]
    assert went.operations == [LOOK, WRITE, LOOK, LOOK, WRITE, LOOK]
    assert pickle.loads(pickle.dumps(went.results)) == went.results


def test_a_read_that_is_refused_for_a_while_is_repeated() -> None:
    """Such a refusal does not show that the family has no revision."""

    def prepare(sim: Simulator) -> None:
        sim.handle(WRITE, encode(WEB))
        sim.fail(LOOK, CONFLICT)

    went = both(WEB, prepare=prepare)
    assert went.operations == [WRITE, LOOK, LOOK]
    assert [each.changed for each in went.results] == [False]


def test_going_back_registers_again() -> None:
    """Only the latest revision counts."""
    went = both(WEB, derive(WEB, cpu=512, memory=1024), WEB)
    assert [(each.definition.revision, each.changed) for each in went.results] == [(1, True), (2, True), (3, True)]


def test_only_active_revisions_count() -> None:
    """One that was deregistered cannot be run."""

    def deregistered(sim: Simulator) -> None:
        sim.handle("RegisterTaskDefinition", encode(WEB))
        sim.handle("DeregisterTaskDefinition", {"taskDefinition": "web:1"})

    went = both(WEB, prepare=deregistered)
    assert [(each.definition.revision, each.changed) for each in went.results] == [(2, True)]


def test_an_empty_list_of_tags_is_not_sent() -> None:
    """ECS refuses one. For the comparison it means that there must be no tags."""
    untagged = attrs.evolve(WEB, tags=[])
    sim = Simulator()
    with sim.client() as ecs:
        ecs.send(untagged)
        ecs.register_task_definition(
            family="web", container_definitions=WEB.container_definitions, memory="512", tags=()
        )
        registered = ecs.task_definitions.register_if_changed(derive(WEB, tags=[Tag(key="a")])).definition
        assert ecs.task_definitions.register_if_changed(derive(registered, tags=[])).changed
        assert ecs.task_definitions.register_if_changed(derive(WEB, cpu=512, memory=1024, tags=[])).changed
        ecs.send(to_register_request(registered, tags=[]))

    async def run() -> None:
        async with sim.async_client() as ecs:
            await ecs.send(untagged)

    asyncio.run(run())
    sent = [call.request.get("tags") for call in sim.calls if call.operation == WRITE]
    assert sent == [None, None, [{"key": "a"}], None, None, None, None]


def test_tags_are_compared_if_there_are_any() -> None:
    """Without tags, those of the latest revision are ignored; an empty list removes them."""
    tagged = derive(WEB, tags=[Tag(key="a", value="1"), Tag(key="b")])
    reordered = derive(WEB, tags=[Tag(key="b"), Tag(key="a", value="1")])
    changed = derive(WEB, tags=[Tag(key="a", value="2")])
    went = both(tagged, WEB, tagged, reordered, changed, derive(WEB, tags=[]), derive(WEB, tags=[]))
    assert [each.changed for each in went.results] == [True, False, False, False, True, True, False]
    assert str(went.results[4].changes) == "~ tags['a']: '1' -> '2'\n- tags['b']: ''"


THROTTLED = Fault.throttled()
FAULTS: dict[str, tuple[list[tuple[str, Any]], list[str]]] = {
    "throttled": (
        [(LOOK, THROTTLED), (WRITE, THROTTLED), (WRITE, THROTTLED)],
        [LOOK, LOOK, WRITE, LOOK, WRITE, LOOK, WRITE],
    ),
    "a conflict": ([(WRITE, CONFLICT)], [LOOK, WRITE, LOOK, WRITE]),
    "a failure before": ([(WRITE, Fault.server_error())], [LOOK, WRITE, LOOK, WRITE]),
    "a failure after": ([(WRITE, Fault.server_error(after_effect=True))], [LOOK, WRITE, LOOK]),
    "a reset before": ([(WRITE, Fault.reset())], [LOOK, WRITE, LOOK, WRITE]),
    "a reset after": ([(WRITE, Fault.reset(after_effect=True))], [LOOK, WRITE, LOOK]),
    "a timeout after": ([(WRITE, Fault.timeout(after_effect=True))], [LOOK, WRITE, LOOK]),
    "an answer cut": ([(WRITE, Fault.cut())], [LOOK, WRITE, LOOK]),
    "an answer of a proxy": ([(WRITE, Fault.garbled())], [LOOK, WRITE, LOOK]),
    "lost, and then nothing to be seen": (
        [(WRITE, Fault.reset(after_effect=True)), (LOOK, Fault.reset())],
        [LOOK, WRITE, LOOK, LOOK],
    ),
}


@pytest.mark.parametrize("before", [None, WEB], ids=["first", "second"])
@pytest.mark.parametrize("name", FAULTS)
def test_one_revision_is_registered_whatever_happens(name: str, before: Any) -> None:
    """The revision of a lost response is found, and counts as registered by this call."""
    faults, operations = FAULTS[name]

    def prepare(sim: Simulator) -> None:
        if before:
            sim.handle("RegisterTaskDefinition", encode(before))
        for operation, fault in faults:
            # In the last case the second read fails: after the first 0.1 s, in which nothing sleeps.
            sim.fail(operation, fault, after=0.1 if name.startswith("lost") and operation == LOOK else 0)

    wanted = derive(WEB, images={"app": "nginx:2"})
    went = both(wanted, prepare=prepare)
    [result] = went.results
    revision = 2 if before else 1
    assert (result.definition.revision, result.changed, len(went.revisions)) == (revision, True, revision)
    assert [change.path for change in result.changes] == ["container_definitions['app'].image"][: revision - 1]
    assert went.operations[-len(operations) :] == operations


def test_the_sdk_does_not_register_again_behind_our_back() -> None:
    """Over HTTP, with its retries: sent as it is, a request whose answer gets lost makes two revisions."""
    lost = Fault.reset(after_effect=True)
    session = Session()
    session.set_credentials("testing", "testing")
    with (
        SimulatorServer() as server,
        ecskit.Client(region_name="us-east-1", endpoint_url=server.url, session=session) as ecs,
    ):
        server.simulator.fail(WRITE, lost)
        assert ecs.send(WEB).task_definition.revision == 2
        server.simulator.fail(WRITE, lost)
        result = ecs.task_definitions.register_if_changed(derive(WEB, images={"app": "nginx:2"}))
    assert (result.definition.revision, result.changed) == (3, True)


def test_whoever_is_turned_away_takes_what_the_other_one_registered() -> None:
    """Two that register the same at the same time make one revision."""

    class Racing(Simulator):
        def respond(self, target: str, body: bytes) -> Any:
            if target.endswith(WRITE) and not any(call.operation == WRITE for call in self.calls):
                self.handle(WRITE, encode(WEB))
                self.fail(WRITE, CONFLICT)
            return super().respond(target, body)

    sim = Racing()
    with sim.client() as ecs:
        result = ecs.task_definitions.register_if_changed(WEB)
    assert (result.definition.revision, result.changed) == (1, False)


REFUSALS: dict[str, tuple[str, Any, type[errors.EcsError]]] = {
    "no permission to look": (LOOK, Fault.access_denied(), errors.AccessDeniedError),
    "no permission to register": (WRITE, Fault.access_denied(), errors.AccessDeniedError),
    "expired": (WRITE, Fault.expired_credentials(), errors.AccessDeniedError),
    "refused": (WRITE, SimulatedError("ClientException", "Role is not valid"), errors.ClientException),
    "unsupported": (WRITE, SimulatedError("InvalidParameterException", "no"), errors.InvalidParameterException),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_permanent_errors_are_raised_at_once(name: str) -> None:
    """One attempt, one clear error."""
    operation, fault, kind = REFUSALS[name]
    went = both(WEB, prepare=lambda sim: sim.fail(operation, fault))
    assert isinstance(went.results[0], kind)
    assert went.operations == [LOOK, WRITE][: 1 + (operation == WRITE)]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.throttled(), errors.ThrottledError),
        (CONFLICT, errors.ClientException),
        (Fault.reset(), errors.ConnectionFailedError),
    ],
)
def test_errors_that_do_not_pass_are_raised_after_all_attempts(fault: Any, kind: type[errors.EcsError]) -> None:
    """After ten attempts, in about a minute."""
    went = both(WEB, prepare=lambda sim: sim.fail(WRITE, fault, times=None))
    assert isinstance(went.results[0], kind)
    assert went.operations == [LOOK, WRITE] * 10
    assert 45 < went.sim.time() - EPOCH < 110


@pytest.mark.parametrize("thing", ["web", None, fargate()])
def test_only_requests_are_registered(thing: Any) -> None:
    """Nothing is sent otherwise, nor if something is not of its type."""
    went = both(thing, attrs.evolve(WEB, cpu=256))  # type: ignore[arg-type]  # the point
    assert [type(each) for each in went.results] == [errors.RequestError] * 2
    assert str(went.results[1]) == "RegisterTaskDefinitionRequest: cpu: expected str, got int"
    assert went.operations == []


def _families(count: int) -> list[RegisterTaskDefinitionRequest]:
    return [attrs.evolve(WEB, family=f"web-{i}") for i in range(count)]


def test_many_are_paced_in_threads() -> None:
    """ECS takes 20 registrations at once and then one a second."""
    sim = Simulator(quotas=PUBLISHED_QUOTAS)
    results: list[Registered] = []
    with sim.client() as ecs, sim.clock.flow():

        def run(each: RegisterTaskDefinitionRequest) -> None:
            results.append(ecs.task_definitions.register_if_changed(each))

        threads = [threading.Thread(target=run, args=(each,)) for each in _families(40)]
        for thread in threads:
            thread.start()
        with sim.clock.elsewhere():
            for thread in threads:
                thread.join(30)
    assert sorted(each.definition.family for each in results) == sorted(each.family for each in _families(40))
    assert {None, "ClientException"} == {call.code for call in sim.calls}


async def test_many_are_paced_in_tasks() -> None:
    """The same."""
    sim = Simulator(quotas=PUBLISHED_QUOTAS)
    async with sim.async_client() as ecs:
        results = await asyncio.gather(*(ecs.task_definitions.register_if_changed(each) for each in _families(40)))
    assert all(each.changed for each in results)
    assert len(Went(sim, []).revisions) == 40


def _definitions() -> dict[str, Wire]:
    right = {f"right: {name}": wire for name, wire in RIGHT.items()}
    wrong = {f"wrong: {name}": wire for name, (wire, _) in WRONG.items()}
    return {**{f"example {i}": each for i, each in enumerate(examples()["sent"])}, **right, **wrong}


def test_every_definition_is_registered_once_or_refused_once() -> None:
    """AWS's examples, those that are right, and those that are wrong."""
    sim, accepted = Simulator(), 0
    with sim.client() as ecs:
        for number, (name, wire) in enumerate(_definitions().items()):
            good_family = wire["family"].isalnum() and len(wire["family"]) < 256
            each = request({**wire, "family": f"family-{number}"} if good_family else wire)
            before = len(sim.calls)
            if size_problems("RegisterTaskDefinition", encode(each)):
                with pytest.raises(errors.RequestError):
                    ecs.task_definitions.register_if_changed(each)
                assert len(sim.calls) == before, name
                continue
            if refused(Simulator(), encode(each)):
                with pytest.raises(errors.InvalidRequestError):
                    ecs.task_definitions.register_if_changed(each)
                # After waiting for the quota, the latest revision is read again.
                assert list(dict.fromkeys(call.operation for call in sim.calls[before:])) == [LOOK, WRITE], name
                continue
            first = ecs.task_definitions.register_if_changed(each)
            second = ecs.task_definitions.register_if_changed(each)
            assert [first.changed, second.changed] == [True, False], name
            assert second.definition == first.definition
            accepted += 1
    assert accepted > len(RIGHT)


CLIENT = Simulator().client()


@settings(max_examples=50, deadline=None)
@given(definition=valid_definitions)
def test_registering_twice_registers_once(definition: RegisterTaskDefinitionRequest) -> None:
    """Any definition that ECS accepts."""
    first = CLIENT.task_definitions.register_if_changed(definition)
    second = CLIENT.task_definitions.register_if_changed(definition)
    assert (second.changed, second.definition) == (False, first.definition)


def test_what_was_described_derived_and_not_changed_is_not_registered() -> None:
    """The way of a deployment that changes nothing."""
    sim = Simulator()
    with sim.client() as ecs:
        latest = ecs.task_definitions.register_if_changed(request(ec2())).definition
        again = ecs.task_definitions.register_if_changed(derive(latest, images={"app": "nginx:1.29"}))
    assert (again.changed, again.definition) == (False, latest)
