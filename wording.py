"""How numbers of things are said in a line, everywhere alike."""

from collections.abc import Iterable


def plural(number: int, noun: str, many: str = "") -> str:
    """``1 run``, ``10 runs``, ``2,048 steps``, ``2 batches`` where that is written as ``many``."""
    return f"{number:,} {noun if number == 1 else many or f'{noun}s'}"


def stretches(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """First and last of the numbers that follow each other, in the order given: ``(0, 4), (7, 7)``."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1] = found[-1][0], number
        else:
            found.append((number, number))
    return found


def written_seeds(seeds: Iterable[int]) -> str:
    """Seeds as a suite file has them, in the order given: ``0-4,7``."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in stretches(seeds))
