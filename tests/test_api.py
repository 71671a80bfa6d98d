"""What `import pgsuite` offers: the same jobs as the command line, from scripts, prompts and notebooks."""

import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes

import pgsuite
from pgsuite.algorithms import Reinforce
from pgsuite.errors import UsageError
from pgsuite.suites.replay.policies import find_cell, open_policy
from pgsuite.suites.replay.replay import episode

SCRIPT = """
import sys
import pgsuite

print("once")
ran = pgsuite.run(
    "quick", algorithms="reinforce", environments="CartPole-v1", seeds=range(2), steps=400, out=sys.argv[1],
    tensorboard=True,
)
assert ran.ok, str(ran)
print(ran)
"""


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """Results of a script at whose top level, without a guard, `pgsuite.run` stands."""
    place = tmp_path_factory.mktemp("script")
    (place / "script.py").write_text(SCRIPT)
    command = [sys.executable, "script.py", "results"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("once\nreinforce has an IQM")
    assert done.stdout.count("once") == 1
    assert "2 to do" in done.stderr
    return place / "results"


def test_every_name_is_there_and_described():
    for name in dir(pgsuite):
        assert getattr(pgsuite, name).__doc__, name
    with pytest.raises(AttributeError, match=r"pgsuite.*nothing"):
        pgsuite.nothing  # noqa: B018


def test_what_a_type_checker_sees_is_what_there_is():
    for name, home in pgsuite._HOMES.items():
        module, _, attribute = home.partition(":")
        assert f"    from {module.replace('pgsuite', '', 1)} import {attribute} as {name}" in SOURCE
    assert SOURCE.count(" as ") == len(pgsuite._HOMES)


SOURCE = Path(pgsuite.__file__).read_text()


def test_a_run_again_does_nothing_and_tells_what_there_is(out, capsys):
    ran = pgsuite.run(
        "quick", algorithms=["reinforce"], environments=["CartPole-v1"], seeds="0-1", steps=400, out=out, progress=False
    )
    assert capsys.readouterr() == ("", "")
    assert ran.ok
    assert ran.out == out
    assert set(ran.frame["seed"]) == {0, 1}
    assert "All 2 runs that were asked for are complete." in ran._repr_html_()
    assert "<td" in ran._repr_html_()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: pgsuite.run("quik"), "did you mean 'quick'"),
        (lambda: pgsuite.run("quick", algorithms="trop"), "did you mean 'trpo'"),
        (lambda: pgsuite.run("quick", environments="CartPole"), "did you mean 'CartPole-v1'"),
        (lambda: pgsuite.run("quick", seeds="3-1"), "upwards"),
        (lambda: pgsuite.run("quick", seeds=[0.5]), "0.5"),
        (lambda: pgsuite.run("quick", seeds=5), r"range\(5\)"),
        (lambda: pgsuite.compare("nowhere"), "nowhere"),
        (lambda: pgsuite.load("nowhere"), "nowhere"),
        (lambda: pgsuite.plan("nowhere", drop="much"), "'much'"),
        (lambda: pgsuite.report(["nowhere"], "out"), "nowhere"),
        (lambda: pgsuite.load_policy("nowhere"), "nowhere"),
        (lambda: pgsuite.audit(models="chian"), "unknown model 'chian'"),
    ],
)
def test_errors_are_those_of_the_command_line(call, says):
    with pytest.raises(pgsuite.UsageError, match=says):
        call()


def test_event_files_are_written_while_it_runs(out, tmp_path):
    from pgsuite.reports.exports import export_tensorboard

    export_tensorboard(pgsuite.load(out), tmp_path)
    exported = {file.relative_to(tmp_path): file.read_bytes() for file in tmp_path.rglob("*tfevents*")}
    live = out / "tensorboard"
    assert {file.relative_to(live): file.read_bytes() for file in live.rglob("*tfevents*")} == exported
    assert len(exported) == 2


def test_finished_runs_get_event_files_too(out, tmp_path):
    pgsuite.run(
        "quick", algorithms="reinforce", environments="CartPole-v1", seeds="0-1", steps=400, out=out, progress=False,
        tensorboard=tmp_path,
    )  # fmt: skip
    for file in tmp_path.rglob("*tfevents*"):
        assert file.read_bytes() == (out / "tensorboard" / file.relative_to(tmp_path)).read_bytes()
    assert len([*tmp_path.rglob("*tfevents*")]) == 2


def test_a_class_stands_for_its_address_unless_no_worker_could_import_it(out):
    ran = pgsuite.run(
        "quick", algorithms=Reinforce, environments="CartPole-v1", seeds=[0], steps=400, out=out.parent / "class",
        progress=False,
    )  # fmt: skip
    assert set(ran.frame["algorithm"]) == {"Reinforce"}
    local = type("Local", (Reinforce,), {"__module__": "__main__", "__qualname__": "Local"})
    with pytest.raises(pgsuite.UsageError, match=r"'file.py:Local'"):
        pgsuite.run("quick", algorithms=local)


def test_code_that_was_edited_meanwhile_is_not_run_as_it_was(tmp_path, monkeypatch):
    """Modules stay as they were imported, in this process and in the one that workers are forked from."""
    from pgsuite.suites import running

    monkeypatch.setattr(running, "run_cells", lambda *_, **__: running.Outcome([]))
    mine = tmp_path / "mine.py"
    mine.write_text("from pgsuite.algorithms import Reinforce\n\n\nclass Mine(Reinforce):\n    pass\n")
    options = {"algorithms": f"{mine}:Mine", "environments": "CartPole-v1", "out": tmp_path}
    assert pgsuite.run("quick", **options).ok
    assert pgsuite.run("quick", **options).ok
    mine.write_text(mine.read_text() + "\n    def plan(self, state):\n        return super().plan(state)\n")
    with pytest.raises(pgsuite.UsageError, match="has changed since this Python imported it: restart"):
        pgsuite.run("quick", **options)


def test_compared_has_tables_and_figures(out):
    compared = pgsuite.compare(out)
    assert compared.ok
    assert str(compared).startswith("reinforce has an IQM")
    assert {"label", "estimate", "low", "high"} <= {*compared.leaderboard}
    assert len(compared.frame) == len(pgsuite.load(out))
    (axes,) = compared.plot_curves("CartPole-v1")
    assert isinstance(axes, Axes)
    assert axes.figure in map(pyplot.figure, pyplot.get_fignums())  # so that a notebook shows it
    line = axes.get_lines()[0]
    means = pgsuite.load(out).groupby("env_steps")["return_mean"].mean()
    np.testing.assert_allclose(line.get_ydata(), means)
    assert len(compared.plot_aggregates()) == 4
    with pytest.raises(pgsuite.UsageError, match="there are CartPole-v1"):
        compared.plot_curves("Pole")
    with pytest.raises(pgsuite.UsageError, match="final or auc"):
        compared.plot_improvement("mean")
    pyplot.close("all")


def test_names_in_html_are_text(tmp_path, out):
    from pgsuite.reports.notebook import show

    shown = pgsuite.compare(out)._repr_html_() + show("<script>", ["a & b"], ())
    assert "&lt;script&gt;" in shown
    assert "<script" not in shown
    assert "a &amp; b" in shown


def test_a_plan_and_a_report(out, tmp_path):
    plan = pgsuite.plan(out, drop=0.5)
    assert plan.frame["needed"].notna().any()
    assert "50%" in plan._repr_html_()
    files = pgsuite.report([out], tmp_path / "report")
    assert files.page.is_file()
    assert "report.html" in files._repr_html_()


def test_a_policy_acts_as_it_was_evaluated(out):
    """The oracle is an evaluation of the mode, which compiled code plays."""
    policy = pgsuite.load_policy(out, algorithm="reinforce", env="CartPole-v1", seed=1)
    assert "reinforce on CartPole-v1, seed 1" in repr(policy)
    stored = open_policy(find_cell(out, "reinforce", "CartPole-v1"), 1)
    mode = replace(stored, protocol=replace(stored.protocol, deterministic=True))
    played = episode(mode, 0)
    seen = played.observation[: len(played.action)]
    assert policy(seen, deterministic=True).tolist() == played.action.tolist()
    assert [int(policy(one, deterministic=True)) for one in seen] == played.action.tolist()


def test_a_policy_draws_the_same_actions_from_the_same_seed(out):
    policy = pgsuite.load_policy(out, seed=1, noise_seed=3)
    first = [int(policy(np.zeros(4))) for _ in range(30)]
    assert set(first) == {0, 1}  # almost untrained
    policy.reseed(3)
    assert [int(policy(np.zeros(4))) for _ in range(30)] == first


def test_a_policy_acts_in_gymnasium(out):
    policy = pgsuite.load_policy(out, seed=0)
    env = gymnasium.make("CartPole-v1")
    observation, _ = env.reset(seed=0)
    assert env.action_space.contains(policy(observation))
    assert policy(np.stack([observation] * 3)).shape == (3,)
    with pytest.raises(pgsuite.UsageError, match=r"takes no such observation: it has the shape \(3,\), not \(4,\)"):
        policy(observation[:3])
    env.close()


def test_no_run_of_that_seed_is_an_error(out):
    with pytest.raises(pgsuite.UsageError, match="no policy of seed 9"):
        pgsuite.load_policy(out, seed=9)


def test_an_audit_is_shown_and_written(tmp_path):
    found = pgsuite.audit("reinforce", "chain", batches=100, workers=1, progress=False)
    assert found.ok
    assert "reinforce" in str(found)
    assert "chain" in found._repr_html_()
    assert len(found.cases)
    assert found.write(tmp_path / "audit.json").is_file()


def test_the_version_is_that_of_the_package():
    settings = tomllib.loads((Path(pgsuite.__file__).parent / "pyproject.toml").read_text())
    assert pgsuite.__version__ == settings["project"]["version"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"workers": -3}, "workers=-3: give a whole number of at least 1"),
        ({"workers": 0}, "workers=0"),
        ({"steps": "x"}, "steps='x'"),
        ({"algorithms": 3}, "algorithms=3: give a name"),
        ({"environments": 3}, "3 is no name"),
        ({"seeds": 3}, "seeds=3"),
    ],
)
def test_arguments_that_cannot_be_are_refused_before_anything_runs(arguments, words, tmp_path):
    with pytest.raises(UsageError, match=re.escape(words)):
        pgsuite.run("quick", out=tmp_path, **arguments)
    assert not list(tmp_path.iterdir())


def test_an_audit_of_no_batches_is_refused():
    with pytest.raises(UsageError, match="batches=-1: give a whole number of at least 100"):
        pgsuite.audit(batches=-1)
