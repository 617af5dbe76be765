"""The emulators, each started once, and clients of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from . import servers


@pytest.fixture(scope="module", autouse=True)
def _no_aws_configuration() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_CONFIG_FILE", "/dev/null")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        patch.delenv("AWS_PROFILE", raising=False)
        yield


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """The URL of a moto server."""
    with servers.moto() as url:
        yield url


@pytest.fixture(scope="session")
def simulator_url() -> Iterator[str]:
    """The URL of a simulator."""
    with servers.simulator() as url:
        yield url


@pytest.fixture(scope="session")
def ministack_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a ministack server."""
    assert servers.MINISTACK
    with servers.ministack(servers.MINISTACK, tmp_path_factory.mktemp("ministack")) as url:
        yield url


@pytest.fixture(params=["sync", "async"])
def colour(request: pytest.FixtureRequest) -> str:
    """The client to test: sync or async."""
    name: str = request.param
    return name
