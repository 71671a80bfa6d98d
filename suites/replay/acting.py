"""A stored policy to call: observations of the environment in, its actions out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray

from ...algorithms.model import Actor
from ...envs.gymnasium_backend import make_one
from ...envs.spaces import first_action
from ...errors import UsageError
from ..cells import Environment, open_environments
from ..noise import Noise, NoNoise, SeedNoise
from ..process import single_thread
from .policies import StoredPolicy, find_cell, open_policy


class Policy:
    """A stored policy: ``policy(observation)`` is an action.

    An observation is one of the environment's space; several at once are an array with one more leading axis
    ``(N, ...)`` for a `Box`, a list for any other space, and give actions ``(N, ...)``. Actions are in the
    environment's units, ready for ``env.step``. They are drawn from the policy, from a stream of its own: the same
    ``noise_seed`` and the same calls give the same actions. ``deterministic=True`` gives the policy's mode instead,
    and draws nothing.
    """

    def __init__(self, stored: StoredPolicy, *, deterministic: bool, noise_seed: int) -> None:
        self._actor: Actor = stored.actor
        self._deterministic = deterministic
        self.stored = stored
        self.observation_space, self.action_space = _spaces(stored.environment)
        self.reseed(noise_seed)

    def reseed(self, noise_seed: int) -> None:
        """Begin the random stream of actions anew."""
        self._random = np.random.default_rng(noise_seed)

    def __call__(self, observation: Any, *, deterministic: bool | None = None) -> Any:
        """Choose an action for an observation, or actions for several.

        Args:
            observation: one, or several with a leading axis.
            deterministic: whether to give the mode; as the policy was loaded when None.

        Raises:
            UsageError: the observation is not of the environment's space.
        """
        flat, alone = self._flat(observation)
        mode = self._deterministic if deterministic is None else deterministic
        with single_thread():
            chosen = self._actor(torch.from_numpy(flat[None]), self._noise(len(flat), mode)[:, 0])
        actions = np.asarray(chosen.environment[0] + first_action(self.action_space), self.action_space.dtype)
        actions = actions.reshape(len(flat), *(self.action_space.shape or ()))
        return actions[0] if alone else actions

    def _noise(self, count: int, mode: bool) -> torch.Tensor:
        actor = self._actor
        source: Noise = NoNoise(actor.noise_size, count, actor.dtype)
        if not mode:
            source = SeedNoise(actor.noise, actor.noise_size, count, [self._random], actor.dtype)
        return source.draw(1, np.ones(1, np.bool_))

    def _flat(self, observation: Any) -> tuple[NDArray[np.float32], bool]:
        """Observations as ``(N, O)`` numbers, and whether it was a single one."""
        space = self.observation_space
        several: Sequence[Any]
        try:
            if isinstance(space, spaces.Box):
                array = np.asarray(observation, np.float32)
                alone = array.shape == space.shape
                if not alone and array.shape[1:] != space.shape:
                    raise ValueError(f"it has the shape {array.shape}, not {space.shape} or (N, ...)")
                return np.ascontiguousarray(array.reshape(1 if alone else len(array), -1)), alone
            alone = not isinstance(observation, list)
            several = [observation] if alone else observation
            return np.stack([np.asarray(spaces.flatten(space, one), np.float32) for one in several]), alone
        except (ValueError, TypeError, KeyError, IndexError) as error:
            reason = " ".join(str(error).split())
            raise UsageError(f"this is no observation of {self.stored.environment.id}: {reason}") from error

    def __repr__(self) -> str:
        store = self.stored.store
        return f"<policy of {store.algorithm} on {store.env}, seed {self.stored.seed}>"


def load_policy(
    path: str | Path,
    *,
    algorithm: str | None = None,
    env: str | None = None,
    seed: int = 0,
    deterministic: bool | None = None,
    noise_seed: int = 0,
    trust: bool = False,
) -> Policy:
    """Load the policy that a run ended with.

    Args:
        path: a results folder, or a cell's.
        algorithm: its name, or the ``module:Class`` or ``file.py:Class`` to build it from.
        env: its environment.
        seed: of the run.
        deterministic: whether it gives its mode instead of drawing actions; as it was evaluated when None.
        noise_seed: of the stream from which actions are drawn.
        trust: whether the code that the folder names may be imported.

    Raises:
        UsageError: there is no such run, or several; it was imported; or it names code that is not trusted.
        PgsuiteError: record and snapshot do not fit each other, or are damaged.
    """
    stored = open_policy(find_cell(Path(path), algorithm, env), seed, algorithm=algorithm, trust=trust)
    mode = stored.protocol.deterministic if deterministic is None else deterministic
    return Policy(stored, deterministic=mode, noise_seed=noise_seed)


def _spaces(environment: Environment) -> tuple[gymnasium.Space[Any], gymnasium.Space[Any]]:
    """The spaces of an environment as its users see them."""
    flat = open_environments(environment, [0])
    flat.close()
    if flat.backend != "gymnasium":  # these observe vectors as they are
        return flat.observation_space, flat.action_space
    env = make_one(environment.id, **environment.options)
    env.close()
    return env.observation_space, env.action_space
