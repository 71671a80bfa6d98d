"""What comes with an extra: where it is not installed, one line says how to install it, with exit code 2."""

import os
import sys

import pytest

from pgsuite.suites.planning import plan_cells
from pgsuite.suites.schema import load_suite

GYMNASIUM = """
[environments."LunarLander-v3"]
backend = "gymnasium"
steps = 40
[environments."Humanoid-v5"]
steps = 40
"""


class Without:
    """An importer that finds what another one finds, but for some packages."""

    def __init__(self, finder, packages):
        self.finder, self.packages = finder, packages

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in self.packages else self.finder.find_spec(name, path, target)


@pytest.fixture
def hide(monkeypatch):
    """Let packages look as if they were not installed."""

    def hide(*packages):
        for module in list(sys.modules):
            if module.partition(".")[0] in packages:
                monkeypatch.delitem(sys.modules, module)
        monkeypatch.setattr(sys, "meta_path", [Without(finder, packages) for finder in sys.meta_path])

    return hide


def is_missing(extra, result):
    code, out, err = result
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"pip install 'pgsuite[{extra}]'" in err
    return True


@pytest.mark.parametrize(
    ("extra", "arguments"),
    [
        ("box2d", ["run", "box2d", "--seeds", "0", "--steps", "40"]),
        ("mujoco", ["run", "mujoco", "--seeds", "0", "--steps", "40"]),
        ("mujoco", ["run", "quick", "-e", "CartPole-v1", "-e", "Hopper-v5", "--seeds", "0", "--steps", "40"]),
        ("mujoco", ["anchors", "Ant-v5", "--episodes", "2"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_runs_on_envpool_is_refused_before_anything_is_run(extra, arguments, pgsuite, hide, place):
    hide("envpool")
    assert is_missing(extra, pgsuite(*arguments))
    assert not (place / "runs").exists()


def test_event_files_of_a_run_are_refused_before_anything_is_run(pgsuite, hide, tmp_path):
    hide("tensorboard")
    command = ["run", "quick", "-a", "trpo", "-e", "CartPole-v1", "--steps", "40", "--out", str(tmp_path / "out")]
    assert is_missing("tensorboard", pgsuite(*command, "--tensorboard"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("suite", ["quick", "classic", "probes"])
def test_suites_that_need_no_extra(suite, hide, tmp_path):
    hide("envpool", "mujoco", "Box2D", "pygame")
    cells = plan_cells(load_suite(suite), tmp_path)
    assert {cell.record["environment"]["backend"] for cell in cells} <= {"compiled", "gymnasium", "numpy"}


@pytest.mark.parametrize(
    ("extra", "package", "env"), [("box2d", "Box2D", "LunarLander-v3"), ("mujoco", "mujoco", "Humanoid-v5")]
)
def test_environments_of_gymnasium(extra, package, env, start, place, tmp_path):
    """In a process of its own, because Gymnasium remembers what it could import."""
    suite = (place / "mine.toml").read_text() + GYMNASIUM
    (tmp_path / "own.toml").write_text(suite)
    (tmp_path / f"{package}.py").write_text(f"raise ModuleNotFoundError('no {package}', name={package!r})")
    way = os.pathsep.join([str(tmp_path), str(place), *sys.path])
    process = start("run", str(tmp_path / "own.toml"), "-e", env, "--out", str(tmp_path / "out"), PYTHONPATH=way)
    out, err = process.communicate(timeout=60)
    assert is_missing(extra, (process.returncode, out, err))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("extra", "arguments"),
    [
        ("tensorboard", ["--tensorboard"]),
        ("wandb", ["--wandb", "mine"]),
        ("mlflow", ["--mlflow", "sqlite:///mlflow.db"]),
    ],
)
def test_exports(extra, arguments, csv, pgsuite, hide, tmp_path):
    hide(extra)
    pgsuite("import", csv, "-o", str(tmp_path / "out"))
    code, _, err = pgsuite("report", str(tmp_path / "out"), *arguments)
    assert code == 2
    assert err.count("\n") == 1
    assert err.endswith(f"pip install 'pgsuite[{extra}]'\n")


@pytest.mark.parametrize("on", ["ray", "ray://head:10001"])
def test_a_cluster_is_refused_before_anything_is_run(on, pgsuite, hide, tmp_path):
    hide("ray")
    assert is_missing("ray", pgsuite("run", "quick", "--on", on, "--out", str(tmp_path / "out")))
    assert not (tmp_path / "out").exists()


def test_an_mp4(pgsuite, hide):
    hide("imageio_ffmpeg")
    assert is_missing("video", pgsuite("replay", "nowhere", "-o", "episode.mp4"))
