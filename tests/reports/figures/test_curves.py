import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image

from pgsuite.reports import curves
from pgsuite.reports.style import KNOWN
from pgsuite.results import load


@pytest.fixture
def drawn(monkeypatch):
    """Figures as they are saved."""
    figures = []
    save = Figure.savefig

    def savefig(figure, *args, **kwargs):
        figures.append(figure)
        save(figure, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", savefig)
    return figures


def two_cells(folder):
    folder.cell("trpo", curves=[[0, 20, 40], [0, 60, 80], [0, 40, 90]])
    folder.cell("reinforce", curves=[[0, 10, 20], [0, 30, 40]])


def line_of(axes, algorithm):
    return next(line for line in axes.lines if to_hex(line.get_color()).upper() == KNOWN[algorithm].colour)


def test_the_line_is_the_mean_over_runs_and_the_band_its_interval(folder, drawn, tmp_path):
    two_cells(folder)
    curves.plot_curves(load(folder.path), tmp_path)
    axes = drawn[0].axes[0]
    np.testing.assert_allclose(line_of(axes, "trpo").get_xydata(), [[0, 0], [100, 40], [200, 70]])
    band = axes.collections[0].get_paths()[0].vertices
    # At 100 steps: 20, 60, 40 have s = 20, t(.975, 2) = 4.303: 40 ± 4.303 * 20 / sqrt(3).
    at_100 = band[band[:, 0] == 100, 1]
    np.testing.assert_allclose([at_100.min(), at_100.max()], [40 - 49.69, 40 + 49.69], atol=0.01)


def test_labels_say_what_is_shown(folder, drawn, tmp_path):
    two_cells(folder)
    folder.cell("trpo", "Acrobot-v1", curves=[[0, 1]])
    curves.plot_curves(load(folder.path), tmp_path)
    first, second = drawn[0].axes
    assert (first.get_title("left"), second.get_title("left")) == ("CartPole-v1", "Acrobot-v1")
    assert (first.get_title("right"), second.get_title("right")) == ("2 to 3 runs each", "1 run")
    assert first.get_xlabel() == "environment steps"
    assert "return" in first.get_ylabel()
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == ["trpo", "reinforce"]


def test_looks_do_not_depend_on_who_else_is_there(folder, drawn, tmp_path):
    two_cells(folder)
    frame = load(folder.path)
    curves.plot_curves(frame, tmp_path)
    curves.plot_curves(frame[frame["algorithm"] == "reinforce"], tmp_path)
    both, alone = (line_of(figure.axes[0], "reinforce") for figure in (drawn[0], drawn[2]))
    assert (both.get_marker(), both.get_linestyle()) == (alone.get_marker(), alone.get_linestyle())


def test_anchors_are_lines_where_they_lie_in_range(folder, drawn, tmp_path):
    folder.cell("trpo", curves=[[5, 60]], anchors={"random": 0.0, "reference": 1000.0})
    curves.plot_curves(load(folder.path), tmp_path)
    axes = drawn[0].axes[0]
    assert [text.get_text() for text in axes.texts] == ["random"]
    assert axes.get_ylim()[1] < 100


def test_files_are_sharp_textual_and_reproducible(folder, tmp_path):
    two_cells(folder)
    contents = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        png, svg = curves.plot_curves(load(folder.path), tmp_path / name)
        contents.append((png.read_bytes(), svg.read_bytes()))
    assert contents[0] == contents[1]
    with Image.open(png) as image:
        assert min(image.info["dpi"]) > 149
    tags = [element.tag.rpartition("}")[2] for element in ElementTree.parse(svg).iter()]
    assert tags.count("text") > 10
    assert b"dc:date" not in contents[0][1]


def test_a_diverged_run_is_drawn_apart_and_not_averaged(folder, drawn, tmp_path):
    folder.cell("trpo", curves=[[0, 20, 40], [0, 60, 80], [0, 999]], status={2: "diverged"})
    frame = load(folder.path)
    curves.plot_curves(frame, tmp_path)
    axes = drawn[0].axes[0]
    assert line_of(axes, "trpo").get_ydata()[1] == 40
    crosses = [line for line in axes.lines if line.get_marker() == "x"]
    np.testing.assert_array_equal(crosses[0].get_xydata(), [[100, 999]])
    assert "diverged run" in [text.get_text() for text in drawn[0].legends[0].get_texts()]


def test_a_cell_whose_runs_all_diverged_is_still_drawn(folder, drawn, tmp_path):
    folder.cell("trpo", curves=[[0, 20]], status={0: "diverged"})
    curves.plot_curves(load(folder.path), tmp_path)
    assert drawn[0].axes[0].get_title("right") == "no completed run"


def test_unfinished_runs_are_shown_as_far_as_all_have_come(folder):
    folder.cell("trpo", curves=[[0, 1, 2], [0, 3]], status={0: "partial", 1: "partial"})
    shown = curves.plotted_runs(load(folder.path))
    assert sorted(zip(shown["seed"], shown["env_steps"], strict=True)) == [(0, 0), (0, 100), (1, 0), (1, 100)]
    assert set(shown["runs"]) == {2}


def test_unfinished_runs_give_way_to_completed_ones(folder):
    folder.cell("trpo", curves=[[0, 1, 2], [0, 3]], status={1: "partial"})
    assert set(curves.plotted_runs(load(folder.path))["seed"]) == {0}


def test_nothing_to_draw_draws_nothing(folder, tmp_path):
    folder.cell("trpo", seeds=[0])
    assert curves.plot_curves(load(folder.path), tmp_path) == []
