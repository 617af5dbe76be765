"""Compares ecskit with its peers: `python -m benchmarks` prints a table of ratios.

Every peer requests the same bytes from a loopback server, which runs in its own process. CPU time is the process time
of the client alone. Absolute times depend more on the machine than on the library, so only imports, whose target is a
time, are shown in milliseconds.

`python -m benchmarks.waits` compares waits with botocore's, on virtual clocks: verdicts, requests and delays.
`python -m benchmarks.scale` measures waits for up to 10,000 tasks at the same time.
"""
