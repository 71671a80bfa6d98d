import gzip

import pytest

from pgsuite.errors import UsageError
from pgsuite.suites.importing.problems import ImportProblems
from pgsuite.suites.importing.series import Wanted
from pgsuite.suites.importing.tables import read_csv

HEADER = "algorithm,env,seed,env_steps,return"
GOOD = f"{HEADER}\nppo,CartPole-v1,3,0,20.5\nppo,CartPole-v1,3,100,40\nsac,CartPole-v1,3,0,1e1\n"


def read(tmp_path, text, **given):
    path = tmp_path / "mine.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_csv(path, Wanted(given))


def test_one_run_per_algorithm_environment_and_seed(tmp_path):
    runs, notes, _ = read(tmp_path, GOOD)
    assert [(run.algorithm, run.env, run.seed) for run in runs] == [
        ("ppo", "CartPole-v1", 3),
        ("sac", "CartPole-v1", 3),
    ]
    assert [(row.checkpoint, row.env_steps, row.return_mean) for row in runs[0].rows] == [(0, 0, 20.5), (1, 100, 40.0)]
    assert notes == []
    assert runs[0].rows[0].episodes == 0
    assert runs[0].rows[0].wall_time != runs[0].rows[0].wall_time


def test_points_that_do_not_begin_at_zero_are_counted_from_one(tmp_path):
    (run,), _, _ = read(tmp_path, f"{HEADER}\nppo,e,0,50,1\nppo,e,0,100,2\n")
    assert [row.checkpoint for row in run.rows] == [1, 2]


def test_optional_columns(tmp_path):
    text = f"{HEADER},wall_time,episodes,length_mean,metric/kl,colour\nppo,e,0,0,1,2.5,10,7.5,,red\n"
    runs, notes, _ = read(tmp_path, text + "ppo,e,0,1.0,2,3.5,10,8,0.01,\n")
    first, second = runs[0].rows
    assert (first.wall_time, first.episodes, first.eval_steps, first.metrics) == (2.5, 10, 75, {})
    assert (second.env_steps, second.metrics) == (1, {"kl": 0.01})
    assert notes == [f"{tmp_path / 'mine.csv'}: ignored: colour"]


def test_a_byte_order_mark_windows_line_ends_blank_lines_and_quotes_are_fine(tmp_path):
    text = b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n\r\n").replace("ppo", '"p,po"').encode()
    runs, _, _ = read(tmp_path, text)
    assert runs[0].algorithm == "p,po"


def test_options_stand_in_for_columns(tmp_path):
    (run,), _, _ = read(tmp_path, "env_steps,return\n0,1\n5,2\n", algorithm="mine", env="e", seed="4")
    assert run[:3] == ("mine", "e", 4)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["mine.csv is empty"]),
        (" \n", ["mine.csv is empty"]),
        (b"\xff\xfea", ["not UTF-8", "byte 0", "save it"]),
        (HEADER + "\n", ["no rows"]),
        (GOOD.replace("return", "reward"), ["line 1", "'return' is missing"]),
        (GOOD.replace("return", "returns"), ["'return' is missing", "'returns'", "rename"]),
        (GOOD.replace(",", ";"), ["missing", "by commas"]),
        (GOOD.replace("env_steps", "seed"), ["line 1", "two columns are called seed"]),
        (GOOD.replace("20.5", "many"), ["line 2, column return", "'many' is not a number"]),
        (GOOD.replace("20.5", "nan"), ["line 2, column return", "not finite"]),
        (GOOD.replace("20.5", "-inf"), ["line 2, column return", "not finite"]),
        (GOOD.replace("20.5", ""), ["line 2, column return", "'' is not a number"]),
        (GOOD.replace("20.5", "20.5,9"), ["line 2", "6 values", "5 columns"]),
        (GOOD.replace("3,0,20.5", "3.5,0,20.5"), ["line 2, column seed", "3.5", "whole"]),
        (GOOD.replace("3,0,20.5", "1_0,0,20.5"), ["line 2, column seed", "'1_0'", "digits"]),
        (GOOD.replace("3,0,20.5", "3,1e3,20.5"), ["line 2, column env_steps", "'1e3'", "digits"]),
        (GOOD.replace("3,0,20.5", "3,\N{ARABIC-INDIC DIGIT THREE},20.5"), ["line 2, column env_steps", "digits"]),
        (GOOD.replace("20.5", "2_0.5"), ["line 2, column return", "'2_0.5' is not a number"]),
        (GOOD.replace("20.5", "20.5 ± 3"), ["line 2, column return", "a table of means has no runs"]),
        (GOOD.replace("3,0,20.5", "-3,0,20.5"), ["line 2, column seed", "whole"]),
        (GOOD.replace("3,0,20.5", "99999999999999999999,0,20.5"), ["line 2, column seed", "whole"]),
        (GOOD.replace("3,0,20.5", "3,100,20.5"), ["line 3, column env_steps", "100 is there twice", "average"]),
        (GOOD.replace("3,0,20.5", "3,200,20.5"), ["line 3, column env_steps", "100 comes after 200", "sort"]),
        (GOOD.replace("ppo", ""), ["line 2, column algorithm", "empty"]),
        (GOOD.replace("ppo", "p\x1bpo"), ["line 2, column algorithm", "printable"]),
        (GOOD.replace("ppo", "p" * 201), ["line 2, column algorithm", "200"]),
        (GOOD.replace("20.5", '"20.5'), ["mine.csv, line", "correct"]),
    ],
)
def test_bad_input_names_file_line_column_and_remedy(text, parts, tmp_path):
    with pytest.raises(UsageError) as error:
        read(tmp_path, text)
    for part in ["mine.csv", *parts]:
        assert part in str(error.value)
    assert "\n" not in str(error.value)


def test_a_column_and_an_option_for_the_same_thing(tmp_path):
    with pytest.raises(UsageError, match="column 'algorithm' already"):
        read(tmp_path, GOOD, algorithm="mine")


INDEXED = ",algorithm,env,seed,env_steps,return\n0,ppo,e,0,0,1\n1,ppo,e,0,9,2\n"


@pytest.mark.parametrize("name", ["", "Unnamed: 0"])
def test_the_index_that_pandas_writes_is_ignored_by_name(name, tmp_path):
    (run,), notes, _ = read(tmp_path, name + INDEXED)
    assert [row.return_mean for row in run.rows] == [1, 2]
    assert notes == [f"{tmp_path / 'mine.csv'}: ignored: unnamed column 1"]


def test_packed_by_gzip(tmp_path):
    path = tmp_path / "mine.csv.gz"
    path.write_bytes(gzip.compress(GOOD.encode()))
    assert len(read_csv(path, Wanted({})).runs) == 2
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UsageError, match=r"mine\.csv\.gz is packed by gzip and damaged"):
        read_csv(path, Wanted({}))


def test_a_header_that_is_repeated_is_left_out(tmp_path):
    runs, notes, _ = read(tmp_path, GOOD + HEADER + "\nppo,CartPole-v1,4,0,1\n" + HEADER + "\n")
    assert [(run.algorithm, run.seed) for run in runs] == [("ppo", 3), ("sac", 3), ("ppo", 4)]
    assert notes == [f"{tmp_path / 'mine.csv'}: the header is there again in line 5, 7, and left out"]


@pytest.mark.parametrize(
    ("end", "points"),
    [
        ("ppo,e,0,20", 2),
        ("pp", 2),
        ('"pp', 2),
        ("ppo,e,0,20,", 2),
        ("ppo,e,0,20,-", 2),
        ("ppo,e,0,20,1e", 2),
        ("ppo,e,0,20,1.5", 3),
    ],
)
def test_a_last_line_that_was_cut_is_left_out_and_said(end, points, tmp_path):
    (run,), (note,), _ = read(tmp_path, f"{HEADER}\nppo,e,0,0,1\nppo,e,0,10,2\n{end}")
    assert len(run.rows) == points
    assert ("line 4, the last, was cut off" if points == 2 else "its last number is wrong") in note


def test_all_that_is_wrong_is_told_at_once(tmp_path):
    text = f"{HEADER}\nppo,e,x,0,1\nppo,e,0,0,many\n,e,0,0,1\nppo,e,1,5,1\nppo,e,1,5,1\n"
    with pytest.raises(ImportProblems) as error:
        read(tmp_path, text)
    assert len(error.value.found) == 4
    assert [problem.split(", line ")[1][:1] for problem in error.value.found] == ["2", "4", "3", "6"]


def test_many_problems_are_counted(tmp_path):
    rows = "".join(f"ppo,e,x{n},0,1\n" for n in range(1000))
    with pytest.raises(ImportProblems, match="and 980 more problems"):
        read(tmp_path, f"{HEADER}\n{rows}")
