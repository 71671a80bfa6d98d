"""The arithmetic of action distributions for one state: kernels over rows of network outputs.

A distribution is its kind and its ``sizes``: how many choices every component has, or a single number, that of coins or
of normal variables. A row of outputs has logits, or means and then log standard deviations. Actions are rows of
numbers of the outputs' precision, choices counted from 0. What a choice that does not exist would cost is NaN.

`add_…_slope` adds the derivative in the outputs, times a weight, to a row.
"""

import math

import numpy as np

from ..kernels import kernel

CATEGORICAL, BERNOULLI, GAUSSIAN = 0, 1, 2
HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)
HALF_LOG_TAU_E = 0.5 * math.log(2 * math.pi * math.e)


@kernel
def log_total(logits):
    """``log Σ exp(logits)``, shifted by the largest."""
    largest = logits[0]
    for logit in logits[1:]:
        largest = max(largest, logit)
    total = logits.dtype.type(0)
    for logit in logits:
        total += np.exp(logit - largest)
    return largest + np.log(total)


@kernel
def log_coin(logit):
    """``log(1 + exp(logit))``: minus the log-probability of tails."""
    return max(logit, logit * 0) + np.log1p(np.exp(-abs(logit)))


@kernel
def sample(kind, sizes, outputs, noise, action):
    """Write the action that the noise chooses; zero noise gives the mode.

    Source: Gumbel-max, Gumbel (1954); Maddison et al. (2014).
    """
    if kind == CATEGORICAL:
        start = 0
        for component, size in enumerate(sizes):
            best = 0
            for choice in range(1, size):
                if outputs[start + choice] + noise[start + choice] > outputs[start + best] + noise[start + best]:
                    best = choice
            action[component] = best
            start += size
    elif kind == BERNOULLI:
        for coin in range(sizes[0]):
            action[coin] = 1 if outputs[coin] + noise[coin] > 0 else 0
    else:
        for n in range(sizes[0]):
            action[n] = outputs[n] + np.exp(outputs[sizes[0] + n]) * noise[n]


@kernel
def log_prob(kind, sizes, outputs, action):
    """The log-probability, or density, of an action."""
    total = outputs.dtype.type(0)
    if kind == CATEGORICAL:
        start = 0
        for component, size in enumerate(sizes):
            chosen = action[component]
            if not 0 <= chosen < size:
                return outputs.dtype.type(np.nan)
            logits = outputs[start : start + size]
            total += logits[int(chosen)] - log_total(logits)
            start += size
    elif kind == BERNOULLI:
        for coin in range(sizes[0]):
            if action[coin] != 0 and action[coin] != 1:
                return outputs.dtype.type(np.nan)
            total += action[coin] * outputs[coin] - log_coin(outputs[coin])
    else:
        for n in range(sizes[0]):
            log_std = outputs[sizes[0] + n]
            z = (action[n] - outputs[n]) * np.exp(-log_std)
            total -= outputs.dtype.type(0.5) * z * z + log_std + outputs.dtype.type(HALF_LOG_TAU)
    return total


@kernel
def add_log_prob_slope(kind, sizes, outputs, action, weight, slope):
    """The slope of `log_prob`, which is returned: 1 for the choice taken less the probabilities; ``z/σ``, ``z²-1``."""
    result = outputs.dtype.type(0)
    if kind == CATEGORICAL:
        start = 0
        for component, size in enumerate(sizes):
            chosen = action[component]
            logits = outputs[start : start + size]
            total = log_total(logits)
            result += logits[int(chosen)] - total if 0 <= chosen < size else outputs.dtype.type(np.nan)
            for choice in range(size):
                taken = 1 if chosen == choice else 0
                slope[start + choice] += weight * (taken - np.exp(logits[choice] - total))
            start += size
    elif kind == BERNOULLI:
        for coin in range(sizes[0]):
            tossed = action[coin] == 0 or action[coin] == 1
            result += action[coin] * outputs[coin] - log_coin(outputs[coin]) if tossed else outputs.dtype.type(np.nan)
            slope[coin] += weight * (action[coin] - np.exp(-log_coin(-outputs[coin])))
    else:
        for n in range(sizes[0]):
            log_std = outputs[sizes[0] + n]
            precision = np.exp(-log_std)
            z = (action[n] - outputs[n]) * precision
            result -= outputs.dtype.type(0.5) * z * z + log_std + outputs.dtype.type(HALF_LOG_TAU)
            slope[n] += weight * z * precision
            slope[sizes[0] + n] += weight * (z * z - 1)
    return result


@kernel
def entropy(kind, sizes, outputs):
    """The entropy in nats."""
    result = outputs.dtype.type(0)
    if kind == CATEGORICAL:
        start = 0
        for size in sizes:
            total = log_total(outputs[start : start + size])
            for choice in range(size):
                log_p = outputs[start + choice] - total
                p = np.exp(log_p)
                if p > 0:
                    result -= p * log_p
                elif p != p:
                    result = p
            start += size
    elif kind == BERNOULLI:
        for coin in range(sizes[0]):
            heads = np.exp(-log_coin(-outputs[coin]))
            result += log_coin(outputs[coin]) - heads * outputs[coin]
    else:
        for n in range(sizes[0]):
            result += outputs[sizes[0] + n] + outputs.dtype.type(HALF_LOG_TAU_E)
    return result


@kernel
def add_entropy_slope(kind, sizes, outputs, weight, slope):
    """The slope of `entropy`: ``-p (log p + H)`` for logits, 1 for a log standard deviation."""
    if kind == CATEGORICAL:
        start = 0
        for size in sizes:
            logits = outputs[start : start + size]
            total, mean = log_total(logits), outputs.dtype.type(0)
            for logit in logits:
                p = np.exp(logit - total)
                if p > 0:
                    mean += p * (logit - total)
            for choice in range(size):
                p = np.exp(logits[choice] - total)
                if p > 0:
                    slope[start + choice] -= weight * p * (logits[choice] - total - mean)
            start += size
    elif kind == BERNOULLI:
        for coin in range(sizes[0]):
            heads, tails = np.exp(-log_coin(-outputs[coin])), np.exp(-log_coin(outputs[coin]))
            slope[coin] -= weight * heads * tails * outputs[coin]
    else:
        for n in range(sizes[0]):
            slope[sizes[0] + n] += weight


@kernel
def kl(kind, sizes, old, new):
    """``KL(old ‖ new)`` in nats."""
    result = old.dtype.type(0)
    if kind == CATEGORICAL:
        start = 0
        for size in sizes:
            total, new_total = log_total(old[start : start + size]), log_total(new[start : start + size])
            for choice in range(size):
                log_p = old[start + choice] - total
                p = np.exp(log_p)
                if p > 0:
                    result += p * (log_p - (new[start + choice] - new_total))
                elif p != p:
                    result = p
            start += size
    elif kind == BERNOULLI:
        for coin in range(sizes[0]):
            heads, tails = np.exp(-log_coin(-old[coin])), np.exp(-log_coin(old[coin]))
            result += heads * (log_coin(-new[coin]) - log_coin(-old[coin]))
            result += tails * (log_coin(new[coin]) - log_coin(old[coin]))
    else:
        count, half = sizes[0], old.dtype.type(0.5)
        for n in range(count):
            log_ratio = old[count + n] - new[count + n]
            shift = (old[n] - new[n]) * np.exp(-new[count + n])
            result += half * (np.exp(2 * log_ratio) + shift * shift - 1) - log_ratio
    return result


@kernel
def add_kl_slope(kind, sizes, old, new, weight, slope):
    """The slope of `kl` in ``new``: new probabilities less old ones; or as it follows for means and deviations."""
    if kind == CATEGORICAL:
        start = 0
        for size in sizes:
            total, new_total = log_total(old[start : start + size]), log_total(new[start : start + size])
            for n in range(start, start + size):
                slope[n] += weight * (np.exp(new[n] - new_total) - np.exp(old[n] - total))
            start += size
    elif kind == BERNOULLI:
        for coin in range(sizes[0]):
            slope[coin] += weight * (np.exp(-log_coin(-new[coin])) - np.exp(-log_coin(-old[coin])))
    else:
        count = sizes[0]
        for n in range(count):
            precision = np.exp(-new[count + n])
            z, ratio = (old[n] - new[n]) * precision, np.exp(2 * (old[count + n] - new[count + n]))
            slope[n] -= weight * z * precision
            slope[count + n] += weight * (1 - ratio - z * z)


@kernel
def metric(kind, sizes, outputs, made):
    """Write what `fisher` takes of outputs: probabilities of choices, variances of coins, precisions."""
    if kind == CATEGORICAL:
        start = 0
        for size in sizes:
            total = log_total(outputs[start : start + size])
            for n in range(start, start + size):
                made[n] = np.exp(outputs[n] - total)
            start += size
    elif kind == BERNOULLI:
        for coin in range(sizes[0]):
            made[coin] = np.exp(-log_coin(-outputs[coin])) * np.exp(-log_coin(outputs[coin]))
    else:
        count = sizes[0]
        for n in range(count):
            made[n] = np.exp(-2 * outputs[count + n])
            made[count + n] = 2


@kernel
def fisher(kind, sizes, metric, tangent, product):
    """Write the product of the Fisher matrix with a tangent.

    ``(diag(p) - p pᵀ) v`` for logits of a component, ``p (1 - p) v`` for a coin's, ``v / σ²`` for a mean and ``2 v``
    for a log standard deviation.
    """
    for n in range(len(metric)):
        product[n] = metric[n] * tangent[n]
    if kind == CATEGORICAL:
        start = 0
        for size in sizes:
            mean = metric.dtype.type(0)
            for n in range(start, start + size):
                mean += product[n]
            for n in range(start, start + size):
                product[n] = metric[n] * (tangent[n] - mean)
            start += size


@kernel("int64, int64[::1], real[:, ::1], real[:, ::1], real[:, ::1]", part="composing")
def sample_rows(kind, sizes, outputs, noise, actions):
    """`sample` for every row."""
    for row in range(len(outputs)):
        sample(kind, sizes, outputs[row], noise[row], actions[row])


@kernel("int64, int64[::1], real[:, ::1], real[:, ::1], real[::1]", part="composing")
def log_prob_rows(kind, sizes, outputs, actions, result):
    """`log_prob` for every row."""
    for row in range(len(outputs)):
        result[row] = log_prob(kind, sizes, outputs[row], actions[row])


@kernel("int64, int64[::1], real[:, ::1], real[:, ::1], real[::1], real[:, ::1]", part="composing")
def log_prob_slope_rows(kind, sizes, outputs, actions, weight, slope):
    """`add_log_prob_slope` for every row that counts."""
    for row in range(len(outputs)):
        if weight[row] != 0:
            add_log_prob_slope(kind, sizes, outputs[row], actions[row], weight[row], slope[row])


@kernel("int64, int64[::1], real[:, ::1], real[::1]")
def entropy_rows(kind, sizes, outputs, result):
    """`entropy` for every row."""
    for row in range(len(outputs)):
        result[row] = entropy(kind, sizes, outputs[row])


@kernel("int64, int64[::1], real[:, ::1], real[::1], real[:, ::1]", part="composing")
def entropy_slope_rows(kind, sizes, outputs, weight, slope):
    """`add_entropy_slope` for every row that counts."""
    for row in range(len(outputs)):
        if weight[row] != 0:
            add_entropy_slope(kind, sizes, outputs[row], weight[row], slope[row])


@kernel("int64, int64[::1], real[:, ::1], real[:, ::1], real[::1]", part="composing")
def kl_rows(kind, sizes, old, new, result):
    """`kl` for every row."""
    for row in range(len(old)):
        result[row] = kl(kind, sizes, old[row], new[row])


@kernel("int64, int64[::1], real[:, ::1], real[:, ::1], real[::1], real[:, ::1]", part="composing")
def kl_slope_rows(kind, sizes, old, new, weight, slope):
    """`add_kl_slope` for every row that counts."""
    for row in range(len(old)):
        if weight[row] != 0:
            add_kl_slope(kind, sizes, old[row], new[row], weight[row], slope[row])


@kernel("int64, int64[::1], real[:, ::1], real[:, ::1]", part="composing")
def metric_rows(kind, sizes, outputs, made):
    """`metric` for every row."""
    for row in range(len(outputs)):
        metric(kind, sizes, outputs[row], made[row])


@kernel("int64, int64[::1], real[:, ::1], real[:, ::1], real[:, ::1]", part="composing")
def fisher_rows(kind, sizes, metric, tangent, product):
    """`fisher` for every row."""
    for row in range(len(metric)):
        fisher(kind, sizes, metric[row], tangent[row], product[row])
