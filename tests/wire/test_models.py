"""Models as values: absence, equality, what they show, what they keep, and their names on the wire."""

from __future__ import annotations

import copy
import json
import pickle
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, ClassVar

import attrs
import pytest

import ecskit
from ecskit import ABSENT_LIST, ABSENT_MAP, models
from ecskit._core.members import members
from ecskit._core.metadata import ResponseMetadata
from ecskit._core.model import Model

from .support import (
    API,
    ODD_NAMES,
    SHAPES,
    Sampler,
    attribute_name,
    build,
    misfits,
    model_class,
    parts,
    read,
    structures,
)

STRUCTURES = structures()
INPUTS = {operation["input"]["shape"] for operation in API["operations"].values()}
TRIPS: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "old pickle": lambda value: pickle.loads(pickle.dumps(value, protocol=0)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "dict": lambda value: type(value).from_dict(value.to_dict()) if isinstance(value, Model) else value,
    "JSON": lambda value: type(value).from_dict(json.loads(value.to_json())) if isinstance(value, Model) else value,
}
trips = pytest.mark.parametrize("trip", TRIPS.values(), ids=list(TRIPS))


def sample(shape: str) -> Any:
    return build(shape, Sampler(full=True).make(shape))


class TestAbsence:
    """What a list or map member holds when there is none."""

    @trips
    @pytest.mark.parametrize("absent", [ABSENT_LIST, ABSENT_MAP], ids=repr)
    def test_it_keeps_its_identity(self, trip: Callable[[Any], Any], absent: Any) -> None:
        """The singletons are what comes back from every kind of copy."""
        assert trip(absent) is absent

    @trips
    def test_it_keeps_its_identity_inside_a_model(self, trip: Callable[[Any], Any]) -> None:
        """Members that were absent are absent in the copy, and stay off the wire."""
        request = trip(models.RunTaskRequest(task_definition="web"))
        assert request.tags is ABSENT_LIST
        assert request.extra_fields is ABSENT_MAP
        assert {"taskDefinition": "web"} == ecskit.converter.unstructure(request)

    def test_it_keeps_its_identity_through_evolve(self) -> None:
        """Evolving one member leaves the others absent."""
        request = attrs.evolve(models.UpdateServiceRequest(service="web"), desired_count=2)
        assert request.load_balancers is ABSENT_LIST
        assert {"service": "web", "desiredCount": 2} == ecskit.converter.unstructure(request)

    def test_it_is_not_empty(self) -> None:
        """An absent list is not sent, an empty one is: ECS takes the second for an order to remove all."""
        absent = models.UpdateServiceRequest(service="web")
        empty = attrs.evolve(absent, load_balancers=[])
        assert {"service": "web"} == ecskit.converter.unstructure(absent)
        assert {"service": "web", "loadBalancers": []} == ecskit.converter.unstructure(empty)

    def test_nothing_is_in_it(self) -> None:
        """It behaves as the empty collection that it is."""
        assert (0, [], False) == (len(ABSENT_LIST), list(ABSENT_LIST), bool(ABSENT_LIST))
        assert (0, {}, False) == (len(ABSENT_MAP), dict(ABSENT_MAP), bool(ABSENT_MAP))
        assert isinstance(ABSENT_LIST, Sequence)
        assert isinstance(ABSENT_MAP, Mapping)
        with pytest.raises(IndexError):
            ABSENT_LIST[0]
        with pytest.raises(KeyError):
            ABSENT_MAP["key"]
        assert "x" not in ABSENT_LIST
        assert list(ABSENT_LIST[:]) == []

    @pytest.mark.parametrize("empty", [[], (), ABSENT_LIST])
    def test_an_absent_list_equals_an_empty_one(self, empty: Any) -> None:
        """For readers there is no difference."""
        assert empty == ABSENT_LIST
        assert ABSENT_LIST == empty
        assert ABSENT_LIST != [1]
        assert ABSENT_LIST != ABSENT_MAP

    def test_an_absent_map_equals_an_empty_one(self) -> None:
        """For readers there is no difference."""
        assert {} == ABSENT_MAP
        assert ABSENT_MAP == {}
        assert ABSENT_MAP != {"a": 1}
        assert ABSENT_MAP != []

    @pytest.mark.parametrize("absent", [ABSENT_LIST, ABSENT_MAP], ids=repr)
    def test_it_has_no_hash(self, absent: Any) -> None:
        """Neither have the collections it equals."""
        with pytest.raises(TypeError, match="unhashable"):
            hash(absent)


class TestEquality:
    """Models compare by content."""

    @pytest.mark.parametrize("many", [list, tuple, deque])
    def test_lists_compare_by_items(self, many: Any) -> None:
        """A list and a tuple of the same items make equal models."""
        one = models.DescribeTasksRequest(tasks=["a", "b"])
        assert one == models.DescribeTasksRequest(tasks=many(["a", "b"]))
        assert one != models.DescribeTasksRequest(tasks=many(["a", "c"]))
        assert one != models.DescribeTasksRequest(tasks=many(["a"]))

    def test_lists_in_lists_compare_by_items(self) -> None:
        """Also further down."""
        inside = [models.ContainerOverride(command=("a",)), models.ContainerOverride(command=["a"])]
        assert models.TaskOverride(container_overrides=[inside[0]]) == models.TaskOverride(
            container_overrides=(inside[1],)
        )

    def test_absent_equals_empty(self) -> None:
        """Models that differ only in an absent and an empty collection are equal."""
        assert models.RunTaskRequest(task_definition="w", tags=[]) == models.RunTaskRequest(task_definition="w")
        assert models.ContainerDefinition(docker_labels={}) == models.ContainerDefinition()

    def test_a_str_is_not_a_list_of_letters(self) -> None:
        """Even where both are sequences."""
        assert models.DescribeTasksRequest(tasks="ab") != models.DescribeTasksRequest(tasks=["a", "b"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    def test_classes_differ(self) -> None:
        """Two classes with the same members are two things."""
        one = models.ListTagsForResourceRequest(resource_arn="a")
        assert one != {"resource_arn": "a"}
        assert models.ClusterServiceConnectDefaults(namespace="n") != models.ClusterServiceConnectDefaultsRequest(
            namespace="n"
        )

    def test_extra_fields_count(self) -> None:
        """What is unknown is content too."""
        assert models.Tag(key="k", extra_fields={"x": 1}) != models.Tag(key="k")

    def test_metadata_does_not_count(self) -> None:
        """Two answers with the same content are equal, whatever exchange brought them."""
        one = models.ListClustersResponse(cluster_arns=["a"], metadata=ResponseMetadata(request_id="1"))
        assert one == models.ListClustersResponse(cluster_arns=["a"], metadata=ResponseMetadata(request_id="2"))

    def test_models_have_no_hash(self) -> None:
        """They hold lists and say so."""
        with pytest.raises(TypeError, match="unhashable type: 'Tag'"):
            hash(models.Tag(key="k"))

    def test_models_are_frozen(self) -> None:
        """No attribute can be set or added."""
        tag: Any = models.Tag(key="k")
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            tag.key = "other"
        with pytest.raises((attrs.exceptions.FrozenInstanceError, AttributeError)):
            tag.other = 1


class TestRepr:
    """What models show."""

    def test_absent_members_are_left_out(self) -> None:
        """A request with two of twenty members shows two."""
        assert "RunTaskRequest(task_definition='web', count=0)" == repr(
            models.RunTaskRequest(task_definition="web", count=0)
        )

    def test_empty_is_shown(self) -> None:
        """Because it is sent."""
        assert "UpdateServiceRequest(service='w', load_balancers=[])" == repr(
            models.UpdateServiceRequest(service="w", load_balancers=[])
        )

    def test_unknown_members_show_their_names(self) -> None:
        """It is unknown which of them are secret."""
        tag = models.Tag(key="k", extra_fields={"zeta": "secret", "alpha": 1})
        assert "Tag(key='k', extra_fields=<alpha, zeta>)" == repr(tag)

    def test_metadata_comes_last(self) -> None:
        """ECS's own members first."""
        response = models.TagResourceResponse(metadata=ResponseMetadata(request_id="r", http_status=200))
        assert repr(response).startswith(
            "TagResourceResponse(metadata=ResponseMetadata(request_id='r', http_status=200"
        )


class TestUnknownMembers:
    """What ECS adds tomorrow is kept."""

    TASK: ClassVar[dict[str, Any]] = {
        "taskArn": "t",
        "lastStatus": "L",
        "desiredStatus": "D",
        "tomorrow": {"deep": [1]},
        "containers": [{"new": None}],
    }

    def task(self) -> models.Task:
        return ecskit.converter.structure(copy.deepcopy(self.TASK), models.Task)

    def test_they_are_kept_by_their_wire_names(self) -> None:
        """At every level."""
        assert {"tomorrow": {"deep": [1]}} == self.task().extra_fields
        assert {"new": None} == self.task().containers[0].extra_fields

    @trips
    def test_they_survive_copies(self, trip: Callable[[Any], Any]) -> None:
        """Pickled or copied, they go back out."""
        assert self.TASK == ecskit.converter.unstructure(trip(self.task()))

    def test_they_survive_evolve(self) -> None:
        """Changing what is known keeps what is not."""
        changed = attrs.evolve(self.task(), last_status="OTHER")
        assert {**self.TASK, "lastStatus": "OTHER"} == ecskit.converter.unstructure(changed)

    def test_what_is_known_overrules_them(self) -> None:
        """A name that a newer ecskit knows is taken from its member."""
        tag = models.Tag(key="new", extra_fields={"key": "old"})
        assert {"key": "new"} == ecskit.converter.unstructure(tag)


def is_public(shape: str, model: Any) -> None:
    """It is in `ecskit.models`, as a frozen class with slots."""
    assert shape in models.__all__
    assert issubclass(model_class(shape), Model)
    assert not hasattr(model, "__dict__")


def is_made_from_keywords_and_read_back(shape: str, model: Any) -> None:
    """All members can be given, are of their declared types, and are what was given."""
    assert misfits(model) == []
    assert Sampler(full=True).make(shape) == read(shape, model)


def travels(_: str, model: Any) -> None:
    """Copies are equal and of the same class, down to their parts."""
    for trip in TRIPS.values():
        other = trip(model)
        assert model == other
        assert repr(model) == repr(other)
        assert [type(p) for p in parts(model)] == [type(p) for p in parts(other)]


def goes_both_ways(shape: str, model: Any) -> None:
    """Structuring what was unstructured yields an equal model."""
    assert model == ecskit.converter.structure(ecskit.converter.unstructure(model), model_class(shape))


def hides_what_is_sensitive(shape: str, model: Any) -> None:
    """Whatever the service model marks as sensitive is redacted wherever it is a member."""
    for name, target in SHAPES[shape]["members"].items():
        if SHAPES[target["shape"]].get("sensitive") and SHAPES[target["shape"]]["type"] != "structure":
            assert f"{attribute_name(name)}='***'" in repr(model)


def has_the_members_of_the_service_model(shape: str, model: Any) -> None:
    """No member is missing, none is invented, and each has its wire name."""
    expected = {attribute_name(wire): wire for wire in SHAPES[shape]["members"]}
    fields = {a.name for a in attrs.fields(type(model))} - {"extra_fields", "metadata"}
    assert expected == {m.name: m.wire for m in members(type(model))}
    assert set(expected) == fields


def demands_what_the_service_model_demands(shape: str, model: Any) -> None:
    """What is required cannot be left out. Only responses have more that is always there."""
    required = {attribute_name(m) for m in SHAPES[shape].get("required", ())}
    demanded = {a.name for a in attrs.fields(type(model)) if a.default is attrs.NOTHING}
    assert required <= demanded
    if shape in INPUTS:
        assert required == demanded


CHECKS = (
    is_public,
    is_made_from_keywords_and_read_back,
    travels,
    goes_both_ways,
    hides_what_is_sensitive,
    has_the_members_of_the_service_model,
    demands_what_the_service_model_demands,
)


@pytest.mark.parametrize("shape", STRUCTURES)
def test_every_model(shape: str) -> None:
    """One test for each class: a test costs more than a check."""
    model = sample(shape)
    for check in CHECKS:
        check(shape, model)


class TestPlainData:
    """`to_dict`, `to_json` and `from_dict`."""

    EVENTS = models.Service.from_dict(
        {
            "serviceArn": "a",
            "serviceName": "web",
            "clusterArn": "c",
            "status": "ACTIVE",
            "tags": [],
            "events": [{"createdAt": 1764363600, "tomorrow": [{"a": None}]}],
        }
    )

    def test_it_has_the_names_of_ecs_and_times_as_text(self) -> None:
        """Unknown members are kept, absent ones are left out."""
        assert self.EVENTS.to_dict() == {
            "serviceArn": "a",
            "serviceName": "web",
            "clusterArn": "c",
            "status": "ACTIVE",
            "tags": [],
            "events": [{"createdAt": "2025-11-28T21:00:00+00:00", "tomorrow": [{"a": None}]}],
        }

    def test_json_is_its_text(self) -> None:
        """In one line, or indented."""
        assert models.Tag(key="a", value="é").to_json() == '{"key": "a", "value": "\\u00e9"}'
        assert models.Tag(key="a").to_json(indent=2) == '{\n  "key": "a"\n}'

    def test_metadata_is_left_out(self) -> None:
        """It is about the exchange; boto3's responses have it, too."""
        wire = {"taskArns": [], "ResponseMetadata": {"RequestId": "r", "HTTPStatusCode": 200}}
        response = models.ListTasksResponse.from_dict(wire)
        assert response.metadata is not None
        assert response.metadata.request_id == "r"
        assert {"taskArns": []} == response.to_dict()

    @pytest.mark.parametrize("time", ["2025-11-28T21:00:00Z", 1764363600, 1764363600.0, datetime(2025, 11, 28, 21)])  # noqa: DTZ001
    def test_it_takes_any_form_of_a_time(self, time: Any) -> None:
        """ISO 8601 text, epoch seconds and datetimes, as boto3 and JSON have them."""
        event = models.ServiceEvent.from_dict({"createdAt": time})
        assert datetime(2025, 11, 28, 21, tzinfo=timezone.utc) == event.created_at

    def test_it_reads_what_does_not_fit_with_an_error(self) -> None:
        """The error names class and path, and shows no value."""
        with pytest.raises(ecskit.errors.RequestError) as caught:
            models.RunTaskResponse.from_dict({"tasks": "secret"})
        assert str(caught.value) == "RunTaskResponse: tasks: expected a list, got str"

    def test_it_shows_what_ecs_sent_although_it_is_odd(self) -> None:
        """A null inside of a list and a number in place of a text are data, too."""
        wire = {"taskArns": ["a", None, 3]}
        assert wire == models.ListTasksResponse.from_dict(wire).to_dict()

    def test_it_holds_sensitive_members(self) -> None:
        """It is the way to store a request; `repr` is for logs."""
        request = models.CreateDaemonRequest.from_dict(Sampler(full=True).make("CreateDaemonRequest"))
        assert "***" not in request.to_json()

    def test_what_json_cannot_hold_is_refused(self) -> None:
        """By the error of the standard library."""
        with pytest.raises(TypeError, match="object is not JSON serializable"):
            models.Tag(key=object()).to_json()  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_odd_names_are_used() -> None:
    """The table of names that break the rule has no name too many."""
    used = {wire for shape in STRUCTURES for wire in SHAPES[shape]["members"]}
    assert set(ODD_NAMES) <= used


def test_times_are_utc_whatever_they_were() -> None:
    """Seconds, ISO 8601 and datetimes of any zone become datetimes in UTC."""
    expected = datetime(2024, 1, 2, 3, 4, 5, 678000, timezone.utc)
    for reported in (
        1704164645.678,
        "2024-01-02T03:04:05.678Z",
        "2024-01-02T04:04:05.678+01:00",
        "2024-01-02T03:04:05.678000000Z"[:26] + "Z",
        expected,
        datetime(2024, 1, 2, 3, 4, 5, 678000),  # noqa: DTZ001  # boto3's answers have none, so this one is UTC
    ):
        found = ecskit.converter.structure({"before": reported}, models.CreatedAt).before
        assert found == expected
        assert found is not None
        assert found.tzinfo is timezone.utc


def test_boto3s_answers_can_be_structured() -> None:
    """The dict that boto3 returns becomes a response with its metadata."""
    theirs = {
        "clusterArns": ["a"],
        "ResponseMetadata": {"RequestId": "r", "HTTPStatusCode": 200, "RetryAttempts": 1, "HTTPHeaders": {}},
    }
    response = ecskit.converter.structure(theirs, models.ListClustersResponse)
    assert response.metadata is not None
    assert ("r", 200, 2) == (response.metadata.request_id, response.metadata.http_status, response.metadata.attempts)
    assert response.extra_fields is ABSENT_MAP


def test_the_converter_does_everything_else_as_cattrs_does() -> None:
    """Users' own classes that hold models go through it."""

    @attrs.frozen
    class Plan:
        name: str
        tags: list[models.Tag]

    plan = ecskit.converter.structure({"name": "p", "tags": [{"key": "k", "new": 1}]}, Plan)
    assert Plan("p", [models.Tag(key="k", extra_fields={"new": 1})]) == plan
    assert {"name": "p", "tags": [{"key": "k", "new": 1}]} == ecskit.converter.unstructure(plan)
