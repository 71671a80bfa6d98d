"""`pgsuite list`: what there is to run, and what can be set."""

from collections.abc import Iterable, Mapping
from textwrap import wrap
from typing import Annotated, Any

import typer

from .completion import names_to_list
from .options import show

_WIDTH = 100


def list_names(
    name: Annotated[
        str,
        typer.Argument(
            help="An algorithm (name, module:Class or file.py:Class) or a suite (name or TOML file).",
            autocompletion=names_to_list,
            show_default=False,
        ),
    ] = "",
) -> None:
    """List algorithms, suites and environments, or what one of them sets.

    Of an algorithm the hyperparameters with default and meaning; of a suite seeds, evaluation, budgets and settings.
    """
    from ..algorithms.options import summary
    from ..algorithms.registry import Address, available
    from ..suites.files import read_suite, shipped

    if not name:
        show("algorithms")
        for algorithm, address in available().items():
            module, _, name_there = address.rpartition(":")
            show(f"  {algorithm:20} {summary(Address(module, name_there)) or address}")
        show("\nsuites")
        for known in shipped():
            _, suite = read_suite(known)
            show(f"  {known:20} {suite['description']}")
            for env, table in suite["environments"].items():
                show(f"    {env:32} {table['steps']:>9,} steps")
        show("\n`pgsuite list NAME` shows the hyperparameters of an algorithm, or the settings of a suite")
    elif name in shipped() or name.endswith(".toml"):
        _list_suite(name)
    else:
        _check_known(name, available(), shipped())
        _list_algorithm(name)


def _check_known(name: str, algorithms: Iterable[str], suites: Iterable[str]) -> None:
    """Refuse a name that is no algorithm's, naming what is near among both kinds."""
    from difflib import get_close_matches

    from ..errors import UsageError

    known = [*algorithms, *suites]
    if ":" in name or name in known or name.endswith(".py"):
        return
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise UsageError(
        f"no algorithm or suite is called {name!r}: {hint}there are {', '.join(known)}; "
        "your own are file.py:Class and the path of a TOML file"
    )


def _list_algorithm(name: str) -> None:
    from ..algorithms.options import options, summary, unwritable_of
    from ..algorithms.registry import locate

    address, found = locate(name), options(name)
    show(f"{name}: {':'.join(address)}")
    if text := summary(address):
        show(text)
    width = max((len(option.name) for option in found), default=0)
    for option in found:
        show(f"  {option.name:{width}}  {option.default or '(required)'}  {option.kind}")
        for line in wrap(option.meaning, _WIDTH - width - 4):
            show(f"  {'':{width}}  {line}")
        if option.searched:
            show(f"  {'':{width}}  tune: {option.searched}")
    if unwritable := unwritable_of(name):
        show(f"no suite file has a value for {', '.join(unwritable)}")


def _list_suite(name: str) -> None:
    from ..suites.files import read_suite
    from ..suites.schema import parse_suite

    path, data = read_suite(name)
    suite = parse_suite(data, str(path))
    show(f"{suite.name}: {suite.description}")
    show(f"  seeds        {data['seeds']}")
    if suite.modules:
        show(f"  modules      {', '.join(suite.modules)}")
    show(f"  evaluation   {_settings(suite.evaluation.model_dump())}")
    show(f"  check        margin = {suite.check.margin}, {len(suite.check.waivers)} waivers")
    show("environments")
    for env, budget in suite.environments.items():
        more = _settings(
            {key: value for key, value in budget.model_dump(exclude_defaults=True).items() if key != "steps"}
        )
        _item(f"{env:28} {budget.steps:>9,} steps", more)
    show("algorithms")
    for algorithm, table in suite.algorithms.items():
        named = f"  ({table.reference})" if table.reference else ""
        _item(f"{algorithm:20}{named}", _settings(table.model_extra or {}) or "defaults")
        for env, override in table.environments.items():
            _item(f"  on {env}", _settings(override.model_extra or {}))


def _item(name: str, more: str) -> None:
    show(f"  {name}".rstrip())
    for line in wrap(more, _WIDTH - 6):
        show(f"      {line}")


def _settings(table: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} = {value}" for key, value in table.items())
