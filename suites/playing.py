"""Playing a plan with a frozen policy: the one way from policies and environments to experience.

Training, evaluation and replay play alike. A network in a compiled environment plays in compiled code, seed by seed: a
seed waits for nobody. Any other actor or environment is stepped time step by time step, all seeds together, with the
same kernels for the actor. Both give the same bits.

Shapes: **S** seeds that play, **N** environments per seed, **M** = S·N members of the vector environment,
**T** time steps, **O** observation size, **A** numbers of an action, **K** of noise.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..algorithms.interface import Episodes, Plan
from ..algorithms.matrices import matrix
from ..algorithms.model import Actor, NetworkActor, act, spread, to_environment
from ..algorithms.networks import copy
from ..envs.compiled import CompiledVectorEnv, advance, look
from ..envs.vector import VectorEnv
from ..kernels import linked
from .finite import not_finite
from .noise import Noise
from .stepping import step_by_step
from .stretches import Record, Stretch, is_network


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
    stretch = _compiled if is_network(actor) and isinstance(env, CompiledVectorEnv) else step_by_step
    while running.any():
        steps = noise.stretch if isinstance(plan, Episodes) else plan.length
        numbers = noise.draw(steps, np.asarray(running.any(axis=1))).contiguous()  # for kernels: some are views
        played = stretch(env, actor, numbers, members, observation, running, once, densities)
        yield played
        if not once:
            return
        observation = np.ascontiguousarray(played.observation[:, :, -1])


class Playing(NamedTuple):
    """What plays a stretch in compiled code, ready to be called."""

    arguments: tuple[Any, ...]
    """Of `play_each`."""
    record: Record
    """Where it writes."""
    actor: NetworkActor

    @property
    def standardiser(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """What observations are shifted and scaled by, ``(S, O)`` each; ``(S, 0)`` where they are not."""
        _, _, _, shift, scale, *_ = self.actor.code
        return shift, scale

    def stretch(self) -> Stretch:
        """Return what was played."""
        return self.record.stretch(self.actor)


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
    size = env.observation_space.shape[0]
    record = Record.of(seeds, count, steps, size).by(actor, once=once, densities=densities)
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
        np.empty(actor.model.work_size(count), noise.dtype),
        *record,
    )
    return Playing(arguments, record, actor)


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
    """Play in compiled code; the arguments are those of `step_by_step`."""
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
    play, and memory to work in; and what is recorded, as in `Record`.
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
