"""The search: seeds that nobody reports, the same trials whoever finishes first, and a kill changes nothing."""

import re
from itertools import count

import optuna
import pytest
from rich.console import Console

from pgsuite.errors import UsageError
from pgsuite.results.tuned import Measured
from pgsuite.suites.tuning import search as module
from pgsuite.suites.tuning.measuring import Unmeasured
from pgsuite.suites.tuning.search import Request, Search
from pgsuite.suites.tuning.study import FILE, AlgorithmStudy

SUITE = """
name = "mine"
description = ""
seeds = "0-9"
[environments."CartPole-v1"]
steps = 400
[environments."Acrobot-v1"]
steps = 400
[algorithms.reinforce]
num_envs = 2
[algorithms.trpo]
"""
SPACES = """
[reinforce]
learning_rate = { low = 0.001, high = 0.1, log = true }
state_weighting = ["undiscounted", "discounted"]
[trpo]
max_kl = true
num_steps = [32, 64]
"""
CONSOLE = Console(quiet=True)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuning")
    (folder / "mine.toml").write_text(SUITE)
    (folder / "spaces.toml").write_text(SPACES)
    return folder


@pytest.fixture
def asked(place, tmp_path):
    def make(**changes):
        given = {
            "suite": str(place / "mine.toml"),
            "out": tmp_path / "out",
            "spaces": place / "spaces.toml",
            "trials": 6,
            "bracket": 3,
            "finalists": 2,
            "seeds_per_trial": 2,
            "final_seeds": 3,
        }
        return Request(**{**given, **changes})

    return make


def pretend(task, **_):
    """A world in which trials are as good as their hyperparameters say, and one of them always fails."""
    found = {}
    for name, table in task.suite.algorithms.items():
        options = table.model_extra
        worth = options.get("learning_rate", 0.0) + options.get("max_kl", 0.0) + 0.1 * len(name)
        failure = "no luck" if name == "trpo#1" else ""
        scores = tuple(-1.0 if failure else worth + seed / 1e4 for seed in task.seeds)
        found[name] = [
            Measured(stage.environment, stage.steps, scores, worth, None if failure else 100 * worth, failure)
            for stage in task.stages
        ]
    return found


def killed_after(calls, monkeypatch):
    """Let the search die at its n-th step of any kind: between results that are kept, and between draws."""
    steps = count(1)

    def dying(function):
        def wrapped(*args, **options):
            done = function(*args, **options)
            if next(steps) == calls:
                raise KeyboardInterrupt
            return done

        return wrapped

    monkeypatch.setattr(module, "measure", dying(pretend))
    for name in ("record", "report", "end", "_drawn", "record_finals"):
        monkeypatch.setattr(AlgorithmStudy, name, dying(getattr(AlgorithmStudy, name)))


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_search_that_is_killed_anywhere_ends_as_one_that_is_not(sampler, asked, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(module, "measure", pretend)
        small = {"sampler": sampler, "algorithms": ("trpo",), "trials": 4, "bracket": 2}
        straight = Search(asked(**small, out=tmp_path / "straight")).carry_out(workers=1, console=CONSOLE)
    search = Search(asked(**small))
    kills, done = 0, None
    while done is None:
        with monkeypatch.context() as patch:
            killed_after(5 * (kills + 1), patch)  # steps that were taken before are gone through again
            try:
                done = search.carry_out(workers=1, console=CONSOLE)
            except KeyboardInterrupt:
                kills += 1
    assert kills >= 4
    assert done == straight


def test_what_the_search_leaves(asked, monkeypatch):
    monkeypatch.setattr(module, "measure", pretend)
    search = Search(asked())
    tuned = search.carry_out(workers=1, console=CONSOLE)
    assert tuned.algorithms == ("reinforce", "trpo")
    assert [rung.trials for rung in tuned.effort] == [6, 4, 2, 2, 2, 2]
    for name in tuned.algorithms:
        own = [trial for trial in tuned.trials if trial.algorithm == name]
        rate = "learning_rate" if name == "reinforce" else "max_kl"
        assert tuned.chosen(name) == max((one for one in own if not one.failures), key=lambda one: one.settings[rate])
        assert [len(trial.finals) for trial in own].count(2) == 2  # both environments, for two finalists
        assert not any(trial.finals for trial in own if len(trial.measured) < 4)
    assert tuned.trials[7].failures == ("no luck",)  # told, and the search went on

    study = optuna.load_study(study_name="trpo", storage=f"sqlite:///{search.request.out / FILE}")
    states = [trial.state.name for trial in study.trials]
    assert states.count("COMPLETE") == 2
    assert states.count("PRUNED") == 4
    assert study.trials[1].intermediate_values == {0: -1.0}
    assert (
        study.best_trial.number
        == max((trial for trial in study.trials if trial.number != 1), key=lambda trial: trial.params["max_kl"]).number
    )

    written = search.write_suite(tuned)
    assert written.name == "mine-tuned.toml"
    assert "1000-1004" in written.read_text()


def test_a_sampler_that_learns_differs_from_chance_after_its_first_bracket(asked, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "measure", pretend)
    drawn = {}
    for sampler in ("random", "tpe", "gp"):
        request = asked(sampler=sampler, algorithms=("reinforce",), out=tmp_path / sampler)
        tuned = Search(request).carry_out(workers=1, console=CONSOLE)
        drawn[sampler] = [trial.settings for trial in tuned.trials]
    assert drawn["random"][:3] == drawn["tpe"][:3] == drawn["gp"][:3]
    assert drawn["random"][3:] != drawn["tpe"][3:] != drawn["gp"][3:] != drawn["random"][3:]


def test_another_search_in_the_same_folder_is_refused(asked, monkeypatch):
    monkeypatch.setattr(module, "measure", pretend)
    Search(asked()).carry_out(workers=1, console=CONSOLE)
    with pytest.raises(UsageError, match="begun with other schedule: go on with the same command, or choose another"):
        Search(asked(trials=7)).carry_out(workers=1, console=CONSOLE)
    with pytest.raises(UsageError, match="begun with other sampler"):
        Search(asked(sampler="tpe")).carry_out(workers=1, console=CONSOLE)


SMALL = {"algorithms": ("trpo",), "trials": 2, "bracket": 2}


def test_scores_are_made_with_the_same_anchors_throughout(asked, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "measure", pretend)
    suite = tmp_path / "mine.toml"
    suite.write_text(SUITE)
    Search(asked(suite=str(suite), **SMALL)).carry_out(workers=1, console=CONSOLE)
    anchors = "anchors = { random = 0, reference = 90, source = 'measured' }"
    suite.write_text(SUITE.replace("steps = 400", f"steps = 400\n{anchors}", 1))
    with pytest.raises(UsageError, match="begun with other score anchors: go on with the same command"):
        Search(asked(suite=str(suite), **SMALL)).carry_out(workers=1, console=CONSOLE)


def test_a_trial_that_cannot_be_measured_now_is_tried_again_and_the_others_are_not(asked, tmp_path, monkeypatch):
    tried, trouble = [], ["rung-1", "finals"]

    def measured(given, **_):
        found = pretend(given)
        tried.append((given.folder.name, len(found)))
        if given.folder.name in trouble:
            trouble.remove(given.folder.name)
            del found[next(iter(found))]
            raise Unmeasured({"one": "killed"}, found)
        return found

    monkeypatch.setattr(module, "measure", pretend)
    straight = Search(asked(**SMALL, out=tmp_path / "straight")).carry_out(workers=1, console=CONSOLE)
    monkeypatch.setattr(module, "measure", measured)
    search = Search(asked(**SMALL))
    for _ in range(2):
        with pytest.raises(Unmeasured, match=r"one cannot be measured, .*: killed"):
            search.carry_out(workers=1, console=CONSOLE)
    assert search.carry_out(workers=1, console=CONSOLE) == straight
    assert tried[:2] == [("rung-1", 2), ("rung-1", 1)]
    assert tried[-2:] == [("finals", 2), ("finals", 2)], "of one algorithm they are kept together"


def test_every_stage_runs_where_the_search_was_sent(asked, monkeypatch):
    """The finals, too."""
    sent = []
    monkeypatch.setattr(module, "measure", lambda task, *, on, mixed, **_: sent.append((on, mixed)) or pretend(task))
    Search(asked(on="ray", mixed=True)).carry_out(workers=None, console=CONSOLE)
    assert sent == [("ray", True)] * (2 * 4 + 1)
    with pytest.raises(UsageError, match=r"--on 'moon': give local, ray"):
        Search(asked(on="moon"))


def test_seeds_that_the_suite_reports_are_refused(asked):
    with pytest.raises(
        UsageError, match=r"would see seeds 8, 9, which suite mine reports: let it begin with others, --first-seed 10"
    ):
        Search(asked(first_seed=8))
    assert Search(asked(first_seed=10)).seeds == (10, 11, 12, 13, 14)


def test_finals_on_seeds_that_an_earlier_search_has_seen_are_refused(asked, place, tmp_path):
    suite = tmp_path / "mine.toml"
    suite.write_text((place / "mine.toml").read_text() + '\n[tuning]\nseeds = "1000-1003"\n')
    with pytest.raises(UsageError, match=r"an earlier search of suite mine has seen 1002, 1003; .*--first-seed 1004"):
        Search(asked(suite=str(suite), first_seed=1000))
    assert Search(asked(suite=str(suite), first_seed=1004)).seeds[0] == 1004


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("num_steps", "num_stepps", "'trpo' has no option 'num_stepps': did you mean 'num_steps'?"),
        ("[trpo]", "[dqn]", "'dqn' is not in suite mine: it has reinforce, trpo"),
    ],
)
def test_a_space_for_what_is_not_there(old, new, reason, asked, tmp_path):
    file = tmp_path / "spaces.toml"
    file.write_text(SPACES.replace(old, new))
    with pytest.raises(UsageError, match=re.escape(reason)):
        Search(asked(spaces=file))


def test_an_environment_where_one_cannot_act_or_without_anchors_is_refused(asked, tmp_path):
    suite = tmp_path / "suite.toml"
    suite.write_text(SUITE.replace("[algorithms.trpo]", "[algorithms.sb3-dqn]").replace("Acrobot-v1", "Pendulum-v1"))
    with pytest.raises(UsageError, match=r"sb3-dqn on Pendulum-v1 is not applicable: .*effort would not be the same"):
        Search(asked(suite=str(suite), spaces=None))
    suite.write_text(SUITE.replace("steps = 400", "steps = 400\noptions = { max_episode_steps = 7 }", 1))
    with pytest.raises(UsageError, match=r"environment CartPole-v1 has no score anchors, and trials are ranked"):
        Search(asked(suite=str(suite)))


@pytest.mark.parametrize(("shares", "written"), [((0.5,), "0.5"), ((1.0, 0.5), "1,0.5"), ((0.0, 1.0), "0,1"), ((), "")])
def test_budgets_that_do_not_rise_to_the_whole(shares, written, asked):
    with pytest.raises(UsageError, match=rf"--budgets {written}: shares of the budget rise and end with 1"):
        asked(shares=shares)


def test_what_is_said_beforehand(asked):
    lines = Search(asked()).announcement
    assert lines[0].endswith("2 runs a trial on seeds 1000-1001, finals on 1002-1004")
    assert lines[2].split() == ["1", "CartPole-v1", "100", "6", "12", "1,200"]
    each = 12 * 100 + 8 * 100 + 4 * 400 + 4 * 400 + 2 * 6 * 400
    assert lines[-1] == f"every algorithm: {each:,} environment steps; 2 algorithms together {2 * each:,}"
