"""Where a model of Stable-Baselines3 stands on our grid of checkpoints while it learns."""

import math
import time
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from ...errors import UsageError
from ...results.store.curve import CurveRow
from ..evaluation import Evaluated

try:
    from stable_baselines3.common.callbacks import BaseCallback
except ImportError as error:
    raise UsageError("Stable-Baselines3 is not installed: pip install 'pgsuite[peers]'") from error


class CheckpointCallback(BaseCallback):
    """Evaluates, at every point of the grid, the last policy trained on no more steps than it allows."""

    def __init__(self, grid: Sequence[int]) -> None:
        super().__init__()
        self.grid = grid
        self.rows: list[CurveRow] = []
        self.ended = False
        """Whether the last checkpoint is evaluated, or the policy has diverged."""
        self._trained = 0
        """Environment steps that the present policy was trained on."""
        self._collected = 0
        """The same of the policy that the next update makes."""
        self._seconds, self._since = 0.0, 0.0

    @abstractmethod
    def _begin(self, steps: int) -> None:
        """Hear that the model begins to learn, or goes on, after so many steps; ``rows`` are what it has been so far.

        It may set them, and ``ended``.
        """

    @abstractmethod
    def _play(self, checkpoint: int) -> Evaluated:
        """Evaluate the present policy: ``(1, E)`` returns and lengths."""

    @abstractmethod
    def _save(self, facts: dict[str, Any]) -> None:
        """Take the curve so far, and facts about the run: its ``status``, and ``diverged_at`` if it has."""

    @property
    def _updates(self) -> int:
        return int(vars(self.model).get("_n_updates", 0))

    def _on_training_start(self) -> None:
        steps = int(self.model.num_timesteps)
        self._begin(steps)
        self._seconds = self.rows[-1].wall_time if self.rows else 0.0
        self._trained = self._collected = steps
        self._since = time.perf_counter()
        if steps == 0 and not self.ended:
            self._evaluate_up_to(0)

    def _on_rollout_start(self) -> None:
        self._trained = self._collected = int(self.model.num_timesteps)

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        """Evaluate what lies behind: the update to come has seen more steps than these points allow."""
        self._collected = int(self.model.num_timesteps)
        self._evaluate_up_to(self._collected - 1)

    def _on_training_end(self) -> None:
        self._trained = self._collected
        self._evaluate_up_to(int(self.model.num_timesteps))

    def _evaluate_up_to(self, steps: int) -> None:
        """Evaluate the present policy at every checkpoint that is due."""
        while not self.ended and self.grid[len(self.rows)] <= steps:
            self._pause()
            row = self._row(len(self.rows), self.grid[len(self.rows)]) if self.is_finite() else None
            if row is None or not math.isfinite(row.return_mean):
                self.diverge(self._trained)
                return
            self.rows.append(row)
            self._keep({"status": "complete" if len(self.rows) == len(self.grid) else "partial"})
            self._since = time.perf_counter()

    def _pause(self) -> None:
        """Count the time since the last evaluation."""
        now = time.perf_counter()
        self._seconds, self._since = self._seconds + now - self._since, now

    def is_finite(self) -> bool:
        """Whether all parameters are numbers."""
        return all(bool(parameter.isfinite().all()) for parameter in self.model.policy.parameters())

    def diverge(self, steps: int) -> None:
        """End the run, unless it has ended: its policy is none any more after so many steps."""
        if self.ended:
            return
        self._pause()
        self._keep({"status": "diverged", "diverged_at": steps})

    def _row(self, checkpoint: int, point: int) -> CurveRow:
        played = self._play(checkpoint)
        return CurveRow(
            checkpoint=checkpoint,
            env_steps=point,
            trained_steps=self._trained,
            return_mean=float(played.returns.mean()),
            return_std=float(played.returns.std()),
            episodes=played.returns.size,
            length_mean=float(played.lengths.mean()),
            eval_steps=int(played.lengths.sum()),
            updates=self._updates,
            wall_time=self._seconds,
        )

    def _keep(self, facts: dict[str, Any]) -> None:
        self.ended = facts["status"] != "partial"
        if self._seconds > 0 and self._trained:
            facts["steps_per_second"] = self._trained / self._seconds
        self._save(facts)
