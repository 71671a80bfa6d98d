"""Stable-Baselines3 and sb3-contrib: runs one after another."""

import time

import torch
from sb3_contrib import TRPO
from stable_baselines3 import A2C
from stable_baselines3.common.env_util import make_vec_env
from worker import serve

NET = {"net_arch": {"pi": [64, 64], "vf": [64, 64]}}


def learning(kind, num_steps, steps, seeds=2):
    def row():
        seconds = 0.0
        for seed in range(seeds):
            env = make_vec_env("CartPole-v1", n_envs=8, seed=seed)
            model = kind("MlpPolicy", env, n_steps=num_steps, seed=seed, policy_kwargs=NET, device="cpu")
            start = time.perf_counter()
            model.learn(steps)
            seconds += time.perf_counter() - start
        return seeds * steps / seconds

    return row


if __name__ == "__main__":
    torch.set_num_threads(1)
    serve({"actor-critic": learning(A2C, 16, 6_400), "trpo": learning(TRPO, 256, 8_192)})
