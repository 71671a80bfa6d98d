"""The page of a check: the verdicts, both versions' curves over each other, and the path of the test."""

from ...results.checked import Checked
from ..figures.check import check_figures
from ..page import grouped, rendered, trusted
from .table import METRICS, code_table, details_table, diagnostics_table, speed_table, verdict_table


def render(checked: Checked) -> str:
    """The page, one HTML file that needs no network."""
    drawn, audited = trusted(grouped(check_figures(checked))), _audited(checked)
    diagnostics, speed = diagnostics_table(checked), speed_table(checked)
    there = {
        "Verdicts": True,
        "Curves": bool(drawn.figures),
        "Audit": bool(audited),
        "Diagnostics": bool(diagnostics.rows),
        "Speed": bool(speed.rows),
        "Code": True,
    }
    return rendered(
        "check.html",
        checked=checked,
        facts=_facts(checked),
        sections=[(title.lower(), title) for title, shown in there.items() if shown],
        verdicts=verdict_table(checked),
        beside=details_table(checked),
        drawn=drawn,
        audited=audited,
        diagnostics=diagnostics,
        speed=speed,
        code=code_table(checked),
        swatches={},
        slugs={},
        bar=None,
    )


def _facts(checked: Checked) -> list[tuple[str, str]]:
    return [
        ("Metric", METRICS[checked.metric]),
        ("Margin", f"{checked.margin:g} of score"),
        ("Exit code", str(checked.exit_code)),
        ("Time", f"{checked.seconds:.0f} s"),
    ]


def _audited(checked: Checked) -> str:
    """The outcome of the audit in a sentence; empty where nothing was audited."""
    if not checked.audited:
        return ""
    names = ", ".join(checked.audited)
    if not checked.departures:
        return f"Audited: {names}. No estimator departs from its declared target where the baseline's did not."
    return f"Audited: {names}. What departs from its declared target in the candidate, and not in the baseline:"
