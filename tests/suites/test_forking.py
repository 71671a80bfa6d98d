"""The server that workers are forked from loads the kernels that they call: no more by far, and not one less."""

import pytest

from pgsuite.algorithms.registry import ALGORITHMS, SHIPPED, load_class
from pgsuite.kernels import ENTRIES, Kernel
from pgsuite.suites import forking
from pgsuite.suites.forking import parts_called


@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1", "pgsuite/ProbeAction-v0"])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_what_workers_call_is_loaded(name, env, small_cell, train, monkeypatch):
    parts = parts_called(load_class(name)) | (set() if env.endswith("v1") else {"stepping"})
    calls, call = set(), Kernel.__call__

    def noted(kernel, *arguments):
        calls.add(kernel)
        return call(kernel, *arguments)

    monkeypatch.setattr(Kernel, "__call__", noted)
    options = {} if name == "profiled" else {"normalise_observations": True, "scale_rewards": True}
    train(small_cell(name, env, **options), [1, 2])
    assert {kernel.part for kernel in calls if kernel in ENTRIES} <= parts | {None}


def test_compiled_losses_in_compiled_environments_need_the_half_of_them():
    for name in ("reinforce", "reinforce-baseline", "actor-critic", "trpo", "npg", "ppo", "rloo", "grpo"):
        assert parts_called(load_class(name)) == set()
    ours = [kernel for kernel in ENTRIES if kernel.python.__module__.startswith("pgsuite.")]
    assert sum(kernel.part is None for kernel in ours) < 2 / 3 * len(ours)


class Own(load_class("actor-critic")):
    """An algorithm of one's own."""


def test_what_is_not_known_may_call_all():
    assert parts_called(Own) == {"composing", "stepping"}
    assert all(
        parts_called(load_class(name)) == {"composing", "stepping"} for name in SHIPPED if name not in ALGORITHMS
    )


def test_what_hinders_the_server_is_told_by_who_waits_for_it(monkeypatch):
    def refused(_: str) -> None:
        raise OSError("no process to be had")

    monkeypatch.setattr(forking, "begin_server", refused)
    forking.begin(forking.auditing(["trpo"]))
    with pytest.raises(OSError, match="no process to be had"):
        forking.start(forking.auditing(["trpo"]))
