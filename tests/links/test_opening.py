"""Opening links, sync and async: the proxies, TLS settings and time limits of the client, and what errors say."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from support.connect_proxy import connect_proxy

from ecskit import AsyncClient, Client
from ecskit._core.effects import Connect, Flow, Reply
from ecskit.errors import (
    ClientClosedError,
    ConfigurationError,
    ConnectionFailedError,
    MissingExtraError,
    TimedOutError,
    TransportError,
)

from .support import LOGIN, Authority, Linked, Peer, echo, peer, serving


def works(linked: Linked, url: str, client: Any = None, **options: Any) -> None:
    """Open a link, and have a message echoed."""
    link = linked.open(url, client, **options)
    linked.send(link, "hello")
    assert linked.receive(link) == ["hello"]
    linked.close(link)


def refused(linked: Linked, url: str, client: Any = None, **options: Any) -> TransportError:
    """Fail to open a link. The error shows neither the path nor the query, and nothing was sent."""
    with pytest.raises(TransportError) as caught:
        linked.open(url, client, **options)
    error = caught.value
    assert not error.sent
    shown = f"{error} {error!r} {error.__cause__}"
    assert all(secret not in shown for secret in ("data-channel", "role=secret", "pass word", "pass%20word"))
    return error


def test_tls_is_that_of_the_client(
    linked: Linked, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`verify`, AWS_CA_BUNDLE, and the certificate of the client. Others are not trusted, and the error says so."""
    with serving(echo, authority.server()) as url:
        works(linked, url, verify=str(authority.bundle))
        works(linked, url, verify=False)
        error = refused(linked, url)
        host = url.split("/")[2]
        assert str(error) == (
            f"WebSocket: the certificate of {host} is not trusted: unable to get local issuer certificate; pass the CA"
            " bundle of your network as verify=, or set AWS_CA_BUNDLE"
        )
        assert not error.retryable
        monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.bundle))
        works(linked, url)
        with connect_proxy() as proxy:
            config = Config(proxies={"https": f"http://127.0.0.1:{proxy.port}"})
            error = refused(linked, url.replace("127.0.0.1", "other.example"), config=config)
        assert "Hostname mismatch, certificate is not valid for 'other.example'" in str(error)
    with serving(echo, authority.server(asks=True)) as url:
        works(linked, url, config=Config(client_cert=str(authority.client)))
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("this is no certificate")
    for path in (str(wrong), str(tmp_path / "missing.pem")):
        monkeypatch.setenv("AWS_CA_BUNDLE", path)
        with pytest.raises(ConfigurationError, match="a CA bundle or client certificate of the client cannot be read"):
            linked.open(url)


def test_proxies_are_those_of_the_client(linked: Linked, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were passed, then those of the environment, as botocore takes them."""
    with serving(echo, authority.server()) as url, serving(echo) as plain, connect_proxy() as proxy:
        trusted, address = {"verify": str(authority.bundle)}, f"http://127.0.0.1:{proxy.port}"
        works(linked, url, config=Config(proxies={"https": address}), **trusted)
        works(linked, plain, config=Config(proxies={"http": f"127.0.0.1:{proxy.port}"}))
        hosts = [each.split("/")[2] for each in (url, plain)]
        assert proxy.requests == hosts
        named = url.replace("127.0.0.1", "localhost")
        monkeypatch.setenv("HTTPS_PROXY", address)
        works(linked, named, **trusted)
        assert proxy.requests[2:] == [named.split("/")[2]]
        works(linked, url, config=Config(proxies={}), **trusted)
        works(linked, plain)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        works(linked, url, **trusted)
        assert len(proxy.requests) == 3


def test_proxies_have_passwords(linked: Linked) -> None:
    """They are in the address. A wrong one, or none, is named without it."""
    with serving(echo) as url, connect_proxy(login="me:p@ss word") as proxy:
        host, to = url.split("/")[2], f"127.0.0.1:{proxy.port}"
        works(linked, url, config=Config(proxies={"http": f"http://me:p%40ss%20word@{to}"}))
        for address in (f"http://{to}", f"http://me:pass%20word@{to}"):
            error = refused(linked, url, config=Config(proxies={"http": address}))
            assert str(error) == (
                f"WebSocket: the proxy {to} answered HTTP 407 to a connection to {host}; put the user and the password"
                " that it needs into its address, in Config(proxies=...) or HTTPS_PROXY"
            )
            assert not error.retryable
        for address in (f"http://me@{to}", f"ftp://{to}", f"http://me:pass%20word@{to}/path"):
            error = refused(linked, url, config=Config(proxies={"http": address}))
            assert "is invalid: expected http://host:port" in str(error)
            assert error.__cause__ is None


def test_proxies_have_tls(linked: Linked, authority: Authority, tmp_path: Path) -> None:
    """Of their own, and inside it that of the host. Large messages pass, too."""
    if linked.is_async and sys.version_info < (3, 11):
        config = Config(proxies={"https": "https://127.0.0.1:1"})
        with pytest.raises(ConfigurationError, match="https proxies since Python"):
            linked.open("wss://example.invalid", config=config)
        return
    other = Authority(tmp_path)
    with serving(echo, authority.server()) as url, connect_proxy(tls=other.server()) as proxy:
        proxies = {"https": f"https://127.0.0.1:{proxy.port}"}
        settings: Any = {"proxy_ca_bundle": str(other.bundle)}
        options: dict[str, Any] = {"verify": str(authority.bundle)}
        link = linked.open(url, config=Config(proxies=proxies, proxies_config=settings), **options)
        large = [bytes([number]) * 50_000 for number in range(40)]
        linked.send(link, *large)
        assert linked.receive_all(link, len(large)) == large
        linked.close(link)
        error = refused(linked, url, config=Config(proxies=proxies), **options)
        assert f"or of the proxy 127.0.0.1:{proxy.port}, is not trusted" in str(error)


def test_a_wrapped_client_has_its_own_settings(linked: Linked, authority: Authority) -> None:
    """Those of its HTTP connections, however they were set."""
    with serving(echo, authority.server()) as url, connect_proxy() as proxy:
        config = Config(proxies={"https": f"http://127.0.0.1:{proxy.port}"}, connect_timeout=30)
        own = linked.client(verify=str(authority.bundle), config=config)
        if linked.is_async:
            linked.run(own.__aenter__())
        wrapping: Any = (AsyncClient if linked.is_async else Client).wrap(own.botocore_client)
        works(linked, url, wrapping)
        assert proxy.requests == [url.split("/")[2]]


def test_hosts_that_cannot_be_reached(linked: Linked) -> None:
    """Each error names the host, or the proxy, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    url, here = f"ws://127.0.0.1:{port}/v1/data-channel/s-1?role=secret", f"127.0.0.1:{port}"
    error = refused(linked, url)
    assert isinstance(error, ConnectionFailedError)
    assert error.retryable
    text = f"WebSocket: {here} cannot be reached: Connection refused; let firewalls and security groups pass it"
    assert str(error) == text
    error = refused(linked, "ws://example.invalid/data-channel", config=Config(proxies={"http": f"http://{here}"}))
    assert f"the proxy {here} cannot be reached" in str(error)
    assert "is invalid: expected wss://host:port" in str(refused(linked, "https://host/data-channel?role=secret"))


def test_a_name_that_is_unknown(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message of the resolver, and what a VPC needs."""

    def getaddrinfo(host: object, *_: object, **__: object) -> Any:
        if host == "gone.example":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *_, **__)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert str(refused(linked, "ws://gone.example/v1/data-channel/s?role=secret")) == (
        "WebSocket: the name of gone.example:80 cannot be resolved (Name or service not known); check DNS and the"
        " network: a VPC without access to the Internet needs an endpoint for ssmmessages"
    )


ANSWERS: dict[str, tuple[bytes, str, bool]] = {
    "403": (
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        "answered HTTP 403 in place of a WebSocket; the session may have ended, the credentials may need",
        False,
    ),
    "503": (b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", "answered HTTP 503 in place of a WebSocket", True),
    "302": (
        b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/other\r\nContent-Length: 0\r\n\r\n",
        "answered HTTP 302 in place of a WebSocket; redirects are not followed",
        False,
    ),
    "garbage": (b"220 mail.example ESMTP\r\n\r\n", "answered with what is no response of HTTP", True),
    "nothing": (b"", "answered with what is no response of HTTP, or ended the connection", True),
    "no WebSocket": (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        "answered with what is no response of HTTP",
        True,
    ),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_answers_that_open_no_websocket(linked: Linked, answer: str) -> None:
    """The status is shown, and no redirect is followed: the token is for one host."""
    data, text, retryable = ANSWERS[answer]

    def behaves(peer: Peer) -> None:
        peer.read_head()
        peer.socket.sendall(data)

    with peer(behaves) as url:
        error = refused(linked, url)
    assert text in str(error)
    assert retryable == error.retryable
    assert isinstance(error, ConnectionFailedError)


def test_an_opening_has_the_time_limit_of_the_client(linked: Linked) -> None:
    """`connect_timeout` is for all of it: also for the answer of a host, and for that of a proxy."""

    def behaves(peer: Peer) -> None:
        peer.read_to_end()

    with peer(behaves) as url:
        host = url.split("/")[2]
        error = refused(linked, url, config=Config(connect_timeout=0.1))
        assert isinstance(error, TimedOutError)
        assert str(error) == (
            f"WebSocket: no connection to {host} within 0.1 s; let firewalls and security groups pass it, or give it"
            " more time with Config(connect_timeout=...)"
        )
        config = Config(connect_timeout=0.1, proxies={"http": f"http://{host}"})
        error = refused(linked, "ws://example.invalid/data-channel", config=config)
        assert f"no connection to example.invalid:80 through the proxy {host} within 0.1 s" in str(error)
        # If the time is over in the moment in which TLS begins, asyncio closes the socket only after a minute.
        error = refused(linked, url.replace("ws:", "wss:"), config=Config(connect_timeout=0.5))
        assert isinstance(error, TimedOutError)


def test_the_time_is_over_before_the_handshake(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine: the connection is there, and too late. It is closed."""
    resolve = socket.getaddrinfo

    def slow(*arguments: Any, **options: Any) -> Any:
        time.sleep(0.02)
        return resolve(*arguments, **options)

    with serving(echo) as url:
        monkeypatch.setattr(socket, "getaddrinfo", slow)
        error = refused(linked, url.replace("127.0.0.1", "localhost"), config=Config(connect_timeout=0.01))
    assert isinstance(error, TimedOutError)


def test_a_cancelled_opening_leaves_nothing() -> None:
    """Whatever step it is at."""

    def behaves(peer: Peer) -> None:
        peer.read_to_end()

    async def main(url: str) -> None:
        async with AsyncClient(**LOGIN) as ecs:
            for delay in (0, 0.001, 0.01, 0.05):
                opening = asyncio.ensure_future(ecs._transport.connect(url))
                await asyncio.sleep(delay)
                opening.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await opening
            assert asyncio.all_tasks() == {asyncio.current_task()}

    with peer(behaves) as url:
        asyncio.run(main(url), debug=True)
        asyncio.run(main(url.replace("ws:", "wss:")), debug=True)


def test_without_the_extra(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    """One error that names what to install, before anything is sent."""
    assert linked.open(None) is None
    monkeypatch.setitem(sys.modules, "websockets.exceptions", None)
    for url in (None, "wss://example.invalid"):
        with pytest.raises(MissingExtraError) as caught:
            linked.open(url)
    assert str(caught.value) == "ECS Exec needs websockets, version 15 or newer: pip install 'ecskit[exec]'"


def test_an_old_websockets_is_no_extra(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions before 15 have no proxies."""
    import websockets.exceptions

    monkeypatch.delattr(websockets.exceptions, "InvalidProxyStatus")
    with pytest.raises(MissingExtraError):
        linked.open(None)


def test_a_closed_client_opens_nothing(linked: Linked) -> None:
    """As it sends nothing."""
    client = linked.client()
    linked.run(client.aclose() if linked.is_async else client.close())
    with pytest.raises(ClientClosedError):
        linked.open("wss://example.invalid", client)


def test_flows_open_links_of_their_client(linked: Linked) -> None:
    """The reply to `Connect` has the link, or the error."""

    def flow(url: str) -> Flow[Reply[Any]]:
        return (yield Connect(url))

    client = linked.client()
    with serving(echo) as url:
        link = linked.run(client._runtime.run(flow(url))).get()
        linked.send(link, b"hello")
        assert linked.receive(link) == [b"hello"]
        linked.close(link)
    assert isinstance(linked.run(client._runtime.run(flow(url))).error, ConnectionFailedError)
