"""Probe environments: each is solved in seconds and isolates one fault, so that what fails says what is broken.

They come after one another: a probe adds one thing to those before it. In the first four no action matters, and
only the critic can be wrong; every policy earns the same return.

Source: after Andy Jones, "Debugging RL, Without the Agonizing Pain" (2021), and the probes of rejax.
"""

from typing import Any, TypeAlias

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

Step: TypeAlias = tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]


class Probe(gymnasium.Env[NDArray[np.float32], Any]):
    """What the probes share: one number is observed, and two actions are offered unless a probe says otherwise."""

    metadata = {"render_modes": []}  # noqa: RUF012
    render_mode = None

    def __init__(self) -> None:
        self.observation_space = spaces.Box(-1.0, 1.0, (1,))
        self.action_space: gymnasium.Space[Any] = spaces.Discrete(2)
        self.seen = 0.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin an episode with the observation that `first_observation` gives."""
        super().reset(seed=seed, options=options)
        self.seen = self.first_observation()
        return self.observation(), {}

    def first_observation(self) -> float:
        """Zero: nothing to see."""
        return 0.0

    def observation(self) -> NDArray[np.float32]:
        """What is seen, ``(1,)``."""
        return np.array([self.seen], np.float32)

    def stepped(self, reward: float, *, ends: bool) -> Step:
        """What `step` returns."""
        return self.observation(), reward, ends, False, {}

    def random_sign(self) -> float:
        """-1 or 1 with equal probability."""
        return 2.0 * int(self.np_random.integers(2)) - 1.0


class ProbeValue(Probe):
    """One step, reward 1, nothing else: the value is 1.

    Breaks when the critic's loss, gradient or optimiser is wrong.
    """

    def step(self, action: Any) -> Step:
        """Pay 1 and end."""
        del action
        return self.stepped(1.0, ends=True)


class ProbeDiscount(Probe):
    """Two steps, observed as 0 and then 1; only the second pays 1: the values are the discount, then 1.

    Breaks when rewards are not carried back, are discounted wrongly, or an episode's end is shifted by one step.
    """

    def step(self, action: Any) -> Step:
        """Pay nothing on the first step, 1 on the second."""
        del action
        if self.seen == 1.0:
            return self.stepped(1.0, ends=True)
        self.seen = 1.0
        return self.stepped(0.0, ends=False)


class ProbeObservation(Probe):
    """One step that pays 2 plus the observation, -1 or 1: the value is 1 or 3.

    Breaks when the critic does not see the observation, or sees another member's.
    """

    def first_observation(self) -> float:
        """A random sign."""
        return self.random_sign()

    def step(self, action: Any) -> Step:
        """Pay according to the observation and end."""
        del action
        return self.stepped(2.0 + self.seen, ends=True)


class ProbeTruncation(Probe):
    """Every step pays 1 for ever, and a time limit of 10 steps cuts it: the value is 1 / (1 - discount).

    Breaks when truncation is taken for termination: the value then falls to the sum of the steps that are left.
    """

    def step(self, action: Any) -> Step:
        """Pay 1 and go on."""
        del action
        return self.stepped(1.0, ends=False)


class ProbeAction(Probe):
    """One step that pays 1 for action 1 and 0 for action 0: the policy takes action 1.

    Breaks when the policy's gradient has the wrong sign, or actions do not meet their own advantages.
    """

    def step(self, action: Any) -> Step:
        """Pay the action and end."""
        return self.stepped(float(action == 1), ends=True)


class ProbePolicy(Probe):
    """One step that pays 1 for the action matching the observation's sign, else 0: the policy tells the two apart.

    Breaks when the policy does not see the observation, or batches of policy and critic are out of order.
    """

    def first_observation(self) -> float:
        """A random sign."""
        return self.random_sign()

    def step(self, action: Any) -> Step:
        """Pay a match of action and observation and end."""
        return self.stepped(float((action == 1) == (self.seen > 0)), ends=True)


class ProbeContinuous(Probe):
    """One step that costs the squared distance of the action from half the observation, -1 or 1.

    The mean of the policy goes to -1/2 or 1/2 and its spread to zero. Breaks when the log-probability of a continuous
    action is wrong, its spread is not learned, or actions are clipped or scaled on one side of the interface only.
    """

    def __init__(self) -> None:
        super().__init__()
        self.action_space = spaces.Box(-1.0, 1.0, (1,))

    def first_observation(self) -> float:
        """A random sign."""
        return self.random_sign()

    def step(self, action: Any) -> Step:
        """Charge the squared distance and end."""
        return self.stepped(-float((action[0] - self.seen / 2) ** 2), ends=True)


PROBES: dict[str, type[Probe]] = {
    "pgsuite/ProbeValue-v0": ProbeValue,
    "pgsuite/ProbeDiscount-v0": ProbeDiscount,
    "pgsuite/ProbeObservation-v0": ProbeObservation,
    "pgsuite/ProbeTruncation-v0": ProbeTruncation,
    "pgsuite/ProbeAction-v0": ProbeAction,
    "pgsuite/ProbePolicy-v0": ProbePolicy,
    "pgsuite/ProbeContinuous-v0": ProbeContinuous,
}
TIME_LIMIT = 10
"""Of every probe; only ProbeTruncation lives to see it."""


def register() -> None:
    """Make the probes known to Gymnasium; importing `pgsuite.envs` does it."""
    for env_id, probe in PROBES.items():
        if env_id not in gymnasium.registry:
            gymnasium.register(env_id, entry_point=f"{__name__}:{probe.__name__}", max_episode_steps=TIME_LIMIT)
