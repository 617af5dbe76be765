"""The two drivers: they perform what flows yield. They decide nothing, and nothing else performs.

Clock, sleep and randomness are handed in. When a flow is cut short (a task is cancelled, Ctrl-C, an iterator closed)
the driver throws `Cancelled` into it, performs the clean-up effects that it yields, for at most `CLEAN_UP` seconds,
and raises the original again. An error in the clean-up is logged; a second interruption ends it.
"""
