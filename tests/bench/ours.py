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
ROBOT = {"num_envs": 8, "num_steps": 16, "normalise_observations": True}


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


class Stepped:
    """A training in environments that are stepped from outside; what their steps take of it, and take by themselves.

    One training gives both of the first two rates, so that the ratio of these is a share of its time.
    """

    def __init__(self, algorithm, options, steps, env, seeds=10):
        self.work, self.env, self.rate = (algorithm, options, steps, env, seeds), env, None
        self.actions = []
        """Those that all members take together, at the first training."""

    def training(self):
        with watched(self.env) as steps:
            clock = train(*self.work)
        (_, started), (_, ended) = clock.start, clock.end
        inside = [(end - began, taken) for began, end, taken, _ in steps if began >= started and end <= ended]
        seconds, taken = map(sum, zip(*inside, strict=True))
        self.rate = taken / seconds
        members = max(len(action) for *_, action in steps)
        self.actions = self.actions or [action for *_, action in steps if len(action) == members]
        return clock.rate

    def within(self):
        """Steps per second inside the environments' steps, at the last training."""
        return self.rate

    def alone(self):
        """Steps per second where the same actions are taken again without any algorithm."""
        if not self.actions:
            self.training()
        made = envs.make(self.env, len(self.actions[0]), range(len(self.actions[0])))
        made.reset()
        start = time.perf_counter()
        taken = sum(int(made.step(action).valid.sum()) for action in self.actions)
        rate = taken / (time.perf_counter() - start)
        made.close()
        return rate


@contextmanager
def watched(env):
    """All steps taken meanwhile, evaluations' too: when they began and ended, how much experience, and the actions."""
    probe = envs.make(env, 1, [0])
    probe.close()
    kind, steps = type(probe), []
    plain = kind.step

    def step(self, action, indices=None):
        began = time.perf_counter()
        found = plain(self, action, indices)
        steps.append((began, time.perf_counter(), int(found.valid.sum()), action))
        return found

    kind.step = step
    try:
        yield steps
    finally:
        kind.step = plain


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


CHEETAH = Stepped("actor-critic", ROBOT, 4_096, "HalfCheetah-v5")
LANDER = Stepped("actor-critic", A2C, 6_400, "LunarLander-v3")
ROWS = {
    "actor-critic": training("actor-critic", A2C, 51_200),
    "trpo": training("trpo", TRPO, 16_384),
    "reinforce": training("reinforce", {}, 20_000),
    "reinforce-baseline": training("reinforce-baseline", {}, 20_000),
    "actor-critic Acrobot": training("actor-critic", A2C, 25_600, "Acrobot-v1"),
    "actor-critic Pendulum": training("actor-critic", A2C, 25_600, "Pendulum-v1"),
    "actor-critic HalfCheetah": CHEETAH.training,
    "within steps of HalfCheetah": CHEETAH.within,
    "steps alone, HalfCheetah": CHEETAH.alone,
    "actor-critic LunarLander": LANDER.training,
    "within steps of LunarLander": LANDER.within,
    "steps alone, LunarLander": LANDER.alone,
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
