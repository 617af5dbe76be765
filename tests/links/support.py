"""WebSocket servers on loopback, a CA of the test, and the links of both clients behind one face."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import hashlib
import ipaddress
import socket
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import attrs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from typing_extensions import Self
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from ecskit import AsyncClient, Client
from ecskit._transport import links

__all__ = [
    "LIMIT",
    "Authority",
    "Linked",
    "Peer",
    "ServerConnection",
    "change_settings",
    "echo",
    "peer",
    "serving",
    "silent",
]

T = TypeVar("T")
LIMIT = 15.0
"""Seconds for what happens at once, also on a busy machine. What hangs takes longer: at least until the next ping."""
LOGIN: dict[str, Any] = {
    "region_name": "eu-west-1",
    "aws_access_key_id": "testing",
    "aws_secret_access_key": "testing",
}


class Authority:
    """A CA, and a server certificate for loopback from it, as files of a folder."""

    def __init__(self, folder: Path) -> None:
        self.bundle, self._server = folder / "ca.pem", folder / "server.pem"
        self.client = folder / "client.pem"
        """A certificate of a client, with its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"CA of {folder.name}")])
        own = _certificate(name, key.public_key(), name, is_ca=True).sign(key, hashes.SHA256())
        self.bundle.write_bytes(own.public_bytes(serialization.Encoding.PEM))
        for path in (self._server, self.client):
            leaf = ec.generate_private_key(ec.SECP256R1())
            subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, path.stem)])
            made = _certificate(subject, leaf.public_key(), name, is_ca=False).sign(key, hashes.SHA256())
            path.write_bytes(
                leaf.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
                + made.public_bytes(serialization.Encoding.PEM)
            )

    def server(self, *, asks: bool = False) -> ssl.SSLContext:
        """Return the context of a server, which may ask for the certificate of the client."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._server)
        if asks:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.bundle)
        return context


def _certificate(
    subject: x509.Name, key: ec.EllipticCurvePublicKey, issuer: x509.Name, *, is_ca: bool
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.timezone.utc)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
    )


def echo(connection: ServerConnection) -> None:
    """Send all messages back."""
    for message in connection:
        connection.send(message)


@contextmanager
def serving(
    handler: Callable[[ServerConnection], object], tls: ssl.SSLContext | None = None
) -> Generator[str, None, None]:
    """Run a server, and yield its address."""
    connections: list[ServerConnection] = []

    def handle(connection: ServerConnection) -> None:
        connections.append(connection)
        with contextlib.suppress(ConnectionClosed):
            handler(connection)

    server: Server
    with serve(handle, "127.0.0.1", 0, ssl=tls, close_timeout=0.05, compression=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"{'wss' if tls else 'ws'}://127.0.0.1:{server.socket.getsockname()[1]}/v1/data-channel/s-1?role=secret"
        finally:
            server.shutdown()
            thread.join()
            for connection in connections:
                connection.close()


class Peer:
    """The other end of one connection, byte by byte."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected

    def accept(self) -> str:
        """Make the opening handshake of a WebSocket; return the request."""
        request = self.read_head()
        [key] = [line.split(": ")[1] for line in request.splitlines() if line.startswith("Sec-WebSocket-Key")]
        accepted = b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()
        self.socket.sendall(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accepted}\r\n\r\n".encode()
        )
        return request

    def read_head(self) -> str:
        """Return the head of a request."""
        head = b""
        while b"\r\n\r\n" not in head and (got := self.socket.recv(4096)):
            head += got
        return head.decode()

    def read_to_end(self) -> bytes:
        """Return everything until the connection ends."""
        data = b""
        with contextlib.suppress(OSError):
            while got := self.socket.recv(4096):
                data += got
        return data


@contextmanager
def peer(behaves: Callable[[Peer], object]) -> Generator[str, None, None]:
    """Run a server that treats its connections as a function says, and yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connected, _ = listener.accept()
                    with connected:
                        connected.settimeout(10)
                        behaves(Peer(connected))

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{listener.getsockname()[1]}/v1/data-channel/s-1?role=secret"
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def silent(peer: Peer) -> None:
    """Accept, and answer nothing any more."""
    peer.accept()
    peer.read_to_end()


@attrs.define
class Linked:
    """The links of one of the clients, used by blocking calls."""

    is_async: bool
    _loop: asyncio.AbstractEventLoop | None = None
    _clients: list[Any] = attrs.field(factory=list[Any])
    _links: list[Any] = attrs.field(factory=list[Any])

    def __enter__(self) -> Self:
        if self.is_async:
            self._loop = asyncio.new_event_loop()
            self._loop.set_debug(True)
        return self

    def __exit__(self, *_: object) -> None:
        for link in self._links:
            self.close(link)
        self.close_clients()
        if self._loop is None:
            return
        assert asyncio.all_tasks(self._loop) == set()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def run(self, value: Coroutine[Any, Any, T] | T) -> T:
        """Return a value, or what is awaited for it."""
        if self._loop is None:
            return value  # type: ignore[return-value]  # pyright: ignore[reportReturnType]  # of the sync client
        awaited: Any = value
        result: T = self._loop.run_until_complete(awaited)
        return result

    def close_clients(self) -> None:
        """Close all clients."""
        while self._clients:
            client = self._clients.pop()
            self.run(client.aclose() if self.is_async else client.close())

    def pass_time(self, seconds: float) -> None:
        """Let tasks and threads run for some time."""
        if self._loop is None:
            time.sleep(seconds)
        else:
            self._loop.run_until_complete(asyncio.sleep(seconds))

    def check_nothing_is_left(self) -> None:
        """Check that no task is left, and no thread of ecskit."""
        assert self._loop is None or asyncio.all_tasks(self._loop) == set()
        assert not [each.name for each in threading.enumerate() if each.name.startswith("ecskit")]

    def client(self, **options: Any) -> Any:
        """Return a new client."""
        client = (AsyncClient if self.is_async else Client)(**{**LOGIN, **options})
        self._clients.append(client)
        return client

    def open(self, url: str | None, client: Any = None, **options: Any) -> Any:
        """Open a link, with a new client by default."""
        client = client or self.client(**options)
        link = self.run(client._transport.connect(url))
        if link is not None:
            self._links.append(link)
        return link

    def receive(self, link: Any, seconds: float = LIMIT) -> list[str | bytes]:
        """Receive."""
        messages: list[str | bytes] = self.run(link.receive(seconds))
        return messages

    def receive_all(self, link: Any, count: int) -> list[str | bytes]:
        """Receive that many messages."""
        messages: list[str | bytes] = []
        while len(messages) < count:
            came = self.receive(link)
            assert came, f"only {messages} came"
            messages += came
        return messages

    def send(self, link: Any, *messages: str | bytes) -> None:
        """Send."""
        self.run(link.send(messages))

    def close(self, link: Any) -> None:
        """Close."""
        self.run(link.close())


def change_settings(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Change the time limits that no configuration changes, so that a test does not wait for them."""
    settings_for = links.settings_for

    def changed(*arguments: Any) -> links.Settings:
        return attrs.evolve(settings_for(*arguments), **changes)

    monkeypatch.setattr(links, "settings_for", changed)
