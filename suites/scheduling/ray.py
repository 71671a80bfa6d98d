"""Jobs as tasks of a Ray cluster: one CPU each, longest first; what a lost machine did is done again elsewhere.

Ray retries nothing here: a task that is lost with its machine is given again by us, without the runs that are finished
meanwhile, and goes on from the snapshots in the store. What fails on a machine that lives is a failure, as on one
machine (`relay`), and is not tried again. A task that an earlier, killed command has left running does no harm: it
writes the same bits.
"""

import os
import pickle
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ray
from ray import exceptions

from ...errors import PassingTrouble, UsageError, in_one_line
from ...results.store.curve import FINISHED
from ...results.store.remote import RemoteTrouble
from ...results.store.store import CellStore
from ...wording import plural
from ..planned import PlannedCell
from ..process import GRACE
from ..stalling import START_LIMIT, Silence
from . import alike
from .deaths import kept, snapshots
from .interface import Failure, Job, Listener, News
from .local import LocalWorkers, available_cores
from .luggage import pack
from .places import RAY_SCHEME
from .relay import Begun, Order, Silent

_OBJECT_STORE = 100 * 2**20
"""Bytes for Ray's objects on a cluster that is started here: letters are all that there is."""
MOST_LOSSES = 5
"""Machines that a job may lose one after another without getting any further."""
_LISTEN = 0.5
"""Seconds to wait for letters before looking after tasks."""
_PATIENCE = 10.0
"""Seconds to wait for whoever listens at the address of a cluster."""
_COUNT_AGAIN = 2.0
"""Seconds after which the CPUs of the cluster are counted again."""
_PATIENCE_OF_HEAD = 40.0
"""Seconds that the head node has to answer: after 60 Ray itself gives it up, and ends this process."""
_HEAD = {"node:__internal_head__": 0.001}
"""Where letters are kept: with the head node the cluster is lost."""


@contextmanager
def ray_workers(address: str | None, count: int | None, stall_limit: float, *, mixed: bool) -> Iterator["RayWorkers"]:
    """Be connected to a cluster as long as the block lasts; a connection that the program has is used, and kept.

    Args:
        address: ``ray://HOST:PORT``; or None for the cluster that ``RAY_ADDRESS`` names or that runs on this machine,
            else one that is started here.
        count: tasks at once; as many as there are CPUs, and as many again to wait for them, by default.
        stall_limit: seconds without a sign of life after which a job is ended.
        mixed: whether machines may differ from this one.

    Raises:
        UsageError: the cluster cannot be reached.
    """
    ours = not ray.is_initialized()
    if ours:
        _connect(address, count)
    try:
        with _Head() as head:
            yield RayWorkers(head, count, stall_limit, mixed=mixed)
    finally:
        if ours:
            with _handlers_kept():
                ray.shutdown()


def _connect(address: str | None, count: int | None) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody uninvited
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # or it warns of a default to come
    quiet = {"logging_level": "ERROR", "log_to_driver": False}
    named = address or os.environ.get("RAY_ADDRESS")
    try:
        _check_reach(named or "")
        with _handlers_kept():
            try:
                ray.init(named or "auto", **quiet)
            except ConnectionError:
                if named:
                    raise
                own = {"num_cpus": count or len(available_cores()), "object_store_memory": _OBJECT_STORE}
                ray.init("local", include_dashboard=False, **own, **quiet)
    except Exception as error:  # whatever it is, of Ray or of gRPC
        place = f"the Ray cluster at {named}" if named else "a Ray cluster"
        raise UsageError(
            f"cannot reach {place}: {in_one_line(error)}; start it with `ray start --head`, or name it in RAY_ADDRESS "
            "or as --on ray://HOST:PORT"
        ) from error


def _check_reach(address: str) -> None:
    """Try an address, which Ray itself does for minutes.

    Raises:
        OSError: nobody listens there.
    """
    host, colon, port = address.removeprefix(RAY_SCHEME).rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """Leave this process's signal handlers as they are: Ray sets its own."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    try:
        yield
    finally:
        with suppress(ValueError):  # not in the main thread, which alone has handlers
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)


@contextmanager
def _loss_told() -> Iterator[None]:
    """Say in one line that the cluster is lost."""
    try:
        yield
    except (exceptions.RayError, ConnectionError) as error:
        raise PassingTrouble(
            f"the head node of the Ray cluster is lost, or what collects news there ({type(error).__name__}): what "
            "the runs have saved is kept; when the cluster is up again, start the command again to go on from there"
        ) from error


def _task() -> Any:
    """Return what Ray runs on a machine.

    It is made here so that Ray sends its code, not its name: a machine without pgsuite can say so.
    """

    def task(needs: Any, order: bytes, work: bytes, letters: Any, key: int) -> tuple[str, str, Any]:
        import socket

        import ray

        node, host = ray.get_runtime_context().get_node_id(), socket.gethostname()
        try:
            from pgsuite.suites.scheduling.relay import relay
        except ImportError as error:
            return node, host, f"pgsuite cannot be imported there ({error})"
        return node, host, relay(needs, order, work, host, lambda letter: ray.get(letters.put.remote(key, letter)))

    return ray.remote(num_cpus=1, max_retries=0)(task)


def _letters() -> Any:
    """Return an actor that keeps letters until they are fetched; Ray gets its code, as of the task."""

    class Letters:
        def __init__(self) -> None:
            import asyncio

            self.kept: list[tuple[int, bytes]] = []
            self.there = asyncio.Event()

        async def put(self, key: int, letter: bytes) -> None:
            self.kept.append((key, letter))
            self.there.set()

        async def fetch(self, seconds: float) -> list[tuple[int, bytes]]:
            import asyncio

            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.there.wait(), seconds)
            self.there.clear()
            fetched, self.kept = self.kept, []
            return fetched

    return ray.remote(num_cpus=0, resources=_HEAD)(Letters).remote()


@dataclass
class _Turn:
    """A job, and the task that does it at the moment."""

    job: Job
    task: Any = None
    machine: str = ""
    """Name of the machine that has begun; empty before."""
    silence: Silence = field(default_factory=Silence)
    losses: int = 0
    reached: int = -1
    """Environment steps that were in the store when it was given last."""
    left: tuple[int, ...] = ()
    """Seeds that are not finished."""
    told: dict[int, int] = field(default_factory=dict)
    """The last checkpoint by seed that was passed on."""


class _Head:
    """Asks the head node which machines there are, now and then, beside the work: one that is lost keeps who asks."""

    def __init__(self) -> None:
        self.machines: dict[str, int] = {}
        """CPUs of each machine that is there and has some, by the number of its node."""
        self.free = 0
        """CPUs that do nothing."""
        self.counted = 0.0
        self.silence = Silence()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="head", daemon=True)

    def __enter__(self) -> "_Head":
        self._count()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(1.0)

    def _ask(self) -> None:
        while not self._over.wait(_COUNT_AGAIN):
            with suppress(Exception):  # its silence tells
                self._count()

    def _count(self) -> None:
        begun = time.monotonic()
        cpus = {node["NodeID"]: int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]}
        self.machines = {node: count for node, count in cpus.items() if count}
        self.free, self.counted = int(ray.available_resources().get("CPU", 0)), begun
        self.silence.heard()


class RayWorkers:
    """The CPUs of a cluster."""

    def __init__(self, head: _Head, count: int | None, stall_limit: float, *, mixed: bool) -> None:
        self._head, self._wanted, self._stall_limit, self._mixed = head, count, stall_limit, mixed
        self._refused: dict[str, str] = {}
        """Why machines are refused, by the number of their node."""
        self._refused_last = 0.0
        self._idle = Silence()

    @property
    def count(self) -> int:
        """Tasks at once: as many as were wanted, or as the cluster has CPUs now."""
        return self._wanted or max(self._there_are(), 1)

    def _there_are(self) -> int:
        """CPUs of the cluster that may be given work."""
        return sum(count for node, count in self._head.machines.items() if node not in self._refused)

    def __str__(self) -> str:
        return f"{plural(self.count, 'CPU')} of a Ray cluster"

    def prepare(self, planned: Sequence[PlannedCell]) -> None:
        """Pack what tasks need beside their jobs, among it what a worker of this machine computes with.

        Raises:
            UsageError: the user's own code is too large to travel.
            PassingTrouble: the cluster is lost.
            PgsuiteError: no process can be started here.
        """
        with _loss_told():
            self._prepare(planned)

    def _prepare(self, planned: Sequence[PlannedCell]) -> None:
        local = LocalWorkers(1, self._stall_limit, cores=())
        local.prepare([])
        packages = dict.fromkeys(name for p in planned for name in _packages(p))
        self._needs = ray.put(
            {
                "installed": alike.installed(packages),
                "processor": local.ask()["processor"],
                "environment": alike.environment(),
                "mixed": self._mixed,
            }
        )
        own = tuple(replace(p, store=_absolute(p.store)) for p in planned)
        self._order = ray.put(pickle.dumps(Order(own, pack(p.cell for p in planned), self._stall_limit)))
        self._task, self._letters = _task(), _letters()

    def run(self, jobs: Sequence[Job], listener: Listener) -> None:
        """Do all jobs, as `Workers` has it.

        Raises:
            PassingTrouble: the cluster is lost.
        """
        with _loss_told():
            self._run(jobs, listener)

    def _run(self, jobs: Sequence[Job], listener: Listener) -> None:
        waiting, turns = deque(_Turn(job, left=job.seeds) for job in jobs), dict[int, _Turn]()
        number = 0
        try:
            while waiting or turns:
                while waiting and len(turns) < (self._wanted or max(2 * self._there_are(), 1)):
                    number += 1
                    turns[number] = self._give(waiting.popleft(), number)
                # Asked before listening: what a task wrote last is read before it is taken for ended.
                ended, _ = ray.wait([turn.task for turn in turns.values()], num_returns=len(turns), timeout=0)
                fetched = self._letters.fetch.remote(0 if ended else _LISTEN)
                for key, letter in ray.get(fetched, timeout=_PATIENCE_OF_HEAD):
                    if key in turns:  # else of a task that is taken for lost
                        self._read(turns[key], pickle.loads(letter), listener)
                for key in [key for key, turn in turns.items() if turn.task in ended]:
                    turn = turns.pop(key)
                    if self._is_done(turn, listener):
                        continue
                    waiting.appendleft(turn)
                for turn in turns.values():
                    self._mind(turn, listener)
                self._mind_the_cluster(waiting, turns, listener)
        finally:
            self._stop([turn.task for turn in turns.values()])

    def _give(self, turn: _Turn, number: int) -> _Turn:
        """Give a job to Ray, without the runs that are finished."""
        job = pickle.dumps(replace(turn.job, store=_absolute(turn.job.store), seeds=turn.left))
        selector = {"ray.io/node-id": f"!in({','.join(self._refused)})"} if self._refused else None
        turn.task = self._task.options(name=turn.job.cell.name, label_selector=selector).remote(
            self._needs, self._order, job, self._letters, number
        )
        turn.machine, turn.silence = "", Silence()
        return turn

    def _read(self, turn: _Turn, letter: Sequence[Any], listener: Listener) -> None:
        turn.silence.heard()
        for word in letter:
            match word:
                case Begun(machine):
                    turn.machine = machine
                    listener.start(turn.job)
                    if finished := len(turn.job.seeds) - len(turn.left):
                        listener.news(turn.job, News(0, found=turn.job.cell.steps * finished))
                case Silent(seconds, place):
                    listener.silent(turn.job, seconds, place)
                case News(rows=(seed, rows)):
                    last = turn.told.get(seed, -1)
                    if new := [row for row in rows if row.checkpoint > last]:
                        turn.told[seed] = new[-1].checkpoint
                        listener.news(turn.job, word._replace(rows=(seed, new)))
                case News():
                    listener.news(turn.job, word)

    def _is_done(self, turn: _Turn, listener: Listener) -> bool:
        """Take a task's end; return whether the job has ended with it, or has to be given again."""
        failure: Failure | None = None
        try:
            node, host, answer = ray.get(turn.task)
            if isinstance(answer, str):
                self._refuse(node, host, answer, listener)
                return False
            failure = answer
        except exceptions.OutOfMemoryError:
            reason = f"Ray ended it because the memory of its machine was short: use fewer --workers; {kept(turn.job)}"
            failure = Failure(turn.job.cell, reason)
        except (exceptions.RayTaskError, exceptions.TaskUnschedulableError) as error:
            failure = Failure(turn.job.cell, f"its task failed: {in_one_line(error)}", details=str(error))
        except exceptions.RayError as error:
            how = type(error).__name__
            if self._may_be_given_again(turn, how, listener):
                return False
            times = f"lost with its machine {turn.losses} times one after another without getting any further ({how})"
            failure = Failure(turn.job.cell, f"{times}; {kept(turn.job)}") if turn.left else None
        if not turn.machine:
            listener.start(turn.job)
        listener.finish(turn.job, failure)
        return True

    def _refuse(self, node: str, host: str, why: str, listener: Listener) -> None:
        if node not in self._refused:
            self._refused[node], self._refused_last = f"{host} ({node[:8]}): {why}", time.monotonic()
            listener.note(f"machine {self._refused[node]}; it is given no work")

    def _may_be_given_again(self, turn: _Turn, how: str, listener: Listener) -> bool:
        """Count a loss; those that cost nothing but time do not add up."""
        steps = sum(snapshots(turn.job))
        turn.losses = 1 if steps > turn.reached else turn.losses + 1
        with suppress(RemoteTrouble):  # a store that cannot be asked now: what is done will be found so
            statuses = turn.job.store.seeds()
            turn.left = tuple(seed for seed in turn.left if statuses.get(seed) not in FINISHED)
        turn.reached = steps
        if turn.losses > MOST_LOSSES or not turn.left:
            return False
        where = turn.machine or "its machine"
        listener.note(f"{turn.job.cell.name}: lost with {where} ({how}), and given to another one")
        return True

    def _mind(self, turn: _Turn, listener: Listener) -> None:
        """Speak of a machine's silence, and take it for lost when that has been too long."""
        if not turn.machine:
            return
        if turn.silence.look():
            listener.note(f"{turn.job.cell.name}: nothing heard of {turn.machine} for {turn.silence.seconds:.0f} s")
        if turn.silence.seconds > max(self._stall_limit, START_LIMIT):
            turn.silence.heard()
            ray.cancel(turn.task, force=True)

    def _mind_the_cluster(self, waiting: deque[_Turn], turns: dict[int, _Turn], listener: Listener) -> None:
        """Say that nobody is free; where nobody is left, end what waits.

        Raises:
            ConnectionError: the head node is silent.
        """
        self._head.silence.look()
        if self._head.silence.seconds > _PATIENCE_OF_HEAD:
            raise ConnectionError
        if any(turn.machine for turn in turns.values()):
            self._idle.heard()
            return
        if self._refused and self._nobody_is_left():
            self._stop([turn.task for turn in turns.values()])
            reason = f"no machine of the cluster can do it: {'; '.join(self._refused.values())}"
            mend = "install there what is here, or allow for it with --mixed"
            for turn in (*turns.values(), *waiting):
                listener.start(turn.job)
                listener.finish(turn.job, Failure(turn.job.cell, f"{reason}; {mend}"))
            turns.clear()
            waiting.clear()
        elif self._idle.look():
            free = f"{self._head.free} of {sum(self._head.machines.values())} CPUs are free"
            listener.note(f"no task begins for {self._idle.seconds:.0f} s: {free}")

    def _nobody_is_left(self) -> bool:
        alive = self._head.machines if self._head.counted > self._refused_last else {}
        return bool(alive) and not self._there_are()

    def _stop(self, tasks: list[Any]) -> None:
        """Let tasks save what they have; when the grace is over they are killed."""
        with suppress(exceptions.RayError, ConnectionError):
            for task in tasks:
                ray.cancel(task)
            deadline = time.monotonic() + GRACE + 2 * _LISTEN
            while tasks and time.monotonic() < deadline:
                _, tasks = ray.wait(tasks, num_returns=len(tasks), timeout=_LISTEN)
            for task in tasks:
                ray.cancel(task, force=True)


def _packages(planned: PlannedCell) -> list[str]:
    """Packages that the results of a cell depend on, as its fingerprint has them."""
    environment = planned.record["environment"]
    backend = ["envpool"] if environment["backend"] == "envpool" else []
    return [*planned.record["versions"], *environment.get("physics", {}), *backend]


def _absolute(store: CellStore) -> CellStore:
    """The same store by an address that holds on every machine."""
    path = store.path.absolute() if isinstance(store.path, Path) else store.path
    return CellStore.at(path, store.algorithm, store.env, store.fingerprint)
