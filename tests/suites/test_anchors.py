"""Anchors that a user declares."""

import json

import pytest

from pgsuite.envs.anchors import anchors
from pgsuite.errors import UsageError
from pgsuite.suites.anchors import AnchorsTable, known_anchors, read_anchors

GOOD = '["Own-v0"]\nrandom = 10\nreference = 110.0\nsource = "measured"\n'


def write(tmp_path, text, name="anchors.toml"):
    (tmp_path / name).write_text(text)
    return tmp_path / name


def test_toml_and_json_say_the_same(tmp_path):
    expected = {"Own-v0": AnchorsTable(random=10.0, reference=110.0, source="measured")}
    assert read_anchors(write(tmp_path, GOOD)) == expected
    text = json.dumps({"Own-v0": {"random": 10, "reference": 110, "source": "measured"}})
    assert read_anchors(write(tmp_path, text, "anchors.json")) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no anchors"),
        ("random = 1\n", r"random: .*give random, reference and source"),
        ("[x\n", "is no TOML"),
        (GOOD.replace("110.0", "nan"), r"Own-v0\.reference: .*finite"),
        (GOOD.replace("110.0", "inf"), r"Own-v0\.reference: .*finite"),
        (GOOD.replace("110.0", "10.0"), "reference, 10, must lie above the random return, 10"),
        (GOOD.replace("110.0", "-5"), "reference, -5, must lie above"),
        (GOOD.replace("10\n", "'10'\n", 1), r"Own-v0\.random"),
        (GOOD.replace("random", "randm"), r"Own-v0\.random"),
        (GOOD.replace('source = "measured"', ""), r"Own-v0\.source"),
        (GOOD.replace("measured", ""), r"Own-v0\.source"),
    ],
)
def test_what_is_wrong_is_named(text, message, tmp_path):
    with pytest.raises(UsageError, match=rf"anchors\.toml.*{message}"):
        read_anchors(write(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match=r"no\.toml cannot be read: No such file"):
        read_anchors(tmp_path / "no.toml")
    with pytest.raises(UsageError, match=r"deep\.json is no JSON"):
        read_anchors(write(tmp_path, "[" * 100_000, "deep.json"))


def test_those_that_are_known():
    known, ours = anchors("CartPole-v1"), known_anchors("CartPole-v1")
    assert (ours.random, ours.reference) == (known.random, known.reference)
    assert known_anchors("Own-v0") is None
