"""A callback of Stable-Baselines3 that writes results in this project's form while a model learns.

A run is measured by the protocol of every other run: the checkpoints lie on a grid of environment steps, 0 included;
the policy at x steps is the last one trained on at most x steps, so that overshoot never helps; each is evaluated in
fresh environments on the run's own evaluation streams.
"""

import inspect
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import gymnasium
import torch
from gymnasium.envs.registration import EnvSpec

from ...envs.anchors import anchors, possible_returns
from ...errors import UsageError
from ...results.store.curve import CurveRow, curve_rows
from ...results.store.fingerprint import fingerprint
from ...results.store.manifest import ExpectedCell, Manifest, change_manifest
from ...results.store.places import Place, place_of
from ...results.store.provenance import provenance, versions
from ...results.store.store import LARGEST_SEED, CellStore
from ..cells import Cell, Environment, Evaluation
from ..evaluation import Evaluated
from ..importing.placing import MARK
from ..importing.runs import checked_name
from ..schema import load_suite
from .checkpoints import CheckpointCallback
from .playing import Maker, evaluate_model


def sb3_callback(
    out: str | Place,
    *,
    algorithm: str,
    env: str | Maker,
    seed: int,
    suite: str | None = None,
    steps: int | None = None,
    checkpoints: int | None = None,
    episodes: int | None = None,
    deterministic: bool | None = None,
) -> "ResultsCallback":
    """Make the callback that writes one run of a Stable-Baselines3 model into a results folder.

    It is given to ``learn`` alone or among others. Parallel environments, `VecNormalize`, recurrent policies and
    ``learn(..., reset_num_timesteps=False)`` are understood; an interrupted run goes on where the model that was loaded
    stands. Files are written whole at every checkpoint, and ``pgsuite report`` reads them beside others.

    Args:
        out: results folder, or a URL of one.
        algorithm: what the report calls it, such as "sb3-ppo".
        env: Gymnasium id, or a function that makes the environment with the wrappers that the model is trained in;
            it is not vectorised.
        seed: of the run: names it, and chooses its evaluation streams.
        suite: name or file of a suite, whose budget and evaluation are taken where the following do not say.
        steps: budget in environment steps; needed without a suite.
        checkpoints: points of the curve after the start; 20 without a suite.
        episodes: per checkpoint, each in a fresh environment; 10 without a suite.
        deterministic: whether the mode of the policy is played; no without a suite.

    Raises:
        UsageError: an argument is wrong, or Stable-Baselines3 is not installed.
    """
    make: Maker = (lambda: gymnasium.make(env)) if isinstance(env, str) else env
    env_id = env if isinstance(env, str) else _registered_id(make)
    settings = load_suite(suite) if suite else None
    protocol = Evaluation(**settings.evaluation.model_dump()) if settings else Evaluation()
    given: dict[str, Any] = {"checkpoints": checkpoints, "episodes": episodes, "deterministic": deterministic}
    protocol = replace(protocol, **{name: value for name, value in given.items() if value is not None})
    if settings:
        steps = settings.environment(env_id, steps).steps
    if steps is None:
        raise UsageError("sb3_callback needs the budget of the run: give steps=100_000, or suite='classic'")
    if min(protocol.checkpoints, protocol.episodes) < 1 or steps < protocol.checkpoints:
        raise UsageError(
            f"{steps} steps with {protocol.checkpoints} checkpoints of {protocol.episodes} episodes cannot be "
            "evaluated: each must be at least 1, and the checkpoints at most the steps"
        )
    if not 0 <= seed <= LARGEST_SEED:
        raise UsageError(f"seed={seed}: a seed is a whole number from 0 to {LARGEST_SEED}")
    cell = Cell(
        suite=settings.name if settings else "sb3",
        algorithm=checked_name(algorithm, "algorithm", "algorithm"),
        reference="",
        options={},
        environment=Environment(id=env_id),
        steps=steps,
        evaluation=protocol,
    )
    return ResultsCallback(place_of(out), cell, seed, make)


def _registered_id(make: Maker) -> str:
    spec = _spec(make)
    if spec is None:
        raise UsageError("the environment that `env` makes has no id: register it with gymnasium.register")
    return spec.id


def _spec(make: Maker) -> EnvSpec | None:
    one = make()
    one.close()
    return one.spec


class ResultsCallback(CheckpointCallback):
    """What `sb3_callback` makes."""

    def __init__(self, out: Place, cell: Cell, seed: int, make: Maker) -> None:
        super().__init__(cell.grid)
        self.out, self.cell, self.seed, self.make = out, cell, seed, make
        self.store = CellStore(out, cell.algorithm, cell.environment.id, "")

    @property
    def name(self) -> str:
        """How messages call the run."""
        return f"{self.cell.name}, seed {self.seed}"

    def _begin(self, steps: int) -> None:
        self._open()
        self._go_on_from(steps)

    def _play(self, checkpoint: int) -> Evaluated:
        cell, training = self.cell, self.model.policy.training
        played = evaluate_model(self.model, self.make, cell.name, cell.evaluation, self.seed, checkpoint)
        self.model.policy.set_training_mode(training)
        return played

    def _save(self, facts: dict[str, Any]) -> None:
        self.store.write_curve(self.seed, self.rows, facts)

    def _open(self) -> None:
        """Find or make the cell's folder, now that the model is known, and ask for the run."""
        record = _record(self.cell, self.model, self.make)
        parts = ("configuration", "environment", "steps", "protocol", "reference", "versions")
        digest = fingerprint({MARK: "sb3", **{name: record[name] for name in parts}})
        cell = self.cell
        self.store = CellStore(self.out, cell.algorithm, cell.environment.id, digest)
        expected = ExpectedCell(cell.algorithm, cell.environment.id, self.store.path.name, (self.seed,))

        def asking(manifest: Manifest) -> Manifest:
            self.store.create(record)
            return manifest.asking([expected])

        change_manifest(self.out, cell.suite, asking, "out")  # other seeds may begin at the same time

    def _go_on_from(self, steps: int) -> None:
        """Take up the curve that belongs to a model trained on so many steps.

        Raises:
            UsageError: the run is there already, or its evaluations before this point are not.
        """
        stored, status = self._stored()
        self.ended = steps > 0 and status != "partial" and bool(stored)
        if steps == 0 and stored and status != "partial":
            raise UsageError(
                f"{self.out} holds the finished run of {self.name}: give another seed or folder, or delete "
                f"{self.store.curve_file(self.seed)}"
            )
        if steps == 0 and self._updates:
            raise UsageError(
                f"{self.name}: the model is trained already and its steps count from 0 again: "
                "call learn with reset_num_timesteps=False"
            )
        self.rows = [row for row in stored if row.env_steps < steps or self.ended]
        if not self.ended and len(self.rows) < sum(point < steps for point in self.cell.grid):
            reached = f"ends at {stored[-1].env_steps}" if stored else "is empty"
            raise UsageError(
                f"{self.name}: the model has done {steps} steps and its curve in {self.out} {reached}: evaluate it "
                "from the start, with this callback in every call of learn, or load a model saved earlier"
            )

    def _stored(self) -> tuple[list[CurveRow], str]:
        if self.seed not in self.store.stored():
            return [], "partial"
        frame, facts = self.store.read_curve(self.seed)
        return curve_rows(frame), str(facts["status"])


def _record(cell: Cell, model: Any, make: Maker) -> dict[str, Any]:
    """What goes into ``cell.json``."""
    known, env_id = anchors(cell.environment.id), cell.environment.id
    spec = _spec(make)
    usual = gymnasium.spec(env_id).kwargs
    options = {name: value for name, value in (spec.kwargs if spec else {}).items() if usual.get(name) != value}
    options.pop("render_mode", None)
    kind = type(model)
    return {
        "suite": cell.suite,
        "steps": cell.steps,
        "protocol": asdict(cell.evaluation),
        "environment": {
            "id": env_id,
            "backend": "gymnasium",
            "backend_version": gymnasium.__version__,
            "options": {name: value if isinstance(value, _PLAIN) else repr(value) for name, value in options.items()},
            "max_episode_steps": spec.max_episode_steps if spec else None,
        },
        "anchors": {"random": known.random, "reference": known.reference} if known else None,
        "possible_returns": possible_returns(env_id, options),
        "configuration": {"class": kind.__name__, **_hyperparameters(model)},
        "reference": f"{kind.__module__}:{kind.__qualname__}",
        "versions": versions("stable-baselines3", "sb3-contrib", "torch", "numpy", "gymnasium"),
        "device": str(model.device),
        "provenance": provenance(),
        MARK: {"source": "callback"},
    }


_PLAIN = (bool, int, float, str, type(None))
_NO_HYPERPARAMETERS = {"policy", "env", "verbose", "seed", "device", "tensorboard_log", "_init_setup_model"}


def _hyperparameters(model: Any) -> Mapping[str, Any]:
    """What the model's class is made with, as far as the model keeps it; what is no number or text as it prints."""
    names = [name for name in inspect.signature(type(model).__init__).parameters if name not in {"self", "kwargs"}]
    values = {name: getattr(model, name) for name in names if name not in _NO_HYPERPARAMETERS and hasattr(model, name)}
    normaliser = model.get_vec_normalize_env()
    values |= {"policy": type(model.policy).__name__, "num_envs": model.n_envs, "normalise": normaliser is not None}
    return {name: value if isinstance(value, _PLAIN) else _printed(value) for name, value in values.items()}


def _printed(value: Any) -> str:
    """A value without the addresses of objects, which differ from process to process."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_printed(one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_printed, value))
    if isinstance(value, torch.Tensor):
        return str(value.tolist())
    if isinstance(value, _PLAIN):
        return str(value)
    if inspect.isclass(value) or inspect.isfunction(value):
        return str(value.__name__)
    return type(value).__name__
