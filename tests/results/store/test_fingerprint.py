import hashlib
import math
import subprocess
import sys

import numpy as np
import pytest

from pgsuite.results.store import closure
from pgsuite.results.store.fingerprint import fingerprint, source_definitions, source_hash


def test_the_canonical_form_is_written_down():
    parts = {"b": (1, 2.5, None), "a": {"y": True, "x": "ü"}}
    canonical = r'{"a":{"x":"\u00fc","y":true},"b":[1,2.5,null]}'
    assert fingerprint(parts) == hashlib.sha256(canonical.encode()).hexdigest()


def test_order_of_keys_and_kind_of_sequence_do_not_matter():
    assert fingerprint({"a": 1, "b": [1, 2]}) == fingerprint({"b": (1, 2), "a": 1})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, True),
        (0.1, math.nextafter(0.1, 1)),
        ("1", 1),
        (None, "null"),
        ([1, 2], [2, 1]),
        (float("inf"), 1e308),
    ],
)
def test_values_that_differ_have_different_fingerprints(one, other):
    assert fingerprint({"a": one}) != fingerprint({"a": other})


@pytest.mark.parametrize(
    ("parts", "where"),
    [
        ({"a": {"b": [1, {2, 3}]}}, r"parts\.a\.b\[1\] is a set"),
        ({"a": np.zeros(2)}, r"parts\.a is a ndarray"),
        ({"a": np.int64(3)}, r"parts\.a is a int64"),
        ({"a": {1: 2}}, r"parts\.a has the key 1"),
        ({"a": b"bytes"}, r"parts\.a is a bytes"),
    ],
)
def test_what_is_not_json_is_refused_by_its_place(parts, where):
    with pytest.raises(TypeError, match=where):
        fingerprint(parts)


CODE = '''
"""Module docstring."""
from dataclasses import dataclass

@dataclass
class Config:
    """Class docstring."""

    rate: float = 0.5
    """Attribute docstring."""

def step(x, scale=2):
    """Function docstring."""
    return x * scale + 1
'''


@pytest.fixture
def hashed(tmp_path):
    def hash_of(code, name="algorithm.py"):
        path = tmp_path / name
        path.write_text(code)
        closure._programs.clear()  # two edits may fall into one tick of the file system's clock
        return source_hash(str(path))

    return hash_of


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"""Module docstring."""', ""),
        ('"""Class docstring."""', '"""Another."""'),
        ('    """Attribute docstring."""\n', ""),
        ('"""Function docstring."""', "# a comment"),
        ("x * scale + 1", "(x * scale)    + 1  # why"),
        ('"""Function docstring."""\n', '"""Function docstring."""\n\n\n'),
    ],
)
def test_docstrings_comments_and_layout_do_not_matter(hashed, before, after):
    assert before in CODE
    assert hashed(CODE) == hashed(CODE.replace(before, after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x * scale + 1", "x * (scale + 1)"),
        ("x * scale + 1", "x * scale - 1"),
        ("scale=2", "scale=2.0"),
        ("scale=2", "scale='2'"),
        ("rate: float = 0.5", "rate: float = 0.25"),
        ("rate", "speed"),
        ("@dataclass\n", ""),
        ("return x", "return 'text', x"),
    ],
)
def test_code_matters(hashed, before, after):
    assert before in CODE
    assert hashed(CODE) != hashed(CODE.replace(before, after))


def test_a_file_hashes_the_same_wherever_it_lies(tmp_path):
    paths = [tmp_path / folder / "algorithm.py" for folder in ("one", "two")]
    for path in paths:
        path.parent.mkdir()
        path.write_text(CODE)
    assert source_hash(str(paths[0])) == source_hash(str(paths[1]))


def test_an_imported_neighbour_matters_and_a_stranger_does_not(hashed):
    hashed("RATE = 1", "neighbour.py")
    one = hashed("from neighbour import RATE")
    hashed("RATE = 2", "stranger.py")
    assert hashed("from neighbour import RATE") == one
    hashed("RATE = 2", "neighbour.py")
    assert hashed("from neighbour import RATE") != one


def test_our_own_definitions():
    assert source_definitions("pgsuite.algorithms.streams:generator") == (
        "pgsuite.algorithms.streams:Stream",
        "pgsuite.algorithms.streams:_key",
        "pgsuite.algorithms.streams:generator",
        "pgsuite.algorithms.streams:seed_sequence",
    )


def test_hashing_imports_nothing_that_it_hashes():
    code = (
        "import sys; from pgsuite.results.store.fingerprint import source_hash; source_hash('pgsuite.algorithms');"
        "print('torch' in sys.modules, 'pgsuite.algorithms' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
