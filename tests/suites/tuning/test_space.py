"""Search spaces: from a class or a file, checked, and turned into options."""

import optuna
import pytest

from pgsuite.algorithms.search_space import Choices, Range
from pgsuite.errors import UsageError
from pgsuite.suites.tuning.space import decoded, distribution, read_spaces, rounded, space_of, with_settings, without

FORM = r"write a list of values, \{ low = ..., high = ..., log = true \}, or true"


def test_a_class_is_searched_for_as_it_declares():
    space = space_of("mine", "actor-critic", None, "")
    assert space["learning_rate"] == Range(2e-4, 1e-2, log=True)
    assert space["num_steps"] == Choices((8, 16, 32))


def test_a_table_says_all_that_is_searched_for():
    table = {
        "max_kl": {"low": 0.01, "high": 0.02, "log": True},
        "num_steps": [64, 128],
        "damping": True,
        "cg_iterations": {"low": 5, "high": 15},
    }
    assert space_of("trpo", "trpo", table, "file.toml") == {
        "max_kl": Range(0.01, 0.02, log=True),
        "num_steps": Choices((64, 128)),
        "damping": Range(0.01, 0.2, log=True),
        "cg_iterations": Range(5, 15),
    }


def test_an_inner_algorithm_has_a_table_of_its_own():
    table = {"every": [1000], "base": {"learning_rate": {"low": 0.001, "high": 0.01}, "class": ["ppo", "trpo"]}}
    assert list(space_of("profiled", "profiled", table, "f")) == ["every", "base.learning_rate", "base.class"]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"low": 1.0}, FORM),
        ({"low": 1.0, "high": 2.0, "step": 1}, FORM),
        ({"low": 2.0, "high": 1.0}, "low is below high"),
        ({"low": 0.0, "high": 1.0, "log": True}, "low is above 0 where it is logarithmic"),
        ({"low": True, "high": 2}, FORM),
        ({"low": 0.1, "high": 0.2, "log": "yes"}, FORM),
        ([], FORM),
        ([1, 2, 1], "a value is there twice"),
        (0.5, FORM),
        (False, FORM),
    ],
)
def test_what_is_no_space_is_refused(value, reason):
    with pytest.raises(UsageError, match=rf"^f.toml: trpo.max_kl = .*{reason}"):
        space_of("trpo", "trpo", {"max_kl": value}, "f.toml")


def test_nothing_to_search_is_refused():
    with pytest.raises(UsageError, match=r"f: trpo.hidden = true: its class declares no search space for it"):
        space_of("trpo", "trpo", {"hidden": True}, "f")
    with pytest.raises(UsageError, match=r"f: the table \[trpo\] names no hyperparameter"):
        space_of("trpo", "trpo", {}, "f")
    with pytest.raises(UsageError, match=r"'sb3-ppo' declares no search space: give it a table \[sb3-ppo\] in a file"):
        space_of("sb3-ppo", "sb3-ppo", None, "f")


def test_files_that_are_none(tmp_path):
    file = tmp_path / "f.toml"
    with pytest.raises(UsageError, match=r"cannot be read: No such file"):
        read_spaces(file)
    file.write_text("[trpo\n")
    with pytest.raises(UsageError, match=r"is not valid TOML"):
        read_spaces(file)
    file.write_text("trpo = 3\n")
    with pytest.raises(UsageError, match=r"trpo = 3: it is to be a table, \[trpo\]"):
        read_spaces(file)


def test_what_optuna_draws_from():
    assert distribution(Range(0.1, 1.0, log=True)) == optuna.distributions.FloatDistribution(0.1, 1.0, log=True)
    assert distribution(Range(1, 9)) == optuna.distributions.IntDistribution(1, 9)
    hidden = Choices(([64, 64], [], "x", 1))
    drawn = distribution(hidden)
    assert drawn == optuna.distributions.CategoricalDistribution(["[64, 64]", "[]", "x", 1])
    assert [decoded(one, hidden) for one in drawn.choices] == [[64, 64], [], "x", 1]


def test_numbers_have_few_digits_and_stay_inside():
    assert rounded(0.012345678, Range(0.001, 0.1)) == 0.0123
    assert rounded(0.12349, Range(0.12345, 0.2)) == 0.12345
    assert rounded(7, Range(1, 9)) == 7
    assert rounded("x", Choices(("x",))) == "x"


def test_settings_go_where_their_names_say():
    options = {"every": 10, "base": {"class": "ppo", "epochs": 4}}
    assert with_settings(options, {"every": 20, "base.epochs": 2, "base.trace": 0.9}) == {
        "every": 20,
        "base": {"class": "ppo", "epochs": 2, "trace": 0.9},
    }
    assert options["base"] == {"class": "ppo", "epochs": 4}
    assert with_settings({}, {"base.epochs": 2}) == {"base": {"epochs": 2}}
    assert without(options, {"base.epochs": 1, "every": 1}) == {"base": {"class": "ppo"}}
