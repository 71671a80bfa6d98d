"""NPG: the natural gradient's whole step."""

import torch

from pgsuite.algorithms import NPG

from .rollouts import SPACES, window


def test_npg_takes_trpos_whole_step_unchecked():
    options = {"num_envs": 2, "num_steps": 64, "dtype": "float64", "cg_iterations": 50, "damping": 0.0}
    algorithm = NPG(**options, step_kl=1e-8)
    state = algorithm.init(SPACES["Box"], [1, 2])
    _, metrics = algorithm.update(state, window(SPACES["Box"], [1, 2], 2, 64))
    assert metrics["step_fraction"].tolist() == [1.0, 1.0]
    torch.testing.assert_close(metrics["kl"], torch.full((2,), 1e-8, dtype=torch.float64), rtol=0.02, atol=0.0)
    far, metrics = NPG(**options, step_kl=5.0).update(state, window(SPACES["Box"], [1, 2], 2, 64))
    assert not torch.equal(far.policy, state.policy), "a step that a line search would refuse is taken"
    assert (metrics["accepted"] == 1).all()


def test_where_there_is_nothing_to_gain_no_step_is_said_to_be_taken():
    """The critic finds every state worth one and no episode ends but by truncation: nothing comes as a surprise."""
    algorithm = NPG(num_envs=2, num_steps=32, trace=1.0, discount=1.0)
    state, rollout = algorithm.init(SPACES["Box"], [1, 2]), window(SPACES["Box"], [1, 2], 2, 32)
    critic = torch.zeros_like(state.critic)
    critic[:, -1] = 1.0
    reward = torch.zeros_like(rollout.reward)
    reward[1] = torch.linspace(0.0, 1.0, 32)
    rollout = rollout._replace(reward=reward, terminated=torch.zeros_like(rollout.terminated))
    learned, metrics = algorithm.update(state._replace(critic=critic), rollout)
    assert torch.equal(learned.policy[0], state.policy[0])
    assert not torch.equal(learned.policy[1], state.policy[1])
    assert {name: metrics[name].tolist() for name in ("accepted", "step_fraction")} == {
        "accepted": [0.0, 1.0],
        "step_fraction": [0.0, 1.0],
    }
