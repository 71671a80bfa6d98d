"""The page in a real browser: what it shows, what its controls do, and that it does nothing else."""

import re
import shutil

import pytest
from playwright.sync_api import sync_playwright

from pgsuite.reports import report
from pgsuite.reports.check import write_check
from pgsuite.results.checked import Checked, CheckedCell
from pgsuite.results.statistics.gate import Look

from ..hostile import NAMES, poison
from .conftest import Folder

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--in-process-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CURVES = [[0, 30 + 5 * seed, 60 + 5 * seed] for seed in range(6)]


@pytest.fixture(scope="module")
def browser():
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.fail("these tests need a browser: install one with `apt-get install chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The page of three algorithms on two environments, with a diverged run and a missing one."""
    folder = Folder(tmp_path_factory.mktemp("whole") / "runs")
    for env, scale in (("CartPole-v1", 1.0), ("Pendulum-v1", -10.0)):
        for number, name in enumerate(("trpo", "actor-critic", "reinforce")):
            curves = [[scale * (value - 15 * number) for value in curve] for curve in CURVES]
            more = {"status": {5: "diverged"}, "seeds": range(7)} if number == 2 else {}
            folder.cell(name, env, curves=curves, anchors={"random": 0.0, "reference": 100.0 * scale}, **more)
    return report([folder.path], folder.path / "report", formats=()).page


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = Folder(tmp_path_factory.mktemp("hostile") / "runs")
    poison(folder, CURVES)
    return report([folder.path], folder.path / "report", formats=()).page


class Opened:
    """A page in the browser, with all that it asked for or complained of."""

    def __init__(self, browser, **options):
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(5000)
        self.page = self.context.new_page()
        self.requests, self.complaints = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))

    def load(self, path, *, width=1280, height=900, scheme="light"):
        """Load a document as nobody has seen it before."""
        self.page.goto("about:blank")
        self.requests.clear()
        self.complaints.clear()
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(media="screen", color_scheme=scheme)
        self.page.mouse.move(0, 0)
        self.page.goto(path.as_uri())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()


@pytest.fixture(scope="module")
def shared(browser):
    """One page for all tests: opening another costs several times what loading a document into it does."""
    with Opened(browser) as opened:
        yield opened


@pytest.fixture
def empty(shared):
    """The page without what the last test left in it."""
    yield shared
    shared.page.evaluate("localStorage.clear()")


@pytest.fixture
def opened(empty, whole):
    empty.load(whole)
    return empty


@pytest.fixture
def page(opened):
    return opened.page


def test_it_opens_without_complaint_and_asks_for_nothing(opened, whole):
    opened.page.wait_for_timeout(200)
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith("data:")] == [whole.as_uri()]


def column(page, table, title):
    """Texts of a column of a table."""
    return page.evaluate(
        """([table, title]) => {
            const headers = [...document.querySelectorAll(`#table-${table} thead th`)];
            const index = headers.findIndex((header) => header.textContent === title);
            const rows = [...document.querySelector(`#table-${table}`).tBodies[0].rows];
            return rows.map((row) => row.cells[index].textContent);
        }""",
        [table, title],
    )


def header(page, table, title):
    return page.locator(f"#table-{table} thead th").filter(has_text=re.compile(f"^{re.escape(title)}$"))


def values(texts):
    return [float(text.split(" ")[0].replace("−", "-")) for text in texts if text != "—"]


def test_a_number_sorts_by_size_both_ways(page):
    before = column(page, "environments", "final return [95%]")
    cell = header(page, "environments", "final return [95%]")
    assert cell.get_attribute("aria-sort") is None
    cell.get_by_role("button").click()
    assert cell.get_attribute("aria-sort") == "descending"
    down = values(column(page, "environments", "final return [95%]"))
    assert down == sorted(down, reverse=True)
    assert down[0] > 0 > down[-1]
    cell.get_by_role("button").click()
    assert cell.get_attribute("aria-sort") == "ascending"
    up = column(page, "environments", "final return [95%]")
    assert values(up) == sorted(down)
    assert sorted(up) == sorted(before)


def test_words_sort_by_letter_and_ties_keep_the_order_of_the_report(page):
    cell = header(page, "environments", "algorithm")
    cell.get_by_role("button").click()
    assert cell.get_attribute("aria-sort") == "ascending"
    names = column(page, "environments", "algorithm")
    assert names == sorted(names)
    assert column(page, "environments", "environment") == ["CartPole-v1", "Pendulum-v1"] * 3
    header(page, "environments", "environment").get_by_role("button").click()
    assert cell.get_attribute("aria-sort") is None
    assert column(page, "environments", "algorithm") == ["trpo", "actor-critic", "reinforce"] * 2


def test_nothing_is_sorted_last_both_ways(page):
    cell = header(page, "absent", "runs")
    page.evaluate("document.querySelector('#table-absent tbody tr:first-child .number').removeAttribute('data-value')")
    first = column(page, "absent", "what")[0]
    for _ in range(2):
        cell.get_by_role("button").click()
        assert column(page, "absent", "what")[-1] == first


def test_a_header_is_used_by_keyboard(page):
    button = header(page, "cost", "steps/s").get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")
    assert header(page, "cost", "steps/s").get_attribute("aria-sort") == "descending"
    page.keyboard.press("Space")
    assert header(page, "cost", "steps/s").get_attribute("aria-sort") == "ascending"


def shown(page, selector):
    """How many of the elements are drawn, and how many there are."""
    states = page.evaluate(
        "(selector) => [...document.querySelectorAll(selector)].map((one) => getComputedStyle(one).display !== 'none')",
        selector,
    )
    return sum(states), len(states)


def test_a_legend_button_hides_its_algorithm_in_all_figures(page):
    assert page.locator("figure", has=page.locator(".s-trpo")).count() >= 5
    selector = ".s-trpo:not(.kind-runs)"
    assert shown(page, selector)[0] == shown(page, selector)[1] > 10
    button = page.locator("#curves button[data-series=trpo]")
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert shown(page, selector)[0] == 0
    others = ".s-actor-critic:not(.kind-runs)"
    assert shown(page, others)[0] == shown(page, others)[1]
    everywhere = page.locator("button[data-series=trpo]")
    assert {one.get_attribute("aria-pressed") for one in everywhere.all()} == {"false"}
    page.locator("#profiles button[data-series=trpo]").click()
    assert shown(page, selector)[0] == shown(page, selector)[1]
    assert button.get_attribute("aria-pressed") == "true"


def test_single_runs_are_shown_on_demand_unless_their_algorithm_is_hidden(page):
    runs, box = "#curves .kind-runs", page.get_by_label("single runs")
    assert shown(page, runs) == (0, 6)
    box.check()
    assert shown(page, runs) == (6, 6)
    page.locator("#curves button[data-series=reinforce]").click()
    assert shown(page, runs) == (4, 6)
    box.uncheck()
    assert shown(page, runs) == (0, 6)


def background(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def luminance(colour):
    return sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(", "))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_is_the_system_s_until_the_button_changes_it(empty, whole, scheme):
    empty.load(whole, scheme=scheme)
    page = empty.page
    before = luminance(background(page))
    assert (before > 380) == (scheme == "light")
    other = "dark" if scheme == "light" else "light"
    page.get_by_role("button", name=f"Change to the {other} theme").click()
    assert (luminance(background(page)) > 380) == (scheme == "dark")
    page.get_by_role("button", name=f"Change to the {scheme} theme").click()
    assert luminance(background(page)) == before


PRESS = """(all) => {
    const covered = [];
    for (const one of all) {
        one.scrollIntoView({ block: "center", behavior: "instant" });
        const { x, y, width, height } = one.getBoundingClientRect();
        if (!one.contains(document.elementFromPoint(x + width / 2, y + height / 2))) covered.push(one.outerHTML);
        one.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
        one.click();
    }
    return covered;
}"""
"""Press elements, one after the other, in one call; which of them a mouse would not have met."""
WIDER = """() => {
    const seen = (one) => one.getClientRects().length && getComputedStyle(one).position !== "absolute";
    const wider = [];
    for (const one of document.querySelectorAll("body *:not(svg *)")) {
        if (!seen(one) || one.closest(".skip, caption, .grouped th[data-group]")) continue;
        const [inner, outer] = [one, one.parentElement].map((element) => element.getBoundingClientRect());
        const sticks = inner.right > outer.right + 1 || inner.left < outer.left - 1;
        const block = getComputedStyle(one).display !== "inline";
        const hides = block && one.clientWidth && one.scrollWidth > one.clientWidth + 1;
        const name = `${one.tagName}.${one.className.baseVal ?? one.className} in ${one.closest("table")?.id}`;
        if (sticks || hides) wider.push(name);
    }
    return wider;
}"""


@pytest.fixture(scope="module")
def check_page(tmp_path_factory):
    cells = [
        CheckedCell(
            algorithm=name, env="MountainCarContinuous-v0", verdict="open", tier="curves", difference=(-0.1, -0.2, 0.0),
            other=(-0.1, -0.2, 0.0), seeds=20, looks=(Look("screening", 10, -0.1, 0.2, -1.0, -2.0),),
            ran=("f" * 64, "e" * 64),
        )
        for name in ("reinforce-baseline", "an-algorithm-with-a-rather-long-name", NAMES[0])
    ]  # fmt: skip
    checked = Checked(
        suite="quick", baseline="main", candidate="the tree", margin=0.1, metric="auc", cells=tuple(cells), notes=NAMES
    )
    return write_check(checked, tmp_path_factory.mktemp("check"))


@pytest.mark.parametrize("width", [390, 768, 1200, 1920])
def test_nothing_is_wider_than_its_place(empty, whole, hostile, check_page, width):
    page = empty.page
    for path in (whole, hostile, check_page):
        empty.load(path, width=width, height=844)
        assert page.locator("summary").evaluate_all(PRESS) == []
        page.wait_for_timeout(100)  # a table that comes to be seen is fitted before the next picture
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert set(page.evaluate(WIDER)) == set()


def test_the_bar_of_an_interval_is_in_view_on_a_phone(empty, whole):
    empty.load(whole, width=390, height=844)
    boxes = empty.page.locator("td.bars svg").evaluate_all(
        "(bars) => bars.map((bar) => bar.getBoundingClientRect()).map(({ left, right }) => [left, right])"
    )
    for left, right in boxes:
        assert 0 <= left < right <= 390


def settled(page, expression, value):
    """Whether an expression has a value soon. (The page's policy forbids what Playwright waits by.)."""
    return any(page.evaluate(expression) == value or page.wait_for_timeout(50) for _ in range(100))


def test_a_table_is_as_wide_as_its_texts_where_there_is_room(empty, whole):
    fit = "document.querySelector('#table-leaderboard-final').dataset.fit"
    empty.load(whole, width=1200, height=844)
    assert empty.page.evaluate(fit) == ""
    empty.page.set_viewport_size({"width": 390, "height": 844})
    assert settled(empty.page, fit, "stacked")
    empty.page.set_viewport_size({"width": 1200, "height": 844})
    assert settled(empty.page, fit, "")
    assert empty.complaints == []


def test_tab_goes_from_the_skip_link_through_all_controls_in_order(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the results"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    seen = []
    for _ in range(400):
        page.keyboard.press("Tab")
        place = page.evaluate(
            """() => {
                const one = document.activeElement;
                const all = [...document.querySelectorAll('*')];
                return one === document.body ? null : [all.indexOf(one), getComputedStyle(one).outlineStyle];
            }"""
        )
        if place is None or (seen and place[0] < seen[-1][0]):
            break
        seen.append(place)
    assert len(seen) > 60
    assert {outline for _, outline in seen} == {"solid"}


def test_it_reads_whole_without_script(browser, whole):
    with Opened(browser, java_script_enabled=False) as opened:
        opened.load(whole)
        text = opened.page.locator("body").inner_text()
        for piece in ("Leaderboard", "trpo", "Per environment", "non-finite"):
            assert piece in text
        assert not opened.page.locator("#theme").is_visible()
        opened.page.get_by_label("single runs").check()
        assert opened.page.locator("#curves .kind-runs").first.is_visible()


def test_every_figure_has_a_name_and_a_text(page):
    for figure in page.get_by_role("img").all():
        name, description = figure.evaluate(
            "(one) => ['title', 'desc'].map((tag) => one.querySelector(`:scope > ${tag}`)?.textContent)"
        )
        assert name
        assert len(description) > 20


def test_on_paper_it_is_light_and_whole(page):
    page.emulate_media(media="print", color_scheme="dark")
    assert luminance(background(page)) > 700
    assert not page.locator(".contents").is_visible()


def test_hostile_names_are_seen_and_do_nothing(empty, hostile):
    empty.load(hostile)
    page = empty.page
    for closed in page.locator("summary").all():
        closed.click()
    # One that is not visible: a table that is stacked hides its header.
    assert page.locator("button:visible").evaluate_all(PRESS) == []
    page.mouse.move(200, 500)
    page.wait_for_timeout(300)
    assert empty.complaints == []
    assert [url for url in empty.requests if not url.startswith("data:")] == [hostile.as_uri()]
    assert page.evaluate("window.hacked") is None
    assert page.locator("iframe, img, main style, main script, base, object, embed, form").count() == 0
    assert page.locator("[style], [onload], [onerror], [onmouseover]").count() == 0
    text = page.locator("body").inner_text()
    assert not {"\u202e", "\x1b", "\x07"} & set(page.content())
    for name in NAMES[:-1]:
        assert " ".join(name.split()) in text
    assert "49" not in {cell.strip() for cell in page.locator("th, td").all_inner_texts()}
