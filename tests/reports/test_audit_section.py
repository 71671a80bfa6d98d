"""An audit inside the report."""

import io
import json

import pytest
from rich.console import Console

from pgsuite.errors import UsageError
from pgsuite.reports.audit_section import read_section
from pgsuite.reports.content import content
from pgsuite.reports.markdown import to_markdown
from pgsuite.reports.page import render
from pgsuite.reports.terminal import print_audit
from pgsuite.results import gather
from pgsuite.results.store.audit import FORMAT

from .tables.test_audit import CASE, UPDATE, WORSE

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def write(tmp_path):
    def write(**change):
        mine = {"cases": [CASE, WORSE], "updates": [UPDATE], "passes": True, "departures": []}
        audit = {"format": FORMAT, "alpha": 0.001, "tests": 4, "seconds": 12.3, "passes": True}
        path = tmp_path / "audit.json"
        path.write_text(json.dumps(audit | {"algorithms": {"actor-critic": mine}} | change))
        return path

    return write


def test_it_has_the_tables_of_the_terminal_sorted_by_their_numbers(write):
    section = read_section(write())
    assert [table.name for table in section.tables] == ["audit", "audit-updates"]
    gradients, _ = section.tables
    by_title = dict(zip([column.title for column in gradients.columns], gradients.rows[0], strict=True))
    assert by_title["algorithm"].series == "actor-critic"
    assert by_title["cosine"].text == "0.700 [0.600, 0.800]"
    assert by_title["cosine"].value == 0.7
    assert (by_title["verdict"].text, by_title["verdict"].tone) == ("follows", "good")


def test_departures_are_said(write):
    wrong = {"cases": [CASE], "updates": [UPDATE], "passes": False, "departures": ["chain, uniform: biased"]}
    section = read_section(write(algorithms={"mine": wrong}, passes=False))
    assert section.departures == ("mine: chain, uniform: biased",)
    assert "mine departs" in section.verdict
    assert not section.passes


def test_a_terminal_of_80_columns_shows_it_without_breaking_a_line(write):
    wrong = {"cases": [CASE], "updates": [UPDATE], "passes": False, "departures": ["chain, uniform: biased"]}
    console = Console(record=True, width=80, file=io.StringIO())
    print_audit(read_section(write(algorithms={"mine": wrong}, passes=False)), console)
    text = console.export_text()
    assert "0.990 [0.980, 1.000]  1.02 [0.97, 1.05]" in text
    assert "0.02 ± 0.001" in text
    assert "mine: chain, uniform: biased" in text
    assert "mine departs from the declared target (4 tests at 0.001 in all, 12 s)" in text


@pytest.mark.parametrize(
    "change", [{"algorithms": {"a": {}}}, {"algorithms": []}, {"format": 99}, {"tests": "many", "alpha": "x"}]
)
def test_a_file_that_is_no_audit_is_one_line(write, change):
    with pytest.raises(UsageError, match="audit"):
        read_section(write(**change))


def test_the_page_and_markdown_have_it_between_diagnostics_and_settings_and_only_then(write, folder, comparison):
    folder.cell("trpo", curves=[[0, 40], [0, 60]])
    gathered = gather([folder.path])
    hostile = {"cases": [CASE], "updates": [UPDATE], "passes": False, "departures": [HOSTILE]}
    section = read_section(write(algorithms={HOSTILE: hostile}))
    without, with_it = content(comparison, gathered), content(comparison, gathered, section)
    page = render(with_it, comparison.algorithms, {})
    assert page.index('id="diagnostics"') < page.index('id="audit"') < page.index('id="details"')
    assert '<a href="#audit">' in page
    assert HOSTILE not in page
    assert 'id="audit"' not in render(without, comparison.algorithms, {})
    assert "## Gradient audit" in to_markdown(with_it)
    assert HOSTILE not in to_markdown(with_it)
    assert "## Gradient audit" not in to_markdown(without)
