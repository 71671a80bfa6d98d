"""Values that a hyperparameter is swept over, as they are written: ``0.001..0.1:log:8``, ``2..10:5`` or ``a,b,c``."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from ...errors import UsageError, brief
from ...results.swept import spelled

FORM = "write NAME=LOW..HIGH:log:COUNT, NAME=LOW..HIGH:COUNT or NAME=A,B,C, as in max_kl=0.001..0.1:log:8"
_RANGE = re.compile(r"(?P<low>[^:,]+?)\.\.(?P<high>[^:,]+?)(?P<log>:log)?(:(?P<count>[^,]*))?")
_MOST = 100
"""Values of one hyperparameter."""
_SHARE = 0.01
"""Of the distance to the next value, by which one may be off for being written with fewer digits."""


class Interval(NamedTuple):
    """Numbers from ``low`` to ``high``, both ends included, evenly or on a logarithmic scale."""

    low: float
    high: float
    log: bool
    size: int
    """How many."""

    def numbers(self, *, whole: bool) -> tuple[float, ...]:
        """Return them with as few digits as keep them apart; whole ones without repetition.

        Args:
            whole: whether the hyperparameter takes whole numbers alone.
        """
        space = np.geomspace if self.log else np.linspace
        even = [float(one) for one in space(self.low, self.high, self.size)]
        if whole:
            return tuple(dict.fromkeys(round(one) for one in even))
        even[0], even[-1] = float(self.low), float(self.high)
        gaps = [high - low for low, high in pairwise(even)]
        nearest = [min(gaps[max(n - 1, 0) : n + 1]) for n in range(len(even))]
        inner = [_short(one, gap) for one, gap in zip(even[1:-1], nearest[1:-1], strict=True)]
        return (even[0], *inner, even[-1])


class Listed(NamedTuple):
    """Values one by one: numbers, words, switches or lists."""

    values: tuple[Any, ...]


Values = Interval | Listed
"""Of one hyperparameter."""


def parse_values(assignments: Sequence[str]) -> dict[str, Values]:
    """Return the values of hyperparameters, by name, from ``NAME=SPEC`` each.

    Raises:
        UsageError: naming what is not written so, or a hyperparameter that is there twice.
    """
    found: dict[str, Values] = {}
    for text in assignments:
        name, equals, spec = (part.strip() for part in text.partition("="))
        if not (name and equals and spec):
            raise UsageError(f"{brief(text)} says no values: {FORM}")
        if name in found:
            raise UsageError(f"{name} is there twice: write all its values in one")
        found[name] = read_values(name, spec)
    return found


def read_values(name: str, given: Any) -> Values:
    """Return values from their text, or from several of Python's.

    Raises:
        UsageError: naming what is wrong with them.
    """
    if not isinstance(given, str):
        if isinstance(given, Mapping) or not hasattr(given, "__iter__"):
            raise UsageError(
                f"{name}={brief(given)}: give several values in a list, or text such as '0.001..0.1:log:8'"
            )
        return _listed(name, [list(one) if isinstance(one, tuple) else _plain(one) for one in given])
    if (match := _RANGE.fullmatch(given.strip())) and _is_number(match["low"]):
        return _interval(name, given, match)
    return _listed(name, [_value(part) for part in _parts(given)])


def values_for(name: str, values: Values, own: Any) -> tuple[Any, ...]:
    """Return the values of a hyperparameter, of the kind that it has.

    Args:
        name: of the hyperparameter.
        values: as they were asked for.
        own: what the suite has; None where that is not known.

    Raises:
        UsageError: a range of what is no number, or of whole numbers between two that are not whole.
    """
    whole = isinstance(own, int) and not isinstance(own, bool)
    if isinstance(values, Interval):
        if own is not None and not (whole or isinstance(own, float)):
            raise UsageError(
                f"{name} is no number but {spelled(own)} in the suite: list its values, as in {name}={spelled(own)},..."
            )
        if whole and not (values.low == round(values.low) and values.high == round(values.high)):
            raise UsageError(
                f"{name}={values.low:g}..{values.high:g}: it takes whole numbers, so its ends are whole numbers"
            )
        return values.numbers(whole=whole)
    fractional = isinstance(own, float)
    return tuple(
        float(one) if fractional and isinstance(one, int) and not isinstance(one, bool) else one
        for one in values.values
    )


def _interval(name: str, text: str, match: "re.Match[str]") -> Interval:
    try:
        low, high = float(match["low"]), float(match["high"])
    except ValueError:
        raise UsageError(f"{name}={brief(text)}: the ends of a range are numbers; {FORM}") from None
    count, log = match["count"], bool(match["log"])
    if count and re.search("[^0-9.-]", count):
        after, last = f"{':log' * log}:{count}", count.rpartition(":")[2]
        example = f"{name}={match['low']}..{match['high']}{':log' * log}:{last if last.isdecimal() else 8}"
        raise UsageError(
            f"{name}={brief(text)}: behind its ends a range has :log:COUNT, or :COUNT for an even one, and not "
            f"{brief(after)}; as in {example}"
        )
    if not count or not count.isdecimal() or not 2 <= int(count) <= _MOST:
        example = f"{name}={match['low']}..{match['high']}{':log' * log}:8"
        raise UsageError(f"{name}={brief(text)}: say how many values, from 2 to {_MOST}, as in {example}")
    if not (np.isfinite([low, high]).all() and low < high) or (log and low <= 0):
        above = ", and low is above 0 where it is logarithmic" if log else ""
        raise UsageError(f"{name}={brief(text)}: low is below high{above}")
    return Interval(low, high, log, int(count))


def _listed(name: str, values: Sequence[Any]) -> Listed:
    texts = [spelled(one) for one in values]
    if not values or "" in texts:
        raise UsageError(f"{name}: a value is missing; {FORM}")
    if twice := [text for text in texts if texts.count(text) > 1]:
        raise UsageError(f"{name}: the value {brief(twice[0])} is there twice")
    if len(values) > _MOST:
        raise UsageError(f"{name}: {len(values)} values are more than {_MOST}")
    return Listed(tuple(values))


def _parts(text: str) -> Iterator[str]:
    """What stands between commas that are in no bracket and no quotes."""
    depth, quoted, part = 0, "", ""
    for one in text:
        quoted = "" if one == quoted else quoted or (one if one in "\"'" else "")
        depth += 0 if quoted else (one in "[{") - (one in "]}")
        if one == "," and not depth and not quoted:
            yield part.strip()
            part = ""
        else:
            part += one
    yield part.strip()


def _value(text: str) -> Any:
    """A value as a suite file has it; what is none there is a number of Python's, or a word that needs no quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return float(text) if _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _plain(value: Any) -> Any:
    """A number of numpy's as Python has it."""
    return value.item() if isinstance(value, np.generic) else value


def _short(number: float, gap: float) -> float:
    """A number with as few digits as leave it within a share of the gap to its neighbour."""
    short = (float(f"{number:.{digits}g}") for digits in range(1, 17))
    return next((one for one in short if abs(one - number) <= _SHARE * gap), number)
