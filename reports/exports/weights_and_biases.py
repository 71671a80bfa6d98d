"""Weights & Biases: a run each, grouped by algorithm and environment; the same run again replaces itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import PgsuiteError, UsageError, in_one_line
from ...foreign import named
from .tracker import TrackedRun

LONGEST_NAME = 120


class WeightsAndBiases:
    """A tracker that logs to a project, or to files below ``out`` with ``WANDB_MODE=offline``."""

    def __init__(self, project: str, out: Path) -> None:
        try:
            import wandb
        except ImportError:
            raise UsageError("exporting to Weights & Biases needs wandb: pip install 'pgsuite[wandb]'") from None
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PgsuiteError(f"cannot make {out}: {error.strerror}; choose another folder with -o") from error
        self._wandb, self._project, self._out = wandb, project, out
        self._run: Any = None

    def start(self, run: TrackedRun) -> None:
        """Begin a run."""
        wandb = self._wandb
        try:
            self._run = wandb.init(
                project=self._project,
                dir=str(self._out),
                id=run.key,
                name=named(run.name, LONGEST_NAME),
                group=named(f"{run.algorithm} · {run.env}", LONGEST_NAME),
                config=run.facts,
                reinit="finish_previous",
                settings=wandb.Settings(
                    silent=True,
                    console="off",
                    disable_git=True,
                    disable_code=True,
                    x_disable_stats=True,  # of this machine now, not of the one that trained
                    x_disable_meta=True,
                ),
            )
        except wandb.errors.Error as error:
            reason = in_one_line(error)[:200]
            raise UsageError(f"wandb: {reason}; `wandb login`, or set WANDB_MODE=offline") from error
        self._run.define_metric("*", step_metric="env_steps")

    def log(self, env_steps: int, seconds: float, values: Mapping[str, float]) -> None:  # noqa: ARG002
        """Log one checkpoint; ``wall_time`` is among the values."""
        self._run.log({"env_steps": env_steps, **values}, step=env_steps)

    def finish(self) -> None:
        """End the run."""
        self._run.finish()
