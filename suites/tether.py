"""How the server that workers are forked from loads: it ends with its parent, and keeps what it has loaded.

Loading takes seconds, and the first compilation on a machine half a minute, in which it listens to nobody: the system
ends it should its parent be killed. Linux alone can do this; elsewhere the server ends when it has loaded. It is the
first thing that the server imports, and imports nothing heavy itself; in any other process importing it does nothing.
"""

import ctypes
import gc
import os
import signal
import sys

NOTE = "PGSUITE_TETHER"
"""Variable of the environment with the number of the process to end with."""
FOR_GOOD = "for good"
"""Behind the number where the main thread starts the process: the system waits for the end of that thread."""
_PR_SET_PDEATHSIG = 1
_for_good = False


def rest() -> None:
    """Let OpenBLAS's threads sleep when they have nothing to do: each would spin for some 50 ms when it is loaded.

    Its time is that power of two, in cycles of the processor; it is read when numpy or scipy loads it.
    """
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")


def tie() -> None:
    """Let the system kill this process when its parent dies; garbage is not looked for until all is loaded."""
    global _for_good
    number, _, how_long = os.environ.pop(NOTE).partition(" ")
    parent, _for_good = int(number), how_long == FOR_GOOD
    _on_death_of_parent(signal.SIGKILL)
    if os.getppid() != parent:  # it died before
        os._exit(1)
    rest()
    gc.disable()


def untie() -> None:
    """Leave this process be when it has loaded, unless it is tied for good: from here on it notices by itself.

    What is loaded stays: looking through it for garbage again and again takes workers a tenth of a second each time,
    and gives each of them a copy of the memory that they share with this process.
    """
    gc.freeze()
    gc.enable()
    if not _for_good:
        _on_death_of_parent(0)


def _on_death_of_parent(number: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


if NOTE in os.environ:
    tie()
