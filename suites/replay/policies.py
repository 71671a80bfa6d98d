"""Stored policies: found in a results folder and rebuilt from its record and snapshot, ready to act anywhere."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from numpy.typing import NDArray

from ...algorithms.described import described
from ...algorithms.model import Actor, Spaces
from ...algorithms.policy_gradient import PolicyGradient
from ...algorithms.registry import build, load_class, locate
from ...algorithms.trees import with_tensors
from ...errors import PgsuiteError, UsageError
from ...results.store.curve import CurveRow, curve_rows
from ...results.store.folders import read_folder
from ...results.store.places import Place, place_of
from ...results.store.record import has_record
from ...results.store.store import CellStore
from ..cells import Environment, Evaluation, open_environments
from ..named_code import inner_classes, let_in
from .spelling import ARGUMENTS, Spelling
from .trust import check_code, check_configuration


@dataclass(frozen=True)
class StoredPolicy:
    """A policy as a cell keeps it, ready to act."""

    store: CellStore
    seed: int
    row: CurveRow
    """The recorded evaluation."""
    actor: Actor
    environment: Environment
    protocol: Evaluation


def find_cell(
    path: str | Place, algorithm: str | None, env: str | None, *, spelling: Spelling = ARGUMENTS
) -> CellStore:
    """The cell that is meant: a cell's folder, or the one of a results folder that the options leave.

    Args:
        path: the folder, or its URL.
        algorithm: its name, or the address of the class of that name.
        env: its environment.
        spelling: of the options, in messages.

    Raises:
        UsageError: there is none, or several.
    """
    path = place_of(path)
    name = locate(algorithm).name if algorithm and ":" in algorithm else algorithm
    if has_record(path):
        return CellStore.open(path)
    folder = read_folder(path)
    cells = [cell.store for cell in folder.begun()]
    chosen = [store for store in cells if _is_meant(store, name, env)]
    refused = [cell for cell in folder.cells if cell.refusal and _is_meant(cell.store, name, env)]
    if refused and not chosen:
        why = "; ".join(
            f"{cell.store.algorithm} on {cell.store.env} is not applicable: {cell.refusal}" for cell in refused
        )
        raise UsageError(f"{path} has no such policy: {why}")
    if len(chosen) != 1:
        listed = ", ".join(f"{store.algorithm} on {store.env}" for store in chosen or cells)[:300]
        how = f"choose one with {spelling.algorithm} and {spelling.env}"
        raise UsageError(f"{path} holds {len(chosen)} such cells: {how} among {listed}")
    return chosen[0]


def _is_meant(store: CellStore, algorithm: str | None, env: str | None) -> bool:
    return algorithm in (None, store.algorithm) and env in (None, store.env)


def open_policy(
    store: CellStore,
    seed: int,
    *,
    algorithm: str | None = None,
    checkpoint: int | None = None,
    trust: bool = False,
    spelling: Spelling = ARGUMENTS,
) -> StoredPolicy:
    """Rebuild the policy of a run from its cell's record and its snapshot.

    Args:
        store: the cell.
        seed: the run.
        algorithm: address of its class, instead of the one that the record names.
        checkpoint: of which policy; only the last one's is kept. None for that one.
        trust: whether the code that the record names may be imported.
        spelling: of the options, in messages.

    Raises:
        UsageError: the run is not there, was imported, or names code that is not trusted.
        PgsuiteError: record and snapshot do not fit each other, or are damaged, or the run diverged.
    """
    record, place = store.record(), str(store.path)
    snapshot = store.read_snapshot(seed)
    if snapshot is None:
        there = ", ".join(map(str, store.stored())) or "none"
        why = "it was imported, without policies" if "imported" in record else f"seeds that are there: {there}"
        raise UsageError(f"{place} has no policy of seed {seed}: {why}")
    own = algorithm if algorithm and ":" in algorithm else None
    if not trust:
        (check_configuration if own else check_code)(record, place, spelling)
    try:
        environment, protocol = _environment(record), _protocol(record)
        named = [own or str(record["reference"]), *map(str, inner_classes(record["configuration"]))]
        let_in(named, environment.modules, [environment.id])
        actor = _actor(own or record["reference"], record["configuration"], environment, seed, snapshot[0])
        last = int(snapshot[0]["checkpoint"][0])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise PgsuiteError(
            f"{place}: record and snapshot of seed {seed} do not fit ({type(error).__name__}: {error}); "
            "run the suite again"
        ) from error
    row = _row(store, seed, last, checkpoint)
    if not all(bool(tensor.isfinite().all()) for tensor in _behaviour(snapshot[0]).values()):
        raise PgsuiteError(f"{place}: the policy of seed {seed} has numbers that are not finite; choose another seed")
    return StoredPolicy(store, seed, row, actor, environment, protocol)


def _environment(record: Mapping[str, Any]) -> Environment:
    known = record["environment"]
    return Environment(
        id=str(known["id"]),
        backend=str(known["backend"]),
        options=dict(known["options"]),
        modules=tuple(map(str, record.get("modules") or ())),
    )


def _protocol(record: Mapping[str, Any]) -> Evaluation:
    names = {f.name for f in fields(Evaluation)}
    return Evaluation(**{name: value for name, value in record["protocol"].items() if name in names})


def _behaviour(snapshot: Mapping[str, NDArray[Any]]) -> dict[str, torch.Tensor]:
    """The tensors of a snapshot that acting depends on, by their path within it."""
    return {
        name.removeprefix("behaviour").removeprefix("."): torch.from_numpy(array)
        for name, array in snapshot.items()
        if f"{name}.".startswith("behaviour.")  # which may be one tensor, without a name within
    }


def _actor(
    reference: str,
    configuration: Mapping[str, Any],
    environment: Environment,
    seed: int,
    tensors: Mapping[str, NDArray[Any]],
) -> Actor:
    """Rebuild the actor of one run; raises KeyError or ValueError where the snapshot does not fit."""
    options = {name: value for name, value in configuration.items() if name != "class"}
    if configuration["class"] != load_class(reference).__name__:
        raise ValueError(f"{reference} is not {configuration['class']}")
    algorithm = build(reference, options)
    probe = open_environments(environment, [0])
    spaces = Spaces(probe.observation_space, probe.action_space)
    probe.close()
    stored = _behaviour(tensors)
    if form := described(algorithm).form_for(spaces, sum(tensor.numel() for tensor in stored.values())):
        return form.act_by(tensors)
    if isinstance(algorithm, PolicyGradient):  # before memory is taken for networks of any size that a record names
        expected, found = algorithm.model(spaces).policy.size, stored["parameters"].shape[1]
        if expected != found:
            raise ValueError(f"{found} parameters, {expected} expected")
    state = algorithm.init(spaces, [seed])
    behaviour = algorithm.evaluated(state)
    actor: Actor = algorithm.actor(with_tensors(behaviour, stored))
    return actor


def _row(store: CellStore, seed: int, last: int, checkpoint: int | None) -> CurveRow:
    """The recorded evaluation of the policy that is kept."""
    if checkpoint not in (None, last):
        raise UsageError(f"{store.path} keeps the policy of checkpoint {last} alone, not of {checkpoint}")
    frame, facts = store.read_curve(seed)
    rows = [row for row in curve_rows(frame) if row.checkpoint == last]
    if not rows:
        if facts["status"] == "diverged":
            ended = f"diverged at step {facts['diverged_at']:,}"
        else:
            ended = f"is {facts['status']}"
        raise PgsuiteError(
            f"{store.path} has no policy of seed {seed} that was evaluated at checkpoint {last}: the run {ended}; "
            "choose another seed"
        )
    return rows[0]
