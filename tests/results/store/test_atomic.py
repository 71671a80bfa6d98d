import os
import subprocess
import sys
import time

import pytest

from pgsuite.errors import PgsuiteError
from pgsuite.results.store.atomic import STALE_AFTER_SECONDS, write_atomic


def test_writes_and_replaces(tmp_path):
    path = tmp_path / "a.txt"
    write_atomic(path, lambda file: file.write(b"one"))
    write_atomic(path, lambda file: file.write(b"two"))
    assert path.read_bytes() == b"two"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_a_writer_that_fails_leaves_the_old_content_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")

    def fail(file):
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomic(path, fail)
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_content_is_on_disk_before_it_takes_the_name(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    events = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: events.append(path.exists()))
    write_atomic(path, lambda file: file.write(b"one"))
    assert events == [False, True]  # the file before the rename, the folder after it


def test_what_a_killed_process_left_is_removed_and_a_live_writer_is_not_disturbed(tmp_path):
    path = tmp_path / "a.txt"
    dead, alive, other = (tmp_path / name for name in (".a.txt.dead.tmp", ".a.txt.alive.tmp", ".b.txt.dead.tmp"))
    for file in (dead, alive, other):
        file.write_bytes(b"half")
    long_ago = time.time() - STALE_AFTER_SECONDS - 1
    os.utime(dead, (long_ago, long_ago))
    os.utime(other, (long_ago, long_ago))
    write_atomic(path, lambda file: file.write(b"whole"))
    assert {file.name for file in tmp_path.iterdir()} == {"a.txt", alive.name, other.name}


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    path = tmp_path / "file" / "a.txt"
    with pytest.raises(PgsuiteError, match=r"cannot write .*file/a\.txt: .*check its permissions"):
        write_atomic(path, lambda file: file.write(b"one"))


def test_a_killed_writer_leaves_a_whole_file(tmp_path):
    path = tmp_path / "a.bin"
    code = f"""
from pathlib import Path
from pgsuite.results.store.atomic import write_atomic
for value in range(10**9):
    write_atomic(Path({str(path)!r}), lambda file: [file.write(bytes([value % 256])) for _ in range(100_000)])
    if value == 1:
        print("ready", flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as writer:
        writer.stdout.readline()
        time.sleep(0.05)
        writer.kill()
    content = path.read_bytes()
    assert len(content) == 100_000
    assert len(set(content)) == 1
