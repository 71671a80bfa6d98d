"""Whether an environment repeats itself: two of it with one seed and the same actions have to answer alike.

They are stepped side by side, so that a generator which both draw from shows even where each reset seeds it. It is
tried in a process of its own, while the algorithms are loaded: one that is slow, hangs or crashes stops no plan.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import asdict
from typing import NamedTuple

import gymnasium
import numpy as np

from ..envs.spaces import first_action
from ..envs.vector import Spec
from .cells import Environment, open_environments

STEPS = 100
"""Steps that are compared, at most."""
STEPPING = 2.0
"""Seconds that they may take."""
LIMIT = 20.0
"""Seconds after which a trial is given up, from its start."""
_SEED = 20
_START = (
    "import json, sys; asked = json.loads(sys.stdin.readline()); sys.path[:] = asked.pop('path'); "
    "from pgsuite.suites.repeating import answer; answer(asked)"
)


class Verdict(NamedTuple):
    """What is to be said of an environment."""

    warning: str = ""
    """That it does not repeat itself; kept with its results."""
    note: str = ""
    """That it is not known."""


class Trial:
    """A trial under way."""

    def __init__(self, environment: Environment) -> None:
        self._name, self._verdict = environment.name, Verdict()
        self._process: subprocess.Popen[bytes] | None = None
        self._until = time.monotonic() + LIMIT
        try:
            asked = json.dumps({**asdict(environment), "path": sys.path})
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _START],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            assert self._process.stdin is not None
            self._process.stdin.write(f"{asked}\n".encode())
            self._process.stdin.flush()
        except (OSError, TypeError):  # no process is to be had, or an argument is no text: nothing is known
            self.stop()

    def verdict(self) -> Verdict:
        """Wait for the end of the trial. An environment that raises is left to the run to name."""
        if (process := self._process) is None:
            return self._verdict
        try:
            process.wait(max(self._until - time.monotonic(), 0.1))
            assert process.stdout is not None
            self._verdict = Verdict(warning=self._warning(process.stdout.read().decode(errors="replace")))
        except subprocess.TimeoutExpired:
            note = f"whether environment {self._name!r} repeats itself was not to be told within {LIMIT:g} s"
            self._verdict = Verdict(note=note)
        finally:
            self.stop()
        return self._verdict

    def stop(self) -> None:
        """End the trial's process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def _warning(self, differs: str) -> str:
        if not differs:
            return ""
        return (
            f"environment {self._name!r} does not repeat itself: two of it with one seed and the same actions differ "
            f"in {differs}; it draws from another generator than self.np_random, or shares what it changes, so its "
            "runs cannot be made again to the bit, nor resumed to it"
        )


_TRIALS: dict[str, Trial] = {}
"""Those of this process, each made once."""


def try_all(environments: Iterable[tuple[Environment, Spec]]) -> dict[str, Trial]:
    """Start the trials of those environments that may not repeat themselves, by name; each is made once a process."""
    found = {}
    for environment, spec in environments:
        if _doubtful(environment, spec):
            key = repr(environment)
            if key not in _TRIALS:
                _TRIALS[key] = Trial(environment)
            found[environment.name] = _TRIALS[key]
    return found


def _doubtful(environment: Environment, spec: Spec) -> bool:
    """Whether an environment is the user's own, and another process can find it: compiled ones cannot do wrong."""
    if spec.backend != "gymnasium" or not (environment.modules or ":" in environment.id):
        return False
    registered = gymnasium.spec(environment.id.rpartition(":")[2])  # its module is imported by now
    return bool(registered.additional_wrappers) or not str(registered.entry_point).startswith("gymnasium.")


def answer(asked: dict[str, object]) -> None:
    """In the trial's process: write what differs, and nothing that the environment prints."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    told = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    asked["modules"] = tuple(asked["modules"])  # type: ignore[arg-type]
    told.write(difference(Environment(**asked)))  # type: ignore[arg-type]
    told.flush()
    os._exit(0)  # whatever threads the environment has left running


def _end_with_parent() -> None:
    sys.stdin.read()  # ends when nobody can write to it any more
    os._exit(1)


def difference(environment: Environment) -> str:
    """Return what two members with one seed differ in, such as "reward at step 3"; empty where in nothing."""
    env = open_environments(environment, [_SEED, _SEED])
    space, until = deepcopy(env.action_space), time.monotonic() + STEPPING
    space.seed(_SEED)
    observation = env.reset()
    if not np.array_equal(observation[0], observation[1], equal_nan=True):
        return "the observation of their reset"
    for step in range(1, STEPS + 1):
        if time.monotonic() > until:
            break
        action = space.sample() - first_action(space)
        for name, values in env.step(np.stack([action, action]))._asdict().items():
            if not np.array_equal(values[0], values[1], equal_nan=True):
                return f"{name} at step {step}"
    env.close()
    return ""
