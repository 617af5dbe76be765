"""botocore's own examples of ECS calls, read from the installed botocore, go through ecskit both ways."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import botocore.session
import pytest
import pytest_asyncio

import ecskit

from .inprocess import Recorder
from .support import REGION, Caller, Sampler, in_seconds, input_shape, misfits, model_class, output_shape

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXAMPLES = [
    pytest.param(operation, example, id=f"{operation}-{i}")
    for operation, examples in botocore.session.Session()
    .get_component("data_loader")
    .load_service_model("ecs", "examples-1")["examples"]
    .items()
    for i, example in enumerate(examples)
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def recorded(colour: str) -> AsyncIterator[tuple[Caller, Recorder]]:
    caller = Caller.open(colour, region_name=REGION, endpoint_url="http://127.0.0.1:9")
    yield caller, Recorder(await caller.botocore_client())
    await caller.close()


@pytest.mark.parametrize(("operation", "example"), EXAMPLES)
async def test_an_example_goes_through(
    recorded: tuple[Caller, Recorder], operation: str, example: dict[str, Any]
) -> None:
    """The example's input is what is sent, and its output is what the response holds."""
    ecs, recorder = recorded
    shape = output_shape(operation)
    # Some of the examples leave out what comes back, although there is always something.
    recorder.answer = dict(example.get("output", {})) or Sampler(full=False).make(shape)
    example_input = dict(example.get("input", {}))
    request = ecskit.converter.structure(example_input, model_class(input_shape(operation)))
    response = await ecs.send(request)
    sent = json.loads(recorder.body)
    if "clientToken" not in example_input:
        sent.pop("clientToken", None)
    assert example_input == sent
    assert in_seconds(shape, recorder.answer) == in_seconds(shape, ecskit.converter.unstructure(response))
    assert misfits(response) == []
