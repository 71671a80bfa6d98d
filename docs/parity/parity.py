"""Whether ours learn as well as Stable-Baselines3's on equal settings: a table of the suites `parity-…`.

    python docs/parity/parity.py runs/parity-classic runs/parity-mujoco     # curves.csv.gz takes in what is there
    python docs/parity/parity.py                                            # the table alone

For every algorithm and environment the probability that a run of ours has a larger area under its learning curve than
one of theirs, its 95% interval (percentile bootstrap over runs), and mean ± standard deviation over runs of the final
return.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from pgsuite.results import load
from pgsuite.results.statistics.bootstrap import Bootstrap
from pgsuite.results.statistics.leaderboard import improvements
from pgsuite.results.statistics.scores import read_curves

CURVES = Path(__file__).with_name("curves.csv.gz")
PAIRS = {"actor-critic": "sb3-a2c", "ppo": "sb3-ppo", "trpo": "sb3-trpo"}
CELL = ["env", "label"]


def main(folders: list[str]) -> None:
    """Take in results, if there are any, and print the table."""
    if folders:
        taken_in(pd.read_csv(CURVES), measured(folders)).to_csv(
            CURVES, index=False, compression={"method": "gzip", "mtime": 1}
        )
    frame = pd.read_csv(CURVES)
    print("| environment | steps | ours | final return | theirs | final return | runs | P(ours above theirs), AUC |")
    print("|---|---:|---|---:|---|---:|---:|---:|")
    for env, own in frame.groupby("env", sort=False):
        curves = read_curves(own)
        for ours, theirs in PAIRS.items():
            if (ours, env) in curves and (theirs, env) in curves:
                both = {label: {str(env): curves[label, env]} for label in (ours, theirs)}
                found = improvements(both, Bootstrap(0.95, 10_000, 0))
                print(row(str(env), ours, theirs, found, {one: own[own.label == one] for one in (ours, theirs)}))


def measured(folders: list[str]) -> pd.DataFrame:
    """Every checkpoint of the runs that came to their end."""
    frame = load(*folders)
    whole = frame[frame.status.isin(["complete", "diverged"])]
    return whole[[*CELL, "seed", "env_steps", "return_mean", "status"]].round({"return_mean": 3})


def taken_in(known: pd.DataFrame, fresh: pd.DataFrame) -> pd.DataFrame:
    """What is known, with fresh runs in place of those of the same name, and of cells that had another budget."""
    tables = [table.assign(budget=table.groupby(CELL).env_steps.transform("max")) for table in (known, fresh)]

    def shared(*columns: str) -> np.ndarray:
        """Which of the known rows agree with a fresh one in cell and columns."""
        old, new = (pd.MultiIndex.from_frame(table[[*CELL, *columns]]) for table in tables)
        return old.isin(new)

    stale = shared("seed") | (shared() & ~shared("budget"))
    return pd.concat([known[~stale], fresh]).sort_values([*CELL, "seed", "env_steps"], kind="stable")


def row(env: str, ours: str, theirs: str, found: pd.DataFrame, of: dict[str, pd.DataFrame]) -> str:
    """One line of the table."""
    (auc,) = found[(found.statistic == "auc") & (found.x == ours) & (found.y == theirs)].to_dict("records")
    steps = int(of[ours].env_steps.max())
    verdict = f"{auc['probability']:.2f} [{auc['low']:.2f}, {auc['high']:.2f}]"
    verdict += " **below**" if auc["high"] < 0.5 else ""
    runs = f"{auc['runs_x']}, {auc['runs_y']}"
    return f"| {env} | {steps:,} | {ours} | {final(of[ours])} | {theirs} | {final(of[theirs])} | {runs} | {verdict} |"


def final(runs: pd.DataFrame) -> str:
    """Mean ± standard deviation of the last evaluation of every run."""
    last = runs.loc[runs.groupby("seed").env_steps.idxmax(), "return_mean"]
    return f"{np.mean(last):.1f} ± {np.std(last, ddof=1):.1f}"


if __name__ == "__main__":
    main(sys.argv[1:])
