"""Playing a plan with a frozen policy: the one way from policies and environments to experience.

Training, evaluation and replay play alike. A network in a compiled environment plays in compiled code, seed by seed: a
seed waits for nobody. Any other actor or environment is stepped time step by time step, all seeds together, with the
same kernels for the actor. Both give the same bits.

Shapes: **S** seeds that play, **N** environments per seed, **M** = S·N members of the vector environment,
**T** time steps, **O** observation size, **A** numbers of an action, **K** of noise.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..algorithms.interface import Episodes, Plan
from ..algorithms.matrices import matrix
from ..algorithms.model import Actor, Behaviour, NetworkActor, act, to_environment
from ..algorithms.networks import BLOCK, copy
from ..envs.compiled import CompiledVectorEnv, advance, look
from ..envs.vector import VectorEnv
from ..kernels import kernel, linked
from .finite import not_finite
from .noise import Noise


class Stretch(NamedTuple):
    """Consecutive time steps of a plan. A member that does not step any more has zeros."""

    observation: NDArray[np.float32]
    """``(S, N, T + 1, O)``; entry t + 1 follows step t."""
    action: Tensor
    """``(S, N, T)`` or ``(S, N, T, A)`` as drawn from the policy."""
    log_prob: Tensor
    """``(S, N, T)``; without entries where nobody asked."""
    reward: NDArray[np.float64]
    """``(S, N, T)``"""
    terminated: NDArray[np.bool_]
    """``(S, N, T)``"""
    truncated: NDArray[np.bool_]
    """``(S, N, T)``"""
    valid: NDArray[np.bool_]
    """``(S, N, T)`` whether it is experience: false for resets, and where a member did not step."""
    acted: NDArray[np.bool_]
    """``(S, T)`` whether a seed's actions were finite."""
    sound: bool
    """Whether all observations and rewards are finite."""
    environment: Callable[[], NDArray[np.generic]]
    """Gives the actions in the environment's units and shape, ``(S, N, T, ...)``."""
    passed: tuple[Behaviour, Tensor, Tensor] | None = None
    """Whose network made which outputs and hidden layers of the observations, where that was kept (see `Passed`)."""


def play(
    plan: Plan,
    env: VectorEnv,
    actor: Actor,
    noise: Noise,
    members: NDArray[np.intp],
    observation: NDArray[np.float32] | None = None,
    *,
    densities: bool = True,
) -> Iterator[Stretch]:
    """Play a plan: a window in one stretch, a round in stretches as long as its noise says.

    In a round every member plays one episode; a finished one is not stepped again.

    Args:
        plan: a window or a round.
        env: the environments.
        actor: of the seeds that play.
        noise: of their actions.
        members: ``(S, N)`` which of the environments play.
        observation: ``(S, N, O)`` where a window goes on; a round, or None, begins with a reset.
        densities: whether log-probabilities are asked for: a tenth of the time that a step of CartPole takes.
    """
    if observation is None:
        flat = members.ravel()
        everyone = np.array_equal(flat, np.arange(env.num_envs))
        observation = env.reset(None if everyone else flat).reshape(*members.shape, -1)
    once = isinstance(plan, Episodes)
    running = np.ones(members.shape, dtype=np.bool_)
    stretch = _compiled if _is_network(actor) and isinstance(env, CompiledVectorEnv) else _stepwise
    while running.any():
        steps = noise.stretch if isinstance(plan, Episodes) else plan.length
        numbers = noise.draw(steps, np.asarray(running.any(axis=1)))
        played = stretch(env, actor, numbers, members, observation, running, once, densities)
        yield played
        if not once:
            return
        observation = np.ascontiguousarray(played.observation[:, :, -1])


def _is_network(actor: Actor) -> bool:
    """Whether an actor is a network and acts as one: a subclass may have a way of its own."""
    return type(actor).__call__ is NetworkActor.__call__


class Record(NamedTuple):
    """What compiled code writes of a stretch, as it takes it; names and shapes are those of `Stretch`."""

    observation: NDArray[np.float32]
    """Of which it reads the first."""
    sample: NDArray[Any]
    """``(S, N, T, A)`` actions as kernels know them."""
    log_prob: NDArray[Any]
    reward: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    acted: NDArray[np.bool_]
    sound: NDArray[np.bool_]
    """``(S,)``"""
    length: NDArray[np.int64]
    """``(S,)`` time steps played."""
    outputs: NDArray[Any]
    """``(S, N T, D)`` of the network, where they are kept, and its hidden layers."""
    hidden: NDArray[Any]


class Playing(NamedTuple):
    """What plays a stretch in compiled code, ready to be called."""

    arguments: tuple[Any, ...]
    """Of `play_each`."""
    record: Record
    """Where it writes."""
    actor: NetworkActor
    passed: tuple[Behaviour, Tensor, Tensor] | None
    """See `Stretch`."""

    @property
    def standardiser(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """What observations are shifted and scaled by, ``(S, O)`` each; ``(S, 0)`` where they are not."""
        _, _, _, shift, scale, *_ = self.actor.code
        return shift, scale

    def stretch(self) -> Stretch:
        """Return what was played."""
        made, length = self.record, int(self.record.length.max())
        action = self.actor.model.distribution.actions(torch.from_numpy(made.sample[:, :, :length]))
        return Stretch(
            observation=made.observation[:, :, : length + 1],
            action=action,
            log_prob=torch.from_numpy(made.log_prob[:, :, :length]),
            reward=made.reward[:, :, :length],
            terminated=made.terminated[:, :, :length],
            truncated=made.truncated[:, :, :length],
            valid=made.valid[:, :, :length],
            acted=made.acted[:, :length],
            sound=bool(made.sound.all()),
            environment=lambda: self.actor.model.to_environment(action),
            passed=self.passed,
        )


def playing(
    env: CompiledVectorEnv,
    actor: NetworkActor,
    noise: NDArray[Any],
    members: NDArray[np.intp],
    running: NDArray[np.bool_],
    *,
    once: bool,
    densities: bool,
) -> Playing:
    """Return what plays as many time steps as there is noise, from observations that are to be written.

    Args:
        env: the environments, with random numbers for as many resets.
        actor: of the seeds that play.
        noise: ``(S, T, N, K)``
        members: ``(S, N)`` which of the environments play.
        running: ``(S, N)`` which of them still do.
        once: whether an environment stops at the end of its episode.
        densities: whether log-probabilities are asked for.
    """
    seeds, steps, count, _ = noise.shape
    shape, size, real = (seeds, count, steps), env.observation_space.shape[0], noise.dtype
    policy, width = actor.model.policy, actor.model.distribution.width
    keeps = type(actor) is NetworkActor and not once and count * steps <= BLOCK
    kept = count * steps if keeps else 0
    made = Record(
        observation=np.zeros((seeds, count, steps + 1, size), np.float32),
        sample=np.zeros((*shape, width), real),
        log_prob=np.zeros(shape if densities else (0, 0, 0), real),
        reward=np.zeros(shape),
        terminated=np.zeros(shape, np.bool_),
        truncated=np.zeros(shape, np.bool_),
        valid=np.zeros(shape, np.bool_),
        acted=np.full((seeds, steps), True),
        sound=np.full(seeds, True),
        length=np.zeros(seeds, np.int64),
        outputs=np.empty((seeds, kept, policy.outputs + policy.constants), real),
        hidden=np.empty((seeds, kept * sum(policy.hidden)), real),
    )
    arguments = (
        *actor.code,
        *actor.model.bounds,
        *env.members,
        members,
        noise,
        once,
        running,
        env.work(),
        np.empty((count, size), np.float32),
        np.empty(count * (policy.row + width + 1), real),
        *made,
    )
    left = (actor.behaviour, torch.from_numpy(made.outputs), torch.from_numpy(made.hidden))
    return Playing(arguments, made, actor, left if keeps else None)


def _compiled(
    env: Any,
    actor: Any,
    noise: Tensor,
    members: NDArray[np.intp],
    observation: NDArray[np.float32],
    running: NDArray[np.bool_],
    once: bool,
    densities: bool,
) -> Stretch:
    """Play in compiled code; the arguments are those of `_stepwise`."""
    if not once:
        env.ensure_draws(members.ravel(), resets_within(noise.shape[1]))
    made = playing(env, actor, noise.numpy(), members, running, once=once, densities=densities)
    made.record.observation[:, :, 0] = observation
    play_each(*made.arguments)
    return made.stretch()


def resets_within(steps: int) -> int:
    """Return the most resets that a window can have: every second step may be one."""
    return steps // 2 + 1


@linked(
    "real[:, ::1], int64[::1], boolean, real[:, ::1], real[:, ::1], int64, int64[::1], "
    "boolean, float64[:, ::1], "
    "int64[::1], int64, float64[:, ::1], int64[::1], boolean[::1], float64[:, :, ::1], int64[::1], "
    "int64[:, ::1], real[:, :, :, ::1], boolean, boolean[:, ::1], float64[::1], float32[:, ::1], real[::1], "
    "float32[:, :, :, ::1], real[:, :, :, ::1], real[:, :, ::1], float64[:, :, ::1], boolean[:, :, ::1], "
    "boolean[:, :, ::1], boolean[:, :, ::1], boolean[:, ::1], boolean[::1], int64[::1], real[:, :, ::1], real[:, ::1]",
    entry=True,
)
def play_each(
    parameters, widths, relu, shift, scale, kind, sizes,
    squashed, bounds,
    functions, time_limit, states, elapsed, ended, draws, drawn,
    members, noise, once, running, rows, now, work,
    observation, sample, log_prob, reward, terminated, truncated, valid, acted, sound, played, outputs, hidden,
):  # fmt: skip
    """Play every seed that has an environment running, up to as many time steps as there is noise.

    The arguments, a line at a time: those of `model.act`, of `model.to_environment`, `envs.compiled.Members`; which of
    them are whose, the noise ``(S, T, N, K)``, whether an environment stops at the end of its episode, which still
    play, and memory to work in; what is recorded, as in `Stretch`, log-probabilities where there is room for them,
    whether a seed's numbers are all finite, and its number of time steps; and what the network made of a window's
    observations, where there is room for that.
    """
    count, size, place = members.shape[1], observation.shape[3], states.shape[1] + observation.shape[3]
    seen, following, action = rows[:size], rows[size:place], rows[place:]
    density, chosen = work[: count if log_prob.size else 0], matrix(work, count, count, sample.shape[3])
    made = matrix(work, count + chosen.size, count, outputs.shape[2])
    work = work[count + chosen.size + made.size :]
    for s in range(len(members)):
        t = 0
        for n in range(count):
            copy(observation[s, n, 0], now[n])
        while t < noise.shape[1] and running[s].any():
            acted[s, t] = act(
                parameters[s],
                widths,
                relu,
                shift[s],
                scale[s],
                kind,
                sizes,
                now,
                noise[s, t],
                running[s],
                made,
                work,
                chosen,
                density,
            )
            if outputs.shape[1]:
                for n in range(count):
                    copy(made[n], outputs[s, n * noise.shape[1] + t])
                spread(work, widths, count, t, noise.shape[1], hidden[s])
            for n in range(count):
                if not running[s, n]:
                    continue
                copy(chosen[n], sample[s, n, t])
                if log_prob.size:
                    log_prob[s, n, t] = density[n]
                to_environment(squashed, bounds, chosen[n], action)
                m = members[s, n]
                reward[s, n, t], terminated[s, n, t], truncated[s, n, t], valid[s, n, t] = advance(
                    functions, time_limit, states, elapsed, ended, draws, drawn, m, action, following
                )
                look(functions, states[m], seen, now[n])
                copy(now[n], observation[s, n, t + 1])
                if not np.isfinite(reward[s, n, t]) or not_finite(now[n]):
                    sound[s] = False
                if once and ended[m]:
                    running[s, n] = False
            t += 1
        played[s] = t


@kernel
def spread(layers, widths, count, t, steps, hidden):
    """Put the hidden layers of ``count`` environments at time ``t`` where they belong among those of all steps."""
    source, start = 0, 0
    for width in widths[1:-2]:
        for n in range(count):
            place = start + (n * steps + t) * width
            copy(layers[source : source + width], hidden[place : place + width])
            source += width
        start += count * steps * width


def _stepwise(
    env: VectorEnv,
    actor: Actor,
    noise: Tensor,
    members: NDArray[np.intp],
    observation: NDArray[np.float32],
    running: NDArray[np.bool_],
    once: bool,
    densities: bool,
) -> Stretch:
    """Play time step by time step.

    Args:
        env: the environments.
        actor: of the seeds.
        noise: ``(S, T, N, K)``
        members: ``(S, N)``
        observation: ``(S, N, O)`` before the first step.
        running: ``(S, N)`` who plays; it loses those whose episode ends, where an episode is played ``once``.
        once: see there.
        densities: whether log-probabilities are asked for.
    """
    flat, still, networks = members.ravel(), running.reshape(-1), _is_network(actor)
    everyone, steps = np.array_equal(flat, np.arange(env.num_envs)), noise.shape[1]
    record: dict[str, NDArray[Any]] = {}
    seen = np.zeros((flat.size, steps + 1, observation.shape[2]), np.float32)
    seen[:, 0] = observation.reshape(flat.size, -1)
    acted, t = np.ones((len(members), steps), np.bool_), 0
    environment: list[NDArray[np.generic]] = []
    while t < steps and still.any():
        now = torch.from_numpy(seen[:, t].reshape(observation.shape))
        chosen = actor(now, noise[:, t], running) if networks else actor(now, noise[:, t])  # type: ignore[call-arg]
        acted[:, t] = chosen.finite
        environment.append(chosen.environment)
        rows: Any = slice(None) if still.all() else np.flatnonzero(still)
        actions, action, log_prob = (
            x.reshape(flat.size, *x.shape[2:])[rows]
            for x in (chosen.environment, chosen.sample.numpy(), chosen.log_prob.numpy())
        )
        transition = env.step(actions, None if everyone and len(actions) == flat.size else flat[rows])
        values = {**transition._asdict(), "action": action, "log_prob": log_prob}
        seen[rows, t + 1] = values.pop("observation")
        for name, value in values.items():
            if not t:
                record[name] = np.zeros((flat.size, steps, *value.shape[1:]), value.dtype)
            record[name][rows, t] = value
        if once:
            still[rows] = ~(transition.terminated | transition.truncated)
        t += 1
    seen = seen.reshape(*members.shape, *seen.shape[1:])
    kept: dict[str, Any] = {
        name: np.ascontiguousarray(values.reshape(*members.shape, *values.shape[1:])[:, :, :t])
        for name, values in record.items()
    }
    log_prob = kept.pop("log_prob")[: None if densities else 0]
    sound = np.isfinite(seen).all() and np.isfinite(kept["reward"]).all()
    return Stretch(
        observation=seen[:, :, : t + 1],
        action=torch.from_numpy(kept.pop("action")),
        log_prob=torch.from_numpy(log_prob),
        acted=acted[:, :t],
        sound=bool(sound),
        environment=lambda: np.stack(environment, axis=2),
        **kept,
    )
