"""A process that loads ends with its parent."""

import os
import signal
import subprocess
import sys

import pytest

from pgsuite.suites import tether

from ..processes import left_of

CHILD = "import pgsuite.suites.tether, time; print('tied', flush=True); time.sleep(60)"
PARENT = """
import os, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", sys.argv[1]], env={**os.environ, "PGSUITE_TETHER": str(os.getpid())})
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the system can do it on Linux alone")
def test_a_server_that_is_loading_does_not_outlive_its_parent():
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "tied\n"
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    assert left_of(parent.pid) == []
    parent.stdout.close()


def test_one_whose_parent_died_before_ends_at_once():
    parent_that_is_not = {**os.environ, "PGSUITE_TETHER": "1"}
    done = subprocess.run([sys.executable, "-c", CHILD], env=parent_that_is_not, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")


def test_garbage_is_looked_for_when_all_is_loaded_and_what_is_loaded_stays():
    said = "import gc; from pgsuite.suites import tether; print(gc.isenabled()); tether.untie()"
    said += "; print(gc.isenabled(), gc.get_freeze_count() > 1000)"
    done = subprocess.run(
        [sys.executable, "-c", said],
        env={**os.environ, "PGSUITE_TETHER": str(os.getpid())},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False", "True", "True"]


WORKER = """
import sys
from multiprocessing import forkserver
from pgsuite.suites import forking, process
needs = forking.Needs(sys.argv[1], [], [], [])
forking.begin(needs)
begun = forkserver._forkserver._forkserver_pid
forking.start(needs)
print(forkserver._forkserver._forkserver_pid == begun, flush=True)
code = "import gc; from pgsuite.suites.process import follow_parent; follow_parent()"
code += "; print(gc.isenabled(), gc.get_freeze_count() > 1000, flush=True)"
worker = process.forking().Process(target=exec, args=(code,))
worker.start()
worker.join()
"""


@pytest.mark.parametrize("module", ["pgsuite.suites.scheduling.worker", "nowhere_to_be_found"])
def test_workers_look_for_garbage_of_their_own_also_where_the_server_could_not_load(module):
    done = subprocess.run([sys.executable, "-c", WORKER, module], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "True"], done.stderr


def test_threads_of_openblas_rest_unless_somebody_says_otherwise(monkeypatch):
    monkeypatch.setenv("OPENBLAS_THREAD_TIMEOUT", "20")
    tether.rest()
    assert os.environ["OPENBLAS_THREAD_TIMEOUT"] == "20"
    monkeypatch.delenv("OPENBLAS_THREAD_TIMEOUT")
    tether.rest()
    assert os.environ["OPENBLAS_THREAD_TIMEOUT"] == "4"
