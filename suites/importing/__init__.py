"""Results from elsewhere, read and checked: tidy CSV, Stable-Baselines3's monitor files, RL Zoo's log folders.

Nothing is ever unpickled, and nothing is written here.
"""

from .files import Files, find_files
from .grid import check_common_grid, on_grid
from .runs import Episodes, ImportedRun
from .sb3 import Source, read_sb3
from .tidy import read_tidy

__all__ = [
    "Episodes",
    "Files",
    "ImportedRun",
    "Source",
    "check_common_grid",
    "find_files",
    "on_grid",
    "read_sb3",
    "read_tidy",
]
