"""A search in words: what it will cost, before it begins, and the sentence for a paper, after it."""

from collections.abc import Sequence

from ...wording import plural, written_seeds
from .halving import Schedule

METHODS = {
    "random": "random search",
    "tpe": "a tree-structured Parzen estimator",
    "gp": "Bayesian optimisation with a Gaussian process",
}
"""What draws trials, by the name of the sampler."""


def announcement(suite: str, algorithms: Sequence[str], sampler: str, plan: Schedule) -> list[str]:
    """Return lines on a search: who, how, on which seeds, and the steps of every rung."""
    brackets = f" in {plural(len(plan.brackets), 'bracket')}" if len(plan.brackets) > 1 else ""
    each = sum(rung.runs * rung.steps for rung in plan.effort)
    several = f"; {plural(len(algorithms), 'algorithm')} together {each * len(algorithms):,}"
    rungs = [
        f"  {rung.name:>6}  {rung.environment:28} {rung.steps:>14,} {rung.trials:>7,} {rung.runs:>6,} "
        f"{rung.runs * rung.steps:>13,}"
        for rung in plan.effort
    ]
    return [
        f"{suite}: {', '.join(algorithms)}; {plural(plan.trials, 'trial')} of each{brackets}, drawn by "
        f"{METHODS[sampler]}; {plural(len(plan.seeds), 'run')} a trial on seeds {written_seeds(plan.seeds)}, finals on "
        f"{written_seeds(plan.final_seeds)}",
        f"  {'rung':>6}  {'environment':28} {'steps of a run':>14} {'trials':>7} {'runs':>6} {'steps':>13}",
        *rungs,
        f"every algorithm: {each:,} environment steps{several if len(algorithms) > 1 else ''}",
    ]


def sentence(suite: str, algorithms: Sequence[str], sampler: str, plan: Schedule) -> str:
    """Return what a paper says of a search: for what, how, with how much effort, and on which seeds."""
    each = sum(rung.runs * rung.steps for rung in plan.effort)
    environments = list(dict.fromkeys(stage.environment for stage in plan.finals))
    return (
        f"The hyperparameters of {_and(algorithms)} in suite {suite} were chosen by {METHODS[sampler]} with successive "
        f"halving over environments and budgets: {plural(plan.trials, 'setting')} of every algorithm on "
        f"{_and(environments)}, {plural(len(plan.seeds), 'run')} each, {each:,} environment steps for every algorithm; "
        f"the best {plural(plan.finalists, 'setting')} ran again on {plural(len(plan.final_seeds), 'fresh seed')}, and "
        "the one with the highest mean over environments of the mean final score of the worse half of its runs was "
        f"taken. No seed of the search ({written_seeds([*plan.seeds, *plan.final_seeds])}) is among those reported."
    )


def _and(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
