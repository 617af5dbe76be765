"""Links over real WebSockets on loopback, sync and async: messages, ends, wakes, pings."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import Any

import pytest

from ecskit._core.links import LinkClosed

from .support import LIMIT, Linked, Peer, ServerConnection, change_settings, echo, peer, serving, silent


def test_messages_arrive_in_order(linked: Linked) -> None:
    """Text and bytes, large and small ones, several at once. The opening names ecskit, no origin and no extension."""
    sent: list[str | bytes] = ["text é", b"\x00\xff", b"x" * 100_000, "", b"last"]
    headers: list[Any] = []

    def handler(connection: ServerConnection) -> None:
        assert connection.request is not None
        headers.append(connection.request.headers)
        echo(connection)

    with serving(handler) as url:
        link = linked.open(url)
        linked.send(link, *sent)
        assert linked.receive_all(link, len(sent)) == sent
        assert linked.receive(link, 0) == []
        linked.close(link)
        linked.close(link)
        with pytest.raises(LinkClosed, match="closed by this client"):
            linked.receive(link)
        with pytest.raises(LinkClosed):
            linked.send(link, b"late")
    [seen] = headers
    assert seen["User-Agent"].startswith("ecskit/")
    assert {"Origin", "Sec-WebSocket-Extensions"}.isdisjoint(seen)


def test_fragments_are_joined(linked: Linked) -> None:
    """One message, whatever the frames are."""

    def handler(connection: ServerConnection) -> None:
        connection.send([b"a", b"b", b"c"])
        connection.send(["é", "f"])
        connection.recv()

    with serving(handler) as url:
        link = linked.open(url)
        assert linked.receive_all(link, 2) == [b"abc", "éf"]


def test_what_came_before_the_end_is_returned_first(linked: Linked) -> None:
    """Then the code and the reason of the other end, each time. Sending then does not lose what has not been read."""

    def handler(connection: ServerConnection) -> None:
        connection.recv()
        connection.send("last words")
        connection.close(1008, "go away")

    with serving(handler) as url:
        link = linked.open(url)
        linked.send(link, "hello")
        time.sleep(0.05)  # the end has arrived, too
        linked.send(link, "unread")
        assert linked.receive(link) == ["last words"]
        for _ in range(2):
            with pytest.raises(LinkClosed) as caught:
                linked.receive(link)
            assert (caught.value.code, caught.value.reason) == (1008, "go away")
            assert str(caught.value) == "the connection was closed with code 1008: go away"
        with pytest.raises(LinkClosed):
            linked.send(link, b"late")


def test_a_peer_that_closes_and_stays_is_left(linked: Linked) -> None:
    """After its close frame, nothing is awaited from it."""

    def behaves(peer: Peer) -> None:
        peer.accept()
        peer.socket.sendall(b"\x82\x02ok\x88\x02\x03\xe8")
        assert peer.read_to_end()[0] == 0x88

    with peer(behaves) as url:
        link = linked.open(url)
        assert linked.receive(link) == [b"ok"]
        with pytest.raises(LinkClosed) as caught:
            linked.receive(link, float("inf"))
        assert caught.value.code == 1000
        linked.close(link)


def test_a_cut_is_code_1006(linked: Linked) -> None:
    """The peer vanishes in the middle of a frame."""

    def behaves(peer: Peer) -> None:
        peer.accept()
        peer.socket.sendall(b"\x82\x02ok\x82\x10half")

    with peer(behaves) as url:
        link = linked.open(url)
        assert linked.receive(link) == [b"ok"]
        with pytest.raises(LinkClosed) as caught:
            linked.receive(link)
        assert caught.value.code == 1006


def test_what_is_no_frame_ends_the_link(linked: Linked) -> None:
    """So do messages that are far too large. The reason names what is wrong."""
    for garbage, reason in (
        (b"\xff\xff", "opcode"),
        (b"\x82\x7f" + (1 << 30).to_bytes(8, "big"), "size|bytes|limit"),
    ):

        def behaves(peer: Peer, garbage: bytes = garbage) -> None:
            peer.accept()
            peer.socket.sendall(garbage)
            peer.read_to_end()

        with peer(behaves) as url:
            link = linked.open(url)
            with pytest.raises(LinkClosed, match=reason):
                linked.receive(link)
            linked.close(link)


def test_wake_ends_the_wait_from_any_thread(linked: Linked) -> None:
    """Also before it begins: no wake is lost."""
    with serving(echo) as url:
        link = linked.open(url)
        link.wake()
        assert linked.receive(link, float("inf")) == []
        begun = time.monotonic()
        threading.Timer(0.05, link.wake).start()
        assert linked.receive(link, float("inf")) == []
        assert 0.04 < time.monotonic() - begun < LIMIT
        for _ in range(5_000):
            link.wake()
        assert linked.receive(link, 1) == []
    link.wake()


def test_time_passes_without_messages(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the list is empty."""
    change_settings(monkeypatch, close_timeout=0.01)
    with peer(silent) as url:
        link = linked.open(url)
        begun = time.monotonic()
        assert linked.receive(link, 0.05) == []
        assert 0.04 < time.monotonic() - begun < LIMIT
        linked.close(link)


def test_a_close_without_an_answer_ends_after_some_seconds(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that is gone cannot hold a client that ends."""
    change_settings(monkeypatch, close_timeout=0.1)
    read: list[bytes] = []

    def behaves(peer: Peer) -> None:
        peer.accept()
        read.append(peer.read_to_end())

    with peer(behaves) as url:
        link = linked.open(url)
        begun = time.monotonic()
        linked.close(link)
        assert 0.05 < time.monotonic() - begun < LIMIT
    assert read[0][0] == 0x88  # the close frame


def test_pings_keep_it_open(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each end answers those of the other one."""
    change_settings(monkeypatch, ping_interval=0.02, pong_timeout=LIMIT)
    pongs: list[bool] = []

    def handler(connection: ServerConnection) -> None:
        pongs.extend(connection.ping().wait(LIMIT) for _ in range(5))
        connection.send("done")
        connection.recv()

    with serving(handler) as url:
        link = linked.open(url)
        assert linked.receive(link) == ["done"]
        assert linked.receive(link, 0.1) == []
    assert pongs == [True] * 5


def test_a_peer_without_pongs_is_gone(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection counts as cut then, also where the network reports nothing."""
    change_settings(monkeypatch, ping_interval=0.02, pong_timeout=0.1, close_timeout=0.1)
    with peer(silent) as url:
        link = linked.open(url)
        with pytest.raises(LinkClosed) as caught:
            linked.receive(link)
        assert caught.value.code == 1006


def test_a_slow_peer_is_waited_for(linked: Linked) -> None:
    """What the socket does not take at once is sent later, and in order."""
    go, read = threading.Event(), list[bytes]()

    def handler(connection: ServerConnection) -> None:
        connection.send("begin")
        go.wait(10)
        read.extend(message for message in connection if isinstance(message, bytes) and message != b"end")

    sent = [bytes([number]) * 100_000 for number in range(100)]
    with serving(handler) as url:
        link = linked.open(url)
        assert linked.receive(link) == ["begin"]
        threading.Timer(0.05, go.set).start()
        linked.send(link, *sent, b"end")
        with contextlib.suppress(LinkClosed):
            while len(read) < len(sent):
                linked.receive(link, 0.01)
        linked.close(link)
    assert read == sent


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # it has threads, those of the server
def test_a_forked_child_leaves_the_link_alone(linked: Linked) -> None:
    """Whatever it does with it, the link of the parent goes on."""
    with serving(echo) as url:
        link = linked.open(url)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                awaited = [link.close(), link.send([b"no"]) if linked.is_async else None]
                status = 17 if awaited else 1
            except LinkClosed:
                status = 17
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 17
        linked.send(link, b"still here")
        assert linked.receive(link) == [b"still here"]
