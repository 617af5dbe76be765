"""The two drivers, sync and async. They perform the effects that flows yield, and make no decisions.

The driver is given the clock and the source of randomness. When a flow is interrupted (a task is cancelled, Ctrl-C, an
iterator closed), the driver throws `Cancelled` into it, performs the clean-up effects that the flow yields, for at most
`CLEAN_UP_TIMEOUT` seconds, and raises the original exception again. An error during the clean-up is logged. A second
interruption ends the clean-up.
"""
