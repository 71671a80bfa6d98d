"""How numbers of things are said in a line, everywhere alike."""


def plural(number: int, noun: str, many: str = "") -> str:
    """``1 run``, ``10 runs``, ``2,048 steps``, ``2 batches`` where that is written as ``many``."""
    return f"{number:,} {noun if number == 1 else many or f'{noun}s'}"
