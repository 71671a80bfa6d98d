"""What workers are forked from: a process that has loaded the kernels of the planned cells, compiled if need be.

A fork server imports modules by name and does nothing else before it forks; so this one works when it is imported
there, from a note in the environment. In any other process importing it does nothing.
"""

import importlib
import json
import os
import sys
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from .. import kernels
from ..algorithms.described import described
from ..algorithms.registry import ALGORITHMS, address_of, load_class
from ..envs.make import chosen_backend
from . import tether
from .cells import TRAINER, Cell, Environment, import_modules, open_environments
from .named_code import reserve_names
from .process import SAFE_PATH, begin_server, wait_for_server

_NOTE = "PGSUITE_FORKING"


class Needs(NamedTuple):
    """What workers need."""

    module: str
    """With what they do."""
    algorithms: Collection[str]
    """Names or addresses of what they train."""
    environments: Collection[Environment]
    """Whose kernels they step."""
    precisions: Collection[str]
    """Of numbers, ``float32`` or ``float64``."""


def training(cells: Collection[Cell]) -> Needs:
    """Return what workers need that train these cells."""
    return Needs(
        "pgsuite.suites.scheduling.worker",
        [cell.reference for cell in cells],
        [cell.environment for cell in cells],
        [str(cell.options.get("dtype", "float32")) for cell in cells],
    )


def auditing(algorithms: Collection[str]) -> Needs:
    """Return what workers need that audit algorithms."""
    return Needs("pgsuite.suites.audit.run", algorithms, [], ["float64"])


def start(needs: Needs) -> None:
    """Start the server that workers are forked from, and wait until it is ready; one that runs stays as it is.

    What it compiles it says on the error output.

    Raises:
        OSError: the system lets no process be started.
    """
    _begin(needs)
    wait_for_server()


def begin(needs: Needs) -> None:
    """The same, but go on while it loads, which takes as long as to plan does; `start` tells what hinders it."""
    with suppress(OSError):
        _begin(needs)


def _begin(needs: Needs) -> None:
    places = {json.dumps([env.id, env.backend, *env.modules]) for env in needs.environments if not env.options}
    parts = {"stepping"} if any(env.options for env in needs.environments) else set()
    wanted = {
        "modules": {needs.module},
        "algorithms": needs.algorithms,
        "environments": places,
        "precisions": needs.precisions,
        "parts": parts,
    }
    note = {name: sorted(set(values)) for name, values in wanted.items()}
    os.environ[_NOTE] = json.dumps({**note, "path": sys.path, "safe_path": SAFE_PATH in os.environ})
    try:
        begin_server(__name__)
    finally:
        del os.environ[_NOTE]


def load(wanted: Mapping[str, Any]) -> None:
    """Load all that is wanted, and its kernels; what fails, fails again, and is told, in the worker."""
    reserve_names()
    sys.path[:] = wanted["path"]  # as it is where the workers were asked for
    if not wanted["safe_path"]:
        os.environ.pop(SAFE_PATH, None)  # what workers start is started as ever
    for module in wanted["modules"]:
        importlib.import_module(module)
    parts = set(wanted["parts"])
    for reference in wanted["algorithms"]:
        with suppress(Exception):
            learner = load_class(reference)
            parts |= parts_called(learner)
            said = described(learner)
            unbroken = said.unbroken if "float32" in wanted["precisions"] else ""
            for address in filter(None, [said.trainer or TRAINER, unbroken]):
                importlib.import_module(address.partition(":")[0])
    for place in wanted["environments"]:
        with suppress(Exception):
            env_id, backend, *modules = json.loads(place)
            import_modules(modules)
            if chosen_backend(env_id, backend, {}) == "compiled":  # the others have no kernels, and may do anything
                open_environments(Environment(id=env_id, backend=backend, modules=tuple(modules)), [0]).close()
            else:
                parts.add("stepping")
    with suppress(Exception):
        kernels.prepare(*wanted["precisions"], parts=parts)


def parts_called(learner: Any) -> set[kernels.Part]:
    """Return what of the kernels a learner may call beside those that all do."""
    from ..algorithms.losses import is_compiled  # with torch, which only the server loads

    if described(learner).trainer or address_of(learner) not in ALGORITHMS.values():
        return set(kernels.PARTS)
    losses = ["policy_loss", "critic_loss"] if getattr(learner, "joint", False) else ["policy_loss"]
    compiled = all(is_compiled(getattr(learner, loss, None)) for loss in losses)
    return set() if compiled else {"composing"}


if _NOTE in os.environ:
    try:
        load(json.loads(os.environ.pop(_NOTE)))
    finally:
        sys.stdout.flush()  # or every worker would write what was printed meanwhile
        tether.untie()
