"""`pause_autoscaling`: scaling out is suspended during a deployment, and resumed on every way out."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from support import both_clients
from support.both_clients import Ecs, Went, comparable, perform
from support.cutting_short import CUTS, requests_of
from support.simulated_ecs import nothing

from ecskit._autoscaling.pausing import TAG
from ecskit._autoscaling.requests import FLAGS, OUT
from ecskit.errors import (
    AccessDeniedException,
    AutoscalingNotResumed,
    ClusterNotFoundException,
    DeploymentFailed,
    RequestError,
    ServiceError,
    ServicesMissing,
    WaitTimeout,
)
from ecskit.models import CreateServiceRequest
from ecskit.testing import Fault, SimulatedError, TaskScript

from .scaled import Scaled
from .support import create, plainly, register, update

IN, _, SCHEDULED = FLAGS
DENIED = SimulatedError("AccessDeniedException", "no")
CONCURRENT = SimulatedError("ConcurrentUpdateException", "another update")


def furnished(
    prepare: Callable[[Any], object] = nothing, suspended: tuple[str, ...] | None = ()
) -> Callable[[], Scaled]:
    """Return a function that makes an account with the service web, which is scaled unless `suspended` is None."""

    def make() -> Scaled:
        sim = Scaled()
        for family in ("web", "next", "bad"):
            register(sim, family)
        sim.script("bad", TaskScript.fails_to_pull("manifest unknown"))
        create(sim)
        if suspended is not None:
            sim.scale(*suspended)
        prepare(sim)
        return sim

    return make


def both(act: Callable[[Any], Any], make: Callable[[], Scaled]) -> Went:
    """Perform an act with both clients, and check that they did the same."""
    return both_clients.both(act, make, compared=lambda went: (comparable(went, result=plainly), went.sim.scaling))


def deploying(family: str = "next", **options: Any) -> Callable[..., Any]:
    """Return the act that deploys a family while scaling is paused."""

    def act(ecs: Ecs, cancel: Event | None = None) -> Any:
        more = {} if cancel is None else {"cancel": cancel}
        return ecs.services.deploy("web", task_definition=family, pause_autoscaling=True, **options, **more)

    return act


TAGS = "application-autoscaling:ListTagsForResource"
PAUSE = ["DescribeScalableTargets", TAGS, "application-autoscaling:TagResource", "RegisterScalableTarget"]
RESUME = ["DescribeScalableTargets", TAGS, "RegisterScalableTarget", "application-autoscaling:UntagResource"]
UNTAG = RESUME[-1]


def test_a_deployment() -> None:
    """Scaling out is suspended before the update and resumed after it, and the tag is written first, removed last."""
    states: list[tuple[bool, bool]] = []

    def prepare(sim: Scaled) -> None:
        states.clear()
        answer = sim._answer

        def noting(operation: str, request: Any) -> Any:
            if operation == "UpdateService":
                states.append((sim.out, TAG in sim.target_tags))
            return answer(operation, request)

        sim._answer = noting  # type: ignore[method-assign]

    went = both(deploying(), furnished(prepare))
    assert (went.verdict, went.runs) == ("SUCCESSFUL", "next:1")
    assert states == [(True, True)]
    assert went.sim.scaling == PAUSE + RESUME
    assert went.sim.is_as_before


def test_what_others_have_suspended_stays() -> None:
    """Only scaling out is changed; what is suspended for good stays suspended, and nothing is resumed."""
    went = both(deploying(), furnished(suspended=(IN, SCHEDULED)))
    assert went.sim.suspended == {IN: True, OUT: False, SCHEDULED: True}
    went = both(deploying(), furnished(suspended=(OUT,)))
    assert went.sim.scaling == PAUSE[:2]
    assert went.sim.suspended == {IN: False, OUT: True, SCHEDULED: False}
    went = both(deploying(), furnished(suspended=None))
    assert went.sim.scaling == PAUSE[:1]
    assert went.verdict == "SUCCESSFUL"


def test_without_the_argument() -> None:
    """Nothing is sent to Application Auto Scaling."""
    went = both(lambda ecs: ecs.services.deploy("web", task_definition="next"), furnished())
    assert went.sim.scaling == []


def test_a_deployment_that_fails() -> None:
    """It is resumed, and the error is that of the deployment."""
    went = both(deploying("bad", timeout=900), furnished())
    assert isinstance(went.error, DeploymentFailed)
    assert went.sim.scaling == PAUSE + RESUME
    assert went.sim.is_as_before


def test_updates_at_the_same_time() -> None:
    """The requests are repeated."""

    def prepare(sim: Scaled) -> None:
        sim.fail("RegisterScalableTarget", CONCURRENT, times=2)
        sim.fail("DescribeScalableTargets", Fault.throttled(), times=2)
        sim.fail(UNTAG, Fault.reset(after_effect=True))

    went = both(deploying(), furnished(prepare))
    assert went.verdict == "SUCCESSFUL"
    assert went.sim.is_as_before


@pytest.mark.parametrize("operation", PAUSE)
def test_it_cannot_be_suspended(operation: str) -> None:
    """The service is not changed, and nothing is left of the attempt."""

    def prepare(sim: Scaled) -> None:
        sim.fail(operation, DENIED)

    went = both(deploying(), furnished(prepare))
    went.raised(AccessDeniedException)
    assert not went.requests("UpdateService")
    assert went.sim.is_as_before


def test_it_cannot_be_resumed(caplog: pytest.LogCaptureFixture) -> None:
    """After a success this is an error that gives the way out; after a failure a warning."""

    def prepare(sim: Scaled) -> None:
        sim.fail(UNTAG, DENIED, times=None)

    went = both(deploying(), furnished(prepare))
    error = went.raised(AutoscalingNotResumed)
    assert isinstance(error.__cause__, ServiceError)
    assert "service web was deployed, but scaling out may stay suspended: UntagResource: " in str(error)
    assert str(error).endswith("; call `ecs.services.resume_autoscaling('web', cluster='default')`")
    went = both(deploying("bad", timeout=900), furnished(prepare))
    assert isinstance(went.error, DeploymentFailed)
    assert "ecs.services.resume_autoscaling('web', cluster='default')" in caplog.text


def test_a_failure_that_passes_while_it_is_resumed() -> None:
    """It is tried once more."""

    def prepare(sim: Scaled) -> None:
        sim.fail(UNTAG, DENIED)

    went = both(deploying(), furnished(prepare))
    assert went.returned().status == "SUCCESSFUL"
    assert went.sim.is_as_before


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("cut", CUTS)
def test_resumed_wherever_it_is_cut(cut: str, *, after: bool) -> None:
    """At each request, before and after its effect; also if the deployment is rolled back then."""
    cutting, kind = CUTS[cut]
    act, make = deploying(on_cancel="rollback", max_polls=3), furnished()
    for n in range(requests_of(act, make)):
        went = cutting(act, make, n, after=after)
        assert type(went.error) in {kind, WaitTimeout}, went.error
        assert went.sim.is_as_before, (n, went.sim.scaling)


@pytest.mark.parametrize("cut", CUTS)
def test_a_cut_after_the_deployment(cut: str) -> None:
    """The deployment has succeeded, and scaling out is being resumed: it is resumed, and the cut is what is raised."""
    cutting, kind = CUTS[cut]
    act, make = deploying(), furnished()
    requests = requests_of(act, make)
    for n in range(requests - 3, requests - 1):  # the last one leaves nothing to do
        went = cutting(act, make, n, after=True)
        assert type(went.error) is kind
        assert went.sim.is_as_before, (n, went.sim.scaling)


class Killed(BaseException):
    """What ends a program without any clean-up."""


def killed(act: Callable[[Any], Any], sim: Scaled, at: int) -> None:
    """Perform an act in a program that is killed at a request: none of its requests arrives after that."""

    def die(number: int, _: str) -> None:
        if number >= at:
            raise Killed

    assert isinstance(perform(act, Ecs.sync(sim, before=die)).error, Killed | None)


@pytest.mark.parametrize("how", ["deploy", "resume"])
def test_the_next_run_resumes(how: str) -> None:
    """Wherever a program is killed, the next one resumes scaling as it was before the first one."""
    make = furnished(suspended=(SCHEDULED,))
    for n in range(0, requests_of(deploying(), make), 2 if how == "deploy" else 1):
        sim = make()
        killed(deploying(), sim, n)
        if how == "deploy":
            went = perform(deploying(), Ecs.sync(sim))
            assert went.error is None
        else:
            left = TAG in sim.target_tags
            went = perform(lambda ecs: ecs.services.resume_autoscaling("web"), Ecs.sync(sim))
            assert went.returned() is left
        assert sim.is_as_before, n
        assert sim.suspended[SCHEDULED]


def test_resume() -> None:
    """Nothing that was suspended without the tag is resumed; a tag that was changed by hand counts as not suspended."""
    went = both(lambda ecs: ecs.services.resume_autoscaling("web"), furnished(suspended=(OUT,)))
    assert (went.returned(), went.sim.out) == (False, True)
    went = both(lambda ecs: ecs.services.resume_autoscaling("web"), furnished(suspended=None))
    assert went.returned() is False
    went = both(lambda ecs: ecs.services.resume_autoscaling("wbe"), furnished())
    assert str(went.raised(ServicesMissing)) == "ECS does not show 1 of 1 services in cluster 'default': wbe"
    elsewhere = "arn:aws:ecs:us-east-1:123456789012:service/prod/web"
    went = both(lambda ecs: ecs.services.resume_autoscaling(elsewhere), furnished(suspended=(OUT,)))
    went.raised(ClusterNotFoundException)
    assert [each["ResourceIds"] for each in went.requests("DescribeScalableTargets")] == [["service/prod/web"]]

    def tagged(sim: Scaled) -> None:
        sim.target_tags[TAG] = "something else"

    arn = "arn:aws:ecs:us-east-1:123456789012:service/default/web"
    went = both(lambda ecs: ecs.services.resume_autoscaling(arn), furnished(tagged, suspended=(OUT,)))
    assert (went.returned(), went.sim.is_as_before) == (True, True)


def test_apply() -> None:
    """A plan that changes the service pauses it; one that changes nothing resumes what was left suspended."""
    definition = CreateServiceRequest(service_name="web", task_definition="next", desired_count=2)

    def act(ecs: Ecs) -> Any:
        if ecs.colour == "sync":
            plan = ecs.services.plan(definition, cluster="default")
            return ecs.services.apply(plan, pause_autoscaling=True)

        async def run() -> Any:
            plan = await ecs.services.plan(definition, cluster="default")
            return await ecs.services.apply(plan, pause_autoscaling=True)

        return run()

    def compared(went: Went) -> Any:
        return type(went.error), went.operations, went.sim.scaling

    went = both_clients.both(act, furnished(), compared=compared)
    assert went.returned().progress.status == "SUCCESSFUL"
    assert went.sim.scaling == PAUSE + RESUME

    def left(sim: Scaled) -> None:
        update(sim, wait=300, taskDefinition="next")
        sim.suspended[OUT], sim.target_tags[TAG] = True, f"{OUT}=false"

    went = both_clients.both(act, furnished(left), compared=compared)
    assert not went.returned().changed
    assert went.sim.is_as_before


def test_bad_input() -> None:
    """The message names the argument, and nothing is sent."""
    went = both(lambda ecs: ecs.services.deploy("web", force=True, pause_autoscaling="yes"), furnished())
    assert str(went.raised(RequestError)) == "services.deploy: pause_autoscaling: expected True or False, got str"
    assert went.calls == []
    went = both(lambda ecs: ecs.services.resume_autoscaling(""), furnished())
    expected = "services.resume_autoscaling: service: expected the name, ARN or model of one service, got ''"
    assert str(went.raised(RequestError)) == expected
    assert went.calls == []
