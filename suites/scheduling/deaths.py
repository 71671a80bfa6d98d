"""What is said of a worker that had no last word: how it ended, why probably, what is kept, and what to do."""

import signal

from ...errors import PgsuiteError
from .interface import Job

_CAUSES = {
    "SIGKILL": "killed, as the system does when memory is short: use fewer --workers",
    "SIGSEGV": "a crash in compiled code, as of an environment's library",
    "SIGBUS": "a crash in compiled code, or a full /dev/shm or disk",
    "SIGILL": "compiled code for another processor",
    "SIGFPE": "a crash in compiled code, as of an environment's library",
    "SIGABRT": "compiled code gave up, as when memory is short or an assertion fails; see above",
    "SIGTERM": "somebody ended it",
    "SIGXCPU": "the limit of processor time, ulimit -t",
    "SIGXFSZ": "the limit of file sizes, ulimit -f",
}
_OF_ITS_OWN = ("SIGSEGV", "SIGILL", "SIGFPE", "SIGABRT")
"""Signals by which a process dies of what it does itself, and would again."""


def death(job: Job, code: int | None) -> str:
    """Say how a worker died.

    Args:
        job: what it did.
        code: the exit code of its process, negative for a signal; None where the system does not tell.
    """
    if code is None:
        how = "nobody knows how"
    elif name := _signal(code):
        how = f"signal {name}" + (f": {_CAUSES[name]}" if name in _CAUSES else "")
    else:
        how = f"exit code {code}: its code ended the process itself, as os._exit and sys.exit do"
    return f"its worker process died ({how}); {kept(job)}"


def from_outside(code: int | None) -> bool:
    """Whether a process that ended so was ended by somebody else: the system, or a person."""
    return code is None or (code < 0 and _signal(code) not in _OF_ITS_OWN)


def _signal(code: int) -> str:
    """The name of the signal that an exit code tells of; empty where it tells of none."""
    return next((number.name for number in signal.Signals if code == -number), "")


def stalled(job: Job, limit: float) -> str:
    """Say that a worker was ended for its silence."""
    return (
        f"no step of an environment, update or evaluation for {limit:g} s, the stall limit: the worker was ended; "
        f"{kept(job)}; a longer --stall-limit gives it more time"
    )


def kept(job: Job) -> str:
    """Say what the store has of a job's runs, and what the same command does with it."""
    steps = snapshots(job)
    count = sum(len(one.seeds) for one in job.everyone)
    if not steps:
        none = "its run has" if count == 1 else f"its {count} runs have"
        return f"{none} no snapshot yet: run the same command again to begin anew"
    reach = f"at {max(steps):,} steps" if count == 1 or min(steps) == max(steps) else f"up to {max(steps):,} steps"
    which = "its run has a snapshot" if count == 1 else f"{len(steps)} of its {count} runs have snapshots"
    return f"{which} {reach}: run the same command again to go on from there"


def snapshots(job: Job) -> list[int]:
    """Return how many environment steps the snapshots of a job's runs have, of those that have one."""
    steps = []
    for store, seed in ((one.store, seed) for one in job.everyone for seed in one.seeds):
        try:
            found = store.resumable(seed)
        except PgsuiteError:
            continue
        if found is not None:
            steps.append(int(found.tensors["steps"][0]))
    return steps
