"""The anchors as data, and the measurement behind the random ones."""

import numpy as np
import pytest

from pgsuite import envs
from pgsuite.envs.classic import TASKS
from pgsuite.envs.envpool_backend import FAITHFUL
from pgsuite.envs.probes import PROBES


@pytest.mark.parametrize("env_id", [*TASKS, *sorted(FAITHFUL), *PROBES])
def test_every_shipped_environment_has_anchors(env_id: str) -> None:
    anchors = envs.anchors(env_id)
    assert anchors is not None
    assert anchors.reference > anchors.random
    assert anchors.random_source
    assert anchors.reference_source


def test_an_environment_without_anchors() -> None:
    assert envs.anchors("FrozenLake-v1") is None


def test_normalise_is_linear_through_the_anchors() -> None:
    anchors = envs.Anchors(random=-100.0, reference=300.0, random_source="", reference_source="")
    np.testing.assert_array_equal(
        envs.normalise(np.array([[-100.0, 300.0], [100.0, 700.0]]), anchors), [[0.0, 1.0], [0.5, 2.0]]
    )
    assert envs.normalise(-300.0, anchors) == -0.5


@pytest.mark.parametrize(
    ("env_id", "episodes"),
    [
        ("CartPole-v1", 400),
        ("Pendulum-v1", 100),
        ("Reacher-v5", 100),
        ("InvertedPendulum-v5", 300),
        ("pgsuite/ProbeAction-v0", 400),
        ("pgsuite/ProbePolicy-v0", 400),
        ("pgsuite/ProbeContinuous-v0", 400),
    ],
)
def test_random_anchors_can_be_measured_again(env_id: str, episodes: int) -> None:
    anchors = envs.anchors(env_id)
    assert anchors is not None
    measured = envs.measure_random_return(env_id, episodes, seed=1)
    assert abs(measured.mean - anchors.random) < 4 * measured.standard_error
    assert measured.episodes == episodes


@pytest.mark.parametrize("probe", ["Value", "Discount", "Observation", "Truncation"])
def test_probes_that_no_action_changes_score_one(probe: str) -> None:
    env_id = f"pgsuite/Probe{probe}-v0"
    anchors = envs.anchors(env_id)
    assert anchors is not None
    measured = envs.measure_random_return(env_id, 300)
    assert envs.normalise(measured.mean, anchors) == pytest.approx(1.0, abs=4 * measured.standard_error)


def test_batches_do_not_change_the_measurement() -> None:
    one = envs.measure_random_return("CartPole-v1", 30, seed=3, at_once=30)
    other = envs.measure_random_return("CartPole-v1", 30, seed=3, at_once=7)
    assert one == other
    assert one != envs.measure_random_return("CartPole-v1", 30, seed=4)


def test_standard_error_is_that_of_the_mean() -> None:
    means = [envs.measure_random_return("CartPole-v1", 20, seed=seed) for seed in range(200)]
    spread = np.std([measured.mean for measured in means], ddof=1)
    assert spread == pytest.approx(np.mean([measured.standard_error for measured in means]), rel=0.2)
