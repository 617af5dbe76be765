from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from botocore.config import Config
from hypothesis import HealthCheck, settings

from .model_server import ModelServer, serving
from .support import COLOURS, REGION, Caller

settings.register_profile(
    "wire",
    deadline=None,
    max_examples=10,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="session", autouse=True)
def _no_aws_configuration() -> Iterator[None]:
    """Keep the tests away from whatever AWS configuration the machine has."""
    with pytest.MonkeyPatch.context() as patch:
        clean_environment(patch)
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
        yield


def clean_environment(patch: pytest.MonkeyPatch) -> None:
    """Take away every bit of AWS configuration."""
    import os

    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            patch.delenv(name)
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    patch.setenv("AWS_CONFIG_FILE", "/dev/null")
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")


@pytest.fixture(scope="module")
def server_of_module() -> Iterator[ModelServer]:
    with serving() as server:
        yield server


@pytest.fixture
def server(server_of_module: ModelServer) -> Iterator[ModelServer]:
    """A server with a clean slate, shared by the tests of a module."""
    server_of_module.reset()
    yield server_of_module
    server_of_module.reset()


@pytest.fixture(params=COLOURS, scope="module")
def colour(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ecs(colour: str, server_of_module: ModelServer) -> AsyncIterator[Caller]:
    """A client of either colour that talks to the server; the tests of a module share it, and its event loop."""
    caller = Caller.open(colour, region_name=REGION, endpoint_url=server_of_module.url)
    yield caller
    await caller.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def once(colour: str, server_of_module: ModelServer) -> AsyncIterator[Caller]:
    """The same, but it makes one attempt only."""
    config = Config(retries={"total_max_attempts": 1, "mode": "standard"})
    caller = Caller.open(colour, region_name=REGION, endpoint_url=server_of_module.url, config=config)
    yield caller
    await caller.close()
