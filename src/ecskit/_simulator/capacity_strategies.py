"""Capacity provider strategies: check them, and divide tasks among their providers by base and weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._rules.launches import FARGATE_PROVIDERS
from ecskit._simulator.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecskit._simulator.wire import Wire


def known_strategy(strategy: list[Wire], known: Sequence[str]) -> list[Wire]:
    """Return a strategy with its defaults filled in.

    Args:
        strategy: The items of the request.
        known: The capacity providers of the cluster.

    Raises:
        SimulatedError: `InvalidParameterException` for a provider that is not in the cluster.
    """
    for item in strategy:
        if item["capacityProvider"] not in known:
            name = item["capacityProvider"]
            raise invalid(f"The specified capacity provider {name} was not found among those of the cluster.")
    return [{"weight": 0, "base": 0, **item} for item in strategy]


def strategy_launch_type(strategy: Sequence[Wire]) -> str:
    """Return the launch type of the tasks that a strategy starts."""
    return "FARGATE" if strategy[0]["capacityProvider"] in FARGATE_PROVIDERS else "EC2"


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
