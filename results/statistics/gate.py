"""Whether a change made an algorithm worse: a decision on paired runs, made in two stages.

The unit is the seed, the datum the difference between its two runs, candidate less baseline, in score units.

**Screening** looks at growing samples and is lax: a cell that looks worse is sent on, and fails nothing yet.
**Confirmation** tests what was sent on fresh seeds, by a group-sequential test at a family-wise level: Holm's procedure
over the cells that were sent. As these runs were never looked at before, chance and luck of the screening cannot raise
the error above that level. A cell **passes** where a drop of the margin is excluded; otherwise it stays open.

Runs come from a function that is asked for so many pairs of some cells, so that the same code decides a check, and is
tried on pools of runs.

Source: Jennison & Turnbull (2000), chapters 7 and 19; Maurer & Bretz (2013) for Holm's procedure with looks; McNemar
(1947), exact.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from .metrics import mean_interval
from .sequential import boundaries

Array = NDArray[np.float64]
Stage = Literal["screening", "confirmation"]
Verdict = Literal["identical", "passed", "improved", "regressed", "open"]
LOOKS = (5, 10, 20, 40, 80, 160)
"""Pairs at which screening looks, as far as seeds are allowed."""
CERTAIN = 38.0
"""Statistic of differences without any spread: as many standard deviations as a probability can be told from 0."""
NEGLIGIBLE = 1e-6
"""Mean difference, in score units, that is none: rounding, the same in every seed, is no drop."""
_LOSING = 1.645
"""Statistic of McNemar's test from which a cell neither passes nor improves."""


class Pairs(NamedTuple):
    """The two runs of each of some seeds."""

    difference: Array
    """``(n,)`` candidate less baseline, in score units."""
    lost: NDArray[np.bool_]
    """``(n,)`` the candidate diverged and the baseline did not."""
    saved: NDArray[np.bool_]
    """``(n,)`` the other way round."""
    baseline: Array
    """``(n,)`` the baseline's scores."""

    def and_then(self, other: "Pairs") -> "Pairs":
        """Return the pairs of both."""
        return Pairs(*(np.concatenate(parts) for parts in zip(self, other, strict=True)))

    @classmethod
    def none(cls) -> "Pairs":
        """Return no pairs."""
        return cls(np.empty(0), np.empty(0, np.bool_), np.empty(0, np.bool_), np.empty(0))


class Failed(NamedTuple):
    """Why the candidate's runs of a cell could not be had, although the baseline's could."""

    reason: str


Fetch = Callable[[Stage, Mapping[str, int]], Mapping[str, Pairs | Failed]]
"""Asked for the first so many pairs of cells, of one stage; gives them, or why the candidate failed."""


@dataclass(frozen=True, kw_only=True)
class Design:
    """What is decided, and how surely."""

    margin: float = 0.10
    """A drop of so much score is excluded where a cell passes; or of ``share`` of the baseline's mean score where that
    is less, but not of less than ``least``."""
    share: float = 0.20
    least: float = 0.05
    screening: tuple[int, ...] = LOOKS
    """Pairs at each look of the screening."""
    confirmation: tuple[int, ...] = LOOKS[1:]
    """Fresh pairs at each look of the confirmation."""
    screening_level: float = 0.2
    """One-sided chance of sending on a cell that is as good as before."""
    improvement_level: float = 0.05
    """The same for one that is said to be better, which changes no exit code."""
    level: float = 0.05
    """One-sided, family-wise: chance that anything is called regressed where nothing is."""
    passing_level: float = 0.025
    """One-sided chance of passing a cell whose drop is the margin."""
    fewest: int = 40
    """Pairs that passing takes: a collapse of one seed in ten is missed by them with probability .015."""
    floor: float = 0.15
    """Standard deviation of a difference that passing reckons with at least."""
    frozen: bool = False
    """Whether confirmation has the rest of a bank instead of fresh runs; its luck is then part of the error."""

    @classmethod
    def of(cls, seeds: int, *, margin: float = 0.10) -> "Design":
        """Return the design that screens up to so many pairs, and confirms on as many."""
        return cls(margin=margin, screening=_up_to(seeds, LOOKS), confirmation=_up_to(seeds, LOOKS[1:]))

    @classmethod
    def of_bank(cls, seeds: int, *, margin: float = 0.10) -> "Design":
        """Return the design for so many pairs in all, half of which are left for confirmation."""
        half = seeds // 2
        return cls(
            margin=margin, screening=_up_to(seeds - half, LOOKS), confirmation=_up_to(half, LOOKS[1:]), frozen=True
        )

    @property
    def passing(self) -> tuple[int, ...]:
        """Looks of the screening at which a cell can pass."""
        return tuple(look for look in self.screening if look >= self.fewest)


def _up_to(seeds: int, looks: tuple[int, ...]) -> tuple[int, ...]:
    """The looks below a number of seeds, and one at it unless that is beyond them all."""
    return (*(look for look in looks if look < seeds), min(seeds, looks[-1]))


class Look(NamedTuple):
    """What one look saw."""

    stage: Stage
    seeds: int
    mean: float
    """Of the differences."""
    spread: float
    """Their standard deviation."""
    statistic: float
    """Of the mean, standard normal where nothing changed."""
    bound: float
    """Minus the bound below which the statistic is taken for worse."""


@dataclass
class Trial:
    """What is known of a cell."""

    design: Design
    screened: Pairs = field(default_factory=Pairs.none)
    confirmed: Pairs = field(default_factory=Pairs.none)
    """Fresh pairs."""
    looks: list[Look] = field(default_factory=list)
    verdict: Verdict = "open"
    reason: str = ""
    """Why it regressed or improved, in a few words."""
    failed: bool = False
    """Whether it regressed because its runs could not be had."""
    sent: Literal["", "regressed", "improved"] = ""
    """As what it was sent to confirmation."""
    decided: bool = False

    @property
    def evidence(self) -> Pairs:
        """What the difference is told by: fresh pairs where they confirmed something, else all."""
        confirmed = self.verdict in ("regressed", "improved") and len(self.confirmed.difference) > 1
        return self.confirmed if confirmed else self.screened.and_then(self.confirmed)

    @property
    def seeds(self) -> int:
        """Pairs looked at."""
        return len(self.screened.difference) + len(self.confirmed.difference)

    @property
    def mean(self) -> float:
        """Of the differences; NaN without any."""
        return float(self.evidence.difference.mean()) if len(self.evidence.difference) else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Of their mean, level .95."""
        return mean_interval(self.evidence.difference)

    @property
    def margin(self) -> float:
        """Drop that has to be excluded before it passes: of the baseline's first runs, the same at every look."""
        design, level = self.design, self.screened.baseline[: self.design.fewest]
        own = design.share * float(level.mean()) if len(level) else design.margin
        return min(design.margin, max(design.least, own))

    @property
    def excluded(self) -> float:
        """The drop that can be excluded so far, at the level of passing."""
        return -lower_bound(self.evidence.difference, self.design.floor, self.design.passing_level)

    @property
    def detectable(self) -> float:
        """The smallest drop that confirmation would find in four of five cases, at the spread seen."""
        x, last = self.evidence.difference, self.design.confirmation
        if len(x) < 2:
            return math.nan
        reach = boundaries(self.design.level, last)[-1] + special.ndtri(0.8)
        return float(reach * x.std(ddof=1) / math.sqrt(last[-1]))

    @property
    def would_decide(self) -> int | None:
        """Pairs that would let it pass at the mean and spread seen; None where no number would."""
        x = self.evidence.difference
        room = self.mean + self.margin
        if len(x) < 2 or not room > 0:
            return None
        spread = max(float(x.std(ddof=1)), self.design.floor)
        reach = -float(special.ndtri(self.design.passing_level))
        return max(self.design.fewest, math.ceil((reach * spread / room) ** 2))

    def _decide(self, verdict: Verdict, reason: str = "") -> None:
        self.verdict, self.reason, self.decided = verdict, reason, True

    def _fail(self, reason: str) -> None:
        self._decide("regressed", reason)
        self.failed = True

    def _passes(self, level: float) -> bool:
        x = self.screened.and_then(self.confirmed).difference
        excluded = len(x) >= self.design.fewest and lower_bound(x, self.design.floor, level) > -self.margin
        return excluded and not self._loses

    @property
    def _loses(self) -> bool:
        """Whether its runs seem to diverge more often, whatever the scores of the others say."""
        return loss_statistic(self.screened.and_then(self.confirmed)) > _LOSING


OnLook = Callable[[str, Trial], None]
"""Hears of a cell after each look at it."""


def statistic(difference: Array) -> float:
    """Return a paired t test's statistic as a normal one: what has the same tail; 0 for fewer than two pairs."""
    n = len(difference)
    if n < 2:
        return 0.0
    mean, spread = float(difference.mean()), float(difference.std(ddof=1))
    if not abs(mean) > NEGLIGIBLE:
        return 0.0
    if spread <= 1e-12 * max(1.0, abs(mean)):
        return math.copysign(CERTAIN, mean)
    t = mean / spread * math.sqrt(n)
    return float(math.copysign(min(CERTAIN, -special.ndtri(special.stdtr(n - 1, -abs(t)))), t))


def loss_statistic(pairs: Pairs) -> float:
    """Return McNemar's exact test that the candidate diverges more often, as a normal statistic."""
    lost, saved = int(pairs.lost.sum()), int(pairs.saved.sum())
    if not lost:
        return -CERTAIN
    p = special.bdtrc(lost - 1, lost + saved, 0.5)
    return float(np.clip(-special.ndtri(p), -CERTAIN, CERTAIN))


def lower_bound(difference: Array, floor: float, level: float) -> float:
    """Return the one-sided lower confidence bound of the mean, the spread taken for at least ``floor``."""
    n = len(difference)
    if n < 2:
        return -math.inf
    spread = max(float(difference.std(ddof=1)), floor)
    return float(difference.mean() + special.stdtrit(n - 1, level) * spread / math.sqrt(n))


def sign_flip_p(difference: Array, *, samples: int = 20_000, seed: int = 0) -> float:
    """Return the one-sided p-value that the mean is below 0, from flips of signs: exact for up to 12 pairs.

    Source: Fisher (1935); Pesarin & Salmaso (2010).
    """
    x = np.asarray(difference, np.float64)
    if not len(x):
        return math.nan
    if len(x) <= 12:
        codes = np.arange(2 ** len(x))
        signs = 1.0 - 2.0 * ((codes[:, None] >> np.arange(len(x))) & 1)
        return float(np.mean(signs @ x <= x.sum() + 1e-12))
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], (samples, len(x)))
    return float((1 + np.sum(signs @ x <= x.sum() + 1e-12)) / (samples + 1))


def decide(
    cells: Sequence[str], fetch: Fetch, design: Design, on_look: OnLook = lambda _c, _t: None
) -> dict[str, Trial]:
    """Decide every cell.

    Args:
        cells: their names.
        fetch: gives pairs.
        design: how.
        on_look: hears of a cell after each look at it.
    """
    trials = {cell: Trial(design) for cell in cells}
    _screen(trials, design, fetch, on_look)
    _confirm({cell: trial for cell, trial in trials.items() if trial.sent}, design, fetch, on_look)
    if design.frozen:
        _look_at_all(
            {cell: trial for cell, trial in trials.items() if not (trial.decided or trial.sent)}, fetch, on_look
        )
    return trials


def _screen(trials: Mapping[str, Trial], design: Design, fetch: Fetch, on_look: OnLook) -> None:
    left = dict(trials)
    worse = boundaries(design.screening_level, design.screening, "early")
    better = boundaries(design.improvement_level, design.screening, "early")
    passing = boundaries(design.passing_level, design.passing, "early") if design.passing else ()
    levels = dict(zip(design.passing, special.ndtr(-np.array(passing)).tolist(), strict=True))
    for look, bound, gain in zip(design.screening, worse, better, strict=True):
        for cell, found in (fetch("screening", dict.fromkeys(left, look)) if left else {}).items():
            trial = left[cell]
            if isinstance(found, Failed):
                trial._fail(found.reason)
            else:
                trial.screened = found
                value = statistic(found.difference)
                trial.looks.append(_look("screening", found, value, bound))
                if max(-value, loss_statistic(found)) >= bound:
                    trial.sent = "regressed"
                elif value >= gain:
                    trial.sent = "improved"
                elif look in levels and trial._passes(levels[look]):
                    trial._decide("passed")
            if trial.sent or trial.decided:
                del left[cell]
            on_look(cell, trial)


def _confirm(trials: Mapping[str, Trial], design: Design, fetch: Fetch, on_look: OnLook) -> None:
    """Holm's procedure with looks, over the cells sent as worse, and apart over those sent as better."""
    kinds: tuple[Verdict, ...] = ("regressed", "improved")
    families = {kind: [cell for cell, trial in trials.items() if trial.sent == kind] for kind in kinds}
    left = dict(trials)
    for n, look in enumerate(design.confirmation):
        for cell, found in (fetch("confirmation", dict.fromkeys(left, look)) if left else {}).items():
            if isinstance(found, Failed):
                left[cell]._fail(found.reason)
            else:
                left[cell].confirmed = found
        for kind, members in families.items():
            _reject(kind, [cell for cell in members if cell in left], members, trials, n)
        for cell, trial in list(left.items()):
            # Whoever was sent on looked worse than it is: all its pairs together err against passing.
            if not trial.decided and look >= design.fewest and trial._passes(design.passing_level / 2):
                trial._decide("passed")
            if trial.decided:
                del left[cell]
            on_look(cell, trial)


def _reject(kind: Verdict, active: list[str], members: list[str], trials: Mapping[str, Trial], n: int) -> None:
    """Reject at a look, step by step: what one rejection frees, the others may use."""

    def bound(trial: Trial) -> float:
        remaining = max(1, sum(trials[cell].verdict != kind for cell in members))
        # Where runs diverge there are two tests, of scores and of divergence, which share the level.
        tests = 2 if kind == "regressed" and (trial.confirmed.lost | trial.confirmed.saved).any() else 1
        return boundaries(trial.design.level / (remaining * tests), trial.design.confirmation)[n]

    undecided = {cell: trials[cell] for cell in active if not trials[cell].decided}
    for trial in undecided.values():
        value = statistic(trial.confirmed.difference)
        trial.looks.append(_look("confirmation", trial.confirmed, value, bound(trial)))
    while crossing := [trial for trial in undecided.values() if _evidence(kind, trial) >= bound(trial)]:
        for trial in crossing:
            lost = loss_statistic(trial.confirmed) > -statistic(trial.confirmed.difference)
            reasons = {"regressed": "more runs diverge" if lost else "lower scores", "improved": "higher scores"}
            trial._decide(kind, reasons[kind])
        undecided = {cell: trial for cell, trial in undecided.items() if not trial.decided}


def _evidence(kind: Verdict, trial: Trial) -> float:
    """How much fresh pairs speak for a verdict."""
    value = statistic(trial.confirmed.difference)
    if kind == "improved":
        return -CERTAIN if trial._loses else value
    return max(-value, loss_statistic(trial.confirmed))


def _look_at_all(trials: Mapping[str, Trial], fetch: Fetch, on_look: OnLook) -> None:
    """Where no fresh runs can be had, let those that are left for confirmation help passing."""
    wanted = {cell: trial.design.confirmation[-1] for cell, trial in trials.items()}
    for cell, found in (fetch("confirmation", wanted) if wanted else {}).items():
        trial = trials[cell]
        if isinstance(found, Failed):
            trial._fail(found.reason)
        else:
            trial.confirmed = found
            if trial._passes(trial.design.passing_level):
                trial._decide("passed")
        on_look(cell, trial)


def _look(stage: Stage, pairs: Pairs, value: float, bound: float) -> Look:
    x = pairs.difference
    return Look(stage, len(x), float(x.mean()), float(x.std(ddof=1)) if len(x) > 1 else math.nan, value, -bound)
