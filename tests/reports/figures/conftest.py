"""A made-up suite of the size of a real one: curves that rise with noise, one diverged run, one missing cell."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pgsuite.reports.figures import build

HOSTILE = (
    "<script>alert(1)</script>",
    "$\\frac{1}{0}$ ]]> & \"quoted\" 'too'",
    "two\nlines\tand\x00\x1b[31m\u202egnp.exe",
    "x" * 300,
    "x" * 299 + "y",
    "_hidden",
    "日本語 🚀",
    "",
)
ALGORITHMS = ("reinforce", "reinforce-baseline", "actor-critic", "trpo")
ENVIRONMENTS = {
    "CartPole-v1": (22.0, 500.0, 100_000),
    "Acrobot-v1": (-498.0, -80.0, 200_000),
    "MountainCarContinuous-v0": (-33.0, 93.0, 100_000),
    "Pendulum-v1": (-1230.0, -170.0, 300_000),
}
LEVELS = np.array([[0.9, 0.97, 0.93, 1.0], [0.2, 1.0, 0.99, 1.0], [0.45, -0.1, 0.85, 0.26], [0.2, 0.25, 0.3, 0.97]])
METRICS = {
    "trpo": ("kl", "entropy", "gradient_norm", "explained_variance"),
    "actor-critic": ("gradient_norm", "explained_variance"),
    "reinforce-baseline": ("gradient_norm", "explained_variance"),
    "reinforce": ("gradient_norm",),
}


def suite(algorithms=ALGORITHMS, environments=tuple(ENVIRONMENTS), *, seeds=10, checkpoints=21) -> pd.DataFrame:
    """The tidy frame of a suite, as `pgsuite.results.load` gives it, with ``label``."""
    generator = np.random.default_rng(0)
    runs = []
    for j, env in enumerate(environments):
        for i, algorithm in enumerate(algorithms):
            if (env, algorithm) == ("MountainCarContinuous-v0", "reinforce-baseline"):
                continue
            for seed in range(seeds):
                diverged = (env, algorithm, seed) == ("Pendulum-v1", "actor-critic", 3)
                runs.append(run(algorithm, env, seed, LEVELS[j % 4, i % 4], generator, checkpoints, diverged))
    return pd.concat(runs, ignore_index=True)


def run(algorithm, env, seed, level, generator, checkpoints, diverged=False) -> pd.DataFrame:
    random, reference, budget = ENVIRONMENTS.get(env, (0.0, 1.0, 10_000))
    progress = np.linspace(0, 1, checkpoints)
    final = level + 0.1 * generator.standard_normal() * (1.1 - abs(level))
    score = final / (1 + np.exp(-14 * (progress - generator.uniform(0.1, 0.45)))) + 0.03 * generator.standard_normal(
        checkpoints
    )
    score = np.minimum(score - score[0] * (1 - progress), 1.02)
    frame = pd.DataFrame(
        {
            "suite": "classic",
            "algorithm": algorithm,
            "label": algorithm,
            "env": env,
            "seed": seed,
            "env_steps": np.round(progress * budget).astype(int),
            "return_mean": random + score * (reference - random),
            "score": score,
            "status": "diverged" if diverged else "complete",
            "diverged": diverged,
            "wall_time": progress * budget / 50_000,
            "steps_per_second": 50_000.0,
            "fingerprint": "0" * 64,
            "anchor/random": random,
            "anchor/reference": reference,
            **{f"metric/{name}": np.nan for name in ("kl", "entropy", "gradient_norm", "explained_variance")},
        }
    )
    for name in METRICS.get(algorithm, ("gradient_norm",)):
        frame[f"metric/{name}"] = diagnostic(name, progress, generator)
    return frame.iloc[: checkpoints // 2] if diverged else frame


def diagnostic(name, progress, generator):
    noise = generator.standard_normal(progress.size)
    values = {
        "kl": 0.009 + 0.0006 * noise,
        "entropy": 0.7 * np.exp(-2 * progress) + 0.01 * noise,
        "gradient_norm": 10 ** (1.5 - 2 * progress + 0.2 * noise),
        "explained_variance": 1 - np.exp(-4 * progress) - (noise < -2) * 8 + 0.03 * noise,
    }[name]
    return np.where(progress == 0, np.nan, values)


def comparison(frame: pd.DataFrame) -> SimpleNamespace:
    """The tables of a comparison, in its form; intervals are made up, a tenth on either side."""
    labels = tuple(dict.fromkeys(frame["label"]))
    complete = frame[frame["status"] == "complete"]
    last = complete.groupby(["label", "env", "seed"], sort=False)["score"].last()
    return SimpleNamespace(
        frame=frame,
        algorithms=labels,
        environments=tuple(dict.fromkeys(frame["env"])),
        level=0.95,
        leaderboard=pd.concat([leaderboard(last, labels, statistic) for statistic in ("final", "auc")]),
        improvement=pd.concat([improvement(last, labels, statistic) for statistic in ("final", "auc")]),
        profiles=profiles(last, labels),
        efficiency=efficiency(complete, labels),
        thresholds=thresholds(complete),
    )


def leaderboard(last, labels, statistic):
    rows = []
    for label in labels:
        scores = last[label].to_numpy()
        middle = np.sort(scores)[scores.size // 4 : -(scores.size // 4) or None]
        gap = 1 - np.minimum(scores, 1).mean()
        metrics = {"iqm": middle.mean(), "mean": scores.mean(), "median": np.median(scores), "optimality_gap": gap}
        lacking = ("MountainCarContinuous-v0",) if label == "reinforce-baseline" else ()
        for metric, value in metrics.items():
            row = {"label": label, "statistic": statistic, "metric": metric, "estimate": value, "lacking": lacking}
            rows.append(row | {"low": value - 0.05, "high": value + 0.04, "runs": 10})
    return pd.DataFrame(rows)


def improvement(last, labels, statistic):
    rows = []
    for x in labels:
        for y in labels:
            if x != y:
                a, b = last[x].to_numpy()[:, None], last[y].to_numpy()
                p = float((a > b).mean() + 0.5 * (a == b).mean())
                low, high = max(p - 0.1, 0.0), min(p + 0.1, 1.0)
                rows.append({"statistic": statistic, "x": x, "y": y, "probability": p, "low": low, "high": high})
    return pd.DataFrame(rows)


def profiles(last, labels):
    rows = []
    for label in labels:
        for threshold in np.linspace(-0.2, 1.2, 141):
            share = float((last[label] > threshold).mean())
            low, high = max(share - 0.08, 0), min(share + 0.08, 1)
            rows.append({"label": label, "threshold": threshold, "share": share, "low": low, "high": high})
    return pd.DataFrame(rows)


def efficiency(complete, labels):
    rows = []
    for label in labels:
        own = complete[complete["label"] == label]
        progress = own["env_steps"] / own.groupby("env")["env_steps"].transform("max")
        for share, scores in own.groupby(progress.round(6))["score"]:
            value = scores.median()
            row = {"label": label, "progress": share, "env_steps": np.nan, "iqm": value}
            rows.append(row | {"low": value - 0.06, "high": value + 0.05})
    return pd.DataFrame(rows)


def thresholds(complete, levels=(0.5,)):
    rows = []
    for (label, env), cell in complete.groupby(["label", "env"], sort=False):
        for level in levels:
            first = cell[cell["score"] >= level].groupby("seed")["env_steps"].min()
            runs = cell["seed"].nunique()
            times = np.sort(np.concatenate([first.to_numpy(float), np.full(runs - len(first), np.inf)]))
            median = times[(runs - 1) // 2] if 2 * len(first) > runs else np.nan
            row = {"label": label, "env": env, "threshold": level, "reached": len(first), "runs": runs}
            rows.append(row | {"median_steps": median})
    return pd.DataFrame(rows)


@pytest.fixture(scope="session")
def compared() -> SimpleNamespace:
    """A comparison of the size of a real one."""
    return comparison(suite())


@pytest.fixture(scope="session")
def figures(compared):
    return build(compared)


@pytest.fixture(scope="session")
def hostile():
    """All figures of algorithms and environments with names that try to act."""
    return build(comparison(suite(HOSTILE, (HOSTILE[2], "y" * 300), seeds=5, checkpoints=3)))
