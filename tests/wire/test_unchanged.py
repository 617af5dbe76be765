"""Responses of polls: a resource that has not changed is the same model again, which refuses changes."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest
from support.definitions import register

from ecskit._core.effects import RawResponse
from ecskit._core.errors import MalformedResponseError
from ecskit._core.unchanged import FrozenDict, FrozenList, Unchanged
from ecskit._core.wire import decode_response, encode
from ecskit.models import DescribeServicesResponse, DescribeTasksResponse, Service, Task
from ecskit.testing import Simulator

from .support import OPERATIONS, Sampler, attribute_name, model_class, output_shape, parts

ARN = "arn:aws:ecs:eu-west-1:123456789012:task/prod/a"
TASK = {"taskArn": ARN, "lastStatus": "RUNNING", "desiredStatus": "RUNNING"}


def tasks(*statuses: str, **members: Any) -> dict[str, Any]:
    """Return a response with some tasks."""
    shown = [{**TASK, "taskArn": f"{ARN}{i}", "lastStatus": status, **members} for i, status in enumerate(statuses)]
    return {"failures": [], "tasks": shown}


def decoded(unchanged: Unchanged, data: Any, cls: type[Any] = DescribeTasksResponse) -> Any:
    """Decode the text of a response as polls do."""
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    return decode_response("Describe", cls, RawResponse(body, {"HTTPStatusCode": 200}), None, unchanged.read)


def plainly(data: Any, cls: type[Any] = DescribeTasksResponse) -> Any:
    """Decode the text of a response as calls do."""
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    return decode_response("Describe", cls, RawResponse(body, {"HTTPStatusCode": 200}), None)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_response_is_decoded_as_by_a_call(operation: str) -> None:
    """Equal, with the same repr and the same data, the first time and again."""
    data = Sampler(full=True).make(output_shape(operation))
    cls = model_class(output_shape(operation))
    plain, unchanged = plainly(data, cls), Unchanged()
    for _ in range(2):
        response = decoded(unchanged, data, cls)
        assert (response, repr(response), response.to_dict()) == (plain, repr(plain), plain.to_dict())


def test_only_what_changed_is_a_new_model() -> None:
    """Any member counts, unknown ones too, and so does the difference between 1, 1.0 and true."""
    unchanged = Unchanged()
    first = decoded(unchanged, tasks("RUNNING", "RUNNING", later={"x": [1]}))
    again = decoded(unchanged, tasks("RUNNING", "STOPPED", later={"x": [1]}))
    assert again.tasks[0] is first.tasks[0]
    assert [task.last_status for task in again.tasks] == ["RUNNING", "STOPPED"]
    odd = [decoded(unchanged, tasks("RUNNING", later={"x": [value]})).tasks[0] for value in (1, 1.0, True, 2, None)]
    assert [task is first.tasks[0] for task in odd] == [True, False, False, False, False]
    assert [repr(task.extra_fields["later"]["x"]) for task in odd] == ["[1]", "[1.0]", "[True]", "[2]", "[None]"]


def test_models_of_different_classes_are_apart() -> None:
    """Raw data that two classes can read makes a model of each."""
    unchanged = Unchanged()
    data = {**TASK, "serviceArn": "a", "serviceName": "b", "clusterArn": "c", "status": "ACTIVE"}
    data["taskArn"] = data["serviceArn"]
    [service] = decoded(unchanged, {"services": [data]}, DescribeServicesResponse).services
    [task] = decoded(unchanged, {"tasks": [data]}).tasks
    assert (type(service), type(task)) == (Service, Task)


def test_models_that_nothing_holds_are_forgotten() -> None:
    """The table is never larger than what waits hold."""
    unchanged = Unchanged()
    held = decoded(unchanged, tasks("RUNNING", "STOPPED")).tasks[0]
    gc.collect()
    assert [each() for each in unchanged._shown.values()] == [held]


def test_threads_share_models() -> None:
    """Each thread gets what it would have decoded by itself."""
    unchanged = Unchanged()
    bodies = [tasks(*states) for states in (("RUNNING",) * 20, ("PENDING", "RUNNING") * 10, ("STOPPED",) * 20)] * 40
    with ThreadPoolExecutor(8) as threads:
        responses = list(threads.map(lambda data: decoded(unchanged, data), bodies))
    for data, response in zip(bodies, responses, strict=True):
        assert response == plainly(data)


@pytest.mark.parametrize(
    "data",
    [
        {"tasks": [TASK, {"taskArn": "c"}]},
        {"tasks": [{**TASK, "containers": {}}, "x"]},
        {"tasks": {"taskArn": "a"}},
        [],
        None,
    ],
    ids=str,
)
def test_errors_name_the_place_as_those_of_calls_do(data: Any) -> None:
    """The path begins at the response, not at the resource."""
    with pytest.raises(MalformedResponseError) as plain:
        plainly(data)
    with pytest.raises(MalformedResponseError) as shared:
        decoded(Unchanged(), data)
    assert str(shared.value) == str(plain.value)


WHOLE = json.dumps(TASK)
AWKWARD: dict[str, str] = {
    "white space": '\n{ "tasks" :\t[ %s , %s ] , "failures" : [ ] }\r\n',
    "a null": '{"tasks":[null,%s,null],"failures":[]}',
    "none": '{"tasks":[],"failures":[]}',
    "the list is null": '{"tasks":null,"failures":[]}',
    "the list is absent": '{"failures":[]}',
    "the list comes twice": '{"tasks":[%s],"tasks":[null]}',
    "an unknown member": '{"later":{"tasks":[%s]},"tasks":[]}',
    "an unknown member of a failure": '{"failures":[{"later":{"tasks":[%s]}}],"tasks":[]}',
    "the text of a list in a text": '{"failures":[{"detail":"\\"tasks\\":["}],"tasks":[]}',
    "a task inside of a task": '{"tasks":[{"later":{"tasks":[%s]},' + WHOLE[1:] + "]}",
    "a task that begins as another one": '{"tasks":[' + WHOLE[:-1] + ', "version": 2}, %s]}',
    "braces and quotes in texts": '{"tasks":[' + WHOLE[:-1] + ', "group": "}\\"],{\\u007d\\ud83d\\ude00"}, %s]}',
    "another ARN first": '{"tasks":[{"containers":[{"taskArn":"b"}],' + WHOLE[1:] + ", %s]}",
    "an escape in the ARN": '{"tasks":[' + WHOLE.replace("arn:", "\\u0061rn:") + ", %s]}",
    "a member that comes twice": '{"tasks":[{"lastStatus":"PENDING",' + WHOLE[1:] + ", %s]}",
    "numbers": '{"tasks":[' + WHOLE[:-1] + ', "createdAt": 1e3, "later": [1E400, NaN, 123456789012345678901]}, %s]}',
}


@pytest.mark.parametrize("text", AWKWARD.values(), ids=list(AWKWARD))
def test_awkward_texts_are_decoded_as_by_a_call(text: str) -> None:
    """In any order after one another, so that tasks of one are unchanged in the next one."""
    unchanged, held = Unchanged(), list[Any]()
    for each in [*AWKWARD.values(), text, text]:
        body = each.replace("%s", WHOLE).encode()
        held.append(decoded(unchanged, body))
        assert repr(held[-1]) == repr(plainly(body))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"tasks":[',
        '{"tasks":[%s',
        '{"tasks":[%s,]}',
        '{"tasks":[%s%s]}',
        '{"tasks":[%s]',
        "\xff",
        '{"tasks":[%s]]}',
    ],
)
def test_what_is_no_json_is_refused_as_by_a_call(text: str) -> None:
    """With the same message, also after the task was decoded once."""
    unchanged, body = Unchanged(), text.replace("%s", WHOLE).encode("latin-1")
    held = decoded(unchanged, {"tasks": [TASK]})
    with pytest.raises(MalformedResponseError) as plain:
        plainly(body)
    with pytest.raises(MalformedResponseError) as shared:
        decoded(unchanged, body)
    assert str(shared.value) == str(plain.value)
    assert held.tasks


def test_doubles_of_the_botocore_client_are_decoded_as_by_a_call() -> None:
    """They answer with any objects, which have no text."""
    odd = object()
    raw = RawResponse(b"", {}, parsed={"tasks": [None, {**TASK, "odd": odd}]})
    none, task = decode_response("Describe", DescribeTasksResponse, raw, None, Unchanged().read).tasks
    assert none is None
    assert task is not None
    assert task.extra_fields["odd"] is odd


CHANGES: dict[str, Callable[[Any], Any]] = {
    "append": lambda held: held.append(1),
    "extend": lambda held: held.extend([1]),
    "insert": lambda held: held.insert(0, 1),
    "pop": lambda held: held.pop(),
    "pop a key": lambda held: held.pop("a", 1),
    "remove": lambda held: held.remove(1),
    "clear": lambda held: held.clear(),
    "sort": lambda held: held.sort(key=str),
    "reverse": lambda held: held.reverse(),
    "update": lambda held: held.update(a=1),
    "popitem": lambda held: held.popitem(),
    "setdefault": lambda held: held.setdefault("a", 1),
    "set": lambda held: held.__setitem__(0, 1),
    "set slice": lambda held: held.__setitem__(slice(None), []),
    "delete": lambda held: held.__delitem__(0),
    "+=": lambda held: held.__iadd__([1]),
    "*=": lambda held: held.__imul__(2),
    "|=": lambda held: held.__ior__({"a": 1}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_lists_and_maps_refuse_changes(change: Callable[[Any], Any]) -> None:
    """The error names the way out."""
    for usual, frozen in (([1, 2], FrozenList([1, 2])), ({"a": 1}, FrozenDict(a=1))):
        try:
            change(usual)
        except (AttributeError, TypeError):
            continue  # lists and dicts have different methods
        except KeyError:
            pass
        kind = type(usual).__name__
        with pytest.raises(TypeError, match=rf"this {kind} belongs to a model.*change a copy: {kind}\(\.\.\.\)"):
            change(frozen)
        assert frozen in ([1, 2], {"a": 1})


def test_every_way_to_change_a_list_or_a_map_is_refused() -> None:
    """Methods that later versions of Python add are found here."""
    reads = {"copy", "count", "index", "fromkeys", "get", "items", "keys", "values"}
    for cls in (FrozenList, FrozenDict):
        usual = cls.__mro__[1]
        names = {name for name in vars(usual) if not name.startswith("_")} - reads
        assert names <= vars(cls).keys()


@pytest.mark.parametrize("operation", ["DescribeTasks", "DescribeServices", "DescribeContainerInstances"])
def test_a_shared_model_is_used_as_any_other(operation: str) -> None:
    """All lists and maps in it are frozen, equal to usual ones, and usual ones in copies."""
    cls = model_class(output_shape(operation))
    data = Sampler(full=True).make(output_shape(operation))
    items = next(name for name in data if name != "failures")
    data[items][0]["later"] = {"deep": [{"a": [1]}]}
    responses = plainly(data, cls), decoded(Unchanged(), data, cls)
    plain, shared = (getattr(response, attribute_name(items))[0] for response in responses)
    held = [getattr(part, a.name) for part in parts(shared) for a in attrs.fields(type(part))]
    holders = {type(each) for each in held if isinstance(each, (list, dict))}
    assert holders == {FrozenList, FrozenDict}
    assert (encode(shared), json.dumps(shared.to_dict())) == (encode(plain), json.dumps(plain.to_dict()))
    for twin in (copy.deepcopy(shared), pickle.loads(pickle.dumps(shared)), pickle.loads(pickle.dumps(shared, 0))):
        assert (twin, repr(twin)) == (plain, repr(plain))
        twin.extra_fields["later"]["deep"][0]["a"].append(2)  # a usual list
    assert shared == plain


def prepared() -> tuple[Simulator, list[str]]:
    sim = Simulator()
    register(sim, "job", {"name": "app", "image": "image:1"})
    network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
    request = {"taskDefinition": "job", "launchType": "FARGATE", "networkConfiguration": network, "count": 2}
    return sim, [task["taskArn"] for task in sim.handle("RunTask", request)["tasks"]]


def check_shared(one: list[Task], other: list[Task], called: DescribeTasksResponse) -> None:
    """Waits share their tasks; a call has its own, with usual lists."""
    assert [a is b for a, b in zip(one, other, strict=True)] == [True, True]
    with pytest.raises(TypeError, match="belongs to a model"):
        one[0].containers.clear()  # type: ignore[attr-defined]  # a Sequence
    assert list(called.tasks) == one
    assert called.tasks[0] is not one[0]
    called.tasks[0].containers.clear()  # type: ignore[attr-defined]
    assert one[0].containers


def test_waits_of_one_client_share_models() -> None:
    """Two waits for the same tasks hold the same models; those of another client are others."""
    sim, arns = prepared()
    with sim.client() as ecs, sim.client() as other:
        one = ecs.wait.tasks_running(arns)
        check_shared(one, ecs.wait.tasks_running(arns), ecs.describe_tasks(tasks=arns))
        elsewhere = other.wait.tasks_running(arns)
        assert elsewhere == one
        assert elsewhere[0] is not one[0]


def test_waits_of_one_async_client_share_models() -> None:
    """The same with an async client."""
    sim, arns = prepared()

    async def main() -> None:
        async with sim.async_client() as ecs:
            one, other = await asyncio.gather(ecs.wait.tasks_running(arns), ecs.wait.tasks_running(arns))
            check_shared(one, other, await ecs.describe_tasks(tasks=arns))

    asyncio.run(main())
