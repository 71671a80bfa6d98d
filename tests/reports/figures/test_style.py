import pytest

from pgsuite.reports.style import KNOWN, line_styles


def test_our_algorithms_look_different_in_every_respect():
    assert line_styles(list(KNOWN)) == KNOWN
    for part in zip(*KNOWN.values(), strict=True):
        assert len(set(part)) == len(KNOWN)


def test_a_strangers_look_is_its_own_whoever_else_is_there():
    assert line_styles(["ppo"])["ppo"] == line_styles(["trpo", "npg", "ppo"])["ppo"]
    assert line_styles(["ppo"])["ppo"] != line_styles(["npg"])["npg"]


def test_a_strangers_look_is_never_a_known_colour():
    looks = line_styles([f"method-{number}" for number in range(50)]).values()
    assert not {look.colour for look in looks} & {look.colour for look in KNOWN.values()}


@pytest.mark.parametrize("order", [1, -1])
def test_no_two_lines_of_a_figure_look_alike_in_whatever_order_they_come(order):
    names = [f"method-{number}" for number in range(60)]  # of 96 looks: by hash alone, some would meet
    looks = line_styles(names[::order])
    assert len(set(looks.values())) == 60
    assert looks == line_styles(names)
