"""Curves of what falls short of a published number, or is looked at twice: curves.csv and curves.png.

    python docs/published/curves.py runs/classic runs/box2d runs/mujoco     # from results; once they are gone, without

Mean and standard deviation over runs at every checkpoint, beside the published numbers.
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
    "HalfCheetah-v5": (
        Star(1_000_000, 5819, "RL Zoo and tianshou, PPO"),
        Star(1_000_000, 4471, "tianshou, TRPO"),
        Star(1_000_000, 3041, "RL Zoo, A2C"),
        Star(1_000_000, 1800, "RL Zoo and sb3-contrib, TRPO; tianshou, A2C"),
    ),
}


def curves(folders: list[str]) -> pd.DataFrame:
    """Return mean, standard deviation and number of runs for every environment, algorithm and checkpoint."""
    frame = load(*folders)
    mine = frame[frame.env.isin(PANELS) & frame.algorithm.isin(ALGORITHMS) & (frame.status == "complete")]
    at = mine.groupby(["env", "algorithm", "env_steps"]).return_mean
    return at.agg(mean="mean", sd="std", runs="count").reset_index().round(2)


def draw(table: pd.DataFrame) -> None:
    """Write curves.png."""
    styles = line_styles(ALGORITHMS)
    figure, panels = plt.subplots(1, len(PANELS), figsize=(13, 4.2), layout="constrained")
    for axes, (env, stars) in zip(panels, PANELS.items(), strict=True):
        own = table[table.env == env]
        for algorithm in ALGORITHMS:
            curve, style = own[own.algorithm == algorithm], styles[algorithm]
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
        axes.set_title(f"{env}, {own.runs.max()} runs", loc="left", fontsize=10, fontweight="bold")
        axes.set_xlabel("environment steps, k")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, frameon=False)
    panels[0].set_ylabel("return, mean ± sd over runs")
    figure.savefig(HERE / "curves.png", dpi=100)


def main(folders: list[str]) -> None:
    """Write the table from results, if there are any, and the picture from the table."""
    if folders:
        curves(folders).to_csv(HERE / "curves.csv", index=False)
    draw(pd.read_csv(HERE / "curves.csv"))


if __name__ == "__main__":
    main(sys.argv[1:])
