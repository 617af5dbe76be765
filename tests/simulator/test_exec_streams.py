"""The streams of sessions as WebSockets beside a `SimulatorServer`."""

from __future__ import annotations

import datetime as dt
import ipaddress
import random
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support import definitions
from support.definitions import NETWORK
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from ecskit._data_channel.channel import DataChannel
from ecskit._data_channel.events import Ended, Event, Opened, Output
from ecskit.testing import ExecScript, SimulatedError, Simulator, SimulatorServer, TaskScript

SPEED = 50.0
LIMIT = 30.0


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    """Return a server, whose threads have ended after the test."""
    before = set(threading.enumerate())
    with SimulatorServer(speed=SPEED) as served:
        yield served
    end = time.monotonic() + LIMIT
    while left := set(threading.enumerate()) - before:  # websockets does not join them
        assert time.monotonic() < end, left
        time.sleep(0.001)


def begin(simulator: Simulator, command: str) -> dict[str, str]:
    """Run a command in a new task, and return its session."""
    simulator.script("web", TaskScript(time_to_start=0))
    definitions.register(simulator, "web", {"name": "app", "image": "i"})
    launch: dict[str, Any] = {"launchType": "FARGATE", "networkConfiguration": NETWORK, "enableExecuteCommand": True}
    (task,) = simulator.handle("RunTask", {"taskDefinition": "web", **launch})["tasks"]
    answer = simulator.handle("ExecuteCommand", {"command": command, "interactive": True, "task": task["taskArn"]})
    session: dict[str, str] = answer["session"]
    return session


def now() -> float:
    return time.monotonic() * SPEED


def opened(session: dict[str, str]) -> DataChannel:
    bits = random.Random(1)
    channel = DataChannel(ids=iter(lambda: bits.getrandbits(128), -1), epoch=0.0)
    channel.connect(session["tokenValue"])
    return channel


def events(channel: DataChannel, socket: Any) -> Iterator[Event]:
    """Yield what happens, until the channel or the connection ends."""
    give_up = time.monotonic() + LIMIT
    with suppress(ConnectionClosed):
        while not channel.ended and time.monotonic() < give_up:
            for message in channel.messages(now()):
                socket.send(message)
            arrived: list[str | bytes] = []
            with suppress(TimeoutError):
                arrived.append(socket.recv(timeout=min(0.05, max(0.0, channel.next_wakeup() - now()) / SPEED)))
            yield from channel.receive(arrived, now())


def test_a_session_over_a_websocket(server: SimulatorServer) -> None:
    """Its URL is that of a server on loopback, and it runs as in the process."""
    server.simulator.script_exec("./manage.py check", "No issues.\n")
    session = begin(server.simulator, "./manage.py check")
    assert session["streamUrl"].startswith("ws://127.0.0.1:")
    assert session["streamUrl"].endswith(f"/v1/data-channel/{session['sessionId']}?role=publish_subscribe")
    with connect(session["streamUrl"]) as socket:
        assert list(events(opened(session), socket))[1:] == [Output(b"No issues.\r\n"), Ended("")]


def test_requests_and_faults_end_connections(server: SimulatorServer) -> None:
    """A wrong token closes with 1008, a cut without a code; TerminateSession ends the session."""
    session = begin(server.simulator, "sh")
    with connect(session["streamUrl"]) as socket:
        socket.send("{}")
        with pytest.raises(ConnectionClosed, match=r"1008 .*the token is not valid"):
            socket.recv(timeout=10)
    with connect(session["streamUrl"]) as socket:
        found = events(opened(session), socket)
        while not isinstance(next(found), Output):
            pass
        server.simulator.handle("TerminateSession", {"SessionId": session["sessionId"]})
        assert list(found) == [Ended("")]
    server.simulator.disturb_exec(cut_at=[2.0])
    session = begin(server.simulator, "sh")
    with connect(session["streamUrl"]) as socket:
        channel = opened(session)
        assert [each for each in events(channel, socket) if isinstance(each, Ended)] == []
        assert not channel.ended
        assert socket.close_code == 1006


def test_a_server_closes_with_open_sessions() -> None:
    """Connections are cut, and an error of a script is raised."""

    def broken(_: object) -> Any:
        raise ZeroDivisionError
        yield

    server = SimulatorServer(speed=SPEED)
    server.simulator.script_exec("broken", ExecScript.running(broken))
    first, second = (begin(server.simulator, command) for command in ("sh", "broken"))
    with connect(first["streamUrl"]) as open_one, connect(second["streamUrl"]) as failing:
        assert next(events(opened(first), open_one)) == Opened()
        assert list(events(opened(second), failing)) == []
        with pytest.raises(ZeroDivisionError):
            server.close()
        with pytest.raises(ConnectionClosed):
            while True:
                open_one.recv(timeout=10)


def certificate(folder: Path) -> Path:
    """Return a file with a key and a certificate for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    today = dt.datetime.now(dt.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "certificate.pem"
    path.write_bytes(private + made.public_bytes(pem))
    return path


def test_tls(tmp_path: Path) -> None:
    """With `ssl_context`, the streams are `wss://`."""
    path = certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    # The client of websockets reads and writes in two threads. Its request is lost if it is written while the other one
    # reads a ticket. Links of ecskit have one thread.
    context.num_tickets = 0
    with SimulatorServer(speed=SPEED, ssl_context=context) as server:
        server.simulator.script_exec("date", "now\n")
        session = begin(server.simulator, "date")
        assert session["streamUrl"].startswith("wss://127.0.0.1:")
        trust = ssl.create_default_context(cafile=str(path))
        with connect(session["streamUrl"], ssl=trust) as socket:
            assert list(events(opened(session), socket))[-1] == Ended("")


def test_what_streams_need(monkeypatch: pytest.MonkeyPatch) -> None:
    """They need websockets, and a clock that moves by itself. Nothing is served before the first session."""
    with SimulatorServer(Simulator()) as virtual, pytest.raises(SimulatedError, match=r"now=ScaledClock\(\)"):
        begin(virtual.simulator, "sh")
    with SimulatorServer(speed=SPEED) as server:
        for name in ("websockets", "websockets.exceptions", "websockets.sync.server"):
            monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, "ecskit._simulator.exec.stream_server", raising=False)
        with pytest.raises(SimulatedError, match=r"pip install 'ecskit\[exec\]'"):
            begin(server.simulator, "sh")
