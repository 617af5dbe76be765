"""The service scheduler of the simulator.

`loop` runs it through time. `live_tasks` lists the tasks of a service, `replacement` computes which to start and stop,
and `launch_and_stop` does it. `rollouts` and `stages` change the status of deployments. `descriptions` and
`shown_counts` build what reads show.
"""
