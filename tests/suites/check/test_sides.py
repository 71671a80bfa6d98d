"""What was recorded, and what cannot be compared."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from pgsuite.errors import UsageError
from pgsuite.results.store.bank import Bank, BankedCell, Run, write_bank
from pgsuite.results.store.manifest import write_manifest
from pgsuite.suites.check.arms import Incomparable
from pgsuite.suites.check.sides import Recorded, check_comparable, recorded, refused_pairs

KEY = ("mine", "CartPole-v1")


def record(**changes):
    return {
        "algorithm": "mine",
        "env": "CartPole-v1",
        "fingerprint": "f" * 64,
        "steps": 100,
        "protocol": {"checkpoints": 2, "episodes": 1, "deterministic": False},
        "device": "cpu",
        "environment": {"id": "CartPole-v1", "backend": "compiled", "backend_version": "1.0", "max_episode_steps": 500},
        "configuration": {"class": "Mine", "learning_rate": 0.01},
        "versions": {"torch": "2.13", "numpy": "2.4"},
        **changes,
    }


def bank(seeds=4, **changes):
    runs = {n: Run("complete", np.array([0, 100]), np.array([1.0, 2.0]), "x") for n in range(seeds)}
    return Bank("tiny", {KEY: BankedCell(record(**changes), runs)}, "c" * 40)


@dataclass
class Side(Recorded):
    name: str = "candidate"
    cells: dict = field(default_factory=dict)


def compare(another=False, across_versions=False, **changes):
    ours = Side(cells={KEY: BankedCell(record(**changes), {})})
    theirs = Side(cells=bank().cells)
    check_comparable(ours, theirs, [KEY], across_versions=across_versions, another=another)


OTHER, REASON = ("mine", "Pendulum-v1"), "it chooses among few actions"


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        ("refused", "refused", (REASON, False)),
        ("refused", "there", (REASON, True)),
        ("refused", "unknown", (REASON, False)),
        ("there", "refused", (f"nothing to compare with, for it was not in the baseline ({REASON})", False)),
        ("there", "there", None),
        ("there", "unknown", None),
    ],
)
def test_a_pair_that_has_no_runs_is_lost_where_the_baseline_had_them(ours, theirs, found):
    def side(state):
        cells = {OTHER: BankedCell(record(), {})} if state == "there" else {}
        return Side(cells=cells, refusals={OTHER: REASON} if state == "refused" else {})

    assert refused_pairs(side(ours), side(theirs)) == ({OTHER: found} if found else {})


def test_what_a_bank_or_a_folder_says_of_pairs_that_have_no_runs_is_read(tmp_path):
    write_bank(tmp_path / "bank.json", bank()._replace(refusals={OTHER: REASON}))
    expected = {"algorithm": "mine", "env": "Pendulum-v1", "folder": "mine-p--f", "seeds": (), "refusal": REASON}
    write_manifest(tmp_path / "runs", "tiny", [expected])
    for place in (tmp_path / "bank.json", tmp_path / "runs"):
        found = recorded(place, "tiny")
        assert found.refusals == {OTHER: REASON}
        assert OTHER not in found.cells


def test_what_was_measured_alike_is_comparable():
    compare()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"steps": 200}, "steps is 200 here and 100 in the baseline"),
        ({"protocol": {"checkpoints": 2, "episodes": 5, "deterministic": False}}, "protocol.episodes is 5"),
        ({"device": "cuda"}, "device is 'cuda'"),
        ({"environment": {"id": "CartPole-v1", "backend": "numpy"}}, "environment.backend is 'numpy'"),
        ({"configuration": {"class": "Mine", "learning_rate": 0.02}}, "configuration.learning_rate is 0.02"),
        ({"versions": {"torch": "2.12", "numpy": "2.4"}}, "versions.torch is '2.12'.*--across-versions"),
    ],
)
def test_a_difference_is_named(changes, said):
    with pytest.raises(Incomparable, match=said) as refused:
        compare(**changes)
    assert refused.value.exit_code == 4


def test_another_version_of_the_code_may_be_configured_differently():
    compare(another=True, configuration={"class": "Mine", "learning_rate": 0.02})


def test_libraries_alone_may_differ_across_versions():
    compare(across_versions=True, versions={"torch": "2.12", "numpy": "2.4"})
    with pytest.raises(Incomparable, match="steps"):
        compare(across_versions=True, steps=200)


def test_a_cell_that_was_not_blessed_is_named():
    ours = Side(cells={("other", "CartPole-v1"): BankedCell(record(), {})})
    with pytest.raises(Incomparable, match="no other on CartPole-v1"):
        check_comparable(ours, Side(cells=bank().cells), list(ours.cells), across_versions=False, another=False)


def test_a_folder_of_banks_is_the_union_of_the_suites_own(tmp_path):
    write_bank(tmp_path / "one.json", bank())
    other = bank(algorithm="other")
    write_bank(tmp_path / "two.json", other._replace(cells={("other", "CartPole-v1"): other.cells[KEY]}))
    write_bank(tmp_path / "three.json", bank()._replace(suite="another", commit="d" * 40))
    found = recorded(tmp_path, "tiny")
    assert sorted(found.cells) == [KEY, ("other", "CartPole-v1")]
    assert found.commit == "c" * 40


def test_an_empty_folder_is_no_baseline(tmp_path):
    with pytest.raises(Incomparable, match="pgsuite bless"):
        recorded(tmp_path, "tiny")


def test_a_damaged_bank_is_refused(tmp_path):
    (tmp_path / "bank.json").write_text("{")
    with pytest.raises(UsageError, match="no readable bank"):
        recorded(tmp_path, "tiny")


def test_recorded_runs_cannot_be_run():
    side = Recorded("a bank", bank(seeds=2).cells)
    assert side.run({KEY: [0, 1]}, None) == {}
    assert side.run({KEY: [0, 7]}, None) == {KEY: "a bank has no run of seed 7"}
