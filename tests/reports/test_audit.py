"""An audit inside the report."""

import io
import json
import xml.etree.ElementTree as ElementTree

import pytest
from rich.console import Console

import pgsuite
from pgsuite.errors import UsageError
from pgsuite.reports import report
from pgsuite.reports.audit import read_section
from pgsuite.reports.content import content
from pgsuite.reports.markdown import to_markdown
from pgsuite.reports.page import render
from pgsuite.reports.terminal import print_audit
from pgsuite.results import gather
from pgsuite.results.store.audit import FORMAT
from pgsuite.results.store.digest import sealed_table

from .test_audit_tables import CASE, UPDATE, WORSE

POINTS = [
    {"trace": t, "critic_error": e, "bias": 0.1, "bias_error": 0.01, "exact_bias": 0.1 * e, "noise": 0.5}
    for e in (0.0, 1.0)
    for t in (0.0, 1.0)
]
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def write(tmp_path):
    def write(**change):
        mine = {"cases": [CASE, WORSE], "updates": [UPDATE], "passes": True, "departures": [], "bias_variance": POINTS}
        audit = {"format": FORMAT, "alpha": 0.001, "tests": 4, "seconds": 12.3, "passes": True}
        path = tmp_path / "audit.json"
        path.write_text(json.dumps(sealed_table(audit | {"algorithms": {"actor-critic": mine}} | change)))
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
    wrong["bias_variance"] = []
    section = read_section(write(algorithms={"mine": wrong}, passes=False))
    assert section.departures == ("mine: chain, uniform: biased",)
    assert "mine departs" in section.verdict
    assert not section.passes


def test_what_the_command_writes_is_read_and_says_the_same(tmp_path):
    path = tmp_path / "audit.json"
    told = pgsuite.audit(["actor-critic", "ppo"], ["corridor", "quadratic"], batches=100, workers=1, progress=False)
    told.write(path)
    assert read_section(path) == told.section
    assert read_section(path).tables[0].rows
    assert set(told.section.bias_variance) == {"actor-critic", "ppo"}


def test_a_terminal_of_80_columns_shows_it_without_breaking_a_line(write):
    wrong = {"cases": [CASE], "updates": [UPDATE], "passes": False, "departures": ["chain, uniform: biased"]}
    wrong["bias_variance"] = []
    console = Console(record=True, width=80, file=io.StringIO())
    print_audit(read_section(write(algorithms={"reinforce-baseline": wrong}, passes=False)), console)
    text = console.export_text()
    assert [line.strip() for line in text.splitlines()].count("reinforce-baseline") == 2  # the heads of both tables
    assert "0.990 [0.980, 1.000]  1.02 [0.97, 1.05]" in text
    assert "0.02 ± 0.001" in text
    assert "reinforce-baseline: chain, uniform: biased" in text
    assert "reinforce-baseline departs from the declared target (4 tests at 0.001 in all, 12 s)" in text


@pytest.mark.parametrize(
    "change", [{"algorithms": {"a": {}}}, {"algorithms": []}, {"format": 99}, {"tests": "many", "alpha": "x"}]
)
def test_a_file_that_is_no_audit_is_one_line(write, change):
    with pytest.raises(UsageError, match="audit"):
        read_section(write(**change))


def test_the_page_and_markdown_have_it_between_diagnostics_and_settings_and_only_then(write, folder, comparison):
    folder.cell("trpo", curves=[[0, 40], [0, 60]])
    gathered = gather([folder.path])
    hostile = {"cases": [CASE], "updates": [UPDATE], "passes": False, "departures": [HOSTILE], "bias_variance": POINTS}
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


def test_the_report_has_bias_and_noise_over_lambda_of_who_has_a_lambda(write, folder, tmp_path):
    folder.cell("trpo", curves=[[0, 40], [0, 60]])
    others = {"cases": [CASE], "updates": [UPDATE], "passes": True, "departures": [], "bias_variance": []}
    mine = others | {"bias_variance": POINTS}
    files = report([folder.path], tmp_path / "out", audit=write(algorithms={"reinforce": others, HOSTILE: mine}))
    (figure,) = (path for path in files.figures if path.name.startswith("bias-variance"))
    texts = [element.text for element in ElementTree.parse(figure).iter() if element.tag.endswith("}text")]
    assert {"exact critic", "critic off by 100%", "Bias", "λ"} <= set(texts)
    page = files.page.read_text()
    audit = page[page.index('<section id="audit"') : page.index('<section id="details"')]
    assert audit.count("<figure>") == 1
    assert "Critic off by 100%: bias 0.10 to 0.10, least noise at λ = 0." in audit
    assert HOSTILE not in page
    assert f"](figures/{figure.name})" in files.markdown.read_text()


@pytest.mark.parametrize("point", [{"trace": 0.5}, {**POINTS[0], "noise": "much"}])
def test_a_damaged_curve_is_one_line(point, write):
    broken = {"cases": [CASE], "updates": [UPDATE], "passes": True, "departures": [], "bias_variance": [point]}
    with pytest.raises(UsageError, match="damaged"):
        read_section(write(algorithms={"mine": broken}))
