"""Code that is written as for boto3 raises errors that name what to write instead."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from ecskit import AsyncClient, Client, models
from ecskit._core.hints import CLIENT, DICT
from ecskit.testing import Simulator

SERVICE = {"serviceArn": "a", "serviceName": "web", "clusterArn": "c", "status": "ACTIVE"}
RESPONSE: Any = models.DescribeServicesResponse.from_dict({"services": [SERVICE]})

POSITIONAL: list[tuple[str, tuple[Any, ...], str]] = [
    ("describe_clusters", (["prod"],), "clusters=[...]"),
    ("list_tasks", ("prod",), "cluster=..."),
    ("list_tasks", ("prod", "i-1"), "cluster=..., container_instance=..."),
    ("describe_capacity_providers", ("prod", ["FARGATE"]), "cluster=..., capacity_providers=[...]"),
    ("list_clusters", (["a"],), ""),
]


@pytest.fixture(params=[Client, AsyncClient])
def client(request: pytest.FixtureRequest) -> Any:
    """Return a client of each kind. None of them sends a request."""
    sim = Simulator()
    return sim.client() if request.param is Client else sim.async_client()


@pytest.mark.parametrize(("method", "given", "keywords"), POSITIONAL)
async def test_positional_arguments_of_operations(
    client: Any, method: str, given: tuple[Any, ...], keywords: str
) -> None:
    """The message has the keywords that are probably meant."""
    with pytest.raises(TypeError) as caught:
        await getattr(client, method)(*given)
    expected = f"{type(client).__name__}.{method}() takes keyword arguments only"
    assert str(caught.value) == expected + (f": {keywords}" if keywords else "")


def test_positional_arguments_of_paginated_lists(client: Any) -> None:
    """They are refused when the list is made."""
    with pytest.raises(TypeError) as caught:
        client.paginate.list_services("prod")
    assert (
        str(caught.value)
        == f"{type(client.paginate).__name__}.list_services() takes keyword arguments only: cluster=..."
    )


@pytest.mark.parametrize("name", CLIENT)
def test_attributes_of_boto3_clients(client: Any, name: str) -> None:
    """Each name in the table is an AttributeError with its hint, also for `getattr` with a default and `hasattr`."""
    if name == "close" and isinstance(client, Client):
        return  # it has this method
    with pytest.raises(AttributeError) as caught:
        getattr(client, name)
    assert str(caught.value) == CLIENT[name]
    assert (name, client) == (caught.value.name, caught.value.obj)
    assert not hasattr(client, name)


def test_the_hint_for_waiters(client: Any) -> None:
    """The most frequent one, as a person reads it."""
    with pytest.raises(AttributeError, match=r"^waits are methods here: ecs\.wait\.tasks_running\(\.\.\.\)$"):
        client.get_waiter("tasks_running")


@pytest.mark.parametrize("name", ["rum_task", "_secret", "__wrapped__"])
def test_other_names_get_the_usual_error(client: Any, name: str) -> None:
    """With `name` and `obj`, from which Python makes its suggestion, such as `run_task`."""
    with pytest.raises(AttributeError) as caught:
        getattr(client, name)
    assert str(caught.value) == f"{type(client).__name__!r} object has no attribute {name!r}"
    assert (name, client) == (caught.value.name, caught.value.obj)


@pytest.mark.parametrize("base", [Client, AsyncClient])
def test_a_bug_in_a_property_shows_its_own_cause(base: type[Any]) -> None:
    """Also one that has the name of a hint; and an object without state does not recurse."""

    class Mine(base):  # type: ignore[misc]
        @property
        def newest(self) -> Any:
            return None.absent  # type: ignore[attr-defined]

        @property
        def team(self) -> Any:
            return self.budget

    bare = Mine.__new__(Mine)
    with pytest.raises(AttributeError, match="'NoneType' object has no attribute 'absent'"):
        _ = bare.newest
    with pytest.raises(AttributeError, match="'Mine' object has no attribute 'budget'"):
        _ = bare.team


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("services", "DescribeServicesResponse has attributes, not keys: .services instead of ['services']"),
        (
            "ResponseMetadata",
            "DescribeServicesResponse has attributes, not keys: .metadata instead of ['ResponseMetadata']",
        ),
        (0, "DescribeServicesResponse has attributes and is no dict; to_dict() returns one, with the names of ECS"),
    ],
)
def test_responses_have_no_keys(key: Any, message: str) -> None:
    """The message has the attribute, if the key is a member."""
    with pytest.raises(TypeError) as caught:
        _ = RESPONSE[key]
    assert str(caught.value) == message


def test_names_on_the_wire_are_no_keys_and_no_attributes() -> None:
    """The message has the name in Python."""
    service: Any = RESPONSE.services[0]
    with pytest.raises(
        TypeError, match=r"^Service has attributes, not keys: \.service_name instead of \['serviceName'\]$"
    ):
        _ = service["serviceName"]
    with pytest.raises(AttributeError, match=r"^Service has no attribute 'serviceName'; it is 'service_name' here$"):
        _ = service.serviceName


@pytest.mark.parametrize("name", DICT)
def test_responses_have_no_methods_of_dicts(name: str) -> None:
    """The message names `to_dict`."""
    with pytest.raises(AttributeError, match=r"^DescribeServicesResponse has attributes and is no dict; to_dict\(\) "):
        getattr(RESPONSE, name)


def test_a_member_that_has_such_a_name_is_one() -> None:
    """`values` is a member of one structure, and its attribute."""
    assert "x" in models.GatewayTestTrafficHeader(name="n", values=["x"]).values


def test_hints_make_no_model_a_collection() -> None:
    """Iteration, `in`, `dict` and `len` fail; copies and pickles are as before."""
    for use in (iter, list, dict, len, lambda value: "services" in value):
        with pytest.raises(TypeError):
            use(RESPONSE)
    assert not isinstance(RESPONSE, (Iterable, Sequence))
    assert RESPONSE == copy.deepcopy(RESPONSE) == pickle.loads(pickle.dumps(RESPONSE))
    bare = models.Service.__new__(models.Service)
    with pytest.raises(AttributeError, match="service_name"):
        _ = bare.service_name
