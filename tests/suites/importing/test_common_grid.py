"""`import --grid common`: runs that were evaluated at other steps, read at common ones."""

import numpy as np
import pytest

from pgsuite.errors import UsageError
from pgsuite.results import gather, load
from pgsuite.suites.importing.request import ImportRequest, import_results


def csv(path, algorithm, *steps, env="Own-v0", seeds=2):
    """The return at every step is the step."""
    rows = [f"{algorithm},{env},{seed},{step},{step + seed}" for seed in range(seeds) for step in steps]
    path.write_text("\n".join(["algorithm,env,seed,env_steps,return", *rows]) + "\n")
    return path


def bring(paths, out, **options):
    return import_results(ImportRequest(paths=tuple(paths), **options), out)


@pytest.fixture
def files(tmp_path):
    """Evaluated every 1000 steps, in 1 environment and in 8."""
    a = csv(tmp_path / "a.csv", "a", 0, 1000, 2000, 3000)
    return a, csv(tmp_path / "b.csv", "b", 1008, 2016, 3024)


def test_other_steps_are_refused_with_the_first_and_the_way_out(files, tmp_path):
    with pytest.raises(
        UsageError, match=r"point at 1008 .* has one at 0; put them on a common grid with --grid common"
    ):
        bring(files, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_each_is_read_at_its_last_point_up_to_a_common_one(files, tmp_path):
    imported = bring(files, tmp_path / "out", grid="common")
    frame = load(tmp_path / "out").set_index(["algorithm", "seed"])
    assert frame.loc[("a", 0), "env_steps"].to_list() == [1008, 2016, 3024]
    assert frame.loc[("a", 0), "return_mean"].to_list() == [1000, 2000, 3000]
    assert frame.loc[("a", 0), "trained_steps"].to_list() == [1000, 2000, 3000]
    assert frame.loc[("b", 1), "return_mean"].to_list() == [1009, 2017, 3025]
    assert set(frame["status"]) == {"complete"}
    assert gather([tmp_path / "out"]).whole
    assert "Own-v0 is compared at 3 common points from 1,008 to 3,024 steps, because a seed 0 has" in imported.notes[0]
    assert imported.notes[0].endswith("What was evaluated before training is left out, as not everybody was.")


def test_runs_of_one_grid_are_left_as_they_are(tmp_path):
    path = csv(tmp_path / "a.csv", "a", 0, 10, 20)
    plain, common = (bring([path], tmp_path / name, grid=name) for name in ("same", "common"))
    assert plain.notes == common.notes
    assert plain.cells[0].fingerprint == common.cells[0].fingerprint


def test_like_puts_them_on_the_grid_of_other_results(files, tmp_path):
    bring([files[0]], tmp_path / "ours")
    with pytest.raises(UsageError, match=r"1008 where .* has 0; put it on that grid with --grid common"):
        bring([files[1]], tmp_path / "theirs", like=tmp_path / "ours")
    late = csv(tmp_path / "late.csv", "b", 999, 1998, 2997)
    bring([late], tmp_path / "theirs", like=tmp_path / "ours", grid="common")
    frame = load(tmp_path / "theirs")
    run = frame[frame["seed"] == 0]
    assert run["env_steps"].to_list() == [1000, 2000, 3000]  # nothing at 0, where it was not evaluated
    assert run["return_mean"].to_list() == [999, 1998, 2997]
    assert set(run["status"]) == {"complete"}
    short = csv(tmp_path / "short.csv", "c", 999, 1998)
    bring([short], tmp_path / "more", like=tmp_path / "ours", grid="common")
    assert set(load(tmp_path / "more")["status"]) == {"partial"}


def test_training_episodes_are_cut_to_the_shortest_run(tmp_path):
    for name, episodes in (("seed-0", 30), ("seed-1", 20)):
        (tmp_path / name).mkdir()
        rows = [f"{k},10,{k}" for k in range(episodes)]
        text = "\n".join(['#{"t_start": 0.0, "env_id": "Own-v0"}', "r,l,t", *rows]) + "\n"
        (tmp_path / name / "0.monitor.csv").write_text(text)
    bring([tmp_path], tmp_path / "out", algorithm="ppo", checkpoints=4, grid="common")
    frame = load(tmp_path / "out")
    assert set(frame["status"]) == {"complete"}
    assert frame.groupby("seed")["env_steps"].max().to_list() == [200, 200]


def test_a_folder_takes_other_steps_where_they_are_declared(files, tmp_path):
    bring([files[0]], tmp_path / "out")
    with pytest.raises(UsageError, match=r"differs, .*--grid common"):
        bring([files[1]], tmp_path / "out")
    bring([files[1]], tmp_path / "out", grid="common")
    assert np.isclose(load(tmp_path / "out").groupby("algorithm")["env_steps"].max()["b"], 3024)
