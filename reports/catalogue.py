"""What a report calls things and says of them, each said once: quantities, and the captions of figures and tables."""

from collections.abc import Mapping
from typing import NamedTuple

from ..results.statistics.bootstrap import MEANINGFUL
from ..results.statistics.cost import THRESHOLD
from ..wording import plural
from .notation import percent


class Quantity(NamedTuple):
    """Something measured."""

    title: str
    """At the head of a column."""
    meaning: str
    unit: str = ""

    @property
    def heading(self) -> str:
        """At the head of a panel: ``KL (nats)``."""
        return self.title[0].upper() + self.title[1:] + (f" ({self.unit})" if self.unit else "")


class RunStatistic(NamedTuple):
    """The number that stands for a run."""

    title: str
    in_figures: str
    """Where no table's caption stands beside it."""
    meaning: str
    ranked: str
    """Title of a leaderboard in returns."""


AGGREGATES = {
    "iqm": Quantity(
        "IQM", "interquartile mean: the mean of the middle half of all runs on all environments; higher is better"
    ),
    "mean": Quantity("mean", "mean over all runs on all environments; higher is better"),
    "median": Quantity("median", "median over environments of the mean over runs; higher is better"),
    "optimality_gap": Quantity(
        "optimality gap", "how far scores fall short of 1 on average, more than 1 not counted; lower is better"
    ),
}
"""Of all runs of an algorithm."""
STATISTICS = {
    "final": RunStatistic("final score", "final score", "Score at the last checkpoint, never the best", "Final return"),
    "auc": RunStatistic(
        "area under the curve",
        "area under the learning curve (score)",
        "Mean score over the whole learning curve, which rewards learning early",
        "Area under the curve (return)",
    ),
}
"""In the order of the leaderboards."""
DIAGNOSTICS = {
    "kl": Quantity("KL", "divergence of the new policy from the old one per update", "nats"),
    "entropy": Quantity("entropy", "of the policy; nats, differential for continuous actions", "nats"),
    "explained_variance": Quantity(
        "explained variance", "of the returns by the value function; 1 is perfect, below 0 harmful"
    ),
    "gradient_norm": Quantity("gradient norm", "of the policy gradient before clipping"),
    "accepted": Quantity("accepted", "share of the rounds of reward profiling that kept what was learned"),
}
"""By the metric's name in the store."""

SCORE = "0 = uniform random policy, 1 = reference return"
"""In a figure's caption."""
SCORE_IN_WORDS = "0 is the uniform random policy, 1 the reference return"
_NAMED = 3
"""Most algorithms that a caption names before it only counts them."""
TOO_FEW = f"With fewer than {MEANINGFUL} runs an interval is not meaningful, so none is printed."

INAPPLICABLE = "The algorithm cannot act in the environment, for this reason: there is nothing to run."
ABSENT = "Counted beside the statistics, never as 0 and never left out in silence."
AUDIT = (
    "Each line: all policies and variants of a model. p: smallest p-value of bias, critic and variance tests, "
    "corrected over all tests of the audit; 1 where nothing was suspicious. Cosine and length ratio: of the mean "
    "gradient and the exact one, worst case, 95% bootstrap interval. Variance: total, relative to plain REINFORCE on "
    "the same batches, exact critic. SNR: length of the mean by standard deviation, of one batch. Where the verdict is "
    '"gradient follows", the update does not step on that gradient, and what it does was not audited.'
)
AUDITED_UPDATES = (
    "One update from each of some batches. Promised: gain of the batch's own linear model; realised: of the exact one; "
    "J: exact change of the objective; means over batches ± standard error, averaged over policies. KL: exact, over "
    "visited states, the largest policy's; of bound: largest KL of a batch by max_kl. Angle: of the mean step to the "
    "exact natural gradient. Critic: relative error before → after one update."
)
CELLS = (
    "A fingerprint is a hash of everything that the results of a cell depend on. An asterisk: there were "
    "uncommitted changes."
)
COST = (
    f"Threshold: the first checkpoint with a score of at least {THRESHOLD:g}; a run that never reached it, or "
    "diverged, is kept as censored at its budget. Speed, time and memory are those of the machine named below; runs "
    "that train together share their wall time."
)
DIAGNOSTICS_DRAWN = (
    "Diagnostics: median (line) and interquartile range (band) over completed runs of what an algorithm recorded, "
    "averaged between two checkpoints. They describe, they prove nothing: gradient norms of different losses do not "
    "compare. An algorithm without a line in a panel does not record that quantity."
)
NOT_TRAINING = "share of the steps that went into rollouts which nothing is learned from, such as trials of a policy"
DIAGNOSTICS_AT_THE_END = "Mean over completed runs of each diagnostic over the last stretch between two checkpoints."
PROTOCOL = "One line per environment; two where folders measured it differently and it was allowed."
SETTINGS = (
    "Hyperparameters as they were resolved, defaults included. A dash: the algorithm has no such setting, or none "
    "of its runs began."
)
SOFTWARE = "A cell is one algorithm configuration on one environment."


def aggregates_caption(statistic: str, level: float, *, without_bars: bool, lacking: bool) -> str:
    """Of the aggregates of one of `STATISTICS`, and what is special about some."""
    text = (
        f"Aggregates of the {STATISTICS[statistic].in_figures} over all runs and environments (point) with "
        f"{percent(level)} stratified bootstrap intervals (bar). Score: {SCORE}."
    )
    if without_bars:
        text += " A point without a bar: too few runs for an interval."
    if lacking:
        text += " *: lacks an environment, so aggregated over others than the rest."
    return text


def bias_variance_caption(algorithm: str) -> str:
    """Of bias and noise over λ."""
    return (
        f"{algorithm}'s gradient on the corridor under a fixed policy, relative to the length of the exact "
        "gradient with the true advantage. Left: bias; lines are exact, marks are measured, with the standard error of "
        "the mean gradient. Right: standard deviation of one batch. The critic is off by the given share of the "
        "values' root mean square."
    )


def curves_caption(level: float) -> str:
    """What the reader of a learning curve has to know."""
    return (
        f"Learning curves: mean (line) and {percent(level)} interval of the mean (band) over runs, by Student t, on "
        "the logit scale of the possible returns where these are known; evaluated at fixed numbers of environment "
        "steps; one run is one seed, its number is given in each panel. "
        f"With fewer than {MEANINGFUL} runs the single runs are shown instead of an interval. "
        "Dotted: return of the uniform random policy and reference return, where they lie in range. "
        "A thin line that ends in a cross is a run that diverged there; it is not in the mean."
    )


def curves_by_training_caption(level: float) -> str:
    """The same against the steps of training alone."""
    return (
        "The same learning curves against the steps that a policy was trained on: those of other rollouts, such as "
        "trials of a policy, are left out, and what a checkpoint has left is averaged over runs. Who tries them has "
        f"a shorter curve here, because the budget paid for the trials too. {curves_caption(level)}"
    )


def efficiency_caption(level: float) -> str:
    """Of the score against steps."""
    return (
        f"Sample efficiency: interquartile mean of the score over all runs and environments (line) with its "
        f"{percent(level)} stratified bootstrap interval (band). Score: {SCORE}."
    )


def environments_caption(level: float, *, bounded: Mapping[str, bool], few: bool) -> str:
    """Of the table per environment.

    Args:
        level: of the intervals.
        bounded: by environment, whether its possible returns are known.
        few: whether some interval is lacking.
    """
    known = [env for env, known in bounded.items() if known]
    scale = "on the logit scale of the possible returns"
    if known and len(known) < len(bounded):
        scale += f" where these are known ({', '.join(known)})"
    interval = f"interval of the mean over that many runs, by Student t{f' {scale}' if known else ''}. "
    text = (
        f"Means over completed runs at the last checkpoint, never the best. In brackets: {percent(level)} {interval}"
        "Bold: shown better than some other algorithm and worse than none."
    )
    return f"{text} {TOO_FEW}" if few else text


def improvement_caption(level: float, runs: str, *, few: bool) -> str:
    """Of the table of probabilities; ``runs`` as a range with its noun."""
    text = (
        "Probability that a run of the algorithm in the row has a higher return than one of that in the column, "
        "averaged over the environments that both have; ties count half. In brackets: "
        f"{percent(level)} stratified bootstrap intervals over {runs}. "
        "An interval that contains 0.5 shows no difference."
    )
    return f"{text} {TOO_FEW}" if few else text


def improvement_drawn_caption(statistic: str, level: float) -> str:
    """Of the probabilities as a matrix of colours."""
    return (
        "Probability of improvement: how likely a run of the algorithm in the row has a higher "
        f"{STATISTICS[statistic].in_figures} than one of the algorithm in the column, averaged over their common "
        f"environments, with its {percent(level)} stratified bootstrap interval. Bold: the interval excludes one half."
    )


def leaderboard_caption(statistic: str, level: float, replicates: int, *, few: bool, lacking: Mapping[str, str]) -> str:
    """Of a leaderboard.

    Args:
        statistic: one of `STATISTICS`.
        level: of the intervals.
        replicates: of the bootstrap.
        few: whether some interval is lacking.
        lacking: the environments that an algorithm lacks; under no name, those that nobody has.
    """
    parts = [
        f"Ranked by IQM. {STATISTICS[statistic].meaning}; {SCORE_IN_WORDS}.",
        f"In brackets: {percent(level)} stratified bootstrap intervals over runs ({replicates:,} "
        "replicates); “runs” is their fewest on an environment.",
    ]
    if few:
        parts.append(TOO_FEW)
    if nobody := lacking.get(""):
        parts.append(f"Without a score or a completed run of anyone: {nobody}.")
    less = [f"{label} lacks {environments}" for label, environments in lacking.items() if label]
    if len(less) > _NAMED:
        less = [*less[:_NAMED], f"and {len(less) - _NAMED} more"]
    if less:
        parts.append(f"Last, because its aggregates are over fewer environments: {'; '.join(less)}.")
    return " ".join(parts)


def pairs_caption(level: float, too_many: tuple[int, int] | None) -> str:
    """Of the pairwise tests; ``too_many`` tests for the runs there are, and how many runs these take."""
    text = (
        f"x − y: difference of mean final returns with its {percent(level)} Welch interval over the runs named, cut at "
        "what is possible. Both tests are two-sided, their p values corrected by Holm's method over all pairs on all "
        "environments; the verdict is the permutation test's. “No difference shown” is not “equal”: the column "
        f"“detectable” says what would have been found. With fewer than {MEANINGFUL} runs, or without any spread, "
        "nothing is tested."
    )
    if too_many:
        text += (
            f" {plural(too_many[0], 'test')} at once take{'s' * (too_many[0] == 1)} "
            f"{plural(too_many[1], 'run')} of each: fewer have too few "
            "permutations for a p value that survives the correction, however far apart they are."
        )
    return text


def profiles_caption(level: float) -> str:
    """Of the performance profiles."""
    return (
        "Performance profiles: share of runs whose final score exceeds τ, averaged over environments, with the "
        f"{percent(level)} stratified bootstrap interval (band). Higher is better; where two lines cross, neither "
        "algorithm is better throughout (Agarwal et al. 2021)."
    )


def ranks_caption(statistic: str, level: float, replicates: int, *, few: bool) -> str:
    """Of a leaderboard without scores; arguments as in `leaderboard_caption`."""
    text = (
        "No environment has score anchors, so algorithms are ranked by the mean rank of their "
        f"{STATISTICS[statistic].ranked.lower()}. In brackets: {percent(level)} stratified bootstrap intervals over "
        f"runs ({replicates:,} replicates); “runs” is their fewest on an environment."
    )
    return f"{text} {TOO_FEW}" if few else text


def thresholds_caption(at: float) -> str:
    """Of the times to a score."""
    return (
        f"Environment steps until half of the runs had reached a score of {at:g} ({SCORE}). "
        "At the right: how many runs ever reached it. An open arrow at the end of the budget: half "
        "or more never did, so the median is not known; it lies beyond."
    )
