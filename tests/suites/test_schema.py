"""Suite files: what is read, and the one line that a wrong one ends in."""

import pytest

from pgsuite.errors import UsageError
from pgsuite.suites.files import shipped
from pgsuite.suites.planning import plan_cells
from pgsuite.suites.schema import load_suite, parse_seeds, parse_suite

GOOD = """
name = "mine"
description = "of mine"
seeds = "0-2"
[evaluation]
episodes = 3
[environments."CartPole-v1"]
steps = 200
[environments."Pendulum-v1"]
steps = 300
[algorithms.reinforce]
num_envs = 2
discount = 0.95
[algorithms.reinforce.environments."Pendulum-v1"]
discount = 0.9
[algorithms.mine]
class = "reinforce"
"""


def write(folder, text):
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("0-3", (0, 1, 2, 3)), ("3,7,1", (3, 7, 1)), ("5", (5,)), ("0-2, 9,1-3", (0, 1, 2, 9, 3)), ("4-4", (4,))],
)
def test_seeds(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    "text", ["", "a", "1-", "-1", "1,,2", "1.5", "1-2-3", "5-1", "0-100000", str(2**63), 3, [0, 1], None]
)
def test_wrong_seeds(text):
    with pytest.raises(ValueError, match="seeds"):
        parse_seeds(text)


def test_reads_a_file(tmp_path):
    suite = load_suite(write(tmp_path, GOOD))
    assert (suite.name, suite.seeds) == ("mine", (0, 1, 2))
    assert suite.environments["Pendulum-v1"].steps == 300
    assert (suite.evaluation.episodes, suite.evaluation.deterministic) == (3, False)
    assert suite.algorithms["mine"].reference == "reinforce"


def test_an_environment_overrides_the_suites_hyperparameters(tmp_path):
    suite = load_suite(write(tmp_path, GOOD))
    assert suite.options("reinforce", "CartPole-v1") == {"num_envs": 2, "discount": 0.95}
    assert suite.options("reinforce", "Pendulum-v1") == {"num_envs": 2, "discount": 0.9}
    assert suite.options("mine", "Pendulum-v1") == {}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("steps = 200", "stepz = 200", ["environments.CartPole-v1.ste", "steps"]),
        ("steps = 200", "steps = 200\nlimit = 3", ["environments.CartPole-v1.limit", "steps, backend, options"]),
        ("episodes", "episode", ["evaluation.episode", "did you mean 'episodes'", "checkpoints, episodes"]),
        ('seeds = "0-2"', 'seeds = "0-2"\nseed = 1', ["'seed'", "did you mean 'seeds'"]),
        ("steps = 200", 'steps = "many"', ["environments.CartPole-v1.steps", "'many'", "integer"]),
        ("steps = 200", "steps = 2.5", ["environments.CartPole-v1.steps", "2.5", "integer"]),
        ("steps = 200", "steps = true", ["environments.CartPole-v1.steps", "integer"]),
        ("steps = 200", "steps = 0", ["environments.CartPole-v1.steps", "greater than or equal to 1"]),
        (
            "steps = 200",
            'steps = 200\nbackend = "gpu"',
            ["backend = 'gpu'", "'compiled', 'numpy', 'envpool' or 'gymnasium'"],
        ),
        ("episodes = 3", "episodes = 0", ["evaluation.episodes", "greater than or equal to 1"]),
        ("episodes = 3", "deterministic = 1", ["evaluation.deterministic", "boolean"]),
        ('seeds = "0-2"', "seeds = 3", ["seeds = 3", "'0-9'"]),
        ('seeds = "0-2"', 'seeds = "2-0"', ["seeds = '2-0'", "upwards"]),
        ('seeds = "0-2"', "", ["'seeds' is missing"]),
        ('name = "mine"', 'name = "../mine"', ["name", "'../mine'"]),
        ('class = "reinforce"', "class = 3", ["algorithms.mine.class", "string"]),
        ('environments."Pendulum-v1"]\ndisc', 'environments."Ant-v5"]\ndisc', ["Ant-v5", "CartPole-v1, Pendulum-v1"]),
        ('name = "mine"', "name = mine", ["not valid TOML", "line 2"]),
    ],
)
def test_an_error_names_file_key_and_what_is_allowed(old, new, expected, tmp_path):
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(UsageError) as error:
        load_suite(path)
    message = str(error.value)
    assert message.startswith(path)
    assert "\n" not in message
    for part in expected:
        assert part in message


@pytest.mark.parametrize("table", ["environments", "algorithms"])
def test_nothing_to_run(table):
    data = {
        "name": "a",
        "description": "",
        "seeds": "0",
        "environments": {"E-v0": {"steps": 1}},
        "algorithms": {"a": {}},
    }
    with pytest.raises(UsageError, match=rf"test: {table}"):
        parse_suite({**data, table: {}}, "test")


def test_an_unknown_suite_is_told_the_shipped_ones(tmp_path):
    with pytest.raises(UsageError, match=r"unknown suite 'quik': did you mean 'quick'\?.*classic.*TOML"):
        load_suite("quik")
    with pytest.raises(UsageError, match="unknown suite"):
        load_suite(str(tmp_path))


def test_a_file_that_is_no_text(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not valid TOML"):
        load_suite(str(path))


@pytest.mark.parametrize("name", shipped())
def test_the_shipped_suites_can_be_planned(name, tmp_path, monkeypatch):
    monkeypatch.setattr("pgsuite.suites.planning.source_hash", lambda *roots, without: "")  # slow, and tested elsewhere
    suite = load_suite(name)
    assert suite.name == name
    assert suite.description
    assert len(suite.seeds) >= 5
    planned = plan_cells(suite, tmp_path)
    assert len(planned) == len(suite.environments) * len(suite.algorithms)
    assert len({p.cell.fingerprint for p in planned}) == len(planned)
