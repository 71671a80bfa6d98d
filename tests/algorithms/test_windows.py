"""A window's samples beside the pieces that give them one after another."""

import pytest
import torch

from pgsuite.algorithms import ActorCritic, Reinforce, generalised_advantage
from pgsuite.algorithms.blocks import BLOCK
from pgsuite.algorithms.interface import Rollout, State
from pgsuite.algorithms.policy_gradient import PolicyGradient, largest_reward
from pgsuite.algorithms.trees import take

from .rollouts import SPACES, episodes, window

SEEDS = [3, 0, 5]


def pieces(algorithm: PolicyGradient, state: State, rollout: Rollout, trace, *, standardise: bool):
    """The same samples, by `experience`, `generalised_advantage` and `pack`."""
    experience = algorithm.experience(state, rollout)
    discount, trace = (x.unsqueeze(1) if isinstance(x, torch.Tensor) else x for x in (algorithm.discount, trace))
    advantage = generalised_advantage(
        experience.reward, experience.value, rollout.terminated, rollout.truncated, discount, trace
    )
    target = advantage + experience.value[..., :-1]
    return algorithm.pack(rollout, experience, weight=advantage, value_target=target, standardise=standardise)


def problem(space: str, length: int = 20, **options):
    """An algorithm, its state after two windows, and a third."""
    algorithm = ActorCritic(num_envs=3, **options)
    state = algorithm.init(SPACES[space], SEEDS)
    for occasion in (1, 2):
        state = algorithm.observed(state, window(SPACES[space], SEEDS, 3, length, occasion=occasion))
    return algorithm, state, window(SPACES[space], SEEDS, 3, length, occasion=3)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("switches", [{}, {"normalise_observations": True, "scale_rewards": True}])
@pytest.mark.parametrize("standardise", [False, True])
def test_a_window_is_weighed_as_its_pieces_weigh_it(space, dtype, switches, standardise) -> None:
    algorithm, state, rollout = problem(space, dtype=dtype, **switches)
    made = algorithm.bootstrapped(state, rollout, trace=0.9, standardise=standardise)
    for name, expected in pieces(algorithm, state, rollout, 0.9, standardise=standardise)._asdict().items():
        assert torch.equal(getattr(made, name), expected), name
        assert getattr(made, name).dtype == expected.dtype, name


def test_longer_windows_than_a_block() -> None:
    algorithm, state, rollout = problem("Box", length=BLOCK)
    made = algorithm.bootstrapped(state, rollout, trace=1.0, standardise=True)
    expected = pieces(algorithm, state, rollout, 1.0, standardise=True)
    assert all(torch.equal(a, b) for a, b in zip(made, expected, strict=True))


def test_every_seed_may_have_its_own_discount_and_trace() -> None:
    algorithm, state, rollout = problem("Discrete")
    discount, trace = torch.tensor([0.9, 0.99, 1.0]).double(), torch.tensor([0.0, 0.5, 1.0]).double()
    object.__setattr__(algorithm, "discount", discount)
    made = algorithm.bootstrapped(state, rollout, trace=trace, standardise=False)
    assert torch.equal(made.weight, pieces(algorithm, state, rollout, trace, standardise=False).weight)


def test_a_seed_with_a_reward_beyond_bounds_has_no_weights_and_its_neighbours_have_theirs() -> None:
    algorithm, state, rollout = problem("Discrete")
    expected = algorithm.bootstrapped(state, rollout, trace=0.9, standardise=False).weight
    wild = rollout.reward.clone()
    wild[1, 2, 4] = 2 * largest_reward(torch.float32)
    weight = algorithm.bootstrapped(state, rollout._replace(reward=wild), trace=0.9, standardise=False).weight
    assert weight[1].isnan().all()
    assert torch.equal(weight[[0, 2]], expected[[0, 2]])


def test_without_a_critic_states_are_worth_nothing() -> None:
    algorithm, rollout = Reinforce(num_envs=3), window(SPACES["Discrete"], SEEDS, 3, 20)
    made = algorithm.bootstrapped(algorithm.init(SPACES["Discrete"], SEEDS), rollout, trace=0.9, standardise=False)
    assert not made.value.any()
    assert torch.equal(made.weight, made.value_target)


def test_what_does_not_fit_together_is_refused() -> None:
    algorithm, state, rollout = problem("Discrete")
    for name in ("reward", "terminated", "truncated", "valid", "log_prob", "action"):
        short = rollout._replace(**{name: getattr(rollout, name)[:, :, :-1]})
        with pytest.raises(ValueError, match=r"has shape .*3, (19|20).*, expected \(S N T"):
            algorithm.bootstrapped(state, short, trace=0.9, standardise=False)
    short = rollout._replace(observation=rollout.observation[:, :, :-1])
    with pytest.raises(ValueError, match=r"expected \(S N T"):
        algorithm.bootstrapped(state, short, trace=0.9, standardise=False)


def test_a_subclass_may_see_and_lay_out_windows_in_ways_of_its_own() -> None:
    class Clamped(ActorCritic):
        def experience(self, state, rollout):
            seen = super().experience(state, rollout)
            return seen._replace(reward=seen.reward.clamp(-0.1, 0.1))

    class Halved(ActorCritic):
        def pack(self, *arguments, **options):
            samples = super().pack(*arguments, **options)
            return samples._replace(weight=samples.weight / 2)

    _, state, rollout = problem("Discrete")
    plain, clamped, halved = (
        algorithm(num_envs=3).bootstrapped(state, rollout, trace=0.9, standardise=False).weight
        for algorithm in (ActorCritic, Clamped, Halved)
    )
    assert clamped.abs().sum() < plain.abs().sum() / 2
    assert torch.equal(halved, plain / 2)


@pytest.mark.parametrize("rows", [[0], [1], [2, 0]])
def test_advantages_of_complete_episodes_do_not_depend_on_a_neighbours_length(rows) -> None:
    algorithm, space = ActorCritic(num_envs=3, normalise_observations=True), SPACES["Discrete"]
    state, rollout = algorithm.init(space, SEEDS), episodes(space, SEEDS, 3)
    together = algorithm.bootstrapped(state, rollout, trace=0.9, standardise=True)
    index = torch.tensor(rows)
    alone = algorithm.bootstrapped(
        take(state, index), episodes(space, [SEEDS[row] for row in rows], 3), trace=0.9, standardise=True
    )
    size = alone.mask.shape[1]
    for one, all_of_them in zip(alone, together, strict=True):
        valid = alone.mask != 0
        assert torch.equal(one[valid], all_of_them[index][:, :size][valid])
