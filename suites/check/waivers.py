"""Waivers: verdicts that a suite declares not to count, for a reason and until a day."""

from collections.abc import Sequence
from datetime import date

from ...errors import UsageError
from ..schema import Suite
from .sides import Key, named


def waived(suite: Suite, keys: Sequence[Key], today: date | None = None) -> dict[Key, str]:
    """Return why cells are waived, those that are.

    Args:
        suite: with its waivers.
        keys: the cells of the check.
        today: by default, it is.

    Raises:
        UsageError: a waiver has expired, or names no cell of the suite.
    """
    today = today or date.today()
    every = {named((algorithm, env)) for algorithm in suite.algorithms for env in suite.environments}
    names = {named(key): key for key in keys}
    found = {}
    for waiver in suite.check.waivers:
        if waiver.cell not in every | names.keys():
            raise UsageError(
                f"suite {suite.name}, check.waivers: {waiver.cell!r} is no cell of it; cells are named like "
                f"{next(iter(sorted(every)))!r}"
            )
        if waiver.until < today:
            raise UsageError(
                f"suite {suite.name}, check.waivers: that of {waiver.cell} ({waiver.reason}) expired on "
                f"{waiver.until}: remove it, or give it another day"
            )
        if waiver.cell in names:
            found[names[waiver.cell]] = f"{waiver.reason}, until {waiver.until}"
    return found
