"""Where results live: in a folder, or below a URL of an object store. The rest of the store knows no difference."""

import random
import re
import time
from collections.abc import Iterator
from pathlib import Path

from ...errors import PassingTrouble, UsageError
from .atomic import write_atomic
from .remote import SCHEMES, Moved, Remote, require_library
from .remote import Version as RemoteVersion

Place = Path | Remote
Version = RemoteVersion | tuple[int, ...]
"""What tells a file from all that stood, or will stand, in its place; None where there is none."""

PATIENCE = 60.0
"""Seconds to wait for whoever writes a file, which takes milliseconds."""
_SHORTEST, _LONGEST = 0.02, 1.0
"""Seconds of a pause between two tries."""
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.DOTALL)
_COLLAPSED = re.compile(rf"({'|'.join(SCHEMES)}):/[^/]")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,221}[A-Za-z0-9]")


def place_of(text: str | Place) -> Place:
    """The place that a text names: ``s3://bucket/prefix``, ``gs://bucket/prefix``, ``file:///folder`` or a path.

    Raises:
        UsageError: it is a URL of another kind, lacks its bucket, or carries credentials; these are not repeated.
    """
    if isinstance(text, Remote):
        return text
    if isinstance(text, Path):
        if _COLLAPSED.match(text.as_posix()):
            raise UsageError(f"{text} has lost a slash: give a URL as text, not as a Path")
        return text
    if (found := _URL.fullmatch(text)) is None:
        return Path(text)
    scheme, rest, shown = _taken_apart(found)
    if "@" in re.split("[/?#]", rest)[0] or "?" in rest or "#" in rest:
        raise UsageError(
            f"{shown} was given with credentials or a query, which are not taken from a URL: give it without, and "
            "the credentials in the environment"
        )
    if scheme == "file":
        return Path(f"/{rest.lstrip('/')}")
    if scheme not in SCHEMES:
        known = ", ".join(f"{one}://" for one in SCHEMES)
        raise UsageError(f"{shown}: results are kept in folders, and at URLs of {known} alone")
    bucket, _, key = rest.partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise UsageError(f"{shown} names no bucket: write {scheme}://BUCKET/PREFIX")
    parts = [part for part in key.split("/") if part]
    if any(part in (".", "..") or not part.isprintable() for part in parts):
        raise UsageError(f"{shown}: a prefix is made of printable names, '.' and '..' not among them")
    require_library()
    return Remote(scheme, bucket, "/".join(parts))


def _taken_apart(url: re.Match[str]) -> tuple[str, str, str]:
    """The scheme of a URL, what follows it, and all of it as it may be shown: without credentials or a query."""
    scheme, rest = url[1].lower(), url[2]
    return scheme, rest, f"{scheme}://{re.split('[?#]', rest)[0].rpartition('@')[2]}"


def beside(place: Place) -> Path:
    """The folder for what is made of results and is no result, such as a report: theirs, or for a URL a local one."""
    return (
        place if isinstance(place, Path) else Path("runs") / "-".join([place.bucket, *place.key.split("/")]).strip("-")
    )


def local(place: str | Place, option: str) -> Path:
    """The folder that is meant, where a URL will not do.

    Raises:
        UsageError: it is a URL.
    """
    shown = str(place)
    if isinstance(place, str):
        url = _URL.fullmatch(place)
        scheme, _, shown = _taken_apart(url) if url else ("file", "", "")
        if scheme == "file":
            place = place_of(place)
    if isinstance(place, Path):
        return place
    raise UsageError(f"{option} {shown}: this is not written to URLs; name a folder, and copy it there")


def looked(place: Place) -> Place:
    """The place as it is now: for a URL one listing that all that is reached from it shares."""
    return place if isinstance(place, Path) else place.looked()


def version(path: Place) -> Version:
    """What tells the file that stands here from what stood here before."""
    if isinstance(path, Remote):
        return path.version()
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def write_after(path: Place, content: bytes, before: Version) -> Version:
    """Replace a file if that version still stands there; returns the new one.

    At a URL that is one step. In a folder, which cannot compare and swap, milliseconds lie between.

    Raises:
        Moved: another version stands there.
        PassingTrouble: the file cannot be written.
    """
    if isinstance(path, Remote):
        assert not isinstance(before, tuple)
        return path.write_after(content, before)
    if version(path) != before:
        raise Moved
    write_atomic(path, lambda file: file.write(content))
    return version(path)


def turns(path: Place) -> Iterator[None]:
    """The tries to write a file that others write too: the first at once, then with a longer pause before each.

    Raises:
        PassingTrouble: others have not left off for `PATIENCE` seconds.
    """
    deadline, pause = time.monotonic() + PATIENCE, _SHORTEST
    while time.monotonic() < deadline:
        yield
        time.sleep(random.uniform(0, pause))  # else those who met would meet again
        pause = min(2 * pause, _LONGEST)
    raise PassingTrouble(f"others have written {path} for {PATIENCE:.0f} s without a pause: run this again later")
