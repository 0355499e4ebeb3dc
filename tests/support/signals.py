"""Ctrl-C and SIGTERM for the programs that tests start, however the tests were started.

A shell without job control starts what it puts in the background with SIGINT ignored, and `nohup`
does so with SIGHUP. A program inherits that, and no Ctrl-C of a test would reach it. A handler it
does not inherit: it begins with the default.
"""

import signal

ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


def let_children_be_stopped() -> None:
    """Start programs with signals that end them; this process goes on ignoring what it ignored."""
    for number in ENDING:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _ignore)


def _ignore(*_: object) -> None:
    pass
