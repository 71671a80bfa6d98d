"""A policy of Stable-Baselines3 as a module of torch, of the form that `suites.replay.modules` gives ours."""

from collections import OrderedDict
from copy import deepcopy
from typing import Any

import gymnasium
import torch
from stable_baselines3.common.distributions import DiagGaussianDistribution
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.dqn.policies import DQNPolicy
from torch import nn
from torch.fx import symbolic_trace

from ...algorithms.model import Model, Spaces
from ...errors import UsageError
from ..replay.modules import Standardise, mode_of
from .acting import PolicyActor


def policy_module(actor: PolicyActor, action_space: gymnasium.Space[Any]) -> nn.Sequential:
    """Return the mode of a policy as a module, from observations ``(..., O)`` to actions ``(..., *shape)``.

    Raises:
        UsageError: it is of a kind whose layers are not known here.
    """
    action = mode_of(_model(actor, action_space), action_space, torch.float32)
    if actor.env.rescaled is None and isinstance(action_space, gymnasium.spaces.Box):
        action.get_buffer("bounded").zero_()  # means are in the environment's units, and clipped there
    steps = {
        "observation": _observation(actor),
        "network": nn.Sequential(*map(deepcopy, _layers(actor))),
        "action": symbolic_trace(action),
    }
    return nn.Sequential(OrderedDict(steps))


def _model(actor: PolicyActor, action_space: gymnasium.Space[Any]) -> Model:
    """What of a model of ours says how actions are made of the outputs of a network."""
    spaces = Spaces(actor.env.observation_space, action_space)  # type: ignore[arg-type]  # it is a flat Box
    return Model.build(spaces, hidden=(1,), activation="tanh", critic=False, action_bound="clip")


def _observation(actor: PolicyActor) -> nn.Module:
    normaliser = actor.normaliser
    if normaliser is None or not normaliser.norm_obs:
        return nn.Identity()
    mean, variance = (torch.as_tensor(getattr(normaliser.obs_rms, name)) for name in ("mean", "var"))
    scale = (variance + normaliser.epsilon).rsqrt()
    return symbolic_trace(Standardise(mean.float(), scale.float()))


def _layers(actor: PolicyActor) -> list[nn.Module]:
    """The layers from observations to the parameters of the distribution, or to the values of actions."""
    policy = actor.policy
    if isinstance(policy, DQNPolicy):
        return list(policy.q_net.q_net)
    if isinstance(policy, ActorCriticPolicy):
        return [*policy.mlp_extractor.policy_net, _head(policy)]
    raise UsageError(f"a {type(policy).__name__} has no form as a torch module: call the policy's predict")


def _head(policy: ActorCriticPolicy) -> nn.Module:
    """The last layer; where log standard deviations depend on nothing they follow the means, with weights of 0."""
    means = policy.action_net
    if not isinstance(policy.action_dist, DiagGaussianDistribution):
        return means
    assert isinstance(means, nn.Linear)
    head = nn.Linear(means.in_features, 2 * means.out_features)
    with torch.no_grad():
        head.weight.zero_()[: means.out_features] = means.weight
        head.bias.copy_(torch.cat([means.bias, policy.log_std]))
    return head
