"""The algorithms of Stable-Baselines3 and sb3-contrib that stand beside ours."""

import stable_baselines3

from ...errors import UsageError
from .adapter import sb3_algorithm

try:
    import sb3_contrib
except ImportError as error:
    raise UsageError("sb3-contrib is not installed: pip install 'pgsuite[peers]'") from error

A2C = sb3_algorithm(stable_baselines3.A2C)
PPO = sb3_algorithm(stable_baselines3.PPO)
DQN = sb3_algorithm(stable_baselines3.DQN)
TRPO = sb3_algorithm(sb3_contrib.TRPO)
