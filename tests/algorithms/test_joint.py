"""A step of policy and critic in one pass beside the pieces that make it one after another: the same bits."""

from dataclasses import dataclass, replace

import pytest
import torch

from pgsuite.algorithms import ActorCritic, Rollout
from pgsuite.algorithms.blocks import BLOCK
from pgsuite.algorithms.diagnostics import INTERVAL
from pgsuite.algorithms.interface import Passed
from pgsuite.algorithms.policy_gradient import PolicyGradient
from pgsuite.algorithms.trees import named_tensors, take

from .rollouts import SPACES, window

SEEDS = [3, 0, 5]


@dataclass(frozen=True, kw_only=True)
class InPieces(ActorCritic):
    """What has a way of its own, and so is computed piece by piece."""

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
    algorithm, pieces = (kind(num_envs=3, num_steps=20) for kind in (ActorCritic, InPieces))
    state, rollout = algorithm.init(SPACES["Discrete"], SEEDS), window(SPACES["Discrete"], SEEDS, 3, 20)
    for one in (algorithm, pieces):
        object.__setattr__(one, "learning_rate", torch.tensor([1e-3, 0.0, 1e-2]).double())
        object.__setattr__(one, "max_gradient_norm", torch.tensor([0.5, 0.5, 1e-3]).double())
    learned, _ = algorithm.update(state, rollout)
    same(learned, pieces.update(state, rollout)[0])
    assert torch.equal(learned.policy[1], state.policy[1]), "a rate of nothing"


class Case:
    """An algorithm, its state, and a window with what its network made of it while it acted."""

    def __init__(self, **options) -> None:
        self.options = {"num_envs": 3, "num_steps": 20, "hidden": (7, 5), **options}
        self.algorithm = ActorCritic(**self.options)
        state = self.algorithm.init(SPACES["Discrete"], SEEDS)
        self.state = self.algorithm.observed(state, window(SPACES["Discrete"], SEEDS, 3, 20, occasion=5))
        rollout = window(SPACES["Discrete"], SEEDS, 3, 20)
        seen = self.algorithm.experience(self.state, rollout).observation[:, :, :-1].flatten(1, 2)
        made = self.state.model.policy.forward(self.state.policy, seen)
        behaviour, observation = self.algorithm.behaviour(self.state), rollout.observation
        passed = Passed(behaviour, observation, observation._version, made.outputs, made.hidden)
        self.rollout = rollout._replace(passed=passed, behaviour=behaviour)

    def pieces(self, state, rollout):
        return InPieces(**self.options).update(state, rollout)


NORMALISED = {"normalise_observations": True}


@pytest.mark.parametrize("options", [{}, NORMALISED], ids=str)
def test_what_acting_left_is_gone_on_from(options) -> None:
    case = Case(**options)
    learned, _ = case.algorithm.update(case.state, case.rollout)
    same(learned, case.pieces(case.state, case.rollout)[0])
    passed = case.rollout.passed
    other = case.rollout._replace(passed=passed._replace(hidden=passed.hidden + 1.0))
    assert not torch.equal(case.algorithm.update(case.state, other)[0].policy, learned.policy), "it is looked at"


def doubled(case):
    case.rollout.observation.mul_(2.0)
    return case.state, case.rollout


TAMPERED = {
    "other observations": lambda case: (
        case.state,
        case.rollout._replace(observation=case.rollout.observation + 0.5),
    ),
    "observations written to": doubled,
    "half of the steps": lambda case: (
        case.state,
        Rollout(*(x[:, :, :10] if isinstance(x, torch.Tensor) and x.dim() > 2 else x for x in case.rollout))._replace(
            observation=case.rollout.observation[:, :, :11]
        ),
    ),
    "another policy": lambda case: (case.state._replace(policy=case.state.policy + 0.1), case.rollout),
    "another critic": lambda case: (case.state._replace(critic=case.state.critic + 0.1), case.rollout),
    "other statistics": lambda case: (
        case.state._replace(observation=case.state.observation._replace(mean=case.state.observation.mean + 1.0)),
        case.rollout,
    ),
    "another activation": lambda case: (
        case.state._replace(
            model=replace(case.state.model, policy=replace(case.state.model.policy, activation="relu"))
        ),
        case.rollout,
    ),
}


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED)
@pytest.mark.parametrize("options", [{}, NORMALISED], ids=str)
def test_what_acting_left_serves_that_window_and_that_policy_alone(tamper, options) -> None:
    case = Case(**options)
    state, rollout = tamper(case)
    same(case.algorithm.update(state, rollout)[0], case.pieces(state, rollout)[0])


class OwnWays:
    """Ways to change an update that one pass must not pass by."""

    class Loss(ActorCritic):
        def critic_loss(self, value, samples):
            return 2 * super().critic_loss(value, samples)

    class Gradient(ActorCritic):
        def gradient_of(self, state, samples):
            gradient, loss = super().gradient_of(state, samples)
            return gradient._replace(critic=2 * gradient.critic), loss

    class Observations(ActorCritic):
        def samples(self, state, rollout):
            samples = super().samples(state, rollout)
            samples.observation.mul_(2.0)
            return samples

    class Window(ActorCritic):
        def samples(self, state, rollout):
            return super().samples(state, rollout._replace(reward=2 * rollout.reward))

    class Values(ActorCritic):
        def experience(self, state, rollout):
            return super().experience(state, rollout._replace(reward=2 * rollout.reward))

    class Apart(ActorCritic):
        joint = False


@pytest.mark.parametrize("own", [own for own in vars(OwnWays).values() if isinstance(own, type)])
def test_a_subclass_with_a_way_of_its_own_is_followed(own) -> None:
    case = Case(max_gradient_norm=None)
    usual = case.algorithm.update(case.state, case.rollout)[0]
    other = own(**case.options).update(case.state, case.rollout)[0]
    assert not torch.equal(other.critic, usual.critic)
    assert own is not OwnWays.Apart or torch.equal(other.critic, case.state.critic)


def test_observations_that_are_standardised_in_another_way_are_followed() -> None:
    """The policy acted on what the usual way makes of them."""

    class Standardised(ActorCritic):
        def _standardiser(self, state):
            return super()._standardiser(state._replace(observation=moved(state.observation)))

    class StandardisedInPieces(InPieces, Standardised):
        pass

    def moved(moments):
        return moments._replace(mean=moments.mean + 1.0)

    case = Case(**NORMALISED)
    one, other = (kind(**case.options) for kind in (Standardised, StandardisedInPieces))
    same(one.update(case.state, case.rollout)[0], other.update(case.state, case.rollout)[0])


def test_an_object_or_a_class_that_was_given_another_way_is_followed(monkeypatch) -> None:
    case, called = Case(), []

    def listening(self, *given):
        called.append(self)
        return gradient_of(self, *given)

    gradient_of = PolicyGradient.gradient_of
    own = ActorCritic(**case.options)
    object.__setattr__(own, "gradient_of", lambda *given: listening(own, *given))
    own.update(case.state, case.rollout)
    monkeypatch.setattr(PolicyGradient, "gradient_of", listening)
    case.algorithm.update(case.state, case.rollout)
    assert called == [own, case.algorithm]


@pytest.mark.parametrize("part", ["critic", "optimisers"])
def test_a_state_of_fewer_seeds_is_refused(part) -> None:
    """Compiled code would go on beyond what is there."""
    case = Case()
    fewer = take(case.state, torch.tensor([0]))
    with pytest.raises(ValueError, match="expected"):
        case.algorithm.update(case.state._replace(**{part: getattr(fewer, part)}), case.rollout)
