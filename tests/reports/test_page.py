import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from pgsuite.reports.content import content
from pgsuite.reports.figures.style import KNOWN, line_styles
from pgsuite.reports.page import SECTIONS, TEMPLATES, Figure, FigureGroup, bar, render, swatch
from pgsuite.reports.tables.table import Entry
from pgsuite.results import gather


class Elements(HTMLParser):
    """Every start tag of a page, with its attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def of(self, *tags):
        return [attributes for tag, attributes in self.found if tag in tags]


@pytest.fixture
def page(folder, comparison):
    folder.cell("trpo", curves=[[0, 40], [0, 60]])
    groups = {"curves": FigureGroup([Figure('<svg role="img" data-figure="1"></svg>', "One.")], "All.")}
    return render(content(comparison, gather([folder.path])), comparison.algorithms, groups)


def test_the_policy_allows_this_style_and_this_script_and_no_other(page):
    policy = next(one["content"] for one in Elements(page).of("meta") if "http-equiv" in one)
    for tag in ("style", "script"):
        (inner,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_no_attribute_is_style_or_script_and_nothing_is_fetched(page):
    for tag, attributes in Elements(page).found:
        assert not [name for name in attributes if name == "style" or name.startswith("on")], tag
        assert attributes.get("href", "#").startswith(("#", "data:,"))
        assert "src" not in attributes


def test_sections_stand_in_order_with_their_headings(page):
    elements = Elements(page)
    shown = [name for name, _ in SECTIONS if name != "audit"]
    assert [section["id"] for section in elements.of("section")] == shown
    assert [link["href"] for link in elements.of("a")[:1]] == ["#main"]
    identities = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    assert len(identities) == len(set(identities))
    referred = [
        value
        for _, one in elements.found
        for key, value in one.items()
        if key in {"aria-labelledby", "aria-describedby"}
    ]
    assert set(referred) <= set(identities)
    headings = [int(tag[1]) for tag, _ in elements.found if re.fullmatch("h[1-6]", tag)]
    assert headings == [1] + [2] * len(shown)


def test_tables_are_tables(page):
    elements = Elements(page)
    assert len(elements.of("caption")) == len(elements.of("table")) > 8
    assert {one["scope"] for one in elements.of("th")} == {"row", "col"}
    assert {one["tabindex"] for one in elements.of("div") if one.get("role") == "region"} == {"0"}


def test_nothing_has_no_value_to_sort_by(page):
    assert not re.search(r"<t[dh][^>]*data-value[^>]*>—", page)
    assert not re.search(r'data-value="(nan|None|)"', page)


def test_figures_are_kept_as_they_are_and_captions_escaped(folder, comparison):
    folder.cell("trpo", curves=[[0, 40], [0, 60]])
    groups = {"profiles": FigureGroup([Figure("<svg id='kept'></svg>", "<b>bold</b>")])}
    page = render(content(comparison, gather([folder.path])), comparison.algorithms, groups)
    assert "<svg id='kept'></svg>" in page
    assert "&lt;b&gt;bold" in page
    assert "<b>bold" not in page


def test_every_line_style_has_a_swatch():
    looks = {*line_styles([f"name {n}" for n in range(200)]).values(), *KNOWN.values()}
    assert len({look.marker for look in looks}) == 10
    for look in looks:
        assert look.colour in swatch(look)


def test_a_bar_lies_where_its_numbers_do():
    drawn = bar(Entry("", 0.5, bar=(0.25, 0.5, 1.0), series="trpo"), (0.0, 1.0), KNOWN)
    box = re.search(r'<rect x="([\d.]+)" y="4" width="([\d.]+)"', drawn)
    assert [float(one) for one in box.groups()] == pytest.approx([4 + 124 / 4, 124 * 3 / 4], abs=0.06)
    assert f'M{4 + 124 / 2:.1f} 2v14" stroke="#009E73"' in drawn
    assert "rect" not in bar(Entry("", 0.5, bar=(float("nan"), 0.5, float("nan"))), (0.0, 1.0), {})


def test_the_template_escapes_unless_it_is_told_by_type():
    assert "safe" not in (TEMPLATES / "page.html").read_text()
    assert "autoescape" not in (TEMPLATES / "page.html").read_text()
