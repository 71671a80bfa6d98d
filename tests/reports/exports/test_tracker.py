import numpy as np

from pgsuite.reports.exports import export
from pgsuite.reports.exports.tracker import TrackedRun


class Notes:
    """A tracker that writes down what it hears."""

    def __init__(self):
        self.heard = []

    def start(self, run):
        self.heard.append(run)

    def log(self, env_steps, seconds, values):
        self.heard.append((env_steps, seconds, values))

    def finish(self):
        self.heard.append("end")


def told(frame, settings=None):
    notes = Notes()
    return notes.heard, export(frame, notes, settings)


def test_runs_one_after_another_with_finite_numbers(frame, settings):
    heard, count = told(frame, settings)
    assert count == 2
    assert heard == [
        TrackedRun("quick", "trpo", "CartPole-v1", 0, "a" * 64, "complete", settings["a" * 64]),
        (0, 0.0, {"return": 20.0, "return_std": 1.0, "score": 0.0, "length": 20.0, "wall_time": 0.0}),
        (
            1000,
            1.5,
            {"return": 260.0, "return_std": 2.0, "score": 0.5, "length": 260.0, "wall_time": 1.5, "metric/kl": 0.01},
        ),
        "end",
        TrackedRun("quick", "trpo", "CartPole-v1", 3, "a" * 64, "diverged", settings["a" * 64]),
        (0, 0.0, {"return": 20.0, "return_std": 1.0, "score": 0.0, "length": 20.0, "wall_time": 0.0}),
        "end",
    ]


def test_unknown_times_are_no_obstacle(frame):
    heard, _ = told(frame.assign(wall_time=np.nan))
    assert heard[1][1] == 0.0
    assert "wall_time" not in heard[1][2]


def test_the_label_is_the_name(frame):
    heard, _ = told(frame.assign(label="trpo (A)"))
    assert heard[0].algorithm == "trpo (A)"


def test_keys_tell_runs_apart_and_stay_the_same(frame):
    def keys(of):
        return [run.key for run in told(of)[0] if isinstance(run, TrackedRun)]

    assert keys(frame) == keys(frame.copy())
    assert len({*keys(frame), *keys(frame.assign(fingerprint="b")), *keys(frame.assign(env="e"))}) == 6


def test_facts_are_flat(frame, settings):
    facts = told(frame, settings)[0][0].facts
    assert facts["settings.max_kl"] == 0.01
    assert facts["seed"] == 0
    assert "settings" not in facts
