"""Every purpose draws from a stream of its own: shown by listening to what a run really asks for."""

import sys
from collections import Counter
from typing import NamedTuple

import numpy as np
import pytest

from pgsuite import seeding
from pgsuite.algorithms.streams import Stream, seed_sequence
from pgsuite.suites.evaluation import evaluate

from ..algorithms.rollouts import GRADIENTS

TASKS = ["CartPole-v1", "Pendulum-v1"]
SEEDS = [3, 7]
EVALUATION = {Stream.EVALUATION_ACTION, Stream.EVALUATION_ENVIRONMENT}
FITS_A_CRITIC = {"reinforce-baseline", "trpo", "npg"}
NAMED = 2**32 - 1
"""What the key of a stream begins with that has a name instead of a number."""
GROUPS = seed_sequence(0, "groups of training").spawn_key
OWN = {
    **{name: {Stream.SHUFFLE} for name in FITS_A_CRITIC},
    "ppo": {Stream.MINIBATCH},
    **{name: {GROUPS} for name in ("rloo", "grpo")},
}
"""Streams of training that some algorithms have beside those that all have."""

everywhere = pytest.mark.parametrize(
    ("algorithm", "env"), [(algorithm, env) for algorithm in GRADIENTS for env in TASKS]
)
"""Without those that wrap another: they draw from streams with a name, and on purpose some of them twice."""


class Drawn(NamedTuple):
    """A random stream that was opened."""

    seed: int
    key: tuple[int, ...]
    """Purpose and occasion."""
    evaluating: bool
    """Whether an evaluation opened it."""
    words: tuple[int, ...]
    """Its first numbers."""


@pytest.fixture
def drawn(monkeypatch):
    """Every stream opened for a seed and a purpose, in order; environments' own generators have no purpose."""
    opened: list[Drawn] = []

    def note(seed: int, key: tuple[int, ...], words: list[int]) -> None:
        opened.append(Drawn(seed, key, within_an_evaluation(), tuple(words)))

    class Listening(np.random.SeedSequence):
        def __init__(self, entropy=None, *, spawn_key=(), **options):
            super().__init__(entropy, spawn_key=spawn_key, **options)
            if spawn_key:
                words = np.random.SeedSequence.generate_state(self, 4).tolist()
                note(int(entropy), tuple(map(int, spawn_key)), words)

    of_many = seeding.entropy

    def listening(seeds, *spawn_key):
        made = of_many(seeds, *spawn_key)
        keys = np.broadcast_arrays(*(np.asarray(part) for part in spawn_key), np.empty(len(seeds)))[:-1]
        for seed, key, words in zip(seeds, zip(*keys, strict=True), seeding.words(made, 4).tolist(), strict=True):
            note(int(seed), tuple(map(int, key)), words)
        return made

    monkeypatch.setattr(np.random, "SeedSequence", Listening)
    monkeypatch.setattr(seeding, "entropy", listening)
    return opened


def within_an_evaluation() -> bool:
    frame = sys._getframe()
    while frame is not None:
        if frame.f_code is evaluate.__code__:
            return True
        frame = frame.f_back
    return False


def purpose(one: Drawn) -> Stream | tuple[int, ...]:
    return Stream(one.key[0]) if one.key[0] < NAMED else one.key[: len(GROUPS)]


@everywhere
def test_no_stream_is_drawn_twice_in_a_run(algorithm, env, small_cell, train, drawn):
    """Not for two purposes, not on two occasions, not by two seeds; and no two streams begin alike."""
    train(small_cell(algorithm, env), SEEDS)
    times = Counter((one.seed, one.key) for one in drawn)
    assert len(times) > 20
    assert not {key: count for key, count in times.items() if count > 1}
    words = Counter(word for one in drawn for word in one.words)
    assert max(words.values()) == 1


@everywhere
def test_training_and_evaluation_draw_from_streams_of_their_own(algorithm, env, small_cell, train, drawn):
    train(small_cell(algorithm, env), SEEDS)
    evaluating = {purpose(one) for one in drawn if one.evaluating}
    training = {purpose(one) for one in drawn if not one.evaluating}
    assert evaluating == EVALUATION
    assert training == {Stream.INITIALISATION, Stream.ACTION, Stream.ENVIRONMENT} | OWN.get(algorithm, set())


@everywhere
def test_every_seed_draws_on_the_same_occasions_as_alone(algorithm, env, small_cell, train, drawn):
    cell = small_cell(algorithm, env)
    train(cell, SEEDS)
    together = {(one.seed, one.key) for one in drawn}
    drawn.clear()
    for seed in SEEDS:
        train(cell, [seed])
    assert {(one.seed, one.key) for one in drawn} == together
    assert {one.seed for one in drawn} == set(SEEDS)


def test_occasions_are_updates_segments_and_checkpoints(small_cell, train, drawn):
    run = train(small_cell("trpo", checkpoints=3), [3])
    occasions = {Stream(one.key[0]): [other.key[1:] for other in drawn if other.key[0] == one.key[0]] for one in drawn}
    updates = [(n,) for n in range(run.rows[3][-1].updates)]
    assert occasions == {
        Stream.INITIALISATION: [()],
        Stream.ACTION: updates,
        Stream.SHUFFLE: updates,
        Stream.ENVIRONMENT: [(1,), (2,), (3,)],
        Stream.EVALUATION_ACTION: [(0,), (1,), (2,), (3,)],
        Stream.EVALUATION_ENVIRONMENT: [(0,), (1,), (2,), (3,)],
    }
