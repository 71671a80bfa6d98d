"""Statistics of gradient estimates: is their mean what it should be, and what do direction, length and spread say?

Legend for shapes: n independent batches, P parameters, K directions, R bootstrap replicates.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

REPLICATES = 200
LEVEL = 0.95


class Interval(NamedTuple):
    """An estimate with its bootstrap interval over batches, level .95."""

    estimate: float
    low: float
    high: float


class Bias(NamedTuple):
    """Outcome of Hotelling's test."""

    p_value: float
    statistic: float
    """T²."""
    directions: int
    """Rank of what was tested."""


ROUNDING = 1e-6
"""Relative to an estimate, what counts as equal: the rounding of another order of operations."""
GUARD = 1e-3
"""The same for standardised weights: a guard such as 1e-8 in the divisor shows where advantages are that small."""


def hotelling(deviation: Floats, rounding: float = ROUNDING) -> Bias:
    """Test whether the mean of ``deviation`` ``(n, K)`` is zero: ``T² = n m̄ᵀ S⁻¹ m̄``.

    Directions without variance (softmax has some by construction) are dropped; where the mean is not zero although
    nothing varies, the p-value is 0. Rows that are all zero to rounding pass with p-value 1.

    Source: Hotelling (1931); Anderson (2003), section 5.2: ``T² (n - k) / (k (n - 1))`` is F-distributed.

    Args:
        deviation: estimates less their target, scaled so that 1 is the size of an estimate.
        rounding: deviations that are no larger count as zero.
    """
    if not np.isfinite(deviation).all():
        return Bias(0.0, float("inf"), deviation.shape[1])
    count, mean = len(deviation), deviation.mean(0)
    centred = deviation - mean
    spread = np.linalg.svd(centred / np.sqrt(count - 1), full_matrices=False)
    scale, axes = spread.S, spread.Vh
    kept = scale > max(rounding, 1e-6 * scale.max(initial=0.0))
    k = int(min(kept.sum(), count // 5))
    scale, axes = scale[:k], axes[:k]
    along = axes @ mean
    beside = float(np.linalg.norm(mean - along @ axes))
    if beside > 10 * rounding + 1e-3 * float(np.linalg.norm(mean)) and not (kept.sum() > k):
        return Bias(0.0, float("inf"), k)
    if k == 0:
        return Bias(1.0, 0.0, 0)
    t_squared = float(count * ((along / scale) ** 2).sum())
    f = t_squared * (count - k) / (k * (count - 1))
    return Bias(float(stats.f.sf(f, k, count - k)), t_squared, k)


def excess_variance(x: Floats, reference: Floats, tolerance: float = 1.05) -> float:
    """p-value of total variance of ``x`` ``(n, P)`` at most ``tolerance`` times the reference's, batches paired.

    The logarithm of the ratio is compared with its standard error from the batches' influence (delta method).
    """
    if not np.isfinite(x).all():
        return 0.0
    shares = [((y - y.mean(0)) ** 2).sum(1) for y in (x, reference)]
    ours, theirs = (share.mean() for share in shares)
    if ours <= tolerance * theirs:
        return 1.0
    if theirs == 0:
        return 0.0
    error = float((shares[0] / ours - shares[1] / theirs).std(ddof=1) / np.sqrt(len(x)))
    if error == 0:
        return 0.0
    return float(stats.norm.sf((np.log(ours / theirs) - np.log(tolerance)) / error))


class Resampled(NamedTuple):
    """The sample itself, first, and its bootstrap resamples."""

    mean: Floats
    """``(R + 1, P)``"""
    variance: Floats
    """``(R + 1,)`` total: the trace of the covariance of one batch."""
    noise: Floats
    """``(R + 1,)`` expected squared distance of ``mean`` from the truth, estimated."""


def resampled(x: Floats, shares: Floats) -> Resampled:
    """Resample batches ``(n, P)`` with multinomial shares ``(R + 1, n)``, the first of them equal."""
    mean = shares @ x
    count = len(x)
    variance = np.maximum(shares @ (x * x).sum(1) - (mean * mean).sum(1), 0.0) * count / (count - 1)
    extra = np.full(len(shares), 2.0)  # a resampled mean is off twice: by the sample and by the resampling
    extra[0] = 1.0
    return Resampled(mean, variance, extra * variance / count)


@lru_cache(maxsize=2)  # some megabytes each, and a job's samples are of one or two sizes
def resampling_shares(count: int, seed: int) -> Floats:
    """Return ``(R + 1, n)`` weights of batches: equal ones, then bootstrap resamples."""
    random = np.random.default_rng(seed)
    drawn = random.multinomial(count, np.full(count, 1 / count), size=REPLICATES) / count
    shares = np.concatenate([np.full((1, count), 1 / count), drawn])
    shares.flags.writeable = False  # it is handed out again
    return shares


def interval(replicates: Floats) -> Interval:
    """Return the first value with the percentiles of the others."""
    finite = replicates[1:][np.isfinite(replicates[1:])]
    if not np.isfinite(replicates[0]) or not finite.size:
        return Interval(float("nan"), float("nan"), float("nan"))
    low, high = np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(replicates[0]), float(low), float(high))


def cosine_and_length(sample: Resampled, target: Floats) -> tuple[Interval, Interval]:
    """Return cosine similarity to the target ``(P,)`` and the ratio of lengths, noise in the length taken off.

    The squared length of a mean of n noisy vectors exceeds that of the truth by its variance; that is subtracted.
    """
    norm = float(np.linalg.norm(target))
    if norm == 0:
        nothing = Interval(float("nan"), float("nan"), float("nan"))
        return nothing, nothing
    along = sample.mean @ (target / norm)
    length = np.sqrt(np.maximum((sample.mean**2).sum(1) - sample.noise, along**2))
    return interval(along / np.where(length > 0, length, np.nan)), interval(length / norm)


def signal_to_noise(x: Floats, groups: tuple[int, ...] = (1, 4, 16, 64)) -> list[tuple[int, float]]:
    """Return ``‖mean‖ / √total variance`` of averages of g batches, for each group size g that leaves 8 groups."""
    found, mean = [], x.mean(0)
    signal = float(np.sqrt(max((mean**2).sum() - x.var(0, ddof=1).sum() / len(x), 0.0)))
    for size in groups:
        if len(x) // size < 8:
            break
        grouped = x[: len(x) // size * size].reshape(-1, size, x.shape[1]).mean(1)
        noise = float(np.sqrt(grouped.var(0, ddof=1).sum()))
        found.append((size, signal / noise if noise else float("inf")))
    return found


def describe_estimates(x: Floats, target: Floats, reference: Floats, plain: Floats, seed: int) -> dict[str, Any]:
    """Describe estimates ``(n, P)`` beside their target ``(P,)``, the reference's estimates and plain REINFORCE's."""
    if not np.isfinite(x).all():
        return {"finite": False}
    shares = resampling_shares(len(x), seed)
    ours, theirs, crude = (resampled(y, shares) for y in (x, reference, plain))
    cosine, length = cosine_and_length(ours, target)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "finite": True,
            "cosine": cosine,
            "norm_ratio": length,
            "variance": interval(ours.variance),
            "variance_to_declared": interval(ours.variance / theirs.variance),
            "variance_to_reinforce": interval(ours.variance / crude.variance),
            "signal_to_noise": signal_to_noise(x),
        }
