"""Creating task sets: once, whatever becomes of the answers, and waited for; and given up as the caller said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from support.both_clients import Ecs, Went, perform
from support.cutting_short import CUTS, requests_of

from ecskit._core.effects import Cancelled, Reply, Send
from ecskit._core.retrying import Retrying
from ecskit.errors import (
    AccessDeniedException,
    ConnectionFailedError,
    InvalidParameterException,
    NotVisible,
    RequestError,
    ThrottledError,
    WaitTimeout,
)
from ecskit.models import (
    CapacityProviderStrategyItem,
    CreateTaskSetRequest,
    LoadBalancer,
    NetworkConfiguration,
    Service,
    ServiceRegistry,
    Tag,
    TaskDefinition,
)
from ecskit.testing import Fault, Lag, Simulator
from ecskit.waits import WaitHandle, WaitStory

from .support import FARGATE, HERE, NETWORK, add, both, furnished, there

ARN = "arn:aws:ecs:us-east-1:123456789012:"
GROUP = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef"


def creating(family: str = "web", **options: Any) -> Callable[..., Any]:
    def act(ecs: Any, **more: Any) -> Any:
        said = {"cluster": "default", "task_definition": family, "scale": 100, **FARGATE, **options, **more}
        return ecs.task_sets.create("web", **said)

    return act


def with_providers(sim: Simulator) -> None:
    """Let the cluster use Fargate's capacity providers."""
    providers = {"capacityProviders": ["FARGATE", "FARGATE_SPOT"], "defaultCapacityProviderStrategy": []}
    sim.handle("PutClusterCapacityProviders", {"cluster": "default", **providers})


def failing(operation: str, fault: Fault, *, times: int | None = 1) -> Callable[[Simulator], None]:
    return lambda sim: sim.fail(operation, fault, times=times)


@pytest.mark.parametrize("lag", [None, Lag(visible_after=5, stale_by=8)], ids=["prompt", "lagging"])
def test_until_steady(lag: Lag | None) -> None:
    """The task set is returned as it was last seen: steady, with all its tasks."""
    went = both(creating(scale=50), lag=lag)
    made = went.returned()
    assert ("ACTIVE", "STEADY_STATE", 2) == (made.status, made.stability_status, made.running_count)
    assert ["CreateTaskSet"] == [name for name in went.operations if name != "DescribeTaskSets"]
    [request] = went.requests("CreateTaskSet")
    assert 32 == len(request["clientToken"])


def test_until_created() -> None:
    """Nothing is polled; the task set is returned as the response shows it."""
    went = both(creating(until="created"))
    assert (["CreateTaskSet"], "STABILIZING", 0) == (went.operations, went.returned().stability_status, went.elapsed)


def test_what_is_said_is_sent() -> None:
    """Plain arguments in ECS's structures; what is not said is absent."""

    def act(ecs: Any) -> Any:
        return ecs.task_sets.create(
            f"{ARN}service/default/web",
            task_definition=TaskDefinition(task_definition_arn=f"{ARN}task-definition/web:1", family="web", revision=1),
            scale=12.5,
            network=NetworkConfiguration(awsvpc_configuration=NETWORK),
            capacity_provider_strategy={"FARGATE_SPOT": 3},
            platform_version="1.4.0",
            external_id="deploy-7",
            tags={"team": "shop"},
            client_token="t" * 36,
            until="created",
        )

    went = both(act, prepare=with_providers)
    assert "ACTIVE" == went.returned().status
    [request] = went.requests("CreateTaskSet")
    assert {
        "cluster": "default",
        "service": "web",
        "taskDefinition": f"{ARN}task-definition/web:1",
        "scale": {"value": 12.5, "unit": "PERCENT"},
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 3}],
        "platformVersion": "1.4.0",
        "externalId": "deploy-7",
        "tags": [{"key": "team", "value": "shop"}],
        "clientToken": "t" * 36,
    } == request


def test_what_is_structured_is_sent_as_it_is() -> None:
    """Items of a strategy, tags, load balancers and registries."""

    def act(ecs: Any) -> Any:
        return ecs.task_sets.create(
            Service(service_arn=f"{ARN}service/web", service_name="web", cluster_arn="default", status="ACTIVE"),
            task_definition="web",
            network=NETWORK,
            capacity_provider_strategy=[CapacityProviderStrategyItem(capacity_provider="FARGATE", base=1)],
            load_balancers=[LoadBalancer(target_group_arn=GROUP, container_name="app", container_port=80)],
            service_registries=[ServiceRegistry(registry_arn="sr")],
            tags=[Tag(key="a", value="b")],
            until="created",
        )

    went = both(act, prepare=with_providers)
    assert "ACTIVE" == went.returned().status
    [request] = went.requests("CreateTaskSet")
    assert ("default", "web") == (request["cluster"], request["service"])
    assert [{"targetGroupArn": GROUP, "containerName": "app", "containerPort": 80}] == request["loadBalancers"]
    assert [{"registryArn": "sr"}] == request["serviceRegistries"]
    assert [{"capacityProvider": "FARGATE", "base": 1}] == request["capacityProviderStrategy"]
    assert "scale" not in request


# Faults.


@pytest.mark.parametrize(
    "fault",
    [
        Fault.throttled(),
        Fault.disguised_throttle(),
        Fault.server_error(),
        Fault.server_error(after_effect=True),
        Fault.reset(after_effect=True),
        Fault.timeout(after_effect=True),
        Fault.garbled(),
    ],
)
def test_what_may_pass_is_asked_again_under_the_same_token(fault: Fault) -> None:
    """There is one task set in the end."""
    went = both(creating(), prepare=failing("CreateTaskSet", fault, times=3))
    assert "STEADY_STATE" == went.returned().stability_status
    requests = went.requests("CreateTaskSet")
    assert (4, 1) == (len(requests), len({each["clientToken"] for each in requests}))
    assert [("ACTIVE", 100)] == there(went.sim)


@pytest.mark.parametrize(
    ("fault", "kind"), [(Fault.throttled(), ThrottledError), (Fault.reset(), ConnectionFailedError)]
)
def test_what_does_not_pass_is_raised(fault: Fault, kind: type[Exception]) -> None:
    """After six times, with the token to ask with."""
    went = both(creating(client_token="mine"), prepare=failing("CreateTaskSet", fault, times=None))
    assert isinstance(went.error, kind)
    assert "mine" == went.error.client_token  # type: ignore[attr-defined]  # EcsError has it
    assert ["CreateTaskSet"] * 6 == went.operations


def test_what_ecs_refuses_is_asked_once() -> None:
    """Its error says enough."""
    went = both(creating(), prepare=failing("CreateTaskSet", Fault.access_denied()))
    assert (AccessDeniedException, ["CreateTaskSet"]) == (type(went.error), went.operations)


def test_services_of_codedeploy() -> None:
    """ECS refuses."""

    def prepare(sim: Simulator) -> None:
        network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
        request = {"taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": network}
        controller = {"deploymentController": {"type": "CODE_DEPLOY"}, "desiredCount": 0}
        sim.handle("CreateService", {"serviceName": "blue", **request, **controller})

    went = both(lambda ecs: ecs.task_sets.create("blue", cluster="default", task_definition="web"), prepare=prepare)
    assert "CodeDeploy" in str(went.raised(InvalidParameterException))


def test_refused_polls_end_the_wait_with_its_story() -> None:
    """The task set stays, whatever is to be done when time is up; the handle goes on."""
    went = both(
        creating(on_timeout="delete", on_cancel="delete"),
        prepare=failing("DescribeTaskSets", Fault.access_denied(), times=1),
    )
    error = went.raised(AccessDeniedException)
    assert ("task_sets_steady", [("ACTIVE", 100)]) == (error.story.handle.wait, there(went.sim))
    handle = WaitHandle.from_json(error.story.handle.to_json())
    [steady] = perform(lambda ecs: ecs.wait.resume(handle), Ecs.sync(went.sim)).returned()
    assert "STEADY_STATE" == steady.stability_status


# Time is up.


@pytest.mark.parametrize(("on_timeout", "left"), [("leave", [("ACTIVE", 100)]), ("delete", [])])
def test_not_steady_in_time(on_timeout: str, left: list[Any]) -> None:
    """The new task set is left as it is, or deleted again; the error shows its last state, and has the handle."""
    went = both(creating("bad", on_timeout=on_timeout, timeout=60))
    error = went.raised(WaitTimeout)
    assert "is ACTIVE STABILIZING (0 of 3 tasks running" in str(error)
    assert "task_sets_steady" == error.story.handle.wait
    went.sim.clock.advance(60)
    assert left == there(went.sim)
    assert [{"force": True}] * (on_timeout == "delete") == [
        {"force": request["force"]} for request in went.requests("DeleteTaskSet")
    ]


def test_not_visible_in_time() -> None:
    """The same."""
    went = both(creating(on_timeout="delete", visibility_grace=5), lag=Lag(visible_after=30))
    went.raised(NotVisible)
    went.sim.clock.advance(60)
    assert [] == there(went.sim)


def test_others_are_not_deleted() -> None:
    """Only what this created."""
    went = both(creating("bad", on_timeout="delete", timeout=60), prepare=add)
    went.raised(WaitTimeout)
    went.sim.clock.advance(60)
    assert [("ACTIVE", 100)] == there(went.sim)


def test_a_deletion_that_is_throttled_is_asked_again() -> None:
    """A later attempt succeeds."""
    went = both(
        creating("bad", on_timeout="delete", timeout=60),
        prepare=failing("DeleteTaskSet", Fault.reset(after_effect=True), times=3),
    )
    went.raised(WaitTimeout)
    went.sim.clock.advance(60)
    assert [] == there(went.sim)


def test_a_deletion_that_is_refused() -> None:
    """The timeout is raised, because of what was refused."""
    went = both(
        creating("bad", on_timeout="delete", timeout=60), prepare=failing("DeleteTaskSet", Fault.access_denied())
    )
    assert isinstance(went.raised(WaitTimeout).__cause__, AccessDeniedException)


# Cut short.


def check(went: Went, kind: type[BaseException], where: str, *, left: bool) -> None:
    """Nothing is left, or all that was made, and the cut is raised."""
    if went.error is None:
        return  # it came too late
    assert type(went.error) is kind, (where, went.error)
    went.sim.clock.advance(60)
    assert left or [] == there(went.sim), (where, went.operations)
    assert not left or "DeleteTaskSet" not in went.operations, (where, went.operations)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("policy", ["leave", "delete"])
@pytest.mark.parametrize("lost", [False, True], ids=["answered", "lost"])
def test_cut_wherever_it_is(cut: str, policy: str, *, after: bool, lost: bool) -> None:
    """At each request, before and after its effect; also where the first answers were lost."""

    def make() -> Simulator:
        sim = furnished()
        if lost:
            sim.fail("CreateTaskSet", Fault.reset(after_effect=True))
            sim.fail("CreateTaskSet", Fault.throttled())
        return sim

    act, (cutting, kind) = creating(on_cancel=policy), CUTS[cut]
    count = requests_of(act, make)
    assert count > 3
    for n in range(count):
        check(cutting(act, make, n, after=after), kind, f"request {n} of {count}", left=policy == "leave")


@pytest.mark.parametrize(("before", "targets"), [(0, False), (1, True)], ids=["at first", "again"])
def test_cut_before_it_is_sent(before: int, *, targets: bool) -> None:
    """The clean-up repeats the request only if an earlier attempt was sent."""
    asking = Retrying(CreateTaskSetRequest(cluster="default", service="web", task_definition="web", client_token="t"))
    flow = asking.send()
    sent, effect = 0, next(flow)
    while sent < before or not isinstance(effect, Send):
        lost = ConnectionFailedError("CreateTaskSet", "reset") if isinstance(effect, Send) else None
        sent += isinstance(effect, Send)
        effect = flow.send(Reply(0.0, 0, error=lost))
    with pytest.raises(Cancelled):
        flow.throw(Cancelled(sent=False))
    assert targets is asking.may_have_taken_effect


@pytest.mark.parametrize(("policy", "other"), [("leave", "delete"), ("delete", "leave")])
def test_a_listener_that_raises_cuts_it_short(policy: str, other: str) -> None:
    """Whatever it raises, an error of ecskit too: that time is up is not for it to say."""

    def complain(_: object) -> None:
        raise NotVisible(WaitStory("another", "task", {}, {}, 0.0, 0, {}, 0, []))

    went = both(creating(on_cancel=policy, on_timeout=other, on_poll=complain))
    assert isinstance(went.error, NotVisible)
    went.sim.clock.advance(60)
    assert ([] if policy == "delete" else [("ACTIVE", 100)]) == there(went.sim)


# Bad input.


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": 101}, "scale: expected percent, 0 to 100, got 101"),
        ({"scale": True}, "scale: expected percent"),
        ({"scale": "50"}, "scale: expected percent"),
        ({"client_token": "t" * 37}, "client_token: expected 1 to 36 characters"),
        ({"client_token": ""}, "client_token: expected 1 to 36 characters"),
        ({"until": "stable"}, "until: expected one of steady, created, got 'stable'"),
        ({"on_timeout": "stop"}, "on_timeout: expected one of leave, delete"),
        ({"on_cancel": "undo"}, "on_cancel: expected one of leave, delete"),
        ({"task_definition": ""}, "task_definition: expected a family"),
        ({"task_definition": 7}, "task_definition: expected a family, family:revision, ARN or TaskDefinition, got int"),
        ({"capacity_provider_strategy": {"FARGATE": 1}}, "launch_type: cannot be combined"),
        ({"external_id": 7}, "external_id: expected"),
        ({"network": "subnet-1"}, "network_configuration: expected"),
        ({"timeout": "1"}, "timeout: expected seconds"),
        ({"cluster": None}, "service: the cluster of 'web' is unknown; pass cluster="),
    ],
)
def test_bad_input(options: dict[str, Any], message: str) -> None:
    """The error names the parameter, and is raised before anything is sent."""
    went = both(creating(**options))
    assert message in str(went.raised(RequestError))
    assert [] == went.operations


@pytest.mark.parametrize(
    ("service", "message"),
    [
        ("", "service: '' is not the name, id or ARN of a service"),
        (["web"], "service: expected one service, got list"),
        (7, "service: expected a name, id, ARN or model of a service, got int"),
        (f"{ARN}cluster/default", "is not the ARN of a service"),
        (f"{ARN}service/prod/web", "is in cluster prod, not in default"),
    ],
)
def test_bad_services(service: Any, message: str) -> None:
    """The same."""
    went = both(lambda ecs: ecs.task_sets.create(service, cluster="default", task_definition="web"))
    assert message in str(went.raised(RequestError))


def test_a_coroutine_function_listens() -> None:
    """To an async client."""
    waits: list[str] = []

    async def listen(story: Any) -> None:
        await asyncio.sleep(0)
        waits.append(story.wait)

    async def run() -> None:
        await creating(on_poll=listen)(Ecs.aio(furnished()))

    asyncio.run(run())
    assert {"task_sets_steady"} == set(waits)


def test_the_scene_is_set_apart() -> None:
    """A guard against proving something about nothing."""
    sim = furnished(add)
    assert {call.operation for call in sim.calls} - {"RegisterTaskDefinition", "CreateService"} == {"CreateTaskSet"}
    assert {"cluster", "service"} == HERE.keys()
