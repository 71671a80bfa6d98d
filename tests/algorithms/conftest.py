"""Bit-for-bit claims hold for one torch thread; property tests draw the same examples on every machine."""

import torch
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile("reproducible", derandomize=True, deadline=None, database=None)
settings.load_profile("reproducible")
