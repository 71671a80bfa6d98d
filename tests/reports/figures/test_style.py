import numpy as np
import pytest
from matplotlib.colors import to_rgb

from pgsuite.reports.figures.style import _COLOURS, KNOWN, NAMESAKES, line_styles


def test_our_algorithms_look_different_in_every_respect():
    assert line_styles(list(KNOWN)) == KNOWN
    for part in zip(*KNOWN.values(), strict=True):
        assert len(set(part)) == len(KNOWN)


def test_another_librarys_algorithm_has_the_colour_of_ours_and_is_told_apart_from_it():
    looks = line_styles([*KNOWN, *NAMESAKES])
    for theirs, ours in {"sb3-a2c": "actor-critic", "sb3-trpo": "trpo", "sb3-ppo": "ppo"}.items():
        assert looks[theirs].colour == looks[ours].colour
        assert looks[theirs].dash != looks[ours].dash
    assert len({look.marker for look in looks.values()}) == len(looks)


def test_a_strangers_look_is_its_own_whoever_else_is_there():
    assert line_styles(["dqn"])["dqn"] == line_styles(["trpo", "npg", "dqn"])["dqn"]
    assert line_styles(["dqn"])["dqn"] != line_styles(["npg"])["npg"]


def test_a_strangers_look_is_never_a_known_colour():
    looks = line_styles([f"method-{number}" for number in range(50)]).values()
    assert not {look.colour for look in looks} & {look.colour for look in KNOWN.values()}


@pytest.mark.parametrize("order", [1, -1])
def test_no_two_lines_of_a_figure_look_alike_in_whatever_order_they_come(order):
    names = [f"method-{number}" for number in range(60)]  # of 144 looks: by hash alone, some would meet
    looks = line_styles(names[::order])
    assert len(set(looks.values())) == 60
    assert looks == line_styles(names)


def test_strangers_have_colours_of_their_own_while_there_are_any():
    looks = line_styles([*KNOWN, "npg", "a2c", "mine (A)", "sac", "td3"]).values()
    assert len({look.colour for look in looks}) == 10


def test_strangers_have_marks_of_their_own_while_there_are_any():
    looks = line_styles(["sac", "npg", "a2c", "dqn"]).values()
    assert len({look.marker for look in looks}) == 4


def test_labels_of_merged_folders_keep_the_colour_of_their_algorithm_and_differ():
    looks = line_styles(["trpo (before)", "trpo (after)", "actor-critic", "trpo (x)", "trpo-like"])
    assert [look.colour == KNOWN["trpo"].colour for look in looks.values()] == [True, True, False, True, False]
    assert looks["trpo (after)"] == KNOWN["trpo"]
    for part in ("dash", "marker"):
        assert len({getattr(look, part) for name, look in looks.items() if name.startswith("trpo (")}) == 3


def test_strangers_of_one_colour_differ_in_their_dash_too_while_they_can():
    looks = line_styles([f"method-{number}" for number in range(16)]).values()
    assert len({(look.colour, look.dash) for look in looks}) == 16


def luminance(colour):
    """Relative luminance, WCAG 2.2."""
    parts = np.array(to_rgb(colour))
    return float(np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("colour", [*_COLOURS, *(look.colour for look in KNOWN.values())])
def test_every_line_is_seen_on_a_white_and_on_a_dark_page(colour):
    assert 1.05 / (luminance(colour) + 0.05) >= 3
    assert (luminance(colour) + 0.05) / (luminance("#16181d") + 0.05) >= 3


DICHROMATS = {  # Machado, Oliveira & Fernandes (2009), severity 1, on linear RGB
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def cielab(colour, vision):
    parts = np.array(to_rgb(colour))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(vision) @ linear, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    ratio = np.array(to_xyz) @ seen / [0.9505, 1, 1.089]
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", DICHROMATS.values(), ids=DICHROMATS)
def test_our_algorithms_are_told_apart_by_colour_blind_readers(vision):
    seen = [cielab(look.colour, vision) for look in KNOWN.values()]
    assert min(np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[:i]) > 12  # 2.3 is just noticeable
