"""A suite shared out among commands that know nothing of each other, such as the jobs of an array."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from ...errors import UsageError

if TYPE_CHECKING:
    from ..planned import PlannedCell

_FORM = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")


class Shard(NamedTuple):
    """The ``number``-th of so many shards, from 1."""

    number: int
    total: int


def parse_shard(text: str) -> Shard:
    """Return the shard that ``3/10`` means, the third of ten.

    Raises:
        UsageError: it is none.
    """
    match = _FORM.fullmatch(text)
    shard = Shard(int(match[1]), int(match[2])) if match else Shard(0, 0)
    if not 1 <= shard.number <= shard.total:
        raise UsageError(f"--shard {text!r}: give a number and how many there are, 1/10 to 10/10")
    return shard


def shares(planned: Sequence["PlannedCell"], shard: Shard) -> list["PlannedCell"]:
    """Return the plan with all runs of other shards left to them.

    Runs are dealt out in turn, cell after cell in the order of the plan: shards are disjoint, together they are the
    plan, their sizes differ by one run at most, each has about as much of every cell, and what is done already changes
    nothing about whose a run is. All are still asked for, so that a report says which are missing.
    """
    turn = count()
    dealt = []
    for p in planned:
        mine = {seed for seed in p.seeds if next(turn) % shard.total == shard.number - 1}
        dealt.append(replace(p, left=frozenset(p.seeds) - mine))
    return dealt
