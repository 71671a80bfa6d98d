"""The script of detection rates, small: it goes on where it stopped and writes its tables."""

import csv

from .audit_rates import Trial, measure, rate, read, run, tables


def test_measurements_are_resumed_and_tabled(tmp_path, capsys):
    file = tmp_path / "rates.csv"
    asked = [Trial("sign flipped", "bandit", 0, 100), Trial("reinforce", "bandit", 0, 100)]
    run(file, asked[:1], workers=1)
    run(file, asked, workers=1)
    assert "1 of 2 are there already" in capsys.readouterr().out
    rows = {row["subject"]: row["failed"] for row in read(file)}
    assert "exact" in rows["sign flipped"]
    assert rows["reinforce"] == ""
    tables(file, tmp_path / "detection.md")
    text = (tmp_path / "detection.md").read_text()
    assert "| sign flipped | 1 | 1 (n = 1) |" in text
    assert "| reinforce | 1 | 0 |" in text


def test_a_fault_that_a_model_cannot_show_is_not_found_there():
    assert measure(Trial("γ^t dropped while declared", "bandit", 0, 100))["failed"] == ""


def test_rates():
    assert [rate([True, False]), rate([True]), rate([])] == ["0.50", "1", "–"]


def test_an_alarm_is_named(tmp_path):
    file = tmp_path / "rates.csv"
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerows([["subject", "model", "seed", "batches", "failed"], ["trpo", "chain", 7, 100, "exact"]])
    tables(file, tmp_path / "detection.md")
    assert "| trpo | 1 | 1: chain (seed 7): exact |" in (tmp_path / "detection.md").read_text()
