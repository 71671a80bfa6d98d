"""A snapshot: named arrays (the weights and the whole state of a run) in a sealed safetensors file."""

import errno
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import safe_open

from ...errors import PgsuiteError
from .curve import check_run
from .digest import BLANK, DIGEST, check_seal, sealed
from .reading import MEBIBYTE, DamagedFile, on_disk, open_file, parse_json
from .remote import Remote, RemoteTrouble

LARGEST = 64 * 1024 * MEBIBYTE
LARGEST_HEADER = 16 * MEBIBYTE
_LENGTH = 8
_CHUNK = MEBIBYTE
_KEY = "pgsuite"
"""Of the metadata. One alone, since safetensors writes several in any order."""
_REMEDY = "delete it and run the suite again"


def encode_snapshot(tensors: Mapping[str, NDArray[Any]], meta: Mapping[str, str], run: str) -> bytes:
    """Arrays and text as the content of a safetensors file, sealed.

    Args:
        tensors: by name, of any shape.
        meta: text by name.
        run: whose snapshot it is; the file is damaged where another one's is expected.

    Raises:
        PgsuiteError: its header is larger than is read again.
    """
    contiguous = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    stored = json.dumps({DIGEST: BLANK, "run": run, "text": dict(meta)})
    content = safetensors.numpy.save(contiguous, metadata={_KEY: stored})
    if _header_size(content[:_LENGTH]) > LARGEST_HEADER or len(content) > LARGEST:
        raise PgsuiteError(
            f"a snapshot of {len(content) // MEBIBYTE} MiB in {len(tensors)} arrays is more than is read again; "
            "let the algorithm remember less"
        )
    return sealed(content)


def decode_snapshot(
    path: Path | Remote, run: str | None = None, *, old: bool = True, only: Sequence[str] | None = None
) -> tuple[dict[str, NDArray[Any]], dict[str, str]] | None:
    """The arrays and the text of a snapshot, held to their digest; None where there is no file.

    Args:
        path: the file.
        run: whose snapshot it has to be; None for anybody's.
        old: whether a file of an earlier format, which has no digest, will do.
        only: those arrays that are wanted, where they are there; the others are only to be whole.

    Raises:
        DamagedFile: it is damaged, or not one of ours.
    """
    try:
        with on_disk(path, LARGEST) as place:
            return _decoded(place, run, old, only)
    except FileNotFoundError as error:
        if not path.is_symlink():
            return None
        raise DamagedFile(path, error, _REMEDY) from error
    except RemoteTrouble:
        raise
    except Exception as error:  # what a reader raises over damaged bytes has no list
        raise DamagedFile(path, error, _REMEDY) from error


def _decoded(
    path: Path, run: str | None, old: bool, only: Sequence[str] | None
) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    with open_file(path, LARGEST) as file:
        is_sealed = check_seal(_parts(file))
    if not (is_sealed or old):
        raise ValueError("its digest is missing")
    with safe_open(path, framework="np") as opened:
        meta = _text(opened.metadata() or {}, is_sealed, run)
        names = [name for name in opened.keys() if only is None or name in only]  # noqa: SIM118  (it is no dict)
        return {name: opened.get_tensor(name) for name in names}, meta


def _parts(file: BinaryIO) -> Iterator[bytes]:
    """The header, in which the digest lies, and the rest piece by piece."""
    head = file.read(_LENGTH)
    size = _header_size(head)
    if size > LARGEST_HEADER:
        raise OSError(errno.EFBIG, f"its header is larger than {LARGEST_HEADER // MEBIBYTE} MiB")
    yield head + file.read(size)
    while chunk := file.read(_CHUNK):
        yield chunk


def _header_size(length: bytes) -> int:
    return int.from_bytes(length, "little")


def _text(metadata: Mapping[str, str], is_sealed: bool, run: str | None) -> dict[str, str]:
    if is_sealed:
        stored = parse_json(metadata[_KEY].encode())
        check_run(stored["run"], run)
        return {str(name): str(text) for name, text in stored["text"].items()}
    if metadata:  # the first format wrote none, so this is a digest that was damaged
        raise ValueError("its digest is missing")
    return {}
