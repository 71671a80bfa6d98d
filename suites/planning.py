"""From a suite and a command to cells: which exist, what they depend on, what is still to be done."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from shlex import quote
from typing import Any

import gymnasium

from .. import envs
from ..algorithms.described import described
from ..algorithms.registry import address_of, build, inner_algorithms, locate, name_of
from ..envs.anchors import anchors, changes_task, possible_returns
from ..envs.tasks import ADDED
from ..errors import UsageError
from ..results.store.fingerprint import fingerprint, source_hash
from ..results.store.places import Place
from ..results.store.provenance import versions
from ..results.store.store import CellStore
from .cells import TRAINER, Cell, Environment, Evaluation, import_modules
from .planned import PlannedCell
from .repeating import Verdict, try_all
from .schema import EnvironmentTable, Suite
from .stalling import stall_limit, watched

NOT_COMPUTING = (
    # These only choose among others: what they chose is hashed, what they could have chosen is not.
    "pgsuite.algorithms.registry:build",
    "pgsuite.envs.make:make",
    # What it makes of a configuration is in the fingerprint.
    "pgsuite.algorithms.validation:validate",
    # They refuse what is wrong, and change nothing else.
    "pgsuite.algorithms.interface:check_heavy",
    "pgsuite.algorithms.interface:check_plans",
    "pgsuite.algorithms.shapes:check_shapes",
    "pgsuite.algorithms.trees:check_alike",
    "pgsuite.algorithms.trees:check_seeds",
    "pgsuite.algorithms.validation:check_metrics",
    # Which environments are refused, and what errors say.
    "pgsuite.envs.gymnasium_backend:check_registered",
    "pgsuite.envs.pulse:beat",
    "pgsuite.envs.spaces:check_action_space",
    "pgsuite.envs.spaces:check_observation_space",
    "pgsuite.errors:EnvironmentFault",
    "pgsuite.errors:PgsuiteError",
    "pgsuite.errors:UsageError",
    "pgsuite.errors:in_one_line",
    "pgsuite.suites.collection:fault",
    # Memory, and what results are written as.
    "pgsuite.suites.process:keep_freed_memory",
    # What hyperparameters of Stable-Baselines3 are refused, how they are listed, and a policy's form elsewhere.
    "pgsuite.suites.sb3.modules:policy_module",
    "pgsuite.suites.sb3.adapter:check_adaptable",
    "pgsuite.suites.sb3.adapter:no_larger_than",
    "pgsuite.suites.sb3.adapter:try_out",
    "pgsuite.suites.sb3.signature:check",
    "pgsuite.suites.sb3.signature:meanings",
    "pgsuite.suites.sb3.signature:unwritable",
    "pgsuite.suites.sb3.signature:written",
    "pgsuite.suites.process:peak_memory",
    "pgsuite.results.store.curve:decode_curve",
    "pgsuite.results.store.curve:encode_curve",
)
"""Definitions that change no number of a result; left out of its fingerprint, with what only they refer to."""
_PACKAGES = ("torch", "numpy", "gymnasium", "numba", "llvmlite", "scipy")
"""Packages whose version every result depends on."""
_PHYSICS = {"gymnasium.envs.mujoco": "mujoco", "gymnasium.envs.box2d": "Box2D"}
"""Packages whose version decides how Gymnasium's own environments move."""


def plan_cells(
    suite: Suite,
    out: Place,
    *,
    algorithms: Sequence[str] = (),
    environments: Sequence[str] = (),
    seeds: Sequence[int] | None = None,
    steps: int | None = None,
    ahead: Callable[[list[Cell]], None] = lambda _: None,
) -> list[PlannedCell]:
    """Return the cells of a suite, every one checked: its algorithm, options, environment and spaces.

    Args:
        suite: the suite.
        out: results folder, or a URL of one.
        algorithms: names in the suite, or any algorithm's name or address, which then has its defaults; all when empty.
        environments: names in the suite, or, with ``steps``, any id; all when empty.
        seeds: instead of the suite's.
        steps: budget of every cell instead of the suite's.
        ahead: told the cells when their environments are known, before torch is loaded, which takes seconds.

    Raises:
        UsageError: naming what is unknown, wrong or not supported.
    """
    limit = stall_limit()
    with watched("importing the suite's modules", limit):
        import_modules(suite.modules)
    chosen = {name: suite.environment(name, steps) for name in environments or suite.environments}
    # Environments first: the algorithms load torch, which takes seconds.
    specs = {}
    for name, table in chosen.items():
        with watched(f"making and closing environment {name!r}", limit):
            specs[name] = envs.describe(table.id or name, table.backend, **table.options)
    for name, table in chosen.items():
        if table.id and table.id != name and (name in ADDED or name in gymnasium.registry):
            raise UsageError(
                f"environments.{name}: it is made as {table.id}, but its name is the id of another: call it otherwise"
            )
    with watched("stepping the environments twice with one seed", limit):
        trials = try_all((environment_of(suite, name, table), specs[name]) for name, table in chosen.items())
    cells = [
        _cell(suite, algorithm, env, table)
        for env, table in chosen.items()
        for algorithm in algorithms or suite.algorithms
    ]
    names = Counter((cell.algorithm, cell.environment.name) for cell in cells)
    for (algorithm, env), count in names.items():
        if count > 1:
            raise UsageError(f"{count} algorithms are called {algorithm!r} on {env}: rename the class of one")
    ahead(cells)
    own_seeds = tuple(seeds) if seeds is not None else suite.seeds
    planned = [
        _planned(cell, specs[cell.environment.name], chosen[cell.environment.name], out, own_seeds) for cell in cells
    ]
    verdicts = {name: trial.verdict() for name, trial in trials.items()}
    planned = [replace(p, tuned_on=suite.tuned_on(p.cell.algorithm)) for p in planned]
    return [_told(p, verdicts.get(p.cell.environment.name, Verdict())) for p in planned]


def _cell(suite: Suite, algorithm: str, env: str, table: EnvironmentTable) -> Cell:
    listed = suite.algorithms.get(algorithm)
    return Cell(
        suite=suite.name,
        algorithm=algorithm if listed else locate(algorithm).name if ":" in algorithm else algorithm,
        reference=(listed.reference if listed else None) or algorithm,
        options=suite.options(algorithm, env) if listed else {},
        environment=environment_of(suite, env, table),
        steps=table.steps,
        evaluation=Evaluation(**suite.evaluation.model_dump()),
    )


def environment_of(suite: Suite, name: str, table: EnvironmentTable) -> Environment:
    """Return an environment as a suite's table of that name asks for it."""
    return Environment(
        id=table.id or name, backend=table.backend, options=table.options, modules=suite.modules, name=name
    )


def check_time_limit(spec: envs.Spec) -> None:
    """Refuse an environment whose episodes may never end.

    Raises:
        UsageError: it declares no time limit.
    """
    if spec.max_episode_steps is None:
        raise UsageError(
            f"environment {spec.id} declares no time limit, so an episode may never end: "
            "give it options = { max_episode_steps = ... } in the suite file"
        )


def _planned(cell: Cell, spec: envs.Spec, table: EnvironmentTable, out: Place, seeds: tuple[int, ...]) -> PlannedCell:
    try:
        algorithm = build(cell.reference, dict(cell.options))
    except UsageError as error:
        raise UsageError(
            f"suite {cell.suite}, algorithms.{cell.algorithm} for {cell.environment.name}: {error}"
        ) from error
    if cell.steps < cell.evaluation.checkpoints:
        raise UsageError(
            f"{cell.name}: a budget of {cell.steps} steps is less than the {cell.evaluation.checkpoints} checkpoints "
            "of the evaluation: give it more steps, or fewer checkpoints in the suite file"
        )
    check_time_limit(spec)
    refusal = _refusal(cell, algorithm, spec)
    said = described(algorithm)
    cell = replace(cell, trainer=said.trainer or TRAINER)
    declared, notes = _anchors(cell, table)
    parts = {
        "algorithm": _configuration(algorithm, type(algorithm).__name__, lambda inner: type(inner).__name__),
        "source": source_hash(*source_roots(cell, spec), without=NOT_COMPUTING),
        "environment": {
            "id": spec.id,
            "backend": spec.backend,
            "backend_version": spec.version,
            "options": dict(cell.environment.options),
            "observation_space": str(spec.observation_space),
            "action_space": str(spec.action_space),
            "max_episode_steps": spec.max_episode_steps,
            **_registration(cell.environment.id),
        },
        "versions": versions(*_PACKAGES, *said.packages),
        "device": "cpu",
        "steps": cell.steps,
        "protocol": asdict(cell.evaluation),
    }
    digest = fingerprint(parts)
    record = {
        "suite": cell.suite,
        **parts,
        "configuration": _configuration(algorithm, type(algorithm).__name__, lambda inner: name_of(type(inner))),
        "reference": cell.reference,
        "modules": list(cell.environment.modules),
        **declared,
        "possible_returns": possible_returns(spec.id, cell.environment.options),
    }
    del record["algorithm"]
    cell = replace(cell, fingerprint=digest)
    if not refusal and (caution := said.caution(cell.steps)):
        notes = (*notes, f"{cell.name}: {caution}")
    store = CellStore(out, cell.algorithm, cell.environment.name, digest)
    return PlannedCell(cell, store, record, () if refusal else seeds, notes, refusal, said.one_by_one)


def _configuration(algorithm: Any, name: str, named: Callable[[Any], str]) -> dict[str, Any]:
    """Return an algorithm as a table: its class's name and its fields, among them tables of algorithms, ``named``."""
    inner = {key: _configuration(one, named(one), named) for key, one in inner_algorithms(algorithm).items()}
    return {"class": name, **asdict(algorithm), **inner}


def _told(planned: PlannedCell, verdict: Verdict) -> PlannedCell:
    """Add to a cell what was found of its environment; what is not known is said, and not kept with the results."""
    kept = [*planned.notes, *filter(None, [verdict.warning])]
    record = {**planned.record, "environment_notes": kept} if kept else planned.record
    return replace(planned, record=record, notes=(*kept, *filter(None, [verdict.note])))


def _anchors(cell: Cell, table: EnvironmentTable) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return what a cell's record holds of its score anchors, and what is to be said of them.

    Those that its suite declares count; else those that are known of the id, unless its options make another task.
    """
    environment = cell.environment
    if table.anchors:
        return table.anchors.record, ()
    known, changing = anchors(environment.id), changes_task(environment.id, environment.options)
    if known is None:
        return {"anchors": None}, ()
    if changing:
        own = f"{environment.id} with other {', '.join(changing)}"
        told = f"{environment.name} is {own}" if environment.name != environment.id else f"here is {own}"
        return {"anchors": None}, (
            f"{told}, which the score anchors of {environment.id} are not for: it is compared in returns; "
            f"`pgsuite anchors {quote(environment.name)} --suite FILE` measures its own",
        )
    return {"anchors": {"random": known.random, "reference": known.reference}}, ()


def source_roots(cell: Cell, spec: envs.Spec) -> tuple[str, ...]:
    """Return the addresses of the definitions that a cell's results depend on, with all that these are made of."""
    algorithm = build(cell.reference, dict(cell.options))
    inner, going_on = _inner_addresses(algorithm), filter(None, [described(algorithm).unbroken])
    return (":".join(locate(cell.reference)), *inner, cell.trainer, *going_on, *spec.sources, *cell.environment.modules)


def _inner_addresses(algorithm: Any) -> tuple[str, ...]:
    inner = inner_algorithms(algorithm).values()
    return tuple(address for one in inner for address in (address_of(type(one)), *_inner_addresses(one)))


def _refusal(cell: Cell, algorithm: Any, spec: envs.Spec) -> str:
    """Why an algorithm says that it cannot act in an environment's spaces; empty where it can, or does not say.

    Raises:
        UsageError: nobody could with these options, or in these spaces.
    """
    from ..algorithms.model import Spaces
    from ..algorithms.policy_gradient import PolicyGradient

    spaces = Spaces(spec.observation_space, spec.action_space)
    for inner in inner_algorithms(algorithm).values():
        if refusal := _refusal(cell, inner, spec):
            return refusal
    try:
        if isinstance(algorithm, PolicyGradient):
            algorithm.model(spaces)
        return described(algorithm).refusal(spaces)
    except UsageError as error:
        raise UsageError(f"{cell.name}: {error}") from None


def _registration(env_id: str) -> dict[str, Any]:
    """Return what Gymnasium's registry says of an environment, and the version of its physics.

    The entry point counts by its name only where Gymnasium's version stands for what it does.
    """
    if env_id in ADDED:  # Gymnasium knows nothing of it
        return {}
    spec = gymnasium.spec(env_id.rpartition(":")[2])
    entry = str(spec.entry_point)
    physics = [package for prefix, package in _PHYSICS.items() if entry.startswith(prefix)]
    return {
        "entry_point": entry if entry.startswith("gymnasium.") else None,
        "kwargs": repr(sorted(spec.kwargs.items())),
        "wrappers": [repr(wrapper) for wrapper in spec.additional_wrappers],
        "physics": versions(*physics),
    }
