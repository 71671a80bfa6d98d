"""What a worker prints: passed on line by line, counted beyond the first, and never in the way of who prints."""

import multiprocessing
import os
import subprocess
import sys
import time

import pytest

from pgsuite.suites.scheduling import prints
from pgsuite.suites.scheduling.prints import AT_ONCE, EVERY, Prints


@pytest.fixture
def pipe():
    """What listens, and the descriptor that is printed to."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    yield Prints(receiver), sender.fileno()
    sender.close()


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(prints.time, "monotonic", lambda: now[0])
    return now


def heard(listening, count):
    """Lines as they come, until there are so many."""
    lines = []
    for _ in range(10_000):
        if len(lines) >= count:
            break
        lines += listening.take()
        time.sleep(0.001)
    return lines


def ended(listening, output):
    """What is told at the end, after whoever printed there has ended."""
    elsewhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(elsewhere, output)
    os.close(elsewhere)
    return listening.end()


def test_lines_end_as_terminals_and_progress_bars_end_them_and_the_last_one_need_not(pipe):
    listening, output = pipe
    for piece in ("one\nt", "wo\r\n\n", "  10%\r  20%\r", "\x1b[1;31mred\x1b[0m, ü\nunf", "inished"):
        os.write(output, piece.encode())
    assert [*heard(listening, 5), *ended(listening, output)] == ["one", "two", "  10%", "  20%", "red, ü", "unfinished"]


def test_of_more_lines_their_number_is_told_and_the_last_one(clock, pipe):
    listening, output = pipe
    os.write(output, b"".join(b"%d\n" % n for n in range(50)))
    assert heard(listening, AT_ONCE) == [str(n) for n in range(AT_ONCE)]
    assert ended(listening, output) == [f"… {50 - AT_ONCE} more lines, the last: 49"]


def test_after_a_while_one_more_line_is_told(clock, pipe):
    listening, output = pipe
    os.write(output, b"a\n" * (AT_ONCE + 2))
    heard(listening, AT_ONCE)
    clock[0] += EVERY
    os.write(output, b"later\nagain\n")
    assert heard(listening, 2) == ["… 2 more lines", "later"]
    assert ended(listening, output) == ["… 1 more line, the last: again"]


def test_a_flood_waits_for_nobody_and_every_line_is_counted(pipe):
    listening, output = pipe
    begun, used = time.monotonic(), time.process_time()
    for _ in range(2000):
        os.write(output, b"0123456789012345678901234567890123456789\n" * 100)
    lines = [*heard(listening, AT_ONCE), *ended(listening, output)]
    told = sum(line[0] != "…" for line in lines)
    assert told + sum(int(line.split()[1].replace(",", "")) for line in lines if line[0] == "…") == 200_000
    assert time.process_time() - used < 2
    assert time.monotonic() - begun < 20


def test_a_line_without_end_is_cut(pipe):
    listening, output = pipe
    os.write(output, b"x" * 50_000 + b"\n")
    (line,) = heard(listening, 1)
    assert 1000 < len(line) < 10_000


def test_who_still_prints_when_the_worker_has_ended_is_not_waited_for(pipe):
    listening, output = pipe
    os.write(output, b"last words")
    begun = time.monotonic()
    assert listening.end() == ["last words"]
    assert time.monotonic() - begun < 5


def test_both_outputs_of_python_and_of_c_go_where_they_are_sent(tmp_path):
    code = (
        "import multiprocessing, os, sys; from pgsuite.suites.scheduling.prints import Prints, send\n"
        "receiver, sender = multiprocessing.Pipe(duplex=False); kept = os.dup(1)\n"
        "send(sender); print('one'); print('two', file=sys.stderr); os.system('echo three'); os.write(1, b'four\\n')\n"
        "os.write(kept, os.read(receiver.fileno(), 100))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["one", "two", "three", "four"]
