import pytest

from pgsuite.reports.figures.names import fit, short_names, shorten, text_width, undrawn


def test_a_long_name_is_visibly_cut():
    assert shorten("x" * 28) == "x" * 28
    assert shorten("x" * 29) == "x" * 27 + "…"


def test_no_name_is_said():
    assert short_names(["", "a"]) == {"": "(no name)", "a": "a"}


def test_names_that_are_alike_when_cut_are_told_apart():
    short = short_names(["x" * 100, "x" * 101, "short"])
    assert len(set(short.values())) == 3
    assert max(map(len, short.values())) == 28
    assert short["short"] == "short"


@pytest.mark.parametrize("text", ["", "i", "W" * 40, "MountainCarContinuous-v0"])
def test_what_fits_fits(text):
    assert text_width(fit(text, 60.0, 9.0), 9.0) <= 60.0
    assert fit(text, 1e4, 9.0) == text


def test_width_is_in_points():
    # DejaVu Sans: the advance of an M is 0.863 of the font size; its ink is a little less.
    assert text_width("M" * 100, 10.0) == pytest.approx(863, rel=0.01)
    assert text_width("M" * 10, 10.0, bold=True) > text_width("M" * 10, 10.0)


def test_what_no_font_draws_is_named_once():
    assert undrawn(["trpo é λ", "a \U00012000\U00012001 \U00012000"]) == "\U00012000\U00012001"  # cuneiform


def test_a_chinese_letter_is_as_wide_as_it_is_high():
    assert text_width("漢" * 10, 10.0) == pytest.approx(100, rel=0.03)
