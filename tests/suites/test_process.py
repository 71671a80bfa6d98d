"""A process that trains uses one thread, and is left as it was."""

import pytest
import torch
from threadpoolctl import threadpool_info

from pgsuite.suites import process
from pgsuite.suites.process import keep_freed_memory, single_thread, single_thread_often


@pytest.mark.parametrize("context", [single_thread, single_thread_often])
def test_one_thread_in_torch_and_blas_and_back_again(context):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with context():
            assert torch.get_num_threads() == 1
            assert {pool["num_threads"] for pool in threadpool_info()} <= {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_keeping_memory_is_asked_of_glibc_alone(platform, monkeypatch):
    asked = []

    class Library:
        def __init__(self, name):
            self.mallopt = lambda option, value: asked.append((option, value))

    monkeypatch.setattr(process.sys, "platform", platform)
    monkeypatch.setattr(process.ctypes, "CDLL", Library)
    keep_freed_memory()
    # M_MMAP_THRESHOLD is -3 and M_TRIM_THRESHOLD -1 in glibc's malloc.h.
    assert asked == ([(-3, 2**30), (-1, 2**30)] if platform == "linux" else [])


def test_a_linux_without_glibc_is_fine(monkeypatch):
    def missing(name):
        raise OSError(name)

    monkeypatch.setattr(process.sys, "platform", "linux")
    monkeypatch.setattr(process.ctypes, "CDLL", missing)
    keep_freed_memory()
