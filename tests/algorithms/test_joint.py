"""A step of policy and critic in one pass beside the pieces that make it one after another: the same bits."""

from dataclasses import dataclass

import pytest
import torch

from pgsuite.algorithms import ActorCritic
from pgsuite.algorithms.blocks import BLOCK
from pgsuite.algorithms.diagnostics import INTERVAL
from pgsuite.algorithms.trees import named_tensors, take

from .rollouts import SPACES, window

SEEDS = [3, 0, 5]


@dataclass(frozen=True, kw_only=True)
class InPieces(ActorCritic):
    """What `joint_step` cannot know the gradient of, and so composes."""

    def gradient_of(self, state, samples):
        return super().gradient_of(state, samples)


def same(one, other) -> None:
    (first, second) = (dict(named_tensors(tree)) for tree in (one, other))
    assert first.keys() == second.keys()
    for name in first:
        torch.testing.assert_close(first[name], second[name], rtol=0, atol=0, equal_nan=True, msg=name)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("length", [20, BLOCK], ids=["one block", "several"])
@pytest.mark.parametrize(
    "options", [{}, {"entropy_weight": 0.1, "hidden": (7, 5), "max_gradient_norm": None}, {"hidden": ()}], ids=str
)
def test_one_pass_has_the_bits_of_its_pieces(space, dtype, length, options) -> None:
    """From one update to the next, so that the optimiser's memory is there, and through one that is measured."""
    options = {"num_envs": 3, "num_steps": length, "dtype": dtype, "normalise_advantages": True, **options}
    whole, pieces = ActorCritic(**options), InPieces(**options)
    state = whole.init(SPACES[space], SEEDS)
    state = state._replace(updates=torch.tensor([0, 3, INTERVAL - 1]))
    for occasion in range(3):
        rollout = window(SPACES[space], SEEDS, 3, length, occasion=occasion)
        (learned, measured), (expected, told) = (one.update(state, rollout) for one in (whole, pieces))
        same(learned, expected)
        same(dict(measured), dict(told))
        state = learned
    assert not torch.equal(state.critic, whole.init(SPACES[space], SEEDS).critic)


def test_a_seed_has_the_bits_that_it_has_alone() -> None:
    algorithm = ActorCritic(num_envs=3, num_steps=20, learning_rate_decay="linear")
    rollout = window(SPACES["Box"], SEEDS, 3, 20)
    state = algorithm.init(SPACES["Box"], SEEDS)
    learned, _ = algorithm.update(state, rollout)
    for n in range(len(SEEDS)):
        row = torch.tensor([n])
        same(take(learned, row), algorithm.update(take(state, row), take(rollout, row))[0])


def test_every_seed_may_have_its_own_rate_and_longest_gradient() -> None:
    algorithm = ActorCritic(num_envs=3, num_steps=20)
    state, rollout = algorithm.init(SPACES["Discrete"], SEEDS), window(SPACES["Discrete"], SEEDS, 3, 20)
    rates, longest = torch.tensor([1e-3, 0.0, 1e-2]).double(), torch.tensor([0.5, 0.5, 1e-3]).double()
    samples = algorithm.samples(state, rollout)
    together, _ = algorithm.joint_step(state, samples, rates, max_norm=longest)
    for n, (rate, norm) in enumerate(zip(rates.tolist(), longest.tolist(), strict=True)):
        alone, _ = algorithm.joint_step(state, samples, rate, max_norm=norm)
        row = torch.tensor([n])
        same(take(together, row), take(alone, row))
    assert torch.equal(together.policy[1], state.policy[1]), "a rate of nothing"


def test_what_a_critic_made_of_samples_serves_these_samples_and_this_critic_alone() -> None:
    """Another critic, or other observations or values, go through the network anew."""
    algorithm = ActorCritic(num_envs=3, num_steps=20, max_gradient_norm=None)
    state, rollout = algorithm.init(SPACES["Discrete"], SEEDS), window(SPACES["Discrete"], SEEDS, 3, 20)
    samples = algorithm.samples(state, rollout)
    assert samples.valued.parameters is state.critic
    moved = state._replace(critic=state.critic + 0.1)
    shifted = samples._replace(observation=samples.observation + 1.0)
    for given, some in ((moved, samples), (state, shifted)):
        stepped, _ = algorithm.joint_step(given, some, 1e-3, max_norm=None)
        expected, _ = InPieces(num_envs=3, num_steps=20).joint_step(given, some, 1e-3, max_norm=None)
        same(stepped, expected)
    assert samples.rows(0, 5).valued is None
    assert samples.take(torch.zeros(3, 2, dtype=torch.int64)).valued is None


def test_a_gradient_that_is_changed_on_the_way_is_followed() -> None:
    """Whether a subclass or one object alone changes it."""
    state = ActorCritic(num_envs=3, num_steps=20).init(SPACES["Discrete"], SEEDS)
    rollout = window(SPACES["Discrete"], SEEDS, 3, 20)

    @dataclass(frozen=True, kw_only=True)
    class Backwards(ActorCritic):
        def gradient_of(self, state, samples):
            gradient, loss = super().gradient_of(state, samples)
            return gradient._replace(policy=-gradient.policy), loss

    usual, backwards = ActorCritic(num_envs=3, num_steps=20), Backwards(num_envs=3, num_steps=20)
    one = ActorCritic(num_envs=3, num_steps=20)
    object.__setattr__(one, "gradient_of", lambda *given: Backwards.gradient_of(backwards, *given))
    ahead, *behind = (each.update(state, rollout)[0].policy - state.policy for each in (usual, backwards, one))
    for step in behind:
        assert (step * ahead).sum() < 0
        torch.testing.assert_close(step, -ahead, rtol=1e-3, atol=1e-6)
