"""What a client was made from, so that variants of it can be made."""

from __future__ import annotations

from typing import Any

import attrs

from ecskit._core.errors import ConfigurationError

__all__ = ["Options"]


@attrs.frozen
class Options:
    """The arguments of a client of ecskit's own."""

    region_name: str | None
    profile_name: str | None
    endpoint_url: str | None
    config: Any
    session: Any

    def changed(self, given: Options) -> Options:
        """Return these options with those of `given` over them; configurations are merged."""
        config = given.config
        if self.config is not None and hasattr(config, "merge"):  # what is no Config is refused by the new client
            config = self.config.merge(config)
        # A session has its profile: whichever of the two is given anew replaces both.
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
    """Return the options of a client, or raise ConfigurationError for one that wraps somebody's."""
    if options is None:
        raise ConfigurationError(
            "this client wraps one whose options are its owner's; vary that one, and wrap it again"
        )
    return options
