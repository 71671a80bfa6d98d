"""Suite files: TOML, validated; errors name the file, the key and what is allowed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from functools import reduce
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ..algorithms.options import check_declared
from ..algorithms.registry import locate
from ..errors import UsageError, brief
from .anchors import AnchorsTable
from .files import read_suite
from .keys import unknown_key

_LARGEST_SEED = 2**63 - 1


def parse_seeds(text: Any) -> tuple[int, ...]:
    """Return the seeds of ``"0-9"``, ``"3,7,1"`` or a mixture, in order, without repetition.

    Raises:
        ValueError: if it is anything else.
    """
    if not isinstance(text, str):
        raise ValueError(f"seeds are written like '0-9' or '3,7,1', not {brief(text)}")
    seeds: dict[int, None] = {}
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ValueError(f"seeds are written like '0-9' or '3,7,1', not {brief(text)}")
        low, high = int(first), int(last) if dash else int(first)
        if high < low or high - low >= 100_000 or high > _LARGEST_SEED:
            raise ValueError(
                f"seeds {brief(part.strip())}: a range goes upwards, has at most 100000 seeds and ends by "
                f"{_LARGEST_SEED}"
            )
        seeds.update(dict.fromkeys(range(low, high + 1)))
    return tuple(seeds)


Seeds = Annotated[tuple[int, ...], BeforeValidator(parse_seeds)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class EvaluationTable(_Table):
    """``[evaluation]``: the protocol, the same for every run."""

    checkpoints: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Points of the curve after the start."""
    episodes: Annotated[int, Field(ge=1, le=100_000)] = 10
    """Episodes per checkpoint."""
    deterministic: bool = False
    """Whether the mode of the policy is played instead of the policy."""


class EnvironmentTable(_Table):
    """``[environments."ID"]``, or ``[environments.NAME]`` with an ``id``."""

    id: Annotated[str | None, Field(min_length=1)] = None
    """Gymnasium id, where the table has a name of its own; so one environment may be there with several options."""
    steps: Annotated[int, Field(ge=1)]
    """Budget of a run in environment steps."""
    backend: Literal["auto", "compiled", "numpy", "envpool", "gymnasium"] = "auto"
    """Which backend; auto takes the fastest faithful one."""
    options: dict[str, Any] = {}
    """Keyword arguments of the environment."""
    anchors: AnchorsTable | None = None
    """Returns that a score puts at 0 and 1, as in ``{ random = 22.3, reference = 500.0, source = "..." }``."""


class Override(BaseModel):
    """``[algorithms.NAME.environments."ID"]``: hyperparameters for one environment, said openly."""

    model_config = ConfigDict(extra="allow", frozen=True)


class AlgorithmTable(BaseModel):
    """``[algorithms.NAME]``: the class and, as further keys, its hyperparameters."""

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)

    reference: Annotated[str | None, Field(alias="class")] = None
    """``package.module:Class`` or ``file.py:Class``; by default the algorithm called NAME."""
    environments: dict[str, Override] = {}


class WaiverTable(_Table):
    """``[[check.waivers]]``: a verdict that does not count for a while."""

    cell: Annotated[str, Field(min_length=1)]
    """``ALGORITHM on ENVIRONMENT``."""
    reason: Annotated[str, Field(min_length=1)]
    until: date
    """The last day of it."""


class CheckTable(_Table):
    """``[check]``: what the regression gate holds a change to."""

    margin: Annotated[float, Field(gt=0, le=10)] = 0.10
    """Drop of score that has to be excluded before a cell passes, or a fifth of the baseline's where that is less."""
    waivers: tuple[WaiverTable, ...] = ()


class TuningTable(_Table):
    """``[tuning]``: the search that found the hyperparameters, so that its seeds are not taken for untouched."""

    seeds: Seeds
    """All that it saw, those of its finals included."""
    algorithms: tuple[str, ...] = ()
    """Whose hyperparameters it found; all of the suite where none is named."""
    sentence: str = ""
    """How it searched, and with how much effort, for a paper."""


class Suite(_Table):
    """A suite file."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    description: str
    seeds: Seeds
    """Seeds of every cell, such as ``"0-9"``."""
    modules: tuple[str, ...] = ()
    """Python modules imported first, which register environments."""
    evaluation: EvaluationTable = EvaluationTable()
    check: CheckTable = CheckTable()
    tuning: TuningTable | None = None
    environments: Annotated[dict[str, EnvironmentTable], Field(min_length=1)]
    algorithms: Annotated[dict[str, AlgorithmTable], Field(min_length=1)]

    def tuned_on(self, algorithm: str) -> tuple[int, ...]:
        """Return the seeds that the search for an algorithm's hyperparameters saw; none where none is known."""
        tuning = self.tuning
        found = tuning is not None and algorithm in (tuning.algorithms or self.algorithms)
        return tuning.seeds if tuning and found else ()

    def environment(self, name: str, steps: int | None = None) -> EnvironmentTable:
        """Return an environment's table, with ``steps`` for its budget where given; then it may be any id.

        Raises:
            UsageError: if it is not in the suite and has no budget.
        """
        table = self.environments.get(name)
        if table is None and steps is None:
            close = get_close_matches(name, self.environments, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise UsageError(
                f"environment {name!r} is not in suite {self.name}: {hint}it has {', '.join(self.environments)}; "
                "any other needs a budget, given by --steps"
            )
        table = table or EnvironmentTable(steps=steps or 1)
        return table if steps is None else table.model_copy(update={"steps": steps})

    def options(self, algorithm: str, environment: str) -> dict[str, Any]:
        """Return the hyperparameters of an algorithm in an environment: the suite's, then the environment's own.

        Where both are the table of an inner algorithm, the environment's changes the suite's, unless it names a class.
        """
        table = self.algorithms[algorithm]
        override = table.environments.get(environment)
        options, own = dict(table.model_extra or {}), (override.model_extra or {}) if override else {}
        for name, value in own.items():
            changes = isinstance(value, Mapping) and isinstance(options.get(name), Mapping) and "class" not in value
            options[name] = {**options[name], **value} if changes else value
        return options


def load_suite(name: str) -> Suite:
    """Return a suite by name or by the path of its file.

    Raises:
        UsageError: naming the file, the key and what is allowed.
    """
    path, data = read_suite(name)
    return parse_suite(data, str(path))


def parse_suite(data: Mapping[str, Any], source: str) -> Suite:
    """Return the suite that a parsed TOML file describes.

    Raises:
        UsageError: naming ``source``, the key and what is allowed.
    """
    data = {**data, "modules": tuple(data["modules"])} if isinstance(data.get("modules"), list) else data
    for place, key in (("check", "waivers"), ("tuning", "algorithms")):
        if isinstance(found := data.get(place), Mapping) and isinstance(found.get(key), list):
            data = {**data, place: {**found, key: tuple(found[key])}}
    try:
        suite = Suite.model_validate(data)
    except ValidationError as error:
        raise UsageError(f"{source}: {_explain(error)}") from None
    _check_tuning(suite, source)
    for name, table in suite.algorithms.items():
        for env in table.environments:
            if env not in suite.environments:
                known = ", ".join(suite.environments)
                raise UsageError(
                    f"{source}: algorithms.{name}.environments.{env}: not an environment of this suite ({known})"
                )
    return suite


def _check_tuning(suite: Suite, source: str) -> None:
    """Refuse a suite that reports what its search has seen, or that names an algorithm of the search it does not have.

    Raises:
        UsageError: naming it.
    """
    if suite.tuning is None:
        return
    if seen := sorted(set(suite.tuning.seeds) & set(suite.seeds)):
        raise UsageError(
            f"{source}: seeds: the search that found these hyperparameters has seen {', '.join(map(str, seen[:5]))} "
            "(tuning.seeds): report others"
        )
    for name in suite.tuning.algorithms:
        if name not in suite.algorithms:
            known = ", ".join(suite.algorithms)
            raise UsageError(f"{source}: tuning.algorithms: {name!r} is not an algorithm of this suite ({known})")


def check_names(
    suite: Suite,
    algorithms: Sequence[str] = (),
    environments: Sequence[str] = (),
    steps: int | None = None,
    *,
    hyperparameters: Iterable[str] = (),
) -> None:
    """Refuse what is known to be wrong with a request before torch is loaded.

    Args:
        suite: the suite.
        algorithms: as `plan_cells` has them, and the next two as well.
        environments: of the suite, or any id with ``steps``.
        steps: budget instead of the suite's.
        hyperparameters: that all of the algorithms are to have; one of an inner algorithm has that one's name and a dot
            before its own.

    Raises:
        UsageError: naming an unknown environment or algorithm, or an option that the algorithm's source does not have.
    """
    for name in environments:
        suite.environment(name, steps)
    for name in algorithms or suite.algorithms:
        table = suite.algorithms.get(name, AlgorithmTable())
        reference = table.reference or name
        locate(reference)
        overrides = {f"algorithms.{name}.environments.{env}": each for env, each in table.environments.items()}
        for key, options in {f"algorithms.{name}": table, **overrides}.items():
            try:
                check_declared(reference, options.model_extra or {})
            except UsageError as error:
                raise UsageError(f"suite {suite.name}, {key}: {error}") from error
        for hyperparameter in hyperparameters:
            *tables, last = hyperparameter.split(".")
            check_declared(reference, reduce(lambda inner, table: {table: inner}, reversed(tables), {last: None}))


_KINDS = {
    "dict_type": "should be a table",
    "model_type": "should be a table",
    "model_attributes_type": "should be a table",
    "tuple_type": "should be a list",
    "list_type": "should be a list",
    "string_type": "should be a string, in quotes",
}
"""What a value is to be, in the words of TOML."""


def _explain(error: ValidationError) -> str:
    """Say the first of a validation's complaints in one line: a key that is not known before one that is missing."""
    found = error.errors()
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    if first["type"] == "extra_forbidden":
        return unknown_key(Suite, first["loc"], first["input"])
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"key {key!r} is missing"
    message = _KINDS.get(first["type"], first["msg"].removeprefix("Value error, "))
    return f"{key} = {brief(first['input'])}: {message[0].lower() + message[1:]}"
