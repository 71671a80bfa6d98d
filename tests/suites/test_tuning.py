"""The tuning search: the same effort for every algorithm, and an honest ranking."""

import pandas as pd
import pytest

from pgsuite.errors import UsageError
from pgsuite.suites.schema import parse_suite
from pgsuite.suites.tuning import better_half, chosen_spaces, draw_trials, ranking, trial_suite, with_others

SUITE = parse_suite(
    {
        "name": "mine",
        "description": "",
        "seeds": "0",
        "environments": {"A-v0": {"steps": 10}, "B-v0": {"steps": 10}},
        "algorithms": {"trpo": {"num_envs": 4, "environments": {"B-v0": {"discount": 0.9}}}, "reinforce": {}},
    },
    "test",
)


def test_draws_are_repeatable_and_cover_the_values():
    space = {"a": [1, 2, 3], "b": ["x", "y"]}
    trials = draw_trials(space, 200)
    assert trials == draw_trials(space, 200)
    assert trials[:5] == draw_trials(space, 5)
    counts = pd.DataFrame(trials).value_counts()
    assert len(counts) == 6
    assert counts.min() > 15  # 33 expected of each pair


def test_every_algorithm_gets_as_many_trials():
    suite = trial_suite(SUITE, {"trpo": {"max_kl": [0.01]}, "reinforce": {"discount": [0.9]}}, 3)
    assert list(suite.algorithms) == [f"{name}#{n}" for name in ("trpo", "reinforce") for n in range(3)]
    assert suite.algorithms["trpo#1"].reference == "trpo"
    assert suite.options("trpo#1", "A-v0") == {"num_envs": 4, "max_kl": 0.01}
    assert suite.options("trpo#1", "B-v0") == {"num_envs": 4, "max_kl": 0.01, "discount": 0.9}


def test_a_space_for_an_algorithm_that_is_not_there():
    with pytest.raises(UsageError, match=r"'dqn' is not in suite mine: it has trpo, reinforce"):
        trial_suite(SUITE, {"dqn": {}}, 1)


def results(*rows):
    return pd.DataFrame(
        [(*row[:4], row[4], row[4] * 100, row[5:] == ("diverged",)) for row in rows],
        columns=["algorithm", "env", "seed", "env_steps", "score", "return_mean", "diverged"],
    )


def test_the_ranking_takes_the_last_checkpoint_of_every_environment():
    ranked = ranking(
        results(
            ("trpo#0", "A-v0", 0, 5, 1.0),  # its best is not its last
            ("trpo#0", "A-v0", 0, 10, 0.2),
            ("trpo#0", "B-v0", 0, 10, 7.0),  # clipped to 1
            ("trpo#1", "A-v0", 0, 10, 0.8),
            ("trpo#1", "B-v0", 0, 10, 0.6),
            ("trpo#2", "A-v0", 0, 10, 0.9),  # better, but out after one round
        )
    )
    assert list(ranked.index) == ["trpo#1", "trpo#0", "trpo#2"]
    assert ranked.score.round(3).tolist() == [0.7, 0.6, 0.9]
    assert ranked.rounds.tolist() == [2, 2, 1]
    assert ranked.loc["trpo#0", "A-v0"] == 20  # the mean return


def test_a_run_that_diverged_on_the_way_counts_as_the_worst():
    ranked = ranking(
        results(
            ("trpo#0", "A-v0", 0, 5, 0.5),
            ("trpo#0", "A-v0", 0, 10, 0.8),
            ("trpo#0", "A-v0", 1, 5, 0.9, "diverged"),
        )
    )
    assert ranked.score.round(3).tolist() == [-0.1]


def test_the_better_half_goes_on_rounded_up():
    scores = {"trpo#0": 0.1, "trpo#1": 0.5, "trpo#2": 0.3, "reinforce#0": 0.0, "reinforce#1": 0.9}
    ranked = ranking(results(*((name, "A-v0", 0, 10, score) for name, score in scores.items())))
    assert better_half(ranked) == ["reinforce#1", "trpo#1", "trpo#2"]
    second = results(
        ("trpo#1", "B-v0", 0, 10, 0.0), ("trpo#2", "B-v0", 0, 10, 1.0), ("reinforce#1", "B-v0", 0, 10, 0.0)
    )
    first = results(*((name, "A-v0", 0, 10, score) for name, score in scores.items()))
    assert better_half(ranking(pd.concat([first, second]))) == ["reinforce#1", "trpo#2"]


def test_a_search_for_one_algorithm_leaves_the_others_alone(tmp_path):
    spaces = {"trpo": {"max_kl": [0.01]}, "ppo": {"epochs": [4]}}
    assert chosen_spaces(spaces, ["ppo"]) == {"ppo": {"epochs": [4]}}
    assert chosen_spaces(spaces, None) == spaces
    with pytest.raises(UsageError, match=r"'dqn' has no search space: those that have are trpo, ppo"):
        chosen_spaces(spaces, ["dqn"])

    file = tmp_path / "space.csv"
    rows = ("algorithm,of,rounds,score,max_kl", "reinforce#0,reinforce,1,0.10,", "trpo#1,trpo,2,0.9,0.01")
    file.write_text("\n".join([*rows, ""]))
    found = pd.DataFrame({"of": ["ppo"], "rounds": [2], "score": [0.5], "epochs": [4]}, index=["ppo#0"])
    for _ in range(2):  # what was found before is replaced
        with_others(found, file).to_csv(file)
    assert file.read_text().splitlines() == [
        "algorithm,of,rounds,score,max_kl,epochs",
        "ppo#0,ppo,2,0.5,,4",
        "reinforce#0,reinforce,1,0.10,,",
        "trpo#1,trpo,2,0.9,0.01,",
    ]
