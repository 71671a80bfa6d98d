"""A check from request to verdict: the tiers, cheapest first, and what is said of each cell."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ...errors import UsageError
from ...results.checked import Checked, CheckedCell, Outcome
from ...results.statistics.gate import Design, Failed, Pairs, Stage, Trial, decide, sign_flip_p
from ...results.store.audit import departures_of, read_audit
from ...results.store.places import local
from ...wording import plural
from .arms import Incomparable
from .opening import SEEDS, Opened, Request, opened
from .pairing import Arms, Metric, Scale, correlation, estimate, lower_tail
from .sides import Key, Live, Recorded, named
from .speed import ROUNDS, compare_speed
from .waivers import waived
from .watching import Silence, Watcher

SAME_BITS = 5
"""Seeds that both arms run for the second tier."""
FEWEST = 5
"""Pairs below which nothing is decided by learning curves."""
_FRESH = 10**9
"""Seeds from here on are in no bank."""


def check(
    suite: str,
    *,
    baseline: str | Path = "",
    against: str = "",
    algorithms: Sequence[str] = (),
    environments: Sequence[str] = (),
    baseline_suite: str | Path = "",
    seeds: int = SEEDS,
    steps: int | None = None,
    margin: float | None = None,
    metric: Metric = "auc",
    audit: bool = True,
    speed: bool = False,
    across_versions: bool = False,
    workers: int | None = None,
    out: str | Path | None = None,
) -> Checked:
    """Check whether the working tree made an algorithm of a suite worse, and say nothing meanwhile.

    ``assert pgsuite.check("quick", baseline="main").ok`` is a test.

    Args:
        suite: name of a shipped suite, or path of a TOML file.
        baseline: git revision, results folder or blessed bank, or a URL of one.
        against: instead of a baseline, another class to compare the one in ``algorithms`` with.
        algorithms: of the suite, or addresses; all by default.
        environments: of the suite; all by default.
        baseline_suite: suite file for the baseline, where it is another.
        seeds: pairs of runs that screening goes up to.
        steps: budget of a run instead of the suite's.
        margin: drop of score that a cell passes without; the suite's by default.
        metric: area under the curve, or the final score.
        audit: whether gradients are audited.
        speed: whether training speed is compared.
        across_versions: whether the libraries may differ from a bank's.
        workers: processes at once; one per core by default.
        out: folder of the runs, no URL; ``runs/check/SUITE`` by default.

    Raises:
        UsageError: the request cannot be carried out as written.
        Incomparable: the baseline is missing, or cannot be compared.
    """
    request = Request(
        suite=str(suite),
        baseline=str(baseline),
        against=against,
        algorithms=tuple(algorithms),
        environments=tuple(environments),
        baseline_suite=str(baseline_suite),
        seeds=seeds,
        steps=steps,
        margin=margin,
        metric=metric,
        audit=audit,
        speed=speed,
        across_versions=across_versions,
        workers=workers,
        out=None if out is None else local(out, "out"),
    )
    return carry_out(request)


def carry_out(request: Request, watcher: Watcher | None = None) -> Checked:
    """Check what is asked; the arguments of `check` as one request."""
    with opened(request) as both:
        return _Check(request, both, watcher or Silence()).run()


class _Check:
    """One check, tier by tier."""

    def __init__(self, request: Request, both: Opened, watcher: Watcher) -> None:
        self._request, self._both, self._watcher = request, both, watcher
        self._candidate, self._baseline = both.candidate, both.baseline
        self._begun = time.monotonic()
        self._margin = both.suite.check.margin if request.margin is None else request.margin
        self._waived = waived(both.suite, [*both.keys, *both.refused])
        self._notes = list(both.notes)
        self._names = {named(key): key for key in both.keys}
        self._scales: dict[Key, Scale] = {}
        self._cells: dict[Key, CheckedCell] = {}
        self._departures: dict[str, list[str]] = {}
        self._audited: tuple[str, ...] = ()
        self._design = self._designed()

    def run(self) -> Checked:
        """Go through the tiers; the first that decides ends the matter for a cell."""
        self._same_spaces()
        self._same_source()
        self._same_bits()
        self._audit()
        self._curves()
        self._speed()
        return Checked(
            suite=self._both.suite.name,
            baseline=self._both.names[0],
            candidate=self._both.names[1],
            margin=self._margin,
            metric=self._request.metric,
            cells=tuple(self._cells[key] for key in (*self._both.keys, *self._both.refused)),
            seconds=time.monotonic() - self._begun,
            notes=tuple(self._notes),
            departures=self._departures,
            audited=self._audited,
            open_is_ok=self._request.open_is_ok,
        )

    @property
    def _left(self) -> list[Key]:
        return [key for key in self._both.keys if key not in self._cells]

    def _designed(self) -> Design:
        request, bank = self._request, self._both.bank
        if bank is None or not self._both.keys:
            return Design.of(request.seeds, margin=self._margin)
        counts = {key: len(bank.cells[key].runs) for key in self._both.keys}
        fewest = min(counts.values())
        if fewest < 2:
            key = min(counts, key=lambda key: counts[key])
            raise Incomparable(f"{bank.name} has {fewest} finished runs of {named(key)}: bless it, or leave it out")
        return Design.of_bank(min(request.seeds * 2, fewest), margin=self._margin)

    def _seeds(self, key: Key, stage: Stage, n: int) -> list[int]:
        """The first so many seeds of a cell for a stage: a bank's own, or fresh ones that nobody could have chosen."""
        known = self._baseline.recorded_seeds(key)
        if self._design.frozen:
            half = self._design.screening[-1]
            return known[:half][:n] if stage == "screening" else known[half:][:n]
        if stage == "screening":
            return [*known, *(seed for seed in range(n) if seed not in known)][:n]
        digest = hashlib.sha256(self._candidate.fingerprint(key).encode()).digest()
        first = _FRESH + int.from_bytes(digest[:4]) % _FRESH
        return list(range(first, first + n))

    def _put(self, key: Key, cell: CheckedCell) -> None:
        seconds, waiver = time.monotonic() - self._begun, self._waived.get(key, "")
        ran = ("", "") if key in self._both.refused else (self._baseline.ran(key), self._candidate.ran(key))
        timed = replace(cell, seconds=seconds, waiver=waiver, ran=ran)
        self._cells[key] = timed
        self._watcher.decided(timed)

    def _same_spaces(self) -> None:
        """Say which pairs have no runs; one that had them in the baseline is lost, which is a regression."""
        for key, refused in self._both.refused.items():
            verdict: Outcome = "regressed" if refused.is_lost else "not applicable"
            reason = f"not applicable any more: {refused.reason}" if refused.is_lost else refused.reason
            self._put(key, CheckedCell(algorithm=key[0], env=key[1], verdict=verdict, tier="spaces", reason=reason))

    def _same_source(self) -> None:
        for key in self._left:
            if self._candidate.fingerprint(key) == self._baseline.fingerprint(key):
                self._put(key, CheckedCell(algorithm=key[0], env=key[1], verdict="identical", tier="source"))

    def _same_bits(self) -> None:
        wanted = {key: self._seeds(key, "screening", min(SAME_BITS, self._request.seeds)) for key in self._left}
        failed = self._run(wanted, "same bits")
        for key, seeds in wanted.items():
            if key in failed:
                self._put(key, self._failure(key, failed[key]))
                continue
            arms = self._arms(key, seeds)
            if seeds and [run.bits for run in arms.baseline] == [run.bits for run in arms.candidate]:
                cell = CheckedCell(algorithm=key[0], env=key[1], verdict="identical", tier="bits", seeds=len(seeds))
                self._put(key, cell)

    def _failure(self, key: Key, reason: str) -> CheckedCell:
        return CheckedCell(algorithm=key[0], env=key[1], verdict="regressed", tier="runs", reason=reason)

    def _audit(self) -> None:
        if not self._request.audit or not self._left:
            return
        arm = self._candidate.arm
        references = {key[0]: str(self._candidate.record(key)["reference"]) for key in self._left}
        audited = [name for name, reference in references.items() if arm.ask("auditable", reference=reference)]
        ours = self._departed(self._candidate, audited)
        audited = [name for name in audited if name in ours]
        suspects = [name for name in audited if ours[name]]
        theirs = self._departed(self._baseline, suspects) if suspects else {}
        self._audited = tuple(audited)
        for name in suspects:
            if name not in theirs:
                self._notes.append(f"{name} departs from its declared target; whether it did before, nobody recorded")
                continue
            before = set(map(_model, theirs[name]))
            if lines := [line for line in ours[name] if _model(line) not in before]:
                self._departures[name] = lines
        for key in self._left:
            if lines := self._departures.get(key[0], []):
                models = list(dict.fromkeys(map(_model, lines)))
                others = f" and {len(models) - 4} more" if len(models) > 4 else ""
                reason = f"its gradient departs from the declared target on {', '.join(models[:4])}{others}"
                cell = CheckedCell(algorithm=key[0], env=key[1], verdict="regressed", tier="audit", reason=reason)
                self._put(key, cell)

    def _departed(self, side: Live | Recorded, names: Sequence[str]) -> dict[str, list[str]]:
        """What an audit finds of algorithms, by name; those that nobody audited are not there."""
        if isinstance(side, Recorded):
            return {name: list(side.departures[name]) for name in names if name in side.departures}
        found = {}
        for name in names:
            keys = [key for key in self._both.keys if key[0] == name]
            parts = [*(side.fingerprint(key) for key in keys), *self._request.models]
            digest = hashlib.sha256("".join(parts).encode()).hexdigest()[:16]
            path = self._both.out.absolute() / "audits" / f"{digest}.json"
            if not path.exists():
                self._watcher.stage(f"gradient audit of {name}, {side.arm.name}")
                path.parent.mkdir(parents=True, exist_ok=True)
                reference = str(side.record(keys[0])["reference"])
                try:
                    side.arm.ask(
                        "audit",
                        algorithms=[reference],
                        models=list(self._request.models),
                        workers=self._request.workers,
                        path=str(path),
                    )
                except UsageError as error:
                    if self._request.models:  # one of them may not exist
                        raise
                    # It has a gradient, but none that can be held against an exact one.
                    self._notes.append(str(error))
                    continue
            found[name] = departures_of(read_audit(path))
        return found

    def _curves(self) -> None:
        left = self._left
        if not left:
            return
        if self._design.screening[-1] < FEWEST:
            for key in left:
                reason = (
                    f"no verdict can be reached with {self._design.screening[-1]} seeds: it takes at least {FEWEST} to "
                    f"find a regression, {self._design.fewest} to pass"
                )
                self._put(key, CheckedCell(algorithm=key[0], env=key[1], verdict="open", tier="curves", reason=reason))
            return
        if not self._design.passing and not self._design.frozen:
            self._notes.append(f"fewer than {self._design.fewest} seeds: no cell can pass")
        trials = decide([named(key) for key in left], self._fetch, self._design, self._looked)
        for name, trial in trials.items():
            if not trial.decided:
                self._decided(name, trial)
        if any(self._scales[key].own for key in left if key in self._scales):
            self._notes.append(
                "without anchors, score 0 is the baseline's return before training, 1 its return at the end"
            )

    def _fetch(self, stage: Stage, wanted: Mapping[str, int]) -> Mapping[str, Pairs | Failed]:
        seeds = {self._names[name]: self._seeds(self._names[name], stage, n) for name, n in wanted.items()}
        failed = self._run(seeds, stage)
        found: dict[str, Pairs | Failed] = {}
        for name in wanted:
            key = self._names[name]
            if key in failed:
                found[name] = Failed(failed[key])
            else:
                found[name] = self._arms(key, seeds[key]).pairs(self._scale(key), self._request.metric)
        return found

    def _looked(self, name: str, trial: Trial) -> None:
        if trial.decided:
            self._decided(name, trial)

    def _decided(self, name: str, trial: Trial) -> None:
        key = self._names[name]
        if trial.failed:
            self._put(key, self._failure(key, trial.reason))
            return
        scale, metric = self._scale(key), self._request.metric
        other: Metric = "final" if metric == "auc" else "auc"
        taken: tuple[tuple[Stage, Pairs], ...] = ("screening", trial.screened), ("confirmation", trial.confirmed)
        arms = self._arms(
            key, [seed for stage, pairs in taken for seed in self._seeds(key, stage, len(pairs.difference))]
        )
        before, after = arms.scores(scale, metric)
        evidence = trial.evidence.difference
        cell = CheckedCell(
            algorithm=key[0],
            env=key[1],
            verdict=trial.verdict,
            tier="curves",
            reason=trial.reason,
            seeds=trial.seeds,
            difference=estimate(evidence),
            other=estimate(arms.pairs(scale, other).difference),
            tail=(lower_tail(before), lower_tail(after)),
            diverged=arms.diverged(),
            correlation=correlation(before, after),
            sign_flip_p=sign_flip_p(evidence),
            detectable=trial.detectable,
            excluded=trial.excluded,
            margin=trial.margin,
            would_decide=trial.would_decide,
            looks=tuple(trial.looks),
            steps=tuple(scale.steps.tolist()),
            curves=arms.bands(scale),
            diagnostics=arms.diagnostics(),
        )
        self._put(key, cell)

    def _scale(self, key: Key) -> Scale:
        """A cell's score units, the same at every look."""
        if key not in self._scales:
            seeds = self._seeds(key, "screening", min(SAME_BITS, self._design.screening[-1]))
            ours, theirs = self._candidate.record(key).get("anchors"), self._baseline.record(key).get("anchors")
            if ours != theirs:
                self._notes.append(f"the anchors of {key[1]} have changed: scores are in units of the baseline's")
            runs = self._baseline.runs(key, seeds), self._candidate.runs(key, seeds)
            self._scales[key] = Scale.of(theirs, *(list(each.values()) for each in runs))
        return self._scales[key]

    def _arms(self, key: Key, seeds: Sequence[int]) -> Arms:
        before, after = self._baseline.runs(key, seeds), self._candidate.runs(key, seeds)
        return Arms([before[seed] for seed in seeds], [after[seed] for seed in seeds])

    def _run(self, wanted: Mapping[Key, Sequence[int]], what: str) -> dict[Key, str]:
        """Run what is missing in both arms; return why the candidate failed.

        Raises:
            Incomparable: the baseline's runs cannot be had.
        """
        if not wanted:
            return {}
        count = max(len(seeds) for seeds in wanted.values())
        sides = (self._candidate, "candidate"), (self._baseline, "baseline")
        failed: list[Mapping[Key, str]] = []
        for n, (side, name) in enumerate(sides):
            self._watcher.stage(f"{what}, {plural(count, 'seed')} of {plural(len(wanted), 'cell')}, {name}")
            on_share = lambda share, n=n: self._watcher.progress((n + share) / 2)  # noqa: E731
            failed.append(side.run(wanted, self._request.workers, on_share))
        for key, reason in failed[1].items():
            raise Incomparable(f"the baseline's runs of {named(key)} cannot be had: {reason}")
        return dict(failed[0])

    def _speed(self) -> None:
        """Compare the speed of cells whose source has changed and whose runs could be had."""
        baseline = self._baseline
        changed = [key for key, cell in self._cells.items() if cell.tier in ("bits", "curves")]
        if not self._request.speed or not changed or not isinstance(baseline, Live):
            return
        done = 0

        def on_round() -> None:
            nonlocal done
            done += 1
            self._watcher.progress(done / (ROUNDS * len(changed)))

        self._watcher.stage(f"speed of {plural(len(changed), 'cell')}, both in turn")
        margin = self._request.speed_margin
        for key, speed in compare_speed(self._candidate.arm, baseline.arm, changed, margin, on_round).items():
            cell = replace(self._cells[key], speed=speed)
            if speed.slower and cell.verdict != "regressed":
                ratio = f"trains at {speed.ratio[0]:.0%} of the baseline's speed"
                cell = replace(cell, verdict="regressed", tier="speed", reason=ratio)
                self._watcher.decided(cell)
            self._cells[key] = cell


def _model(line: str) -> str:
    """The model that a line of an audit's departures is about."""
    return line.partition(",")[0].partition(":")[0]
