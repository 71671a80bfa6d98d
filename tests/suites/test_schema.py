"""Suite files: what is read, and the one line that a wrong one ends in."""

import pytest

from pgsuite.errors import UsageError
from pgsuite.suites import keys
from pgsuite.suites.files import shipped
from pgsuite.suites.planning import plan_cells
from pgsuite.suites.schema import Suite, load_suite, parse_seeds, parse_suite

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
    with pytest.raises(UsageError, match="is a folder: name a suite file, and it holds none"):
        load_suite(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mein.toml", r"no such file: .*mein\.toml; did you mean .*mine\.toml\?$"),
        ("quick.toml", r"no such file: .*quick\.toml; did you mean quick\?$"),
        ("far/away.toml", r"no such file: .*away\.toml \(there is no folder .*far\)$"),
        ("unlike-anything.toml", r"no such file: .*unlike-anything\.toml$"),
        (".", r"is a folder: name a suite file, such as mine\.toml$"),
    ],
)
def test_a_file_that_is_not_there(name, expected, tmp_path):
    write(tmp_path, GOOD)
    with pytest.raises(UsageError, match=expected):
        load_suite(str(tmp_path / name))


def test_a_suite_named_without_its_ending(tmp_path, monkeypatch):
    write(tmp_path, GOOD)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"unknown suite 'mine': did you mean 'mine\.toml'\?"):
        load_suite("mine")


@pytest.mark.parametrize(
    ("old", "new", "meant"),
    [
        ('seeds = "0-2"', 'seed = "0-2"', "'seed': did you mean 'seeds'?"),
        ("steps = 200", "step = 200", "did you mean 'steps'?"),
        ("steps = 200", "total_timesteps = 200", "did you mean 'steps'?"),
        ("steps = 200", "steps = 200\nkwargs = {}", "did you mean 'options'?"),
        ("steps = 200", "steps = 200\nenv_id = 'a'", "did you mean 'id'?"),
        ("steps = 200", "steps = 200\nanchor = 3", "did you mean 'anchors'?"),
        ("steps = 200", "steps = 200\nanchors = { low = 1.0 }", "anchors.low': did you mean 'random'?"),
        ("steps = 200", "steps = 200\nanchors = { random = 3.0, reference = 1.0, source = 'a' }", "must lie above"),
        ("steps = 200", "steps = 200\nepisodes = 4", "it is a key of [evaluation]"),
        ("steps = 200", "steps = 200\nmax_episode_steps = 4", "options = { max_episode_steps = ... }"),
        ("[evaluation]", "[eval]", "did you mean 'evaluation'?"),
        ("[evaluation]", "steps = 4\n[evaluation]", "it is a key of [environments.NAME]"),
        ("[evaluation]", "n_eval_episodes = 4\n[evaluation]", "did you mean 'episodes' of [evaluation]"),
        ("episodes = 3", "n_eval_episodes = 3", "did you mean 'episodes'?"),
        ("[evaluation]", "[checks]\n[evaluation]", "did you mean 'check'?"),
        ("[evaluation]", "[check]\nthreshold = 0.1\n[evaluation]", "'check.threshold': did you mean 'margin'?"),
        (
            "[evaluation]",
            "[[check.waivers]]\nreasons = 'a'\n[evaluation]",
            "waivers.0.reasons': did you mean 'reason'?",
        ),
        ("[algorithms.mine]", "[algorithm.mine]", "did you mean [algorithms.mine]?"),
        ("[algorithms.mine]", "[algo.mine]", "did you mean [algorithms.mine]?"),
        ('[environments."Pendulum-v1"]', '[environment."Pendulum-v1"]', "did you mean [environments.Pendulum-v1]?"),
        ("[evaluation]", "modules = 'mine'\n[evaluation]", "modules = 'mine': should be a list"),
        ("[evaluation]", "[check]\nwaivers = 3\n[evaluation]", "waivers = 3: should be a list"),
        ("[evaluation]\n", "evaluation = 3\n[other]\n", "'other'"),
        ("steps = 200", "steps = 200\noptions = 3", "options = 3: should be a table"),
        ('class = "reinforce"', "[algorithms.mine.environments]\na = 3", "environments.a = 3: should be a table"),
    ],
)
def test_a_misspelt_key_is_told_for_what_it_is(old, new, meant, tmp_path):
    assert old in GOOD
    with pytest.raises(UsageError) as error:
        load_suite(write(tmp_path, GOOD.replace(old, new, 1)))
    assert meant in str(error.value)


def test_every_synonym_is_of_a_key_that_there_is():
    known = {name for _, names in keys._levels(Suite) for name in names}
    assert set(keys.SYNONYMS) <= known
    for names in (names for _, names in keys._levels(Suite)):
        words = [word for name in names for word in keys.SYNONYMS.get(name, ())]
        assert len(words) == len(set(words))  # none could mean two keys of one table


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


@pytest.mark.parametrize("content", ["x = " + "[" * 3000, "x = " + "9" * 5000, "x = \xff"])
def test_toml_that_python_cannot_hold_is_refused(content, tmp_path):
    (tmp_path / "deep.toml").write_text(content, encoding="latin-1")
    with pytest.raises(UsageError, match=r"deep.toml is not valid TOML"):
        load_suite(str(tmp_path / "deep.toml"))


@pytest.mark.parametrize("seeds", ["x" * 10_000, "9" * 4000 + "-1"])
def test_of_a_long_value_what_is_wrong_with_it_is_still_read(seeds):
    with pytest.raises(UsageError, match=r"seeds") as error:
        parse_suite({"name": "a", "description": "", "seeds": seeds, "environments": {}, "algorithms": {}}, "a.toml")
    assert len(str(error.value)) < 1000
    assert "written like" in str(error.value) or "goes upwards" in str(error.value)
