"""Lines and bars on a console, for whatever takes its time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

from ..foreign import styled


class Bars:
    """What shows bars on a terminal while its block lasts, and none in a log."""

    def __init__(self, console: Console, *columns: ProgressColumn, transient: bool = False) -> None:
        self._console = console
        self._live = console.is_terminal and not console.is_dumb_terminal
        self._progress = Progress(*columns, console=console, disable=not self._live, transient=transient)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


@contextmanager
def counting(what: str, total: int, console: Console) -> Iterator[Callable[[], None]]:
    """Show how many of ``total`` pieces of work are done: a bar on a terminal, nothing in a log."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.completed}/{task.total}"),
    )
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)


def say(console: Console, line: str) -> None:
    """Print a line as it is: names in it are no markup, and a log or a terminal breaks it where it likes."""
    console.print(styled(line, spaced=True), soft_wrap=True)


def progress_console(wanted: bool = True) -> Console:
    """Return where progress is shown: the error output, as plain lines in a notebook; nowhere unless wanted."""
    return Console(stderr=True, quiet=not wanted, force_jupyter=False)
