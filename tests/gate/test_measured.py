"""Small versions of what is measured on the pools of runs, and what the committed figures say."""

import json
import re
import runpy
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MEASURE = runpy.run_path(str(HERE / "measure.py"), run_name="measure")
REFACTORINGS = runpy.run_path(str(HERE / "refactorings.py"), run_name="refactorings")
FOLDER = MEASURE["FOLDER"]


@pytest.fixture(scope="module")
def pools():
    return MEASURE["read_pools"]()


@pytest.fixture(scope="module")
def base(pools):
    return [pool for pool in pools.values() if pool.kind == "algorithms"]


@pytest.fixture(scope="module")
def rates():
    return json.loads((FOLDER / "rates.json").read_text())


def test_few_splits_raise_few_false_alarms(base):
    found = MEASURE["false_alarms"](base, MEASURE["DESIGN"], 150)
    assert found["regressed"][0] <= 0.05
    assert found["sent_to_confirmation"][0] > found["regressed"][0]


def test_a_gross_fault_is_found_and_an_honest_change_is_not(pools):
    rng = MEASURE["np"].random.default_rng(0)
    for kind, name, wanted in (("faults", "CriticSlow", 0.9), ("harmless", "CriticBackwards", 0.0)):
        cells = dict(MEASURE["variants"](pools, kind))[name]
        found = MEASURE["outcomes"](cells, MEASURE["DESIGN"], 20, rng)["CartPole-v1"]
        share = sum(verdict == "regressed" for verdict, _ in found) / 20
        assert share >= wanted if wanted else share <= 0.05


def test_the_committed_rates_keep_what_is_promised(rates):
    assert rates["false_alarms"]["splits"] >= 1000
    assert rates["false_alarms"]["regressed"][0] <= 0.02
    assert rates["frozen_banks"]["q95"] <= 0.10
    assert len({row["fault"] for row in rates["faults"]}) >= 24
    assert len({row["change"] for row in rates["harmless"]}) >= 10
    harmless = [row["160"] for row in rates["harmless"]]
    assert sum(row.get("regressed", 0) for row in harmless) / len(harmless) <= 0.05
    assert sum(row.get("passed", 0) + row.get("improved", 0) for row in harmless) / len(harmless) >= 0.8
    survivors = [row for row in MEASURE["gross_faults"](rates) if MEASURE["caught"](row) < 0.9]
    # They cost less than 0.05 of score, as the cell has hardly any to lose, or stay open instead of passing.
    assert all(row["drop"] < 0.05 or row["shares"].get("passed", 0) <= 0.05 for row in survivors)


def test_every_refactoring_was_identical():
    found = json.loads((FOLDER / "refactorings.json").read_text())
    assert set(found) == {one.name for one in REFACTORINGS["REFACTORINGS"]}
    assert len(found) >= 20
    assert {verdict for one in found.values() for _, verdict, _ in one["cells"]} == {"identical"}


@pytest.mark.parametrize("one", REFACTORINGS["REFACTORINGS"], ids=lambda one: one.name)
def test_refactorings_still_apply(one):
    texts = {}
    for file, old, new in one.edits:
        text = texts.get(file) or (HERE.parents[1] / file).read_text()
        assert text.count(old) == 1, f"{file} has changed: {old!r}"
        texts[file] = text.replace(old, new)
    for file, text in texts.items():
        compile(text, file, "exec")


def test_the_page_shows_the_committed_rates(rates):
    text = (FOLDER / "README.md").read_text()
    for name, write in MEASURE["TEXTS"].items():
        (shown,) = re.findall(rf"<!-- {name} -->\n(.*?)\n<!-- end -->", text, re.DOTALL)
        assert shown == write(rates)
