"""Whether reported runs are on seeds that the search for the hyperparameters has seen: such results flatter.

What is not known is not said: a suite without a search on record makes no claim either way.
"""

from collections.abc import Iterable

from ..results.store.gathering import Gathered, Member
from .notation import ranges


def headline(verdict: str, gathered: Gathered) -> str:
    """Return the verdict, which is no untouched result where a search has seen reported seeds."""
    seen = _seen(gathered.members)
    if not seen:
        return verdict
    return f"Not untouched, because the search for the hyperparameters has seen seeds {ranges(seen)}: {verdict}"


def provenance(gathered: Gathered) -> tuple[str, ...]:
    """Say on which seeds hyperparameters were found, and whether they are reported; nothing where none is known."""
    searches: dict[tuple[int, ...], list[Member]] = {}
    for member in gathered.members:
        searches.setdefault(member.tuned_on, []).append(member)
    return tuple(_said(tuned_on, members) for tuned_on, members in searches.items() if tuned_on)


def warnings(gathered: Gathered) -> tuple[str, ...]:
    """Say which algorithms are reported on seeds that their search has seen."""
    touched: dict[str, list[int]] = {}
    for member in gathered.members:
        if seen := _seen([member]):
            touched.setdefault(member.label, []).extend(seen)
    return tuple(
        f"{label}: the search for its hyperparameters has seen seeds {ranges(seen)}, on which it is reported here. "
        "Run it on seeds that no search has seen."
        for label, seen in touched.items()
    )


def _said(tuned_on: tuple[int, ...], members: list[Member]) -> str:
    labels = ", ".join(dict.fromkeys(member.label for member in members))
    seen = _seen(members)
    are = "is" if len(seen) == 1 else "are"
    untouched = "none of which is reported: the results are untouched"
    whether = f"of which {ranges(seen)} {are} reported here" if seen else untouched
    return f"Hyperparameters of {labels} were found on seeds {ranges(tuned_on)}, {whether}."


def _seen(members: Iterable[Member]) -> list[int]:
    """Seeds that are reported and were seen."""
    return sorted({seed for member in members for seed in {*member.asked} & {*member.tuned_on}})
