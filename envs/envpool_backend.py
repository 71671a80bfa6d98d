"""EnvPool: environments in C++, one random stream each, stepped by one thread.

EnvPool's rewards are float32, and it reports a termination on the last allowed step as truncation only.
"""

import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from ..errors import UsageError
from .pulse import beat
from .spaces import check_action_space, check_observation_space, first_action, one_line
from .vector import Spec, Transition

FAITHFUL = frozenset(
    {
        "LunarLander-v3",
        "LunarLanderContinuous-v3",
        "BipedalWalker-v3",
        "HalfCheetah-v5",
        "Hopper-v5",
        "Walker2d-v5",
        "Swimmer-v5",
        "Reacher-v5",
        "InvertedPendulum-v5",
        "InvertedDoublePendulum-v5",
        "Ant-v5",
    }
)
"""Ids whose EnvPool form was found to be Gymnasium's (EnvPool 1.2.5, Gymnasium 1.4.0).

Same sizes of observation and action, action bounds and time limits, for all of them. For the MuJoCo ids: started from
EnvPool's first states, Gymnasium's environments follow the same actions to within rounding. EnvPool carries MuJoCo
3.6.0; under MuJoCo 4.0.0 Ant alone departs, by 5e-6 in its quaternion on the first step. For the Box2D ids, whose
states cannot be set: returns of the random policy within two standard errors. The tests repeat the comparison.
"""


class EnvPoolVectorEnv:
    """A pool of EnvPool environments in its synchronous mode."""

    backend = "envpool"

    def __init__(self, env_id: str, seeds: Sequence[int]) -> None:
        spec = describe(env_id)
        self.id = env_id
        self.version = spec.version
        self.num_envs = len(seeds)
        self.observation_space = spec.observation_space
        self.action_space = spec.action_space
        self._first_action = first_action(spec.action_space)
        self._seeds = np.array(seeds)
        self._open()

    def _open(self) -> None:
        import envpool

        seeds = [int(seed) for seed in self._seeds]
        self._pool = envpool.make(self.id, env_type="gymnasium", num_envs=len(seeds), num_threads=1, seed=seeds)
        declared_spaces(self._pool)
        self._ended = np.ones(self.num_envs, np.bool_)

    def reseed(self, seeds: Sequence[int], indices: NDArray[np.intp]) -> None:
        """Give the members named new random streams, for which EnvPool has to make all of them anew.

        Raises:
            ValueError: if a member that is not named is in the middle of an episode, which would be lost.
        """
        others = np.ones(self.num_envs, np.bool_)
        others[indices] = False
        if not self._ended[others].all():
            raise ValueError("EnvPool's environments get new random streams together, between episodes")
        self._seeds[indices] = seeds
        self._pool.close()
        self._open()

    def reset(self, indices: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """Start a new episode in the members named; see `VectorEnv.reset`."""
        members = np.arange(self.num_envs) if indices is None else indices
        observation, _ = self._pool.reset(members.astype(np.int32))
        self._ended[members] = False
        return self._flat(observation)

    def step(self, action: NDArray[Any], indices: NDArray[np.intp] | None = None) -> Transition:
        """Step the members named; see `VectorEnv.step`."""
        members = np.arange(self.num_envs) if indices is None else indices
        valid = ~self._ended[members]
        observation, reward, terminated, truncated, _ = self._pool.step(
            action + self._first_action, members.astype(np.int32)
        )
        self._ended[members] = terminated | truncated
        beat()
        return Transition(self._flat(observation), reward.astype(np.float64), terminated, truncated, valid)

    def close(self) -> None:
        """Release the pool."""
        self._pool.close()

    def _flat(self, observation: NDArray[Any]) -> NDArray[np.float32]:
        return observation.reshape(len(observation), *self.observation_space.shape).astype(np.float32)


def available() -> bool:
    """Whether EnvPool is installed: it comes with the extras whose environments run on it."""
    return find_spec("envpool") is not None


def describe(env_id: str) -> Spec:
    """What the environment is, read from EnvPool's registry.

    Raises:
        UsageError: EnvPool lacks the id, or its form of it has an unsupported space.
    """
    import envpool

    if env_id not in envpool.list_all_envs():
        raise UsageError(f"the backend 'envpool' has no environment {env_id!r}: use the backend 'auto' or 'gymnasium'")
    spec = envpool.make_spec(env_id)
    observation_space, action_space = declared_spaces(spec)
    if not isinstance(observation_space, spaces.Box):
        raise UsageError(
            f"the backend 'envpool' observes {one_line(observation_space)} in {env_id!r}, which is not supported: "
            "use the backend 'gymnasium'"
        )
    check_observation_space(env_id, observation_space)
    # Its bounds are placeholders where they are not infinite.
    size = int(np.prod(observation_space.shape))
    check_action_space(env_id, action_space)
    if isinstance(action_space, spaces.Box):
        action_space = spaces.Box(action_space.low.astype(np.float32), action_space.high.astype(np.float32))
    return Spec(
        id=env_id,
        backend="envpool",
        version=envpool.__version__,
        observation_space=spaces.Box(-np.inf, np.inf, (size,)),
        action_space=action_space,
        max_episode_steps=int(spec.config.max_episode_steps),
        sources=(f"{__name__}:EnvPoolVectorEnv",),
    )


def declared_spaces(source: Any) -> tuple[Any, Any]:
    """Observation and action space that a spec or a pool declares; a pool keeps the first for its later calls."""
    with warnings.catch_warnings():
        # Gymnasium remarks on the precision of the bounds that EnvPool gives it.
        warnings.simplefilter("ignore")
        return source.observation_space, source.action_space
