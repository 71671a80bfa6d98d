"""The shape of the source: imports point one way, and what must start fast loads nothing heavy."""

import ast
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

import pgsuite
from pgsuite.results.store.closure import absolute

ROOT = Path(pgsuite.__file__).parent
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())
ALLOWED = {
    "envs": {"addresses", "kernels", "seeding"},
    "algorithms": {"compiling", "kernels", "lazy", "seeding"},
    "results": {"caching", "lazy"},
    "suites": {"envs", "algorithms", "addresses", "compiling", "kernels", "results"},
    "reports": {"results"},
    "api": {"algorithms", "results", "suites", "reports"},
    "studies": {"api", "results", "suites", "reports"},
    "cli": {"envs", "algorithms", "results", "suites", "reports", "api", "studies"},
    "addresses": {"compiling", "kernels"},
    "caching": set(),
    "compiling": {"caching"},
    "errors": set(),
    "foreign": set(),
    "kernels": {"compiling"},
    "lazy": set(),
    "seeding": {"kernels"},
    "wording": set(),
    "__init__": {"lazy", "api", "studies", "results", "suites", "reports"},
}
"""What each folder, or module of the root, may import besides itself and `EVERYWHERE`."""
EVERYWHERE = {"errors", "foreign", "wording", "__version__"}
SOURCES = sorted([*ROOT.glob("*.py"), *(file for folder in ALLOWED for file in (ROOT / folder).rglob("*.py"))])


def part(file: Path) -> str:
    """The folder, or the module of the root, that a file belongs to."""
    return file.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(file: Path) -> set[str]:
    """Absolute names of all that a file imports, wherever the import stands."""

    package = ".".join(["pgsuite", *file.relative_to(ROOT).parts[:-1]])
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = absolute(package, node.level, node.module or "")
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return found


def parts_imported(file: Path) -> set[str]:
    ours = (name.split(".") for name in imports(file))
    return {name[1] for name in ours if name[0] == "pgsuite" and len(name) > 1}


def test_there_is_something_to_look_at():
    assert len(SOURCES) > 40
    assert {part(file) for file in SOURCES} == set(ALLOWED)
    assert parts_imported(ROOT / "suites/planning.py") >= {"envs", "algorithms", "errors", "results", "suites"}


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_point_one_way(file):
    here = part(file)
    assert not parts_imported(file) - ALLOWED[here] - {here} - EVERYWHERE


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_star_imports(file):
    assert not [name for name in imports(file) if name.endswith(".*")]


def test_results_and_reports_name_no_torch():
    for file in SOURCES:
        if part(file) in {"results", "reports", "errors", "cli"}:
            assert "torch" not in {name.split(".")[0] for name in imports(file)}, file


def test_files_are_named_after_their_subject():
    names = {file.stem for file in SOURCES}
    assert not names & {"utils", "util", "common", "helpers", "helper", "misc"}


HEAVY = "torch pandas gymnasium numpy scipy matplotlib envpool pyarrow pydantic rich"


def loaded(code: str) -> set[str]:
    """Which of the heavy packages are in a fresh interpreter after it ran some code."""
    tail = f"\nimport sys\nprint('loaded:', *({HEAVY!r}.split() & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("loaded:")[2].split())


def command(arguments: list[str], code: int = 0) -> str:
    """The source of a program that is the command line, which is to end with an exit code."""
    return (
        f"import sys; sys.argv = ['pgsuite', *{arguments!r}]\nfrom pgsuite import cli\n"
        f"try:\n    cli.main()\nexcept SystemExit as end:\n    assert (end.code or 0) == {code}, end.code"
    )


def test_results_load_no_torch():
    found = loaded("import pgsuite.results, pgsuite.reports\npgsuite.results.load")
    assert "pandas" in found  # the test sees what is loaded
    assert not found & {"torch", "gymnasium", "envpool"}


def test_what_workers_are_forked_from_loads_what_trains_alone():
    """What reads suites takes a tenth of a second to load, and the command has read them."""
    found = loaded("import pgsuite.suites.scheduling.worker, pgsuite.suites.training")
    assert {"torch", "gymnasium"} <= found
    assert not found & {"pandas", "rich", "matplotlib", "scipy"}
    assert "pydantic" not in loaded("import pgsuite.suites.scheduling.worker")


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["run", "--help"], ["report", "--help"], ["plan", "--help"], ["sweep", "--help"], ["--version"]],
)
def test_help_loads_nothing_heavy(arguments):
    assert loaded(command(arguments)) == set()


@pytest.mark.parametrize("arguments", [["list"], ["list", "trpo"]])
def test_names_are_listed_without_anything_heavy(arguments):
    """But pydantic, which typer reads arguments with."""
    assert loaded(command(arguments)) == {"pydantic"}


SUITE = """
name = "mine"
description = "of mine"
seeds = "0-1"
[environments."CartPole-v1"]
steps = 400
[algorithms.trpo]
max_kl = 0.02
"""


@pytest.mark.parametrize(
    ("old", "new", "arguments"),
    [
        ("seeds", "seed", []),
        ('"0-1"', '"1-0"', []),
        ("[algorithms.trpo]", "[algorithms.trop]", []),
        ("max_kl", "max_kll", []),
        ("max_kl", "environments.'CartPole-v1'.max_kll", []),
        ("", "", ["-a", "trop"]),
        ("", "", ["-a", "nowhere.py:Mine"]),
        ("", "", ["-e", "CartPole"]),
        ("", "", ["--seeds", "1-0"]),
        ("", "", ["--steps", "0"]),
    ],
)
def test_a_typo_is_found_before_torch_is_loaded(old, new, arguments, tmp_path):
    assert old in SUITE
    (tmp_path / "mine.toml").write_text(SUITE.replace(old, new, 1))
    found = loaded(command(["run", str(tmp_path / "mine.toml"), *arguments], code=2))
    assert found == {"pydantic"}


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("sweep", ["-a", "trop", "max_kl=1,2"]),
        ("sweep", ["max_kll=1,2"]),
        ("sweep", ["max_kl=1..2"]),
        ("sweep", ["max_kl=1,2", "-e", "CartPole"]),
        ("tune", ["-a", "trop"]),
        ("tune", ["-e", "CartPole"]),
    ],
)
def test_a_typo_of_a_study_is_found_before_torch_is_loaded(name, arguments, tmp_path):
    (tmp_path / "mine.toml").write_text(SUITE)
    assert "torch" not in loaded(command([name, str(tmp_path / "mine.toml"), *arguments], code=2))


AHEAD = """
from pgsuite.suites import forking
def begin(needs):
    print(needs.module.rpartition(".")[2], *sorted(set(needs.algorithms)), *(env.id for env in needs.environments))
    raise SystemExit
forking.begin = begin
"""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["run", "mine.toml"], "worker trpo CartPole-v1"), (["audit", "-a", "ppo", "-a", "npg"], "run npg ppo")],
)
def test_what_workers_are_forked_from_loads_torch_while_the_command_does(arguments, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(SUITE)
    code = AHEAD + command(arguments) + f"\nassert 'torch' not in sys.modules\nprint({told!r}, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == done.stderr == f"{told}\n"


def test_an_environment_is_known_or_not_before_torch_is_loaded(tmp_path):
    (tmp_path / "mine.toml").write_text(SUITE.replace("CartPole-v1", "CartPol-v1"))
    assert "torch" not in loaded(command(["run", str(tmp_path / "mine.toml")], code=2))


def installable() -> list[Path]:
    """All files below the root but tests, documentation, hidden ones and what git ignores."""
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split()]
    skipped = ["tests", "docs", ".*", *ignored]
    found, folders = [], [ROOT]
    for folder in folders:
        kept = [entry for entry in folder.iterdir() if not any(fnmatch(entry.name, name) for name in skipped)]
        folders += [entry for entry in kept if entry.is_dir()]
        found += [entry.relative_to(ROOT) for entry in kept if entry.is_file()]
    return found


def test_every_folder_with_python_files_is_installed_and_nothing_else():
    packages = SETTINGS["tool"]["setuptools"]["packages"]
    folders = {file.parent for file in installable() if file.suffix == ".py"}
    assert sorted(packages) == sorted(".".join(["pgsuite", *folder.parts]) for folder in folders)


def test_every_other_file_of_a_package_is_installed_with_it():
    patterns = SETTINGS["tool"]["setuptools"]["package-data"]
    installed = {
        file.relative_to(ROOT)
        for package, globs in patterns.items()
        for glob in globs
        for file in ROOT.joinpath(*package.split(".")[1:]).glob(glob)
    }
    inside = {file for file in installable() if file.suffix != ".py" and len(file.parts) > 1}
    assert installed == {*inside, Path("py.typed")}
