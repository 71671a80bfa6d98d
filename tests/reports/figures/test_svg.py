import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from html.parser import HTMLParser

import pytest

from pgsuite.foreign import slug
from pgsuite.reports.figures import build, inline
from pgsuite.reports.figures.drawing import GRID, INK, MUTED

from .conftest import ALGORITHMS, HOSTILE, comparison, suite

KINDS = {"line", "band", "runs", "few", "diverged", "interval", "point", "number", "key", "label"}
TAGS = {"svg", "title", "desc", "defs", "g", "path", "use", "text", "clipPath", "rect"}


class Tags(HTMLParser):
    """What a browser makes of a piece of a page: its tags and ids."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes = Counter(), []

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += attrs


def parsed(*pieces):
    tags = Tags()
    tags.feed("".join(pieces))
    return tags


@pytest.fixture(scope="module")
def pieces(figures):
    return {drawing.name: inline(drawing) for drawing in figures.on_page()}


@pytest.fixture(scope="module")
def hostile_pieces(hostile):
    return [inline(drawing) for drawing in hostile.on_page()]


def groups(svg):
    return {group.get("id"): group for group in ElementTree.fromstring(svg).iter() if "class" in group.attrib}


def test_every_artist_of_an_algorithm_is_found_by_id_and_class(pieces):
    group = groups(pieces["efficiency"])["efficiency--actor-critic--line"]
    assert group.get("class") == "series s-actor-critic kind-line"
    for name in ALGORITHMS:
        assert {f"efficiency--{name}--{kind}" for kind in ("line", "band", "key", "label")} <= groups(
            pieces["efficiency"]
        ).keys()
    curves = next(svg for name, svg in pieces.items() if name.startswith("curves-pendulum"))
    kinds = Counter(group.get("class").rpartition("kind-")[2] for group in groups(curves).values())
    # The thin line of the diverged run, and its cross.
    assert kinds == {"figure": 1, "line": 4, "band": 4, "runs": 4, "key": 4, "label": 4, "diverged": 2}


def test_classes_name_algorithms_and_kinds_only(pieces, hostile_pieces):
    for svg in [*pieces.values(), *hostile_pieces]:
        for group in groups(svg).values():
            if group.get("class") != "figure":
                kind = re.fullmatch(r"series s-[a-z0-9-]+ kind-([a-z]+)", group.get("class"))[1]
                assert kind in KINDS


def test_no_two_ids_of_a_page_are_the_same_and_all_that_is_referred_to_is_there(pieces, hostile_pieces):
    for page in ("".join(pieces.values()), "".join(hostile_pieces)):
        attributes = parsed(page).attributes
        ids = Counter(value for name, value in attributes if name == "id")
        assert len(ids) > 100
        assert set(ids.values()) == {1}
        referred = {value.removeprefix("#") for name, value in attributes if name == "href"}
        referred |= {found for _, value in attributes for found in re.findall(r"url\(#(.+?)\)", value or "")}
        referred |= {value for name, value in attributes if name in {"aria-labelledby", "aria-describedby"}}
        assert referred <= ids.keys()


def test_a_figure_has_a_title_and_its_numbers_in_words(pieces):
    root = ElementTree.fromstring(pieces["efficiency"].replace('xmlns="http://www.w3.org/2000/svg"', ""))
    assert (root.tag, root.get("role"), root.get("width")) == ("svg", "img", "100%")
    assert root.get("viewBox").startswith("0 0 360 ")
    assert "height" not in root.attrib
    title, description = list(root)[:2]
    assert (title.tag, title.text) == ("title", "Sample efficiency")
    assert title.get("id") == root.get("aria-labelledby")
    assert description.get("id") == root.get("aria-describedby")
    assert re.search(r"At the end: reinforce 0\.\d\d, reinforce-baseline", description.text)


def test_names_are_inert(hostile_pieces):
    for svg in hostile_pieces:
        assert {name.lower() for name in parsed(svg).tags} <= {name.lower() for name in TAGS}
        assert svg.isprintable()
        svg.encode("utf-8")
        ElementTree.fromstring(svg)
        assert "<script" not in svg
        assert "]]>" not in svg


def test_a_name_is_no_formula_and_stands_there_as_it_is(hostile):
    svg = inline(hostile.efficiency[0])
    texts = [text.text for text in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert "<script>alert(1)</script>" in texts
    assert any(text.startswith("$\\frac{1}{0}$ ]]> & ") for text in texts)
    assert "_hidden" in texts
    long = [text for text in texts if text.startswith("xxx")]
    assert len(set(long)) == 2
    assert all("…" in text and len(text) <= 28 for text in long)


def test_the_whole_name_is_the_tooltip_of_its_line(hostile):
    group = groups(inline(hostile.efficiency[0]))[f"efficiency--{slug(HOSTILE[0])}--line"]
    assert group[0].tag.endswith("title")
    assert group[0].text == HOSTILE[0]


def test_the_page_decides_on_ink_and_background(pieces):
    for svg in pieces.values():
        assert not any(colour in svg for colour in (INK, MUTED, GRID, "#ffffff", "#262626"))
        assert "currentColor" in svg
        assert "style" not in dict(parsed(svg).attributes)
        assert "<style" not in svg
        assert "font-family" not in svg.partition(">")[2]


def test_text_stays_text(pieces):
    for svg in pieces.values():
        assert parsed(svg).tags["text"] > 8


def test_nothing_leaves_the_page(pieces):
    for svg in pieces.values():
        assert not re.search(r"https?://", svg.replace('xmlns="http://www.w3.org/2000/svg"', ""))
        assert all(value.startswith("#") for name, value in parsed(svg).attributes if name == "href")


def test_a_page_of_figures_is_small(pieces):
    assert sum(map(len, pieces.values())) < 1_500_000


def test_the_same_figure_is_the_same_text(pieces):
    frame = suite(("trpo", "ppo"), ("CartPole-v1",), seeds=5, checkpoints=3)
    first, second = ([inline(drawing) for drawing in build(comparison(frame)).on_page()] for _ in range(2))
    assert first == second
