"""Evaluation episodes of a Stable-Baselines3 model, by our protocol and apart from its training."""

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray

from ...algorithms.streams import Stream, seed_sequence
from ...errors import EnvironmentFault, UsageError
from ..cells import Evaluation
from ..evaluation import Evaluated, environment_seeds

Maker = Callable[[], gymnasium.Env[Any, Any]]


def evaluate_model(model: Any, make: Maker, name: str, protocol: Evaluation, seed: int, checkpoint: int) -> Evaluated:
    """Play the protocol's episodes with a model's present policy, each in a fresh environment.

    Training notices nothing: the environments are other ones, the statistics of a `VecNormalize` are used and not
    changed, and torch's generator is put back where it was. The same arguments give the same episodes. Exploration that
    a value-based method adds while it gathers experience, such as ε-greedy, is no part of its policy.

    Args:
        model: a model of Stable-Baselines3 or sb3-contrib.
        make: makes the environment that it is trained in, one of it.
        name: of the environment, for messages.
        protocol: how many episodes, and whether the mode is played.
        seed: of the run, whose evaluation streams are used.
        checkpoint: index on the grid.

    Returns:
        ``(1, E)`` undiscounted returns as the environment gives them, and lengths.

    Raises:
        UsageError: the model cannot act on what the environment observes.
        EnvironmentFault: a return is not finite.
    """
    words = environment_seeds(seed, Stream.EVALUATION_ENVIRONMENT, checkpoint, protocol.episodes)
    members = [make() for _ in words]
    (actions,) = seed_sequence(seed, Stream.EVALUATION_ACTION, checkpoint).generate_state(1)
    try:
        with torch.random.fork_rng():
            torch.manual_seed(int(actions))
            returns, lengths = _play(model, members, words, deterministic=protocol.deterministic)
    except ValueError as error:
        raise UsageError(
            f"the model cannot act in {name}: {error}; give `env` a function that makes it with the wrappers that "
            "it is trained in"
        ) from error
    finally:
        for member in members:
            member.close()
    if not np.isfinite(returns).all():
        raise EnvironmentFault(f"{name} gave a return of {returns[~np.isfinite(returns)][0]} in an evaluation")
    return Evaluated(returns[None], lengths[None])


def _play(
    model: Any, members: Sequence[gymnasium.Env[Any, Any]], seeds: Sequence[int], *, deterministic: bool
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """One episode of each member: ``(E,)`` returns and lengths. One that has ended waits for the others."""
    observations = [member.reset(seed=seed)[0] for member, seed in zip(members, seeds, strict=True)]
    normaliser = model.get_vec_normalize_env()
    returns, lengths = np.zeros(len(members)), np.zeros(len(members), np.int64)
    playing, memory = np.ones(len(members), np.bool_), None
    while playing.any():
        batch = _stacked(observations)
        if normaliser is not None:
            batch = normaliser.normalize_obs(batch)
        action, memory = model.policy.predict(
            batch, state=memory, episode_start=lengths == 0, deterministic=deterministic
        )
        for row in np.flatnonzero(playing).tolist():
            observations[row], reward, terminated, truncated, _ = members[row].step(action[row])
            returns[row] += float(reward)
            lengths[row] += 1
            playing[row] = not (terminated or truncated)
    return returns, lengths


def _stacked(observations: Sequence[Any]) -> Any:
    """``(E, ...)``, or a table of such for a table of observations."""
    if isinstance(observations[0], dict):
        return {key: np.stack([one[key] for one in observations]) for key in observations[0]}
    return np.stack(observations)
