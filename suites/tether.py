"""What ends the server that workers are forked from, should its parent be killed while it loads and listens to nobody.

Loading takes seconds, and the first compilation on a machine half a minute. Linux alone can do this; elsewhere the
server ends when it has loaded. It is the first thing that the server imports, and imports nothing heavy itself; in any
other process importing it does nothing.
"""

import ctypes
import os
import signal
import sys

NOTE = "PGSUITE_TETHER"
"""Variable of the environment with the number of the process to end with."""
_PR_SET_PDEATHSIG = 1


def tie() -> None:
    """Let the system kill this process when its parent dies."""
    parent = int(os.environ.pop(NOTE))
    _on_death_of_parent(signal.SIGKILL)
    if os.getppid() != parent:  # it died before
        os._exit(1)


def untie() -> None:
    """Leave this process be: from here on it notices by itself, and has workers whose end it has to report."""
    _on_death_of_parent(0)


def _on_death_of_parent(number: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


if NOTE in os.environ:
    tie()
