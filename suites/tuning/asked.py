"""What a sweep and a search are asked for alike, and the suite that it is checked against. Loads no torch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..named_code import let_in_code_of
from ..scheduling.places import LOCAL
from ..schema import Suite, check_names, load_suite


@dataclass(frozen=True, kw_only=True)
class StudyRequest:
    """What is asked for."""

    suite: str
    """Name of a shipped suite, or path of a file."""
    out: Path
    algorithms: tuple[str, ...] = ()
    """Of the suite, or others, which then have, or start from, their defaults; all of the suite when empty."""
    environments: tuple[str, ...] = ()
    """Of the suite, in the order of a search's stages, or, with ``steps``, any id; all of the suite when empty."""
    steps: int | None = None
    """Budget of a run instead of the suite's."""
    on: str = LOCAL
    """Where, as `pgsuite run` has it."""
    mixed: bool = False
    """Whether a cluster's machines may differ."""


def checked_suite(
    suite: str | Path,
    algorithms: Sequence[str],
    environments: Sequence[str],
    steps: int | None,
    *,
    hyperparameters: Iterable[str] = (),
) -> Suite:
    """Return the suite of a request, whose names are right; the args are those of `suites.schema.check_names`.

    Raises:
        UsageError: naming a typo.
    """
    chosen = load_suite(str(suite))
    let_in_code_of(chosen, algorithms, environments)
    check_names(chosen, algorithms, environments, steps, hyperparameters=hyperparameters)
    return chosen
