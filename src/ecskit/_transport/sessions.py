"""Sessions and client configuration: what is derived from the caller's, and what ecskit adds.

The session of the caller is never changed. ecskit derives one that shares its credentials, configuration and event
handlers, and loads the ECS service model that ecskit ships.
"""

from __future__ import annotations

import copy
import os
from typing import Any, cast

from botocore import UNSIGNED
from botocore.config import Config
from botocore.context import get_context
from botocore.useragent import UserAgentString

from ecskit._core.errors import ConfigurationError
from ecskit._transport import service_model
from ecskit._transport.loader import ShippedModelLoader
from ecskit._transport.options import Options
from ecskit._version import __version__

__all__ = ["check_wrapped", "client_arguments", "derive", "given", "needs_credentials", "new"]

_ATTEMPTS = {"max_attempts", "total_max_attempts"}
_PASSED_ON = {
    *("region_name", "endpoint_url", "verify", "use_ssl"),
    *("aws_access_key_id", "aws_secret_access_key", "aws_session_token"),
}
"""The options that `create_client` takes as they are."""


class _RememberedUserAgent(UserAgentString):
    """Builds the User-Agent header once for each set of features; botocore builds it twice for each request."""

    _headers: dict[frozenset[str], str] | None = None
    """None until a client uses it: before that, its parts may change."""

    def with_client_config(self, client_config: Any) -> Any:
        changed: Any = super().with_client_config(client_config)
        changed._headers = {}
        return changed

    def to_string(self) -> str:
        if self._headers is None:
            return super().to_string()
        context = get_context()
        features = frozenset(context.features if context else ())
        if features not in self._headers:
            self._headers[features] = super().to_string()
        return self._headers[features]


class _SharedCredentials:
    """A credential provider that takes credentials from another session; awaitable if that session is async."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def load_credentials(self) -> Any:
        return self._session.get_credentials()


def new(session_class: type[Any], profile_name: str | None) -> Any:
    """Return a new session with the shipped service model."""
    session = session_class(profile=profile_name)
    session.register_component("data_loader", ShippedModelLoader(extra_search_paths=_paths(session)))
    session.register_component("user_agent_creator", _RememberedUserAgent.from_environment())
    return session


def given(session: Any) -> Any:
    """Return the botocore session of the caller, also from inside a boto3 session."""
    return getattr(session, "_session", session)


def check_wrapped(client: Any, base: type[Any], service: str = "ecs") -> None:
    """Raise ConfigurationError unless `client` is a client for a service, ECS by default, made from `base`."""
    if not isinstance(client, base):
        kind = "an ECS client" if service == "ecs" else f"a client for {service}"
        raise ConfigurationError(f"expected {kind} of {base.__module__.partition('.')[0]}, got {type(client).__name__}")
    name = client.meta.service_model.service_name
    if name != service:
        raise ConfigurationError(f"expected a client for {service}, got one for {name}")


def needs_credentials(arguments: dict[str, Any]) -> bool:
    """Return whether a client with these arguments takes the credentials of the session."""
    return arguments.get("aws_access_key_id") is None and arguments["config"].signature_version is not UNSIGNED


def derive(session: Any, *, credentials: Any = None, share_handlers: bool = True, session_class: Any = None) -> Any:
    """Return a session that behaves like `session` but loads the shipped service model; `session` stays untouched."""
    derived: Any = (session_class or type(session))(
        profile=session.profile,
        **({"event_hooks": session.get_component("event_emitter")} if share_handlers else {}),
        include_builtin_handlers=not share_handlers,
    )
    for component in ("config_store", "token_provider"):
        derived.register_component(component, session.get_component(component))
    derived.register_component("credential_provider", credentials or _SharedCredentials(session))
    loader = ShippedModelLoader(extra_search_paths=list(session.get_component("data_loader").search_paths))
    derived.register_component("data_loader", loader)
    if type(session.get_component("user_agent_creator")) is UserAgentString:
        derived.register_component("user_agent_creator", _RememberedUserAgent.from_environment())
    else:
        derived.register_component("user_agent_creator", copy.copy(session.get_component("user_agent_creator")))
    if share_handlers:
        derived.user_agent_name = session.user_agent_name
        derived.user_agent_version = session.user_agent_version
        derived.user_agent_extra = session.user_agent_extra
    derived.set_default_client_config(session.get_default_client_config())
    return derived


def _paths(session: Any) -> list[str]:
    configured = session.get_config_variable("data_path")
    return [os.path.expanduser(p) for p in configured.split(os.pathsep)] if configured else []


def client_arguments(session: Any, options: Options) -> dict[str, Any]:
    """Return the arguments for `create_client`: the options of the user over the defaults of ecskit.

    The defaults are botocore's standard retry mode with 3 attempts, 5 s to connect and 20 s to read. The environment,
    the profile, the default configuration of the session, and `config` override them.
    """
    profile = session.get_scoped_config()
    configs = [known for known in (session.get_default_client_config(), options.config) if known is not None]
    # A defaults mode sets its own connect timeout and retries.
    legacy = _defaults_mode(session, configs) == "legacy"
    merged: Any = Config(connect_timeout=cast("Any", 5 if legacy else None), read_timeout=20)
    for theirs in configs:
        # Merged twice: the result has the class of the object whose `merge` it is, and `theirs` may be an AioConfig.
        merged = theirs.merge(merged).merge(theirs)
    retries: dict[str, Any] = dict(merged.retries or {})
    if legacy:
        if not _is_set(profile, "AWS_RETRY_MODE", "retry_mode"):
            retries.setdefault("mode", "standard")
        if not _is_set(profile, "AWS_MAX_ATTEMPTS", "max_attempts") and not retries.keys() & _ATTEMPTS:
            retries["total_max_attempts"] = 3
    agent = " ".join(filter(None, [merged.user_agent_extra, f"ecskit/{__version__}"]))
    return {
        **{name: value for name, value in options.as_arguments().items() if name in _PASSED_ON},
        "service_name": "ecs",
        "api_version": service_model.API_VERSION,
        "config": merged.merge(Config(retries=cast("Any", retries or None), user_agent_extra=agent)),
    }


def _defaults_mode(session: Any, configs: list[Any]) -> str:
    modes = [known.defaults_mode for known in configs if known.defaults_mode]
    mode: str = modes[-1] if modes else session.get_config_variable("defaults_mode")
    return mode.lower()


def _is_set(profile: Any, variable: str, name: str) -> bool:
    return variable in os.environ or name in profile
