import xml.etree.ElementTree as ElementTree

import numpy as np
from matplotlib.colors import to_hex
from PIL import Image

from pgsuite.reports.figures import curves, save
from pgsuite.reports.figures.style import KNOWN, line_styles
from pgsuite.results import load


def together(frame):
    """The drawing of all environments of a frame."""
    return curves.curves_together(frame, line_styles(tuple(dict.fromkeys(frame["label"]))), level=0.95)


def drawn(frame):
    """Its figure."""
    drawing = together(frame)
    return drawing and drawing.figure


def two_cells(folder):
    folder.cell("trpo", curves=[[0, 20, 40], [0, 60, 80], [0, 40, 90], [0, 30, 60], [0, 50, 80]])
    folder.cell("reinforce", curves=[[0, 10, 20], [0, 30, 40]])


def line_of(axes, algorithm):
    return next(line for line in axes.lines if to_hex(line.get_color()).upper() == KNOWN[algorithm].colour)


def test_the_line_is_the_mean_over_runs_and_the_band_its_interval(folder):
    two_cells(folder)
    axes = drawn(load(folder.path)).axes[0]
    np.testing.assert_allclose(line_of(axes, "trpo").get_xydata(), [[0, 0], [100, 40], [200, 70]])
    band = axes.collections[0].get_paths()[0].vertices
    # At 100 steps: 20, 60, 40, 30, 50 have s = sqrt(250), t(.975, 4) = 2.776: 40 ± 2.776 * sqrt(250 / 5).
    at_100 = band[band[:, 0] == 100, 1]
    np.testing.assert_allclose([at_100.min(), at_100.max()], [40 - 19.63, 40 + 19.63], atol=0.01)


def test_labels_say_what_is_shown(folder):
    two_cells(folder)
    folder.cell("trpo", "Acrobot-v1", curves=[[0, 1]])
    figure = drawn(load(folder.path))
    first, second = figure.axes
    assert (first.get_title("left"), second.get_title("left")) == ("CartPole-v1", "Acrobot-v1")
    assert (first.get_title("right"), second.get_title("right")) == ("2 to 5 runs each", "1 run")
    assert first.get_xlabel() == "environment steps"
    assert "return" in first.get_ylabel()
    assert [text.get_text() for text in figure.texts] == ["trpo", "reinforce"]


def test_looks_do_not_depend_on_who_else_is_there(folder):
    two_cells(folder)
    frame = load(folder.path)
    frames = (frame, frame[frame["algorithm"] == "reinforce"])
    both, alone = (line_of(drawn(one).axes[0], "reinforce") for one in frames)
    assert (both.get_marker(), both.get_linestyle()) == (alone.get_marker(), alone.get_linestyle())


def test_anchors_are_lines_where_they_lie_in_range(folder):
    folder.cell("trpo", curves=[[5, 60]], anchors={"random": 0.0, "reference": 1000.0})
    axes = drawn(load(folder.path)).axes[0]
    assert [text.get_text() for text in axes.texts] == ["random"]
    assert axes.get_ylim()[1] < 100


def test_files_are_sharp_textual_and_reproducible(folder, tmp_path):
    two_cells(folder)
    contents = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        png, svg, pdf = save(together(load(folder.path)), tmp_path / name, ("png", "svg", "pdf"))
        contents.append((png.read_bytes(), svg.read_bytes(), pdf.read_bytes()))
    assert contents[0] == contents[1]
    with Image.open(png) as image:
        assert min(image.info["dpi"]) > 149
    tags = [element.tag.rpartition("}")[2] for element in ElementTree.parse(svg).iter()]
    assert tags.count("text") > 10
    assert b"dc:date" not in contents[0][1]


def test_a_diverged_run_is_drawn_apart_and_not_averaged(folder):
    folder.cell("trpo", curves=[[0, 20, 40], [0, 60, 80], [0, 999]], status={2: "diverged"})
    figure = drawn(load(folder.path))
    axes = figure.axes[0]
    assert line_of(axes, "trpo").get_ydata()[1] == 40
    crosses = [line for line in axes.lines if line.get_marker() == "x"]
    np.testing.assert_array_equal(crosses[0].get_xydata(), [[100, 999]])
    assert "diverged run" in [text.get_text() for text in figure.texts]


def test_a_cell_whose_runs_all_diverged_is_still_drawn(folder):
    folder.cell("trpo", curves=[[0, 20]], status={0: "diverged"})
    assert drawn(load(folder.path)).axes[0].get_title("right") == "no completed run"


def test_nothing_to_draw_draws_nothing(folder):
    folder.cell("trpo", seeds=[0])
    assert drawn(load(folder.path)) is None


def test_few_runs_are_shown_themselves_instead_of_an_interval(folder):
    folder.cell("trpo", curves=[[0, 20], [0, 60], [0, 40], [0, 30]])
    (drawing,) = curves.curves_apart(load(folder.path), KNOWN, level=0.95)
    gids = {artist.get_gid() for artist in drawing.figure.axes[0].collections}
    assert gids == {f"{drawing.name}--trpo--few"}


def test_every_single_run_of_a_page_is_there(folder):
    two_cells(folder)
    (drawing,) = curves.curves_apart(load(folder.path), KNOWN, level=0.95)
    runs = next(one for one in drawing.figure.axes[0].collections if one.get_gid().endswith("--trpo--runs"))
    assert [path.vertices[-1].tolist() for path in runs.get_paths()] == [[200, y] for y in (40, 80, 90, 60, 80)]


def test_the_text_alternative_has_the_numbers(folder):
    two_cells(folder)
    folder.cell("actor-critic", curves=[[0, 1]], status={0: "diverged"})
    (drawing,) = curves.curves_apart(load(folder.path), KNOWN, level=0.95)
    assert drawing.description == (
        "Mean return at the last checkpoint on CartPole-v1: trpo 70.0 (5 runs), reinforce 30.0 (2 runs), "
        "actor-critic 1 diverged."
    )


def test_anchors_that_fall_together_have_one_label(folder):
    folder.cell("trpo", curves=[[1e202, 2e202], [2e202, 3e202]])
    figure = drawn(load(folder.path))
    assert [text.get_text() for text in figure.axes[0].texts] == ["random, ref."]


def test_the_band_stays_within_the_possible_returns(folder):
    folder.cell("trpo", curves=[[20, 100]] * 9 + [[30, 20]])
    bounded = load(folder.path).assign(**{"possible/lowest": 0.0, "possible/highest": 100.0})
    for frame, within in ((load(folder.path), False), (bounded, True)):
        band = drawn(frame).axes[0].collections[0].get_paths()[0].vertices
        assert (band[:, 1].max() <= 100) == within


def test_over_steps_of_training_a_curve_is_as_long_as_its_training(folder):
    """Two runs that tried their policies in 50 and 30 of the first hundred steps, and in 120 and 80 of all."""
    two_cells(folder)
    folder.cell("npg", curves=[[0, 10, 20], [0, 30, 40]])
    frame = load(folder.path)
    assert curves.curves_by_training(frame, KNOWN, level=0.95) == ()
    tried = frame["algorithm"] == "npg"
    frame["trained_steps"] = frame["env_steps"]
    frame.loc[tried, "metric/training_steps"] = [np.nan, 50, 80, np.nan, 70, 120]
    (drawing,) = curves.curves_by_training(frame, line_styles(("trpo", "reinforce", "npg")), level=0.95)
    axes = drawing.figure.axes[0]
    lines = {line.get_gid().split("--")[1]: line for line in axes.lines if "--line" in (line.get_gid() or "")}
    np.testing.assert_allclose(lines["npg"].get_xydata(), [[0, 0], [60, 20], [100, 30]])
    np.testing.assert_allclose(lines["trpo"].get_xdata(), [0, 100, 200])
    assert axes.get_xlabel() == "steps of training"


def test_steps_without_training_move_no_curve_on(folder):
    folder.cell("npg", curves=[[0, 10, 20]])
    frame = load(folder.path).assign(trained_steps=[0, 100, 200])
    frame["metric/training_steps"] = [np.nan, 100, 100]
    (drawing,) = curves.curves_by_training(frame, line_styles(("npg",)), level=0.95)
    (line,) = [one for one in drawing.figure.axes[0].lines if "--line" in (one.get_gid() or "")]
    np.testing.assert_allclose(line.get_xydata(), [[0, 0], [100, 20]])
