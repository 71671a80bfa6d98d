"""Who holds a results folder's lock, and what becomes of it."""

import errno
import json
import multiprocessing
import os
import signal

import pytest

from pgsuite.errors import PgsuiteError, UsageError
from pgsuite.results import read_manifest
from pgsuite.results.store import locking
from pgsuite.results.store.locking import LOCK, locked
from pgsuite.results.store.manifest import ExpectedCell, change_manifest


def ask(out, first, count):
    for seed in range(first, first + count):
        cell = ExpectedCell("trpo", "CartPole-v1", "a", (seed,))
        change_manifest(out, "quick", lambda manifest, cell=cell: manifest.asking([cell]))


def hold(out, ready):
    with locked(out):
        ready.set()
        signal.pause()


def test_no_request_is_lost_where_several_commands_ask_at_once(tmp_path):
    """Without the lock some twenty of these hundred are."""
    context = multiprocessing.get_context("fork")
    others = [context.Process(target=ask, args=(tmp_path, 25 * n, 25)) for n in range(4)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert read_manifest(tmp_path).cells[0].seeds == tuple(range(100))


def test_a_lock_ends_with_its_holder_and_a_held_one_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(locking, "PATIENCE", 0.1)
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    holder = context.Process(target=hold, args=(tmp_path, ready))
    holder.start()
    ready.wait()
    with pytest.raises(PgsuiteError, match=rf"another process has held .*{LOCK} for"), locked(tmp_path):
        pass
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    with locked(tmp_path) as note:
        assert note == ""


def test_a_file_system_without_locks_is_said(tmp_path):
    def refuse(_):
        raise OSError(errno.ENOLCK, "No locks available")

    with locked(tmp_path, take=refuse) as note:
        assert "has no locks (No locks available): let one command at a time" in note


def test_a_folder_that_cannot_be_locked_is_a_usage_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"cannot write to .*file.*--out"), locked(tmp_path / "file"):
        pass


def test_what_one_folder_would_hold_on_some_file_systems_is_refused(tmp_path):
    cells = [ExpectedCell(name, "CartPole-v1", f"{name}--CartPole-v1--aa", (0,)) for name in ("TRPO", "trpo")]
    change_manifest(tmp_path, "quick", lambda manifest: manifest.asking(cells[:1]))
    with pytest.raises(UsageError, match="TRPO--CartPole-v1--aa and trpo--CartPole-v1--aa differ in upper and lower"):
        change_manifest(tmp_path, "quick", lambda manifest: manifest.asking(cells[1:]))
    assert len(json.loads((tmp_path / "manifest.json").read_text())["cells"]) == 1
