"""TensorBoard while a suite runs: an event folder per run, which grows by a step at every checkpoint.

A run that is resumed begins a new file, with all that it has, in place of the old one: no step is there twice, and none
lies before another. A file's number grows, so that a TensorBoard that is watching goes on to it.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from ...errors import UsageError
from ...results.store.curve import METRIC, CurveRow
from .tensorboard import NAME, Events, run_folder
from .tracker import TrackedRun, numbers

_OURS = re.compile(re.escape(NAME).replace(r"\{\}", r"(\d{1,9})"))


class LiveTensorBoard:
    """Event files of runs at work, written as news of them arrive."""

    def __init__(self, out: Path, note: Callable[[str], None]) -> None:
        """Write nothing yet.

        Args:
            out: folder, for ``tensorboard --logdir``.
            note: told in a line when files cannot be written; the suite runs on without them.

        Raises:
            UsageError: tensorboard is not installed, or the folder cannot be made.
        """
        self._out, self._note = out, note
        self._events: dict[str, tuple[BinaryIO, Events]] = {}
        self._broken = False
        Events.check()
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot make {out}: {error.strerror}; choose another with --tensorboard-dir") from error

    def has(self, run: TrackedRun) -> bool:
        """Whether a file of the run is there."""
        return bool(self._files(run))

    def take(self, run: TrackedRun, anchors: Mapping[str, float] | None, rows: Sequence[CurveRow]) -> None:
        """Add checkpoints of a run; those that come first begin its file anew."""
        if self._broken:
            return
        try:
            file, events = self._events.get(run.key) or self._begin(run)
            for row in rows:
                seconds = row.wall_time if math.isfinite(row.wall_time) else 0.0
                events.log(row.env_steps, seconds, numbers(_columns(row, anchors)))
            file.flush()
        except OSError as error:
            self._broken = True
            self._note(f"note: no more event files, {self._out} cannot be written: {error.strerror}")

    def close(self) -> None:
        """Close all files."""
        for file, _ in self._events.values():
            file.close()
        self._events.clear()

    def _begin(self, run: TrackedRun) -> tuple[BinaryIO, Events]:
        folder = run_folder(self._out, run)
        folder.mkdir(parents=True, exist_ok=True)
        before = self._files(run)
        number = max(before, default=-1) + 1
        file = (folder / NAME.format(number)).open("xb")
        for path in before.values():
            path.unlink()
        self._events[run.key] = file, Events(file)
        return self._events[run.key]

    def _files(self, run: TrackedRun) -> dict[int, Path]:
        folder = run_folder(self._out, run)
        found = ((_OURS.fullmatch(path.name), path) for path in (folder.iterdir() if folder.is_dir() else ()))
        return {int(match[1]): path for match, path in found if match}


def _columns(row: CurveRow, anchors: Mapping[str, float] | None) -> dict[str, float]:
    """A checkpoint as a row of a frame."""
    own = {name: value for name, value in row._asdict().items() if name != "metrics"}
    own |= {f"{METRIC}{name}": value for name, value in row.metrics.items()}
    if anchors:
        own["score"] = (row.return_mean - anchors["random"]) / (anchors["reference"] - anchors["random"])
    return own
