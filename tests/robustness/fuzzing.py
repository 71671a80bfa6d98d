"""What fuzzing scripts share: damage drawn by a seed, a time limit for a case, and the table of what came of it."""

import json
import random
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LIMIT = 10.0
"""Seconds after which a case counts as hanging."""
OUTCOMES = ("unnoticed, nothing changed", "named", "wrong number", "traceback", "hang")
"""What may come of a case; the last three are faults."""
FAULTS = OUTCOMES[2:]
Case = Callable[[random.Random], str]
"""Make a case from its random numbers and see what comes of it: one of the first three outcomes."""


class Hang(BaseException):
    """A case took too long."""


def flip_bits(content: bytes, rng: random.Random) -> bytes:
    """A few bits are others."""
    damaged = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def cut(content: bytes, rng: random.Random) -> bytes:
    """The end, or a piece in the middle, is gone."""
    start = rng.randrange(len(content))
    return content[:start] + content[start + rng.choice((1, 4, 64, len(content))) :]


def insert(content: bytes, rng: random.Random) -> bytes:
    """Something stands between."""
    start = rng.randrange(len(content))
    return content[:start] + rng.randbytes(rng.choice((1, 4, 300))) + content[start:]


def overwrite(content: bytes, rng: random.Random) -> bytes:
    """A stretch holds zeros, noise, or what stands elsewhere."""
    length = rng.choice((4, 16, 512))
    start, other = rng.randrange(len(content)), rng.randrange(len(content))
    fill = rng.choice((bytes(length), b"\xff" * length, rng.randbytes(length), content[other : other + length]))
    return content[:start] + fill + content[start + len(fill) :]


def replace_all(content: bytes, rng: random.Random) -> bytes:
    """Nothing is as it was."""
    return rng.choice((b"", b"\0", bytes(len(content)), rng.randbytes(len(content)), content * 2, content[::-1]))


BYTES: tuple[Callable[[bytes, random.Random], bytes], ...] = (flip_bits, flip_bits, cut, insert, overwrite, replace_all)
ABSURD: tuple[Any, ...] = (
    *(None, True, [], {}, "", "x" * 10_000, "\x1b[31m", "../..", "\0", "\ud800"),
    *(-1, 0, 0.5, 1e308, -1e308, 2**63, 2**64, 10**39, float("nan"), float("inf")),
)
"""Values that nobody expects."""


def damage_bytes(content: bytes, rng: random.Random) -> bytes:
    """A file with some damage, at least one bit of it."""
    while (damaged := rng.choice(BYTES)(content, rng)) == content:
        continue
    return damaged


def damage_tree(tree: Any, rng: random.Random) -> Any:
    """A JSON-like tree, one place of which holds something else, or is gone, or is there twice."""
    tree = json.loads(json.dumps(tree))
    places = list(_places(tree))
    table, key = rng.choice(places)
    if rng.random() < 0.1:
        del table[key]
    elif rng.random() < 0.1 and isinstance(table, list):
        table.insert(key, table[key])
    elif rng.random() < 0.1:
        table[key] = _nested(rng.choice((10, 500)))
    else:
        table[key] = rng.choice(ABSURD)
    return tree


def _nested(depth: int) -> Any:
    tree: Any = 0
    for _ in range(depth):
        tree = [tree]
    return tree


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)):
        yield tree, key
        if isinstance(tree[key], dict | list):
            yield from _places(tree[key])


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise `Hang` where the block takes longer."""

    def ring(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def judge(case: Case, name: str, seed: int, number: int) -> tuple[str, str]:
    """What comes of one case, and the traceback where there is one."""
    try:
        with limited(LIMIT):
            return case(random.Random(f"{name}/{seed}/{number}")), ""
    except Hang:
        return "hang", traceback.format_exc()
    except Exception:
        return "traceback", traceback.format_exc()


def fuzz(name: str, case: Case, cases: int, seed: int) -> Counter[str]:
    """Outcomes of so many cases of a kind; a fault is printed with what makes it again."""
    found = Counter[str]()
    for number in range(cases):
        outcome, trace = judge(case, name, seed, number)
        found[outcome] += 1
        if outcome in FAULTS:
            print(f"{name}, seed {seed}, case {number}: {outcome}\n{trace}", file=sys.stderr, flush=True)
    print(f"{name}: {dict(found)}", flush=True)
    return found


def write_table(path: Path, title: str, text: str, found: Mapping[str, Counter[str]]) -> None:
    """Write what is committed: a line for each kind."""
    lines = [f"# {title}", "", text, "", f"| damaged | cases | {' | '.join(OUTCOMES)} |"]
    lines.append(f"| --- |{' ---: |' * (len(OUTCOMES) + 1)}")
    for name, counts in found.items():
        lines.append(f"| {name} | {counts.total()} | {' | '.join(str(counts[outcome]) for outcome in OUTCOMES)} |")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
