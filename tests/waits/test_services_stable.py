"""Timelines and verdicts of the waits for services: what ECS shows, poll by poll, and how the wait ends."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from ecskit._core.effects import Flow
from ecskit._polling.options import WaitOptions
from ecskit._waits.resuming import resume
from ecskit.errors import RequestError, UnsupportedController
from ecskit.models import CreateServiceResponse, DeleteServiceResponse, UpdateServiceResponse
from ecskit.waits import WaitHandle

from .other_support import HOME, Run, flow_of, run_both
from .service_support import SERVICES, model


def run(wait: str, timeline: str, given: str = "", **options: Any) -> Run:
    """Run a wait through a timeline, under both drivers."""
    names = "abcdefgh"[: max(word.count("/") + 1 for word in timeline.split())]
    things: Any = [f"{HOME}service/prod/{name}" for name in names]
    if given:
        things = UpdateServiceResponse(service=model(given))
    return run_both(SERVICES, timeline, lambda: flow_of(wait, things, **options))


@attrs.frozen
class Row:
    """One scenario."""

    timeline: str
    verdict: str
    looks: int
    """The number of polls; 0 if it does not matter."""
    says: str = ""
    """Parts of the error's message, separated by ` | `."""
    given: str = ""
    """The response of UpdateService."""


BACK = "went back from deployment ecs-svc/2 to ecs-svc/1"
STABLE = {
    "stable is seen twice": Row("A+1=C", "ok", 2),
    "no rollout state: behind a Classic Load Balancer": Row("A+1=-", "ok", 2),
    "not visible yet": Row("- - A+1=I+r0 A+1=C", "ok", 5),
    "stable, then not visible": Row("A+1=C - A+1=C", "ok", 4),
    "stable, then not": Row("A+1=C A+1=C+r1 A+1=C", "ok", 4),
    "too many tasks": Row("A+1=C+r3", "WaitTimeout", 0, "3 of 2 tasks running, 0 pending"),
    "pending tasks": Row("A+1=C+p1", "WaitTimeout", 0, "2 of 2 tasks running, 1 pending"),
    "still IN_PROGRESS": Row("A+1=I", "WaitTimeout", 0, "deployment ecs-svc/1 is IN_PROGRESS"),
    "events say what is wrong": Row("A+1=I+r0+e150", "WaitTimeout", 0, "IN_PROGRESS ((service a) deployment failed: t"),
    "no deployment at all": Row("A", "WaitTimeout", 0, "has no PRIMARY deployment yet"),
    "a status of tomorrow": Row("TOMORROW+1=C A+1=C", "ok", 3),
    "S24: old tasks drain": Row("A+2=C+1=C A+2=C+1=C A+2=C+1=C A+2=C", "ok", 5),
    "S24: for ever": Row("A+2=C+1=C", "WaitTimeout", 0, "has 1 other deployment"),
    "what is INACTIVE is replaced": Row("A+2=C+1=C+inactive", "ok", 2),
    "all of them": Row("A+1=C/A+1=I A+1=C/A+1=C", "ok", 3),
    "one is not visible": Row("A+1=C/-", "NotVisible", 0, "service b"),
    "no desired tasks": Row("A+1=C+d0+r0", "ok", 2),
    # The newest deployment is known from the response.
    "S18": Row("A+1=C A+1=C A+1=C A+2=I+1=C A+2=C", "ok", 6, "", "A+2=I+1=C"),
    "S18, the answer shows the new one only": Row("A+1=C A+1=C A+1=C A+2=I+1=C A+2=C", "ok", 6, "", "A+2=I"),
    "S18 without times": Row("A+1=C+bare A+1=C+bare A+1=C+bare A+2=C+bare", "ok", 5, "", "A+2=I+1=C+bare"),
    "S18, and the old one is all that is ever shown": Row("A+1=C", "WaitTimeout", 0, BACK, "A+2=I+1=C"),
    "what the caller has seen is no look": Row("A+1=C A+1=C A+2=C", "ok", 2, "", "A+1=C"),
    "an answer that is stable is looked at twice": Row("A+1=C A+1=C+r1 A+1=C", "ok", 4, "", "A+1=C"),
    "reads that step back": Row("A+2=I+1=C A+1=C A+1=C A+2=C A+1=C A+2=C", "ok", 7),
    "the old count": Row("A+1=C A+1=C A+1=C+d4+r4", "ok", 4, "", "A+1=C+d4+u150"),
    "another count, later": Row("A+1=C+d3+r3+e170", "ok", 2, "", "A+1=C+d4+u150"),
    # Newer deployments.
    "superseded": Row("A+2=I+1=C A+3=I+2=I+1=C A+3=C", "ok", 4),
    "superseded without times": Row("A+2=I+1=C+bare A+3=I+2=I+bare A+3=C+bare", "ok", 4),
    "a newer one that is not PRIMARY yet": Row("A+1=C+2=I A+1=C+2=I A+2=C", "ok", 4),
    "a newer one that never is": Row("A+1=C+2=I A+1=C+u250", "WaitFailed", 3, BACK),
    "superseded and never seen": Row("A+3=C", "ok", 2, "", "A+2=I+1=C"),
    "superseded between two looks": Row("A+2=C A+3=C", "ok", 3),
    # Rolled back.
    "S19": Row("A+2=I+1=C A+1=I+2=F+u250", "WaitFailed", 2, f"service a {BACK} (because of 2)"),
    "S19, complete before the next look": Row("A+2=I+1=C A+1=C+u250", "WaitFailed", 3, BACK),
    "S19, by the events": Row("A+2=I+1=C A+1=C+e250", "WaitFailed", 3, f"{BACK} ((service a) deployment failed: tasks"),
    "S19, by the time of an event of before": Row("A+2=I+1=C A+1=C+e150", "WaitTimeout", 0, BACK),
    "S19 after an answer": Row("A+1=C+u250", "WaitFailed", 2, BACK, "A+2=I+1=C"),
    "S19 without times of updates": Row("A+2=I+1=C+sparse A+1=C+sparse", "WaitFailed", 3, BACK),
    "S19 without times": Row("A+2=I+1=C+bare A+1=C+bare", "WaitFailed", 3, BACK),
    "S19 without times, still there": Row("A+2=I+1=C+bare A+1=I+2=F+bare", "WaitFailed", 2, BACK),
    "S19, a single read without times": Row("A+2=I+1=C+bare A+1=C+bare A+2=C+bare", "ok", 4),
    "S19, under way when the wait begins": Row("A+1=I+2=F", "WaitFailed", 1, BACK),
    "back under a new id": Row(
        "A+2=I+1=C A+3=I+2=F+back", "WaitFailed", 2, "from deployment ecs-svc/2 to ecs-svc/3 (cir"
    ),
    "back under a new id, complete": Row("A+2=I+1=C A+3=C+back", "WaitFailed", 2, "ecs-svc/2 to ecs-svc/3"),
    "back under a new id, under way": Row(
        "A+3=I+back", "WaitFailed", 1, "is rolled back to ecs-svc/3 (circuit breaker"
    ),
    "rolled back long ago": Row("A+3=C+back", "ok", 2),
    "FAILED": Row("A+2=I+1=C A+2=F+1=C", "WaitFailed", 3, "failed to deploy ecs-svc/2 (because of 2)"),
    "FAILED, then back": Row("A+2=F+1=C A+1=I+2=F+u250", "WaitFailed", 2, f"{BACK} (because of 2)"),
    "FAILED, then deployed anew": Row("A+2=F+1=C A+3=I+2=F A+3=C", "ok", 4),
    "one of two fails": Row("A+1=C/A+2=F+1=C", "WaitFailed", 2, "service b failed to deploy"),
    # Deleted.
    "S29": Row("A+1=I D+1=I", "ServiceGone", 3, "services_stable: service gone after | service a is DRAINING; 3 polls"),
    "S29 after an answer": Row("D+1=I", "ServiceGone", 1, "is DRAINING", "A+1=I"),
    "S29, forgotten": Row("A+1=I -", "ServiceGone", 0, "was ACTIVE IN_PROGRESS, then not found for"),
    "S29, INACTIVE": Row("A+1=C I", "ServiceGone", 3, "is INACTIVE"),
    "left over": Row("I+born=5 A+1=C", "ok", 3),
    "left over for long, but the answer is newer": Row("I+born=5 I+born=5 I+born=5 A+1=C", "ok", 5, "", "A+1=I"),
    "left over after the new one was seen": Row("A+1=I I+born=5 I+born=5 A+1=C", "ok", 5),
    "another one than the answer's": Row("D+1=C+born=20 A+1=C+born=20", "ok", 3, "", "A+1=I"),
    "never there": Row("-", "NotVisible", 0),
    "one gone, one failed": Row("D+1=C/A+2=F", "WaitFailed", 2, "service a is DRAINING | service b failed"),
    # Other controllers.
    "EXTERNAL": Row("A+t1=P.S", "ok", 2),
    "EXTERNAL, drains": Row("A+t2=P.S+t1=D.U", "ok", 2),
    "EXTERNAL, no PRIMARY yet": Row("A+t1=A.S A+t1=P.S", "ok", 3),
    "EXTERNAL, all but draining ones": Row("A+t2=P.S+t1=A.U", "WaitTimeout", 0, "task set ecs-svc/1 is STABILIZING"),
    "EXTERNAL, counts": Row("A+t1=P.S3", "WaitTimeout", 0, "is STEADY_STATE, 2 of 3 tasks running, 0 pending"),
    "EXTERNAL, another PRIMARY": Row("A+t1=P.S A+t2=P.S", "ok", 3),
    "EXTERNAL, gone": Row("A+t1=P.S D", "ServiceGone", 3),
    "EXTERNAL, without task sets": Row("A+by=EXTERNAL", "WaitTimeout", 0, "has no PRIMARY task set"),
    "S28": Row(
        "A+by=CODE_DEPLOY", "UnsupportedController", 1, "service a are controlled by CODE_DEPLOY | CodeDeploy API"
    ),
    "S28, one of two": Row("A+1=C/A+by=CODE_DEPLOY", "UnsupportedController", 1, "service b"),
    "S28, INACTIVE": Row("I+by=CODE_DEPLOY", "UnsupportedController", 1),
    "a controller of tomorrow": Row("A+by=ROBOT", "UnsupportedController", 1, "ROBOT, which this version"),
}

INACTIVE = {
    "INACTIVE": Row("A+1=C D+1=C+r1 I", "ok", 3),
    "gone": Row("D+1=C -", "ok", 0),
    "gone before the first look": Row("-", "ok", 0, "", "D+1=C"),
    "one of two": Row("I/A+1=C", "WaitTimeout", 0, "service b is ACTIVE (2 running, 0 pending tasks)"),
    "one of two is not visible": Row("I/-", "NotVisible", 0, "service b"),
    "never there": Row("-", "NotVisible", 0, "service a"),
    "it is not deleted": Row("A+1=C", "WaitTimeout", 0, "is ACTIVE"),
    "the controller does not matter": Row("D+by=CODE_DEPLOY I+by=CODE_DEPLOY", "ok", 2),
    "an older one of the same name": Row("I+born=5 I+born=5 D+1=C I", "ok", 4, "", "D+1=C"),
    "the answer is the end": Row("-", "ok", 0, "", "I"),
}
ROWS = [
    pytest.param(wait, row, id=f"{wait}: {name}")
    for wait, table in (("services_stable", STABLE), ("services_inactive", INACTIVE))
    for name, row in table.items()
]


@pytest.mark.parametrize(("wait", "row"), ROWS)
def test_timeline(wait: str, row: Row) -> None:
    """A timeline has the verdict of its row, under both drivers, after that number of polls."""
    ran = run(wait, row.timeline, row.given)
    assert ran.verdict == row.verdict, str(ran.error)
    assert ran.looks == row.looks or not row.looks, [ask.now for ask in ran.calls]
    for part in row.says.split(" | "):
        assert part in str(ran.error)
    assert {ask.operation for ask in ran.calls} <= {"DescribeServices"}


FALSE_VERDICTS = {
    "right after UpdateService, the old deployment still shown (aws-cli#9275)": ("A+1=C", "A+2=I+1=C", "WaitTimeout"),
    "the deployment FAILED (terraform-aws#19519)": ("A+2=F+1=C", "", "WaitFailed"),
    "rolled back (deploy-task-definition#191)": ("A+2=I+1=C A+1=C+u250", "", "WaitFailed"),
    "PRIMARY is IN_PROGRESS": ("A+1=I", "", "WaitTimeout"),
    "CODE_DEPLOY (botocore#3314)": ("A+by=CODE_DEPLOY", "", "UnsupportedController"),
    "throttled in between": ("A+1=I !throttle !throttle !500 !reset A+1=C", "", "ok"),
}


@pytest.mark.parametrize(("timeline", "given", "verdict"), FALSE_VERDICTS.values(), ids=FALSE_VERDICTS)
def test_cases_that_botocore_decides_wrongly(timeline: str, given: str, verdict: str) -> None:
    """botocore's waiter succeeds or raises a TypeError in all of these but the last, which is an error there, too."""
    assert run("services_stable", timeline, given).verdict == verdict


def test_a_response_of_code_deploy_needs_no_poll() -> None:
    """S28: a response that shows CodeDeploy is rejected before anything is sent."""
    sent = run_both(SERVICES, "-", lambda: _late("services_stable", model("A+by=CODE_DEPLOY"), model("A+1=C", "b")))
    assert (sent.verdict, sent.looks) == ("UnsupportedController", 0)
    assert isinstance(sent.error, UnsupportedController)
    assert (sent.error.service, sent.error.controller) == (f"{HOME}service/prod/a", "CODE_DEPLOY")


def _late(wait: str, *things: Any) -> Flow[list[Any]]:
    return (yield from flow_of(wait, things))


def test_the_error_has_the_story() -> None:
    """The error of an unsupported controller holds the story of the poll that found it."""
    ran = run("services_stable", "A+1=I A+by=CODE_DEPLOY")
    assert (ran.verdict, ran.looks, ran.story.polls) == ("UnsupportedController", 2, 1)


def test_results_are_in_the_order_given() -> None:
    """Services are identified by names, ARNs and models; ten share a request."""
    things = [
        "h",
        f"{HOME}service/prod/a",
        model("A+1=C", "c"),
        "b",
        CreateServiceResponse(service=model("A+1=C", "d")),
    ]
    timeline = "/".join(["A+1=C"] * 8)
    ran = run_both(SERVICES, timeline, lambda: flow_of("services_stable", things, cluster="prod"))
    assert ran.result is not None
    assert [service.service_name for service in ran.result] == ["h", "a", "c", "b", "d"]
    assert [ask.ids for ask in ran.calls] == [("h", "a", "c", "b", "d")] * 2
    assert {dict(ask.more)["cluster"] for ask in ran.calls} == {"prod"}


@pytest.mark.parametrize(("count", "calls"), [(10, [10]), (11, [1, 10]), (35, [5, 10, 10, 10])])
def test_ten_services_share_a_request(count: int, calls: list[int]) -> None:
    """DescribeServices takes no more."""
    names = [f"s{number}" for number in range(count)]
    ran = run_both(SERVICES, "-", lambda: flow_of("services_stable", names, max_polls=1))
    assert calls == sorted(len(ask.ids) for ask in ran.calls)


ARN = "arn:aws:ecs:eu-west-1:123456789012:service"
PLACES: list[tuple[Any, str | None, str | None]] = [
    ("a", None, None),
    ("a", "prod", "prod"),
    (f"{ARN}/prod/a", None, "prod"),
    (f"{ARN}/a", None, None),
    (f"{ARN}/a", "prod", "prod"),
    (attrs.evolve(model("A+1=C"), service_arn=f"{ARN}/a"), None, f"{HOME}cluster/prod"),
    (DeleteServiceResponse(service=model("D")), None, "prod"),
]


@pytest.mark.parametrize(("thing", "cluster", "targets"), PLACES)
def test_the_cluster_of_services(thing: Any, cluster: str | None, targets: str | None) -> None:
    """The cluster comes from the argument, ARN or model; without one ECS uses `default`."""
    ran = run_both(SERVICES, "I", lambda: flow_of("services_inactive", thing, cluster=cluster))
    assert (ran.verdict, ran.calls[0].ids) == ("ok", ("a",))
    assert dict(ran.calls[0].more).get("cluster") == targets


@pytest.mark.parametrize(
    ("thing", "cluster", "problem"),
    [
        (f"{ARN}/prod/a", "dev", "is in cluster prod, not in dev"),
        ("prod/a", None, "'prod/a' is not the name, id or ARN of a service"),
        (f"{HOME}task/prod/a", None, "is not the ARN of a service"),
        ([7], None, "expected a name, id, ARN or model of a service, got int"),
    ],
)
def test_bad_services_are_rejected_before_anything_is_sent(thing: Any, cluster: str | None, problem: str) -> None:
    """The error names the path."""
    with pytest.raises(RequestError, match=problem):
        flow_of("services_stable", thing, cluster=cluster)


def test_a_wait_is_resumed_from_its_handle() -> None:
    """The resumed wait has the newest deployment, and detects that the service was rolled back."""
    first = run("services_stable", "A+2=I+1=C", timeout=5)
    assert first.verdict == "WaitTimeout"
    handle = WaitHandle.from_json(first.story.handle.to_json())
    second = run_both(SERVICES, "A+1=C+u250", lambda: resume(handle, wait_options=WaitOptions()))
    assert (second.verdict, second.looks) == ("WaitFailed", 2)
    assert BACK in str(second.error)


@pytest.mark.parametrize("wait", ["services_stable", "services_inactive"])
@pytest.mark.parametrize(("word", "verdict"), [("!denied", "AccessDeniedException"), ("!cluster", None)])
def test_a_denied_poll_ends_the_wait_with_its_story(wait: str, word: str, verdict: str | None) -> None:
    """The error is raised at once, and the wait can be resumed from its handle."""
    ran = run(wait, f"A+1=I {word}")
    assert (ran.verdict, ran.looks) == (verdict or "ClusterNotFoundException", 2)
    assert [*ran.story.handle.observed] == [f"{HOME}service/prod/a"]
