"""EnvPool's forms of the ids that `auto` takes from it, against Gymnasium's."""

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from numpy.typing import NDArray

from pgsuite import envs
from pgsuite.envs.envpool_backend import FAITHFUL

MUJOCO = sorted(env_id for env_id in FAITHFUL if env_id.endswith("v5"))


@pytest.fixture(autouse=True)
def _mujoco_writes_its_log_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("env_id", sorted(FAITHFUL))
def test_declares_what_gymnasium_declares(env_id: str) -> None:
    ours = envs.describe(env_id, "envpool")
    theirs = gymnasium.make(env_id)
    assert ours.observation_space.shape == theirs.observation_space.shape
    assert ours.action_space == theirs.action_space
    assert theirs.spec is not None
    assert ours.max_episode_steps == theirs.spec.max_episode_steps


def mujoco_state(env_id: str, observation: NDArray[Any], model: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Positions and velocities from a first observation; a coordinate that is not observed does not matter."""
    position, velocity = np.zeros(model.nq), np.zeros(model.nv)
    match env_id.removesuffix("-v5"):
        case "InvertedDoublePendulum":
            position[0] = observation[0]
            position[1:] = np.arctan2(observation[1:3], observation[3:5])
            velocity[:] = observation[5:8]
        case "Reacher":
            position[:2] = np.arctan2(observation[2:4], observation[:2])
            position[2:] = observation[4:6]
            velocity[:2] = observation[6:8]
        case "InvertedPendulum":
            position[:], velocity[:] = observation[:2], observation[2:]
        case name:
            hidden = 2 if name in ("Ant", "Swimmer") else 1
            position[hidden:] = observation[: model.nq - hidden]
            velocity[:] = observation[model.nq - hidden :][: model.nv]
    return position, velocity


@pytest.mark.parametrize("env_id", MUJOCO)
def test_mujoco_follows_gymnasium(env_id: str) -> None:
    import envpool

    members = 3
    # Not our form of it: its first observations are needed in float64.
    pool: Any = envpool.make(env_id, env_type="gymnasium", num_envs=members, num_threads=1, seed=[1, 2, 3])
    first, _ = pool.reset()
    theirs: Any = gymnasium.make(env_id).unwrapped
    # MuJoCo 4 rounds Ant's quaternion otherwise than EnvPool's MuJoCo 3.6, and contacts magnify it.
    steps, tolerance = (1, 1e-4) if env_id == "Ant-v5" else (10, 1e-5)
    stream = np.random.default_rng(0)
    space = theirs.action_space
    actions = stream.uniform(space.low, space.high, (steps, members, *space.shape))
    taken = [pool.step(action) for action in actions]
    for member in range(members):
        theirs.reset(seed=0)
        theirs.set_state(*mujoco_state(env_id, first[member], theirs.model))
        for action, (observation, reward, terminated, _, _) in zip(actions, taken, strict=True):
            expected, expected_reward, expected_end, _, _ = theirs.step(action[member])
            np.testing.assert_allclose(observation[member], expected, rtol=0, atol=tolerance)
            assert reward[member] == pytest.approx(expected_reward, rel=1e-5, abs=1e-5)
            assert terminated[member] == expected_end
            if expected_end:
                break


@pytest.mark.parametrize(
    ("env_id", "episodes"), [("LunarLander-v3", 150), ("LunarLanderContinuous-v3", 150), ("BipedalWalker-v3", 20)]
)
def test_box2d_returns_are_gymnasiums(env_id: str, episodes: int) -> None:
    ours = envs.measure_random_return(env_id, episodes, backend="envpool")
    theirs = envs.measure_random_return(env_id, episodes, backend="gymnasium", seed=1)
    error = np.hypot(ours.standard_error, theirs.standard_error)
    assert abs(ours.mean - theirs.mean) < 4 * error
    assert error < 20


def test_reports_a_termination_on_the_last_step_as_truncation_only() -> None:
    env = envs.make("Pendulum-v1", 1, [0], backend="envpool")
    env.reset()
    flags = [env.step(np.zeros((1, 1), np.float32)) for _ in range(200)]
    assert (flags[-1].terminated[0], flags[-1].truncated[0]) == (False, True)


def test_actions_are_float32_boxes() -> None:
    space = envs.describe("HalfCheetah-v5").action_space
    assert isinstance(space, spaces.Box)
    assert space.dtype == np.float32
