"""Reward profiling: fresh episodes decide whether what an algorithm learned is kept.

Around a base algorithm, whatever it is, that turns θ into θ' by its own updates over ``every`` steps:

    1. E fresh episodes are played with each candidate: θ itself, estimated anew in every round, and, by variant,
           lookback  θ'          mix-up  λ θ' + (1 − λ) θ          three-points  both
    2. the other candidate with the highest mean return becomes the incumbent if it passes for better than θ:
           d ≥ 0 (mean)          d + z s ≥ 0 (non-inferior)          d − z s > 0 (superior)
       where d is its mean return less θ's, and s the standard error of that; where all played alike, nothing speaks
       against what was learned;
    3. otherwise θ comes back, and with it critic, optimisers and normalisers; random streams never go back.

Every episode counts towards the budget, and the incumbent is what is evaluated; until a round has decided, that is the
base's own policy. With paired episodes candidates begin in the same states and draw the same noise, and s is that of
the paired differences. The lemma: E ≥ B²/(2ε²) ln(2T/δ) episodes of returns within a range B keep all of T
incumbents from losing more than 2ε, with probability 1 − δ.

``accept = "random"`` is a placebo: it plays the same episodes and decides by a coin.

Source: "Reward profiling for policy gradients" (2025), arXiv 2511.16629. There the rule is `mean`, the policies'
mode is played, in the training environment and uncounted, and a rejection leaves optimisers and critic where they
were, which is `rollback = "policy"`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

import torch
from torch import Tensor

from ..errors import UsageError
from .axis import along
from .interface import Episodes, Metrics, Plan, Rollout
from .model import Actor, Spaces
from .registry import Algorithm, algorithm_field, is_algorithm
from .returns import discounted_returns
from .search_space import choices
from .streams import generator
from .trees import select
from .validation import Count, NonNegative, Share, validate

STREAM = "profiling"
"""Of the episodes, and the name of what is remembered."""


class Profile(NamedTuple):
    """What is remembered beside the base's own state, which is that of θ'."""

    incumbent: Any
    """The base's state of θ."""
    trained: Tensor
    """``(S,)`` training steps since the last round."""
    turn: Tensor
    """``(S,)`` which candidate plays next, from 1; 0 while the base trains."""
    returns: Tensor
    """``(S, C, E)`` of this round's candidates, the incumbent last."""
    rounds: Tensor
    """``(S,)`` rounds decided."""
    age: Tensor
    """``(S,)`` steps of all kinds since the incumbent was accepted."""


class Verdict(NamedTuple):
    """What a round's returns say."""

    best: Tensor
    """``(S,)`` the candidate with the highest mean, the incumbent apart."""
    difference: Tensor
    """``(S,)`` of its mean return from the incumbent's."""
    error: Tensor
    """``(S,)`` the difference's standard error; NaN of one episode."""


@dataclass(frozen=True, kw_only=True)
class Profiled:
    """Another algorithm, whose updates are kept where fresh episodes say so."""

    base: Algorithm = algorithm_field("reinforce")  # noqa: RUF009  # a field, as `field` gives one
    """What learns: a table with the class and the hyperparameters of an algorithm."""
    variant: Literal["lookback", "mix-up", "three-points"] = "lookback"
    """Candidates beside the incumbent: what was learned, its mixture with the incumbent, or both."""
    every: Annotated[Count, choices(1000, 2000, 4000)] = 2000
    """Training steps between two rounds; beyond the budget, it is the base."""
    episodes: Annotated[Count, choices(3, 5, 10)] = 5
    """E, episodes of every candidate."""
    mix: Share = 0.5
    """λ, weight of what was learned in the mixture of policy parameters."""
    accept: Literal["mean", "non-inferior", "superior", "random"] = "mean"
    """What the best candidate has to be beside the incumbent; random does not look."""
    z: NonNegative = 1.0
    """Standard errors of the difference that non-inferior forgives and superior demands."""
    rate: Share = 0.5
    """Probability of acceptance where it is random."""
    rollback: Literal["all", "policy"] = "all"
    """What a rejection restores: all that was learned, or the policy's parameters alone."""
    paired: bool = True
    """Whether a round's candidates share initial states and noise."""
    deterministic: bool = False
    """Whether the policies' mode is played."""

    def __post_init__(self) -> None:
        validate(self)
        if not is_algorithm(self.base):
            raise UsageError(
                f"Profiled.base = {self.base!r}: it is an algorithm without a training loop of its own, such as "
                'Stable-Baselines3 has; in a suite file a table such as { class = "reinforce", learning_rate = 0.002 }'
            )
        if hasattr(self.base, "trainer"):
            raise UsageError(f"{type(self.base).__name__} cannot be profiled: it is trained by a loop of its own")
        if self.accept in ("non-inferior", "superior") and self.episodes < 2:
            raise UsageError(f"Profiled.episodes = 1: accept = {self.accept!r} takes 2 for a standard error")

    @property
    def torch_dtype(self) -> torch.dtype:
        """The base's."""
        dtype: torch.dtype = self.base.torch_dtype
        return dtype

    @property
    def heavy_memory(self) -> frozenset[str]:
        """The base's, and what a run that is over has no use for."""
        return frozenset({*getattr(self.base, "heavy_memory", ()), STREAM})

    @property
    def candidates(self) -> int:
        """C, how many play in a round, the incumbent among them."""
        return 3 if self.variant == "three-points" else 2

    def init(self, spaces: Spaces, seeds: Sequence[int]) -> Any:
        """Return the base's state, which remembers a profile.

        Raises:
            UsageError: the base's state lacks what is to be kept in it, or mixed.
        """
        learner = self.base.init(spaces, seeds)
        by_policy = self.variant != "lookback" or self.rollback == "policy"
        needed = ("memory", "policy") if by_policy else ("memory",)
        if lacking := [name for name in needed if not hasattr(learner, name)]:
            raise UsageError(f"{type(self.base).__name__} cannot be profiled: its state has no {lacking[0]}")
        if STREAM in learner.memory:
            raise UsageError(f"{type(self.base).__name__} cannot be profiled: it is profiled already")
        zero = torch.zeros(len(seeds), dtype=torch.int64)
        returns = torch.zeros(len(seeds), self.candidates, self.episodes, dtype=torch.float64)
        return _remembering(learner, Profile(learner, zero, zero, returns, zero, zero))

    def plan(self, state: Any) -> Plan | Sequence[Plan]:
        """Return what the base asks for, or, where its turn has come, a candidate's episodes."""
        profile, planned = _profile(state), self.base.plan(_learner(state))
        if not bool(profile.turn.any()):
            return planned  # type: ignore[no-any-return]
        own = [planned] * len(profile.turn) if isinstance(planned, Plan) else planned
        return [
            self._episodes(int(round_)) if turn else plan
            for turn, round_, plan in zip(profile.turn, profile.rounds, own, strict=True)
        ]

    def _episodes(self, round_: int) -> Episodes:
        occasion = round_ if self.paired else None
        return Episodes(self.episodes, stream=STREAM, occasion=occasion, deterministic=self.deterministic)

    def behaviour(self, state: Any) -> Any:
        """Return what acts: the base, or the candidate whose turn it is."""
        turn, acting = _profile(state).turn, self.base.behaviour(_learner(state))
        for number, candidate in enumerate(self._candidates(state), start=1):
            acting = select(turn == number, self.base.evaluated(candidate), acting)
        return acting

    def evaluated(self, state: Any) -> Any:
        """Return the incumbent, once there has been a round."""
        profile = _profile(state)
        learner, incumbent = self.base.evaluated(_learner(state)), self.base.evaluated(profile.incumbent)
        return select(profile.rounds > 0, incumbent, learner)

    def actor(self, behaviour: Any) -> Actor:
        """Return the base's."""
        actor: Actor = self.base.actor(behaviour)
        return actor

    def update(self, state: Any, rollout: Rollout) -> tuple[Any, Metrics]:
        """Let the base learn, or take note of a candidate's episodes and decide after the last one's."""
        if bool(_profile(state).turn.any()):  # all or none: they planned other streams
            return self._profiled(state, rollout)
        learned, metrics = self.base.update(_learner(state), rollout)
        profile, steps = _profile(state), rollout.valid.flatten(1).sum(1)
        trained = profile.trained + steps
        turn = torch.where(trained >= self.every, 1, 0)
        return _remembering(learned, profile._replace(trained=trained, turn=turn, age=profile.age + steps)), metrics

    def _profiled(self, state: Any, rollout: Rollout) -> tuple[Any, Metrics]:
        learner, profile, steps = _learner(state), _profile(state), rollout.valid.flatten(1).sum(1)
        mine = torch.arange(1, self.candidates + 1) == profile.turn.unsqueeze(1)
        returns = torch.where(mine.unsqueeze(2), self.returns(rollout).unsqueeze(1), profile.returns)
        decided, verdict = profile.turn == self.candidates, compare(returns, paired=self.paired)
        accepted = self._accepts(verdict, state.seeds, profile.rounds)

        *others, _ = self._candidates(state)
        winner = self._rolled_back(learner, profile.incumbent)
        for number, candidate in enumerate(others):
            winner = select(accepted & (verdict.best == number), candidate, winner)
        age = profile.age + steps
        profile = Profile(
            incumbent=select(decided, winner, profile.incumbent),
            trained=torch.where(decided, 0, profile.trained),
            turn=torch.where(decided, 0, profile.turn + 1),
            returns=returns,
            rounds=profile.rounds + decided.long(),
            age=torch.where(decided & accepted, 0, age),
        )
        told = {"accepted": accepted.double(), "difference": verdict.difference, "difference_error": verdict.error}
        return _remembering(select(decided, winner, learner), profile), {
            **{name: torch.where(decided, value, torch.nan) for name, value in told.items()},
            "profiling_steps": steps.double(),
            "incumbent_age": profile.age.double(),
        }

    def returns(self, rollout: Rollout) -> Tensor:
        """Return what the candidate that played is held to be worth, ``(S, E)``: the undiscounted returns."""
        return discounted_returns(rollout.reward, rollout.done, 1.0)[..., 0]

    def _candidates(self, state: Any) -> list[Any]:
        """The base's states of the candidates in the order in which they play.

        What was learned is first, so that numbers that are not finite act at once; the incumbent is last.
        """
        learner, incumbent = _learner(state), _profile(state).incumbent
        found = [] if self.variant == "mix-up" else [learner]
        if self.variant != "lookback":
            own, rest = along(self.mix, learner.policy), along(1 - self.mix, learner.policy)
            found.append(learner._replace(policy=own * learner.policy + rest * incumbent.policy))
        return [*found, incumbent]

    def _accepts(self, verdict: Verdict, seeds: Tensor, rounds: Tensor) -> Tensor:
        match self.accept:
            case "mean":
                return verdict.difference >= 0
            case "non-inferior":
                return verdict.difference + self.z * verdict.error >= 0
            case "superior":
                return verdict.difference - self.z * verdict.error > 0
        keys = zip(seeds.tolist(), rounds.tolist(), strict=True)
        draws = [generator(seed, f"{STREAM}, acceptance", number).random() for seed, number in keys]
        return torch.tensor(draws, dtype=torch.float64) < self.rate

    def _rolled_back(self, learner: Any, incumbent: Any) -> Any:
        """The state after a rejection; what counts, and what follows the training environments, never goes back."""
        if self.rollback == "policy":
            return learner._replace(policy=incumbent.policy)
        going_on = {name: getattr(learner, name) for name in ("updates", "trace") if hasattr(learner, name)}
        return incumbent._replace(**going_on)


def compare(returns: Tensor, *, paired: bool) -> Verdict:
    """Compare the candidates of a round with the incumbent.

    Args:
        returns: ``(S, C, E)``, the incumbent's last.
        paired: whether episodes of one place belong together, so that the error is that of their differences.
    """
    count = returns.shape[2]
    others, incumbent = returns[:, :-1], returns[:, -1]
    best = _mean(others).argmax(1)
    chosen = others[torch.arange(len(returns)), best]
    difference = chosen - incumbent
    variance = _variance(difference) if paired else _variance(chosen) + _variance(incumbent)
    return Verdict(best, _mean(difference), (variance / count).sqrt())


def _mean(values: Tensor) -> Tensor:
    """Over the last axis, number by number, so that a row's bits do not depend on the others."""
    return values.cumsum(-1)[..., -1] / values.shape[-1]


def _variance(values: Tensor) -> Tensor:
    """Of the last axis, with its degree of freedom taken off: NaN of one number."""
    count, squares = values.shape[-1], (values - _mean(values).unsqueeze(-1)) ** 2
    return _mean(squares) * count / (count - 1) if count > 1 else torch.full(values.shape[:-1], torch.nan)


def _profile(state: Any) -> Profile:
    profile: Profile = state.memory[STREAM]
    return profile


def _learner(state: Any) -> Any:
    """The base's own state."""
    return state._replace(memory={name: value for name, value in state.memory.items() if name != STREAM})


def _remembering(learner: Any, profile: Profile) -> Any:
    return learner._replace(memory={**learner.memory, STREAM: profile})
