"""TensorBoard's event files, read by TensorBoard's own reader: those that our reports export, SB3's and CleanRL's."""

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...errors import UsageError
from .identity import origin
from .problems import Problems
from .runs import Read
from .series import Points, Tracked, Wanted, as_runs

Scalars = dict[str, list[tuple[int, float]]]
"""Steps and values by tag, in the order in which they were logged."""
_FRAME = struct.Struct("<Q")
_CHECKSUM = 4
"""Bytes; one stands behind a record's length, one behind its content."""


def read_events(files: Sequence[Path], wanted: Wanted) -> Read:
    """The runs of event files; those of one folder are one run, which was resumed, in the order of their names.

    Raises:
        UsageError: naming the file, the run and what is missing, or how to install the reader.
    """
    folders: dict[Path, list[Path]] = {}
    for file in files:
        folders.setdefault(file.parent, []).append(file)
    problems, tracked = Problems(), list[Tracked]()
    for folder, inside in folders.items():
        with problems.collected():
            tracked.append(_run(folder, sorted(inside)))
    problems.check()
    return as_runs([run for run in tracked if run.metrics] or tracked, wanted)


def _run(folder: Path, files: Sequence[Path]) -> Tracked:
    every: Scalars = {}
    notes: list[str] = []
    counts = [_scalars_into(every, file, notes) for file in files]
    if sum(map(bool, counts)) > 1:
        notes.append(f"{folder}: its {sum(map(bool, counts))} event files are read as one run that was resumed")
    metrics = {
        tag: Points(np.array([step for step, _ in of_tag], np.int64), np.array([value for _, value in of_tag]))
        for tag, of_tag in every.items()
    }
    return Tracked(str(folder), origin(files[0]), tuple(files), metrics, notes)


def _scalars_into(every: Scalars, file: Path, notes: list[str]) -> int:
    """Add the scalars of a file; return their number.

    Where the steps fall back, the run was resumed from there: what it had logged beyond is replaced, as TensorBoard
    does.
    """
    try:
        from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
        from tensorboard.util.tensor_util import make_ndarray
    except ImportError:
        raise UsageError("event files need tensorboard: pip install 'pgsuite[tensorboard]'") from None
    scalars = records = 0
    try:
        for event in EventFileLoader(str(file)).Load():
            records += 1
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == "scalars":
                    points = every.setdefault(value.tag, [])
                    while points and points[-1][0] > event.step:
                        points.pop()
                    points.append((int(event.step), float(make_ndarray(value.tensor).item())))
                    scalars += 1
    except Exception as error:  # its reader, and protobuf's, raise whatever they meet in a damaged file
        raise UsageError(f"{file} is damaged and cannot be read ({type(error).__name__}); copy it again") from None
    if records < (written := _records(file)):
        notes.append(f"{file} is cut off or damaged: {records} of its {written} records are read")
    if not scalars:
        notes.append(f"{file} holds no scalars, and is left out")
    return scalars


def _records(file: Path) -> int:
    """How many records a file begins, whole or not."""
    count, place, size = 0, 0, file.stat().st_size
    with file.open("rb") as opened:
        while place < size:
            count += 1
            opened.seek(place)
            head = opened.read(_FRAME.size)
            place += _FRAME.unpack(head)[0] + _FRAME.size + 2 * _CHECKSUM if len(head) == _FRAME.size else size
    return count
