"""Ctrl-C for the tests of it: a shell lets its background jobs ignore it, and so do some runners of CI."""

from __future__ import annotations

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Programs that tests start inherit this as the system's default.
    signal.signal(signal.SIGINT, signal.default_int_handler)
