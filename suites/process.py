"""Processes that train: how they start and end with their parent, one thread each, freed memory kept.

Workers are forked from a server that has loaded torch once. What ends a command ends its workers, and they save what
they have first: on Ctrl-C, SIGTERM or SIGHUP the parent tells them, also where the signal went to the whole group of
processes; if the parent is killed they notice.
"""

import ctypes
import gc
import importlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any

from threadpoolctl import ThreadpoolController, threadpool_limits

from ..results.store.remote import environment
from . import tether

_KIBIBYTE = 2**10
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_GIBIBYTE = 2**30

SAFE_PATH = "PYTHONSAFEPATH"
"""Variable of the environment that keeps the working folder off the import path of a Python that is started."""
GRACE = 5.0
"""Seconds that a process which is told to end has to save what it has."""
GRACE_OF_ORPHANS = 1.5
"""The same where its parent was killed, and nobody else would end it."""
_GROUP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What a terminal or a batch system sends to all processes of a command at once."""


def begin_server(module: str) -> None:
    """Start the server that processes are forked from, which imports a module first; one that runs stays as it is.

    The module calls `tether.untie` when it has done what it does.

    It is started with those signals blocked that are sent to a whole group: it ends with the parent, after the
    workers, whose end it has to report. Workers unblock them in `follow_parent`.
    """
    context = forking()
    context.set_forkserver_preload([tether.__name__, module])
    with without_working_folder():
        resource_tracker.ensure_running()  # starting it later would unblock SIGTERM
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _GROUP_SIGNALS)
    lasting = threading.current_thread() is threading.main_thread()
    os.environ[tether.NOTE] = f"{os.getpid()} {tether.FOR_GOOD if lasting else ''}"
    try:
        with without_working_folder():
            forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        del os.environ[tether.NOTE]


def wait_for_server() -> None:
    """Wait until the server has imported its module."""
    waited = forking().Process(target=follow_parent)
    waited.start()
    waited.join()


class _Process(ForkServerProcess):
    """A process that does not run the program again by which its parent was started.

    Multiprocessing would, so that what is defined there can be unpickled; workers need nothing of it, and a script that
    calls us at its top level, without a guard, would call us again in every worker.

    It has the credentials that its parent has now; the server has those of when it was started.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._credentials = environment()

    def run(self) -> None:
        """Do what it was made for."""
        os.environ.update(self._credentials)
        super().run()

    def start(self) -> None:
        program = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            super().start()
        finally:
            sys.modules["__main__"] = program


class _Context(ForkServerContext):
    Process = _Process


@contextmanager
def without_working_folder() -> Iterator[None]:
    """Let no Python that is started meanwhile look for modules in the working folder, as ``python -c`` does first."""
    before = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SAFE_PATH]
        else:
            os.environ[SAFE_PATH] = before


def forking() -> ForkServerContext:
    """Return the context whose processes are forked from that server."""
    return _Context()


def follow_parent() -> None:
    """In a worker: leave Ctrl-C and a closed terminal to the parent, and end when the parent has ended, however.

    Garbage is looked for, also where the server could not load all.
    """
    gc.enable()
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _GROUP_SIGNALS)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), name="parent", daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    wait([parent.sentinel])  # not of the server that forked this process, but of the one that asked for it
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_OF_ORPHANS)
    os._exit(1)


@contextmanager
def single_thread() -> Iterator[None]:
    """Use one thread in torch and BLAS: a run's bits may depend on their number, and small matrices gain nothing."""
    import torch

    importlib.import_module("scipy.linalg.cython_blas")  # where kernels' np.dot is: loaded later, it would escape
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def single_thread_often() -> Iterator[None]:
    """`single_thread` for what is called step by step: to find the libraries takes milliseconds, and is done once."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with _thread_pools().limit(limits=1):
            yield
    finally:
        torch.set_num_threads(before)


@cache
def _thread_pools() -> ThreadpoolController:
    importlib.import_module("scipy.linalg.cython_blas")  # as above
    return ThreadpoolController()


def keep_freed_memory() -> None:
    """Tell glibc not to hand arrays of up to a gibibyte back to the system when they are freed.

    Every update allocates the same few hundred kilobytes anew; without this, a quarter of its time is page faults
    (measured: 735 an update of actor-critic, 3.6 against 2.9 ms). Elsewhere than on glibc it does nothing.
    """
    if sys.platform != "linux":
        return
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_MMAP_THRESHOLD, _GIBIBYTE)
    mallopt(_M_TRIM_THRESHOLD, _GIBIBYTE)


def peak_memory() -> int | None:
    """Return the most memory that this process has had resident, in bytes; None where the system does not tell."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * _KIBIBYTE
