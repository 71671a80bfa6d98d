"""Progress: plain lines in a log, bars on a terminal."""

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from pgsuite.results.store.store import CellStore
from pgsuite.suites import display
from pgsuite.suites.display import Display, Pace, label
from pgsuite.suites.scheduling.interface import Failure, Job, News


@pytest.fixture
def jobs(small_cell, tmp_path):
    store = CellStore(tmp_path, "reinforce", "CartPole-v1", "0" * 64)
    cells = [small_cell("reinforce", steps=1000), small_cell("trpo", steps=500)]
    return [Job(cells[0], store, (0, 1)), Job(cells[1], store, (2,))]


@pytest.fixture
def long_named(jobs):
    """A job whose names and seeds do not fit into half a terminal's line."""
    cell = replace(jobs[0].cell, algorithm="reinforce-baseline")
    environment = replace(cell.environment, id="MountainCarContinuous-v0", name="")
    return replace(jobs[0], cell=replace(cell, environment=environment), seeds=tuple(range(10)))


@pytest.fixture
def clock(monkeypatch):
    """The time, to be set; its time of day is always the same."""
    now = [1000.0]
    monkeypatch.setattr(display.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(display.time, "strftime", lambda form: form.replace("%H:%M:%S", "12:34:56"))
    return now


def log(jobs, events):
    """The lines of a log in which some events are told."""
    said = io.StringIO()
    with Display(Console(file=said, width=80, force_terminal=False), jobs) as shown:
        events(shown)
    return said.getvalue().splitlines()


class Terminal(io.StringIO):
    """A terminal of some width: what it shows, line by line."""

    def __init__(self, width=80):
        super().__init__()
        self.width = width

    def screen(self):
        """Obey the codes that move the cursor and delete lines; a line that is full goes on in the next."""
        lines, row, column = [""], 0, 0
        for piece in re.findall(r"\x1b\[\??[\d;]*[A-Za-z]|.|\n", self.getvalue()):
            if piece == "\r":
                column = 0
            elif piece == "\x1b[2K":
                lines[row] = ""
            elif piece == "\x1b[1A":
                row -= 1
            elif piece == "\n" or (len(piece) == 1 and column == self.width):
                row, column = row + 1, 0
                lines += [""] * (row == len(lines))
            if len(piece) == 1 and piece not in "\r\n":
                lines[row] = lines[row].ljust(column)[:column] + piece + lines[row][column + 1 :]
                column += 1
        return [line.rstrip() for line in lines if line]

    @property
    def console(self):
        return Console(file=self, width=self.width, force_terminal=True, color_system=None, legacy_windows=False)


def test_a_log_has_a_line_per_start_and_end(jobs, clock):
    def events(shown):
        shown.start(jobs[0])
        shown.news(jobs[0], News(500, 20.5))
        shown.finish(jobs[0], None)
        shown.start(jobs[1])
        shown.finish(jobs[1], Failure(jobs[1].cell, "no luck"))

    assert log(jobs, events) == [
        "12:34:56  started   reinforce · CartPole-v1 · seeds 0-1",
        "12:34:56  finished  reinforce · CartPole-v1 · seeds 0-1  return 20.5  (1 of 2)",
        "12:34:56  started   trpo · CartPole-v1 · seed 2",
        "12:34:56  failed    trpo · CartPole-v1 · seed 2  (2 of 2)",
    ]


def test_a_log_cuts_no_name(long_named, clock):
    def events(shown):
        shown.start(long_named)
        shown.news(long_named, News(10_000, -12.25))
        shown.finish(long_named, None)

    what = "reinforce-baseline · MountainCarContinuous-v0 · seeds 0-9"
    assert log([long_named], events) == [
        f"12:34:56  started   {what}",
        f"12:34:56  finished  {what}  return -12.2  (1 of 1)",
    ]


def test_runs_that_diverged_are_counted_where_their_job_ends(jobs, clock):
    def events(shown):
        for news in ((News(0, diverged=1), News(0, 9.0), News(0, diverged=1)), (News(0, diverged=1),)):
            shown.start(jobs[0])  # the second time anew, on another machine
            for each in news:
                shown.news(jobs[0], each)
        shown.finish(jobs[0], None)

    assert log(jobs, events)[-1] == "12:34:56  finished  reinforce · CartPole-v1 · seeds 0-1  1 diverged  (1 of 2)"

    def with_return(shown):
        shown.start(jobs[0])
        shown.news(jobs[0], News(10, 9.0, diverged=1))
        shown.finish(jobs[0], None)

    assert log(jobs, with_return)[-1].endswith("return 9.0, 1 diverged  (1 of 2)")


def test_a_log_says_now_and_then_how_far_it_is(jobs, clock):
    def events(shown):
        shown.start(jobs[0])
        for clock[0] in (1010.0, 1020.0, 1040.0, 1050.0):
            shown.news(jobs[0], News(250))

    # 750 of 2500 steps in 40 seconds: 18.75 a second, 1750 left, which takes 93.3 s.
    assert log(jobs, events)[1:] == ["12:34:56  30%, 19 steps/s, about 2 min left"]


def test_a_log_never_promises_the_impossible(jobs, clock):
    """Steps found are no work done; runs go beyond their budgets; what fails leaves the rest undone."""

    def events(shown):
        shown.start(jobs[0])
        clock[0] += 31
        shown.news(jobs[0], News(0, found=1000))
        clock[0] += 31
        shown.news(jobs[0], News(1500))
        shown.start(jobs[1])
        clock[0] += 31
        shown.news(jobs[1], News(700))
        shown.finish(jobs[0], None)
        shown.finish(jobs[1], None)

    lines = [line.removeprefix("12:34:56  ") for line in log(jobs, events)]
    # 1000 of 2500 found; then 2000 of 2500 after 1500 steps in 62 s; then 2200 steps in 93 s, and no more to do.
    assert [line for line in lines if "%" in line] == [
        "40%, 0 steps/s",
        "80%, 24 steps/s, about 21 s left",
        "99%, 24 steps/s",
    ]


def test_work_beyond_what_was_planned_is_no_more_than_all(clock):
    pace = Pace(10)
    clock[0] += 1
    pace.advance(News(12))
    assert (pace.share, pace.percent, pace.left, pace.rate) == (1.0, "99%", "", 12.0)
    pace.ended = True
    assert pace.percent == "100%"


def test_time_is_left_for_what_is_left_alone(jobs, clock):
    """A job that failed is over: the time left is that of the others."""

    def events(shown):
        shown.start(jobs[0])
        clock[0] += 10
        shown.news(jobs[0], News(100))
        shown.finish(jobs[0], Failure(jobs[0].cell, "no luck"))
        shown.start(jobs[1])
        clock[0] += 40
        shown.news(jobs[1], News(150))

    # 250 steps in 50 seconds: 5 a second; 350 of the second job's 500 are left.
    assert log(jobs, events)[-1] == "12:34:56  86%, 5 steps/s, about 70 s left"


def test_a_terminal_shows_jobs_at_work_below_a_line_for_each_that_ended(jobs, clock):
    terminal = Terminal()
    with Display(terminal.console, jobs) as shown:
        shown.start(jobs[0])
        clock[0] += 10
        shown.news(jobs[0], News(1000, 21.25))
        shown._progress.refresh()
        overall, first, *rest = terminal.screen()
        assert re.fullmatch(r"all · 2 jobs +━+╸? +40%   15 s left 100 steps/s", overall)
        assert re.fullmatch(r"reinforce · CartPole-v1 · 0-1 ━+╸? +50%   10 s left return 21.2", first)
        assert rest == []
        shown.finish(jobs[0], None)
        shown.start(jobs[1])
        shown._progress.refresh()
        ended, overall, second = terminal.screen()
        assert ended == "finished  reinforce · CartPole-v1 · seeds 0-1  return 21.2  (1 of 2)"
        assert overall.startswith("all · 2 jobs")
        assert " 80% " in overall  # a run that ended early has nothing left to do
        assert re.match(r"trpo · CartPole-v1 · seed 2 +0%", second)
        shown.finish(jobs[1], Failure(jobs[1].cell, "no luck"))
        shown._progress.refresh()
        assert terminal.screen()[1] == "failed    trpo · CartPole-v1 · seed 2  (2 of 2)"
        assert "100%" in terminal.screen()[2]
        assert len(terminal.screen()) == 3


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize(("seconds", "left"), [(1, "1 s left"), (5340, "89 min left"), (97_200, "27 h left")])
def test_bar_and_time_are_readable_however_long_a_label_is(width, seconds, left, long_named, clock):
    terminal = Terminal(width)
    with Display(terminal.console, [long_named]) as shown:
        shown.start(long_named)
        clock[0] += seconds
        shown.news(long_named, News(long_named.cell.steps * 5, -123456.75))  # half of it
        shown._progress.refresh()
        overall, job = terminal.screen()
        for line in (overall, job):
            assert len(line) <= width
            assert re.search(rf" ━{{6}} {{7}} 50% +{left} ", line)
        name, env, seeds = re.match(r"(r\S*) · (Mo\S*) · (\S*\d) ", job).groups()
        assert min(len(name), len(env)) >= 12 or width < 80
        assert seeds == "0-9"
        shown.finish(long_named, None)
        shown._progress.refresh()
        ended, overall = terminal.screen()
        assert len(ended) <= width
        assert re.search(r"0-9  return -123456.8  \(1 of 1\)$", ended)


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (None, "reinforce-baseline · Pendulum-v1 · seeds 0-9"),
        (44, "reinforce-baseline · Pendulum-v1 · seeds 0-9"),
        (43, "reinforce-baseline · Pendulum-v1 · 0-9"),
        (30, "reinforce… · Pendulum-v1 · 0-9"),
        (24, "reinfo… · Pendulu… · 0-9"),
        (20, "rein… · Pendu… · 0-9"),
    ],
)
def test_a_label_loses_the_word_seeds_first_then_ends_of_the_longest_names(width, shown):
    assert label(("reinforce-baseline", "Pendulum-v1", "seeds 0-9"), width) == shown


@pytest.mark.parametrize(
    ("seeds", "text"), [((3,), "3"), ((0, 1, 2), "0-2"), ((7, 0, 1, 2, 4), "0-2,4,7"), ((1, 3, 5), "1,3,5")]
)
def test_seeds_are_named_as_in_a_suite_file(jobs, seeds, text):
    *_, named = display._parts(replace(jobs[0], seeds=seeds))
    assert named.split()[1] == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 s"),
        (89.4, "89 s"),
        (90, "2 min"),
        (600, "10 min"),
        (5340, "89 min"),
        (5400, "1.5 h"),
        (36_000, "10 h"),
        (169_000, "47 h"),
        (200_000, "2 d"),
    ],
)
def test_times_are_in_the_unit_that_a_reader_thinks_in(seconds, text):
    assert display._duration(seconds) == text


@pytest.mark.parametrize(("number", "text"), [(12.3, "12"), (1234, "1.2 k"), (2_500_000, "2.5 M")])
def test_rates_are_short(number, text):
    assert display._short(number) == text
