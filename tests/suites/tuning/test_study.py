"""A study's file is read once after each write, and what is read is what was written."""

import pytest

from pgsuite.results.tuned import Measured
from pgsuite.suites.tuning.space import space_of

pytest.importorskip("optuna")
from pgsuite.suites.tuning.study import AlgorithmStudy


@pytest.fixture
def study(tmp_path):
    space = {name: one for name, one in space_of("trpo", "trpo", None, "").items() if name == "max_kl"}
    return AlgorithmStudy(tmp_path, "trpo", space, sampler="random", startup=4, seed=0)


@pytest.fixture
def read(study, monkeypatch):
    """How often the file was read for its trials."""
    counted: list[None] = []
    before = study._study.get_trials

    def get_trials(*arguments, **options):
        counted.append(None)
        return before(*arguments, **options)

    monkeypatch.setattr(study._study, "get_trials", get_trials)
    return counted


def measured(score):
    return Measured("CartPole-v1", 100, (score,), score, score)


def test_every_write_is_seen_and_questions_between_read_nothing(study, read):
    study.draw(range(4))
    study.draw(range(4))
    for number in range(4):
        study.record(number, 0, measured(number / 4))
        assert study.measured(number) == {0: measured(number / 4)}
        study.report(number, 0)
        del read[:]
        for _ in range(3):
            assert study.standing(number, 0).reliable == number / 4
            assert len(study.trials()) == 4
        assert len(read) == 1
    study.record(2, 1, measured(0.9))
    study.record(3, 1, measured(0.1))
    study.report(3, 1)
    for number in range(4):
        study.end(number, 2)
    states = [trial.state.name for trial in study._trials]
    assert states == ["PRUNED", "PRUNED", "COMPLETE", "COMPLETE"]
    del read[:]
    for number in range(4):
        study.end(number, 2)
    assert not read
    assert list(study.measured(2)) == [0, 1]


def test_a_write_that_fails_is_looked_for(study, monkeypatch):
    study.draw(range(1))
    study.record(0, 0, measured(0.5))
    assert study.measured(0)
    tell = study._study.tell

    def interrupted(*arguments, **options):
        tell(*arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(study._study, "tell", interrupted)
    with pytest.raises(KeyboardInterrupt):
        study.end(0, 1)
    study.end(0, 1)
    assert study._trials[0].state.is_finished()
