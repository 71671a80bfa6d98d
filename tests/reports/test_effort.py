"""Effort: which runs count, whose trials are on one axis, and the figure."""

import numpy as np
import pandas as pd
import pytest

from pgsuite.errors import UsageError
from pgsuite.reports.effort import COLUMNS, effort_table, read_runs, runs_of_search, runs_of_sweep, write_effort
from pgsuite.reports.figures.effort import effort_figure
from pgsuite.reports.figures.style import line_styles

from ..sweeps import runs_of, sweep_of
from .test_tuning import TUNED


def trials(algorithm, number, *, env="A", steps=100, runs=4):
    random = np.random.default_rng(number)
    rows = [
        (algorithm, str(n), env, steps, "complete", score, True)
        for n in range(number)
        for score in random.normal(n / number, 0.1, size=runs)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def test_a_row_for_every_number_of_trials():
    table = effort_table(pd.concat([trials("trpo", 8), trials("ppo", 5), trials("lone", 2)]))
    assert table.groupby("algorithm", sort=False).trials.apply(list).to_dict() == {
        "trpo": [1, 2, 3, 4, 5, 6, 7, 8],
        "ppo": [1, 2, 3, 4, 5],
    }
    assert list(table.steps[:3]) == [200, 400, 600]  # two of four runs choose
    last = table.groupby("algorithm").tail(1)
    assert list(last.score) == pytest.approx([7 / 8, 4 / 5], abs=0.15)
    assert (last.search_score > table.groupby("algorithm").head(1).search_score.to_numpy() + 0.2).all()


@pytest.mark.parametrize("change", [{"steps": 200}, {"env": "B"}])
def test_other_budgets_or_environments_are_not_on_one_axis(change):
    with pytest.raises(
        UsageError, match=r"trials of trpo are 100 steps on A, those of ppo .* not on one axis of effort"
    ):
        effort_table(pd.concat([trials("trpo", 4), trials("ppo", 4, **change)]))
    with pytest.raises(UsageError, match="the trials of trpo ran with other budgets"):
        effort_table(pd.concat([trials("trpo", 4), trials("trpo", 4, steps=200)]))


def test_the_suites_own_is_one_trial_whatever_is_swept():
    parts = [runs_of("a", name, [1.0, 2.0], lambda _, v, s: v + 0.1 * s, own=1.0) for name in ("x", "y")]
    runs = runs_of_sweep(sweep_of(*parts))
    assert list(dict.fromkeys(runs[runs.in_effort].trial)) == ["x=1", "x=2", "y=2"]


def test_of_a_search_the_first_rung_counts_and_what_was_drawn_at_random():
    runs = runs_of_search(TUNED._replace(at_random=3))
    assert len(runs) == 2 * 6
    assert runs.groupby("trial").in_effort.sum().to_dict() == {"0": 2, "1": 2, "2": 2, "3": 0}
    assert sorted(runs[runs.trial == "3"].final_score) == pytest.approx([-1.0, -0.9])


def test_the_figure_has_both_axes_where_trials_cost_the_same():
    table = effort_table(pd.concat([trials("trpo", 8), trials("ppo", 5)]))
    drawing = effort_figure(table, line_styles(["trpo", "ppo"]))
    text = drawing.svg.decode()
    for said in ("environment steps of tuning", "expected score of the best trial", "trials", "trpo", "ppo"):
        assert f">{said}<" in text
    assert "chosen by 2 runs of each" in drawing.caption
    assert "the others of its runs say how good it is" in drawing.caption
    assert "The seeds are the same for all trials, and their luck is in no interval" in drawing.caption
    alone = effort_figure(effort_table(trials("trpo", 5, runs=1)), line_styles(["trpo"]))
    assert "chosen by 1 run of each" in alone.caption
    assert "and so too high" in alone.caption
    assert effort_figure(table[:0], {}) is None


def written(out, algorithm, **facts):
    out.mkdir()
    trials(algorithm, 5, **facts).to_csv(out / "runs.csv", index=False)
    return out


def test_studies_that_were_made_apart_are_on_one_axis(tmp_path):
    folders = [written(tmp_path / name, name) for name in ("trpo", "ppo")]
    files = write_effort(read_runs(folders), tmp_path / "both", ("svg",))
    assert files.effort.equals(effort_table(pd.concat([trials("trpo", 5), trials("ppo", 5)])))
    assert [row[1].text for row in files.table.rows] == ["1", "2", "4", "5"] * 2
    assert [path.name for path in (*files.paths, *files.figures)] == ["effort.csv", "effort.svg"]
    assert len(pd.read_csv(tmp_path / "both/effort.csv")) == 10


def test_who_is_ahead_with_how_many_trials(tmp_path):
    """One is the same always; of the other one trial in five is better, and all others are worse."""
    steady, risky = trials("steady", 5), trials("risky", 5)
    steady["final_score"], risky["final_score"] = 0.5, (risky.trial == "3").astype(float)
    files = write_effort(pd.concat([steady, risky]), tmp_path / "out", ("svg",))
    # the better of k is among them with chance k / 5
    ahead = "Best of k trials, highest by means alone, which is not shown: steady with 1, 2; risky with 4, 5"
    assert files.lines == (ahead,)
    assert list(files.effort.query("algorithm == 'risky'").score) == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


def test_who_is_shown_to_be_ahead(tmp_path):
    """Of 16 trials up to four have an error; who is ahead by a hundred of these is told apart from who is by one."""
    low, high, near = (trials(name, 16) for name in ("low", "high", "near"))
    high["final_score"] += 10
    files = write_effort(pd.concat([low, high]), tmp_path / "out", ("svg",))
    assert files.lines == (
        "Best of k trials, shown above all others (95%, on these seeds): high with 1, 2, 4",
        "Best of k trials, highest by means alone, which is not shown: high with 8, 16",
    )
    near["final_score"] += 10 + files.effort.score_error[16]
    files = write_effort(pd.concat([low, high, near]), tmp_path / "out", ("svg",))
    assert files.lines == ("Best of k trials, highest by means alone, which is not shown: near with 1, 2, 4, 8, 16",)


def test_folders_that_do_not_go_together(tmp_path):
    one, other = written(tmp_path / "one", "trpo"), written(tmp_path / "other", "trpo")
    with pytest.raises(UsageError, match=r"one and .*other both have trials of trpo: name one of them"):
        read_runs([one, other])
    with pytest.raises(UsageError, match=r"has no runs.csv: name the folder of a `pgsuite tune` or `pgsuite sweep`"):
        read_runs([tmp_path])
    (tmp_path / "runs.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match=r"runs.csv cannot be read: .*; the same command writes it anew"):
        read_runs([tmp_path])
    with pytest.raises(UsageError, match="no algorithm has 3 trials that ran on all environments"):
        write_effort(trials("trpo", 2), tmp_path / "out")


def test_seeds_count_that_all_trials_have():
    rows = runs_of(
        "a", "x", [1.0, 2.0, 3.0], lambda _, v, s: float("nan") if v == 2 and s < 3 else v + s, seeds=range(6)
    )
    runs = runs_of_sweep(sweep_of(rows))
    counted = runs[runs.in_effort]
    assert counted.groupby(["environment", "trial"]).seed.apply(list).map(lambda seeds: seeds == [3, 4, 5]).all()
    assert len(counted) == 2 * 3 * 3


@pytest.mark.parametrize("damage", [lambda text: text[:-9], lambda text: text.replace(",100,", ",x,", 1)])
def test_a_damaged_file_is_named(damage, tmp_path):
    file = written(tmp_path / "one", "trpo") / "runs.csv"
    file.write_text(damage(file.read_text()))
    with pytest.raises(UsageError, match=r"one/runs.csv cannot be read: .*; the same command writes it anew"):
        read_runs([tmp_path / "one"])


def test_a_folder_that_is_named_twice_counts_once(tmp_path):
    one = written(tmp_path / "one", "trpo")
    assert len(read_runs([one, tmp_path / "one/../one"])) == len(read_runs([one]))
