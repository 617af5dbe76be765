"""Answers that the documentation allows and that ECS seldom gives: none of them leads to a verdict that is not true."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest
from support.both_clients import Act

from ecskit import errors
from ecskit._core.effects import RawResponse, Send
from ecskit._deployments.reference import started_from
from ecskit._simulator.virtual_clock import EPOCH
from ecskit.models import ServiceDeployment
from ecskit.services import StartedDeployment

from .acting import Went, deploys, perform, streams
from .scripted import Script, Scripted, Wire, World
from .stories import ROLLBACK, SUCCESS, story

Change = Callable[["Odd", str, Wire], None]


@attrs.define
class Odd(Scripted):
    """The scripted ECS, whose answers are changed on their way."""

    change: Change = lambda *_: None
    not_found: tuple[str, ...] = ()
    """Operations that answer, 20 s after the update, that there is no such service."""
    lasts: float = 0.0
    """Seconds that a read takes, once the service is changed."""

    @property
    def age(self) -> float:
        """Seconds since the update."""
        return self.clock.now() - self.began

    def send(self, send: Send, begin: Callable[[], object]) -> RawResponse:
        """Answer a request."""
        if self.script is not None and self.age > 20 and send.operation in self.not_found:
            text = {"Error": {"Code": "ServiceNotFoundException", "Message": "requested"}}
            raise errors.ServiceNotFoundException(text, send.operation)
        body: Wire = json.loads(super().send(send, begin).body)
        self.change(self, send.operation, body)
        if self.updates and send.operation != "UpdateService":
            self.clock.sleep(self.lasts)
        return RawResponse(json.dumps(body).encode(), {})


def went(act: Act, world: World, change: Change = lambda *_: None, **odd: Any) -> Went:
    return perform(act, world, transport=Odd(world, change=change, **odd))


@pytest.mark.parametrize("given", [[], None])
def test_an_answer_without_deployments(given: list[Wire] | None) -> None:
    """What the reads still show of before is not taken for the deployment that was asked for."""

    def change(_: Odd, operation: str, body: Wire) -> None:
        if operation == "UpdateService":
            body["service"]["deployments"] = given

    fails = story({0: "1=C", 20: "2=I:0 1=C", 40: "2=F 1=C"}, {2: {22: "IN_PROGRESS", 40: "STOPPED*: broke"}})
    assert "DeploymentFailed" == went(deploys(), fails, change).verdict


@pytest.mark.parametrize("service", [{0: "1=C"}, {0: "1=C", 100: "2=I:0 1=C"}], ids=["never", "late"])
@pytest.mark.parametrize("family", ["web:2", "arn"])
def test_a_deployment_that_does_not_show(service: Mapping[float, str], family: str) -> None:
    """That the old one is stable is no success, however long it takes, and the error has the handle."""
    world = story(service, answer="1=C")
    name = "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:2" if family == "arn" else family
    ended = went(lambda ecs: ecs.services.deploy("web", cluster="prod", task_definition=name), world)
    assert "NotVisible" == ended.verdict
    assert 60 <= ended.elapsed <= 70
    assert isinstance(ended.error, errors.WaitError)
    assert ended.error.story.handle.arguments["expected"] == "either"


@pytest.mark.parametrize("operation", ["DescribeServiceDeployments", "ListServiceDeployments", "ListTasks"])
def test_a_service_that_other_reads_do_not_find(operation: str) -> None:
    """The error is ServiceGone, whichever read shows the deletion first."""
    world = story({0: "2=I:0f1 1=C", 20: "INACTIVE 2=I:0f2 d2"}, {2: {1: "IN_PROGRESS"}})
    assert "ServiceGone" == went(deploys(), world, not_found=(operation,)).verdict


@pytest.mark.parametrize(("world", "verdict"), [(SUCCESS, "COMPLETED"), (ROLLBACK, "DeploymentRolledBack")])
def test_a_service_deployment_that_is_forgotten(world: World, verdict: str) -> None:
    """After 60 s without it, what the service shows decides."""

    def change(odd: Odd, operation: str, body: Wire) -> None:
        if operation == "DescribeServiceDeployments" and odd.age > 20:
            body["serviceDeployments"], body["failures"] = [], [{"arn": "arn", "reason": "MISSING"}]

    ended = went(deploys(), world, change)
    assert (verdict, 1) == (ended.verdict, len(ended.warnings))
    assert 80 <= ended.elapsed <= 110


def test_inactive_deployments_are_no_older_ones() -> None:
    """They do not keep a service from being stable."""

    def change(_: Odd, operation: str, body: Wire) -> None:
        for service in body["services"] if operation == "DescribeServices" else ():
            service["deployments"].append({"id": "ecs-svc/0", "status": "INACTIVE", "createdAt": EPOCH - 5000})

    assert "SUCCESSFUL" == went(deploys(until="stable"), SUCCESS, change).verdict


def test_events_without_ids() -> None:
    """Each event is emitted once, and none is left out."""

    def change(odd: Odd, operation: str, body: Wire) -> None:
        for service in body["services"] if operation == "DescribeServices" and odd.updates else ():
            past = range(int(odd.age // 10), -1, -1)
            service["events"] = [{"id": None, "createdAt": EPOCH + 10 * n, "message": f"said {n}"} for n in past]

    text = [str(item) for item in went(streams(), SUCCESS, change).items if type(item).__name__ == "ServiceEventLogged"]
    assert [f"said {n}" for n in range(5)] == text


def test_a_look_does_not_go_on_when_time_is_up() -> None:
    """With slow answers, the reads that are left are left out."""
    ended = went(deploys(timeout=5), ROLLBACK, lasts=20.0)
    assert "ListTasks" not in ended.operations
    assert ended.elapsed <= 80


def test_scaling_while_a_deployment_succeeds() -> None:
    """It returns when the desired count runs."""
    script = Script(
        service={0: "2=I:1 1=C d6", 20: "2=C:2 d6", 60: "2=C:6 d6"}, rollouts={2: {-5: "IN_PROGRESS", 20: "SUCCESSFUL"}}
    )
    world = World(before="2=I:0 1=C", answer="2=I:1 1=C d6", update=script)
    ended = went(lambda ecs: ecs.services.scale("web", cluster="prod", desired_count=6), world)
    assert 6 == ended.result.running_count


def test_another_process_scales_meanwhile() -> None:
    """The message of the timeout has the other desired count."""
    world = World(before="1=C:2", answer="1=C:2 d4", update=Script(service={0: "1=C:2 d4", 20: "1=C:3 d3"}))
    ended = went(lambda ecs: ecs.services.scale("web", cluster="prod", desired_count=4, timeout=60), world)
    assert "WaitTimeout" == ended.verdict
    assert "its desired count is 3, not 4" in str(ended.error)


def test_idle_without_rollout_states() -> None:
    """A service behind a Classic Load Balancer is being deployed while an older deployment is there."""
    world = World(before="2=-:0 1=-:2", update=Script(service={0: "2=-"}))
    ended = went(lambda ecs: ecs.services.deploy("web", cluster="prod", force=True, require_idle=True), world)
    assert ("DeploymentInProgress", []) == (ended.verdict, ended.sent("UpdateService"))


def test_tasks_that_failed_before_their_deployment_was_followed() -> None:
    """Their events are emitted, although an earlier poll read these tasks while another deployment was followed."""
    world = story(
        {0: "2=I:0 1=C", 10: "3=I:0 2=I:0 1=C", 40: "3=F:0f3 1=C"},
        {
            2: {1: "IN_PROGRESS", 10: "STOP_REQUESTED", 18: "STOPPED: Replaced by a newer one"},
            3: {10: "PENDING", 14: "IN_PROGRESS", 50: "STOPPED*: tripped"},
        },
        tasks={5: "2: early", 12: "3: late"},
    )
    ended = went(streams(on_superseded="follow"), world)
    text = [str(item).rpartition(": ")[2] for item in ended.items if type(item).__name__ == "TaskStopped"]
    assert (["early", "late"], "DeploymentFailed") == (text, ended.verdict)


def test_a_service_deployment_without_an_arn_of_its_kind() -> None:
    """The error says so."""
    given = ServiceDeployment(service_deployment_arn="arn:aws:ecs:eu-west-1:1:service/prod/web", status="PENDING")
    with pytest.raises(errors.RequestError, match="is not the ARN of a service deployment"):
        started_from("services.deployment", given)


def test_the_text_of_a_handle_with_blanks_around_it() -> None:
    """It is read as it is without them."""
    started = StartedDeployment(service="web", deployment_id="ecs-svc/2")
    assert started == started_from("services.deployment", f"\n {started.to_json()}\n")
