"""What files say, kept on disk: the same as read anew, never another file's, and never in the way."""

import os
from pathlib import Path

import pytest

from pgsuite import caching
from pgsuite.results.store import closure, file, outline
from pgsuite.results.store.closure import Home, Program

CODE = """
from math import cos as cosine
from .far import *
import unused

TABLE = {"one": cosine, "two": 2, 3: 4}
TABLE["three"] = 3


class Thing:
    colour: "Far" = cosine(1.0)

    def method(self, other=TABLE):
        return other, Far, "\\ud800\\x00ü"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of its own for what is kept, and nothing in memory."""
    (tmp_path / "kept").mkdir()
    monkeypatch.setattr(outline, "cache_folder", lambda kind: tmp_path / "kept")
    outline.outline.cache_clear()
    yield tmp_path / "kept"
    outline.outline.cache_clear()


@pytest.fixture
def parsed(monkeypatch):
    """What was parsed."""
    contents: list[bytes] = []
    before = file.File.__init__

    def init(self, content):
        contents.append(content)
        before(self, content)

    monkeypatch.setattr(file.File, "__init__", init)
    return contents


def all_of(content=CODE):
    """All that an outline says, as another process would read it."""
    outline.outline.cache_clear()
    made = outline.outline(content.encode())
    texts = {name: made.text(name) for name in [*made.bindings, "", "TABLE[one]"] if name in made}
    return made.bindings, made.stars, made.unused, made.effects, made.lazy, made.kinds, texts


def test_what_is_kept_says_what_was_read(folder, parsed):
    first = all_of()
    assert all_of() == first
    assert len(parsed) == 1 == len(list(folder.iterdir()))
    bindings, stars, unused, effects, _, kinds, texts = first
    assert bindings["cosine"] == [(0, "math", "cos")]
    assert bindings["TABLE"] == [None]
    assert stars == [(1, "far", None)]
    assert unused == [(0, "unused", None)]
    assert effects
    assert kinds == {"TABLE": "value", "Thing": "class"}
    assert texts["TABLE[one]"].pieces == (("cosine", ()),)
    assert [one.name for one in texts["Thing"].types] == ["Far"]


def test_another_content_is_another_outline(folder, parsed):
    assert all_of()[-1] != all_of(CODE.replace("TABLE = ", "TABLE = 1, "))[-1]
    assert len(parsed) == 2 == len(list(folder.iterdir()))


@pytest.mark.parametrize(
    "damage",
    [lambda kept: kept[:-9], lambda kept: b"", lambda kept: kept.replace(b"cosine", b"sine"), lambda kept: b"\n{}"],
    ids=["cut", "empty", "other", "no digest"],
)
def test_what_is_damaged_is_made_again(damage, folder, parsed):
    first = all_of()
    (kept,) = folder.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(damage(whole))
    assert all_of() == first
    assert len(parsed) == 2
    assert kept.read_bytes() == whole


def test_what_is_of_another_file_is_made_again(folder):
    all_of()
    (kept,) = folder.iterdir()
    first = all_of("Y = 1")
    (other,) = set(folder.iterdir()) - {kept}
    other.write_bytes(kept.read_bytes())
    assert all_of("Y = 1") == first


def no_folder(_kind):
    raise PermissionError("read-only")


@pytest.mark.parametrize("elsewhere", ["gone", None])
def test_where_nothing_can_be_kept_it_is_read(elsewhere, folder, parsed, monkeypatch):
    first = all_of()
    monkeypatch.setattr(outline, "cache_folder", (lambda kind: folder / elsewhere) if elsewhere else no_folder)
    assert all_of() == first
    assert len(parsed) == 2
    assert not (folder / "gone").exists()


def test_a_user_without_a_home_has_a_folder(tmp_path, monkeypatch):
    def home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", home)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert caching.cache_folder.__wrapped__("sources").parent == tmp_path


def test_the_code_that_makes_it_is_known_in_full():
    """Of a file that is not named, an edit would leave what was made before."""
    known = closure.program()
    _, first, rest = known.reached([known.root("pgsuite.results.store.file:File")])
    reached = {node.source.path for node in (*first, *rest)}
    assert reached | {Path(outline.__file__)} == {Path(maker) for maker in outline.MAKERS}


def test_names_of_one_statement_have_one_text(folder):
    names = ", ".join(f"name{n}" for n in range(300))
    made = outline.outline(f"for {names} in [range(300)]:\n    pass\n".encode())
    assert made.text("name0") is made.text("name299")
    (kept,) = folder.iterdir()
    assert kept.stat().st_size < 50_000


def test_a_number_of_any_length_is_written():
    texts = [outline.outline(f"X = 0x{digit * 5000}".encode()).text("X").pieces for digit in ("1", "2")]
    assert texts[0] != texts[1]


def test_code_that_reads_otherwise_finds_nothing_of_what_was_kept(folder, parsed, monkeypatch):
    all_of()
    monkeypatch.setattr(outline, "_MADE_BY", outline._MADE_BY + b"an edit")
    all_of()
    assert len(parsed) == 2


def test_the_oldest_goes(folder, monkeypatch):
    monkeypatch.setattr(outline, "_MOST", 4)
    seen: list[Path] = []
    for n in range(5):
        outline.outline(f"X = {n}".encode())
        seen += [each for each in folder.iterdir() if each not in seen]
        os.utime(seen[-1], (n, n))
    assert sorted(folder.iterdir()) == sorted(seen[2:])


def test_what_is_asked_for_stays(folder, parsed, monkeypatch):
    monkeypatch.setattr(outline, "_MOST", 3)
    all_of()
    (own,) = folder.iterdir()
    for n in range(2):
        outline.outline(f"X = {n}".encode())
    for each in folder.iterdir():
        os.utime(each, (each != own, each != own))
    all_of()
    outline.outline(b"X = 2")
    assert len(list(folder.iterdir())) == 3
    all_of()
    assert len(parsed) == 4


def test_what_is_no_python_is_said_each_time(folder):
    for _ in range(2):
        outline.outline.cache_clear()
        with pytest.raises(SyntaxError):
            outline.outline(b"def")
    assert not list(folder.iterdir())


def test_every_file_of_the_package_says_the_same_when_it_is_kept(folder):
    """Hashes of all modules, by files as they are read and as they are kept."""

    def hashes():
        outline.outline.cache_clear()
        known = Program(Home(closure.PACKAGE.top, closure.PACKAGE.folder))
        return [known.digest([known.root(f"pgsuite.{name}")]) for name in ("algorithms.trpo", "suites.training", "api")]

    first = hashes()
    assert len(list(folder.iterdir())) > 50
    assert hashes() == first
