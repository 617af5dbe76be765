"""The counts that services show: the policies of `Simulator(counting=...)`, and counts that lag."""

from __future__ import annotations

from typing import Any, get_args

import attrs
import pytest
from support.definitions import NETWORK

from ecskit.testing import Counting, Lag, Simulator, TaskScript
from ecskit.testing.__main__ import parser, simulator_of

from .service_support import BREAKER, Shop
from .support import ARN, Wire

POLICIES: tuple[Counting, ...] = get_args(Counting)
PERCENTS = {"100/200": (100, 200), "50/150": (50, 150), "0/100": (0, 100)}


def shop(counting: Counting, percents: str = "100/200", lag: Lag | None = None, **members: Any) -> Shop:
    """Return a world whose service web is steady with 4 tasks."""
    made = Shop(counting=counting, lag=lag)
    low, high = PERCENTS[percents]
    configuration = {"minimumHealthyPercent": low, "maximumPercent": high, **members}
    made.ready(desiredCount=4, deploymentConfiguration=configuration)
    return made


def asked(service: Wire) -> tuple[int, ...]:
    """Return the desired count of each deployment, the PRIMARY one first."""
    return tuple(each["desiredCount"] for each in service["deployments"])


def course(made: Shop, seconds: int) -> list[tuple[int, ...]]:
    """Let seconds pass, and return the desired counts that DescribeServices shows, without repetitions."""
    seen = [asked(made.service())]
    for _ in range(seconds):
        made.pass_(1)
        now = asked(made.service())
        if now != seen[-1]:
            seen.append(now)
    return seen


# An answer to UpdateService in the shape of the one recorded in 2024; every value is made up.
PLACES: Wire = {
    "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1, "base": 0}],
    "platformVersion": "1.4.0",
    "platformFamily": "Linux",
    "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0aa"], "assignPublicIp": "ENABLED"}},
}
RECORDED_SHAPE: Wire = {
    "desiredCount": 4,
    "runningCount": 4,
    "pendingCount": 0,
    "deployments": [
        {
            "id": "ecs-svc/2000000000000000002",
            "status": "PRIMARY",
            "taskDefinition": f"{ARN}task-definition/shop:8",
            "desiredCount": 0,
            "pendingCount": 0,
            "runningCount": 0,
            "failedTasks": 0,
            "createdAt": "2024-03-01T10:00:00.5Z",
            "updatedAt": "2024-03-01T10:00:00.5Z",
            "rolloutState": "IN_PROGRESS",
            "rolloutStateReason": "ECS deployment ecs-svc/2000000000000000002 in progress.",
            **PLACES,
        },
        {
            "id": "ecs-svc/1000000000000000001",
            "status": "ACTIVE",
            "taskDefinition": f"{ARN}task-definition/shop:7",
            "desiredCount": 4,
            "pendingCount": 0,
            "runningCount": 4,
            "failedTasks": 0,
            "createdAt": "2024-02-01T10:00:00.5Z",
            "updatedAt": "2024-02-01T10:05:00.5Z",
            "rolloutState": "COMPLETED",
            "rolloutStateReason": "ECS deployment ecs-svc/1000000000000000001 completed.",
            **PLACES,
        },
    ],
}
SAME = ("status", "desiredCount", "pendingCount", "runningCount", "failedTasks", "rolloutState")


def test_an_update_is_answered_in_the_recorded_shape() -> None:
    """The members of each deployment, its counts and states are those of the recorded answer."""
    made = Shop()
    providers = {"capacityProviders": ["FARGATE"], "defaultCapacityProviderStrategy": []}
    made.do("PutClusterCapacityProviders", cluster="default", **providers)
    where = {
        "networkConfiguration": NETWORK,
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}],
    }
    made.do("CreateService", serviceName="web", taskDefinition="web", desiredCount=4, **where)
    made.pass_(60)
    answer = made.update(taskDefinition="next")
    for expected, actual in zip(RECORDED_SHAPE["deployments"], answer["deployments"], strict=True):
        assert set(expected) == set(actual)
        assert {name: expected[name] for name in SAME} == {name: actual[name] for name in SAME}
    for name in ("desiredCount", "runningCount", "pendingCount"):
        assert RECORDED_SHAPE[name] == answer[name]


@pytest.mark.parametrize(
    ("counting", "percents", "expected"),
    [
        ("zero_first", "100/200", [(0, 4), (4, 0), (4,)]),
        ("zero_first", "50/150", [(0, 4), (4, 0), (4,)]),
        ("zero_first", "0/100", [(0, 4), (4,)]),
        ("at_once", "100/200", [(4, 4), (4, 0), (4,)]),
        ("at_once", "50/150", [(4, 4), (4, 0), (4,)]),
        ("at_once", "0/100", [(4, 4), (4, 0), (4,)]),
        ("stepwise", "100/200", [(0, 4), (4, 4), (4, 0), (4,)]),
        ("stepwise", "50/150", [(0, 4), (2, 2), (4, 2), (4, 0), (4,)]),
        ("stepwise", "0/100", [(0, 4), (0, 0), (4, 0), (4,)]),
    ],
)
def test_rolling(counting: Counting, percents: str, expected: list[tuple[int, ...]]) -> None:
    """The counts of a rolling deployment from UpdateService to its end."""
    made = shop(counting, percents)
    made.update(taskDefinition="next")
    assert expected == course(made, 100)
    assert "SUCCESSFUL" == made.last.status


@pytest.mark.parametrize(
    ("counting", "expected"),
    [
        ("zero_first", [(0, 4), (4, 4), (4, 0), (4,)]),
        ("at_once", [(4, 4), (4, 0), (4,)]),
        ("stepwise", [(0, 4), (4, 4), (4, 0), (4,)]),
    ],
)
def test_blue_green(counting: Counting, expected: list[tuple[int, ...]]) -> None:
    """The old deployment keeps its count until CLEAN_UP."""
    made = shop(counting)
    made.update(taskDefinition="next", deploymentConfiguration={"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0})
    assert expected == course(made, 120)
    assert "SUCCESSFUL" == made.last.status


@pytest.mark.parametrize("strategy", ["ROLLING", "BLUE_GREEN"])
@pytest.mark.parametrize("counting", POLICIES)
def test_creation(counting: Counting, strategy: str) -> None:
    """The first deployment shows its count from the start, or 0 in the answer and all a second later."""
    made = Shop(counting=counting)
    created = made.create(desiredCount=4, deploymentConfiguration={"strategy": strategy})
    assert asked(created) == ((0,) if counting == "zero_first" else (4,))
    made.pass_(1)
    assert [(4,)] == course(made, 100)


@pytest.mark.parametrize("counting", POLICIES)
def test_scaling(counting: Counting) -> None:
    """Both counts change at once."""
    made = shop(counting)
    scaled = made.update(desiredCount=6)
    assert (6, (6,)) == (scaled["desiredCount"], asked(scaled))


@pytest.mark.parametrize("counting", POLICIES)
def test_scaling_in_two_steps(counting: Counting) -> None:
    """With `deployments_scale_after` the deployment's count follows later; the scheduler does not wait."""
    made = shop(counting, lag=Lag(deployments_scale_after=10))
    scaled = made.update(desiredCount=6)
    assert (6, (4,)) == (scaled["desiredCount"], asked(scaled))
    made.pass_(9)
    assert (4,) == asked(made.service())
    assert 2 == made.service()["pendingCount"]
    made.pass_(1)
    assert (6,) == asked(made.service())


@pytest.mark.parametrize(
    ("counting", "expected"),
    [
        ("zero_first", [(0, 4), (4, 0), (4,)]),
        ("at_once", [(4, 4), (4, 0), (4,)]),
        ("stepwise", [(0, 4), (4, 4), (4, 0), (4,)]),
    ],
)
def test_rolling_back(counting: Counting, expected: list[tuple[int, ...]]) -> None:
    """The deployment that is rolled back to has run, so it shows its count at once."""
    made = shop(counting, deploymentCircuitBreaker=BREAKER)
    made.update(taskDefinition="bad")
    seen = course(made, 200)
    assert expected == seen
    assert "ROLLBACK_SUCCESSFUL" == made.last.status


@pytest.mark.parametrize("counting", POLICIES)
def test_revisions_show_the_same_counts(counting: Counting) -> None:
    """`requestedTaskCount` of service and service deployment follows `desiredCount`."""
    made = shop(counting, "50/150")
    made.update(taskDefinition="next")
    for _ in range(60):
        made.pass_(1)
        service, rollout = made.service(), made.rollout()
        shown = [each["requestedTaskCount"] for each in service["currentServiceRevisions"]]
        assert list(asked(service)) == shown
        if rollout["status"] == "IN_PROGRESS":
            assert asked(service)[0] == rollout["targetServiceRevision"]["requestedTaskCount"]
            assert asked(service)[1] == rollout["sourceServiceRevisions"][0]["requestedTaskCount"]


def story(counting: Counting, strategy: str) -> list[Any]:
    """Deploy working and crashing tasks and scale, and return the true state every five seconds."""
    made = shop(counting, "50/150", strategy=strategy, deploymentCircuitBreaker=BREAKER)
    made.sim.script("next", [TaskScript(), TaskScript.exits(1, after=5), TaskScript.fails_to_pull(), TaskScript()])
    seen: list[Any] = []
    for change in ({"taskDefinition": "next"}, {"desiredCount": 7}, {"taskDefinition": "bad"}, {"desiredCount": 2}):
        made.update(**change)
        for _ in range(20):
            made.pass_(5)
            seen.append((made.state, made.sim.deployments("web"), made.sim.tasks(), made.service()["events"]))
    return seen


@pytest.mark.parametrize("strategy", ["ROLLING", "BLUE_GREEN"])
def test_the_scheduler_does_the_same_under_each_policy(strategy: str) -> None:
    """Services, deployments, tasks and events are the same under each policy: the shown counts affect reads only."""
    first = story("zero_first", strategy)
    for counting in ("at_once", "stepwise"):
        assert first == story(counting, strategy)


def test_counts_can_be_behind_the_tasks() -> None:
    """With `counts_behind` running and pending counts are those of some seconds ago."""
    made = Shop(lag=Lag(counts_behind=30))
    made.create(desiredCount=2)
    truth: list[tuple[int, int]] = []
    for _ in range(90):
        truth.append((made.state.running_count, made.state.pending_count))
        expected = truth[-31] if len(truth) > 30 else (0, 0)
        service = made.service()
        (deployment,) = service["deployments"]
        (revision,) = service["currentServiceRevisions"]
        assert expected == (service["runningCount"], service["pendingCount"])
        assert expected == (deployment["runningCount"], deployment["pendingCount"])
        assert expected == (revision["runningTaskCount"], revision["pendingTaskCount"])
        made.pass_(1)
    assert "SUCCESSFUL" == made.last.status
    assert (2, 0) == truth[-1]


def test_counts_are_behind_after_a_stop() -> None:
    """For that time a stopped task is counted as running, and its replacement is not."""
    made = Shop(lag=Lag(counts_behind=10))
    made.ready(desiredCount=1)
    [task] = made.sim.tasks("web")
    made.do("StopTask", task=task.arn)
    made.pass_(9)
    assert (0, 1) == (made.state.running_count, made.state.pending_count)
    assert (1, 0) == (made.service()["runningCount"], made.service()["pendingCount"])


def test_counts_of_task_sets_can_be_behind_too() -> None:
    """Running and pending counts of a task set are those of some seconds ago."""
    made = Shop(lag=Lag(counts_behind=30))
    made.do("CreateService", serviceName="web", desiredCount=2, deploymentController={"type": "EXTERNAL"})
    where = {"launchType": "FARGATE", "networkConfiguration": NETWORK}
    whole = {"value": 100, "unit": "PERCENT"}
    created = made.do("CreateTaskSet", cluster="default", service="web", taskDefinition="web", scale=whole, **where)[
        "taskSet"
    ]
    assert (0, 0) == (created["runningCount"], created["pendingCount"])
    made.pass_(25)
    assert (0, 0) == (made.service()["taskSets"][0]["runningCount"], made.service()["taskSets"][0]["pendingCount"])
    made.pass_(30)
    assert 2 == made.service()["taskSets"][0]["runningCount"]


@pytest.mark.parametrize("counting", POLICIES)
def test_the_command_line_chooses_the_policy(counting: Counting) -> None:
    """`--counting` sets the policy of the simulator."""
    made = Shop()
    made.sim = simulator_of(parser().parse_args(["--counting", counting, "--speed", "1"]), made.clock)
    for family in ("web", "next"):
        made.register(family)
    made.ready(desiredCount=4)
    made.update(taskDefinition="next")
    made.pass_(5)
    assert {"zero_first": (0, 4), "at_once": (4, 4), "stepwise": (4, 4)}[counting] == asked(made.service())


def test_an_unknown_policy_is_refused() -> None:
    """The error names the policies."""
    with pytest.raises(ValueError, match="counting must be one of zero_first, at_once, stepwise: 'slowly'"):
        Simulator(counting="slowly")  # type: ignore[arg-type]  # what is refused


@pytest.mark.parametrize("name", ["counts_behind", "deployments_scale_after"])
def test_seconds_must_not_be_negative(name: str) -> None:
    """A lag is 0 or more."""
    with pytest.raises(ValueError, match=name):
        attrs.evolve(Lag(), **{name: -1})
