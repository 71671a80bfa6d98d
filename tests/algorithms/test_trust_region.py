"""The natural-gradient step: its matrix against a Hessian, its solver against numpy's, its line search on paper."""

import numpy as np
import pytest
import torch
from torch import Tensor

from pgsuite.algorithms.blocks import BLOCK, Samples
from pgsuite.algorithms.model import Model
from pgsuite.algorithms.trust_region import Solution, Surrogate, conjugate_gradient, full_step, line_search

from . import oracles
from .rollouts import SPACES


class Case:
    """A random policy in float64 and two seeds' samples, more than a block, a part of them invalid."""

    def __init__(self, name: str, rows: int = BLOCK + 10, hidden: tuple[int, ...] = (3,)) -> None:
        random = torch.Generator().manual_seed(0)

        def draw(*shape: int) -> Tensor:
            return torch.randn(2, *shape, generator=random, dtype=torch.float64)

        self.model = Model.build(SPACES[name], hidden=hidden, activation="tanh", critic=False, action_bound="clip")
        network, distribution = self.model.policy, self.model.distribution
        self.policy, self.vector, self.other = draw(network.size), draw(network.size), draw(network.size)
        observation, self.mask = draw(rows, 3), draw(rows) < 0.5
        sampled = distribution.sample(
            oracles.all_outputs(network, self.policy, observation), draw(rows, distribution.noise_size)
        )
        self.samples = Samples(observation, sampled, draw(rows), *[self.mask.double()] * 4)
        self.surrogate = Surrogate(self.model, self.policy, self.samples)

    def outputs(self, seed: int, policy: Tensor) -> Tensor:
        """The distribution's parameters at a seed's valid samples."""
        return oracles.outputs(self.model.policy, policy, self.samples.observation[seed, self.mask[seed]])

    def kl(self, seed: int, policy: Tensor) -> Tensor:
        old = self.outputs(seed, self.policy[seed])
        return oracles.kl(self.model.distribution, old, self.outputs(seed, policy)).mean()


every_policy = pytest.mark.parametrize("name", SPACES)


@every_policy
def test_fisher_product_is_the_hessian_of_the_mean_kl(name: str) -> None:
    """For every distribution, and all parameters: a Gaussian's log standard deviation included."""
    case = Case(name)
    product = case.surrogate.fisher_product(case.vector)
    for s in range(2):
        hessian = torch.autograd.functional.hessian(lambda p, s=s: case.kl(s, p), case.policy[s])
        torch.testing.assert_close(product[s], hessian @ case.vector[s])
    assert (product[:, -1] != 0).all()


@every_policy
def test_surrogate_and_kl_of_another_policy(name: str) -> None:
    case = Case(name)
    near = case.policy + 0.1 * case.other
    surrogate, kl = case.surrogate.evaluate(near)
    for s in range(2):
        action, weight = case.samples.action[s, case.mask[s]], case.samples.weight[s, case.mask[s]]
        new, old = (
            oracles.log_prob(case.model.distribution, case.outputs(s, p), action) for p in (near[s], case.policy[s])
        )
        torch.testing.assert_close(surrogate[s], ((new - old).exp() * weight).mean())
        torch.testing.assert_close(kl[s], case.kl(s, near[s]))


@every_policy
def test_entropy_is_the_mean_over_valid_samples(name: str) -> None:
    case = Case(name)
    for s, entropy in enumerate(case.surrogate.entropy()):
        expected = oracles.entropy(case.model.distribution, case.outputs(s, case.policy[s])).mean()
        torch.testing.assert_close(entropy, expected)


def systems(size: int, *conditions: float) -> tuple[Tensor, Tensor]:
    """Symmetric positive definite matrices ``(S, P, P)`` of given condition numbers, and right-hand sides."""
    random = np.random.default_rng(0)
    matrices = []
    for condition in conditions:
        basis, _ = np.linalg.qr(random.standard_normal((size, size)))
        matrices.append((basis * np.geomspace(1, condition, size)) @ basis.T)
    return torch.from_numpy(np.stack(matrices)), torch.from_numpy(random.standard_normal((len(conditions), size)))


def product_with(matrix: Tensor):
    return lambda v: torch.einsum("sij,sj->si", matrix, v)


def test_conjugate_gradient_solves() -> None:
    matrix, b = systems(12, 1.0, 10.0, 1000.0)
    solution = conjugate_gradient(product_with(matrix), b, iterations=60, tolerance=1e-12)
    expected = np.linalg.solve(matrix.numpy(), b.numpy()[..., None])[..., 0]
    np.testing.assert_allclose(solution.x, expected, rtol=1e-8)
    np.testing.assert_allclose(solution.curvature, (expected * b.numpy()).sum(1), rtol=1e-8)
    assert (solution.relative_residual <= 1e-12).all()


def test_conjugate_gradient_cut_short_tells_its_residual() -> None:
    matrix, b = systems(12, 10.0, 1000.0)
    solution = conjugate_gradient(product_with(matrix), b, iterations=3, tolerance=0.0)
    left = (b - product_with(matrix)(solution.x)).norm(dim=1) / b.norm(dim=1)
    torch.testing.assert_close(solution.relative_residual, left)
    torch.testing.assert_close(solution.curvature, (solution.x * product_with(matrix)(solution.x)).sum(1))
    assert (left > 1e-3).all()


def test_each_seed_stops_by_itself() -> None:
    """An easy system beside a hard one: the same bits as alone; and nobody is asked for more products than needed."""
    matrix, b = systems(12, 3.0, 1e5)
    asked = []

    def solve(rows: slice) -> Solution:
        asked.append(0)

        def product(v: Tensor) -> Tensor:
            asked[-1] += 1
            # Row by row, so that this test's own arithmetic is the same in any company.
            return torch.stack([m @ row for m, row in zip(matrix[rows], v, strict=True)])

        return conjugate_gradient(product, b[rows], iterations=100, tolerance=0.1)

    together, easy, hard = solve(slice(None)), solve(slice(0, 1)), solve(slice(1, 2))
    for row, alone in enumerate((easy, hard)):
        assert all(torch.equal(x[row], y[0]) for x, y in zip(together, alone, strict=True))
    assert asked[1] < asked[2] == asked[0] < 100
    assert (together.relative_residual <= 0.1).all()


def test_a_zero_gradient_gives_a_zero_step() -> None:
    matrix, b = systems(5, 10.0, 10.0)
    b[0] = 0
    solution = conjugate_gradient(product_with(matrix), b, iterations=10, tolerance=1e-10)
    step = full_step(solution, 0.01)
    assert not step[0].any()
    assert solution.relative_residual[0] == 0
    assert step[1].norm() > 0


@pytest.mark.parametrize("broken", [0.0, -1.0])
def test_without_positive_curvature_there_is_no_step(broken: float) -> None:
    matrix, b = systems(5, 10.0, 10.0)
    matrix[0] = broken * torch.eye(5)
    solution = conjugate_gradient(product_with(matrix), b, iterations=10, tolerance=1e-10)
    assert not full_step(solution, 0.01)[0].any()


@pytest.mark.parametrize("broken", [0.0, -1.0, torch.nan, torch.inf])
def test_a_broken_matrix_does_not_disturb_its_neighbour(broken: float) -> None:
    matrix, b = systems(5, 10.0, 10.0)
    matrix[0] = broken
    solution = conjugate_gradient(product_with(matrix), b, iterations=10, tolerance=1e-10)
    np.testing.assert_allclose(solution.x[1], np.linalg.solve(matrix[1], b[1]))


def test_it_keeps_what_it_has_where_curvature_turns_negative() -> None:
    matrix = torch.diag_embed(torch.tensor([[4.0, 1.0, -1e-3]], dtype=torch.float64))
    b = torch.tensor([[1.0, 1.0, 1e-2]], dtype=torch.float64)
    solution = conjugate_gradient(product_with(matrix), b, iterations=50, tolerance=0.0)
    assert solution.x.isfinite().all()
    assert (solution.x * b).sum() > 0
    assert solution.curvature > 0


def test_the_full_step_reaches_the_bound_of_the_quadratic_model() -> None:
    matrix, b = systems(6, 10.0, 100.0)
    solution = conjugate_gradient(product_with(matrix), b, iterations=50, tolerance=1e-12)
    bound = torch.tensor([0.01, 0.5], dtype=torch.float64)
    step = full_step(solution, bound)
    torch.testing.assert_close(0.5 * (step * product_with(matrix)(step)).sum(1), bound)
    torch.testing.assert_close(torch.cosine_similarity(step, solution.x), torch.ones(2, dtype=torch.float64))


rises, small = (lambda x: x), (lambda x: 0.01 * x)


class Landscape:
    """A line search on paper: surrogate and KL as functions of how far along the step a seed has gone.

    Every seed starts at 0 and its full step is 1, so its parameter is the fraction itself.
    """

    def __init__(self, *seeds: tuple) -> None:
        self.evaluations: list[list[float]] = []
        self._seeds = seeds

    def evaluate(self, policy: Tensor) -> tuple[Tensor, Tensor]:
        self.evaluations.append(policy[:, 0].tolist())
        rows = [(s(x), k(x)) for (s, k), x in zip(self._seeds, policy[:, 0].tolist(), strict=True)]
        surrogate, kl = torch.tensor(rows, dtype=torch.float64).T
        return surrogate, kl

    def search(self, attempts: int = 4):
        start = torch.zeros(len(self._seeds), 1, dtype=torch.float64)
        return line_search(self.evaluate, start, torch.ones_like(start), max_kl=0.1, shrink=0.5, attempts=attempts)


def test_every_seed_takes_its_own_fraction() -> None:
    landscape = Landscape(
        (rises, small),  # all is well at once
        (rises, lambda x: 0.4 * x * x),  # KL: .4, then .1, which is allowed
        (lambda x: x if x < 0.3 else -x, small),  # the surrogate rises at a quarter only
        (lambda x: -x, small),  # it never rises
        (rises, lambda x: 1.0 if x else 0.0),  # the KL is never within the bound
        (lambda x: 0.0, small),  # as good as before is not better
        (lambda x: torch.nan if x else 0.0, small),
        (rises, lambda x: torch.nan if x else 0.0),
    )
    search = landscape.search()
    assert search.policy[:, 0].tolist() == [1, 0.5, 0.25, 0, 0, 0, 0, 0]
    refused = torch.nan  # for numbers that are not finite, unlike a step that is too long or does not help
    np.testing.assert_array_equal(search.fraction, [1, 0.5, 0.25, 0, 0, 0, refused, refused])
    assert search.accepted.tolist() == [True] * 3 + [False] * 5
    torch.testing.assert_close(search.kl, torch.tensor([0.01, 0.1, 0.0025, 0, 0, 0, 0, 0], dtype=torch.float64))
    assert landscape.evaluations[1:] == [[f] * 8 for f in (1, 0.5, 0.25, 0.125)]


def test_the_search_ends_with_the_last_seed() -> None:
    landscape = Landscape((rises, small), (rises, lambda x: 0.4 * x * x))
    landscape.search(attempts=100)
    assert len(landscape.evaluations) == 3, "where it starts, the full step, half of it"


def test_where_nothing_is_accepted_all_bits_stay() -> None:
    policy = torch.randn(3, 50, generator=torch.Generator().manual_seed(0))
    step = torch.full_like(policy, 1e-3)
    step[2] = torch.nan

    def worse(x: Tensor) -> tuple[Tensor, Tensor]:
        moved = (x - policy).abs().sum(1)
        return torch.where(torch.tensor([False, True, True]), -moved, moved), torch.zeros(3)

    search = line_search(worse, policy, step, max_kl=0.1, shrink=0.8, attempts=10)
    assert torch.equal(search.policy[1:], policy[1:])
    assert torch.equal(search.policy[0], policy[0] + step[0])
    assert search.accepted.tolist() == [True, False, False]


def test_bounds_may_differ_by_seed() -> None:
    start = torch.zeros(2, 1)
    bounds = torch.tensor([1.0, 0.3])
    search = line_search(lambda x: (x[:, 0], x[:, 0]), start, torch.ones(2, 1), max_kl=bounds, shrink=0.5, attempts=5)
    assert search.fraction.tolist() == [1, 0.25]


def test_a_product_that_is_not_finite_is_told_by_the_residual() -> None:
    scale = torch.tensor([[2.0], [torch.inf], [-1.0]])
    solution = conjugate_gradient(lambda v: scale * v, torch.ones(3, 2), iterations=5, tolerance=1e-6)
    torch.testing.assert_close(solution.x[0], torch.tensor([0.5, 0.5]))
    assert solution.relative_residual.isnan().tolist() == [False, True, False]
    assert solution.x[1:].tolist() == [[0.0, 0.0], [0.0, 0.0]]
