"""The arguments of a client: what they may be, and how `with_options` changes them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import attrs

from ecskit._core.errors import ConfigurationError

if TYPE_CHECKING:
    from botocore.config import Config
    from botocore.session import Session

__all__ = ["Boto3Session", "Options", "check_poll", "described", "require"]


class Boto3Session(Protocol):
    """A `boto3.Session`, as far as type checkers compare it. boto3 need not be installed."""

    @property
    def profile_name(self) -> object:
        """Name of its profile."""
        ...

    @property
    def region_name(self) -> object:
        """Its region."""
        ...

    def get_available_services(self) -> object:
        """Return the services for which it makes clients."""
        ...


_TEXTS = ("region_name", "profile_name", "endpoint_url")
_KEYS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Options:
    """The arguments of a client that wraps no other. None is an argument that was not given. No repr shows secrets."""

    region_name: str | None = None
    profile_name: str | None = None
    endpoint_url: str | None = None
    config: Config | None = None
    session: Session | Boto3Session | None = None
    aws_access_key_id: str | None = None
    aws_secret_access_key: str | None = None
    aws_session_token: str | None = None
    verify: bool | str | None = None
    use_ssl: bool | None = None
    poll: Any = None
    polls_per_second: Any = None
    budget: Any = None

    def check(self) -> None:
        """Check all that needs no session.

        Raises:
            ConfigurationError: An argument has a wrong type, credentials are incomplete, or `verify` names no file.
        """
        from botocore.config import Config

        for name in (*_TEXTS, *_KEYS):
            _check_type(name, getattr(self, name), str, "a str")
        for name in _TEXTS:
            if getattr(self, name) == "":
                raise ConfigurationError(f"{name} is empty; leave it out to use that of the environment or the profile")
        _check_type("config", self.config, Config, "a botocore.config.Config")
        _check_type("verify", self.verify, (bool, str), "a bool or the path of a CA bundle as a str")
        _check_type("use_ssl", self.use_ssl, bool, "a bool")
        check_poll(self.poll)
        self._check_credentials()
        if isinstance(self.verify, str) and not os.path.isfile(self.verify):
            raise ConfigurationError(
                f"verify must be a bool or the path of a CA bundle; there is no file {self.verify!r}"
            )
        if self.session is not None and self.profile_name is not None:
            raise ConfigurationError("pass session= or profile_name=, not both: a session has a profile already")

    def _check_credentials(self) -> None:
        given = [name for name in _KEYS if getattr(self, name) is not None]
        for name in given:
            if not getattr(self, name):
                raise ConfigurationError(f"{name} is empty; leave it out to use the credentials of the environment")
        for name in _KEYS[:2]:
            if given and name not in given:
                raise ConfigurationError(f"{name} is missing: {given[0]} was passed, and needs it")

    def changed(self, given: Options) -> Options:
        """Return these options, replaced by those in `given`. Configurations are merged."""
        config: Any = given.config  # of any type until the new client checks it
        if self.config is not None and hasattr(config, "merge"):  # anything else is rejected by the new client
            config = self.config.merge(config)
        merged: dict[str, Any] = {
            field.name: getattr(self, field.name) if getattr(given, field.name) is None else getattr(given, field.name)
            for field in attrs.fields(Options)
        }
        # A source of credentials replaces all others: a session has a profile and credentials of its own.
        new_source = given.session is not None or given.profile_name is not None
        if new_source:
            merged |= {name: getattr(given, name) for name in ("session", "profile_name")}
        if new_source or any(getattr(given, name) is not None for name in _KEYS):
            merged |= {name: getattr(given, name) for name in _KEYS}
        if given.polls_per_second is not None or given.budget is not None:  # each replaces the other
            merged |= {name: getattr(given, name) for name in ("polls_per_second", "budget")}
        merged["config"] = self.config if config is None else config
        return Options(**merged)

    def same_session(self, other: Options) -> bool:
        """Return whether clients with these and with the other options use the same session."""
        return self.session is other.session and self.profile_name == other.profile_name

    def as_arguments(self) -> dict[str, Any]:
        """Return those that were given, as keyword arguments."""
        given = attrs.asdict(self, recurse=False)
        return {name: value for name, value in given.items() if value is not None}


def _check_type(name: str, value: object, expected: type[Any] | tuple[type[Any], ...], text: str) -> None:
    if value is not None and not isinstance(value, expected):
        raise ConfigurationError(f"{name} must be {text}, not {type(value).__name__}")


def check_poll(poll: object) -> None:
    """Raise ConfigurationError if `poll` is no wait strategy."""
    if poll is not None:
        from tenacity.wait import wait_base  # imported here: most clients have no strategy of their own

        _check_type("poll", poll, wait_base, "a tenacity wait strategy, such as wait_fixed(3)")


def described(name: str, options: Options | None, **shown: Any) -> str:
    """Return what a client of class `name` shows as its `repr`. URLs are shown without what may be a secret.

    Args:
        name: The name of the class.
        options: The arguments of the client; None if it wraps another one.
        shown: `wrapped`: the library of a wrapped client. `region`, `endpoint`: those in use. `closed`.
    """
    region, endpoint = f"region_name={shown['region']!r}", f"endpoint_url={public_url(shown['endpoint'])!r}"
    if options is None:
        text = f"{name}.wrap(<{shown['wrapped']} client: {region}, {endpoint}>)"
    else:
        text = f"{name}({region}{f', {endpoint}' if options.endpoint_url else ''})"
    return f"<closed {text}>" if shown["closed"] else text


def public_url(url: str) -> str:
    """Return a URL without user, password, query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(not a URL)"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def require(options: Options | None) -> Options:
    """Return the options of a client. Raise ConfigurationError if it wraps another client."""
    if options is None:
        raise ConfigurationError(
            "with_options is not available on a wrapped client; change the options of that client and wrap it again"
        )
    return options
