"""Refactorings of the four algorithms, each one edit of the source that changes no number: the gate must say identical.

`python tests/gate/refactorings.py` commits each to a clone and checks it against the commit before; five minutes on two
cores. What was decided goes to docs/check/refactorings.json.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "docs" / "check" / "refactorings.json"


class Refactoring(NamedTuple):
    name: str
    algorithm: str
    edits: tuple[tuple[str, str, str], ...]
    """File, old text (once in it), new text."""


REINFORCE, BASELINE = "algorithms/reinforce.py", "algorithms/reinforce_baseline.py"
CRITIC, NATURAL = "algorithms/actor_critic.py", "algorithms/natural_gradient.py"

REFACTORINGS = (
    Refactoring(
        "a comment",
        "reinforce",
        (
            (
                REINFORCE,
                "        samples = self.samples(state, rollout)\n",
                "        # What was played, weighed.\n        samples = self.samples(state, rollout)\n",
            ),
        ),
    ),
    Refactoring(
        "a docstring of a class",
        "reinforce",
        ((REINFORCE, '"""Vanilla REINFORCE."""', '"""REINFORCE as Williams has it."""'),),
    ),
    Refactoring(
        "a docstring of a module",
        "actor-critic",
        ((CRITIC, "Actor-critic: a learned critic", "Advantage actor-critic: a learned critic"),),
    ),
    Refactoring(
        "a docstring of a field",
        "trpo",
        ((NATURAL, "Conjugate-gradient iterations, at most.", "At most so many iterations."),),
    ),
    Refactoring(
        "a local variable's name",
        "reinforce",
        (
            (REINFORCE, "        rate = decayed(", "        step_size = decayed("),
            (REINFORCE, "gradient, rate)", "gradient, step_size)"),
        ),
    ),
    Refactoring(
        "another local variable's name",
        "trpo",
        (
            (NATURAL, "        solution = self.nat", "        direction = self.nat"),
            (NATURAL, "full_step(solution,", "full_step(direction,"),
            (NATURAL, "solution.relative", "direction.relative"),
        ),
    ),
    Refactoring(
        "independent statements in another order",
        "actor-critic",
        (
            (
                CRITIC,
                "        passed = passed_by(state, rollout, normalised=self.normalise_observations)\n",
                "",
            ),
            (
                CRITIC,
                "        weighing = self._weighing(",
                "        passed = passed_by(state, rollout, normalised=self.normalise_observations)\n        weighing = self._weighing(",
            ),
        ),
    ),
    Refactoring(
        "the rate before the gradient",
        "reinforce-baseline",
        (
            (BASELINE, "        rate = decayed(self.learning_rate, self.learning_rate_decay, rollout.progress)\n", ""),
            (
                BASELINE,
                "        samples = self.samples(state, rollout)\n",
                "        rate = decayed(self.learning_rate, self.learning_rate_decay, rollout.progress)\n        samples = self.samples(state, rollout)\n",
            ),
        ),
    ),
    Refactoring(
        "critic fitted before the policy's step",
        "reinforce-baseline",
        (
            (
                BASELINE,
                "        stepped, length = descend(state, gradient, rate)\n",
                "",
            ),
            (
                BASELINE,
                "        learned = stepped._replace(",
                "        stepped, length = descend(state, gradient, rate)\n        learned = stepped._replace(",
            ),
        ),
    ),
    Refactoring(
        "an expression in a variable of its own",
        "reinforce",
        (
            (
                REINFORCE,
                "        learned, length = descend(state, gradient, rate)\n",
                "        before = state\n        learned, length = descend(before, gradient, rate)\n",
            ),
        ),
    ),
    Refactoring(
        "a variable put in place",
        "actor-critic",
        (
            (
                CRITIC,
                "        passed = passed_by(",
                "        longest = self.max_gradient_norm\n        passed = passed_by(",
            ),
            (
                CRITIC,
                "terms, rate, max_norm=self.max_gradient_norm",
                "terms, rate, max_norm=longest",
            ),
        ),
    ),
    Refactoring(
        "an early return turned round",
        "reinforce",
        (
            (
                REINFORCE,
                "        return likelihood_loss(distribution, outputs, samples) / self.num_envs\n",
                "        loss = likelihood_loss(distribution, outputs, samples)\n        return loss / self.num_envs\n",
            ),
        ),
    ),
    Refactoring(
        "a lambda with other names",
        "reinforce-baseline",
        ((BASELINE, "lambda returns, value: returns - value", "lambda to_go, expected: to_go - expected"),),
    ),
    Refactoring(
        "a lambda made a function",
        "trpo",
        (
            (
                NATURAL,
                "        return conjugate_gradient(\n            lambda v: surrogate.fisher_product(v) + along(self.damping, v) * v,\n",
                "        def damped(v: Tensor) -> Tensor:\n            return surrogate.fisher_product(v) + along(self.damping, v) * v\n\n        return conjugate_gradient(\n            damped,\n",
            ),
        ),
    ),
    Refactoring(
        "a helper moved into a method",
        "actor-critic",
        (
            (
                CRITIC,
                "        rate = decayed(self.learning_rate, self.learning_rate_decay, rollout.progress)\n",
                "        rate = self._rate(rollout)\n",
            ),
            (
                CRITIC,
                "    def update(self",
                "    def _rate(self, rollout: Rollout) -> Tensor:\n        return decayed(self.learning_rate, self.learning_rate_decay, rollout.progress)\n\n    def update(self",
            ),
        ),
    ),
    Refactoring(
        "a property put in place",
        "actor-critic",
        ((CRITIC, "self.entropy_weight) / self.window", "self.entropy_weight) / (self.num_envs * self.num_steps)"),),
    ),
    Refactoring(
        "imports in another order",
        "trpo",
        (
            (
                NATURAL,
                "from .adam import Adam, norm\nfrom .axis import along\nfrom .blocks import Samples, explained_variance\n",
                "from .blocks import Samples, explained_variance\nfrom .axis import along\nfrom .adam import Adam, norm\n",
            ),
        ),
    ),
    Refactoring(
        "an import of the module",
        "reinforce",
        (
            (
                REINFORCE,
                "from .adam import Adam, decayed\n",
                "from . import adam as optimiser\nfrom .adam import Adam\n",
            ),
            (REINFORCE, "= decayed(", "= optimiser.decayed("),
        ),
    ),
    Refactoring(
        "arguments by name",
        "actor-critic",
        (
            (
                CRITIC,
                "passed, terms, rate, max_norm",
                "passed, terms, learning_rate=rate, max_norm",
            ),
        ),
    ),
    Refactoring(
        "methods in another order",
        "trpo",
        (
            (
                NATURAL,
                '    def optimisers(self, policy: Tensor, critic: Tensor) -> dict[str, Adam]:\n        return {"critic": Adam.like(critic)}\n\n',
                "",
            ),
            (
                NATURAL,
                "    def samples(self",
                '    def optimisers(self, policy: Tensor, critic: Tensor) -> dict[str, Adam]:\n        return {"critic": Adam.like(critic)}\n\n    def samples(self',
            ),
        ),
    ),
    Refactoring(
        "another formula for the same number",
        "trpo",
        ((NATURAL, "/ (self.num_envs * self.num_steps)", "/ (self.num_steps * self.num_envs)"),),
    ),
    Refactoring(
        "an annotation",
        "reinforce",
        (
            (
                REINFORCE,
                "    def plan(self, state: State) -> Episodes:",
                '    def plan(self, state: "State") -> "Episodes":',
            ),
        ),
    ),
    Refactoring(
        "the text of an error",
        "trpo",
        (("algorithms/validation.py", "the metrics of its update are", "what its update returns as metrics is"),),
    ),
    Refactoring(
        "a dictionary in a variable",
        "reinforce-baseline",
        (
            (
                BASELINE,
                '        learned = stepped._replace(critic=fit.critic, optimisers={**stepped.optimisers, "critic": fit.optimiser})\n',
                '        optimisers = {**stepped.optimisers, "critic": fit.optimiser}\n        learned = stepped._replace(critic=fit.critic, optimisers=optimisers)\n',
            ),
        ),
    ),
)

CHECK = """
import json, sys
from pgsuite import check
found = check("quick", baseline="HEAD", algorithms=[sys.argv[1]], audit=False)
print(json.dumps([[cell.env, cell.verdict, cell.tier] for cell in found.cells]))
"""


def clone(place):
    """A clone of the committed source, which runs its own code."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(place)], check=True)
    return place


def apply(refactoring, place):
    for file, old, new in refactoring.edits:
        path = place / file
        text = path.read_text()
        if text.count(old) < 1:
            raise ValueError(f"{refactoring.name}: {file} has no {old!r}")
        path.write_text(text.replace(old, new, 1))


def decided(place, algorithm):
    """What a check of the clone's working tree against its last commit says: environment, verdict, tier."""
    environment = {**os.environ, "PYTHONPATH": str(place / ".dev")}
    done = subprocess.run(
        [sys.executable, "-c", CHECK, algorithm], cwd=place, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def main():
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        place = clone(Path(folder) / "pgsuite")
        for refactoring in REFACTORINGS:
            apply(refactoring, place)
            found[refactoring.name] = {
                "algorithm": refactoring.algorithm,
                "cells": decided(place, refactoring.algorithm),
            }
            subprocess.run(["git", "-C", str(place), "checkout", "--quiet", "."], check=True)
            print(refactoring.name, found[refactoring.name]["cells"], flush=True)
            RESULT.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
