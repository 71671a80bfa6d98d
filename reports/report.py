"""A comparison written down: the page, Markdown, LaTeX, figures, and every table as CSV and Parquet."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
from markupsafe import Markup

from ..errors import UsageError
from ..foreign import csv_cell, plain
from ..results.statistics.bootstrap import REPLICATES
from ..results.statistics.comparison import Comparison
from ..results.store.gathering import Gathered
from ..results.store.places import Place, local, place_of
from ..results.store.protocol import Grid
from .audit import AuditSection, read_section
from .compared import compare
from .content import Content, content
from .latex import document, to_latex
from .markdown import Picture, to_markdown
from .notebook import show_content

if TYPE_CHECKING:
    from .figures import Figures


FORMATS = ("svg", "png", "pdf")
"""What figures can be written as."""
BODY = "report-body.tex"
"""The tables of the LaTeX document alone, for ``\\input``."""
FIGURES = "figures"
"""Folder of the figures, inside that of the report."""
MISSING_FONT = (
    "No font here draws {}: PNG and PDF figures have boxes in their place. Install one, such as Noto Sans CJK, or use "
    "the SVG figures and the page, which the reader's own fonts draw."
)
"""Said of characters in names."""
TABLES = {
    "leaderboard": "leaderboard",
    "profiles": "profiles",
    "improvement": "improvement",
    "efficiency": "efficiency",
    "pairs": "pairs",
    "thresholds": "thresholds",
    "cost": "cost",
    "environments": "environments_table",
    "curves": "frame",
}
"""Every table as tidy files, by name: field of the comparison. ``curves`` has one row per run and checkpoint."""


class ReportFiles(NamedTuple):
    """What a report left behind, and what it says."""

    page: Path
    markdown: Path
    latex: Path
    figures: tuple[Path, ...]
    tables: tuple[Path, ...]
    content: Content
    gathered: Gathered
    """What it was made from."""

    @property
    def whole(self) -> bool:
        """Whether everything that was asked for is there."""
        return self.content.whole

    def _repr_html_(self) -> str:
        return show_content(self.content) + str(Markup("<p>{}</p>").format(plain(f"written to {self.page}")))


def report(
    paths: Sequence[str | Place],
    out: str | Path,
    *,
    level: float = 0.95,
    replicates: int = REPLICATES,
    seed: int = 0,
    grid: Grid = "same",
    audit: str | Path | None = None,
    formats: Sequence[str] = FORMATS[:1],
) -> ReportFiles:
    """Compare what the folders hold and write it down.

    Args:
        paths: results folders or cell folders, or URLs of these.
        out: folder to write to, no URL; made if it is not there.
        level: confidence of all intervals.
        replicates: of the bootstrap.
        seed: of the bootstrap; the same results give the same report.
        grid: whether budgets, checkpoints and evaluations that differ on an environment are an error, or runs are read
            on a common grid.
        audit: file of ``pgsuite audit --json`` that becomes a part of the report.
        formats: of the figures beside the page: some of `FORMATS`.

    Raises:
        UsageError: there is no such format, a folder holds no results, folders do not fit together, or ``out`` cannot
            be written.
        PgsuiteError: nothing that was asked for can be read.
    """
    check_formats(formats)
    audited = None if audit is None else read_section(Path(audit))
    out, places = local(out, "-o"), [place_of(path) for path in paths]
    compared = compare(*places, level=level, replicates=replicates, seed=seed, grid=grid)
    refuse_links(out, folders=[place for place in places if isinstance(place, Path)])
    try:
        out.mkdir(parents=True, exist_ok=True)
        return write(compared.comparison, compared.gathered, out, audited, formats)
    except OSError as error:
        raise UsageError(
            f"cannot write the report to {out}: {error.strerror}; choose another folder with -o"
        ) from error


def refuse_links(out: Path, folders: Sequence[Path]) -> None:
    """Refuse to write through links in a folder that may be a stranger's: they could lead to any file of the user.

    Args:
        out: folder of the report. It may be a link itself, unless it lies in a results folder.
        folders: the results folders.

    Raises:
        UsageError: naming the link.
    """
    links = [path for path in (out.rglob("*") if out.is_dir() else ()) if path.is_symlink()]
    inside = any(folder.absolute() in out.absolute().parents for folder in folders)
    links += [out] if inside and out.is_symlink() else []
    if links:
        raise UsageError(f"{links[0]} is a link, and a report is not written through links: remove it or choose -o")


def write(
    comparison: Comparison, gathered: Gathered, out: Path, audit: AuditSection | None, formats: Sequence[str]
) -> ReportFiles:
    """Write all files of a report into an existing folder."""
    from .figures import build, undrawn  # what draws takes longer to load than a table takes to print
    from .page import on_page, render

    drawn = out / FIGURES
    drawn.mkdir(exist_ok=True)
    said = content(comparison, gathered, audit)
    lacked = undrawn([*comparison.algorithms, *comparison.environments])
    if lacked and {*formats} - {"svg"}:
        said = said._replace(remarks=(*said.remarks, MISSING_FONT.format(lacked)))
    figures = build(comparison, audit.bias_variance) if audit else build(comparison)
    page, markdown, latex = (out / f"report.{kind}" for kind in ("html", "md", "tex"))
    page.write_text(render(said, comparison.algorithms, on_page(figures)), encoding="utf-8")
    markdown.write_text(to_markdown(said, pictures(figures, formats)), encoding="utf-8")
    latex.write_text(document(said), encoding="utf-8")
    (out / BODY).write_text(to_latex(said), encoding="utf-8")
    return ReportFiles(
        page,
        markdown,
        latex,
        tuple(figures.save(drawn, tuple(dict.fromkeys(formats)))),
        tuple(write_tables(comparison, out, gathered.refusals)),
        said,
        gathered,
    )


def pictures(figures: "Figures", formats: Sequence[str]) -> tuple[Picture, ...]:
    """The figures beside the Markdown; none where all of them are PDF, which it cannot show."""
    kind = next((kind for kind in ("png", "svg") if kind in formats), None)
    shown = figures.on_their_own() if kind else ()
    return tuple(Picture(one.title, f"{FIGURES}/{one.name}.{kind}", one.caption) for one in shown)


def write_tables(
    comparison: Comparison, out: Path, refusals: Mapping[tuple[str, str], str] = MappingProxyType({})
) -> list[Path]:
    """Write ``tables/<name>.csv`` and ``tables/<name>.parquet``; several names in one cell are joined by ``;``.

    Pairs that are not applicable have their rows in ``environments``, with the reason in its last column.

    Args:
        comparison: what is compared.
        out: the report's folder.
        refusals: why an algorithm cannot act in an environment, by label and environment.
    """
    folder = out / "tables"
    folder.mkdir(exist_ok=True)
    paths = []
    for name, field in TABLES.items():
        frame = flat(getattr(comparison, field))
        if name == "environments":
            frame = with_refusals(frame, refusals)
        csv, parquet = folder / f"{name}.csv", folder / f"{name}.parquet"
        for_spreadsheets(frame).to_csv(csv, index=False, lineterminator="\n")
        frame.to_parquet(parquet, index=False)
        paths += [csv, parquet]
    return paths


def check_formats(formats: Iterable[str]) -> None:
    """Refuse what no figure can be written as.

    Raises:
        UsageError: naming it.
    """
    for one in formats:
        if one not in FORMATS:
            raise UsageError(f"figures cannot be written as {plain(one)!r}: choose from {', '.join(FORMATS)}")


def with_refusals(table: pd.DataFrame, refusals: Mapping[tuple[str, str], str]) -> pd.DataFrame:
    """The table of environments with a row, without numbers, and a column for what is not applicable."""
    rows = [{"label": x, "env": env, "runs": 0, "not_applicable": reason} for (x, env), reason in refusals.items()]
    refused = pd.DataFrame(rows, columns=[*table.columns, "not_applicable"])
    refused = refused.astype({name: kind for name, kind in table.dtypes.items() if name not in ("label", "env")})
    return pd.concat([table.assign(not_applicable=""), refused], ignore_index=True)


def for_spreadsheets(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with texts, its columns' names among them, that a spreadsheet does not compute."""
    safe = frame.rename(columns=lambda name: csv_cell(str(name)))
    texts = [name for name in safe.columns if safe[name].map(lambda item: isinstance(item, str)).any()]
    return safe.assign(**{name: safe[name].map(csv_cell, na_action="ignore") for name in texts})


def flat(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with tuples as text."""
    flattened = frame.copy(deep=False)
    for name in frame.columns:
        if frame[name].map(lambda item: isinstance(item, tuple | list)).any():
            flattened[name] = frame[name].map(lambda items: ";".join(map(str, items)))
    return flattened
