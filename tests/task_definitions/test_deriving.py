"""Derive: named members change, others stay, and unknown names are errors."""

from __future__ import annotations

import warnings
from typing import Any

import attrs
import pytest
from hypothesis import given, settings, strategies as st

from ecskit.errors import RequestError
from ecskit.models import KeyValuePair, RegisterTaskDefinitionRequest, Secret, Tag
from ecskit.task_definitions import derive, diff, to_register_request
from ecskit.testing import Simulator

from .support import SECRET, container, definitions, described, fargate, register, request

BASE = request(
    fargate(
        container(
            environment=[{"name": "MODE", "value": "blue"}, {"name": "LEVEL", "value": "info"}],
            secrets=[{"name": "TOKEN", "valueFrom": "token"}],
            tomorrow=1,
        ),
        container("sidecar", essential=False),
        tags=[{"key": "team", "value": "data"}],
    )
)


def app(derived: RegisterTaskDefinitionRequest) -> Any:
    return derived.container_definitions[0]


def test_images_change() -> None:
    """Of the containers that are named."""
    derived = derive(BASE, images={"app": "nginx:2"})
    assert [each.image for each in derived.container_definitions] == ["nginx:2", "nginx:1.29"]
    assert attrs.evolve(derived, container_definitions=BASE.container_definitions) == BASE
    assert app(derived).extra_fields == {"tomorrow": 1}


def test_variables_are_set_added_and_taken_away() -> None:
    """In their order, new ones at the end; those that are not named stay."""
    derived = derive(BASE, environment={"app": {"LEVEL": "debug", "NEW": "", "MODE": None, "GHOST": None}})
    assert app(derived).environment == [KeyValuePair(name="LEVEL", value="debug"), KeyValuePair(name="NEW", value="")]
    assert app(derived).secrets == app(BASE).secrets


def test_secrets_are_set_added_and_taken_away() -> None:
    """As variables are."""
    derived = derive(BASE, secrets={"app": {"TOKEN": None, "KEY": "key"}, "sidecar": {"KEY": "key"}})
    assert [each.secrets for each in derived.container_definitions] == [[Secret(name="KEY", value_from="key")]] * 2
    assert not app(derive(BASE, secrets={"app": {"TOKEN": None}})).secrets


def test_a_variable_is_either_a_value_or_a_secret() -> None:
    """Setting it as one takes it away as the other."""
    derived = derive(BASE, secrets={"app": {"MODE": "mode"}}, environment={"app": {"TOKEN": "plain"}})
    assert [each.name for each in app(derived).environment] == ["LEVEL", "TOKEN"]
    assert [each.name for each in app(derived).secrets] == ["MODE"]
    with pytest.raises(RequestError, match=r"environment\['app'\]\['X'\]: is in `environment` and in `secrets`"):
        derive(BASE, secrets={"app": {"X": "x"}}, environment={"app": {"X": "x"}})
    both = derive(BASE, secrets={"app": {"MODE": "mode"}}, environment={"app": {"MODE": None}})
    assert [each.name for each in app(both).environment] == ["LEVEL"]


def test_the_size_of_the_task_changes() -> None:
    """As number or text."""
    derived = derive(BASE, cpu=1024, memory="2 GB")
    assert (derived.cpu, derived.memory) == ("1024", "2 GB")


def test_tags_are_those_of_the_request_or_those_that_are_given() -> None:
    """ECS describes them beside the definition."""
    tags = [Tag(key="stage", value="prod")]
    assert derive(BASE).tags == BASE.tags
    assert derive(BASE, tags=tags).tags == tags
    definition = register(Simulator(), fargate(tags=[{"key": "team"}]))
    assert not derive(definition).tags
    assert derive(definition, tags=tags).tags == tags


def test_errors_about_unknown_containers_list_the_known_ones() -> None:
    """All of them at once."""
    with pytest.raises(RequestError) as caught:
        derive(BASE, images={"ap": "x"}, environment={"web": {}}, secrets={"app": {}, "db": {}})
    text = "the definition has no such container; its containers are: app, sidecar"
    assert caught.value.problems == (("images['ap']", text), ("environment['web']", text), ("secrets['db']", text))


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"images": "nginx"}, "images"),
        ({"images": {"app": 3}}, "container_definitions[0].image"),
        ({"images": {"app": None}}, "images['app']"),
        ({"images": {"app": ""}}, "images['app']"),
        ({"images": ["app"]}, "images"),
        ({"environment": {"app": "A=b"}}, "environment['app']"),
        ({"environment": {"app": {"PORT": 80}}}, "container_definitions[0].environment[2].value"),
        ({"secrets": {"app": ["A"]}}, "secrets['app']"),
        ({"secrets": {"app": {"A": 1}}}, "container_definitions[0].secrets[1].value_from"),
        ({"cpu": True}, "cpu"),
        ({"cpu": 1.5}, "cpu"),
        ({"memory": ["1 GB"]}, "memory"),
        ({"tags": {"a": "b"}}, "tags"),
    ],
)
def test_errors_about_wrong_types_have_paths(arguments: dict[str, Any], path: str) -> None:
    """Before anything is sent."""
    with pytest.raises(RequestError) as caught:
        derive(BASE, **arguments)
    assert [where for where, _ in caught.value.problems] == [path]


@pytest.mark.parametrize("thing", ["web", None, {"family": "web"}])
def test_only_definitions_are_derived_from(thing: Any) -> None:
    """Names are not enough."""
    with pytest.raises(RequestError, match=f"got {type(thing).__name__}"):
        derive(thing)


def test_what_ecs_described_becomes_a_request() -> None:
    """Unknown members are kept. `keep` chooses among them, and a warning with the caller's line names the others."""
    shown = {**fargate(), "taskDefinitionArn": "arn", "revision": 3, "newMember": 1}
    definition = described(shown)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert derive(definition, images={"app": "x"}).extra_fields == {"newMember": 1}
        assert derive(definition, keep=["newMember"]).extra_fields == {"newMember": 1}
    with pytest.warns(UserWarning, match="newMember") as warned:
        assert not derive(definition, keep=[]).extra_fields
    assert [each.filename for each in warned] == [__file__]


def test_secrets_are_in_no_message() -> None:
    """Only paths are."""
    with pytest.raises(RequestError) as caught:
        derive(BASE, environment={"app": {"A": SECRET, "B": 3}})  # type: ignore[dict-item]  # the point
    assert SECRET not in str(caught.value)


@settings(max_examples=80, deadline=None)
@given(definition=definitions, data=st.data())
def test_deriving_is_pure_and_changes_what_is_said(definition: RegisterTaskDefinitionRequest, data: Any) -> None:
    """Without changes there is no difference; with changes, the difference is those; done twice, it is as done once."""
    before = repr(definition)
    assert not diff(definition, derive(definition))
    names = [each.name for each in definition.container_definitions]
    if len(set(names)) == len(names) and names:
        name = data.draw(st.sampled_from(names))
        arguments: dict[str, Any] = {
            "images": {name: data.draw(st.text(min_size=1, max_size=3))},
            "environment": {name: data.draw(st.dictionaries(st.text("abc", min_size=1), st.none() | st.text("x")))},
            "memory": data.draw(st.sampled_from([None, "1024"])),
        }
        derived = derive(definition, **arguments)
        paths = [change.path for change in diff(definition, derived)]
        there = f"container_definitions[{name!r}]."
        allowed = (f"{there}image", f"{there}environment[", f"{there}secrets[", "memory")
        assert all(path.startswith(allowed) for path in paths)
        assert derive(derived, **arguments) == derived
        assert (
            app(
                attrs.evolve(
                    derived, container_definitions=[c for c in derived.container_definitions if c.name == name]
                )
            ).image
            == arguments["images"][name]
        )
    assert repr(definition) == before


@settings(max_examples=50, deadline=None)
@given(definition=definitions)
def test_deriving_from_a_description_is_as_from_its_request(definition: RegisterTaskDefinitionRequest) -> None:
    """A description is a request, and what only answers have."""
    answer = described({"taskDefinitionArn": "arn", "revision": 1, **_wire(definition)})
    assert derive(answer, cpu="512") == attrs.evolve(to_register_request(answer), cpu="512")


def _wire(definition: RegisterTaskDefinitionRequest) -> dict[str, Any]:
    from ecskit._core.wire import encode

    return encode(definition)
