"""The study of one algorithm, kept by Optuna in an SQLite file: what was drawn, and how each trial did.

A trial is written in one piece once it is drawn, and its random numbers are keyed by the search's seed and its number:
a search that was killed goes on to the trials that it would have had. Every result of a stage is kept with its trial,
so a stage that is told is never run again. A sampler that learns is asked for a whole bracket at a time, whose trials
it knows to be under way, and is told them in the order of their numbers: who finished first makes no difference.
"""

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import UsageError
from ...foreign import digest
from ...results.tuned import Measured, Standing, Trial, standing
from .space import Space, decoded, distribution, rounded

try:
    import optuna
    from optuna.trial import FrozenTrial, TrialState, create_trial
except ImportError as error:
    raise UsageError(f"{error.name} is not installed: pip install 'pgsuite[tune]'") from error

SAMPLERS = ("random", "tpe", "gp")
"""Names of what draws trials: at random; by a tree-structured Parzen estimator (Bergstra et al., 2011); by expected
improvement of a Gaussian process."""
FILE = "study.db"
_PLAN, _FINALS, _STAGE = "plan", "finals", "stage {}"
"""Names of what a study, or a trial, remembers."""


class AlgorithmStudy:
    """Trials of one algorithm."""

    def __init__(self, folder: Path, algorithm: str, space: Space, *, sampler: str, startup: int, seed: int) -> None:
        """Open the study in a folder's file, or begin it.

        Args:
            folder: of the search; it exists.
            algorithm: its name in the suite, and the study's.
            space: where to look.
            sampler: one of `SAMPLERS`.
            startup: trials that are drawn at random whatever the sampler.
            seed: of the search.

        Raises:
            UsageError: the file is no database of Optuna's.
        """
        self.algorithm, self._space = algorithm, space
        self._sampler, self._startup, self._seed = sampler, startup, seed
        self._kept: list[FrozenTrial] = []
        self._written = True
        with _quiet():
            try:
                storage = optuna.storages.RDBStorage(f"sqlite:///{folder / FILE}")
                self._study = optuna.create_study(
                    storage=storage,
                    study_name=algorithm,
                    direction="maximize",
                    load_if_exists=True,
                    sampler=optuna.samplers.RandomSampler(seed),
                )
            except Exception as error:
                reason = str(error).partition("\n")[0]
                raise UsageError(
                    f"{folder / FILE} cannot be opened as a study: {reason}; choose another folder with --out"
                ) from error

    def hold_to(self, plan: Mapping[str, Any]) -> None:
        """Keep what decides the search's result, or hold what is kept to it; what was not kept then is kept now.

        Raises:
            UsageError: naming what differs from the search that was begun.
        """
        known, wanted = self._study.user_attrs.get(_PLAN, {}), json.loads(json.dumps(plan))
        if differing := [name for name, value in wanted.items() if known.get(name, value) != value]:
            raise UsageError(
                f"the search for {self.algorithm} in this folder was begun with other {', '.join(differing)}: "
                "go on with the same command, or choose another folder with --out"
            )
        if known.keys() != wanted.keys():
            self._study.set_user_attr(_PLAN, wanted)

    def draw(self, numbers: range) -> None:
        """Draw those of the trials that are not there; the numbers follow those of the trials before."""
        while (number := len(self._trials)) < numbers.stop:
            drawn = self._drawn(number)
            self._to_write.add_trial(drawn)

    def _drawn(self, number: int) -> FrozenTrial:
        """Return a trial that is under way, drawn in a copy of the study."""
        seed = int(
            np.random.SeedSequence([self._seed, int(digest(self.algorithm, 8), 16), number]).generate_state(1)[0]
        )
        distributions = {name: distribution(searched) for name, searched in self._space.items()}
        with _quiet():
            copy = optuna.create_study(direction="maximize", sampler=self._made(seed, number))
            copy.add_trials(self._trials)
            values = copy.ask(fixed_distributions=distributions).params
        params = {name: rounded(values[name], searched) for name, searched in self._space.items()}
        return create_trial(state=TrialState.RUNNING, params=params, distributions=distributions)

    def _made(self, seed: int, number: int) -> "optuna.samplers.BaseSampler":
        if self._sampler == "random" or number < self._startup:
            return optuna.samplers.RandomSampler(seed)
        if self._sampler == "tpe":
            return optuna.samplers.TPESampler(seed=seed, n_startup_trials=0, constant_liar=True)
        return optuna.samplers.GPSampler(seed=seed, n_startup_trials=0)

    def settings(self, number: int) -> dict[str, Any]:
        """Return the hyperparameters of a trial."""
        params = self._trials[number].params
        return {name: decoded(params[name], searched) for name, searched in self._space.items()}

    def measured(self, number: int) -> dict[int, Measured]:
        """Return what is known of a trial, by stage."""
        attributes = self._trials[number].user_attrs
        stages = sorted(int(name.split()[1]) for name in attributes if name.startswith("stage "))
        return {stage: _read(attributes[_STAGE.format(stage)]) for stage in stages}

    def record(self, number: int, stage: int, measured: Measured) -> None:
        """Keep a trial's result of a stage."""
        self._live(number).set_user_attr(_STAGE.format(stage), measured._asdict())

    def report(self, number: int, stage: int) -> None:
        """Tell Optuna how a trial stands after a stage; again if that was told already, which changes nothing."""
        trial = self._trials[number]
        if not (trial.state.is_finished() or stage in trial.intermediate_values):
            reliable = self.standing(number, stage).reliable
            self._live(number).report(reliable, stage)

    def standing(self, number: int, stage: int) -> Standing:
        """Return how a trial stood after a stage that it ran."""
        return standing([measured for n, measured in self.measured(number).items() if n <= stage])

    def end(self, number: int, stages: int) -> None:
        """Tell Optuna how a trial ended: complete with where it stood after the last of the stages, or pruned before.

        Again if that was told already, which changes nothing.
        """
        if self._trials[number].state.is_finished():
            return
        if len(self.measured(number)) == stages:
            reliable = self.standing(number, stages - 1).reliable
            self._to_write.tell(number, reliable)
        else:
            self._to_write.tell(number, state=TrialState.PRUNED)

    def finals(self) -> dict[int, tuple[Measured, ...]]:
        """Return the finalists' results, by the number of the trial; empty before the finals."""
        known: Mapping[str, Any] = self._study.user_attrs.get(_FINALS, {})
        return {int(number): tuple(map(_read, measured)) for number, measured in known.items()}

    def record_finals(self, finals: Mapping[int, tuple[Measured, ...]]) -> None:
        """Keep the finalists' results."""
        kept = {str(number): [one._asdict() for one in measured] for number, measured in finals.items()}
        self._study.set_user_attr(_FINALS, kept)

    def trials(self) -> list[Trial]:
        """Return all trials."""
        finals = self.finals()
        winner = max(finals, key=lambda number: (*_ranked(standing(finals[number])), -number), default=None)
        return [
            Trial(
                self.algorithm,
                number,
                self.settings(number),
                tuple(self.measured(number).values()),
                finals.get(number, ()),
                number == winner,
            )
            for number in range(len(self._trials))
        ]

    def importance(self) -> dict[str, float]:
        """Return each hyperparameter's share in telling the better half of the trials, on the first stage, from all.

        Half, because with some ten trials a smaller share is one or two of them, whose place is chance. Empty where
        there are too few trials, or they do not differ.

        Source: Watanabe et al. (2023), "PED-ANOVA".
        """
        first = [(trial, self.measured(trial.number).get(0)) for trial in self._trials]
        scores = [standing([measured]).reliable for _, measured in first if measured]
        varied = len({str(one) for one in scores}) > 1
        if len(scores) < 4 or not varied or len(self._space) < 2:
            return {}
        with _quiet():
            copy = optuna.create_study(direction="maximize")
            for trial, measured in first:
                if measured:
                    value, kept = standing([measured]).reliable, trial.distributions
                    copy.add_trial(create_trial(value=value, params=trial.params, distributions=kept))
            evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=0.5)
            return optuna.importance.get_param_importances(copy, evaluator=evaluator)

    @property
    def _trials(self) -> list[FrozenTrial]:
        """All trials as they are in the file, which is read once after it was written to: nobody else does.

        They are Optuna's own, not to be changed.
        """
        if self._written:
            self._kept, self._written = self._study.get_trials(deepcopy=False), False
        return self._kept

    @property
    def _to_write(self) -> "optuna.Study":
        """The study, to write to its trials before anything of them is read."""
        self._written = True
        return self._study

    def _live(self, number: int) -> "optuna.Trial":
        """The trial under way, to be written to in the same way."""
        identity = self._trials[number]._trial_id
        return optuna.Trial(self._to_write, identity)


def _ranked(found: Standing) -> tuple[float, float]:
    return found.reliable, found.area


def _read(kept: Mapping[str, Any]) -> Measured:
    return Measured(**{**kept, "scores": tuple(kept["scores"])})


@contextmanager
def _quiet() -> Iterator[None]:
    """Let Optuna keep its log and its warnings of what is experimental to itself."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(before)
