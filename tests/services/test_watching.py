"""Several deployments in one stream: each ends as if it were followed alone, sync and async."""

from __future__ import annotations

import asyncio
import inspect
import pickle
import re
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from threading import Event
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from support.both_clients import Act, Ecs, Went, both

from ecskit._facades.sync_services import ServiceVerbs
from ecskit.errors import (
    AccessDeniedError,
    ClientClosedError,
    DeploymentRolledBack,
    DeploymentsFailed,
    RequestError,
    WaitCancelled,
    WaitTimeout,
)
from ecskit.models import DeploymentCircuitBreaker, DeploymentConfiguration
from ecskit.services import DeploymentEnded, DeploymentEvent, StartedDeployment, StatusChanged
from ecskit.testing import DeploymentScript, Fault, Simulator, TaskScript

from .support import create, furnished, register

NAMES = ("web", "api", "worker")


def shop(**changes: dict[str, Any]) -> Simulator:
    """Return a simulator with three services, each of which is being deployed."""
    sim = furnished(service=None)
    register(sim, "slow")
    sim.script("slow", TaskScript(time_to_start=600))
    for number, name in enumerate(NAMES):
        create(sim, name, desiredCount=number + 1)
    for name in NAMES:
        sim.handle("UpdateService", {"service": name, **changes.get(name, {"taskDefinition": "next"})})
    return sim


def watching(*names: str, **options: Any) -> Act:
    """Return the act that watches the deployments of services."""
    return lambda ecs: ecs.services.watch([ecs.sim.deployments(name)[-1].arn for name in names], **options)


def watched(make: Callable[[], Simulator], *names: str, **options: Any) -> Went:
    """Watch deployments with both clients, and return how the sync one went."""
    return both(watching(*names, **options), make)


def statuses(events: Sequence[DeploymentEvent], label: str) -> list[str]:
    """Return the statuses of one deployment."""
    return [event.status for event in events if isinstance(event, StatusChanged) and event.label == label]


def ends_of(shown: Sequence[str]) -> tuple[str, str]:
    """Return the first status and the last one: in between, each poll can miss one."""
    return shown[0], shown[-1]


def test_all_succeed() -> None:
    """Each has its events and one end, and together they take as long as the slowest."""
    went = watched(shop, *NAMES, timeout=900)
    ends = [event for event in went.returned() if isinstance(event, DeploymentEnded)]
    assert sorted(NAMES) == sorted(event.label for event in ends)
    assert [(None, "SUCCESSFUL")] * 3 == [(event.error, event.progress.status) for event in ends]
    assert {NAMES} == {event.labels for event in went.items}
    assert all(event.progress.started.service.endswith(event.label) for event in went.items)
    for name in NAMES:
        last = [event for event in went.items if event.label == name][-1]
        assert isinstance(last, DeploymentEnded)
        assert last.elapsed < went.elapsed + 0.001
    alone = max(watched(shop, name, timeout=900).elapsed for name in NAMES)
    assert went.elapsed == pytest.approx(alone, rel=0.25)
    elapsed = [event.elapsed for event in went.items]
    assert elapsed == sorted(elapsed)


def test_each_goes_as_it_would_alone() -> None:
    """It begins and ends with the same statuses, whatever the others do."""

    def make() -> Simulator:
        return shop(api={"taskDefinition": "bad"})

    together = watched(make, *NAMES, timeout=900).items
    alone = {name: statuses(watched(make, name, timeout=900).items, "") for name in ("web", "api")}
    assert {name: ends_of(statuses(together, name)) for name in alone} == {n: ends_of(s) for n, s in alone.items()}


def test_one_fails_and_the_others_go_on() -> None:
    """Its error is in its last event at once, and in the error at the end of all."""
    went = watched(lambda: shop(api={"taskDefinition": "bad"}), *NAMES, timeout=900)
    failed = went.raised(DeploymentsFailed)
    ends = {event.label: event for event in went.items if isinstance(event, DeploymentEnded)}
    assert {"web": None, "api": DeploymentRolledBack, "worker": None} == {
        label: event.error and type(event.error) for label, event in ends.items()
    }
    assert {"api": ends["api"].error} == failed.errors
    assert failed.__cause__ is ends["api"].error
    begin = (
        r"1 of 3 deployments did not succeed: api: deployment \d+ of default/api \(bad:1\) was rolled back to web:1: "
    )
    assert re.match(begin, str(failed))
    assert "CannotPullContainerError: manifest unknown" in str(ends["api"])
    again = pickle.loads(pickle.dumps(failed))
    assert (str(failed), ["api"]) == (str(again), list(again.errors))


def test_all_fail_in_their_own_way() -> None:
    """No error hides another one."""

    def make() -> Simulator:
        sim = shop(web={"taskDefinition": "bad"}, api={"taskDefinition": "bad"})
        sim.script_deployment("worker", DeploymentScript(pending_seconds=2000))
        sim.handle("UpdateService", {"service": "worker", "forceNewDeployment": True})
        return sim

    failed = watched(make, *NAMES, timeout=300).raised(DeploymentsFailed)
    assert {"web": DeploymentRolledBack, "api": DeploymentRolledBack, "worker": WaitTimeout} == {
        label: type(error) for label, error in failed.errors.items()
    }
    assert str(failed).startswith("3 of 3 deployments did not succeed: ")
    assert all(error.story is not None and error.story.handle for error in failed.errors.values())


def test_a_refused_read_ends_the_deployments_that_need_it() -> None:
    """Each has the error; the stream ends, and does not raise it from the middle."""

    def make() -> Simulator:
        sim = shop()
        sim.fail("DescribeServices", Fault.access_denied(), times=None)
        return sim

    failed = watched(make, *NAMES).raised(DeploymentsFailed)
    assert list(NAMES) == list(failed.errors)
    assert all(isinstance(error, AccessDeniedError) for error in failed.errors.values())


def test_the_docstring_lists_what_the_stream_itself_raises() -> None:
    """Errors of the deployments are in `errors` of one error, whose entry names them."""
    section = str(inspect.getdoc(ServiceVerbs.watch)).split("Raises:")[1]
    assert re.findall(r"^    (\w+):", section, re.MULTILINE) == [
        "DeploymentsFailed",
        "RequestError",
        "ConfigurationError",
    ]


def test_failures_are_rolled_back_while_others_are_watched() -> None:
    """`on_failure` is for each."""
    sim = shop()
    with sim.client() as ecs:
        changes: list[dict[str, Any]] = [{"task_definition": "bad", "deployment_configuration": NO_ROLLBACK}, {}, {}]
        handles = [ecs.services.start_deployment(n, force=True, **c) for n, c in zip(NAMES, changes, strict=True)]
        events = list[DeploymentEvent]()
        with pytest.raises(DeploymentsFailed) as caught:
            events.extend(ecs.services.watch(handles, timeout=900, on_failure="rollback"))
    assert {"web": DeploymentRolledBack} == {label: type(error) for label, error in caught.value.errors.items()}
    assert [runs(sim, name) for name in NAMES] == ["next:1"] * 3


NO_ROLLBACK = DeploymentConfiguration(deployment_circuit_breaker=DeploymentCircuitBreaker(enable=True, rollback=False))


def runs(sim: Simulator, service: str) -> str:
    """Return the task definition of the PRIMARY deployment."""
    [shown] = Simulator.handle(sim, "DescribeServices", {"services": [service]})["services"]
    name: str = shown["deployments"][0]["taskDefinition"].rsplit("/", 1)[-1]
    return name


def stopped(sim: Simulator) -> list[str]:
    """Return the services whose deployments were asked to roll back."""
    arns = [call.request["serviceDeploymentArn"] for call in sim.calls if call.operation == "StopServiceDeployment"]
    return [arn.split("/")[2] for arn in arns]


def until_one_ended(ecs: Ecs, **options: Any) -> Any:
    """Return the stream for as long as all go on."""
    return watching(*NAMES, timeout=900, on_cancel="rollback", **options)(ecs)


LATER = {"api": {"taskDefinition": "slow"}, "worker": {"taskDefinition": "slow"}}


def test_leaving_the_block_cancels_those_that_have_not_ended() -> None:
    """`on_cancel` rolls each of them back; the one that has ended stays."""
    sim = shop(**LATER)
    with until_one_ended(Ecs.sync(sim)) as events:
        ended = next(event for event in events if isinstance(event, DeploymentEnded))
    assert ("web", ["api", "worker"]) == (ended.label, sorted(stopped(sim)))


def test_leaving_the_async_block_cancels_those_that_have_not_ended() -> None:
    """The same with an async client, at the first event, and by cancelling the task."""

    async def leave(sim: Simulator) -> None:
        async with until_one_ended(Ecs.aio(sim)) as events:
            async for _ in events:
                break

    async def cancel(sim: Simulator) -> None:
        async def run() -> None:
            async for _ in until_one_ended(Ecs.aio(sim)):
                began.set()

        began = asyncio.Event()
        task = asyncio.ensure_future(run())
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    for end in (leave, cancel):
        sim = shop(**LATER)
        asyncio.run(end(sim))
        assert sorted(NAMES) == sorted(stopped(sim)), end


class Body(BytesIO):
    """A body as botocore reads it."""

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


def test_one_whose_clean_up_takes_long_does_not_delay_the_others() -> None:
    """All are rolled back at the same time, because the time for a clean-up is limited."""
    sim = shop()
    throttled: list[Any] = []

    def throttle(request: Any, **_: Any) -> Any:
        if sim.deployments("web")[-1].arn.encode() not in request.body:
            return None
        throttled.append(request)
        return AWSResponse(request.url, 400, {}, Body(b'{"__type": "ThrottlingException"}'))  # type: ignore[arg-type]

    with sim.client() as ecs:
        ecs.botocore_client.meta.events.register_first("before-send.ecs.StopServiceDeployment", throttle)
        arns = [sim.deployments(name)[-1].arn for name in NAMES]
        with ecs.services.watch(arns, timeout=900, on_cancel="rollback") as events:
            for _ in range(5):
                next(events)
    assert throttled
    assert {"api", "worker"} <= set(stopped(sim))


def test_a_cancel_event_ends_all() -> None:
    """So does closing the client: the error is that of the call."""
    sim, cancel = shop(**LATER), Event()
    with pytest.raises(WaitCancelled):
        for _ in until_one_ended(Ecs.sync(sim), cancel=cancel):
            cancel.set()
    assert sorted(NAMES) == sorted(stopped(sim))
    sim = shop(**LATER)
    ecs = sim.client()
    with pytest.raises(ClientClosedError):
        for _ in until_one_ended(Ecs.of(ecs, sim, "sync")):
            ecs.close()
    assert sorted(NAMES) == sorted(stopped(sim))


def test_an_exception_of_a_callback_ends_all() -> None:
    """It is raised as it is, and `on_cancel` applies to every deployment."""

    def on_poll(story: Any) -> None:
        [progress] = story.last.values()
        if progress is not None and "api" in progress.name:
            raise LookupError("mine")

    sim = shop(**LATER)
    with pytest.raises(LookupError, match=r"^mine$"):
        list(until_one_ended(Ecs.sync(sim), on_poll=on_poll))
    assert sorted(NAMES) == sorted(stopped(sim))


def test_one_deployment_needs_no_label() -> None:
    """Nor does it have labels of others."""
    went = watched(shop, "web", timeout=900)
    assert {("", ())} == {(event.label, event.labels) for event in went.returned()}
    assert isinstance(went.items[-1], DeploymentEnded)


def test_nothing_to_watch() -> None:
    """No deployments have no events, and no request is sent."""
    went = both(lambda ecs: ecs.services.watch([]), shop)
    assert ([], []) == (went.returned(), went.calls)


def started(service: str, cluster: str | None = None, deployment: str = "1") -> StartedDeployment:
    return StartedDeployment(service=service, cluster=cluster, deployment_id=f"ecs-svc/{deployment}")


@pytest.mark.parametrize(
    ("deployments", "labels"),
    [
        ([started("web"), started("api")], ("web", "api")),
        ([started("web", "a"), started("web", "b")], ("a/web", "b/web")),
        ([started("arn:aws:ecs:r:1:service/a/web", "arn:x/a"), started("web")], ("a/web", "default/web")),
        ([started("web"), started("web", deployment="2")], tuple(f"deployment {n} of web" for n in "12")),
    ],
)
def test_labels_are_as_short_as_they_can_be(deployments: Sequence[StartedDeployment], labels: tuple[str, ...]) -> None:
    """They are the services, with their clusters where these differ, or the deployments."""
    stream = Ecs.sync(Simulator()).services.watch(deployments, timeout=1, visibility_grace=0)
    with pytest.raises(DeploymentsFailed) as caught:
        list(stream)
    assert labels == tuple(caught.value.errors)


@pytest.mark.parametrize(
    ("deployments", "problem"),
    [
        ("web", "deployments: expected a sequence of deployments, got str"),
        (started("web"), "deployments: expected a sequence of deployments, got StartedDeployment"),
        (["web"], "deployment: expected what started a deployment, a Service, or the ARN of a service deployment"),
        ([started("web"), started("web")], "deployments: a deployment of default/web is given twice"),
    ],
)
def test_what_cannot_be_watched(deployments: Any, problem: str) -> None:
    """It is refused before anything is sent."""
    sim = Simulator()
    for ecs in (Ecs.sync(sim), Ecs.aio(sim)):
        with pytest.raises(RequestError, match=problem):
            ecs.services.watch(deployments)
    with pytest.raises(RequestError, match=r"services.watch: timeout"):
        Ecs.sync(sim).services.watch([started("web")], timeout=-1)
    assert [] == sim.calls


def test_handles_are_watched() -> None:
    """What `start_deployment` returns is taken as it is, sync and async, also by `services.deployment`."""
    sim = shop()
    with sim.client() as ecs:
        handles = [ecs.services.start_deployment(name, force=True) for name in NAMES]
        assert 3 == sum(isinstance(event, DeploymentEnded) for event in ecs.services.watch(handles))
        assert handles[0] == ecs.services.deployment(handles[0])

    async def run() -> int:
        sim = shop()
        async with sim.async_client() as ecs:
            handles = [await ecs.services.start_deployment(name, force=True) for name in NAMES]
            return sum([isinstance(event, DeploymentEnded) async for event in ecs.services.watch(handles)])

    assert 3 == asyncio.run(run())
