"""An episode of a stored policy as a video: GIF by pillow, MP4 by ffmpeg."""

import math
import secrets
from collections.abc import Iterator
from io import BytesIO
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from ...envs import rendering
from ...envs.rendering import Film, Picture
from ...errors import EnvironmentFault, PgsuiteError, UsageError
from ...results.store.atomic import write_atomic
from ...wording import plural
from .policies import StoredPolicy
from .replay import Replayed, drawable, episode

FORMATS = (".gif", ".mp4")
FASTEST_GIF = 50
"""Pictures per second: browsers slow down a GIF that asks for more."""
_COLOURS = 64


def check_target(path: Path) -> None:
    """Refuse a file that cannot become a video, before anything is played.

    Raises:
        UsageError: naming the file and what would do.
    """
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"-o {path}: a video is a {' or '.join(FORMATS)} file")
    if not path.parent.is_dir():
        raise UsageError(f"-o {path}: the folder {path.parent} does not exist; make it first")
    if path.suffix.lower() == ".mp4":
        _ffmpeg()


def draw_episode(policy: StoredPolicy, evaluation: Replayed, number: int, path: Path) -> str:
    """Write the video of an episode and say in one line what it shows.

    Args:
        policy: as it was evaluated.
        evaluation: its evaluation, made again.
        number: which episode, from 0.
        path: a .gif or .mp4.

    Raises:
        UsageError: there is no such episode, or the environment cannot be drawn.
        EnvironmentFault: the environment did not play the same episode twice.
        PgsuiteError: the file cannot be written.
    """
    shown = drawable(policy)
    played = episode(shown, number)
    environment, total = shown.environment, float(np.cumsum(played.reward)[-1])  # in the order of the evaluation
    if shown is policy and total != evaluation.episodes.returns[0, number]:
        raise EnvironmentFault(
            f"environment {environment.id} does not repeat itself: episode {number} returned "
            f"{evaluation.episodes.returns[0, number]!r}, then {total!r}; seed everything that it draws"
        )
    pictures = write_video(rendering.film(environment.id, environment.backend, dict(environment.options), played), path)
    facts = f"{plural(len(played.reward), 'step')}, return {total:.2f}, {plural(pictures, 'picture')}"
    if shown is policy:
        return f"wrote {path}: episode {number} of the evaluation, {facts}"
    return (
        f"wrote {path}: another episode by the same policy, on the backend gymnasium, because the backend "
        f"{policy.environment.backend} does not show the state of {environment.id}: {facts}"
    )


def write_video(film: Film, path: Path) -> int:
    """Write a film and return how many pictures it has in the file.

    Raises:
        UsageError: ffmpeg is not installed.
        PgsuiteError: the file cannot be written.
    """
    return _write_gif(film, path) if path.suffix.lower() == ".gif" else _write_mp4(film, path)


def _write_gif(film: Film, path: Path) -> int:
    from PIL import Image

    every = math.ceil(film.fps / FASTEST_GIF)
    images = [
        Image.fromarray(picture).quantize(_COLOURS, dither=Image.Dither.NONE)
        for picture in islice(film.pictures, 0, None, every)
    ]
    hundredths = max(2, round(100 * every / film.fps))
    content = BytesIO()
    images[0].save(
        content, "GIF", save_all=True, append_images=images[1:], duration=10 * hundredths, loop=0, optimize=False
    )
    write_atomic(path, lambda file: file.write(content.getbuffer()))
    return len(images)


def _write_mp4(film: Film, path: Path) -> int:
    pictures = map(_even, film.pictures)
    first = next(pictures)
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(6)}{path.suffix}")
    try:
        count = _encode(chain([first], pictures), temporary, first.shape[1::-1], film.fps)
        temporary.replace(path)
    except OSError as error:
        reason = " ".join(str(error).split())[:200]
        raise PgsuiteError(f"cannot write {path}: {reason}; check its permissions and the free space") from error
    finally:
        temporary.unlink(missing_ok=True)
    return count


def _encode(pictures: Iterator[Picture], path: Path, size: tuple[int, ...], fps: int) -> int:
    writer: Any = _ffmpeg().write_frames(str(path), size, fps=fps, macro_block_size=2, ffmpeg_log_level="error")
    writer.send(None)
    count = 0
    try:
        for picture in pictures:
            writer.send(picture)
            count += 1
    finally:
        writer.close()
    return count


def _even(picture: Picture) -> Picture:
    """Cut to an even number of rows and columns, which the codec wants."""
    height, width = picture.shape[:2]
    return np.ascontiguousarray(picture[: height - height % 2, : width - width % 2])


def _ffmpeg() -> Any:
    try:
        import imageio_ffmpeg
    except ImportError:
        raise UsageError("an MP4 needs ffmpeg: pip install 'pgsuite[video]', or write a .gif") from None
    return imageio_ffmpeg
