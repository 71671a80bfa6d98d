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
FOR_GOOD = "for good"
"""Behind the number where the main thread starts the process: the system waits for the end of that thread."""
_PR_SET_PDEATHSIG = 1
_for_good = False


def tie() -> None:
    """Let the system kill this process when its parent dies."""
    global _for_good
    number, _, how_long = os.environ.pop(NOTE).partition(" ")
    parent, _for_good = int(number), how_long == FOR_GOOD
    _on_death_of_parent(signal.SIGKILL)
    if os.getppid() != parent:  # it died before
        os._exit(1)


def untie() -> None:
    """Leave this process be when it has loaded, unless it is tied for good: from here on it notices by itself."""
    if not _for_good:
        _on_death_of_parent(0)


def _on_death_of_parent(number: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


if NOTE in os.environ:
    tie()
