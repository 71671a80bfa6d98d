"""What an update does with its gradient: does it ascend, and is a trust-region step the one that it claims to be?

Everything is exact per batch: the Fisher matrix and the KL are those of the states in the batch, so a departure is
told without statistics.

Shapes: **S** batches, n states, **P** parameters of the policy.
"""

from collections.abc import Callable
from copy import copy
from typing import Any, NamedTuple

import numpy as np
import torch

from ...algorithms.interface import Gradient, Rollout, State
from ...algorithms.trees import take
from ...envs.exact.quadratic import QuadraticTask
from ...envs.exact.solving import objective
from ...envs.exact.tabular import Floats, TabularMDP
from .models import softmax
from .subjects import Subject, many
from .targets import DENSE, fisher_matrix, fisher_outputs, natural_gradient, tables

_AT_ONCE = 2**20
"""Numbers in the systems of equations that are solved together: some megabytes."""
RESIDUAL = 0.02
"""Largest relative residual of the linear system whose solution a natural-gradient step is, at the median batch."""
TURNED = 16
"""Batches, of those that move the policy, whose gradient is turned around."""


def audit_update(given: Subject, rollout: Rollout, *, turning: bool) -> dict[str, Any]:
    """Apply one update to every batch and describe the steps; ``departures`` names what is not as declared.

    Args:
        given: what is updated.
        rollout: the batches.
        turning: whether it is looked at, too, which gradient the update steps on.
    """
    algorithm, count = given.variant.algorithm, len(rollout.valid)
    state = many(given.state, count)
    gradient, _ = algorithm.gradient(state, rollout)
    learned, metrics = algorithm.update(state, rollout)
    ascent = -gradient.policy.numpy()
    new = learned.policy.numpy()
    step = new - state.policy.numpy()
    moved = np.abs(step).max(1) > 0
    along = (ascent * step).sum(1)
    record: dict[str, Any] = {"batches": count, "moved": float(moved.mean())}
    departures = []
    if not (np.isfinite(new).all() and learned.critic.isfinite().all()):
        return record | {"departures": ["an update gives parameters that are not finite"]}
    if not moved.any():
        return record | {"departures": ["no update moves the policy"]}
    if (wrong := float((along[moved] <= 0).mean())) > 0.05:
        departures.append(f"{wrong:.0%} of the updates go against their own gradient")
    record |= improvement(given, step, along, new)
    if turning:
        some = torch.from_numpy(np.flatnonzero(moved)[:TURNED])
        record["driven"], found = turned_around(algorithm, take(state, some), take(rollout, some))
        departures += found
    if hasattr(algorithm, "damping") and kl_field(algorithm):
        facts, found = trust_region(given, rollout, step, ascent, moved, metrics.get("kl"))
        record |= facts
        departures += found
    return record | {"departures": departures}


def turned_around(algorithm: Any, state: State, rollout: Rollout) -> tuple[bool, list[str]]:
    """Return whether an update steps on the gradient that it asks for, and what departs where it does.

    It is held against an update of the same batches: that of more may have other last bits, as if it were driven.
    """
    gradient, _ = algorithm.gradient(state, rollout)
    learned, _ = algorithm.update(state, rollout)
    turned = turned_update(algorithm, state, rollout)
    if len(turned.gradients) != 1 or torch.equal(turned.policy, learned.policy):
        return False, []
    departures = []
    if not _alike(used := turned.gradients[0], gradient):
        fitted, _ = algorithm.gradient(state._replace(critic=learned.critic), rollout)
        critic_first = not torch.equal(learned.critic, state.critic) and _alike(used, fitted)
        departures.append(
            "an update fits the critic before its values serve as the baseline"
            if critic_first
            else "an update steps on another gradient than that of its state and rollout"
        )
    # A long step against the gradient may happen to improve the surrogate, though not in most batches.
    astray = float((turned.policy != state.policy).any(1).double().mean())
    searches = kl_field(algorithm) and all(hasattr(algorithm, name) for name in ("damping", "line_search_attempts"))
    if searches and astray > 0.5:
        departures.append("a step that makes the surrogate worse is accepted: its line search has no effect")
    return True, departures


class Turned(NamedTuple):
    """An update whose policy gradient was turned around."""

    policy: torch.Tensor
    """``(S, P)`` after it."""
    gradients: list[Gradient]
    """What it asked for, before they were turned around."""


def turned_update(algorithm: Any, state: State, rollout: Rollout) -> Turned:
    """Apply an update that is told the opposite of each gradient that it asks for.

    One that is not driven by `gradient` does not notice; a line search that looks at the surrogate refuses to go.
    """
    gradients: list[Gradient] = []

    def turned(ask: Callable[..., tuple[Gradient, Any]]) -> Callable[..., tuple[Gradient, Any]]:
        def answer(*arguments: Any, **named: Any) -> tuple[Gradient, Any]:
            gradient, rest = ask(*arguments, **named)
            gradients.append(gradient)
            return gradient._replace(policy=-gradient.policy), rest

        return answer

    twin = copy(algorithm)
    for name in ("gradient", "gradient_of"):
        if hasattr(algorithm, name):
            object.__setattr__(twin, name, turned(getattr(algorithm, name)))  # the original's own calls are not turned
    learned, _ = twin.update(state, rollout)
    return Turned(learned.policy, gradients)


def _alike(one: Gradient, other: Gradient) -> bool:
    """Whether two policy gradients are the same but for rounding."""
    scale = other.policy.abs().max().clamp(min=1e-12)
    return one.policy.shape == other.policy.shape and bool((one.policy - other.policy).abs().max() <= 1e-7 * scale)


def improvement(given: Subject, step: Floats, predicted: Floats, new: Floats) -> dict[str, Any]:
    """Return means with standard errors of what steps promise and of what they bring, exactly.

    ``predicted`` is the batch's own gradient along the step; ``realised`` the exact one along it, so that their ratio
    is 1 for a batch without noise; ``objective`` is the exact change of J; ``kl`` the exact KL(old ‖ new) over the
    states that the old policy visits.
    """
    asked = given.question
    slopes = given.slopes
    gradient = given.policy.pull(slopes.policy[None])[0]
    outputs = tables(given.state.model.policy, new)
    gained = exact_objective(given, outputs) - exact_objective(given, asked.outputs[None])
    share = slopes.visits / slopes.visits.sum()
    return {
        "predicted": mean_and_error(predicted),
        "realised": mean_and_error(step @ gradient),
        "objective": mean_and_error(gained),
        "kl": mean_and_error(kl_by_state(given, outputs) @ share),
        **_natural_angle(given, slopes.visits, gradient, step),
    }


def _natural_angle(given: Subject, visits: Floats, gradient: Floats, step: Floats) -> dict[str, float]:
    """Return the angle in degrees of the mean step to the exact gradient and to the exact natural gradient."""
    found = {"angle_to_gradient": angle(step.mean(0), gradient)}
    if len(gradient) <= DENSE:
        fisher = fisher_matrix(given.policy, given.question.process, visits, len(gradient))
        found["angle_to_natural"] = angle(step.mean(0), natural_gradient(fisher, gradient))
        if damping := getattr(given.variant.algorithm, "damping", 0.0):
            found["angle_to_damped"] = angle(step.mean(0), natural_gradient(fisher, gradient, damping))
    return found


def kl_field(algorithm: Any) -> str | None:
    """Return the field that says how long a natural-gradient step is: a bound on its KL, or on the quadratic model."""
    return next((name for name in ("max_kl", "step_kl") if hasattr(algorithm, name)), None)


def trust_region(
    given: Subject, rollout: Rollout, step: Floats, ascent: Floats, moved: np.ndarray, told: torch.Tensor | None
) -> tuple[dict[str, Any], list[str]]:
    """Hold steps against ``(F + damping I) x = g``, their length and the bound on the KL, batch by batch."""
    algorithm, network = given.variant.algorithm, given.state.model.policy
    length = getattr(algorithm, name := kl_field(algorithm) or "")
    share = state_shares(given, rollout)
    start = given.state.policy.numpy()
    kl = (share[moved] * kl_by_state(given, tables(network, start + step[moved]))).sum(1)
    image = fisher_times(given, share[moved], step[moved]) + algorithm.damping * step[moved]
    wanted = ascent[moved]
    scale = (image * wanted).sum(1) / (image**2).sum(1)
    residual = np.linalg.norm(scale[:, None] * image - wanted, axis=1) / np.linalg.norm(wanted, axis=1)
    residual = np.where(scale > 0, residual, np.inf)
    model_kl = 0.5 * (step[moved] * image).sum(1)
    departures = []
    if (median := float(np.median(residual))) > RESIDUAL:
        departures.append(f"steps do not solve (F + damping I) x = g: relative residual {median:.2g}")
    if (over := float((kl / length).max())) > 1 + 1e-6 and name == "max_kl":
        departures.append(f"the KL of a step is {over:.3g} times max_kl")
    if (longest := float((model_kl / length).max())) > 1.02:
        departures.append(f"a step is longer than its quadratic model of the KL allows, by {longest:.3g}")
    if told is not None:
        off = np.abs(told.numpy()[moved] - kl) / np.maximum(kl, 1e-12)
        if float(np.median(off)) > 1e-3:
            departures.append(f"the KL that is reported is not KL(old ‖ new): off by {np.median(off):.2g}")
    facts = {
        "residual": median,
        "kl_to_bound": mean_and_error(kl / length),
        "largest_kl_to_bound": over,
        "sample_kl": mean_and_error(kl),
    }
    return facts, departures


def state_shares(given: Subject, rollout: Rollout) -> Floats:
    """Return how often every state occurs among a batch's valid steps ``(S, n)``, as shares."""
    states = given.question.process.states
    state = rollout.observation.numpy()[:, :, :-1].argmax(-1)
    valid = rollout.valid.numpy()
    place = np.arange(len(state))[:, None, None] * states + state
    counts = np.bincount(place.ravel(), valid.ravel().astype(np.float64), len(state) * states).reshape(-1, states)
    shares: Floats = counts / counts.sum(1, keepdims=True)
    return shares


def fisher_times(given: Subject, share: Floats, vector: Floats) -> Floats:
    """Return ``F v`` ``(S, P)`` for vectors ``(S, P)`` and states weighted by ``share`` ``(S, n)``."""
    metric = fisher_outputs(given.question.process, given.question.outputs)
    tangent = given.policy.push(vector)
    return given.policy.pull(np.einsum("sde,bse->bsd", metric, tangent) * share[:, :, None])


def kl_by_state(given: Subject, new: Floats) -> Floats:
    """Return ``KL(old ‖ new)`` of every state ``(S, n)`` for new outputs ``(S, n, D)``."""
    old = given.question.outputs
    if isinstance(given.question.process, QuadraticTask):
        (mean, log_std), (new_mean, new_log_std) = old.T, np.moveaxis(new, -1, 0)
        ratio = np.exp(2 * (log_std - new_log_std))
        shift = (mean - new_mean) ** 2 * np.exp(-2 * new_log_std)
        return np.asarray(new_log_std - log_std + 0.5 * (ratio + shift - 1))
    before, after = softmax(old), softmax(new)
    return np.asarray((before * (np.log(before) - np.log(after))).sum(-1))


def exact_objective(given: Subject, outputs: Floats) -> Floats:
    """Return J ``(S,)`` of policies given by their outputs ``(S, n, D)``.

    Of complete episodes for rounds, of the endless task for windows.
    """
    asked = given.question
    if isinstance(asked.process, QuadraticTask):
        return np.asarray(asked.process.expected_reward(outputs[..., 0], outputs[..., 1]) @ asked.process.start)
    assert isinstance(asked.process, TabularMDP)
    policies, each = np.moveaxis(softmax(outputs), 0, -1), max(1, _AT_ONCE // asked.process.states**2)
    parts = np.split(policies, range(each, len(outputs), each), axis=-1)
    return np.concatenate(
        [objective(asked.process, part, asked.discount, truncated=asked.window is None) for part in parts]
    )


def critic_error(given: Subject, rollout: Rollout, exact: Floats) -> dict[str, float]:
    """Return the critic's error before and after one update: root mean square over visits, as a share of that of V."""
    count = len(rollout.valid)
    learned, _ = given.variant.algorithm.update(many(given.state, count), rollout)
    visits = given.slopes.visits
    network = given.state.model.value_network

    def error(parameters: torch.Tensor) -> float:
        off = tables(network, parameters.numpy())[:, :, 0] - exact
        return float(np.sqrt((off**2 @ visits) / (exact**2 @ visits)).mean())

    return {"before": error(given.state.critic), "after": error(learned.critic)}


def mean_and_error(x: Floats) -> tuple[float, float]:
    """Return a mean and its standard error."""
    return float(x.mean()), float(x.std(ddof=1) / np.sqrt(len(x))) if len(x) > 1 else float("nan")


def angle(x: Floats, y: Floats) -> float:
    """Return the angle between two vectors in degrees; NaN where one is zero."""
    length = np.linalg.norm(x) * np.linalg.norm(y)
    return float(np.degrees(np.arccos(np.clip((x @ y) / length, -1, 1)))) if length else float("nan")
