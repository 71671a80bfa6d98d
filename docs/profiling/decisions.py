"""How often a decision by E episodes accepts a policy that is worse, beside what the lemma promises.

    python docs/profiling/decisions.py            # two minutes; writes decisions.csv, .md and .png beside it
    python docs/profiling/decisions.py --draw     # .md and .png again, from decisions.csv

REINFORCE with reward profiling (lookback, accepted by the mean) on tables, where the return of every policy is exact.
The lemma: E ≥ B²/(2ε²) ln(2T/δ) episodes of returns within a range B keep all of T decisions from losing more than 2ε,
with probability 1 − δ; read backwards, E episodes promise 2ε = 2 B √(ln(2T/δ) / 2E).
"""

import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
import torch

import pgsuite.suites.training as training
from pgsuite.algorithms import Profiled, Reinforce, Rollout
from pgsuite.envs.exact.models import exact_model
from pgsuite.envs.exact.solving import objective
from pgsuite.suites.audit.models import softmax
from pgsuite.suites.audit.targets import tables
from pgsuite.suites.cells import Cell, Environment, Evaluation

HERE = Path(__file__).parent
EPISODES, ROUNDS, SEEDS, DELTA = (1, 5, 20, 50, 100), 20, 150, 0.05
MODELS = {"pgsuite/Corridor-v0": (6, 2.0), "pgsuite/TwoState-v0": (20, 1.8)}
"""Steps of an episode, and the range that a step's reward lies in: B is their product."""
TRAINING_EPISODES = 2
"""Of an update, and of a round: so few that many an update is for the worse."""


@dataclass(frozen=True, kw_only=True)
class Watched(Profiled):
    """Reward profiling that notes, of every decision, the exact returns of both policies."""

    model: str
    decisions: ClassVar[list[dict[str, Any]]] = []

    def update(self, state: Any, rollout: Rollout) -> tuple[Any, Any]:
        """Do what reward profiling does, and note what was decided."""
        learned, told = super().update(state, rollout)
        if "accepted" in told:
            incumbent = state.memory["profiling"].incumbent
            for row in (~told["accepted"].isnan()).nonzero().flatten().tolist():
                before, offered = (exact(self.model, one, row) for one in (incumbent, state))
                self.decisions.append(
                    {"seed": int(state.seeds[row]), "accepted": int(told["accepted"][row]), "before": before}
                    | {"offered": offered}
                )
        return learned, told


def exact(model: str, state: Any, row: int) -> float:
    """The expected undiscounted return of an episode under a state's policy, by dynamic programming."""
    (outputs,) = tables(state.model.policy, state.policy[row, None].numpy())
    return float(objective(exact_model(model), softmax(outputs), 1.0, truncated=True))


class Nowhere:
    """Keeps nothing: what is asked for is noted elsewhere."""

    def load(self, seed: int) -> None:
        """Nothing is there."""

    def restart(self, seed: int) -> None:
        """Nothing was."""

    def save(self, *_: Any) -> None:
        """Nothing is kept."""

    def progress(self, *_: Any) -> None:
        """Nobody listens."""


def measure(model: str, episodes: int, paired: bool) -> Iterator[dict[str, Any]]:
    """The decisions of all seeds."""
    length, _ = MODELS[model]
    every = TRAINING_EPISODES * length
    base = Reinforce(learning_rate=0.1, num_envs=TRAINING_EPISODES, hidden=())
    algorithm = Watched(base=base, every=every, episodes=episodes, paired=paired, model=model)
    cell = Cell(
        suite="decisions",
        algorithm="profiled",
        reference="profiled",
        options={},
        environment=Environment(id=model),
        steps=ROUNDS * (every + 2 * episodes * length),
        evaluation=Evaluation(checkpoints=1, episodes=1),
    )
    Watched.decisions.clear()
    with training.single_thread():
        run = training._Training(algorithm, cell, range(SEEDS), Nowhere())  # type: ignore[arg-type]
        for checkpoint in range(len(cell.grid)):
            run.reach(checkpoint)
    for one in Watched.decisions:
        yield {"model": model, "episodes": episodes, "paired": int(paired), **one}


def promised(model: str, episodes: int) -> float:
    """2ε, which the lemma says that no decision loses more than."""
    length, step = MODELS[model]
    return float(2 * length * step * np.sqrt(np.log(2 * ROUNDS / DELTA) / (2 * episodes)))


def summary(model: str, episodes: int, paired: bool, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The shares of one line, with standard errors over seeds."""
    mine = [r for r in rows if (r["model"], r["episodes"], r["paired"]) == (model, episodes, int(paired))]
    accepted = np.array([r["accepted"] for r in mine], bool)
    change = np.array([r["offered"] - r["before"] for r in mine])
    seed = np.array([r["seed"] for r in mine])
    fell, missed = accepted & (change < -1e-9), ~accepted & (change > 1e-9)
    per_seed = np.array([fell[seed == s].sum() / max(1, accepted[seed == s].sum()) for s in range(SEEDS)])
    loss = np.where(fell, -change, 0.0)
    worst = np.array([loss[seed == s].max() for s in range(SEEDS)])
    bound = promised(model, episodes)
    return {
        "decisions": len(mine),
        "worse": float((change < -1e-9).mean()),
        "accepted": float(accepted.mean()),
        "fell": float(fell.sum() / accepted.sum()),
        "error": float(per_seed.std(ddof=1) / np.sqrt(SEEDS)),
        "missed": float(missed.sum() / max(1, (~accepted).sum())),
        "mean_loss": float(loss[fell].mean()) if fell.any() else 0.0,
        "largest_loss": float(worst.max()),
        "promised": bound,
        "beyond": float((worst > bound).mean()),
    }


def table(lines: list[dict[str, Any]]) -> str:
    """The lines in Markdown."""
    titles = ["model (B)", "E", "episodes", "offered and worse", "accepted", "accepted and fell"]
    titles += ["rejected and better", "mean loss", "largest loss", "lemma's 2ε", "runs beyond it"]
    head = f"| {' | '.join(titles)} |\n|---|--:|---|{'--:|' * (len(titles) - 3)}"
    rows = [head]
    for one in lines:
        length, step = MODELS[one["model"]]
        rows.append(
            f"| {one['model'].removeprefix('pgsuite/')} ({length * step:g}) | {one['episodes']} "
            f"| {'paired' if one['paired'] else 'apart'} | {one['worse']:.0%} | {one['accepted']:.0%} "
            f"| {one['fell']:.1%} ± {one['error']:.1%} | {one['missed']:.1%} | {one['mean_loss']:.3f} "
            f"| {one['largest_loss']:.2f} | {one['promised']:.1f} | {one['beyond']:.0%} |"
        )
    return "\n".join(rows) + "\n"


def draw(lines: list[dict[str, Any]], path: Path) -> None:
    """Share of accepted updates that were worse, and losses beside the promise."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    for colour, model in zip(("#0072B2", "#D55E00"), MODELS, strict=True):
        length, step = MODELS[model]
        name = model.removeprefix("pgsuite/").removesuffix("-v0")
        for paired, style in ((1, "-"), (0, "--")):
            mine = [one for one in lines if (one["model"], one["paired"]) == (model, paired)]
            episodes = [one["episodes"] for one in mine]
            shares, errors = ([100 * one[key] for one in mine] for key in ("fell", "error"))
            label = f"{name}, {'paired' if paired else 'apart'}"
            left.errorbar(
                episodes, shares, errors, color=colour, linestyle=style, marker="o", markersize=4, label=label
            )
            losses = [one["largest_loss"] / (length * step) for one in mine]
            right.plot(episodes, losses, color=colour, linestyle=style, marker="o", markersize=4, label=label)
    bound = [promised(model, e) / (length * step) for e in EPISODES]
    right.plot(EPISODES, bound, color="black", linestyle=":", marker="s", markersize=4)
    right.axhline(1, color="grey", linewidth=0.8)
    right.text(1, 0.93, "B: a promise above this line is empty", fontsize=8, va="top", color="grey")
    left.axhline(50, color="grey", linewidth=0.8)
    left.text(100, 49, "a coin between two policies", fontsize=8, va="top", ha="right", color="grey")
    left.set(title="Accepted updates whose exact return fell", ylabel="% of accepted", ylim=(0, 55))
    right.set(title="Largest loss of any decision", ylabel="share of the range B", yscale="log")
    for axes in (left, right):
        axes.set(xlabel="E, episodes of each candidate", xscale="log", xticks=EPISODES, xticklabels=EPISODES)
        axes.minorticks_off()
        axes.spines[["top", "right"]].set_visible(False)
    left.legend(frameon=False, fontsize=8)
    right.text(1.2, 4.2, "the lemma's 2ε, δ = 0.05", fontsize=8)
    figure.savefig(path, dpi=150, metadata={"Software": None})


def measured() -> Iterator[dict[str, Any]]:
    """Measure one line after the other."""
    for model in MODELS:
        for episodes in EPISODES:
            for paired in (1, 0):
                rows = list(measure(model, episodes, bool(paired)))
                yield {"model": model, "episodes": episodes, "paired": paired, **summary(model, episodes, paired, rows)}


def stored() -> Iterator[dict[str, Any]]:
    """Read the lines again."""
    with (HERE / "decisions.csv").open() as file:
        for row in csv.DictReader(file):
            yield {name: value if name == "model" else float(value) for name, value in row.items()} | {
                "episodes": int(row["episodes"])
            }


def main() -> None:
    """Measure and write."""
    torch.set_num_threads(1)
    again = sys.argv[1:] == ["--draw"]
    lines = list(stored() if again else measured())
    if not again:
        with (HERE / "decisions.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(lines[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows({k: round(v, 6) if isinstance(v, float) else v for k, v in one.items()} for one in lines)
    (HERE / "decisions.md").write_text(f"# Decisions of reward profiling\n\n{table(lines)}")
    draw(lines, HERE / "decisions.png")


if __name__ == "__main__":
    main()
