"""The arguments of a client, from which `with_options` makes variants."""

from __future__ import annotations

from typing import Any

import attrs

from ecskit._core.errors import ConfigurationError

__all__ = ["Options"]


@attrs.frozen
class Options:
    """The arguments of a client that wraps no other."""

    region_name: str | None
    profile_name: str | None
    endpoint_url: str | None
    config: Any
    session: Any

    def changed(self, given: Options) -> Options:
        """Return these options, replaced by those in `given`. Configurations are merged."""
        config = given.config
        if self.config is not None and hasattr(config, "merge"):  # anything else is rejected by the new client
            config = self.config.merge(config)
        # A session has its own profile: a new session or profile replaces both.
        new_source = given.session is not None or given.profile_name is not None
        return Options(
            given.region_name or self.region_name,
            given.profile_name if new_source else self.profile_name,
            given.endpoint_url or self.endpoint_url,
            config or self.config,
            given.session if new_source else self.session,
        )

    def as_arguments(self) -> dict[str, Any]:
        """Return them as keyword arguments."""
        return attrs.asdict(self, recurse=False)


def require(options: Options | None) -> Options:
    """Return the options of a client. Raise ConfigurationError if it wraps another client."""
    if options is None:
        raise ConfigurationError(
            "with_options is not available on a wrapped client; change the options of that client and wrap it again"
        )
    return options
