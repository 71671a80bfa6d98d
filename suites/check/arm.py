"""One arm of a check: a process that runs a version of the code and does what it is told, line by line.

It is started as a file, with the version's package in front on the path, and belongs to no package itself: everything
that it imports is the version's. Requests and answers are JSON, a line each.
"""

import atexit
import gc
import importlib.util
import inspect
import json
import os
import signal
import statistics
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

PLANNED: list[Any] = []
OUT: list[Path] = []
USUAL, SELDOM = gc.get_threshold(), 100_000
_INSTALLED = ("lib-dynload", "site-packages", "dist-packages")
"""Names of folders that Python and pip fill."""


def plan(
    suite: dict[str, Any], source: str, algorithms: list[str], environments: list[str], steps: int | None, out: str
) -> dict[str, Any]:
    """Plan a suite and say of every cell what it depends on, and which files it really runs."""
    import pgsuite
    from pgsuite.suites.planning import plan_cells
    from pgsuite.suites.schema import parse_suite

    chosen = parse_suite(suite, source)
    if chosen.modules or any(":" in name for name in [*algorithms, *environments, *_names_in(suite)]):
        _let_in(sys.argv[1:])
    every = plan_cells(chosen, Path(out), algorithms=algorithms, environments=environments, seeds=(0,), steps=steps)
    refusals = [getattr(p, "refusal", "") for p in every]  # which versions before peers do not know
    PLANNED[:] = [p for p, refusal in zip(every, refusals, strict=True) if not refusal]
    OUT[:] = [Path(out)]
    refused = [{**_named(p), "reason": refusal} for p, refusal in zip(every, refusals, strict=True) if refusal]
    cells = [
        {
            **_named(p),
            "fingerprint": p.cell.fingerprint,
            "folder": p.store.path.name,
            "record": p.record,
        }
        for p in PLANNED
    ]
    modules = [getattr(importlib.import_module(name), "__file__", None) for name in chosen.modules]
    return {"package": pgsuite.__file__, "modules": modules, "cells": cells, "refused": refused, "loaded": _loaded()}


def _named(planned: Any) -> dict[str, Any]:
    """What a planned cell is called, and the file of its algorithm."""
    from pgsuite.algorithms.registry import load_class

    cell = planned.cell
    file = inspect.getsourcefile(load_class(cell.reference))
    return {"algorithm": cell.algorithm, "env": cell.environment.name, "file": file}


def _names_in(suite: dict[str, Any]) -> Iterator[str]:
    """The classes and environments that a suite names."""
    yield from suite.get("environments", {})
    yield from (str(table.get("class", "")) for table in suite.get("algorithms", {}).values())


def _let_in(folders: list[str]) -> None:
    """Let the code in folders be imported: never before Python's own or what is installed, which it may not replace.

    It comes before what an editable installation adds to the path, which is another version of the same code.
    """
    python = Path(sysconfig.get_path("stdlib")).resolve()
    places = [Path(place).resolve() for place in sys.path]
    installed = [n for n, place in enumerate(places) if place == python or place.name in _INSTALLED]
    last = max(installed, default=len(places) - 1) + 1
    for name in sys.stdlib_module_names - sys.modules.keys() - {"distutils"}:  # asked for that, setuptools loads itself
        if importlib.util.find_spec(name) is None:  # of another system: missing, whatever the folders hold
            sys.modules[name] = None  # type: ignore[assignment]
    sys.path[last:last] = [folder for folder in dict.fromkeys(folders) if folder not in sys.path[:last]]


def _loaded() -> list[str]:
    """The files of all modules that are loaded, but this one and those that are installed."""
    installed = [Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()]
    named = {str(getattr(module, "__file__", None) or "") for module in list(sys.modules.values())} - {__file__}
    files = {file: Path(file).resolve() for file in named if Path(file).is_absolute()}  # torch makes some up
    return sorted(name for name, file in files.items() if not any(map(file.is_relative_to, installed)))


def run(seeds: dict[str, list[int]], workers: int | None) -> list[dict[str, Any]]:
    """Run seeds of planned cells, by their number; return what failed."""
    from rich.console import Console

    from pgsuite.suites.running import run_cells

    wanted = [replace(PLANNED[int(n)], seeds=tuple(each)) for n, each in seeds.items()]
    numbers = {PLANNED[int(n)].cell.name: int(n) for n in seeds}
    outcome = run_cells(wanted, OUT[0], workers=workers, console=Console(stderr=True, quiet=True))
    if outcome.interruption:
        raise outcome.interruption
    return [{"cell": numbers[f.cell.name], "reason": f.reason, "place": f.place} for f in outcome.failures]


def audit(algorithms: list[str], models: list[str], workers: int | None, path: str) -> bool:
    """Audit algorithms, write the numbers to a file and return whether all follow their targets."""
    from pgsuite.results.store.audit import write_audit
    from pgsuite.suites.audit.run import plan_audit, run_audit

    found = run_audit(plan_audit(algorithms, models), workers=workers)
    write_audit(Path(path), found)
    return bool(found["passes"])


def auditable(reference: str) -> bool:
    """Whether an algorithm has a gradient to audit."""
    from pgsuite.algorithms.registry import load_class

    return all(hasattr(load_class(reference), part) for part in ("gradient", "target"))


def speed(cell: int, seeds: int, seconds: float, core: int | None) -> float:
    """Return the environment steps a second of training some seeds of a cell for about so long, on one core.

    0 where it makes no step in that time.
    """
    module, _, trainer = getattr(PLANNED[cell].cell, "trainer", "pgsuite.suites.training:TrainingLoop").partition(":")
    train = getattr(importlib.import_module(module), trainer)().train
    before = os.sched_getaffinity(0) if core is not None else set()
    if core is not None:
        os.sched_setaffinity(0, {core})
    gc.collect()  # from here on garbage is looked for as workers do, which is part of their time
    gc.freeze()
    gc.set_threshold(*USUAL)
    try:
        clock = _Clock(seconds)
        with_evaluations = PLANNED[cell].cell
        evaluation = replace(with_evaluations.evaluation, checkpoints=1, episodes=1)
        with suppress(_Enough):
            while not clock.stopped():  # a short budget is trained again
                train(replace(with_evaluations, evaluation=evaluation), range(seeds), clock)
        return clock.rate()
    finally:
        gc.set_threshold(SELDOM)
        if before:
            os.sched_setaffinity(0, before)


class _Enough(BaseException):
    """The time is over."""


class _Clock:
    """A sink that keeps nothing and times what passes."""

    def __init__(self, seconds: float) -> None:
        self._limit = seconds
        self._marks: list[tuple[float, int]] = []
        self._steps, self._seen = 0, -1

    def load(self, seed: int) -> None:  # noqa: ARG002
        return None

    def restart(self, seed: int) -> None:
        """Every run begins anew."""

    def save(self, *_: Any) -> None:
        """Keep nothing."""

    def progress(self, steps: int, score: float | None) -> None:  # noqa: ARG002
        if not steps:
            return
        now = time.perf_counter()
        self._marks.append((now, self._steps))
        self._steps += steps
        if now - self._marks[0][0] > self._limit:
            raise _Enough

    def stopped(self) -> bool:
        """Whether nothing has passed since the last time that it was asked."""
        before, self._seen = self._seen, len(self._marks)
        return before == self._seen

    def rate(self) -> float:
        """Median over eighths of the time, the first tenth left out."""
        marks = self._marks[len(self._marks) // 10 :] or [(0.0, 0)]
        edges = [marks[round(n * (len(marks) - 1) / 8)] for n in range(9)]
        rates = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(edges) if b[0] > a[0]]
        return float(statistics.median(rates)) if rates else 0.0


DO: dict[str, Callable[..., Any]] = {"plan": plan, "run": run, "audit": audit, "auditable": auditable, "speed": speed}


def main() -> None:
    """Answer until there are no more requests."""
    gc.set_threshold(SELDOM)  # as the command line does: a quarter of the time in which torch is loaded and left
    atexit.register(gc.freeze)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what anybody prints is no answer
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"answer": DO[request.pop("do")](**request)}
        except KeyboardInterrupt:
            return
        except Exception as error:  # told to who asked
            answer = {"error": str(error) or type(error).__name__, "kind": type(error).__name__}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
