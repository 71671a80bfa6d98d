"""Tables are sampled as they are written, by the batch and by Gymnasium's environment alike."""

import warnings

import gymnasium
import numpy as np
import pytest
from scipy import stats

from pgsuite import envs
from pgsuite.envs.exact.models import GYMNASIUM, REGISTERED, exact_model
from pgsuite.envs.exact.quadratic import QuadraticTask
from pgsuite.envs.exact.sampling import TabularVectorEnv, stream_keys, uniforms
from pgsuite.envs.exact.tabular import TabularMDP, from_gymnasium, from_outcomes
from pgsuite.errors import UsageError

TABLES = [env_id for env_id in [*REGISTERED, *GYMNASIUM] if isinstance(exact_model(env_id), TabularMDP)]


def outcomes_of(mdp, state, action):
    """Probability, following state, reward and termination of every outcome."""
    fields = (mdp.probability, mdp.following, mdp.reward, mdp.terminal)
    return list(zip(*(x[state, action].tolist() for x in fields), strict=True))


@pytest.mark.parametrize("env_id", TABLES)
def test_outcomes_come_as_often_as_the_table_says(env_id):
    mdp, random = exact_model(env_id), np.random.default_rng(0)
    for state in random.integers(mdp.states, size=6):
        for action in range(mdp.actions):
            uniform = random.random(4000)
            moved = mdp.move(np.full(4000, state), np.full(4000, action), uniform)
            chance: dict[tuple[int, float, bool], float] = {}
            for p, *outcome in outcomes_of(mdp, state, action):
                chance[tuple(outcome)] = chance.get(tuple(outcome), 0.0) + p
            chance = {outcome: p for outcome, p in chance.items() if p > 0}
            seen = list(zip(*(x.tolist() for x in moved), strict=True))
            assert set(seen) <= set(chance)
            counts = [seen.count(outcome) for outcome in chance]
            assert len(counts) == 1 or stats.chisquare(counts, np.array(list(chance.values())) * 4000).pvalue > 1e-5


def test_first_states_follow_the_start_distribution():
    mdp = exact_model("pgsuite/Corridor-v0")
    first = TabularVectorEnv("x", mdp, range(20_000)).reset().argmax(1)
    counts = np.bincount(first, minlength=mdp.states)
    assert not counts[mdp.start == 0].any()
    assert stats.chisquare(counts[mdp.start > 0], mdp.start[mdp.start > 0] * 20_000).pvalue > 1e-4


def test_uniform_numbers_are_uniform_and_uncorrelated_over_seeds_and_draws():
    numbers = np.stack([uniforms(stream_keys(range(3000)), np.full(3000, k, np.uint64)) for k in range(10)])
    assert stats.kstest(numbers.ravel(), "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(numbers[:-1].ravel(), numbers[1:].ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(numbers[:, :-1].ravel(), numbers[:, 1:].ravel())[0, 1]) < 0.02


@pytest.mark.parametrize("env_id", REGISTERED)
def test_batch_and_gymnasium_give_the_same_trajectories(env_id):
    seeds, random = [3, 2**31 - 1, 0], np.random.default_rng(1)
    batch, single = (envs.make(env_id, 3, seeds, backend=backend) for backend in ("numpy", "gymnasium"))
    assert envs.describe(env_id).observation_space == batch.observation_space == single.observation_space
    assert envs.describe(env_id).max_episode_steps == exact_model(env_id).time_limit
    assert (batch.reset() == single.reset()).all()
    for _ in range(80):
        continuous = isinstance(exact_model(env_id), QuadraticTask)
        action = random.normal(size=(3, 1)) if continuous else random.integers(2, size=3)
        for ours, theirs in zip(batch.step(action), single.step(action), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("env_id", REGISTERED)
def test_gymnasium_finds_nothing_wrong(env_id):
    from gymnasium.utils.env_checker import check_env

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(action space|Box).*")  # advice: an unbounded one is meant
        check_env(gymnasium.make(env_id).unwrapped, skip_render_check=True)


@pytest.mark.parametrize("env_id", GYMNASIUM)
def test_tables_of_gymnasium_are_those_that_gymnasium_samples(env_id):
    mdp, env = from_gymnasium(env_id), gymnasium.make(env_id).unwrapped
    random = np.random.default_rng(0)
    state, _ = env.reset(seed=0)
    for _ in range(300):
        action = int(random.integers(mdp.actions))
        following, reward, terminated, _, _ = env.step(action)
        outcomes = outcomes_of(mdp, state, action)
        assert any(p > 0 and (int(s), r, bool(t)) == (following, reward, terminated) for p, s, r, t in outcomes)
        state = env.reset()[0] if terminated else following


def test_time_limits_are_gymnasiums_unless_asked_otherwise():
    assert from_gymnasium("FrozenLake-v1").time_limit == 100
    assert from_gymnasium("FrozenLake-v1", time_limit=7).time_limit == 7


def test_an_environment_without_a_table_is_refused():
    with pytest.raises(UsageError, match="'CartPole-v1' exposes no transition table"):
        from_gymnasium("CartPole-v1")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probability": np.array([[[0.5, 0.6]]])}, "sum to 1"),
        ({"start": np.array([0.5])}, "start is a distribution"),
        ({"following": np.array([[[0, 1]]])}, "following names states"),
        ({"reward": np.zeros((1, 1, 1))}, "one shape"),
    ],
)
def test_a_table_must_be_one(change, message):
    good = {
        "start": np.array([1.0]),
        "probability": np.array([[[0.5, 0.5]]]),
        "following": np.zeros((1, 1, 2), np.int64),
        "reward": np.zeros((1, 1, 2)),
        "terminal": np.zeros((1, 1, 2), bool),
    }
    TabularMDP(**good)
    with pytest.raises(ValueError, match=message):
        TabularMDP(**{**good, **change})


def test_outcomes_without_probability_never_come():
    mdp = from_outcomes(
        {0: {0: [(1.0, 0, 1.0, False)], 1: [(0.3, 0, 2.0, True), (0.7, 0, 3.0, True)]}}, np.ones(1), None
    )
    almost_one = np.full(1000, np.nextafter(1.0, 0.0))
    assert (mdp.move(np.zeros(1000, np.int64), np.zeros(1000, np.int64), almost_one).reward == 1.0).all()
