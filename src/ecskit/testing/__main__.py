"""`python -m ecskit.testing`: serve a simulator until SIGINT or SIGTERM.

The URL is the only line on standard output, so that a script can read it.
"""

from __future__ import annotations

import argparse
import math
import signal
import threading
import time
from typing import TYPE_CHECKING, get_args

from ecskit._core.quotas import PUBLISHED_QUOTAS
from ecskit._simulator.read_options import Counting, Lag
from ecskit._simulator.scaled_clock import ScaledClock
from ecskit._simulator.server import SimulatorServer
from ecskit._simulator.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_KEPT_CALLS = 1000
_LAST_PORT = 65535


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve a simulator until SIGINT or SIGTERM."""
    options = parser().parse_args(arguments)
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    with SimulatorServer(simulator_of(options), port=options.port) as server:
        print(server.url, flush=True)
        done.wait()


def simulator_of(options: argparse.Namespace, monotonic: Callable[[], float] = time.monotonic) -> Simulator:
    """Return the simulator for the options; `monotonic` returns real seconds."""
    simulator = Simulator(
        now=ScaledClock(speed=options.speed, monotonic=monotonic),
        region=options.region,
        account=options.account,
        seed=options.seed,
        lag=Lag(visible_after=options.lag, stale_by=options.stale),
        counting=options.counting,
        quotas=PUBLISHED_QUOTAS if options.throttle else (),
        keep_calls=_KEPT_CALLS,
    )
    if options.misbehave:
        simulator.misbehave(rate=options.misbehave, seed=options.seed)
    return simulator


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    result = argparse.ArgumentParser(
        prog="python -m ecskit.testing", description="Serve a simulated ECS control plane on 127.0.0.1."
    )
    result.add_argument("--port", type=_port, default=0, help="port to listen on (default: a free one)")
    result.add_argument("--speed", type=_speed, default=1.0, help="simulated seconds per second (default: 1)")
    result.add_argument("--seed", type=int, default=0, help="seed of all randomness (default: 0)")
    result.add_argument("--lag", type=_seconds, default=0.0, help="seconds until reads show a new task (default: 0)")
    result.add_argument(
        "--stale", type=_seconds, default=0.0, help="largest age of a stale read in seconds (default: 0)"
    )
    result.add_argument("--misbehave", type=_share, default=0.0, help="share of requests that fail (default: 0)")
    result.add_argument("--throttle", action="store_true", help="apply the request quotas that ECS publishes")
    policies = get_args(Counting)
    words = f"how deployments show their desired count (default: {policies[0]})"
    result.add_argument("--counting", choices=policies, default=policies[0], help=words)
    result.add_argument("--region", default="us-east-1", help="region in ARNs (default: us-east-1)")
    result.add_argument("--account", default="123456789012", help="account in ARNs (default: 123456789012)")
    return result


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) <= _LAST_PORT):
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to {_LAST_PORT}: {text}")
    return int(text)


def _speed(text: str) -> float:
    if not (number := _finite(text)) > 0:
        raise argparse.ArgumentTypeError(f"must be positive: {text}")
    return number


def _seconds(text: str) -> float:
    if (number := _finite(text)) < 0:
        raise argparse.ArgumentTypeError(f"must not be negative: {text}")
    return number


def _share(text: str) -> float:
    if not 0 <= (number := _finite(text)) <= 1:
        raise argparse.ArgumentTypeError(f"must be between 0 and 1: {text}")
    return number


def _finite(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"must be a number: {text}")
    return number


if __name__ == "__main__":
    main()
