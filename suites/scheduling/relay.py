"""On a machine of a cluster: a job is done by a local worker process, as everywhere, and its news are sent on.

So what a job's own code does to its process (it crashes, hangs, leaves threads) is seen and said as on one machine, and
what Ray loses is a machine. The process that this runs in is used for one job after another, and forks their workers
from a server that it starts once.
"""

import os
import pickle
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import PgsuiteError, UsageError
from ...results.store.remote import RemoteTrouble
from ..planned import PlannedCell
from . import alike
from .interface import Failure, Job, News
from .local import LocalWorkers
from .luggage import Luggage, arrived, folder_of_this_process, unpack

POST_INTERVAL = 0.5
"""Seconds between letters to the driver."""
HEARTBEAT = 5.0
"""Seconds after which there is one without news."""
Post = Callable[[bytes], None]
"""Sends a letter, and returns when it has arrived."""


class Order(NamedTuple):
    """What all jobs of a command share."""

    planned: tuple[PlannedCell, ...]
    luggage: Luggage
    stall_limit: float


class Needs(NamedTuple):
    """What a machine has to be like."""

    installed: Mapping[str, str]
    processor: Mapping[str, str]
    environment: Mapping[str, str | None]
    mixed: bool


class Begun(NamedTuple):
    """A letter's first words: the job begins, on a machine of that name."""

    machine: str


class Silent(NamedTuple):
    """A job says nothing."""

    seconds: float
    place: str


class Refused(Exception):
    """This machine is not like the one that asks; the message says in what."""


def relay(needs: Mapping[str, Any], order: bytes, work: bytes, machine: str, post: Post) -> Failure | str | None:
    """Do a job and send what is heard of it.

    Args:
        needs: fields of `Needs`.
        order: pickled `Order`.
        work: pickled `Job`.
        machine: its name.
        post: takes pickled lists of `Begun`, `News` and `Silent`.

    Returns:
        None when the job is done, else why it failed; or, as text, in what this machine cannot do it.
    """
    wanted = Needs(**needs)
    try:
        differing = _checked(alike.differences(wanted.installed, alike.installed(_packages(wanted))), wanted)
        workers, folder, found, luggage = _ready(order, tuple(wanted.environment.items()))
        differing |= _checked(alike.differences(wanted.processor, found["processor"]), wanted)
        job: Job = pickle.loads(work)
        _check_store(job)
    except Refused as refusal:
        return str(refusal)
    facts = {**job.facts, "provenance": _provenance(job.facts["provenance"], found["surroundings"], differing)}
    listener = _Posting(post)
    with listener:
        listener.say(Begun(machine))
        workers.run([replace(job, cell=arrived(job.cell, luggage, folder), facts=facts)], listener)
    return listener.failure and replace(listener.failure, cell=job.cell)


def _packages(needs: Needs) -> list[str]:
    return [name for name in needs.installed if name not in (alike.SOURCE, "Python")]


def _checked(differing: dict[str, tuple[str, str]], needs: Needs) -> dict[str, tuple[str, str]]:
    """Return differences that are allowed.

    Raises:
        Refused: they are not.
    """
    if differing and not (needs.mixed and alike.SOURCE not in differing):
        raise Refused(alike.in_words(differing))
    return differing


def _check_store(job: Job) -> None:
    """Hold the store to what the driver has written there.

    Raises:
        Refused: it is not seen here; trouble that may pass by itself is left to the writing, which tries again.
    """
    try:
        job.store.record()
    except RemoteTrouble as error:
        if error.exit_code == UsageError.exit_code:
            raise Refused(str(error)) from None
    except PgsuiteError:
        where = "a folder that all machines share, or a URL"
        raise Refused(f"it does not see the results in {job.store.path.parent}: give --out {where}") from None


@cache
def _ready(order: bytes, environment: tuple[tuple[str, str | None], ...]) -> tuple[LocalWorkers, Path, Any, Luggage]:
    """Unpack, start the server of workers, and ask one of them what it computes with.

    Raises:
        Refused: no process can be started.
    """
    alike.set_environment(dict(environment))
    planned, luggage, limit = pickle.loads(order)
    workers = LocalWorkers(1, limit, cores=())
    try:
        folder = folder_of_this_process()
        roots = unpack(luggage, folder)
        sys.path += map(str, roots)
        if roots:
            os.chdir(roots[0])  # what messages name the user's files by
        workers.prepare([replace(p, cell=arrived(p.cell, luggage, folder)) for p in planned])
        found = workers.ask()
    except (PgsuiteError, OSError) as error:
        raise Refused(f"it cannot start worker processes ({error})") from error
    return workers, folder, found, luggage


def _provenance(
    asked: Mapping[str, Any], here: Mapping[str, Any], differing: Mapping[str, tuple[str, str]]
) -> dict[str, Any]:
    """Return what the runs of a job say of where they were made: here, whoever asked."""
    found = {**asked, "machine": here["machine"], "versions": here["versions"]}
    if differing:
        found["mixed"] = {name: {"asked": ours, "here": theirs} for name, (ours, theirs) in differing.items()}
    return found


class _Posting:
    """Listens to the one job, and posts what it hears now and then, from a thread of its own."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._heard: list[Any] = []
        self._lock, self._over = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._send, name="post", daemon=True)
        self.failure: Failure | None = None

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def say(self, word: Any) -> None:
        """Post a word with the next letter."""
        with self._lock:
            self._heard.append(word)

    def start(self, job: Job) -> None:
        """It has been said already."""

    def news(self, job: Job, news: News) -> None:  # noqa: ARG002  (there is one job)
        """Pass news on."""
        self.say(news)

    def silent(self, job: Job, seconds: float, place: str) -> None:  # noqa: ARG002
        """Pass it on."""
        self.say(Silent(seconds, place))

    def finish(self, job: Job, failure: Failure | None) -> None:  # noqa: ARG002
        """Keep how it ended."""
        self.failure = failure

    def note(self, line: str) -> None:
        """Pass it on."""
        self.say(News(0, note=line))

    def _send(self) -> None:
        last = 0.0
        while True:
            ends = self._over.wait(POST_INTERVAL if last else 0.0)
            with self._lock:
                heard, self._heard = self._heard, []
            if heard or time.monotonic() - last > HEARTBEAT:
                try:
                    self._post(pickle.dumps(_together(heard)))
                except Exception:  # the driver is gone, and Ray will end this process
                    return
                last = time.monotonic()
            if ends:
                return


def _together(heard: Iterable[Any]) -> list[Any]:
    """Put the steps of news that follow each other together."""
    found: list[Any] = []
    for word in heard:
        before: Any = found[-1] if found else None
        if _is_of_steps(word) and _is_of_steps(before):
            score = before.score if word.score is None else word.score
            steps, ended = before.steps + word.steps, before.diverged + word.diverged
            found[-1] = News(steps, score, before.found + word.found, diverged=ended)
        else:
            found.append(word)
    return found


def _is_of_steps(word: Any) -> bool:
    return isinstance(word, News) and not word.note and word.rows is None
