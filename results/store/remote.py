"""Objects of an object store: what stands under a URL such as ``s3://bucket/prefix``, in the words of `pathlib`.

A `Remote` names an object or a prefix and answers as a `Path` does where the store asks one. An object is written in
one request, so that it is either whole or absent, and only if it still is what the writer believes: an object store has
no locks, but it compares before it swaps. Credentials are those of the environment. They enter no message, no result
and no pickle: of an error only its kind, its status and the service's name for it are told.
"""

import errno
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ...errors import PassingTrouble, UsageError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SCHEMES = ("s3", "gs")
AT_ONCE = 32
"""Requests that are under way at the same time."""
MOST_OBJECTS = 10**6
"""Below a prefix, beyond which it is taken for a bucket of other things."""
_LARGEST_AT_ONCE = 64 * 2**20
"""Bytes of an object that is read with many others."""
_CONNECTING = "4s"
_QUICK, _PATIENT = (5, 12.0, "30s"), (10, 120.0, "120s")
"""Retries, seconds that they may take in all, and how long one request may take: of reading, and of writing results."""
_S3_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_METADATA_ENDPOINT",
    "AWS_SKIP_SIGNATURE",
)
_GS_CREDENTIALS = (
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_SERVICE_ACCOUNT_PATH",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "GOOGLE_SKIP_SIGNATURE",
)
_ELSEWHERE = ("PermanentRedirect", "AuthorizationHeaderMalformed")
"""What S3 answers where a bucket lies in another region."""
_GCLOUD = "gcloud/application_default_credentials.json"

Version = Mapping[str, str] | None
"""What tells an object from all that stood, or will stand, in its place; None where there is none."""


class RemoteTrouble(PassingTrouble):
    """An object store that cannot be asked, or refuses: no fault of what is stored there."""

    def __init__(self, message: str, exit_code: int) -> None:
        """Say what is wrong; 1 for what may pass by itself, 2 for what somebody has to change."""
        super().__init__(message)
        self.exit_code = exit_code


class Moved(Exception):
    """Somebody else has written the file since it was looked at."""


@dataclass
class Look:
    """What stood below a prefix at one moment, and as much of it as has been read."""

    sizes: dict[str, int]
    """Bytes of every object by key."""
    contents: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Remote:
    """An object, or a prefix of objects."""

    scheme: str
    bucket: str
    key: str = ""
    """Without slashes at its ends."""
    look: Look | None = field(default=None, compare=False, repr=False)
    """Where all answers but those about newer contents come from; None to ask each time."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Remote, (self.scheme, self.bucket, self.key)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}" + (f"/{self.key}" if self.key else "")

    def __truediv__(self, name: str) -> "Remote":
        return Remote(self.scheme, self.bucket, f"{self.key}/{name}" if self.key else name, self.look)

    def __lt__(self, other: "Remote") -> bool:
        return str(self) < str(other)

    @property
    def name(self) -> str:
        """The last part; the bucket's name where there is no other."""
        return self.key.rpartition("/")[2] or self.bucket

    @property
    def suffix(self) -> str:
        """What its name ends with, from the last dot on."""
        return PurePosixPath(self.name).suffix

    @property
    def parent(self) -> "Remote":
        """The prefix that it lies below."""
        return Remote(self.scheme, self.bucket, self.key.rpartition("/")[0])

    def exists(self) -> bool:
        """Whether something lies here, or below."""
        return self.is_file() or self.is_dir()

    def is_file(self) -> bool:
        """Whether an object lies here."""
        if self.look is not None:
            return self.key in self.look.sizes
        return self.key != "" and self.version() is not None

    def is_dir(self) -> bool:
        """Whether an object lies below."""
        if self.look is not None:
            return any(key.startswith(self._below) for key in self.look.sizes)
        return any(True for _ in self._listed(limit=1))

    def is_symlink(self) -> bool:
        """Never: object stores have no links."""
        return False

    def iterdir(self) -> Iterator["Remote"]:
        """What lies directly below, objects and prefixes, in order."""
        sizes = self.look.sizes if self.look is not None else self._listed()
        below = self._below
        names = {key.removeprefix(below).partition("/")[0] for key in sizes if key.startswith(below)}
        return (self / name for name in sorted(names))

    @property
    def _below(self) -> str:
        return f"{self.key}/" if self.key else ""

    def looked(self) -> "Remote":
        """The same as it is now: one listing, whose answers all that is reached from here shares."""
        look = self.look or Look(self._listed())
        return Remote(self.scheme, self.bucket, self.key, look)

    def _listed(self, limit: int = MOST_OBJECTS) -> dict[str, int]:
        import obstore

        found: dict[str, int] = {}
        with self._told("list"):
            for batch in obstore.list(self._client(), self.key or None, chunk_size=1000):
                found |= {entry["path"]: entry["size"] for entry in batch}
                if len(found) >= limit:
                    break
        if len(found) >= MOST_OBJECTS:
            raise UsageError(f"{self} holds more than {MOST_OBJECTS:,} objects: name the results folder within it")
        return found

    def read(self, limit: int) -> bytes:
        """The content of the object.

        Raises:
            FileNotFoundError: there is none.
            OSError: it is larger than ``limit`` bytes.
            RemoteTrouble: the store cannot be asked.
        """
        import obstore

        if self.look is not None:
            if (content := self.look.contents.get(self.key)) is not None:
                return content
            if self.key not in self.look.sizes:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self))
            self._check_size(self.look.sizes[self.key], limit)
        with self._told("read"):
            found = obstore.get(self._client(), self.key)
            self._check_size(found.meta["size"], limit)
            return bytes(found.bytes())

    @staticmethod
    def _check_size(size: int, limit: int) -> None:
        if size > limit:
            raise OSError(errno.EFBIG, f"it is larger than {limit // 2**20} MiB")

    def version(self) -> Version:
        """Which object stands here now, whatever it was when it was looked at."""
        import obstore

        try:
            with self._told("read"):
                return _version(obstore.head(self._client(), self.key))
        except FileNotFoundError:
            return None

    def write(self, content: bytes) -> Version:
        """Make it the object's content, whatever stood here."""
        return self._put(content, "overwrite")

    def write_after(self, content: bytes, version: Version) -> Version:
        """Make it the object's content if that version still stands here; returns the new one.

        Raises:
            Moved: another one does, or none does, or now one does.
        """
        return self._put(content, dict(version) if version else "create")

    def _put(self, content: bytes, mode: Any) -> Version:
        import obstore

        with self._told("write"):
            put = obstore.put(self._client(patient=True), self.key, content, mode=mode, use_multipart=False)
        return _version(put)

    def unlink(self) -> None:
        """Remove the object."""
        import obstore

        with self._told("write"):
            obstore.delete(self._client(patient=True), self.key)

    def _client(self, *, patient: bool = False) -> "ObjectStore":
        return _client(self.scheme, self.bucket, patient)

    def _told(self, doing: str) -> "_Told":
        return _Told(self, doing)


def fetch(places: Iterable[Path | Remote]) -> None:
    """Read many objects at once into the look that they share, so that `Remote.read` of each costs nothing.

    Files of folders, objects that nobody has looked at, and those that are not there are left alone.

    Raises:
        RemoteTrouble: the store cannot be asked.
    """

    def take(place: Remote) -> None:
        assert place.look is not None
        place.look.contents[place.key] = place.read(_LARGEST_AT_ONCE)

    wanted = [
        place
        for place in places
        if isinstance(place, Remote)
        and place.look is not None
        and place.key not in place.look.contents
        and place.look.sizes.get(place.key, _LARGEST_AT_ONCE + 1) <= _LARGEST_AT_ONCE
    ]
    if wanted:
        with ThreadPoolExecutor(min(AT_ONCE, len(wanted))) as pool:
            for done in [pool.submit(take, place) for place in wanted]:
                try:
                    done.result()
                except FileNotFoundError:  # gone since it was listed: who reads it will find so
                    continue


def _version(found: Any) -> Version:
    return {name: str(found[name]) for name in ("e_tag", "version") if found.get(name) is not None}


class _Told:
    """Says in one line what an object store answers, without what it or the library writes of the request."""

    def __init__(self, place: Remote, doing: str) -> None:
        self._place, self._doing = place, doing

    def __enter__(self) -> None:
        return

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        from obstore import exceptions as known

        text = str(error)
        if isinstance(error, known.AlreadyExistsError | known.PreconditionError):
            raise Moved from None
        if isinstance(error, FileNotFoundError) and error.errno is None and "NoSuchBucket" not in text:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self._place)) from None
        if isinstance(error, known.BaseError | FileNotFoundError) and not getattr(error, "errno", None):
            raise _trouble(self._place, self._doing, error, text) from None


def _trouble(place: Remote, doing: str, error: BaseException, text: str) -> RemoteTrouble:
    """What went wrong with a request, and what to do about it."""
    bucket, credentials = f"{place.scheme}://{place.bucket}", _credentials(place.scheme)
    code = next(iter(re.findall(r"<Code>([A-Za-z0-9]{1,60})</Code>", text)), "")
    status = next(iter(re.findall(r"status code: ([0-9]{3})", text)), "")
    answer = ", ".join(filter(None, [status, code])) or type(error).__name__
    if code == "NoSuchBucket":
        where = "its name and AWS_ENDPOINT_URL" if place.scheme == "s3" else "its name"
        return RemoteTrouble(f"there is no bucket {bucket}: make it first, or check {where}", 2)
    if place.scheme == "s3" and ("redirect" in text.lower() or code in _ELSEWHERE):
        return RemoteTrouble(f"{bucket} lies in another region: set AWS_REGION to the bucket's", 2)
    if status in ("401", "403") or "PermissionDenied" in text or "Unauthenticated" in text:
        return RemoteTrouble(
            f"cannot {doing} {place}: the store refuses it ({answer}); check the permissions on {bucket}, and the "
            f"credentials in {credentials}",
            2,
        )
    if status in ("501", "405") or "NotImplemented" in text:
        return RemoteTrouble(
            f"cannot {doing} {place}: the store does not know conditional writes ({answer}), without which two writers "
            "may undo each other's work; use one that does, or a folder",
            2,
        )
    if "oken" in text and "error" in text and not status:
        return RemoteTrouble(f"cannot {doing} {place}: no access by the credentials in {credentials}", 2)
    if status:
        return RemoteTrouble(f"cannot {doing} {place}: the store answers {answer}; run this again later", 1)
    return RemoteTrouble(
        f"cannot {doing} {place}: the store cannot be reached; check the network and the endpoint, then run this again",
        1,
    )


def _credentials(scheme: str) -> str:
    if scheme == "s3":
        return "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
    return "GOOGLE_APPLICATION_CREDENTIALS, GOOGLE_SERVICE_ACCOUNT or GOOGLE_SERVICE_ACCOUNT_KEY"


def environment() -> dict[str, str]:
    """The variables by which object stores are found and asked: for a process that has another environment."""
    return {name: value for name, value in os.environ.items() if name.upper().startswith(("AWS_", "GOOGLE_"))}


def _check_credentials(scheme: str, environment: Mapping[str, str] = os.environ) -> None:
    """Refuse at once where there are none: the library would ask the machine's metadata service, and wait for it.

    Raises:
        RemoteTrouble: naming the variables.
    """
    known = _S3_CREDENTIALS if scheme == "s3" else _GS_CREDENTIALS
    if any(environment.get(name) or environment.get(name.lower()) for name in known):
        return
    if scheme == "gs" and (Path(environment.get("HOME", "~")) / ".config" / _GCLOUD).is_file():
        return
    how = {
        "s3": 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, as `eval "$(aws configure export-credentials --format '
        'env)"` does',
        "gs": "set GOOGLE_APPLICATION_CREDENTIALS or GOOGLE_SERVICE_ACCOUNT to a key file, or use `gcloud auth "
        "application-default login`",
    }
    raise RemoteTrouble(f"there are no credentials for {scheme}:// in the environment: {how[scheme]}", 2)


@cache
def _client(scheme: str, bucket: str, patient: bool) -> "ObjectStore":
    """What speaks to a bucket, made once a process.

    Raises:
        UsageError: the library is not installed.
        RemoteTrouble: there are no credentials, or they are none.
    """
    require_library()
    from obstore.exceptions import BaseError
    from obstore.store import GCSStore, S3Store

    _check_credentials(scheme)
    retries, seconds, timeout = _PATIENT if patient else _QUICK
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    options: dict[str, Any] = {
        "client_options": {
            "connect_timeout": _CONNECTING,
            "timeout": timeout,
            "allow_http": scheme == "gs" or endpoint.startswith("http://"),
        },
        "retry_config": {"max_retries": retries, "retry_timeout": timedelta(seconds=seconds)},
    }
    make: Callable[..., ObjectStore] = S3Store if scheme == "s3" else GCSStore
    try:
        return make(bucket, **options)
    except (BaseError, ValueError):
        raise RemoteTrouble(
            f"{scheme}://{bucket}: the credentials in the environment cannot be used; check {_credentials(scheme)}", 2
        ) from None


def require_library() -> None:
    """Refuse where the library that speaks to object stores is not installed.

    Raises:
        UsageError: naming the line that installs it.
    """
    try:
        import obstore  # noqa: F401
    except ImportError:
        raise UsageError("results at URLs need obstore: pip install 'pgsuite[cloud]'") from None
