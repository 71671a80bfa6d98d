"""A stored policy to call: observations of the environment in, its actions out."""

from typing import Any

import gymnasium
import numpy as np
import torch
from torch import nn

from ...algorithms.model import Actor
from ...envs.gymnasium_backend import make_one
from ...envs.spaces import first_action
from ...errors import UsageError
from ...results.store.places import Place
from ..cells import Environment, open_environments
from ..noise import Noise, NoNoise, SeedNoise
from ..process import single_thread_often
from .modules import module_of
from .observations import flat_observations
from .policies import find_cell, open_policy


class Policy:
    """A stored policy, with the signature of Stable-Baselines3's: ``action, state = policy.predict(observation)``.

    An observation is one of `observation_space`. Several at once are what vector environments give: arrays with one
    more leading axis ``(N, ...)``, dictionaries and tuples of such arrays for `Dict` and `Tuple`, or a list of single
    observations; they give actions ``(N, ...)``. Observations are those of the environment: what training normalised
    them by is part of the policy. Actions are in the environment's units, ready for ``env.step``.

    They are drawn from the policy, from a stream of its own: the same ``noise_seed`` and the same calls give the same
    actions. The deterministic action is the policy's mode, and draws nothing.
    """

    def __init__(
        self,
        actor: Actor,
        observation_space: gymnasium.Space[Any],
        action_space: gymnasium.Space[Any],
        *,
        name: str,
        deterministic: bool,
        noise_seed: int,
    ) -> None:
        """Begin to act.

        Args:
            actor: of one seed.
            observation_space: of the environment.
            action_space: of the environment.
            name: what messages call the policy.
            deterministic: what a call does that does not say.
            noise_seed: of the stream from which actions are drawn.
        """
        self.observation_space, self.action_space = observation_space, action_space
        self._actor, self._name, self._deterministic = actor, name, deterministic
        self.reseed(noise_seed)

    def reseed(self, noise_seed: int) -> None:
        """Begin the random stream of actions anew."""
        self._random = np.random.default_rng(noise_seed)

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,  # noqa: ARG002 - others pass it
        deterministic: bool = False,
    ) -> tuple[Any, Any]:
        """Choose an action for an observation, or actions for several.

        Args:
            observation: one, or several with a leading axis.
            state: is given back: these policies remember nothing.
            episode_start: is not needed, for the same reason.
            deterministic: whether to give the mode; by default actions are drawn, as in Stable-Baselines3.

        Returns:
            The action, or actions ``(N, ...)``, and ``state``.

        Raises:
            UsageError: the observation is not of the environment's space.
        """
        try:
            flat, alone = flat_observations(self.observation_space, observation)
        except (ValueError, TypeError, RuntimeError) as error:  # the last two are numpy's and torch's
            raise UsageError(f"{self} takes no such observation: {' '.join(str(error).split())}") from error
        if not len(flat):
            return np.zeros((0, *(self.action_space.shape or ())), self.action_space.dtype), state
        with single_thread_often():
            chosen = self._actor(torch.from_numpy(flat[None]), self._noise(len(flat), deterministic)[:, 0])
        actions = np.asarray(chosen.environment[0] + first_action(self.action_space), self.action_space.dtype)
        actions = actions.reshape(len(flat), *(self.action_space.shape or ()))
        return actions[0] if alone else actions, state

    def __call__(self, observation: Any, *, deterministic: bool | None = None) -> Any:
        """`predict` the action alone; as the policy was loaded where ``deterministic`` is None."""
        mode = self._deterministic if deterministic is None else deterministic
        return self.predict(observation, deterministic=mode)[0]

    def to_torch(self) -> nn.Sequential:
        """Return the policy's mode as a module of torch's own layers: observations ``(..., O)`` to actions.

        Observations are vectors, as ``gymnasium.spaces.flatten`` makes of one, of the policy's precision: float32
        unless it was trained in another. Actions ``(..., *shape)`` are in the environment's units, whole numbers where
        they are choices, and equal those of `predict` to within rounding.
        ``module[:-1]`` gives what describes the distribution of actions: logits ``(..., D)``, or means and then log
        standard deviations ``(..., 2A)``, before they are clipped or squashed to the bounds of actions. Of
        Stable-Baselines3's, DQN has values of actions instead, and exploration that depends on the state means alone.

        The module is a copy, needs no more than torch, and can be traced, exported, trained further or saved.

        Raises:
            UsageError: the policy acts by something else than a network of ours.
        """
        return module_of(self._actor, self.action_space)

    def _noise(self, count: int, mode: bool) -> torch.Tensor:
        actor = self._actor
        source: Noise = NoNoise(actor.noise_size, count, actor.dtype)
        if not mode:
            source = SeedNoise(actor.noise, actor.noise_size, count, [self._random], actor.dtype)
        return source.draw(1, np.ones(1, np.bool_))

    def __repr__(self) -> str:
        return f"<policy of {self._name}>"


def load_policy(
    path: str | Place,
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
        path: a results folder, or a cell's, or a URL of one.
        algorithm: its name, or the ``module:Class`` or ``file.py:Class`` to build it from.
        env: its environment.
        seed: of the run.
        deterministic: whether ``policy(observation)`` gives its mode instead of drawing actions; as it was evaluated
            when None. `Policy.predict` is told in each call.
        noise_seed: of the stream from which actions are drawn.
        trust: whether the code that the folder names may be imported.

    Raises:
        UsageError: there is no such run, or several; it was imported; or it names code that is not trusted.
        PgsuiteError: record and snapshot do not fit each other, or are damaged, or the run diverged.
    """
    stored = open_policy(find_cell(path, algorithm, env), seed, algorithm=algorithm, trust=trust)
    mode = stored.protocol.deterministic if deterministic is None else deterministic
    name = f"{stored.store.algorithm} on {stored.store.env}, seed {seed}"
    return Policy(stored.actor, *_spaces(stored.environment), name=name, deterministic=mode, noise_seed=noise_seed)


def _spaces(environment: Environment) -> tuple[gymnasium.Space[Any], gymnasium.Space[Any]]:
    """The spaces of an environment as its users see them."""
    flat = open_environments(environment, [0])
    flat.close()
    if flat.backend != "gymnasium":  # these observe vectors as they are
        return flat.observation_space, flat.action_space
    env = make_one(environment.id, **environment.options)
    env.close()
    return env.observation_space, env.action_space
