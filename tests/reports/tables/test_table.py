from pgsuite.reports.tables.table import FILES, PAGE, Column, Entry, Medium, Table, algorithm, number, text


def table(**options):
    columns = (Column("env", False), Column("algorithm", False), Column("x", media=FILES), Column("bar", media=PAGE))
    lines = [("a", "one"), ("a", "two"), ("b", "one")]
    cells = tuple((text(env), algorithm(name), number(1.0, "1"), Entry("")) for env, name in lines)
    return Table("name", "Title", "Caption.", columns, cells, **options)


def test_a_medium_has_its_columns():
    def titles(medium):
        return [column.title for column in table().shown(medium).columns]

    assert titles(Medium.PAGE) == ["env", "algorithm", "x", "bar"]
    assert titles(Medium.LATEX) == ["env", "algorithm", "x"]
    assert titles(Medium.TERMINAL) == ["env", "algorithm"]
    assert [len(row) for row in table().shown(Medium.LATEX).rows] == [3, 3, 3]


def test_rows_of_a_group_repeat_its_name():
    assert [table(headings=2).repeats(row) for row in range(3)] == [False, True, False]
    assert not any(table(headings=1).repeats(row) for row in range(3))


def test_nothing_is_a_dash_without_a_value():
    assert text("") == text("—") == Entry("—", None, tone="muted")
    assert number(float("nan"), "nan", "[1, 2]") == Entry("—", None, tone="muted")
    assert number(2, "2", "[1, 3]").whole == "2 [1, 3]"
