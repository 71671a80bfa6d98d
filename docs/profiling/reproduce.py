"""Is reward profiling worth its episodes? Five algorithms with and without, at equal steps and at equal training steps.

    python docs/profiling/reproduce.py                          # goes on where it was interrupted
    python docs/profiling/reproduce.py --scale 0.02 --seeds 0-4 --out /tmp/small        # the whole way in small

Every algorithm of bases.toml runs on every environment plain and in these forms, ten rounds a budget of training:

    lookback, mix-up, three-points    E = 5 episodes of every candidate, as published; paired, everything rolled back
    published    lookback as it is published: the mode plays, unpaired, and the policy alone is rolled back
    lemma        lookback with E = 48, which promise that ten decisions lose at most half of the range of returns with
                 probability .95; on Pendulum alone, where it is affordable
    placebo      lookback that accepts by a coin, as often as lookback did there: the same episodes, and no look at them

Results go to a folder (build/profiling), the tables to reproduction.csv and reproduction.md beside this file. Final
return and area under the curve are compared with the plain algorithm's by Welch's test, Holm-corrected over forms ×
environments for each algorithm and statistic; the spread over seeds by Brown and Forsythe's test; a run's worst
drawdown is the largest fall of its curve from the highest point before. At equal training steps every curve ends where
the shortest does.
"""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from pgsuite.results import load
from pgsuite.results.statistics.cost import other_steps
from pgsuite.results.statistics.metrics import area_under_curve
from pgsuite.results.statistics.pairwise import difference, holm
from pgsuite.suites.console import progress_console
from pgsuite.suites.files import read_suite
from pgsuite.suites.planning import plan_cells
from pgsuite.suites.running import run_cells
from pgsuite.suites.schema import parse_suite

HERE = Path(__file__).parent
ROUNDS, EPISODES, LEMMA, LEVEL = 10, 5, 48, 0.05
FORMS: dict[str, dict[str, Any]] = {
    "lookback": {},
    "mix-up": {"variant": "mix-up"},
    "three-points": {"variant": "three-points"},
    "published": {"deterministic": True, "paired": False, "rollback": "policy"},
    "lemma": {"episodes": LEMMA},
    "placebo": {"accept": "random"},
}
AFFORDS_LEMMA = ("Pendulum-v1",)
Table = dict[str, Any]


def suite_of(bases: Table, form: str, rates: Mapping[tuple[str, str], float], seeds: str, scale: float) -> Table:
    """Return the suite of one form of all algorithms; "plain" is bases.toml itself, but for its names."""
    steps = {env: round(table["steps"] * scale) for env, table in bases["environments"].items()}
    algorithms = {}
    for base, table in bases["algorithms"].items():
        settings = {name: value for name, value in table.items() if name != "environments"}
        own = table.get("environments", {})
        if form == "plain":
            algorithms[f"{base} plain"] = {"class": base, **settings, "environments": own}
            continue
        overrides: Table = {
            env: {"every": max(1, steps[env] // ROUNDS), **({"base": own[env]} if env in own else {})} for env in steps
        }
        for env, override in overrides.items():
            if form == "placebo":
                override["rate"] = rates[base, env]
        wrapped = {"class": "profiled", "episodes": EPISODES, "base": {"class": base, **settings}, **FORMS[form]}
        algorithms[f"{base} {form}"] = {**wrapped, "environments": overrides}
    return {
        **bases,
        "name": "profiling",
        "seeds": seeds,
        "environments": {env: {**table, "steps": steps[env]} for env, table in bases["environments"].items()},
        "algorithms": algorithms,
    }


def run(data: Table, out: Path, environments: tuple[str, ...] = ()) -> None:
    """Run what is missing of a suite."""
    planned = plan_cells(parse_suite(data, "docs/profiling"), out, environments=environments)
    outcome = run_cells(planned, out, console=progress_console(True))
    if outcome.interruption is not None:
        raise outcome.interruption
    if outcome.failures:
        raise SystemExit(f"{len(outcome.failures)} cells failed: {outcome.failures[0]}")


def acceptance(frame: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Share of rounds that lookback accepted, by algorithm and environment, in hundredths."""
    mine = frame[frame["form"] == "lookback"]
    means = mine.groupby(["base", "env"])["metric/accepted"].mean()
    return {key: round(float(rate), 2) for key, rate in means.fillna(0.5).items()}  # type: ignore[misc]


def gathered(out: Path) -> pd.DataFrame:
    """All runs that there are, told apart by algorithm and form, with the steps of training alone."""
    frame = load(out)
    frame[["base", "form"]] = frame["algorithm"].str.rsplit(" ", n=1).tolist()
    others = other_steps(frame)
    return frame.assign(training=frame["trained_steps"] - others, others=others)


def curves(cell: pd.DataFrame) -> Iterator[NDArray[np.float64]]:
    """Steps, those of training, the others, and returns ``(4, K+1)`` of every run, as far as it came."""
    for _, one in cell.sort_values("env_steps").groupby("seed"):
        yield one[["env_steps", "training", "others", "return_mean"]].to_numpy(np.float64).T


def until(steps: NDArray[np.float64], returns: NDArray[np.float64], end: float) -> tuple[float, float]:
    """Return the last value and the mean of a curve up to ``end``; between checkpoints it is a straight line."""
    if end <= steps[0]:  # nothing was learned
        return float(returns[0]), float(returns[0])
    kept = np.concatenate([[True], np.diff(steps) > 0])  # while it profiles, it does not train
    last = np.append(np.flatnonzero(kept)[1:] - 1, len(steps) - 1)
    steps, returns = steps[kept], returns[last]
    grid = np.append(steps[steps < end], end)
    values = np.interp(grid, steps, returns)
    return float(values[-1]), float(area_under_curve(grid, values))


def statistics(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per run: final return and area at equal steps and at equal steps of training, and worst drawdown."""
    rows = []
    for (base, env), here in frame.groupby(["base", "env"], sort=False):
        ends = here.groupby(["form", "seed"])["training"].max()
        common = float(ends.groupby("form").min().drop("lemma", errors="ignore").min())
        for form, cell in here.groupby("form", sort=False):
            for steps, training, others, returns in curves(cell):
                final, area = until(steps, returns, float(here["env_steps"].max()))
                own_final, own_area = until(training, returns, min(common, float(training[-1])))
                drawdown = float((np.maximum.accumulate(returns) - returns).max())
                share = others[-1] / max(1.0, training[-1] + others[-1])
                rows.append((base, env, form, final, area, own_final, own_area, drawdown, share, common))
    names = ["base", "env", "form", "final", "auc", "final_training", "auc_training", "drawdown", "share", "common"]
    return pd.DataFrame(rows, columns=names)


COMPARED = ("final", "auc", "final_training", "auc_training", "drawdown")


def compared(runs: pd.DataFrame, rates: pd.Series) -> pd.DataFrame:
    """One row per algorithm, environment and form: each statistic beside the plain algorithm's."""
    rows = []
    for (base, env), here in runs.groupby(["base", "env"], sort=False):
        plain = here[here["form"] == "plain"]
        for form, mine in here.groupby("form", sort=False):
            if form == "plain":
                continue
            row: dict[str, Any] = {"base": base, "env": env, "form": form, "runs": len(mine)}
            row |= {"share": mine["share"].mean(), "accepted": rates.get((base, env, form), np.nan)}
            for name in COMPARED:
                found = difference(mine[name].to_numpy(), plain[name].to_numpy())
                row |= {f"{name}_plain": plain[name].mean(), name: mine[name].mean(), f"{name}_p": found.p_value()}
            row |= {"sd_plain": plain["final"].std(), "sd": mine["final"].std()}
            spread = row["sd"] > 0 or row["sd_plain"] > 0
            row["sd_p"] = stats.levene(mine["final"], plain["final"], center="median").pvalue if spread else np.nan
            rows.append(row)
    table = pd.DataFrame(rows)
    for name in (*COMPARED, "sd"):
        for _, family in table.groupby("base"):
            table.loc[family.index, f"{name}_holm"] = holm(family[f"{name}_p"])
    return table


def counts(table: pd.DataFrame) -> str:
    """How often each form was shown better or worse than the plain algorithm, before and after Holm."""
    titles = {
        "final": "final return, equal steps",
        "auc": "area, equal steps",
        "final_training": "final return, equal training steps",
        "auc_training": "area, equal training steps",
        "drawdown": "worst drawdown (less is better)",
        "sd": "spread over seeds (less is better)",
    }
    lines = ["| form | comparisons | " + " | ".join(titles.values()) + " |", "|---|--:|" + "---|" * len(titles)]
    for form, mine in table.groupby("form", sort=False):
        cells = []
        for name in titles:
            sign = -1 if name in ("drawdown", "sd") else 1
            better = sign * (mine[name] - mine[f"{name}_plain"]) > 0
            texts = []
            for p in (mine[f"{name}_p"], mine[f"{name}_holm"]):
                shown = p < LEVEL
                texts.append(f"{int((shown & better).sum())} better, {int((shown & ~better).sum())} worse")
            cells.append(f"{texts[0]}; Holm: {texts[1]}")
        lines.append(f"| {form} | {len(mine)} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def details(table: pd.DataFrame) -> str:
    """Every comparison's means; an asterisk where Holm's p is below .05."""
    heads = ["algorithm", "environment", "form", "profiling", "accepted", "final", "AUC"]
    heads += ["final, equal training", "AUC, equal training", "drawdown", "SD over seeds"]
    lines = ["| " + " | ".join(heads) + " |", "|---|---|---|" + "--:|" * (len(heads) - 3)]
    for row in table.to_dict("records"):
        cells = [row["base"], row["env"], row["form"], f"{row['share']:.0%}", f"{row['accepted']:.0%}"]
        for name in (*COMPARED, "sd"):
            star = "\\*" if row[f"{name}_holm"] < LEVEL else ""
            cells.append(f"{row[f'{name}_plain']:.4g} → {row[name]:.4g}{star}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run, compare and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE.parents[1] / "build" / "profiling")
    parser.add_argument(
        "--tables", type=Path, help="where the tables go; beside this file, or in --out where it is given"
    )
    parser.add_argument("--seeds", default="0-19")
    parser.add_argument("--scale", type=float, default=1.0, help="of the budgets")
    given = parser.parse_args()
    tables = given.tables or (HERE if given.out == parser.get_default("out") else given.out)
    _, bases = read_suite(str(HERE / "bases.toml"))

    def suite(form: str, rates: Mapping[tuple[str, str], float]) -> Table:
        return suite_of(bases, form, rates, given.seeds, given.scale)

    for form in ("plain", "lookback", "mix-up", "three-points", "published", "lemma"):
        run(suite(form, {}), given.out / form, AFFORDS_LEMMA if form == "lemma" else ())
    run(suite("placebo", acceptance(gathered(given.out / "lookback"))), given.out / "placebo")

    forms = ("plain", *FORMS)
    frame = pd.concat([gathered(given.out / form) for form in forms], ignore_index=True)
    rates = frame.groupby(["base", "env", "form"])["metric/accepted"].mean()
    table = compared(statistics(frame), rates)
    tables.mkdir(parents=True, exist_ok=True)
    table.round(6).to_csv(tables / "reproduction.csv", index=False, lineterminator="\n")
    (tables / "reproduction.md").write_text(
        f"# Reward profiling beside the plain algorithms\n\n{counts(table)}\n{details(table)}"
    )
    print(counts(table))


if __name__ == "__main__":
    main()
