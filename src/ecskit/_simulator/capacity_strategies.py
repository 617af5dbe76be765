"""Capacity provider strategies: check them, and divide tasks among their providers by base and weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.errors import invalid
from ecskit._simulator.limits import check_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecskit._simulator.wire import Wire

FARGATE_PROVIDERS = ("FARGATE", "FARGATE_SPOT")


def checked_strategy(strategy: list[Wire], allowed: Sequence[str]) -> list[Wire]:
    """Return a strategy with its defaults filled in.

    Args:
        strategy: The items of the request.
        allowed: The capacity providers of the cluster.

    Raises:
        SimulatedError: `InvalidParameterException` for an invalid strategy or a provider that is not in the cluster.
    """
    check_count("capacityProviderStrategy", strategy, most=20)
    items = [{"weight": 0, "base": 0, **item} for item in strategy]
    names = [item["capacityProvider"] for item in items]
    for name in names:
        if name not in allowed:
            raise invalid(f"The specified capacity provider {name} was not found among those of the cluster.")
    if len(set(names)) < len(names):
        raise invalid("A capacity provider can be in a strategy only once.")
    if len({name in FARGATE_PROVIDERS for name in names}) > 1:
        raise invalid("A strategy cannot mix Fargate with other capacity providers.")
    if not any(item["weight"] for item in items) and len(items) > 1:
        raise invalid("At least one capacity provider of the strategy must have a weight greater than 0.")
    if sum(item["base"] > 0 for item in items) > 1:
        raise invalid("Only one capacity provider of the strategy can have a base.")
    return items


def divide(strategy: Sequence[Wire], count: int) -> list[str]:
    """Return the capacity provider of each of `count` tasks: bases first, then by weight."""
    chosen: list[str] = []
    for item in strategy:
        chosen += [item["capacityProvider"]] * item["base"]
    chosen = chosen[:count]
    beyond_base = dict.fromkeys((item["capacityProvider"] for item in strategy), 0)
    weighted = [item for item in strategy if item["weight"] > 0] or list(strategy[:1])
    while len(chosen) < count:
        neediest = min(weighted, key=lambda item: (beyond_base[item["capacityProvider"]] + 1) / (item["weight"] or 1))
        beyond_base[neediest["capacityProvider"]] += 1
        chosen.append(neediest["capacityProvider"])
    return chosen
