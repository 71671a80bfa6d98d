"""A request that cannot be carried out as written ends in one line and exit code 2; the small commands."""

import re

import pytest


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["run", "quik"], ["unknown suite 'quik'", "did you mean 'quick'"]),
        (["run", "nowhere.toml"], ["no such file: nowhere.toml"]),
        (["run", "quick", "-a", "trop"], ["unknown algorithm 'trop'", "did you mean 'trpo'"]),
        (["run", "quick", "-a", "nowhere.py:Mine"], ["nowhere.py", "no file"]),
        (["run", "quick", "-a", "algorithms.py:Yours"], ["algorithms.py", "no class 'Yours'"]),
        (["run", "quick", "-e", "CartPole"], ["'CartPole'", "did you mean 'CartPole-v1'"]),
        (["run", "quick", "-e", "CartPol-v1", "--steps", "9"], ["'CartPol-v1'", "did you mean CartPole-v1"]),
        (["run", "quick", "--seeds", "3-1"], ["--seeds", "'3-1'", "upwards"]),
        (["run", "quick", "--seeds", "some"], ["--seeds", "'some'", "'0-9'"]),
        (["run", "quick", "--shard", "11/10"], ["--shard", "'11/10'", "1/10 to 10/10"]),
        (["run", "quick", "--on", "slurm"], ["--on", "'slurm'", "ray://HOST:PORT"]),
        (["run", "quick", "--steps", "20", "--on", "ray://127.0.0.1:1"], ["ray://127.0.0.1:1", "refused", "ray start"]),
        (["run", "quick", "--mixed"], ["--mixed", "--on ray"]),
        (["run", "quick", "--out", "file/out"], ["cannot write", "file/out", "--out"]),
        (["run", "quick", "--out", "file"], ["cannot write", "file", "--out"]),
        (["run", "mine.toml", "-e", "broken/observes-v0", "--steps", "9"], ["broken/observes-v0", "Sequence", "Box"]),
        (["run", "mine.toml", "-e", "broken/acts-v0", "--steps", "9"], ["broken/acts-v0", "Dict", "MultiBinary"]),
        (
            ["run", "mine.toml", "-e", "broken/image-v0", "--steps", "9"],
            ["broken/image-v0", "Box(0, 255, (84, 84, 3), uint8)", "form of an image", "observes a vector"],
        ),
        (["run", "mine.toml", "-e", "broken/endless-v0", "--steps", "9"], ["broken/endless-v0", "max_episode_steps"]),
        (["report", "nowhere"], ["nowhere", "pgsuite run"]),
        (["report", "."], ["no results", "pgsuite run"]),
        (["plan", "nowhere"], ["nowhere", "pgsuite run"]),
        (["plan", "nowhere", "--drop", "much"], ["--drop", "'much'", "20%"]),
        (["plan", "nowhere", "--power", "1.5"], ["--power", "1.5"]),
        (["anchors", "CartPol-v1"], ["'CartPol-v1'", "did you mean CartPole-v1"]),
    ],
    ids=lambda value: (
        " ".join(value) if isinstance(value, list) and value[0] in ("run", "report", "plan", "anchors") else ""
    ),
)
def test_a_wrong_request_is_one_line_and_exit_code_2(arguments, parts, pgsuite):
    code, out, err = pgsuite(*arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("pgsuite: ")
    assert err.count("\n") == 1
    for part in parts:
        assert part in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "quick", "--steps", "0"],
        ["run", "quick", "--steps", "many"],
        ["run", "quick", "--workers", "0"],
        ["run", "quick", "--frobnicate"],
        ["frobnicate"],
    ],
    ids=" ".join,
)
def test_a_wrong_option_is_named_and_exit_code_2(arguments, pgsuite):
    code, out, err = pgsuite(*arguments)
    assert (code, out) == (2, "")
    assert next(a for a in arguments if a.startswith("--") or a == "frobnicate") in err
    assert err.startswith("pgsuite: ")
    assert err.endswith("--help`\n")
    assert err.count("\n") == 1, "one line"


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("seeds", "seed", ["wrong.toml", "seed"]),
        ("steps = 40", 'steps = "many"', ["wrong.toml", "environments.broken/none-v0.steps", "'many'"]),
        ("episodes = 1", "episodes = 0", ["wrong.toml", "evaluation.episodes", "greater than or equal to 1"]),
        ("num_envs = 2", "num_env = 2", ["'num_env'", "did you mean 'num_envs'"]),
        ("num_envs = 2", "num_envs = -2", ["num_envs = -2", "greater than or equal to 1"]),
        ("num_envs = 2", 'learning_rate = "fast"', ["learning_rate = 'fast'", "number"]),
        ("environments_of", "nothing_of", ["nothing_of_test_cli", "cannot be imported"]),
        ("[evaluation]", "[evaluation", ["wrong.toml", "not valid TOML"]),
    ],
)
def test_a_wrong_suite_file(old, new, parts, pgsuite, place):
    suite = (place / "mine.toml").read_text()
    assert old in suite
    (place / "wrong.toml").write_text(suite.replace(old, new, 1))
    code, out, err = pgsuite("run", "wrong.toml", "--out", "wrong")
    assert (code, out, err.count("\n")) == (2, "", 1)
    for part in parts:
        assert part in err
    assert not (place / "wrong").exists()


def test_an_error_that_nobody_expected_is_one_line_too(pgsuite, monkeypatch):
    def broken(*_, **__):
        raise KeyError("two\nlines")

    monkeypatch.setattr("pgsuite.suites.schema.load_suite", broken)
    code, out, err = pgsuite("run", "quick")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "internal error: KeyError" in err
    assert "--debug" in err
    code, _, err = pgsuite("--debug", "run", "quick")
    assert code == 1
    assert "Traceback" in err


def test_list_names_what_there_is(pgsuite):
    code, out, _ = pgsuite("list")
    assert code == 0
    for name in ("trpo", "reinforce-baseline", "quick", "mujoco", "HalfCheetah-v5"):
        assert name in out


def test_anchors_are_measured_beside_the_recorded(pgsuite):
    code, out, _ = pgsuite("anchors", "CartPole-v1", "--episodes", "200")
    assert code == 0
    measured, error, recorded, reference = map(float, re.findall(r"(?<!-v)\d+\.?\d*", out.replace("200 episodes", "")))
    assert reference == 500
    assert measured == pytest.approx(recorded, abs=5 * error)


def test_help_names_the_exit_codes(pgsuite):
    code, out, _ = pgsuite("--help")
    assert code == 0
    for meaning in ("0 done", "1 something failed", "2 the request", "130 interrupted"):
        assert meaning in " ".join(out.split())


def test_an_unexpected_end_of_data_is_no_interruption(pgsuite, monkeypatch):
    def fails(*_):
        raise EOFError("Ran out of input")

    monkeypatch.setattr("pgsuite.suites.files.shipped", fails)
    code, _, err = pgsuite("list")
    assert code == 1
    assert "internal error: EOFError: Ran out of input" in err
