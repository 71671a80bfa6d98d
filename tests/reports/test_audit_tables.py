"""The tables of an audit, from its tree as JSON has it."""

import copy

import pytest

from pgsuite.reports.audit import audit_cases, audit_summary, audit_update_summary, audit_updates, verdict

CASE = {
    "model": "chain",
    "policy": "uniform",
    "variant": "exact critic",
    "batches": 300,
    "steps": 99.5,
    "p_values": {"exact": 0.4, "variance": 1.0},
    "adjusted_p": 1.0,
    "t_squared": 4.2,
    "target": {"normalised": False},
    "cosine": {"estimate": 0.99, "low": 0.98, "high": 1.0},
    "norm_ratio": {"estimate": 1.02, "low": 0.97, "high": 1.05},
    "variance": {"estimate": 2.0, "low": 1.8, "high": 2.2},
    "variance_to_declared": {"estimate": 1.0, "low": 1.0, "high": 1.0},
    "variance_to_reinforce": {"estimate": 0.31, "low": 0.3, "high": 0.32},
    "signal_to_noise": [[1, 0.5], [4, 1.0]],
    "departures": [],
}
WORSE = {
    **CASE,
    "policy": "random",
    "cosine": {"estimate": 0.7, "low": 0.6, "high": 0.8},
    "norm_ratio": {"estimate": 0.5, "low": 0.4, "high": 0.6},
    "screened": {"exact": 0.001},
}
UPDATE = {
    "model": "chain",
    "policy": "uniform",
    "variant": "",
    "predicted": [0.02, 0.001],
    "realised": [0.01, 0.002],
    "objective": [0.3, 0.04],
    "kl": [0.004, 0.001],
    "residual": 1e-9,
    "angle_to_natural": 12.4,
    "critic_error": {"before": 0.5, "after": 0.4},
    "departures": [],
}


@pytest.fixture
def audit():
    found = {"cases": [CASE, WORSE], "updates": [UPDATE], "bias_variance": [], "passes": True, "departures": []}
    tree = {"alpha": 0.001, "tests": 4, "seconds": 12.3, "passes": True, "algorithms": {"actor-critic": found}}
    return copy.deepcopy(tree)


def test_every_case_is_a_row_with_its_intervals(audit):
    table = audit_cases(audit)
    assert list(table["cosine_low"]) == [0.98, 0.6]
    assert list(table["drawn_again"]) == [False, True]
    assert list(table["signal_to_noise"]) == [0.5, 0.5]


def test_updates_have_means_and_errors(audit):
    (row,) = audit_updates(audit).to_dict("records")
    assert (row["kl"], row["kl_error"], row["critic_error_after"]) == (0.004, 0.001, 0.4)


def test_the_summary_of_updates(audit):
    (row,) = audit_update_summary(audit).to_dict("records")
    assert (row["promised"], row["realised"], row["J"]) == ("0.02 ± 0.001", "0.01 ± 0.002", "0.3 ± 0.04")
    assert (row["KL"], row["angle"], row["critic"]) == ("0.004", "12°", "0.500 → 0.400")


def test_the_summary_shows_the_worst(audit):
    (row,) = audit_summary(audit).to_dict("records")
    assert row["cosine"] == "0.700 [0.600, 0.800]"
    assert row["length ratio"] == "0.50 [0.40, 0.60]"
    assert (row["variance"], row["SNR"], row["verdict"]) == ("0.31", "0.50", "follows")


@pytest.mark.parametrize(
    ("driven", "told"), [({}, "follows"), ({"driven": True}, "follows"), ({"driven": False}, "gradient follows")]
)
def test_what_an_update_steps_on_is_looked_at_under_one_policy(audit, driven, told):
    updates = [UPDATE, {**UPDATE, "policy": "random", **driven}]
    audit["algorithms"]["actor-critic"]["updates"] = updates
    (row,) = audit_summary(audit).to_dict("records")
    assert row["verdict"] == told


def test_an_algorithm_that_only_failed_has_a_row(audit):
    failure = {"model": "chain", "policy": "random", "variant": "", "departures": ["raised ZeroDivisionError: x"]}
    found = audit["algorithms"]["actor-critic"]
    found |= {"cases": [], "updates": [failure], "bias_variance": [], "passes": False}
    (row,) = audit_summary(audit).to_dict("records")
    assert (row["cosine"], row["verdict"]) == ("—", "departs")
    assert verdict(audit).startswith("actor-critic departs")
