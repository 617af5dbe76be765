"""ecskit against botocore's own serializer and parser, for generated values of every shape."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
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
from .strategies import UNKNOWN_MEMBERS, Noise, wire_values
from .support import (
    API,
    COLOURS,
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

BOTOCORE = ServiceModel(API, "ecs")
SERIALIZER = create_serializer("json")
PARSER = create_parser("json")
wire = settings.get_profile("wire")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def recorded() -> AsyncIterator[list[tuple[Caller, Recorder]]]:
    """A client of each colour, and what takes its requests."""
    callers = [Caller.open(colour, region_name=REGION, endpoint_url="http://127.0.0.1:9") for colour in COLOURS]
    yield [(caller, Recorder(await caller.botocore_client())) for caller in callers]
    for caller in callers:
        await caller.close()


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.asyncio(loop_scope="module")
@wire
@given(data=st.data())
async def test_requests(recorded: list[tuple[Caller, Recorder]], operation: str, data: st.DataObject) -> None:
    """The body is the one that botocore makes of the same parameters, and has the members that no model knows."""
    shape = input_shape(operation)
    parameters = without_empty(operation, data.draw(wire_values(shape, Noise.DATETIMES | Noise.UNKNOWN_ENUMS)))
    if "clientToken" in SHAPES[shape]["members"]:
        parameters["clientToken"] = "token"
    sent = extended(shape, parameters, data.draw(UNKNOWN_MEMBERS))
    theirs = SERIALIZER.serialize_to_request(parameters, BOTOCORE.operation_model(operation))
    answer = Sampler(full=False).make(output_shape(operation))
    for ecs, recorder in recorded:
        recorder.answer = answer
        await ecs.send(ecskit.converter.structure(sent, model_class(shape)))
        body = json.loads(recorder.body)
        assert in_seconds(shape, sent) == body
        assert json.loads(theirs["body"]) == without_unknown(shape, body)


@pytest.mark.parametrize("operation", OPERATIONS)
@wire
@given(data=st.data())
def test_responses(operation: str, data: st.DataObject) -> None:
    """What ecskit decodes is what botocore's parser finds, and nothing is lost when it is made a dict again.

    Unknown members and enum values are kept; nulls count as absent.
    """
    shape = output_shape(operation)
    known = data.draw(wire_values(shape, Noise.UNKNOWN_ENUMS | Noise.NULLS))
    # An object with unknown members only is not taken for a response of ECS.
    sent = extended(shape, known, data.draw(UNKNOWN_MEMBERS)) if known else {}
    body = json.dumps(sent).encode()
    ours = decode_response(operation, model_class(shape), RawResponse(body, {}), None)
    response = {"body": body, "headers": {}, "status_code": 200}
    theirs = PARSER.parse(response, cast("Shape", BOTOCORE.operation_model(operation).output_shape))
    theirs.pop("ResponseMetadata")
    assert in_seconds(shape, theirs) == without_unknown(shape, read(shape, ours))
    assert without_nulls(shape, in_seconds(shape, sent)) == in_seconds(shape, ecskit.converter.unstructure(ours))


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.asyncio(loop_scope="module")
async def test_unknown_members_of_every_structure_survive(
    recorded: list[tuple[Caller, Recorder]], operation: str
) -> None:
    """One unknown member in each structure: all of them go out with the request and come in with the answer."""
    sent = sprinkled(input_shape(operation), Sampler(full=True).make(input_shape(operation)))
    answer = sprinkled(output_shape(operation), Sampler(full=True).make(output_shape(operation)))
    for ecs, recorder in recorded:
        recorder.answer = answer
        response = await ecs.send(ecskit.converter.structure(sent, model_class(input_shape(operation))))
        assert sent == json.loads(recorder.body)
        assert answer == in_seconds(output_shape(operation), ecskit.converter.unstructure(response))


def without_empty(operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """Return a request without the empty lists that ECS refuses, which are not sent."""
    refused: Sequence[str] = model_class(input_shape(operation))._nonempty
    return {name: value for name, value in request.items() if value or name not in refused}


def rebuilt(shape: str, value: Any, structure: Callable[[str, dict[str, Any]], dict[str, Any]]) -> Any:
    """Return a value whose structures are what a function makes of their shapes and members, from the inside out."""
    spec = SHAPES[shape]
    match spec["type"]:
        case "structure" if isinstance(value, dict) and not is_document(shape):
            known = spec["members"]
            members = {k: rebuilt(known[k]["shape"], v, structure) if k in known else v for k, v in value.items()}
            return structure(shape, members)
        case "list" if value is not None:
            return [rebuilt(spec["member"]["shape"], item, structure) for item in value]
        case "map" if value is not None:
            return {key: rebuilt(spec["value"]["shape"], item, structure) for key, item in value.items()}
        case _:
            return value


def extended(shape: str, value: Any, unknown: dict[str, Any]) -> Any:
    """Return a value with unknown members in each structure; unions keep the one member that they have."""
    return rebuilt(shape, value, lambda name, known: known if SHAPES[name].get("union") else known | unknown)


def sprinkled(shape: str, value: Any) -> Any:
    """Return a value with an unknown member in each structure; unions have it alone."""

    def structure(name: str, known: dict[str, Any]) -> dict[str, Any]:
        if SHAPES[name].get("union"):
            return {"tomorrow": {"shape": name}}
        return {**known, "tomorrow": [name, None, {"deep": 1.5}]}

    return rebuilt(shape, value, structure)


def without_unknown(shape: str, value: Any) -> Any:
    """Return a value without the members that no shape has."""
    return rebuilt(shape, value, lambda name, all_: {k: v for k, v in all_.items() if k in SHAPES[name]["members"]})


def without_nulls(shape: str, value: Any) -> Any:
    """Return a value without those known members that are null."""
    return rebuilt(
        shape,
        value,
        lambda name, all_: {k: v for k, v in all_.items() if v is not None or k not in SHAPES[name]["members"]},
    )
