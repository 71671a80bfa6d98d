"""Shapes against the axes that a docstring names, by hand."""

import pytest
import torch

from pgsuite.algorithms import Adam, adam_step, discounted_returns, generalised_advantage
from pgsuite.algorithms.shapes import check_shapes


def of(*shape: int) -> torch.Tensor:
    return torch.zeros(shape)


@pytest.mark.parametrize(
    "named",
    [
        {"x": (of(3, 4), "S P")},
        {"x": (of(3, 4), "S P"), "y": (of(3), "S")},
        {"x": (of(3, 4), "... T"), "y": (of(3, 5), "... T+1")},
        {"x": (of(4), "... T"), "y": (of(5), "... T+1")},
        {"x": (of(2, 3, 4), "... T"), "y": (of(2, 3, 4), "... T")},
    ],
)
def test_right_ones_pass(named):
    check_shapes(**named)


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"x": (of(3), "S P")}, r"x has shape \(3,\), expected \(S P\)"),
        ({"x": (of(3, 4, 1), "S P")}, r"x has shape \(3, 4, 1\), expected \(S P\)"),
        ({"x": (of(3, 4), "S P"), "y": (of(4), "S")}, r"y has shape \(4,\), expected \(S\) with S = 3"),
        (
            {"x": (of(3, 4), "... T"), "y": (of(3, 4), "... T+1")},
            r"y has shape \(3, 4\), expected \(... T\+1\) with T = 4",
        ),
        ({"x": (of(3, 4), "... T"), "y": (of(2, 4), "... T")}, r"y has shape \(2, 4\)"),
    ],
)
def test_wrong_ones_are_named(named, message):
    with pytest.raises(ValueError, match=message):
        check_shapes(**named)


def test_the_public_pieces_name_what_is_wrong():
    with pytest.raises(ValueError, match=r"gradient has shape \(2, 6\), expected \(S P\) with S = 2, P = 5"):
        adam_step(of(2, 5), of(2, 6), Adam.like(of(2, 5)), 0.1)
    with pytest.raises(ValueError, match=r"done has shape \(2, 6\)"):
        discounted_returns(of(2, 5), of(2, 6).bool(), 0.9)
    with pytest.raises(ValueError, match=r"value has shape \(2, 5\), expected \(... T\+1\) with T = 5"):
        generalised_advantage(of(2, 5), of(2, 5), of(2, 5).bool(), of(2, 5).bool(), 0.9, 0.9)
