"""Add and remove tags of many resources: each once, in order, paced, and typed errors for what was not done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support import both_clients
from support.both_clients import Act, Aside, Ecs, Went, comparable
from support.definitions import register

from ecskit.bulk import BulkProgress
from ecskit.errors import BulkError, NotFoundError, RequestError, TagsNotAdded, TagsNotRemoved
from ecskit.models import Cluster, Tag, Task, TaskDefinition
from ecskit.testing import PUBLISHED_QUOTAS, Fault, Simulator

ACCOUNT = "arn:aws:ecs:us-east-1:123456789012"
[QUOTA] = [quota for quota in PUBLISHED_QUOTAS if "TagResource" in quota.operations]


def simulator(count: int = 2, **options: Any) -> Callable[[], Simulator]:
    """Return a function that makes a simulator with the revisions job:1, job:2 and so on, which have the tag `old`."""

    def make() -> Simulator:
        sim = Simulator(**options)
        for _ in range(count):
            register(sim, "job", {"name": "app", "image": "image:1"}, tags=[{"key": "old", "value": "1"}])
        return sim

    return make


def both(act: Act, make: Callable[[], Simulator]) -> Went:
    """Perform an act with both clients, and check that they did the same."""
    return both_clients.both(act, make, compared=lambda went: comparable(went, result=repr))


def jobs(*revisions: int) -> list[str]:
    return [f"{ACCOUNT}:task-definition/job:{revision}" for revision in revisions]


def tags(went: Went, arn: str) -> dict[str, str]:
    found = Simulator.handle(went.sim, "ListTagsForResource", Aside(resourceArn=arn))["tags"]
    return {tag["key"]: tag["value"] for tag in found}


def test_add_and_remove() -> None:
    """In the order given, each once; tags with other keys stay."""
    given = [*jobs(2, 1, 2)]
    went = both(lambda ecs: ecs.tags.add(given, tags={"team": "data", "empty": ""}), simulator())
    assert went.returned() == jobs(2, 1)
    assert [tags(went, arn) for arn in given] == 3 * [{"old": "1", "team": "data", "empty": ""}]
    assert went.operations == 2 * ["TagResource"]
    went = both(lambda ecs: ecs.tags.add(given[0], tags=[Tag(key="old", value="2"), Tag(key="none")]), simulator())
    assert tags(went, given[0]) == {"old": "2", "none": ""}
    went = both(lambda ecs: ecs.tags.remove(given, keys=["old", "never"]), simulator())
    assert went.returned() == jobs(2, 1)
    assert [tags(went, arn) for arn in given] == 3 * [{}]


def test_models_are_taken() -> None:
    """Each by its own ARN, not by that of its cluster."""
    cluster = f"{ACCOUNT}:cluster/default"

    def act(ecs: Any) -> Any:
        resources = [
            Cluster(cluster_arn=cluster, cluster_name="default", status="ACTIVE"),
            Task(task_arn=ecs.arns[0], cluster_arn=cluster, last_status="RUNNING", desired_status="RUNNING"),
            TaskDefinition(task_definition_arn=jobs(1)[0], family="job", revision=1),
        ]
        return ecs.tags.add(resources, tags={"team": "data"})

    def make() -> Simulator:
        sim = simulator()()
        network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
        sim.handle("RunTask", {"taskDefinition": "job", "launchType": "FARGATE", "networkConfiguration": network})
        return sim

    went = both(act, make)
    assert went.returned() == [cluster, went.sim.tasks()[0].arn, *jobs(1)]


@pytest.mark.parametrize(("scale", "codes"), [(1.0, {None}), (0.2, {None, "ThrottlingException"})])
def test_calls_are_paced(scale: float, codes: set[str | None]) -> None:
    """They take what ECS publishes, without a throttle. Where others take some of it, throttled calls are repeated."""
    ecs = Ecs.sync(simulator(40, quotas=[QUOTA.scaled(scale)])())
    given = jobs(*range(1, 41))
    went = both_clients.perform(lambda ecs: ecs.tags.remove(given, keys=["old"]), ecs)
    assert went.returned() == given
    assert {call.code for call in went.calls} == codes
    assert went.elapsed >= 2


def test_some_fail() -> None:
    """The error has what was done and what was not. Lost responses are repeated."""
    seen: list[BulkProgress] = []

    def make() -> Simulator:
        sim = simulator()()
        for operation in ("TagResource", "UntagResource"):
            sim.fail(operation, Fault.reset(after_effect=True))
        return sim

    act = lambda ecs: ecs.tags.add(jobs(1, 9, 2), tags={"team": "data"}, on_progress=seen.append)  # noqa: E731
    error = both(act, make).raised(TagsNotAdded)
    assert isinstance(error, BulkError)
    assert [*error.errors] == jobs(9)
    assert isinstance(error.errors[jobs(9)[0]], NotFoundError)
    assert [*error.results] == jobs(1, 2)
    assert str(error).startswith(f"TagResource failed for 1 of 3 resources: {jobs(9)[0]}: TagResource: ")
    assert {(each.name, each.error is None) for each in seen} == {(arn, arn != jobs(9)[0]) for arn in jobs(1, 2, 9)}
    assert (seen[2].done, seen[2].failed, seen[2].total) == (3, 1, 3)
    error = both(lambda ecs: ecs.tags.remove(jobs(9, 1), keys=["old"]), make).raised(TagsNotRemoved)
    assert [*error.results] == jobs(1)
    assert str(error).startswith("UntagResource failed for 1 of 2 resources: ")


def test_bad_input() -> None:
    """The message names the parameter, and nothing is sent. Values of tags are not shown."""

    def wrong(method: str, given: Any, **options: Any) -> str:
        went = both(lambda ecs: getattr(ecs.tags, method)(given, **options), simulator(0))
        assert went.calls == []
        return str(went.raised(RequestError))

    [job] = jobs(1)
    assert wrong("add", "job:1", tags={"a": "b"}) == (
        "tags.add: resources: 'job:1' is not the ARN of a resource of ECS; tags need the whole ARN"
    )
    assert "tags.remove: resources[1]: expected the ARN or the model of a resource, got int" in wrong(
        "remove", [job, 1], keys=["a"]
    )
    assert "got Tag" in wrong("add", Tag(key="a"), tags={})
    for given in (3, "text", [("a", "b")], None):
        assert "tags: expected a mapping of str to str, or a list of Tags, got" in wrong("add", job, tags=given)
    assert wrong("add", job, tags={"": "1", "aws:x": "1", "a": 3, "b": "hunter2" * 99}) == (
        "tags.add: tags: expected keys of 1 to 128 characters, got ''; tags: 'aws:x' begins with aws:, which AWS keeps"
        " for its own tags; tags: the value of 'a' is no str of at most 256 characters; tags: the value of 'b' is no"
        " str of at most 256 characters"
    )
    assert "tags: expected at most 50, got 51" in wrong("add", job, tags={str(n): "" for n in range(51)})
    assert "'a' is given 2 times" in wrong("add", job, tags=[Tag(key="a"), Tag(key="a")])
    assert "keys: expected a list of str, got str" in wrong("remove", job, keys="old")
    assert "keys: expected keys of 1 to 128 characters, got 3" in wrong("remove", job, keys=[3])
    assert "on_progress: expected a function, got int" in wrong("add", job, tags={}, on_progress=3)
