"""Monitor files of Stable-Baselines3."""

import numpy as np
import pytest

from pgsuite.errors import UsageError
from pgsuite.suites.importing.monitor import merge, read_monitor

HEADER = '#{"t_start": 100.0, "env_id": "CartPole-v1"}\n'
ROWS = "r,l,t\n5.0,5,1.0\n7.0,7,3.0\n"


def write(tmp_path, text, name="0.monitor.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_episodes_are_merged_by_the_time_they_finished(tmp_path):
    """Worked by hand: the second file began two seconds later, and its only episode ended between the other's."""
    one = read_monitor(write(tmp_path, HEADER + ROWS))
    other = read_monitor(write(tmp_path, HEADER.replace("100.0", "101.5") + "r,l,t\n9.0,9,0.5\n", "1.monitor.csv"))
    run = merge("ppo", "CartPole-v1", 0, [one, other])
    assert run.returns.tolist() == [5.0, 9.0, 7.0]
    assert run.env_steps.tolist() == [5, 14, 21]
    assert run.seconds.tolist() == [1.0, 2.0, 3.0]


def test_the_same_as_stable_baselines3_reads(tmp_path):
    load_results = pytest.importorskip("stable_baselines3.common.monitor").load_results
    random, monitors = np.random.default_rng(0), []
    for n in range(3):
        seconds = np.cumsum(random.uniform(0.1, 1, 40)).round(6)
        rows = "".join(f"{random.normal():.6f},{random.integers(1, 50)},{t}\n" for t in seconds)
        path = write(tmp_path, HEADER.replace("100.0", f"{100 + n / 3}") + "r,l,t\n" + rows, f"{n}.monitor.csv")
        monitors.append(read_monitor(path))
    theirs, ours = load_results(str(tmp_path)), merge("a", "e", 0, monitors)
    np.testing.assert_array_equal(theirs["r"], ours.returns)
    np.testing.assert_array_equal(theirs["l"].cumsum(), ours.env_steps)
    np.testing.assert_allclose(theirs["t"], ours.seconds, atol=1e-6)


def test_an_environment_that_does_not_know_its_id(tmp_path):
    assert read_monitor(write(tmp_path, HEADER.replace("CartPole-v1", "None") + ROWS)).env is None


PAST = "r,l,t\n10.0,10,1.0\n10.0,10,2.0\n"
THEN = "20.0,20,0.5\n20.0,20,1.5\n"


@pytest.mark.parametrize("between", ["", "r,l,t\n", HEADER + "r,l,t\n", HEADER.replace("100.0", "900.0") + "r,l,t\n"])
def test_a_resumed_run_goes_on_and_that_is_said(between, tmp_path):
    """Worked by hand: the second stretch begins when the first one's last episode had finished, two seconds in."""
    monitor = read_monitor(write(tmp_path, HEADER + PAST + between + THEN))
    run = merge("ppo", "CartPole-v1", 0, [monitor])
    assert run.returns.tolist() == [10, 10, 20, 20]
    assert run.env_steps.tolist() == [10, 20, 40, 60]
    assert run.seconds.tolist() == [1.0, 2.0, 2.5, 3.5]
    assert any("the clock begins again in line " in note and "resumed" in note for note in monitor.notes)


def test_parallel_environments_are_resumed_together(tmp_path):
    one = read_monitor(write(tmp_path, HEADER + PAST + THEN))
    other = read_monitor(write(tmp_path, HEADER + "r,l,t\n9.0,9,1.5\n8.0,8,1.0\n", "1.monitor.csv"))
    assert merge("ppo", "CartPole-v1", 0, [one, other]).returns.tolist() == [10, 9, 10, 20, 8, 20]


@pytest.mark.parametrize("end", ["9.0,9,4.", "9.0,9", "9", "9.0,9,04"])
def test_a_last_line_without_its_end_is_left_out(end, tmp_path):
    """Monitor ends every line, so that what has no end was being written, even if it looks like a number."""
    monitor = read_monitor(write(tmp_path, HEADER + ROWS + end))
    assert monitor.parts[0].returns.tolist() == [5.0, 7.0]
    assert "line 5, the last, was cut off" in monitor.notes[0]


def test_a_file_without_episodes(tmp_path):
    monitor = read_monitor(write(tmp_path, HEADER + "r,l,t\n"))
    assert (monitor.episodes, monitor.env) == (0, "CartPole-v1")
    assert "holds no finished episode" in monitor.notes[0]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (ROWS, ["line 1", "header of a monitor file"]),
        ("#{broken\n" + ROWS, ["line 1", "header of a monitor file"]),
        ("#[]\n" + ROWS, ["line 1"]),
        ('#{"t_start": NaN}\n' + ROWS, ["line 1"]),
        ("#" + "[" * 100_000 + "\n" + ROWS, ["line 1"]),
        (HEADER + ROWS.replace("r,l,t", "r,l,time"), ["line 2", "'t' is missing"]),
        (HEADER + ROWS.replace("7.0,7,3.0", "7.0,7"), ["line 4", "2 values"]),
        (HEADER + ROWS.replace("7,3.0", "0,3.0"), ["line 4, column l", "at least one step"]),
        (HEADER + ROWS.replace("7.0", "inf"), ["line 4, column r", "not finite"]),
        (HEADER, ["no header", "r,l,t"]),
    ],
)
def test_bad_input_names_file_line_column_and_remedy(text, parts, tmp_path):
    with pytest.raises(UsageError) as error:
        read_monitor(write(tmp_path, text))
    for part in ["0.monitor.csv", *parts]:
        assert part in str(error.value)
