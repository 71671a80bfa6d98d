"""The first bad commit: bisection with the gate as the test.

A commit is good or bad as the gate finds it beside the good end, on the cells that are bad at the bad end. One whose
cells have the fingerprints of a commit that was decided has its verdict without being run; what was run is in the
store, and is not run again.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from ...errors import PgsuiteError, UsageError
from ...results.checked import Checked
from .check import carry_out
from .opening import Request
from .revisions import commit_of, commits_between, subject_of, working_tree
from .watching import Watcher

Fate = Literal["good", "bad", "unknown"]


class Tried(NamedTuple):
    """A commit that was tried."""

    commit: str
    subject: str
    fate: Fate
    why: str
    """The verdict, or why it could not be run."""


class Bisected(NamedTuple):
    """What a bisection found."""

    tried: Sequence[Tried]
    suspects: Sequence[str]
    """Commits of which one is the first bad one: a single one, unless some could not be decided."""
    whole: Checked
    """The check of the bad end beside the good one."""


def bisect(
    good: str,
    bad: str,
    request: Request,
    watcher: Watcher,
    on_tried: Callable[[Tried], None] = lambda _: None,
) -> Bisected:
    """Find the first commit after ``good`` that is as bad as ``bad``.

    Args:
        good: a revision.
        bad: a later one.
        request: how each step is checked; its baseline and candidate are set here.
        watcher: hears how checks get on.
        on_tried: hears of every commit that is decided.

    Raises:
        UsageError: a revision does not exist, or ``good`` is no ancestor of ``bad``.
        PgsuiteError: the ends do not differ as they should.
    """
    root = working_tree().root
    for revision in (good, bad):
        if commit_of(root, revision) is None:
            raise UsageError(f"{revision} is no revision of {root}; `git log --oneline` lists them")
    commits = commits_between(root, good, bad)
    if not commits:
        raise UsageError(f"{good} is no ancestor of {bad}, or the same: name an earlier revision that was good first")
    whole = carry_out(replace(request, baseline=good, candidate=bad), watcher)
    cells = [cell for cell in whole.cells if cell.verdict == "regressed"]
    if not cells:
        raise PgsuiteError(
            f"{bad} is not found worse than {good} ({whole.headline}), so there is no bad commit to look for; a drop "
            "that is smaller takes more --seeds"
        )
    narrowed = replace(
        request,
        baseline=good,
        algorithms=request.algorithms or tuple(dict.fromkeys(cell.algorithm for cell in cells)),
        environments=tuple(dict.fromkeys(cell.env for cell in cells)),
    )
    wanted = {(cell.algorithm, cell.env): cell.tier == "runs" for cell in cells}
    tried: dict[str, Tried] = {}

    def fate(commit: str) -> Fate:
        if commit not in tried:
            tried[commit] = _try(commit, subject_of(root, commit), narrowed, wanted, watcher)
            on_tried(tried[commit])
        return tried[commit].fate

    suspects = search(commits, fate)
    return Bisected(list(tried.values()), suspects, whole)


def search(commits: Sequence[str], fate: Callable[[str], Fate]) -> list[str]:
    """Return the commits of which one is the first bad one: the last of ``commits`` is bad, what is before them good.

    Where the middle cannot be decided, the undecided commit's neighbours are tried, the nearest first.
    """
    low, high = -1, len(commits) - 1  # the last that is known to be good, the first that is known to be bad
    unknown: set[int] = set()
    while True:
        open_ones = [n for n in range(low + 1, high) if n not in unknown]
        if not open_ones:
            return list(commits[low + 1 : high + 1])
        middle = (low + high) / 2
        n = min(open_ones, key=lambda n: abs(n - middle))
        found = fate(commits[n])
        if found == "bad":
            high = n
        elif found == "good":
            low = n
        else:
            unknown.add(n)


def _try(commit: str, subject: str, request: Request, wanted: dict[tuple[str, str], bool], watcher: Watcher) -> Tried:
    """Try a commit on the cells that are bad at the bad end, and of each whether its runs fail there."""
    try:
        checked = carry_out(replace(request, candidate=commit), watcher)
    except PgsuiteError as error:
        return Tried(commit, subject, "unknown", f"cannot be run: {error}")
    cells = [cell for cell in checked.cells if (cell.algorithm, cell.env) in wanted]
    for cell in cells:
        if cell.tier == "runs" and not wanted[cell.algorithm, cell.env]:  # another fault than the one looked for
            return Tried(commit, subject, "unknown", f"cannot be run: {cell.reason}")
    verdicts = {cell.verdict for cell in cells}
    if "regressed" in verdicts:
        return Tried(commit, subject, "bad", "regressed")
    if "open" in verdicts:
        return Tried(commit, subject, "unknown", "stays open")
    return Tried(commit, subject, "good", ", ".join(sorted(verdicts)))
