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
