"""Curves of runs that published numbers are held against; a picture of those that fall short or are looked at twice.

    python docs/published/curves.py runs/classic runs/box2d runs/mujoco     # curves.csv takes in what is there
    python docs/published/curves.py                                         # curves.png alone

Mean and standard deviation over runs at every checkpoint, by budget; the picture has the longest of each algorithm.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import pandas as pd

from pgsuite.reports.figures.style import line_styles
from pgsuite.results import load

HERE = Path(__file__).parent
ALGORITHMS = ("trpo", "ppo", "actor-critic")
"""In the picture."""
KEYS = ["env", "algorithm", "budget"]


class Star(NamedTuple):
    """A published number."""

    steps: int
    score: float
    of: str
    text: tuple[float, float] = (-8, 5)
    """Where its name ends, in points from it."""


PANELS = {
    "Pendulum-v1": (Star(100_000, -174, "RL Zoo, TRPO and PPO", (112, 5)),),
    "LunarLander-v3": (Star(200_000, 156, "RL Zoo, A2C"), Star(200_000, 133, "RL Zoo, TRPO", (-8, -11))),
    "InvertedPendulum-v5": (Star(1_000_000, 1000, "tianshou, all", (-8, -12)),),
    "HalfCheetah-v5": (
        Star(1_000_000, 5819, "RL Zoo and tianshou, PPO"),
        Star(1_000_000, 4471, "tianshou, TRPO"),
        Star(1_000_000, 3041, "RL Zoo, A2C"),
        Star(1_000_000, 1800, "RL Zoo and sb3-contrib, TRPO; tianshou, A2C"),
    ),
}


def curves(folders: list[str]) -> pd.DataFrame:
    """Return mean, standard deviation and number of runs for every environment, algorithm, budget and checkpoint."""
    frame = load(*folders)
    whole = frame[frame.status == "complete"]
    budget = whole.groupby(["env", "algorithm", "seed"]).env_steps.transform("max")
    at = whole.assign(budget=budget).groupby([*KEYS, "env_steps"]).return_mean
    return at.agg(mean="mean", sd="std", runs="count").reset_index().round(2)


def taken_in(table: pd.DataFrame, fresh: pd.DataFrame) -> pd.DataFrame:
    """The table with fresh curves in place of those of the same environment, algorithm and budget."""
    known = pd.MultiIndex.from_frame(fresh[KEYS])
    kept = table[~pd.MultiIndex.from_frame(table[KEYS]).isin(known)]
    return pd.concat([kept, fresh]).sort_values([*KEYS, "env_steps"])


def draw(table: pd.DataFrame) -> None:
    """Write curves.png."""
    styles = line_styles(ALGORITHMS)
    figure, panels = plt.subplots(1, len(PANELS), figsize=(16, 4.2), layout="constrained")
    for axes, (env, stars) in zip(panels, PANELS.items(), strict=True):
        own = table[table.env == env]
        for algorithm in ALGORITHMS:
            curve, style = own[own.algorithm == algorithm], styles[algorithm]
            if curve.empty:
                continue
            curve = curve[curve.budget == curve.budget.max()]
            steps = curve.env_steps / 1000
            axes.plot(steps, curve["mean"], color=style.colour, dashes=style.dash or (None, None), label=algorithm)
            axes.fill_between(
                steps, curve["mean"] - curve.sd, curve["mean"] + curve.sd, color=style.colour, alpha=0.15, lw=0
            )
        for star in stars:
            axes.plot(star.steps / 1000, star.score, "k*", markersize=10)
            axes.annotate(
                star.of, (star.steps / 1000, star.score), star.text, textcoords="offset points", ha="right", fontsize=8
            )
        runs = "–".join(map(str, sorted({own.runs.min(), own.runs.max()})))
        axes.set_title(f"{env}, {runs} runs", loc="left", fontsize=10, fontweight="bold")
        axes.set_xlabel("environment steps, k")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, frameon=False)
    panels[0].set_ylabel("return, mean ± sd over runs")
    figure.savefig(HERE / "curves.png", dpi=100)


def main(folders: list[str]) -> None:
    """Write the table from results, if there are any, and the picture from the table."""
    table = pd.read_csv(HERE / "curves.csv")
    if folders:
        table = taken_in(table, curves(folders))
        table.to_csv(HERE / "curves.csv", index=False)
    draw(table)


if __name__ == "__main__":
    main(sys.argv[1:])
