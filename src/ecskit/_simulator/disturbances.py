"""What happens to messages on their way: they arrive late, twice, in another order, or never."""

from __future__ import annotations

import attrs

__all__ = ["Disturbances"]


@attrs.frozen(kw_only=True)
class Disturbances:
    """What happens to messages on their way, by a seed. `Simulator.emit_events` describes the fields."""

    late: tuple[float, float]
    twice: float
    lost: float
    seed: int

    def __attrs_post_init__(self) -> None:
        least, most = self.late
        if not 0 <= least <= most:
            raise ValueError(f"late must be two numbers of seconds, the least and the most: {self.late!r}")
        for name in ("twice", "lost"):
            share = getattr(self, name)
            if not 0 <= share <= 1:
                raise ValueError(f"{name} must be a share from 0 to 1: {share!r}")
