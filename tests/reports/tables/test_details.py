import json

import pytest

from pgsuite.reports.tables.details import (
    cells_table,
    commit,
    protocol_table,
    settings_table,
    software_table,
    value,
)
from pgsuite.results import gather
from pgsuite.results.store.digest import sealed_table


def lines(table):
    return [[cell.text for cell in row] for row in table.rows]


def test_a_setting_that_differs_on_an_environment_says_where(folder):
    for env, discount in (("CartPole-v1", 0.99), ("Acrobot-v1", 0.99), ("Pendulum-v1", 0.9)):
        folder.cell("trpo", env, curves=[[0, 1]], configuration={"discount": discount, "hidden": [64, 64]})
    folder.cell("mine", curves=[[0, 1]], configuration={"depth": True})
    table = settings_table(gather([folder.path]))
    assert [column.title for column in table.columns] == ["setting", "trpo", "mine"]
    assert lines(table) == [
        ["discount", "0.99 (0.9 on Pendulum-v1)", "—"],
        ["hidden", "64, 64", "—"],
        ["depth", "—", "yes"],
    ]


def test_the_protocol_of_each_environment(folder):
    folder.cell("trpo", curves=[[0, 1, 2]])
    folder.cell("reinforce", curves=[[0, 1, 2]])
    assert lines(protocol_table(gather([folder.path]))) == [
        ["CartPole-v1", "200", "2", "10", "stochastic", "0.0", "100.0", "numpy 2.4.6", "—"]
    ]


def test_what_all_cells_share_is_said_once(folder):
    other = {"git": {"commit": "fedcba9876543210", "dirty": False}, "machine": {"cpu": "A fast one", "cpu_count": 2}}
    folder.cell("trpo", curves=[[0, 1]])
    folder.cell("reinforce", curves=[[0, 1]], provenance=other)
    found = lines(software_table(gather([folder.path])))
    assert ["code", "git commit 0123456789ab with uncommitted changes", "trpo"] in found
    assert ["code", "git commit fedcba987654", "reinforce"] in found
    assert ["machine", "cpu A fast one, cpu count 2", "all"] in found


def test_seeds_and_fingerprints_of_every_cell(folder):
    folder.cell("trpo", curves=[[0, 1], [0], [0, 1]], seeds=range(4), status={1: "diverged"})
    (row,) = lines(cells_table(gather([folder.path])))
    assert row == ["CartPole-v1", "trpo", "0–3", "0, 2", "0" * 12, "0123456789ab*", "—", "runs: tiny"]


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (True, "yes"),
        (None, "none"),
        ([64, 64], "64, 64"),
        ({"a_b": 1, "c": None}, "a b 1"),
        (7e-4, "0.0007"),
        ("x", "x"),
    ],
)
def test_values_in_words(item, words):
    assert value(item) == words


@pytest.mark.parametrize("git", [None, "abc", 3, {}, []])
def test_a_commit_that_is_not_known_is_nothing(git):
    assert commit(git) == ""


def test_records_of_any_shape_are_shown_or_left_out(folder):
    store = folder.cell("trpo", curves=[[0, 1]])
    record = store.path / "cell.json"
    content = json.loads(record.read_text())
    content["environment"]["options"], content["protocol"]["episodes"] = [1], "<b>"
    record.write_text(json.dumps(sealed_table(content)))
    gathered = gather([folder.path])
    for table in (settings_table, protocol_table, software_table, cells_table):
        assert table(gathered).rows
