"""Where jobs are done: which places there are, and the workers of each."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ...errors import UsageError

if TYPE_CHECKING:
    from .interface import Workers

LOCAL = "local"
"""Processes of this machine."""
RAY = "ray"
"""The Ray cluster that ``RAY_ADDRESS`` names, or that runs on this machine; else one is started on it."""
RAY_SCHEME = "ray://"
"""How the address of a Ray cluster begins that is reached through its client server."""


def check_place(on: str, *, mixed: bool = False) -> None:
    """Refuse a place that there is not, before anything heavy is loaded.

    Args:
        on: ``local``, ``ray`` or ``ray://HOST:PORT``.
        mixed: whether machines may differ.

    Raises:
        UsageError: it is none of these, or Ray is not installed.
    """
    if on == LOCAL:
        if mixed:
            raise UsageError("--mixed is about the machines of a cluster: use it with --on ray")
        return
    if on != RAY and not (on.startswith(RAY_SCHEME) and len(on) > len(RAY_SCHEME)):
        raise UsageError(f"--on {on!r}: give {LOCAL}, {RAY} or {RAY_SCHEME}HOST:PORT")
    if importlib.util.find_spec("ray") is None:
        raise UsageError(f"--on {on} needs Ray: pip install 'pgsuite[ray]'")


@contextmanager
def workers_at(on: str, count: int | None, stall_limit: float, *, mixed: bool = False) -> Iterator["Workers"]:
    """Have workers at a place as long as the block lasts.

    Args:
        on: where, as `check_place` has it.
        count: jobs at once; one per core, or CPU of the cluster, by default.
        stall_limit: seconds without a sign of life after which a job is ended.
        mixed: whether machines of a cluster may differ from this one in what the bits depend on.

    Raises:
        UsageError: as `check_place` raises it, or the cluster cannot be reached.
    """
    check_place(on, mixed=mixed)
    if on == LOCAL:
        from .local import LocalWorkers, available_cores

        yield LocalWorkers(count or len(available_cores()), stall_limit)
        return
    from .ray import ray_workers

    with ray_workers(None if on == RAY else on, count, stall_limit, mixed=mixed) as workers:
        yield workers
