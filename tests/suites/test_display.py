"""Progress: plain lines in a log, bars on a terminal."""

import io

import pytest
from rich.console import Console

from pgsuite.results.store.store import CellStore
from pgsuite.suites import display
from pgsuite.suites.display import Display
from pgsuite.suites.scheduling import Failure
from pgsuite.suites.workers import Job, Progress


@pytest.fixture
def jobs(small_cell, tmp_path):
    store = CellStore(tmp_path, "reinforce", "CartPole-v1", "0" * 64)
    return [Job(small_cell("reinforce", steps=1000), store, (0, 1)), Job(small_cell("trpo", steps=500), store, (2,))]


def show(jobs, *, terminal, events):
    said = io.StringIO()
    console = Console(file=said, width=120, force_terminal=terminal, color_system=None)
    with Display(console, jobs) as shown:
        events(shown)
    return said.getvalue()


def test_a_log_has_a_line_per_start_and_end(jobs):
    def events(shown):
        shown.start(jobs[0])
        shown.news(jobs[0], Progress(500, 20.5))
        shown.finish(jobs[0], None)
        shown.start(jobs[1])
        shown.finish(jobs[1], Failure(jobs[1].cell, "no luck"))

    lines = show(jobs, terminal=False, events=events).splitlines()
    assert [line.split()[0] for line in lines] == ["started", "finished", "started", "failed"]
    assert "reinforce · CartPole-v1 · 2 runs  return 20.5  (1 of 2)" in lines[1]
    assert "trpo · CartPole-v1 · 1 run " in lines[3]
    assert "(2 of 2)" in lines[3]


def test_a_log_says_now_and_then_how_far_it_is(jobs, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(display.time, "monotonic", lambda: now[0])

    def events(shown):
        shown.start(jobs[0])
        for now[0] in (1010.0, 1020.0, 1040.0, 1050.0):
            shown.news(jobs[0], Progress(250, None))

    lines = show(jobs, terminal=False, events=events).splitlines()[1:]
    # 750 of 2500 steps in 40 seconds: 18.75 a second, 1750 left.
    assert [" ".join(line.split()) for line in lines] == ["30% 19 steps/s about 93 s left"]


def test_a_terminal_shows_bars_with_the_current_score(jobs):
    def events(shown):
        shown.start(jobs[0])
        shown.news(jobs[0], Progress(1000, 21.25))
        shown.start(jobs[1])
        shown.finish(jobs[1], Failure(jobs[1].cell, "no luck"))

    text = show(jobs, terminal=True, events=events)
    last = text[text.rindex("all 2 jobs") :]
    assert "40%" in last.splitlines()[0]  # 1000 of 2500 steps
    assert "return 21.2" in last
    assert "failed" in last


@pytest.mark.parametrize(("number", "text"), [(12.3, "12"), (1234, "1.2 k"), (2_500_000, "2.5 M")])
def test_rates_are_short(number, text):
    assert display._short(number) == text
