"""``python -m pgsuite.cli``."""

from .main import main

main()
