"""What a data channel reports."""

from __future__ import annotations

from typing import TypeAlias

import attrs

__all__ = ["Broken", "Ended", "Event", "KeyRequested", "Opened", "Output"]


@attrs.frozen
class Opened:
    """The program in the container receives input from now on."""


@attrs.frozen
class Output:
    """What the program wrote. Not part of the repr, because it may be secret."""

    data: bytes = attrs.field(repr=False)


@attrs.frozen
class KeyRequested:
    """The agent requests a data key of KMS, and waits 15 seconds: `provide_key` or `refuse_key`.

    Attributes:
        key_id: The KMS key of the cluster.
        challenge: What the encryption context has to contain as `aws:ssm:RandomChallenge`; None for older agents.
    """

    key_id: str
    challenge: str | None


@attrs.frozen
class Ended:
    """The service closed the channel. `text` is empty after a normal end; otherwise it is the reason."""

    text: str


@attrs.frozen
class Broken:
    """The channel cannot be used any more. `reason` is a sentence."""

    reason: str


Event: TypeAlias = Opened | Output | KeyRequested | Ended | Broken
