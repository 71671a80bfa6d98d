"""This library, or another revision of it: training, evaluation, and stepping without any algorithm."""

import time
from contextlib import contextmanager

import torch
from worker import serve

from pgsuite import envs
from pgsuite.algorithms.model import Spaces
from pgsuite.algorithms.registry import build
from pgsuite.suites.cells import Cell, Environment, Evaluation
from pgsuite.suites.evaluation import evaluate
from pgsuite.suites.process import keep_freed_memory, single_thread
from pgsuite.suites.training import TrainingLoop

A2C = {"num_envs": 8, "num_steps": 16, "trace": 1.0, "learning_rate": 7e-4}
TRPO = {"num_envs": 8, "num_steps": 256, "cg_iterations": 15, "cg_tolerance": 0.0, "line_search_attempts": 10,
        "critic_epochs": 10, "critic_minibatch": 128}  # fmt: skip
CHEETAH = "actor-critic", {"num_envs": 8, "num_steps": 16, "normalise_observations": True}, 4_096
LANDER = "actor-critic", A2C, 6_400


class Clock:
    """A sink that counts steps and the time they took, the first tenth apart, without the evaluations.

    It hears of some 65 thousand steps at once, so a budget is several times as long.
    """

    def __init__(self, warm):
        self.warm, self.steps, self.start = warm, 0, None

    def load(self, seed):
        return None

    def save(self, *everything):
        pass

    def progress(self, steps, score):
        self.steps, self.now = self.steps + steps, time.perf_counter()
        if steps:
            self.end = (self.steps, self.now)
        if self.start is None and self.steps >= self.warm:
            self.start = (self.steps, self.now)

    @property
    def rate(self):
        (first, started), (last, ended) = self.start, self.end
        return (last - first) / (ended - started)


def train(algorithm, options, steps, env, seeds):
    """The clock after a training, from which evaluations are left out."""
    clock = Clock(seeds * steps // 10)
    cell = Cell(
        suite="bench",
        algorithm=algorithm,
        reference=algorithm,
        options=options,
        environment=Environment(id=env),
        steps=steps,
        evaluation=Evaluation(checkpoints=1, episodes=1),
    )
    TrainingLoop().train(cell, range(seeds), clock)
    return clock


def training(algorithm, options, steps, env="CartPole-v1", seeds=10):
    return lambda: train(algorithm, options, steps, env, seeds).rate


@contextmanager
def watched(env):
    """Lists of the actions that all members take together meanwhile, and of when their steps begin and end."""
    kind = type(envs.make(env, 1, [0]))
    plain, actions, times = kind.step, [], []

    def step(self, action, indices=None):
        began = time.perf_counter()
        found = plain(self, action, indices)
        times.append((began, time.perf_counter(), len(action)))
        actions.append(action)
        return found

    kind.step = step
    try:
        yield actions, times
    finally:
        kind.step = plain


def within_steps(*work, env, seeds=10):
    """Steps per second of the time that training spends in the environments' steps, without what lies between."""

    def row():
        with watched(env) as (_, times):
            clock = train(*work, env, seeds)
        (_, started), (_, ended) = clock.start, clock.end
        inside = [(end - began, count) for began, end, count in times if began >= started and end <= ended]
        seconds, steps = map(sum, zip(*inside, strict=True))
        return steps / seconds

    return row


def stepping(*work, env, seeds=10):
    """The actions of a training, taken again by themselves."""
    recorded = []

    def row():
        if not recorded:
            with watched(env) as (actions, _):
                train(*work, env, seeds)
            members = max(map(len, actions))
            recorded.extend(action for action in actions if len(action) == members)
        made = envs.make(env, len(recorded[0]), range(len(recorded[0])))
        made.reset()
        start = time.perf_counter()
        for action in recorded:
            made.step(action)
        rate = len(recorded) * made.num_envs / (time.perf_counter() - start)
        made.close()
        return rate

    return row


def evaluating(bias):
    """21 checkpoints × 10 seeds × 10 episodes of CartPole, of untrained policies, or such as balance for 500 steps."""

    def row():
        algorithm = build("actor-critic", {})
        probe = envs.make("CartPole-v1", 1, [0])
        state = algorithm.init(Spaces(probe.observation_space, probe.action_space), range(10))
        if bias:  # push towards where the pole falls: the first layer carries the lean, the others pass it on
            policy = torch.zeros_like(state.policy)
            lean = torch.tensor([0.1, 0.5, 5.0, 1.0])
            policy[:, :256].view(-1, 4, 64)[:, :, 0] = lean
            policy[:, 320:4416].view(-1, 64, 64)[:, 0, 0] = 1.0
            policy[:, 4480:4608].view(-1, 64, 2)[:, 0] = torch.tensor([-100.0, 100.0])
            state = state._replace(policy=policy)
        actor, steps = algorithm.actor(algorithm.behaviour(state)), 0
        start = time.perf_counter()
        with single_thread():
            for checkpoint in range(21):
                found = evaluate(actor, Environment(id="CartPole-v1"), Evaluation(), range(10), checkpoint)
                steps += int(found.lengths.sum())
        return steps / (time.perf_counter() - start)

    return row


ROWS = {
    "actor-critic": training("actor-critic", A2C, 51_200),
    "trpo": training("trpo", TRPO, 16_384),
    "reinforce": training("reinforce", {}, 20_000),
    "reinforce-baseline": training("reinforce-baseline", {}, 20_000),
    "actor-critic Acrobot": training("actor-critic", A2C, 25_600, "Acrobot-v1"),
    "actor-critic Pendulum": training("actor-critic", A2C, 25_600, "Pendulum-v1"),
    "actor-critic HalfCheetah": training(*CHEETAH, env="HalfCheetah-v5"),
    "its steps of HalfCheetah": within_steps(*CHEETAH, env="HalfCheetah-v5"),
    "its actions, HalfCheetah": stepping(*CHEETAH, env="HalfCheetah-v5"),
    "actor-critic LunarLander": training(*LANDER, env="LunarLander-v3"),
    "its steps of LunarLander": within_steps(*LANDER, env="LunarLander-v3"),
    "its actions, LunarLander": stepping(*LANDER, env="LunarLander-v3"),
    "evaluation, short episodes": evaluating(bias=False),
    "evaluation, 500 steps": evaluating(bias=True),
    "1 seed": training("actor-critic", A2C, 409_600, seeds=1),
    "100 seeds": training("actor-critic", A2C, 10_240, seeds=100),
    "1000 seeds": training("actor-critic", A2C, 5_120, seeds=1000),
}

if __name__ == "__main__":
    torch.set_num_threads(1)
    keep_freed_memory()
    serve(ROWS)
