"""Make an environment by id, on the fastest backend that is faithful to Gymnasium."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import UsageError
from . import classic, envpool_backend, gymnasium_backend
from .compiled import CompiledVectorEnv, Task
from .exact.models import REGISTERED, exact_model
from .exact.sampling import TabularVectorEnv, one_hot_space
from .tasks import known
from .vector import Spec, VectorEnv

BACKENDS = ("auto", "compiled", "numpy", "envpool", "gymnasium")
SEED_LIMIT = 2**31
"""Seeds lie below this: EnvPool rejects larger ones."""


def make(env_id: str, num_envs: int, seeds: Sequence[int], *, backend: str = "auto", **kwargs: Any) -> VectorEnv:
    """Make independent members of one environment.

    Args:
        env_id: a Gymnasium id, also in the form "module:Env-v0".
        num_envs: number of members.
        seeds: one per member, each in [0, 2**31). A member's trajectory depends on its seed and its actions alone.
        backend: `compiled`, `numpy`, `envpool`, `gymnasium`, or `auto`: the first of them that has a faithful form of
            the id, installed or not, because another one gives other bits.
        **kwargs: go to `gymnasium.make`, and so leave only the backend `gymnasium`.

    Raises:
        UsageError: the id, a seed or the backend is wrong, a space is not supported, or a package is not installed.
        EnvironmentFault: the environment's constructor raised.
    """
    if num_envs < 1 or len(seeds) != num_envs:
        raise UsageError(f"{num_envs} environments of {env_id!r} need one seed each, got {len(seeds)}")
    own_seeds = [int(seed) for seed in seeds]
    if wrong := [seed for seed in own_seeds if not 0 <= seed < SEED_LIMIT]:
        raise UsageError(f"seed {wrong[0]} of environment {env_id!r} is out of range: choose it in [0, 2**31)")
    match chosen_backend(env_id, backend, kwargs):
        case "numpy":
            return TabularVectorEnv(env_id, exact_model(env_id), own_seeds)
        case "compiled":
            return CompiledVectorEnv(env_id, known()[env_id], own_seeds)
        case "envpool":
            return envpool_backend.EnvPoolVectorEnv(env_id, own_seeds)
        case _:
            return gymnasium_backend.GymnasiumVectorEnv(env_id, own_seeds, **kwargs)


def describe(env_id: str, backend: str = "auto", **kwargs: Any) -> Spec:
    """What `make` with these arguments would make: spaces, time limit, backend and its version.

    Raises:
        UsageError, EnvironmentFault: as `make` does.
    """
    match chosen_backend(env_id, backend, kwargs):
        case "numpy":
            model = exact_model(env_id)
            sources = (
                f"{TabularVectorEnv.__module__}:TabularVectorEnv",
                f"{exact_model.__module__}:REGISTERED[{env_id}]",
            )
            seen = one_hot_space(model)
            return Spec(env_id, "numpy", np.__version__, seen, model.action_space, model.time_limit, sources)
        case "compiled":
            task = known()[env_id]
            spaces = (task.observation_space, task.action_space)
            version = CompiledVectorEnv.version
            return Spec(env_id, "compiled", version, *spaces, task.time_limit, _sources(env_id, task))
        case "envpool":
            return envpool_backend.describe(env_id)
        case _:
            return gymnasium_backend.describe(env_id, **kwargs)


def chosen_backend(env_id: str, backend: str, kwargs: dict[str, Any]) -> str:
    """The backend that `make` takes for an id.

    Raises:
        UsageError: the backend is unknown, not installed, or cannot make the environment.
    """
    if backend not in BACKENDS:
        raise UsageError(f"unknown backend {backend!r}: choose one of {', '.join(BACKENDS)}")
    if backend == "auto":
        if kwargs:
            return "gymnasium"
        if env_id in known():
            return "compiled"
        if env_id in REGISTERED:
            return "numpy"
        if env_id not in envpool_backend.FAITHFUL:
            return "gymnasium"
        backend = "envpool"
    if kwargs and backend != "gymnasium":
        raise UsageError(
            f"the backend {backend!r} takes no arguments for {env_id!r}, got {sorted(kwargs)}: "
            "use the backend 'gymnasium'"
        )
    own: dict[str, Mapping[str, Any]] = {"compiled": known(), "numpy": REGISTERED}
    if backend in own and env_id not in own[backend]:
        raise UsageError(f"the backend {backend!r} has no environment {env_id!r}: it has {', '.join(own[backend])}")
    if backend == "envpool" and not envpool_backend.available():
        extra = gymnasium_backend.extra(env_id)
        wanted = f"'pgsuite[{extra}]'" if extra else "envpool"
        raise UsageError(
            f"environment {env_id!r} runs on EnvPool, which is not installed: pip install {wanted} "
            "(or choose its backend 'gymnasium': slower, and not the same numbers)"
        )
    return backend


def _sources(env_id: str, task: Task) -> tuple[str, ...]:
    """Where the definitions are that a compiled environment is made of; those of a user's modules count as a whole."""
    whole = f"{CompiledVectorEnv.__module__}:CompiledVectorEnv"
    if env_id in classic.TASKS:
        return whole, f"{classic.__name__}:TASKS[{env_id}]"
    return whole, task.dynamics.python.__module__
