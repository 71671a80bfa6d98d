import re

from pgsuite.reports.content import content
from pgsuite.reports.latex import table, to_latex
from pgsuite.reports.tables.table import Column, Table, number, text
from pgsuite.results import gather


def test_a_bracket_after_a_line_break_is_no_option():
    columns = (Column("a", False), Column("b"))
    lines = table(Table("t", "T", "C", columns, ((text("[2]"), number(1, "1")),))).splitlines()
    assert r"    {[}2{]} & 1 \\" in lines


def test_groups_are_separated_and_named_once():
    columns = (Column("env", False), Column("who", False), Column("x"))
    cells = tuple((text(env), text(who), number(1, "1", strong=True)) for env, who in ("ax", "ay", "bx"))
    body = table(Table("t", "T", "C", columns, cells, headings=2))
    assert r"\begin{tabular}{llr}" in body
    after = body[body.index(r"\midrule") :].split("\n")
    assert [line.strip() for line in after[1:6]] == [
        r"a & x & \textbf{1} \\",
        r"& y & \textbf{1} \\",
        r"\midrule",
        r"b & x & \textbf{1} \\",
        r"\bottomrule",
    ]


def test_environments_of_the_file_are_closed(folder, comparison):
    folder.cell("trpo", curves=[[0, 40], [0, 60]])
    source = to_latex(content(comparison, gather([folder.path])))
    stack = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", source):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert not stack
    assert source.count(r"\begin{table}") == 3
    unescaped = re.sub(r"\\[{}]", "", source)
    assert unescaped.count("{") == unescaped.count("}")
