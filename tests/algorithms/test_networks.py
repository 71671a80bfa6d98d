"""Seed-batched perceptrons against plain ones, and the claim that a seed's bits do not depend on its neighbours."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pgsuite.algorithms.networks import Array, Network, orthogonal

from .oracles import all_outputs, gradient, outputs

NETWORKS = [
    Network(inputs=3, hidden=(), outputs=2),
    Network(inputs=1, hidden=(), outputs=1, constants=1),
    Network(inputs=1, hidden=(1,), outputs=1),
    Network(inputs=5, hidden=(17,), outputs=3, constants=2, activation="relu"),
    Network(inputs=17, hidden=(3, 5), outputs=1, constants=3),
    Network(inputs=8, hidden=(4, 16), outputs=4, activation="relu"),
]
each_network = pytest.mark.parametrize("network", NETWORKS, ids=str)
each_size = pytest.mark.parametrize("rows", [1, 4, 6, 13])


class Case:
    """Three seeds' random parameters, inputs and slopes of the outputs, in float64, and a network's forward pass."""

    def __init__(self, network: Network, rows: int) -> None:
        draw = partial(torch.randn, generator=torch.Generator().manual_seed(rows), dtype=torch.float64)
        self.parameters, self.direction = draw(3, network.size), draw(3, network.size)
        self.inputs = draw(3, rows, network.inputs)
        self.slope = draw(3, rows, network.outputs + network.constants)
        self.layers = network.layers(self.parameters.numpy())
        self.activations = network.forward(self.layers, self.inputs.numpy())


def close(ours: Array, expected: torch.Tensor, **tolerance: float) -> None:
    torch.testing.assert_close(torch.from_numpy(ours), expected, **tolerance)


@each_network
@each_size
def test_forward_is_the_plain_perceptron(network: Network, rows: int) -> None:
    case = Case(network, rows)
    close(case.activations[-1], all_outputs(network, case.parameters, case.inputs))


@each_network
@each_size
def test_cotangent_is_autograds_gradient(network: Network, rows: int) -> None:
    case = Case(network, rows)
    expected = [
        gradient(lambda q, x=x, g=g: (g * outputs(network, q, x)).sum(), p)
        for p, x, g in zip(case.parameters, case.inputs, case.slope, strict=True)
    ]
    close(network.cotangent(case.layers, case.activations, case.slope.numpy()), torch.stack(expected))


@each_network
@each_size
def test_tangent_is_the_directional_derivative(network: Network, rows: int) -> None:
    case, epsilon = Case(network, rows), 1e-6
    ahead, behind = (
        all_outputs(network, moved, case.inputs)
        for moved in (case.parameters + epsilon * case.direction, case.parameters - epsilon * case.direction)
    )
    tangent = network.tangent(case.layers, case.activations, network.layers(case.direction.numpy()))
    close(tangent, (ahead - behind) / (2 * epsilon), rtol=1e-6, atol=1e-7)


@each_network
def test_passes_leave_their_arguments_alone(network: Network) -> None:
    case, fresh = Case(network, 6), Case(network, 6)
    network.tangent(case.layers, case.activations, network.layers(case.direction.numpy()))
    network.cotangent(case.layers, case.activations, case.slope.numpy())
    for name in ("parameters", "direction", "inputs", "slope"):
        assert torch.equal(getattr(case, name), getattr(fresh, name))
    assert all((a == b).all() for a, b in zip(case.activations, fresh.activations, strict=True))


def test_constants_do_not_depend_on_the_input() -> None:
    case = Case(NETWORKS[3], 6)
    assert (case.activations[-1][..., -2:] == case.parameters[:, None, -2:].numpy()).all()


def test_size_counts_weights_and_biases() -> None:
    assert Network(inputs=4, hidden=(64, 64), outputs=2).size == 4 * 64 + 64 + 64 * 64 + 64 + 64 * 2 + 2
    assert Network(inputs=4, hidden=(), outputs=2, constants=2).size == 4 * 2 + 2 + 2


@pytest.mark.parametrize(("activation", "hidden_gain"), [("tanh", 5 / 3), ("relu", 2**0.5)])
def test_init_is_orthogonal_with_its_gains(activation: str, hidden_gain: float) -> None:
    network = Network(inputs=5, hidden=(3, 7), outputs=2, constants=2, activation=activation)
    parameters = network.init(np.random.default_rng(0), output_gain=0.01, constant=-0.5)
    first, bias, second, more_bias, last, last_bias, constants = np.split(parameters, np.cumsum([15, 3, 21, 7, 14, 2]))

    tall, wide, output = first.reshape(5, 3), second.reshape(3, 7), last.reshape(7, 2)
    np.testing.assert_allclose(tall.T @ tall, hidden_gain**2 * np.eye(3), atol=1e-12)
    np.testing.assert_allclose(wide @ wide.T, hidden_gain**2 * np.eye(3), atol=1e-12)
    np.testing.assert_allclose(output.T @ output, 0.01**2 * np.eye(2), atol=1e-12)
    assert not np.concatenate([bias, more_bias, last_bias]).any()
    assert constants.tolist() == [-0.5, -0.5]
    assert parameters.dtype == np.float64


def test_orthogonal_matrices_are_drawn_uniformly() -> None:
    """LAPACK's Q alone is not: its sign is fixed, so a 1 × 1 one is always the same. Uniform ones average to zero."""
    random = np.random.default_rng(0)
    assert {orthogonal(random, 1, 1).item() for _ in range(20)} == {-1.0, 1.0}
    mean = np.mean([orthogonal(random, 4, 3) for _ in range(4000)], axis=0)
    # An entry has variance 1/4; five standard errors.
    assert np.abs(mean).max() < 5 * 0.5 / 4000**0.5


widths = st.one_of(st.integers(1, 70), st.sampled_from([1, 2, 4, 8, 16, 64]))
networks = st.builds(
    Network,
    inputs=widths,
    hidden=st.lists(widths, max_size=2).map(tuple),
    outputs=st.integers(1, 6),
    constants=st.integers(0, 3),
    activation=st.sampled_from(["tanh", "relu"]),
)


@st.composite
def companies(draw: st.DrawFn) -> tuple[int, list[int]]:
    """A number of seeds, and some of them in any order."""
    seeds = draw(st.integers(1, 9))
    order = draw(st.permutations(range(seeds)))
    return seeds, order[: draw(st.integers(1, seeds))]


@settings(max_examples=400)
@given(networks, companies(), st.integers(1, 300), st.integers(0, 15), st.integers(0, 2**32))
def test_slice_invariance(
    network: Network, company: tuple[int, list[int]], rows: int, offset: int, entropy: int
) -> None:
    """A seed's outputs, tangents and gradients have the same bits in any company and place in memory."""
    seeds, chosen = company
    random = np.random.default_rng(entropy)
    shapes = [(network.size,), (network.size,), (rows, network.inputs), (rows, network.outputs + network.constants)]
    numbers = [random.standard_normal((seeds, *shape), dtype=np.float32) for shape in shapes]

    def passes(parameters: Array, direction: Array, inputs: Array, slope: Array) -> list[Array]:
        layers = network.layers(parameters)
        activations = network.forward(layers, inputs)
        return [
            activations[-1],
            network.tangent(layers, activations, network.layers(direction)),
            network.cotangent(layers, activations, slope),
        ]

    def moved(x: Array) -> Array:
        place = np.empty(x.size + offset, np.float32)[offset:].reshape(x.shape)
        place[:] = x
        return place

    everyone, some = passes(*numbers), passes(*(moved(x[chosen]) for x in numbers))
    for of_all, of_some in zip(everyone, some, strict=True):
        np.testing.assert_array_equal(of_all[chosen], of_some)
