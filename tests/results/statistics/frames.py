"""Tidy frames with made-up runs, shaped like what `pgsuite.results.load` gives."""

import numpy as np
import pandas as pd

ANCHORS = (20.0, 520.0)


def runs(label, env, curves, *, seeds=None, steps=None, status="complete", anchors=ANCHORS, wall_time=None):
    """A frame with one run per curve.

    Args:
        label: of the algorithm.
        env: id.
        curves: a sequence of returns per run.
        seeds: of the runs; 0, 1 ... when not given.
        steps: the grid; 0, 100, 200 ... when not given.
        status: of all runs, or one per run.
        anchors: random and reference return; None for none.
        wall_time: seconds at each checkpoint; a thousandth of the steps when not given.
    """
    random, reference = (np.nan, np.nan) if anchors is None else anchors
    statuses = [status] * len(curves) if isinstance(status, str) else status
    frames = []
    for number, curve in enumerate(curves):
        grid = np.arange(len(curve)) * 100 if steps is None else np.asarray(steps)
        returns = np.asarray(curve, dtype=np.float64)
        frames.append(
            pd.DataFrame(
                {
                    "label": label,
                    "algorithm": label,
                    "env": env,
                    "seed": number if seeds is None else seeds[number],
                    "env_steps": grid,
                    "return_mean": returns,
                    "score": (returns - random) / (reference - random),
                    "status": statuses[number],
                    "wall_time": grid / 1000 if wall_time is None else wall_time,
                    "steps_per_second": 1000.0,
                    "anchor/random": random,
                    "anchor/reference": reference,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def suite(labels, environments=("A-v0", "B-v0"), *, runs_per_cell=6, checkpoints=4, seed=0):
    """A frame of random learning curves; a cell's numbers depend on its label and environment alone."""
    frames = []
    for label in labels:
        for env in environments:
            random = np.random.default_rng([seed, *label.encode(), *env.encode()])
            heights = random.uniform(50, 500, size=(runs_per_cell, 1)) * np.linspace(0.1, 1, checkpoints)
            frames.append(runs(label, env, heights + random.normal(0, 20, size=heights.shape)))
    return pd.concat(frames, ignore_index=True)
