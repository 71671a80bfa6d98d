"""A search written down: every trial, what failed, and figures that can be drawn."""

import csv

import pytest

from pgsuite.reports.tuning import write_tuning
from pgsuite.results.tuned import Measured, RungEffort, Trial, Tuned


def trial(number, score, *, finals=(), chosen=False, rungs=1, failure="", **settings):
    one = Measured("CartPole-v1", 100, (score, score + 0.1), score / 2, 50.0, failure)
    own = tuple(Measured("CartPole-v1", 400, (s,), s, 100 * s) for s in finals)
    return Trial("trpo", number, {"rate": 0.01, "shape": [64], "=odd": True, **settings}, (one,) * rungs, own, chosen)


TUNED = Tuned(
    suite="a_suite",
    sampler="random",
    sentence="A sentence_for a paper.",
    effort=(RungEffort("1", "CartPole-v1", 100, 4, 8), RungEffort("finals", "CartPole-v1", 400, 2, 2)),
    trials=(
        trial(0, 0.2, rate=0.1),
        trial(1, 0.8, rungs=2, finals=[0.4], rate=0.001),
        trial(2, 0.7, rungs=2, finals=[0.6], chosen=True),
        trial(3, -1.0, failure="boom | <b>"),
    ),
    importance={"trpo": {"rate": 0.75, "shape": 0.25, "=odd": 0.0}},
    logarithmic=frozenset({("trpo", "rate")}),
    at_random=4,
)


@pytest.fixture
def written(tmp_path):
    return tmp_path, write_tuning(TUNED, tmp_path)


def test_every_trial_is_in_the_tables(written):
    out, files = written
    rows = list(csv.DictReader((out / "trials.csv").read_text().splitlines()))
    assert [row["trial"] for row in rows] == ["0", "1", "2", "3"]
    assert [row["chosen"] for row in rows] == ["false", "false", "true", "false"]
    assert [row["rungs"] for row in rows] == ["1", "2", "2", "1"]
    assert rows[2]["finals_worse_half"] == "0.6"
    assert rows[0]["finals_worse_half"] == ""
    assert rows[0]["setting/rate"] == "0.1"
    assert rows[0]["setting/shape"] == "[64]"
    assert "setting/=odd" in rows[0]
    assert rows[3]["failures"] == "boom | <b>"
    assert float(rows[1]["mean"]) == pytest.approx(0.85)

    page = (out / "tuning.md").read_text()
    table = page[page.index("## trpo") :]
    order = [line.split("|")[1].strip(" *") for line in table.splitlines() if line.startswith("|")][2:]
    assert order == ["2", "1", "0", "3"]  # the chosen one, the other finalist, then by score
    assert r"A sentence\_for a paper." in page
    assert r"trial 3: boom \| \<b\>" in page
    assert "1,600 environment steps for every algorithm at most" in page
    assert files.lines[0].startswith("trpo: trial 2, worse half 0.60, mean 0.60 in the finals: rate = 0.01, ")
    assert files.lines[-1] == TUNED.sentence


def test_figures_are_drawn_and_linked(written):
    out, _ = written
    page = (out / "tuning.md").read_text()
    for name in ("importance", "slices-trpo"):
        assert (out / f"figures/{name}.png").stat().st_size > 5000
        assert f"](figures/{name}.svg)" in page
    slices = (out / "figures/slices-trpo.svg").read_text()
    for text in ("rate", "shape", "[64]", "yes", "0.003"):
        assert f">{text}<" in slices
    assert ">75%<" in (out / "figures/importance.svg").read_text()


def test_a_search_in_which_nothing_ended_is_written_too(tmp_path):
    failed = Measured("CartPole-v1", 100, (-1.0,), -1.0, None, "boom")
    lost = Trial("trpo", 0, {"rate": 0.1}, (failed,), (failed,), True)
    tuned = TUNED._replace(trials=(lost,), importance={"trpo": {}})
    assert tuned.chosen("trpo") is None
    assert write_tuning(tuned, tmp_path).lines == (TUNED.sentence,)
    assert "no setting gave a result" in (tmp_path / "tuning.md").read_text()
