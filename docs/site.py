"""What the documentation's site has beyond the files here: read from the code itself, so that it cannot go stale.

A hook of MkDocs. A line ``<!-- README: HEADING -->`` stands for that section of the README; what lies between
``<!-- only in the repository -->`` and ``<!-- end -->`` is not on the site.
"""

import json
import re
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
_SECTION = re.compile(r"^<!-- README: (.+) -->$", re.MULTILINE)
_NOT_HERE = re.compile(r"<!-- only in the repository -->.*?<!-- end -->\n", re.DOTALL)
_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)")
_RESULTS = (
    *("pgsuite.api.Ran", "pgsuite.studies.SweepResult", "pgsuite.studies.TuneResult", "pgsuite.studies.EffortResult"),
    *("pgsuite.reports.compared.Compared", "pgsuite.results.statistics.comparison.Comparison"),
    *("pgsuite.reports.seeds.SeedPlan", "pgsuite.reports.audit.Audit", "pgsuite.reports.report.ReportFiles"),
    *("pgsuite.suites.replay.acting.Policy", "pgsuite.results.checked.Checked", "pgsuite.results.checked.CheckedCell"),
)


def on_files(files: Files, config: Any) -> Files:
    """Add what is generated."""
    pages = {
        "reference/commands.md": commands(),
        "reference/suites.md": suite_keys(),
        "reference/hyperparameters.md": hyperparameters(),
        "reference/python.md": python(),
        "reference/kit.md": kit(),
        "examples/index.md": examples(),
        "tutorial/notebook.md": notebook(ROOT / "docs/tutorial/notebook.ipynb"),
        "changes.md": (ROOT / "CHANGELOG.md").read_text(),
        "classic/page.html": (ROOT / "docs/classic/report.html").read_text(),
    }
    for uri, content in pages.items():
        files.append(File.generated(config, uri, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, files: Files, **_: Any) -> str:
    """Fill in sections of the README; links that leave the documentation become plain text."""
    folder = PurePosixPath(page.file.src_uri).parent
    filled = _SECTION.sub(lambda found: _rooted(section(found[1]), folder), _NOT_HERE.sub("", markdown))

    def kept(found: re.Match[str]) -> str:
        place = _normal(folder / found[3])
        file = files.get_file_from_path(place)
        return found[0] if file and not file.inclusion.is_excluded() else f"`{found[2].strip('`')}`"

    return _LINK.sub(kept, filled)


def section(heading: str) -> str:
    """The text of a section of the README."""
    parts = re.split(r"^## (.+)$", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))[heading].strip()


def _rooted(text: str, folder: PurePosixPath) -> str:
    """Links of the README as they read from a folder of the documentation."""
    up = "../" * len(folder.parts)
    return _LINK.sub(lambda found: found[0].replace("](docs/", f"]({up}"), text)


def _normal(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)


def commands() -> str:
    """The help of every command, as it prints it."""
    import typer
    from typer.main import get_command

    from pgsuite.cli.main import app

    group: Any = get_command(app)
    parts = ["# Commands", "What `pgsuite COMMAND --help` prints. Exit codes stand at the end of `pgsuite --help`."]
    context = typer.Context(group, info_name="pgsuite", max_content_width=100, terminal_width=100)
    for name in ["", *group.list_commands(context)]:
        command = group.get_command(context, name) if name else group
        own = typer.Context(command, info_name=name, parent=context, terminal_width=100) if name else context
        parts += [f"## pgsuite {name}".rstrip(), f"```text\n{command.get_help(own).rstrip()}\n```"]
    return "\n\n".join(parts) + "\n"


def suite_keys() -> str:
    """Every key of a suite file, from its schema."""
    from pgsuite.algorithms.options import written
    from pgsuite.suites import schema

    parts = [
        "# Suite files",
        "A suite is a TOML file. A key that is not here is refused, and so is a value of another type.",
    ]
    found = [one for one in vars(schema).values() if isinstance(one, type) and one.__module__ == schema.__name__]
    tables = [one for one in found if issubclass(one, schema.BaseModel) and not one.__name__.startswith("_")]
    for table in sorted(tables, key=lambda one: one is not schema.Suite):
        title = (table.__doc__ or table.__name__).strip().splitlines()[0]
        parts += [f"## {title}", _table(written(table))]
    parts += ["## An example", "```toml\n" + (ROOT / "suites/quick.toml").read_text().strip() + "\n```"]
    return "\n\n".join(part for part in parts if part) + "\n"


def hyperparameters() -> str:
    """Every hyperparameter of every algorithm, from its class."""
    from pgsuite.algorithms.options import options
    from pgsuite.algorithms.registry import ALGORITHMS

    parts = [
        "# Hyperparameters",
        "Set them in a suite file under `[algorithms.NAME]`; `pgsuite list NAME` prints the same. "
        "A *Share* lies in [0, 1], *Positive* is above 0, *NonNegative* at least 0, a *Count* a whole number from 1.",
    ]
    for name in ALGORITHMS:
        parts += [f"## {name}", _table(options(name))]
    return "\n\n".join(parts) + "\n"


def _table(options: Any) -> str:
    rows = ["| key | default | type | meaning |", "|---|---|---|---|"]
    for one in options:
        default = f"`{_cell(one.default)}`" if one.default else "required"
        searched = f" Searched: `{_cell(one.searched)}`." if one.searched else ""
        meaning = _cell(one.meaning.replace("``", "`"))
        rows.append(f"| `{one.name}` | {default} | `{_cell(one.kind)}` | {meaning}{searched} |")
    return "\n".join(rows) if len(rows) > 2 else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def python() -> str:
    """All of ``import pgsuite``, and what its functions give."""
    import pgsuite

    parts = ["# Python", "All names of `import pgsuite`; nothing heavy is loaded before one is used.", "## Functions"]
    functions = [home.replace(":", ".") for home in pgsuite._HOMES.values() if ".errors:" not in home]
    parts += [f"::: {path}" for path in functions]
    parts += ["## What they give", *(f"::: {path}" for path in _RESULTS)]
    parts += ["## Errors", *(f"::: pgsuite.errors.{name}" for name in ("PgsuiteError", "UsageError"))]
    return "\n\n".join(parts) + "\n"


def kit() -> str:
    """All of ``pgsuite.algorithms``, what an algorithm of one's own is made of."""
    from pgsuite import algorithms

    parts = [
        "# The kit",
        "All of `pgsuite.algorithms`. **S** seeds, **N** environments, **T** steps, **B** samples.",
    ]
    parts += [f"::: {home.replace(':', '.')}" for home in dict.fromkeys(algorithms._HOMES.values())]
    return "\n\n".join(parts) + "\n"


def examples() -> str:
    """The worked examples, whole."""
    parts = [
        "# Examples",
        "Each is run by the tests: `pgsuite run classic -a docs/examples/keep_or_roll_back.py:KeepOrRollBack`.",
    ]
    for file in sorted((ROOT / "docs/examples").glob("*.py")):
        parts += [f"## {file.name}", f"```python\n{file.read_text().strip()}\n```"]
    return "\n\n".join(parts) + "\n"


def notebook(path: Path) -> str:
    """A notebook as a page: its text and its code."""
    parts = []
    for cell in json.loads(path.read_text())["cells"]:
        text = "".join(cell["source"])
        parts.append(text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```")
    return "\n\n".join(parts) + "\n"
