"""`pgsuite import`."""

import json

import pytest


def test_what_is_imported_can_be_reported(csv, pgsuite, tmp_path):
    code, out, err = pgsuite("import", csv, "-o", str(tmp_path / "out"))
    assert (code, err) == (0, "")
    assert "mine on CartPole-v1: 1 run, 2 points up to 9 steps; imported: evaluations" in out
    code, out, _ = pgsuite("report", str(tmp_path / "out"))
    assert code == 0
    assert "mine" in out


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["nowhere.csv"], ["nowhere.csv does not exist"]),
        (["algorithms.py"], ["algorithms.py: files of this kind are not read", "tidy CSV"]),
        (["mine.csv", "--source", "both"], ["--source both", "evaluation or training"]),
        (["mine.csv", "--source", "training"], ["mine.csv holds evaluations"]),
        (["mine.csv", "--suite", "../x"], ["--suite '../x'"]),
        (["mine.csv", "--like", "nowhere"], ["nowhere", "does not exist"]),
        (["mine.csv", "--algorithm", "x"], ["column 'algorithm' already"]),
        (["mine.csv", "-o", "file"], ["file", "-o"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and ".csv" in value[0] else "",
)
def test_a_wrong_request_is_one_line_and_exit_code_2(arguments, parts, csv, pgsuite, place):
    code, out, err = pgsuite("import", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    for part in parts:
        assert part in err
    assert not (place / "runs").exists()


def test_all_problems_are_told_at_once(pgsuite, tmp_path):
    header = "algorithm,env,seed,env_steps,return"
    for name, row in (("a.csv", "ppo,e,1_0,0,1"), ("b.csv", "ppo,e,0,0,x")):
        (tmp_path / name).write_text(f"{header}\n{row}\n")
    files = [str(tmp_path / name) for name in ("a.csv", "b.csv")]
    code, out, err = pgsuite("import", *files, "-o", str(tmp_path / "out"))
    lines = err.splitlines()
    assert (code, out, len(lines)) == (2, "", 3)
    assert "nothing is imported, for 2 problems" in lines[0]
    assert "a.csv, line 2, column seed: '1_0'" in lines[1]
    assert "b.csv, line 2, column return: 'x'" in lines[2]
    assert not (tmp_path / "out").exists()


def test_a_hint_can_be_pasted(csv, pgsuite, tmp_path):
    code, out, _ = pgsuite("import", csv, "-o", str(tmp_path / "my results"))
    assert code == 0
    assert f"`pgsuite report '{tmp_path / 'my results'}'`" in out


def test_a_report_is_exported_to_tensorboard(csv, pgsuite, tmp_path):
    pytest.importorskip("tensorboard")
    pgsuite("import", csv, "-o", str(tmp_path / "out"))
    code, out, _ = pgsuite("report", str(tmp_path / "out"), "--tensorboard")
    assert code == 0
    assert "wrote 1 run to" in out
    assert len(list((tmp_path / "out" / "report" / "tensorboard").glob("mine--CartPole-v1--*/seed-0/*tfevents*"))) == 1


def test_scores_alone_are_reported_without_curves(pgsuite, tmp_path):
    runs = [[0.1 * n, 1 + 0.1 * n] for n in range(6)]
    (tmp_path / "scores.json").write_text(json.dumps({"PPO": runs, "DQN": [[a - 0.05, b - 0.2] for a, b in runs]}))
    code, out, _ = pgsuite("import", str(tmp_path / "scores.json"), "-o", str(tmp_path / "out"))
    assert code == 0
    assert "PPO on task-1: 6 runs, no curves; imported: scores" in out
    code, out, err = pgsuite("report", str(tmp_path / "out"))
    assert (code, err) == (0, "")
    report = tmp_path / "out" / "report"
    text = (report / "report.md").read_text()
    assert "PPO leads with an IQM of the final score of" in text
    assert "There is one score per run, and no learning curve, on any environment" in text
    assert "Area under the curve" not in text
    assert "task-1 (steps unknown)" in (report / "report.html").read_text()
    figures = {path.stem for path in (report / "figures").iterdir()}
    assert any("profile" in name for name in figures)
    assert not any("curve" in name or "efficiency" in name for name in figures)
