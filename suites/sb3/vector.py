"""Our environments as Stable-Baselines3 takes them, so that its algorithms train in the very same ones as ours."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from ...algorithms.model import Spaces
from ...envs.vector import VectorEnv
from ...errors import PgsuiteError
from ..faults import fault


class NotFiniteAction(PgsuiteError):
    """An action is no number: the policy has diverged."""


class Nowhere(NamedTuple):
    """Spaces alone, for a model that is built and does not train."""

    observation_space: spaces.Box
    action_space: gymnasium.Space[Any]
    num_envs: int

    @classmethod
    def of(cls, shown: Spaces, num_envs: int) -> "Nowhere":
        """Return so many environments of these spaces."""
        return cls(shown.observation, shown.action, num_envs)


class SuiteVecEnv(VecEnv):
    """Environments of ours. An episode that ends is followed by the first observation of the next, as there."""

    def __init__(self, env: VectorEnv | Nowhere, seed: int = 0, *, rescale_actions: bool = False) -> None:
        """Take the environments, the run's seed for messages, and whether bounded actions are from -1 to 1."""
        space = env.action_space
        self.rescaled = space if rescale_actions and isinstance(space, spaces.Box) and space.is_bounded() else None
        """The space of actions that are addressed from -1 to 1; None where they are in the environment's units."""
        unit = spaces.Box(-1.0, 1.0, space.shape, np.float32)
        super().__init__(env.num_envs, env.observation_space, unit if self.rescaled else _counted_from_0(space))
        self._env: Any = env
        self._seed, self._steps = seed, 0
        self._actions: NDArray[Any] = np.zeros(0)

    def reset(self) -> VecEnvObs:
        observation: NDArray[np.float32] = self._env.reset()
        return observation

    def step_async(self, actions: NDArray[Any]) -> None:
        if not np.isfinite(actions).all():
            raise NotFiniteAction("an action is not finite")
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        step = self._env.step(self.in_units(self._actions))
        self._steps += 1
        self._check("reward", step.reward)
        self._check("observation", step.observation)
        done = step.terminated | step.truncated
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        observation = step.observation
        if ended := np.flatnonzero(done).tolist():
            for n in ended:
                cut = bool(step.truncated[n] and not step.terminated[n])
                infos[n] = {"terminal_observation": observation[n].copy(), "TimeLimit.truncated": cut}
            observation[done] = self._env.reset(np.flatnonzero(done))
        return observation, step.reward.astype(np.float32), done, infos

    def in_units(self, actions: NDArray[Any]) -> NDArray[Any]:
        """Return actions ``(M, ...)`` in the units of the environment."""
        if self.rescaled is None:
            return actions
        low, high = self.rescaled.low, self.rescaled.high
        inside: NDArray[Any] = np.clip((low + high) / 2 + (high - low) / 2 * actions, low, high)
        return inside.astype(self.rescaled.dtype)

    def _check(self, what: str, numbers: NDArray[Any]) -> None:
        """Raise EnvironmentFault for numbers ``(M, ...)`` that are not finite."""
        bad = ~np.isfinite(numbers.reshape(self.num_envs, -1)).all(1)
        if bad.any():
            raise fault(self._env.id, what, self._seed, int(bad.argmax()), self._steps * self.num_envs)

    def close(self) -> None:
        self._env.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:  # noqa: ARG002
        if attr_name == "render_mode":  # none is drawn
            return [None] * self.num_envs
        raise AttributeError(f"the environments have no attribute {attr_name!r}")

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:  # noqa: ARG002
        raise AttributeError(f"the environments have no attribute {attr_name!r}")

    def env_method(self, method_name: str, *_: Any, indices: Any = None, **__: Any) -> list[Any]:  # noqa: ARG002
        raise AttributeError(f"the environments have no method {method_name!r}")

    def env_is_wrapped(self, wrapper_class: Any, indices: int | Iterable[int] | None = None) -> list[bool]:  # noqa: ARG002
        return [False] * self.num_envs


def _counted_from_0(space: gymnasium.Space[Any]) -> gymnasium.Space[Any]:
    """The space of the actions that `VectorEnv` takes."""
    if isinstance(space, spaces.Discrete):
        return spaces.Discrete(int(space.n))
    if isinstance(space, spaces.MultiDiscrete):
        return spaces.MultiDiscrete(space.nvec)
    return space
