"""Tools that watch botocore see ecskit's calls as they see any other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import ecskit
from ecskit import errors

from .model_server import Answer, ModelServer
from .support import REGION


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """The spans of everything that botocore sends."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor: Any = BotocoreInstrumentor()  # type: ignore[no-untyped-call]  # it has no annotations
    instrumentor.instrument(tracer_provider=provider)
    yield exporter
    instrumentor.uninstrument()
    provider.shutdown()


def test_opentelemetry_sees_a_call(server: ModelServer, spans: InMemorySpanExporter) -> None:
    """One span with service, operation, region, status and request id."""
    with ecskit.Client(region_name=REGION, endpoint_url=server.url) as ecs:
        response = ecs.list_clusters()
    (span,) = spans.get_finished_spans()
    assert response.metadata is not None
    assert span.attributes is not None
    expected = {
        "rpc.service": "ECS",
        "rpc.method": "ListClusters",
        "http.status_code": 200,
        "aws.request_id": response.metadata.request_id,
    }
    assert expected == {name: span.attributes[name] for name in expected}
    assert REGION in span.attributes.values()
    assert span.status.is_ok


def test_opentelemetry_sees_an_error(server: ModelServer, spans: InMemorySpanExporter) -> None:
    """The span of a call that failed says so."""
    server.will(Answer.error("ClusterNotFoundException", "no such cluster"))
    with (
        ecskit.Client(region_name=REGION, endpoint_url=server.url) as ecs,
        pytest.raises(errors.ClusterNotFoundException),
    ):
        ecs.list_tasks()
    (span,) = spans.get_finished_spans()
    assert not span.status.is_ok
    assert "exception" in [event.name for event in span.events]


def test_opentelemetry_sees_calls_through_a_wrapped_client(server: ModelServer, spans: InMemorySpanExporter) -> None:
    """As it sees the owner's."""
    client: Any = boto3.client("ecs", region_name=REGION, endpoint_url=server.url)
    ecskit.Client.wrap(client).list_clusters()
    client.list_clusters()
    client.close()
    assert ["ECS.ListClusters"] * 2 == [span.name for span in spans.get_finished_spans()]
