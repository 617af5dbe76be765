from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator

import pytest

from .support import LIMIT, Authority, Linked

ENVIRONMENT = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")


@pytest.fixture(scope="module", autouse=True)
def _no_old_garbage() -> None:
    """Keep the collections of `linked` from walking through all that the tests of other modules have left."""
    gc.collect()
    gc.freeze()


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def linked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Linked]:
    """The links of each client, without the proxies of the machine. At the end, nothing of them is left."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    before = set(threading.enumerate())
    with Linked(request.param) as made:
        yield made
    gc.collect()  # an open socket would be a ResourceWarning, which is an error
    end = time.monotonic() + LIMIT
    while left := set(threading.enumerate()) - before:
        assert time.monotonic() < end, f"left: {left}"
        time.sleep(0.001)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A CA that no machine trusts."""
    return Authority(tmp_path_factory.mktemp("ca"))
