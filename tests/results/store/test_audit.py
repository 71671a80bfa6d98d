"""The judgement of an audit and its file."""

import json

import pytest

from pgsuite.errors import UsageError
from pgsuite.results.statistics.gradient_tests import Interval
from pgsuite.results.store.audit import adjusted, assemble, count_tests, judge, read_audit, write_audit


def case(p, *, screened=True, **others):
    record = {"model": "chain", "policy": "random", "variant": "", "p_values": {"exact": p, "variance": 1.0}}
    return {**record, **({"screened": {"exact": 0.001}} if screened else {}), **others}


def test_only_a_confirmed_case_departs_and_all_tests_share_alpha():
    assert judge(case(1e-6), tests=100) == ["exact"]
    assert judge(case(1e-6, screened=False), tests=100) == []
    assert judge(case(1e-5), tests=100) == []  # 1e-5 × 100 = .001, not below
    assert adjusted(case(1e-5), 100) == pytest.approx(1e-3)
    assert adjusted(case(1e-5, screened=False), 100) == 1.0
    assert adjusted(case(0.5), 100) == 1.0


def assembled(cases, updates=()):
    found = {"cases": cases, "updates": list(updates), "bias_variance": []}
    return assemble({"mine": found}, seed=3, batches=500, seconds=1.5, versions={})


def test_departures_are_named_where_they_are():
    audit = assembled([case(1e-9), case(0.2)])
    assert audit["tests"] == count_tests([case(0), case(0)]) == 4
    assert not audit["passes"]
    assert audit["algorithms"]["mine"]["departures"] == ["chain, random: the mean gradient is not the exact one"]


def test_an_update_that_departs_fails_the_algorithm():
    update = {"model": "chain", "policy": "uniform", "variant": "tight", "departures": ["no update moves the policy"]}
    audit = assembled([case(0.5)], [update])
    assert audit["algorithms"]["mine"]["departures"] == ["chain, uniform, tight: no update moves the policy"]
    assert assembled([case(0.5)], [{**update, "departures": []}])["passes"]


def test_a_file_holds_everything_and_no_nan(tmp_path):
    audit = assembled([case(0.5, cosine=Interval(float("nan"), 0.1, float("inf")))])
    file = tmp_path / "audit.json"
    write_audit(file, audit)
    read = read_audit(file)
    assert read["algorithms"]["mine"]["cases"][0]["cosine"] == {"estimate": None, "low": 0.1, "high": None}
    assert (read["seed"], read["batches"], read["passes"]) == (3, 500, True)
    assert read == audit


def test_other_files_are_refused(tmp_path):
    with pytest.raises(UsageError, match="there is no folder"):
        write_audit(tmp_path / "none" / "audit.json", assembled([case(0.5)]))
    with pytest.raises(UsageError, match="cannot read the audit"):
        read_audit(tmp_path / "audit.json")
    (tmp_path / "other.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(UsageError, match="no audit of this version"):
        read_audit(tmp_path / "other.json")


def test_a_number_that_changed_is_damage(tmp_path):
    path = tmp_path / "audit.json"
    write_audit(path, assembled([case(1e-9)]))
    path.write_text(path.read_text().replace('"seed": 3', '"seed": 4'))
    with pytest.raises(UsageError, match="is damaged, its digest is another one"):
        read_audit(path)
