"""Any Gymnasium environment, its members stepped one after another."""

from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from ..errors import EnvironmentFault, UsageError
from .answers import fault, kind, named, reset_answer, step_answer
from .pulse import beat
from .spaces import check_action_space, first_action, flat_observation_space
from .vector import Spec, Transition

EXTRAS = {"gymnasium.envs.box2d": "box2d", "gymnasium.envs.mujoco": "mujoco"}
"""Extra of this package that installs what a family of Gymnasium's environments needs."""


class GymnasiumVectorEnv:
    """One Gymnasium environment per member: seeded at its first reset, reset from its own stream ever after."""

    backend = "gymnasium"
    version = gymnasium.__version__

    def __init__(self, env_id: str, seeds: Sequence[int], **kwargs: Any) -> None:
        self.id = env_id
        self.num_envs = len(seeds)
        self._members: list[gymnasium.Env[Any, Any]] = []
        for _ in seeds:
            self._members.append(make_one(env_id, **kwargs))
            beat()
        self._unused_seeds: list[int | None] = list(seeds)
        self._space = self._members[0].observation_space
        self.observation_space = flat_observation_space(env_id, self._space)
        self.action_space = self._members[0].action_space
        check_action_space(env_id, self.action_space)
        self._first_action = first_action(self.action_space)
        self._ended = np.ones(self.num_envs, np.bool_)

    def reset(self, indices: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """Start a new episode in the members named; see `VectorEnv.reset`."""
        members = np.arange(self.num_envs) if indices is None else indices
        observation = np.empty((len(members), *self.observation_space.shape), np.float32)
        for row, member in enumerate(members.tolist()):
            observation[row] = self._reset_member(member)
        return observation

    def reseed(self, seeds: Sequence[int], indices: NDArray[np.intp]) -> None:
        """Give the members named new random streams; see `VectorEnv.reseed`."""
        for member, seed in zip(indices, seeds, strict=True):
            self._unused_seeds[member] = seed
        self._ended[indices] = True

    def step(self, action: NDArray[Any], indices: NDArray[np.intp] | None = None) -> Transition:
        """Step the members named; see `VectorEnv.step`."""
        members = np.arange(self.num_envs) if indices is None else indices
        # A copy: an environment may keep or change the action that it is given.
        own_action = np.array(action + self._first_action, self.action_space.dtype)
        own_action = own_action.reshape(len(members), *(self.action_space.shape or ()))
        observation = np.empty((len(members), *self.observation_space.shape), np.float32)
        reward = np.zeros(len(members))
        terminated, truncated = np.zeros((2, len(members)), np.bool_)
        valid = ~self._ended[members]
        for row, (member, goes_on) in enumerate(zip(members.tolist(), valid.tolist(), strict=True)):
            if not goes_on:
                observation[row] = self._reset_member(member)
                continue
            try:  # what `faults_of` does, here and in a reset: it takes as long as a step of the quickest
                answer = self._members[member].step(own_action[row])
                flat, reward[row], terminated[row], truncated[row] = step_answer(self.id, self._space, answer)
            except EnvironmentFault:
                raise
            except Exception as error:
                raise named(self.id, "step", error) from error
            observation[row] = flat
            beat()
        self._ended[members] = terminated | truncated
        return Transition(observation, reward, terminated, truncated, valid)

    def close(self) -> None:
        """Close every member."""
        for env in self._members:
            env.close()

    def _reset_member(self, member: int) -> NDArray[Any]:
        env, seed = self._members[member], self._unused_seeds[member]
        try:
            observation = reset_answer(self.id, self._space, env.reset(seed=seed))
        except EnvironmentFault:
            raise
        except Exception as error:
            raise named(self.id, "reset", error) from error
        beat()
        if seed is not None:
            env.action_space.seed(seed)
            self._unused_seeds[member] = None
        self._ended[member] = False
        return observation


def describe(env_id: str, **kwargs: Any) -> Spec:
    """What the environment is, read from one that is made and closed again."""
    env = make_one(env_id, **kwargs)
    check_action_space(env_id, env.action_space)
    observation_space = flat_observation_space(env_id, env.observation_space)
    limit = env.spec.max_episode_steps if env.spec else None
    env.close()
    made_by = [type(env.unwrapped), *([env.spec.entry_point] if env.spec else [])]
    sources = dict.fromkeys([f"{__name__}:GymnasiumVectorEnv", *(address(one) for one in made_by)])
    own = tuple(source for source in sources if not source.startswith(("gymnasium.", ":")))
    return Spec(env_id, "gymnasium", gymnasium.__version__, observation_space, env.action_space, limit, own)


def address(made_by: Any) -> str:
    """``module:name`` of a class or function, given itself or as a registry names it; ``:`` where it has none."""
    if isinstance(made_by, str):
        return made_by
    return f"{getattr(made_by, '__module__', '')}:{getattr(made_by, '__qualname__', '')}"


def make_one(env_id: str, **kwargs: Any) -> gymnasium.Env[Any, Any]:
    """One Gymnasium environment; ids of the form "module:Env-v0" import the module first.

    Raises:
        UsageError: the id is unknown, something that it needs is not installed, or it does not take the arguments.
        EnvironmentFault: its constructor raised anything else.
    """
    check_registered(env_id)
    try:
        # The checker would repeat Gymnasium's advice to authors in every run, and costs a third of the speed.
        env = gymnasium.make(env_id, disable_env_checker=True, **kwargs)
    except (gymnasium.error.DependencyNotInstalled, ImportError) as error:
        raise UsageError(missing(env_id, error)) from error
    except TypeError as error:
        if not kwargs:
            raise EnvironmentFault(fault(env_id, "its constructor", error)) from error
        raise UsageError(f"environment {env_id!r} does not take the arguments {kwargs}: {error}") from error
    except Exception as error:
        raise EnvironmentFault(fault(env_id, "its constructor", error)) from error
    for name in ("observation_space", "action_space"):
        if not isinstance(space := getattr(env, name, None), gymnasium.Space):
            raise EnvironmentFault(
                f"environment {env_id!r} has {_foreign(space)} for its {name}: "
                f"set self.{name} in its constructor, to a space of gymnasium.spaces"
            )
    return env


def _foreign(space: Any) -> str:
    """What stands in a space's place; those of the old package look the same."""
    return f"a space of {type(space).__module__}" if type(space).__module__.startswith("gym.") else kind(space)


def check_registered(env_id: str) -> None:
    """Import the module that an id of the form "module:Env-v0" names, and look the id up.

    Raises:
        UsageError: the module cannot be imported or nothing is registered under the id.
    """
    module, _, name = env_id.rpartition(":")
    if module:
        try:
            import_module(module)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise UsageError(f"cannot import {module!r}, the module of environment {env_id!r}: {reason}") from error
    try:
        gymnasium.spec(name)
    except gymnasium.error.Error as error:
        raise UsageError(unknown(env_id, name)) from error


def unknown(env_id: str, name: str) -> str:
    """One line on an id whose name, the part after the module, nothing is registered under."""
    near = get_close_matches(name, gymnasium.registry, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "name a module that registers it, as in 'module:Env-v0'"
    return f"unknown environment {env_id!r}: {hint}"


def missing(env_id: str, error: Exception) -> str:
    """One line on an environment whose dependencies are not installed."""
    if name := extra(env_id):
        return f"environment {env_id!r} needs more packages: pip install 'pgsuite[{name}]'"
    return f"environment {env_id!r} needs something that is not installed: {error}"


def extra(env_id: str) -> str | None:
    """The extra of this package that installs what an environment needs; None where none does."""
    spec = gymnasium.registry.get(env_id)
    entry_point = spec.entry_point if spec else None
    if not isinstance(entry_point, str):
        return None
    return next((name for family, name in EXTRAS.items() if entry_point.startswith(family)), None)
