"""Seed-batched perceptrons against plain ones, and the claim that a seed's bits do not depend on its neighbours."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from pgsuite.algorithms.networks import BLOCK, Network, Pass, orthogonal, tanh32

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
        self.made = network.forward(self.parameters, self.inputs)


close = torch.testing.assert_close


def cotangent(network: Network, parameters: Tensor, made: Pass, slope: Tensor) -> Tensor:
    gradient = torch.zeros_like(parameters)
    network.add_cotangent(parameters, made, slope, gradient)
    return gradient


@each_network
@each_size
def test_forward_is_the_plain_perceptron(network: Network, rows: int) -> None:
    case = Case(network, rows)
    close(case.made.outputs, all_outputs(network, case.parameters, case.inputs))


@each_network
@each_size
def test_cotangent_is_autograds_gradient(network: Network, rows: int) -> None:
    case = Case(network, rows)
    expected = [
        gradient(lambda q, x=x, g=g: (g * outputs(network, q, x)).sum(), p)
        for p, x, g in zip(case.parameters, case.inputs, case.slope, strict=True)
    ]
    close(cotangent(network, case.parameters, case.made, case.slope), torch.stack(expected))


@each_network
@each_size
def test_tangent_is_the_directional_derivative(network: Network, rows: int) -> None:
    case, epsilon = Case(network, rows), 1e-6
    ahead, behind = (
        all_outputs(network, moved, case.inputs)
        for moved in (case.parameters + epsilon * case.direction, case.parameters - epsilon * case.direction)
    )
    tangent = network.tangent(case.parameters, case.made, case.direction)
    close(tangent, (ahead - behind) / (2 * epsilon), rtol=1e-6, atol=1e-7)


@each_network
def test_passes_leave_their_arguments_alone(network: Network) -> None:
    case, fresh = Case(network, 6), Case(network, 6)
    network.tangent(case.parameters, case.made, case.direction)
    cotangent(network, case.parameters, case.made, case.slope)
    for name in ("parameters", "direction", "inputs", "slope"):
        assert torch.equal(getattr(case, name), getattr(fresh, name))
    assert torch.equal(case.made.hidden, fresh.made.hidden)
    assert torch.equal(case.made.outputs, fresh.made.outputs)


def test_constants_do_not_depend_on_the_input() -> None:
    case = Case(NETWORKS[3], 6)
    assert (case.made.outputs[..., -2:] == case.parameters[:, None, -2:]).all()


def test_float32_tanh_is_within_3e_7_and_never_above_one() -> None:
    x = np.concatenate([np.linspace(-12, 12, 20_001), np.logspace(-30, 0, 200)]).astype(np.float32)
    ours = np.array([tanh32(each) for each in x])
    assert np.abs(ours - np.tanh(x.astype(np.float64))).max() < 3.5e-7
    assert np.abs(ours).max() <= 1
    assert np.isnan(tanh32(np.float32(np.nan)))


@each_network
def test_a_seed_ends_where_its_samples_do(network: Network) -> None:
    """A block holds what is left of a seed's samples, zeros for one that has none left; nothing behind is looked at."""
    draw = partial(torch.randn, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    counts, outputs = torch.tensor([BLOCK + 3, BLOCK, 5]), network.outputs + network.constants
    parameters, inputs = draw(3, network.size), draw(3, 2 * BLOCK, network.inputs)
    slope = draw(3, 2 * BLOCK, outputs)
    hostile = inputs.clone()
    for seed, count in enumerate(counts):
        hostile[seed, count:] = torch.nan
    gradient, expected = torch.zeros_like(parameters), torch.zeros_like(parameters)
    for start in (0, BLOCK):
        made = network.forward(parameters, hostile, counts, start)
        network.add_cotangent(parameters, made, slope[:, start : start + BLOCK], gradient)
        for seed, count in enumerate(counts):
            rows = slice(start, max(start, min(start + BLOCK, int(count))))
            assert not made.outputs[seed, rows.stop - start :].any()
            one = slice(seed, seed + 1)
            if rows.stop > start:
                alone = network.forward(parameters[one], inputs[one, rows])
                torch.testing.assert_close(made.outputs[one, : rows.stop - start], alone.outputs)
                network.add_cotangent(parameters[one], alone, slope[one, rows], expected[one])
    torch.testing.assert_close(gradient, expected)
    whole = network.evaluate(parameters, hostile, counts)
    assert not whole[2, 5:].any()
    torch.testing.assert_close(whole[0, : counts[0]], network.evaluate(parameters, inputs)[0, : counts[0]])


def test_size_counts_weights_and_biases() -> None:
    assert Network(inputs=4, hidden=(64, 64), outputs=2).size == 4 * 64 + 64 + 64 * 64 + 64 + 64 * 2 + 2
    assert Network(inputs=4, hidden=(), outputs=2, constants=2).size == 4 * 2 + 2 + 2


@pytest.mark.parametrize(
    ("activation", "given", "hidden_gain"),
    [("tanh", None, 5 / 3), ("relu", None, 2**0.5), ("tanh", 2**0.5, 2**0.5), ("relu", 0.25, 0.25)],
)
def test_init_is_orthogonal_with_its_gains(activation: str, given: float | None, hidden_gain: float) -> None:
    network = Network(inputs=5, hidden=(3, 7), outputs=2, constants=2, activation=activation)
    parameters = network.init(np.random.default_rng(0), hidden_gain=given, output_gain=0.01, constant=-0.5)
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

    def passes(*arrays: NDArray[np.float32]) -> list[Tensor]:
        parameters, direction, inputs, slope = map(torch.from_numpy, arrays)
        made = network.forward(parameters, inputs, size=300)
        return [
            made.outputs,
            network.tangent(parameters, made, direction),
            cotangent(network, parameters, made, slope),
        ]

    def moved(x: NDArray[np.float32]) -> NDArray[np.float32]:
        place = np.empty(x.size + offset, np.float32)[offset:].reshape(x.shape)
        place[:] = x
        return place

    everyone, some = passes(*numbers), passes(*(moved(x[chosen]) for x in numbers))
    for of_all, of_some in zip(everyone, some, strict=True):
        np.testing.assert_array_equal(of_all[chosen], of_some)


@pytest.mark.parametrize("wrong", ["parameters", "inputs", "direction", "slope", "gradient"])
def test_what_does_not_fit_a_network_is_refused(wrong: str) -> None:
    """Compiled code would read, or write, what lies beside it."""
    network = Network(inputs=3, hidden=(4,), outputs=2)
    sizes = {"parameters": network.size, "inputs": 3, "direction": network.size, "slope": 2, "gradient": network.size}

    def passes(**sizes: int) -> None:
        parameters, inputs = torch.zeros(1, sizes["parameters"]), torch.zeros(1, 5, sizes["inputs"])
        made = network.forward(parameters, inputs)
        network.evaluate(parameters, inputs)
        network.tangent(parameters, made, torch.zeros(1, sizes["direction"]))
        network.add_cotangent(parameters, made, torch.zeros(1, 5, sizes["slope"]), torch.zeros(1, sizes["gradient"]))

    passes(**sizes)
    with pytest.raises(ValueError, match=wrong):
        passes(**{**sizes, wrong: sizes[wrong] + 1})
