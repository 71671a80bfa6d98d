"""Environments by id: independent seeded members in batches, score anchors, probe environments, exact models."""

from . import exact_models, probes
from .anchors import Anchors, anchors, measure_random_return, normalise
from .make import describe, make
from .vector import Spec, Transition, VectorEnv

probes.register()
exact_models.register()

__all__ = [
    "Anchors",
    "Spec",
    "Transition",
    "VectorEnv",
    "anchors",
    "describe",
    "make",
    "measure_random_return",
    "normalise",
]
