"""A stored policy plays its recorded evaluation again."""

import dataclasses

import numpy as np
import pytest

from pgsuite.errors import UsageError
from pgsuite.suites.replay.policies import open_policy
from pgsuite.suites.replay.replay import drawable, episode, reasons, replay

from .conftest import ENVIRONMENTS, cell


@pytest.mark.parametrize("algorithm", ["actor-critic", "trpo"])
@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_bit_equal_to_the_recorded_evaluation(algorithm, env, results):
    policy = open_policy(cell(results, algorithm, env), 1)
    assert policy.environment.backend == {"backend": "compiled", **ENVIRONMENTS[env]}["backend"]
    assert replay(policy).differences == []


def test_a_changed_weight_or_record_is_noticed(results):
    policy = open_policy(cell(results), 1)
    row = policy.row._replace(return_mean=float(np.nextafter(policy.row.return_mean, np.inf)))
    (difference,) = replay(dataclasses.replace(policy, row=row)).differences
    assert difference.startswith("return_mean ")
    other = open_policy(cell(results), 0)
    assert replay(dataclasses.replace(policy, actor=other.actor)).differences


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_an_episode_is_one_of_the_evaluation(env, results):
    policy = open_policy(cell(results, env=env), 1)
    again = replay(policy).episodes
    for number in range(3):
        played = episode(policy, number)
        assert np.cumsum(played.reward)[-1] == again.returns[0, number]
        assert len(played.action) == len(played.reward) == len(played.observation) - 1 == again.lengths[0, number]
    with pytest.raises(UsageError, match="episodes 0 to 2"):
        episode(policy, 3)


def test_reasons_name_what_differs(results, copied):
    store = copied(cell(results), lambda record: record["versions"].update(numpy="1.0", torch="1.0"))
    named = reasons(open_policy(store, 1))
    assert [reason.split(" ")[:3] for reason in named] == [["torch", "was", "1.0,"], ["numpy", "was", "1.0,"]]
    assert "code has changed" in reasons(open_policy(cell(results), 1))[0]


@pytest.mark.parametrize(("env", "backend"), [("LunarLander-v3", "gymnasium"), ("CartPole-v1", "compiled")])
def test_what_cannot_be_drawn_is_played_on_gymnasium(env, backend, results):
    policy = open_policy(cell(results), 1)
    recorded = dataclasses.replace(
        policy.environment, id=env, backend="envpool" if env != "CartPole-v1" else "compiled"
    )
    shown = drawable(dataclasses.replace(policy, environment=recorded))
    assert (shown.environment.id, shown.environment.backend) == (env, backend)
