"""`pgsuite report`: what it prints, what it writes, and how it ends when something is missing or wrong."""

import json
import os
import re
import subprocess
import sys

import pandas as pd
import pytest

from pgsuite.results import CellStore, CurveRow, load, write_manifest
from pgsuite.results.store.digest import sealed_table

RECORD = {"suite": "mine", "anchors": {"random": 20.0, "reference": 500.0}, "steps": 1000}


def cell(out, algorithm="trpo", digit="a", seeds=range(5), steps=1000, **record):
    store = CellStore(out, algorithm, "CartPole-v1", digit * 64)
    store.create(RECORD | {"steps": steps} | record)
    for seed in seeds:
        rows = [CurveRow(k, k * steps // 2, 0, 20.0 + k * seed, 1.0, 10, 20.0, 200, k, 0.1) for k in range(3)]
        store.write_curve(seed, rows, {"status": "complete"})
    return store


def ask(out, store, seeds):
    asked = {"algorithm": store.algorithm, "env": store.env, "folder": store.path.name, "seeds": list(seeds)}
    write_manifest(out, "mine", [asked])


def test_a_whole_folder_is_reported_and_done(pgsuite, tmp_path):
    cell(tmp_path)
    code, out, err = pgsuite("report", str(tmp_path), "--formats", "svg,png,pdf")
    assert (code, err) == (0, "")
    assert "trpo has an IQM of the final score of" in out
    written = {path.suffix for path in (tmp_path / "report").rglob("*.*")}
    assert written == {".html", ".md", ".tex", ".png", ".svg", ".pdf", ".csv", ".parquet"}


def test_figures_are_svg_unless_other_formats_are_asked_for(pgsuite, tmp_path):
    cell(tmp_path)
    assert pgsuite("report", str(tmp_path))[0] == 0
    assert {path.suffix for path in (tmp_path / "report" / "figures").iterdir()} == {".svg"}


@pytest.mark.parametrize("formats", ["gif", "svg,gif", "", "svg;png", "\x1b[31m"])
def test_a_format_that_figures_have_not_is_one_line_and_exit_code_2(formats, pgsuite, tmp_path):
    cell(tmp_path)
    code, out, err = pgsuite("report", str(tmp_path), "--formats", formats)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "choose from svg, png, pdf" in err
    assert "\x1b" not in err
    assert not (tmp_path / "report").exists()


def test_a_run_leaves_its_report_for_later_when_told_to(pgsuite, place):
    run = ["run", "mine.toml", "--seeds", "0", "--out", "later", "--workers", "1"]
    code, out, _ = pgsuite(*run, "--no-report")
    assert (code, out) == (0, "")
    assert len(load(place / "later")) == 3
    assert not (place / "later" / "report").exists()
    assert "wrote later/report/report.html" in pgsuite(*run)[1]


@pytest.mark.parametrize("fate", ["missing", "damaged", "unfinished"])
def test_the_report_is_written_and_the_exit_code_1_where_a_run_is_not_there(fate, pgsuite, tmp_path):
    store = cell(tmp_path)
    ask(tmp_path, store, range(6 if fate == "missing" else 5))
    if fate == "damaged":
        (store.path / "seed-3.parquet").write_bytes(b"PAR1 and no more")
    if fate == "unfinished":
        frame, meta = store.read_curve(3)
        store.write_curve(3, frame, meta | {"status": "partial"})
    code, out, _ = pgsuite("report", str(tmp_path))
    assert code == 1
    assert f"{5 if fate == 'missing' else 4} of {6 if fate == 'missing' else 5} runs are complete" in out
    if fate == "damaged":
        assert "seed-3.parquet is damaged" in out
    page = (tmp_path / "report" / "report.html").read_text()
    assert {"missing": "missing", "damaged": "corrupt", "unfinished": "partial"}[fate] in page


@pytest.mark.parametrize("asked_for", [True, False])
def test_a_damaged_record_is_named_on_a_report_of_the_rest(asked_for, pgsuite, tmp_path):
    """As a crash or a full disk leaves it. That of a cell which nobody asked for takes nothing from the results."""
    store, broken = cell(tmp_path), cell(tmp_path, "reinforce", "b")
    asked = [store, broken] if asked_for else [store]
    cells = [{"algorithm": s.algorithm, "env": s.env, "folder": s.path.name, "seeds": [0, 1, 2, 3, 4]} for s in asked]
    write_manifest(tmp_path, "mine", cells)
    (broken.path / "cell.json").write_text("{")
    code, out, _ = pgsuite("report", str(tmp_path))
    assert code == (1 if asked_for else 0)
    assert out.count("cell.json is damaged") == 1
    page = (tmp_path / "report" / "report.html").read_text()
    assert page.count(f"{broken.path.name}/cell.json is damaged") == 1
    assert "trpo has an IQM of the final score of" in page


def test_every_kind_of_damage_is_named_on_a_report_and_a_plan_of_the_rest(pgsuite, tmp_path):
    stores = [
        cell(tmp_path, algorithm, digit) for algorithm, digit in (("trpo", "a"), ("reinforce", "b"), ("npg", "c"))
    ]
    cells = [{"algorithm": s.algorithm, "env": s.env, "folder": s.path.name, "seeds": [0, 1, 2, 3, 4]} for s in stores]
    write_manifest(tmp_path, "mine", cells)
    curves = [stores[0].curve_file(seed) for seed in range(3)]
    whole = curves[0].read_bytes()
    curves[0].write_bytes(whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:])
    curves[1].unlink()
    os.mkfifo(curves[1])
    curves[2].unlink()
    curves[2].symlink_to("/dev/zero")
    (stores[2].path / "cell.json").write_bytes(b"[" * 10**6)
    (tmp_path / "manifest.json").write_bytes(b'{"format": ' + b"9" * 400 + b"}")
    for command in ("report", "plan"):
        code, out, err = pgsuite(command, str(tmp_path))
        assert (code, err) == (1, "")
        for path in (*curves, stores[2].path / "cell.json", tmp_path / "manifest.json"):
            assert out.count(f"{path.parent.name}/{path.name} is damaged") == 1
    assert "reinforce" in out


def test_an_empty_folder_is_one_line_and_exit_code_2(pgsuite, tmp_path):
    code, out, err = pgsuite("report", str(tmp_path))
    assert (code, out) == (2, "")
    assert err == f"pgsuite: {tmp_path} holds no results; make them with `pgsuite run`\n"


def test_a_folder_of_another_version_is_refused(pgsuite, tmp_path):
    path = cell(tmp_path).path / "cell.json"
    path.write_text(json.dumps(sealed_table(json.loads(path.read_text()) | {"format": 9})))
    code, out, err = pgsuite("report", str(tmp_path))
    assert (code, out) == (2, "")
    assert "has format 9, this pgsuite reads formats 1, 2, 3" in err


def test_budgets_that_differ_are_refused_with_a_way_out(pgsuite, tmp_path):
    """The way out that the message names is gone: the report is of what both had after the shorter budget."""
    one, two = tmp_path / "one", tmp_path / "two"
    cell(one)
    cell(two, "reinforce", "b", steps=2000)
    code, _, err = pgsuite("report", str(one), str(two))
    assert code == 2
    assert "their budget differs, 1000 environment steps against 2000" in err
    assert not (one / "report").exists()
    (way_out,) = re.findall(r"--grid \w+", err)
    code, out, err = pgsuite("report", str(one), str(two), *way_out.split())
    assert (code, err) == (0, "")
    report = one / "report"
    # Returns are 20 + k · seed for seeds 0 to 4, and the checkpoint k at 1000 steps is 2 in one folder, 1 in the other.
    table = pd.read_csv(report / "tables" / "environments.csv").set_index("label")
    assert table[["budget", "runs", "final_return_mean"]].T.to_dict() == {
        "trpo": {"budget": 1000, "runs": 5, "final_return_mean": 24.0},
        "reinforce": {"budget": 1000, "runs": 5, "final_return_mean": 22.0},
    }
    assert table["auc_return_mean"].to_dict() == {"trpo": 22.0, "reinforce": 21.0}
    for text in (out, (report / "report.md").read_text(), (report / "report.html").read_text()):
        assert "CartPole-v1 is compared at 2 common points from 0 to 1,000 steps, because" in " ".join(text.split())


@pytest.mark.parametrize("grid", ["far", ""])
def test_another_grid_is_refused(grid, pgsuite, tmp_path):
    cell(tmp_path)
    code, _, err = pgsuite("report", str(tmp_path), "--grid", grid)
    assert code == 2
    assert "choose same or common" in err


def test_evaluations_that_differ_are_refused_or_named_below_every_table(pgsuite, tmp_path):
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    cell(tmp_path / "one", protocol={"episodes": 10, "deterministic": False})
    cell(tmp_path / "two", "sb3", "b", protocol={"kind": "training", "episodes": 5})
    code, _, err = pgsuite("report", one, two)
    assert code == 2
    assert "10 fresh evaluation episodes, stochastic policy against training episodes, the last 5 averaged" in err
    assert "--grid common" in err
    code, out, _ = pgsuite("report", one, two, "--grid", "common")
    assert code == 0
    how = (
        "Evaluated at each checkpoint: trpo by 10 fresh evaluation episodes, stochastic policy; "
        "sb3 by training episodes, the last 5 averaged."
    )
    assert " ".join(out.split()).count(how) == 4  # a warning, two leaderboards, environments


def test_the_level_is_what_is_printed(pgsuite, tmp_path):
    cell(tmp_path)
    assert "90% interval" in pgsuite("report", str(tmp_path), "--level", "0.9")[1]
    assert pgsuite("report", str(tmp_path), "--level", "1.5")[0] == 2


@pytest.mark.parametrize("name", ["report.md", "figures", "tables"])
def test_a_report_is_not_written_through_a_stranger_s_links(name, pgsuite, tmp_path):
    runs, precious = tmp_path / "runs", tmp_path / "precious"
    cell(runs)
    (runs / "report").mkdir()
    if "." in name:
        precious.write_text("mine")
    else:
        precious.mkdir()
    (runs / "report" / name).symlink_to(precious)
    code, _, err = pgsuite("report", str(runs))
    assert code == 2
    assert f"{name} is a link" in err
    assert precious.read_text() == "mine" if "." in name else not list(precious.iterdir())


def test_the_report_s_folder_in_a_stranger_s_is_no_link_but_the_user_s_may_be(pgsuite, tmp_path):
    runs, elsewhere = tmp_path / "runs", tmp_path / "elsewhere"
    cell(runs)
    elsewhere.mkdir()
    (runs / "report").symlink_to(elsewhere)
    assert pgsuite("report", str(runs))[0] == 2
    (tmp_path / "mine").symlink_to(elsewhere)
    assert pgsuite("report", str(runs), "-o", str(tmp_path / "mine"))[0] == 0


def test_what_a_stranger_wrote_cannot_act_on_the_terminal(pgsuite, tmp_path):
    path = cell(tmp_path, algorithm="\x1b[31mred").path / "cell.json"
    assert "\x1b" not in pgsuite("plan", str(tmp_path))[1]
    assert "\x1b" not in pgsuite("report", str(tmp_path))[1]
    path.write_text(json.dumps(sealed_table(json.loads(path.read_text()) | {"format": "\x1b]0;title\x07"})))
    code, _, err = pgsuite("report", str(tmp_path))
    assert (code, "\x1b" in err, "\x07" in err) == (2, False, False)


def test_a_matplotlibrc_in_the_working_folder_changes_nothing(pgsuite, place, tmp_path):
    cell(tmp_path)
    start = "import sys; from pgsuite import cli; sys.argv = ['pgsuite', 'report', sys.argv[1]]; cli.main()"
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nlines.linewidth: 40\n")
    done = subprocess.run(
        [sys.executable, "-c", start, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    curves = (tmp_path / "report" / "figures" / "curves.svg").read_bytes()
    assert pgsuite("report", str(tmp_path))[0] == 0
    assert (tmp_path / "report" / "figures" / "curves.svg").read_bytes() == curves
