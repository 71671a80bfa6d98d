"""Score anchors: the returns of a uniform random policy and of a reference, which a score puts at 0 and 1.

The numbers are data (`anchors.toml`), each with its source; the random ones are measured by `measure_random_return`.
"""

import tomllib
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from numpy.typing import NDArray

from .make import make
from .spaces import first_action


class Anchors(NamedTuple):
    """Returns of one environment that its scores are relative to."""

    random: float
    """Mean return of the uniform random policy."""
    reference: float
    """A known good return."""
    random_source: str
    reference_source: str
    lowest: float | None = None
    """What no return can be below; None where that is not known."""
    highest: float | None = None
    """What no return can be above."""
    range_source: str = ""


class RandomReturn(NamedTuple):
    """Return of the uniform random policy, as measured."""

    mean: float
    standard_error: float
    episodes: int


@cache
def _table() -> dict[str, Anchors]:
    text = files(__package__).joinpath("anchors.toml").read_text(encoding="utf-8")
    return {env_id: Anchors(**entry) for env_id, entry in tomllib.loads(text).items()}


def anchors(env_id: str) -> Anchors | None:
    """The anchors of an environment; None where none are declared."""
    return _table().get(env_id)


def possible_returns(env_id: str, options: Mapping[str, Any] | None = None) -> tuple[float, float] | None:
    """Between what the returns of an environment lie by its definition; None where that is not known.

    Args:
        env_id: the environment.
        options: keyword arguments that it is made with: nothing is known of one that is made differently.
    """
    known = anchors(env_id)
    if known is None or known.lowest is None or known.highest is None or changes_task(env_id, options or {}):
        return None
    return known.lowest, known.highest


def changes_task(env_id: str, options: Mapping[str, Any]) -> list[str]:
    """The arguments that make another task of an environment than the one registered under its id.

    One that says what is registered anyway, or how it is drawn, changes nothing; any other may.
    """
    spec = gymnasium.registry.get(env_id.rpartition(":")[2])
    registered: dict[str, Any] = {"render_mode": options.get("render_mode")}
    if spec is not None:
        registered |= {**spec.kwargs, "max_episode_steps": spec.max_episode_steps}
    return [name for name, value in options.items() if name not in registered or registered[name] != value]


def normalise(value: NDArray[np.float64] | float, anchors: Anchors) -> NDArray[np.float64]:
    """Return to score, of any shape: 0 at the random anchor, 1 at the reference, linear through both."""
    return (np.asarray(value, np.float64) - anchors.random) / (anchors.reference - anchors.random)


def measure_random_return(
    env_id: str,
    episodes: int = 1000,
    seed: int = 0,
    backend: str = "auto",
    *,
    options: Mapping[str, Any] | None = None,
    at_once: int = 100,
) -> RandomReturn:
    """Play whole episodes with uniformly drawn actions.

    Every episode belongs to a fresh member that plays exactly one: stopping at the first so many episodes to finish
    would prefer short ones. Box actions are drawn as Gymnasium's `sample` does: uniform between finite bounds.

    Args:
        env_id: the environment.
        episodes: how many to play.
        seed: of the whole measurement.
        backend: as in `make`.
        options: keyword arguments of the environment.
        at_once: members per batch; it does not change the result.
    """
    streams = np.random.SeedSequence(seed).spawn(episodes)
    returns = np.concatenate(
        [
            _random_returns(env_id, streams[start : start + at_once], backend, options or {})
            for start in range(0, episodes, at_once)
        ]
    )
    standard_error = returns.std(ddof=1) / np.sqrt(episodes) if episodes > 1 else np.inf
    return RandomReturn(float(returns.mean()), float(standard_error), episodes)


def _random_returns(
    env_id: str, streams: list[np.random.SeedSequence], backend: str, options: Mapping[str, Any]
) -> NDArray[np.float64]:
    """Return ``(M,)`` of one episode per stream."""
    env_seeds, action_seeds = np.array([stream.generate_state(2) >> 1 for stream in streams]).T
    env = make(env_id, len(streams), env_seeds.tolist(), backend=backend, **options)
    policies = [_seeded(env.action_space, int(seed)) for seed in action_seeds]
    lowest = first_action(env.action_space)
    env.reset()
    returns = np.zeros(len(streams))
    playing = np.arange(len(streams))
    while len(playing):
        action = np.stack([policies[member].sample() for member in playing]) - lowest
        step = env.step(action, playing)
        returns[playing] += step.reward
        playing = playing[~(step.terminated | step.truncated)]
    env.close()
    return returns


def _seeded(space: gymnasium.Space[Any], seed: int) -> gymnasium.Space[Any]:
    """A copy of the space that samples from a stream of its own."""
    own = deepcopy(space)
    own.seed(seed)
    return own
