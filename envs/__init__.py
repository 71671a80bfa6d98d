"""Environments by id: independent seeded members in batches, score anchors, probe environments, exact models."""

from . import probes
from .anchors import Anchors, anchors, measure_random_return, normalise
from .exact import models as exact_models
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
