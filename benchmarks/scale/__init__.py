"""Waits for 1 to 10,000 tasks at the same time: `python -m benchmarks.scale` prints calls, delays, CPU and memory.

`account` is the simulated account and its meter, `arms` are the ways to observe the tasks, `deployments` deploys fifty
services. `run` measures one arm in a process of its own. `report` compares the figures with the targets.
"""
