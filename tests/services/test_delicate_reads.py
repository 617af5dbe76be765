"""Single conditions on which a verdict, an event or a request hangs, and that no whole story shows: what is read."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from support.both_clients import Act, Ecs

from ecskit._simulator.virtual_clock import EPOCH
from ecskit.testing import SimulatedError

from . import support
from .acting import both, deploys, streams
from .delicate import NO_ROLLBACK, REFUSED, SUCCESS_AT_ONCE, Changed, by_arn, changed, replaced, stable
from .scripted import Script, Wire, World, definition, rollout_arn
from .stories import SUCCESS, story


def test_pending_tasks_keep_a_service_from_being_stable() -> None:
    """It is stable once none is pending, although as many run as there are to be."""
    world = story({0: "2=I:0 1=C", 20: "2=C p1", 80: "2=C"}, {2: {1: "IN_PROGRESS", 20: "SUCCESSFUL"}})
    went = both(deploys(until="stable"), world)
    assert "SUCCESSFUL" == went.verdict
    assert 80 <= went.elapsed <= 110


def test_a_newer_deployment_of_the_moment_at_which_this_one_ended() -> None:
    """It took the place of this one: times of ECS may be the same."""
    world = story({0: "2=I:0 1=C"}, {2: {1: "IN_PROGRESS", 20: "STOPPED"}, 3: {19.5: "IN_PROGRESS"}})
    assert "DeploymentSuperseded" == both(deploys(), world).verdict


def test_a_current_service_deployment_that_is_not_listed() -> None:
    """It is one of before, whatever it came to, and not the one that is looked for."""
    world = story(
        {0: "2=I:0 1=C cur1", 100: "2=F:0f3 1=C cur1"},
        {1: {-2000: "SUCCESSFUL"}, 2: {1: "IN_PROGRESS", 100: "STOPPED*: tripped"}},
        odd_numbers=True,
        breaker=NO_ROLLBACK,
    )
    assert "DeploymentFailed" == both(deploys(), world).verdict


def test_a_deployment_whose_id_is_found_is_not_another_one() -> None:
    """A deployment that was first known by its ARN is not reported as superseded when its id is found."""

    def act(ecs: Ecs) -> Any:
        started = ecs.services.start_deployment("web", cluster="prod", task_definition="web:2")
        if ecs.colour == "sync":
            return by_arn(ecs).events()

        async def events() -> Any:
            await started
            async for event in (await by_arn(ecs)).events():
                yield event

        return events()

    text = [type(item).__name__ for item in both(act, SUCCESS_AT_ONCE).items]
    assert "StatusChanged" in text
    assert "DeploymentFollowed" not in text


def test_a_deployment_that_the_answer_did_not_show_supersedes_none() -> None:
    """The earlier deployment is not reported as superseded when a read shows the expected one."""
    world = World(answer="1=C", update=SUCCESS.update)
    text = [type(item).__name__ for item in both(streams(), world).items]
    assert "StatusChanged" in text
    assert "DeploymentFollowed" not in text


@pytest.mark.parametrize("lost", [False, True])
def test_an_answer_to_a_hook_that_is_not_permitted(*, lost: bool) -> None:
    """It is an error, also after a lost response: no read shows that the deployment continues."""
    faults = {0: "reset", 1: "denied"} if lost else {0: "denied"}
    world = story(
        {0: "2=I:0 1=C"}, {2: {1: "IN_PROGRESS@PRE_SCALE_UP!h1"}}, faults={"ContinueServiceDeployment": faults}
    )
    went = both(deploys(on_pause=lambda _: "CONTINUE", timeout=100), world)
    assert "AccessDeniedException" == went.verdict
    assert len(faults) == len(went.sent("ContinueServiceDeployment"))


def test_a_failed_deployment_in_whose_place_another_one_came() -> None:
    """It failed, by what its service showed before: the newer one is not what ended it."""
    world = story({0: "2=I:0 1=C", 20: "2=F:0f3 1=C", 40: "3=I:0 1=C", 90: "3=C"}, refused=REFUSED)
    assert "DeploymentFailed" == both(deploys(), world).verdict


def test_a_service_that_ends_is_no_old_read() -> None:
    """It is gone at once, although what it shows of its deployments is older than what is known."""
    world = story({0: "2=I:0 1=C", 20: "DRAINING 1=C"}, {2: {1: "IN_PROGRESS"}}, times="no updates")
    went = both(deploys(), world)
    assert "ServiceGone" == went.verdict
    assert 20 <= went.elapsed <= 45


def test_a_deployment_of_another_process_is_not_the_one_that_was_asked_for() -> None:
    """An answer did not show the deployment, and what comes then is of another task definition."""
    world = story({0: "1=C", 10: "3=C"}, {3: {10: "SUCCESSFUL"}}, answer="1=C")
    act: Act = lambda ecs: ecs.services.deploy("web", cluster="prod", task_definition=definition(2))  # noqa: E731
    assert "NotVisible" == both(act, world).verdict


def test_a_service_that_goes_before_it_is_stable() -> None:
    """It was deployed, and will never be stable."""
    world = story(
        {0: "2=I:0 1=C", 20: "2=C 1=C:1", 60: "DRAINING 2=C 1=C:1"}, {2: {1: "IN_PROGRESS", 20: "SUCCESSFUL"}}
    )
    went = both(deploys(until="stable", timeout=300), world)
    assert "ServiceGone" == went.verdict
    assert "was deployed, but its service is DRAINING now" in str(went.error)


def test_what_was_displaced_after_it_was_completed() -> None:
    """Judged by its service, it was deployed, whatever is PRIMARY by now."""
    world = story({0: "2=I:0 1=C", 20: "3=I:0 2=C"}, refused=REFUSED)
    assert "COMPLETED" == both(deploys(), world).verdict


def test_a_lost_answer_and_two_deployments_of_the_same_moment() -> None:
    """The one that is PRIMARY now is the later one: times of ECS may be the same."""

    def change(_: Changed, body: Wire) -> None:
        for service in body.get("services", ()):
            for each in service["deployments"]:
                each["createdAt"] = EPOCH

    went = changed(deploys(), SUCCESS_AT_ONCE, change, loses=True)
    assert ("SUCCESSFUL", 1) == (went.verdict, len(went.sent("UpdateService")))


def test_traffic_that_shifts_within_a_stage() -> None:
    """Each share of traffic is an event, although the stage is the same."""
    world = story({0: "2=I:2 1=C", 60: "2=C"}, {2: {1: "IN_PROGRESS@PRODUCTION_TRAFFIC_SHIFT", 60: "SUCCESSFUL"}})

    def change(to: Changed, body: Wire) -> None:
        for each in body.get("serviceDeployments", ()):
            share = 10.0 if to.clock.now() - to.began < 30 else 50.0
            each.get("targetServiceRevision", {})["requestedProductionTrafficWeight"] = share

    text = [item.traffic for item in changed(streams(), world, change).items if type(item).__name__ == "StageReached"]
    assert [10.0, 50.0] == text


def test_a_deployment_that_is_not_seen_yet_has_no_status() -> None:
    """The first status of an event is one that ECS showed."""
    text = [item.status for item in both(streams(), SUCCESS).items if type(item).__name__ == "StatusChanged"]
    assert "PENDING" == text[0]
    assert "MISSING" not in text


def test_a_service_deployment_that_is_older_than_its_deployment() -> None:
    """It is found, up to five minutes before."""

    def change(_: Changed, body: Wire) -> None:
        for service in [*body.get("services", ()), *([body["service"]] if "service" in body else [])]:
            for each in service["deployments"]:
                each["createdAt"] += 200 if each["id"] == "ecs-svc/2" else 0

    went = changed(deploys(), SUCCESS_AT_ONCE, change)
    assert ("SUCCESSFUL", []) == (went.verdict, went.warnings)


def test_what_is_shown_by_every_other_read() -> None:
    """It counts only where two reads in a row show it."""
    world = story({0: "2=I:0 1=C", 20: "2=C"}, {2: {1: "IN_PROGRESS", 20: "SUCCESSFUL"}})
    reads = 0

    def change(to: Changed, body: Wire) -> None:
        nonlocal reads
        for service in body.get("services", ()):
            reads += 1
            if reads % 2 and to.clock.now() - to.began < 100:
                service["pendingCount"] = 1

    went = changed(deploys(until="stable"), world, change)
    assert "SUCCESSFUL" == went.verdict
    assert 100 <= went.elapsed <= 130


def test_half_of_the_tasks_is_rounded_up() -> None:
    """Of seven tasks, three may fail, and four may not."""
    world = story({0: "2=I:0f3 1=C d7", 60: "2=I:0f4 1=C d7"}, {2: {0: "IN_PROGRESS"}}, breaker=None)
    went = both(deploys(), world)
    assert "DeploymentStalled" == went.verdict
    assert 60 <= went.elapsed <= 80


def test_what_a_service_says_when_its_deployment_is_made() -> None:
    """It is a reason why it is not stable: times of ECS may be the same."""
    text = "(service web) was unable to place a task."

    def change(_: Changed, body: Wire) -> None:
        for service in body.get("services", ()):
            service["events"] = [{"id": "e", "createdAt": EPOCH, "message": text}]

    went = changed(stable, story({0: "2=I:0 1=C"}), change)
    assert "WaitTimeout" == went.verdict
    assert text in str(went.error)


def test_a_read_as_old_as_the_deployment_that_it_does_not_show() -> None:
    """It may be of before, and is no sign that the service went back."""

    def change(to: Changed, body: Wire) -> None:
        for service in body.get("services", ()):
            old = [each for each in service["deployments"] if each["id"] == "ecs-svc/1"]
            if to.clock.now() - to.began > 20 and to.updates:
                service["deployments"] = [{**each, "status": "PRIMARY", "updatedAt": EPOCH} for each in old]

    assert "WaitTimeout" == changed(stable, story({0: "2=I:0 1=C:2"}), change).verdict


def test_a_read_of_the_future() -> None:
    """Those after it are taken to be old for a minute, and are believed then."""
    reads = 0

    def change(_: Changed, body: Wire) -> None:
        nonlocal reads
        for service in body.get("services", ()):
            reads += 1
            if reads == 3:
                service["events"] = [{"id": "e", "createdAt": EPOCH + 9999, "message": "requested"}]

    went = changed(deploys(), attrs.evolve(SUCCESS_AT_ONCE, refused=REFUSED), change)
    assert "COMPLETED" == went.verdict
    assert 60 <= went.elapsed <= 90


def test_a_deployment_that_is_no_more_primary() -> None:
    """The service went back from it, although it has not FAILED yet."""
    assert "WaitFailed" == both(stable, story({0: "2=I:0 1=C", 20: "1=C 2=I:0"})).verdict


@pytest.mark.parametrize("nth", range(1, 9))
def test_a_failed_deployment_whose_service_is_read_late(nth: int) -> None:
    """What came after it is not what ended it, whichever read of the service is throttled."""
    world = story(
        {0: "2=I:0 1=C", 20: "3=I:0 2=F:0f3"},
        {2: {1: "IN_PROGRESS", 20: "STOPPED"}, 3: {19: "PENDING"}},
        faults={"DescribeServices": {nth: "throttle"}},
        breaker=NO_ROLLBACK,
    )
    assert "DeploymentFailed" == both(deploys(), world).verdict


def test_each_service_event_is_emitted_once() -> None:
    """Also if reads do not show at first when the followed deployment was created."""
    world = story(
        {0: "2=I:0 1=C", 100: "3=I:0 2=I:1", 160: "3=C"},
        {
            2: {0: "IN_PROGRESS", 100: "STOP_REQUESTED", 120: f"STOPPED: Replaced by {rollout_arn(3)}"},
            3: {100: "-", 130: "IN_PROGRESS", 160: "SUCCESSFUL"},
        },
        refused=REFUSED,
    )

    def change(to: Changed, body: Wire) -> None:
        for service in body.get("services", ()):
            if to.clock.now() - to.began > 105:
                service["events"] = [{"id": "e", "createdAt": EPOCH + 105, "message": "requested"}]

    went = changed(lambda ecs: replaced(ecs, on_superseded="follow"), world, change)
    names = [type(item).__name__ for item in went.items]
    assert (None, 1, 1) == (went.error, names.count("ServiceEventLogged"), names.count("DeploymentFollowed"))


def test_a_predecessor_of_the_same_name() -> None:
    """That it is INACTIVE says nothing of the service of now."""

    def change(to: Changed, body: Wire) -> None:
        for service in body.get("services", ()):
            if 10 <= to.clock.now() - to.began <= 30:
                service |= {"status": "INACTIVE", "createdAt": EPOCH - 5000, "deployments": []}

    assert "SUCCESSFUL" == changed(deploys(), SUCCESS_AT_ONCE, change).verdict


def test_a_service_that_goes_before_its_deployment_is_shown() -> None:
    """The error is ServiceGone, and not NotVisible."""
    world = story({0: "1=C", 20: "INACTIVE"}, answer="1=C")
    assert "ServiceGone" == both(deploys(), world).verdict


def test_stopped_tasks_count_as_failed_ones() -> None:
    """Where the service does not count them yet."""
    world = story({0: "2=I:0 1=C"}, {2: {0: "IN_PROGRESS"}}, tasks={-1: "3 x 2: broke"}, breaker=None)
    went = both(deploys(), world)
    assert "DeploymentStalled" == went.verdict
    assert "3 tasks failed, and no circuit breaker ends it" in str(went.error)


def test_an_update_that_is_throttled_in_disguise() -> None:
    """It is sent again."""
    throttled = SimulatedError("InvalidParameterException", "Rate exceeded.")
    went = support.both(
        lambda ecs: ecs.services.deploy("web", task_definition="next"),
        prepare=lambda sim: sim.fail("UpdateService", throttled, times=1),
    )
    assert ("SUCCESSFUL", 2) == (went.verdict, len(went.requests("UpdateService")))


def test_a_newer_deployment_that_came_after_this_one_had_stopped() -> None:
    """The newer one did not end this one, which had failed before."""
    world = story(
        {0: "2=I:0 1=C"}, {2: {1: "IN_PROGRESS", 20: "STOPPED"}, 3: {20.2: "IN_PROGRESS"}}, breaker=NO_ROLLBACK
    )
    assert "DeploymentFailed" == both(deploys(), world).verdict


def test_a_service_that_is_missing_now_and_then() -> None:
    """Reads that do not show it count only in a row."""
    reads = 0

    def change(to: Changed, body: Wire) -> None:
        nonlocal reads
        if "services" in body and to.updates:
            reads += 1
            body["services"] = body["services"] if reads % 2 else []

    world = story({0: "2=I:0 1=C", 90: "2=C"}, {2: {1: "IN_PROGRESS", 90: "SUCCESSFUL"}})
    assert "SUCCESSFUL" == changed(deploys(), world, change).verdict


def test_an_answer_to_a_hook_that_came_too_late() -> None:
    """ECS refuses it, and no answer was lost: that is an error."""
    world = story(
        {0: "2=I:0 1=C"},
        {2: {1: "IN_PROGRESS@PRE_SCALE_UP!h1"}},
        refused={"ContinueServiceDeployment": "conflict"},
    )
    assert "ConflictException" == both(deploys(on_pause=lambda _: "CONTINUE", timeout=100), world).verdict


def test_a_count_that_was_not_asked_for() -> None:
    """Another process may change it, so the wait does not depend on it."""
    world = World(before="1=C:2", answer="1=C:2", update=Script(service={0: "1=C:2", 1: "1=C:3 d3"}))
    act: Act = lambda ecs: ecs.services.deploy(  # noqa: E731
        "web", cluster="prod", strategy="ROLLING", timeout=100
    )
    assert "COMPLETED" == both(act, world).verdict


def test_an_event_whose_time_is_with_lagging_reads() -> None:
    """It is known again by its id."""

    def change(to: Changed, body: Wire) -> None:
        for service in body.get("services", ()):
            service["events"] = [
                {"id": "e", "createdAt": EPOCH + 1 + to.clock.now() - to.began, "message": "requested"}
            ]

    names = [type(item).__name__ for item in changed(streams(), SUCCESS_AT_ONCE, change).items]
    assert 1 == names.count("ServiceEventLogged")


def test_a_failed_deployment_that_no_read_ever_showed() -> None:
    """An event of its service shows that it failed: the newer deployment did not end it."""
    text = "(service web) (deployment ecs-svc/2) deployment failed: tasks failed to start."

    def change(_: Changed, body: Wire) -> None:
        for service in body.get("services", ()):
            service["events"] = [{"id": "e", "createdAt": EPOCH + 1, "message": text}]

    world = story({0: "1=C", 20: "3=I:0 1=C"}, refused=REFUSED)
    assert "DeploymentFailed" == changed(deploys(), world, change).verdict


def test_what_was_completed_stays_completed() -> None:
    """It was deployed, also if its service no longer shows it."""
    world = story({0: "2=I:0 1=C", 20: "2=C 1=C:1", 60: "3=I:0 1=C:1"}, refused=REFUSED)
    went = both(deploys(until="stable"), world)
    assert "DeploymentSuperseded" == went.verdict
    assert "it was deployed, but not stable yet" in str(went.error)


def test_two_looks_are_enough() -> None:
    """Two reads that show it as stopped decide; there is no third read."""
    went = both(deploys(), story({0: "2=I:0 1=C"}, {2: {1: "IN_PROGRESS", 20: "STOPPED"}}, breaker=NO_ROLLBACK))
    assert "DeploymentFailed" == went.verdict
    assert 2 == len([1 for at, operation, _ in went.calls if operation == "DescribeServices" and at >= 20])
