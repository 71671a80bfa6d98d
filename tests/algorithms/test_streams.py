"""Random streams: what they are seeded from is part of every result."""

import numpy as np

from pgsuite.algorithms.streams import Stream, generator, seed_sequence


def test_streams_are_never_renumbered() -> None:
    assert {stream.name: int(stream) for stream in Stream} == {
        "INITIALISATION": 0,
        "ACTION": 1,
        "ENVIRONMENT": 2,
        "SHUFFLE": 3,
        "EVALUATION_ACTION": 4,
        "EVALUATION_ENVIRONMENT": 5,
        "MINIBATCH": 6,
    }


def test_a_stream_is_numpys_generator_for_its_key() -> None:
    expected = np.random.Generator(np.random.PCG64(np.random.SeedSequence(7, spawn_key=(3, 11))))
    assert (generator(7, Stream.SHUFFLE, 11).random(5) == expected.random(5)).all()


def test_seeds_purposes_and_occasions_never_share_numbers() -> None:
    keys = [(seed, stream, *o) for seed in range(4) for stream in Stream for o in [(), (0,), (1,), (0, 1), (1, 0)]]
    states = {tuple(seed_sequence(*key).generate_state(4).tolist()) for key in keys}
    assert len(states) == len(keys)


def test_streams_by_name_share_no_numbers_with_each_other_or_with_ours() -> None:
    names = ["replay", "replay ", "exploration", "environments of replay", "3", "SHUFFLE", ""]
    keys = [(seed, stream, *o) for seed in range(3) for stream in [*names, *Stream] for o in [(), (0,), (1,)]]
    states = {tuple(seed_sequence(*key).generate_state(4).tolist()) for key in keys}
    assert len(states) == len(keys)
    draws = np.stack([generator(1, name, 0).standard_normal(4000) for name in names])
    assert np.abs(np.corrcoef(draws) - np.eye(len(names))).max() < 0.08  # five standard deviations
