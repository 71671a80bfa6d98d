"""The tables of a check, and what a terminal shows of it."""

import math

from rich.console import Console

from ...foreign import styled
from ...results.checked import Checked, CheckedCell, Interval
from ...wording import plural
from ..notation import NOTHING
from ..tables.table import EVERYWHERE, FILES, Column, Entry, Table, number, text
from ..terminal import print_table

TONES = {
    "regressed": "bad",
    "open": "p5",
    "passed": "good",
    "improved": "good",
    "identical": "muted",
    "not applicable": "muted",
}
CAPTION = (
    "Difference: mean over seeds of candidate less baseline, {metric}, score 0 for a random policy and 1 for the "
    "reference, with its 95 % interval. By: what decided. Finds: the smallest drop that would have been found in four "
    "of five cases. A cell passes where a drop of {margin:g} is excluded, or of a fifth of the baseline's score where "
    "that is less{lesser}."
)
METRICS = {"auc": "area under the learning curve", "final": "score at the last checkpoint"}
DETAILS = (
    "Of all pairs of runs. Worst quarter: mean score of the worst quarter of runs. r: correlation of a seed's two "
    "scores. p: that the candidate is worse, by flips of the signs of the differences, one-sided."
)


CELL = (Column("environment", numeric=False), Column("algorithm", numeric=False))
"""The columns that name a row."""


def verdict_table(checked: Checked) -> Table:
    """One row a cell: the verdict and what it rests on, in 80 columns."""
    columns = (
        *CELL,
        Column("verdict", numeric=False),
        Column("by", numeric=False),
        Column("difference"),
        Column("finds"),
        Column("seeds"),
        Column("time"),
    )
    cells = sorted(checked.cells, key=lambda cell: [one.env for one in checked.cells].index(cell.env))
    lesser = [f"{cell.margin:.2f} on {cell.name}" for cell in checked.cells if cell.margin < checked.margin]
    caption = CAPTION.format(
        metric=METRICS[checked.metric], margin=checked.margin, lesser=f": {', '.join(lesser)}" if lesser else ""
    )
    return Table("verdicts", "Verdicts", caption, columns, tuple(map(_row, cells)), headings=2)


def _row(cell: CheckedCell) -> tuple[Entry, ...]:
    waived = " (waived)" if cell.waiver else ""
    return (
        *_named(cell),
        Entry(cell.verdict + waived, cell.verdict, strong=cell.verdict == "regressed", tone=TONES[cell.verdict]),
        text(cell.tier),
        _difference(cell.difference),
        number(cell.detectable, _digits(cell.detectable)),
        number(cell.seeds or math.nan, str(cell.seeds)),
        number(cell.seconds, f"{cell.seconds:.0f} s"),
    )


def details_table(checked: Checked) -> Table:
    """What stands beside the metric that was tested, for the cells that were run."""
    other = "final score" if checked.metric == "auc" else "area under the curve"
    columns = (
        *CELL,
        Column(other, media=EVERYWHERE),
        Column("worst quarter"),
        Column("diverged"),
        Column("r"),
        Column("p"),
        Column("speed", media=FILES),
    )
    rows = tuple(_detail(cell) for cell in checked.cells if cell.looks)
    return Table("beside", f"Beside {METRICS[checked.metric]}", DETAILS, columns, rows, headings=2)


def _detail(cell: CheckedCell) -> tuple[Entry, ...]:
    before, after = cell.tail
    lost, now = cell.diverged
    return (
        *_named(cell),
        _difference(cell.other),
        number(after, f"{_digits(before)} → {_digits(after)}"),
        number(now, f"{lost} → {now}"),
        number(cell.correlation, _digits(cell.correlation)),
        number(cell.sign_flip_p, f"{cell.sign_flip_p:.2g}"),
        speed_entry(cell),
    )


def speed_table(checked: Checked) -> Table:
    """Training speed of the cells whose source has changed."""
    columns = (
        *CELL,
        Column("candidate's speed over the baseline's"),
    )
    rows = tuple((*_named(c), speed_entry(c)) for c in checked.cells if c.speed)
    margin = next((cell.speed.margin for cell in checked.cells if cell.speed), 0.1)
    rounds = next((cell.speed.rounds for cell in checked.cells if cell.speed), 0)
    caption = (
        f"Environment steps per second of training, both measured in turn on one core, {plural(rounds, 'round')}, with "
        f"a 95 % interval. A regression where the whole interval lies under {1 - margin:.2f}."
    )
    return Table("speed", "Speed", caption, columns, rows, headings=2)


def speed_entry(cell: CheckedCell) -> Entry:
    """A ratio with its interval; nothing where speed was not measured."""
    if cell.speed is None:
        return text(NOTHING)
    ratio, low, high = cell.speed.ratio
    tone = "bad" if cell.speed.slower else ""
    return number(ratio, f"{ratio:.2f}", f"[{low:.2f}, {high:.2f}]", tone=tone)


def diagnostics_table(checked: Checked) -> Table:
    """What the algorithms say of themselves and no longer agrees."""
    columns = (
        *CELL,
        Column("diagnostic", numeric=False),
        Column("baseline"),
        Column("candidate"),
        Column("p"),
    )
    rows = tuple(
        (
            *_named(cell),
            text(one.name.replace("_", " ")),
            number(one.baseline, f"{one.baseline:.3g}"),
            number(one.candidate, f"{one.candidate:.3g}"),
            number(one.p, f"{one.p:.1g}"),
        )
        for cell in checked.cells
        for one in cell.diagnostics
    )
    caption = "Means over checkpoints and seeds, where they differ: p below .01, over all diagnostics of a cell."
    return Table("diagnostics", "Diagnostics that changed", caption, columns, rows, headings=2)


def code_table(checked: Checked) -> Table:
    """Which code each version ran."""
    columns = (*CELL, Column("baseline", numeric=False), Column("candidate", numeric=False))
    rows = tuple(
        (*_named(cell), *(Entry(ran, ran, tone="code") for ran in cell.ran)) for cell in checked.cells if any(cell.ran)
    )
    caption = "File of the algorithm, and the fingerprint of everything that the results depend on."
    return Table("code", "What was run", caption, columns, rows, headings=2)


def _difference(interval: Interval) -> Entry:
    mean, low, high = interval
    if not math.isfinite(mean):
        return text(NOTHING)
    ends = f"[{_signed(low)}, {_signed(high)}]" if math.isfinite(low) else ""
    return number(mean, _signed(mean), ends)


def _signed(value: float) -> str:
    """Two digits and the sign, without the zero before the point."""
    return _digits(value, "+")


def _digits(value: float, sign: str = "") -> str:
    """Two digits, without the zero before the point."""
    if not math.isfinite(value):
        return NOTHING
    return f"{value:{sign}.2f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:{sign}.1f}"


def _named(cell: CheckedCell) -> tuple[Entry, Entry]:
    return text(cell.env), text(cell.algorithm)


def print_check(checked: Checked, console: Console) -> None:
    """The table of verdicts, what there is to say of single cells, and the outcome."""
    print_table(verdict_table(checked), console)
    beside = details_table(checked)
    if beside.rows:
        print_table(beside, console)
    console.print()
    for line in checked.lines():
        console.print(styled(line), soft_wrap=True)
    for note in checked.notes:
        console.print(styled(f"note: {note}", style="yellow"), soft_wrap=True)
    console.print(styled(f"{checked.candidate}, compared with {checked.baseline}, margin {checked.margin:g}:"))
    style = {"regressed": "bold red", "open": "bold yellow"}.get(checked.verdict, "bold green")
    console.print(styled(checked.headline, style=style), soft_wrap=True)
