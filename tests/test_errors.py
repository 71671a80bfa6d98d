"""Where an error arose, as a user is told it."""

import pytest

from pgsuite.errors import EnvironmentFault, UsageError, place

USERS = """
import torch
from pgsuite.suites.schema import parse_seeds

def inner():
    return torch.ones(2) @ torch.ones(3)

def outer():
    return inner()

def asks_ours():
    return parse_seeds("nonsense")

def wraps():
    try:
        inner()
    except RuntimeError as error:
        raise ValueError("no luck") from error

def through_a_library():
    import json
    return json.loads("{")
"""

OURS = """
def step():
    try:
        inner()
    except ValueError as error:
        raise EnvironmentFault("it raised in step") from error
"""


@pytest.fixture
def users(tmp_path, monkeypatch):
    """The names of a user's file, in the working folder."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "mine.py"
    names = {"__name__": "mine"}
    exec(compile(USERS, str(file), "exec"), names)
    return names


def caught(call):
    with pytest.raises(Exception) as error:  # noqa: PT011  (whatever it is: where it arose matters)
        call()
    return error.value.with_traceback(error.tb.tb_next)  # without the line above: who catches is ours


@pytest.mark.parametrize(("function", "line"), [("outer", 6), ("asks_ours", 12), ("wraps", 18)])
def test_the_innermost_line_of_the_users_is_to_blame(function, line, users):
    """Not a library's or ours that it called; of an error raised from another, where the one that is told arose."""
    assert place(caught(users[function])) == f"mine.py:{line}"


def test_a_file_elsewhere_has_its_whole_path(users, tmp_path, monkeypatch):
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert place(caught(users["outer"])) == f"{tmp_path / 'mine.py'}:6"


def test_what_our_code_wraps_is_the_users_still(users):
    ours = {"__name__": "pgsuite.envs.some", "inner": users["through_a_library"], "EnvironmentFault": EnvironmentFault}
    exec(OURS, ours)
    assert place(caught(ours["step"])) == "mine.py:22"


def test_a_file_that_cannot_be_read_as_python_names_its_own_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    error = caught(lambda: compile("x = 1\nif x\n", str(tmp_path / "mine.py"), "exec"))
    assert place(error) == "mine.py:2"


def test_a_request_that_is_wrong_is_about_no_line():
    error = UsageError("wrong as written")
    assert place(error) == ""
