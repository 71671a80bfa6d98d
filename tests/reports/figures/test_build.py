from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from pgsuite.reports.figures import build, inline, save
from pgsuite.results.statistics.comparison import compare

from .conftest import comparison, suite

savefig = Figure.savefig


def test_each_section_has_its_figures(figures):
    sizes = {name: len(section) for name, section in figures._asdict().items()}
    assert sizes == {
        "curves": 4,
        "diagnostics": 4,
        "efficiency": 1,
        "profiles": 1,
        "aggregates": 2,
        "improvement": 2,
        "thresholds": 1,
        "bias_variance": 0,
        "curves_together": 1,
        "curves_by_training": 0,
        "diagnostics_together": 1,
    }


def test_every_drawing_has_a_name_of_its_own_a_caption_and_words(figures):
    drawings = [*figures.on_page(), *figures.curves_together, *figures.diagnostics_together]
    assert len({drawing.name for drawing in drawings}) == len(drawings)
    assert all(drawing.title and drawing.caption and len(drawing.description) > 40 for drawing in drawings)


def test_intervals_say_their_level():
    frame = suite(("trpo", "ppo"), ("CartPole-v1",), seeds=5, checkpoints=3)
    other = build(SimpleNamespace(**vars(comparison(frame)) | {"level": 0.9}))
    for section in (other.curves, other.efficiency, other.profiles, other.aggregates, other.improvement):
        assert all("90%" in drawing.caption for drawing in section)


def test_an_algorithm_has_one_colour_in_all_figures(figures):
    colours = {
        line.get_color()
        for drawing in [*figures.on_page(), *figures.curves_together, *figures.diagnostics_together]
        for axes in drawing.figure.axes
        for line in axes.lines
        if "--trpo--line" in (line.get_gid() or "")
    }
    assert colours == {"#009E73"}


def test_files_are_the_same_bytes_each_time_and_on_white(figures, tmp_path: Path):
    drawing = figures.efficiency[0]
    paths = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        paths.append(save(replace(drawing), tmp_path / name, ("png", "svg", "pdf")))
    assert [path.name for path in paths[0]] == ["efficiency.png", "efficiency.svg", "efficiency.pdf"]
    for first, second in zip(*paths, strict=True):
        assert first.read_bytes() == second.read_bytes()
    assert b"CreationDate" not in paths[0][2].read_bytes()
    with Image.open(paths[0][0]) as image:
        assert image.convert("RGBA").getpixel((2, 2)) == (255, 255, 255, 255)


def test_a_figure_of_the_page_that_is_a_file_too_is_drawn_once(figures, monkeypatch, tmp_path):
    drawing, drawn = replace(figures.efficiency[0]), []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: drawn.append(figure) or savefig(figure, *_, **__))
    inline(drawing)
    (path,) = save(drawing, tmp_path, ("svg",))
    assert drawn == [drawing.figure]
    assert b"fill: #ffffff" in path.read_bytes()


def test_files_of_names_that_try_to_act_are_written(hostile, tmp_path):
    assert all(path.stat().st_size > 1000 for path in save(hostile.aggregates[0], tmp_path, ("png", "svg", "pdf")))


@pytest.mark.parametrize("seeds", [1, 2])
def test_a_single_point_is_no_curve_and_stops_no_figure(seeds):
    figures = build(comparison(suite(("trpo",), ("CartPole-v1",), seeds=seeds, checkpoints=1)))
    assert not figures.curves
    assert figures.aggregates


def test_what_has_no_numbers_has_no_figure(compared):
    nothing = {name: value.iloc[:0] for name, value in vars(compared).items() if hasattr(value, "iloc")}
    figures = build(SimpleNamespace(**vars(compared) | nothing | {"frame": suite().iloc[:0]}))
    assert not any(figures)


def test_environments_without_anchors_have_curves_only():
    frame = suite(("trpo", "ppo"), ("CartPole-v1",)).assign(**{"anchor/random": np.nan, "anchor/reference": np.nan})
    compared = comparison(frame)
    for table in (compared.leaderboard, compared.profiles, compared.improvement, compared.efficiency):
        for column in {"estimate", "share", "probability", "iqm"} & set(table.columns):
            table[column] = np.nan
    compared.thresholds = compared.thresholds.iloc[:0]
    figures = build(compared)
    assert (len(figures.curves), len(figures.on_page())) == (1, 2)


def test_the_statistics_of_results_have_all_their_figures():
    frame = suite(("trpo", "ppo"), ("CartPole-v1", "Acrobot-v1"), seeds=5, checkpoints=4)
    compared = compare(frame, replicates=100)
    figures = build(compared)
    assert [len(section) for section in figures] == [2, 2, 1, 1, 2, 2, 1, 0, 1, 0, 1]
    board = compared.leaderboard.query("statistic == 'final' and metric == 'iqm' and label == 'trpo'").iloc[0]
    expected = f"IQM: trpo {board['estimate']:.2f} ({board['low']:.2f} to {board['high']:.2f}), ppo"
    assert expected in figures.aggregates[0].description
