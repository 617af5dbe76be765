"""Measures ecskit against its peers, side by side: `python -m benchmarks` prints one table of ratios.

Every peer asks the same loopback server, which runs in a process of its own, for the same bytes. CPU time is the
process time of the client alone. Absolute times say more about a machine than about a library, so that only what is
imported, where the target itself is a time, is told in milliseconds.

Waits are compared with botocore's by `python -m benchmarks.waits`, on virtual clocks: verdicts, calls and delays.
"""
