"""What machines share: found, compared, and said in one line."""

import os
import subprocess
import sys

import numpy as np
import torch

from pgsuite.suites.scheduling import alike


def test_what_is_installed():
    found = alike.installed(["numpy", "torch", "no-such-package"])
    assert (found["numpy"], found["torch"]) == (np.__version__, torch.__version__)
    assert found["no-such-package"] == "none"
    assert found["Python"] == f"{sys.version_info.major}.{sys.version_info.minor}"


def test_our_source_is_told_apart_by_what_computes_alone(tmp_path):
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "training.py").write_text("1")
    (tmp_path / "tests").mkdir()
    (before,) = {alike._source(tmp_path)}
    alike._source.cache_clear()
    (tmp_path / "tests" / "test.py").write_text("1")
    assert alike._source(tmp_path) == before
    alike._source.cache_clear()
    (tmp_path / "suites" / "training.py").write_text("2")
    assert alike._source(tmp_path) != before


def test_what_a_processor_computes_with():
    found = alike.processor()
    assert found["CPU capability"] == torch.backends.cpu.get_cpu_capability()
    assert "openblas for " in found["BLAS"] or "mkl for " in found["BLAS"]


def test_the_capability_is_that_of_the_process():
    """As the variable sets it, which travels with the command."""
    code = "from pgsuite.suites.scheduling import alike; print(alike.processor()['CPU capability'])"
    environment = {**os.environ, "ATEN_CPU_CAPABILITY": "default", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "DEFAULT"
    assert "ATEN_CPU_CAPABILITY" in alike.VARIABLES


def test_differences_are_one_line():
    ours, theirs = {"torch": "2.13", "numpy": "2.1", "numba": "0.68"}, {"torch": "2.5", "numpy": "2.1"}
    differing = alike.differences(ours, theirs)
    assert differing == {"torch": ("2.13", "2.5"), "numba": ("0.68", "none")}
    assert alike.in_words(differing) == "torch 2.5 instead of 2.13; numba none instead of 0.68"


def test_variables_are_set_and_taken_away(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")  # for it to be put back as it was
    alike.set_environment({"OMP_NUM_THREADS": None, "NUMBA_CPU_NAME": "haswell"})
    assert alike.environment()["OMP_NUM_THREADS"] is None
    assert alike.environment()["NUMBA_CPU_NAME"] == "haswell"
