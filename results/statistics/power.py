"""How many seeds it takes to see a drop, and what a number of seeds can see.

The design is the one of a check before and after a change: two arms of equally many runs, one-sided test at level
alpha (only a drop alarms), a drop of delta found with the given power. Drops are shares of the mean return's height
above the random policy, that is of the score: a return of -80 on a scale from -500 has no meaningful 20 % of itself.
Without anchors they are shares of the size of the mean return.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, stats

from .bootstrap import MEANINGFUL
from .leaderboard import ByLabel
from .metrics import average, magnitude, spread
from .scores import Curves

Array = NDArray[np.float64]
COLUMNS = [
    "label", "env", "runs", "mean", "variation", "alpha", "needed", "cautious", "detectable", "note",
]  # fmt: skip
ANY = "any environment"
ALL = "mean score"
CAUTION = 0.8
"""Confidence of the upper limit of the spread behind the cautious number of runs."""


class Design(NamedTuple):
    """What a check is asked to do."""

    drop: float = 0.2
    """Share of the mean that it must not miss."""
    power: float = 0.9
    """Chance of finding such a drop."""
    alpha: float = 0.05
    """Chance of an alarm without one; over a whole suite, not per environment."""


def runs_by_formula(effect: float, alpha: float, power: float) -> int:
    """Runs per arm by the normal approximation: ``2 (z_{1-alpha} + z_power)^2 / effect^2``.

    Args:
        effect: the drop in standard deviations of a run.
        alpha: one-sided level.
        power: chance of finding it.
    """
    z = stats.norm.ppf(1 - alpha) + stats.norm.ppf(power)
    return math.ceil(2 * (z / effect) ** 2)


def t_power(effect: float, runs: int, alpha: float, environments: float = 1.0) -> float:
    """Chance that a one-sided two-sample t test finds the effect, from the noncentral t distribution.

    Args:
        effect: the drop in standard deviations.
        runs: per arm.
        alpha: one-sided level.
        environments: effective number of environments that the standard deviation was pooled over: it multiplies
            the ``2 (runs - 1)`` degrees of freedom.
    """
    freedom = 2 * (runs - 1) * environments
    critical = stats.t.ppf(1 - alpha, freedom)
    return float(1 - stats.nct.cdf(critical, freedom, effect * math.sqrt(runs / 2)))


def runs_needed(effect: float, alpha: float, power: float, environments: float = 1.0) -> int:
    """The fewest runs per arm whose t test finds the effect with the power asked for; arguments as in `t_power`.

    The normal formula is where the search begins: it ignores that the spread itself is estimated, so it is never
    above.
    """
    runs = max(2, runs_by_formula(effect, alpha, power))
    while t_power(effect, runs, alpha, environments) < power:
        runs += 1
    return runs


def detectable_effect(runs: int, alpha: float, power: float, environments: float = 1.0) -> float:
    """The smallest effect that so many runs per arm find with the power asked for, in standard deviations."""
    freedom = 2 * (runs - 1) * environments
    about = (stats.t.ppf(1 - alpha, freedom) + stats.t.ppf(power, freedom)) * math.sqrt(2 / runs)
    found = optimize.brentq(lambda effect: t_power(effect, runs, alpha, environments) - power, 0.0, 2 * about)
    return float(found)


def upper_spread(deviation: float, freedom: float, confidence: float = CAUTION) -> float:
    """Upper confidence limit of a standard deviation: what one estimated from few runs may really be.

    Source: Browne (1995), On the use of a pilot sample for sample size determination.
    """
    return float(deviation * math.sqrt(freedom / stats.chi2.ppf(1 - confidence, freedom)))


class Sample(NamedTuple):
    """What is known of a mean: what the arms of a check will resemble."""

    runs: int
    """Per environment; the fewest."""
    mean: float
    """Of the final return, or of the score."""
    height: float
    """What a drop is a share of."""
    spread: float
    """Standard deviation that, divided by the root of the number of runs, is the mean's standard error."""
    environments: float = 1.0
    """Effective number of environments that the spread was pooled over."""


def seeds_needed(curves: ByLabel, design: Design) -> pd.DataFrame:
    """Runs per arm that each check needs, and what the runs there are can find.

    One row per label and environment with completed runs, at ``alpha``. Then per label, over its environments with
    anchors, `ANY`: the runs that find the drop on whichever environment it happens, each tested at ``alpha`` divided
    by their number (Bonferroni); and `ALL`: the runs that find it in the mean score over environments.

    Columns: ``label, env, runs, mean`` (final return; score in the two suite rows), ``variation`` (standard
    deviation / height), ``alpha`` of each test, ``needed``, ``cautious`` (with the upper limit of the spread),
    ``detectable`` (drop that the present runs find, as a share), ``note`` (why there is no number; "" otherwise).
    """
    rows: list[dict[str, Any]] = []
    for label, found in curves.items():
        samples = {env: _sample(one) for env, one in found.items()}
        rows += [{"label": label, "env": env} | _planned(one, design, design.alpha) for env, one in samples.items()]
        scored = {env: samples[env] for env, one in found.items() if one.scored}
        if len(scored) > 1:
            rows.append({"label": label, "env": ANY} | _any(scored, design))
            pooled = _pooled([one for one in found.values() if one.scored])
            rows.append({"label": label, "env": ALL} | _planned(pooled, design, design.alpha))
    return pd.DataFrame(rows, columns=COLUMNS)


def _sample(one: Curves) -> Sample:
    """Of the final return on one environment; its height is measured by the score where there is one."""
    returns, scores = one.returns[:, -1], one.scores[:, -1]
    mean = average(returns)
    height, deviation = abs(mean), spread(returns)
    if one.scored:
        height, deviation = average(scores), spread(scores)
    return Sample(returns.size, mean, height, deviation)


def _pooled(cells: list[Curves]) -> Sample:
    """Of the mean score over environments: independent runs, so variances add (Welch and Satterthwaite)."""
    samples = [_sample(one) for one in cells]
    size = magnitude([sample.spread for sample in samples])
    variances = np.array([(sample.spread / size) ** 2 for sample in samples])
    height = average([sample.height for sample in samples])
    effective = variances.sum() ** 2 / (variances**2).sum() if variances.any() else 1.0
    deviation = float(np.sqrt(variances.sum()) / len(samples) * size)
    return Sample(min(sample.runs for sample in samples), height, height, deviation, float(effective))


def _planned(sample: Sample, design: Design, alpha: float) -> dict[str, Any]:
    runs, _, height, deviation, environments = sample
    nothing = {"needed": np.nan, "cautious": np.nan, "detectable": np.nan}
    row = {"runs": runs, "mean": sample.mean, "variation": np.nan, "alpha": alpha} | nothing
    if note := _obstacle(sample):
        return row | {"note": note}
    variation = deviation / height
    cautious = upper_spread(variation, (runs - 1) * environments)
    counts = [runs_needed(design.drop / one, alpha, design.power, environments) for one in (variation, cautious)]
    return row | {
        "variation": variation,
        "needed": max(counts[0], MEANINGFUL),
        "cautious": max(counts[1], MEANINGFUL),
        "detectable": variation * detectable_effect(runs, alpha, design.power, environments),
        "note": "",
    }


def _obstacle(sample: Sample) -> str:
    """Why nothing can be planned from these runs; "" when it can."""
    if sample.runs < 2:
        return "one run has no spread"
    if sample.height <= 0:
        return "not above the random policy"
    return "" if sample.spread > 0 else "no spread between runs"


def _any(samples: Mapping[str, Sample], design: Design) -> dict[str, Any]:
    """The most demanding of the environments, each at its share of alpha."""
    alpha = design.alpha / len(samples)
    rows = {env: _planned(sample, design, alpha) for env, sample in samples.items()}
    table = pd.DataFrame(rows.values(), index=list(rows))
    left_out = table.index[table["note"] != ""]
    return {
        "runs": table["runs"].min(),
        "mean": np.mean([sample.height for sample in samples.values()]),
        "variation": table["variation"].max(),
        "alpha": alpha,
        "needed": table["needed"].max(),
        "cautious": table["cautious"].max(),
        "detectable": table["detectable"].max(),
        "note": f"without {', '.join(left_out)}" if len(left_out) else "",
    }
