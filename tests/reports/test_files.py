import pandas as pd

from pgsuite.reports.report import TABLES, flat, write_tables


def test_every_table_of_a_comparison_is_written_twice(comparison, tmp_path):
    paths = write_tables(comparison, tmp_path)
    assert {path.name for path in paths} == {f"{name}.{kind}" for name in TABLES for kind in ("csv", "parquet")}
    no_tables = {"algorithms", "environments", "level", "replicates", "headline", "grids", "identical"}
    fields = set(comparison.__dataclass_fields__) - no_tables
    assert fields <= set(TABLES.values())


def test_what_is_read_back_is_what_was_compared(comparison, tmp_path):
    write_tables(comparison, tmp_path)
    pairs = pd.read_parquet(tmp_path / "tables/pairs.parquet")
    pd.testing.assert_frame_equal(pairs, comparison.pairs, check_dtype=False)
    board = pd.read_csv(tmp_path / "tables/leaderboard.csv", keep_default_na=False, na_values=[""])
    assert board.loc[0, "lacking"] == "Pole-v0"
    assert board.loc[board["label"] == "fast", "low"].eq(0.5).all()


def test_several_names_in_a_cell_are_joined():
    frame = pd.DataFrame({"x": [("a", "b"), ()], "y": [1, 2]})
    assert flat(frame)["x"].tolist() == ["a;b", ""]
    assert frame["x"].tolist() == [("a", "b"), ()]
