"""Banks: what is written is read again, damage is refused in one line, branches merge."""

import json

import numpy as np
import pytest

from pgsuite.errors import UsageError
from pgsuite.results import CellStore, CurveRow
from pgsuite.results.store.bank import Bank, BankedCell, Run, read_bank, read_run, write_bank
from pgsuite.results.store.digest import sealed_table


def run(returns, status="complete", bits="ab"):
    return Run(status, np.arange(len(returns)) * 100, np.asarray(returns, float), bits)


def bank(runs=3):
    record = {"algorithm": "mine", "env": "CartPole-v1", "fingerprint": "f" * 64, "steps": 200}
    cell = BankedCell(record, {seed: run([seed, 2.5, 3.0]) for seed in range(runs)})
    return Bank("tiny", {("mine", "CartPole-v1"): cell}, "c" * 40, {"mine": ["chain: it departs"]})


def test_what_is_written_is_read_again(tmp_path):
    write_bank(tmp_path / "new" / "tiny.json", bank())
    found = read_bank(tmp_path / "new" / "tiny.json")
    assert (found.suite, found.commit, found.departures) == ("tiny", "c" * 40, {"mine": ["chain: it departs"]})
    (cell,) = found.cells.values()
    assert cell.record["steps"] == 200
    assert cell.runs[2].returns.tolist() == [2.0, 2.5, 3.0]
    assert cell.runs[2].env_steps.tolist() == [0, 100, 200]


def test_pairs_that_have_no_runs_are_kept_with_their_reason_and_sealed(tmp_path):
    write_bank(tmp_path / "without.json", bank())
    assert "not_applicable" not in (tmp_path / "without.json").read_text()
    refusals = {("dqn", "Pendulum-v1"): "it takes Discrete alone"}
    write_bank(tmp_path / "b.json", bank()._replace(refusals=refusals))
    assert read_bank(tmp_path / "b.json").refusals == refusals
    (tmp_path / "b.json").write_text((tmp_path / "b.json").read_text().replace("Discrete", "discrete"))
    with pytest.raises(UsageError, match="digest is another one"):
        read_bank(tmp_path / "b.json")


def test_a_diverged_run_ends_where_it_did(tmp_path):
    both = {0: run([1, 2, 3]), 1: run([1, 2], "diverged")}
    write_bank(
        tmp_path / "b.json", bank()._replace(cells={("a", "e"): BankedCell({"algorithm": "a", "env": "e"}, both)})
    )
    (cell,) = read_bank(tmp_path / "b.json").cells.values()
    assert (cell.runs[1].status, cell.runs[1].env_steps.tolist()) == ("diverged", [0, 100])


def test_a_run_is_a_line(tmp_path):
    write_bank(tmp_path / "three.json", bank(3))
    write_bank(tmp_path / "four.json", bank(4))
    three, four = ((tmp_path / f"{name}.json").read_text().splitlines() for name in ("three", "four"))
    assert len(four) == len(three) + 1


def resealed(content):
    """What somebody writes who means it: with the digests of what is there now."""
    cells = content.get("cells", [])
    head = sealed_table({name: value for name, value in content.items() if name != "cells"})
    return {**head, "cells": [sealed_table(cell) for cell in cells]} if cells else head


@pytest.mark.parametrize(
    ("old", "new"),
    [('"tiny"', '"tony"'), ("200]", "300]"), ('"complete"', '"diverged"'), ("1.0", "1.5"), ("mine", "mina")],
)
def test_a_letter_that_changed_is_damage(old, new, tmp_path):
    path = tmp_path / "b.json"
    write_bank(path, bank())
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(UsageError, match=r"no readable bank .*digest is another one"):
        read_bank(path)


def test_a_bank_without_digests_is_read_and_known(tmp_path):
    path = tmp_path / "b.json"
    write_bank(path, bank())
    content = json.loads(path.read_text()) | {"version": 1}
    for table in (content, *content["cells"]):
        del table["digest"]
    path.write_text(json.dumps(content, separators=(", ", ":\r\n")))  # white space is no content
    assert not read_bank(path).sealed
    path.write_text(json.dumps(content | {"version": 2}))
    with pytest.raises(UsageError, match=r"no readable bank .*digest is missing"):
        read_bank(path)


def damaged(change):
    def edit(content):
        change(content["cells"][0])

    return edit


@pytest.mark.parametrize(
    "edit",
    [
        lambda content: content.pop("cells"),
        lambda content: content.update(kind="something else"),
        lambda content: content.update(version=99),
        lambda content: content.update(departures=[]),
        damaged(lambda cell: cell.pop("record")),
        damaged(lambda cell: cell["record"].pop("env")),
        damaged(lambda cell: cell.update(steps=[0, 0, 1])),
        damaged(lambda cell: cell.update(steps=[0.5, 1, 2])),
        damaged(lambda cell: cell.update(steps=[True, 2, 3])),
        damaged(lambda cell: cell["runs"]["0"].update(returns=[1.0])),
        damaged(lambda cell: cell["runs"]["0"].update(returns=[1.0, None, 2.0])),
        damaged(lambda cell: cell["runs"]["0"].update(returns=[1.0, float("nan"), 2.0])),
        damaged(lambda cell: cell["runs"]["0"].update(status="partial")),
        damaged(lambda cell: cell["runs"].update({"-1": cell["runs"]["0"]})),
        damaged(lambda cell: cell["runs"].update({str(2**64): cell["runs"]["0"]})),
    ],
)
def test_damage_is_refused_in_a_line(edit, tmp_path):
    path = tmp_path / "b.json"
    write_bank(path, bank())
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(resealed(content)))
    with pytest.raises(UsageError, match="no readable bank") as refused:
        read_bank(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "[" * 100_000, "{}", "[1, 2]", "\x00"])
def test_what_is_no_bank_is_refused(text, tmp_path):
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(UsageError, match="no readable bank"):
        read_bank(tmp_path / "b.json")


def stored(folder, returns, *, weights=1.0, wall_time=0.0, metric=1.0, name="policy"):
    store = CellStore(folder, "mine", "CartPole-v1", "f" * 64)
    store.create({"steps": 200})
    rows = [
        CurveRow(n, 100 * n, 100 * n, value, 0.0, 1, 10.0, 10, n, wall_time, {"loss": metric})
        for n, value in enumerate(returns)
    ]
    tensors = {f"behaviour.{name}": np.full(3, weights, np.float32), "state.memory.x": np.full(2, wall_time)}
    store.write_checkpoint(0, rows, {"status": "complete"}, tensors, {})
    return read_run(store, 0)


def test_bits_are_those_of_curve_and_weights_and_of_nothing_else(tmp_path):
    first = stored(tmp_path / "1", [1, 2, 3])
    assert stored(tmp_path / "2", [1, 2, 3], wall_time=9.0, metric=7.0, name="actor").bits == first.bits
    assert stored(tmp_path / "3", [1, 2, 3.0000000001]).bits != first.bits
    assert stored(tmp_path / "4", [1, 2, 3], weights=np.nextafter(np.float32(1), np.float32(2))).bits != first.bits
    assert first.diagnostics == {"loss": 1.0}


def test_a_run_that_is_not_finished_is_none(tmp_path):
    store = CellStore(tmp_path, "mine", "CartPole-v1", "f" * 64)
    assert read_run(store, 0) is None
