"""Whatever a report is written to: hostile names are shown there, and do nothing. New kinds of files are named here.

One folder in which everything that somebody else could name is hostile goes through all outputs; then anything at all
goes through those that are quick.
"""

import csv
import io
import json
import re
import shutil
import subprocess
import unicodedata
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from markdown_it import MarkdownIt
from rich.console import Console

from pgsuite import foreign
from pgsuite.errors import PgsuiteError
from pgsuite.reports import report
from pgsuite.reports.check import print_check, write_check
from pgsuite.reports.content import content
from pgsuite.reports.exports import export_to
from pgsuite.reports.latex import PACKAGES, document
from pgsuite.reports.markdown import to_markdown
from pgsuite.reports.page import render
from pgsuite.reports.report import flat, for_spreadsheets
from pgsuite.reports.terminal import print_report
from pgsuite.results import gather
from pgsuite.results.checked import Checked, CheckedCell

from ..hostile import NAMES, NASTY, poison
from .conftest import Folder

UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn"}


def unseen(text, allowed="\n"):
    return {one for one in text if unicodedata.category(one) in UNSEEN} - set(allowed)


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}


def check_page(text):
    tags = Tags(text)
    assert not unseen(text)
    assert not tags.tags & {"iframe", "img", "object", "embed", "form", "base"}
    assert not [name for name in tags.attributes if name.startswith("on") or name in {"style", "srcdoc", "src"}]
    assert len(re.findall(r"<script", text)) == len(re.findall(r"<style", text)) == 1


def check_markdown(text):
    assert not unseen(text, "\n\u200b")  # which parts a sign from a name
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    assert not [one for one in inline if one.type in {"link_open", "html_inline", "code_inline"}]
    assert all(one.attrs["src"].startswith("figures/") for one in inline if one.type == "image")
    blocks = [token.content.strip() for token in tokens if token.type == "html_block"]
    assert not [one for one in blocks if not re.fullmatch(r"</?details>(<summary>[\w\s,]+</summary>)?", one)]


def check_latex(text):
    """Its environments and braces are closed, and it has no command but those of the tables and of `foreign.latex`."""
    assert not unseen(text)
    stack = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert not stack
    bare = re.sub(r"\\[{}]", "", text)
    assert bare.count("{") == bare.count("}")
    assert not set(re.findall(r"\\([A-Za-z]+)", text)) - LATEX
    if r"\documentclass" in text:
        assert {*PACKAGES} <= set(re.search(r"\\usepackage\{([\w,]+)\}", text)[1].split(","))
        assert "fontenc" in text


LATEX = {
    *("documentclass", "usepackage", "begin", "end", "section", "input", "centering", "caption", "label", "resizebox"),
    *("ifdim", "width", "linewidth", "else", "fi", "toprule", "midrule", "bottomrule", "textbf", "textbackslash"),
    *("textasciitilde", "textasciicircum", "textless", "textgreater", "textbar", "textquotedbl", "textquotesingle"),
    *("textasciigrave", "textperiodcentered", "ensuremath", "times", "pm", "rightarrow", "lambda", "tau", "ldots"),
}


def check_csv(text):
    assert not unseen(text)
    for line in csv.reader(io.StringIO(text, newline="")):
        for cell in line:
            assert not re.match(r"[=+@\t\r]|-(?![\d.]|inf)", cell)


def check_xml(text):
    assert not unseen(text)
    root = ElementTree.fromstring(text)
    assert not {one.tag.rpartition("}")[2] for one in root.iter()} & {"script", "foreignObject", "iframe", "image"}
    assert not [name for one in root.iter() for name in one.attrib if name.startswith("on")]


CHECKS = {".html": check_page, ".md": check_markdown, ".tex": check_latex, ".csv": check_csv, ".svg": check_xml}
CHECKS |= {".xml": check_xml, ".json": json.loads}
BINARY = {".parquet": pd.read_parquet, ".png": lambda path: path.read_bytes(), ".pgsuite": lambda path: None}


def check_files(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in files:
        assert re.fullmatch(r"[A-Za-z0-9_.-]+", path.name)
        if path.suffix in CHECKS:
            CHECKS[path.suffix](path.read_text(encoding="utf-8"))
        else:
            BINARY[path.suffix](path)  # a KeyError: say above how this kind of file is checked
    return {path.suffix for path in files}


def hostile_check():
    cells = [
        CheckedCell(algorithm=name, env=name, verdict=verdict, tier="runs", reason=name, ran=(name, name), waiver=name)
        for name, verdict in zip(NAMES, ["regressed", "open", "passed", "identical"] * 3, strict=True)
    ]
    words = {"suite": NAMES[0], "baseline": NAMES[1], "candidate": NAMES[2], "notes": NAMES, "audited": NAMES}
    return Checked(margin=0.1, metric="auc", cells=tuple(cells), departures={name: [name] for name in NAMES}, **words)


def printed(show, thing):
    file = io.StringIO()
    show(thing, Console(file=file, width=80, force_terminal=True, color_system="truecolor"))
    return re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue())


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = Folder(tmp_path_factory.mktemp("hostile") / "runs")
    poison(folder, [[0, 30 + seed, 60 + seed] for seed in range(3)])
    out = folder.path / "report"
    return report([folder.path], out, formats=["svg", "png"]), out


def test_all_files_of_a_hostile_report_and_check_are_inert(written):
    files, out = written
    list(export_to(files.gathered, out, tensorboard=True))
    checked = hostile_check()
    write_check(checked, out, json=out / "c.json", junit=out / "c.xml", markdown=out / "c.md")
    assert check_files(out) == {*CHECKS, *BINARY}
    assert not unseen(printed(print_report, files.content))
    assert not unseen(printed(print_check, checked))


def test_the_names_are_there_to_be_seen(written):
    files, _ = written
    table = pd.read_csv(files.page.parent / "tables" / "environments.csv", keep_default_na=False)
    shown = {foreign.from_csv_cell(label) for label in table["label"]}
    assert shown == {foreign.plain(name) for name in NAMES}
    assert set(pd.read_parquet(files.page.parent / "tables" / "environments.parquet")["label"]) == set(NAMES)


def test_latex_itself_takes_the_document_where_it_is_installed(written, tmp_path):
    files, out = written
    source = files.latex.read_text(encoding="utf-8")
    assert (out / "report-body.tex").read_text(encoding="utf-8") in source
    check_latex(source)
    if compiler := shutil.which("pdflatex"):
        command = [compiler, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", str(files.latex)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
        assert (tmp_path / "report.pdf").exists()


def test_half_of_a_character_in_a_name_is_damage(folder):
    folder.cell("half \ud800", curves=[[0, 40], [0, 60]])
    with pytest.raises(PgsuiteError, match="half of a character") as error:
        report([folder.path], folder.path / "report")
    assert "manifest.json" in str(error.value)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NASTY)
def test_any_name_is_inert_in_every_text(folder, comparison, name):
    name = name.encode("utf-8", "replace").decode()  # half of a character is damage wherever a file is read
    if not folder.asked:
        folder.cell("trpo", curves=[[0, 40], [0, 60]])
    fields = {
        field: frame.replace({"fast": name, "Cart-v0": f"{name} v0"})
        for field, frame in vars(comparison).items()
        if isinstance(frame, pd.DataFrame)
    }
    named = type(comparison)(
        **vars(comparison)
        | fields
        | {"algorithms": ("slow_one", name), "environments": (f"{name} v0", "Pole-v0"), "headline": f"{name} leads."}
    )
    gathered = gather([folder.path])
    members = tuple(member._replace(label=name, env=name, suite=name, reason=name) for member in gathered.members)
    said = content(named, gathered._replace(members=members, conflicts=(name,)))
    check_page(render(said, named.algorithms, {}))
    check_markdown(to_markdown(said))
    check_latex(document(said))
    assert not unseen(printed(print_report, said))
    check_csv(for_spreadsheets(flat(named.environments_table)).to_csv(index=False))


def test_there_is_no_other_way_to_a_target():
    """Who writes for a target uses `foreign`: nobody else builds rich text, escapes or prints markup."""
    root = Path(foreign.__file__).parent
    for folder in ("cli", "suites", "reports", "results", "envs", "algorithms"):
        for file in (root / folder).rglob("*.py"):
            source = file.read_text(encoding="utf-8")
            assert not re.search(r"^import html$|^from (html|rich.markup) |import .*\bescape\b", source, re.M), file
            assert not re.search(r"(?<![\w.])Text\(", source) or file.name == "syntax.py", file
            assert not re.search(r"console\.print\(f?[\"']", source), file
