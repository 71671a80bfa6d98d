"""A policy of Stable-Baselines3 as an actor: evaluated, replayed and called as ours are."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from torch import Tensor, nn

from ...algorithms.distributions import NoiseKind
from ...algorithms.model import Action
from .vector import SuiteVecEnv

_PREFIX = "behaviour.policy."
_MOMENTS = ("mean", "var", "count")
_WORD = 2**24
"""Values of a uniform float32."""


def behaviour(model: BaseAlgorithm) -> dict[str, NDArray[Any]]:
    """All that a model's policy acts by, as it is now: parameters and statistics of its observations."""
    found = {f"{_PREFIX}{name}": tensor.numpy().copy() for name, tensor in model.policy.state_dict().items()}
    normaliser = model.get_vec_normalize_env()
    if normaliser is not None and normaliser.norm_obs:
        found |= {f"behaviour.{name}": np.array(getattr(normaliser.obs_rms, name), np.float64) for name in _MOMENTS}
    return found


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed torch's generator for a while; `torch.manual_seed` would take 1 ms, for the generators of devices."""
    before = torch.default_generator.get_state()
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.default_generator.set_state(before)


class PolicyActor:
    """The policy of one run. Its own ``predict`` chooses, with torch's generator seeded by the noise."""

    dtype = torch.float32
    noise: NoiseKind = "uniform"
    noise_size = 2

    def __init__(self, model: BaseAlgorithm, env: SuiteVecEnv) -> None:
        """Take a model that does not train, for the form of its policy, and its environments, for that of actions."""
        self.env = env
        self.policy, self.normaliser = model.policy, model.get_vec_normalize_env()
        """The library's own, to be read."""
        self.policy.set_training_mode(False)

    def act_by(self, tensors: Mapping[str, NDArray[Any]]) -> "PolicyActor":
        """Take what `behaviour` gave.

        Raises:
            ValueError: it is of another policy.
        """
        state = {name: torch.from_numpy(tensors[_PREFIX + name].copy()) for name in self.policy.state_dict()}
        try:
            self.policy.load_state_dict(state)
        except RuntimeError as error:
            raise ValueError(" ".join(str(error).split())) from error
        if self.normaliser is not None and self.normaliser.norm_obs:
            for name in _MOMENTS:
                setattr(self.normaliser.obs_rms, name, tensors[f"behaviour.{name}"])
        return self

    def as_module(self, action_space: gymnasium.Space[Any]) -> nn.Sequential:
        """Return the mode as a module of torch; see `suites.sb3.modules`."""
        from .modules import policy_module

        return policy_module(self, action_space)

    def __call__(self, observation: Tensor, noise: Tensor) -> Action:
        """Choose actions for observations ``(1, N, O)`` with noise ``(1, N, 2)``; zero noise gives the mode."""
        seen = observation[0].numpy()
        if self.normaliser is not None:
            seen = np.asarray(self.normaliser.normalize_obs(seen))
        high, low = (noise[0, 0] * _WORD).long().tolist()
        with _seeded(high * _WORD + low):
            if getattr(self.policy, "use_sde", False):
                self.policy.reset_noise(len(seen))  # type: ignore[operator]  # of the policies that have it
            chosen, _ = self.policy.predict(seen, deterministic=not noise.any())
        actions = self.env.in_units(np.asarray(chosen))[None]
        finite = np.array([np.isfinite(actions).all()])
        sample = torch.from_numpy(actions if finite else np.nan_to_num(actions))
        return Action(sample, sample.numpy(), finite, torch.full(actions.shape[:2], torch.nan))
