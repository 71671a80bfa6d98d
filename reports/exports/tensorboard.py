"""TensorBoard's event files, written without TensorFlow and without torch.

``OUT/<cell>/seed-3/`` holds one file, whole or absent. The horizontal axis "step" is environment steps; "relative" is
time in training.
"""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from ...errors import PgsuiteError, UsageError
from ...results.store.atomic import write_atomic
from ...results.store.store import cell_folder
from .tracker import TrackedRun

NAME = "events.out.tfevents.{}.pgsuite"
"""TensorBoard looks for ``tfevents`` in a name."""
EVENTS = NAME.format(0)
"""Of an export: always the same, so that a new one replaces the old."""


class Events:
    """The records of one event file."""

    def __init__(self, file: Any) -> None:
        event_pb2, summary_pb2, writer = self.check()
        self._event, self._summary, self._records = event_pb2.Event, summary_pb2.Summary, writer(file)
        self._write(self._event(wall_time=0.0, file_version="brain.Event:2"))

    @staticmethod
    def check() -> tuple[Any, Any, Any]:
        """Return what writes them.

        Raises:
            UsageError: tensorboard is not installed.
        """
        try:
            from tensorboard.compat.proto import event_pb2, summary_pb2
            from tensorboard.summary.writer.record_writer import RecordWriter
        except ImportError:
            raise UsageError("event files need tensorboard: pip install 'pgsuite[tensorboard]'") from None
        return event_pb2, summary_pb2, RecordWriter

    def log(self, env_steps: int, seconds: float, values: Mapping[str, float]) -> None:
        """Add a scalar per number."""
        summary = self._summary(value=[self._summary.Value(tag=tag, simple_value=v) for tag, v in values.items()])
        self._write(self._event(wall_time=seconds, step=env_steps, summary=summary))

    def _write(self, event: Any) -> None:
        self._records.write(event.SerializeToString())


def run_folder(out: Path, run: TrackedRun) -> Path:
    """The folder of a run's events."""
    return out / cell_folder(run.algorithm, run.env, run.fingerprint) / f"seed-{run.seed}"


class TensorBoard:
    """A tracker that writes a folder per run."""

    def __init__(self, out: Path) -> None:
        Events.check()
        self._out, self._folder, self._buffer = out, out, BytesIO()

    def start(self, run: TrackedRun) -> None:
        """Begin a run's file."""
        self._folder = run_folder(self._out, run)
        self._buffer = BytesIO()
        self._events = Events(self._buffer)

    def log(self, env_steps: int, seconds: float, values: Mapping[str, float]) -> None:
        """Add a scalar per number."""
        self._events.log(env_steps, seconds, values)

    def finish(self) -> None:
        """Put the file in place."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PgsuiteError(
                f"cannot make {self._folder}: {error.strerror}; choose another folder with -o"
            ) from error
        content = self._buffer.getvalue()
        write_atomic(self._folder / EVENTS, lambda file: file.write(content))
