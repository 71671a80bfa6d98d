"""Kill `pgsuite run` at random, and see that nothing is lost: `python tests/robustness/kill.py`, some twenty minutes.

A folder is run, killed with SIGKILL at a moment and with victims drawn by a seed, run again, killed again, and so on
until a run comes to its end; then the next folder. After every kill processes are counted for five seconds, and every
finished run is compared, bit for bit, with one of a command that nobody killed. The table goes to
docs/robustness/kill.md, all trials to kill.json beside it.
"""

import argparse
import hashlib
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pgsuite.errors import PgsuiteError
from pgsuite.results import CellStore, read_manifest

DOCS = Path(__file__).parents[2] / "docs" / "robustness"
ALONE = 5.0
"""Seconds after which no process may be left of a command whose parent was killed."""
PHASES = ("starting", "training", "saving", "reporting")
VICTIMS = ("parent", "worker", "both")
ALL_DONE = re.compile(r"\((\d+) of \1\)")
"""Behind the last job that has finished."""
_POLL = 0.002

ENVIRONMENT = '''
"""A walk that takes its time without taking the processor's."""
import time
import gymnasium
import numpy as np
from gymnasium import spaces

class Walk(gymnasium.Env):
    observation_space = spaces.Box(-np.inf, np.inf, (2,))
    action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = self.np_random.normal(size=2)
        return self.place.astype(np.float32), {}

    def step(self, action):
        time.sleep(0.004)
        self.place = self.place + self.np_random.normal(size=2) + (2 * action - 1) / 4
        return self.place.astype(np.float32), float(self.place[0]), bool(abs(self.place[0]) > 6), False, {}

if "kill/Walk-v0" not in gymnasium.registry:
    gymnasium.register("kill/Walk-v0", entry_point=Walk, max_episode_steps=25)
'''
SUITE = """
name = "kill"
description = "Small and slow"
seeds = "0-3"
modules = ["environment_to_kill"]
[evaluation]
checkpoints = 5
episodes = 2
[environments."kill/Walk-v0"]
steps = 250
[environments."CartPole-v1"]
steps = 4000
[algorithms.reinforce]
num_envs = 2
[algorithms.actor-critic]
num_envs = 2
num_steps = 10
"""


Trial = dict[str, Any]
"""One kill: phase, victims, what was there and what was left."""
Report = Callable[[Trial], None]


def start(place: Path, out: str) -> subprocess.Popen[str]:
    """Run the suite in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "pgsuite.cli", "run", "kill.toml", "--out", out, "--workers", "2"],
        cwd=place,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(place), *filter(None, sys.path)]), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


class Ear:
    """Listens to a command until it ends."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.lines: list[str] = []
        self._threads = [
            threading.Thread(target=self._listen, args=(pipe,)) for pipe in (process.stdout, process.stderr)
        ]
        for thread in self._threads:
            thread.start()

    def _listen(self, pipe) -> None:
        for line in pipe:
            self.lines.append(line)

    def heard(self, *words: str) -> bool:
        """Whether some line has one of the words."""
        return any(word in line for line in list(self.lines) for word in words)

    def end(self) -> str:
        """All that it said."""
        for thread in self._threads:
            thread.join()
        return "".join(self.lines)


def processes(session: int) -> dict[int, str]:
    """Living processes of a session and their command lines, by number."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, member = stat.read_text().rpartition(")")[2].split()[:4]
            if int(member) == session and state != "Z":
                found[int(stat.parent.name)] = (stat.parent / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
    return found


def workers(session: int) -> list[int]:
    """Those that train: forked from the server, which is the child of the command that does not track resources."""
    servers = {number for number, line in processes(session).items() if "forkserver" in line}
    found = []
    for number in servers:
        try:
            parent = int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent in servers:
            found.append(number)
    return sorted(found)


def reached(phase: str, place: Path, out: str, ear: Ear) -> bool:
    """Whether a command is at work on that."""
    match phase:
        case "starting":
            return True
        case "training":
            return ear.heard("  started  ")
        case "saving":
            return any((place / out).glob("*--*/.seed-*.tmp"))
        case _:
            return ear.heard("16 of 16 runs are there") or any(ALL_DONE.search(line) for line in list(ear.lines))


def kill(trial: Trial, process: subprocess.Popen[str], ear: Ear, place: Path, out: str, rng: random.Random) -> bool:
    """Kill as the trial says, unless the command ends before; return whether it was killed."""
    begun = time.monotonic()
    while process.poll() is None and not reached(trial["phase"], place, out, ear):
        time.sleep(_POLL)
    wait = {"starting": 6.0, "training": 4.0, "saving": 0.0, "reporting": 3.0}[trial["phase"]]
    end = time.monotonic() + rng.random() * wait
    while process.poll() is None and time.monotonic() < end:
        time.sleep(_POLL)
    if process.poll() is not None:
        return False
    alive = workers(process.pid)
    if trial["victims"] == "worker" and not alive:
        trial["victims"] = "parent"
    trial["at"] = round(time.monotonic() - begun, 2)
    targets = {"parent": [process.pid], "worker": alive[:1] if rng.random() < 0.5 else alive[-1:]}
    for number in targets.get(trial["victims"], [process.pid, *alive]):
        try:
            os.kill(number, signal.SIGKILL)
        except ProcessLookupError:
            trial["missed"] = True
    return True


def bits(folder: Path) -> dict[str, dict[str, str]]:
    """What a folder holds of runs: status and a digest of all that does not depend on the clock, by cell and seed."""
    found = {}
    for cell in sorted(folder.glob("*--*")):
        try:
            store = CellStore.open(cell)
            for seed, status in store.seeds().items():
                same = "" if status == "corrupt" else _bits(store, seed)
                found[f"{cell.name}/{seed}"] = {"status": status, "bits": same}
        except PgsuiteError as error:
            found[cell.name] = {"status": "corrupt", "bits": str(error)}
    return found


def _bits(store: CellStore, seed: int) -> str:
    curve, _ = store.read_columns(seed)
    tensors, _ = store.read_snapshot(seed) or ({}, {})
    digest = hashlib.sha256()
    for name, array in (*sorted(curve.items()), *sorted(tensors.items())):
        if name not in ("wall_time", "seconds"):
            digest.update(repr((name, array.dtype.str, array.shape)).encode() + array.tobytes())
    return digest.hexdigest()


def finished(found: dict[str, dict[str, str]]) -> dict[str, str]:
    """The runs that came to their end, with their bits."""
    return {run: facts["bits"] for run, facts in found.items() if facts["status"] in ("complete", "diverged")}


def one(number: int, place: Path, out: str, expected: dict[str, str], seed: int, *, closing: bool) -> Trial:
    """One trial: run, kill unless it is only to bring the folder to its end, count who is left, compare."""
    rng = random.Random(f"{seed}/{number}")
    before = finished(bits(place / out))
    phases = PHASES if len(before) < len(expected) else ("starting", "reporting")
    trial = Trial(trial=number, phase=rng.choice(phases), victims=rng.choice(VICTIMS))
    process = start(place, out)
    ear = Ear(process)
    ends = closing or (len(before) == len(expected) and rng.random() < 0.5)
    killed = not ends and kill(trial, process, ear, place, out, rng)
    if killed and trial["victims"] != "worker":
        end = time.monotonic() + ALONE
        while processes(process.pid) and time.monotonic() < end:
            time.sleep(0.05)
        trial["orphans"] = list(processes(process.pid).values())
        if trial["orphans"]:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=600)
    said = ear.end()
    after = bits(place / out)
    done = finished(after)
    trial |= {
        "killed": killed,
        "exit": process.returncode,
        "lost": sorted(run for run in before if run not in done),
        "corrupt": sorted(run for run, facts in after.items() if facts["status"] == "corrupt"),
        "wrong": sorted(run for run in done if done[run] != expected.get(run)),
        "finished": len(done),
        "traceback": "Traceback" in said,
        "whole": process.returncode == 0,
    }
    if trial["traceback"] or trial["lost"] or trial["wrong"]:
        trial["said"] = said[-3000:]
    return trial


def chain(first: int, count: int, place: Path, expected: dict[str, str], seed: int, report: Report) -> None:
    """Trials one after another, in a folder until it is whole, then in the next."""
    folder, kills, whole = 0, 0, False
    for number in itertools.count(first):
        if kills >= count and whole:
            return
        out = f"out-{first}-{folder}"
        trial = one(number, place, out, expected, seed, closing=kills >= count)
        kills += trial["killed"]
        if whole := trial["whole"]:
            folder += 1
            there = read_manifest(place / out)
            reasons = [cell.reason for cell in there.cells if cell.reason] if there else ["no manifest"]
            page = (place / out / "report" / "report.html").is_file()
            trial["failed to end"] = trial["finished"] != len(expected) or bool(reasons) or not page
        report(trial)


def table(trials: list[Trial], options: argparse.Namespace) -> str:
    """What is committed."""
    kills = [trial for trial in trials if trial["killed"]]
    ends = [trial for trial in trials if trial["whole"]]
    lines = [
        "# Killed at random",
        "",
        f"`python tests/robustness/kill.py --trials {options.trials} --seed {options.seed}`: `pgsuite run` of a suite",
        "of 16 runs (two algorithms, two environments, four seeds, two workers), killed by SIGKILL at random and run",
        "again until it ends. A run is lost where it was finished before and is not after; bits are of every column",
        "but the wall time and of every array of the snapshot but the seconds, against a command that nobody killed.",
        "",
        "| killed while | parent | worker | both | all |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    count = Counter((trial["phase"], trial["victims"]) for trial in kills)
    for phase in PHASES:
        row = [count[phase, victims] for victims in VICTIMS]
        lines.append(f"| {phase} | {' | '.join(map(str, row))} | {sum(row)} |")
    lines += [
        "",
        "| | |",
        "| --- | ---: |",
        f"| kills | {len(kills)} |",
        f"| folders brought to their end | {len(ends)} |",
        f"| finished runs lost | {sum(len(trial['lost']) for trial in trials)} |",
        f"| damaged files left | {sum(len(trial['corrupt']) for trial in trials)} |",
        f"| runs whose bits differ | {sum(len(trial['wrong']) for trial in trials)} |",
        f"| ends that lacked a run, a report or a clean manifest | {sum(trial['failed to end'] for trial in ends)} |",
        f"| kills after which a process was left for {ALONE:.0f} s | {sum(bool(t.get('orphans')) for t in kills)} |",
        f"| tracebacks | {sum(trial['traceback'] for trial in trials)} |",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Run the trials and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--together", type=int, default=3, help="folders at once")
    parser.add_argument("--docs", type=Path, default=DOCS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "environment_to_kill.py").write_text(ENVIRONMENT)
        (place / "kill.toml").write_text(SUITE)
        process = start(place, "uninterrupted")
        said = Ear(process)
        if process.wait(timeout=600):
            raise SystemExit(said.end())
        expected = finished(bits(place / "uninterrupted"))
        print(f"{len(expected)} runs", flush=True)
        trials: list[Trial] = []
        told = threading.Lock()
        options.docs.mkdir(parents=True, exist_ok=True)

        def report(trial: Trial) -> None:
            with told:
                print(json.dumps({key: value for key, value in trial.items() if value not in (False, [])}), flush=True)
                trials.append(trial)
                (options.docs / "kill.md").write_text(table(trials, options))
                (options.docs / "kill.json").write_text(json.dumps(trials, indent=1) + "\n")

        shares = [len(range(n, options.trials, options.together)) for n in range(options.together)]
        with ThreadPoolExecutor(options.together) as pool:
            chains = [
                pool.submit(chain, 1000 * n, share, place, expected, options.seed, report)
                for n, share in enumerate(shares)
            ]
            for one_chain in chains:
                one_chain.result()


if __name__ == "__main__":
    main()
