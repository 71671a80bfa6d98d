"""An algorithm made ready for an audit: small networks in float64, given batches, and the variants that are audited."""

from dataclasses import dataclass, fields, replace
from itertools import combinations
from typing import Any, Literal

import numpy as np
import torch

from ...algorithms.interface import Episodes, Plan, State, Target
from ...algorithms.model import Spaces
from ...algorithms.registry import configure, load_class
from ...algorithms.trees import take
from ...envs.exact.sampling import one_hot_space
from ...envs.exact.tabular import Floats
from ...errors import UsageError
from .models import AuditModel, Policy, policy_outputs, policy_values, wrong_values
from .targets import Question, Slopes, TabularNetwork, exact_slopes

CriticKind = Literal["none", "exact", "wrong", "initial"]
ENTROPY_WEIGHT = 0.05
"""Of the bonus that is audited beside the defaults."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One configuration of an algorithm with one critic."""

    name: str
    algorithm: Any
    critic: CriticKind


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A variant with its state, as it meets a model under a policy."""

    variant: Variant
    state: State
    """Of one seed."""
    policy: TabularNetwork
    critic: TabularNetwork | None
    question: Question
    """What its target comes to here."""
    slopes: Slopes
    """The exact answer."""


def adapted(reference: str, model: AuditModel) -> Any:
    """Return an algorithm with its own defaults, except for what makes it exact and sizes its batches.

    Raises:
        UsageError: if it cannot be built, or lacks a discount.
    """
    found = load_class(reference)
    known = {f.name for f in fields(found)}
    if lacking := {"discount", "dtype", "num_envs"} - known:
        raise UsageError(f"algorithm {reference!r} has no {', '.join(sorted(lacking))}: the audit needs these fields")
    options: dict[str, Any] = {
        "dtype": "float64",
        "discount": model.discount,
        "hidden": model.hidden,
        "num_steps": model.window,
    }
    algorithm = configure(reference, found, {name: value for name, value in options.items() if name in known})
    plan, count = planned(algorithm, start_state(algorithm, model)), model.window_envs
    if isinstance(plan, Episodes):
        count = model.round_envs + -model.round_envs % plan.group
    return replace(algorithm, num_envs=count)


def start_state(algorithm: Any, model: AuditModel) -> State:
    """Return the state of one seed on a model's spaces."""
    process = model.process
    state: State = algorithm.init(Spaces(one_hot_space(process), process.action_space), [0])
    return state


def planned(algorithm: Any, state: State) -> Plan:
    """Return what all seeds of a state are to collect next.

    Raises:
        UsageError: where they would collect different things, for which there is no common exact answer.
    """
    plan = algorithm.plan(state)
    if isinstance(plan, Plan):
        return plan
    different: set[Plan] = set(plan)
    if len(different) != 1:
        raise UsageError(
            f"{type(algorithm).__name__} cannot be audited: it plans {len(different)} kinds of rollouts for seeds that "
            "are in the same state"
        )
    return different.pop()


def unnormalised(algorithm: Any) -> Any:
    """Return the algorithm with the switches turned off that make its target normalised; itself if there are none."""
    return _switched(algorithm, normalised=False)


def normalised(algorithm: Any) -> Any:
    """Return the algorithm with its weights standardised; itself if it has no such switch."""
    return _switched(algorithm, normalised=True)


def _switched(algorithm: Any, *, normalised: bool) -> Any:
    if algorithm.target.normalised == normalised:
        return algorithm
    switches = [field.name for field in fields(algorithm) if isinstance(getattr(algorithm, field.name), bool)]
    for count in (1, 2):
        for some in combinations(switches, count):
            other = replace(algorithm, **{name: not getattr(algorithm, name) for name in some})
            if other.target.normalised == normalised:
                return other
    return algorithm


def variants(algorithm: Any, state: State, policy: Policy) -> list[Variant]:
    """Return what is audited of an algorithm.

    Its un-normalised form carries the comparison with the exact gradient, with the exact critic (and λ = 1) and with a
    wrong one (and its own λ), with its own state weighting and with the other; its normalised form is compared with
    the reference alone, because standardising a batch leaves no closed form for the mean. What is not the default
    (the other state weighting, an entropy bonus, a normalisation that is off) is audited under the random policy only.
    """
    raw, kinds = unnormalised(algorithm), _critics(state)
    found = [Variant(name="", algorithm=raw, critic=kinds[0])]
    if _has(raw, "trace"):
        found = [Variant(name="λ = 1", algorithm=replace(raw, trace=1.0), critic=kinds[0])]
    if kinds[0] != "none":
        found.append(Variant(name="", algorithm=raw, critic=kinds[1]))
    if _has(raw, "state_weighting") and policy == "random":
        other = {"discounted": "undiscounted", "undiscounted": "discounted"}[raw.state_weighting]
        turned = replace(raw, state_weighting=other)
        found.append(Variant(name=other, algorithm=turned, critic=kinds[1]))
    if _has(raw, "entropy_weight") and policy == "random":
        bonus = replace(raw, entropy_weight=ENTROPY_WEIGHT)
        if bonus.target.entropy_weight == ENTROPY_WEIGHT:
            found.append(Variant(name="entropy bonus", algorithm=bonus, critic=kinds[1]))
    scaled = normalised(algorithm)
    if scaled.target.normalised and (scaled is algorithm or policy == "random"):
        found.append(Variant(name="normalised", algorithm=scaled, critic=kinds[0]))
    return [replace(variant, name=_named(variant)) for variant in found]


def configured(algorithm: Any, state: State) -> Variant:
    """Return the algorithm as it is, switches and λ untouched, with a wrong critic if there is one."""
    return Variant(name="as configured", algorithm=algorithm, critic=_critics(state)[1])


def _critics(state: State) -> tuple[CriticKind, CriticKind]:
    """Return a good critic and a bad one, as far as there are; networks with hidden layers stay as they are."""
    if state.model.critic is None:
        return "none", "none"
    return ("initial", "initial") if state.model.policy.hidden else ("exact", "wrong")


def _named(variant: Variant) -> str:
    critic = "" if variant.critic == "none" else f"{variant.critic} critic"
    return ", ".join(part for part in (critic, variant.name) if part)


def _has(algorithm: Any, name: str) -> bool:
    return name in {f.name for f in fields(algorithm)}


def subject(variant: Variant, state: State, model: AuditModel, policy: Policy) -> Subject:
    """Return a variant whose policy and critic are the fixed ones; with hidden layers, as they were initialised.

    Args:
        variant: what is audited.
        state: of one seed, as `init` gave it.
        model: the model.
        policy: which of its policies.
    """
    networks = state.model
    actor, critic = (x.numpy().astype(np.float64)[0] for x in (state.policy, state.critic))
    if not networks.policy.hidden:
        set_table(actor, policy_outputs(model, policy), networks.policy.outputs)
        if len(critic):
            value = policy_values(model, policy)
            set_table(critic, (value if variant.critic == "exact" else wrong_values(model, value))[:, None], 1)
    else:
        networks.policy.last_weights(torch.from_numpy(actor)[None]).mul_(
            60
        )  # initialised almost uniform: this makes a policy of it
    policy_table = TabularNetwork(networks.policy, actor)
    critic_table = TabularNetwork(networks.value_network, critic) if len(critic) else None
    target: Target = variant.algorithm.target
    plan = planned(variant.algorithm, state)
    question = Question(
        process=model.process,
        outputs=policy_table.outputs,
        value=None if critic_table is None else critic_table.outputs[:, 0],
        target=target,
        discount=variant.algorithm.discount,
        window=None if isinstance(plan, Episodes) else plan.length,
    )
    return Subject(
        variant=variant,
        state=state._replace(policy=torch.from_numpy(actor[None]), critic=torch.from_numpy(critic[None])),
        policy=policy_table,
        critic=critic_table,
        question=question,
        slopes=exact_slopes(question),
    )


def set_table(parameters: Floats, outputs: Floats, weighted: int) -> None:
    """Write outputs ``(n, D)`` into the parameters of a linear network over one-hot states, in place.

    The outputs after the first ``weighted`` do not depend on the state.
    """
    states = len(outputs)
    parameters[:] = 0.0
    parameters[: states * weighted] = outputs[:, :weighted].ravel()
    parameters[states * weighted + weighted :] = outputs[0, weighted:]


def many(state: State, count: int) -> State:
    """Return one seed's state ``count`` times over, as seeds 0, 1, 2 and so on."""
    repeated = take(state, torch.zeros(count, dtype=torch.int64))
    return repeated._replace(seeds=torch.arange(count))
