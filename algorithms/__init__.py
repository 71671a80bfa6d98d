"""The policy-gradient algorithms, one file each, and the seed-batched pieces they are made of.

Everything that an algorithm of your own needs is imported from here. Names are imported when first used: torch is
loaded only by those who train.
"""

from typing import TYPE_CHECKING

from ..lazy import front_door

if TYPE_CHECKING:
    from .actor_critic import ActorCritic as ActorCritic
    from .adam import Adam as Adam
    from .adam import adam_step as adam_step
    from .adam import clip_gradient as clip_gradient
    from .adam import decayed as decayed
    from .adam import norm as norm
    from .axis import along as along
    from .axis import is_zero as is_zero
    from .axis import within as within
    from .blocks import Layout as Layout
    from .blocks import Samples as Samples
    from .blocks import explained_variance as explained_variance
    from .blocks import loss_gradient as loss_gradient
    from .blocks import standardised as standardised
    from .critic import Fit as Fit
    from .critic import fit_critic as fit_critic
    from .descent import descend as descend
    from .diagnostics import policy_change as policy_change
    from .distributions import Distribution as Distribution
    from .grouped import Grouped as Grouped
    from .groups import check_groups as check_groups
    from .groups import group_advantages as group_advantages
    from .grpo import GRPO as GRPO
    from .interface import Episodes as Episodes
    from .interface import Experience as Experience
    from .interface import Gradient as Gradient
    from .interface import GradientEstimator as GradientEstimator
    from .interface import GroupWeights as GroupWeights
    from .interface import Learner as Learner
    from .interface import Metrics as Metrics
    from .interface import Plan as Plan
    from .interface import Rollout as Rollout
    from .interface import State as State
    from .interface import Steps as Steps
    from .interface import Target as Target
    from .joint import Joined as Joined
    from .joint import joined as joined
    from .joint import passed_by as passed_by
    from .losses import OUTPUTS as OUTPUTS
    from .losses import clipped_surrogate as clipped_surrogate
    from .losses import compiled_loss as compiled_loss
    from .losses import likelihood_loss as likelihood_loss
    from .losses import squared_error as squared_error
    from .model import Action as Action
    from .model import Actor as Actor
    from .model import Behaviour as Behaviour
    from .model import Model as Model
    from .model import NetworkActor as NetworkActor
    from .model import Spaces as Spaces
    from .natural_gradient import NaturalGradient as NaturalGradient
    from .networks import Network as Network
    from .normalisers import Moments as Moments
    from .normalisers import Standardiser as Standardiser
    from .npg import NPG as NPG
    from .policy_gradient import PolicyGradient as PolicyGradient
    from .policy_gradient import methods as methods
    from .policy_gradient import unchanged as unchanged
    from .ppo import PPO as PPO
    from .profiled import Profiled as Profiled
    from .registry import Algorithm as Algorithm
    from .registry import algorithm_field as algorithm_field
    from .registry import is_algorithm as is_algorithm
    from .reinforce import Reinforce as Reinforce
    from .reinforce_baseline import ReinforceBaseline as ReinforceBaseline
    from .returns import discount_powers as discount_powers
    from .returns import discounted_returns as discounted_returns
    from .returns import generalised_advantage as generalised_advantage
    from .rloo import RLOO as RLOO
    from .search_space import choices as choices
    from .search_space import linear_range as linear_range
    from .search_space import log_range as log_range
    from .shuffling import Minibatch as Minibatch
    from .shuffling import minibatches as minibatches
    from .streams import Stream as Stream
    from .streams import generator as generator
    from .streams import seed_sequence as seed_sequence
    from .trees import concatenate as concatenate
    from .trees import named_tensors as named_tensors
    from .trees import put as put
    from .trees import select as select
    from .trees import take as take
    from .trees import tree_map as tree_map
    from .trpo import TRPO as TRPO
    from .trust_region import Search as Search
    from .trust_region import Solution as Solution
    from .trust_region import Surrogate as Surrogate
    from .trust_region import conjugate_gradient as conjugate_gradient
    from .trust_region import full_step as full_step
    from .trust_region import line_search as line_search
    from .validation import Count as Count
    from .validation import NonNegative as NonNegative
    from .validation import Positive as Positive
    from .validation import Share as Share
    from .validation import validate as validate

_HOMES = {
    "Action": "pgsuite.algorithms.model:Action",
    "Actor": "pgsuite.algorithms.model:Actor",
    "ActorCritic": "pgsuite.algorithms.actor_critic:ActorCritic",
    "Adam": "pgsuite.algorithms.adam:Adam",
    "Algorithm": "pgsuite.algorithms.registry:Algorithm",
    "Behaviour": "pgsuite.algorithms.model:Behaviour",
    "Count": "pgsuite.algorithms.validation:Count",
    "Distribution": "pgsuite.algorithms.distributions:Distribution",
    "Episodes": "pgsuite.algorithms.interface:Episodes",
    "Experience": "pgsuite.algorithms.interface:Experience",
    "Fit": "pgsuite.algorithms.critic:Fit",
    "GRPO": "pgsuite.algorithms.grpo:GRPO",
    "Gradient": "pgsuite.algorithms.interface:Gradient",
    "GradientEstimator": "pgsuite.algorithms.interface:GradientEstimator",
    "GroupWeights": "pgsuite.algorithms.interface:GroupWeights",
    "Grouped": "pgsuite.algorithms.grouped:Grouped",
    "Joined": "pgsuite.algorithms.joint:Joined",
    "Layout": "pgsuite.algorithms.blocks:Layout",
    "Learner": "pgsuite.algorithms.interface:Learner",
    "Metrics": "pgsuite.algorithms.interface:Metrics",
    "Minibatch": "pgsuite.algorithms.shuffling:Minibatch",
    "Model": "pgsuite.algorithms.model:Model",
    "Moments": "pgsuite.algorithms.normalisers:Moments",
    "NPG": "pgsuite.algorithms.npg:NPG",
    "NaturalGradient": "pgsuite.algorithms.natural_gradient:NaturalGradient",
    "Network": "pgsuite.algorithms.networks:Network",
    "NetworkActor": "pgsuite.algorithms.model:NetworkActor",
    "NonNegative": "pgsuite.algorithms.validation:NonNegative",
    "OUTPUTS": "pgsuite.algorithms.losses:OUTPUTS",
    "PPO": "pgsuite.algorithms.ppo:PPO",
    "Plan": "pgsuite.algorithms.interface:Plan",
    "PolicyGradient": "pgsuite.algorithms.policy_gradient:PolicyGradient",
    "Positive": "pgsuite.algorithms.validation:Positive",
    "Profiled": "pgsuite.algorithms.profiled:Profiled",
    "RLOO": "pgsuite.algorithms.rloo:RLOO",
    "Reinforce": "pgsuite.algorithms.reinforce:Reinforce",
    "ReinforceBaseline": "pgsuite.algorithms.reinforce_baseline:ReinforceBaseline",
    "Rollout": "pgsuite.algorithms.interface:Rollout",
    "Samples": "pgsuite.algorithms.blocks:Samples",
    "Search": "pgsuite.algorithms.trust_region:Search",
    "Share": "pgsuite.algorithms.validation:Share",
    "Solution": "pgsuite.algorithms.trust_region:Solution",
    "Spaces": "pgsuite.algorithms.model:Spaces",
    "Standardiser": "pgsuite.algorithms.normalisers:Standardiser",
    "State": "pgsuite.algorithms.interface:State",
    "Steps": "pgsuite.algorithms.interface:Steps",
    "Stream": "pgsuite.algorithms.streams:Stream",
    "Surrogate": "pgsuite.algorithms.trust_region:Surrogate",
    "TRPO": "pgsuite.algorithms.trpo:TRPO",
    "Target": "pgsuite.algorithms.interface:Target",
    "adam_step": "pgsuite.algorithms.adam:adam_step",
    "along": "pgsuite.algorithms.axis:along",
    "is_zero": "pgsuite.algorithms.axis:is_zero",
    "joined": "pgsuite.algorithms.joint:joined",
    "methods": "pgsuite.algorithms.policy_gradient:methods",
    "passed_by": "pgsuite.algorithms.joint:passed_by",
    "unchanged": "pgsuite.algorithms.policy_gradient:unchanged",
    "within": "pgsuite.algorithms.axis:within",
    "algorithm_field": "pgsuite.algorithms.registry:algorithm_field",
    "check_groups": "pgsuite.algorithms.groups:check_groups",
    "choices": "pgsuite.algorithms.search_space:choices",
    "clip_gradient": "pgsuite.algorithms.adam:clip_gradient",
    "compiled_loss": "pgsuite.algorithms.losses:compiled_loss",
    "clipped_surrogate": "pgsuite.algorithms.losses:clipped_surrogate",
    "concatenate": "pgsuite.algorithms.trees:concatenate",
    "conjugate_gradient": "pgsuite.algorithms.trust_region:conjugate_gradient",
    "decayed": "pgsuite.algorithms.adam:decayed",
    "descend": "pgsuite.algorithms.descent:descend",
    "discount_powers": "pgsuite.algorithms.returns:discount_powers",
    "discounted_returns": "pgsuite.algorithms.returns:discounted_returns",
    "explained_variance": "pgsuite.algorithms.blocks:explained_variance",
    "fit_critic": "pgsuite.algorithms.critic:fit_critic",
    "full_step": "pgsuite.algorithms.trust_region:full_step",
    "generalised_advantage": "pgsuite.algorithms.returns:generalised_advantage",
    "generator": "pgsuite.algorithms.streams:generator",
    "group_advantages": "pgsuite.algorithms.groups:group_advantages",
    "is_algorithm": "pgsuite.algorithms.registry:is_algorithm",
    "likelihood_loss": "pgsuite.algorithms.losses:likelihood_loss",
    "line_search": "pgsuite.algorithms.trust_region:line_search",
    "linear_range": "pgsuite.algorithms.search_space:linear_range",
    "log_range": "pgsuite.algorithms.search_space:log_range",
    "loss_gradient": "pgsuite.algorithms.blocks:loss_gradient",
    "minibatches": "pgsuite.algorithms.shuffling:minibatches",
    "named_tensors": "pgsuite.algorithms.trees:named_tensors",
    "norm": "pgsuite.algorithms.adam:norm",
    "policy_change": "pgsuite.algorithms.diagnostics:policy_change",
    "put": "pgsuite.algorithms.trees:put",
    "seed_sequence": "pgsuite.algorithms.streams:seed_sequence",
    "select": "pgsuite.algorithms.trees:select",
    "squared_error": "pgsuite.algorithms.losses:squared_error",
    "standardised": "pgsuite.algorithms.blocks:standardised",
    "take": "pgsuite.algorithms.trees:take",
    "tree_map": "pgsuite.algorithms.trees:tree_map",
    "validate": "pgsuite.algorithms.validation:validate",
}

__getattr__, __dir__ = front_door(__name__, _HOMES)
