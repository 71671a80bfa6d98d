"""One page about a results folder: the table, the learning curves, what is missing, and how it was measured."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ..errors import UsageError
from ..results.frame import find_cells, load
from ..results.manifest import Manifest, read_manifest
from . import table
from .summary import summarise


class ReportFiles(NamedTuple):
    """What a report left behind."""

    markdown: Path
    figures: list[Path]
    summary: pd.DataFrame


def report(paths: Sequence[str | Path], out: str | Path) -> ReportFiles:
    """Write ``report.md`` and its figures.

    Args:
        paths: results folders or cell folders.
        out: folder to write to; made if it is not there.

    Raises:
        UsageError: a folder holds no results, or ``out`` cannot be written.
        PgsuiteError: a result is damaged; the message names it.
    """
    folders, out = [Path(path) for path in paths], Path(out)
    frame, manifests = load(*folders), find_manifests(folders)
    summary = summarise(frame, manifests)
    try:
        out.mkdir(parents=True, exist_ok=True)
        figures = draw(frame, out)
        markdown = out / "report.md"
        markdown.write_text(page(summary, figures, notes(summary, folders), measured(folders)), encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"cannot write the report to {out}: {error.strerror}; choose another folder with -o"
        ) from error
    return ReportFiles(markdown, figures, summary)


def find_manifests(folders: Sequence[Path]) -> list[Manifest]:
    """What was asked for in these folders, where they say so."""
    return [manifest for folder in folders if (manifest := read_manifest(folder)) is not None]


def draw(frame: pd.DataFrame, out: Path) -> list[Path]:
    """The learning curves, one figure per suite. What draws takes longer to load than a table takes to print."""
    from .figures import curves

    suites = list(dict.fromkeys(frame["suite"]))
    names = ["curves"] if len(suites) == 1 else [f"curves-{suite}" for suite in suites]
    return [
        path
        for suite, name in zip(suites, names, strict=True)
        for path in curves.plot_curves(frame[frame["suite"] == suite], out, name)
    ]


def page(summary: pd.DataFrame, figures: Sequence[Path], remarks: Sequence[str], protocol: Sequence[str]) -> str:
    """The Markdown of the report."""
    suites = ", ".join(dict.fromkeys(summary["suite"])) or "policy-gradient algorithms"
    parts = [f"# Results: {suites}", table.to_markdown(summary), table.CAPTION]
    images = [path for path in figures if path.suffix == ".png"]
    if images:
        from .figures import curves

        parts.append("## Learning curves")
        parts += [f"![Learning curves]({path.name})" for path in images]
        vectors = ", ".join(f"[{path.name}]({path.name})" for path in figures if path.suffix == ".svg")
        parts.append(f"{curves.caption()} As vector graphics: {vectors}.")
    parts += ["## What is not there", _bullets(remarks) or "Every run that was asked for is complete."]
    parts += ["## How it was measured", _bullets(protocol)]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def notes(summary: pd.DataFrame, folders: Sequence[Path]) -> list[str]:
    """Everything that a reader of the table could take for whole and that is not."""
    lines = []
    for cell in summary.to_dict("records"):
        name = f"{cell['label']} on {cell['env']}"
        expected = len(cell["expected"])
        if cell["reason"]:
            lines.append(f"{name} failed: {' '.join(cell['reason'].split())}")
        for kind, what in (
            ("missing", "never reached a checkpoint"),
            ("partial", "unfinished, not in the means"),
            ("diverged", "a loss, parameter or action became non-finite; not in the means"),
        ):
            if seeds := cell[kind]:
                listed = ", ".join(map(str, seeds))
                lines.append(f"{name}: {kind} {len(seeds)} of {expected} runs ({what}); seeds {listed}.")
    return lines + [line for folder in folders if (line := _not_asked_for(folder))]


def _not_asked_for(folder: Path) -> str:
    """Results that lie in the folder and are not shown, because the latest run command did not ask for them."""
    shown = {(cell.store.path, seed) for cell in find_cells(folder) for seed in cell.seeds()}
    there = {(cell.store.path, seed) for cell in find_cells(folder, everything=True) for seed in cell.seeds()}
    hidden = there - shown
    if not hidden:
        return ""
    cells = len({path for path, _ in hidden})
    return (
        f"Not shown: {len(hidden)} runs of {cells} cells in the folder {folder.name} that the latest `pgsuite run` "
        "did not ask for (other algorithms, seeds or budgets, or results of earlier code)."
    )


def measured(folders: Sequence[Path]) -> list[str]:
    """Protocol, versions and machine, once where all cells agree."""
    records = [cell.store.record() for folder in folders for cell in find_cells(folder)]
    provenances = [record.get("provenance") or {} for record in records]
    described: list[tuple[str, list[Any]]] = [
        ("Protocol", [record.get("protocol") for record in records]),
        ("Versions", [provenance.get("versions") for provenance in provenances]),
        ("Code", [_commit(provenance.get("git")) for provenance in provenances]),
        ("Machine", [provenance.get("machine") for provenance in provenances]),
    ]
    return [f"{name}: {text}" for name, values in described for text in dict.fromkeys(map(_text, values)) if text]


def _commit(git: Mapping[str, Any] | None) -> str:
    if not git:
        return ""
    return f"git commit {git['commit'][:12]}" + (" with uncommitted changes" if git["dirty"] else "")


def _text(value: Any) -> str:
    """A JSON value in words: ``numpy 2.4.6, torch 2.13.0``."""
    if isinstance(value, Mapping):
        return ", ".join(
            f"{str(key).replace('_', ' ')} {_text(item)}" for key, item in value.items() if item is not None
        )
    if isinstance(value, list):
        return " ".join(_text(item) for item in value)
    return "" if value is None else str(value)
