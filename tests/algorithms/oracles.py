"""The arithmetic written plainly: one seed at a time, with loops, torch.distributions and autograd."""

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Bernoulli as Coins
from torch.distributions import Categorical as Choice
from torch.distributions import Distribution as TorchDistribution
from torch.distributions import Independent, Normal, kl_divergence
from torch.nn.functional import linear

from pgsuite.algorithms import Gradient, Rollout, State
from pgsuite.algorithms.distributions import Bernoulli, Categorical, DiagonalGaussian, Distribution
from pgsuite.algorithms.model import Model
from pgsuite.algorithms.networks import Network


def joined(parts: State | Gradient) -> torch.Tensor:
    """Policy and critic of a state or a gradient as one ``(S, P)``."""
    return torch.cat([parts.policy, parts.critic], 1)


def outputs(network: Network, parameters: Tensor, inputs: Tensor) -> Tensor:
    """A perceptron's outputs ``(B, D)`` for one seed's parameters ``(P,)``: per layer the weights, then the biases."""
    activate = {"tanh": torch.tanh, "relu": torch.relu}[network.activation]
    widths = [network.inputs, *network.hidden, network.outputs]
    place, x = 0, inputs
    for n, (i, o) in enumerate(pairwise(widths)):
        weight = parameters[place : place + i * o].view(i, o)
        bias = parameters[place + i * o : place + i * o + o]
        place += i * o + o
        x = linear(activate(x) if n else x, weight.T, bias)
    constants = parameters[place:]
    assert constants.shape == (network.constants,)
    return torch.cat([x, constants.expand(len(x), -1)], 1)


def all_outputs(network: Network, parameters: Tensor, inputs: Tensor) -> Tensor:
    """The same for every seed: ``(S, P)`` and ``(S, B, I)`` to ``(S, B, D)``."""
    return torch.stack([outputs(network, p, x) for p, x in zip(parameters, inputs, strict=True)])


def components(distribution: Distribution, parameters: Tensor) -> list[TorchDistribution]:
    """The independent parts of an action, as torch knows them."""
    match distribution:
        case Categorical():
            return [Choice(logits=logits) for logits in parameters.split(distribution.sizes, -1)]
        case Bernoulli():
            return [Independent(Coins(logits=parameters), 1)]
        case DiagonalGaussian():
            mean, log_std = parameters[..., : distribution.size], parameters[..., distribution.size :]
            return [Independent(Normal(mean, log_std.exp()), 1)]
    raise NotImplementedError(distribution)


def log_prob(distribution: Distribution, parameters: Tensor, action: Tensor) -> Tensor:
    parts = components(distribution, parameters)
    if isinstance(distribution, Categorical):
        actions = [action] if distribution.scalar else list(action.unbind(-1))
    else:
        actions = [action.to(parameters.dtype)]
    return sum(part.log_prob(a) for part, a in zip(parts, actions, strict=True))


def entropy(distribution: Distribution, parameters: Tensor) -> Tensor:
    return sum(part.entropy() for part in components(distribution, parameters))


def kl(distribution: Distribution, old: Tensor, new: Tensor) -> Tensor:
    pairs = zip(components(distribution, old), components(distribution, new), strict=True)
    return sum(kl_divergence(a, b) for a, b in pairs)


def gradient(function, parameters: Tensor) -> Tensor:
    """The gradient ``(P,)`` of a scalar function of one seed's parameters."""
    leaf = parameters.clone().requires_grad_()
    return torch.autograd.grad(function(leaf), leaf, materialize_grads=True)[0]


def likelihood_loss(model: Model, parameters: Tensor, rollout: Rollout, seed: int, weight: Tensor) -> Tensor:
    """``-Σ weight · log π(a|s)`` over one seed's valid steps, environment by environment; weights ``(N, T)``."""
    total = torch.zeros((), dtype=parameters.dtype)
    for n, valid in enumerate(rollout.valid[seed]):
        observation = rollout.observation[seed, n, :-1][valid].to(parameters.dtype)
        scores = log_prob(
            model.distribution, outputs(model.policy, parameters, observation), rollout.action[seed, n][valid]
        )
        total = total - (weight[n][valid] * scores).sum()
    return total


def values(model: Model, critic: Tensor, rollout: Rollout, seed: int) -> Tensor:
    """The critic's values ``(N, T + 1)`` of one seed's observations."""
    observation = rollout.observation[seed].to(critic.dtype)
    return torch.stack([outputs(model.critic, critic, x).squeeze(1) for x in observation])


def returns(rollout: Rollout, seed: int, discount: float) -> Tensor:
    """Return to go ``(N, T)`` of complete episodes, each summed from its own step on."""
    result = torch.zeros(rollout.reward.shape[1:], dtype=torch.float64)
    for n, valid in enumerate(rollout.valid[seed]):
        reward = rollout.reward[seed, n][valid].tolist()
        for t in range(len(reward)):
            result[n, t] = sum(discount**k * r for k, r in enumerate(reward[t:]))
    return result


def advantages(rollout: Rollout, seed: int, value: Tensor, discount: float, trace: float) -> Tensor:
    """GAE ``(N, T)``, each a sum of temporal differences up to the episode's or the window's end; 0 at resets."""
    reward, terminated, truncated = (x[seed].tolist() for x in (rollout.reward, rollout.terminated, rollout.truncated))
    values, result = value.tolist(), np.zeros(rollout.reward.shape[1:])
    for n, t in np.argwhere(rollout.valid[seed].numpy()):
        for k in range(t, rollout.reward.shape[2]):
            following = 0.0 if terminated[n][k] else values[n][k + 1]
            difference = reward[n][k] + discount * following - values[n][k]
            result[n, t] += (discount * trace) ** (k - t) * difference
            if terminated[n][k] or truncated[n][k]:
                break
    return torch.from_numpy(result)


def standardised(x: Tensor, valid: Tensor) -> Tensor:
    return (x - x[valid].mean()) / x[valid].std(correction=0)
