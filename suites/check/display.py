"""Live progress of a check: a bar for what is being done, and a line for every cell that is decided."""

import time

from rich.console import Console
from rich.progress import BarColumn, TextColumn

from ...foreign import plain
from ...results.checked import CheckedCell, explained
from ...wording import plural
from ..console import Bars, say

_LOG_INTERVAL = 30.0


class CheckDisplay(Bars):
    """A watcher of a check: on a terminal a bar, in a log plain lines with the time."""

    def __init__(self, console: Console) -> None:
        percent = TextColumn("{task.percentage:>3.0f}%")
        description = TextColumn("{task.description}", markup=False)
        super().__init__(console, description, BarColumn(bar_width=16), percent, transient=True)
        self._task = self._progress.add_task("reading both versions", total=1.0)
        self._stage, self._said = "", 0.0

    def stage(self, text: str) -> None:
        """Show what begins; in a log, what lasts."""
        self._stage = plain(text)
        self._progress.update(self._task, description=self._stage, completed=0.0)

    def progress(self, share: float) -> None:
        """Show how far it is."""
        self._progress.update(self._task, completed=share)
        now = time.monotonic()
        if not self._live and now - self._said > _LOG_INTERVAL:
            self._said = now
            say(self._console, f"{time.strftime('%H:%M:%S')}  {self._stage}: {share:.0%}")

    def decided(self, cell: CheckedCell) -> None:
        """Say what became of a cell."""
        stamp = "" if self._live else f"{time.strftime('%H:%M:%S')}  "
        behind = explained(cell) or cell.verdict
        seeds = f" ({plural(cell.seeds, 'seed')})" if cell.seeds else ""
        say(self._console, plain(f"{stamp}{cell.name}: {behind}{seeds}"))
