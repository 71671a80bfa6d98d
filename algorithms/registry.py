"""Algorithms by name: ours, installed ones (entry points), and any class by its address."""

import importlib
import importlib.util
import inspect
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, field, fields, is_dataclass, replace
from difflib import get_close_matches
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeAlias, get_origin

from ..errors import UsageError, in_one_line, located, place
from .classes import algorithm_classes
from .described import described
from .synonyms import SYNONYMS, TABLES

ALGORITHMS = {
    "reinforce": "pgsuite.algorithms.reinforce:Reinforce",
    "reinforce-baseline": "pgsuite.algorithms.reinforce_baseline:ReinforceBaseline",
    "actor-critic": "pgsuite.algorithms.actor_critic:ActorCritic",
    "trpo": "pgsuite.algorithms.trpo:TRPO",
    "ppo": "pgsuite.algorithms.ppo:PPO",
    "npg": "pgsuite.algorithms.npg:NPG",
    "rloo": "pgsuite.algorithms.rloo:RLOO",
    "grpo": "pgsuite.algorithms.grpo:GRPO",
    "profiled": "pgsuite.algorithms.profiled:Profiled",
}
"""Name to address. Registering an algorithm here also tests it."""


PEERS = {
    "sb3-a2c": "pgsuite.suites.sb3.algorithms:A2C",
    "sb3-ppo": "pgsuite.suites.sb3.algorithms:PPO",
    "sb3-dqn": "pgsuite.suites.sb3.algorithms:DQN",
    "sb3-trpo": "pgsuite.suites.sb3.algorithms:TRPO",
}
"""The same of other libraries' algorithms, which their own loops train; the extra ``peers`` installs them."""
SHIPPED = ALGORITHMS | PEERS

Algorithm: TypeAlias = Any
"""A configured algorithm: what is built from one's name or address. Each is a class of its own."""
METHODS = ("init", "plan", "behaviour", "evaluated", "actor", "update")
"""What a class needs to be run."""
_USERS = "pgsuite_user_"
"""What the names of modules begin with that were imported by their path."""
DECORATOR = "@dataclass(frozen=True, kw_only=True)"


class Address(NamedTuple):
    """Where an algorithm's class is: ``package.module:Class`` or ``path/to/file.py:Class``."""

    module: str
    name: str

    @property
    def is_file(self) -> bool:
        """Whether the module is given as a path."""
        return self.module.endswith(".py")


def available() -> dict[str, str]:
    """Return the addresses of all algorithms known by name: the installed ones, then those shipped.

    A name that several claim is there once; `locate` refuses it.
    """
    return {name: _address(claims[0]) for name, claims in installed().items()} | SHIPPED


@cache
def installed() -> Mapping[str, Sequence[EntryPoint]]:
    """Return the entry points of other packages by name; they are looked up once, which takes 10 ms."""
    found: defaultdict[str, list[EntryPoint]] = defaultdict(list)
    for entry in entry_points(group="pgsuite.algorithms"):
        if _address(entry) not in (SHIPPED.get(entry.name), *map(_address, found[entry.name])):
            found[entry.name].append(entry)
    return {name: claims for name, claims in found.items() if claims}


def _address(entry: EntryPoint) -> str:
    """Where an entry point leads, without the extras that it may name."""
    return entry.value.partition("[")[0].strip()


def _check_claims(name: str) -> None:
    """Refuse a name that an entry point shares with one of ours, or with another entry point: nobody silently wins.

    Raises:
        UsageError: naming who claims it.
    """
    claims = [
        f"{entry.dist.name} ({_address(entry)})" if entry.dist else _address(entry)
        for entry in installed().get(name, ())
    ]
    everyone = [f"pgsuite ({SHIPPED[name]})", *claims] if name in SHIPPED else claims
    if len(everyone) > 1:
        raise UsageError(
            f"algorithm {name!r} is claimed by {' and '.join(everyone)}: "
            "rename the entry point or uninstall its package, or name the class that you mean by its address"
        )


def locate(reference: str) -> Address:
    """Return the address of an algorithm given by name or by address.

    Raises:
        UsageError: if it is neither a known name nor of the form ``module:Class``, if several claim the name, or if
            its file is not there.
    """
    known = available()
    _check_claims(reference)
    module, colon, name = known.get(reference, reference).rpartition(":")
    if not colon and reference in known:
        raise UsageError(
            f"algorithm {reference!r} is installed as {module or name!r}, which names no class: "
            "its entry point should read package.module:Class"
        )
    if not colon:
        if reference.endswith(".py"):
            raise UsageError(_without_class(reference))
        close = get_close_matches(reference, known, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise UsageError(
            f"unknown algorithm {reference!r}: {hint}known are {', '.join(known)}; "
            "your own is named package.module:Class or path/to/file.py:Class"
        )
    if module.endswith(".py"):
        module = str(Path(module).resolve())
        if not Path(module).is_file():
            raise UsageError(f"algorithm {reference!r}: there is no file {module}")
    return Address(module, name)


def address_of(found: type[Any]) -> str:
    """Return the address of a class: workers import it anew from its file.

    Raises:
        UsageError: it was defined at a prompt, in a notebook or in the program itself.
    """
    module, name = found.__module__, found.__qualname__
    if module == "__main__" or "." in name:
        raise UsageError(
            f"the class {name} cannot be imported by worker processes: write it at the top level of a file, and give "
            f"that as 'file.py:{name.rpartition('.')[2]}'"
        )
    if module.startswith(_USERS):
        return f"{inspect.getfile(found)}:{name}"
    return f"{module}:{name}"


def name_of(found: type[Any]) -> str:
    """Return what an algorithm's class is called where it is asked for: its name among ours, else its address."""
    address = address_of(found)
    return next((name for name, ours in ALGORITHMS.items() if ours == address), address)


def _without_class(reference: str) -> str:
    """One line on a file that is named without its class: those that it has."""
    path = Path(reference)
    if not path.is_file():
        return f"algorithm {reference!r}: there is no file {path.resolve()}"
    if own := algorithm_classes(path, METHODS):
        return (
            f"algorithm {reference!r} names a file: name its class too, {' or '.join(f'{path}:{one}' for one in own)}"
        )
    return (
        f"algorithm {reference!r} names a file: name its class too, {reference}:Class; "
        "it has none that is an algorithm: derive a frozen dataclass from PolicyGradient"
    )


def load_class(reference: str) -> type[Any]:
    """Import an algorithm's class: a frozen dataclass, whose fields are its hyperparameters.

    It has the methods of a learner, or a ``trainer``: the address of what trains it instead of our loop.

    A subclass that only overrides methods needs no decorator of its own. One that changes or adds fields does: without
    it Python would take them for attributes and run the parent's defaults.

    Raises:
        UsageError: if the module cannot be imported, has no such class, or it is not a dataclass with the interface.
    """
    address = locate(reference)
    try:
        module = _import_file(Path(address.module)) if address.is_file else importlib.import_module(address.module)
    except Exception as error:
        reason = located(in_one_line(error), place(error))
        raise UsageError(f"algorithm {reference!r} cannot be imported: {reason}") from error
    found = getattr(module, address.name, None)
    if found is None:
        own = algorithm_classes(Path(address.module), METHODS) if address.is_file else []
        hint = f": it has {', '.join(own)}" if own else ""
        raise UsageError(f"algorithm {reference!r}: {address.module} has no class {address.name!r}{hint}")
    needed = () if described(found).trainer else METHODS
    missing = [method for method in needed if not hasattr(found, method)]
    if missing or not (isinstance(found, type) and is_dataclass(found)):
        lacks = f"lacks {', '.join(missing)}" if missing else "is not a dataclass's class"
        raise UsageError(f"algorithm {reference!r} {lacks}: derive a frozen dataclass from PolicyGradient")
    unwritten = [*sorted(getattr(found, "__abstractmethods__", ())), *_unset_attributes(found)]
    if unwritten:
        raise UsageError(f"algorithm {reference!r} is abstract: it has yet to define {', '.join(unwritten)}")
    _check_fields(reference, found)
    return found


def _unset_attributes(found: type[Any]) -> list[str]:
    """Class attributes that a class of the hierarchy announces, and none gives a value."""
    announced = {name: kind for one in found.__mro__ for name, kind in inspect.get_annotations(one).items()}
    unset = [name for name in announced if not hasattr(found, name) and not name.startswith("_")]
    return [name for name in unset if _is_class_variable(announced[name])]


def _check_fields(reference: str, found: type[Any]) -> None:
    """Refuse a class with fields that Python would not treat as such, or that could change while it trains.

    Raises:
        UsageError: naming the class of the hierarchy, the field and what to write.
    """
    if not found.__dataclass_params__.frozen:
        raise UsageError(
            f"algorithm {reference!r} can be changed while it trains: write {DECORATOR} above {found.__name__}"
        )
    for one in found.__mro__:
        forgotten = [] if _is_decorated(one) or not is_dataclass(one) else _own_fields(one)
        if forgotten:
            raise UsageError(
                f"algorithm {reference!r} would ignore {', '.join(forgotten)}: write {DECORATOR} above {one.__name__}"
            )
    own = {one: set(_own_fields(one)) if _is_decorated(one) else () for one in found.__mro__}
    for name in (known.name for known in fields(found)):
        for one in found.__mro__:
            if name in own[one]:
                break
            if name in vars(one):  # its value would never be seen: the default above it is set by __init__
                raise UsageError(
                    f"algorithm {reference!r} would ignore {name} of {one.__name__}, which is no field there: "
                    f"write `{name}: <type> = ...` in a class with {DECORATOR}"
                )


def _is_decorated(one: type[Any]) -> bool:
    return "__dataclass_fields__" in vars(one)


def _own_fields(one: type[Any]) -> list[str]:
    return [name for name, kind in inspect.get_annotations(one).items() if not _is_class_variable(kind)]


def _is_class_variable(annotation: Any) -> bool:
    if isinstance(annotation, str):
        return is_written_class_variable(annotation)
    return annotation is ClassVar or get_origin(annotation) is ClassVar


def is_written_class_variable(annotation: str) -> bool:
    """Whether an annotation, as it is written, makes a class attribute no field; it may be quoted itself."""
    return re.match(r"[\s'\"]*(\w+\.)?ClassVar\b", annotation) is not None


def check_options(reference: str, options: Iterable[str], known: Sequence[str]) -> None:
    """Refuse an option that an algorithm does not have.

    Raises:
        UsageError: naming it, and those there are.
    """
    for option in options:
        if option not in known:
            if option in TABLES:
                hint = f"its hyperparameters stand in its own table, without a table {option!r} around them; "
            else:
                named = [name for name in SYNONYMS.get(option.lower().replace("-", "_"), ()) if name in known]
                close = named or get_close_matches(option, known, n=1, cutoff=0.5)
                hint = f"did you mean {close[0]!r}? " if close else ""
            raise UsageError(
                f"algorithm {reference!r} has no option {option!r}: {hint}its options are {', '.join(known)}"
            )


def build(reference: str, options: dict[str, Any]) -> Any:
    """Return a configured algorithm.

    Raises:
        UsageError: naming an unknown option, or a value of the wrong type or range.
    """
    return configure(reference, load_class(reference), options)


def configure(reference: str, found: type[Any], options: dict[str, Any]) -> Any:
    """Return what `build` does, of a class that is loaded.

    Raises:
        UsageError: naming an unknown option, or a value of the wrong type or range.
    """
    for name in described(found).unwritable:
        if name in options:
            raise UsageError(
                f"algorithm {reference!r}: no suite file has a value for {name}: derive a class that sets it"
            )
    check_options(reference, options, [f.name for f in fields(found)])
    required = [f.name for f in fields(found) if f.default is MISSING and f.default_factory is MISSING]
    unset = [name for name in required if name not in options]
    if unset:
        raise UsageError(f"algorithm {reference!r} needs a value for {', '.join(unset)}: set it in the suite file")
    return found(**{name: _whole(reference, found, name, value) for name, value in options.items()})


def _whole(reference: str, found: type[Any], name: str, value: Any) -> Any:
    """Return an option's value; a table for a field that is itself a configuration changes its default.

    Where that is an algorithm, the table may name the class of another one.

    Raises:
        UsageError: naming an option that the inner configuration does not have, or another class.
    """
    own = next(one for one in fields(found) if one.name == name)
    default = own.default if own.default_factory is MISSING else own.default_factory()
    if not isinstance(value, Mapping) or not is_dataclass(default) or isinstance(default, type):
        return value
    inner = dict(value)
    written = inner.pop("class", type(default).__name__)
    if written == type(default).__name__:
        check_options(f"{reference}, {name}", inner, [one.name for one in fields(default)])
        return replace(default, **inner)
    if not is_algorithm(default):
        raise UsageError(f"algorithm {reference!r}: its {name} is a {type(default).__name__}, not a {written}")
    with inside(reference, name):
        return build(str(written), inner)


@contextmanager
def inside(reference: str, name: str) -> Iterator[None]:
    """Say of an error within that it is about the algorithm that another one takes as its field ``name``.

    Raises:
        UsageError: instead of the one within.
    """
    try:
        yield
    except UsageError as error:
        raise UsageError(f"algorithm {reference!r}, {name}: {error}") from error


def algorithm_field(reference: str) -> Any:
    """Return a dataclass's field that holds an algorithm: this one with its defaults, unless another is given.

    In a suite file it is a table, ``{ class = "ppo", epochs = 4 }``. The class of what is given is not told by the
    text of the class that has the field, so that only a cell that uses it depends on its source.
    """
    return field(default_factory=partial(build, reference, {}))


def is_algorithm(value: Any) -> bool:
    """Whether something is a configured algorithm."""
    return is_dataclass(value) and not isinstance(value, type) and all(hasattr(value, method) for method in METHODS)


def inner_algorithms(algorithm: Any) -> dict[str, Any]:
    """Return the algorithms that an algorithm has among its fields, by the field's name."""
    values = {one.name: getattr(algorithm, one.name) for one in fields(algorithm)}
    return {name: value for name, value in values.items() if is_algorithm(value)}


def _import_file(path: Path) -> Any:
    name = f"{_USERS}{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
