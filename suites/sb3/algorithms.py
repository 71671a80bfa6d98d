"""The algorithms of Stable-Baselines3 and sb3-contrib that stand beside ours."""

from ...errors import UsageError

try:
    import sb3_contrib
    import stable_baselines3
except ImportError as error:
    raise UsageError(f"{error.name} is not installed: pip install 'pgsuite[peers]'") from error

from .adapter import sb3_algorithm

A2C = sb3_algorithm(stable_baselines3.A2C)
"""Stable-Baselines3's advantage actor-critic."""
PPO = sb3_algorithm(stable_baselines3.PPO)
"""Stable-Baselines3's proximal policy optimisation."""
DQN = sb3_algorithm(stable_baselines3.DQN)
"""Stable-Baselines3's deep Q-network, which learns values and no policy."""
TRPO = sb3_algorithm(sb3_contrib.TRPO)
"""sb3-contrib's trust-region policy optimisation."""
