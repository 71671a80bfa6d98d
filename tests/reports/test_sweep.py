"""A sweep written down: sentences, tables, figures."""

import csv

import numpy as np
import pandas as pd
import pytest

from pgsuite.reports.sweep import write_sweep

from ..sweeps import runs_of, sweep_of


def hill(env, value, seed):
    if value == 1.0 and seed < 2:
        return None
    return 1 - abs(np.log10(value) + 2) / 2 + 0.01 * seed - 0.1 * (env == "Pendulum-v1")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp("sweep")
    values = [0.001, 0.01, 0.02, 0.1, 1.0]
    parts = [runs_of(name, "max_kl", values, hill, own=own) for name, own in (("trpo", 0.01), ("mine<b>", 0.05))]
    words = runs_of("trpo", "=decay", ["none", "linear"], lambda _, value, seed: 0.1 * seed)
    return out, write_sweep(sweep_of(*parts, words, log=True, notes=["something else"]), out, ("svg", "png"))


def test_how_sensitive_the_score_is_in_words(written):
    lines = dict(line.split(": ", 1) for line in written[1].lines if ": " in line)
    assert lines["trpo on CartPole-v1, max_kl"] == (
        "final score from −0.22 (1) to 1.03 (0.01), possibly the best 0.01; AUC score from −0.23 (1) to 0.52 (0.01), "
        "possibly the best 0.01; diverged or failed: 2 of 8 runs at 1"
    )
    assert lines["mine<b> on all environments, max_kl"].endswith(
        "possibly the best 0.01, the suite's 0.05 not among them; diverged or failed: 4 of 16 runs at 1"
    )
    assert lines["trpo on Pendulum-v1, =decay"].startswith("final score 0.35 at every value, none of 2 values")
    assert written[1].lines[-1] == "something else"


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        (
            (0.0, 0.9, 0.9, 0.0),
            "possibly the best 2 to 3 (2 of 4 values, a factor of 1.5), the suite's 3 among them",
        ),
        ((0.9, 0.0, 0.9, 0.0), "possibly the best 1, 3, the suite's 3 among them"),
        ((0.9, 0.9, 0.9, 0.9), "none of 4 values shown worse than another"),
    ],
)
def test_which_values_may_be_the_best(scores, said, tmp_path):
    rows = runs_of("a", "x", [1.0, 2.0, 3.0, 4.0], lambda _, v, s: scores[int(v) - 1] + 0.01 * s, own=3.0)
    (line, *_) = write_sweep(sweep_of(rows, log=True), tmp_path, ()).lines
    assert said in line


def test_few_runs_are_said_to_be_too_few(tmp_path):
    rows = runs_of("a", "x", [1.0, 2.0, 3.0], lambda _, v, s: v + 0.01 * s, seeds=range(2))
    lines = write_sweep(sweep_of(rows), tmp_path, ()).lines
    assert lines[0].endswith("and 2 runs of each are too few to show a value worse")
    (line, *_) = write_sweep(sweep_of(rows[rows.value == "2"].reset_index(drop=True)), tmp_path, ("svg",)).lines
    assert "final score 2.00 at 2;" in line
    alone = rows[rows.seed == 0].reset_index(drop=True)
    (line, *_) = write_sweep(sweep_of(alone), tmp_path, ("svg",)).lines
    assert line.endswith("and 1 run of each is too few to show a value worse")


@pytest.mark.parametrize(("runs", "told"), [(8, True), (2, False)])
def test_signs_are_explained_where_they_are(runs, told, tmp_path):
    """Bold, and filled marks; what is not told is neither possibly the best nor shown worse."""
    rows = runs_of("a", "x", [1.0, 2.0, 3.0], lambda _, v, s: v + 0.01 * s, seeds=range(runs), own=2.0)
    files = write_sweep(sweep_of(rows), tmp_path, ("svg",))
    page = (tmp_path / "sweep.md").read_text()
    (figure,) = (path.read_text() for path in files.figures if path.stem.startswith("sensitivity"))
    assert ("Bold: possibly the best" in page) is told
    assert ("Bold: possibly the best" in files.tables[-1].caption) is told
    assert ("Filled marks are possibly the best" in page) is told
    assert "suite's own setting" in page
    key = {said: f">{said}<" in figure for said in ("possibly the best", "shown worse", "too few runs to tell")}
    assert key == {"possibly the best": told, "shown worse": told, "too few runs to tell": not told}


def test_no_star_is_explained_where_there_is_none(tmp_path):
    rows = runs_of("a", "x", [1.0, 2.0], lambda _, v, s: v + s)
    assert "*" not in write_sweep(sweep_of(rows), tmp_path, ()).tables[-1].caption


def test_points_and_runs_are_tables(written):
    out, files = written
    rows = list(csv.DictReader((out / "points.csv").read_text().splitlines()))
    assert len(rows) == len(files.points) == 3 * (5 + 6 + 2)
    assert rows[-1]["hyperparameter"] == "'=decay"  # a spreadsheet computes nothing
    assert len(pd.read_csv(out / "runs.csv")) == 2 * 8 * (5 + 6 + 2)
    page = (out / "sweep.md").read_text()
    assert "0.01 \\*" in page
    assert r"mine\<b\>" in page
    best = next(line for line in page.splitlines() if line.startswith("|") and "| 0.01 \\*" in line)
    assert "**1.03** [" in best  # possibly the best
    assert "**" not in next(line for line in page.splitlines() if "| 0.02 " in line)
    assert "mine<b>" not in page


def test_figures_are_drawn_and_linked(written):
    out, files = written
    page = (out / "sweep.md").read_text()
    assert {path.suffix for path in files.figures} == {".svg", ".png"}
    for path in files.figures:
        assert path.stat().st_size > 4000
        assert path.suffix == ".png" or f"](figures/{path.name})" in page
    (curve,) = (path for path in files.figures if "max-kl" in path.name and path.suffix == ".svg")
    text = curve.read_text()
    for said in ("CartPole-v1", "all environments", "max_kl", "0.001", "2/8", "diverged or failed", "trpo"):
        assert f">{said}<" in text, said
    (words,) = (path for path in files.figures if "decay" in path.name and path.suffix == ".svg")
    assert ">linear<" in words.read_text()


def test_values_are_trials_of_the_effort(written):
    _, files = written
    assert dict(files.effort.groupby("algorithm").trials.max()) == {"trpo": 7, "mine<b>": 5}  # of both hyperparameters
    first = files.effort.iloc[0]
    assert first.steps == 4 * 4000  # four of eight runs choose, on both environments
    trpo = files.runs[(files.runs.algorithm == "trpo") & files.runs.in_effort]
    each = trpo.assign(final_score=trpo.final_score.fillna(-1)).groupby("trial").final_score.mean()
    assert first.score == pytest.approx(each.mean(), abs=0.01)


def test_a_sweep_of_which_nothing_is_there(tmp_path):
    rows = runs_of("a", "x", [1.0, 2.0], lambda *_: np.nan)
    files = write_sweep(sweep_of(rows), tmp_path)
    assert not files.figures
    assert not files.lines
