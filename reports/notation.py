"""How numbers are written: enough digits to compare by, no more."""

import math

NOTHING = "—"


def si(value: float) -> str:
    """A count with an SI prefix and up to three digits: ``850``, ``12.5k``, ``100k``, ``1M``."""
    if math.isnan(value):
        return NOTHING
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= 0.9995 * factor:
            return f"{value / factor:.3g}{prefix}"
    return f"{value:.3g}"


def decimals(value: float) -> int:
    """Decimal places that give a return of this size about four digits."""
    if not math.isfinite(value) or abs(value) >= 1000:
        return 0
    return 1 if abs(value) >= 10 else 2


def mean_and_spread(mean: float, spread: float, places: int | None = None) -> str:
    """``470.2 ± 12.9``; the mean alone where one run has no spread; a dash where there is nothing."""
    if math.isnan(mean):
        return NOTHING
    digits = decimals(mean) if places is None else places
    return f"{mean:.{digits}f}" if math.isnan(spread) else f"{mean:.{digits}f} ± {spread:.{digits}f}"
