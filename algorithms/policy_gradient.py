"""What the algorithms share: acting, normalisation, laying out samples, the blockwise gradient.

An algorithm's own file adds how it weighs ∇log π and how it steps.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from ..errors import UsageError
from .adam import Adam
from .blocks import Layout, Samples, lengths, loss_gradient, standardised
from .distributions import Distribution
from .groups import group_advantages
from .interface import Experience, Gradient, Metrics, Plan, Rollout, State, Target
from .losses import OUTPUTS, is_compiled, sample_arrays, term_gradient
from .model import ActionBound, Actor, Behaviour, Model, NetworkActor, Spaces
from .networks import Activation
from .normalisers import Moments, Standardiser, discounted_trace, scaled
from .returns import discount_powers, discounted_returns, generalised_advantage
from .search_space import choices
from .shapes import check_shapes
from .validation import Count, Positive, Share, validate
from .windows import Weighing, weighing


@dataclass(frozen=True, kw_only=True)
class PolicyGradient(ABC):
    """Base of the algorithms. A subclass is a frozen dataclass; its fields are its hyperparameters.

    It sets the class attribute ``has_critic`` (whether a value network is made) and, where one gradient drives policy
    and critic together, ``joint`` (`gradient_of` then differentiates `critic_loss` too). `update` returns
    ``self.observed(learned, rollout)``, which counts the update and takes in what the normalisers saw.
    """

    has_critic: ClassVar[bool]
    """Whether there is a critic."""
    joint: ClassVar[bool] = False
    """Whether policy and critic step together, on one gradient; otherwise a critic is fitted apart."""
    heavy_memory: ClassVar[frozenset[str]] = frozenset()
    """Names in `State.memory` that are large, such as a replay buffer: a finished run's snapshot leaves them out."""

    discount: Share = 0.99
    """γ per step, in [0, 1]."""
    hidden: tuple[Count, ...] = (64, 64)
    """Hidden layers of policy and critic; empty for a linear softmax or linear Gaussian policy."""
    activation: Activation = "tanh"
    """Of the hidden layers."""
    hidden_gain: Positive | None = None
    """What orthogonal initial weights of hidden layers are multiplied by; none for the activation's own gain, 5/3 for
    tanh and √2 for relu. Stable-Baselines3 takes √2 for either (Huang et al., 2022, detail 2)."""
    initial_log_std: float = 0.0
    """Initial log standard deviation of a Gaussian policy, in units of half the action range."""
    action_bound: ActionBound = "clip"
    """How samples reach a bounded Box: clipped, or squashed by tanh."""
    normalise_observations: Annotated[bool, choices(False, True)] = False
    """Standardise observations with running per-seed statistics."""
    scale_rewards: Annotated[bool, choices(False, True)] = False
    """Divide rewards by the running standard deviation of their discounted sums."""
    num_envs: Annotated[Count, choices(4, 8, 16)] = 8
    """Environments per seed: parallel ones of a window, episodes of a round."""
    dtype: Literal["float32", "float64"] = "float32"
    """float32 for training, float64 for audits."""

    def __post_init__(self) -> None:
        validate(self)

    @property
    @abstractmethod
    def target(self) -> Target:
        """What `gradient` estimates."""

    @abstractmethod
    def plan(self, state: State) -> Plan | Sequence[Plan]:
        """Return what to collect next: one plan for all seeds, or one for each."""

    @abstractmethod
    def samples(self, state: State, rollout: Rollout) -> Samples:
        """Turn a rollout into weighted samples: what distinguishes one estimator from another."""

    @abstractmethod
    def policy_loss(self, distribution: Distribution, outputs: Tensor, samples: Samples) -> Tensor:
        """Return the policy's loss ``(S,)`` on a block: a sum over samples, divided by a constant.

        Every term, an entropy bonus included, is multiplied by ``samples.mask``: the weights of resets and padding mean
        nothing. (`likelihood_loss` does so.) The constant is that of the whole rollout, whatever block is passed,
        because `gradient` adds blocks up; an algorithm that steps on minibatches scales their gradients by rollout /
        minibatch.

        Args:
            distribution: of actions.
            outputs: ``(S, B, D)`` of the policy network.
            samples: the block; its weights are constants.
        """

    def critic_loss(self, value: Tensor, samples: Samples) -> Tensor:
        """Return the critic's loss ``(S,)`` on a block; only a `joint` algorithm has one.

        Args:
            value: ``(S, B)`` of the critic network.
            samples: the block.
        """
        raise TypeError(f"{type(self).__name__} is not joint: its critic is fitted apart")

    @abstractmethod
    def update(self, state: State, rollout: Rollout) -> tuple[State, Metrics]:
        """Return the state after learning from a rollout."""

    @abstractmethod
    def optimisers(self, policy: Tensor, critic: Tensor) -> dict[str, Adam]:
        """Return the optimisers' initial memories by name, for parameters ``(S, Pp)`` and ``(S, Pc)``."""

    def gradient(self, state: State, rollout: Rollout) -> tuple[Gradient, Metrics]:
        """Return the gradient of the loss before clipping and optimiser.

        Minus its policy part estimates the policy gradient that `target` declares.
        """
        gradient, loss = self.gradient_of(state, self.samples(state, rollout))
        return gradient, {"loss": loss}

    def gradient_of(self, state: State, samples: Samples) -> tuple[Gradient, Tensor]:
        """Return the gradient and value ``(S,)`` of the loss on samples."""
        network, distribution = state.model.policy, state.model.distribution
        term: Any
        compiled = is_compiled(self.policy_loss), self.joint and is_compiled(self.critic_loss)
        arrays = sample_arrays(samples, distribution) if any(compiled) else ()
        if compiled[0]:
            term = self.policy_loss(distribution, OUTPUTS, samples)
            policy, loss = term_gradient(network, state.policy, samples.observation, arrays, term)
        else:
            policy, loss = loss_gradient(
                network, state.policy, samples, lambda outputs, block: self.policy_loss(distribution, outputs, block)
            )
        if not self.joint:
            return Gradient(policy, torch.zeros_like(state.critic)), loss
        network = state.model.value_network
        if compiled[1]:
            term = self.critic_loss(OUTPUTS, samples)
            critic, critic_loss = term_gradient(network, state.critic, samples.observation, arrays, term)
        else:
            critic, critic_loss = loss_gradient(
                network, state.critic, samples, lambda value, block: self.critic_loss(value.squeeze(2), block)
            )
        return Gradient(policy, critic), loss + critic_loss

    def model(self, spaces: Spaces) -> Model:
        """Return the model that this configuration has in an environment."""
        return Model.build(
            spaces,
            hidden=self.hidden,
            activation=self.activation,
            critic=self.has_critic,
            action_bound=self.action_bound,
        )

    def init(self, spaces: Spaces, seeds: Sequence[int]) -> State:
        """Return the state before training.

        Raises:
            UsageError: if the action space is not supported.
        """
        model = self.model(spaces)
        policy, critic = model.init(
            seeds, log_std=self.initial_log_std, dtype=self.torch_dtype, hidden_gain=self.hidden_gain
        )
        return State(
            model=model,
            policy=policy,
            critic=critic,
            optimisers=self.optimisers(policy, critic),
            observation=Moments.zeros(len(seeds), model.policy.inputs),
            reward=Moments.zeros(len(seeds), 1),
            trace=torch.zeros(len(seeds), self.num_envs, dtype=torch.float64),
            updates=torch.zeros(len(seeds), dtype=torch.int64),
            seeds=torch.tensor(list(seeds)),
        )

    @property
    def torch_dtype(self) -> torch.dtype:
        """The dtype as torch knows it."""
        return torch.float64 if self.dtype == "float64" else torch.float32

    def behaviour(self, state: State) -> Behaviour:
        """Return what acting depends on."""
        return Behaviour(state.model, state.policy, state.observation if self.normalise_observations else None)

    def evaluated(self, state: State) -> Behaviour:
        """Return what is evaluated and replayed: what acts in training."""
        return self.behaviour(state)

    def actor(self, behaviour: Behaviour) -> Actor:
        """Return the policy of a behaviour, frozen."""
        return NetworkActor(behaviour)

    def experience(self, state: State, rollout: Rollout) -> Experience:
        """Return a rollout as the networks see it: observations normalised, rewards scaled, states valued.

        A seed with a reward beyond `largest_reward` has NaN for its rewards, so that it diverges in this update
        whatever the algorithm: whether squares of such returns overflow depends on how it sums them, and one that only
        compares or clips them would stand still for the rest of its budget without a word.
        """
        observation = rollout.observation.to(self.torch_dtype)
        if (standardise := self._standardiser(state)) is not None:
            shape = observation.shape[1:3]
            observation = standardise(observation.flatten(1, 2)).unflatten(1, shape)
        reward = scaled(rollout.reward, self._reward_scale(state), largest_reward(self.torch_dtype), self.torch_dtype)
        return Experience(observation, reward, self._values(state, rollout, observation))

    def _standardiser(self, state: State) -> Standardiser | None:
        """Return what observations are standardised by; None where they are used as they are."""
        return Standardiser.of(state.observation, self.torch_dtype) if self.normalise_observations else None

    def _reward_scale(self, state: State) -> Tensor | None:
        """Return what rewards are divided by ``(S,)``, 0 until they have differed; None where they stay as they are."""
        if not self.scale_rewards:
            return None
        return torch.from_numpy(np.sqrt(state.reward.variance.numpy())).squeeze(1)  # torch's root is not the nearest

    def _values(self, state: State, rollout: Rollout, observation: Tensor) -> Tensor:
        """Return the critic's values ``(S, N, T + 1)`` of normalised observations; 0 without a critic.

        A round's steps are valued in the order of their samples, because a row's bits may depend on its place.
        """
        if not self.has_critic:
            return torch.zeros(observation.shape[:3], dtype=self.torch_dtype)
        if not rollout.complete:
            return state.model.values(state.critic, observation.flatten(1, 2)).view(observation.shape[:3])
        layout = Layout(rollout.valid, ragged=True, dtype=self.torch_dtype)
        values = state.model.values(state.critic, layout(observation[:, :, :-1]), lengths(layout.mask))
        return torch.nn.functional.pad(layout.restore(values, rollout.valid.shape), (0, 1))

    def pack(
        self, rollout: Rollout, experience: Experience, *, weight: Tensor, value_target: Tensor, standardise: bool
    ) -> Samples:
        """Lay steps out as samples.

        Args:
            rollout: whose valid steps count.
            experience: of the same rollout.
            weight: ``(S, N, T)`` of ∇log π.
            value_target: ``(S, N, T)`` of the critic.
            standardise: whether weights get mean 0 and standard deviation 1 per seed.
        """
        check_shapes(valid=(rollout.valid, "S N T"), weight=(weight, "S N T"), value_target=(value_target, "S N T"))
        layout = Layout(rollout.valid, ragged=rollout.complete, dtype=self.torch_dtype)
        samples = Samples(
            observation=layout(experience.observation[:, :, :-1]),
            action=layout(rollout.action),
            weight=layout(weight),
            value_target=layout(value_target),
            value=layout(experience.value[..., :-1]),
            log_prob=layout(rollout.log_prob),
            mask=layout.mask,
        )
        return samples._replace(weight=standardised(samples.weight, samples.mask)) if standardise else samples

    def returned(
        self,
        state: State,
        rollout: Rollout,
        weigh: Callable[[Tensor, Tensor], Tensor],
        *,
        discounted: bool,
        standardise: bool,
    ) -> Samples:
        """Weigh the steps of complete episodes by a function of their returns to go, which the critic regresses on.

        Args:
            state: whose critic.
            rollout: a round.
            weigh: returns to go and the critic's values, each ``(S, N, T)``, to the weights of ∇log π.
            discounted: whether weights are multiplied by γ^t.
            standardise: whether weights get mean 0 and standard deviation 1 per seed.
        """
        experience = self.experience(state, rollout)
        returns = discounted_returns(experience.reward, rollout.done, _each(self.discount))
        weight = weigh(returns, experience.value[..., :-1])
        if discounted:
            weight = weight * discount_powers(rollout.time, self.discount, weight.dtype)
        return self.pack(rollout, experience, weight=weight, value_target=returns, standardise=standardise)

    def compared(self, state: State, rollout: Rollout) -> Samples:
        """Weigh all steps of an episode by its discounted return beside those of its group, as `target` says.

        Args:
            state: of the learner.
            rollout: a round of groups.
        """
        weights = self.target.group
        assert weights is not None, "the target says how episodes are compared"
        experience = self.experience(state, rollout)
        returns = discounted_returns(experience.reward, rollout.done, _each(self.discount))
        lengths = rollout.valid.sum(2)
        weight = group_advantages(returns[..., 0], lengths, weights).unsqueeze(2).expand_as(returns)
        return self.pack(rollout, experience, weight=weight, value_target=returns, standardise=False)

    def bootstrapped(self, state: State, rollout: Rollout, *, trace: float | Tensor, standardise: bool) -> Samples:
        """Weigh steps by their generalised advantage ``A_t``; the critic regresses on ``A_t + V(s_t)``.

        Args:
            state: whose critic.
            rollout: a window.
            trace: λ, a number or ``(S,)``.
            standardise: whether advantages get mean 0 and standard deviation 1 per seed.
        """
        if rollout.complete or not unchanged(self, _WAYS):
            experience = self.experience(state, rollout)
            value, ends = experience.value, (rollout.terminated, rollout.truncated)
            advantage = generalised_advantage(experience.reward, value, *ends, _each(self.discount), _each(trace))
            value_target = advantage + value[..., :-1]
            return self.pack(rollout, experience, weight=advantage, value_target=value_target, standardise=standardise)
        return self._weighing(state, rollout, trace=trace, standardise=standardise)().samples

    def _weighing(self, state: State, rollout: Rollout, *, trace: float | Tensor, standardise: bool) -> Weighing:
        """Return what does in one pass what `bootstrapped` does."""
        return weighing(
            state,
            rollout,
            standardiser=self._standardiser(state),
            reward_scale=self._reward_scale(state),
            largest=largest_reward(self.torch_dtype),
            discount=self.discount,
            trace=trace,
            standardise=standardise,
        )

    def observed(self, state: State, rollout: Rollout) -> State:
        """Return the state with the rollout counted and its valid steps added to the normalisers' statistics."""
        state = state._replace(updates=state.updates + 1)
        if not (self.normalise_observations or self.scale_rewards):
            return state
        layout = Layout(rollout.valid, ragged=rollout.complete, dtype=torch.float64)
        if self.normalise_observations:
            seen = layout(rollout.observation[:, :, :-1]).double()
            state = state._replace(observation=state.observation.updated(seen, layout.mask))
        if self.scale_rewards:
            before = self._trace(state, rollout)
            traces, after = discounted_trace(rollout.reward, rollout.done, before, self.discount)
            state = state._replace(reward=state.reward.updated(layout(traces).unsqueeze(2), layout.mask))
            if not rollout.complete:
                state = state._replace(trace=torch.cat([after, state.trace[:, after.shape[1] :]], 1))
        return state

    def _trace(self, state: State, rollout: Rollout) -> Tensor:
        """Return the reward traces ``(S, N)`` that a rollout goes on from: zero where an episode begins."""
        if rollout.complete:
            return torch.zeros(rollout.reward.shape[:2], dtype=state.trace.dtype)
        num_envs = rollout.reward.shape[1]
        if num_envs > self.num_envs:
            raise UsageError(
                f"{type(self).__name__} scales rewards by traces of num_envs = {self.num_envs} environments, but plans "
                f"windows in {num_envs}: raise num_envs, or set scale_rewards = false"
            )
        return torch.where(rollout.time[..., 0] == 0, 0.0, state.trace[:, :num_envs])


def methods(owner: type, *names: str) -> Mapping[str, Any]:
    """Return methods of a class by name, as they are now; for `unchanged`."""
    return {name: getattr(owner, name) for name in names}


def unchanged(algorithm: object, written: Mapping[str, Any]) -> bool:
    """Whether an object has the `methods` that were written, not its own, a subclass's, or others put there later.

    What does the work of several methods in one pass asks this: a subclass may have ways of its own.
    """
    kind = type(algorithm)
    return not written.keys() & vars(algorithm).keys() and all(
        getattr(kind, name) is part for name, part in written.items()
    )


_WAYS = methods(PolicyGradient, "experience", "pack", "_values")
"""What `bootstrapped` does of a window in one pass: what it is, and how it is laid out."""


def _each(number: float | Tensor) -> float | Tensor:
    """A hyperparameter of the steps ``(S, N, T)``: one for each seed is one for all its environments."""
    return number.unsqueeze(1) if isinstance(number, Tensor) else number


def largest_reward(dtype: torch.dtype) -> float:
    """Return the largest reward that an update can be computed from, 1.4e14 in float32 and 1e149 in float64.

    Returns of 1000 such rewards (2^10) can be squared, and 16 thousand of these squares (2^14) be added up.
    """
    return sqrt(torch.finfo(dtype).max) / 2**17
