import numpy as np
import pytest
from PIL import Image

from pgsuite.envs.rendering import Film
from pgsuite.errors import UsageError
from pgsuite.suites.replay.video import check_target, write_video


def film(count, fps=25, size=(41, 61)):
    """A bar that moves two pixels a picture."""
    pictures = np.full((count, *size, 3), 255, np.uint8)
    for n, picture in enumerate(pictures):
        picture[:, 2 * n : 2 * n + 4] = (200, 0, 0)
    return Film(iter(pictures), fps)


def test_a_gif_shows_every_picture_in_the_environments_time(tmp_path):
    assert write_video(film(20), tmp_path / "x.gif") == 20
    with Image.open(tmp_path / "x.gif") as gif:
        assert (gif.n_frames, gif.size) == (20, (61, 41))
        for n in (0, 7, 19):
            gif.seek(n)
            assert gif.info["duration"] == 40
            red = (np.asarray(gif.convert("RGB"))[0] == (200, 0, 0)).all(1)
            assert np.flatnonzero(red).tolist() == list(range(2 * n, 2 * n + 4))


def test_pictures_that_do_not_change_still_take_their_time(tmp_path):
    still = np.zeros((5, 8, 8, 3), np.uint8)
    write_video(Film(iter(still), 50), tmp_path / "x.gif")
    with Image.open(tmp_path / "x.gif") as gif:
        assert sum(gif.seek(n) or gif.info["duration"] for n in range(gif.n_frames)) == 100


def test_a_gif_that_browsers_would_slow_down_leaves_pictures_out(tmp_path):
    """Worked by hand: of 125 pictures a second every third is shown, for 24 ms, which a GIF rounds to 20."""
    assert write_video(film(20, fps=125), tmp_path / "x.gif") == 7
    with Image.open(tmp_path / "x.gif") as gif:
        assert gif.info["duration"] == 20


def test_an_mp4_has_every_picture(tmp_path):
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    assert write_video(film(20), tmp_path / "x.mp4") == 20
    count, seconds = ffmpeg.count_frames_and_secs(str(tmp_path / "x.mp4"))
    assert (count, seconds) == (20, pytest.approx(0.8, abs=0.05))
    assert [path.name for path in tmp_path.iterdir()] == ["x.mp4"]


def test_a_failure_while_drawing_leaves_no_file(tmp_path):
    def broken():
        yield np.zeros((8, 8, 3), np.uint8)
        raise RuntimeError("no more")

    names = ["x.gif"]
    try:
        import imageio_ffmpeg  # noqa: F401

        names.append("x.mp4")
    except ImportError:
        pass
    for name in names:
        with pytest.raises(RuntimeError, match="no more"):
            write_video(Film(broken(), 10), tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "message"), [("x.avi", r"\.gif or \.mp4"), ("nowhere/x.gif", "does not exist")])
def test_a_target_that_cannot_be_is_refused_beforehand(name, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        check_target(tmp_path / name)


def test_without_ffmpeg_an_mp4_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    with pytest.raises(UsageError, match=r"pip install 'pgsuite\[video\]'"):
        check_target(tmp_path / "x.mp4")
    check_target(tmp_path / "x.gif")
