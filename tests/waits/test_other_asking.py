"""The requests of waits for other resources than tasks: how targets are identified, and how many are in a request."""

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
"""The waits whose targets `Identifiers` describe; tasks have a module of their own."""
SCOPES = {
    "ContainerInstance": {"cluster": "prod"},
    "TaskSet": {"cluster": "prod", "service": "web"},
}


def parameter(wait: str) -> str:
    """Return the name of the parameter that takes the targets of a wait."""
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
def test_bad_targets_are_rejected_before_anything_is_sent(wait: str, things: Any, where: str, problem: str) -> None:
    """One error holds all problems, each with its path."""
    run = run_both(family_of(wait), "-", lambda: flow_of(wait, things, **SCOPES.get(WAITS[wait][1], {})))
    assert isinstance(run.error, RequestError), run.error
    assert run.calls == []
    assert run.error.subject == wait
    [(path, text)] = run.error.problems
    assert path == parameter(wait) + where
    assert problem in text


@pytest.mark.parametrize("wait", NAMED)
def test_all_bad_targets_are_in_one_error(wait: str) -> None:
    """One error holds all problems."""
    with pytest.raises(RequestError) as caught:
        flow_of(wait, ["", family_of(wait).arn(), "x y"])
    assert [path for path, _ in caught.value.problems] == [f"{parameter(wait)}[0]", f"{parameter(wait)}[2]"]


@pytest.mark.parametrize(
    ("wait", "things", "said", "path", "problem"),
    [
        ("container_instances_connected", "a", {}, "container_instances", "pass cluster="),
        ("container_instances_connected", "a", {"cluster": ""}, "cluster", "it is empty; pass the name or ARN"),
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
def test_parents_must_be_given_without_contradiction(
    wait: str, things: Any, said: Mapping[str, Any], path: str, problem: str
) -> None:
    """Cluster, service and containers are checked, and must not contradict ARNs or models."""
    run = run_both(family_of(wait), "-", lambda: flow_of(wait, things, **said))
    assert isinstance(run.error, RequestError)
    assert run.calls == []
    assert problem in dict(run.error.problems)[path]


@pytest.mark.parametrize("wait", OTHERS)
def test_bad_wait_options_are_rejected(wait: str) -> None:
    """Options are checked as in every wait."""
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
def test_targets_are_identified_by_name_id_or_arn(
    wait: str, state: str, things: str, said: Mapping[str, Any], targets: list[str]
) -> None:
    """Requests use the names, ids or ARNs that the operation accepts."""
    run = run_both(family_of(wait), state, lambda: flow_of(wait, things, **said))
    assert run.verdict == "ok", run.error
    assert [*run.calls[0].ids] == targets


@pytest.mark.parametrize(
    ("wait", "words", "name"),
    [("task_definitions_deleted", "DELETE_IN_PROGRESS -", "a:1"), ("daemon_task_definitions_active", "ACTIVE", "a:1")],
)
def test_revisions_are_identified_by_family_and_number(wait: str, words: str, name: str) -> None:
    """FAMILY:REVISION and ARN identify the same target."""
    run = run_both(family_of(wait), words, lambda: flow_of(wait, [name, family_of(wait).arn()]))
    assert run.verdict == "ok"
    assert run.result is not None
    assert run.result[0] == run.result[1]


def test_a_capacity_provider_contains_its_cluster() -> None:
    """The model of a provider with managed instances contains the cluster that requests need."""
    provider = models.CapacityProvider(name="a", cluster="prod", status="PROVISIONING")
    run = run_both(
        family_of("capacity_providers_active"), "ACTIVE", lambda: flow_of("capacity_providers_active", provider)
    )
    assert [(ask.ids, ask.more) for ask in run.calls] == [(("a",), (("cluster", "prod"),))]


def test_task_sets_of_two_services_take_two_requests() -> None:
    """Ids of task sets are unique within a service only."""
    arns = [f"{HOME}task-set/prod/{service}/ecs-svc/a" for service in ("web", "api")]
    run = run_both(family_of("task_sets_steady"), "-", lambda: flow_of("task_sets_steady", arns, max_polls=1))
    assert sorted(ask.more for ask in run.calls) == [
        (("cluster", "prod"), ("service", service)) for service in ("api", "web")
    ]


# Models and answers.


@pytest.mark.parametrize("wait", NAMED)
def test_a_model_counts_as_an_observation(wait: str) -> None:
    """A model delays the first poll. It counts as visible in waits for deletions only."""
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
def test_a_response_that_shows_the_deletion_needs_no_poll(wait: str, answer: Any, *, listed: bool) -> None:
    """A response that shows a deleted resource ends the wait, alone and in a list."""
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
def test_a_response_is_confirmed_by_a_poll_batch_size(wait: str, answer: Any, look: str) -> None:
    """A poll at once has to confirm a response, which may be new or outdated."""
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
def test_a_response_with_an_arn_only_is_polled_batch_size(wait: str, answer: Any, state: str) -> None:
    """The first poll is made at once, and its models are returned."""
    run = run_both(family_of(wait), state, lambda: flow_of(wait, answer))
    assert run.verdict == "ok"
    assert run.calls[0].now == 0
    assert run.result == [seen(wait, state)]


@pytest.mark.parametrize(
    ("wait", "answer"),
    [
        ("daemon_deployments_successful", models.CreateDaemonResponse(daemon_arn="arn:x")),
        ("gateways_deleted", models.DeleteGatewayResponse(name="a")),
    ],
)
def test_a_response_without_targets_is_rejected(wait: str, answer: Any) -> None:
    """The error is raised before anything is sent."""
    with pytest.raises(RequestError, match=r"does not hold the ARN"):
        flow_of(wait, answer)


def test_a_deleted_daemon_may_not_be_found_by_the_first_poll() -> None:
    """The response of DeleteDaemon proves that the daemon was visible."""
    arn = family_of("daemons_deleted").arn()
    answer = models.DeleteDaemonResponse(daemon_arn=arn, status="DELETE_IN_PROGRESS")
    run = run_both(family_of("daemons_deleted"), "-", lambda: flow_of("daemons_deleted", answer))
    assert run.result == [models.DaemonDetail(daemon_arn=arn, status="DELETE_IN_PROGRESS")]


def test_failures_of_a_response_raise() -> None:
    """The error holds the response, so that the caller can handle what did succeed."""
    answer = models.DeleteTaskDefinitionsResponse(
        task_definitions=[seen("task_definitions_deleted", "DELETE_IN_PROGRESS")],
        failures=[models.Failure(reason="ACTIVE")],
    )
    with pytest.raises(FailuresError) as caught:
        flow_of("task_definitions_deleted", answer)
    assert caught.value.response is answer


# How many.


@pytest.mark.parametrize(
    ("wait", "batch_size"),
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
def test_requests_hold_as_many_targets_as_the_operation_takes(wait: str, batch_size: int) -> None:
    """Each target is in one request of a poll."""
    family = family_of(wait)
    arns = [family.arn(f"t{i}") for i in range(2 * batch_size + 1)]
    run = run_both(family, "-", lambda: flow_of(wait, arns, max_polls=1))
    assert sorted(len(ask.ids) for ask in run.calls) == [1, batch_size, batch_size]
    assert set(Counter(id_ for ask in run.calls for id_ in ask.ids).values()) == {1}


def test_deployments_that_have_ended_are_not_polled_again() -> None:
    """The statuses of daemon deployments that have ended are final."""
    wait = "daemon_deployments_successful"
    arns = [family_of(wait).arn(id_) for id_ in "ab"]
    run = run_both(
        family_of(wait), "SUCCESSFUL/PENDING SUCCESSFUL/IN_PROGRESS -/SUCCESSFUL", lambda: flow_of(wait, arns)
    )
    assert [len(ask.ids) for ask in run.calls] == [2, 1, 1]


# EC2 instances.


def listing(*pages: list[str]) -> Mapping[str, Any]:
    """Return the function that answers ListContainerInstances, page by page."""

    def answer(params: Mapping[str, Any]) -> dict[str, Any]:
        index = int(params.get("nextToken", "0"))
        arns = [f"{HOME}container-instance/prod/{id_}" for id_ in pages[index]]
        return {"containerInstanceArns": arns, **({"nextToken": str(index + 1)} if index + 1 < len(pages) else {})}

    return {"ListContainerInstances": answer}


def test_container_instances_are_found_by_the_ids_of_their_machines() -> None:
    """Ids of machines are found with a filter, page by page; other ids are described directly."""
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


def test_a_machine_that_is_not_registered_yet_takes_no_second_request() -> None:
    """A machine without a container instance needs no describe request."""
    wait = "container_instances_registered"
    run = run_both(family_of(wait), "-", lambda: flow_of(wait, "i-a", cluster="prod", visibility_grace=3), listing([]))
    assert run.verdict == "NotVisible"
    assert {ask.operation for ask in run.calls} == {"ListContainerInstances"}


def test_of_two_registrations_of_a_machine_the_last_counts() -> None:
    """A machine whose agent lost its state is registered twice; the later registration counts."""
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
