"""What there is, what it sets, and what the shell completes: read from files and tables of names."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from pgsuite.algorithms.options import options
from pgsuite.algorithms.registry import ALGORITHMS, PEERS, load_class
from pgsuite.suites.audit.run import BATCHES
from pgsuite.suites.check.bless import SEEDS as BLESSED
from pgsuite.suites.check.opening import SEEDS

OWN = '''
from dataclasses import dataclass
from pgsuite.algorithms import TRPO

make = dataclass(frozen=True, kw_only=True)

@make
class Own(TRPO):
    max_kl: float = 0.5
    """Another
    bound."""
    plain: int = 3
'''


@pytest.mark.parametrize("name", ALGORITHMS)
def test_hyperparameters_are_those_of_the_class(name, pgsuite):
    code, out, err = pgsuite("list", name)
    assert (code, err) == (0, "")
    known = {field.name: field.default for field in fields(load_class(name))}
    shown = dict(re.findall(r"^  (\w+) +(.*)$", out, re.MULTILINE))
    assert list(shown) == list(known)
    for option in options(name):
        if option.algorithm:
            assert option.default == option.algorithm, "its own default, which no text tells"
        else:
            assert eval(option.default, {}) == known[option.name]
        assert option.meaning, f"{name}: {option.name} has no docstring"


def test_algorithms_are_listed_with_what_they_are(pgsuite):
    code, out, _ = pgsuite("list")
    listed = dict(re.findall(r"^  ([\w-]+) +(.*)$", out.partition("suites")[0], re.MULTILINE))
    assert code == 0
    peers = {name: listed.pop(name) for name in PEERS}
    assert all("table-Baselines3's" in told or "sb3-contrib's" in told for told in peers.values())
    assert listed == {name: load_class(name).__doc__.partition("\n")[0] for name in ALGORITHMS}
    assert f"\n{listed['ppo']}\n" in pgsuite("list", "ppo")[1]


def test_a_class_that_only_its_import_tells(place, pgsuite):
    (place / "own.py").write_text(OWN)
    code, out, _ = pgsuite("list", "own.py:Own")
    assert code == 0
    assert re.search(r"max_kl +0.5 +float\n +Another bound\.", out)
    assert re.search(r"plain +3 +int\n", out)
    assert "Conjugate-gradient iterations, at most." in out


@pytest.mark.parametrize("suite", ["quick", "mine.toml"])
def test_the_settings_of_a_suite(suite, pgsuite):
    code, out, _ = pgsuite("list", suite)
    assert code == 0
    for words in ["seeds", "episodes", "steps", "reinforce", "num_envs ="]:
        assert words in out


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("trop", "did you mean 'trpo'"),
        ("quik", "did you mean 'quick'"),
        ("algorithms.py", "Raises"),
        ("no.toml", "no.toml"),
        ("nowhere.py:Mine", "no file"),
    ],
)
def test_an_unknown_name_is_one_line_with_what_is_near(name, hint, pgsuite):
    code, out, err = pgsuite("list", name)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert hint in err


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("pgsuite run qu", ["quick"]),
        ("pgsuite run quick -a tr", ["trpo"]),
        ("pgsuite run classic -e Pen", ["Pendulum-v1"]),
        ("pgsuite check quick -e Pen", []),
        ("pgsuite list act", ["actor-critic"]),
        ("pgsuite rep", ["report", "replay"]),
        ("pgsuite sweep classic -a trpo max_", ["max_kl="]),
    ],
)
def test_the_shell_completes(line, offered, start):
    words = line.split()
    process = start(COMP_WORDS=line, COMP_CWORD=str(len(words) - 1), _PGSUITE_COMPLETE="complete_bash")
    out, err = process.communicate(timeout=60)
    assert (out.split(), err) == (offered, "")


def test_completion_loads_nothing_heavy(pgsuite):
    import subprocess
    import sys

    code = (
        "import sys\nfrom pgsuite.cli import completion\n"
        "completion.names_to_list('')\ncompletion.environments('')\ncompletion.hyperparameters('')\n"
        "print({'torch', 'numpy', 'pydantic', 'gymnasium', 'rich'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_completion_can_be_installed(start, tmp_path):
    """The shell is named here: who runs the tests may have none among the processes above, where it is looked for."""
    process = start(
        "--install-completion", "bash", HOME=str(tmp_path), _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1"
    )
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, (out, err)
    assert any("_PGSUITE_COMPLETE" in file.read_text() for file in tmp_path.rglob("*") if file.is_file())
    assert "completion installed" in out
    assert Path(tmp_path / ".bashrc").is_file()


@pytest.mark.parametrize(
    ("command", "option", "default"),
    [("audit", "--batches", BATCHES), ("check", "--seeds", SEEDS), ("bisect", "--seeds", SEEDS),
     ("bless", "--seeds", BLESSED)],
)  # fmt: skip
def test_help_shows_the_defaults_that_there_are(command, option, default, pgsuite):
    text = " ".join(pgsuite(command, "--help")[1].split())
    assert re.search(rf"{option} .*?\[default: {default}\]", text)


@pytest.mark.parametrize("command", ["run", "report", "check", "bless", "bisect", "replay", "audit", "sweep", "effort"])
def test_every_option_with_a_value_says_its_default_or_what_it_does(command, pgsuite):
    """Flags and what may be left out apart."""
    names = "against baseline baseline-suite json junit markdown audit-model audit wandb mlflow algorithm env like seed"
    optional = {f"--{name}" for name in f"{names} out".split()}
    text = pgsuite(command, "--help")[1].partition("Options:")[2]
    for entry in re.split(r"\n  (?=-)", text)[1:]:
        words = " ".join(entry.split())
        name = re.search(r"--[\w-]+", words)[0]
        if "<" in words.split("  ")[0] and name not in optional:
            assert re.search(r"default: |required", words), words
