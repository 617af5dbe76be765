"""Pages over real HTTP: followed lazily to the end, never in a circle, and left cleanly."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ecskit import errors, models

from .model_server import Answer, ModelServer
from .support import (
    API,
    SHAPES,
    Caller,
    Sampler,
    attribute_name,
    build,
    drained,
    following,
    input_shape,
    output_shape,
    read,
    shut,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

ITEMS = {
    "DescribeCapacityProviders": "capacityProviders",
    "ListAccountSettings": "settings",
    "ListAttributes": "attributes",
    "ListClusters": "clusterArns",
    "ListContainerInstances": "containerInstanceArns",
    "ListDaemonDeployments": "daemonDeployments",
    "ListDaemonTaskDefinitions": "daemonTaskDefinitions",
    "ListDaemons": "daemonSummariesList",
    "ListGatewayClusterAssociations": "gatewayClusterAssociations",
    "ListGatewayRoutes": "gatewayRoutes",
    "ListGateways": "gateways",
    "ListServiceDeployments": "serviceDeployments",
    "ListServices": "serviceArns",
    "ListServicesByNamespace": "serviceArns",
    "ListTaskDefinitionFamilies": "families",
    "ListTaskDefinitions": "taskDefinitionArns",
    "ListTasks": "taskArns",
}
PAGED = [*ITEMS, "DescribeGatewayResources"]


def arguments_of(operation: str) -> dict[str, Any]:
    shape = input_shape(operation)
    members = SHAPES[shape]["members"]
    return {attribute_name(m): build(members[m]["shape"], v) for m, v in Sampler(full=False).make(shape).items()}


def page(operation: str, token: str | None, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = Sampler(full=True).make(output_shape(operation))
    made.pop("nextToken")
    made.pop("failures", None)
    return {**made, **more} if token is None else {**made, **more, "nextToken": token}


def of(ecs: Caller, operation: str, **more: Any) -> Any:
    return ecs.paginate(attribute_name(operation), **arguments_of(operation), **more)


def clusters(*arns: str, token: str | None = None) -> Answer:
    return Answer.of({"clusterArns": list(arns), **({} if token is None else {"nextToken": token})})


async def test_all_paged_operations_are_tested() -> None:
    """Those whose input and output have a token."""
    found = {
        operation
        for operation in API["operations"]
        if "nextToken" in SHAPES[input_shape(operation)]["members"]
        and "nextToken" in SHAPES[output_shape(operation)]["members"]
    }
    assert set(PAGED) == found
    assert len(found) == 18


@pytest.mark.parametrize(("operation", "member"), ITEMS.items())
async def test_items_of_all_pages_come_in_order(ecs: Caller, server: ModelServer, operation: str, member: str) -> None:
    """Iterating yields each item of each page; each request differs from the first in its token only."""
    answers = [page(operation, "two"), page(operation, "three", **{member: []}), page(operation, None)]
    server.will(*map(Answer.of, answers))
    found = await drained(of(ecs, operation))
    shape = SHAPES[SHAPES[output_shape(operation)]["members"][member]["shape"]]["member"]["shape"]
    assert [item for answer in answers for item in answer[member]] == [read(shape, item) for item in found]
    first = server.seen[0].input
    assert [first, {**first, "nextToken": "two"}, {**first, "nextToken": "three"}] == [s.input for s in server.seen]


@pytest.mark.parametrize("operation", PAGED)
async def test_pages_are_responses(ecs: Caller, server: ModelServer, operation: str) -> None:
    """`pages()` yields each answer whole, with its metadata."""
    answers = [page(operation, "two"), page(operation, None)]
    server.will(*map(Answer.of, answers))
    found = await drained(of(ecs, operation).pages())
    assert answers == [read(output_shape(operation), response) for response in found]
    assert [200, 200] == [response.metadata.http_status for response in found]


@pytest.mark.parametrize("operation", PAGED)
async def test_size_and_start_can_be_given(ecs: Caller, server: ModelServer, operation: str) -> None:
    """`page_size` goes out with each request, `starting_token` with the first."""
    server.will(Answer.of(page(operation, "two")), Answer.of(page(operation, None)))
    await drained(of(ecs, operation, page_size=7, starting_token="one").pages())
    assert [(7, "one"), (7, "two")] == [(s.input["maxResults"], s.input["nextToken"]) for s in server.seen]


async def test_what_has_no_items_is_not_iterated(ecs: Caller) -> None:
    """The pages of DescribeGatewayResources hold no one list: only its pages can be followed."""
    paginator = ecs.paginate("describe_gateway_resources", gateway="g")
    assert not hasattr(paginator, "__iter__")
    assert not hasattr(paginator, "__aiter__")


async def test_other_arguments_go_out_with_each_page(ecs: Caller, server: ModelServer) -> None:
    """A filter holds for all pages."""
    server.will(Answer.of({"taskArns": [], "nextToken": "2"}), Answer.of({"taskArns": []}))
    await drained(ecs.paginate("list_tasks", cluster="c", desired_status="STOPPED"))
    expected = {"cluster": "c", "desiredStatus": "STOPPED"}
    assert [expected, {**expected, "nextToken": "2"}] == [s.input for s in server.seen]


@pytest.mark.parametrize("token", ["", None])
async def test_an_empty_token_ends_the_list(ecs: Caller, server: ModelServer, token: str | None) -> None:
    """As a missing one does."""
    server.will(Answer.of({"clusterArns": ["a"], "nextToken": token}))
    assert ["a"] == await drained(ecs.paginate("list_clusters"))
    assert len(server.seen) == 1


@pytest.mark.parametrize("tokens", [["x", "x"], ["x", "y", "x"], ["start"]])
async def test_a_repeated_token_is_an_error(ecs: Caller, server: ModelServer, tokens: list[str]) -> None:
    """A list that comes round to a token it had would never end; what came before is yielded."""
    server.will(*[clusters(str(i), token=token) for i, token in enumerate(tokens)])
    found = []
    with pytest.raises(errors.PaginationError, match="ListClusters: ECS sent the same page token twice"):
        paginator = ecs.paginate("list_clusters", starting_token="start" if tokens == ["start"] else None)
        async for item in asynchronous(paginator):
            found.append(item)
    assert [str(i) for i in range(len(tokens))] == found
    assert len(tokens) == len(server.seen)


FAILURE = {"arn": "arn:2", "reason": "MISSING"}


def providers(*names: str, token: str | None = None, failed: bool = False) -> Answer:
    value: dict[str, Any] = {"capacityProviders": [{"name": name} for name in names]}
    value |= {"failures": [FAILURE]} if failed else {}
    return Answer.of(value | ({"nextToken": token} if token else {}))


async def test_failures_are_raised_after_the_items_beside_them(ecs: Caller, server: ModelServer) -> None:
    """All that came with them is yielded first; the next page is not asked for."""
    server.will(providers("a", token="2"), providers("b", token="3", failed=True))
    found = []
    with pytest.raises(errors.FailuresError) as caught:
        async for item in asynchronous(ecs.paginate("describe_capacity_providers")):
            found.append(item.name)
    assert (["a", "b"], 2) == (found, len(server.seen))
    assert (models.Failure(arn="arn:2", reason="MISSING"),) == caught.value.failures
    assert "b" == caught.value.response.capacity_providers[0].name
    expected = r"DescribeCapacityProviders: 1 failed: MISSING for arn:2 \(request request-\d+\)"
    assert re.fullmatch(expected, str(caught.value))


async def test_failures_in_pages_are_left_to_the_caller(ecs: Caller, server: ModelServer) -> None:
    """`pages()` raises nothing: the failures are in the response."""
    server.will(providers("a", token="2", failed=True), providers("b"))
    found = await drained(ecs.paginate("describe_capacity_providers").pages())
    assert [1, 0] == [len(response.failures) for response in found]


class TestLaziness:
    """Nothing is sent before the first item is requested."""

    async def test_nothing_is_sent_before_iteration(self, ecs: Caller, server: ModelServer) -> None:
        """Neither a paginator nor its generator sends anything."""
        paginator = ecs.paginate("list_clusters")
        await shut(paginator.pages())
        await shut(iterator(paginator))
        assert server.seen == []

    async def test_the_next_page_comes_when_it_is_needed(self, ecs: Caller, server: ModelServer) -> None:
        """The items of a page are handed out before the next page is asked for."""
        server.will(clusters("a", "b", token="2"), clusters("c"))
        items = iterator(ecs.paginate("list_clusters"))
        seen = []
        for _ in range(3):
            seen.append((await following(items), len(server.seen)))
        assert [("a", 1), ("b", 1), ("c", 2)] == seen
        await shut(items)

    async def test_leaving_in_the_middle_sends_nothing_more(self, ecs: Caller, server: ModelServer) -> None:
        """A loop that breaks leaves the client as usable as ever."""
        server.will(clusters("a", "b", token="2"))
        items = iterator(ecs.paginate("list_clusters"))
        assert "a" == await following(items)
        await shut(items)
        assert ["z"] == list((await self.answered(ecs, server, "z")).cluster_arns)
        assert len(server.seen) == 2

    @staticmethod
    async def answered(ecs: Caller, server: ModelServer, arn: str) -> Any:
        server.will(clusters(arn))
        return await ecs.call("list_clusters")

    async def test_a_closed_generator_is_at_its_end(self, ecs: Caller, server: ModelServer) -> None:
        """It yields nothing more, and closing it again does nothing."""
        server.will(clusters("a", "b", token="2"))
        items = iterator(ecs.paginate("list_clusters"))
        await following(items)
        await shut(items)
        await shut(items)
        assert [] == await drained(items)

    async def test_each_iteration_starts_anew(self, ecs: Caller, server: ModelServer) -> None:
        """A paginator can be iterated over again."""
        server.will(clusters("a", token="2"), clusters("b"), clusters("c"))
        paginator = ecs.paginate("list_clusters")
        assert [["a", "b"], ["c"]] == [await drained(paginator), await drained(paginator)]
        assert "nextToken" not in server.last.input


async def test_an_error_on_a_later_page_is_raised_there(ecs: Caller, server: ModelServer) -> None:
    """What came before it was yielded."""
    server.will(clusters("a", token="2"), Answer.error("InvalidParameterException", "the token has expired"))
    found = []
    with pytest.raises(errors.InvalidParameterException, match="the token has expired"):
        async for item in asynchronous(ecs.paginate("list_clusters")):
            found.append(item)
    assert ["a"] == found


async def test_wrong_arguments_are_reported_on_iteration(ecs: Caller, server: ModelServer) -> None:
    """As with the operation itself."""
    with pytest.raises(errors.RequestError, match="page_size: expected int, got str"):
        await drained(ecs.paginate("list_clusters", page_size="7"))
    assert server.seen == []


def iterator(iterable: Any) -> Any:
    """Return the generator of an iterable of either colour."""
    return iter(iterable) if hasattr(iterable, "__iter__") else aiter(iterable)


async def asynchronous(iterable: Any) -> AsyncIterator[Any]:
    """Iterate over an iterable of either colour."""
    if hasattr(iterable, "__iter__"):
        for item in iterable:
            yield item
    else:
        async for item in iterable:
            yield item
