"""An audit from request to judgement: algorithms × models × policies as jobs on all cores."""

import multiprocessing
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, wait
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import gymnasium
import numpy as np
import torch

from ...algorithms.interface import Episodes, State
from ...algorithms.registry import ALGORITHMS, load_class, locate
from ...errors import PgsuiteError, UsageError, in_one_line, located, place
from ...foreign import plain
from ...results.store.audit import assemble
from ..forking import auditing
from ..forking import start as start_server
from ..process import follow_parent, forking, keep_freed_memory, single_thread
from ..scheduling.local import available_cores
from ..stalling import Silence, stall_limit, watched
from .cases import WrongGradient, audit_case, collect, random_of
from .curve import bias_variance
from .models import MODELS, AuditModel, Policy, find_model, policy_values
from .subjects import Subject, adapted, configured, planned, start_state, subject, variants
from .updates import audit_update, critic_error, kl_field

BATCHES = 1000
"""Batches drawn per case by default; a model takes its share of them."""
UPDATES = 32
"""Batches that an update is tried on; fewer on large models."""
TIGHT_KL, TIGHT_DAMPING = 0.1, 1e-3
"""A trust region in which the bound on the KL binds, beside the algorithm's own, in which damping may keep it slack."""


class AuditJob(NamedTuple):
    """What one worker does at a time."""

    algorithm: str
    """Name or address."""
    model: str
    """Empty for the curve of bias and variance, which has its own."""
    policy: Policy
    seed: int
    batches: int


class Audited(NamedTuple):
    """What came of a job."""

    cases: list[dict[str, Any]]
    updates: list[dict[str, Any]]
    bias_variance: list[dict[str, Any]]


def plan_audit(
    algorithms: Sequence[str], models: Sequence[str], *, seed: int = 0, batches: int = BATCHES
) -> list[AuditJob]:
    """Return the jobs of an audit, longest first; all algorithms or all models where none is named.

    Raises:
        UsageError: naming an unknown algorithm or model, or an algorithm that cannot be built or audited.
    """
    chosen = [find_model(name) for name in dict.fromkeys(models)] or list(MODELS.values())
    names = list(dict.fromkeys(algorithms)) or [name for name in ALGORITHMS if not lacking_gradient(name)]
    for name in names:
        if lacking := lacking_gradient(name):
            raise UsageError(
                f"{name} cannot be audited: it has no {' and no '.join(lacking)} to hold against an exact gradient; "
                "it can be run and reported"
            )
        for model in chosen:
            _check_plan(name, model)
    jobs = [
        AuditJob(name, model.name, policy, seed, batches)
        for model in sorted(chosen, key=lambda model: -model.process.states)
        for name in names
        for policy in model.policies
    ]
    return jobs + [AuditJob(name, "", "random", seed, batches) for name in names if not models or "corridor" in models]


def lacking_gradient(reference: str) -> list[str]:
    """Return what an algorithm lacks to be audited; nothing where it can be."""
    found = load_class(reference)
    return [part for part in ("gradient", "target") if not hasattr(found, part)]


def _check_plan(reference: str, model: AuditModel) -> None:
    """Refuse an algorithm that cannot be set up on a model, or whose target has no exact mean.

    Raises:
        UsageError: naming what it raised or declares.
    """
    try:
        algorithm = adapted(reference, model)
        plan, trace = planned(algorithm, start_state(algorithm, model)), algorithm.target.bootstrap
    except PgsuiteError:
        raise
    except Exception as error:
        raise UsageError(f"{reference} cannot be audited: {in_one_line(error)}") from error
    if isinstance(plan, Episodes) and trace is not None:
        raise UsageError(
            f"{reference} cannot be audited: it declares a bootstrap with λ = {trace:g} on rounds of complete "
            "episodes, for which there is no exact mean here; plan windows (Steps), or declare bootstrap None"
        )


def run_job(job: AuditJob) -> Audited:
    """Do one job in this process; an algorithm that raises departs, and the audit goes on.

    Raises:
        PgsuiteError: if the request is wrong.
    """
    keep_freed_memory()
    with single_thread(), np.errstate(all="ignore"):
        try:
            if not job.model:
                return Audited([], [], bias_variance(job.algorithm, job.seed, job.batches))
            model = MODELS[job.model]
            algorithm = adapted(job.algorithm, model)
            state = start_state(algorithm, model)
            group = [subject(variant, state, model, job.policy) for variant in variants(algorithm, state, job.policy)]
            cases = audit_case(job.algorithm, group, model, job.policy, job.seed, job.batches)
            return Audited(cases, updates(job, group, algorithm, state), [])
        except PgsuiteError:
            raise
        except Exception as error:
            failure = (
                str(error)
                if isinstance(error, WrongGradient)
                else located(f"raised {in_one_line(error)}", place(error))
            )
            case = {"model": job.model or "bias-variance", "policy": job.policy, "variant": ""}
            return Audited([], [{**case, "departures": [failure]}], [])


def updates(job: AuditJob, group: Sequence[Subject], algorithm: Any, state: State) -> list[dict[str, Any]]:
    """Try updates of the plain form with a good critic, and as configured with a wrong one where that differs.

    Where there is a trust region, once more with one in which the KL binds. Which gradient an update steps on is a
    matter of its code: that is looked at where the policy is random, as it is in every model.

    Args:
        job: what is tried.
        group: the algorithm's variants.
        algorithm: as it is configured.
        state: its `start_state`.
    """
    model, (given, *others) = MODELS[job.model], group
    first = given.variant
    count = max(16, min(UPDATES, 3000 // model.process.states))
    rollout = collect(given, model, count, random_of(job.seed, job.algorithm, job.model, job.policy, 3))
    tried = partial(audit_update, rollout=rollout, turning=job.policy == "random")
    records = [{"variant": "", **tried(given)}]
    if given.critic is not None and not model.hidden and others:
        records[0]["critic_error"] = critic_error(others[0], rollout, policy_values(model, job.policy))
    whole = configured(algorithm, state)
    if (whole.algorithm, whole.critic) != (first.algorithm, first.critic):
        records.append({"variant": whole.name, **tried(subject(whole, state, model, job.policy))})
    if hasattr(first.algorithm, "damping") and (kl := kl_field(first.algorithm)) and model.process.states < 10:
        tight = replace(first, algorithm=replace(first.algorithm, **{kl: TIGHT_KL, "damping": TIGHT_DAMPING}))
        records.append({"variant": "tight", **tried(replace(given, variant=tight))})
    return [{"model": job.model, "policy": job.policy, **record} for record in records]


def run_audit(
    jobs: Sequence[AuditJob], *, workers: int | None = None, on_done: Callable[[AuditJob], None] = lambda _: None
) -> dict[str, Any]:
    """Run an audit's jobs on processes, one thread each, and return it judged, as JSON has it.

    Raises:
        PgsuiteError: if the request is wrong.
    """
    start = time.perf_counter()
    cores = available_cores()
    workers = min(workers or len(cores), len(jobs))
    done: dict[AuditJob, Audited] = {}
    if workers == 1:
        for job in jobs:
            with watched(f"the audit of {_named(job)}", stall_limit()):
                done[job] = run_job(job)
            on_done(job)
    else:
        start_server(auditing([job.algorithm for job in jobs]))
        with ProcessPoolExecutor(workers, forking(), initializer=follow_parent) as pool:
            futures = {pool.submit(run_job, job): job for job in jobs}
            try:
                for future in _completed(futures):
                    done[futures[future]] = future.result()
                    on_done(futures[future])
            except BrokenExecutor as error:
                raise PgsuiteError(
                    "a worker process of the audit died, as when memory is short: use fewer --workers"
                ) from error
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                for process in multiprocessing.active_children():
                    process.terminate()
                raise
    found: dict[str, dict[str, Any]] = {}
    for job in sorted(jobs, key=lambda job: list(MODELS).index(job.model) if job.model else -1):
        mine = found.setdefault(job.algorithm, {"cases": [], "updates": [], "bias_variance": []})
        for name, records in done[job]._asdict().items():
            mine[name] += records
    ordered = {name: {"class": locate(name).name, **found[name]} for name in dict.fromkeys(j.algorithm for j in jobs)}
    return assemble(
        ordered,
        seed=jobs[0].seed,
        batches=jobs[0].batches,
        seconds=round(time.perf_counter() - start, 2),
        versions=versions(),
    )


def _completed(futures: Mapping[Future[Audited], AuditJob]) -> Iterator[Future[Audited]]:
    """Give what is done, in the order in which it ends; say what takes long.

    Raises:
        PgsuiteError: nothing ended for as long as the stall limit.
    """
    silence, left, limit = Silence(), set(futures), stall_limit()
    while left:
        ended, left = wait(left, timeout=min(1.0, limit / 4), return_when=FIRST_COMPLETED)
        if ended:
            silence.heard()
            yield from ended
            continue
        at_work = ", ".join(_named(futures[future]) for future in left if future.running())
        if silence.look():
            print(plain(f"note: the audit of {at_work}: no news for {silence.seconds:.0f} s"), file=sys.stderr)
        if silence.seconds >= limit:
            raise PgsuiteError(
                f"no part of the audit ended for {limit:g} s, the stall limit; at work were {at_work}: "
                "mend what hangs, or give a longer --stall-limit"
            )


def _named(job: AuditJob) -> str:
    return f"{job.algorithm} on {job.model or 'the curve of bias and variance'}"


def versions() -> dict[str, str]:
    """Return the versions that an audit depends on."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "gymnasium": gymnasium.__version__,
    }
