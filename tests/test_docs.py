"""The documentation: what is generated is whole, the notebook runs."""

import importlib.util
import json
import re
from dataclasses import fields
from pathlib import Path

import pytest
from matplotlib import pyplot

import pgsuite
from pgsuite.algorithms.registry import ALGORITHMS, load_class
from pgsuite.suites.schema import AlgorithmTable, CheckTable, EnvironmentTable, EvaluationTable, Suite

ROOT = Path(pgsuite.__file__).parent


def script(path):
    """A script among the documents, as a module."""
    spec = importlib.util.spec_from_file_location(f"pgsuite_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def site():
    return script(ROOT / "docs/site.py")


def test_the_table_of_parity_is_that_of_its_curves(capsys):
    script(ROOT / "docs/parity/parity.py").main([])
    *_, rows = capsys.readouterr().out.split("---:|\n")
    shown = (ROOT / "docs/parity/README.md").read_text()
    assert len(rows.splitlines()) >= 12
    assert [row for row in rows.splitlines() if row not in shown] == []


def test_every_command_and_option_is_in_the_reference(site):
    page = site.commands()
    for file in (ROOT / "cli").glob("*.py"):
        source = file.read_text()
        for option in re.findall(r'"(--[a-z-]+)"', source):
            assert option in page, option
    for command in re.findall(r'app\.command\(?"?(\w*)', (ROOT / "cli/main.py").read_text()):
        assert f"## pgsuite {command}" in page
    assert "[default: 160]" in page


def test_every_key_of_a_suite_is_explained(site):
    page = site.suite_keys()
    for table in (Suite, EnvironmentTable, EvaluationTable, CheckTable):
        for key in table.model_fields:
            row = re.search(rf"^\| `{key}` \| (.+)$", page, re.MULTILINE)
            assert row, key
    assert "| `reference` |" in page
    assert "class" in AlgorithmTable.model_fields["reference"].alias


def test_every_hyperparameter_is_explained(site):
    page = site.hyperparameters()
    for name in ALGORITHMS:
        part = page.partition(f"## {name}\n")[2].partition("\n## ")[0]
        rows = dict(re.findall(r"^\| `(\w+)` \|.*\| (.*) \|$", part, re.MULTILINE))
        assert list(rows) == [field.name for field in fields(load_class(name))]
        assert all(rows.values())


def test_every_name_of_the_package_is_in_the_reference(site):
    page = site.python()
    for home in pgsuite._HOMES.values():
        assert home.replace(":", ".") in page or "EnvironmentFault" in home


def test_sections_of_the_readme_that_pages_quote_are_there(site):
    quoted = [name for page in (ROOT / "docs").rglob("*.md") for name in site._SECTION.findall(page.read_text())]
    assert len(quoted) >= 4
    for heading in quoted:
        assert len(site.section(heading)) > 100


def test_links_of_the_readme_lead_on_from_where_they_are_quoted(site):
    assert site._rooted("[a](docs/audit/README.md)", Path("how-to")) == "[a](../audit/README.md)"


def test_the_notebook_runs_and_says_what_it_promises(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    cells = json.loads((ROOT / "docs/tutorial/notebook.ipynb").read_text())["cells"]
    shared: dict = {"__name__": "__main__"}
    for cell in cells:
        if cell["cell_type"] == "code":
            assert not cell["outputs"]
            exec("".join(cell["source"]), shared)
    assert shared["ran"].ok
    assert "reinforce" in shared["ran"]._repr_html_()
    assert len(shared["frame"]) == 2 * 5 * 21
    assert 1 <= shared["total"] <= 500
    assert "0 of 10 runs are there" in capsys.readouterr().err
    pyplot.close("all")
