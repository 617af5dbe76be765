"""ecskit against botocore's own serializer and parser, for generated values of every shape."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import pytest
import pytest_asyncio
from botocore.model import ServiceModel, Shape
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given, settings, strategies as st

import ecskit
from ecskit._core.effects import RawResponse
from ecskit._core.wire import decode_response

from .inprocess import Recorder
from .strategies import Noise, wire_values
from .support import (
    API,
    OPERATIONS,
    REGION,
    SHAPES,
    Caller,
    Sampler,
    in_seconds,
    input_shape,
    is_document,
    model_class,
    output_shape,
    read,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

BOTOCORE = ServiceModel(API, "ecs")
SERIALIZER = create_serializer("json")
PARSER = create_parser("json")
ANYTHING_NEW = Noise.UNKNOWN_MEMBERS | Noise.UNKNOWN_ENUMS
wire = settings.get_profile("wire")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def recorded(colour: str) -> AsyncIterator[tuple[Caller, Recorder]]:
    caller = Caller.open(colour, region_name=REGION, endpoint_url="http://127.0.0.1:9")
    yield caller, Recorder(await caller.botocore_client())
    await caller.close()


@pytest.mark.parametrize("operation", OPERATIONS)
@wire
@given(data=st.data())
async def test_requests_are_what_botocore_would_send(
    recorded: tuple[Caller, Recorder], operation: str, data: st.DataObject
) -> None:
    """The body on the wire is the one that botocore makes of the same parameters."""
    ecs, recorder = recorded
    parameters = without_empty(operation, data.draw(wire_values(input_shape(operation), Noise.DATETIMES)))
    if "clientToken" in SHAPES[input_shape(operation)]["members"]:
        parameters["clientToken"] = "token"
    theirs = SERIALIZER.serialize_to_request(parameters, BOTOCORE.operation_model(operation))
    recorder.answer = Sampler(full=False).make(output_shape(operation))
    await ecs.send(ecskit.converter.structure(parameters, model_class(input_shape(operation))))
    assert json.loads(theirs["body"]) == json.loads(recorder.body)


@pytest.mark.parametrize("operation", OPERATIONS)
@wire
@given(data=st.data())
async def test_responses_are_what_botocore_would_parse(operation: str, data: st.DataObject) -> None:
    """What ecskit decodes from the bytes of an answer is what botocore's parser finds in them."""
    shape = output_shape(operation)
    body = json.dumps(data.draw(wire_values(shape, Noise.UNKNOWN_ENUMS | Noise.NULLS))).encode()
    response = {"body": body, "headers": {}, "status_code": 200}
    theirs = PARSER.parse(response, cast("Shape", BOTOCORE.operation_model(operation).output_shape))
    theirs.pop("ResponseMetadata")
    ours = decode_response(operation, model_class(shape), RawResponse(body, {}), None)
    assert in_seconds(shape, theirs) == read(shape, ours)


@pytest.mark.parametrize("operation", OPERATIONS)
@wire
@given(data=st.data())
async def test_nothing_of_a_response_is_lost(operation: str, data: st.DataObject) -> None:
    """Unknown members and enum values of an answer are there when it is made a dict again; nulls count as absent."""
    shape = output_shape(operation)
    sent = data.draw(wire_values(shape, ANYTHING_NEW | Noise.NULLS))
    if sent.keys().isdisjoint(SHAPES[shape]["members"]):
        sent = {}  # an object with other members only is not taken for a response of ECS
    ours = decode_response(operation, model_class(shape), RawResponse(json.dumps(sent).encode(), {}), None)
    assert without_nulls(shape, in_seconds(shape, sent)) == in_seconds(shape, ecskit.converter.unstructure(ours))


@pytest.mark.parametrize("operation", OPERATIONS)
@wire
@given(data=st.data())
async def test_nothing_of_a_request_is_lost(
    recorded: tuple[Caller, Recorder], operation: str, data: st.DataObject
) -> None:
    """Members that no service model knows reach the server, at whatever depth they are."""
    ecs, recorder = recorded
    sent = without_empty(operation, data.draw(wire_values(input_shape(operation), ANYTHING_NEW)))
    if "clientToken" in SHAPES[input_shape(operation)]["members"]:
        sent["clientToken"] = "token"
    recorder.answer = Sampler(full=False).make(output_shape(operation))
    await ecs.send(ecskit.converter.structure(sent, model_class(input_shape(operation))))
    assert in_seconds(input_shape(operation), sent) == json.loads(recorder.body)


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_unknown_members_of_every_structure_survive(recorded: tuple[Caller, Recorder], operation: str) -> None:
    """One unknown member in each structure: all of them go out with the request and come in with the answer."""
    ecs, recorder = recorded
    sent = sprinkled(input_shape(operation), Sampler(full=True).make(input_shape(operation)))
    recorder.answer = sprinkled(output_shape(operation), Sampler(full=True).make(output_shape(operation)))
    response = await ecs.send(ecskit.converter.structure(sent, model_class(input_shape(operation))))
    assert sent == json.loads(recorder.body)
    assert recorder.answer == in_seconds(output_shape(operation), ecskit.converter.unstructure(response))


def without_empty(operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """Return a request without the empty lists that ECS refuses, which are not sent."""
    refused: Sequence[str] = model_class(input_shape(operation))._nonempty
    return {name: value for name, value in request.items() if value or name not in refused}


def sprinkled(shape: str, value: Any) -> Any:
    """Return a value with an unknown member in each structure; unions have it alone."""
    spec = SHAPES[shape]
    match spec["type"]:
        case "structure" if spec.get("union"):
            return {"tomorrow": {"shape": shape}}
        case "structure" if not is_document(shape):
            known = {m: sprinkled(spec["members"][m]["shape"], v) for m, v in value.items()}
            return {**known, "tomorrow": [shape, None, {"deep": 1.5}]}
        case "list":
            return [sprinkled(spec["member"]["shape"], item) for item in value]
        case "map":
            return {key: sprinkled(spec["value"]["shape"], item) for key, item in value.items()}
        case _:
            return value


def without_nulls(shape: str, value: Any) -> Any:
    """Return a value without those known members that are null."""
    spec = SHAPES[shape]
    match spec["type"]:
        case "structure" if not is_document(shape):
            members = spec["members"]
            return {
                k: without_nulls(members[k]["shape"], v) if k in members else v
                for k, v in value.items()
                if k not in members or v is not None
            }
        case "list":
            return [without_nulls(spec["member"]["shape"], item) for item in value]
        case "map":
            return {key: without_nulls(spec["value"]["shape"], item) for key, item in value.items()}
        case _:
            return value
