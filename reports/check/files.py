"""The files of a check: the page, and what other programs read."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

from ...errors import UsageError
from ...foreign import markdown, plain
from ...results.checked import Checked, CheckedCell, explained, write_checked
from ...results.store.atomic import write_text
from ...wording import plural
from ..markdown import table
from .table import details_table, diagnostics_table, speed_table, verdict_table

PAGE = "check.html"


def write_check(
    checked: Checked, folder: Path, *, json: Path | None = None, junit: Path | None = None, markdown: Path | None = None
) -> Path:
    """Write the page into a folder, and other files where they are wanted; return the page.

    Raises:
        UsageError: a file cannot be written.
    """
    from .page import render

    page = folder / PAGE
    texts = {page: render(checked)}
    if junit is not None:
        texts[junit] = to_junit(checked)
    if markdown is not None:
        texts[markdown] = to_comment(checked)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in texts.items():
            write_text(path, content)
        if json is not None:
            write_checked(json, checked)
    except OSError as error:
        raise UsageError(f"cannot write {error.filename}: {error.strerror}; choose another place") from None
    return page


def to_junit(checked: Checked) -> str:
    """JUnit XML: a test case a cell; regressed ones are failures, undecided ones skipped, as CI systems show them."""
    cells = checked.cells
    suite = ElementTree.Element(
        "testsuite",
        name=plain(f"pgsuite check {checked.suite}"),
        tests=str(len(cells)),
        failures=str(sum(cell.counts == "regressed" for cell in cells)),
        skipped=str(sum(cell.is_skipped for cell in cells)),
        errors="0",
        time=f"{checked.seconds:.3f}",
    )
    for cell in cells:
        case = ElementTree.SubElement(
            suite, "testcase", classname=plain(cell.algorithm), name=plain(cell.env), time=f"{cell.seconds:.3f}"
        )
        message = plain(explained(cell) or cell.verdict)
        if cell.counts == "regressed":
            ElementTree.SubElement(case, "failure", message=message, type="regressed").text = plain(_facts(cell))
        elif cell.is_skipped:
            ElementTree.SubElement(case, "skipped", message=message)
        else:
            ElementTree.SubElement(case, "system-out").text = plain(f"{cell.verdict} ({cell.tier})")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def _facts(cell: CheckedCell) -> str:
    mean, low, high = cell.difference
    difference = (
        f"difference {mean:+.4f} [{low:+.4f}, {high:+.4f}] of score, {plural(cell.seeds, 'seed')}, "
        if mean == mean
        else ""
    )
    return f"{difference}decided by {cell.tier}"


def to_comment(checked: Checked) -> str:
    """Markdown for a pull request: the outcome first, the details in a fold."""
    return "\n".join(_comment(checked))


def _comment(checked: Checked) -> Iterator[str]:
    yield f"### pgsuite check {markdown(checked.suite)}: {checked.verdict}\n"
    yield f"{markdown(checked.headline)}.\n"
    for line in checked.lines():
        yield f"- {markdown(line)}"
    yield ""
    against = f"{markdown(checked.candidate)}, compared with {markdown(checked.baseline)}"
    yield f"{against}, margin {checked.margin:g} of score."
    yield "\n<details><summary>Every cell</summary>\n"
    for one in (verdict_table(checked), details_table(checked), diagnostics_table(checked), speed_table(checked)):
        if one.rows:
            yield table(one)
            yield ""
    for note in checked.notes:
        yield f"- {markdown(note)}"
    yield "\n</details>\n"
