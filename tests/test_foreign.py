"""Each target's own parser says what became of a stranger's text: all of it is shown, and none of it acts."""

import csv
import html
import io
import re
import unicodedata
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given
from markdown_it import MarkdownIt
from rich.console import Console

from pgsuite import foreign

from .hostile import NAMES, NASTY, PIECES


@given(NASTY)
def test_a_line_is_one_line_of_characters_that_are_seen(text):
    line = foreign.plain(text)
    assert len(line) <= foreign.LONGEST_LINE
    assert len(line.splitlines()) <= 1
    assert not {unicodedata.category(one) for one in line} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    line.encode("utf-8")
    assert foreign.plain(line) == line


def test_what_is_seen_is_kept():
    assert foreign.plain("a\n b\t\tc") == "a b c"
    assert foreign.plain("a\x00b\u202ec\ud800") == "a\ufffdb\ufffdc\ufffd"
    assert foreign.plain("<b> $x$ 日本 ∑ e\u0301") == "<b> $x$ 日本 ∑ e\u0301"
    assert foreign.plain("o" + "\u0334" * 40 + "x") == "o\u0334\u0334\u0334x"
    assert foreign.block("a\n\tb  c\x1b[2J") == "a\n        b  c\ufffd[2J"


@given(NASTY)
def test_a_name_is_short_and_never_empty(text):
    assert 0 < len(foreign.named(text)) <= foreign.LONGEST_NAME


def test_names_that_are_cut_stay_apart():
    long = ["x" * 10_000, "x" * 9_999, "x" * 9_999 + "y", "x" * 101]
    assert len({foreign.named(text) for text in long}) == 4
    assert foreign.named("x" * 100) == "x" * 100


@given(NASTY)
def test_rich_prints_the_text_and_no_markup(text):
    console = Console(file=io.StringIO(), force_terminal=True, width=10_000, color_system="truecolor")
    console.print(foreign.styled(text, "bold"), soft_wrap=True)
    printed = console.file.getvalue()
    assert re.sub(r"\x1b\[[0-9;]*m", "", printed).rstrip("\n") == foreign.plain(text)
    assert len(re.findall(r"\x1b", printed)) in (0, 2)


class Words(HTMLParser):
    """All text of a page, and whatever is not text."""

    def __init__(self, page):
        super().__init__()
        self.text, self.attributes, self.others = "", [], []
        self.feed(page)
        self.close()

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attributes):
        self.others.append(tag)
        self.attributes += attributes

    handle_comment = handle_decl = unknown_decl = handle_pi = lambda self, data: self.others.append(data)


@given(NASTY)
def test_html_shows_the_text_and_has_no_tag_but_its_own(text):
    words = Words(f'<p title="{foreign.html(text)}">{foreign.html(text)}</p>')
    assert words.others == ["p"]
    assert words.text == foreign.plain(text)
    assert words.attributes == [("title", foreign.plain(text))]


def shown(markdown):
    """The text that a renderer shows of Markdown, which has to be one paragraph without anything in it."""
    rendered = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown).strip()
    assert re.fullmatch(r"(<p>[^<]*</p>)?", rendered)
    return html.unescape(rendered[3:-4]).replace("\u200b", "")


@given(NASTY)
def test_markdown_shows_the_text_and_nothing_less(text):
    assert shown(foreign.markdown(text)) == foreign.plain(text)


@pytest.mark.parametrize(
    "text", [*PIECES, "0.985", "1. x", "2) x", "3.", "- x", "+ x", "= x", "# x", "a (b) {c}! -1", "\\", "~~a~~"]
)
def test_markdown_shows_what_begins_like_something_else(text):
    assert shown(foreign.markdown(text)) == foreign.plain(text)


@given(NASTY)
def test_a_cell_of_a_markdown_table_stays_in_its_cell(text):
    table = f"| a | b |\n| - | - |\n| x {foreign.markdown(text)} | y |"
    rendered = MarkdownIt("commonmark", {"html": True}).enable("table").render(table)
    assert re.findall(r"<(\w+)", rendered) == ["table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td"]


def test_a_mention_an_issue_or_an_address_stays_text():
    text = "@everyone #12 GH-12 https://x.invalid www.x.invalid :tada:"
    assert not re.search(r"@\w|#\w|GH-|https:|www\.|:tada", foreign.markdown(text))


COMMANDS = {
    "textbackslash", "textasciitilde", "textasciicircum", "textless", "textgreater", "textbar", "textquotedbl",
    "textquotesingle", "textasciigrave", "textperiodcentered", "ensuremath", "times", "pm", "ldots", "rightarrow",
    "lambda", "tau",
}  # fmt: skip


@given(NASTY)
def test_latex_has_no_command_of_a_name_s(text):
    written = foreign.latex(text)
    assert set(re.findall(r"\\([A-Za-z]+)", written)) <= COMMANDS
    bare = re.sub(r"\\.", "", written)
    assert not set(bare) & set("$&#%_~^\\")
    assert bare.count("{") == bare.count("}")
    assert all(one.isascii() or "À" <= one <= "ž" for one in written)


def test_each_special_character_of_latex():
    assert foreign.latex("a_b & 50% #1 $x ~ ^ \\ {}") == (
        r"a\_b \& 50\% \#1 \$x \textasciitilde{} \textasciicircum{} \textbackslash{} \{\}"
    )
    assert foreign.latex("−1 — “x”") == r"\ensuremath{-}1 --- ``x''"
    assert foreign.latex("é 漢 Ħ") == "é U+6F22 U+0126"


@given(NASTY)
def test_a_csv_cell_is_no_formula_and_comes_back(text):
    cell = foreign.csv_cell(text)
    file = io.StringIO(newline="")
    csv.writer(file).writerows([[cell, "end"]])
    ((read, end),) = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert (read, end) == (cell, "end")
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\N{FULLWIDTH EQUALS SIGN}"))
    assert foreign.from_csv_cell(cell) == foreign.plain(text) or foreign.from_csv_cell(cell) == text
    cell.encode("utf-8")


def test_apostrophes_guard_formulas_alone():
    cells = {"=1": "'=1", "'=1": "''=1", "''=1": "'''=1", "'a": "'a", "a=1": "a=1", "-": "'-", "": "", " =1": "' =1"}
    assert {text: foreign.csv_cell(text) for text in cells} == cells
    assert [foreign.from_csv_cell(cell) for cell in ("'=1", "''=1", "'a", "a")] == ["=1", "'=1", "'a", "a"]


@given(NASTY)
def test_xml_takes_a_line(text):
    element = ElementTree.Element("a", b=foreign.plain(text))
    element.text = foreign.plain(text)
    read = ElementTree.fromstring(ElementTree.tostring(element, encoding="unicode"))
    assert (read.text or "", read.get("b")) == (foreign.plain(text), foreign.plain(text))


@given(NASTY)
def test_a_key_is_what_every_tracker_takes(text):
    key = foreign.key(f"metric/{text}")
    assert re.fullmatch(r"[A-Za-z0-9_. /-]{1,200}", key)
    assert all(part.strip(". ") for part in key.split("/"))


def test_keys_that_had_to_be_changed_stay_apart():
    assert foreign.key("metric/kl") == "metric/kl"
    assert len({foreign.key(text) for text in ("a:b", "a;b", "a-b", "a" * 300, "a" * 301)}) == 5


@given(NASTY)
def test_a_slug_is_inert_and_short(text):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", foreign.slug(text))
    assert len(foreign.slug(text)) <= 40


def test_different_names_have_different_slugs():
    names = ["trpo (A)", "trpo (B)", "trpo-a", "TRPO-A", "trpo--a", "x" * 300, "x" * 301, "é", "è", "", " ", *NAMES]
    assert len({foreign.slug(name) for name in names}) == len(names)
