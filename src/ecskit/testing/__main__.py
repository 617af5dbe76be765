"""`python -m ecskit.testing`: serve a simulator until a signal ends it.

Decides the command line. Prints the URL as one line on standard output, so that a script can read it.
"""

from __future__ import annotations

import argparse
import signal
import threading
from typing import TYPE_CHECKING

from ecskit.testing.clocks import ScaledClock
from ecskit.testing.lag import Lag
from ecskit.testing.server import SimulatorServer
from ecskit.testing.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEPT_CALLS = 1000


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGINT or SIGTERM arrives."""
    options = _parser().parse_args(arguments)
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    simulator = Simulator(
        now=ScaledClock(speed=options.speed),
        region=options.region,
        account=options.account,
        seed=options.seed,
        lag=Lag(visible_after=options.lag, stale_by=options.stale),
        keep_calls=_KEPT_CALLS,
    )
    with SimulatorServer(simulator, port=options.port) as server:
        print(server.url, flush=True)
        done.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ecskit.testing", description="Serve a simulated ECS control plane on 127.0.0.1."
    )
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument("--speed", type=float, default=1.0, help="simulated seconds per second (default: 1)")
    parser.add_argument("--seed", type=int, default=0, help="root of all randomness (default: 0)")
    parser.add_argument("--lag", type=float, default=0.0, help="seconds until reads see a new task (default: 0)")
    parser.add_argument("--stale", type=float, default=0.0, help="largest age of a read in seconds (default: 0)")
    parser.add_argument("--region", default="us-east-1", help="region in ARNs (default: us-east-1)")
    parser.add_argument("--account", default="123456789012", help="account in ARNs (default: 123456789012)")
    return parser


if __name__ == "__main__":
    main()
