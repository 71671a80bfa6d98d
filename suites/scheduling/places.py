"""Where jobs are done: which places there are, and the workers of each."""

from collections.abc import Iterator
from contextlib import contextmanager

from .interface import Workers
from .local import LocalWorkers, available_cores

LOCAL = "local"
"""Processes of this machine."""


@contextmanager
def workers_at(on: str, count: int | None, stall_limit: float) -> Iterator[Workers]:
    """Have workers at a place as long as the block lasts.

    Args:
        on: where: ``local``.
        count: jobs at once; one per core, or CPU of the cluster, by default.
        stall_limit: seconds without a sign of life after which a job is ended.
    """
    assert on == LOCAL
    yield LocalWorkers(count or len(available_cores()), stall_limit)
