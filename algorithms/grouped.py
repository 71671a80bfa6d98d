"""What RLOO and GRPO share: rounds in groups of episodes that begin alike, no critic, one Adam for the policy."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from torch import Tensor

from .adam import Adam
from .blocks import Samples
from .groups import check_groups
from .interface import Episodes, Rollout, State
from .policy_gradient import PolicyGradient
from .search_space import choices, log_range
from .validation import Count, Positive


@dataclass(frozen=True, kw_only=True)
class Grouped(PolicyGradient):
    """Episodes are weighed beside those that began where they began, as the target says."""

    has_critic: ClassVar[bool] = False

    group_size: Annotated[Count, choices(2, 4)] = 4
    """G, episodes from one start state; `num_envs` is a multiple of it."""
    learning_rate: Annotated[Positive, log_range(5e-4, 3e-2)] = 1e-2
    """Adam's step size."""
    learning_rate_decay: Annotated[Literal["none", "linear"], choices("none", "linear")] = "none"
    """Whether the step size falls to zero over the budget."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_groups(type(self).__name__, self.num_envs, self.group_size)

    def optimisers(self, policy: Tensor, critic: Tensor) -> dict[str, Adam]:
        return {"policy": Adam.like(policy)}

    def plan(self, state: State) -> Episodes:
        return Episodes(self.num_envs, group=self.group_size)

    def samples(self, state: State, rollout: Rollout) -> Samples:
        return self.compared(state, rollout)
