"""How long the statistics take: ``taskset -c 0 python -m pytest tests/bench_statistics.py --benchmark-enable``."""

import numpy as np
import pandas as pd

from pgsuite.results.statistics.aggregates import iqm
from pgsuite.results.statistics.bootstrap import Bootstrap, interval, replicate
from pgsuite.results.statistics.comparison import compare


def test_iqm_of_50_000_replicates(benchmark):
    """Four algorithms, eight environments, ten runs; under a second is the aim."""
    random, bootstrap = np.random.default_rng(0), Bootstrap(replicates=50_000)
    algorithms = {label: list(random.normal(0.7, 0.3, (8, 10))) for label in "abcd"}

    def intervals():
        for label, tasks in algorithms.items():
            drawn = bootstrap.drawn(label, {f"{env}-v0": 10 for env in range(8)})
            interval(replicate(lambda counts, tasks=tasks: iqm(tasks, counts), drawn), 0.95, fewest=10)

    benchmark(intervals)


def test_comparison_of_a_suite(benchmark):
    """Four algorithms, four environments, ten runs, 21 checkpoints: a report has some twenty seconds for everything."""
    random = np.random.default_rng(0)
    names = ["label", "env", "seed", "checkpoint"]
    cells = pd.MultiIndex.from_product(
        [list("abcd"), [f"{env}-v0" for env in range(4)], range(10), range(21)], names=names
    )
    frame = cells.to_frame(index=False)
    frame = frame.assign(
        algorithm=frame["label"],
        env_steps=frame["checkpoint"] * 5000,
        score=frame["checkpoint"] / 20 + random.normal(0, 0.2, len(frame)),
        status="complete",
        wall_time=frame["checkpoint"] * 1.0,
        steps_per_second=5000.0,
    )
    frame = frame.assign(return_mean=frame["score"] * 100, **{"anchor/random": 0.0, "anchor/reference": 100.0})
    benchmark(compare, frame)
