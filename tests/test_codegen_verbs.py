"""The generator of methods, on a small package: handles that hold a value, and methods that return them."""

from __future__ import annotations

import asyncio
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from drive.support import AsyncDriver, SyncDriver

from ecskit._codegen import emit_verbs
from ecskit._codegen.__main__ import PACKAGE
from ecskit._codegen.namespaces import HANDLES, Handle, Namespace
from ecskit._codegen.verbs import read

PARCELS = '''
"""Values."""
import attrs, json

@attrs.frozen
class Parcel:
    number: int
    def to_json(self) -> str:
        return json.dumps(self.number)
'''
SENDING = '''
"""Verbs of a namespace."""
from __future__ import annotations

from ecskit._core.effects import Emit, Emits, Flow, Send
from shop.parcels import Parcel

def post(number: int, *, insured: bool = False) -> Flow[Parcel]:
    """Post a parcel.

    Args:
        number: Which.
        insured: Whether it is insured.

    Returns:
        The parcel as it was posted.
    """
    def flow() -> Flow[Parcel]:
        yield Send("post", {})
        return Parcel(number)
    return flow()

def weigh(parcel: Parcel) -> Flow[float]:
    """Weigh any parcel.

    Args:
        parcel: The parcel.
    """
    return (yield from ())

def arrivals() -> Emits[Parcel]:
    """Yield parcels.

    Yields:
        One after the other.
    """
    yield Emit(Parcel(1))
    yield Emit(Parcel(2))
'''
HANDLING = '''
"""Verbs of a parcel."""
from __future__ import annotations

from ecskit._core.effects import Emit, Emits, Flow, Send
from ecskit._polling.options import WaitOptions
from shop.parcels import Parcel

def wait(parcel: Parcel, *, wait_options: WaitOptions) -> Flow[str]:
    """Wait until it has arrived.

    Args:
        parcel: The parcel, described
            on two lines.
        wait_options: How long to wait and how often to poll.

    Returns:
        What the parcel reported.
    """
    def flow() -> Flow[str]:
        yield Send("poll", {})
        return f"{parcel.number} within {wait_options.timeout:.0f} s"
    return flow()

def stages(parcel: Parcel, until: str) -> Emits[str]:
    """Yield where it is.

    Args:
        parcel: The parcel.
        until: The last place.

    Yields:
        A place.
    """
    yield Emit(f"{parcel.number} here")
    yield Emit(f"{parcel.number} {until}")

def forward(parcel: Parcel) -> Flow[Parcel]:
    """Send it on, as another parcel.

    Args:
        parcel: The parcel.

    Returns:
        The other parcel.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/
    """
    def flow() -> Flow[Parcel]:
        yield Send("forward", {})
        return Parcel(parcel.number + 1)
    return flow()

def compare(parcel: Parcel, other: Parcel) -> Flow[bool]:
    """Return whether it is the same as another one.

    Args:
        parcel: The parcel.
        other: The other one.
    """
    return parcel == other
    yield
'''
POST = Namespace(name="post", class_="Post", about="Posting.", modules=("shop.sending",))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package `shop`, whose parcels have handles."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "ecskit").symlink_to(PACKAGE)  # where the expanded classes are read
    for name, text in {"__init__": "", "parcels": PARCELS, "sending": SENDING, "handling": HANDLING}.items():
        (tmp_path / "shop" / f"{name}.py").write_text(text, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(HANDLES, "Parcel", Handle("ParcelHandle", "parcel", "shop.parcels"))
    yield tmp_path / "shop"
    for name in [name for name in sys.modules if name.split(".")[0] == "shop"]:
        del sys.modules[name]


@pytest.fixture
def texts(package: Path) -> dict[str, str]:
    """The generated text, by module name."""
    handle = Namespace("parcel", "ParcelHandle", "A parcel.", ("shop.handling",), bound="Parcel")
    files = emit_verbs.files(package, [POST, handle])
    return {Path(path).stem: text for path, text in files}


@pytest.fixture
def made(texts: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The generated modules, imported as if they were ecskit's own."""
    modules: dict[str, Any] = {}
    for name, text in texts.items():
        module = modules[name] = ModuleType(f"ecskit._facades.{name}")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(text, name, "exec"), module.__dict__)
    return modules


def test_a_module_for_each_namespace_sync_and_async(texts: dict[str, str]) -> None:
    """A handle has modules of its own."""
    assert {"sync_post", "aio_post", "sync_parcel", "aio_parcel"} == texts.keys()


def test_a_verb_that_results_in_the_value_returns_a_handle(made: dict[str, Any]) -> None:
    """It is bound to the same runtime, sync and async, and keeps the docstring."""
    sync = SyncDriver()
    parcel = made["sync_post"].Post(sync.runtime).post(7)
    assert made["sync_parcel"].ParcelHandle is type(parcel)
    assert (7, ["post"]) == (parcel.started.number, sync.sent)
    assert "7 within 30 s" == parcel.wait(timeout=30)
    assert ["post", "poll"] == sync.sent

    aio = AsyncDriver()

    async def run() -> None:
        parcel = await made["aio_post"].AsyncPost(aio.runtime).post(7)
        assert made["aio_parcel"].AsyncParcelHandle is type(parcel)
        assert "7 within 30 s" == await parcel.wait(timeout=30)

    asyncio.run(run())
    assert ["post", "poll"] == aio.sent
    doc = inspect.getdoc(made["sync_post"].Post.post)
    assert doc is not None
    assert "The parcel as it was posted." in doc


def test_a_verb_of_a_handle_may_return_another_handle(texts: dict[str, str], made: dict[str, Any]) -> None:
    """Of its own class, without importing its own module."""
    parcel = made["sync_post"].Post(SyncDriver().runtime).post(7)
    other = parcel.forward().forward()
    assert (9, type(parcel)) == (other.started.number, type(other))
    assert "import ParcelHandle" in texts["sync_post"]
    assert "import ParcelHandle" not in texts["sync_parcel"]

    async def run() -> Any:
        return await (await made["aio_post"].AsyncPost(AsyncDriver().runtime).post(7)).forward()

    assert 8 == asyncio.run(run()).started.number


@pytest.mark.parametrize(
    ("module", "verb", "signature"),
    [
        ("sync_post", "post", "(self, number: int, *, insured: bool = False) -> ParcelHandle"),
        ("aio_post", "post", "(self, number: int, *, insured: bool = False) -> AsyncParcelHandle"),
        ("sync_post", "weigh", "(self, parcel: Parcel) -> float"),
        ("sync_post", "arrivals", "(self) -> Stream[Parcel]"),
        ("aio_post", "arrivals", "(self) -> AsyncStream[Parcel]"),
        ("sync_parcel", "stages", "(self, until: str) -> Stream[str]"),
        ("aio_parcel", "stages", "(self, until: str) -> AsyncStream[str]"),
        ("sync_parcel", "forward", "(self) -> ParcelHandle"),
        ("aio_parcel", "forward", "(self) -> AsyncParcelHandle"),
        ("sync_parcel", "compare", "(self, other: Parcel) -> bool"),
    ],
)
def test_signatures(made: dict[str, Any], module: str, verb: str, signature: str) -> None:
    """Methods of a handle do not take the value. A verb that returns just the value returns a handle instead."""
    [class_] = made[module].__all__
    method = getattr(getattr(made[module], class_), verb)
    assert signature == str(inspect.signature(method)).replace("'", "")


def test_docstrings_of_a_handle_leave_out_the_value(made: dict[str, Any]) -> None:
    """Also an entry of several lines, and the whole section if nothing else is in it."""
    handle = made["aio_parcel"].AsyncParcelHandle
    waiting, forwarding = inspect.getdoc(handle.wait), inspect.getdoc(handle.forward)
    assert waiting is not None
    assert "parcel:" not in waiting
    assert re.search(r"Args:\n    timeout: Maximum seconds", waiting)
    assert "\n\nReturns:\n    What the parcel reported." in waiting
    source = "Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/"
    assert f"Send it on, as another parcel.\n\nReturns:\n    The other parcel.\n\n{source}" == forwarding


async def test_streams_of_a_handle(made: dict[str, Any]) -> None:
    """The value is the first argument, whatever the name of the parameter."""
    sync = made["sync_post"].Post(SyncDriver().runtime).post(7)
    with sync.stages("far") as stages:
        assert ["7 here", "7 far"] == list(stages)
    aio = made["aio_parcel"].AsyncParcelHandle(AsyncDriver().runtime, sync.started)
    async with aio.stages("far") as stages:
        assert ["7 here", "7 far"] == [stage async for stage in stages]


def test_a_handle_is_as_good_as_its_value(made: dict[str, Any]) -> None:
    """Its repr, JSON, equality and hash are those of the value. A sync and an async handle differ."""
    from shop.parcels import Parcel  # type: ignore[import-not-found]  # the fixture makes it

    runtime, handle = SyncDriver().runtime, made["sync_parcel"].ParcelHandle
    one = handle(runtime, Parcel(1))
    assert ("ParcelHandle(Parcel(number=1))", "1", Parcel(1)) == (repr(one), one.to_json(), one.started)
    assert {one} == {handle(SyncDriver().runtime, Parcel(1))}
    assert one != handle(runtime, Parcel(2))
    assert one != made["aio_parcel"].AsyncParcelHandle(AsyncDriver().runtime, Parcel(1))
    assert one != Parcel(1)


def test_a_verb_that_does_not_take_the_value_first_is_refused(package: Path) -> None:
    """The error names it when the files are generated."""
    post, *_ = read(package, "shop.sending")
    with pytest.raises(SyntaxError, match=r"shop\.sending: the first parameter of post has to be a Parcel"):
        post.bound_to("Parcel")


@pytest.mark.usefixtures("package")
def test_a_namespace_that_differs_from_the_table_is_refused() -> None:
    """Other modules would import a class that does not exist."""
    with pytest.raises(ValueError, match="ParcelHandle in parcel"):
        Namespace("parcels", "ParcelHandle", "A parcel.", ("shop.handling",), bound="Parcel")
