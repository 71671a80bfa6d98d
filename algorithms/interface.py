"""What algorithms and the training loop say to each other: plans, rollouts, states.

A `Learner` is all that the loop asks for; a `GradientEstimator` can be audited as well. Ours derive from
`policy_gradient.PolicyGradient`, which does most of it.

Shapes: **S** seeds, **N** environments per seed, **T** time steps, **B** samples, **O** observation size,
**A** action size, **P** parameters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import torch
from torch import Tensor

from .adam import Adam
from .model import Actor, Behaviour, Model, Spaces
from .normalisers import Moments

Metrics = Mapping[str, Tensor]
"""Diagnostics by name, each ``(S,)``."""

TRAINING = "training"
"""Name of the environments and random streams that a plan uses unless it names others."""


class Steps(NamedTuple):
    """Collect a window: ``length`` steps in each of ``num_envs`` environments, which go on where they were.

    Asked for more environments than before, those that are there go on and the others begin.
    """

    num_envs: int
    length: int
    stream: str = TRAINING
    """Whose environments and noise: plans of different names never share an environment or a random number."""


class Episodes(NamedTuple):
    """Collect a round: one complete episode in each of ``num_envs`` environments, from reset.

    A window in the same environments begins anew after it.
    """

    num_envs: int
    stream: str = TRAINING
    """Whose environments and noise: plans of different names never share an environment or a random number."""
    group: int = 1
    """Environments, one after another, that begin alike: a round gives each group a random stream of its own, and each
    of the group's environments a copy of it.

    So they begin in the same state, and chance goes on alike after that: two that choose the same actions see the same
    to the end, whatever is random in the environment. Once actions differ, the k-th number drawn is still the same,
    whatever it is used for. What actions are drawn with is each environment's own. The return of one episode is then
    a baseline for another that has no bias: an action's draw is independent of the stream and of the others' actions.
    Groups of a round, and of different rounds, have different streams; where there are few states to begin in, they
    may begin in the same one.
    """
    occasion: int | None = None
    """What keys all random numbers of the round: rounds of one stream, size and occasion begin in the same states and
    draw the same noise, so that what differs between them is the policy. None: no round is like another."""
    deterministic: bool = False
    """Whether the policy's mode is played instead of the policy."""


Plan = Steps | Episodes


def check_plans(planned: Any, seeds: int) -> None:
    """Hold what `Learner.plan` gave to one plan, or one for each of the seeds.

    Raises:
        ValueError: saying what it is instead.
    """
    if isinstance(planned, Steps) and all(type(size) is int and size > 0 for size in planned[:2]):  # as most are
        return
    one_each = [planned] if isinstance(planned, Plan) else planned
    if not isinstance(one_each, Sequence) or not all(isinstance(plan, Plan) for plan in one_each):
        raise ValueError(f"{planned!r} is neither Steps nor Episodes, nor a list of them")
    if one_each is planned and len(one_each) != seeds:
        raise ValueError(f"there are {len(one_each)} plans for {seeds} seeds: give one for all, or one for each")
    for plan in one_each:
        sizes = {"num_envs": plan.num_envs} | ({"length": plan.length} if isinstance(plan, Steps) else {})
        sizes |= {"group": plan.group} if isinstance(plan, Episodes) else {}
        for name, size in sizes.items():
            if not isinstance(size, int) or size < 1:
                raise ValueError(f"{name} is {size!r}: it is a whole number of at least 1")
        if isinstance(plan, Episodes) and plan.num_envs % plan.group:
            raise ValueError(f"{plan.num_envs} environments do not make whole groups of {plan.group}")
        occasion = plan.occasion if isinstance(plan, Episodes) else None
        if occasion is not None and not (isinstance(occasion, int) and 0 <= occasion < 2**32):
            raise ValueError(f"occasion is {occasion!r}: it is None, or a whole number of at least 0, below 2^32")


def check_heavy(heavy: Any, memory: Mapping[str, Any]) -> None:
    """Hold what `Learner` calls ``heavy_memory`` to names of its memory.

    Raises:
        ValueError: naming what is none.
    """
    if isinstance(heavy, str):
        raise ValueError(f"heavy_memory is the text {heavy!r}: write a set of names, {{{heavy!r}}}")
    if unknown := sorted(set(heavy) - set(memory)):
        raise ValueError(f"heavy_memory names {', '.join(unknown)}: its memory has {', '.join(memory) or 'nothing'}")


class GroupWeights(NamedTuple):
    """Every step of an episode weighs what the episode returned beside the others of its group."""

    size: int
    """Episodes of a group, G, which began in the same state."""
    leave_one_out: bool
    """Whether an episode is left out of the mean that it is compared with."""
    deviation: bool = False
    """Whether the difference is divided by the group's standard deviation."""
    length: bool = False
    """Whether the weight is divided by the episode's length."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What an algorithm's gradient estimates, as it declares it."""

    state_weighting: Literal["discounted", "undiscounted"] = "undiscounted"
    """Whether the state at time t counts γ^t (the gradient of the discounted return) or 1 (the usual choice)."""
    bootstrap: float | None
    """λ of the bootstrapped advantage; None for complete returns, which have no critic error."""
    normalised: bool = False
    """Whether weights are standardised over a batch, which scales the gradient by a random factor."""
    entropy_weight: float = 0.0
    """Weight of the entropy bonus added to the objective."""
    group: GroupWeights | None = None
    """How whole episodes are weighed within a group; None where every step has a weight of its own."""

    @property
    def scale(self) -> float:
        """What the gradient is multiplied by on average: 1 - 1/G where a group's mean includes the episode itself."""
        own = self.group is not None and not self.group.leave_one_out
        return 1 - 1 / self.group.size if self.group and own else 1.0


class Passed(NamedTuple):
    """What a policy's network made of a window's observations while it acted; of windows of at most one block."""

    behaviour: Behaviour
    """Whose network."""
    observation: Tensor
    """The rollout's, which it saw all but the last of."""
    version: int
    """Of that tensor, which counts how often it was written to."""
    outputs: Tensor
    """``(S, N T, D)``"""
    hidden: Tensor
    """``(S, N T ΣH)`` values of the hidden layers, as `networks.forward` writes them."""


class Rollout(NamedTuple):
    """Experience of every seed. Entries where ``valid`` is false are resets or padding."""

    observation: Tensor
    """``(S, N, T + 1, O)``; entry t + 1 follows step t, so an episode's final observation is there."""
    action: Tensor
    """``(S, N, T)`` or ``(S, N, T, A)`` as sampled."""
    log_prob: Tensor
    """``(S, N, T)`` of the action when it was sampled; NaN from an actor that has no density."""
    reward: Tensor
    """``(S, N, T)``"""
    terminated: Tensor
    """``(S, N, T)``"""
    truncated: Tensor
    """``(S, N, T)``"""
    valid: Tensor
    """``(S, N, T)`` false for a reset step, and after the end of an episode in a round."""
    time: Tensor
    """``(S, N, T)`` steps since the episode's start."""
    progress: Tensor
    """``(S,)`` share of the budget used when the rollout began."""
    complete: bool
    """Whether this is a round of complete episodes (T is then the longest among all seeds) or a window."""
    behaviour: Any = None
    """What `Learner.behaviour` gave for it: the policy that acted."""
    passed: Passed | None = None
    """What its network made of the observations, where that was kept: it serves this rollout and this policy alone."""

    @property
    def done(self) -> Tensor:
        """``(S, N, T)`` an episode's last step."""
        return self.terminated | self.truncated


class Experience(NamedTuple):
    """A rollout as the networks see it."""

    observation: Tensor
    """``(S, N, T + 1, O)`` normalised."""
    reward: Tensor
    """``(S, N, T)`` scaled."""
    value: Tensor
    """``(S, N, T + 1)`` the critic's values; 0 without a critic."""


class Gradient(NamedTuple):
    """Of a loss, before clipping and optimiser."""

    policy: Tensor
    """``(S, Pp)``"""
    critic: Tensor
    """``(S, Pc)``; zero where a critic is fitted apart."""


class State(NamedTuple):
    """All that training depends on. Every tensor leads with the seed axis."""

    model: Model
    policy: Tensor
    """``(S, Pp)`` parameters."""
    critic: Tensor
    """``(S, Pc)`` parameters; ``Pc = 0`` without a critic."""
    optimisers: dict[str, Adam]
    observation: Moments
    """Of raw observations."""
    reward: Moments
    """Of discounted reward traces, ``K = 1``."""
    trace: Tensor
    """``(S, N)`` discounted reward trace of every environment."""
    updates: Tensor
    """``(S,)`` updates done."""
    seeds: Tensor
    """``(S,)``"""
    memory: Mapping[str, Any] = {}
    """Whatever else an algorithm remembers, by name: tensors, or trees of them (dicts and named tuples, other states
    among them), all leading with the seed axis. Saved, masked and resumed like the rest; shapes never change."""


VITAL = ("loss", "gradient_norm", "value_loss", "cg_residual", "step_fraction")
"""Names of metrics that are finite in every update of a run that is well."""


class Learner(Protocol):
    """Enough to be run, reported and gated: a frozen configuration with an explicit state.

    Its fields are its hyperparameters. `State` is the usual state; any named tuple of tensors does that has its
    ``updates`` and ``seeds``. A class attribute ``heavy_memory`` names what of its memory is large: it is saved while
    a run goes on, from which it may have to be resumed, and not with the finished run.
    """

    @property
    def torch_dtype(self) -> torch.dtype:
        """Of parameters and noise."""

    def init(self, spaces: Spaces, seeds: Sequence[int]) -> Any:
        """Return the state before training."""

    def plan(self, state: Any) -> Plan | Sequence[Plan]:
        """Return what to collect next: one plan for all seeds, or one for each ``(S,)``.

        A plan that depends on the state is given seed by seed, so that no seed feels another. Extra rollouts are
        asked for here too, and count towards the budget.
        """

    def behaviour(self, state: Any) -> Any:
        """Return what acts in the next rollout, a tree that leads with the seed axis."""

    def evaluated(self, state: Any) -> Any:
        """Return what is evaluated and replayed, of the same form as `behaviour`: as a rule the same."""

    def actor(self, behaviour: Any) -> Actor:
        """Return the policy of a behaviour, frozen: the same in training, evaluation and replay."""

    def update(self, state: Any, rollout: Rollout) -> tuple[Any, Metrics]:
        """Return the state after learning from a rollout, and diagnostics; changes neither argument.

        A seed has diverged when a number that its learning goes through is no longer finite: its parameters, its
        optimisers' memories, or what it reports as one of `VITAL`. That such a number was not used, because a step was
        clipped to nothing or refused, makes no difference: an algorithm that stands still for it has not survived it.
        """


class GradientEstimator(Learner, Protocol):
    """A learner whose gradient can be audited."""

    @property
    def target(self) -> Target:
        """What `gradient` estimates."""

    def gradient(self, state: State, rollout: Rollout) -> tuple[Gradient, Metrics]:
        """Return the gradient of the loss before clipping and optimiser; minus its policy part is held to `target`."""
