"""`pgsuite replay`."""

import json

import pytest
from PIL import Image


@pytest.fixture(scope="module")
def results(place, tmp_path_factory):
    from pgsuite.suites.planning import plan_cells
    from pgsuite.suites.running import run_cells
    from pgsuite.suites.schema import parse_suite

    out = tmp_path_factory.mktemp("replayed") / "small"
    suite = {
        "name": "small",
        "description": "of the test",
        "seeds": "0-1",
        "evaluation": {"checkpoints": 1, "episodes": 2},
        "environments": {"CartPole-v1": {"steps": 100}},
        "algorithms": {"reinforce": {"num_envs": 2}},
    }
    run_cells(plan_cells(parse_suite(suite, "test"), out), out, workers=1)
    return out


def test_it_says_that_the_evaluation_is_the_recorded_one_and_draws_it(results, pgsuite, tmp_path):
    code, out, err = pgsuite("replay", str(results), "--seed", "1", "--episode", "1", "-o", str(tmp_path / "x.gif"))
    assert (code, err) == (0, "")
    assert "reinforce on CartPole-v1, seed 1, checkpoint 1 (100 steps): 2 episodes" in out
    assert "bit-equal to the recorded evaluation" in out
    steps = int(out.split("episode 1 of the evaluation, ")[1].split(" steps")[0])
    with Image.open(tmp_path / "x.gif") as gif:
        # Two pictures that are alike are one that lasts.
        assert sum(gif.seek(n) or gif.info["duration"] for n in range(gif.n_frames)) == 20 * (steps + 1)


def test_another_result_is_exit_code_1_with_reasons(results, pgsuite, tmp_path):
    import shutil

    from pgsuite.results import CellStore
    from pgsuite.results.store.curve import curve_rows
    from pgsuite.results.store.digest import sealed_table

    folder = tmp_path / "copy"
    shutil.copytree(results, folder)
    store = CellStore.open(next(folder.glob("reinforce*")))
    frame, facts = store.read_curve(0)
    rows = [row._replace(return_mean=row.return_mean + 1e-13) for row in curve_rows(frame)]
    store.write_curve(0, rows, facts)
    record = json.loads((store.path / "cell.json").read_text())
    record["versions"]["numpy"] = "1.26.0"
    (store.path / "cell.json").write_text(json.dumps(sealed_table(record)))
    code, out, err = pgsuite("replay", str(folder))
    assert code == 1
    assert "bit-equal" not in out
    assert err.count("\n") == 1
    for part in ("differs", "return_mean", "numpy was 1.26.0, is"):
        assert part in err


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--seed", "9"], ["no policy of seed 9", "0, 1"]),
        (["--episode", "2", "-o", "x.gif"], ["--episode 2", "0 to 1"]),
        (["-o", "x.avi"], ["x.avi", ".gif or .mp4"]),
        (["--checkpoint", "first"], ["--checkpoint first", "last"]),
        (["-a", "trpo"], ["0 such cells: choose one with -a and -e among reinforce on CartPole-v1"]),
    ],
    ids=lambda value: " ".join(value) if value[0].startswith("-") else "",
)
def test_a_wrong_request_is_one_line_and_exit_code_2(arguments, parts, results, pgsuite):
    code, _, err = pgsuite("replay", str(results), *arguments)
    assert (code, err.count("\n")) == (2, 1)
    for part in parts:
        assert part in err


def test_imported_results_have_no_policies(place, pgsuite, tmp_path):
    (tmp_path / "mine.csv").write_text(
        "algorithm,env,seed,env_steps,return\nm,CartPole-v1,0,0,1\nm,CartPole-v1,0,9,2\n"
    )
    assert pgsuite("import", str(tmp_path / "mine.csv"), "-o", str(tmp_path / "out"))[0] == 0
    code, _, err = pgsuite("replay", str(tmp_path / "out"))
    assert code == 2
    assert "was imported, without policies" in err


def test_naming_an_algorithm_imports_nothing_from_the_working_folder(results, tmp_path):
    """It may be a stranger's: a file there must not stand in for a module that is imported later."""
    import subprocess
    import sys

    (tmp_path / "PIL.py").write_text("raise SystemExit('the stranger ran')")
    start = "import sys; from pgsuite import cli; sys.argv = ['pgsuite', *sys.argv[1:]]; cli.main()"
    arguments = ["replay", str(results), "-a", "reinforce", "-e", "CartPole-v1", "-o", str(tmp_path / "x.gif")]
    done = subprocess.run(
        [sys.executable, "-P", "-c", start, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "x.gif").exists()


def test_how_code_is_allowed_is_spelt_as_options(results, pgsuite, tmp_path):
    import shutil

    from pgsuite.results.store.digest import sealed_table

    folder = tmp_path / "copy"
    shutil.copytree(results, folder)
    file = next(folder.glob("reinforce*")) / "cell.json"
    record = json.loads(file.read_text())
    file.write_text(json.dumps(sealed_table(record | {"reference": "mine:Mine"})))
    code, _, err = pgsuite("replay", str(folder))
    assert code == 2
    assert "if it is yours, give it with -a, or allow all that the folder names with --trust" in err
