"""What workers are forked from: a process that has loaded the kernels of the planned cells, compiled if need be.

A fork server imports modules by name and does nothing else before it forks; so this one works when it is imported
there, from a note in the environment. In any other process importing it does nothing.
"""

import importlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from .. import kernels
from ..algorithms.described import described
from ..algorithms.registry import ALGORITHMS, address_of, load_class
from ..envs.make import chosen_backend
from . import tether
from .cells import TRAINER, Environment, import_modules, open_environments
from .named_code import reserve_names
from .process import SAFE_PATH, start_server

_NOTE = "PGSUITE_FORKING"


def start(
    module: str, algorithms: Iterable[str], environments: Iterable[Environment], precisions: Iterable[str]
) -> None:
    """Start the server that workers are forked from, and wait until it is ready; one that runs stays as it is.

    What it compiles it says on the error output.

    Args:
        module: with what workers do.
        algorithms: names or addresses of what they train.
        environments: which kernels they step.
        precisions: of numbers, ``float32`` or ``float64``.
    """
    environments = list(environments)
    places = {json.dumps([env.id, env.backend, *env.modules]) for env in environments if not env.options}
    parts = {"stepping"} if any(env.options for env in environments) else set()
    wanted = {
        "modules": {module},
        "algorithms": algorithms,
        "environments": places,
        "precisions": precisions,
        "parts": parts,
    }
    note = {name: sorted(set(values)) for name, values in wanted.items()}
    os.environ[_NOTE] = json.dumps({**note, "path": sys.path, "safe_path": SAFE_PATH in os.environ})
    try:
        start_server(__name__)
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
