"""Bias and variance of bootstrapped advantages over λ and the critic's error, measured beside the exact bias.

Source of the picture: Schulman et al. (2016), section 3.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from .cases import collect, estimate, random_of
from .models import MODELS, Policy, exact_values, wrong_values
from .subjects import Subject, Variant, adapted, set_table, start_state, subject, unnormalised
from .targets import TabularNetwork, exact_slopes

TRACES = (0.0, 0.3, 0.6, 0.8, 0.9, 0.95, 1.0)
ERRORS = (0.0, 0.25, 0.5, 1.0)
MODEL = "corridor"
POLICY: Policy = "random"


def bias_variance(reference: str, seed: int, batches: int) -> list[dict[str, Any]]:
    """Return one record per λ and critic error, all measured on the same batches; none without a field ``trace``.

    ``bias`` is the distance of the mean estimate from the gradient with the true advantage, relative to its length;
    ``exact_bias`` the same without sampling; ``noise`` the root of the total variance, likewise relative.
    """
    model = MODELS[MODEL]
    algorithm = unnormalised(adapted(reference, model))
    state = start_state(algorithm, model)
    if state.model.critic is None or not hasattr(algorithm, "trace"):
        return []
    base = subject(Variant(name="", algorithm=algorithm, critic="exact"), state, model, POLICY)
    rollout = collect(base, model, max(100, batches // 2), random_of(seed, reference, "bias-variance"))
    truth = base.policy.pull(base.slopes.policy[None])[0]
    exact, length = exact_values(model, base.question.outputs), float(np.linalg.norm(truth))
    found = []
    for error in ERRORS:
        for trace in TRACES:
            given = with_critic(base, replace(algorithm, trace=trace), wrong_values(model, exact, error))
            sample = estimate(given, rollout).estimate
            off = given.policy.pull(given.slopes.policy[None])[0] - truth
            variance = sample.var(0, ddof=1).sum()
            squared = ((sample.mean(0) - truth) ** 2).sum()
            found.append(
                {
                    "trace": trace,
                    "critic_error": error,
                    "bias": float(np.sqrt(max(squared - variance / len(sample), 0.0))) / length,
                    "bias_error": float(np.sqrt(variance / len(sample))) / length,
                    "exact_bias": float(np.linalg.norm(off)) / length,
                    "noise": float(np.sqrt(variance)) / length,
                }
            )
    return found


def with_critic(given: Subject, algorithm: Any, value: np.ndarray) -> Subject:
    """Return the subject with another configuration and the critic set to values ``(n,)``."""
    critic = given.state.critic.numpy()[0].copy()
    set_table(critic, value[:, None], 1)
    question = given.question._replace(value=value, target=algorithm.target)
    return replace(
        given,
        variant=Variant(name="", algorithm=algorithm, critic="wrong"),
        state=given.state._replace(critic=torch.from_numpy(critic[None])),
        critic=TabularNetwork(given.state.model.value_network, critic),
        question=question,
        slopes=exact_slopes(question),
    )
