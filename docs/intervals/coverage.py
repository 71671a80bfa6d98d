"""How often 95% intervals of a mean over few runs hold the true mean, and how wide they are.

    python docs/intervals/coverage.py            # a minute; prints the table of docs/intervals/README.md

Returns of an environment whose returns lie between 0 and 500, as runs on it are distributed: far from both ends, at the
ceiling for most runs, of two kinds (solved or not), skewed.
"""

import numpy as np
from scipy import special, stats

TRIALS, REPLICATES, LOW, HIGH, LEVEL = 4000, 1000, 0.0, 500.0, 0.95
T = {n: stats.t.ppf((1 + LEVEL) / 2, n - 1) for n in (5, 10, 20)}


def _mixture(random, shape, share, other):
    return np.where(random.random(shape) < share, HIGH, other(random, shape))


def _uniform(random, shape):
    return random.uniform(100, 500, shape)


def _unsolved(random, shape):
    return random.uniform(20, 60, shape)


RETURNS = {
    "normal (250, 60)": lambda random, shape: random.normal(250, 60, shape),
    "beta (8, 2), skewed": lambda random, shape: 500 * random.beta(8, 2, shape),
    "half at the ceiling, rest 100-500": lambda random, shape: _mixture(random, shape, 0.5, _uniform),
    "0.8 at the ceiling, rest 100-500": lambda random, shape: _mixture(random, shape, 0.8, _uniform),
    "0.6 solved, rest 20-60": lambda random, shape: _mixture(random, shape, 0.6, _unsolved),
    "0.9 solved, rest 20-60": lambda random, shape: _mixture(random, shape, 0.9, _unsolved),
}


def _student(x, _):
    half = T[x.shape[1]] * x.std(axis=1, ddof=1) / np.sqrt(x.shape[1])
    return x.mean(axis=1) - half, x.mean(axis=1) + half


def _student_cut(x, random):
    low, high = _student(x, random)
    return low.clip(LOW, HIGH), high.clip(LOW, HIGH)


def _logit(x, _):
    """Student's t on the scale of the logit of the mean's place in the range; its error by the delta method."""
    share = (x.mean(axis=1) - LOW) / (HIGH - LOW)
    error = x.std(axis=1, ddof=1) / np.sqrt(x.shape[1]) / (HIGH - LOW)
    with np.errstate(invalid="ignore", divide="ignore"):
        half = T[x.shape[1]] * np.where(error > 0, error / (share * (1 - share)), 0.0)
        ends = special.expit(special.logit(share) - half), special.expit(special.logit(share) + half)
    return tuple(LOW + (HIGH - LOW) * end for end in ends)


def _means(x, random):
    """``(trials, replicates)`` means of runs drawn with replacement."""
    chosen = random.integers(x.shape[1], size=(len(x), REPLICATES, x.shape[1]), dtype=np.int8)
    return np.take_along_axis(x[:, None, :], chosen, axis=2).mean(axis=2)


def _percentile(x, random):
    return np.quantile(_means(x, random), [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1)


def _bca(x, random):
    """Efron (1987), bias-corrected and accelerated."""
    drawn, n = _means(x, random), x.shape[1]
    below = (drawn < x.mean(axis=1, keepdims=True)).mean(axis=1)
    same = (drawn == x.mean(axis=1, keepdims=True)).mean(axis=1)
    bias = special.ndtri(np.clip(below + same / 2, 1e-3, 1 - 1e-3))
    without = (x.sum(axis=1, keepdims=True) - x) / (n - 1)
    apart = without.mean(axis=1, keepdims=True) - without
    with np.errstate(invalid="ignore"):
        acceleration = np.nan_to_num((apart**3).sum(axis=1) / (6 * (apart**2).sum(axis=1) ** 1.5))
    ends = []
    for z in special.ndtri([(1 - LEVEL) / 2, (1 + LEVEL) / 2]):
        share = special.ndtr(bias + (bias + z) / (1 - acceleration * (bias + z)))
        ends.append([np.quantile(one, at) for one, at in zip(drawn, share, strict=True)])
    return np.array(ends)


INTERVALS = {
    "Student t": _student,
    "t cut at the range": _student_cut,
    "logit": _logit,
    "percentile bootstrap": _percentile,
    "BCa bootstrap": _bca,
}


if __name__ == "__main__":
    print("| returns | runs |", " | ".join(INTERVALS), "|")
    print("|---|--:|", "|".join("--:" for _ in INTERVALS), "|", sep="")
    for name, draw in RETURNS.items():
        truth = float(draw(np.random.default_rng(0), (2_000_000,)).mean())
        for n in T:
            random = np.random.default_rng([1, n, len(name)])
            x = draw(random, (TRIALS, n))
            cells = []
            for interval in INTERVALS.values():
                low, high = interval(x, random)
                held = (low - 1e-9 <= truth) & (truth <= high + 1e-9)
                outside = ((low < LOW - 1e-9) | (high > HIGH + 1e-9)).mean()
                cells.append(
                    f"{held.mean():.3f} ({np.mean(high - low):.0f}{f'; {outside:.0%} out' if outside else ''})"
                )
            print(f"| {name if n == 5 else ''} | {n} | {' | '.join(cells)} |", flush=True)
