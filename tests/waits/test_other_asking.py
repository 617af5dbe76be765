"""What is asked about by the waits over anything but tasks: how it may be named, and how many go in a call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import pytest

from ecskit import models
from ecskit._api.waits import WAITS
from ecskit._core.structuring import structure_hook
from ecskit.errors import FailuresError, RequestError

from .other_support import HOME, OTHERS, Family, family_of, flow_of, run_both

NAMED = [wait for wait in OTHERS if wait != "exec_agents_running"]
"""The waits whose things are named by `Identifiers`; tasks have a module of their own."""
SCOPES = {
    "ContainerInstance": {"cluster": "prod"},
    "TaskSet": {"cluster": "prod", "service": "web"},
}


def parameter(wait: str) -> str:
    """Return what the things of a wait are given as."""
    return "container_instances" if wait == "container_agents_updated" else wait.rsplit("_", 1)[0]


def seen(wait: str, state: str, id_: str = "a") -> Any:
    """Return an observation as a response holds it."""
    model = getattr(models, WAITS[wait][1])
    return structure_hook(model)(family_of(wait).wire(id_, *state.split("+")), model)


# Bad input.


@pytest.mark.parametrize("wait", NAMED)
@pytest.mark.parametrize(
    ("things", "where", "problem"),
    [
        ([], "", "expected at least one"),
        ("", "", "is not the"),
        (["x y"], "[0]", "is not the"),
        ("arn:aws:ecs", "", "is not the ARN of a"),
        (f"{HOME}task/prod/a", "", "is not the ARN of a"),
        (["arn:aws:s3:eu-west-1:123456789012:cluster/prod"], "[0]", "is not the ARN of a"),
        (None, "", "got NoneType"),
        ({"a"}, "", "got set"),
        ([b"a"], "[0]", "got bytes"),
        (12, "", "got int"),
        ([["a"]], "[0]", "got list"),
        (models.Task(task_arn="t", last_status="RUNNING", desired_status="RUNNING"), "", "got Task"),
    ],
)
def test_bad_things_are_told_before_anything_is_sent(wait: str, things: Any, where: str, problem: str) -> None:
    """Each by its place, in one error."""
    run = run_both(family_of(wait), "-", lambda: flow_of(wait, things, **SCOPES.get(WAITS[wait][1], {})))
    assert isinstance(run.error, RequestError), run.error
    assert run.calls == []
    assert run.error.subject == wait
    [(path, told)] = run.error.problems
    assert path == parameter(wait) + where
    assert problem in told


@pytest.mark.parametrize("wait", NAMED)
def test_all_bad_things_are_told_at_once(wait: str) -> None:
    """Not one after the other."""
    with pytest.raises(RequestError) as caught:
        flow_of(wait, ["", family_of(wait).arn(), "x y"])
    assert [path for path, _ in caught.value.problems] == [f"{parameter(wait)}[0]", f"{parameter(wait)}[2]"]


@pytest.mark.parametrize(
    ("wait", "things", "said", "path", "problem"),
    [
        ("container_instances_connected", "a", {}, "container_instances", "pass cluster="),
        ("container_instances_connected", "a", {"cluster": ""}, "container_instances", "pass cluster="),
        ("container_instances_connected", ["i-0abc"], {}, "container_instances[0]", "pass cluster="),
        (
            "container_instances_drained",
            f"{HOME}container-instance/prod/a",
            {"cluster": "test"},
            "container_instances",
            "is in cluster prod, not in test",
        ),
        ("container_agents_updated", "a", {"cluster": 5}, "cluster", "expected a name or ARN, got int"),
        ("container_agents_updated", "a", {"cluster": f"{HOME}service/prod/web"}, "cluster", "is not the name or ARN"),
        ("container_agents_updated", "a", {"cluster": "a b"}, "cluster", "is not the name or ARN of a cluster"),
        ("task_sets_steady", "ecs-svc/1", {"cluster": "prod"}, "task_sets", "pass service="),
        ("task_sets_steady", "ecs-svc/1", {"service": "web"}, "task_sets", "pass cluster="),
        (
            "task_sets_steady",
            "ecs-svc/1",
            {"cluster": "test", "service": f"{HOME}service/prod/web"},
            "cluster",
            "the service is in cluster prod, not in test",
        ),
        (
            "task_sets_steady",
            f"{HOME}task-set/prod/web/ecs-svc/1",
            {"service": "api"},
            "task_sets",
            "is in service web, not in api",
        ),
        ("task_definitions_deleted", "web", {}, "task_definitions", "is not the name, id or ARN of a task definition"),
        ("task_definitions_deleted", f"{HOME}task-definition/web", {}, "task_definitions", "is not the ARN"),
        ("daemons_active", "log", {}, "daemons", "'log' is not the ARN of a daemon"),
        ("daemon_deployments_stopped", "d", {}, "daemon_deployments", "is not the ARN of a daemon deployment"),
        ("express_gateway_services_active", "web", {}, "express_gateway_services", "ARN of an express gateway service"),
        ("exec_agents_running", f"{HOME}task/prod/a", {"containers": []}, "containers", "expected one or more names"),
        ("exec_agents_running", f"{HOME}task/prod/a", {"containers": [1]}, "containers", "expected one or more names"),
        ("exec_agents_running", "a", {}, "tasks", "pass cluster="),
    ],
)
def test_what_things_are_in_has_to_be_told_once(
    wait: str, things: Any, said: Mapping[str, Any], path: str, problem: str
) -> None:
    """And without contradiction."""
    run = run_both(family_of(wait), "-", lambda: flow_of(wait, things, **said))
    assert isinstance(run.error, RequestError)
    assert run.calls == []
    assert problem in dict(run.error.problems)[path]


@pytest.mark.parametrize("wait", OTHERS)
def test_bad_patience_is_told_too(wait: str) -> None:
    """As with every wait."""
    with pytest.raises(RequestError, match=f"{wait}: timeout: expected seconds"):
        flow_of(wait, family_of(wait).arn(), timeout="5")


# Names.


@pytest.mark.parametrize(
    ("wait", "state", "things", "said", "targets"),
    [
        ("clusters_active", "ACTIVE", "a", {}, ["a"]),
        ("clusters_active", "ACTIVE", f"{HOME}cluster/a", {}, [f"{HOME}cluster/a"]),
        ("container_instances_registered", "ACTIVE", "a", {"cluster": "prod"}, ["a"]),
        ("container_instances_registered", "ACTIVE", f"{HOME}container-instance/prod/a", {}, ["a"]),
        ("container_instances_registered", "ACTIVE", f"{HOME}container-instance/a", {"cluster": "prod"}, ["a"]),
        ("capacity_providers_active", "ACTIVE", "a", {}, ["a"]),
        ("capacity_providers_active", "ACTIVE", "a", {"cluster": "prod"}, ["a"]),
        ("task_sets_steady", "ACTIVE+STEADY_STATE", "a", {"cluster": "prod", "service": "web"}, ["a"]),
        ("task_sets_steady", "ACTIVE+STEADY_STATE", "ecs-svc/a", {"service": f"{HOME}service/prod/web"}, ["ecs-svc/a"]),
        ("task_sets_steady", "ACTIVE+STEADY_STATE", f"{HOME}task-set/prod/web/ecs-svc/a", {}, ["ecs-svc/a"]),
        ("gateways_active", "ACTIVE", "a", {}, ["a"]),
        ("gateways_active", "ACTIVE", f"{HOME}gateway/a", {}, [f"{HOME}gateway/a"]),
        ("exec_agents_running", "RUNNING+app=RUNNING", "a", {"cluster": "prod"}, ["a"]),
    ],
)
def test_things_are_told_by_name_id_or_arn(
    wait: str, state: str, things: str, said: Mapping[str, Any], targets: list[str]
) -> None:
    """And seen by that name."""
    run = run_both(family_of(wait), state, lambda: flow_of(wait, things, **said))
    assert run.verdict == "ok", run.error
    assert [*run.calls[0].ids] == targets


@pytest.mark.parametrize(
    ("wait", "words", "name"),
    [("task_definitions_deleted", "DELETE_IN_PROGRESS -", "a:1"), ("daemon_task_definitions_active", "ACTIVE", "a:1")],
)
def test_revisions_are_told_by_family_and_number(wait: str, words: str, name: str) -> None:
    """As well as by ARN."""
    run = run_both(family_of(wait), words, lambda: flow_of(wait, [name, family_of(wait).arn()]))
    assert run.verdict == "ok"
    assert run.result is not None
    assert run.result[0] == run.result[1]


def test_a_capacity_provider_tells_its_cluster() -> None:
    """Those with managed instances are known there only."""
    provider = models.CapacityProvider(name="a", cluster="prod", status="PROVISIONING")
    run = run_both(
        family_of("capacity_providers_active"), "ACTIVE", lambda: flow_of("capacity_providers_active", provider)
    )
    assert [(ask.ids, ask.more) for ask in run.calls] == [(("a",), (("cluster", "prod"),))]


def test_a_task_set_of_another_service_takes_a_call_of_its_own() -> None:
    """Names are unique within a service only."""
    arns = [f"{HOME}task-set/prod/{service}/ecs-svc/a" for service in ("web", "api")]
    run = run_both(family_of("task_sets_steady"), "-", lambda: flow_of("task_sets_steady", arns, max_polls=1))
    assert sorted(ask.more for ask in run.calls) == [
        (("cluster", "prod"), ("service", service)) for service in ("api", "web")
    ]


# Models and answers.


@pytest.mark.parametrize("wait", NAMED)
def test_a_model_counts_as_seen(wait: str) -> None:
    """A nap comes before the first look, and what is deleted can vanish. Others may be too new to be shown by reads."""
    run = run_both(family_of(wait), "-", lambda: flow_of(wait, [seen(wait, "TOMORROW")], timeout=300))
    assert 1.8 <= run.calls[0].now <= 2.2
    if wait.endswith(("_deleted", "_inactive")):
        assert run.verdict == "ok"
        assert 30 <= run.elapsed < 60
    else:
        assert (run.verdict, run.elapsed) == ("NotVisible", 60)


ENDS: list[tuple[str, Any]] = [
    ("clusters_inactive", models.DeleteClusterResponse(cluster=seen("clusters_inactive", "INACTIVE"))),
    (
        "capacity_providers_deleted",
        models.DeleteCapacityProviderResponse(capacity_provider=seen("capacity_providers_deleted", "INACTIVE")),
    ),
    ("gateways_deleted", models.DeleteGatewayResponse(gateway_arn=f"{HOME}gateway/a", name="a", status="DELETED")),
]


@pytest.mark.parametrize(("wait", "answer"), ENDS)
@pytest.mark.parametrize("listed", [False, True])
def test_an_answer_that_is_the_end_needs_no_look(wait: str, answer: Any, *, listed: bool) -> None:
    """By itself, or among others."""
    run = run_both(family_of(wait), "-", lambda: flow_of(wait, [answer] if listed else answer))
    assert (run.verdict, run.calls) == ("ok", [])


BEGINNINGS: list[tuple[str, Any, str]] = [
    ("clusters_active", models.CreateClusterResponse(cluster=seen("clusters_active", "ACTIVE")), "ACTIVE"),
    (
        "container_instances_registered",
        models.UpdateContainerInstancesStateResponse(
            container_instances=[seen("container_instances_registered", "DRAINING", id_) for id_ in "ab"]
        ),
        "DRAINING/DRAINING",
    ),
    (
        "express_gateway_services_active",
        models.CreateExpressGatewayServiceResponse(service=seen("express_gateway_services_active", "ACTIVE")),
        "ACTIVE",
    ),
]


@pytest.mark.parametrize(("wait", "answer", "look"), BEGINNINGS)
def test_an_answer_that_is_no_end_needs_a_look_at_once(wait: str, answer: Any, look: str) -> None:
    """Others may not see it yet, and what it says may be of long ago."""
    run = run_both(family_of(wait), look, lambda: flow_of(wait, answer))
    assert (run.verdict, run.elapsed, len(run.calls)) == ("ok", 0, 1)
    late = run_both(family_of(wait), f"- - {look}", lambda: flow_of(wait, answer))
    assert (late.verdict, len(late.calls)) == ("ok", 3)


ARNS: list[tuple[str, Any, str]] = [
    ("daemons_active", models.CreateDaemonResponse(daemon_arn=f"{HOME}daemon/prod/a", status="ACTIVE"), "ACTIVE"),
    ("daemons_active", models.DaemonSummary(daemon_arn=f"{HOME}daemon/prod/a"), "ACTIVE"),
    (
        "daemon_deployments_successful",
        models.UpdateDaemonResponse(deployment_arn=f"{HOME}daemon-deployment/prod/log/a"),
        "SUCCESSFUL",
    ),
    (
        "daemon_task_definitions_active",
        models.RegisterDaemonTaskDefinitionResponse(daemon_task_definition_arn=f"{HOME}daemon-task-definition/a:1"),
        "ACTIVE",
    ),
    ("gateways_active", models.CreateGatewayResponse(gateway_arn=f"{HOME}gateway/a", status="ACTIVE"), "ACTIVE"),
    (
        "gateway_routes_active",
        models.GatewayRouteSummary(gateway_route_arn=f"{HOME}gateway-route/edge/a", status="ACTIVE"),
        "ACTIVE",
    ),
]


@pytest.mark.parametrize(("wait", "answer", "state"), ARNS)
def test_an_answer_that_shows_a_part_only_tells_where_to_look(wait: str, answer: Any, state: str) -> None:
    """What a wait returns is complete."""
    run = run_both(family_of(wait), state, lambda: flow_of(wait, answer))
    assert run.verdict == "ok"
    assert run.calls[0].now == 0
    assert run.result == [seen(wait, state)]


@pytest.mark.parametrize(
    ("wait", "answer"),
    [
        ("daemon_deployments_successful", models.CreateDaemonResponse(daemon_arn="arn:x")),
        ("gateways_deleted", models.DeleteGatewayResponse(name="a")),
        ("container_instances_drained", models.UpdateContainerInstancesStateResponse()),
    ],
)
def test_an_answer_that_tells_nothing_is_bad_input(wait: str, answer: Any) -> None:
    """Before anything is sent."""
    with pytest.raises(RequestError, match=r"does not hold the ARN|expected at least one"):
        flow_of(wait, answer)


def test_a_deleted_daemon_may_be_gone_before_the_first_look() -> None:
    """What DeleteDaemon answered shows that it was there."""
    arn = family_of("daemons_deleted").arn()
    answer = models.DeleteDaemonResponse(daemon_arn=arn, status="DELETE_IN_PROGRESS")
    run = run_both(family_of("daemons_deleted"), "-", lambda: flow_of("daemons_deleted", answer))
    assert run.result == [models.DaemonDetail(daemon_arn=arn, status="DELETE_IN_PROGRESS")]


def test_failures_of_an_answer_raise() -> None:
    """With the answer, so that what was done can be taken care of."""
    answer = models.DeleteTaskDefinitionsResponse(
        task_definitions=[seen("task_definitions_deleted", "DELETE_IN_PROGRESS")],
        failures=[models.Failure(reason="ACTIVE")],
    )
    with pytest.raises(FailuresError) as caught:
        flow_of("task_definitions_deleted", answer)
    assert caught.value.response is answer


# How many.


@pytest.mark.parametrize(
    ("wait", "at_once"),
    [
        ("clusters_active", 100),
        ("container_instances_registered", 100),
        ("capacity_providers_active", 10),
        ("task_sets_steady", 10),
        ("daemon_deployments_successful", 20),
        ("daemons_active", 1),
        ("gateways_active", 1),
        ("express_gateway_services_active", 1),
    ],
)
def test_as_many_go_in_a_call_as_it_takes(wait: str, at_once: int) -> None:
    """Each asked for once a look."""
    family = family_of(wait)
    arns = [family.arn(f"t{i}") for i in range(2 * at_once + 1)]
    run = run_both(family, "-", lambda: flow_of(wait, arns, max_polls=1))
    assert sorted(len(ask.ids) for ask in run.calls) == [1, at_once, at_once]
    assert set(Counter(id_ for ask in run.calls for id_ in ask.ids).values()) == {1}


def test_finished_deployments_are_not_looked_at_again() -> None:
    """They never change; daemons and clusters may."""
    wait = "daemon_deployments_successful"
    arns = [family_of(wait).arn(id_) for id_ in "ab"]
    run = run_both(
        family_of(wait), "SUCCESSFUL/PENDING SUCCESSFUL/IN_PROGRESS -/SUCCESSFUL", lambda: flow_of(wait, arns)
    )
    assert [len(ask.ids) for ask in run.calls] == [2, 1, 1]


# EC2 instances.


def listing(*pages: list[str]) -> Mapping[str, Any]:
    """Return what answers ListContainerInstances, page by page."""

    def answer(params: Mapping[str, Any]) -> dict[str, Any]:
        index = int(params.get("nextToken", "0"))
        arns = [f"{HOME}container-instance/prod/{id_}" for id_ in pages[index]]
        return {"containerInstanceArns": arns, **({"nextToken": str(index + 1)} if index + 1 < len(pages) else {})}

    return {"ListContainerInstances": answer}


def test_container_instances_are_found_by_the_ids_of_their_machines() -> None:
    """Through a filter, page by page; beside others that are named by id."""
    wait = "container_instances_registered"
    run = run_both(
        family_of(wait),
        "ACTIVE/ACTIVE/ACTIVE",
        lambda: flow_of(wait, ["i-a", "c", "mi-b"], cluster="prod", max_polls=1),
        listing(["a"], ["b"]),
    )
    assert run.verdict == "NotVisible"  # the scripted ECS calls it i-b
    assert [*run.story.reasons] == ["mi-b"]
    described, *listed = run.calls
    assert (described.operation, described.ids) == ("DescribeContainerInstances", ("c", "a", "b"))
    assert dict(listed[0].more)["filter"] == "ec2InstanceId in [i-a,mi-b]"
    assert [ask.operation for ask in listed] == ["ListContainerInstances"] * 2


def test_a_machine_that_is_not_registered_yet_takes_no_second_call() -> None:
    """There is nothing to describe."""
    wait = "container_instances_registered"
    run = run_both(family_of(wait), "-", lambda: flow_of(wait, "i-a", cluster="prod", visibility_grace=3), listing([]))
    assert run.verdict == "NotVisible"
    assert {ask.operation for ask in run.calls} == {"ListContainerInstances"}


def test_of_two_registrations_of_a_machine_the_last_counts() -> None:
    """Its agent may have lost its memory."""
    family = family_of("container_instances_connected")

    def wire(id_: str, *state: str) -> dict[str, Any]:
        at = datetime(2026, 1, 1 if id_ == "b" else 2, tzinfo=timezone.utc).timestamp()
        return {**family.wire(id_, *state), "ec2InstanceId": "i-0", "registeredAt": at}

    twice = Family(family.operation, family.asks, family.answers, wire)
    run = run_both(
        twice,
        "ACTIVE+connected/ACTIVE",
        lambda: flow_of("container_instances_connected", "i-0", cluster="prod"),
        listing(["a", "b"]),
    )
    assert run.result is not None
    assert [one.container_instance_arn for one in run.result] == [family.arn("a")]
