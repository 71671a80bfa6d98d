"""The training loop: what counts as a step, which policy a checkpoint shows, what is recorded."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import gymnasium
import numpy as np
import pytest
import torch

from pgsuite.algorithms import ActorCritic, actor_critic
from pgsuite.algorithms.model import NetworkActor, Spaces
from pgsuite.algorithms.policy_gradient import PolicyGradient, largest_reward
from pgsuite.algorithms.registry import ALGORITHMS, build, load_class
from pgsuite.suites import unbroken
from pgsuite.suites.means import MetricMeans


class Counting(gymnasium.Env):
    """Three steps of reward 1 an episode; counts every step that anyone takes in it."""

    taken = 0
    observation_space = gymnasium.spaces.Box(-1, 1, (2,))
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        return np.zeros(2, np.float32), {}

    def step(self, action):
        Counting.taken += 1
        self.time += 1
        return np.zeros(2, np.float32), 1.0, self.time == 3, False, {}


@pytest.fixture(scope="module", autouse=True)
def _counting():
    gymnasium.register("tests/Counting-v0", entry_point=Counting, max_episode_steps=5)
    gymnasium.register("tests/Large-v0", entry_point=Large, max_episode_steps=9)
    yield
    del gymnasium.registry["tests/Counting-v0"], gymnasium.registry["tests/Large-v0"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_step_counts_once_and_resets_do_not(algorithm, small_cell, train):
    Counting.taken = 0
    run = train(small_cell(algorithm, "tests/Counting-v0", steps=300), [1, 2])
    trained = sum(int(run.tensors[seed]["steps"][0]) for seed in (1, 2))
    evaluated = sum(row.eval_steps for seed in (1, 2) for row in run.rows[seed])
    assert evaluated == 2 * 4 * 2 * 3  # seeds, checkpoints, episodes, steps
    assert trained + evaluated == Counting.taken
    assert trained == run.steps
    assert all(run.tensors[seed]["steps"][0] >= 300 for seed in (1, 2))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_grid_runs_from_zero_to_the_budget(algorithm, small_cell, train):
    cell = small_cell(algorithm, steps=1000, checkpoints=3)
    rows = train(cell, [1]).rows[1]
    assert [row.env_steps for row in rows] == [0, 333, 667, 1000]
    assert [row.checkpoint for row in rows] == [0, 1, 2, 3]
    assert (rows[0].trained_steps, rows[0].updates) == (0, 0)
    assert all(row.episodes == 2 for row in rows)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1"])
def test_the_policy_of_a_checkpoint_was_trained_on_no_more_steps(algorithm, env, small_cell, train):
    run = train(small_cell(algorithm, env, steps=1700, checkpoints=17), range(2))
    for rows in run.rows.values():
        assert all(row.trained_steps <= row.env_steps for row in rows)
        assert rows[-1].trained_steps > 0


def test_a_round_longer_than_the_grid_repeats_the_policy_before_it(small_cell, train):
    """Three Pendulum episodes are 600 steps, the grid is one of 200: overshooting the budget helps nobody."""
    run = train(small_cell("reinforce", "Pendulum-v1", steps=1400, checkpoints=7), [1])
    assert [row.trained_steps for row in run.rows[1]] == [0, 0, 0, 600, 600, 600, 1200, 1200]
    assert run.tensors[1]["steps"][0] == 1800
    assert run.facts[1]["status"] == "complete"


@pytest.mark.parametrize("steps", [600, 599])
def test_the_policy_evaluated_is_the_one_recorded(steps, small_cell, train):
    """A round of exactly the budget counts; one step too long, and the first policy is the last one."""
    cell = small_cell("reinforce", "Pendulum-v1", steps=steps, checkpoints=1)
    run = train(cell, [1])
    initial = build("reinforce", dict(cell.options)).init(spaces(cell), [1]).policy[0].numpy()
    shown = run.tensors[1]["behaviour.parameters"][0]
    assert np.array_equal(shown, initial) == (steps == 599)
    assert np.array_equal(shown, run.tensors[1]["state.policy"][0]) == (steps == 600)


def spaces(cell):
    from pgsuite.suites.cells import open_environments

    env = open_environments(cell.environment, [0])
    return Spaces(env.observation_space, env.action_space)


def test_the_last_row_can_be_replayed_from_the_snapshot(small_cell, train):
    from pgsuite.algorithms.model import Behaviour
    from pgsuite.suites.evaluation import evaluate

    cell = small_cell("actor-critic", steps=600, checkpoints=3)
    run = train(cell, [4, 5])
    model = build("actor-critic", dict(cell.options)).model(spaces(cell))
    behaviour = Behaviour(model, torch.from_numpy(run.tensors[5]["behaviour.parameters"]), None)
    episodes = evaluate(NetworkActor(behaviour), cell.environment, cell.evaluation, [5], 3)
    assert episodes.returns.mean() == run.rows[5][-1].return_mean
    assert episodes.returns.std() == run.rows[5][-1].return_std
    assert episodes.lengths.sum() == run.rows[5][-1].eval_steps


def test_metrics_are_means_since_the_last_checkpoint():
    means = MetricMeans(2)
    means.add({"loss": torch.tensor([1.0, 10.0]), "kl": torch.tensor([0.5, float("nan")])}, np.array([0, 1]))
    means.add({"loss": torch.tensor([20.0]), "kl": torch.tensor([float("inf")])}, np.array([1]))
    assert means.of(0) == {"loss": 1.0, "kl": 0.5}
    assert means.of(1) == {"loss": 15.0}
    means.add({"loss": torch.tensor([30.0]), "kl": torch.tensor([2.0])}, np.array([1]))
    assert means.of(1) == {"loss": 20.0, "kl": 2.0}
    assert MetricMeans(1).of(0) == {}


def test_rows_hold_the_metrics_of_their_own_segment(small_cell, train, monkeypatch):
    losses = []
    found = load_class("actor-critic")
    update = found.update

    def listening(self, state, rollout):
        learned, metrics = update(self, state, rollout)
        losses.append(float(metrics["loss"][0]))
        return learned, metrics

    monkeypatch.setattr(found, "update", listening)
    rows = train(small_cell("actor-critic", steps=300, checkpoints=3), [1]).rows[1]
    ends = [row.updates for row in rows]
    assert rows[0].metrics == {}
    for row, (first, last) in zip(rows[1:], pairwise(ends), strict=True):
        assert row.metrics["loss"] == pytest.approx(np.mean(losses[first:last]))
    assert ends[-1] == len(losses)


def test_a_run_whose_numbers_overflow_is_recorded_as_diverged(small_cell, train):
    run = train(small_cell("reinforce", learning_rate=3e38, steps=2000, checkpoints=10), [1])
    facts = run.facts[1]
    assert facts["status"] == "diverged"
    assert 0 < facts["diverged_at"] == run.tensors[1]["steps"][0] == run.steps < 2000
    assert run.rows[1][-1].env_steps < facts["diverged_at"]
    assert np.isfinite(run.tensors[1]["state.policy"]).all()


class Large(gymnasium.Env):
    """Five steps of rewards of some size, for and against."""

    observation_space = gymnasium.spaces.Box(-1, 1, (2,))
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, size):
        self.size = size

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        return self.np_random.random(2, np.float32), {}

    def step(self, action):
        self.time += 1
        return self.np_random.random(2, np.float32), self.size * (float(action) - 0.3), self.time == 5, False, {}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    ("size", "status"), [(1e12, "complete"), (1e18, "diverged"), (1e21, "diverged"), (1e30, "diverged")]
)
def test_rewards_of_a_size_have_the_same_verdict_from_every_algorithm(algorithm, size, status, small_cell, train):
    cell = small_cell(algorithm, "tests/Large-v0", steps=150, checkpoints=1)
    cell = replace(cell, environment=replace(cell.environment, options={"size": size}))
    run = train(cell, [1])
    assert run.facts[1]["status"] == status
    assert (run.tensors[1]["state.updates"][0] > 0) == (status == "complete")  # the update that fails is not made


@pytest.mark.parametrize("metric", ["loss", "gradient_norm", "value_loss", "cg_residual", "step_fraction"])
def test_a_number_that_is_not_finite_ends_a_run_that_stands_still_for_it(metric, small_cell, train, monkeypatch):
    cell = small_cell("actor-critic", steps=300)
    alone = train(cell, [2]).bits(2)
    found = load_class("actor-critic")
    update = found.update

    def clipped_to_nothing(self, state, rollout):
        learned, metrics = update(self, state, rollout)
        return learned, {**metrics, metric: torch.where(state.seeds == 1, torch.inf, metrics["loss"])}

    monkeypatch.setattr(found, "update", clipped_to_nothing)
    run = train(cell, [1, 2])
    assert [run.facts[seed]["status"] for seed in (1, 2)] == ["diverged", "complete"]
    assert run.bits(2)["state.policy"] == alone["state.policy"]


def test_memories_of_an_optimiser_that_overflow_are_divergence(small_cell, train, monkeypatch):
    found = load_class("reinforce")
    update = found.update

    def overflowing(self, state, rollout):
        learned, metrics = update(self, state, rollout)
        adam = learned.optimisers["policy"]
        return learned._replace(optimisers={"policy": adam._replace(second=adam.second + torch.inf)}), metrics

    monkeypatch.setattr(found, "update", overflowing)
    assert train(small_cell("reinforce", steps=300), [1]).facts[1]["status"] == "diverged"


def test_the_largest_reward_leaves_room_for_the_squares_of_returns():
    largest = np.float32(largest_reward(torch.float32))
    assert largest == pytest.approx(1.4e14, rel=0.02)
    assert np.isfinite(np.square(largest * np.float32(1000)) * np.float32(2**14))
    assert largest_reward(torch.float64) == pytest.approx(1e149, rel=0.03)


def test_a_diverged_run_stays_as_it_is_when_resumed(small_cell, train):
    cell = small_cell("reinforce", learning_rate=3e38, steps=2000, checkpoints=10)
    run = train(cell, [1])
    before = run.bits(1)
    assert train(cell, [1], run).bits(1) == before


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_algorithm_hears_how_far_the_budget_is_used(algorithm, small_cell, train, monkeypatch):
    heard, done = [], [0]
    found = load_class(algorithm)
    update = found.update

    def listening(self, state, rollout):
        heard.append((float(rollout.progress[0]), done[0] / 700))
        done[0] += int(rollout.valid.sum())
        return update(self, state, rollout)

    monkeypatch.setattr(found, "update", listening)
    train(small_cell(algorithm, steps=700), [1])
    assert len(heard) > 3
    assert all(told == pytest.approx(true) for told, true in heard)
    assert heard[0][0] == 0.0


def test_the_learning_rate_falls_with_it(small_cell, train, monkeypatch):
    rates = []
    joined = actor_critic.joined

    def listening(state, weighing, passed, terms, rate, **how):
        rates.append(float(rate[0]))
        return joined(state, weighing, passed, terms, rate, **how)

    monkeypatch.setattr(actor_critic, "joined", listening)
    monkeypatch.setattr(unbroken, "LEAST", 10**6)  # update by update
    train(small_cell("actor-critic", learning_rate=0.1, learning_rate_decay="linear", steps=500), [1])
    assert rates[0] == pytest.approx(0.1)
    assert all(later < earlier for earlier, later in pairwise(rates))
    assert rates[-1] == pytest.approx(0.1 * 21 / 500, abs=0.1 * 21 / 500)  # within a window of zero


@pytest.mark.parametrize("env_id", ["CartPole-v1", "Pendulum-v1"])
@pytest.mark.parametrize("options", [{}, {"normalise_observations": True, "scale_rewards": True}], ids=str)
def test_an_update_that_goes_on_from_what_is_known_has_the_bits_of_one_that_does_not(
    env_id, options, small_cell, train, monkeypatch
):
    """Passes of policy and critic that acting and valuing left behind, in compiled environments."""
    cell, passed_by, found = small_cell("actor-critic", env_id, steps=600, **options), actor_critic.passed_by, []

    def listening(state, rollout, **how):
        found.append(passed_by(state, rollout, **how) is not None)
        return passed_by(state, rollout, **how)

    monkeypatch.setattr(actor_critic, "passed_by", listening)
    monkeypatch.setattr(unbroken, "LEAST", 10**6)  # update by update
    one = train(cell, [1, 2])
    assert all(found), "in every update"
    monkeypatch.setattr(ActorCritic, "gradient_of", lambda self, *given: PolicyGradient.gradient_of(self, *given))
    count = len(found)
    other = train(cell, [1, 2])
    assert len(found) == count, "piece by piece"
    for seed in (1, 2):
        for name, tensor in one.tensors[seed].items():
            if name != "seconds":
                np.testing.assert_array_equal(tensor, other.tensors[seed][name], err_msg=name)


def test_runs_are_saved_at_every_checkpoint_and_finished_once(small_cell, memory, train):
    saved = Counter()

    class Listening(memory):
        def save(self, seed, rows, facts, tensors):
            super().save(seed, rows, facts, tensors)
            saved[seed, facts["status"]] += 1

    run = train(small_cell("trpo"), [1, 2], Listening())
    assert saved == {(1, "partial"): 3, (2, "partial"): 3, (1, "complete"): 1, (2, "complete"): 1}
    assert run.facts[1]["trained_with"] == 2
    assert run.facts[1]["steps_per_second"] > 0


def test_time_is_counted_on_over_segments(small_cell, train):
    times = [row.wall_time for row in train(small_cell("actor-critic"), [1]).rows[1]]
    assert times[0] == 0
    assert times == sorted(set(times))


DENSITIES = {
    "CartPole-v1": lambda outputs: torch.distributions.Categorical(logits=outputs),
    "Pendulum-v1": lambda outputs: torch.distributions.Independent(
        torch.distributions.Normal(outputs[..., :1], outputs[..., 1:].exp()), 1
    ),
}


@pytest.mark.parametrize("env", DENSITIES)
def test_a_rollout_knows_torchs_log_probability_of_its_actions(env, small_cell, train, monkeypatch):
    kind, seen = load_class("actor-critic"), []
    update = kind.update

    def spied(self, state, rollout):
        seen.append((state, rollout))
        return update(self, state, rollout)

    monkeypatch.setattr(kind, "update", spied)
    train(small_cell("actor-critic", env, dtype="float64", steps=100), [1, 2])
    for state, rollout in seen:
        model, parameters, _ = rollout.behaviour
        assert torch.equal(parameters, state.policy)
        observation = rollout.observation[:, :, :-1].flatten(1, 2).double()
        outputs = model.policy.evaluate(parameters, observation)
        expected = DENSITIES[env](outputs).log_prob(rollout.action.flatten(1, 2)).view(rollout.log_prob.shape)
        torch.testing.assert_close(rollout.log_prob[rollout.valid], expected[rollout.valid])
