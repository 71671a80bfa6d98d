"""Shapes held to what a docstring says, once a call."""

from functools import cache
from typing import Any, Protocol


class _Array(Protocol):
    @property
    def shape(self) -> Any: ...


def check_shapes(**named: tuple[_Array, str]) -> None:
    """Hold arrays to their documented axes, such as ``gradient=(gradient, "S P")``; a letter means one size everywhere.

    ``...`` in front stands for any leading axes, the same for all that have it; ``T+1`` is one more than ``T``.

    Raises:
        ValueError: naming the array, its shape and the axes that it should have.
    """
    asked = tuple((text, array.shape) for array, text in named.values())
    if asked in _FITTING:  # as in every update but the first
        return
    sizes: dict[str, Any] = {}
    for name, (array, text) in named.items():
        shape = tuple(array.shape)
        letters, more = _axes(text)
        if letters[:1] == ("...",):
            split = len(shape) - len(letters) + 1
            found: tuple[Any, ...] = (shape[:split], *shape[split:]) if split >= 0 else ()
        else:
            found = shape
        if len(found) != len(letters) or any(
            sizes.setdefault(letter, size - n if n else size) != (size - n if n else size)
            for letter, size, n in zip(letters, found, more, strict=True)
        ):
            known = ", ".join(
                f"{letter} = {sizes[letter]}" for letter in letters if letter in sizes and letter != "..."
            )
            raise ValueError(f"{name} has shape {shape}, expected ({text}){' with ' if known else ''}{known}")
    if len(_FITTING) < _REMEMBERED:
        _FITTING.add(asked)


_FITTING: set[tuple[tuple[str, Any], ...]] = set()
"""Axes and shapes that were found to fit."""
_REMEMBERED = 10_000


@cache
def _axes(text: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The letters of ``"... T+1"``, and what is added to each."""
    words = [word.partition("+") for word in text.split()]
    return tuple(word[0] for word in words), tuple(int(word[2] or 0) for word in words)
