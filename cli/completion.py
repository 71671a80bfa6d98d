"""What the shell offers when a name is begun: read from suite files and tables of names, so nothing heavy is loaded."""

import os


def algorithms(incomplete: str) -> list[str]:
    """Names of algorithms."""
    from ..algorithms.registry import available

    return [name for name in available() if name.startswith(incomplete)]


def suites(incomplete: str) -> list[str]:
    """Names of shipped suites."""
    from ..suites.files import shipped

    return [name for name in shipped() if name.startswith(incomplete)]


def names_to_list(incomplete: str) -> list[str]:
    """Names of algorithms and suites."""
    return [*algorithms(incomplete), *suites(incomplete)]


def environments(incomplete: str) -> list[str]:
    """Environments of the suite that the line names already, or of every shipped one."""
    from ..errors import PgsuiteError
    from ..suites.files import read_suite, shipped

    named = [word for word in _line() if word in shipped() or word.endswith(".toml")]
    found: dict[str, None] = {}
    for suite in named or shipped():
        try:
            tables = read_suite(suite)[1].get("environments")
        except PgsuiteError:
            continue
        found |= dict.fromkeys(tables if isinstance(tables, dict) else ())
    return [name for name in found if name.startswith(incomplete)]


def hyperparameters(incomplete: str) -> list[str]:
    """Hyperparameters of the algorithms that the line names already, or of all whose text tells them."""
    from ..algorithms.options import declared_options
    from ..algorithms.registry import available, locate

    known = available()
    named = [word for word in _line() if word in known] or known
    found = dict.fromkeys(option for name in named for option in declared_options(locate(name)) or ())
    return [f"{option}=" for option in found if option.startswith(incomplete)]


def _line() -> list[str]:
    """The words of the line, as the shells hand them on."""
    return next((os.environ[name].split() for name in ("_TYPER_COMPLETE_ARGS", "COMP_WORDS") if name in os.environ), [])
