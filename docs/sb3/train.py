"""A2C and PPO of Stable-Baselines3 on CartPole-v1, five runs each, evaluated while they learn.

    python docs/sb3/train.py runs/sb3 [STEPS]

Each run is evaluated twice: by `pgsuite.sb3_callback`, whose results `pgsuite report` reads as they are (in ours),
and by Stable-Baselines3's own EvalCallback, whose files `pgsuite import` reads (in logs). Hyperparameters are
those of RL Zoo for CartPole-v1.
"""

import sys
from pathlib import Path

import torch
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.callbacks import EvalCallback
from stable_baselines3.common.env_util import make_vec_env

import pgsuite

ENV, NUM_ENVS, CHECKPOINTS, EPISODES = "CartPole-v1", 8, 20, 10


def linear(start):
    """A schedule from ``start`` to 0, as RL Zoo writes ``lin_0.001``."""
    return lambda remaining: remaining * start


SETTINGS = {
    "sb3-a2c": (A2C, {}),
    "sb3-ppo": (
        PPO,
        {
            "n_steps": 32,
            "batch_size": 256,
            "n_epochs": 20,
            "gae_lambda": 0.8,
            "gamma": 0.98,
            "ent_coef": 0.0,
            "learning_rate": linear(0.001),
            "clip_range": linear(0.2),
        },
    ),
}


def train(runs: Path, name: str, seed: int, steps: int) -> None:
    """One run with both callbacks."""
    kind, options = SETTINGS[name]
    model = kind("MlpPolicy", make_vec_env(ENV, NUM_ENVS, seed=seed), seed=seed, device="cpu", **options)
    ours = pgsuite.sb3_callback(
        runs / "ours", algorithm=name, env=ENV, seed=seed, suite="classic", steps=steps, checkpoints=CHECKPOINTS
    )
    theirs = EvalCallback(
        make_vec_env(ENV, seed=10_000 + seed),
        eval_freq=steps // CHECKPOINTS // NUM_ENVS,  # calls, each of NUM_ENVS steps
        n_eval_episodes=EPISODES,
        deterministic=False,
        log_path=str(runs / "logs" / name / f"{ENV}_{seed}"),
        verbose=0,
    )
    model.learn(steps, callback=[ours, theirs])


if __name__ == "__main__":
    torch.set_num_threads(1)
    out, steps = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    for name in SETTINGS:
        for seed in range(5):
            train(out, name, seed, steps)
            print(f"{name}, seed {seed}: done", flush=True)
