"""How tests are spread: how many workers, and the order in which they take files, each whole as it shares things."""

import gc
import os
from pathlib import Path

import pytest

from pgsuite.suites.tether import rest

rest()  # as commands do, before numpy is loaded
gc.set_threshold(100_000)  # as they do, too: looking for garbage took a tenth of all time

_ROOT = Path(__file__).parent
_LONGEST = (
    "cli/test_interruption.py",
    "suites/audit/test_run.py",
    "cli/test_check.py",
    "robustness/test_kill_nodes.py",
    "suites/test_slice_invariance.py",
    "suites/test_probes.py",
    "suites/scheduling/test_ray.py",
    "cli/test_uninvited.py",
    "reports/test_browser.py",
    "examples/test_lamp.py",
    "test_kernels.py",
    "suites/test_invalidation.py",
    "algorithms/test_contract.py",
    "results/store/test_remote.py",
    "reports/test_report.py",
    "cli/test_report.py",
    "cli/test_failures.py",
    "suites/replay/test_acting.py",
    "suites/test_profiled.py",
    "suites/tuning/test_search.py",
    "cli/test_peers.py",
    "test_api.py",
)
"""Files that take longest: begun first, so that all workers end together, those apart that wait for most of it."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: tests of signals, stalls and clusters wait for most of their time."""
    from pgsuite.suites.scheduling.local import available_cores

    return len(available_cores()) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {_ROOT / name: n for n, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="session", autouse=True)
def server_of_workers() -> None:
    """Start what processes that train are forked from, once for all tests of a process, with all that these call.

    The first test that trains would otherwise start it, with what that one needs, or nothing. One process after another
    does, so that what has to be compiled is compiled once.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        from filelock import FileLock

        from pgsuite.algorithms.registry import ALGORITHMS
        from pgsuite.caching import cache_folder
        from pgsuite.suites import forking
        from pgsuite.suites.cells import Environment

        needs = forking.training([])._replace(
            algorithms=[*ALGORITHMS],
            environments=[Environment(id=name) for name in ("CartPole-v1", "pgsuite/ProbeAction-v0")],
            precisions=["float32", "float64"],
        )
        with FileLock(cache_folder("kernels") / "tests.lock"):
            forking.start(needs)


@pytest.fixture(scope="session", autouse=True)
def garbage(server_of_workers: None) -> None:
    """Do not look for garbage among modules and tests."""
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Look for garbage once at the end: pytest does so five times, through all that was loaded."""
    gc.collect()
    gc.freeze()
