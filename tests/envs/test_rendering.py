"""Pictures of an episode played elsewhere, against those of Gymnasium's own environment playing it."""

import gymnasium
import numpy as np
import pytest

from pgsuite import envs
from pgsuite.envs.classic import TASKS
from pgsuite.envs.rendering import Episode, can_draw, classic_state, film, follow, headless, mujoco_state
from pgsuite.errors import EnvironmentFault, UsageError

headless()


def played(env_id: str, steps: int, seed: int = 3, **kwargs) -> tuple[Episode, list[np.ndarray]]:
    """An episode of random actions on our backend, and the pictures of Gymnasium's under the same actions."""
    ours, theirs = envs.make(env_id, 1, [seed], **kwargs), gymnasium.make(env_id, render_mode="rgb_array")
    theirs.action_space.seed(seed)
    observations, actions, rewards = [ours.reset()[0]], [], []
    theirs.reset(seed=seed)
    pictures = [theirs.render()]
    for _ in range(steps):
        action = np.asarray(theirs.action_space.sample())
        step = ours.step(action[None])
        observations.append(step.observation[0])
        actions.append(action)
        rewards.append(step.reward[0])
        theirs.step(action)
        pictures.append(theirs.render())
    theirs.close()
    return Episode(seed, np.stack(observations), np.stack(actions), np.array(rewards)), pictures


@pytest.mark.parametrize("env_id", sorted(TASKS))
@pytest.mark.parametrize("backend", ["compiled", "gymnasium"])
def test_classic_control_looks_as_gymnasium_draws_it(env_id, backend):
    episode, theirs = played(env_id, 8, backend=backend)
    drawn = film(env_id, backend, {}, episode)
    ours = list(drawn.pictures)
    assert len(ours) == len(theirs) == 9
    assert drawn.fps == gymnasium.make(env_id).metadata["render_fps"]
    for mine, other in zip(ours, theirs, strict=True):
        # An observation is float32: an edge may fall on the next pixel.
        assert np.mean(np.any(mine != other, axis=2)) < 1e-4
    assert np.any(ours[0] != ours[-1])


@pytest.mark.parametrize("env_id", sorted(TASKS))
def test_a_state_is_read_off_its_observation(env_id):
    task = TASKS[env_id]
    for state in np.random.default_rng(0).uniform(-1, 1, (50, task.state_size)):
        observation = np.empty(task.observation_space.shape)
        task.observe(state, observation)
        np.testing.assert_allclose(classic_state(env_id, observation), state, atol=1e-6)


@pytest.mark.parametrize(
    "env_id",
    [
        "HalfCheetah-v5",
        "Hopper-v5",
        "Walker2d-v5",
        "Swimmer-v5",
        "Ant-v5",
        "InvertedPendulum-v5",
        "InvertedDoublePendulum-v5",
        "Reacher-v5",
    ],
)
def test_mujoco_positions_are_read_off_observations(env_id, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # MuJoCo writes its log there
    pytest.importorskip("mujoco")
    env = gymnasium.make(env_id)
    observation, _ = env.reset(seed=0)
    for _ in range(3):
        observation = env.step(env.action_space.sample())[0]
    inner = env.unwrapped
    position, velocity = mujoco_state(env_id, observation, inner.model.nq, inner.model.nv)
    seen = position != 0
    assert seen.sum() >= inner.model.nq - 2
    np.testing.assert_allclose(np.sin(position[seen]), np.sin(inner.data.qpos[seen]), atol=1e-6)
    if env_id != "Reacher-v5":  # its target's velocity is not observed
        clipped = 10 if env_id in ("Hopper-v5", "Walker2d-v5", "InvertedDoublePendulum-v5") else np.inf
        np.testing.assert_allclose(velocity, np.clip(inner.data.qvel, -clipped, clipped), atol=1e-6)
    env.close()


def test_what_gymnasium_does_not_repeat_is_an_error():
    episode, _ = played("MountainCarContinuous-v0", 3, backend="gymnasium")
    other = episode._replace(reward=episode.reward + 0.5)
    with pytest.raises(EnvironmentFault, match="not repeatable"):
        list(film("MountainCarContinuous-v0", "gymnasium", {}, other).pictures)


def test_an_environment_that_draws_nothing_says_so():
    with pytest.raises(UsageError, match=r"pgsuite/ProbeValue-v0.*cannot be drawn: leave -o out"):
        film("pgsuite/ProbeValue-v0", "gymnasium", {}, played("CartPole-v1", 1)[0])


def test_a_missing_package_is_named(monkeypatch):
    def without_pygame(self):
        raise gymnasium.error.DependencyNotInstalled("pygame")

    monkeypatch.setattr("gymnasium.envs.classic_control.cartpole.CartPoleEnv.render", without_pygame)
    with pytest.raises(UsageError, match=r"pip install 'pgsuite\[video\]'"):
        list(film("CartPole-v1", "compiled", {}, played_without_pictures()).pictures)


def played_without_pictures() -> Episode:
    return Episode(0, np.zeros((2, 4), np.float32), np.zeros(1, int), np.ones(1))


def test_which_backends_leave_what_is_needed():
    assert [can_draw("LunarLander-v3", backend) for backend in ("envpool", "gymnasium")] == [False, True]
    assert all(can_draw(env, "envpool") for env in ("Ant-v5", "Pendulum-v1"))


def test_the_camera_follows_a_walker(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pytest.importorskip("mujoco")
    env = gymnasium.make("HalfCheetah-v5")
    inner = env.unwrapped
    before = inner.mujoco_renderer.camera_id
    follow(env)
    assert (before, inner.mujoco_renderer.camera_id) == (-1, inner.model.camera("track").id)
    env.close()
