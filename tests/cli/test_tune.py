"""`pgsuite tune`: from a suite to a suite, really run; and requests that cannot be carried out."""

import tomllib

import pytest

from pgsuite import cli
from pgsuite.results import load
from pgsuite.suites.schema import load_suite

SUITE = """
name = "mine"
description = "of mine"
seeds = "0-1"
[evaluation]
checkpoints = 2
episodes = 1
[environments."CartPole-v1"]
steps = 80
[algorithms.reinforce]
num_envs = 2
"""
SPACE = "[reinforce]\nlearning_rate = { low = 0.001, high = 0.1, log = true }\nnormalise_advantages = true\n"


def tune(arguments, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["pgsuite", "tune", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    output = capsys.readouterr()
    return end.value.code or 0, output.out, output.err


def test_a_suite_is_tuned_and_what_was_found_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(SUITE)
    (tmp_path / "space.toml").write_text(SPACE)
    words = "mine.toml --space space.toml --trials 4 --seeds-per-trial 1 --finalists 1 --final-seeds 2 --budgets 0.5,1"
    code, said, _ = tune([*words.split(), "--workers", "1", "-o", "out"], monkeypatch, capsys)
    assert code == 0
    before, _, after = said.partition("every algorithm: ")
    assert "1  CartPole-v1" in before
    assert after.startswith(f"{4 * 40 + 2 * 80 + 2 * 80:,} environment steps\n")
    assert "No seed of the search (1000-1002) is among those reported." in said
    assert {path.name for path in (tmp_path / "out").iterdir() if not path.name.startswith(".")} == {
        *("mine-tuned.toml", "tuning.md", "trials.csv", "runs.csv", "effort.csv", "study.db", "figures", "runs")
    }
    tuned = load_suite(str(tmp_path / "out/mine-tuned.toml"))
    assert tuned.tuned_on("reinforce") == (1000, 1001, 1002)
    settings = tuned.algorithms["reinforce"].model_extra
    assert settings
    assert settings["num_envs"] == 2
    assert 0.001 <= settings["learning_rate"] <= 0.1
    assert tomllib.loads((tmp_path / "out/mine-tuned.toml").read_text())["seeds"] == "0-1"
    finals = load(tmp_path / "out/runs/finals")
    assert sorted(finals.seed.unique()) == [1001, 1002]

    frame = load(tmp_path / "out/runs/rung-1")
    assert sorted(frame.algorithm.unique()) == [f"reinforce#{n}" for n in range(4)]
    table = (tmp_path / "out/trials.csv").read_bytes()
    code, _, errors = tune([*words.split(), "--workers", "2", "-o", "out"], monkeypatch, capsys)
    assert code == 0
    assert "started" not in errors  # it is all there
    assert (tmp_path / "out/trials.csv").read_bytes() == table


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--sampler", "tpee"], "--sampler tpee: choose from random, tpe, gp"),
        (["--budgets", "1,x"], "--budgets 1,x: shares of the budget, as in 0.25,1"),
        (["--budgets", "1,0.5"], "--budgets 1,0.5: shares of the budget rise and end with 1, as in 0.25,1"),
        (["--first-seed", "1"], "the search would see seed 1, which suite mine reports: let it begin"),
        (["--space", "nowhere.toml"], "the search spaces nowhere.toml cannot be read: No such file or directory"),
        (["--on", "moon"], "--on 'moon': give local, ray or ray://HOST:PORT"),
        (["--mixed"], "--mixed is about the machines of a cluster"),
        (["-e", "CartPole"], "environment 'CartPole' is not in suite mine: did you mean 'CartPole-v1'?"),
    ],
)
def test_what_cannot_be_carried_out_is_one_line(arguments, reason, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(SUITE)
    code, said, errors = tune(["mine.toml", *arguments], monkeypatch, capsys)
    assert code == 2
    assert not said
    assert errors.startswith(f"pgsuite: {reason}")
    assert errors.count("\n") == 1
