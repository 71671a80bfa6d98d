"""Whether another version learns as this one does: per cell of two results folders, does one beat the other on AUC?

python tests/bench/lost.py OLD NEW [OLD NEW]...    prints a Markdown table
"""

import sys

import numpy as np
from scipy import stats

from pgsuite.results import load

INTERVAL = 10_000


def beats(new, old, random):
    """P(new > old), ties half, and its 95 % bootstrap interval over runs."""
    wins = (new[:, None] > old).astype(float) + 0.5 * (new[:, None] == old)
    rows, columns = (random.integers(len(x), size=(INTERVAL, len(x))) for x in (new, old))
    drawn = [wins[np.ix_(r, c)].mean() for r, c in zip(rows, columns, strict=True)]
    return wins.mean(), *np.percentile(drawn, [2.5, 97.5])


def main(*folders):
    random, cells = np.random.default_rng(0), []
    for old, new in zip(folders[::2], folders[1::2], strict=True):
        auc = [load(path).groupby(["algorithm", "env", "seed"]).return_mean.mean() for path in (old, new)]
        for cell in sorted({key[:2] for key in auc[1].index}):
            before, after = (x.loc[cell].to_numpy() for x in auc)
            test = stats.mannwhitneyu(after, before)
            cells.append((*cell, len(before), before.mean(), after.mean(), *beats(after, before, random), test.pvalue))
    order, adjusted, largest = np.argsort([cell[-1] for cell in cells]), {}, 0.0
    for rank, n in enumerate(order):
        largest = adjusted[n] = max(largest, min(1.0, cells[n][-1] * (len(cells) - rank)))
    print("| algorithm | environment | runs | AUC before | after | P(after beats before) [95 %] | p | p (Holm) |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for n, (algorithm, env, runs, before, after, share, low, high, p) in enumerate(cells):
        numbers = f"{runs} | {before:.1f} | {after:.1f} | {share:.2f} [{low:.2f}, {high:.2f}] | {p:.2f}"
        print(f"| {algorithm} | {env} | {numbers} | {adjusted[n]:.2f} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
