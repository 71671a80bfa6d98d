import numpy as np
import pandas as pd

from pgsuite.reports.figures.diagnostics import diagnostics_apart, diagnostics_together
from pgsuite.reports.figures.style import line_styles

STYLES = line_styles(["trpo", "reinforce"])


def frame(**metrics):
    """Five runs at steps 0 and 100; each metric's values at 100, NaN at 0."""
    runs = [
        {"env": "E", "label": "trpo", "seed": seed, "env_steps": steps, "status": "complete", "return_mean": 0.0}
        | {f"metric/{name}": values[seed] if steps else np.nan for name, values in metrics.items()}
        for seed in range(5)
        for steps in (0, 100)
    ]
    return pd.DataFrame(runs)


def test_line_is_the_median_and_band_the_quartiles():
    (drawing,) = diagnostics_apart(frame(kl=[0.05, 0.01, 0.02, 0.03, 0.04]), STYLES)
    (axes,) = drawing.figure.axes
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [[100, 0.03]])
    band = next(one for one in axes.collections if one.get_gid().endswith("--trpo--band--0"))
    heights = band.get_paths()[0].vertices[:, 1]
    np.testing.assert_allclose([heights.min(), heights.max()], [0.02, 0.04])
    assert axes.get_ylim()[0] < 0 < axes.get_ylim()[1]


def test_only_what_is_recorded_has_a_panel():
    (drawing,) = diagnostics_apart(frame(entropy=[1.0] * 5, gradient_norm=[2.0] * 5, loss=[3.0] * 5), STYLES)
    assert [axes.get_title("left") for axes in drawing.figure.axes] == ["Entropy (nats)", "Gradient norm"]
    assert diagnostics_apart(frame(), STYLES) == ()
    assert diagnostics_apart(frame(kl=[np.nan] * 5), STYLES) == ()


def test_a_quantity_over_decades_has_a_logarithmic_axis():
    (wide,) = diagnostics_apart(frame(gradient_norm=[1.0, 1.0, 100.0, 1e4, 1e4]), STYLES)
    (narrow,) = diagnostics_apart(frame(gradient_norm=[1.0, 1.0, 2.0, 3.0, 3.0]), STYLES)
    assert [drawing.figure.axes[0].get_yscale() for drawing in (wide, narrow)] == ["log", "linear"]


def test_a_hopeless_critic_does_not_flatten_the_others():
    (drawing,) = diagnostics_apart(frame(explained_variance=[-50.0, -50.0, 0.5, 0.9, 0.9]), STYLES)
    low, high = drawing.figure.axes[0].get_ylim()
    assert -1.2 < low < -1
    assert 1 < high < 1.2


def test_single_runs_are_on_the_page_only():
    data = frame(kl=[0.05, 0.01, 0.02, 0.03, 0.04])
    page, file = diagnostics_apart(data, STYLES)[0], diagnostics_together(data, STYLES)
    assert [
        sum("--runs" in one.get_gid() for one in drawing.figure.axes[0].collections) for drawing in (page, file)
    ] == [1, 0]


def test_words_have_the_medians():
    (drawing,) = diagnostics_apart(frame(kl=[0.05, 0.01, 0.02, 0.03, 0.04]), STYLES)
    assert drawing.description == "Medians at the last checkpoint on E. KL (nats): trpo 0.03."
