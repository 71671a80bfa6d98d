"""Work that gives no sign of life, processes that die or do not end: said with what is known, and nothing waits."""

import signal
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from pgsuite.errors import EnvironmentFault, UsageError
from pgsuite.results.store.curve import CurveRow
from pgsuite.results.store.store import CellStore
from pgsuite.suites import stalling
from pgsuite.suites.cells import Cell, Environment, Evaluation
from pgsuite.suites.scheduling.deaths import death, from_outside, kept
from pgsuite.suites.scheduling.interface import Job
from pgsuite.suites.scheduling.local import LocalWorkers
from pgsuite.suites.stalling import Silence, stall_limit, watched

ENVIRONMENTS = """
import ctypes, os, threading, time
import gymnasium, numpy as np
from gymnasium import spaces

class Odd(gymnasium.Env):
    observation_space, action_space = spaces.Box(-1, 1, (2,)), spaces.Discrete(2)
    def __init__(self, how):
        self.how = how
        if how == "make": time.sleep(1000)
    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        if self.how == "reset": time.sleep(1000)
        return np.zeros(2, np.float32), {}
    def step(self, action):
        self.time += 1
        if self.time == 3:
            if self.how == "step":
                while True: time.sleep(1)
            if self.how == "thread":
                threading.Thread(target=time.sleep, args=(1000,), name="simulator").start()
            if self.how == "crash": ctypes.string_at(0)
            if self.how == "exit": os._exit(7)
        return np.zeros(2, np.float32), 1.0, self.time == 8, False, {}
    def close(self):
        if self.how == "close": time.sleep(1000)

for how in ("step", "reset", "close", "make", "thread", "crash", "exit", "none"):
    gymnasium.register(f"odd/{how}-v0", entry_point=Odd, kwargs={"how": how}, max_episode_steps=20)
"""


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """One cell of each kind, run side by side: how it failed, by kind, and what was noted."""
    place = tmp_path_factory.mktemp("odd")
    (place / "environments_of_test_stalling.py").write_text(ENVIRONMENTS)
    jobs = []
    for how in ("step", "reset", "close", "make", "thread", "crash", "exit", "none"):
        environment = Environment(id=f"odd/{how}-v0", modules=("environments_of_test_stalling",))
        evaluation = Evaluation(checkpoints=1, episodes=1)
        options = {"num_envs": 2}
        algorithm = "reinforce"
        cell = Cell(
            suite="s",
            algorithm=algorithm,
            reference=algorithm,
            options=options,
            environment=environment,
            steps=40,
            evaluation=evaluation,
        )
        store = CellStore(place / "out", algorithm, environment.id, "0" * 64)
        store.create({})
        jobs.append(Job(cell, store, (0,)))
    failures, notes, silent = {}, {}, {}
    listener = SimpleNamespace(
        start=lambda job: None,
        news=lambda job, news: notes.setdefault(job.cell.environment.id, []).append(news.note),
        finish=lambda job, failure: failures.update({job.cell.environment.id: failure}),
        silent=lambda job, seconds, place: silent.update({job.cell.environment.id: place}),
    )
    workers = LocalWorkers(len(jobs), 10.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(place))
        patch.chdir(place)
        patch.setattr(stalling, "FIRST_WORD", 4.0)
        workers.prepare([SimpleNamespace(cell=replace(jobs[0].cell, environment=Environment(id="CartPole-v1")))])
        workers.run(jobs, listener)
    return failures, notes, silent


def line_of(text):
    """Where the environments' file has something, the last time."""
    return max(n for n, line in enumerate(ENVIRONMENTS.splitlines(), 1) if text in line)


@pytest.mark.parametrize("how", ["step", "reset", "close", "make"])
def test_an_environment_that_is_stuck_is_told_and_ended(how, ended):
    line = line_of(f'"{how}": time.sleep' if how != "step" else "while True")
    failures, _, silent = ended
    assert silent[f"odd/{how}-v0"] == f"environments_of_test_stalling.py:{line}"
    failure = failures[f"odd/{how}-v0"]
    assert failure.reason.startswith("no step of an environment, update or evaluation for 10 s, the stall limit")
    assert "run the same command again" in failure.reason
    assert failure.place == f"environments_of_test_stalling.py:{line}"
    assert failure.passing


def test_a_thread_that_is_left_running_keeps_nobody(ended):
    failures, notes, _ = ended
    assert failures["odd/thread-v0"] is None
    assert any("running (simulator)" in note for note in notes["odd/thread-v0"])


def test_a_crash_names_signal_cause_and_line(ended):
    failure = ended[0]["odd/crash-v0"]
    assert "signal SIGSEGV: a crash in compiled code" in failure.reason
    assert "no snapshot yet: run the same command again to begin anew" in failure.reason
    assert failure.place == "environments_of_test_stalling.py:" + str(line_of("string_at"))
    assert not failure.passing


def test_a_process_that_ends_itself_says_its_exit_code(ended):
    assert "(exit code 7: its code ended the process itself" in ended[0]["odd/exit-v0"].reason


def test_what_goes_well_is_left_alone(ended):
    assert ended[0]["odd/none-v0"] is None
    assert "odd/none-v0" not in ended[2]


def test_what_is_kept_is_counted(tmp_path):
    store = CellStore(tmp_path, "a", "E-v0", "0" * 64)
    store.create({})
    cell = Cell(suite="s", algorithm="a", reference="a", options={}, environment=Environment(id="E-v0"), steps=100,
                evaluation=Evaluation())  # fmt: skip
    job = Job(cell, store, (0, 1, 2))
    assert kept(job) == "its 3 runs have no snapshot yet: run the same command again to begin anew"
    for seed, steps in ((0, 20), (2, 1040)):
        rows = [CurveRow(k, k * 10, k * 10, 1.0, 0.0, 2, 1.0, 2, k, 0.1, {}) for k in range(2)]
        tensors = {"checkpoint": np.array([1]), "steps": np.array([steps]), "diverged_at": np.array([-1])}
        store.write_checkpoint(seed, rows, {"status": "partial"}, tensors, {})
    assert kept(job).startswith("2 of its 3 runs have snapshots up to 1,040 steps: run the same")
    assert kept(replace(job, seeds=(2,))).startswith("its run has a snapshot at 1,040 steps: run the same")
    assert "(signal SIGKILL: killed, as the system does when memory is short" in death(job, -signal.SIGKILL)
    assert "(exit code 3: " in death(job, 3)


def test_what_is_kept_of_runs_beside_is_counted_too(tmp_path):
    jobs = []
    for algorithm, steps in (("a", 20), ("b", 70)):
        cell = Cell(suite="s", algorithm=algorithm, reference=algorithm, options={}, steps=100, evaluation=Evaluation(),
                    environment=Environment(id="E-v0"))  # fmt: skip
        store = CellStore(tmp_path, algorithm, "E-v0", "0" * 64)
        store.create({})
        rows = [CurveRow(k, k * 10, k * 10, 1.0, 0.0, 2, 1.0, 2, k, 0.1, {}) for k in range(2)]
        tensors = {"checkpoint": np.array([1]), "steps": np.array([steps]), "diverged_at": np.array([-1])}
        store.write_checkpoint(0, rows, {"status": "partial"}, tensors, {})
        jobs.append(Job(cell, store, (0, 1)))
    assert kept(replace(jobs[0], beside=(jobs[1],))).startswith("2 of its 4 runs have snapshots up to 70 steps")


@pytest.mark.parametrize(
    ("code", "outside"),
    [(-signal.SIGKILL, True), (-signal.SIGTERM, True), (None, True), (-signal.SIGSEGV, False), (7, False)],
)
def test_who_ended_a_process(code, outside):
    assert from_outside(code) == outside


def test_silence_is_spoken_of_at_doubling_times_and_not_while_nobody_could_look(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(stalling.time, "monotonic", lambda: now[0])
    silence, spoken = Silence(), []
    for now[0] in range(1, 301):
        if silence.look():
            spoken.append(now[0])
    assert spoken == [60, 120, 240]
    now[0] += 3600  # stopped by the terminal, or asleep
    silence.look()
    assert silence.seconds == 305
    silence.heard()
    assert silence.seconds == 0


def test_a_block_of_this_process_is_ended_at_the_limit():
    said = r"making it took more than 0.3 s, the stall limit \(in .*test_stalling"
    with pytest.raises(EnvironmentFault, match=said), watched("making it", 0.3):
        time.sleep(60)
    with watched("making it", 60):
        pass
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL


def test_other_threads_are_watched_and_left_alone():
    found = []

    def block():
        with watched("making it", 0.1):
            time.sleep(0.5)
        found.append(True)

    thread = threading.Thread(target=block)
    thread.start()
    thread.join()
    assert found == [True]


@pytest.mark.parametrize("text", ["0", "-1", "soon", "nan"])
def test_a_limit_is_a_positive_number(text, monkeypatch):
    monkeypatch.setenv("PGSUITE_STALL_LIMIT", text)
    with pytest.raises(UsageError, match="PGSUITE_STALL_LIMIT"):
        stall_limit()
