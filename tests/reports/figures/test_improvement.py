import pandas as pd
import pytest

from pgsuite.reports.figures.improvement import _ink, improvement_figure
from pgsuite.reports.figures.style import line_styles

STYLES = line_styles(["trpo", "ppo", "a2c"])


def figure(*rows):
    table = pd.DataFrame(rows, columns=["x", "y", "probability", "low", "high"]).assign(statistic="final")
    return improvement_figure(table, STYLES)


def cell_texts(axes):
    """Texts by row and column."""
    found = {}
    for text in axes.texts:
        x, y = text.get_position()
        found.setdefault((int(y), int(x)), []).append(text)
    return found


def test_a_cell_is_row_over_column_and_its_mirror_the_complement():
    cells = cell_texts(figure(("trpo", "ppo", 0.8, 0.6, 0.95), ("a2c", "trpo", 0.4, 0.3, 0.55)).figure.axes[0])
    texts = {place: [text.get_text() for text in found] for place, found in cells.items()}
    assert texts[0, 1] == ["0.80", "0.60–0.95"]
    assert texts[1, 0] == ["0.20", "0.05–0.40"]
    assert texts[0, 2] == ["0.60", "0.45–0.70"]
    assert texts[1, 2] == ["no data"]
    assert texts[0, 0] == ["–"]


def test_bold_is_what_excludes_one_half():
    cells = cell_texts(figure(("trpo", "ppo", 0.8, 0.6, 0.95), ("a2c", "trpo", 0.4, 0.3, 0.55)).figure.axes[0])
    assert [cells[place][0].get_fontweight() for place in ((0, 1), (1, 0), (2, 0))] == ["bold", "bold", "normal"]


def test_colours_are_centred_at_one_half():
    mesh = figure(("trpo", "ppo", 0.8, 0.6, 0.95)).figure.axes[0].collections[0]
    assert mesh.get_clim() == (0.0, 1.0)
    assert mesh.get_array()[0, 1] == pytest.approx(0.8)
    assert min(mesh.get_cmap()(0.5)[:3]) > 0.9


def test_words_name_the_better_of_each_pair():
    words = figure(("trpo", "ppo", 0.2, 0.05, 0.4), ("a2c", "trpo", 0.4, 0.3, 0.55)).description
    assert (
        words == "Probability of improvement. ppo over trpo: 0.80 (0.60 to 0.95). trpo over a2c: 0.60 (0.45 to 0.70)."
    )


def test_ink_reads_on_its_cell():
    assert (_ink((1, 1, 1)), _ink((0.9, 0.7, 0.7)), _ink((0.1, 0.2, 0.5))) == ("#000000", "#000000", "#ffffff")
