"""How numbers are written: enough digits to compare by, no more."""

import math
from collections.abc import Iterable, Sequence

from ..wording import stretches

NOTHING = "—"
MINUS = "−"
LONG = 1e9
"""Numbers from here on are written with an exponent."""


def fixed(value: float, places: int) -> str:
    """``−0.25``: that many decimals with a true minus, never ``−0.00``; a dash for NaN."""
    if not math.isfinite(value):
        return NOTHING
    if abs(value) >= LONG:
        return _with_exponent(value)
    text = f"{value:.{places}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", MINUS)


def _with_exponent(value: float) -> str:
    """``2.68e202``."""
    return f"{value:.2e}".replace("e+", "e").replace("-", MINUS)


def significant(value: float, digits: int = 3) -> str:
    """``24.9``, ``0.0823``, ``2.1e−05``: for quantities of any size."""
    return f"{value:#.{digits}g}".rstrip(".").replace("-", MINUS) if math.isfinite(value) else NOTHING


def signed(value: float, places: int) -> str:
    """A difference with its sign: ``+12.5``, ``−3.0``, ``0.0``."""
    text = fixed(value, places)
    return text if text == NOTHING or text.startswith(MINUS) or float(text) == 0 else f"+{text}"


def interval(low: float, high: float, places: int) -> str:
    """``[0.88, 0.97]``; nothing at all where there is no interval."""
    return f"[{fixed(low, places)}, {fixed(high, places)}]" if math.isfinite(low) and math.isfinite(high) else ""


def si(value: float) -> str:
    """A count with an SI prefix and up to three digits: ``850``, ``12.5k``, ``100k``, ``1M``."""
    if math.isnan(value):
        return NOTHING
    if abs(value) >= 1e15:
        return _with_exponent(value)
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= 0.9995 * factor:
            return f"{value / factor:.3g}{prefix}".replace("-", MINUS)
    return f"{value:.3g}".replace("-", MINUS)


def decimals(value: float) -> int:
    """Decimal places that give a return of this size about four digits."""
    if not math.isfinite(value) or abs(value) >= 1000:
        return 0
    return 1 if abs(value) >= 10 else 2


def common_decimals(values: Iterable[float]) -> int:
    """Decimal places for a column of returns: those of the largest."""
    return decimals(max((abs(value) for value in values if math.isfinite(value)), default=math.nan))


def duration(seconds: float) -> str:
    """``0.42 s``, ``12.3 s``, ``4.1 min``, ``2.3 h``."""
    if not math.isfinite(seconds):
        return NOTHING
    if seconds < 99.95:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5997 else f"{seconds / 3600:.1f} h"


def mebibytes(size: float) -> str:
    """``312 MiB``."""
    return f"{size / 2**20:.0f} MiB" if math.isfinite(size) else NOTHING


def p_value(p: float) -> str:
    """``0.023``; ``<0.001`` below that."""
    if not math.isfinite(p):
        return NOTHING
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def percent(share: float) -> str:
    """``95%``, with a decimal where it needs one: ``97.5%``."""
    return f"{100 * share:.10g}%"


def ranges(seeds: Sequence[int]) -> str:
    """Seeds in short: ``0–9, 12``; a dash for none."""
    return ", ".join(_stretch(*ends) for ends in stretches(sorted(set(seeds)))) or NOTHING


def _stretch(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}{'–' if last > first + 1 else ', '}{last}"


def distinctly(runs: int, distinct: int) -> str:
    """``10``; ``1 of 5`` where only so many differ."""
    return str(runs) if distinct == runs else f"{distinct} of {runs}"
