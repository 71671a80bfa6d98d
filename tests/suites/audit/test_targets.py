"""Exact targets in parameter space: the Jacobian, the Fisher matrix and the reference estimator, by other means."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pgsuite.algorithms.interface import Target
from pgsuite.algorithms.networks import Network
from pgsuite.envs.exact.solving import objective
from pgsuite.suites.audit.cases import collect, random_of
from pgsuite.suites.audit.models import MODELS, exact_values, softmax
from pgsuite.suites.audit.subjects import Variant, adapted, start_state, subject, unnormalised, variants
from pgsuite.suites.audit.targets import (
    Question,
    TabularNetwork,
    exact_slopes,
    fisher_matrix,
    natural_gradient,
    reference_estimates,
)


def network_and_parameters(hidden=(4,), activation="tanh", constants=0, states=5, outputs=3):
    weighted = outputs - constants
    network = Network(inputs=states, hidden=hidden, outputs=weighted, constants=constants, activation=activation)
    return network, np.random.default_rng(0).standard_normal(network.size)


def torch_outputs(network, parameters):
    x, start = torch.eye(network.inputs, dtype=torch.float64), 0
    for n, (i, o, b) in enumerate(network.shapes):
        weight, bias = parameters[start : start + i * o].view(i, o), parameters[start + i * o : start + i * o + b]
        x, start = x @ torch.nn.functional.pad(weight, (0, b - o)) + bias, start + i * o + b
        x = getattr(torch, network.activation)(x) if n < len(network.shapes) - 1 else x
    return x


def torch_kl(old, new, *, gaussian):
    if gaussian:
        old, new = (torch.distributions.Normal(x[:, 0], x[:, 1].exp()) for x in (old, new))
    else:
        old, new = (torch.distributions.Categorical(logits=x) for x in (old, new))
    return torch.distributions.kl_divergence(old, new)


@pytest.mark.parametrize(("activation", "constants"), [("tanh", 0), ("relu", 0), ("tanh", 1)])
@pytest.mark.parametrize("hidden", [(), (4,), (3, 4)])
def test_tables_push_and_pull_as_autograd_does(hidden, activation, constants):
    network, parameters = network_and_parameters(hidden, activation, constants)
    table, leaf = TabularNetwork(network, parameters), torch.from_numpy(parameters).requires_grad_()
    outputs = torch_outputs(network, leaf)
    np.testing.assert_allclose(table.outputs, outputs.detach().numpy(), atol=1e-12)
    jacobian = torch.autograd.functional.jacobian(lambda p: torch_outputs(network, p), leaf).numpy()
    slopes, directions = np.random.default_rng(1).standard_normal((2, 5, 3)), np.eye(network.size)[:4]
    np.testing.assert_allclose(table.pull(slopes), np.einsum("ndp,snd->sp", jacobian, slopes), atol=1e-12)
    np.testing.assert_allclose(table.push(directions), np.einsum("ndp,sp->snd", jacobian, directions), atol=1e-12)


@pytest.mark.parametrize("name", ["chain", "quadratic"])
def test_fisher_matrix_is_the_hessian_of_the_kl(name):
    model = MODELS[name]
    algorithm = unnormalised(adapted("trpo", model))
    given = subject(
        Variant(name="", algorithm=algorithm, critic="exact"), start_state(algorithm, model), model, "random"
    )
    visits = exact_slopes(given.question).visits
    size = given.state.model.policy.size
    fisher = fisher_matrix(given.policy, model.process, visits, size)
    start = given.state.policy[0]

    def kl(p):
        old, new = (torch_table(given, x) for x in (start, p))
        return (torch.from_numpy(visits / visits.sum()) * torch_kl(old, new, gaussian=name == "quadratic")).sum()

    np.testing.assert_allclose(fisher, torch.autograd.functional.hessian(kl, start).numpy(), atol=1e-10)


def torch_table(given, parameters):
    network = given.state.model.policy
    weight = parameters[: network.inputs * network.outputs].view(network.inputs, network.outputs)
    bias = parameters[network.inputs * network.outputs :]
    constants = bias[network.outputs :].expand(network.inputs, -1)
    return torch.cat([weight + bias[: network.outputs], constants], 1)


def test_natural_gradient_solves_its_system_and_is_shortest():
    fisher = np.diag([2.0, 1.0, 0.0])
    np.testing.assert_allclose(natural_gradient(fisher, np.array([2.0, 3.0, 0.0])), [1.0, 3.0, 0.0])
    np.testing.assert_allclose(natural_gradient(fisher, np.array([2.0, 3.0, 1.0]), 1.0), [2 / 3, 1.5, 1.0])


@pytest.mark.parametrize("name", ["chain", "chain-hidden", "corridor"])
def test_gradient_of_the_objective_against_finite_differences_in_the_parameters(name):
    """The declared target of discounted REINFORCE is ∇J(θ), through the network."""
    model = MODELS[name]
    algorithm = adapted("reinforce", model)
    turned = [v for v in variants(algorithm, start_state(algorithm, model), "random") if v.name == "discounted"]
    given = subject(turned[0], start_state(algorithm, model), model, "random")
    network, parameters = given.state.model.policy, given.state.policy[0].numpy()
    gradient = given.policy.pull(exact_slopes(given.question).policy[None])[0]

    def at(shift):
        policy = softmax(TabularNetwork(network, parameters + shift).outputs)
        return objective(model.process, policy, model.discount, truncated=True)

    for place in range(0, network.size, 3):
        shift = np.zeros(network.size)
        shift[place] = 1e-5
        assert gradient[place] == pytest.approx((at(shift) - at(-shift)) / 2e-5, abs=1e-6)


@pytest.mark.parametrize("reference", ["reinforce", "reinforce-baseline", "actor-critic", "trpo"])
@pytest.mark.parametrize("name", ["chain", "corridor", "quadratic", "frozen-lake"])
def test_the_reference_estimates_what_the_algorithms_do(reference, name):
    """Two implementations, one number per batch and parameter, in every variant."""
    model = MODELS[name]
    algorithm = adapted(reference, model)
    state = start_state(algorithm, model)
    for variant in variants(algorithm, state, "random"):
        given = subject(variant, state, model, "random")
        rollout = collect(given, model, 5, random_of(0))
        gradient, _ = variant.algorithm.gradient(_five(given), rollout)
        ours = given.policy.pull(reference_estimates(given.question, rollout).declared)
        np.testing.assert_allclose(ours, -gradient.policy.numpy(), atol=1e-6 * np.abs(ours).max())


def _five(given):
    from pgsuite.suites.audit.subjects import many

    return many(given.state, 5)


def test_the_entropy_bonus_is_part_of_the_target():
    model = MODELS["chain"]
    outputs = np.random.default_rng(0).standard_normal((5, 2))
    asked = Question(model.process, outputs, exact_values(model, outputs), Target(bootstrap=1.0), 0.8, 16)
    bonus = asked._replace(target=replace(asked.target, entropy_weight=0.5))
    found = exact_slopes(bonus).policy - exact_slopes(asked).policy
    leaf = torch.from_numpy(outputs).requires_grad_()
    entropy = -(torch.log_softmax(leaf, 1) * torch.softmax(leaf, 1)).sum(1)
    (expected,) = torch.autograd.grad((0.5 * torch.from_numpy(exact_slopes(asked).visits) * entropy).sum(), leaf)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-12)
