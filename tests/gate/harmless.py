"""Changes that make no algorithm worse and are not bit-identical, one a class: what the gate must let pass."""

from dataclasses import dataclass

import torch

from pgsuite.algorithms import TRPO, ActorCritic, Reinforce, ReinforceBaseline

ROUNDING = 1 + 2**-20
"""A number that float32 tells from 1, as another order of the same operations would."""


class _Rounded:
    """A field is another by a rounding error."""

    field = ""

    def __post_init__(self):
        object.__setattr__(self, self.field, getattr(self, self.field) * ROUNDING)
        super().__post_init__()


class _Double:
    """float64 instead of float32."""

    def __post_init__(self):
        object.__setattr__(self, "dtype", "float64")
        super().__post_init__()


class _Elsewhere:
    """The initial parameters are those of other seeds."""

    def init(self, spaces, seeds):
        shifted = super().init(spaces, [seed + 100_003 for seed in seeds])
        return shifted._replace(seeds=torch.tensor(list(seeds)))


class _Backwards:
    """Samples are summed in the opposite order."""

    def samples(self, state, rollout):
        samples = super().samples(state, rollout)
        return type(samples)(*(part.flip(1) for part in samples))


@dataclass(frozen=True, kw_only=True)
class ReinforceRounded(_Rounded, Reinforce):
    """The learning rate differs by a rounding error."""

    field = "learning_rate"


@dataclass(frozen=True, kw_only=True)
class ReinforceDouble(_Double, Reinforce):
    """float64."""


@dataclass(frozen=True, kw_only=True)
class ReinforceElsewhere(_Elsewhere, Reinforce):
    """Another derivation of seeds."""


@dataclass(frozen=True, kw_only=True)
class BaselineRounded(_Rounded, ReinforceBaseline):
    """The critic's learning rate differs by a rounding error."""

    field = "critic_learning_rate"


@dataclass(frozen=True, kw_only=True)
class BaselineDouble(_Double, ReinforceBaseline):
    """float64."""


@dataclass(frozen=True, kw_only=True)
class BaselineElsewhere(_Elsewhere, ReinforceBaseline):
    """Another derivation of seeds."""


@dataclass(frozen=True, kw_only=True)
class CriticBackwards(_Backwards, ActorCritic):
    """Another order of summation."""


@dataclass(frozen=True, kw_only=True)
class CriticDouble(_Double, ActorCritic):
    """float64."""


@dataclass(frozen=True, kw_only=True)
class CriticElsewhere(_Elsewhere, ActorCritic):
    """Another derivation of seeds."""


@dataclass(frozen=True, kw_only=True)
class TRPOBackwards(_Backwards, TRPO):
    """Another order of summation."""


@dataclass(frozen=True, kw_only=True)
class TRPODouble(_Double, TRPO):
    """float64."""


@dataclass(frozen=True, kw_only=True)
class TRPOElsewhere(_Elsewhere, TRPO):
    """Another derivation of seeds."""
