"""Measure the gate on the pools of runs: `python tests/gate/measure.py`, some minutes on one core.

Everything goes through the decision code that checks use (`pgsuite.results.statistics.gate.decide`). The rates go to
docs/check/rates.json, and as tables into docs/check/README.md. With ``--tables`` nothing is measured: the tables are made
anew from what was, with what audits and refactorings say now; with ``--quick`` it is a try that means little.
"""

import json
import math
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from scipy import stats

from pgsuite.results.statistics.gate import Design, Pairs, decide
from pgsuite.suites.check.opening import SEEDS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "check"
SPLITS, BANKS, PER_BANK, REPETITIONS = 4000, 200, 400, 200
DESIGN = Design.of(SEEDS)
PLAIN = Design(share=math.inf, screening=(5, 10, 20, 40, 80), confirmation=(10, 20, 40, 80))
"""A plainer one: the same margin everywhere, 80 pairs at most."""
GROSS = 0.20
"""Loss of the area under the curve that has to be found."""


class Pool:
    """The runs of a variant on an environment."""

    def __init__(self, found):
        self.kind, self.variant, self.env = found["kind"], found["variant"], found["env"]
        self.base, self.what = found["base"], found["what"]
        self.auc, self.final = (np.array(found[name]) for name in ("auc", "final"))
        self.diverged = np.zeros(len(self.auc), bool)
        self.diverged[found["diverged"]] = True


def read_pools(path=FOLDER / "pools.json"):
    pools = [Pool(found) for found in json.loads(path.read_text())["pools"]]
    return {(pool.kind, pool.variant, pool.env): pool for pool in pools}


def pairs(before, after, first, second):
    """Pairs of runs of two pools, by their places."""
    lost, saved = before.diverged[first], after.diverged[second]
    return Pairs(after.auc[second] - before.auc[first], ~lost & saved, lost & ~saved, before.auc[first])


def halves(both, n):
    """The first ``n`` pairs, for screening, and the others."""
    return Pairs(*(part[:n] for part in both)), Pairs(*(part[n:] for part in both))


def drawing(cells, design):
    """A fetch that deals every cell's pairs from ``cells``: name to (screening, confirmation) pairs."""

    def fetch(stage, wanted):
        n = 0 if stage == "screening" else 1
        return {name: Pairs(*(part[:count] for part in cells[name][n])) for name, count in wanted.items()}

    return decide(list(cells), fetch, design)


def independent(pool, rng, n, m):
    """Pairs of different runs of one algorithm, drawn with replacement: ``n`` for screening, ``m`` for confirmation."""
    both = pairs(pool, pool, *rng.integers(len(pool.auc), size=(2, n + m)))
    return halves(both, n)


def false_alarms(pools, design, splits):
    rng = np.random.default_rng(0)
    alarms, by_look, sent, verdicts = 0, Counter(), 0, Counter()
    sizes = design.screening[-1], design.confirmation[-1]
    for _ in range(splits):
        trials = drawing({pool.variant + pool.env: independent(pool, rng, *sizes) for pool in pools}, design)
        wrong = [trial for trial in trials.values() if trial.verdict == "regressed"]
        alarms += bool(wrong)
        sent += any(trial.sent == "regressed" for trial in trials.values())
        by_look.update(trial.looks[-1].seeds for trial in wrong)
        verdicts.update(trial.verdict for trial in trials.values())
    return {
        "splits": splits,
        "regressed": share(alarms, splits),
        "sent_to_confirmation": share(sent, splits),
        "by_look_of_confirmation": {str(look): count for look, count in sorted(by_look.items())},
        "cells": {verdict: count / sum(verdicts.values()) for verdict, count in verdicts.items()},
    }


def bank_rates(pools, banks, repetitions, design, rng, size, deal):
    """The shares of false alarms of some banks of ``size`` runs; ``deal`` gives a cell's pairs from bank and others."""
    rates = []
    for _ in range(banks):
        chosen = {pool.variant + pool.env: rng.permutation(len(pool.auc)) for pool in pools}
        alarms = 0
        for _ in range(repetitions):
            cells = {}
            for pool in pools:
                order = chosen[pool.variant + pool.env]
                cells[pool.variant + pool.env] = deal(pool, order[:size], order[size:])
            alarms += any(trial.verdict == "regressed" for trial in drawing(cells, design).values())
        rates.append(alarms / repetitions)
    return {"banks": banks, "repetitions": repetitions, "size": size, **quantiles(rates)}


def frozen_banks(pools, banks, repetitions):
    """Banks of 40 runs whose code can be run again."""
    rng, design = np.random.default_rng(1), Design.of(40)

    def deal(pool, bank, rest):
        others = rng.choice(rest, 40 + 2 * design.confirmation[-1])
        return pairs(pool, pool, bank, others[:40]), pairs(pool, pool, *others[40:].reshape(2, -1))

    return bank_rates(pools, banks, repetitions, design, rng, 40, deal)


def lonely_banks(pools, banks, repetitions, size):
    """Banks whose code is not at hand: half of the bank is all there is for confirmation."""
    rng, design = np.random.default_rng(2), Design.of_bank(size)

    def deal(pool, bank, rest):
        return halves(pairs(pool, pool, bank, rng.permutation(rest)[:size]), design.screening[-1])

    return bank_rates(pools, banks, repetitions, design, rng, size, deal)


def quantiles(rates):
    return {"mean": float(np.mean(rates)), "q95": float(np.quantile(rates, 0.95)), "largest": float(np.max(rates))}


def share(count, of):
    """A share with its exact (Clopper and Pearson's) interval."""
    low, high = stats.binomtest(count, of).proportion_ci(method="exact")
    return [count / of, float(low), float(high)]


def resampled(before, after, rng, n, confirmation):
    """Pairs of the same seeds, each drawn once while they last."""
    known = min(len(before.auc), len(after.auc))
    need = n + confirmation
    places = rng.permutation(known)[:need] if known >= need else rng.integers(known, size=need)
    both = pairs(before, after, places, places)
    return halves(both, n)


def variants(pools, kind):
    names = dict.fromkeys(key[1] for key in pools if key[0] == kind)
    for name in names:
        yield (
            name,
            {
                pool.env: (pools["algorithms", pool.base, pool.env], pool)
                for key, pool in pools.items()
                if key[:2] == (kind, name)
            },
        )


def outcomes(cells, design, repetitions, rng):
    """Verdicts and seeds of each cell of a change, over repetitions, the cells decided together as in a check."""
    found = defaultdict(list)
    for _ in range(repetitions):
        sizes = design.screening[-1], design.confirmation[-1]
        dealt = {env: resampled(*both, rng, *sizes) for env, both in cells.items()}
        for env, trial in drawing(dealt, design).items():
            found[env].append((trial.verdict, trial.seeds))
    return found


def detection(pools, audits, repetitions, design=DESIGN):
    rng, rows = np.random.default_rng(3), []
    for name, cells in variants(pools, "faults"):
        found = outcomes(cells, design, repetitions, rng)
        for env, (before, after) in cells.items():
            verdicts = Counter(verdict for verdict, _ in found[env])
            n = len(after.auc)
            rows.append(
                {
                    "fault": name,
                    "what": after.what,
                    "algorithm": after.base,
                    "env": env,
                    "loss": float((before.auc.mean() - after.auc.mean()) / before.auc.mean()),
                    "drop": float(before.auc.mean() - after.auc.mean()),
                    "correlation": correlation(before.auc[:n], after.auc[:n]),
                    "shares": {verdict: count / repetitions for verdict, count in verdicts.items()},
                    "seeds": float(np.median([seeds for _, seeds in found[env]])),
                    "audit": audits.get(name),
                }
            )
    return rows


def harmless(pools, repetitions):
    rng, rows = np.random.default_rng(4), []
    for name, cells in variants(pools, "harmless"):
        for env, (before, after) in cells.items():
            n = len(after.auc)
            row = {
                "change": name,
                "what": after.what,
                "algorithm": after.base,
                "env": env,
                "correlation": correlation(before.auc[:n], after.auc[:n]),
                "spread": float(np.std(after.auc - before.auc[:n], ddof=1)),
                "shift": float(np.mean(after.auc - before.auc[:n])),
            }
            for seeds in (40, 80, 160):
                found = outcomes({env: (before, after)}, Design.of(seeds), repetitions, rng)[env]
                verdicts = Counter(verdict for verdict, _ in found)
                row[str(seeds)] = {verdict: count / repetitions for verdict, count in verdicts.items()}
                row[f"pairs at {seeds}"] = float(np.mean([used for _, used in found]))
            rows.append(row)
    return rows


def designs(pools, base, audits, splits, repetitions):
    """What the margin of a fifth and the looks at 160 pairs bring."""
    found = {}
    for name, design in (("10 % of score, 80 pairs", PLAIN), ("the one that is used", DESIGN)):
        faults = [row for row in detection(pools, audits, repetitions, design) if row["loss"] >= GROSS]
        rng, passed, used = np.random.default_rng(7), [], []
        for _, cells in variants(pools, "harmless"):
            for verdicts in outcomes(cells, design, repetitions, rng).values():
                passed += [verdict in ("passed", "improved", "identical") for verdict, _ in verdicts]
                used += [seeds for _, seeds in verdicts]
        shares = [row["shares"].get("regressed", 0) for row in faults]
        found[name] = {
            "false_alarms": false_alarms(base, design, splits)["regressed"],
            "found": float(np.mean(shares)),
            "found_in_90_percent": float(np.mean(np.array(shares) >= 0.9)),
            "passed_while_lost": float(np.mean([row["shares"].get("passed", 0) for row in faults])),
            "harmless_passed": float(np.mean(passed)),
            "harmless_pairs": float(np.mean(used)),
        }
    return found


def correlation(x, y):
    return float(np.corrcoef(x, y)[0, 1]) if x.std() > 1e-9 and y.std() > 1e-9 else None


def mean_drop(a, b):
    return b.mean() < 0.9 * a.mean()


def mann_whitney(a, b):
    return stats.mannwhitneyu(b, a, alternative="less").pvalue < 0.05


def welch(a, b):
    return stats.ttest_ind(b, a, equal_var=False, alternative="less").pvalue < 0.05


def floor(a, b):
    return b.mean() < 0.95 * a.mean()


def bar(a, b):
    return b[0] < 0.8 * a.mean()


def iqm_intervals(a, b):
    rng = np.random.default_rng(5)

    def interval(x):
        drawn = np.sort(x[rng.integers(len(x), size=(200, len(x)))], axis=1)
        cut = len(x) // 4
        return np.quantile(drawn[:, cut : len(x) - cut].mean(1), [0.025, 0.975])

    return interval(b)[1] < interval(a)[0]


RULES = {
    "mean drops by more than 10 %, 10 seeds": (mean_drop, 10),
    "Mann-Whitney, p < .05, 3 seeds": (mann_whitney, 3),
    "Mann-Whitney, p < .05, 10 seeds": (mann_whitney, 10),
    "Welch's t, p < .05, 10 seeds": (welch, 10),
    "mean under a floor 5 % below the baseline, 10 seeds": (floor, 10),
    "one run against a bar of 80 % of the baseline": (bar, 10),
    "IQM intervals (95 %) that do not overlap, 10 seeds": (iqm_intervals, 10),
}


def other_rules(base, gross, repetitions):
    """False alarms of a suite, and detection of gross losses, of rules that are used elsewhere."""
    rng = np.random.default_rng(6)
    found = {}
    for name, (rule, n) in RULES.items():
        alarms = 0
        for _ in range(repetitions):
            some = False
            for pool in base:
                places = rng.permutation(len(pool.auc))[: 2 * n]
                some = some or bool(rule(pool.auc[places[:n]], pool.auc[places[n:]]))
            alarms += some
        caught = []
        for before, after in gross:
            hits = 0
            for _ in range(100):
                first, second = rng.permutation(len(before.auc))[:n], rng.permutation(len(after.auc))[:n]
                hits += bool(rule(before.auc[first], after.auc[second]))
            caught.append(hits / 100)
        found[name] = {
            "false_alarms": share(alarms, repetitions),
            "found": float(np.mean(caught)),
            "found_in_90_percent": float(np.mean(np.array(caught) >= 0.9)),
        }
    return found


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def percent(x):
    return f"{100 * x:.1f} %"


def with_interval(found):
    return f"{percent(found[0])} [{percent(found[1])}, {percent(found[2])}]"


def cells_text(rates):
    rows = [[name, f"{c['auc']:.2f}", f"{c['spread']:.2f}", c["diverged"]] for name, c in rates["cells"].items()]
    return table(["cell", "mean area under the curve", "standard deviation over seeds", "diverged"], rows)


def alarms_text(rates):
    found, banks = rates["false_alarms"], rates["frozen_banks"]
    looks = ", ".join(f"{count} at {look} pairs" for look, count in found["by_look_of_confirmation"].items())
    lines = [
        f"{found['splits']:,} suites of the eight cells' runs, drawn into two arms of **different** seeds, which is the worst "
        "case: no pair has anything in common.",
        "",
        table(
            ["", "share of suites, exact 95 % interval"],
            [
                ["a cell is called *regressed*", with_interval(found["regressed"])],
                ["a cell is sent to confirmation", with_interval(found["sent_to_confirmation"])],
            ],
        ),
        "",
        f"False alarms by the look of the confirmation that raised them: {looks or 'none'}. Of all cells, "
        + ", ".join(f"{percent(share)} ended {verdict}" for verdict, share in sorted(found["cells"].items()))
        + ".",
        "",
        f"Frozen banks: {banks['banks']} banks of 40 seeds a cell, {banks['repetitions']} candidates each. A bank's rate of "
        f"false alarms is {percent(banks['mean'])} on average, {percent(banks['q95'])} at the 95th percentile, "
        f"{percent(banks['largest'])} at most.",
    ]
    for lonely in rates["lonely_banks"]:
        lines += [
            f"Where the code is not at hand, for banks of {lonely['size']}: {percent(lonely['mean'])} on average, "
            f"{percent(lonely['q95'])} at the 95th percentile, {percent(lonely['largest'])} at most."
        ]
    return "\n".join(lines)


def caught(row):
    """In which share of repetitions the gate as a whole finds a fault: the audit always sees what it sees."""
    return 1.0 if row["audit"] else row["shares"].get("regressed", 0)


def gross_faults(rates):
    return [row for row in rates["faults"] if row["loss"] >= GROSS]


def faults_text(rates):
    rows = []
    for row in sorted(rates["faults"], key=lambda row: -row["loss"]):
        audit = {None: "—", True: "departs", False: "follows"}[row["audit"]]
        shares = row["shares"]
        rows.append(
            [
                f"{row['fault']}: {row['what']}",
                row["env"],
                percent(row["loss"]) if row["drop"] > 0 else "none",
                f"{row['drop']:+.3f}",
                audit,
                *(percent(shares.get(verdict, 0)) for verdict in ("regressed", "open", "passed", "improved")),
                f"{row['seeds']:.0f}",
            ]
        )
    gross = gross_faults(rates)
    alone = [row for row in gross if row["shares"].get("regressed", 0) >= 0.9]
    whole = [row for row in gross if caught(row) >= 0.9]
    missed = [
        f"{row['fault']} on {row['env']} ({percent(caught(row))}; it loses {row['drop']:.3f} of score)"
        for row in gross
        if row not in whole
    ]
    names, departing = (
        {row["fault"] for row in rates["faults"]},
        {row["fault"] for row in rates["faults"] if row["audit"]},
    )
    lines = [
        f"{len(names)} faults through real runs, on both environments. Loss: of the baseline's mean area under the curve; drop: "
        f"the same in score units. Audit: whether tier 3 sees it by itself ({len(departing)} of {len(names)}; audits.json). "
        "The shares are those of tier 4 alone (`--no-audit`), over "
        f"{REPETITIONS} repetitions that draw pairs of the same seeds; pairs: the median that was looked at.",
        "",
        f"Of the {len(gross)} cells that lose at least {percent(GROSS)}, {len(whole)} are *regressed* in at least 90 % of "
        f"repetitions, {len(alone)} of them by their curves alone. "
        + (f"Survivors: {', '.join(missed)}." if missed else "There are no survivors."),
        "",
        table(
            ["fault", "environment", "loss", "drop", "audit", "regressed", "open", "passed", "improved", "pairs"], rows
        ),
    ]
    return "\n".join(lines)


def harmless_text(rates):
    rows, passed, wrong = [], defaultdict(list), []
    for row in rates["harmless"]:
        rows.append(
            [
                f"{row['change']}: {row['what']}",
                row["env"],
                "—" if row["correlation"] is None else f"{row['correlation']:.2f}",
                f"{row['spread']:.3f}",
                f"{row['shift']:+.3f}",
                *(
                    f"{percent(row[n].get('passed', 0) + row[n].get('improved', 0))} / {percent(row[n].get('open', 0))} / {percent(row[n].get('regressed', 0))}"
                    for n in ("40", "80", "160")
                ),
            ]
        )
        for n in ("40", "80", "160"):
            passed[n].append(row[n].get("passed", 0) + row[n].get("improved", 0))
        wrong.append(row["80"].get("regressed", 0))
    refactorings = FOLDER / "refactorings.json"
    identical = json.loads(refactorings.read_text()) if refactorings.exists() else {}
    tiers = Counter(
        tier for found in identical.values() for _, verdict, tier in found["cells"] if verdict == "identical"
    )
    lines = [
        f"{len(identical)} refactorings (names, order of independent statements, comments, docstrings, messages, moved helpers; "
        f"[refactorings.json](refactorings.json)), each an edit in a clone checked by `pgsuite check`: "
        f"{sum(tiers.values())} of {2 * len(identical)} cells are *identical*, {tiers['source']} by their source, {tiers['bits']} by their bits.",
        "",
        f"{len({row['change'] for row in rates['harmless']})} harmless changes that are not bit-identical. r: correlation of a "
        "seed's two areas; sd: standard deviation of their difference; then *passed* or *improved* / *open* / *regressed* at "
        "most 40, 80 and 160 pairs of screening. On average "
        + ", ".join(f"{percent(float(np.mean(passed[n])))} pass at {n}" for n in passed)
        + f"; *regressed* in {percent(float(np.mean(wrong)))} at 80.",
        "",
        table(["change", "environment", "r", "sd", "mean", "at 40", "at 80", "at 160"], rows),
    ]
    return "\n".join(lines)


def rules_text(rates):
    rows = [
        [name, with_interval(found["false_alarms"]), percent(found["found"]), percent(found["found_in_90_percent"])]
        for name, found in rates["other_rules"].items()
    ]
    for name, share in (("curves alone", lambda row: row["shares"].get("regressed", 0)), ("audit and curves", caught)):
        shares = np.array([share(row) for row in gross_faults(rates)])
        alarms = with_interval(rates["false_alarms"]["regressed"])
        rows.append(
            [f"**this gate, {name}**", alarms, percent(float(shares.mean())), percent(float((shares >= 0.9).mean()))]
        )
    head = [
        "rule",
        "a false alarm in the suite",
        f"losses of {percent(GROSS)} or more that are found",
        "found in 90 % of cases",
    ]
    return table(head, rows)


def designs_text(rates):
    head = [
        "design",
        "a false alarm in the suite",
        f"losses of {percent(GROSS)} or more found by curves",
        "found in 90 % of cases",
        "such losses that pass",
        "harmless changes that pass",
        "pairs they take",
    ]
    rows = [
        [
            name,
            with_interval(f["false_alarms"]),
            percent(f["found"]),
            percent(f["found_in_90_percent"]),
            percent(f["passed_while_lost"]),
            percent(f["harmless_passed"]),
            f"{f['harmless_pairs']:.0f}",
        ]
        for name, f in rates["designs"].items()
    ]
    return table(head, rows)


TEXTS = {
    "designs": designs_text,
    "cells": cells_text,
    "false alarms": alarms_text,
    "faults": faults_text,
    "harmless": harmless_text,
    "rules": rules_text,
}


def write_tables(rates):
    path = FOLDER / "README.md"
    text = path.read_text()
    for name, write in TEXTS.items():
        before, _, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        text = f"{before}<!-- {name} -->\n{write(rates)}\n{end}{after}"
    path.write_text(text)


def main():
    audits = json.loads((FOLDER / "audits.json").read_text())
    if "--tables" in sys.argv:
        rates = json.loads((FOLDER / "rates.json").read_text())
        for row in rates["faults"]:
            row["audit"] = audits.get(row["fault"])
    else:
        rates = measured(read_pools(), audits, 0.02 if "--quick" in sys.argv else 1.0)
    (FOLDER / "rates.json").write_text(json.dumps(rates, indent=1) + "\n")
    write_tables(rates)


def measured(pools, audits, share):
    """All rates, from a share of the repetitions."""
    base = [pool for pool in pools.values() if pool.kind == "algorithms"]

    def times(n):
        return max(10, int(share * n))

    faults = detection(pools, audits, times(REPETITIONS))
    gross = [
        (pools["algorithms", row["algorithm"], row["env"]], pools["faults", row["fault"], row["env"]])
        for row in faults
        if row["loss"] >= GROSS
    ]
    return {
        "cells": {
            f"{pool.variant} on {pool.env}": {
                "auc": float(pool.auc.mean()),
                "spread": float(pool.auc.std(ddof=1)),
                "diverged": int(pool.diverged.sum()),
            }
            for pool in base
        },
        "false_alarms": false_alarms(base, DESIGN, times(SPLITS)),
        "harmless": harmless(pools, times(REPETITIONS)),
        "faults": faults,
        "other_rules": other_rules(base, gross, times(1000)),
        "designs": designs(pools, base, audits, times(1000), times(100)),
        "frozen_banks": frozen_banks(base, times(BANKS), times(PER_BANK)),
        "lonely_banks": [lonely_banks(base, times(BANKS), times(PER_BANK), size) for size in (40, 160)],
    }


if __name__ == "__main__":
    main()
