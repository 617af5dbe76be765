"""What WebSockets take from a client for ECS, and the errors of those that cannot be opened. The same, sync and async.

The settings are those of the HTTP connections of the client, as botocore has resolved them: so what a proxy or a CA of
a company needs for ECS is enough for ECS Exec. Messages name hosts and proxies, and no path, query or password: the
address of a session is a capability, like its token.
"""

from __future__ import annotations

import logging
import os
import socket
import ssl
from collections.abc import Mapping
from datetime import datetime, timezone
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import attrs
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import ProxyConfiguration, create_urllib3_context, get_cert_path
from botocore.utils import get_environ_proxies

from ecskit._core.errors import (
    ConfigurationError,
    ConnectionFailedError,
    MissingExtraError,
    TimedOutError,
    TransportError,
)
from ecskit._core.links import LinkClosed
from ecskit._transport.others import OF_AWS
from ecskit._version import __version__

__all__ = ["Settings", "check_extra", "closed", "failure", "is_signed", "may_show", "settings_for"]

_MAX_SIZE = 1 << 18
"""The largest message, in bytes. Those of the service have 1.5 KiB, and a few more for keys and reasons."""
_CUT = 1006

log = logging.getLogger("ecskit")

# Of its own, so that no setting for loggers reaches it.
_SILENT = logging.Logger("ecskit.websockets")  # noqa: LOG001
"""The logger of websockets, which would log all messages: a token, and what users type."""
_SILENT.disabled = True


@attrs.frozen(repr=False)
class Settings:
    """How to open a WebSocket."""

    url: str
    tls: ssl.SSLContext | None
    """None for `ws` addresses."""
    proxy: str | None
    """The address of the proxy; it may hold a password."""
    proxy_tls: ssl.SSLContext | None
    """For `https` proxies."""
    timeout: float | None
    """Seconds for the whole opening, None for no limit."""
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """The signature of the request that opens it."""
    user_agent: str = f"ecskit/{__version__}"
    ping_interval: float = 30.0
    """Seconds between pings."""
    pong_timeout: float = 60.0
    """Seconds after a ping without a pong until the connection counts as cut."""
    close_timeout: float = 3.0
    """Seconds that a close waits for the other end."""

    @property
    def host(self) -> str:
        """Host and port, to show."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'wss' else 80)}"

    @property
    def proxy_host(self) -> str:
        """Host and port of the proxy, to show."""
        return urlsplit(self.proxy or "").netloc.rpartition("@")[2]

    def as_arguments(self) -> dict[str, Any]:
        """Return the arguments that both `connect` functions of websockets take."""
        return {
            "uri": self.url,
            **({"ssl": self.tls} if self.tls else {}),
            "proxy": _readable(self.proxy) if self.proxy else None,
            **({"proxy_ssl": self.proxy_tls} if self.proxy_tls else {}),
            "open_timeout": self.timeout,
            "additional_headers": self.headers,
            "user_agent_header": self.user_agent,
            "compression": None,
            "max_size": _MAX_SIZE,
            "logger": _SILENT,
        }


def _readable(proxy: str) -> str:
    """Return the address of a proxy as websockets reads it: versions before 17 do not decode user and password."""
    from websockets.version import version

    parts = urlsplit(proxy)
    login, _, host = parts.netloc.rpartition("@")
    decoded = unquote(login)
    decodes = int(version.partition(".")[0]) >= 17
    if decodes or not decoded.isascii() or set(decoded) & set("/?#[]") or parts.path.strip("/"):
        return proxy
    return f"{parts.scheme}://{decoded}@{host}" if login else proxy


def may_show(error: Exception) -> bool:
    """Return whether the text of an error holds no address, with its query or password, and may be a `__cause__`."""
    from websockets.exceptions import InvalidProxy, InvalidURI

    return not isinstance(error, (InvalidProxy, InvalidURI))


def check_extra() -> None:
    """Raise MissingExtraError if websockets is not installed, or too old."""
    try:
        is_there = hasattr(import_module("websockets.exceptions"), "InvalidProxyStatus")  # since version 15
    except ModuleNotFoundError:
        is_there = False
    if not is_there:
        raise MissingExtraError("ECS Exec needs websockets, version 15 or newer: pip install 'ecskit[exec]'")


def is_signed(url: str) -> bool:
    """Return whether the request that opens a WebSocket is signed: to hosts of AWS, as AWS's own client does it."""
    parts = urlsplit(url)
    presigned = any(name.startswith("X-Amz-") for name in parse_qs(parts.query))
    return parts.scheme == "wss" and (parts.hostname or "").endswith(OF_AWS) and not presigned


def _signature(url: str, credentials: Any, region: str) -> dict[str, str]:
    """Return the headers with the signature of the request that opens a WebSocket."""
    parts = urlsplit(url)
    page = parts._replace(scheme="https", query="").geturl()
    # In `params`, the query is encoded as signatures need it. In the address of a session, it is not.
    query: Any = parse_qsl(parts.query, keep_blank_values=True)
    request: Any = AWSRequest("GET", page, params=query)
    date = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    request.context["timestamp"] = request.headers["X-Amz-Date"] = date
    if credentials.token:
        request.headers["X-Amz-Security-Token"] = credentials.token
    # `add_auth` does the same, and logs it.
    signer = SigV4Auth(credentials, "ssmmessages", region)
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    names = signer.signed_headers(signer.headers_to_sign(request))
    authorization = f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={names}, Signature={signature}"
    return {**request.headers, "Authorization": authorization}


def settings_for(client: Any, url: str, credentials: Any = None) -> Settings:
    """Return how a botocore or aiobotocore client would connect to the address of a WebSocket. Reads CA bundles.

    Args:
        client: The client. Used are its region, `verify`, and of its configuration `proxies`, `proxies_config`,
            `client_cert` and `connect_timeout`.
        url: The address.
        credentials: Frozen credentials to sign the request with, if it `is_signed`.

    Raises:
        ConfigurationError: A CA bundle or a client certificate cannot be read.
    """
    config, http = client.meta.config, getattr(getattr(client, "_endpoint", None), "http_session", None)
    verify = getattr(http, "_verify", True)
    parts = urlsplit(url)
    page = parts._replace(scheme="https" if parts.scheme == "wss" else "http").geturl()
    # As botocore: proxies that were passed are for all hosts, those of the environment are not for `no_proxy`.
    proxies = get_environ_proxies(page) if config.proxies is None else config.proxies
    proxies_config = config.proxies_config or {}
    proxy = ProxyConfiguration(proxies).proxy_url_for(page)
    try:
        tls = _context(verify, config.client_cert) if parts.scheme == "wss" else None
        to_proxy = None
        if proxy and proxy.startswith("https:"):
            to_proxy = _context(verify, proxies_config.get("proxy_client_cert"), proxies_config.get("proxy_ca_bundle"))
    except OSError as error:  # also ssl.SSLError: not a certificate
        raise ConfigurationError(
            f"WebSocket: a CA bundle or client certificate of the client cannot be read: {error.strerror or error}"
        ) from error
    headers: dict[str, str] = {}
    if credentials is not None:
        headers = _signature(url, credentials, client.meta.region_name)
    elif is_signed(url):
        log.debug("WebSocket: there are no credentials, so the request that opens it is not signed")
    return Settings(url, tls, proxy or None, to_proxy, config.connect_timeout, headers)


def _context(verify: Any, certificate: Any, more: str | None = None) -> ssl.SSLContext:
    """Return a TLS context as botocore makes it."""
    if isinstance(verify, ssl.SSLContext):
        return verify
    context: ssl.SSLContext = create_urllib3_context()
    context.check_hostname = bool(verify)  # botocore leaves this to urllib3
    if verify:
        context.load_verify_locations(get_cert_path(verify))
    else:
        context.verify_mode = ssl.CERT_NONE
    if more:
        context.load_verify_locations(more)
    if certificate:
        context.load_cert_chain(*([certificate] if isinstance(certificate, str) else certificate))
    return context


def closed(error: Any) -> LinkClosed:
    """Return the error for a connection that websockets, or its protocol, reports as closed."""
    received, sent = error.rcvd, error.sent
    if received is not None:
        return LinkClosed(received.code, received.reason)
    cut = f"{error.__cause__}" if error.__cause__ else "the connection was cut"
    return LinkClosed(_CUT, (sent.reason if sent is not None else "") or cut)


def failure(error: Exception, settings: Settings) -> TransportError | None:
    """Return the error for a WebSocket that could not be opened; None for an error that is none of the network."""
    from websockets import exceptions as ws

    host, proxy = settings.host, settings.proxy_host
    first = f"the proxy {proxy}" if proxy else host
    made: type[TransportError] = ConnectionFailedError
    retryable = True
    match error:
        case ws.InvalidProxyStatus():
            status = error.response.status_code
            retryable = status >= 500
            text = f"the proxy {proxy} answered HTTP {status} to a connection to {host}; " + (
                "put the user and the password that it needs into its address, in Config(proxies=...) or HTTPS_PROXY"
                if status == 407
                else "let it pass connections to this host"
            )
        case ws.InvalidStatus():
            status = error.response.status_code
            retryable = status >= 500
            text = f"{host} answered HTTP {status} in place of a WebSocket; " + (
                "redirects are not followed"
                if 300 <= status < 400
                else "the session may have ended, the credentials may need ssmmessages:OpenDataChannel, or a proxy"
                " does not pass WebSockets"
            )
        case ws.InvalidProxy() | ws.InvalidURI():
            retryable = False
            which = f"proxy {proxy}" if isinstance(error, ws.InvalidProxy) else f"WebSocket {host}"
            text = f"the address of the {which} is invalid: expected {'http' if proxy else 'wss'}://host:port"
        case ssl.SSLCertVerificationError():
            retryable = False
            text = (
                f"the certificate of {f'{host}, or of {first},' if settings.proxy_tls else host} is not trusted:"
                f" {error.verify_message or error}; pass the CA bundle of your network as verify=, or set AWS_CA_BUNDLE"
            )
        case ssl.SSLError():
            text = f"TLS with {first if settings.proxy_tls else host} failed: {error.reason or error}"
        case socket.gaierror():
            text = (
                f"the name of {first} cannot be resolved ({error.strerror}); check DNS and the network: a VPC without"
                " access to the Internet needs an endpoint for ssmmessages"
            )
        case TimeoutError():
            made = TimedOutError
            limit = f" within {settings.timeout:g} s" if settings.timeout else ""
            via = f" through the proxy {proxy}" if proxy else ""
            text = (
                f"no connection to {host}{via}{limit}; let firewalls and security groups pass it, or give it more time"
                " with Config(connect_timeout=...)"
            )
        case ws.InvalidHandshake() | EOFError():
            text = (
                f"{first} answered with what is no response of HTTP, or ended the connection; check what is on the way"
            )
        case OSError():
            reason = os.strerror(error.errno) if error.errno else error
            text = f"{first} cannot be reached: {reason}; let firewalls and security groups pass it"
        case _:
            return None
    failed = made("WebSocket", text)
    failed.retryable, failed.sent = retryable, False
    return failed
