from pgsuite.reports.tables.absent import absent_table, completeness, remarks
from pgsuite.results import gather


def lines(table):
    return [[cell.text for cell in row] for row in table.rows]


def test_nothing_is_said_of_what_is_whole(folder):
    folder.cell("trpo", curves=[[0, 40], [0, 60]])
    gathered = gather([folder.path])
    assert absent_table(gathered).rows == ()
    assert completeness(gathered) == "All 2 runs that were asked for are complete."
    assert remarks(gathered) == ()


def test_every_fate_has_its_row_and_its_seeds(folder):
    store = folder.cell(
        "trpo", curves=[[0, 40], [0], [0], [0, 1]], seeds=range(6), status={1: "diverged", 2: "partial"}
    )
    (store.path / "seed-3.parquet").write_bytes(b"")
    folder.cell("reinforce", seeds=[0], reason="ValueError: bad\nluck")
    gathered = gather([folder.path])
    assert [line[1:5] for line in lines(absent_table(gathered))] == [
        ["trpo", "missing", "2 of 6", "4, 5"],
        ["trpo", "partial", "1 of 6", "2"],
        ["trpo", "diverged", "1 of 6", "1"],
        ["trpo", "corrupt", "1 of 6", "3"],
        ["reinforce", "failed", "—", "—"],
        ["reinforce", "missing", "1 of 1", "0"],
    ]
    assert lines(absent_table(gathered))[4][5] == "ValueError: bad luck"
    assert completeness(gathered) == "1 of 7 runs are complete and in the statistics."
    assert any("seed-3.parquet" in remark for remark in remarks(gathered))


def test_what_lies_there_and_was_not_asked_for_is_said(folder):
    folder.cell("trpo", curves=[[0, 40], [0, 60], [0, 80]], seeds=[0])
    (remark,) = remarks(gather([folder.path]))
    assert "Not shown: 2 runs of 1 cell in the folder runs" in remark
