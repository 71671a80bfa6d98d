"""Environments given as one member's arithmetic: compiled, and stepped without leaving the compiled code.

A `Task` is data and three kernels over float64 rows. `CompiledVectorEnv` adds what all tasks share: a random stream for
every member, the time limit, the reset after an episode's end, and stepping by subset. Resets draw uniform numbers,
which numpy draws ahead, from each member's own stream.

Legend for shapes: M members, D size of the state, A of an action, R random numbers of a reset, O observation size.
"""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from numpy.typing import NDArray

from ..addresses import Pointer
from ..kernels import Kernel, kernel
from ..seeding import entropy, generators
from .vector import Transition

DYNAMICS = Pointer("Tuple((float64, boolean))(float64[::1], float64[::1], float64[::1])")
"""``(state, action, following) -> reward, terminated``."""
ROWS = Pointer("none(float64[::1], float64[::1])")
"""From one row to another."""

DRAWS_AHEAD = 64
"""Resets whose random numbers are drawn at once, beyond those needed: the stream is the same as drawing them one
by one."""


class Task(NamedTuple):
    """An environment as its arithmetic for one member. All rows are float64; what a kernel writes is its last row."""

    observation_space: gymnasium.spaces.Box
    action_space: gymnasium.Space[Any]
    time_limit: int
    """Steps after which an episode is truncated."""
    state_size: int
    """D."""
    reset_low: NDArray[np.float64]
    """``(R,)`` lower bounds of the uniform numbers that a reset draws."""
    reset_high: NDArray[np.float64]
    """``(R,)`` upper bounds."""
    initial: Kernel
    """``(draws, state)``: the first state ``(D,)`` of an episode from the numbers ``(R,)`` that its reset drew."""
    dynamics: Kernel
    """``(state, action, following) -> reward, terminated``: what one action ``(A,)`` makes of a state ``(D,)``.
    Choices count from 0."""
    observe: Kernel
    """``(state, observation)``: what is seen ``(O,)`` of a state."""

    def functions(self) -> Any:
        """Return what `advance` and `look` call, as kernels take it."""
        parts = [ROWS.of(self.initial), DYNAMICS.of(self.dynamics), ROWS.of(self.observe)]
        return np.array(parts) if isinstance(parts[0], int) else parts


class Members(NamedTuple):
    """The members of a batch, as kernels take them."""

    functions: Any
    """``(3,)`` addresses of `Task.initial`, `Task.dynamics` and `Task.observe`."""
    time_limit: int
    states: NDArray[np.float64]
    """``(M, D)``"""
    elapsed: NDArray[np.int64]
    """``(M,)`` steps of the episode."""
    ended: NDArray[np.bool_]
    """``(M,)`` whether the next step is a reset."""
    draws: NDArray[np.float64]
    """``(M, K, R)`` numbers for the next resets."""
    drawn: NDArray[np.int64]
    """``(M,)`` how many of them are used."""


@kernel
def restart(functions, states, elapsed, ended, draws, drawn, m):
    """Begin an episode in member ``m``."""
    initial = ROWS(functions[0])
    initial(draws[m, drawn[m]], states[m])
    drawn[m] += 1
    elapsed[m] = 0
    ended[m] = False


@kernel
def advance(functions, time_limit, states, elapsed, ended, draws, drawn, m, action, following):
    """Step member ``m``, or reset it after its episode's end; return reward, terminated, truncated, valid."""
    if ended[m]:
        restart(functions, states, elapsed, ended, draws, drawn, m)
        return 0.0, False, False, False
    dynamics = DYNAMICS(functions[1])
    reward, terminated = dynamics(states[m], action, following)
    for d in range(len(following)):
        states[m, d] = following[d]
    elapsed[m] += 1
    truncated = elapsed[m] >= time_limit
    ended[m] = terminated or truncated
    return reward, terminated, truncated, True


@kernel
def look(functions, state, seen, observation):
    """Write what is seen of a state, as float32; ``seen`` is the same row in float64."""
    observe = ROWS(functions[2])
    observe(state, seen)
    for o in range(len(seen)):
        observation[o] = seen[o]


@kernel(
    "int64[::1], int64, float64[:, ::1], int64[::1], boolean[::1], float64[:, :, ::1], int64[::1], int64[::1], "
    "float64[::1], float32[:, ::1]"
)
def restart_each(functions, _limit, states, elapsed, ended, draws, drawn, members, work, observation):
    """Begin an episode in each of the members."""
    seen = work[: observation.shape[1]]
    for n, m in enumerate(members):
        restart(functions, states, elapsed, ended, draws, drawn, m)
        look(functions, states[m], seen, observation[n])


@kernel(
    "int64[::1], int64, float64[:, ::1], int64[::1], boolean[::1], float64[:, :, ::1], int64[::1], int64[::1], "
    "float64[:, ::1], float64[::1], float32[:, ::1], float64[::1], boolean[::1], boolean[::1], boolean[::1]",
    part="stepping",
)
def advance_each(
    functions, limit, states, elapsed, ended, draws, drawn, members, action, work,
    observation, reward, terminal, cut, valid,
):  # fmt: skip
    """Step each of the members."""
    seen = work[: observation.shape[1]]
    following = work[len(seen) : len(seen) + states.shape[1]]
    for n, m in enumerate(members):
        reward[n], terminal[n], cut[n], valid[n] = advance(
            functions, limit, states, elapsed, ended, draws, drawn, m, action[n], following
        )
        look(functions, states[m], seen, observation[n])


class CompiledVectorEnv:
    """Members of one task, each with the random stream of a Gymnasium environment of its seed."""

    backend = "compiled"
    version = version("numba")

    def __init__(self, env_id: str, task: Task, seeds: Sequence[int]) -> None:
        self.id = env_id
        self.num_envs = len(seeds)
        self.observation_space = task.observation_space
        self.action_space = task.action_space
        self.task = task
        self._width = int(np.prod(task.action_space.shape or (1,)))
        self._seeds = list(seeds)
        self._streams: list[np.random.Generator | None] = [None] * self.num_envs
        count = self.num_envs
        self.members = Members(
            functions=task.functions(),
            time_limit=task.time_limit,
            states=np.zeros((count, task.state_size)),
            elapsed=np.zeros(count, np.int64),
            ended=np.ones(count, np.bool_),
            draws=np.empty((count, 0, len(task.reset_low))),
            drawn=np.zeros(count, np.int64),
        )

    def reset(self, indices: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """Start a new episode in the members named; see `VectorEnv.reset`."""
        members = np.arange(self.num_envs) if indices is None else np.ascontiguousarray(indices)
        self.ensure_draws(members, 1)
        observation = np.empty((len(members), *self.observation_space.shape), np.float32)
        restart_each(*self.members, members, self.work(), observation)
        return observation

    def reseed(self, seeds: Sequence[int], indices: NDArray[np.intp]) -> None:
        """Give the members named new random streams; see `VectorEnv.reseed`."""
        for member, seed in zip(indices, seeds, strict=True):
            self._seeds[member], self._streams[member] = seed, None
        self.members.drawn[indices] = self.members.draws.shape[1]  # what was drawn ahead is used up
        self.members.ended[indices] = True

    def step(self, action: NDArray[Any], indices: NDArray[np.intp] | None = None) -> Transition:
        """Step the members named; see `VectorEnv.step`."""
        members = np.arange(self.num_envs) if indices is None else np.ascontiguousarray(indices)
        self.ensure_draws(members, 1)
        count = len(members)
        rows = np.ascontiguousarray(np.asarray(action, np.float64).reshape(count, self._width))
        made = Transition(
            np.empty((count, *self.observation_space.shape), np.float32),
            np.empty(count),
            *(np.empty(count, np.bool_) for _ in range(3)),
        )
        advance_each(*self.members, members, rows, self.work(), *made)
        return made

    def work(self) -> NDArray[np.float64]:
        """Return memory for what is seen of a member, the state that follows and the action."""
        return np.empty(self.observation_space.shape[0] + self.task.state_size + self._width)

    def close(self) -> None:
        """Nothing to release."""

    def ensure_draws(self, members: NDArray[np.intp], resets: int) -> None:
        """See to it that each of the members has numbers for so many resets."""
        drawn, draws = self.members.drawn, self.members.draws
        ahead = draws.shape[1]
        if resets > ahead:
            capacity = resets + (DRAWS_AHEAD if ahead else 0)  # an evaluation resets once
            grown = np.empty((self.num_envs, capacity, draws.shape[2]))
            grown[:, capacity - ahead :] = draws
            drawn += capacity - ahead
            self.members = self.members._replace(draws=grown)
            draws, ahead = grown, capacity
        if drawn.max() <= ahead - resets:
            return
        short = members[drawn[members] > ahead - resets].tolist()
        if not short:
            return
        if new := [m for m in short if self._streams[m] is None]:
            for m, begun in zip(new, generators(entropy([self._seeds[m] for m in new])), strict=True):
                self._streams[m] = begun
        for m in short:
            left = ahead - drawn[m]
            draws[m, :left] = draws[m, drawn[m] :]
            self._streams[m].random(out=draws[m, left:])
        # `Generator.uniform` is the same sum of the same product, but looks at the bounds for longer than it draws.
        low, high = self.task.reset_low, self.task.reset_high
        fresh = np.arange(ahead) >= ahead - drawn[short, None]
        draws[short] = np.where(fresh[:, :, None], low + (high - low) * draws[short], draws[short])
        drawn[short] = 0
