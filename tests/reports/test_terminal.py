import io

from rich.console import Console

from pgsuite.reports.content import content
from pgsuite.reports.terminal import print_report
from pgsuite.results import gather

from ..hostile import NAMES


def printed(said, width=80):
    file = io.StringIO()
    print_report(said, Console(file=file, width=width, force_terminal=False))
    return file.getvalue()


def test_verdict_leaderboard_and_environments_fit_into_80_columns(folder, comparison):
    folder.cell("trpo", curves=[[0, 40], [0, 60]])
    lines = printed(content(comparison, gather([folder.path]))).splitlines()
    assert lines[0] == "fast is ahead."
    assert lines[1] == "All 2 runs that were asked for are complete."
    assert max(map(len, lines)) <= 80
    assert any(line.split() == ["fast", *["0.75", "[0.50,", "0.88]"] * 3, "10"] for line in lines)
    assert any(line.split() == ["fast", "−1234", "[−1249,", "−1220]", "0.75", "0.50", "10", "—"] for line in lines)
    assert "Cart-v0" in [line.strip() for line in lines]


def test_a_name_cannot_command_the_terminal(folder, comparison):
    for name in NAMES:
        folder.cell(name, curves=[[0, 40]])
    comparison.leaderboard["label"] = NAMES[-1]
    object.__setattr__(comparison, "headline", NAMES[-1])
    text = printed(content(comparison, gather([folder.path])))
    assert not set(text) & {"\x1b", "\x07", "\u202e"}
